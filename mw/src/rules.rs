//! The consensus rules: the only place where a transaction or a block is judged.
//!
//! ```text
//! Block ──check──▶ WellFormed<Block> ──verify──▶ Verified<Block> ──connect──▶ Connected<BlockChange>
//!        shape                        seal, proofs, balance        the chain's state        ▲ the seal
//! Proposal ───────────────── the same at once, but for the seal ──────────────▶ Connected<ProposalChange>
//! ```
//!
//! Only this module makes the last three, and mempool, sealing, connection, reorganisation, sync and audit all pass through
//! them; what is left of blocks without bodies passes through the same functions ([`pruned`]). Each rule has a number: a
//! heading in `docs/RULES.md`, a function here, a variant of [`Rejection`].
//!
//! A value remembers the chain on which it was judged. On another chain it counts for nothing: it is judged anew there.

mod balance;
mod batch;
mod context;
mod proofs;
pub mod pruned;
mod reward;
mod shape;
mod verdict;

use crate::{
    aggregate::aggregate,
    block::{Block, Header, SealedHeader},
    chain::{Chain, ChainId},
    error::{ConnectError, Rejection},
    hash::Hash,
    kernel::Kernel,
    output::Output,
    schnorr::Signature,
    state::{ChainView, ChangeSet},
    transaction::{Body, Transaction},
};
pub use balance::{AuditError, SupplyAudit};
pub use verdict::InvalidBlock;
use verdict::Unsealed;

/// Its shape was checked: order, weight, fees, encodings.
#[derive(Clone, Debug)]
pub struct WellFormed<T> {
    value: T,
    chain: ChainId,
}

/// Its proofs, signatures and balance were checked too.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    chain: ChainId,
}

/// It was checked against a chain's state too.
#[derive(Clone, Debug)]
pub struct Connected<T> {
    value: T,
    parent: Hash,
}

impl<T> WellFormed<T> {
    /// What was checked.
    pub const fn get(&self) -> &T {
        &self.value
    }
}

impl<T> Verified<T> {
    /// What was checked.
    pub const fn get(&self) -> &T {
        &self.value
    }
}

impl<T> Connected<T> {
    /// What was checked.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// The header hash of the state it was checked against.
    pub const fn parent(&self) -> &Hash {
        &self.parent
    }
}

/// A block that was checked against the state, with what it changes there.
#[derive(Clone, Debug)]
pub struct BlockChange {
    /// The block.
    pub block: Block,
    /// What it changes.
    pub change: ChangeSet,
}

/// Checks a transaction's shape.
///
/// # Errors
/// The first rule of MW-R01 to MW-R11 that refuses it.
pub fn check_transaction(chain: &Chain, t: Transaction) -> Result<WellFormed<Transaction>, Rejection> {
    shape::transaction(chain, &t.body)?;
    Ok(WellFormed { value: t, chain: *chain.id() })
}

/// Verifies a transaction's proofs, signatures and balance.
///
/// # Errors
/// MW-R13, MW-R14 or MW-R15.
pub fn verify_transaction(
    chain: &Chain,
    t: WellFormed<Transaction>,
) -> Result<Verified<Transaction>, Rejection> {
    let t = if t.chain == *chain.id() { t } else { check_transaction(chain, t.value)? };
    balance::transaction(&t.value)?;
    proofs::body(chain, &t.value.body)?;
    Ok(Verified { value: t.value, chain: t.chain })
}

/// What the chain's state says to a transaction before its proofs are looked at: whoever must judge what strangers send finds out
/// here, by a few look-ups, what no proof could help. It vouches for nothing.
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

/// Checks that a transaction could enter the block after `view`'s tip.
///
/// # Errors
/// The first rule of MW-R24 to MW-R30 that refuses it, or the store's failure.
pub fn connect_transaction<V: ChainView>(
    chain: &Chain,
    view: &V,
    t: &Verified<Transaction>,
) -> Result<Connected<Transaction>, ConnectError<V::Error>> {
    if t.chain != *chain.id() {
        verify_transaction(chain, check_transaction(chain, t.value.clone())?)?;
    }
    context::body(chain, view, &t.value.body)?;
    Ok(Connected { value: t.value.clone(), parent: view.tip().hash() })
}

/// Checks a block's shape.
///
/// # Errors
/// The first rule of MW-R01 to MW-R12 that refuses it.
pub fn check_block(chain: &Chain, b: Block) -> Result<WellFormed<Block>, Rejection> {
    shape::block(chain, &b.body)?;
    Ok(WellFormed { value: b, chain: *chain.id() })
}

/// Verifies a block on top of its parent's header: seal, body hash, balance, signatures, proofs.
///
/// # Errors
/// The first rule of MW-R13 to MW-R21 that refuses it.
pub fn verify_block(
    chain: &Chain,
    parent: &Header,
    b: WellFormed<Block>,
) -> Result<Verified<Block>, Rejection> {
    let b = if b.chain == *chain.id() { b } else { check_block(chain, b.value)? };
    batch::verified(chain, parent, core::slice::from_ref(&b.value)).map_err(|(_, why)| why)?;
    Ok(Verified { value: b.value, chain: b.chain })
}

/// Checks and verifies blocks that follow each other, the first on top of `parent`: all their proofs and signatures as one
/// batch, many times faster than block by block where blocks are small. The caller bounds the memory by what it hands over.
///
/// Returns the blocks before the first that breaks a rule, and that one's height with the rule: the verdict that
/// [`check_block`] and [`verify_block`] would have come to one after the other.
#[must_use]
pub fn verify_blocks(
    chain: &Chain,
    parent: &Header,
    mut blocks: Vec<Block>,
) -> (Vec<Verified<Block>>, Option<InvalidBlock>) {
    let shaped = batch::shaped(chain, &blocks);
    let fit = shaped.as_ref().map_or_else(|(i, _)| *i, |()| blocks.len());
    let verdict = batch::verified(chain, parent, blocks.get(..fit).unwrap_or_default()).and(shaped);
    let broken = verdict.err().map(|(i, why)| (blocks.split_off(i), why));
    let broken =
        broken.and_then(|(rest, why)| Some(InvalidBlock { height: rest.first()?.header.height, why }));
    (blocks.into_iter().map(|value| Verified { value, chain: *chain.id() }).collect(), broken)
}

/// Checks a block against the state it extends, and says what it changes.
///
/// # Errors
/// The first rule of MW-R18, MW-R22 to MW-R30 that refuses it, or the store's failure.
pub fn connect_block<V: ChainView>(
    chain: &Chain,
    view: &V,
    b: Verified<Block>,
) -> Result<Connected<BlockChange>, ConnectError<V::Error>> {
    let b = if b.chain == *chain.id() {
        b
    } else {
        verify_block(chain, view.tip(), check_block(chain, b.value)?)?
    };
    let block = b.value;
    let change = connected(chain, view, &block.header, &block.body)?;
    Ok(Connected { parent: block.header.previous, value: BlockChange { block, change } })
}

/// MW-R18, MW-R19 and MW-R22 to MW-R30: what a header and its body change.
fn connected<V: ChainView>(
    chain: &Chain,
    view: &V,
    header: &Header,
    body: &Body,
) -> Result<ChangeSet, ConnectError<V::Error>> {
    context::follows(view.tip(), header)?;
    let spent = context::body(chain, view, body)?;
    let after = context::next_tip(view, body, header.total_offset, header.time, &spent)?;
    context::same_roots(&after.header, header)?;
    let (created, kernels) = (body.outputs.clone(), body.kernels.clone());
    Ok(ChangeSet { before: context::tip(view), after, spent, created, kernels })
}

/// A block that only lacks its seal.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The header to be sealed.
    pub header: Header,
    /// The body it commits to.
    pub body: Body,
}

impl Proposal {
    /// Adds the seal; the block then passes through the same checks as any other.
    #[must_use]
    pub fn seal(self, seal: Signature) -> Block {
        Block { header: self.header, seal, body: self.body }
    }
}

/// A proposal that every rule allows but the seal's, with what it would change.
#[derive(Clone, Debug)]
pub struct ProposalChange {
    /// The proposal.
    pub proposal: Proposal,
    /// What it would change.
    pub change: ChangeSet,
    chain: ChainId,
}

/// Judges a proposal for the block after `view`'s tip by all that a block is judged by, but for the seal: what whoever is to
/// seal it, or to agree that others do, wants to know before.
///
/// # Errors
/// The first rule that refuses it, in the order of blocks; never MW-R21. Or the store's failure.
pub fn connect_proposal<V: ChainView>(
    chain: &Chain,
    view: &V,
    proposal: Proposal,
) -> Result<Connected<ProposalChange>, ConnectError<V::Error>> {
    let Proposal { header, body } = &proposal;
    shape::block(chain, body)?;
    batch::proposed(chain, view.tip(), Unsealed { header, body })?;
    let change = connected(chain, view, header, body)?;
    let parent = header.previous;
    Ok(Connected { parent, value: ProposalChange { proposal, change, chain: *chain.id() } })
}

/// Adds the seal to a proposal that was judged: a block that was checked against the state, whose proofs nobody has to verify again.
///
/// # Errors
/// MW-R21.
pub fn seal_proposal(
    chain: &Chain,
    p: Connected<ProposalChange>,
    seal: Signature,
) -> Result<Connected<BlockChange>, Rejection> {
    let Connected { value: ProposalChange { proposal, change, chain: judged_on }, parent } = p;
    let block = proposal.seal(seal);
    if judged_on != *chain.id() || !SealedHeader::of(&block).holds(chain) {
        return Err(Rejection::Seal);
    }
    Ok(Connected { value: BlockChange { block, change }, parent })
}

/// Builds the next block from transactions that fit the state, and its reward.
///
/// # Errors
/// The rule that the block would break, or the store's failure. A conflict between transactions is reported as the
/// rule it would break in the block: MW-R24 for a double spend, MW-R25 for a double creation. MW-R18 when one of them was
/// connected to another state than `view`'s.
pub fn propose<V: ChainView>(
    chain: &Chain,
    view: &V,
    transactions: &[Connected<Transaction>],
    reward: (Output, Kernel),
    time: u64,
) -> Result<Proposal, ConnectError<V::Error>> {
    let (tip, height) = (view.tip().hash(), view.tip().height);
    if transactions.iter().any(|t| t.parent != tip) {
        return Err(Rejection::NotNext { tip, height }.into());
    }
    let joined = aggregate(transactions.iter().map(|t| t.value.clone())).map_err(Rejection::from)?;
    let Body { inputs, mut outputs, mut kernels } = joined.body;
    outputs.push(reward.0);
    kernels.push(reward.1);
    let body = Body::sorted(inputs, outputs, kernels);
    shape::block(chain, &body)?;
    let spent = context::body(chain, view, &body)?;
    let total_offset = view.tip().total_offset + joined.offset;
    let after = context::next_tip(view, &body, total_offset, time, &spent)?;
    context::follows(view.tip(), &after.header)?;
    Ok(Proposal { header: after.header, body })
}
