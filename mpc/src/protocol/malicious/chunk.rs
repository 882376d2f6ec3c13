//! The random bits of a chunk, and what each of them is for.
//!
//! ```text
//! MACs   own inputs    γ and padding: L    x: B·L    r: B·L    y: (B − 1)·L
//! keys   their inputs  γ and padding: L    x: B·L    r: B·L    y: (B − 1)·L
//! ```
//!
//! An input's mask is known to its owner alone, so an input takes one bit in one direction. The other bits
//! are shared by both parties: γ are the masks of the outputs of AND gates, x, y and r those of the leaky
//! products (`products`), layer after layer. In layer 0, y is in place: the mask β of the gate's second
//! input. A chunk with fewer than L gates uses the rest of γ as y of layer 0. So a chunk takes 3·B·L bits,
//! whatever the program.
//!
//! A session has one chunk so far; its number enters all hashes.

use super::authenticated_bits::{Need, Share, Shares, SharesView};
use super::settings::Buckets;
use crate::Block;

/// The number of a session's only chunk.
pub(super) const CHUNK: u64 = 0;

/// The random bits of a chunk.
pub(super) struct ChunkBits {
    shares: Shares,
    inputs: Need,
    buckets: Buckets,
}

/// Candidates whose hashes are numbered from `first`.
#[derive(Clone, Copy)]
pub(super) struct Candidates<'a> {
    pub(super) first: u64,
    pub(super) x: SharesView<'a>,
    pub(super) y: SharesView<'a>,
    pub(super) r: SharesView<'a>,
}

impl ChunkBits {
    /// The bits that a chunk needs, besides masks of inputs.
    pub(super) fn need(inputs: Need, buckets: Buckets) -> Need {
        let common = 3 * buckets.total();
        Need { own: inputs.own + common, peer: inputs.peer + common }
    }

    /// Divides the bits of [`need`](Self::need).
    pub(super) fn new(shares: Shares, inputs: Need, buckets: Buckets) -> Self {
        Self { shares, inputs, buckets }
    }

    pub(super) fn buckets(&self) -> Buckets {
        self.buckets
    }

    /// The mask of our input bit `i`.
    pub(super) fn own_input(&self, i: usize) -> Share {
        Share { mac: self.shares.macs[i], key: Block::ZERO }
    }

    /// The mask of the peer's input bit `i`.
    pub(super) fn peer_input(&self, i: usize) -> Share {
        Share { mac: Block::ZERO, key: self.shares.keys[i] }
    }

    /// The masks of the outputs of AND gates, then padding: L.
    pub(super) fn gammas(&self) -> SharesView<'_> {
        self.common().slice(0..self.buckets.candidates)
    }

    /// x of all layers.
    pub(super) fn x(&self) -> SharesView<'_> {
        self.candidates(0)
    }

    /// r of all layers; after the products, z = x∧y.
    pub(super) fn r(&self) -> SharesView<'_> {
        self.candidates(1)
    }

    /// y of the layers from 1 on.
    pub(super) fn later_y(&self) -> SharesView<'_> {
        let Buckets { candidates, .. } = self.buckets;
        let from = candidates + 2 * self.buckets.total();
        self.common().slice(from..3 * self.buckets.total())
    }

    /// MACs and keys of r.
    pub(super) fn r_mut(&mut self) -> impl Iterator<Item = (&mut Block, &mut Block)> {
        let from = self.buckets.candidates + self.buckets.total();
        let macs = self.shares.macs[self.inputs.own + from..].iter_mut();
        let keys = self.shares.keys[self.inputs.peer + from..].iter_mut();
        macs.zip(keys).take(self.buckets.total())
    }

    /// All candidates: layer 0 with y in place, then the others.
    pub(super) fn products<'a>(&'a self, first_y: SharesView<'a>) -> [Candidates<'a>; 2] {
        let Buckets { candidates, .. } = self.buckets;
        let (x, r, all) = (self.x(), self.r(), self.buckets.total());
        let (here, later) = (0..candidates, candidates..all);
        [
            Candidates { first: 0, x: x.slice(here.clone()), y: first_y, r: r.slice(here) },
            Candidates {
                first: candidates as u64,
                x: x.slice(later.clone()),
                y: self.later_y(),
                r: r.slice(later),
            },
        ]
    }

    fn candidates(&self, kind: usize) -> SharesView<'_> {
        let all = self.buckets.total();
        let from = self.buckets.candidates + kind * all;
        self.common().slice(from..from + all)
    }

    fn common(&self) -> SharesView<'_> {
        SharesView { macs: &self.shares.macs[self.inputs.own..], keys: &self.shares.keys[self.inputs.peer..] }
    }
}
