//! The evaluator's second pass: a wire is its active label, whose lowest bit is Λ.
//!
//! ```text
//! XOR    C = A ⊕ B              NOT    C = A ⊕ 1              known Λ    public label with lowest bit Λ
//! AND    C' = H(A) ⊕ H(B) ⊕ Λ_α·(R0 ⊕ M_E[β]) ⊕ Λ_β·(R1 ⊕ M_E[α] ⊕ A) ⊕ M_E[σ ⊕ γ]
//!        Λ_γ = lsb C' ⊕ b,   C = C' with lowest bit Λ_γ
//! ```
//!
//! With A = A⁰ ⊕ Λ_α·Δ, R0 ⊕ M_E[β] is H(A⁰) ⊕ H(A¹) ⊕ β·Δ, and R1 ⊕ M_E[α] ⊕ A is H(B⁰) ⊕ H(B¹) ⊕ (α ⊕
//! Λ_α)·Δ. So
//!
//! ```text
//! C' = [garbler's C'] ⊕ (Λ_α·β ⊕ Λ_β·α ⊕ Λ_α·Λ_β ⊕ σ ⊕ γ)·Δ,  and for σ = α∧β the bracket is
//!      (Λ_α ⊕ α)∧(Λ_β ⊕ β) ⊕ γ = z_α∧z_β ⊕ γ = Λ_γ
//! ```
//!
//! lsb Δ_G = 1 gives Λ_γ, and C = C⁰ ⊕ Λ_γ·Δ_G. If the garbler's rows or σ are wrong, C is some other block;
//! whether the row was used depends on Λ, and so not on any value. The sums of `report` are computed on the
//! way.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::authenticated_bits::Authenticator;
use super::checks::{Directions, Proof, Transcribed};
use super::chunk::GateMask;
use super::error::{Check, SessionError};
use super::gates::{Done, GateKeys, Gates, Kernel, group_bytes};
use super::party::Party;
use super::report::{LabelSum, ValueSum};
use super::second_pass::GROUP;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;
use crate::public_labels::PublicLabels;
use crate::{Bits, Block};

/// The evaluator's side of a chunk.
pub(super) struct Evaluation {
    gates: HashKey,
    public: PublicLabels,
    hashes: Zeroizing<Vec<Block>>,
    /// The tables of a group, and the number of its gates.
    group: Vec<u8>,
    in_group: usize,
    report: Report,
}

/// The report on a chunk so far, and the sums.
struct Report {
    /// Λ_α and Λ_β, gate after gate.
    revealed: Bits,
    /// The seed of χ, which the garbler learns with the report.
    chi: Block,
    labels: LabelSum,
    values: ValueSum,
}

impl Report {
    /// Adds a gate with these labels of its inputs and its output.
    fn add(&mut self, own: &Authenticator, mask: GateMask, [a, b, c]: [Block; 3]) {
        let (value_a, value_b, value_c) = (a.lsb(), b.lsb(), c.lsb());
        self.revealed.push(value_a);
        self.revealed.push(value_b);
        self.labels.add_gate(a, b);
        let check = mask.checked(value_a, value_b);
        let garbler = check.bit() ^ (value_a & value_b) ^ value_c;
        self.values.add([own.expected_mac(check, garbler)]);
    }
}

/// R0 and R1.
fn rows(table: &[u8; 32]) -> (Block, Block) {
    let mut rows = [[0; Block::BYTES]; 2];
    rows.as_flattened_mut().copy_from_slice(table);
    let [r0, r1] = rows.map(Block::from_bytes);
    (r0, r1)
}

impl Kernel for Evaluation {
    fn begin(
        party: &Party,
        gates: usize,
        channel: &mut impl Channel,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let mut bytes = [[0; Block::BYTES]; 3];
        channel.receive(Phase::Inputs, bytes.as_flattened_mut())?;
        let keys = GateKeys::from_bytes(&bytes);
        let chi = Block::random(rng);
        Ok(Self {
            gates: keys.gates,
            public: keys.labels,
            hashes: Zeroizing::new(vec![Block::ZERO; 2 * GROUP]),
            group: Vec::with_capacity(group_bytes(GROUP)),
            in_group: 0,
            report: Report {
                revealed: Bits::with_capacity(2 * gates),
                chi,
                labels: LabelSum::new(keys.reports, party.backend),
                values: ValueSum::new(chi),
            },
        })
    }

    fn known(&mut self, _: &Party, masked_value: bool) -> Block {
        self.public.draw().with_lsb(masked_value)
    }

    fn not(_: &Party, a: Block) -> Block {
        a ^ Block::new(1)
    }

    fn gates(
        &mut self,
        gates: &Gates<'_>,
        channel: &mut impl Channel,
        out: &mut [Block],
    ) -> Result<(), SessionError> {
        let Gates { party: Party { own, backend, .. }, chunk, first, labels, .. } = *gates;
        let used = first % GROUP;
        if used == 0 {
            self.in_group = GROUP.min(labels.len() + gates.left);
            self.group.resize(group_bytes(self.in_group), 0);
            channel.receive(Phase::Tables, &mut self.group)?;
        }
        let hashes = &mut self.hashes[..2 * labels.len()];
        backend.hash(&self.gates, 2 * first as u64, labels.as_flattened(), hashes);
        let (tables, colours) = self.group.split_at(32 * self.in_group);
        let tables = tables.as_chunks::<32>().0[used..].iter();
        let colours = (used..).map(|i| colours[i / 8] >> (i % 8) & 1 == 1);
        let hashed = hashes.as_chunks().0.iter().zip(labels).zip(tables.zip(colours));
        for (((([ha, hb], [a, b]), (table, colour)), mask), c) in
            hashed.zip(chunk.masks(first, labels.len())).zip(out)
        {
            let (r0, r1) = rows(table);
            let raw = *ha
                ^ *hb
                ^ (r0 ^ mask.beta.mac).masked(a.lsb())
                ^ (r1 ^ mask.alpha.mac ^ *a).masked(b.lsb())
                ^ mask.tail.mac;
            *c = raw.with_lsb(raw.lsb() ^ colour);
            self.report.add(own, mask, [*a, *b, *c]);
        }
        Ok(())
    }

    fn end<C: Channel>(
        &mut self,
        done: &Done<'_>,
        channel: &mut Transcribed<C>,
    ) -> Result<Bits, SessionError> {
        let Done { party, digests, outputs, .. } = *done;
        let transcript =
            |channel: &Transcribed<C>| Directions::at_evaluator(channel).digest(&party.agreed.session.id);
        let Report { revealed, chi, labels, values } = &mut self.report;
        outputs.iter().for_each(|label| labels.add_output(*label));
        let outputs: Bits = outputs.iter().map(|label| label.lsb()).collect();
        channel.send(Phase::Checks, revealed.as_bytes())?;
        channel.send(Phase::Checks, outputs.as_bytes())?;
        channel.send(Phase::Checks, &chi.to_bytes())?;
        let proof = Proof { openings: digests.own, transcript: transcript(channel), sum: labels.total() };
        proof.send(channel)?;
        let sum = values.total();
        let expected = Proof { openings: digests.peer, transcript: transcript(channel), sum };
        expected.expect(channel, Check::Values)?;
        Ok(outputs)
    }
}
