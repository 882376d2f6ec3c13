//! What remains of a payment to several recipients when some of its invites are cancelled.
//!
//! The recipients that remain have signed their kernels, so the fees of these kernels are fixed. When these
//! fees no longer pay for the inputs and the change, a kernel of the payer alone pays the rest:
//!
//! ```text
//! left   = inputs − Σ (amount + fee) of the remaining recipients
//! own    = 0, change = left                                       if those fees reach the least fee, and one of
//!                                                                 their kernels can hold the bond that is needed
//! own    = least fee with change and one more kernel − Σ fee, change = left − own      otherwise
//! ```
//!
//! A cancelled invite releases its amount and its fee, and the fee is at least the cost of one more kernel
//! and a change output. Therefore some change is left, whichever invites are cancelled.

use super::{
    CoinSelectionError,
    cost::{ChangeKind, Inputs, Shape, least_fee},
};
use crate::state::{PaymentPart, SentPayment, State};
use sotto_mw::{amount::Amount, chain::Chain, kernel::KernelFeatures};

/// What a payment pays in addition to the kernels of its recipients, and what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remainder {
    /// A kernel of the payer alone, if one is needed.
    pub(crate) own: Option<KernelFeatures>,
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
            .filter_map(PaymentPart::invite)
    };
    let direct = sent.direct.iter().map(|d| d.terms.opening.amount);
    let amounts = Amount::checked_sum(live().map(|i| i.amount).chain(direct));
    let amounts = amounts.ok_or(CoinSelectionError::Overflow)?;
    let fees = Amount::checked_sum(live().map(|i| i.features.fee())).ok_or(CoinSelectionError::Overflow)?;
    let left = sum.checked_sub(amounts).and_then(|left| left.checked_sub(fees));
    let left = left.ok_or(CoinSelectionError::Stale)?;
    let inputs = Inputs::of(sent.inputs.iter().filter_map(|c| state.outputs.get(c)));
    let (one_sided_outputs, kernels) = (sent.direct.len() as u64, live().count() as u64);
    let shape = Shape { inputs, outputs: kernels, one_sided_outputs, kernels, ..Shape::default() };
    let held = !shape.is_bonded() || live().any(|i| i.features.is_bonded());
    let shape = if left > Amount::ZERO { shape.with_change(ChangeKind::Plain) } else { shape };
    if held && fees >= least_fee(chain, shape)? {
        return Ok(Remainder { own: None, change: left });
    }
    let with_own = Shape { outputs: kernels + 1, kernels: kernels + 1, ..shape };
    let least = least_fee(chain, with_own)?;
    let fee = least.checked_sub(fees).ok_or(CoinSelectionError::Overflow)?;
    let change = left.checked_sub(fee).filter(|c| *c > Amount::ZERO);
    let not_after = sent.not_after;
    let own = match held {
        true => KernelFeatures::Plain { fee, not_after },
        false => KernelFeatures::Bonded { fee, not_after },
    };
    Ok(Remainder { own: Some(own), change: change.ok_or(CoinSelectionError::NotWorth { fee })? })
}
