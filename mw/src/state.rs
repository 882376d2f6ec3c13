//! The state of a chain as the rules see it: queries ([`ChainView`]) and changes ([`ChangeSet`]).
//!
//! A change set holds everything that one block adds and removes, so `undo ∘ apply` is the identity.
//! [`MemoryState`] is the straightforward implementation, which tests compare with stores on disk.

mod rewind_data;
mod unspent;

pub use rewind_data::RewindData;
pub use unspent::Unspent;

use crate::{
    amount::Height,
    block::Header,
    chain::Chain,
    codec::Encode,
    commitment::Commitment,
    hash::Hash,
    kernel::{Excess, Kernel},
    mmr::Peaks,
    output::Output,
    terms::Terms,
    trie::Trie,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
};

/// The last occurrence of an excess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Height of the block.
    pub height: Height,
    /// Whether the excess of that kernel may occur again.
    pub may_repeat: bool,
}

/// The two sets that a header commits to.
#[derive(Clone, Debug, Default)]
pub struct StateCommitments {
    /// All kernels, in the order of the chain.
    pub kernels: Peaks,
    /// All unspent outputs.
    pub outputs: Trie,
}

/// What the rules may ask of a chain.
pub trait ChainView {
    /// Why a store cannot answer. A store that fails must return an error, because `None` is an answer.
    type Error;

    /// The last connected header.
    fn tip(&self) -> &Header;

    /// The terms of the next height.
    fn terms(&self) -> &Terms;

    /// The commitments after that header; of the outputs some parts may not be loaded.
    fn commitments(&self) -> &StateCommitments;

    /// The trie of these commitments, with the paths of these keys loaded.
    ///
    /// # Errors
    /// If the store cannot answer.
    fn outputs(&self, keys: &[Hash]) -> Result<Trie, Self::Error>;

    /// The unspent output with this commitment.
    ///
    /// # Errors
    /// If the store cannot answer.
    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, Self::Error>;

    /// The last kernel with this excess.
    ///
    /// # Errors
    /// If the store cannot answer.
    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, Self::Error>;

    /// Whether a kernel with this id is in the chain.
    ///
    /// # Errors
    /// If the store cannot answer.
    fn has_kernel(&self, id: &Hash) -> Result<bool, Self::Error>;
}

/// A header with the commitments after it.
#[derive(Clone, Debug)]
pub struct Tip {
    /// The header.
    pub header: Header,
    /// The sets that it commits to.
    pub commitments: StateCommitments,
    /// The terms of the next height.
    pub terms: Terms,
}

impl Tip {
    /// The state before the first block.
    #[must_use]
    pub fn genesis(chain: &Chain) -> Self {
        Self {
            header: Header::genesis(chain),
            commitments: StateCommitments::default(),
            terms: chain.params().first_terms(),
        }
    }
}

/// The changes of one block.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// The state before.
    pub before: Tip,
    /// The state after.
    pub after: Tip,
    /// The outputs that it removes.
    pub spent: Vec<Unspent>,
    /// The outputs that it adds.
    pub created: Vec<Output>,
    /// The kernels that it adds.
    pub kernels: Vec<Kernel>,
}

/// A change set does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the change expects the state at block {expected}, but the state is at block {found}")]
pub struct WrongState {
    /// The header hash that the change expects.
    pub expected: Hash,
    /// The header hash of the state.
    pub found: Hash,
}

/// The state of a chain in memory.
///
/// ```
/// use sotto_mw::{MemoryState, testing::TestChain};
///
/// let mut ledger = TestChain::new(1);
/// let before = ledger.state().clone();
/// let (proposal, _) = ledger.propose(&[]).unwrap();
/// let block = ledger.seal(proposal.header, proposal.body);
/// let change = ledger.connect(&block).unwrap();
///
/// let mut state: MemoryState = ledger.state().clone();
/// state.undo(&change)?;
/// assert!(state == before);
/// # Ok::<(), sotto_mw::state::WrongState>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryState {
    tip: Tip,
    unspent: HashMap<Commitment, Unspent>,
    excesses: HashMap<Excess, BTreeMap<Height, bool>>,
    kernels: HashSet<Hash>,
}

impl MemoryState {
    /// The state before the first block.
    #[must_use]
    pub fn genesis(chain: &Chain) -> Self {
        Self {
            tip: Tip::genesis(chain),
            unspent: HashMap::new(),
            excesses: HashMap::new(),
            kernels: HashSet::new(),
        }
    }

    /// All unspent outputs, in no particular order.
    pub fn all_unspent(&self) -> impl Iterator<Item = &Unspent> {
        self.unspent.values()
    }

    /// Applies a change.
    ///
    /// # Errors
    /// [`WrongState`] unless this is the state before the change; nothing is changed then.
    pub fn apply(&mut self, change: &ChangeSet) -> Result<(), WrongState> {
        self.expect(&change.before.header)?;
        for u in &change.spent {
            self.unspent.remove(&u.output.commitment);
        }
        let created = change.after.header.height;
        for o in &change.created {
            self.unspent.insert(o.commitment, Unspent { created, output: o.clone() });
        }
        for k in &change.kernels {
            self.kernels.insert(k.id());
            self.excesses.entry(k.excess).or_default().insert(created, k.features.may_repeat());
        }
        self.tip = change.after.clone();
        Ok(())
    }

    /// Undoes a change.
    ///
    /// # Errors
    /// [`WrongState`] unless this is the state after the change; nothing is changed then.
    pub fn undo(&mut self, change: &ChangeSet) -> Result<(), WrongState> {
        self.expect(&change.after.header)?;
        for o in &change.created {
            self.unspent.remove(&o.commitment);
        }
        for u in &change.spent {
            self.unspent.insert(u.output.commitment, u.clone());
        }
        for k in &change.kernels {
            self.kernels.remove(&k.id());
            if let Some(seen) = self.excesses.get_mut(&k.excess) {
                seen.remove(&change.after.header.height);
            }
        }
        self.excesses.retain(|_, seen| !seen.is_empty());
        self.tip = change.before.clone();
        Ok(())
    }

    fn expect(&self, header: &Header) -> Result<(), WrongState> {
        let (expected, found) = (header.hash(), self.tip.header.hash());
        if expected == found { Ok(()) } else { Err(WrongState { expected, found }) }
    }
}

impl PartialEq for MemoryState {
    fn eq(&self, other: &Self) -> bool {
        let roots = |s: &Self| (s.tip.commitments.kernels.root(), s.tip.commitments.outputs.root());
        self.tip.header.to_bytes() == other.tip.header.to_bytes()
            && roots(self) == roots(other)
            && self.unspent == other.unspent
            && self.excesses == other.excesses
            && self.kernels == other.kernels
    }
}

impl ChainView for MemoryState {
    type Error = Infallible;

    fn tip(&self) -> &Header {
        &self.tip.header
    }

    fn terms(&self) -> &Terms {
        &self.tip.terms
    }

    fn commitments(&self) -> &StateCommitments {
        &self.tip.commitments
    }

    fn outputs(&self, _: &[Hash]) -> Result<Trie, Infallible> {
        Ok(self.tip.commitments.outputs.clone())
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, Infallible> {
        Ok(self.unspent.get(c).cloned())
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, Infallible> {
        let last = self.excesses.get(e).and_then(BTreeMap::last_key_value);
        Ok(last.map(|(height, may_repeat)| Sighting { height: *height, may_repeat: *may_repeat }))
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, Infallible> {
        Ok(self.kernels.contains(id))
    }
}
