//! Pedersen commitments `C = v·H + r·G`: perfectly hiding, and binding as long as `log_G H` is unknown.
//!
//! They add up, which is what a balance check relies on: `C(v₁, r₁) + C(v₂, r₂) = C(v₁ + v₂, r₁ + r₂)`.

use crate::{
    amount::Amount,
    group::{Scalar, mul_g, mul_h, point_newtype},
    schnorr::PublicKey,
    secret::SecretScalar,
};

point_newtype! {
    /// A commitment to an amount. It also names an output, because an input carries nothing else.
    ///
    /// ```
    /// use rand_core::OsRng;
    /// use sotto_mw::{Amount, Commitment, SecretScalar};
    ///
    /// let (r, s) = (SecretScalar::random(&mut OsRng), SecretScalar::random(&mut OsRng));
    /// let sum = Commitment::new(Amount::new(2), &r).plus(&Commitment::new(Amount::new(3), &s));
    /// assert_eq!(sum, Commitment::new(Amount::new(5), &r.add(&s)));
    /// ```
    Commitment
}

impl Commitment {
    /// Commits to `v` under the blinding factor `r`, in constant time.
    #[must_use]
    pub fn new(v: Amount, r: &SecretScalar) -> Self {
        Self((mul_h(&Scalar::from(v.units())) + mul_g(r.expose())).into())
    }

    /// Whether `self − v·H = X + o·G`: the output holds `v`, and its blinding factor is the sum of `o` and
    /// the secret of `X`.
    #[must_use]
    pub fn is_split(&self, v: Amount, x: &PublicKey, o: &Scalar) -> bool {
        let rest = Self::new(v, &SecretScalar::from(*o));
        self.0.element() == rest.0.element() + x.point().element()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Point;
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
