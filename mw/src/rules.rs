//! The consensus rules: the only place where a transaction or a block is judged.
//!
//! ```text
//! Block ──check──▶ WellFormed<Block> ──verify──▶ Verified<Block> ──connect──▶ Connected<Block>
//!        shape                        seal, proofs, balance        the chain's state
//! ```
//!
//! Only this module makes the last three, and mempool, sealing, connection and sync all pass through them. Each rule
//! has a number: a heading in `docs/RULES.md`, a function here, a variant of [`Rejection`].

mod balance;
mod context;
pub mod params;
mod proofs;
mod reward;
mod shape;

use crate::{
    aggregate::aggregate,
    block::{Block, Header},
    error::{ConnectError, Rejection},
    group::Scalar,
    hash::Hash,
    kernel::Kernel,
    schnorr::Signature,
    state::{ChainView, ChangeSet},
    transaction::{Body, Output, Transaction},
};
pub use balance::{AuditError, SupplyAudit};
use params::Chain;

/// Its shape was checked: order, weight, fees, encodings.
#[derive(Clone, Debug)]
pub struct WellFormed<T>(T);

/// Its proofs, signatures and balance were checked too.
#[derive(Clone, Debug)]
pub struct Verified<T>(T);

/// It was checked against a chain's state too.
#[derive(Clone, Debug)]
pub struct Connected<T> {
    value: T,
    parent: Hash,
}

impl<T> WellFormed<T> {
    /// What was checked.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T> Verified<T> {
    /// What was checked.
    pub const fn get(&self) -> &T {
        &self.0
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
    Ok(WellFormed(t))
}

/// Verifies a transaction's proofs, signatures and balance.
///
/// # Errors
/// MW-R13, MW-R14 or MW-R15.
pub fn verify_transaction(
    chain: &Chain,
    t: WellFormed<Transaction>,
) -> Result<Verified<Transaction>, Rejection> {
    let WellFormed(t) = t;
    balance::transaction(&t)?;
    proofs::body(chain, &t.body)?;
    Ok(Verified(t))
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
    context::body(chain, view, &t.0.body)?;
    Ok(Connected { value: t.0.clone(), parent: view.tip().hash() })
}

/// Checks a block's shape.
///
/// # Errors
/// The first rule of MW-R01 to MW-R12 that refuses it.
pub fn check_block(chain: &Chain, b: Block) -> Result<WellFormed<Block>, Rejection> {
    shape::block(chain, &b.body)?;
    Ok(WellFormed(b))
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
    let WellFormed(b) = b;
    context::follows(parent, &b.header)?;
    proofs::seal(chain, &b)?;
    let offset: Scalar = b.header.total_offset - parent.total_offset;
    balance::block(chain, &b, &offset)?;
    reward::block(chain, &b)?;
    proofs::body(chain, &b.body)?;
    Ok(Verified(b))
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
    let Verified(block) = b;
    context::follows(view.tip(), &block.header)?;
    let spent = context::body(chain, view, &block.body)?;
    let after = context::next_tip(view, &block.body, block.header.total_offset, block.header.time, &spent)?;
    context::same_roots(&after.header, &block.header)?;
    let before = context::tip(view);
    let (created, kernels) = (block.body.outputs.clone(), block.body.kernels.clone());
    let change = ChangeSet { before, after, spent, created, kernels };
    Ok(Connected { parent: change.after.header.previous, value: BlockChange { block, change } })
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

/// Builds the next block from transactions that fit the state, and its reward.
///
/// # Errors
/// The rule that the block would break, or the store's failure. A conflict between transactions is reported as the
/// rule it would break in the block: MW-R24 for a double spend, MW-R25 for a double creation.
pub fn propose<V: ChainView>(
    chain: &Chain,
    view: &V,
    transactions: &[Connected<Transaction>],
    reward: (Output, Kernel),
    time: u64,
) -> Result<Proposal, ConnectError<V::Error>> {
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
