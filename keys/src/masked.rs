//! Masked answers: what a member says of its share of a key, once, under masks that nobody else knows.
//!
//! ```text
//! masks   m, n secret; M = m·G and N = n·G are shown
//! answer  z_i = f·λ_i·s_i + g·m + h·n          f, g, h public, fixed after all masks were shown
//! check   z_i·G = f·λ_i·Y_i + g·M + h·N
//! Σ z_i   answers for the key: Σ λ_i·s_i = x
//! ```
//!
//! With (f, g, h) = (c, 1, ρ) it is a share of a signature, with (z², x, x²) one of a range proof. One answer
//! says nothing about s_i as long as g or h is not zero; a second one under the same masks is a second equation
//! in three unknowns, and a third gives s_i. So masks are used up by the answer, and the caller closes what they
//! are for before it leaves.
#![deny(clippy::indexing_slicing)]

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::codec::{DecodeError, Reader};
use crate::curve::{Secret, point, put_point, vartime_sum};
use crate::fault::Fault;
use crate::tag::{MASK, tagged_wide};

/// The masks of one answer. There is no copy, and answering consumes them.
pub(crate) struct Masks([Secret; 2]);

impl Masks {
    /// Draws masks. They depend on the share and on `rng`, as the nonces of RFC 9591, section 4.1.
    pub(crate) fn generate(share: &Secret, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self([(); 2].map(|()| {
            let mut fresh = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *fresh);
            let wide = Zeroizing::new(tagged_wide(MASK, &[&*fresh, share.expose().as_bytes()]));
            Secret::new(Scalar::from_bytes_mod_order_wide(&wide))
        }))
    }

    pub(crate) fn shown(&self) -> Shown {
        Shown(self.0.each_ref().map(Secret::times_g))
    }

    /// The answer of the holder of this share, whose coefficient is λ.
    pub(crate) fn answer(self, share: &Secret, lambda: &Scalar, factors: &Factors) -> Result<Scalar, Fault> {
        let Factors([f, g, h]) = factors;
        if [g, h].contains(&&Scalar::ZERO) {
            return Err(Fault::Unusable);
        }
        let [m, n] = &self.0;
        Ok(f * lambda * share.expose() + g * m.expose() + h * n.expose())
    }
}

/// f, g and h: the factors of the share and of its two masks in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factors(pub [Scalar; 3]);

/// What a member shows of its masks: `M ‖ N` (64 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown([RistrettoPoint; 2]);

impl Shown {
    pub(crate) fn sum<'s>(all: impl IntoIterator<Item = &'s Self>) -> [RistrettoPoint; 2] {
        all.into_iter().fold(Default::default(), |[m, n]: [RistrettoPoint; 2], one| {
            let [a, b] = one.0;
            [m + a, n + b]
        })
    }

    /// Whether the holder of the share of `y` answered so.
    pub(crate) fn vartime_answered(
        &self,
        (y, lambda): (&RistrettoPoint, &Scalar),
        factors: &Factors,
        answer: &Scalar,
    ) -> bool {
        let (Factors([f, g, h]), [m, n]) = (factors, &self.0);
        Secret::new(*answer).times_g() == vartime_sum([f * lambda, *g, *h], [y, m, n])
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|point| put_point(point, out));
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self([point(r)?, point(r)?]))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn an_answer_holds_for_its_share_masks_and_factors_alone() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (share, other) = (Secret::random(rng), Secret::random(rng));
        let [f, g, h, lambda] = [3u8, 5, 7, 11].map(Scalar::from);
        let factors = Factors([f, g, h]);
        let masks = Masks::generate(&share, rng);
        let shown = masks.shown();
        let z = masks.answer(&share, &lambda, &factors).unwrap();
        let y = share.times_g();
        assert!(shown.vartime_answered((&y, &lambda), &factors, &z));
        assert!(!shown.vartime_answered((&y, &lambda), &factors, &(z + Scalar::ONE)));
        assert!(!shown.vartime_answered((&other.times_g(), &lambda), &factors, &z));
        assert!(!shown.vartime_answered((&y, &f), &factors, &z));
        assert!(!shown.vartime_answered((&y, &lambda), &Factors([f, h, g]), &z));
        assert!(!Masks::generate(&share, rng).shown().vartime_answered((&y, &lambda), &factors, &z));
    }

    /// An answer without masks would be the share itself.
    #[test]
    fn masks_with_a_factor_of_zero_answer_nothing() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let share = Secret::random(rng);
        for factors in [[1u8, 0, 1], [1, 1, 0]] {
            let masks = Masks::generate(&share, rng);
            let answer = masks.answer(&share, &Scalar::ONE, &Factors(factors.map(Scalar::from)));
            assert_eq!(answer, Err(Fault::Unusable));
        }
    }

    /// Clones of a machine repeat their random bytes; two keys still have different masks.
    #[test]
    fn a_repeated_random_source_repeats_no_mask_of_another_share() {
        let (one, two) = (Secret::new(Scalar::ONE), Secret::new(Scalar::from(2u8)));
        let shown = |share| Masks::generate(share, &mut ChaCha20Rng::seed_from_u64(1)).shown();
        assert_eq!(shown(&one), shown(&one));
        assert_ne!(shown(&one), shown(&two));
    }
}
