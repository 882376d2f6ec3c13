//! What is left of a payment to several when some of them are dropped.
//!
//! The kernels of those who stay, and so their fees, are fixed by what they have signed. Where these fees do not pay for inputs and
//! change any more, a kernel of the payer alone pays the rest:
//!
//! ```text
//! left   = inputs − Σ (amount + fee) of who stays
//! own    = 0, change = left                                       when those fees are the least fee at least
//! own    = least fee with change and one kernel more − Σ fee, change = left − own      otherwise
//! ```
//!
//! A dropped payee leaves his amount, and a fee that is no less than one more kernel and a change output cost; so change is left
//! whoever is dropped.

use super::{SelectError, least};
use sotto_mw::{amount::Amount, chain::Chain};

/// The fee of a kernel of the payer alone, zero when none is needed, and the change; `paid` are amounts and fees of who stays.
pub(crate) fn rest(
    chain: &Chain,
    (inputs, sum): (usize, Amount),
    paid: &[(Amount, Amount)],
) -> Result<(Amount, Amount), SelectError> {
    let (inputs, payees) = (inputs as u64, paid.len() as u64);
    let amounts = Amount::checked_sum(paid.iter().map(|p| p.0)).ok_or(SelectError::Overflow)?;
    let fees = Amount::checked_sum(paid.iter().map(|p| p.1)).ok_or(SelectError::Overflow)?;
    let left = sum.checked_sub(amounts).and_then(|left| left.checked_sub(fees)).ok_or(SelectError::Stale)?;
    if fees >= least(chain, (inputs, payees + u64::from(left > Amount::ZERO), payees))? {
        return Ok((Amount::ZERO, left));
    }
    let own =
        least(chain, (inputs, payees + 1, payees + 1))?.checked_sub(fees).ok_or(SelectError::Overflow)?;
    let change = left.checked_sub(own).filter(|c| *c > Amount::ZERO);
    Ok((own, change.ok_or(SelectError::NotWorth { fee: own })?))
}
