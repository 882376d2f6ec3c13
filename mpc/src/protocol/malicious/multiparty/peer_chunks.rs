//! Shares of n parties: towards each peer what two parties hold.
//!
//! Everything local (layout of a chunk, masks at gates, combination of candidates) is done towards each peer
//! by the two-party code, on MACs and keys for this peer. A share of the first pass is, peer after peer, a
//! MAC and a key.

use super::super::authenticated_bits::{Share, Shares};
use super::super::chunk::Chunk;
use super::super::masks::{MaskList, Notes};
use super::super::settings::Extent;
use crate::Block;

/// A chunk towards each peer.
#[derive(Default)]
pub(super) struct PeerChunks(pub(super) Vec<Chunk>);

/// Shares towards each peer, as many towards one as towards another.
#[derive(Default)]
pub(super) struct PeerShares(pub(super) Vec<Shares>);

/// The extent of a chunk that was not drawn.
const NONE: Extent = Extent::NONE;

impl PeerChunks {
    /// What all chunks have in common.
    pub(super) fn extent(&self) -> &Extent {
        self.0.first().map_or(&NONE, Chunk::extent)
    }
}

impl<const N: usize> Notes<N> for PeerChunks {
    type List = PeerShares;

    fn extent(&self) -> &Extent {
        self.extent()
    }

    fn room(&self) -> usize {
        self.0.first().map_or(0, |chunk| chunk.room())
    }

    fn note(&mut self, [alpha, beta]: [[Block; N]; 2]) -> [Block; N] {
        let mut gamma = [Block::ZERO; N];
        let operands = alpha.as_chunks::<2>().0.iter().zip(beta.as_chunks::<2>().0);
        let peers = self.0.iter_mut().zip(operands).zip(gamma.as_chunks_mut::<2>().0);
        for ((chunk, (alpha, beta)), gamma) in peers {
            *gamma = chunk.note([*alpha, *beta]);
        }
        gamma
    }
}

impl<const N: usize> MaskList<N> for PeerShares {
    fn with_capacity(n: usize) -> Self {
        Self((0..N / 2).map(|_| Shares::with_capacity(n)).collect())
    }

    fn len(&self) -> usize {
        self.0.first().map_or(0, Shares::len)
    }

    fn at(&self, i: usize) -> [Block; N] {
        let mut share = [Block::ZERO; N];
        for (share, shares) in share.as_chunks_mut().0.iter_mut().zip(&self.0) {
            let Share { mac, key } = shares.view().get(i);
            *share = [mac, key];
        }
        share
    }

    fn add(&mut self, share: [Block; N]) {
        for ([mac, key], shares) in share.as_chunks().0.iter().zip(&mut self.0) {
            shares.push(Share { mac: *mac, key: *key });
        }
    }
}
