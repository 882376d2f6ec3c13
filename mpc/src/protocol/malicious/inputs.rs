//! Inputs: masks of input bits, and the masked values that their owners reveal, block by block.
//!
//! ```text
//! block        the next bits of one stream, at most block_bits of them
//! first        the first block of every stream, together, before the first chunk
//! later        whenever the first pass has used up the masks of a stream, as many blocks as it asks for
//! enter        random bits ─► each party reveals Λ = x ⊕ λ of its own bits ─► (checks of blocks) ─► masks to the first pass
//! ```
//!
//! The mask of a bit that one party holds is known to this party alone: the other's share is zero, and the
//! bit takes one transfer. A bit that both hold in shares, x = x_G ⊕ x_E, has λ = λ_G ⊕ λ_E and Λ = Λ_G ⊕
//! Λ_E, and each party's summand is masked by its own bit. So in all cases
//!
//! ```text
//! λ of a bit   (M of our bit or 0, K for the peer's bit or 0)        Λ of a bit   what we revealed ⊕ what the peer revealed
//! ```
//!
//! There is no transfer whose choice is an input, so no selective failure. Λ tells nothing about x, since λ
//! is uniform and its owner's secret.
//!
//! **Order.** The first pass of a chunk comes before its second pass, and all bits that the program reads
//! before the last gate of a chunk have been entered by then. So Λ of an input is revealed, and a check at
//! the end of [`Entry::enter`] has passed, before any table of the chunk that uses it leaves or is read.
//!
//! **Owners who do not compute** gave tests for each block of their streams ([`Holder::Shared`]). With such a
//! block its ρ is entered, 128 bits more at either party, and all blocks that were entered together are
//! tested together ([`owner_check`](super::owner_check)).
//!
//! Memory: a party holds M and K of one block of each stream beyond what a single read of the program asks
//! for (2²⁰ bits of all streams together), and two bits for each input bit between the two passes.

use zeroize::Zeroizing;

use super::authenticated_bits::{Authenticator, Need, Share, Shares, Transfers};
use super::blocks::{BlockId, StreamBlocks, block_bits};
use super::error::SessionError;
use super::exchange::Exchange;
use super::owner_check::{OwnedBlock, OwnerCheck, OwnerTests, Revealed};
use super::owners::{BlockTest, Ends, MASK_BITS, OwnerId};
use crate::channel::{Channel, Phase};
use crate::inputs::{Holder, InputStream, starts};
use crate::protocol::hello::Role;
use crate::{Bits, Block};

/// What a party enters.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The bits and shares that the program reads, stream by stream.
    pub bits: &'a Bits,
    /// For each shared stream that is not empty, in their order, the tests that its owner gave for this attempt.
    pub owners: &'a [OwnerTests<'a>],
}

/// A block whose masked values were revealed.
pub(super) struct InputBlock {
    pub(super) id: BlockId,
    pub(super) bits: Revealed,
    /// ρ of a shared block; else empty.
    pub(super) mask: Revealed,
}

impl InputBlock {
    /// Our shares of λ.
    fn masks(&self) -> Shares {
        let mut shares = Shares::with_capacity(self.id.bits);
        let at = |blocks: &[Block], i: usize| blocks.get(i).copied().unwrap_or_default();
        let Revealed { macs, keys, .. } = &self.bits;
        (0..self.id.bits).for_each(|i| shares.push(Share { mac: at(macs, i), key: at(keys, i) }));
        shares
    }

    /// Λ of the bits.
    fn values(&self) -> Bits {
        (0..self.id.bits).map(|i| self.bits.ours.get(i) ^ self.bits.theirs.get(i)).collect()
    }
}

/// What entering a block takes. A check of blocks finds Δ in `own`.
pub(super) struct EntryContext<'e, C> {
    pub(super) own: &'e Authenticator,
    pub(super) transfers: &'e mut Transfers,
    pub(super) channel: &'e mut C,
}

/// A party's input bits on their way into the computation.
pub(super) struct Entry<'i> {
    bits: &'i Bits,
    /// The attempt, counted from 0.
    attempt: u32,
    streams: Vec<Stream<'i>>,
}

struct Stream<'i> {
    stream: InputStream,
    /// The tests of its blocks, if its owner does not compute.
    owner: Option<OwnerTests<'i>>,
    /// The index of the stream's first bit among our own.
    start: usize,
    blocks: StreamBlocks,
}

impl<'i> Entry<'i> {
    /// The beginning of all streams.
    ///
    /// # Errors
    /// If these are not as many bits as the party holds, or there is not one test for each shared block.
    pub(super) fn new(
        role: Role,
        streams: &[InputStream],
        (Inputs { bits, owners }, attempt): (Inputs<'i>, u32),
    ) -> Result<Self, SessionError> {
        let holds = held_by(role);
        let expected = streams.iter().filter(|stream| holds(stream.holder)).map(|stream| stream.bits).sum();
        if bits.len() != expected {
            return Err(SessionError::InputLength { expected, given: bits.len() });
        }
        let (block, starts) = (block_bits(streams.len()), starts(streams, holds));
        let mut owners = owners.iter();
        let is_owned = |stream: &InputStream| stream.holder == Holder::Shared && stream.bits > 0;
        let tests: Vec<_> = streams.iter().map(|stream| is_owned(stream).then(|| owners.next())).collect();
        let fits = |(stream, tests): (&InputStream, &Option<Option<&OwnerTests<'_>>>)| match tests {
            None => true,
            Some(tests) => tests.is_some_and(|tests| tests.tests.len() == stream.bits.div_ceil(block)),
        };
        if owners.next().is_some() || !streams.iter().zip(&tests).all(fits) {
            return Err(SessionError::NoTests);
        }
        let stream =
            |((stream, start), tests): ((&InputStream, usize), Option<Option<&OwnerTests<'i>>>)| Stream {
                stream: *stream,
                owner: tests.flatten().copied(),
                start,
                blocks: StreamBlocks::new(stream.bits, block),
            };
        let streams = streams.iter().zip(starts).zip(tests).map(stream).collect();
        Ok(Self { bits, attempt, streams })
    }

    /// Enters the first block of every stream; returns the masks of each.
    ///
    /// # Errors
    /// As [`enter`](Self::enter).
    pub(super) fn first(
        &mut self,
        with: &mut EntryContext<'_, impl Channel>,
    ) -> Result<Vec<Shares>, SessionError> {
        let streams = self.streams.iter_mut().enumerate();
        let blocks: Vec<BlockId> = streams.map(|(i, stream)| stream.blocks.next(i)).collect();
        let entered = self.enter(with, &blocks)?;
        Ok(entered.iter().map(InputBlock::masks).collect())
    }

    /// Enters the next blocks of a stream, with at least `bits` bits; returns their masks.
    ///
    /// # Errors
    /// As [`enter`](Self::enter), and if the stream has not as many.
    pub(super) fn more(
        &mut self,
        with: &mut EntryContext<'_, impl Channel>,
        stream: usize,
        bits: usize,
    ) -> Result<Shares, SessionError> {
        let blocks = self.streams[stream].blocks.at_least(stream, bits)?;
        let mut masks = Shares::with_capacity(blocks.iter().map(|block| block.bits).sum());
        for block in self.enter(with, &blocks)? {
            block.masks().view().iter().for_each(|share| masks.push(share));
        }
        Ok(masks)
    }

    /// The phase in which the parties reveal Λ of these blocks.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    fn enter(
        &mut self,
        with: &mut EntryContext<'_, impl Channel>,
        ids: &[BlockId],
    ) -> Result<Vec<InputBlock>, SessionError> {
        let blocks = self.reveal(with, ids)?;
        // All Λ of these blocks were revealed, and nothing that depends on them was sent.
        let owned: Vec<_> = blocks
            .iter()
            .filter_map(|InputBlock { id, bits, mask }| {
                Some(OwnedBlock { number: id.number, bits, mask, test: self.test(id)? })
            })
            .collect();
        let ends = Ends::OfTwo { tester: with.own.role.peer() };
        let check = OwnerCheck { authenticator: with.own, attempt: self.attempt, ends, blocks: &owned };
        check.run(with.channel)?;
        for block in &blocks {
            self.streams[block.id.stream].blocks.push(block.values());
        }
        Ok(blocks)
    }

    /// Draws masks, and reveals Λ of our bits.
    fn reveal(
        &self,
        with: &mut EntryContext<'_, impl Channel>,
        ids: &[BlockId],
    ) -> Result<Vec<InputBlock>, SessionError> {
        let role = with.own.role;
        let sum = |role| ids.iter().map(|id| self.bits_of(role, id) + self.mask_bits(id)).sum();
        let need = Need { own: sum(role), peer: sum(role.peer()) };
        let mut shares = Shares::default();
        with.transfers.random_bits(with.channel, need, &mut shares)?;
        let own = ids.iter().flat_map(|id| {
            let Stream { start, blocks, .. } = &self.streams[id.stream];
            let from = start + blocks.first_bit(id.number);
            let mask = self.test(id).map(|(_, test)| test.mask()).into_iter().flatten();
            self.bits.iter_from(from).take(self.bits_of(role, id)).chain(mask)
        });
        let masks = shares.macs.iter().map(|mac| Share { mac: *mac, key: Block::ZERO }.bit());
        let ours: Bits = own.zip(masks).map(|(x, mask)| x ^ mask).collect();
        let theirs = Exchange { role, phase: Phase::Inputs }.bits(with.channel, &ours, need.peer)?;
        let (mut macs, mut keys) = (shares.macs.iter().copied(), shares.keys.iter().copied());
        let (mut ours, mut theirs) = (ours.iter(), theirs.iter());
        let mut revealed = |own: usize, peer: usize| Revealed {
            macs: Zeroizing::new(macs.by_ref().take(own).collect()),
            keys: Zeroizing::new(keys.by_ref().take(peer).collect()),
            ours: ours.by_ref().take(own).collect(),
            theirs: theirs.by_ref().take(peer).collect(),
        };
        let block = |id: &BlockId| {
            let [own, peer] = [role, role.peer()].map(|role| self.bits_of(role, id));
            let masks = self.mask_bits(id);
            InputBlock { id: *id, bits: revealed(own, peer), mask: revealed(masks, masks) }
        };
        Ok(ids.iter().map(block).collect())
    }

    /// Whose block it is, and its test, if its owner does not compute.
    fn test(&self, id: &BlockId) -> Option<(OwnerId, &'i BlockTest)> {
        let OwnerTests { owner, tests } = self.streams.get(id.stream)?.owner?;
        Some((owner, tests.get(usize::try_from(id.number).ok()?)?))
    }

    /// The bits of ρ that are entered with a block.
    fn mask_bits(&self, id: &BlockId) -> usize {
        self.test(id).map_or(0, |_| MASK_BITS)
    }

    /// The bits of a block that a party holds: all or none.
    fn bits_of(&self, role: Role, id: &BlockId) -> usize {
        if held_by(role)(self.streams[id.stream].stream.holder) { id.bits } else { 0 }
    }

    /// Λ of the next bit of a stream, for the second pass; `None` if it was not entered.
    pub(super) fn value(&mut self, stream: usize) -> Option<bool> {
        self.streams.get_mut(stream)?.blocks.value()
    }
}

/// Whether a party holds bits of a stream.
fn held_by(role: Role) -> fn(Holder) -> bool {
    match role {
        Role::Garbler => Holder::includes_garbler,
        Role::Evaluator => Holder::includes_evaluator,
    }
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::super::owners::Deal;
    use super::*;

    fn entry(bits: &Bits) -> Entry<'_> {
        let stream = |holder, bits| InputStream { holder, bits };
        let streams = [
            stream(Holder::Garbler, 5),
            stream(Holder::Evaluator, 200_000),
            stream(Holder::Shared, 3),
            stream(Holder::Garbler, 0),
        ];
        let deal = Deal { owner: OwnerId([1; 32]), attempts: 1, input_streams: 4 };
        let test = deal.tests([&Bits::from_number(1, 3); 2], &mut OsRng);
        let tests = Box::leak(Box::new(test));
        let owners = Box::leak(Box::new([OwnerTests { owner: OwnerId([1; 32]), tests: &tests[0] }]));
        Entry::new(Role::Garbler, &streams, (Inputs { bits, owners }, 0)).unwrap()
    }

    #[test]
    fn streams_are_divided_into_numbered_blocks() {
        let bits = Bits::from(&[true; 8][..]);
        let mut entry = entry(&bits);
        let id = |stream, number, bits| BlockId { stream, number, bits };
        assert_eq!(
            [0, 1, 2, 3].map(|stream: usize| entry.streams[stream].blocks.next(stream)),
            [id(0, 0, 5), id(1, 0, 65_536), id(2, 0, 3), id(3, 0, 0),]
        );
        let later = [1, 1, 1, 1].map(|stream: usize| entry.streams[stream].blocks.next(stream));
        assert_eq!(later, [id(1, 1, 65_536), id(1, 2, 65_536), id(1, 3, 3_392), id(1, 4, 0)]);
    }

    #[test]
    fn who_holds_a_block_follows_from_its_stream() {
        let bits = Bits::from(&[true; 8][..]);
        let mut entry = entry(&bits);
        let held = [0, 1, 2].map(|stream| {
            let id = entry.streams[stream].blocks.next(stream);
            [Role::Garbler, Role::Evaluator].map(|role| entry.bits_of(role, &id))
        });
        assert_eq!(held, [[5, 0], [0, 65_536], [3, 3]]);
    }

    #[test]
    fn many_streams_have_small_blocks() {
        assert_eq!(
            [0, 1, 16, 17, 1 << 10, 1 << 20].map(block_bits),
            [65_536, 65_536, 65_536, 61_680, 1024, 128]
        );
    }

    #[test]
    fn another_number_of_bits_than_the_party_holds_is_refused() {
        let stream = InputStream { holder: Holder::Evaluator, bits: 4 };
        let bits = Bits::from(&[true; 3][..]);
        let error = SessionError::InputLength { expected: 4, given: 3 };
        let inputs = Inputs { bits: &bits, owners: &[] };
        assert_eq!(Entry::new(Role::Evaluator, &[stream], (inputs, 0)).err(), Some(error));
    }
}
