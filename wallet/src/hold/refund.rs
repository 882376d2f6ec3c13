//! Paying a fee that has risen: the money of a transaction is spent on in the same body.
//!
//! ```text
//! C ──▶ back (v − fee)                 a transaction whose kernel was signed long ago, with its fee
//!          back ──▶ on (v − fee − more)     a second kernel pays the rest
//! C ──▶ on                                 joined: `back` is cut through, two kernels
//! ```
//!
//! The rules count the fees and the weight of the whole body (MW-R09), so no other coin is needed. The second
//! kernel expires like any payment; a new one can be made at any time.

use super::{HoldError, payer::Party};
use crate::{
    keys::{OutputSecret, Purpose, fresh_index},
    slate::{SlateError, finalize::PayerKernel, funding::Funding},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    aggregate::aggregate,
    amount::Amount,
    chain::KERNEL_WEIGHT,
    kernel::KernelFeatures,
    range_proof::Opening,
    rules::Verified,
    transaction::{Body, Transaction},
};

/// The transaction as it is if its fee suffices, else joined with one that spends its output `made` on.
pub(crate) fn with_sufficient_fee(
    party: &Party<'_>,
    t: Transaction,
    made: OutputSecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Verified<Transaction>, OutputSecret), HoldError> {
    let chain = party.chain;
    let fees = t.body.fees().unwrap_or_default();
    let least = |weight| chain.least_fee(weight).ok_or(HoldError::Terms("the fee is out of range"));
    if fees >= least(t.body.weight())? {
        return Ok((party.verify(t)?, made));
    }
    // Alone, the second transaction would pay less than the least fee; together they pay it.
    let more = least(t.body.weight() + KERNEL_WEIGHT)?.checked_sub(fees).unwrap_or_default();
    let rest = made.opening.amount.checked_sub(more).filter(|a| *a > Amount::ZERO);
    let rest = rest.ok_or(HoldError::Terms("the amount does not pay for the fee"))?;
    let opening = Opening { amount: rest, index: fresh_index(rng) };
    let on = party.keys.plain(made.purpose, opening).secret;
    let not_after = chain.standard_expiry(party.tip.next());
    let own = PayerKernel::new(chain, KernelFeatures::Plain { fee: more, not_after }, rng);
    let funded = Funding { inputs: vec![made], change: Some(on) }.fund(party.keys, chain, rng)?;
    let offset = funded.offset(own.secret()).reveal();
    let body = Body::sorted(funded.inputs, funded.outputs, vec![own.into_kernel()]);
    let both =
        aggregate([t, Transaction { offset, body }]).map_err(|_| HoldError::Slate(SlateError::Over))?;
    Ok((party.verify(both)?, on))
}

/// What opens an output that money of a hold goes to.
pub(crate) fn plain(purpose: Purpose, opening: Opening) -> OutputSecret {
    OutputSecret { purpose, kind: crate::keys::OutputKind::Plain, opening }
}
