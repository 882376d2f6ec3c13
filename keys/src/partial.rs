//! Partials: a member's part of `s·R` for a point `R`, with a proof that it used its share.
//!
//! ```text
//! P_i = s_i·R      A = k·G   B = k·R   c = H("sotto/keys/dleq/v1", Y_i, R, P_i, A, B)   z = k + c·s_i
//! bytes: P_i ‖ A ‖ B ‖ z (128)        holds: z·G = A + c·Y_i  and  z·R = B + c·P_i
//! ```
//!
//! Chaum and Pedersen's proof that two points have the same logarithm (CRYPTO 1992, section 3.2). The challenge
//! names the statement, so a proof shows one partial and nothing about another. The nonce follows from the
//! share, the statement and fresh randomness.
#![deny(clippy::indexing_slicing)]

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use rand_core::{CryptoRng, RngCore};

use crate::codec::{DecodeError, Reader};
use crate::curve::{Secret, point, put_point, scalar, vartime_sum};
use crate::tag::{DLEQ, POINT, tagged_wide};

/// A member's part of a group's key times a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    p: RistrettoPoint,
    a: RistrettoPoint,
    b: RistrettoPoint,
    z: Scalar,
}

impl Partial {
    pub(crate) fn new(s: &Secret, r: &RistrettoPoint, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let k = Secret::random(rng);
        let (p, a, b) = (r * s.expose(), k.times_g(), r * k.expose());
        let c = challenge([&s.times_g(), r, &p, &a, &b]);
        Self { p, a, b, z: k.expose() + c * s.expose() }
    }

    /// Whether the holder of the share of `y` made it.
    pub(crate) fn holds(&self, y: &RistrettoPoint, r: &RistrettoPoint) -> bool {
        let Self { p, a, b, z } = self;
        let c = challenge([y, r, p, a, b]);
        // Two equations, each with its own sum: a random combination would save one of two multiplications.
        vartime_sum([Scalar::ONE, c], [a, y]) == Secret::new(*z).times_g()
            && vartime_sum([Scalar::ONE, c, -z], [b, p, r]).is_identity()
    }

    /// `s_i·R`.
    pub(crate) const fn point(&self) -> &RistrettoPoint {
        &self.p
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        [&self.p, &self.a, &self.b].into_iter().for_each(|point| put_point(point, &mut out));
        out.extend_from_slice(self.z.as_bytes());
        out
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { p: point(r)?, a: point(r)?, b: point(r)?, z: scalar(r)? })
    }
}

fn challenge(points: [&RistrettoPoint; 5]) -> Scalar {
    let mut bytes = Vec::with_capacity(160);
    points.into_iter().for_each(|point| put_point(point, &mut bytes));
    Scalar::from_bytes_mod_order_wide(&tagged_wide(DLEQ, &[&bytes]))
}

/// The point of a drill: its logarithm is unknown to all.
pub(crate) fn drill_point(message: &[u8]) -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&tagged_wide(POINT, &[message]))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_partial_holds_for_its_share_and_point_alone() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (s, other, r) = (Secret::random(rng), Secret::random(rng), drill_point(b"one"));
        let partial = Partial::new(&s, &r, rng);
        assert!(partial.holds(&s.times_g(), &r));
        assert!(!partial.holds(&other.times_g(), &r));
        assert!(!partial.holds(&s.times_g(), &drill_point(b"two")));
        let false_point = Partial { p: r * other.expose(), ..partial.clone() };
        assert!(
            !false_point.holds(&s.times_g(), &r),
            "a partial of another share with the proof of this one"
        );
        let bytes = partial.to_bytes();
        assert_eq!(Partial::read(&mut Reader::new(&bytes)), Ok(partial));
    }

    /// Each of the two equations is needed.
    #[test]
    fn half_a_proof_does_not_hold() {
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let (s, r) = (Secret::random(rng), drill_point(b"one"));
        let (y, k) = (s.times_g(), Secret::random(rng));
        // An honest proof of knowledge of s, with a P that has nothing to do with it.
        let (p, a, b) = (drill_point(b"p"), k.times_g(), r * k.expose());
        let z = k.expose() + challenge([&y, &r, &p, &a, &b]) * s.expose();
        assert!(!Partial { p, a, b, z }.holds(&y, &r));
        // A proof for another share, under this one's key.
        let t = Secret::random(rng);
        let p = r * t.expose();
        let z = k.expose() + challenge([&y, &r, &p, &a, &b]) * t.expose();
        assert!(!Partial { p, a, b, z }.holds(&y, &r));
    }
}
