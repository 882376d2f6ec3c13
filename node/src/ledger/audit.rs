//! The audit: verifies everything on disk anew, as if each block had just arrived.
//!
//! ```text
//! every record of the log is whole · every block passes every rule on top of the one before (seal, balance,
//! signatures, range proofs, roots) · the state that results is the one the store answers from ·
//! Σ unspent = supply·H + Σ excesses + offset·G
//! ```
//!
//! Of pruned blocks it verifies what is left ([`snapshot_check`](crate::storage::snapshot_check)):
//! [`Audit::pruned`] is the last of their heights, and [`UNCHECKED`] lists what is lost. The audit trusts
//! only the genesis parameters. In memory it keeps two runs of blocks, the outputs that a later block spends
//! (`storage::fresh_state`) and some 150 bytes for each pruned block, and it takes about as long as receiving all blocks again, on
//! all cores.

use crate::storage::{
    Store, StoreError,
    fresh_state::{Claims, FreshState},
    index_check::StoredBlock,
    snapshot_check::{Checker, PrunedError},
    snapshot_format::{PartKind, Start},
    snapshot_part::Part,
};
use rayon::prelude::*;
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    chain::Chain,
    codec::Encode,
    error::ConnectError,
    rules::{self, InvalidBlock, SupplyAudit, Verified, connect_block, verify_blocks},
    state::{ChainView, Unspent},
};

/// What pruning can no longer check of the blocks it dropped, with the rules (`docs/RULES.md`).
pub const UNCHECKED: [&str; 5] = [
    "that past bodies were those of their headers, their order and weight, nothing created and spent at once (R20 R01 R02 R03)",
    "whether fees paid for all of the weight (R09)",
    "the root of unspent outputs at past heights, encodings and range proofs of spent outputs (R23 R04 R05 R13)",
    "the balance of each block alone, and that it had one reward, exact (R15 R12 R16)",
    "that inputs were unspent and mature when they were spent, and outputs new (R24 R25 R26)",
];

/// What an audit found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The last block's height.
    pub height: Height,
    /// Up to this height blocks were verified without their bodies; the genesis, if none was.
    pub pruned: Height,
    /// Kernels in the chain.
    pub kernels: u64,
    /// Unspent outputs.
    pub unspent: u64,
    /// Base units in existence.
    pub supply: Amount,
    /// Outputs that the audit verified: the unspent ones of pruned blocks, and all of the others.
    pub outputs_created: u64,
    /// Bytes of all blocks whose bodies are here.
    pub bytes_of_blocks: u64,
    /// Bytes that are left when the whole chain is cut through: headers with seals, kernels, unspent outputs.
    pub bytes_cut_through: u64,
}

/// What an audit found wrong.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is left of pruned blocks is not a chain that obeys the rules.
    #[error("pruned blocks: {0}; this chain must not be used")]
    Pruned(#[from] PrunedError),
    /// A rule refuses a block.
    #[error("{0}; this chain must not be used")]
    Block(#[from] InvalidBlock),
    /// The supply does not add up.
    #[error(transparent)]
    Supply(#[from] rules::AuditError),
    /// The store's answers differ from its blocks.
    #[error("the store's {what} are not those of its blocks: remove its index, and opening rebuilds it")]
    Differs {
        /// What differs.
        what: &'static str,
    },
}

/// About how many bytes of blocks are verified together: some 2,500 outputs.
const RUN_BYTES: usize = 2 << 20;

/// Blocks that were verified, and the first after them that was not.
type Run = (Vec<Verified<Block>>, Option<InvalidBlock>);

/// Audits a store; `progress` is called after each block, with its height and the tip's.
///
/// # Errors
/// The first thing that is wrong.
pub fn audit(store: &Store, mut progress: impl FnMut(Height, Height)) -> Result<Audit, AuditError> {
    store.check_log()?;
    let tip = store.tip();
    let mut sums = Audit::empty(tip.height, store.base());
    if let Some((start, parts)) = store.base_parts() {
        let done = |part, all| progress(scaled(part, all, store.base()), tip.height);
        pruned(store.chain(), start, parts, (&mut sums, done))?;
    }
    match replay(store, Claims::Used, sums.clone(), &mut progress) {
        // The index is wrong, or the blocks are: what they lead to by themselves decides.
        Err(AuditError::Store(StoreError::Index { .. }) | AuditError::Differs { .. }) => {
            replay(store, Claims::Ignored, sums, &mut progress)
        }
        verdict => verdict,
    }
}

/// Connects all blocks, one after the other, and compares what they lead to with the store.
fn replay(
    store: &Store,
    claims: Claims,
    mut sums: Audit,
    progress: &mut impl FnMut(Height, Height),
) -> Result<Audit, AuditError> {
    let (chain, tip) = (store.chain(), store.tip());
    let mut state = FreshState::begin(store, claims)?;
    let mut next = store.base().next();
    let (mut parent, mut terms) = (state.tip().clone(), state.terms().clone());
    let mut ready: Option<Run> = None;
    // While one run is verified, the one before is connected.
    while ready.as_ref().is_none_or(|(_, broken)| broken.is_none()) {
        let run = run(store, &mut next)?;
        let Some(last) = run.last() else { break };
        let (under, before) = (chain.under(&terms), core::mem::replace(&mut parent, last.header.clone()));
        for block in &run {
            sums.add_block(block);
            terms = terms.after(block.header.height, block.body.terms_change());
        }
        let (mut verified, mut connected) = (None, Ok(()));
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| verified = Some(verify_blocks(&under, &before, run)));
            let ready = ready.take().unwrap_or_default();
            connected = connect(chain, &mut state, ready, |h| progress(h, tip.height));
        });
        connected?;
        ready = verified;
    }
    connect(chain, &mut state, ready.unwrap_or_default(), |h| progress(h, tip.height))?;
    sums.supply = same_answers(store, &state, &mut sums)?;
    Ok(sums)
}

impl Audit {
    fn empty(height: Height, pruned: Height) -> Self {
        Self {
            height,
            pruned,
            kernels: 0,
            unspent: 0,
            supply: Amount::ZERO,
            outputs_created: 0,
            bytes_of_blocks: 0,
            bytes_cut_through: 0,
        }
    }

    fn add_part(&mut self, part: &Part) {
        match part {
            Part::Headers(all, _) => {
                self.bytes_cut_through += all.iter().map(|s| s.to_bytes().len() as u64).sum::<u64>();
            }
            Part::Kernels { kernels, .. } => {
                self.bytes_cut_through += kernels.iter().map(|k| k.to_bytes().len() as u64).sum::<u64>();
                self.kernels += kernels.len() as u64;
            }
            Part::Outputs { unspent, .. } => self.outputs_created += unspent.len() as u64,
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

/// The height that stands for `part` of `all`.
fn scaled(part: u64, all: u64, height: Height) -> Height {
    Height::new(
        u64::try_from(u128::from(height.get()) * u128::from(part) / u128::from(all.max(1))).unwrap_or(0),
    )
}

/// Verifies a base.
fn pruned(
    chain: &Chain,
    start: &Start,
    parts: impl Iterator<Item = Result<Part, StoreError>>,
    (sums, mut progress): (&mut Audit, impl FnMut(u64, u64)),
) -> Result<(), AuditError> {
    let fault = |fault| PrunedError::Part { kind: PartKind::Headers, part: 0, fault };
    let mut checker = Checker::new(chain, &start.tip, start.count()).map_err(fault)?;
    for (part, place) in parts.zip(0..) {
        let part = part?;
        checker.part(place, &part)?;
        sums.add_part(&part);
        progress(u64::from(place) + 1, start.parts.len() as u64);
    }
    checker.finish()?;
    Ok(())
}

/// The blocks from a height on that are verified together, decoded over all cores; none above the tip.
fn run(store: &Store, next: &mut Height) -> Result<Vec<Block>, StoreError> {
    let (mut stored, mut bytes) = (Vec::new(), 0);
    while *next <= store.tip().height && bytes < RUN_BYTES {
        let block = store.undecoded(*next)?;
        bytes += block.bytes.len();
        stored.push(block);
        *next = next.next();
    }
    let decoded: Vec<_> = stored.par_iter().map(StoredBlock::decode).collect();
    decoded.into_iter().collect()
}

/// The rules of the chain so far, for blocks that obey all others.
fn connect(
    chain: &Chain,
    state: &mut FreshState<'_>,
    (verified, broken): Run,
    mut done: impl FnMut(Height),
) -> Result<(), AuditError> {
    for block in verified {
        let height = block.get().header.height;
        let connected = connect_block(chain, state, block).map_err(|e| match e {
            ConnectError::Refused(why) => AuditError::Block(InvalidBlock { height, why }),
            ConnectError::View(e) => e.into(),
        })?;
        state.take(&connected)?;
        done(height);
    }
    broken.map_or(Ok(()), |broken| Err(broken.into()))
}

/// Whether the store answers what the blocks lead to; returns the supply, once Σ unspent is
/// supply·H + Σ excesses + offset·G.
fn same_answers(store: &Store, state: &FreshState<'_>, sums: &mut Audit) -> Result<Amount, AuditError> {
    let differs = |what| AuditError::Differs { what };
    let (tip, mut supply) = (store.tip(), SupplyAudit::default());
    if state.tip() != tip {
        return Err(differs("headers"));
    }
    store.has_whole_index()?;
    for (part, _) in store.commitments().outputs.parts() {
        if !state.agrees(part)? {
            return Err(differs("unspent outputs"));
        }
    }
    for u in store.all_unspent() {
        let u = u?;
        supply.add_unspent(&u.output.commitment);
        sums.add_unspent(&u);
    }
    for k in store.kernels() {
        supply.add_kernel(&k?.excess);
    }
    Ok(supply.finish(store.chain(), tip.height, &tip.total_offset)?)
}

#[cfg(test)]
mod tests;
