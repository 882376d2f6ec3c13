//! Arithmetic on shares: polynomials over the scalars of ristretto255, and commitments to them.
//!
//! ```text
//! f(x) = a_0 + a_1·x + … + a_{t−1}·x^{t−1}        s_i = f(i)      X = f(0)·G
//! A_k  = a_k·G                                    Y_i = s_i·G = Σ_k i^k·A_k
//! λ_i(r) = Π_{j ≠ i} (r − j) / (i − j) over a set: Σ λ_i(r)·s_i = f(r)
//! ```
//!
//! Secret scalars are multiplied in constant time. Functions that begin with `vartime_` take public values.
//!
//! Source: Shamir's sharing with Feldman's commitments, RFC 9591, appendices C.1 and C.2.
#![deny(clippy::indexing_slicing)]

use core::fmt;

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codec::{DecodeError, Reader};

/// A secret scalar.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret(Scalar);

impl Secret {
    pub(crate) const fn new(scalar: Scalar) -> Self {
        Self(scalar)
    }

    pub(crate) fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(Scalar::random(rng))
    }

    pub(crate) const fn expose(&self) -> &Scalar {
        &self.0
    }

    /// `s·G`, in constant time.
    pub(crate) fn times_g(&self) -> RistrettoPoint {
        &self.0 * RISTRETTO_BASEPOINT_TABLE
    }

    pub(crate) fn sum<'s>(all: impl IntoIterator<Item = &'s Self>) -> Self {
        Self(all.into_iter().map(|s| s.0).sum())
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        scalar(r).map(Self)
    }
}

/// Shows nothing.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

pub(crate) fn scalar(r: &mut Reader<'_>) -> Result<Scalar, DecodeError> {
    Option::from(Scalar::from_canonical_bytes(r.array()?)).ok_or(DecodeError::Value("a scalar"))
}

/// Reads a point; the identity is refused.
pub(crate) fn point(r: &mut Reader<'_>) -> Result<RistrettoPoint, DecodeError> {
    let point = CompressedRistretto(r.array()?).decompress();
    point.filter(|point| !point.is_identity()).ok_or(DecodeError::Value("a point"))
}

pub(crate) fn put_point(point: &RistrettoPoint, out: &mut Vec<u8>) {
    out.extend_from_slice(point.compress().as_bytes());
}

pub(crate) fn points(r: &mut Reader<'_>, n: usize) -> Result<Vec<RistrettoPoint>, DecodeError> {
    (0..n).map(|_| point(r)).collect()
}

/// `Σ scalar·point` of public values.
pub(crate) fn vartime_sum<'p>(
    scalars: impl IntoIterator<Item = Scalar>,
    points: impl IntoIterator<Item = &'p RistrettoPoint>,
) -> RistrettoPoint {
    // The library wants to know both lengths.
    let (scalars, points): (Vec<_>, Vec<_>) = (scalars.into_iter().collect(), points.into_iter().collect());
    RistrettoPoint::vartime_multiscalar_mul(scalars, points)
}

/// A secret polynomial, by its coefficients.
pub(crate) struct Polynomial(Vec<Secret>);

impl Polynomial {
    /// A random one with `t` coefficients, the first of which is zero: it changes every share of a key but not
    /// the key.
    pub(crate) fn without_constant(t: usize, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let zero = Secret::new(Scalar::ZERO);
        Self(core::iter::once(zero).chain((1..t).map(|_| Secret::random(rng))).collect())
    }

    pub(crate) fn at(&self, x: u8) -> Secret {
        let x = Scalar::from(x);
        Secret::new(self.0.iter().rev().fold(Scalar::ZERO, |sum, a| sum * x + a.0))
    }

    /// `A_k` of every coefficient but the first, which is zero.
    pub(crate) fn commitments(&self) -> Vec<RistrettoPoint> {
        self.0.iter().skip(1).map(Secret::times_g).collect()
    }
}

/// The value in the exponent at `x` of the polynomial with these commitments, the first for power `first`.
pub(crate) fn vartime_at(commitments: &[RistrettoPoint], first: u32, x: u8) -> RistrettoPoint {
    let x = Scalar::from(x);
    let start = (0..first).fold(Scalar::ONE, |power, _| power * x);
    let powers = core::iter::successors(Some(start), |power| Some(power * x));
    vartime_sum(powers.take(commitments.len()), commitments)
}

/// λ_i(at) over `set`, which holds each number once, and `i` among them.
pub(crate) fn lagrange(set: &[u8], i: u8, at: u8) -> Scalar {
    let (i, at) = (Scalar::from(i), Scalar::from(at));
    let others = || set.iter().map(|j| Scalar::from(*j)).filter(|j| *j != i);
    let numerator: Scalar = others().map(|j| at - j).product();
    let denominator: Scalar = others().map(|j| i - j).product();
    numerator * denominator.invert()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn shares_lie_on_the_committed_polynomial_and_interpolate_to_it() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let f = Polynomial(vec![Secret::random(rng), Secret::random(rng), Secret::random(rng)]);
        let committed: Vec<_> = f.0.iter().map(Secret::times_g).collect();
        for x in 0..5 {
            assert_eq!(f.at(x).times_g(), vartime_at(&committed, 0, x), "at {x}");
        }
        for at in [0, 4, 9] {
            let set = [1, 3, 15];
            let sum: Scalar = set.iter().map(|i| lagrange(&set, *i, at) * f.at(*i).0).sum();
            assert_eq!(sum, f.at(at).0, "at {at}");
        }
        let zero = Polynomial::without_constant(3, rng);
        assert_eq!(zero.at(0).0, Scalar::ZERO);
        assert_eq!(zero.at(7).times_g(), vartime_at(&zero.commitments(), 1, 7));
    }

    #[test]
    fn the_identity_and_long_scalars_are_refused() {
        assert!(point(&mut Reader::new(&[0; 32])).is_err());
        assert!(Secret::read(&mut Reader::new(&[0xff; 32])).is_err());
        assert_eq!(format!("{:?}", Secret::new(Scalar::ONE)), "Secret(..)");
    }
}
