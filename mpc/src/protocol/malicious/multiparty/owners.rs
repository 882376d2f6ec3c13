//! What an owner who does not compute gives several compute parties, so that each can test that all others enter the
//! share they were given.
//!
//! ```text
//! x = x_1 ⊕ … ⊕ x_n                  a share for each compute party
//! for each block, attempt and ordered pair (i is tested, j tests) a seed κ_ij and a mask ρ_ij, drawn apart:
//! i gets   ρ_ij ‖ SHA-256(label, owner, block, attempt, i, j, κ_ij)      j gets   κ_ij ‖ Σ χ_m(κ_ij)·x_i,m ⊕ ρ_ij
//! ```
//!
//! So a compute party has, with each other, what it has of a block between two ([`BlockTest`]); it enters the ρ of all
//! its testers after the block, 128·(n − 1) bits.
//!
//! **Sound** as between two: towards each honest j, i has fixed its bits and ρ_ij, by Λ that was broadcast and compared,
//! before j reveals κ_ij. One honest compute party is enough, since it tests all others.
//!
//! **Hiding.** j learns X_ij, which ρ_ij masks, and ρ_ij masks nothing else. If all testers of i had one ρ, two of them
//! could add their X and learn 128 linear forms of its share.

use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::super::owners::{BlockTest, Deal, Ends, SeedPlace, block_bits, blocks, linear_form};
use super::plan::Parties;
use crate::{Bits, Block};

impl Deal {
    /// The tests of the shares of the owner's bits, for each party in the order of places: attempt by attempt, within an
    /// attempt block by block, and within a block for each other party in the order of places.
    ///
    /// # Panics
    /// If there is not one share for each party, or they are not of one length.
    #[must_use]
    pub fn tests_of_many(
        &self,
        parties: Parties,
        shares: &[Bits],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Vec<Vec<BlockTest>> {
        assert_eq!(shares.len(), parties.number());
        let bits = shares.first().map_or(0, Bits::len);
        assert!(shares.iter().all(|share| share.len() == bits));
        let mut dealt: Vec<Vec<BlockTest>> = shares.iter().map(|_| Vec::new()).collect();
        for attempt in 0..self.attempts {
            for block in 0..blocks(bits, self.input_streams) {
                let pairs = self.pairs(shares, (attempt, block as u64), rng);
                for (place, dealt) in dealt.iter_mut().enumerate() {
                    let others = (0..shares.len()).filter(|other| *other != place);
                    dealt.extend(others.map(|other| BlockTest {
                        mask: pairs[place][other].mask,
                        expected: pairs[place][other].hash,
                        seed: pairs[other][place].seed,
                        sum: pairs[other][place].sum,
                    }));
                }
            }
        }
        dealt
    }

    /// For each party that is tested, and within for each that tests, the halves of their test of a block.
    fn pairs(
        &self,
        shares: &[Bits],
        (attempt, block): (u32, u64),
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Vec<Vec<Pair>> {
        let (size, owner) = (block_bits(self.input_streams), self.owner);
        let mut pair = |tested: usize, tester: usize, share: &Bits| {
            let (seed, mask) = (Block::random(rng), Block::random(rng));
            let sum = linear_form(seed, share.iter_from(block as usize * size).take(size)) ^ mask;
            let ends = Ends::OfMany { tested: tested as u8, tester: tester as u8 };
            Pair { mask, hash: SeedPlace { owner, block, attempt, ends }.hash(seed), seed, sum }
        };
        let tested = |(tested, share): (usize, &Bits)| {
            (0..shares.len()).map(|tester| pair(tested, tester, share)).collect()
        };
        shares.iter().enumerate().map(tested).collect()
    }
}

/// One test: what is for the tested one, and what for the one who tests.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Pair {
    mask: Block,
    hash: [u8; 32],
    seed: Block,
    sum: Block,
}

#[cfg(test)]
mod tests {
    use super::super::super::owners::OwnerId;
    use super::super::super::tests::rng;
    use super::*;

    /// Whoever tests holds the κ that the tested one has the hash of, and the X of its share under its ρ; no κ and no ρ
    /// serves twice.
    #[test]
    fn each_block_attempt_and_ordered_pair_has_its_own_test() {
        let (rng, size) = (&mut rng(1), block_bits(2));
        let parties = Parties::new(3).unwrap();
        let shares: Vec<Bits> = (0..3).map(|_| Bits::random(size + 9, rng)).collect();
        let owner = OwnerId([3; 32]);
        let dealt = Deal { owner, attempts: 2, input_streams: 2 }.tests_of_many(parties, &shares, rng);
        let (mut seeds, mut masks) = (Vec::new(), Vec::new());
        for (attempt, block) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            for (tested, tester) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
                let at = |of: usize, other: usize| {
                    &dealt[of][(attempt * 2 + block) * 2 + if other < of { other } else { other - 1 }]
                };
                let (theirs, ours) = (at(tested, tester), at(tester, tested));
                let ends = Ends::OfMany { tested: tested as u8, tester: tester as u8 };
                let place = SeedPlace { owner, block: block as u64, attempt: attempt as u32, ends };
                assert_eq!(theirs.expected, place.hash(ours.seed));
                let bits = shares[tested].iter_from(block * size).take(size);
                assert_eq!(ours.sum, linear_form(ours.seed, bits) ^ theirs.mask);
                seeds.push(ours.seed.to_u128());
                masks.push(theirs.mask.to_u128());
            }
        }
        for mut drawn in [seeds, masks] {
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 24);
        }
    }
}
