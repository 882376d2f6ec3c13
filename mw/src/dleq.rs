//! Proofs that two points have one logarithm, to two bases: who made them knows it.
//!
//! ```text
//! X = x·G,  Y = x·B            claim: log_G X = log_B Y
//! W₁ = w·G, W₂ = w·B           w = H3(32 fresh bytes ‖ x ‖ what is hashed into c before W₁)
//! c = D(tag, context ‖ X ‖ B ‖ Y ‖ W₁ ‖ W₂ ‖ statement)      z = w + c·x
//! holds if c comes out again of W₁ = z·G − c·X, W₂ = z·B − c·Y
//! ```
//!
//! Guaranteed: X and Y are the same multiple of G and B, and the prover knows it and meant this statement.
//! Nothing else about x is revealed. Constant time in x; verification is not.
//!
//! Source: D. Chaum and T. P. Pedersen, "Wallet databases with observers", CRYPTO '92, section 3.2, made
//! non-interactive as by Fiat and Shamir; nonces as in RFC 9591, section 4.1.

use crate::{
    codec::fields,
    group::{Point, Scalar, mul_g, vartime_sum_of_products},
    hash::tagged_scalar,
    schnorr::{PublicKey, nonce},
    secret::SecretScalar,
};
use rand_core::{CryptoRng, RngCore};

/// What a proof is about, besides the points with the same logarithm.
#[derive(Clone, Copy, Debug)]
pub struct SameLogarithm<'a> {
    /// Separates uses of this proof.
    pub tag: &'a str,
    /// Where the proof holds, of a fixed width.
    pub context: &'a [u8],
    /// B.
    pub base: &'a Point,
    /// What the prover says with it.
    pub statement: &'a [u8],
}

/// A proof that two points have the same logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EqualityProof {
    c: Scalar,
    z: Scalar,
}

fields!(EqualityProof { c, z });

impl SameLogarithm<'_> {
    /// Proves it for X = x·G; returns Y = x·B too.
    pub fn prove(&self, x: &SecretScalar, rng: &mut (impl RngCore + CryptoRng)) -> (Point, EqualityProof) {
        let (key, y) = (PublicKey::of(x), Point::from(self.base.element() * x.expose()));
        let w = nonce(x, &self.claim(&key, &y), rng);
        let nonces = [Point::from(mul_g(w.expose())), Point::from(self.base.element() * w.expose())];
        let c = self.challenge(&key, &y, &nonces);
        (y, EqualityProof { c, z: w.expose() + c * x.expose() })
    }

    /// Whether `proof` shows that X and Y have the same logarithm. No point may be the identity.
    #[must_use]
    pub fn holds(&self, key: &PublicKey, y: &Point, proof: &EqualityProof) -> bool {
        let EqualityProof { c, z } = proof;
        let (x, base) = (key.point(), self.base);
        let g = Point::g();
        let nonces = [
            vartime_sum_of_products([(*z, g.element()), (-c, x.element())]),
            vartime_sum_of_products([(*z, base.element()), (-c, y.element())]),
        ];
        let proper = ![x, base, y].iter().any(|p| p.is_identity());
        proper && self.challenge(key, y, &nonces.map(Point::from)) == *c
    }

    fn claim(&self, key: &PublicKey, y: &Point) -> Vec<u8> {
        let points: [&[u8]; 3] = [key.as_bytes(), self.base.as_bytes(), y.as_bytes()];
        [self.tag.as_bytes(), self.context, &points.concat(), self.statement].concat()
    }

    fn challenge(&self, key: &PublicKey, y: &Point, [w1, w2]: &[Point; 2]) -> Scalar {
        let points: [&[u8]; 5] =
            [key.as_bytes(), self.base.as_bytes(), y.as_bytes(), w1.as_bytes(), w2.as_bytes()];
        tagged_scalar(self.tag, &[self.context, &points.concat(), self.statement])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn holds_for_one_logarithm_one_base_and_one_statement() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let [x, b, other] = core::array::from_fn(|_| SecretScalar::random(&mut rng));
        let base = *PublicKey::of(&b).point();
        let claim = SameLogarithm { tag: "test/v1", context: &[7; 32], base: &base, statement: b"paid" };
        let (y, proof) = claim.prove(&x, &mut rng);
        let key = PublicKey::of(&x);
        assert_eq!(*x.agree(&base), *y.as_bytes());
        assert!(claim.holds(&key, &y, &proof));
        assert!(!claim.holds(&PublicKey::of(&other), &y, &proof), "another X");
        let wrong = Point::from(base.element() * other.expose());
        assert!(!claim.holds(&key, &wrong, &proof), "another Y");
        assert!(!SameLogarithm { base: &Point::h(), ..claim }.holds(&key, &y, &proof));
        assert!(!SameLogarithm { tag: "test/v2", ..claim }.holds(&key, &y, &proof));
        assert!(!SameLogarithm { context: &[8; 32], ..claim }.holds(&key, &y, &proof));
        assert!(!SameLogarithm { statement: b"paid!", ..claim }.holds(&key, &y, &proof));
        assert!(!claim.holds(&key, &y, &EqualityProof { c: proof.c, z: proof.z + Scalar::ONE }));
        // A proof for zero, which would show nothing.
        let zero = SecretScalar::zero();
        let (y, proof) = claim.prove(&zero, &mut rng);
        assert!(!claim.holds(&PublicKey::of(&zero), &y, &proof));
    }

    #[test]
    fn a_repeated_random_source_repeats_no_nonce() {
        let x = SecretScalar::from(Scalar::from(9u64));
        let (g, h) = (Point::g(), Point::h());
        let proof = |statement: &[u8]| {
            let claim = SameLogarithm { tag: "test/v1", context: &[], base: &h, statement };
            claim.prove(&x, &mut ChaCha20Rng::seed_from_u64(1)).1
        };
        let w = |p: EqualityProof| vartime_sum_of_products([(p.z, g.element()), (-p.c, mul_g(x.expose()))]);
        assert_ne!(w(proof(b"one")), w(proof(b"two")));
        assert_eq!(proof(b"one"), proof(b"one"));
    }
}
