//! Who proposes in a round: drawn by power, each once before anybody twice.
//!
//! ```text
//! draw of round r among those not drawn before:
//! x = first 16 bytes of H("sotto/proposer/v1", chain id ‖ set's hash ‖ height (8) ‖ r (4)) mod their power
//! drawn: the first, in the order of the set, at whom the sum of the powers exceeds x
//! ```
//!
//! When all were drawn, all may be drawn again. Nothing that a block contains enters the draw, so no proposer
//! steers who comes after it. An honest one is drawn within as many rounds as there are dishonest ones, and
//! one.

use super::ValidatorSet;
use crate::{amount::Height, chain_id::ChainId, hash::tagged, tag};

impl ValidatorSet {
    /// The place of the validator that proposes in this round of this height.
    #[must_use]
    pub fn proposer(&self, chain: &ChainId, height: Height, round: u32) -> usize {
        let n = u32::try_from(self.count()).unwrap_or(u32::MAX);
        let mut left: Vec<usize> = (0..self.count()).collect();
        let mut drawn = 0;
        // Before the round of this remainder zero everyone was drawn equally often.
        for r in round - round % n..=round {
            drawn = self.draw(chain, height, r, &left);
            left.retain(|i| *i != drawn);
        }
        drawn
    }

    fn draw(&self, chain: &ChainId, height: Height, round: u32, left: &[usize]) -> usize {
        let power = |i: usize| self.get(i).map_or(0, |v| u128::from(v.power.get()));
        let (height, round) = (height.get().to_le_bytes(), round.to_le_bytes());
        let hash = tagged(tag::PROPOSER, &[chain.as_bytes(), self.hash().as_bytes(), &height, &round]);
        let (first, _) = hash.as_bytes().split_at(16);
        let number = first.iter().rev().fold(0u128, |n, byte| n << 8 | u128::from(*byte));
        let mut x = number % left.iter().map(|i| power(*i)).sum::<u128>().max(1);
        for i in left {
            match x.checked_sub(power(*i)) {
                Some(rest) => x = rest,
                None => return *i,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        group::Scalar,
        secret::SecretScalar,
        validators::{LinkKey, Validator},
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn set(powers: &[u32]) -> ValidatorSet {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let validator = |(i, power): (u8, &u32)| {
            let (key, name) = (SecretScalar::from(Scalar::from(u64::from(i))), format!("v{i}"));
            let link = LinkKey::from_bytes([i; 32]);
            Validator::new(&key, link, (*power).try_into().unwrap(), name.parse().unwrap(), &mut rng)
        };
        ValidatorSet::new((1..).zip(powers).map(validator).collect()).unwrap()
    }

    #[test]
    fn each_is_drawn_once_in_as_many_rounds_as_there_are_validators() {
        let (set, chain) = (set(&[1, 5, 100, 3, 3, 7, 1]), ChainId::from_bytes([7; 32]));
        for height in (0..20).map(Height::new) {
            for first in [0, 7, 7 * 1_000_000] {
                let mut drawn: Vec<_> = (first..first + 7).map(|r| set.proposer(&chain, height, r)).collect();
                drawn.sort_unstable();
                assert_eq!(drawn, [0, 1, 2, 3, 4, 5, 6]);
            }
        }
        assert!(set.proposer(&chain, Height::new(1), u32::MAX) < 7);
    }

    #[test]
    fn power_is_how_often_one_is_drawn_first() {
        let (set, chain) = (set(&[1, 2, 3, 4]), ChainId::from_bytes([7; 32]));
        let mut drawn = [0u32; 4];
        (0..10_000).for_each(|h| drawn[set.proposer(&chain, Height::new(h), 0)] += 1);
        for (v, n) in set.all().iter().zip(drawn) {
            assert!(n.abs_diff(1_000 * v.power.get()) < 200, "{} drawn {n} times", v.power);
        }
    }
}
