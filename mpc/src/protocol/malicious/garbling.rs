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

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::checks::{Directions, Proof, Transcribed};
use super::chunk::Chunk;
use super::error::{Check, SessionError};
use super::gates::{Done, GateKeys, Gates, Kernel, group_bytes};
use super::party::Party;
use super::report::{LabelSum, ValueSum};
use super::second_pass::GROUP;
use crate::backend::PairContext;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;
use crate::public_labels::PublicLabels;
use crate::{Bits, Block};

/// The garbler's side of a chunk.
pub(super) struct Garbling {
    gates: HashKey,
    public: PublicLabels,
    /// Σ.
    sum: LabelSum,
    /// A⁰ and B⁰ of each gate of the chunk so far.
    labels: Zeroizing<Vec<[Block; 2]>>,
    hashes: Zeroizing<Vec<[Block; 2]>>,
    /// The tables of a group.
    tables: Vec<u8>,
    /// b of the gates in `tables`.
    colours: Vec<bool>,
}

/// What the evaluator reported.
pub(super) struct Report {
    /// Λ_α and Λ_β, gate after gate.
    pub(super) gates: Bits,
    pub(super) outputs: Bits,
    pub(super) chi: Block,
}

impl Report {
    /// The bytes of a report of this many gates and outputs.
    pub(super) const fn bytes(gates: usize, outputs: usize) -> usize {
        (2 * gates).div_ceil(8) + outputs.div_ceil(8) + Block::BYTES
    }

    /// Decodes a report; `None` if padding of bits is not zero.
    pub(super) fn from_bytes(bytes: &[u8], gates: usize, outputs: usize) -> Option<Self> {
        let (revealed, rest) = bytes.split_at_checked((2 * gates).div_ceil(8))?;
        let (output_bits, chi) = rest.split_at_checked(outputs.div_ceil(8))?;
        let (gates, outputs) =
            (Bits::from_bytes(revealed, 2 * gates as u64)?, Bits::from_bytes(output_bits, outputs as u64)?);
        Some(Self { gates, outputs, chi: Block::from_bytes(chi.try_into().ok()?) })
    }
}

impl Garbling {
    fn send(&mut self, channel: &mut impl Channel) -> Result<(), SessionError> {
        self.tables.extend(pack_colours(&self.colours));
        channel.send(Phase::Tables, &self.tables)?;
        self.tables.clear();
        self.colours.clear();
        Ok(())
    }

    /// Σ for the masked values that the evaluator reported.
    fn label_sum(&mut self, done: &Done<'_>, report: &Report) -> Block {
        let delta = &done.party.own.delta;
        for (g, [a0, b0]) in self.labels.iter().enumerate() {
            let [a, b] = [2 * g, 2 * g + 1].map(|i| delta.times(report.gates.get(i)));
            self.sum.add_gate(*a0 ^ a, *b0 ^ b);
        }
        for (c0, value) in done.outputs.iter().zip(report.outputs.iter()) {
            self.sum.add_output(*c0 ^ delta.times(value));
        }
        self.sum.total()
    }
}

/// Receives the report of a chunk of `gates` gates.
fn receive_report(channel: &mut impl Channel, gates: usize, outputs: usize) -> Result<Report, SessionError> {
    let mut bytes = vec![0; Report::bytes(gates, outputs)];
    channel.receive(Phase::Checks, &mut bytes)?;
    Report::from_bytes(&bytes, gates, outputs).ok_or(SessionError::Encoding(Phase::Checks))
}

/// Packs the b of a group.
pub(super) fn pack_colours(colours: &[bool]) -> impl Iterator<Item = u8> + '_ {
    colours.chunks(8).map(|eight| eight.iter().rev().fold(0, |byte, b| byte << 1 | u8::from(*b)))
}

/// W for the masked values that the evaluator reported.
pub(super) fn value_sum(chunk: &Chunk, report: &Report) -> Block {
    let mut sum = ValueSum::new(report.chi);
    let masks = chunk.masks(0, chunk.extent().gates).enumerate();
    sum.add(masks.map(|(g, mask)| mask.checked(report.gates.get(2 * g), report.gates.get(2 * g + 1)).mac));
    sum.total()
}

impl Kernel for Garbling {
    fn begin(
        party: &Party,
        gates: usize,
        channel: &mut impl Channel,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let mut bytes = [[0; Block::BYTES]; 3];
        rng.fill_bytes(bytes.as_flattened_mut());
        channel.send(Phase::Inputs, bytes.as_flattened())?;
        let keys = GateKeys::from_bytes(&bytes);
        Ok(Self {
            gates: keys.gates,
            public: keys.labels,
            sum: LabelSum::new(keys.reports, party.backend),
            labels: Zeroizing::new(Vec::with_capacity(gates)),
            hashes: Zeroizing::new(vec![[Block::ZERO; 2]; 2 * GROUP]),
            tables: Vec::with_capacity(group_bytes(GROUP)),
            colours: Vec::with_capacity(GROUP),
        })
    }

    fn known(&mut self, party: &Party, masked_value: bool) -> Block {
        self.public.draw().with_lsb(masked_value) ^ party.own.delta.times(masked_value)
    }

    fn not(party: &Party, a: Block) -> Block {
        a ^ party.own.delta.block() ^ Block::new(1)
    }

    fn gates(
        &mut self,
        gates: &Gates<'_>,
        channel: &mut impl Channel,
        out: &mut [Block],
    ) -> Result<(), SessionError> {
        let Gates { party: Party { own, backend, .. }, chunk, first, labels, .. } = *gates;
        let hashes = &mut self.hashes[..2 * labels.len()];
        let pairs = PairContext { delta: &own.delta, key: &self.gates, first: 2 * first as u64 };
        backend.hash_both(&pairs, labels.as_flattened(), hashes);
        let hashed = hashes.as_chunks().0.iter().zip(labels);
        for ((([[ha0, ha1], [hb0, hb1]], [a0, _]), mask), c0) in
            hashed.zip(chunk.masks(first, labels.len())).zip(out)
        {
            let r0 = *ha0 ^ *ha1 ^ own.garbler_summand(mask.beta);
            let r1 = *hb0 ^ *hb1 ^ own.garbler_summand(mask.alpha) ^ *a0;
            let c = *ha0 ^ *hb0 ^ own.garbler_summand(mask.tail);
            self.tables.extend_from_slice(&r0.to_bytes());
            self.tables.extend_from_slice(&r1.to_bytes());
            self.colours.push(c.lsb());
            *c0 = c.with_lsb(false);
        }
        self.labels.extend_from_slice(labels);
        if self.colours.len() == GROUP || gates.left == 0 { self.send(channel) } else { Ok(()) }
    }

    fn end<C: Channel>(
        &mut self,
        done: &Done<'_>,
        channel: &mut Transcribed<C>,
    ) -> Result<Bits, SessionError> {
        let Done { party, chunk, digests, outputs } = *done;
        let transcript =
            |channel: &Transcribed<C>| Directions::at_garbler(channel).digest(&party.agreed.session.id);
        let report = receive_report(channel, chunk.extent().gates, outputs.len())?;
        let sum = self.label_sum(done, &report);
        let expected = Proof { openings: digests.peer, transcript: transcript(channel), sum };
        expected.expect(channel, Check::Labels)?;
        // Only now is the evaluator shown anything of our masks.
        let sum = value_sum(chunk, &report);
        Proof { openings: digests.own, transcript: transcript(channel), sum }.send(channel)?;
        Ok(report.outputs)
    }
}
