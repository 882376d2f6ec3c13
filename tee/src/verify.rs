//! From evidence to claims.
//!
//! Everything is an argument: evidence, collateral, authorities and the time. Nothing is fetched.

use crate::claims::Claims;
use crate::collateral::{Collateral, Contents};
use crate::error::VerifyError;
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::roots::Roots;
use crate::{quote, snp, software};

/// Verifies evidence against the vendors' authorities at a time (seconds since 1970).
///
/// # Errors
/// [`VerifyError`] if anything does not hold.
///
/// # Security
/// Claims say what a platform said, not whether anybody should rely on it, and not that it says it now: use
/// [`Policy::appraise`](crate::policy::Policy::appraise). A vendor, or a physical attacker who extracts a
/// platform's key, can make evidence that verifies.
pub fn verify(evidence: &Evidence, collateral: &Collateral, now: u64) -> Result<Claims, VerifyError> {
    verify_under(&Roots::vendors(), evidence, collateral, now)
}

/// The same against other authorities.
///
/// # Errors
/// [`VerifyError`] if anything does not hold.
pub fn verify_under(
    roots: &Roots,
    evidence: &Evidence,
    collateral: &Collateral,
    now: u64,
) -> Result<Claims, VerifyError> {
    match (evidence.kind(), &collateral.contents) {
        (Kind::Sgx | Kind::Tdx, Contents::Quote(collateral)) => {
            quote::verify(evidence, collateral, now, &roots.intel)
        }
        (Kind::Snp, Contents::Snp(collateral)) => snp::verify(evidence, collateral, now, &roots.amd),
        (Kind::Software, Contents::Nothing) => software::verify(evidence),
        (kind, _) => Err(VerifyError::Collateral(kind)),
    }
    .map(Claims)
}
