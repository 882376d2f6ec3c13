//! Secret scalars: blinding factors, signing shares, nonces.
//!
//! Guaranteed: they are wiped on drop, compared in constant time, never printed and never copied implicitly.
//! Not guaranteed: that the compiler leaves no copy in registers or on the stack (see `docs/THREATS.md`).

use crate::group::{Point, Scalar, scalar_from_bytes};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A scalar that must stay secret.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mw::SecretScalar;
///
/// let (x, y) = (SecretScalar::random(&mut OsRng), SecretScalar::random(&mut OsRng));
/// assert_eq!(x.add(&y).sub(&y), x);
/// assert_eq!(format!("{x:?}"), "SecretScalar(…)");
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretScalar(Scalar);

impl SecretScalar {
    /// A uniform non-zero scalar.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        loop {
            let s = Self(Scalar::random(rng));
            if s.0 != Scalar::ZERO {
                return s;
            }
        }
    }

    /// The reduction of 64 uniform bytes.
    #[must_use]
    pub fn from_wide(bytes: &[u8; 64]) -> Self {
        Self(Scalar::from_bytes_mod_order_wide(bytes))
    }

    /// The scalar with this canonical encoding; `None` for any other 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        scalar_from_bytes(bytes).map(Self)
    }

    /// The canonical encoding, wiped on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The sum.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The difference.
    #[must_use]
    pub fn sub(&self, other: &Self) -> Self {
        Self(self.0 - other.0)
    }

    /// Zero, the neutral element of sums.
    #[must_use]
    pub const fn zero() -> Self {
        Self(Scalar::ZERO)
    }

    /// The Diffie–Hellman secret `x·P`, encoded: the same for the holder of `x` and for the holder of the
    /// logarithm of `P`.
    ///
    /// Constant time in `x`. The result is the identity only if `p` is, which the caller must refuse.
    #[must_use]
    pub fn agree(&self, p: &Point) -> Zeroizing<[u8; 32]> {
        let mut shared = p.element() * self.0;
        let bytes = Zeroizing::new(shared.compress().to_bytes());
        shared.zeroize();
        bytes
    }

    /// Makes the scalar public, for a kernel offset or a partial signature.
    #[must_use]
    pub const fn reveal(&self) -> Scalar {
        self.0
    }

    pub(crate) const fn expose(&self) -> &Scalar {
        &self.0
    }
}

impl From<Scalar> for SecretScalar {
    fn from(s: Scalar) -> Self {
        Self(s)
    }
}

impl PartialEq for SecretScalar {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
impl Eq for SecretScalar {}

impl fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretScalar(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schnorr::PublicKey;

    #[test]
    fn never_printed() {
        let s = SecretScalar::from(Scalar::from(7u64));
        assert_eq!(format!("{s:?}"), "SecretScalar(…)");
    }

    #[test]
    fn both_sides_agree() {
        let (x, y) = (SecretScalar::from(Scalar::from(7u64)), SecretScalar::from(-Scalar::from(3u64)));
        let key = |s: &SecretScalar| *PublicKey::of(s).point();
        let product = SecretScalar::from(-Scalar::from(21u64));
        assert_eq!(*x.agree(&key(&y)), *key(&product).as_bytes());
        assert_eq!(x.agree(&key(&y)), y.agree(&key(&x)));
    }
}
