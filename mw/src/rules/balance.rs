//! MW-R15 and MW-R17: nothing appears, nothing disappears; and the same over a whole chain.
//!
//! ```text
//! transaction   Σ outputs + fees·H   − Σ inputs = Σ excesses + offset·G
//! block         Σ outputs − reward·H − Σ inputs = Σ excesses + offset·G     (the fees are in the coinbase output)
//! chain         Σ unspent − supply·H            = Σ excesses + total offset·G
//! ```
//!
//! The offset is a scalar: were it a point, nobody would have proven that it holds no H.

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
    let inputs: Element = body.inputs.iter().map(|c| c.point().element()).sum();
    let excesses: Element = body.kernels.iter().map(|k| k.excess.point().element()).sum();
    outputs - inputs - excesses - mul_g(offset)
}

fn balanced(remainder: Element) -> Result<(), Rejection> {
    if remainder == identity() { Ok(()) } else { Err(Rejection::Unbalanced) }
}

/// The sums of a whole chain, item by item: the audit of its supply.
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

/// The unspent outputs are not what the kernels and the supply say.
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

    /// Holds the sums against the supply at `height`; returns that supply.
    ///
    /// # Errors
    /// [`AuditError`] when they differ.
    pub fn finish(self, chain: &Chain, height: Height, total_offset: &Scalar) -> Result<Amount, AuditError> {
        let supply = chain.supply(height).ok_or(AuditError)?;
        let want = vartime_mul_h(supply.units()) + self.excesses + mul_g(total_offset);
        if self.unspent == want { Ok(supply) } else { Err(AuditError) }
    }
}
