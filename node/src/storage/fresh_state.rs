//! A state that is built anew from the base and the log, beside the store, to compare the store with.
//!
//! ```text
//! base ─▶ FreshState ─▶ connected block ─▶ FreshState ─▶ …        as the rules see a chain
//!
//! outputs after block h  =  { those of the store's index that were created up to h }   read part by part, not kept
//!                         ∪ { those that a later block spends }                         kept until then
//! ```
//!
//! The index *claims* what is unspent at the tip, at which height each kernel is, and where an excess was seen last. A claim
//! is used and found out: a part of outputs must have the hash that the blocks lead to, whose root each header states;
//! and since the index answers one thing for one kernel, a kernel that it names for every block that has one is in the
//! chain once. What the index does not claim is kept, so that no answer to the rules rests on a claim alone. Kept are
//! therefore the outputs that are spent later and the excesses that occur again; and the hashes of at most 65,536 parts.
//! Headers, kernels and unspent outputs stay where they are.
//!
//! An index that claims something false cannot tell whether a block or the index is wrong. Then the same is done with
//! [`Claims::Ignored`]: all is kept, some 200 bytes an output and 120 a kernel.

use super::{
    base::Base,
    chain_store::ChainStore,
    error::{IndexFault, StoreError},
    format::Head,
    index_check::after_block,
    index_outputs::UNLOAD_EVERY,
    located::Located,
    snapshot_part,
};
use sotto_mw::{
    amount::Height,
    block::Header,
    commitment::Commitment,
    hash::Hash,
    kernel::{Excess, Kernel},
    rules::{BlockChange, Connected},
    state::{ChainView, Sighting, StateCommitments, Unspent},
    terms::Terms,
    trie::{Entry, Part, Trie},
};
use std::collections::{BTreeMap, HashMap};

/// What is done with what the store's index claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    /// It is used, and found out if it is false.
    Used,
    /// Nothing is taken from it but where blocks are.
    Ignored,
}

/// The state of a chain, built anew.
#[derive(Debug)]
pub(crate) struct FreshState<'a> {
    store: &'a ChainStore,
    claims: Claims,
    head: Head,
    commitments: StateCommitments,
    /// Outputs that changed since the trie was cut back.
    changed: usize,
    /// Unspent outputs that the index does not claim, by their keys.
    outputs: BTreeMap<Hash, Located>,
    /// Kernels that the index does not claim at their height.
    kernels: HashMap<Hash, Height>,
    /// Excesses that the index does not claim to have been seen last.
    excesses: HashMap<Excess, Sighting>,
}

impl<'a> FreshState<'a> {
    /// The state before the log: the base's, or that of the genesis.
    pub(crate) fn begin(store: &'a ChainStore, claims: Claims) -> Result<Self, StoreError> {
        let mut state = Self {
            store,
            claims,
            head: Head::genesis(&store.chain),
            commitments: StateCommitments::default(),
            changed: 0,
            outputs: BTreeMap::new(),
            kernels: HashMap::new(),
            excesses: HashMap::new(),
        };
        if let Some(base) = Base::of(&store.files, &store.chain, &store.head)? {
            state.take_base(&base)?;
        }
        Ok(state)
    }

    /// Takes in the next block, which was connected to this state.
    pub(crate) fn take(&mut self, block: &Connected<BlockChange>) -> Result<(), StoreError> {
        let BlockChange { block, change } = block.get();
        let height = block.header.height;
        let at = self.store.place_of(height)?;
        for u in &change.spent {
            let key = Unspent::key(&u.output.commitment);
            // One that the index claims is unspent at the tip.
            self.outputs.remove(&key).ok_or(IndexFault::Output(u.output.commitment.encoded()))?;
        }
        Located::in_block(block, at).into_iter().try_for_each(|l| self.create(l))?;
        block.body.kernels.iter().try_for_each(|k| self.see(k, height))?;
        self.head = after_block(&self.head, block, &self.store.chain);
        self.commitments = change.after.commitments.clone();
        self.changed += change.spent.len() + change.created.len();
        if self.changed >= UNLOAD_EVERY {
            self.commitments.outputs = self.commitments.outputs.unloaded();
            self.changed = 0;
        }
        Ok(())
    }

    /// Whether the store has the same outputs in a part, and names the same places.
    pub(crate) fn agrees(&self, part: Part) -> Result<bool, StoreError> {
        Ok(self.part(part)? == self.store.part(part)?)
    }

    /// Keeps an output, unless the index claims it.
    fn create(&mut self, created: Located) -> Result<(), StoreError> {
        if !self.claimed(created.part())?.contains(&created) {
            self.outputs.insert(created.entry.key, created);
        }
        Ok(())
    }

    /// Keeps a kernel of the block at this height, unless the index claims that it is there, and its excess, unless it
    /// claims that it was seen last there.
    fn see(&mut self, k: &Kernel, height: Height) -> Result<(), StoreError> {
        let (id, seen) = (k.id(), Sighting { height, may_repeat: k.features.may_repeat() });
        let (there, last) = match self.claims {
            Claims::Used => (self.store.kernel_height(&id)?, self.store.last_seen(&k.excess)?),
            Claims::Ignored => (Some(Height::new(u64::MAX)), None),
        };
        let later = last.is_none_or(|last| last.height >= height);
        if there.is_none_or(|there| there < height) || !later {
            return Err(IndexFault::KernelEntry(id).into());
        }
        if there != Some(height) {
            self.kernels.insert(id, height);
        }
        if last == Some(seen) {
            self.excesses.remove(&k.excess);
        } else {
            self.excesses.insert(k.excess, seen);
        }
        Ok(())
    }

    /// What the index claims to be unspent in a part at the tip.
    fn claimed(&self, part: Part) -> Result<Vec<Located>, StoreError> {
        match self.claims {
            Claims::Used => self.store.part(part),
            Claims::Ignored => Ok(Vec::new()),
        }
    }

    /// The outputs of a part, which have the hash that the blocks lead to.
    fn part(&self, part: Part) -> Result<Vec<Located>, StoreError> {
        let mut all = self.claimed(part)?;
        all.retain(|l| l.created <= self.head.header.height);
        let kept = self.outputs.range(part.first_key()..).map(|(_, l)| *l);
        all.extend(kept.take_while(|l| l.part() == part));
        all.sort_unstable_by_key(|l| l.entry.key);
        // What is kept and claimed elsewhere: of one key twice there is no hash.
        if all.iter().zip(all.iter().skip(1)).any(|(a, b)| a.entry.key == b.entry.key) {
            return Err(IndexFault::Outputs.into());
        }
        let hash = (!all.is_empty()).then(|| Part::hash(&entries(&all)));
        if hash == self.commitments.outputs.part(part) { Ok(all) } else { Err(IndexFault::Outputs.into()) }
    }

    /// Takes in a base, part by part.
    fn take_base(&mut self, base: &Base) -> Result<(), StoreError> {
        let (mut hashes, mut left) = (Hashes::default(), (Height::GENESIS, 0));
        for (part, place) in base.parts(&self.store.files).zip(0..) {
            let part = part?;
            let at = base.offset(place).unwrap_or_default() + part.outputs_at();
            match part {
                snapshot_part::Part::Headers(..) => {}
                snapshot_part::Part::Kernels { kernels, .. } => {
                    kernels.iter().try_for_each(|k| self.see_below(k, &mut left))?;
                }
                snapshot_part::Part::Outputs { unspent, .. } => {
                    for l in Located::in_base(&unspent, at) {
                        hashes.add(l.entry);
                        self.create(l)?;
                    }
                }
            }
        }
        self.head = base.head(&self.store.files, &self.store.chain, self.store.head.first)?;
        let outputs = Trie::from_parts(self.head.header.output_count, &hashes.finish());
        if outputs.root() != self.head.header.output_root {
            return Err(IndexFault::Outputs.into());
        }
        self.commitments = StateCommitments { kernels: self.head.kernels.clone(), outputs };
        Ok(())
    }

    /// The next kernel of a base; `left` is the height of the one before, and how many its block still has.
    fn see_below(&mut self, k: &Kernel, (height, left): &mut (Height, u64)) -> Result<(), StoreError> {
        while *left == 0 {
            let before = match *height {
                Height::GENESIS => 0,
                height => self.store.block_place(height)?.kernels,
            };
            *height = height.next();
            *left = self.store.block_place(*height)?.kernels.saturating_sub(before);
        }
        *left -= 1;
        self.see(k, *height)
    }
}

fn entries(all: &[Located]) -> Vec<Entry> {
    all.iter().map(|l| l.entry).collect()
}

/// The hashes of parts whose entries come in the order of keys.
#[derive(Default)]
struct Hashes {
    done: Vec<(Part, Hash)>,
    /// The entries of the part that is not whole yet.
    entries: Vec<Entry>,
}

impl Hashes {
    fn add(&mut self, entry: Entry) {
        if self.entries.last().is_some_and(|last| Part::of(&last.key) != Part::of(&entry.key)) {
            self.end();
        }
        self.entries.push(entry);
    }

    fn end(&mut self) {
        let first = self.entries.first().map(|e| Part::of(&e.key));
        self.done.extend(first.map(|part| (part, Part::hash(&self.entries))));
        self.entries.clear();
    }

    fn finish(mut self) -> Vec<(Part, Hash)> {
        self.end();
        self.done
    }
}

impl ChainView for FreshState<'_> {
    type Error = StoreError;

    fn tip(&self) -> &Header {
        &self.head.header
    }

    fn terms(&self) -> &Terms {
        &self.head.terms
    }

    fn commitments(&self) -> &StateCommitments {
        &self.commitments
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, StoreError> {
        let mut outputs = self.commitments.outputs.clone();
        for key in keys {
            if let Some(part) = outputs.missing(key) {
                let all = entries(&self.part(part)?);
                outputs.load(part, all).map_err(|_| IndexFault::Outputs)?;
            }
        }
        Ok(outputs)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        let key = Unspent::key(c);
        let found = self.part(Part::of(&key))?.into_iter().find(|l| l.entry.key == key);
        found.map(|l| l.read(&self.store.files, &self.store.head)).transpose()
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, StoreError> {
        Ok(self.excesses.get(e).copied())
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, StoreError> {
        Ok(self.kernels.contains_key(id))
    }
}

#[cfg(test)]
impl FreshState<'_> {
    /// How many outputs, kernels and excesses are kept.
    pub(crate) fn kept(&self) -> [usize; 3] {
        [self.outputs.len(), self.kernels.len(), self.excesses.len()]
    }
}
