//! The test of the bits that the computers entered for owners who do not compute ([`owners`](super::owners)).
//!
//! ```text
//! told before   Λ of all bits of all blocks, and of all ρ
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

use super::authenticated_bits::{Authenticator, Share};
use super::error::{Check, SessionError, accept};
use super::exchange::Exchange;
use super::owners::{BLOCK_BITS, BlockTest, OwnerId, SeedPlace, blocks, linear_form, powers_sum, times};
use super::report::ValueSum;
use crate::channel::{Channel, Phase};
use crate::inputs::{Holder, InputStream, starts};
use crate::protocol::hello::Role;
use crate::{Bits, Block};

/// What a computer holds for one shared input stream: the tests of this attempt, block by block.
#[derive(Clone, Copy, Debug)]
pub struct OwnerTests<'a> {
    /// Whose bits.
    pub owner: OwnerId,
    /// A test for each block.
    pub tests: &'a [BlockTest],
}

/// ρ of all blocks has 128 bits each.
pub(super) const MASK_BITS: usize = 128;

/// The bits of ρ of all tests: what is entered after a party's own bits.
pub(super) fn mask_bits<'t>(tests: &'t [OwnerTests<'_>]) -> impl Iterator<Item = bool> + 't {
    let masks = tests.iter().flat_map(|owner| owner.tests).map(|test| test.mask.to_u128());
    masks.flat_map(|mask| (0..MASK_BITS).map(move |p| mask >> p & 1 == 1))
}

/// The number of blocks of all shared streams.
pub(super) fn shared_blocks(input_streams: &[InputStream]) -> usize {
    shared(input_streams).map(|stream| blocks(stream.bits)).sum()
}

fn shared(input_streams: &[InputStream]) -> impl Iterator<Item = &InputStream> {
    input_streams.iter().filter(|stream| stream.holder == Holder::Shared && stream.bits > 0)
}

/// Whether there is a test for each block of each shared stream.
pub(super) fn fit(tests: &[OwnerTests<'_>], input_streams: &[InputStream]) -> bool {
    let blocks = shared(input_streams).map(|stream| blocks(stream.bits));
    tests.iter().map(|owner| owner.tests.len()).eq(blocks)
}

/// A party's input bits, as it entered them: its share of each mask, and what was told.
pub(super) struct Entered<'c> {
    pub(super) own: &'c dyn Fn(usize) -> Share,
    pub(super) peer: &'c dyn Fn(usize) -> Share,
    /// Λ of our bits, ρ included.
    pub(super) own_values: &'c Bits,
    /// Λ of the peer's.
    pub(super) peer_values: &'c Bits,
}

/// The check of all owners' bits in one execution.
pub(super) struct OwnerCheck<'c> {
    pub(super) authenticator: &'c Authenticator,
    pub(super) attempt: u32,
    pub(super) input_streams: &'c [InputStream],
    pub(super) tests: &'c [OwnerTests<'c>],
    pub(super) entered: Entered<'c>,
}

/// A block, by the places of its bits and of its ρ among ours and among the peer's.
struct Place<'c> {
    owner: OwnerId,
    block: u64,
    test: &'c BlockTest,
    bits: usize,
    own: [usize; 2],
    peer: [usize; 2],
}

impl OwnerCheck<'_> {
    /// Tests the peer, and answers its tests.
    ///
    /// # Errors
    /// If the connection fails, the peer's κ is not the owner's, or the peer entered other bits.
    pub(super) fn run(&self, channel: &mut impl Channel) -> Result<(), SessionError> {
        let places = self.places();
        if places.is_empty() {
            return Ok(());
        }
        let role = self.authenticator.role;
        let step = Exchange { role, phase: Phase::Inputs };
        let ours: Vec<[u8; 16]> = places.iter().map(|place| place.test.seed.to_bytes()).collect();
        let theirs = step.list(channel, ours.as_flattened())?;
        let seeds: Vec<Block> = Block::from_chunks(&theirs).collect();
        for (place, seed) in places.iter().zip(&seeds) {
            let (block, tester) = (place.block, role.peer());
            let hash = SeedPlace { owner: place.owner, block, attempt: self.attempt, tester }.hash(*seed);
            accept(hash.ct_eq(&place.test.expected), Check::OwnerSeed)?;
        }
        let answers: Vec<[[u8; 16]; 2]> = places
            .iter()
            .zip(seeds)
            .map(|(place, seed)| self.answer(place, seed).map(Block::to_bytes))
            .collect();
        let theirs = step.list(channel, answers.as_flattened().as_flattened())?;
        let mut theirs = Block::from_chunks(&theirs);
        for place in &places {
            let (sum, mac) = (theirs.next().unwrap_or_default(), theirs.next().unwrap_or_default());
            let expected = [place.test.sum, self.expected(place)];
            accept(sum.ct_eq(&expected[0]) & mac.ct_eq(&expected[1]), Check::OwnerInput)?;
        }
        Ok(())
    }

    /// X and the sum of MACs of our bits.
    fn answer(&self, place: &Place<'_>, seed: Block) -> [Block; 2] {
        let Entered { own, own_values, .. } = &self.entered;
        let [first, mask] = place.own;
        let bits = (first..first + place.bits).map(|m| own(m).bit() ^ own_values.get(m));
        let mut macs = ValueSum::new(seed);
        macs.add((first..first + place.bits).map(|m| own(m).mac));
        let mask_macs = powers_sum((mask..mask + MASK_BITS).map(|p| own(p).mac));
        [linear_form(seed, bits) ^ place.test.mask, macs.finish() ^ mask_macs]
    }

    /// What the peer's sum of MACs must be.
    fn expected(&self, place: &Place<'_>) -> Block {
        let Entered { peer, peer_values, .. } = &self.entered;
        let delta = &self.authenticator.delta;
        let told = |m: usize| peer(m).key ^ delta.times(peer_values.get(m));
        let [first, mask] = place.peer;
        let mut sum = ValueSum::new(place.test.seed);
        sum.add((first..first + place.bits).map(told));
        sum.finish() ^ powers_sum((mask..mask + MASK_BITS).map(told)) ^ times(place.test.sum, delta.block())
    }

    /// All blocks, in the order of streams. Every ρ is after all bits of its party.
    fn places(&self) -> Vec<Place<'_>> {
        let total = |holds: fn(Holder) -> bool| -> usize {
            self.input_streams.iter().filter(|stream| holds(stream.holder)).map(|stream| stream.bits).sum()
        };
        let (garbler, evaluator): (fn(Holder) -> bool, fn(Holder) -> bool) =
            (Holder::includes_garbler, Holder::includes_evaluator);
        let (ours, theirs) = match self.authenticator.role {
            Role::Garbler => (garbler, evaluator),
            Role::Evaluator => (evaluator, garbler),
        };
        let streams = self.input_streams.iter().zip(starts(self.input_streams, ours));
        let streams = streams.zip(starts(self.input_streams, theirs));
        let is_shared = |stream: &InputStream| stream.holder == Holder::Shared && stream.bits > 0;
        let streams = streams.filter(|((stream, _), _)| is_shared(stream));
        let mut masks = [total(ours), total(theirs)];
        let mut places = Vec::new();
        for (((stream, own), peer), OwnerTests { owner, tests }) in streams.zip(self.tests) {
            for (block, test) in tests.iter().enumerate() {
                let from = block * BLOCK_BITS;
                places.push(Place {
                    owner: *owner,
                    block: block as u64,
                    test,
                    bits: BLOCK_BITS.min(stream.bits - from),
                    own: [own + from, masks[0]],
                    peer: [peer + from, masks[1]],
                });
                masks = masks.map(|at| at + MASK_BITS);
            }
        }
        places
    }
}
