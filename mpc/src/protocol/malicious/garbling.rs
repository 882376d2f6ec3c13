//! The garbler's second pass: a wire is its label for Λ = 0, whose lowest bit is 0.
//!
//! ```text
//! label for Λ   A⁰ ⊕ Λ·Δ_G, so its lowest bit is Λ
//! XOR           C⁰ = A⁰ ⊕ B⁰
//! NOT           C⁰ = A⁰ ⊕ Δ_G ⊕ 1                          Λ is flipped, and so is the lowest bit of the active label
//! known Λ       W⁰ = (public label with lowest bit Λ) ⊕ Λ·Δ_G            inputs and constants: no label is sent
//! AND           H(A) under S ⊕ 2g, H(B) under S ⊕ (2g + 1)
//!               R0 = H(A⁰) ⊕ H(A¹) ⊕ share_G(β)
//!               R1 = H(B⁰) ⊕ H(B¹) ⊕ share_G(α) ⊕ A⁰
//!               C' = H(A⁰) ⊕ H(B⁰) ⊕ share_G(σ ⊕ γ),  b = lsb C',  C⁰ = C' with lowest bit 0
//!               sends R0, R1, b
//! ```
//!
//! The equations of the evaluator, and why its label is that of Λ_γ, are in `evaluation`.
//!
//! Source: Katz, Ranellucci, Rosulek, Wang 2018 (ePrint 2018/578), section 5: authenticated half gates.

use zeroize::Zeroizing;

use super::authenticated_bits::Authenticator;
use super::error::SessionError;
use super::gates::{GROUP, GateKeys, GateMasks};
use crate::backend::{Backend, PairContext};
use crate::channel::{Channel, Phase};
use crate::{Block, Fancy};

/// The interpreter that garbles.
pub(super) struct Garbling<'s, C> {
    own: &'s Authenticator,
    backend: Backend,
    keys: &'s mut GateKeys,
    masks: &'s GateMasks,
    channel: &'s mut C,
    /// A⁰ and B⁰ of each gate so far.
    labels: Zeroizing<Vec<[Block; 2]>>,
    tables: Vec<u8>,
    /// b of the gates in `tables`.
    colours: Vec<bool>,
}

/// What the garbler garbles with.
pub(super) struct GarblingContext<'s> {
    pub(super) own: &'s Authenticator,
    pub(super) backend: Backend,
    pub(super) keys: &'s mut GateKeys,
    pub(super) masks: &'s GateMasks,
}

impl<'s, C: Channel> Garbling<'s, C> {
    pub(super) fn new(context: GarblingContext<'s>, channel: &'s mut C) -> Self {
        let GarblingContext { own, backend, keys, masks } = context;
        let labels = Zeroizing::new(Vec::with_capacity(masks.len()));
        let (tables, colours) = (Vec::with_capacity(GROUP * 32 + GROUP / 8), Vec::with_capacity(GROUP));
        Self { own, backend, keys, masks, channel, labels, tables, colours }
    }

    /// Sends the last tables; returns A⁰ and B⁰ of each gate.
    ///
    /// # Errors
    /// If the connection fails, or the program had fewer gates than in the first pass.
    pub(super) fn finish(mut self) -> Result<Zeroizing<Vec<[Block; 2]>>, SessionError> {
        self.send()?;
        if self.labels.len() == self.masks.len() { Ok(self.labels) } else { Err(SessionError::Unsteady) }
    }

    /// The wire of a known Λ.
    fn known(&mut self, masked_value: bool) -> Block {
        self.keys.labels.draw().with_lsb(masked_value) ^ self.own.delta.times(masked_value)
    }

    fn send(&mut self) -> Result<(), SessionError> {
        let colours = self.colours.chunks(8);
        self.tables
            .extend(colours.map(|eight| eight.iter().rev().fold(0, |byte, b| byte << 1 | u8::from(*b))));
        self.channel.send(Phase::Tables, &self.tables)?;
        self.tables.clear();
        self.colours.clear();
        Ok(())
    }

    /// Garbles gates of one group.
    fn garble(&mut self, out: &mut [Block]) {
        let first = self.labels.len() - out.len();
        let labels = self.labels[first..].as_flattened();
        let mut h = Zeroizing::new(vec![[Block::ZERO; 2]; labels.len()]);
        let pairs = PairContext { delta: &self.own.delta, key: &self.keys.gates, first: 2 * first as u64 };
        self.backend.hash_both(&pairs, labels, &mut h);
        let hashes = h.as_chunks().0.iter().zip(&self.labels[first..]);
        let gates = hashes.zip(self.masks.range(first, out.len())).zip(out);
        for ((([[ha0, ha1], [hb0, hb1]], [a0, _]), mask), c0) in gates {
            let r0 = *ha0 ^ *ha1 ^ self.own.garbler_summand(mask.beta);
            let r1 = *hb0 ^ *hb1 ^ self.own.garbler_summand(mask.alpha) ^ *a0;
            let c = *ha0 ^ *hb0 ^ self.own.garbler_summand(mask.tail);
            self.tables.extend_from_slice(&r0.to_bytes());
            self.tables.extend_from_slice(&r1.to_bytes());
            self.colours.push(c.lsb());
            *c0 = c.with_lsb(false);
        }
    }
}

impl<C: Channel> Fancy for Garbling<'_, C> {
    type Wire = Block;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Block], b: &[Block], mut out: &mut [Block]) -> Result<(), SessionError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        if out.len() > self.masks.len() - self.labels.len() {
            return Err(SessionError::Unsteady);
        }
        let mut pairs = a.iter().zip(b).map(|(a, b)| [*a, *b]);
        while !out.is_empty() {
            let n = out.len().min(GROUP - self.colours.len());
            let (now, later) = out.split_at_mut(n);
            self.labels.extend(pairs.by_ref().take(n));
            self.garble(now);
            if self.colours.len() == GROUP {
                self.send()?;
            }
            out = later;
        }
        Ok(())
    }

    fn xor(&mut self, a: Block, b: Block) -> Block {
        a ^ b
    }

    fn not(&mut self, a: Block) -> Block {
        a ^ self.own.delta.block() ^ Block::new(1)
    }

    fn constant(&mut self, bit: bool) -> Block {
        self.known(bit)
    }
}
