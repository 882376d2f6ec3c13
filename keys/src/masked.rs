//! Masked answers: what a member says of its share of a key, once, under masks that nobody else knows.
//!
//! ```text
//! masks   m, n secret; M = m·G and N = n·G are shown
//! answer  z_i = f·λ_i·s_i + g·m + h·n          f, g, h public, fixed after all masks were shown
//! check   z_i·G = f·λ_i·Y_i + g·M + h·N
//! Σ z_i   answers for the key: Σ λ_i·s_i = x
//! over P  λ_i·s_i·P, m·P, n·P are shown too    z_i·P = f·(λ_i·s_i·P) + g·(m·P) + h·(n·P)    Σ λ_i·s_i·P = x·P
//! ```
//!
//! With (f, g, h) = (c, 1, ρ) it is a share of a signature, with (z², x, x²) one of a range proof. One answer
//! says nothing about s_i as long as g or h is not zero; a second one under the same masks is a second equation
//! in three unknowns, and a third gives s_i. So masks are used up by the answer, and the caller closes what they
//! are for before it leaves.
//!
//! Points over P need no proof of their own: what is false in them is fixed before the factors are drawn, and the
//! same z_i fits both lines for two values of a factor at most.
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
        Shown { masks: self.0.each_ref().map(Secret::times_g), over: None }
    }

    /// The same, and over another base P for a share whose coefficient is λ.
    pub(crate) fn shown_over(&self, base: &RistrettoPoint, share: &Secret, lambda: &Scalar) -> Shown {
        let [m, n] = self.0.each_ref().map(|mask| base * mask.expose());
        let weighted = Secret::new(lambda * share.expose());
        Shown { over: Some([base * weighted.expose(), m, n]), ..self.shown() }
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

/// What a member shows of its masks: `M ‖ N` (64 bytes), and over another base `λ·s·P ‖ m·P ‖ n·P` (96).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    masks: [RistrettoPoint; 2],
    over: Option<[RistrettoPoint; 3]>,
}

/// The sums of what members showed of their masks for a key x, encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// ΣM and ΣN.
    pub masks: [[u8; 32]; 2],
    /// x·P, Σm·P and Σn·P, if the pool has another base and the key is not the mask of the plan.
    pub over: Option<[[u8; 32]; 3]>,
}

fn add<const N: usize>(a: [RistrettoPoint; N], b: [RistrettoPoint; N]) -> [RistrettoPoint; N] {
    let mut b = b.into_iter();
    a.map(|a| b.next().map_or(a, |b| a + b))
}

impl Shown {
    pub(crate) fn sum<'s>(all: impl IntoIterator<Item = &'s Self>) -> Sums {
        let mut all = all.into_iter().copied();
        let first = all.next().unwrap_or(Self { masks: Default::default(), over: None });
        let sum = all.fold(first, |sum, one| Self {
            masks: add(sum.masks, one.masks),
            over: sum.over.zip(one.over).map(|(a, b)| add(a, b)),
        });
        let encoded = |p: RistrettoPoint| p.compress().to_bytes();
        Sums { masks: sum.masks.map(encoded), over: sum.over.map(|points| points.map(encoded)) }
    }

    /// Whether the holder of the share of `y` answered so; over the other base too, if it showed points there.
    pub(crate) fn vartime_answered(
        &self,
        (y, lambda): (&RistrettoPoint, &Scalar),
        (factors, base): (&Factors, Option<&RistrettoPoint>),
        answer: &Scalar,
    ) -> bool {
        let (Factors([f, g, h]), [m, n]) = (factors, &self.masks);
        let over = base.zip(self.over.as_ref());
        let fits = over.is_none_or(|(base, [weighted, m, n])| {
            vartime_sum([*answer], [base]) == vartime_sum([*f, *g, *h], [weighted, m, n])
        });
        fits && Secret::new(*answer).times_g() == vartime_sum([f * lambda, *g, *h], [y, m, n])
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        self.masks.iter().chain(self.over.iter().flatten()).for_each(|point| put_point(point, out));
    }

    /// Reads what is shown of one key, over another base too if there is one.
    pub(crate) fn read(r: &mut Reader<'_>, base: Option<&RistrettoPoint>) -> Result<Self, DecodeError> {
        let masks = [point(r)?, point(r)?];
        let over = base.map(|_| Ok([point(r)?, point(r)?, point(r)?])).transpose()?;
        Ok(Self { masks, over })
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
        let fits = |shown: &Shown, (y, lambda): (&RistrettoPoint, &Scalar), factors: &Factors, z: &Scalar| {
            shown.vartime_answered((y, lambda), (factors, None), z)
        };
        assert!(fits(&shown, (&y, &lambda), &factors, &z));
        assert!(!fits(&shown, (&y, &lambda), &factors, &(z + Scalar::ONE)));
        assert!(!fits(&shown, (&other.times_g(), &lambda), &factors, &z));
        assert!(!fits(&shown, (&y, &f), &factors, &z));
        assert!(!fits(&shown, (&y, &lambda), &Factors([f, h, g]), &z));
        assert!(!fits(&Masks::generate(&share, rng).shown(), (&y, &lambda), &factors, &z));
    }

    /// Each of the three points over another base counts; those over G alone do not show it.
    #[test]
    fn an_answer_holds_over_another_base_too() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (share, base) = (Secret::random(rng), Secret::random(rng).times_g());
        let [f, g, h, lambda] = [3u8, 5, 7, 11].map(Scalar::from);
        let masks = Masks::generate(&share, rng);
        let shown = masks.shown_over(&base, &share, &lambda);
        let (z, y) = (masks.answer(&share, &lambda, &Factors([f, g, h])).unwrap(), share.times_g());
        let fits =
            |shown: &Shown, base| shown.vartime_answered((&y, &lambda), (&Factors([f, g, h]), base), &z);
        assert!(fits(&shown, Some(&base)) && !fits(&shown, Some(&y)));
        for i in 0..3 {
            let mut bad = shown;
            bad.over.as_mut().unwrap()[i] += base;
            assert!(!fits(&bad, Some(&base)) && fits(&bad, None), "point {i}");
        }
        let mut bytes = Vec::new();
        shown.put(&mut bytes);
        assert_eq!((bytes.len(), Shown::read(&mut Reader::new(&bytes), Some(&base))), (160, Ok(shown)));
        let sum = Shown::sum([&shown, &shown]);
        assert_eq!(
            sum.over.unwrap()[0],
            (base * (lambda * share.expose() * Scalar::from(2u8))).compress().to_bytes()
        );
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
