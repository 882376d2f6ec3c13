//! The reference implementation: a half gate as Zahur, Rosulek and Evans write it (*Two halves make a whole*,
//! ePrint 2014/756, figure 2), with the letters of the paper.
//!
//! `W⁰` is the false label of a wire, `p` its permute bit `lsb W⁰`, and `s` the permute bit of an active
//! label:
//!
//! ```text
//! garble     TG = H(A⁰, 2g) ⊕ H(A¹, 2g) ⊕ p_b Δ           TE = H(B⁰, 2g+1) ⊕ H(B¹, 2g+1) ⊕ A⁰
//!            C⁰ = H(A⁰, 2g) ⊕ p_a TG ⊕ H(B⁰, 2g+1) ⊕ p_b (TE ⊕ A⁰)
//! evaluate   C  = H(A, 2g) ⊕ s_a TG ⊕ H(B, 2g+1) ⊕ s_b (TE ⊕ A)
//! ```
//!
//! No branch depends on a label or on `Δ`, and the AES implementation runs in constant time.

use aes::Aes128Enc;
use aes::cipher::{BlockEncrypt, KeyInit};

use super::context::{EvaluateContext, GarbleContext, Kernels, Matrices, PairContext, Sums, Table};
use crate::Block;
use crate::hash::{Hash, HashKey};

pub(super) static PORTABLE: Kernels = Kernels {
    name: "portable",
    garble,
    evaluate,
    hash,
    hash_both,
    fold_streams,
    fold_sums,
    transpose,
    scheduled: None,
};

fn garble(gates: &GarbleContext<'_>, a: &[Block], b: &[Block], c: &mut [Block], tables: &mut [Table]) {
    let delta = gates.delta.block();
    let wires = a.iter().zip(b).zip(c).zip(tables);
    for (g, (((&a0, &b0), c0), table)) in (gates.first..).zip(wires) {
        let (h_2g, h_2g1) = hashes(gates.key, g);
        let [ha0, ha1] = h_2g.of_each([a0, a0 ^ delta]);
        let [hb0, hb1] = h_2g1.of_each([b0, b0 ^ delta]);
        let (p_a, p_b) = (a0.lsb(), b0.lsb());
        let t_g = ha0 ^ ha1 ^ delta.masked(p_b);
        let t_e = hb0 ^ hb1 ^ a0;
        *c0 = ha0 ^ t_g.masked(p_a) ^ hb0 ^ (t_e ^ a0).masked(p_b);
        write(table, t_g, t_e);
    }
}

fn evaluate(gates: &EvaluateContext<'_>, a: &[Block], b: &[Block], tables: &[Table], c: &mut [Block]) {
    let wires = a.iter().zip(b).zip(tables).zip(c);
    for (g, (((&a, &b), table), c)) in (gates.first..).zip(wires) {
        let (h_2g, h_2g1) = hashes(gates.key, g);
        let (s_a, s_b) = (a.lsb(), b.lsb());
        let (t_g, t_e) = read(table);
        *c = h_2g.of(a) ^ t_g.masked(s_a) ^ h_2g1.of(b) ^ (t_e ^ a).masked(s_b);
    }
}

pub(super) fn hash(key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
    for (i, (x, h)) in x.iter().zip(h).enumerate() {
        *h = key.tweaked(first.wrapping_add(i as u64).into()).of(*x);
    }
}

pub(super) fn hash_both(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
    for (i, (x, h)) in x.iter().zip(h).enumerate() {
        let number = keys.first.wrapping_add(i as u64);
        *h = keys.key.tweaked(number.into()).of_each([*x, *x ^ keys.delta.block()]);
    }
}

fn fold_streams(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
    let ciphers = keys.map(|key| Aes128Enc::new(&key.to_bytes().into()));
    let [low, high, sum] = [sums.low, sums.high, sums.sum].map(<[_]>::as_flattened_mut);
    for (i, ((low, high), sum)) in low.iter_mut().zip(high).zip(sum).enumerate() {
        let p = first.wrapping_add(i as u64);
        let r = ciphers.each_ref().map(|cipher| {
            let mut block = Block::new(p.into()).to_bytes().into();
            cipher.encrypt_block(&mut block);
            Block::from_bytes(block.into())
        });
        *sum = fold(r, low, high);
    }
}

#[inline(always)]
pub(super) fn fold_sums(r: [&[[Block; 4]]; 4], sums: Sums<'_>) {
    let [r0, r1, r2, r3] = r.map(<[_]>::as_flattened);
    let [low, high, sum] = [sums.low, sums.high, sums.sum].map(<[_]>::as_flattened_mut);
    let r = r0.iter().zip(r1).zip(r2).zip(r3);
    for ((((((r0, r1), r2), r3), low), high), sum) in r.zip(low).zip(high).zip(sum) {
        *sum = fold([*r0, *r1, *r2, *r3], low, high);
    }
}

/// XORs `r_1 ⊕ r_3` into `low` and `r_2 ⊕ r_3` into `high`; returns the XOR of all four.
#[inline(always)]
fn fold([r0, r1, r2, r3]: [Block; 4], low: &mut Block, high: &mut Block) -> Block {
    let odd = r1 ^ r3;
    *low ^= odd;
    *high ^= r2 ^ r3;
    odd ^ r0 ^ r2
}

/// Transposes two matrices of 128 × 128 bits: bit `j` of row `i` becomes bit `i` of row `j`.
///
/// Seven rounds, of which the one with distance `s` swaps the off-diagonal s×s squares (Eklundh 1972), two rounds a pass
/// over memory: plain arithmetic on words, which the compiler turns into vector instructions. No address or branch
/// depends on the bits.
#[inline(always)]
pub(super) fn transpose(m: &mut Matrices) {
    let (upper, lower) = m.split_at_mut(64);
    for (a, b) in upper.iter_mut().zip(lower) {
        (*a, *b) = ([a[0], b[0], a[2], b[2]], [a[1], b[1], a[3], b[3]]);
    }
    two_rounds::<16>(m);
    two_rounds::<4>(m);
    two_rounds::<1>(m);
}

/// The rounds with distances 2S and S.
#[inline(always)]
fn two_rounds<const S: usize>(m: &mut Matrices) {
    for square in m.chunks_exact_mut(4 * S) {
        for i in 0..S {
            let mut r = [square[i], square[i + S], square[i + 2 * S], square[i + 3 * S]];
            let [a, b, c, d] = &mut r;
            swap_squares(a, c, 2 * S);
            swap_squares(b, d, 2 * S);
            swap_squares(a, b, S);
            swap_squares(c, d, S);
            [square[i], square[i + S], square[i + 2 * S], square[i + 3 * S]] = r;
        }
    }
}

/// Swaps the upper `s` bits of each 2s bits in `a` with the lower ones in `b`.
#[inline(always)]
fn swap_squares(a: &mut [u64; 4], b: &mut [u64; 4], s: usize) {
    let mask = u64::MAX / ((1 << s) + 1);
    for (a, b) in a.iter_mut().zip(b) {
        let swap = (*a >> s ^ *b) & mask;
        *a ^= swap << s;
        *b ^= swap;
    }
}

/// The two hashes of gate `g`.
fn hashes(key: &HashKey, g: u64) -> (Hash, Hash) {
    let tweak = u128::from(g) << 1;
    (key.tweaked(tweak), key.tweaked(tweak | 1))
}

fn write(table: &mut Table, t_g: Block, t_e: Block) {
    table.copy_from_slice([t_g, t_e].map(Block::to_bytes).as_flattened());
}

fn read(table: &Table) -> (Block, Block) {
    let mut rows = [[0; 16]; 2];
    rows.as_flattened_mut().copy_from_slice(table);
    let [t_g, t_e] = rows.map(Block::from_bytes);
    (t_g, t_e)
}
