//! The consensus rules: the only place that accepts or rejects a transaction or a block.
//!
//! ```text
//! Block ──check──▶ WellFormed<Block> ──verify──▶ Verified<Block> ──connect──▶ Connected<BlockChange>
//!        shape                        seal, proofs, balance        the chain's state        ▲ the seal
//! Proposal ───────────────── the same at once, without the seal ──────────────▶ Connected<ProposalChange>
//! ```
//!
//! Only this module makes the last three types, and mempool, sealing, connection, reorganisation,
//! synchronisation and audit all use them. A chain without block bodies passes through the same functions
//! ([`pruned`]). Each rule has a number: a heading in `docs/RULES.md`, a function here, a variant of
//! [`Rejection`].
//!
//! Guaranteed: a value of these types has passed the named checks on one chain, which it remembers; used with
//! another chain, it is checked again. Not guaranteed: that a `Verified` value fits any state, or that a
//! `Connected` value fits a state other than the one it was checked against.
//!
//! ```
//! use sotto_mw::{Rejection, rules, state::ChainView, testing::TestChain};
//!
//! let mut ledger = TestChain::new(1);
//! let (proposal, _) = ledger.propose(&[])?;
//! let block = ledger.seal(proposal.header, proposal.body);
//!
//! let (chain, state) = (ledger.chain(), ledger.state());
//! let verified = rules::verify_block(chain, state.tip(), rules::check_block(chain, block.clone())?)?;
//! assert!(rules::connect_block(chain, state, verified).is_ok());
//!
//! let mut altered = block;
//! altered.header.time += 1; // the seal covers the header
//! let altered = rules::check_block(chain, altered)?;
//! assert_eq!(rules::verify_block(chain, state.tip(), altered).err(), Some(Rejection::Seal));
//! # Ok::<(), Rejection>(())
//! ```

mod balance;
mod batch;
mod changes;
mod context;
mod proofs;
pub mod pruned;
mod reward;
mod shape;
mod verdict;

use crate::{
    aggregate::aggregate,
    block::{Block, Header, Reward, Seal, SealedHeader},
    chain::{Chain, ChainId},
    error::{ConnectError, Rejection},
    hash::Hash,
    state::{ChainView, ChangeSet},
    terms::{Limits, SignedChange, Terms},
    transaction::{Body, Transaction},
};
pub use balance::{AuditError, SupplyAudit};
pub use changes::check_change;
pub use verdict::InvalidBlock;
use verdict::Unsealed;

/// What a judgement without the state depends on, beside the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    chain: ChainId,
    limits: Limits,
}

impl Mark {
    const fn of(chain: &Chain) -> Self {
        Self { chain: *chain.id(), limits: chain.terms().limits }
    }
}

/// A value whose shape was checked: order, weight, fees, encodings.
#[derive(Clone, Debug)]
pub struct WellFormed<T> {
    value: T,
    on: Mark,
}

/// A well-formed value whose proofs, signatures and balance were checked too.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    on: Mark,
}

/// A verified value that was checked against the state of a chain too.
#[derive(Clone, Debug)]
pub struct Connected<T> {
    value: T,
    parent: Hash,
}

impl<T> WellFormed<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }
}

impl<T> Verified<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }
}

impl<T> Connected<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// The hash of the tip's header in the state that it was checked against.
    pub const fn parent(&self) -> &Hash {
        &self.parent
    }
}

/// A block, and what it changes in the state.
#[derive(Clone, Debug)]
pub struct BlockChange {
    /// The block.
    pub block: Block,
    /// The changes.
    pub change: ChangeSet,
}

/// Checks the shape of a transaction.
///
/// # Errors
/// The first rule of MW-R01 to MW-R11, MW-R31, MW-R37 and MW-R40 that it breaks.
pub fn check_transaction(chain: &Chain, t: Transaction) -> Result<WellFormed<Transaction>, Rejection> {
    shape::transaction(chain, &t.body)?;
    Ok(WellFormed { value: t, on: Mark::of(chain) })
}

/// Verifies the proofs, signatures and balance of a transaction.
///
/// # Errors
/// MW-R13 to MW-R15 and MW-R32 to MW-R36.
pub fn verify_transaction(
    chain: &Chain,
    t: WellFormed<Transaction>,
) -> Result<Verified<Transaction>, Rejection> {
    let t = balanced(chain, t)?;
    proofs::body(chain, &t.value.body)?;
    Ok(Verified { value: t.value, on: t.on })
}

/// Verifies transactions with all their proofs and signatures in one batch, which costs each of them a fraction
/// of [`verify_transaction`], and gives each the same verdict. If the batch fails, each is verified by itself:
/// so one that is bad is named, none suffers for its neighbour, and its cost at most doubles.
///
/// # Errors
/// For each transaction those of [`verify_transaction`].
#[must_use]
pub fn verify_transactions(
    chain: &Chain,
    all: Vec<WellFormed<Transaction>>,
) -> Vec<Result<Verified<Transaction>, Rejection>> {
    let all: Vec<_> = all.into_iter().map(|t| balanced(chain, t)).collect();
    let together = proofs::bodies(chain, all.iter().flatten().map(|t| &t.value.body));
    let one = |t: WellFormed<Transaction>| {
        if !together {
            proofs::body(chain, &t.value.body)?;
        }
        Ok(Verified { value: t.value, on: t.on })
    };
    all.into_iter().map(|t| t.and_then(one)).collect()
}

/// What a transaction's verdict needs besides its proofs and signatures.
fn balanced(chain: &Chain, t: WellFormed<Transaction>) -> Result<WellFormed<Transaction>, Rejection> {
    let t = if t.on == Mark::of(chain) { t } else { check_transaction(chain, t.value)? };
    balance::keys(&t.value.body)?;
    balance::transaction(&t.value)?;
    Ok(t)
}

/// Checks a transaction against the state before its proofs are verified. A node that receives transactions
/// from strangers rejects hopeless ones here, at the cost of a few lookups. Success proves nothing.
///
/// # Errors
/// As [`connect_transaction`].
pub fn precheck_transaction<V: ChainView>(
    chain: &Chain,
    view: &V,
    t: &WellFormed<Transaction>,
) -> Result<(), ConnectError<V::Error>> {
    context::body(chain, view, &t.value.body).map(drop)
}

/// Checks that a transaction could enter the block after the tip of `view`.
///
/// # Errors
/// The first rule of MW-R24 to MW-R30 and MW-R38 that it breaks, or the failure of the store.
pub fn connect_transaction<V: ChainView>(
    chain: &Chain,
    view: &V,
    t: &Verified<Transaction>,
) -> Result<Connected<Transaction>, ConnectError<V::Error>> {
    let now = Mark { chain: *chain.id(), limits: view.terms().limits };
    if t.on.chain != now.chain {
        verify_transaction(chain, check_transaction(chain, t.value.clone())?)?;
    }
    if t.on.limits != now.limits {
        shape::transaction(&chain.under(view.terms()), &t.value.body)?;
    }
    context::body(chain, view, &t.value.body)?;
    Ok(Connected { value: t.value.clone(), parent: view.tip().hash() })
}

/// Checks the shape of a block.
///
/// # Errors
/// The first rule of MW-R01 to MW-R12, MW-R31 and MW-R37 that it breaks.
pub fn check_block(chain: &Chain, b: Block) -> Result<WellFormed<Block>, Rejection> {
    shape::block(chain, chain.terms(), &b.body)?;
    Ok(WellFormed { value: b, on: Mark::of(chain) })
}

/// Verifies a block against its parent's header: terms, seal, body hash, balance, signatures, proofs. The
/// chain must be under the terms of the block's height ([`Chain::under`]).
///
/// # Errors
/// The first rule of MW-R13 to MW-R21, MW-R32 to MW-R36, MW-R39 and MW-R40 that it breaks.
pub fn verify_block(
    chain: &Chain,
    parent: &Header,
    b: WellFormed<Block>,
) -> Result<Verified<Block>, Rejection> {
    let b = if b.on == Mark::of(chain) { b } else { check_block(chain, b.value)? };
    let Block { header, body, .. } = &b.value;
    let unsealed = Unsealed { header, body, terms: chain.terms() };
    let blocks = core::slice::from_ref(&b.value);
    batch::verified(chain, parent, blocks, &[unsealed]).map_err(|(_, why)| why)?;
    Ok(Verified { value: b.value, on: b.on })
}

/// Checks and verifies consecutive blocks, the first on top of `parent`, with all their proofs and signatures
/// in one batch. For small blocks this is many times faster than block by block. The number of blocks bounds
/// the memory. The chain must be under the terms of the first ([`Chain::under`]).
///
/// Returns the blocks before the first invalid one, and that one's height with the rule that it breaks: the
/// same verdict as [`check_block`] and [`verify_block`] in sequence.
#[must_use]
pub fn verify_blocks(
    chain: &Chain,
    parent: &Header,
    mut blocks: Vec<Block>,
) -> (Vec<Verified<Block>>, Option<InvalidBlock>) {
    let terms = batch::terms_of(chain, &blocks);
    let unsealed = batch::unsealed(&blocks, &terms);
    let shaped = batch::shaped(chain, &unsealed);
    let fit = batch::before_fault(&shaped, &unsealed);
    let verdict = batch::verified(chain, parent, &blocks, fit).and(shaped);
    let broken = verdict.err().map(|(i, why)| (blocks.split_off(i), why));
    let broken =
        broken.and_then(|(rest, why)| Some(InvalidBlock { height: rest.first()?.header.height, why }));
    let on = |terms: &Terms| Mark { chain: *chain.id(), limits: terms.limits };
    let verified = blocks.into_iter().zip(&terms).map(|(value, terms)| Verified { value, on: on(terms) });
    (verified.collect(), broken)
}

/// Checks a block against the state that it extends, and computes its changes.
///
/// # Errors
/// The first rule of MW-R18, MW-R22 to MW-R30, MW-R38 and MW-R39 that it breaks, or the failure of the store.
pub fn connect_block<V: ChainView>(
    chain: &Chain,
    view: &V,
    b: Verified<Block>,
) -> Result<Connected<BlockChange>, ConnectError<V::Error>> {
    let chain = &chain.under(view.terms());
    let b = if b.on == Mark::of(chain) {
        b
    } else {
        verify_block(chain, view.tip(), check_block(chain, b.value)?)?
    };
    let block = b.value;
    let change = connected(chain, view, &block.header, &block.body)?;
    Ok(Connected { parent: block.header.previous, value: BlockChange { block, change } })
}

/// MW-R18, MW-R19, MW-R22 to MW-R30, MW-R38 and MW-R39: the changes of a header and its body.
fn connected<V: ChainView>(
    chain: &Chain,
    view: &V,
    header: &Header,
    body: &Body,
) -> Result<ChangeSet, ConnectError<V::Error>> {
    context::follows(chain, view.tip(), view.terms(), header)?;
    let spent = context::body(chain, view, body)?;
    let (total_offset, time) = (header.total_offset, header.time);
    let extension = context::Extension { body, spent: &spent, total_offset, time };
    let after = context::next_tip(view, &extension)?;
    context::terms_follow(view.terms(), header, body)?;
    context::same_roots(&after.header, header)?;
    let (created, kernels) = (body.outputs.clone(), body.kernels.clone());
    Ok(ChangeSet { before: context::tip(view), after, spent, created, kernels })
}

/// A block without its seal.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The header to seal.
    pub header: Header,
    /// The body it commits to.
    pub body: Body,
}

impl Proposal {
    /// Adds a seal. The resulting block needs the same checks as any other.
    #[must_use]
    pub fn seal(self, seal: impl Into<Seal>) -> Block {
        Block { header: self.header, seal: seal.into(), body: self.body }
    }
}

/// A proposal that obeys every rule except the one on seals, and what it would change.
#[derive(Clone, Debug)]
pub struct ProposalChange {
    /// The proposal.
    pub proposal: Proposal,
    /// The changes.
    pub change: ChangeSet,
    chain: ChainId,
}

/// Checks a proposal for the block after the tip of `view` against every rule for blocks except the seal. A
/// sealer calls this before it seals a proposal of others.
///
/// # Errors
/// The first rule that it breaks, in the order of blocks, never MW-R21; or the failure of the store.
pub fn connect_proposal<V: ChainView>(
    chain: &Chain,
    view: &V,
    proposal: Proposal,
) -> Result<Connected<ProposalChange>, ConnectError<V::Error>> {
    let Proposal { header, body } = &proposal;
    let terms = view.terms();
    shape::block(chain, terms, body)?;
    batch::proposed(chain, view.tip(), Unsealed { header, body, terms })?;
    let change = connected(chain, view, header, body)?;
    let parent = header.previous;
    Ok(Connected { parent, value: ProposalChange { proposal, change, chain: *chain.id() } })
}

/// Adds the seal to a checked proposal. The block is connected without verifying its proofs again.
///
/// # Errors
/// MW-R21.
pub fn seal_proposal(
    chain: &Chain,
    p: Connected<ProposalChange>,
    seal: impl Into<Seal>,
) -> Result<Connected<BlockChange>, Rejection> {
    let Connected { value: ProposalChange { proposal, change, chain: checked_on }, parent } = p;
    let block = proposal.seal(seal);
    if checked_on != *chain.id() || !SealedHeader::of(&block).holds(&chain.under(&change.before.terms)) {
        return Err(Rejection::Seal);
    }
    Ok(Connected { value: BlockChange { block, change }, parent })
}

/// The contents of the next block.
#[derive(Clone, Debug)]
pub struct NextBlock<'a> {
    /// The transactions, all connected to the same state.
    pub transactions: &'a [Connected<Transaction>],
    /// The coinbase: reward and fees.
    pub reward: Reward,
    /// Seconds since 1970.
    pub time: u64,
    /// A change of the terms.
    pub change: Option<SignedChange>,
}

/// Builds the next block from its reward and from transactions that fit the state.
///
/// # Errors
/// The rule that the block would break, or the failure of the store. A conflict between transactions is the
/// rule that it would break in the block: MW-R24 for a double spend, MW-R25 for a double creation. MW-R18 if
/// a transaction was connected to a state other than `view`.
pub fn propose<V: ChainView>(
    chain: &Chain,
    view: &V,
    next: NextBlock<'_>,
) -> Result<Proposal, ConnectError<V::Error>> {
    let NextBlock { transactions, reward, time, change } = next;
    let (tip, height) = (view.tip().hash(), view.tip().height);
    if transactions.iter().any(|t| t.parent != tip) {
        return Err(Rejection::NotNext { tip, height }.into());
    }
    let joined = aggregate(transactions.iter().map(|t| t.value.clone())).map_err(Rejection::from)?;
    let mut body = joined.body;
    body.outputs.push(reward.output);
    body.kernels.push(reward.kernel);
    body.change = change.map(Box::new);
    let (body, terms) = (body.in_order(), view.terms());
    shape::block(chain, terms, &body)?;
    let spent = context::body(chain, view, &body)?;
    let total_offset = view.tip().total_offset + joined.offset;
    let after =
        context::next_tip(view, &context::Extension { body: &body, spent: &spent, total_offset, time })?;
    context::follows(chain, view.tip(), terms, &after.header)?;
    changes::in_block(chain, &Unsealed { header: &after.header, body: &body, terms })?;
    Ok(Proposal { header: after.header, body })
}
