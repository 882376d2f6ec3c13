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

use zeroize::Zeroizing;

use super::authenticated_bits::Authenticator;
use super::error::SessionError;
use super::gates::{GROUP, GateKeys, GateMask, GateMasks};
use super::report::{LabelSum, ValueSum};
use crate::backend::Backend;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;
use crate::public_labels::PublicLabels;
use crate::{Bits, Block, Fancy};

/// The interpreter that evaluates.
pub(super) struct Evaluation<'s, C> {
    own: &'s Authenticator,
    backend: Backend,
    gates: &'s HashKey,
    public: &'s mut PublicLabels,
    masks: &'s GateMasks,
    channel: &'s mut C,
    /// The number of gates so far.
    next: usize,
    /// The tables of a group, and the number of its gates.
    group: Vec<u8>,
    in_group: usize,
    /// The gates of the group that are evaluated.
    used: usize,
    results: Results<'s>,
}

/// What evaluation leaves: what is reported, and the sums.
pub(super) struct Results<'s> {
    /// Λ_α and Λ_β, gate after gate.
    pub(super) revealed: Bits,
    pub(super) labels: LabelSum<'s>,
    pub(super) values: ValueSum,
}

/// What the evaluator evaluates with.
pub(super) struct EvaluationContext<'s> {
    pub(super) own: &'s Authenticator,
    pub(super) backend: Backend,
    pub(super) keys: &'s mut GateKeys,
    pub(super) masks: &'s GateMasks,
    /// The seed of χ, which the garbler learns with the report.
    pub(super) chi: Block,
}

impl<'s, C: Channel> Evaluation<'s, C> {
    pub(super) fn new(context: EvaluationContext<'s>, channel: &'s mut C) -> Self {
        let EvaluationContext { own, backend, keys, masks, chi } = context;
        let GateKeys { gates, reports, labels: public } = keys;
        let revealed = Bits::with_capacity(2 * masks.len());
        let results =
            Results { revealed, labels: LabelSum::new(reports, backend), values: ValueSum::new(chi) };
        let (next, in_group, used, group) = (0, 0, 0, Vec::with_capacity(GROUP * 32 + GROUP / 8));
        Self { own, backend, gates, public, masks, channel, next, group, in_group, used, results }
    }

    /// What is to be reported.
    ///
    /// # Errors
    /// If the program had fewer gates than in the first pass.
    pub(super) fn finish(self) -> Result<Results<'s>, SessionError> {
        if self.next == self.masks.len() { Ok(self.results) } else { Err(SessionError::Unsteady) }
    }

    /// The wire of a known Λ.
    fn known(&mut self, masked_value: bool) -> Block {
        self.public.draw().with_lsb(masked_value)
    }

    /// Receives the next group.
    fn refill(&mut self) -> Result<(), SessionError> {
        self.in_group = GROUP.min(self.masks.len() - self.next);
        self.used = 0;
        self.group.resize(self.in_group * 32 + self.in_group.div_ceil(8), 0);
        Ok(self.channel.receive(Phase::Tables, &mut self.group)?)
    }

    /// Evaluates gates of one group, whose input labels are `labels`.
    fn evaluate(&mut self, labels: &[[Block; 2]], out: &mut [Block]) {
        let mut h = Zeroizing::new(vec![Block::ZERO; 2 * labels.len()]);
        self.backend.hash(self.gates, 2 * self.next as u64, labels.as_flattened(), &mut h);
        let (tables, colours) = self.group.split_at(32 * self.in_group);
        let tables = tables.as_chunks::<32>().0[self.used..].iter();
        let colours = (self.used..self.in_group).map(|i| colours[i / 8] >> (i % 8) & 1 == 1);
        let gates = h.as_chunks().0.iter().zip(labels).zip(tables.zip(colours));
        let gates = gates.zip(self.masks.range(self.next, labels.len()));
        for (((([ha, hb], [a, b]), (table, colour)), mask), c) in gates.zip(&mut *out) {
            let (r0, r1) = rows(table);
            let raw = *ha
                ^ *hb
                ^ (r0 ^ mask.beta.mac).masked(a.lsb())
                ^ (r1 ^ mask.alpha.mac ^ *a).masked(b.lsb())
                ^ mask.tail.mac;
            *c = raw.with_lsb(raw.lsb() ^ colour);
            self.results.add(self.own, mask, [*a, *b, *c]);
        }
        self.next += labels.len();
        self.used += labels.len();
    }
}

impl Results<'_> {
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

impl<C: Channel> Fancy for Evaluation<'_, C> {
    type Wire = Block;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Block], b: &[Block], mut out: &mut [Block]) -> Result<(), SessionError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        if out.len() > self.masks.len() - self.next {
            return Err(SessionError::Unsteady);
        }
        let mut pairs = a.iter().zip(b).map(|(a, b)| [*a, *b]);
        let mut labels = Vec::with_capacity(out.len().min(GROUP));
        while !out.is_empty() {
            if self.used == self.in_group {
                self.refill()?;
            }
            let n = out.len().min(self.in_group - self.used);
            let (now, later) = out.split_at_mut(n);
            labels.clear();
            labels.extend(pairs.by_ref().take(n));
            self.evaluate(&labels, now);
            out = later;
        }
        Ok(())
    }

    fn xor(&mut self, a: Block, b: Block) -> Block {
        a ^ b
    }

    fn not(&mut self, a: Block) -> Block {
        a ^ Block::new(1)
    }

    fn constant(&mut self, bit: bool) -> Block {
        self.known(bit)
    }
}
