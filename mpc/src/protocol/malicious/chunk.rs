//! One chunk of AND gates: its random bits, what each of them is for, and the masks at its gates.
//!
//! ```text
//! MACs    γ and padding: L    x: B·L    r: B·L    y: (B − 1)·L        of our bits
//! keys    γ and padding: L    x: B·L    r: B·L    y: (B − 1)·L        for the peer's bits
//! ```
//!
//! All bits are shared by both parties. γ are the masks of the outputs of AND gates, x, y and r those of the
//! leaky products (`products`), layer after layer. In layer 0, y is in place: the mask β of the gate's second
//! input. A chunk with fewer than L gates uses the rest of γ as y of layer 0. So a chunk takes 3·B·L bits,
//! whatever the program. (Masks of inputs are drawn apart, see `inputs`.)
//!
//! A session has one chunk in memory. It goes from hand to hand, and each chunk is made in the memory of the
//! one before:
//!
//! ```text
//! drawn ─► α, β noted (first pass) ─► r becomes z = x∧y ─► γ becomes σ ⊕ γ ─► garbled or evaluated (second pass)
//! ```

use super::authenticated_bits::{Need, Share, Shares, SharesView};
use super::masks::{MaskList, Notes};
use super::settings::{Buckets, Extent};
use crate::Block;

/// A chunk; the default has no gates.
#[derive(Default)]
pub(super) struct Chunk {
    extent: Extent,
    shares: Shares,
    alphas: Shares,
    betas: Shares,
}

/// The masks at an AND gate.
#[derive(Clone, Copy)]
pub(super) struct GateMask {
    /// α: of the first input.
    pub(super) alpha: Share,
    /// β: of the second input.
    pub(super) beta: Share,
    /// σ ⊕ γ: the product of α and β, and the mask of the output.
    pub(super) tail: Share,
}

impl GateMask {
    /// Λ_α·β ⊕ Λ_β·α ⊕ σ ⊕ γ.
    pub(super) fn checked(self, value_a: bool, value_b: bool) -> Share {
        self.beta.masked(value_a) ^ self.alpha.masked(value_b) ^ self.tail
    }
}

impl Notes<2> for Chunk {
    type List = Shares;

    fn extent(&self) -> &Extent {
        self.extent()
    }

    fn room(&self) -> usize {
        self.extent.gates - self.alphas.len()
    }

    fn note(&mut self, [alpha, beta]: [[Block; 2]; 2]) -> [Block; 2] {
        let [alpha, beta] = [alpha, beta].map(|[mac, key]| Share { mac, key });
        let Share { mac, key } = self.gate(alpha, beta);
        [mac, key]
    }
}

impl MaskList<2> for Shares {
    fn with_capacity(n: usize) -> Self {
        Self::with_capacity(n)
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn at(&self, i: usize) -> [Block; 2] {
        let Share { mac, key } = self.view().get(i);
        [mac, key]
    }

    fn add(&mut self, [mac, key]: [Block; 2]) {
        self.push(Share { mac, key });
    }
}

impl Chunk {
    /// The bits that a chunk needs.
    pub(super) const fn need(extent: &Extent) -> Need {
        let bits = 3 * extent.buckets.total();
        Need { own: bits, peer: bits }
    }

    /// Begins the next chunk in the memory of this one; `draw` fills it with random bits.
    ///
    /// # Errors
    /// If `draw` fails.
    pub(super) fn renew<E>(
        mut self,
        extent: Extent,
        draw: impl FnOnce(Need, &mut Shares) -> Result<(), E>,
    ) -> Result<Self, E> {
        draw(Self::need(&extent), &mut self.shares)?;
        self.extent = extent;
        self.alphas.restart(extent.gates);
        self.betas.restart(extent.buckets.candidates);
        Ok(self)
    }

    /// A chunk of these random bits, whose gates have the masks that the padding would have.
    #[cfg(test)]
    pub(super) fn of(shares: Shares, extent: Extent) -> Self {
        let mut chunk = Self { shares, extent, ..Self::default() };
        chunk.pad();
        chunk
    }

    pub(super) fn extent(&self) -> &Extent {
        &self.extent
    }

    pub(super) fn buckets(&self) -> Buckets {
        self.extent.buckets
    }

    /// Notes the masks at the inputs of the next gate; returns γ.
    pub(super) fn gate(&mut self, alpha: Share, beta: Share) -> Share {
        let gamma = self.gammas().get(self.alphas.len());
        self.alphas.push(alpha);
        self.betas.push(beta);
        gamma
    }

    /// Fills layer 0 when the masks of all gates are noted.
    pub(super) fn pad(&mut self) {
        for i in self.betas.len()..self.extent.buckets.candidates {
            let padding = self.gammas().get(i);
            self.betas.push(padding);
        }
    }

    pub(super) fn alphas(&self) -> SharesView<'_> {
        self.alphas.view()
    }

    /// β of the gates.
    pub(super) fn betas(&self) -> SharesView<'_> {
        self.betas.view().slice(0..self.extent.gates)
    }

    /// The masks of the outputs of AND gates, then padding: L. After the buckets, those of gates are σ ⊕ γ.
    pub(super) fn gammas(&self) -> SharesView<'_> {
        self.shares.view().slice(0..self.extent.buckets.candidates)
    }

    /// Adds to γ of a gate.
    pub(super) fn add_to_gamma(&mut self, gate: usize, share: Share) {
        self.shares.macs[gate] ^= share.mac;
        self.shares.keys[gate] ^= share.key;
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
        let Buckets { candidates, .. } = self.extent.buckets;
        let all = self.extent.buckets.total();
        self.shares.view().slice(candidates + 2 * all..3 * all)
    }

    /// MACs and keys of r.
    pub(super) fn r_mut(&mut self) -> impl Iterator<Item = (&mut Block, &mut Block)> {
        let (from, all) =
            (self.extent.buckets.candidates + self.extent.buckets.total(), self.buckets().total());
        self.shares.macs[from..].iter_mut().zip(&mut self.shares.keys[from..]).take(all)
    }

    /// y of all candidates: in place in layer 0, then those of the others.
    pub(super) fn y(&self) -> impl Iterator<Item = Share> + '_ {
        self.betas.view().iter().chain(self.later_y().iter())
    }

    /// Random bits that were drawn with the chunk beyond what it needs.
    pub(super) fn spare(&self) -> SharesView<'_> {
        self.shares.view().slice(3 * self.buckets().total()..self.shares.len())
    }

    /// The memory of the random bits, to be filled for the next chunk.
    pub(super) fn take_shares(&mut self) -> Shares {
        core::mem::take(&mut self.shares)
    }

    /// The masks at `n` gates from `first` on, after the buckets.
    pub(super) fn masks(&self, first: usize, n: usize) -> impl Iterator<Item = GateMask> + '_ {
        let [alphas, betas, tails] = [self.alphas.view(), self.betas.view(), self.gammas()]
            .map(|shares| shares.slice(first..first + n));
        let both = alphas.iter().zip(betas.iter()).zip(tails.iter());
        both.map(|((alpha, beta), tail)| GateMask { alpha, beta, tail })
    }

    fn candidates(&self, kind: usize) -> SharesView<'_> {
        let all = self.extent.buckets.total();
        let from = self.extent.buckets.candidates + kind * all;
        self.shares.view().slice(from..from + all)
    }
}
