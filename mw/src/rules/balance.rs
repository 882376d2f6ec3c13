//! MW-R15, MW-R17 and MW-R35: no amount is created or destroyed, in a transaction, a block or a whole chain,
//! and the keys of one-sided inputs and outputs balance.
//!
//! ```text
//! transaction   Σ outputs + fees·H   − Σ inputs = Σ excesses + offset·G
//! block         Σ outputs − reward·H − Σ inputs = Σ excesses + offset·G     (the coinbase holds the fees)
//! chain         Σ unspent − supply·H            = Σ excesses + total offset·G
//! body          Σ R + Σ (D − K_o) = Σ X + y·G                         one-sided outputs, inputs, bonds
//! ```
//!
//! The offset is a scalar. If it were a point, no proof would show that it contains no multiple of H.

use super::verdict::Unsealed;
use crate::{
    amount::{Amount, Height},
    chain::Chain,
    commitment::Commitment,
    error::Rejection,
    group::{Element, Scalar, identity, mul_g, vartime_mul_h},
    kernel::Excess,
    transaction::{Body, Transaction},
};

/// MW-R15 for a transaction.
pub(super) fn transaction(t: &Transaction) -> Result<(), Rejection> {
    let fees = t.body.fees().ok_or(Rejection::FeeOverflow)?;
    balanced(remainder(&t.body, &t.offset) + vartime_mul_h(fees.units()))
}

/// MW-R15 and MW-R17 for a block.
pub(super) fn block(chain: &Chain, b: &Unsealed<'_>, offset: &Scalar) -> Result<(), Rejection> {
    chain.supply(b.header.height).ok_or(Rejection::SupplyOverflow)?;
    balanced(remainder(b.body, offset) - vartime_mul_h(chain.params().reward.units()))
}

/// `Σ outputs − Σ inputs − Σ excesses − offset·G`.
fn remainder(body: &Body, offset: &Scalar) -> Element {
    let outputs: Element = body.outputs.iter().map(|o| o.commitment.point().element()).sum();
    let inputs: Element = body.spent().map(|c| c.point().element()).sum();
    let excesses: Element = body.kernels.iter().map(|k| k.excess.point().element()).sum();
    outputs - inputs - excesses - mul_g(offset)
}

/// MW-R35.
pub(super) fn keys(body: &Body) -> Result<(), Rejection> {
    let senders = body.outputs.iter().filter_map(|o| Some(o.features.keys()?.sender.point().element()));
    let inputs =
        body.one_sided_inputs.iter().map(|i| i.fresh.point().element() - i.receiver.point().element());
    let items: Element = senders.chain(inputs).sum();
    let bonds: Element = body.bonds.values().map(|b| b.key.point().element()).sum();
    let same = items == bonds + mul_g(&body.key_offset);
    if same { Ok(()) } else { Err(Rejection::KeysUnbalanced) }
}

fn balanced(remainder: Element) -> Result<(), Rejection> {
    if remainder == identity() { Ok(()) } else { Err(Rejection::Unbalanced) }
}

/// Audits the supply of a whole chain, item by item.
///
/// ```
/// use sotto_mw::{rules::SupplyAudit, state::ChainView, testing::TestChain};
///
/// let mut ledger = TestChain::new(1);
/// ledger.grow(vec![]);
/// let mut audit = SupplyAudit::default();
/// ledger.blocks()[0].body.kernels.iter().for_each(|k| audit.add_kernel(&k.excess));
/// ledger.state().all_unspent().for_each(|u| audit.add_unspent(&u.output.commitment));
/// let tip = ledger.state().tip();
/// let supply = audit.finish(ledger.chain(), tip.height, &tip.total_offset)?;
/// assert_eq!(supply, ledger.chain().params().reward);
/// # Ok::<(), sotto_mw::rules::AuditError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SupplyAudit {
    unspent: Element,
    excesses: Element,
}

impl Default for SupplyAudit {
    fn default() -> Self {
        Self { unspent: identity(), excesses: identity() }
    }
}

/// The unspent outputs do not match the kernels and the supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the supply does not add up: the unspent outputs are not supply·H + Σ excesses + offset·G")]
pub struct AuditError;

impl SupplyAudit {
    /// Adds an unspent output.
    pub fn add_unspent(&mut self, c: &Commitment) {
        self.unspent += c.point().element();
    }

    /// Adds a kernel.
    pub fn add_kernel(&mut self, e: &Excess) {
        self.excesses += e.point().element();
    }

    /// Compares the sums with the supply at `height`, and returns that supply.
    ///
    /// # Errors
    /// [`AuditError`] if they differ.
    pub fn finish(self, chain: &Chain, height: Height, total_offset: &Scalar) -> Result<Amount, AuditError> {
        let supply = chain.supply(height).ok_or(AuditError)?;
        let want = vartime_mul_h(supply.units()) + self.excesses + mul_g(total_offset);
        if self.unspent == want { Ok(supply) } else { Err(AuditError) }
    }
}
