//! The audit: everything on disk, verified anew, as if each block had just arrived.
//!
//! ```text
//! every record of the log is whole · every block passes every rule on top of the one before (seal, balance,
//! signatures, range proofs, roots) · the state that results is the one the store answers from ·
//! Σ unspent = supply·H + Σ excesses + offset·G
//! ```
//!
//! It trusts nothing but the genesis parameters, keeps the state in memory, and takes about as long as receiving all
//! blocks again.

use crate::edge::store::{Files, Store, StoreError};
use mw::{
    amount::{Amount, Height},
    block::{Block, Header},
    error::{ConnectError, Rejection},
    kernel::Kernel,
    rules::{self, SupplyAudit, check_block, connect_block, params::Chain, verify_block},
    state::{ChainView, MemoryState, Unspent},
    wire::Encode,
};

/// What an audit found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The last block's height.
    pub height: Height,
    /// Kernels in the chain.
    pub kernels: u64,
    /// Unspent outputs.
    pub unspent: u64,
    /// Base units in existence.
    pub supply: Amount,
    /// Outputs ever created by a block.
    pub outputs_created: u64,
    /// Bytes of all blocks.
    pub bytes_of_blocks: u64,
    /// Bytes that are left when the whole chain is cut through: headers with seals, kernels, unspent outputs.
    pub bytes_cut_through: u64,
}

/// What an audit found wrong.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store cannot give it back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A rule refuses a block.
    #[error("block {height} breaks a rule: {why}; this chain must not be used")]
    Block {
        /// Its height.
        height: Height,
        /// The rule.
        why: Rejection,
    },
    /// The supply does not add up.
    #[error(transparent)]
    Supply(#[from] rules::AuditError),
    /// The store answers something else than its blocks say.
    #[error("the store's {what} are not those of its blocks: remove its index, and opening rebuilds it")]
    Differs {
        /// What differs.
        what: &'static str,
    },
}

/// Audits a store; `progress` is called after each block, with its height and the tip's.
///
/// # Errors
/// The first thing that is wrong.
pub fn audit<F: Files>(
    store: &Store<F>,
    mut progress: impl FnMut(Height, Height),
) -> Result<Audit, AuditError> {
    store.check_log()?;
    let (chain, tip) = (store.chain(), store.tip());
    let mut state = MemoryState::genesis(chain);
    let mut sums = Audit::empty(tip.height);
    for height in (1..=tip.height.get()).map(Height::new) {
        let block = store.block(height)?.ok_or(AuditError::Differs { what: "blocks" })?;
        sums.add_block(&block);
        connect(chain, &mut state, block).map_err(|why| AuditError::Block { height, why })?;
        progress(height, tip.height);
    }
    same_answers(store, &state)?;
    sums.supply = supply(chain, tip, store)?;
    for u in store.all_unspent() {
        sums.add_unspent(&u?);
    }
    Ok(sums)
}

impl Audit {
    fn empty(height: Height) -> Self {
        Self {
            height,
            kernels: 0,
            unspent: 0,
            supply: Amount::ZERO,
            outputs_created: 0,
            bytes_of_blocks: 0,
            bytes_cut_through: 0,
        }
    }

    fn add_block(&mut self, b: &Block) {
        let kernels: usize = b.body.kernels.iter().map(|k| k.to_bytes().len()).sum();
        let header = b.header.to_bytes().len() + b.seal.to_bytes().len();
        self.kernels += b.body.kernels.len() as u64;
        self.outputs_created += b.body.outputs.len() as u64;
        self.bytes_of_blocks += b.to_bytes().len() as u64;
        self.bytes_cut_through += (header + kernels) as u64;
    }

    fn add_unspent(&mut self, u: &Unspent) {
        self.unspent += 1;
        self.bytes_cut_through += u.output.to_bytes().len() as u64;
    }
}

/// Every rule, as for a block that arrives.
fn connect(chain: &Chain, state: &mut MemoryState, block: Block) -> Result<(), Rejection> {
    let verified = verify_block(chain, state.tip(), check_block(chain, block)?)?;
    let connected = connect_block(chain, state, verified).map_err(|e| match e {
        ConnectError::Refused(r) => r,
        ConnectError::View(never) => match never {},
    })?;
    let (tip, height) = (state.tip().hash(), state.tip().height);
    state.apply(&connected.get().change).map_err(|_| Rejection::NotNext { tip, height })
}

/// Whether the store answers what the blocks lead to.
fn same_answers<F: Files>(store: &Store<F>, state: &MemoryState) -> Result<(), AuditError> {
    let differs = |what| AuditError::Differs { what };
    if state.tip() != store.tip() {
        return Err(differs("headers"));
    }
    for u in store.all_unspent() {
        let u = u?;
        let Ok(ours) = state.unspent(&u.output.commitment);
        if ours.as_ref() != Some(&u) {
            return Err(differs("unspent outputs"));
        }
    }
    for k in store.kernels() {
        let Kernel { excess, .. } = k?;
        let Ok(ours) = state.last_seen(&excess);
        if store.last_seen(&excess)? != ours {
            return Err(differs("excesses"));
        }
    }
    Ok(())
}

/// Σ unspent against supply·H + Σ excesses + offset·G.
fn supply<F: Files>(chain: &Chain, tip: &Header, store: &Store<F>) -> Result<Amount, AuditError> {
    let mut sums = SupplyAudit::default();
    for u in store.all_unspent() {
        sums.add_unspent(&u?.output.commitment);
    }
    for k in store.kernels() {
        sums.add_kernel(&k?.excess);
    }
    Ok(sums.finish(chain, tip.height, &tip.total_offset)?)
}
