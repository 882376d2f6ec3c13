//! The group's half of a signing session.

use super::GroupError;
use sotto_keys::pool::{Factors, Made};
use sotto_mw::{
    codec::Decode as _,
    group::{Point, Scalar},
    schnorr::{PublicKey, Signature},
    session::{Role, Session, Share},
};

/// The group's share of a signing session, in which its possession is still to be proven.
pub(super) struct Signing {
    pub(super) session: Session,
    key: PublicKey,
    nonces: [Point; 2],
}

impl Signing {
    pub(super) const fn new(session: Session, key: PublicKey, nonces: [Point; 2]) -> Self {
        Self { session, key, nonces }
    }

    /// X, D, E with a proof of possession.
    pub(super) const fn share(key: PublicKey, [hiding, binding]: [Point; 2], possession: Signature) -> Share {
        Share { key, hiding, binding, possession }
    }

    /// In place of a proof that is still to be made.
    pub(super) fn unproven(key: PublicKey, nonces: [Point; 2]) -> Share {
        Self::share(key, nonces, Signature::from_parts(Point::g(), Scalar::ZERO))
    }

    pub(super) const fn proven(&self, possession: Signature) -> Share {
        Self::share(self.key, self.nonces, possession)
    }

    /// `z = c·x + 1·d + ρ·e`.
    pub(super) fn factors(&self) -> Factors {
        let [c, rho] = self.session.factors(Role::Responder);
        Factors([c, Scalar::ONE, rho])
    }
}

/// A signature of t members as one of the ledger.
pub(super) fn signature(made: &Made, number: usize) -> Result<Signature, GroupError> {
    let bytes = made.signatures.get(number).ok_or(GroupError::OtherPlan)?;
    Ok(Signature::from_bytes(bytes)?)
}
