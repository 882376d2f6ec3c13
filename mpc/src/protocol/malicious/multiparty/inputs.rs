//! Inputs: each stream is held by one party, who alone knows the masks of its bits, or by all in shares.
//!
//! ```text
//! enter   random bits of the holders ─► each broadcasts Λ = x ⊕ λ of its own bits ─► records are compared ─► (checks of
//!         blocks of owners) ─► masks to the first pass
//! ```
//!
//! As between two parties (`super::inputs`), blocks of a stream are entered before the first chunk or when
//! the first pass needs them, always before the second pass of a chunk that reads them. A holder's mask bit
//! has a MAC towards every other party; the shares of who holds none are zero. Λ is broadcast, not sent: a party that
//! showed two garblers different Λ would otherwise have two inputs, one in the labels of each.
//!
//! **Owners who do not compute** split their bits among all parties ([`HeldBy::All`]): then Λ and λ of a bit are the
//! sums of all parties'. With a block of theirs each party enters its ρ towards every other, and each two parties test
//! each other (`owner_check`) once the records were compared: so towards every honest party all Λ are bound before it
//! reveals a κ.

use core::ops::Range;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::super::authenticated_bits::{Share, Shares, bit_of};
use super::super::blocks::{BlockId, StreamBlocks, block_bits};
use super::super::error::SessionError;
use super::super::inputs::Inputs;
use super::super::owner_check::{OwnedBlock, OwnerCheck, OwnerTests, Revealed};
use super::super::owners::{BlockTest, Ends, MASK_BITS, OwnerId};
use super::agreement::Intent;
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerShares;
use super::plan::HeldBy;
use crate::Bits;
use crate::channel::{Channel, Phase};
use crate::program::Program;

/// A party's input bits on their way into the computation.
pub(super) struct Entry<'i> {
    /// Our bits, stream by stream.
    bits: &'i Bits,
    /// The attempt, counted from 0.
    attempt: u32,
    streams: Vec<Stream<'i>>,
}

struct Stream<'i> {
    holder: HeldBy,
    /// The tests of its blocks, if its owner does not compute.
    owner: Option<OwnerTests<'i>>,
    /// The index of the stream's first bit among those of a party that holds it: ours.
    start: usize,
    blocks: StreamBlocks,
}

/// Blocks that are entered together.
pub(super) struct Entering<'e, 'c, R> {
    pub(super) party: &'e mut Party,
    pub(super) links: &'e mut Links<'c>,
    pub(super) rng: &'e mut R,
}

/// Where the bits of a block and its ρ are among the bits that one party enters together; empty if it holds none.
#[derive(Clone)]
struct Extent {
    bits: Range<usize>,
    masks: Range<usize>,
}

impl<'i> Entry<'i> {
    /// The beginning of all streams.
    ///
    /// # Errors
    /// If these are not as many bits as the party holds, or there is not one test with every other party for each block
    /// of an owner who does not compute.
    pub(super) fn new(
        intent: &Intent<'_, impl Program>,
        Inputs { bits, owners }: Inputs<'i>,
    ) -> Result<Self, SessionError> {
        let shapes = intent.program.shape().input_streams;
        let (block, peers, mut expected) = (block_bits(shapes.len()), intent.plan.parties() - 1, 0);
        let (mut owners, mut streams) = (owners.iter(), Vec::with_capacity(shapes.len()));
        for (stream, holder) in shapes.iter().zip(intent.plan.holders()) {
            let owner = (*holder == HeldBy::All && stream.bits > 0).then(|| owners.next().copied());
            let fits = |tests: &OwnerTests<'_>| tests.tests.len() == stream.bits.div_ceil(block) * peers;
            if owner.is_some_and(|tests| !tests.as_ref().is_some_and(fits)) {
                return Err(SessionError::NoTests);
            }
            let blocks = StreamBlocks::new(stream.bits, block);
            streams.push(Stream { holder: *holder, owner: owner.flatten(), start: expected, blocks });
            expected += if holder.includes(intent.place) { stream.bits } else { 0 };
        }
        if owners.next().is_some() {
            return Err(SessionError::NoTests);
        }
        if bits.len() != expected {
            return Err(SessionError::InputLength { expected, given: bits.len() });
        }
        Ok(Self { bits, attempt: intent.plan.attempt, streams })
    }

    /// Enters the first block of every stream; returns the masks of each.
    ///
    /// # Errors
    /// If a connection fails or a party is caught deviating.
    pub(super) fn first<R: RngCore + CryptoRng>(
        &mut self,
        with: Entering<'_, '_, R>,
    ) -> Result<Vec<PeerShares>, SessionError> {
        let blocks: Vec<_> =
            self.streams.iter_mut().enumerate().map(|(i, stream)| stream.blocks.next(i)).collect();
        self.enter(with, &blocks)
    }

    /// Enters the next blocks of a stream, with at least `bits` bits; returns their masks.
    ///
    /// # Errors
    /// As [`first`](Self::first), and if the stream has not as many.
    pub(super) fn more<R: RngCore + CryptoRng>(
        &mut self,
        with: Entering<'_, '_, R>,
        (stream, bits): (usize, usize),
    ) -> Result<PeerShares, SessionError> {
        let blocks = self.streams[stream].blocks.at_least(stream, bits)?;
        let mut masks = PeerShares(no_shares(with.links));
        for block in self.enter(with, &blocks)? {
            for (masks, more) in masks.0.iter_mut().zip(&block.0) {
                more.view().iter().for_each(|share| masks.push(share));
            }
        }
        Ok(masks)
    }

    /// Draws masks, broadcasts Λ of our bits, and tests those of owners.
    fn enter<R: RngCore + CryptoRng>(
        &mut self,
        Entering { party, links, rng }: Entering<'_, '_, R>,
        ids: &[BlockId],
    ) -> Result<Vec<PeerShares>, SessionError> {
        let (extents, need) = self.extents(links.parties(), ids);
        let mut shares = no_shares(links);
        party.random_bits(links, &need, &mut shares, rng)?;
        let masks = shares.first().map(|shares| &shares.macs[..]).unwrap_or_default();
        let own = ids.iter().flat_map(|id| self.own_bits(id, links));
        let ours: Bits = own.zip(masks).map(|(x, mask)| x ^ bit_of(*mask)).collect();
        let lengths: Vec<usize> = need.iter().map(|bits| bits.div_ceil(8)).collect();
        let broadcast = links.broadcast(Phase::Inputs, ours.as_bytes(), &lengths)?;
        links.compare(Phase::Inputs)?;
        let masked = broadcast.iter().zip(&need).map(|(masked, bits)| Bits::from_bytes(masked, *bits as u64));
        let masked: Option<Vec<Bits>> = masked.collect();
        let masked = masked.ok_or(SessionError::Encoding(Phase::Inputs))?;
        let entered = Entered { ids, extents: &extents, shares: &shares, masked: &masked };
        self.test(party, links, &entered)?;
        for (id, extents) in ids.iter().zip(&extents) {
            let holders = extents.iter().zip(&masked).filter(|(extent, _)| !extent.bits.is_empty());
            let parts = holders.map(|(extent, masked)| cut(masked, &extent.bits));
            let values = parts.reduce(|sum, part| sum.xor(&part)).unwrap_or_default();
            self.streams[id.stream].blocks.push(values);
        }
        Ok((0..ids.len()).map(|block| entered.masks(block, links)).collect())
    }

    /// Where the bits of each block are among those that each party enters, and how many these are.
    fn extents(&self, parties: usize, ids: &[BlockId]) -> (Vec<Vec<Extent>>, Vec<usize>) {
        let mut need = vec![0; parties];
        let of_block = |id: &BlockId| {
            let masks = self.tests(id, parties).map_or(0, |_| MASK_BITS * (parties - 1));
            let of_party = |(place, need): (usize, &mut usize)| {
                let bits = if self.streams[id.stream].holder.includes(place) { id.bits } else { 0 };
                let (first, second) = (*need, *need + bits);
                *need = second + masks;
                Extent { bits: first..second, masks: second..*need }
            };
            need.iter_mut().enumerate().map(of_party).collect()
        };
        let extents = ids.iter().map(of_block).collect();
        (extents, need)
    }

    /// Our bits of a block, and our ρ.
    fn own_bits(&self, id: &BlockId, links: &Links<'_>) -> impl Iterator<Item = bool> + '_ {
        let Stream { start, holder, blocks, .. } = &self.streams[id.stream];
        let bits = if holder.includes(links.own) { id.bits } else { 0 };
        let tests = self.tests(id, links.parties()).map_or(&[][..], |(_, tests)| tests);
        self.bits
            .iter_from(start + blocks.first_bit(id.number))
            .take(bits)
            .chain(tests.iter().flat_map(BlockTest::mask))
    }

    /// Whose block it is, and our tests with all others, if its owner does not compute.
    fn tests(&self, id: &BlockId, parties: usize) -> Option<(OwnerId, &'i [BlockTest])> {
        let OwnerTests { owner, tests } = self.streams.get(id.stream)?.owner?;
        let first = usize::try_from(id.number).ok()?.checked_mul(parties - 1)?;
        Some((owner, tests.get(first..first + parties - 1)?))
    }

    /// Tests all others, and answers their tests, of all blocks that were entered together.
    fn test(&self, party: &Party, links: &mut Links<'_>, entered: &Entered<'_>) -> Result<(), SessionError> {
        let (own, parties) = (links.own, links.parties());
        let owned = |(place, id): (usize, &BlockId)| Some((place, id.number, self.tests(id, parties)?));
        let owned: Vec<_> = entered.ids.iter().enumerate().filter_map(owned).collect();
        for i in links.in_turn() {
            let peer = links.all[i].peer;
            let revealed: Vec<_> =
                owned.iter().map(|(block, ..)| entered.revealed(*block, (own, peer), i)).collect();
            let blocks = owned.iter().zip(&revealed).filter_map(|((_, number, (owner, tests)), revealed)| {
                let [bits, mask] = revealed;
                Some(OwnedBlock { number: *number, bits, mask, test: (*owner, tests.get(i)?) })
            });
            let (authenticator, blocks) = (&party.own[i], blocks.collect::<Vec<_>>());
            let ends = Ends::OfMany { tested: own as u8, tester: peer as u8 };
            let check = OwnerCheck { authenticator, attempt: self.attempt, ends, blocks: &blocks };
            check.run(&mut links.all[i].channel)?;
            links.all[i].channel.flush()?;
        }
        Ok(())
    }

    /// Λ of the next bit of a stream, for the second pass; `None` if it was not entered.
    pub(super) fn value(&mut self, stream: usize) -> Option<bool> {
        self.streams.get_mut(stream)?.blocks.value()
    }
}

fn no_shares(links: &Links<'_>) -> Vec<Shares> {
    links.all.iter().map(|_| Shares::default()).collect()
}

fn cut(bits: &Bits, range: &Range<usize>) -> Bits {
    bits.iter_from(range.start).take(range.len()).collect()
}

/// Blocks whose Λ were broadcast and compared.
struct Entered<'e> {
    ids: &'e [BlockId],
    /// Block by block, of every party.
    extents: &'e [Vec<Extent>],
    /// Towards each peer.
    shares: &'e [Shares],
    /// Λ of all that each party entered.
    masked: &'e [Bits],
}

impl Entered<'_> {
    /// Our shares of λ of a block, towards each peer.
    fn masks(&self, block: usize, links: &Links<'_>) -> PeerShares {
        let (extents, bits) = (&self.extents[block], self.ids[block].bits);
        let towards = |(link, shares): (&super::links::Link<'_>, &Shares)| {
            let (own, peer) = (&extents[links.own].bits, &extents[link.peer].bits);
            let (macs, keys) = (&shares.macs[own.clone()], &shares.keys[peer.clone()]);
            let mut masks = Shares::with_capacity(bits);
            for i in 0..bits {
                let at = |blocks: &[crate::Block]| blocks.get(i).copied().unwrap_or_default();
                masks.push(Share { mac: at(macs), key: at(keys) });
            }
            masks
        };
        PeerShares(links.all.iter().zip(self.shares).map(towards).collect())
    }

    /// What a test of a block between us and the peer on link i is about: the bits, and the ρ towards each other.
    fn revealed(&self, block: usize, (own, peer): (usize, usize), i: usize) -> [Revealed; 2] {
        let [ours, theirs] = [own, peer].map(|place| &self.extents[block][place]);
        // Each enters its ρ in the order of the places of its testers.
        let mask = |masks: &Range<usize>, from: usize, towards: usize| {
            let first = masks.start + MASK_BITS * if towards < from { towards } else { towards - 1 };
            first..first + MASK_BITS
        };
        let revealed = |our: &Range<usize>, their: &Range<usize>| Revealed {
            macs: Zeroizing::new(self.shares[i].macs[our.clone()].to_vec()),
            keys: Zeroizing::new(self.shares[i].keys[their.clone()].to_vec()),
            ours: cut(&self.masked[own], our),
            theirs: cut(&self.masked[peer], their),
        };
        let masks = [mask(&ours.masks, own, peer), mask(&theirs.masks, peer, own)];
        [revealed(&ours.bits, &theirs.bits), revealed(&masks[0], &masks[1])]
    }
}
