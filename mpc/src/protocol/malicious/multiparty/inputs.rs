//! Inputs: each stream is held by one party, who alone knows the masks of its bits.
//!
//! ```text
//! enter   random bits of the holders ─► each broadcasts Λ = x ⊕ λ of its own bits ─► records are compared ─► masks to the first pass
//! ```
//!
//! As between two parties (`super::inputs`), blocks of a stream are entered before the first chunk or when
//! the first pass needs them, always before the second pass of a chunk that reads them. A holder's mask bit
//! has a MAC towards every other party; the shares of all others are zero. Λ is broadcast, not sent: a party that
//! showed two garblers different Λ would otherwise have two inputs, one in the labels of each.

use rand_core::{CryptoRng, RngCore};

use super::super::authenticated_bits::{Share, Shares, bit_of};
use super::super::blocks::{BlockId, StreamBlocks, block_bits};
use super::super::error::SessionError;
use super::agreement::Intent;
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerShares;
use crate::Bits;
use crate::channel::Phase;
use crate::program::Program;

/// A party's input bits on their way into the computation.
pub(super) struct Entry<'i> {
    /// Our bits, stream by stream.
    bits: &'i Bits,
    streams: Vec<Stream>,
}

struct Stream {
    /// The place of its holder, from 0.
    holder: usize,
    /// The index of the stream's first bit among those of its holder.
    start: usize,
    blocks: StreamBlocks,
}

/// Blocks that are entered together.
pub(super) struct Entering<'e, 'c, R> {
    pub(super) party: &'e mut Party,
    pub(super) links: &'e mut Links<'c>,
    pub(super) rng: &'e mut R,
}

impl<'i> Entry<'i> {
    /// The beginning of all streams.
    ///
    /// # Errors
    /// If these are not as many bits as the party holds.
    pub(super) fn new(intent: &Intent<'_, impl Program>, bits: &'i Bits) -> Result<Self, SessionError> {
        let streams = intent.program.shape().input_streams;
        let (block, mut starts) = (block_bits(streams.len()), vec![0; intent.plan.parties()]);
        let stream = |(stream, holder): (&crate::InputStream, usize)| {
            let start = starts[holder];
            starts[holder] += stream.bits;
            Stream { holder, start, blocks: StreamBlocks::new(stream.bits, block) }
        };
        let streams = streams.iter().zip(intent.plan.holders()).map(stream).collect();
        let expected = starts[intent.place];
        if bits.len() != expected {
            return Err(SessionError::InputLength { expected, given: bits.len() });
        }
        Ok(Self { bits, streams })
    }

    /// Enters the first block of every stream; returns the masks of each.
    ///
    /// # Errors
    /// If a connection fails or a party is caught deviating.
    pub(super) fn first<R: RngCore + CryptoRng>(
        &mut self,
        with: Entering<'_, '_, R>,
    ) -> Result<Vec<PeerShares>, SessionError> {
        let blocks = self.streams.iter_mut().enumerate().map(|(i, stream)| stream.blocks.next(i)).collect();
        self.enter(with, blocks)
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
        let mut masks = PeerShares(self.enter_peers(with.links));
        for block in self.enter(with, blocks)? {
            for (masks, more) in masks.0.iter_mut().zip(&block.0) {
                more.view().iter().for_each(|share| masks.push(share));
            }
        }
        Ok(masks)
    }

    fn enter_peers(&self, links: &Links<'_>) -> Vec<Shares> {
        links.all.iter().map(|_| Shares::default()).collect()
    }

    /// Draws masks, and broadcasts Λ of our bits.
    fn enter<R: RngCore + CryptoRng>(
        &mut self,
        with: Entering<'_, '_, R>,
        ids: Vec<BlockId>,
    ) -> Result<Vec<PeerShares>, SessionError> {
        let Entering { party, links, rng } = with;
        let mut need = vec![0; links.parties()];
        ids.iter().for_each(|id| need[self.streams[id.stream].holder] += id.bits);
        let mut shares = self.enter_peers(links);
        party.random_bits(links, &need, &mut shares, rng)?;
        let masks = shares.first().map(|shares| &shares.macs[..]).unwrap_or_default();
        let own = ids.iter().filter(|id| self.streams[id.stream].holder == links.own).flat_map(|id| {
            let Stream { start, blocks, .. } = &self.streams[id.stream];
            self.bits.iter_from(start + blocks.first_bit(id.number)).take(id.bits)
        });
        let ours: Bits = own.zip(masks).map(|(x, mask)| x ^ bit_of(*mask)).collect();
        let lengths: Vec<usize> = need.iter().map(|bits| bits.div_ceil(8)).collect();
        let broadcast = links.broadcast(Phase::Inputs, ours.as_bytes(), &lengths)?;
        links.compare(Phase::Inputs)?;
        let broadcast: Option<Vec<Bits>> = broadcast
            .iter()
            .zip(&need)
            .map(|(broadcast, bits)| Bits::from_bytes(broadcast, *bits as u64))
            .collect();
        let broadcast = broadcast.ok_or(SessionError::Encoding(Phase::Inputs))?;
        let (mut next, mut entered) = (vec![0; need.len()], Vec::with_capacity(ids.len()));
        for id in &ids {
            let Stream { holder, blocks, .. } = &mut self.streams[id.stream];
            let range = next[*holder]..next[*holder] + id.bits;
            next[*holder] = range.end;
            blocks.push(broadcast[*holder].iter_from(range.start).take(id.bits).collect());
            let towards = |(link, shares): (&super::links::Link<'_>, &Shares)| {
                let mut masks = Shares::with_capacity(id.bits);
                for i in range.clone() {
                    let mut share = Share::default();
                    if *holder == links.own {
                        share.mac = shares.macs[i];
                    } else if *holder == link.peer {
                        share.key = shares.keys[i];
                    }
                    masks.push(share);
                }
                masks
            };
            entered.push(PeerShares(links.all.iter().zip(&shares).map(towards).collect()));
        }
        Ok(entered)
    }

    /// Λ of the next bit of a stream, for the second pass; `None` if it was not entered.
    pub(super) fn value(&mut self, stream: usize) -> Option<bool> {
        self.streams.get_mut(stream)?.blocks.value()
    }
}
