//! Three halves: an AND gate in three half-labels and five bits (Rosulek and Roy, *Three Halves Make a Whole?*,
//! ePrint 2021/749, sections 4 and 5). `docs/GARBLING.md` derives what stands here.
//!
//! A block is two *halves* of 64 bits, `W = W_L ‖ W_R` with `W_L` first. `A_0` and `A_1` are the labels of wire `A`
//! whose permute bits are 0 and 1, so `A_i = A_0 ⊕ iΔ`; `p_a` is the permute bit of the *false* label. The wire
//! `A ⊕ B` is free, and its label is hashed too:
//!
//! ```text
//! h_a(i) = H₃(A_i, 1, g)      h_b(j) = H₃(B_j, 2, g)      h_c(i ⊕ j) = H₃(A_i ⊕ B_j, 3, g)
//!
//! evaluate   r   = (z_L ⊕ i z_0 ⊕ (i⊕j) z_2,  z_R ⊕ j z_1 ⊕ (i⊕j) z_2) ⊕ control bits of (h_a ⊕ h_c, h_b ⊕ h_c)
//!            C_L = h_a ⊕ h_c ⊕ i G_0 ⊕ (i⊕j) G_2 ⊕ ¬i B_L ⊕ r_L X ⊕ r_R Y
//!            C_R = h_b ⊕ h_c ⊕ j G_1 ⊕ (i⊕j) G_2 ⊕ ¬j A_R ⊕ r_L Y ⊕ r_R (X ⊕ Y)
//!            with X = A_L ⊕ A_R ⊕ B_L, Y = A_L ⊕ B_R of the active labels
//! ```
//!
//! *Dicing*: which halves of its own labels the evaluator adds must depend on the truth table, and must not show it. The
//! garbler throws `ρ` of two bits for each gate, and `r` for permute bits `(i, j)` is `ρ ⊕ i(¬p_b, p_a ⊕ p_b) ⊕
//! j(p_a ⊕ p_b, ¬p_a)`: uniform whatever `p_a` and `p_b` are.
//!
//! Guaranteed: the evaluator's view of a gate has the same distribution for all inputs and permute bits if `H₃` is
//! a random function of what it has not hashed (counted over all cases in the tests). Not guaranteed: that a table is the
//! garbler's; as with half gates, outputs show that.

mod bytes;

pub(crate) use bytes::{Packed, pack};

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Backend;
use super::context::{EvaluateContext, GarbleContext, PairContext};
use crate::Block;
use crate::block::Delta;
use crate::hash::{HashKey, twisted};

/// A garbled table: `G_0`, `G_1`, `G_2`, and the control bits `z_L`, `z_R`, `z_0`, `z_1`, `z_2` from the lowest up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HalvesTable {
    pub(crate) rows: [u64; 3],
    pub(crate) control: u8,
}

/// The number of gates whose hashes are computed together; even, because hashes are computed in pairs.
const TOGETHER: usize = 32;

/// A wire of some gates: what is hashed, and the hashes.
#[derive(Clone, Copy, Zeroize)]
struct Wire<H: Copy + Zeroize> {
    x: [Block; TOGETHER],
    h: [H; TOGETHER],
}

impl<H: Copy + Default + Zeroize> Default for Wire<H> {
    fn default() -> Self {
        Self { x: [Block::ZERO; TOGETHER], h: [H::default(); TOGETHER] }
    }
}

/// What the garbler hashes and the hashes of both labels, of the wires `A`, `B` and `A ⊕ B`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct GarbleScratch {
    twisted_delta: Delta,
    wires: [Wire<[Block; 2]>; 3],
}

impl GarbleScratch {
    pub(crate) fn new(delta: &Delta) -> Box<Self> {
        Box::new(Self { twisted_delta: delta.mapped(twisted), wires: Default::default() })
    }
}

/// What the evaluator hashes and the hashes of active labels, of the wires `A`, `B` and `A ⊕ B`.
#[derive(Default)]
pub(crate) struct EvaluateScratch([Wire<Block>; 3]);

/// The wires of a slice of gates: what is read and what is written.
pub(crate) struct GateWires<'a> {
    pub(crate) a: &'a [Block],
    pub(crate) b: &'a [Block],
    pub(crate) c: &'a mut [Block],
}

/// `S` of the wires `A`, `B` and `A ⊕ B`: domains of numbers that half gates, whose domain is 0, do not use.
fn keys_of(key: &HashKey) -> [HashKey; 3] {
    [1, 2, 3].map(|domain| key.in_domain(domain))
}

/// Sets what is hashed for some gates. Returns their number, rounded up to pairs.
fn prepare<H: Copy + Zeroize>(
    wires: &mut [Wire<H>; 3],
    labels: impl ExactSizeIterator<Item = [Block; 2]>,
) -> usize {
    let even = labels.len().next_multiple_of(2);
    for (i, labels) in labels.enumerate() {
        let [a, b] = labels.map(twisted);
        for (wire, x) in wires.iter_mut().zip([a, b, a ^ b]) {
            wire.x[i] = x;
        }
    }
    even
}

impl Backend {
    /// Garbles gates: reads the false labels `a` and `b`, writes the false labels `c` and the tables.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn garble_halves(
        self,
        gates: &GarbleContext<'_>,
        scratch: &mut GarbleScratch,
        GateWires { a, b, c }: GateWires<'_>,
        tables: &mut [HalvesTable],
    ) {
        assert!(a.len() == b.len() && a.len() == c.len() && a.len() == tables.len());
        let (keys, delta) = (keys_of(gates.key), gates.delta.block());
        let GarbleScratch { twisted_delta, wires } = scratch;
        let ins = a.chunks(TOGETHER).zip(b.chunks(TOGETHER));
        let outs = c.chunks_mut(TOGETHER).zip(tables.chunks_mut(TOGETHER));
        let firsts = (0..).step_by(TOGETHER).map(|n| gates.first.wrapping_add(n));
        for (((a, b), (c, tables)), first) in ins.zip(outs).zip(firsts) {
            let coloured = a.iter().zip(b).map(|(a, b)| [*a, *b].map(|w| w ^ delta.masked(w.lsb())));
            let even = prepare(wires, coloured);
            for (Wire { x, h }, key) in wires.iter_mut().zip(&keys) {
                let pairs = PairContext { delta: twisted_delta, key, first };
                self.hash_both(&pairs, &x[..even], &mut h[..even]);
            }
            for (i, (((a, b), c), table)) in a.iter().zip(b).zip(c).zip(tables).enumerate() {
                let hashes = wires.each_ref().map(|wire| wire.h[i]);
                (*c, *table) = garble_gate([*a, *b], &hashes, delta);
            }
        }
    }

    /// Evaluates gates: reads the active labels `a` and `b` and the tables, writes the active labels `c`.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn evaluate_halves(
        self,
        gates: &EvaluateContext<'_>,
        EvaluateScratch(wires): &mut EvaluateScratch,
        GateWires { a, b, c }: GateWires<'_>,
        tables: &[HalvesTable],
    ) {
        assert!(a.len() == b.len() && a.len() == c.len() && a.len() == tables.len());
        let keys = keys_of(gates.key);
        let ins = a.chunks(TOGETHER).zip(b.chunks(TOGETHER));
        let outs = c.chunks_mut(TOGETHER).zip(tables.chunks(TOGETHER));
        let firsts = (0..).step_by(TOGETHER).map(|n| gates.first.wrapping_add(n));
        for (((a, b), (c, tables)), first) in ins.zip(outs).zip(firsts) {
            let even = prepare(wires, a.iter().zip(b).map(|(a, b)| [*a, *b]));
            for (Wire { x, h }, key) in wires.iter_mut().zip(&keys) {
                self.hash(key, first, &x[..even], &mut h[..even]);
            }
            for (i, (((a, b), c), table)) in a.iter().zip(b).zip(c).zip(tables).enumerate() {
                *c = evaluate_gate([*a, *b], wires.each_ref().map(|wire| wire.h[i]), table);
            }
        }
    }
}

/// All bits set if the lowest bit of `bits` is.
const fn mask(bits: u64) -> u64 {
    (bits & 1).wrapping_neg()
}

/// `(r_L X ⊕ r_R Y, r_L Y ⊕ r_R (X ⊕ Y))` for masks `r`: the matrices `S_1` and `S_2` of the paper.
#[inline(always)]
const fn diced([r_l, r_r]: [u64; 2], [x, y]: [u64; 2]) -> [u64; 2] {
    [r_l & x ^ r_r & y, r_l & y ^ r_r & (x ^ y)]
}

/// `X` and `Y` of a pair of labels.
#[inline(always)]
const fn sums([a_l, a_r]: [u64; 2], [b_l, b_r]: [u64; 2]) -> [u64; 2] {
    [a_l ^ a_r ^ b_l, a_l ^ b_r]
}

/// Garbles one gate: from the false labels and, for `A`, `B` and `A ⊕ B`, the hashes of the labels with permute bits 0
/// and 1, to the false label of the output and the table.
///
/// The two equations of permute bits `00` give `C`; those of `11` give `G_0` and `G_1`, and the first of `01` gives
/// `G_2`. The other three hold by the choice of `r`. `t_ij = (i ⊕ p_a)(j ⊕ p_b)` is the output for permute bits `ij`.
#[inline(always)]
fn garble_gate(labels: [Block; 2], h: &[[Block; 2]; 3], delta: Block) -> (Block, HalvesTable) {
    let [p_a, p_b] = labels.map(|w| mask(w.lsb() as u64));
    let (d, [not_a, not_b]) = (delta.halves(), [!p_a, !p_b]);
    let [a, b] = labels.map(|w| (w ^ delta.masked(w.lsb())).halves()); // A_0 and B_0
    let [[ha0, ha1], [hb0, hb1], [hc0, hc1]] = h.map(|pair| pair.map(Block::halves));

    let dice = (hc0[1] ^ hc1[1]) >> 1;
    let rho = [mask(dice), mask(dice >> 1)];
    let r_11 = [rho[0] ^ not_a, rho[1] ^ not_b];
    let (xy, xy_delta) = (sums(a, b), sums(d, d));
    let t_00 = p_a & p_b;
    let t_00_11 = !(p_a ^ p_b); // t_00 ⊕ t_11

    let at_00 = diced(rho, xy);
    let c_l = ha0[0] ^ hc0[0] ^ b[0] ^ at_00[0] ^ t_00 & d[0];
    let c_r = hb0[0] ^ hc0[0] ^ a[1] ^ at_00[1] ^ t_00 & d[1];
    let (turn, at_11) = (diced([not_a, not_b], xy), diced(r_11, xy_delta));
    let g_0 = ha0[0] ^ ha1[0] ^ b[0] ^ turn[0] ^ at_11[0] ^ t_00_11 & d[0];
    let g_1 = hb0[0] ^ hb1[0] ^ a[1] ^ turn[1] ^ at_11[1] ^ t_00_11 & d[1];
    let g_2 = hc0[0]
        ^ hc1[0]
        ^ (p_a ^ p_b) & xy[0]
        ^ not_a & xy[1]
        ^ !(rho[0] ^ p_b) & d[0]
        ^ (rho[1] ^ not_a) & d[1];

    let bit = |x: u64, place: u32| ((x & 1) as u8) << place;
    let control = bit(rho[0] ^ ha0[1] ^ hc0[1], 0)
        | bit(rho[1] ^ hb0[1] ^ hc0[1], 1)
        | bit(not_a ^ ha0[1] ^ ha1[1], 2)
        | bit(not_b ^ hb0[1] ^ hb1[1], 3)
        | bit(p_a ^ p_b ^ hc0[1] ^ hc1[1], 4);
    (Block::from_halves([c_l, c_r]), HalvesTable { rows: [g_0, g_1, g_2], control })
}

/// Evaluates one gate: from the active labels and the hashes of `A`, `B` and `A ⊕ B` to the active label of the output.
#[inline(always)]
fn evaluate_gate(labels: [Block; 2], h: [Block; 3], table: &HalvesTable) -> Block {
    let [i, j] = labels.map(|w| mask(w.lsb() as u64));
    let ([a, b], [ha, hb, hc]) = (labels.map(Block::halves), h.map(Block::halves));
    let ([g_0, g_1, g_2], z) = (table.rows, |place: u32| u64::from(table.control >> place));
    let r_l = z(0) ^ i & z(2) ^ (i ^ j) & z(4) ^ ha[1] ^ hc[1];
    let r_r = z(1) ^ j & z(3) ^ (i ^ j) & z(4) ^ hb[1] ^ hc[1];
    let own = diced([mask(r_l), mask(r_r)], sums(a, b));
    let both = hc[0] ^ (i ^ j) & g_2;
    Block::from_halves([
        ha[0] ^ both ^ i & g_0 ^ !i & b[0] ^ own[0],
        hb[0] ^ both ^ j & g_1 ^ !j & a[1] ^ own[1],
    ])
}

#[cfg(test)]
mod tests;
