//! A garbler's second pass: a wire is its own label for Λ = 0, whose lowest bit is 0.
//!
//! Garbler i has A⁰, B⁰ and Δ_i, and for the Δ_j of each garbler j a share of every mask times Δ_j:
//!
//! ```text
//! share_i(w·Δ_i) = w_i·Δ_i ⊕ Σ_k K_i[w_k]         share_i(w·Δ_j) = M_i^j[w_i],  j ≠ i
//! R0_ij = H_j(A⁰) ⊕ H_j(A¹) ⊕ share_i(β·Δ_j)
//! R1_ij = H_j(B⁰) ⊕ H_j(B¹) ⊕ share_i(α·Δ_j) ⊕ [i = j]·A⁰
//! C_ij  = H_j(A⁰) ⊕ H_j(B⁰) ⊕ share_i((σ ⊕ γ)·Δ_j)
//! C⁰    = C_ii with lowest bit 0                   sends R0_ij, R1_ij of all j, C_ij of j ≠ i;  P_2 also b = lsb C_22
//! ```
//!
//! H_j hashes under numbers of j's own (`tables`). The shares of all parties, the evaluator's MAC included, add
//! up to w·Δ_j. NOT, XOR and known Λ are as between two parties (`super::garbling`).
//!
//! Source: Wang, Ranellucci, Katz 2017 (ePrint 2017/189), section 5, with the half gates of Katz et al. 2018
//! (ePrint 2018/578).

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::super::checks::Proof;
use super::super::error::{Check, SessionError};
use super::super::garbling::{Report, pack_colours, value_sum};
use super::super::report::LabelSum;
use super::super::second_pass::{GROUP, Gates};
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerChunks;
use super::tables::{Done, Kernel, KeyBytes, first_hash, gate_blocks, keys, left};
use crate::backend::PairContext;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;
use crate::protocol::hello::Role;
use crate::public_labels::PublicLabels;
use crate::{Bits, Block};

/// A garbler's side of a chunk.
pub(super) struct Garbling {
    gates: HashKey,
    public: PublicLabels,
    /// Σ.
    sum: LabelSum,
    /// A⁰ and B⁰ of each gate of the chunk so far.
    labels: Zeroizing<Vec<[Block; 2]>>,
    /// The tables of a group.
    tables: Vec<u8>,
    /// The gates in `tables`, and of P_2 their b.
    colours: Vec<bool>,
}

/// The shares of β, α and σ ⊕ γ, each times some Δ_j.
type Summands = [Block; 3];

/// Our shares for the Δ of every garbler, gate after gate.
fn summands(party: &Party, gates: &Gates<'_, PeerChunks, 1>) -> Zeroizing<Vec<Summands>> {
    let (garblers, me, n) = (party.own.len(), party.agreed.place - 1, gates.labels.len());
    let mut all = Zeroizing::new(vec![[Block::ZERO; 3]; n * garblers]);
    for (link, chunk) in gates.chunk.0.iter().enumerate() {
        for (row, mask) in all.chunks_mut(garblers).zip(chunk.masks(gates.first, n)) {
            let masks = [mask.beta, mask.alpha, mask.tail];
            for (own, mask) in row[me].iter_mut().zip(masks) {
                // The first link is that with the evaluator, who has no Δ among those of labels.
                let bit = link == 0 && mask.bit();
                *own ^= party.delta.times(bit) ^ mask.key;
            }
            if link > 0 {
                let peer = if link <= me { link - 1 } else { link };
                row[peer] = masks.map(|mask| mask.mac);
            }
        }
    }
    all
}

impl Garbling {
    /// Σ for the masked values that the evaluator reported.
    fn label_sum(&mut self, done: &Done<'_, 1>, report: &Report) -> Block {
        let delta = &done.party.delta;
        for (g, [a0, b0]) in self.labels.iter().enumerate() {
            let [a, b] = [2 * g, 2 * g + 1].map(|i| delta.times(report.gates.get(i)));
            self.sum.add_gate(*a0 ^ a, *b0 ^ b);
        }
        for ([c0], value) in done.outputs.iter().zip(report.outputs.iter()) {
            self.sum.add_output(*c0 ^ delta.times(value));
        }
        self.sum.total()
    }

    fn send(&mut self, links: &mut Links<'_>) -> Result<(), SessionError> {
        if links.own == 1 {
            self.tables.extend(pack_colours(&self.colours));
        }
        let channel = &mut links.all[0].channel;
        channel.send(Phase::Tables, &self.tables)?;
        channel.flush()?;
        self.tables.clear();
        self.colours.clear();
        Ok(())
    }

    /// Exchanges proofs with the other garblers, of step (1). Returns the sum of the pads that mask our W.
    fn prove_to_garblers(
        done: &Done<'_, 1>,
        links: &mut Links<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Block, SessionError> {
        let mut pads = Block::ZERO;
        for i in links.in_turn().filter(|i| *i > 0) {
            let (link, digests, pair) = (&mut links.all[i], &done.digests[i], &done.party.agreed.pairs[i]);
            let ours = Block::random(rng);
            pads ^= ours;
            let own = |transcript| Proof { openings: digests.own, transcript, sum: ours };
            let peer = |transcript| Proof { openings: digests.peer, transcript, sum: Block::ZERO };
            if link.role == Role::Evaluator {
                own(link.transcript(pair)).send(&mut link.channel)?;
            }
            let expected = peer(link.transcript(pair));
            let theirs = Proof::receive(&mut link.channel)?;
            theirs.require_digests(&expected)?;
            pads ^= theirs.sum;
            if link.role == Role::Garbler {
                own(link.transcript(pair)).send(&mut link.channel)?;
            }
        }
        Ok(pads)
    }
}

impl Kernel<1> for Garbling {
    fn begin(
        party: &Party,
        gates: usize,
        links: &mut Links<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let mut bytes = KeyBytes::default();
        rng.fill_bytes(bytes.as_flattened_mut());
        let channel = &mut links.all[0].channel;
        channel.send(Phase::Inputs, bytes.as_flattened())?;
        channel.flush()?;
        let keys = keys(&bytes);
        Ok(Self {
            gates: keys.gates,
            public: keys.labels,
            sum: LabelSum::new(keys.reports, party.backend),
            labels: Zeroizing::new(Vec::with_capacity(gates)),
            tables: Vec::with_capacity(GROUP.min(gates) * gate_blocks(party.own.len()) * Block::BYTES),
            colours: Vec::with_capacity(GROUP),
        })
    }

    fn known(&mut self, party: &Party, masked_value: bool) -> [Block; 1] {
        [self.public.draw().with_lsb(masked_value) ^ party.delta.times(masked_value)]
    }

    fn not(party: &Party, [a]: [Block; 1]) -> [Block; 1] {
        [a ^ party.delta.block() ^ Block::new(1)]
    }

    fn gates(
        &mut self,
        (party, links): (&Party, &mut Links<'_>),
        gates: &Gates<'_, PeerChunks, 1>,
        out: &mut [[Block; 1]],
    ) -> Result<(), SessionError> {
        let (garblers, me) = (party.own.len(), party.agreed.place - 1);
        let mut x = Zeroizing::new(Vec::with_capacity(2 * garblers * gates.labels.len()));
        for [[a], [b]] in gates.labels {
            (0..garblers).for_each(|_| x.extend([*a, *b]));
            self.labels.push([*a, *b]);
        }
        let mut h = Zeroizing::new(vec![[Block::ZERO; 2]; x.len()]);
        let first = first_hash(gates.first, garblers);
        party.backend.hash_both(&PairContext { delta: &party.delta, key: &self.gates, first }, &x, &mut h);
        let summands = summands(party, gates);
        let hashed = h.as_chunks::<2>().0.chunks(garblers).zip(summands.chunks(garblers));
        for (((h, shares), [[a0], _]), [c0]) in hashed.zip(gates.labels).zip(out) {
            for (j, ([[a, a1], [b, b1]], [beta, alpha, tail])) in h.iter().zip(shares).enumerate() {
                let r0 = *a ^ *a1 ^ *beta;
                let r1 = *b ^ *b1 ^ *alpha ^ a0.masked(j == me);
                let c = *a ^ *b ^ *tail;
                self.tables.extend_from_slice(&r0.to_bytes());
                self.tables.extend_from_slice(&r1.to_bytes());
                if j == me {
                    self.colours.push(c.lsb());
                    *c0 = c.with_lsb(false);
                } else {
                    self.tables.extend_from_slice(&c.to_bytes());
                }
            }
        }
        if self.colours.len() == GROUP || left(gates) == 0 { self.send(links) } else { Ok(()) }
    }

    fn end(
        &mut self,
        done: &Done<'_, 1>,
        links: &mut Links<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Bits, SessionError> {
        let Done { party, chunks, digests, outputs } = *done;
        let (gates, outputs) = (chunks.extent().gates, outputs.len());
        let mut lengths = vec![0; links.parties()];
        lengths[0] = Report::bytes(gates, outputs);
        let broadcast = links.broadcast(Phase::Checks, &[], &lengths)?;
        links.compare(Phase::Checks)?;
        let report = Report::from_bytes(&broadcast[0], gates, outputs);
        let report = report.ok_or(SessionError::Encoding(Phase::Checks))?;
        let (sum, pair) = (self.label_sum(done, &report), &party.agreed.pairs[0]);
        let evaluator = &mut links.all[0];
        let expected = Proof { openings: digests[0].peer, transcript: evaluator.transcript(pair), sum };
        expected.expect(&mut evaluator.channel, Check::Labels)?;
        let pads = Self::prove_to_garblers(done, links, rng)?;
        // Only now is the evaluator shown anything of our masks.
        let (evaluator, sum) = (&mut links.all[0], value_sum(&chunks.0[0], &report) ^ pads);
        let transcript = evaluator.transcript(pair);
        Proof { openings: digests[0].own, transcript, sum }.send(&mut evaluator.channel)?;
        Ok(report.outputs)
    }
}
