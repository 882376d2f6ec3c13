//! The evaluator's second pass: a wire is its active label of every garbler; the lowest bit of each is Λ.
//!
//! ```text
//! C'_j = Σ_i (H_ij(A^i) ⊕ H_ij(B^i) ⊕ Λ_α·R0_ij ⊕ Λ_β·(R1_ij ⊕ [i = j]·A^j) ⊕ [i ≠ j]·C_ij)
//!        ⊕ Λ_α·M_1^j[β] ⊕ Λ_β·M_1^j[α] ⊕ M_1^j[σ ⊕ γ]
//! Λ_γ  = lsb C'_2 ⊕ b,  C^j = C'_j with lowest bit Λ_γ
//! ```
//!
//! H_ij are garbler i's hashes for j. With A^i = A⁰ ⊕ Λ_α·Δ_i, what is left of garbler i's hashes for j is that of
//! C_ij, so all shares of Δ_j add up as between two parties (`super::evaluation`):
//!
//! ```text
//! C'_j = C_jj ⊕ (Λ_α·β ⊕ Λ_β·α ⊕ Λ_α·Λ_β ⊕ σ ⊕ γ)·Δ_j = C_jj ⊕ Λ_γ·Δ_j
//! ```
//!
//! lsb Δ_2 = 1 gives Λ_γ, and C^j is garbler j's label for it.

use core::array::from_fn;

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::checks::Proof;
use super::super::error::{Check, SessionError, accept};
use super::super::report::{LabelSum, ValueSum};
use super::super::second_pass::{GROUP, Gates};
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerChunks;
use super::tables::{Done, Kernel, KeyBytes, first_hash, gate_blocks, group_bytes, keys, left};
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;
use crate::public_labels::PublicLabels;
use crate::{Bits, Block};

/// The evaluator's side of a chunk, towards L garblers.
pub(super) struct Evaluation<const L: usize> {
    garblers: Vec<Garbler>,
    /// The number of gates of the group at hand.
    in_group: usize,
    /// Λ_α and Λ_β, gate after gate.
    revealed: Bits,
    /// The seed of χ, which the garblers learn with the report.
    chi: Block,
    values: ValueSum,
}

/// What the evaluator has of one garbler.
struct Garbler {
    gates: HashKey,
    public: PublicLabels,
    labels: LabelSum,
    /// The tables of a group.
    group: Vec<u8>,
}

impl<const L: usize> Evaluation<L> {
    /// Receives the tables of a group.
    fn receive(&mut self, links: &mut Links<'_>, gates: usize) -> Result<(), SessionError> {
        self.in_group = gates;
        for (i, (garbler, link)) in self.garblers.iter_mut().zip(&mut links.all).enumerate() {
            garbler.group.resize(group_bytes(gates, i, L), 0);
            link.channel.receive(Phase::Tables, &mut garbler.group)?;
        }
        Ok(())
    }

    /// Adds what garbler i sent to C' of every garbler.
    fn add_tables(&self, party: &Party, i: usize, gates: &Gates<'_, PeerChunks, L>, out: &mut [[Block; L]]) {
        let garbler = &self.garblers[i];
        let mut x = Zeroizing::new(Vec::with_capacity(2 * L * gates.labels.len()));
        for [a, b] in gates.labels {
            (0..L).for_each(|_| x.extend([a[i], b[i]]));
        }
        let mut h = Zeroizing::new(vec![Block::ZERO; x.len()]);
        party.backend.hash(&garbler.gates, first_hash(gates.first, L), &x, &mut h);
        let used = gates.first % GROUP * gate_blocks(L) * Block::BYTES;
        let mut rows = Block::from_chunks(&garbler.group[used..]);
        let mut next = || rows.next().unwrap_or_default();
        for ((h, [a, b]), out) in h.as_chunks::<2>().0.chunks(L).zip(gates.labels).zip(out) {
            let (value_a, value_b) = (a[0].lsb(), b[0].lsb());
            for (j, ([ha, hb], out)) in h.iter().zip(out).enumerate() {
                *out ^= *ha ^ *hb ^ next().masked(value_a);
                *out ^= (next() ^ a[j].masked(i == j)).masked(value_b);
                if i != j {
                    *out ^= next();
                }
            }
        }
    }

    /// Adds our own shares to C' of garbler j.
    fn add_shares(j: usize, gates: &Gates<'_, PeerChunks, L>, out: &mut [[Block; L]]) {
        let masks = gates.chunk.0[j].masks(gates.first, gates.labels.len());
        for ((mask, [a, b]), out) in masks.zip(gates.labels).zip(out) {
            let (beta, alpha) = (mask.beta.mac.masked(a[0].lsb()), mask.alpha.mac.masked(b[0].lsb()));
            out[j] ^= beta ^ alpha ^ mask.tail.mac;
        }
    }

    /// Sets Λ_γ, and adds the gates to the report.
    fn finish(&mut self, party: &Party, gates: &Gates<'_, PeerChunks, L>, out: &mut [[Block; L]]) {
        let used = gates.first % GROUP;
        let colours = &self.garblers[0].group[self.in_group * gate_blocks(L) * Block::BYTES..];
        let mut checks = Zeroizing::new(vec![Block::ZERO; out.len()]);
        for ((i, out), [a, b]) in (used..).zip(&mut *out).zip(gates.labels) {
            let value = out[0].lsb() ^ (colours[i / 8] >> (i % 8) & 1 == 1);
            *out = out.map(|label| label.with_lsb(value));
            self.revealed.push(a[0].lsb());
            self.revealed.push(b[0].lsb());
        }
        for (i, garbler) in self.garblers.iter_mut().enumerate() {
            gates.labels.iter().for_each(|[a, b]| garbler.labels.add_gate(a[i], b[i]));
        }
        for (link, chunk) in gates.chunk.0.iter().enumerate() {
            let masks = chunk.masks(gates.first, gates.labels.len());
            for (((mask, [a, b]), out), check) in masks.zip(gates.labels).zip(&*out).zip(checks.iter_mut()) {
                let [value_a, value_b] = [a[0].lsb(), b[0].lsb()];
                let share = mask.checked(value_a, value_b);
                // What the garblers' shares must add up to.
                let garblers = share.bit() ^ (value_a & value_b) ^ out[0].lsb();
                *check ^= share.key ^ party.delta.times(link == 0 && garblers);
            }
        }
        self.values.add(checks.iter().copied());
    }
}

impl<const L: usize> Kernel<L> for Evaluation<L> {
    fn begin(
        party: &Party,
        gates: usize,
        links: &mut Links<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let mut garblers = Vec::with_capacity(L);
        for link in &mut links.all {
            let mut bytes = KeyBytes::default();
            link.channel.receive(Phase::Inputs, bytes.as_flattened_mut())?;
            let keys = keys(&bytes);
            garblers.push(Garbler {
                gates: keys.gates,
                public: keys.labels,
                labels: LabelSum::new(keys.reports, party.backend),
                group: Vec::with_capacity(group_bytes(GROUP.min(gates), 0, L)),
            });
        }
        let chi = Block::random(rng);
        let revealed = Bits::with_capacity(2 * gates);
        Ok(Self { garblers, in_group: 0, revealed, chi, values: ValueSum::new(chi) })
    }

    fn known(&mut self, _: &Party, masked_value: bool) -> [Block; L] {
        #[cfg(test)]
        let masked_value = |i| masked_value ^ super::tests::shows_another_value(i);
        #[cfg(not(test))]
        let masked_value = |_| masked_value;
        from_fn(|i| self.garblers[i].public.draw().with_lsb(masked_value(i)))
    }

    fn not(_: &Party, a: [Block; L]) -> [Block; L] {
        a.map(|a| a ^ Block::new(1))
    }

    fn gates(
        &mut self,
        (party, links): (&Party, &mut Links<'_>),
        gates: &Gates<'_, PeerChunks, L>,
        out: &mut [[Block; L]],
    ) -> Result<(), SessionError> {
        if gates.first.is_multiple_of(GROUP) {
            self.receive(links, GROUP.min(gates.labels.len() + left(gates)))?;
        }
        out.fill([Block::ZERO; L]);
        for i in 0..L {
            self.add_tables(party, i, gates, out);
            Self::add_shares(i, gates, out);
        }
        self.finish(party, gates, out);
        Ok(())
    }

    fn end(
        &mut self,
        done: &Done<'_, L>,
        links: &mut Links<'_>,
        _: &mut (impl RngCore + CryptoRng),
    ) -> Result<Bits, SessionError> {
        let Done { party: Party { agreed, .. }, digests, outputs, .. } = *done;
        let mut report = self.revealed.as_bytes().to_vec();
        for labels in outputs {
            let garblers = self.garblers.iter_mut().zip(labels);
            garblers.for_each(|(garbler, label)| garbler.labels.add_output(*label));
        }
        let outputs: Bits = outputs.iter().map(|labels| labels[0].lsb()).collect();
        report.extend_from_slice(outputs.as_bytes());
        report.extend(self.chi.to_bytes());
        let mut lengths = vec![0; links.parties()];
        lengths[0] = report.len();
        links.broadcast(Phase::Checks, &report, &lengths)?;
        links.compare(Phase::Checks)?;
        let mut expected = Vec::with_capacity(L);
        for (i, (link, garbler)) in links.all.iter_mut().zip(&mut self.garblers).enumerate() {
            let (sum, pair) = (garbler.labels.total(), &agreed.pairs[i]);
            let transcript = link.transcript(pair);
            Proof { openings: digests[i].own, transcript, sum }.send(&mut link.channel)?;
            let transcript = link.transcript(pair);
            expected.push(Proof { openings: digests[i].peer, transcript, sum: Block::ZERO });
        }
        let mut sum = Block::ZERO;
        for (link, expected) in links.all.iter_mut().zip(&expected) {
            let proof = Proof::receive(&mut link.channel)?;
            proof.require_digests(expected)?;
            sum ^= proof.sum;
        }
        accept(sum.ct_eq(&self.values.total()), Check::Values)?;
        Ok(outputs)
    }
}
