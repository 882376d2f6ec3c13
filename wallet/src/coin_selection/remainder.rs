//! What remains of a payment to several recipients when some of its invites are cancelled.
//!
//! The recipients that remain have signed their kernels, so the fees of these kernels are fixed. When these
//! fees no longer pay for the inputs and the change, a kernel of the payer alone pays the rest:
//!
//! ```text
//! left   = inputs − Σ (amount + fee) of the remaining recipients
//! own    = 0, change = left                                       if those fees reach the least fee
//! own    = least fee with change and one more kernel − Σ fee, change = left − own      otherwise
//! ```
//!
//! A cancelled invite releases its amount and its fee, and the fee is at least the cost of one more kernel
//! and a change output. Therefore some change is left, whichever invites are cancelled.

use super::{
    CoinSelectionError,
    cost::{Shape, least_fee},
};
use crate::state::{PaymentPart, SentPayment, State};
use sotto_mw::{amount::Amount, chain::Chain};

/// What a payment pays in addition to the kernels of its recipients, and what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remainder {
    /// The fee of a kernel of the payer alone; zero when none is needed.
    pub(crate) own_fee: Amount,
    pub(crate) change: Amount,
}

/// The remainder of a payment with the recipients that it pays now.
pub(crate) fn remainder(
    state: &State,
    chain: &Chain,
    sent: &SentPayment,
) -> Result<Remainder, CoinSelectionError> {
    let spent = sent.inputs.iter().filter_map(|c| state.outputs.get(c)).map(|o| o.opening.amount);
    let sum = Amount::checked_sum(spent).ok_or(CoinSelectionError::Overflow)?;
    let live = || {
        sent.parts()
            .filter(|p| !matches!(p, PaymentPart::Cancelled(_) | PaymentPart::Expired(_)))
            .map(PaymentPart::invite)
    };
    let amounts = Amount::checked_sum(live().map(|i| i.amount)).ok_or(CoinSelectionError::Overflow)?;
    let fees = Amount::checked_sum(live().map(|i| i.features.fee())).ok_or(CoinSelectionError::Overflow)?;
    let left = sum.checked_sub(amounts).and_then(|left| left.checked_sub(fees));
    let left = left.ok_or(CoinSelectionError::Stale)?;
    let (inputs, payees) = (sent.inputs.len() as u64, live().count() as u64);
    let outputs = payees + u64::from(left > Amount::ZERO);
    if fees >= least_fee(chain, Shape { inputs, outputs, kernels: payees })? {
        return Ok(Remainder { own_fee: Amount::ZERO, change: left });
    }
    let least = least_fee(chain, Shape { inputs, outputs: payees + 1, kernels: payees + 1 })?;
    let own_fee = least.checked_sub(fees).ok_or(CoinSelectionError::Overflow)?;
    let change = left.checked_sub(own_fee).filter(|c| *c > Amount::ZERO);
    Ok(Remainder { own_fee, change: change.ok_or(CoinSelectionError::NotWorth { fee: own_fee })? })
}
