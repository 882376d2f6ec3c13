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
//! only the genesis parameters, keeps the state in memory, and takes about as long as receiving all blocks
//! again.

use crate::storage::{
    Files, Store, StoreError,
    snapshot_check::{Checker, PrunedError},
    snapshot_format::{PartKind, Start},
    snapshot_part::Part,
};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header, SealedHeader},
    chain::Chain,
    codec::Encode,
    error::ConnectError,
    history::History,
    kernel::Kernel,
    mmr::Peaks,
    output::Output,
    rules::{self, InvalidBlock, SupplyAudit, connect_block, verify_blocks},
    state::{ChainView, ChangeSet, MemoryState, StateCommitments, Tip, Unspent},
    trie::{Entry, Trie},
};
use std::collections::BTreeMap;

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

/// How many headers, outputs and kernels are verified together.
const RUN: usize = 2_048;

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
    let mut sums = Audit::empty(tip.height, store.base());
    let mut state = match store.base_parts() {
        None => MemoryState::genesis(chain),
        Some((start, parts)) => {
            let done = |part, all| progress(scaled(part, all, store.base()), tip.height);
            pruned(chain, start, parts, (&mut sums, done))?
        }
    };
    let (mut run, mut items) = (Vec::new(), 0);
    for height in (store.base().get() + 1..=tip.height.get()).map(Height::new) {
        let block = store.block(height)?.ok_or(AuditError::Differs { what: "blocks" })?;
        sums.add_block(&block);
        items += 1 + block.body.outputs.len() + block.body.kernels.len();
        run.push(block);
        if items >= RUN || height == tip.height {
            connect(chain, &mut state, core::mem::take(&mut run), |h| progress(h, tip.height))?;
            items = 0;
        }
    }
    same_answers(store, &state)?;
    sums.supply = supply(chain, tip, store)?;
    for u in store.all_unspent() {
        sums.add_unspent(&u?);
    }
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

/// Verifies a base, and gives back the state it stands for.
fn pruned(
    chain: &Chain,
    start: &Start,
    parts: impl Iterator<Item = Result<Part, StoreError>>,
    (sums, mut progress): (&mut Audit, impl FnMut(u64, u64)),
) -> Result<MemoryState, AuditError> {
    let fault = |fault| PrunedError::Part { kind: PartKind::Headers, part: 0, fault };
    let mut checker = Checker::new(chain, &start.tip, start.count()).map_err(fault)?;
    let mut left = Remains::default();
    for (part, place) in parts.zip(0..) {
        let part = part?;
        checker.part(place, &part)?;
        left.add(part, sums);
        progress(u64::from(place) + 1, start.parts.len() as u64);
    }
    let judged = checker.finish()?;
    left.state(judged.history()).ok_or(AuditError::Differs { what: "pruned blocks" })
}

/// What pruning left, in the order of a chain.
#[derive(Default)]
struct Remains {
    headers: Vec<Header>,
    kernels: Vec<Kernel>,
    outputs: BTreeMap<Height, Vec<Output>>,
    leaves: Vec<Entry>,
}

impl Remains {
    fn add(&mut self, part: Part, sums: &mut Audit) {
        match part {
            Part::Headers(all, _) => {
                sums.bytes_cut_through += all.iter().map(|s| s.to_bytes().len() as u64).sum::<u64>();
                self.headers.extend(all.into_iter().map(|SealedHeader { header, .. }| header));
            }
            Part::Kernels { kernels, .. } => {
                sums.bytes_cut_through += kernels.iter().map(|k| k.to_bytes().len() as u64).sum::<u64>();
                sums.kernels += kernels.len() as u64;
                self.kernels.extend(kernels);
            }
            Part::Outputs { unspent, .. } => {
                sums.outputs_created += unspent.len() as u64;
                for u in unspent {
                    self.leaves.push(Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() });
                    self.outputs.entry(u.created).or_default().push(u.output);
                }
            }
        }
    }

    /// The state of the chain in which each block created only what is still unspent and nothing was ever
    /// spent.
    fn state(mut self, history: &History) -> Option<MemoryState> {
        let mut state = MemoryState::genesis(history.chain());
        let outputs = Trie::from_leaves(self.leaves).ok()?;
        let (mut kernels, mut rest) = (Peaks::new(), self.kernels.into_iter());
        let last = self.headers.len();
        for (header, n) in self.headers.into_iter().zip(1..) {
            let new = header.kernel_count.checked_sub(kernels.len())?;
            let added: Vec<Kernel> = rest.by_ref().take(usize::try_from(new).ok()?).collect();
            added.iter().for_each(|k| kernels.push(k.id()));
            // The tries in between are not needed.
            let outputs = if n == last { outputs.clone() } else { Trie::new() };
            let created = self.outputs.remove(&header.height).unwrap_or_default();
            let before = Tip {
                header: state.tip().clone(),
                commitments: state.commitments().clone(),
                terms: history.at(header.height).clone(),
            };
            let terms = history.at(header.height.next()).clone();
            let commitments = StateCommitments { kernels: kernels.clone(), outputs };
            let after = Tip { header, commitments, terms };
            state.apply(&ChangeSet { before, after, spent: Vec::new(), created, kernels: added }).ok()?;
        }
        Some(state)
    }
}

/// Every rule, as for blocks that arrive.
fn connect(
    chain: &Chain,
    state: &mut MemoryState,
    run: Vec<Block>,
    mut done: impl FnMut(Height),
) -> Result<(), AuditError> {
    let (verified, broken) = verify_blocks(&chain.under(state.terms()), &state.tip().clone(), run);
    for block in verified {
        let height = block.get().header.height;
        let connected = connect_block(chain, state, block).map_err(|e| match e {
            ConnectError::Refused(why) => InvalidBlock { height, why },
            ConnectError::View(never) => match never {},
        })?;
        state.apply(&connected.get().change).map_err(|_| AuditError::Differs { what: "blocks" })?;
        done(height);
    }
    broken.map_or(Ok(()), |broken| Err(broken.into()))
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
