//! The test of the bits that the compute parties entered for owners who do not compute
//! ([`owners`](super::owners)).
//!
//! ```text
//! before        Λ of all bits of the blocks, and of their ρ, are revealed
//! j → i         κ                                                    i compares its hash with the owner's
//! i → j         X' = Σ χ_m·x_m ⊕ ρ  ‖  Σ χ_m·M_i[λ_m] ⊕ Σ 2^p·M_i[λ_ρp]     j compares both
//! ```
//!
//! The MACs are on the masks that i alone knows, λ = x ⊕ Λ. From M = K ⊕ λ·Δ_j follows what j must see:
//!
//! ```text
//! Σ χ_m·(K_j ⊕ Λ_m·Δ_j) ⊕ Σ 2^p·(K_j ⊕ Λ_ρp·Δ_j) ⊕ X·Δ_j
//! ```
//!
//! An i that entered other bits and answers with the owner's X must find Δ_j. j knows both answers before, so
//! they tell it nothing. Each attempt has tests of its own, and an execution consumes them.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::authenticated_bits::{Authenticator, Share};
use super::error::{Check, SessionError, accept};
use super::exchange::Exchange;
use super::owners::{BlockTest, Ends, OwnerId, SeedPlace, linear_form, powers_sum, times};
use super::report::ValueSum;
use crate::channel::{Channel, Phase};
use crate::{Bits, Block};

/// What a compute party holds for one shared input stream: the tests of this attempt, block by block, and within a
/// block, if there are more than two compute parties, one with each other, in the order of their places.
#[derive(Clone, Copy, Debug)]
pub struct OwnerTests<'a> {
    /// Whose bits.
    pub owner: OwnerId,
    /// A test for each block and other compute party.
    pub tests: &'a [BlockTest],
}

/// Bits whose masked values were revealed.
pub(super) struct Revealed {
    /// M of our bits; empty if we hold none.
    pub(super) macs: Zeroizing<Vec<Block>>,
    /// K for the peer's bits; empty if it holds none.
    pub(super) keys: Zeroizing<Vec<Block>>,
    /// Λ of our bits.
    pub(super) ours: Bits,
    /// Λ of the peer's bits.
    pub(super) theirs: Bits,
}

/// A block that was entered for an owner.
pub(super) struct OwnedBlock<'c> {
    /// Its number in its stream.
    pub(super) number: u64,
    pub(super) bits: &'c Revealed,
    /// ρ.
    pub(super) mask: &'c Revealed,
    pub(super) test: (OwnerId, &'c BlockTest),
}

/// The check of blocks that were entered together.
pub(super) struct OwnerCheck<'c> {
    pub(super) authenticator: &'c Authenticator,
    /// The attempt, counted from 0.
    pub(super) attempt: u32,
    /// Whom the peer's κ are for: the peer tests us.
    pub(super) ends: Ends,
    pub(super) blocks: &'c [OwnedBlock<'c>],
}

impl OwnerCheck<'_> {
    /// Tests the peer, and answers its tests.
    ///
    /// # Errors
    /// If the connection fails, the peer's κ is not the owner's, or the peer entered other bits.
    pub(super) fn run(&self, channel: &mut impl Channel) -> Result<(), SessionError> {
        if self.blocks.is_empty() {
            return Ok(());
        }
        let role = self.authenticator.role;
        let step = Exchange { role, phase: Phase::Inputs };
        let ours: Vec<[u8; 16]> = self.blocks.iter().map(|owned| owned.test.1.seed.to_bytes()).collect();
        let theirs = step.list(channel, ours.as_flattened())?;
        let seeds: Vec<Block> = Block::from_chunks(&theirs).collect();
        for (OwnedBlock { number, test: (owner, test), .. }, seed) in self.blocks.iter().zip(&seeds) {
            let (block, attempt, ends) = (*number, self.attempt, self.ends);
            let hash = SeedPlace { owner: *owner, block, attempt, ends }.hash(*seed);
            accept(hash.ct_eq(&test.expected), Check::OwnerSeed)?;
        }
        let answers: Vec<_> = self.blocks.iter().zip(seeds).map(|(owned, seed)| owned.answer(seed)).collect();
        let theirs = step.list(channel, answers.as_flattened().as_flattened())?;
        let mut theirs = Block::from_chunks(&theirs);
        for owned in self.blocks {
            let (sum, mac) = (theirs.next().unwrap_or_default(), theirs.next().unwrap_or_default());
            let expected = [owned.test.1.sum, owned.expected(self.authenticator)];
            accept(sum.ct_eq(&expected[0]) & mac.ct_eq(&expected[1]), Check::OwnerInput)?;
        }
        Ok(())
    }
}

impl OwnedBlock<'_> {
    /// X and the sum of MACs of our bits.
    fn answer(&self, seed: Block) -> [[u8; Block::BYTES]; 2] {
        let (Revealed { macs, ours, .. }, mask, (_, test)) = (self.bits, self.mask, self.test);
        let entered = macs.iter().zip(ours.iter());
        let entered = entered.map(|(mac, value)| Share { mac: *mac, key: Block::ZERO }.bit() ^ value);
        let mut sum = ValueSum::new(seed);
        sum.add(macs.iter().copied());
        let macs = sum.total() ^ powers_sum(mask.macs.iter().copied());
        [linear_form(seed, entered) ^ test.mask, macs].map(Block::to_bytes)
    }

    /// What the peer's sum of MACs must be.
    fn expected(&self, own: &Authenticator) -> Block {
        let (bits, mask, (_, test)) = (self.bits, self.mask, self.test);
        let revealed = |Revealed { keys, theirs, .. }: &Revealed| -> Vec<Block> {
            keys.iter().zip(theirs.iter()).map(|(key, value)| *key ^ own.delta.times(value)).collect()
        };
        let mut sum = ValueSum::new(test.seed);
        sum.add(revealed(bits));
        sum.total() ^ powers_sum(revealed(mask).into_iter()) ^ times(test.sum, own.delta.block())
    }
}
