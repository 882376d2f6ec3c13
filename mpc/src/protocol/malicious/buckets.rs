//! From leaky products to the products of mask bits: one candidate of each layer for each gate.
//!
//! After the equality test a coin gives a shift t_k for each layer k from 1 on. Gate g, with masks α and β at
//! its inputs and γ at its output, takes candidate g of layer 0, whose y is β, and candidate (g + t_k) mod L
//! of layer k. The parties open one bit a candidate:
//!
//! ```text
//! d_k = β ⊕ y_k,  k ≥ 1        f = α ⊕ X,  X = x_0 ⊕ … ⊕ x_{B−1}
//! σ = z_0 ⊕ Σ_{k≥1} (z_k ⊕ d_k·x_k) ⊕ f·β
//! ```
//!
//! Since z_k ⊕ d_k·x_k = x_k∧y_k ⊕ (β ⊕ y_k)∧x_k = x_k∧β and z_0 = x_0∧β, this is X∧β ⊕ (α ⊕ X)∧β = α∧β. Of
//! the opened bits, y_k hides β, and X hides α as long as the peer does not know the x of one layer: this is
//! what the number of candidates is for (`settings`). x is never in place: f would then open α to a party
//! that knows x_0.
//!
//! A party that opens another bit than its share changes σ. So each party hashes the MACs of the bits that it
//! opens, and the peer hashes what they must be, `K ⊕ d·Δ`. The digests are compared before anything depends
//! on σ in the clear (`report`); until then γ hides it.
//!
//! Source: Wang, Ranellucci, Katz 2017 (ePrint 2017/189), section 4; Katz et al. 2018 (ePrint 2018/578),
//! section 5.

use super::authenticated_bits::{Authenticator, Share};
use super::chunk::Chunk;
use super::coins::Coin;
use super::domains::{Domain, OPENINGS, SHIFT};
use super::error::SessionError;
use super::exchange::Exchange;
use super::settings::{Buckets, Extent};
use crate::Bits;
use crate::channel::{Channel, Phase};
use crate::ot::SessionId;
use crate::protocol::hello::Role;

/// Digests of the MACs of opened bits: of ours, and what that of the peer must be.
#[derive(Default)]
pub(super) struct MacDigests {
    pub(super) own: [u8; 32],
    pub(super) peer: [u8; 32],
}

/// Which candidates of a chunk belong to which gate.
pub(super) struct Combination<'c> {
    session: &'c SessionId,
    own: &'c Authenticator,
    extent: Extent,
    /// One for each layer from 1 on.
    shifts: &'c [usize],
}

impl<'c> Combination<'c> {
    /// The combination that these shifts choose.
    pub(super) fn new(
        session: &'c SessionId,
        own: &'c Authenticator,
        extent: &Extent,
        shifts: &'c [usize],
    ) -> Self {
        Self { session, own, extent: *extent, shifts }
    }

    /// Opens d and f of all gates, and turns γ of each into σ ⊕ γ. Returns the digests of MACs.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) fn run(
        &self,
        channel: &mut impl Channel,
        chunk: &mut Chunk,
    ) -> Result<MacDigests, SessionError> {
        let (ours, own) = self.own_bits(chunk);
        let step = Exchange { role: self.own.role, phase: Phase::Products };
        let theirs = step.bits(channel, &ours, ours.len())?;
        let peer = self.combine(chunk, &ours.xor(&theirs), &theirs);
        Ok(MacDigests { own, peer })
    }

    /// Our bits of d and f, gate after gate, and the digest of their MACs.
    pub(super) fn own_bits(&self, chunk: &Chunk) -> (Bits, [u8; 32]) {
        let layers = self.extent.buckets.layers;
        let mut hash = self.domain(self.own.role).running();
        let mut bits = Bits::with_capacity(layers * self.extent.gates);
        for g in 0..self.extent.gates {
            self.each_opened(chunk, g, |share| {
                hash.add(share.mac);
                bits.push(share.bit());
            });
        }
        (bits, hash.finish())
    }

    /// Adds σ to γ of all gates, where `opened` are d and f and `theirs` the peer's shares of them; returns the
    /// digest that the peer's MACs must have.
    pub(super) fn combine(&self, chunk: &mut Chunk, opened: &Bits, theirs: &Bits) -> [u8; 32] {
        let mut hash = self.domain(self.own.role.peer()).running();
        let layers = self.extent.buckets.layers;
        for g in 0..self.extent.gates {
            let mut revealed = g * layers..;
            self.each_opened(chunk, g, |share| {
                let bit = revealed.next().is_some_and(|i| theirs.get(i));
                hash.add(self.own.expected_mac(share, bit));
            });
            let (x, z) = (chunk.x(), chunk.r());
            let mut product = z.get(g);
            for (c, i) in self.candidates(g).zip(g * layers..) {
                product ^= z.get(c) ^ x.get(c).masked(opened.get(i));
            }
            product ^= chunk.betas().get(g).masked(opened.get((g + 1) * layers - 1));
            chunk.add_to_gamma(g, product);
        }
        hash.finish()
    }

    /// Visits d_1 … d_{B−1} and f of a gate.
    fn each_opened(&self, chunk: &Chunk, g: usize, mut visit: impl FnMut(Share)) {
        let (x, y, beta) = (chunk.x(), chunk.later_y(), chunk.betas().get(g));
        let mut f = chunk.alphas().get(g) ^ x.get(g);
        for c in self.candidates(g) {
            visit(beta ^ y.get(c - self.extent.buckets.candidates));
            f ^= x.get(c);
        }
        visit(f);
    }

    /// The candidates of a gate in the layers from 1 on, by their numbers in the chunk.
    fn candidates(&self, g: usize) -> impl Iterator<Item = usize> + '_ {
        let n = self.extent.buckets.candidates;
        self.shifts.iter().zip(1..).map(move |(shift, layer)| {
            let at = g + shift;
            layer * n + if at < n { at } else { at - n }
        })
    }

    fn domain(&self, role: Role) -> Domain<'_> {
        Domain { label: OPENINGS, session: self.session, index: self.extent.number, role: Some(role) }
    }
}

/// The shifts of the layers from 1 on: 128 bits of the coin modulo L, which is uniform but for 2^-100.
pub(super) fn shifts(session: &SessionId, Coin(coin): &Coin, extent: &Extent) -> Vec<usize> {
    let Buckets { layers, candidates } = extent.buckets;
    let shift = |layer: usize| {
        let hash = Domain { label: SHIFT, session, index: layer as u64, role: None }.of(&[coin]);
        let mut wide = [0; 16];
        wide.copy_from_slice(&hash[..16]);
        (u128::from_le_bytes(wide) % candidates as u128) as usize
    };
    (1..layers).map(shift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_are_uniform_enough_and_depend_on_coin_and_layer() {
        let extent = Extent { buckets: Buckets { layers: 4, candidates: 8 }, ..Extent::default() };
        let mut seen = [[0; 8]; 3];
        for i in 0..800u32 {
            let mut coin = [0; 32];
            coin[..4].copy_from_slice(&i.to_le_bytes());
            let shifts = shifts(&SessionId([1; 32]), &Coin(coin), &extent);
            assert_eq!(shifts.len(), 3);
            seen.iter_mut().zip(shifts).for_each(|(seen, shift)| seen[shift] += 1);
        }
        // 100 expected, standard deviation 9.4.
        assert!(seen.iter().flatten().all(|n| (50..150).contains(n)), "{seen:?}");
        assert_ne!(seen[0], seen[1]);
    }

    #[test]
    fn shifts_have_their_known_answer() {
        let extent = Extent { buckets: Buckets { layers: 6, candidates: 1_000_003 }, ..Extent::default() };
        assert_eq!(
            shifts(&SessionId([1; 32]), &Coin([2; 32]), &extent),
            [505_501, 71_079, 424_092, 244_602, 836_557]
        );
    }
}
