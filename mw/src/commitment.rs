//! Pedersen commitments `C = v·H + r·G`: perfectly hiding, binding while nobody knows `log_G H`.
//!
//! They add: `C(v₁,r₁) + C(v₂,r₂) = C(v₁+v₂, r₁+r₂)`, which is what a balance check uses.

use crate::{
    amount::Amount,
    group::{Point, PointBytes, Scalar, pedersen},
    schnorr::PublicKey,
    secret::SecretScalar,
};
use core::fmt;

/// A commitment to an amount; also the name of an output, since inputs carry nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment(pub(crate) Point);

impl Commitment {
    /// `v·H + r·G`, constant time in both.
    #[must_use]
    pub fn new(v: Amount, r: &SecretScalar) -> Self {
        Self(pedersen().commit(Scalar::from(v.units()), *r.expose()).into())
    }

    /// The sum: it commits to the sum of both amounts under the sum of both blinding factors.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(Point::from(self.0.element() + other.0.element()))
    }

    /// Takes any point as a commitment; the rules refuse the identity.
    #[must_use]
    pub const fn from_point(p: Point) -> Self {
        Self(p)
    }

    /// The point.
    #[must_use]
    pub const fn point(&self) -> &Point {
        &self.0
    }

    /// Its encoding as a value of its own: its name in errors and indices.
    #[must_use]
    pub const fn encoded(&self) -> PointBytes {
        self.0.encoded()
    }

    /// Whether `self − v·H = X + o·G`: this output pays `v` and its blinding factor is split into the key `X` and `o`.
    #[must_use]
    pub fn is_split(&self, v: Amount, x: &PublicKey, o: &Scalar) -> bool {
        let rest = Self::new(v, &SecretScalar::from(*o));
        self.0.element() == rest.0.element() + x.point().element()
    }

    /// The canonical 32-byte encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn splits(v: u64, r: [u8; 32], o: [u8; 32]) {
            let (r, o) = (SecretScalar::from(Scalar::from_bytes_mod_order(r)), Scalar::from_bytes_mod_order(o));
            let c = Commitment::new(Amount::new(v), &r);
            let x = PublicKey::of(&r.sub(&o.into()));
            prop_assert!(c.is_split(Amount::new(v), &x, &o));
            prop_assert!(!c.is_split(Amount::new(v ^ 1), &x, &o));
            prop_assert!(!c.is_split(Amount::new(v), &x, &(o + Scalar::ONE)));
            prop_assert!(!c.is_split(Amount::new(v), &PublicKey::from_point(Point::g()), &o));
        }

        #[test]
        fn commitments_add(v in 0..1u64 << 63, w in 0..1u64 << 63, r: [u8; 32], s: [u8; 32]) {
            let (r, s) = (Scalar::from_bytes_mod_order(r).into(), Scalar::from_bytes_mod_order(s).into());
            let sum = Commitment::new(Amount::new(v + w), &SecretScalar::add(&r, &s));
            let parts = Commitment::new(Amount::new(v), &r).plus(&Commitment::new(Amount::new(w), &s));
            prop_assert_eq!(sum, parts);
        }
    }
}
