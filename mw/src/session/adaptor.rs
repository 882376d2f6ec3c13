//! Adaptor signatures: a signature that is complete only with the secret t of a point T, and that reveals t
//! to anyone who has both its incomplete and its complete form.
//!
//! ```text
//! B = H5(session ‖ sorted (i, Xᵢ, Dᵢ, Eᵢ) ‖ "sotto/adaptor/v1" ‖ T)      ρᵢ from B as without T
//! R = Σ (Dᵢ + ρᵢ·Eᵢ) + T        c = H2(R ‖ E ‖ m)        zᵢ = dᵢ + ρᵢ·eᵢ + c·xᵢ
//! ŝ = Σ zᵢ       ŝ·G = R − T + c·E       complete: z = ŝ + t       extract: t = z − ŝ
//! ```
//!
//! T is in B, so it is fixed before the binding factors. If a party could choose T after them, it would choose
//! R freely under the ρ of open sessions, and enough of those give a forgery (Benhamouda et al. 2020, ePrint
//! 2020/945).
//!
//! Guaranteed: a [`PreSignature`] is no [`Signature`] and does not verify as one unless t = 0, which T ≠ 0
//! excludes. Not guaranteed: that t stays secret once the signature is public; kernels stay for ever.
//!
//! Source: Aumayr et al., ePrint 2020/476; RFC 9591, section 5.

use super::{Role, Session, SessionError};
use crate::{
    codec::fields,
    group::{Element, Point, Scalar, mul_g},
    schnorr::{PublicKey, Signature, h2},
    secret::SecretScalar,
    session::Nonces,
    tag,
};

/// A session whose signature is incomplete without the secret of a point.
#[derive(Clone, Debug)]
pub struct AdaptorSession {
    session: Session,
    t: Point,
}

impl Session {
    /// The same session, locked to T: its signature needs the secret of T.
    ///
    /// Both parties must lock it to the same point before either signs; a response for another point, or for
    /// none, is refused.
    ///
    /// # Errors
    /// [`SessionError::AdaptorIdentity`] if T is the identity, [`SessionError::Cancel`] if T cancels the nonces.
    pub fn with_adaptor(mut self, t: &Point) -> Result<AdaptorSession, SessionError> {
        if t.is_identity() {
            return Err(SessionError::AdaptorIdentity);
        }
        self.seen.extend_from_slice(tag::ADAPTOR.as_bytes());
        self.seen.extend_from_slice(t.as_bytes());
        let session = self.bind(t.element())?;
        Ok(AdaptorSession { session, t: *t })
    }
}

impl AdaptorSession {
    /// The sum of both keys: the excess of a kernel.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        self.session.key()
    }

    /// Computes the response of one party and consumes its nonces, as [`Session::sign`].
    ///
    /// # Errors
    /// As there.
    pub fn sign(&self, role: Role, x: &SecretScalar, nonces: Nonces) -> Result<Scalar, SessionError> {
        self.session.sign(role, x, nonces)
    }

    /// Checks the response of one party, as [`Session::check_partial`].
    ///
    /// # Errors
    /// As there.
    pub fn check_partial(&self, role: Role, z: &Scalar) -> Result<(), SessionError> {
        self.session.check_partial(role, z)
    }

    /// Adds both responses to a pre-signature.
    ///
    /// # Errors
    /// [`SessionError::Partial`] with the party whose response is wrong.
    pub fn combine(&self, inviter: &Scalar, responder: &Scalar) -> Result<PreSignature, SessionError> {
        self.check_partial(Role::Inviter, inviter)?;
        self.check_partial(Role::Responder, responder)?;
        Ok(PreSignature { r: self.session.r, t: self.t, s: inviter + responder })
    }
}

/// A signature without the secret of its point: (R, T, ŝ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreSignature {
    r: Point,
    t: Point,
    s: Scalar,
}

fields!(PreSignature { r, t, s });

impl PreSignature {
    /// The point whose secret completes the signature.
    #[must_use]
    pub const fn point(&self) -> &Point {
        &self.t
    }

    /// Whether the secret of the point makes this a signature of `m` under `x`. Variable time.
    #[must_use]
    pub fn fits(&self, x: &PublicKey, m: &[u8]) -> bool {
        if [&self.r, &self.t, x.point()].iter().any(|p| p.is_identity()) {
            return false;
        }
        let c = h2(&self.r, x.point(), m);
        let sum = Element::vartime_double_scalar_mul_basepoint(&-c, &x.point().element(), &self.s);
        sum == self.r.element() - self.t.element()
    }

    /// The signature, from the secret of the point; `None` if this is another secret.
    #[must_use]
    pub fn complete(&self, t: &SecretScalar) -> Option<Signature> {
        self.is_locked_by(t).then(|| Signature { r: self.r, z: self.s + t.expose() })
    }

    /// The secret of the point, from the signature; `None` if that is the signature of something else.
    #[must_use]
    pub fn extract(&self, signature: &Signature) -> Option<SecretScalar> {
        let t = SecretScalar::from(signature.z - self.s);
        (signature.r == self.r && self.is_locked_by(&t)).then_some(t)
    }

    fn is_locked_by(&self, t: &SecretScalar) -> bool {
        Point::from(mul_g(t.expose())) == self.t
    }
}

#[cfg(test)]
mod tests;
