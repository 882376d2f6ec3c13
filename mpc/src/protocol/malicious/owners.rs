//! What an owner who does not compute gives the compute parties, so that each can test that the other enters
//! the share it was given.
//!
//! The owner splits its bits into a share for each compute party, and each share into blocks. For a block,
//! for each ordered pair of compute parties (i is tested, j tests) and for each attempt that the parties
//! allow, it draws a seed κ and a mask ρ:
//!
//! ```text
//! i gets   ρ [16] ‖ SHA-256(label, owner, block, attempt, j, κ) [32]
//! j gets   κ [16] ‖ X [16]            X = Σ χ_m·x_m ⊕ ρ in GF(2^128),  χ_m = AES_κ(m),  x_m the bits of i's share
//! ```
//!
//! Both compute parties are tested, so each gets 80 bytes for a block and attempt ([`BlockTest`]). ρ is
//! entered after the block as 128 further bits. Once all Λ of the block and of ρ are revealed, so that i is
//! bound to what it entered, j reveals κ, and i answers ([`owner_check`](super::owner_check)).
//!
//! **Sound.** i has fixed its entered bits x' and mask ρ' before it learns κ. If (x', ρ') ≠ (x, ρ), they pass
//! only if Σ χ_m·(x_m ⊕ x'_m) = ρ ⊕ ρ': for differing x a linear form with pseudorandom coefficients, which
//! takes a value that was fixed before with probability 2^-128; for equal x never.
//!
//! **Hiding.** j learns X, which ρ masks: it is uniform, and each ρ masks one X. That holds for the owner's κ
//! and no other: under a κ' of j's choice the answer X' ⊕ X is 128 linear forms of the bits of x, so i
//! answers only if κ hashes to what the owner gave it. And κ must be used once: an i that knows it before it
//! enters its bits finds (x', ρ') that pass. So each attempt has its own, and an attempt is noted durably
//! before κ leaves ([`Milestone::Attempt`]).

use core::ops::Range;

use aes::Aes128Enc;
use aes::cipher::{BlockEncrypt, KeyInit};
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::report::double;
use crate::protocol::hello::Role;
use crate::{Bits, Block};

/// The bits of ρ.
pub(super) const MASK_BITS: usize = 128;

/// The label of what κ hashes to, between two compute parties.
const SEED: &[u8] = b"sotto mpc malicious v1 owner's seed";
/// The same, among several.
const SEED_OF_MANY: &[u8] = b"sotto mpc multiparty v1 owner's seed";

/// The most bits of the blocks of all streams together, one of each.
const BLOCK_BITS: usize = 1 << 20;
/// The most and the fewest bits of a full block.
const MOST: usize = 1 << 16;
const LEAST: usize = 128;

/// The bits of a full block, for a program with this many input streams.
#[must_use]
pub fn block_bits(input_streams: usize) -> usize {
    (BLOCK_BITS / input_streams.max(1)).clamp(LEAST, MOST)
}

/// How many blocks these bits of one stream are, in a program with so many input streams.
#[must_use]
pub fn blocks(bits: usize, input_streams: usize) -> usize {
    bits.div_ceil(block_bits(input_streams))
}

/// An execution reaches a point of no return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// Before anything leaves by which the peer can try its luck, or an owner's seed: the attempt counts from
    /// here on, however it ends.
    Attempt,
    /// Before a mask of an output leaves: from here on the peer may learn the output, so there must be no
    /// other attempt.
    Outputs,
}

/// The milestone could not be noted durably, so the execution must not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what must survive a crash could not be kept")]
pub struct NotKept;

/// An owner who does not compute: what its seeds hash to names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerId(pub [u8; 32]);

/// What a compute party holds for one block of an owner's bits and one attempt.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct BlockTest {
    /// ρ, which this compute party enters after its share.
    pub(super) mask: Block,
    /// What the κ hashes to by which the peer tests this compute party.
    pub(super) expected: [u8; 32],
    /// κ, by which this compute party tests its peer.
    pub(super) seed: Block,
    /// X of the peer's share.
    pub(super) sum: Block,
}

impl BlockTest {
    /// The size of the encoding in bytes.
    pub const BYTES: usize = 80;

    /// The encoding: ρ ‖ hash ‖ κ ‖ X. Secret.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(&self.mask.to_bytes());
        bytes[16..48].copy_from_slice(&self.expected);
        bytes[48..64].copy_from_slice(&self.seed.to_bytes());
        bytes[64..].copy_from_slice(&self.sum.to_bytes());
        bytes
    }

    /// The bits of ρ.
    pub(super) fn mask(&self) -> impl Iterator<Item = bool> + use<> {
        let mask = self.mask.to_u128();
        (0..MASK_BITS).map(move |p| mask >> p & 1 == 1)
    }

    /// Decodes what [`to_bytes`](Self::to_bytes) encoded.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let block = |at: usize| {
            let mut block = [0; Block::BYTES];
            block.copy_from_slice(&bytes[at..at + Block::BYTES]);
            Block::from_bytes(block)
        };
        let mut expected = [0; 32];
        expected.copy_from_slice(&bytes[16..48]);
        Self { mask: block(0), expected, seed: block(48), sum: block(64) }
    }
}

/// Shows nothing.
impl core::fmt::Debug for BlockTest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BlockTest(..)")
    }
}

/// What an owner deals tests for.
#[derive(Clone, Copy, Debug)]
pub struct Deal {
    /// Who deals.
    pub owner: OwnerId,
    /// How many attempts the parties allow.
    pub attempts: u32,
    /// How many input streams the program has, one of which is the owner's.
    pub input_streams: usize,
}

impl Deal {
    /// The tests of both shares of the owner's bits, for the garbler and for the evaluator: attempt by
    /// attempt, and within an attempt block by block.
    ///
    /// # Panics
    /// If the shares are not of one length.
    #[must_use]
    pub fn tests(&self, shares: [&Bits; 2], rng: &mut (impl RngCore + CryptoRng)) -> [Vec<BlockTest>; 2] {
        let [bits, other] = shares.map(Bits::len);
        assert_eq!(bits, other);
        let (mut dealt, size) = ([Vec::new(), Vec::new()], block_bits(self.input_streams));
        for attempt in 0..self.attempts {
            for block in 0..blocks(bits, self.input_streams) {
                let range = block * size..bits.min((block + 1) * size);
                let [g, e] = self.block(shares, range, (attempt, block as u64), rng);
                dealt[0].push(g);
                dealt[1].push(e);
            }
        }
        dealt
    }

    fn block(
        &self,
        [garbler, evaluator]: [&Bits; 2],
        range: Range<usize>,
        (attempt, block): (u32, u64),
        rng: &mut (impl RngCore + CryptoRng),
    ) -> [BlockTest; 2] {
        let [seed_g, seed_e, mask_g, mask_e] = core::array::from_fn(|_| Block::random(rng));
        let sum = |share: &Bits, mask, seed| {
            linear_form(seed, share.iter_from(range.start).take(range.len())) ^ mask
        };
        let hash = |tester, seed| {
            SeedPlace { owner: self.owner, block, attempt, ends: Ends::OfTwo { tester } }.hash(seed)
        };
        [
            BlockTest {
                mask: mask_g,
                expected: hash(Role::Evaluator, seed_e),
                seed: seed_g,
                sum: sum(evaluator, mask_e, seed_g),
            },
            BlockTest {
                mask: mask_e,
                expected: hash(Role::Garbler, seed_g),
                seed: seed_e,
                sum: sum(garbler, mask_g, seed_e),
            },
        ]
    }
}

/// Who tests whom with a κ.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends {
    /// One of two compute parties the other.
    OfTwo {
        /// Who tests.
        tester: Role,
    },
    /// One of several another; both by their places, from 0.
    OfMany {
        /// Who is tested.
        tested: u8,
        /// Who tests.
        tester: u8,
    },
}

/// Which κ: whose, of which block and attempt, and who tests whom with it.
pub(super) struct SeedPlace {
    pub(super) owner: OwnerId,
    pub(super) block: u64,
    pub(super) attempt: u32,
    pub(super) ends: Ends,
}

impl SeedPlace {
    /// What κ hashes to. Lengths are fixed for each label, so nothing can be shifted.
    pub(super) fn hash(&self, seed: Block) -> [u8; 32] {
        let hash = match self.ends {
            Ends::OfTwo { .. } => Sha256::new_with_prefix(SEED),
            Ends::OfMany { .. } => Sha256::new_with_prefix(SEED_OF_MANY),
        };
        let hash = hash
            .chain_update(self.owner.0)
            .chain_update(self.block.to_le_bytes())
            .chain_update(self.attempt.to_le_bytes());
        let hash = match self.ends {
            Ends::OfTwo { tester } => hash.chain_update([tester as u8]),
            Ends::OfMany { tested, tester } => hash.chain_update([tested, tester]),
        };
        hash.chain_update(seed.to_bytes()).finalize().into()
    }
}

/// Coefficients that are computed at once.
const BATCH: usize = 64;

/// Σ χ_m·x_m for χ_m = AES_κ(m), in constant time in the bits.
pub(super) fn linear_form(seed: Block, bits: impl Iterator<Item = bool>) -> Block {
    let cipher = Aes128Enc::new(&seed.to_bytes().into());
    let (mut sum, mut batch) = (Block::ZERO, [aes::Block::default(); BATCH]);
    for (m, bit) in bits.enumerate() {
        if m % BATCH == 0 {
            for (i, block) in batch.iter_mut().enumerate() {
                *block = Block::new((m + i) as u128).to_bytes().into();
            }
            cipher.encrypt_blocks(&mut batch);
        }
        sum ^= Block::from_bytes(batch[m % BATCH].into()).masked(bit);
    }
    sum
}

/// Σ 2^p·v_p in GF(2^128).
pub(super) fn powers_sum(values: impl DoubleEndedIterator<Item = Block>) -> Block {
    values.rev().fold(Block::ZERO, |sum, value| double(sum) ^ value)
}

/// a·b in GF(2^128), in constant time.
pub(super) fn times(a: Block, b: Block) -> Block {
    let bits = (0..128).rev().map(|i| b.to_u128() >> i & 1 == 1);
    bits.fold(Block::ZERO, |product, bit| double(product) ^ a.masked(bit))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::super::report::ValueSum;
    use super::*;

    #[test]
    fn both_forms_have_the_coefficients_of_the_value_sum() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (seed, one) = (Block::random(rng), Block::new(1));
        let bits = Bits::random(300, rng);
        let mut sum = ValueSum::new(seed);
        sum.add(bits.iter().map(|bit| one.masked(bit)));
        assert_eq!(linear_form(seed, bits.iter()), sum.total());
        // Σ 2^p·ρ_p is ρ.
        let rho = Block::random(rng);
        assert_eq!(powers_sum((0..128).map(|p| one.masked(rho.to_u128() >> p & 1 == 1))), rho);
        assert_eq!(times(rho, one), rho);
        assert_eq!(times(times(rho, seed), Block::new(6)), times(seed, times(Block::new(6), rho)));
    }

    #[test]
    fn each_block_attempt_and_direction_has_its_own_test() {
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let shares = [Bits::random(block_bits(2) + 9, rng), Bits::random(block_bits(2) + 9, rng)];
        let owner = OwnerId([3; 32]);
        let deal = Deal { owner, attempts: 2, input_streams: 2 };
        let [to_g, to_e] = deal.tests([&shares[0], &shares[1]], rng);
        assert_eq!([to_g.len(), to_e.len()], [4, 4]);
        for (i, (g, e)) in to_g.iter().zip(&to_e).enumerate() {
            let (attempt, block) = (i as u32 / 2, i % 2);
            let place =
                |tester| SeedPlace { owner, block: block as u64, attempt, ends: Ends::OfTwo { tester } };
            assert_eq!(e.expected, place(Role::Garbler).hash(g.seed));
            assert_eq!(g.expected, place(Role::Evaluator).hash(e.seed));
            let bits =
                |share: &Bits| share.iter_from(block * block_bits(2)).take(block_bits(2)).collect::<Vec<_>>();
            assert_eq!(g.sum, linear_form(g.seed, bits(&shares[1]).into_iter()) ^ e.mask);
            assert_eq!(e.sum, linear_form(e.seed, bits(&shares[0]).into_iter()) ^ g.mask);
            let again = BlockTest::from_bytes(&g.to_bytes());
            assert_eq!(again.to_bytes(), g.to_bytes());
        }
        let mut seeds: Vec<u128> = to_g.iter().chain(&to_e).map(|test| test.seed.to_u128()).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 8);
    }

    #[test]
    fn what_a_seed_hashes_to_depends_on_owner_block_attempt_and_tester() {
        let hash = |owner, block, attempt, ends| {
            SeedPlace { owner: OwnerId([owner; 32]), block, attempt, ends }.hash(Block::new(7))
        };
        let two = |tester| Ends::OfTwo { tester };
        let base = hash(1, 2, 3, two(Role::Garbler));
        for other in [
            hash(2, 2, 3, two(Role::Garbler)),
            hash(1, 3, 3, two(Role::Garbler)),
            hash(1, 2, 4, two(Role::Garbler)),
            hash(1, 2, 3, two(Role::Evaluator)),
        ] {
            assert_ne!(other, base);
        }
        let many = |tested, tester| hash(1, 2, 3, Ends::OfMany { tested, tester });
        assert!(![many(1, 0), many(0, 2), base].contains(&many(0, 1)));
    }
}
