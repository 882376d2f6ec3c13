//! The half-gate kernel: the two hashes of a gate side by side, several gates in flight.
//!
//! An AES round takes four cycles, but a new one can start every half cycle, so the kernel works on four
//! gates at a time when garbling and on eight when evaluating, and on fewer at the end of a slice. It
//! computes the key schedules on the fly. The equations are those of `portable`.

use core::arch::x86_64::*;

use super::super::context::{EvaluateContext, GarbleContext, Table};
use super::pair::{Halves, Pair, load};
use crate::Block;

pub(in super::super) fn garble_vaes(
    gates: &GarbleContext<'_>,
    a: &[Block],
    b: &[Block],
    c: &mut [Block],
    tables: &mut [Table],
) {
    #[target_feature(enable = "aes,avx2,vaes")]
    fn kernel(gates: &GarbleContext<'_>, a: &[Block], b: &[Block], c: &mut [Block], tables: &mut [Table]) {
        // SAFETY: the features that `__m256i` needs are enabled here.
        unsafe { garble::<__m256i>(gates, a, b, c, tables) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_vaes()` holds.
    unsafe { kernel(gates, a, b, c, tables) }
}

pub(in super::super) fn garble_aes_ni(
    gates: &GarbleContext<'_>,
    a: &[Block],
    b: &[Block],
    c: &mut [Block],
    tables: &mut [Table],
) {
    #[target_feature(enable = "aes,ssse3")]
    fn kernel(gates: &GarbleContext<'_>, a: &[Block], b: &[Block], c: &mut [Block], tables: &mut [Table]) {
        // SAFETY: the features that `Halves` needs are enabled here.
        unsafe { garble::<Halves>(gates, a, b, c, tables) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_aes_ni()` holds.
    unsafe { kernel(gates, a, b, c, tables) }
}

pub(in super::super) fn evaluate_vaes(
    gates: &EvaluateContext<'_>,
    a: &[Block],
    b: &[Block],
    tables: &[Table],
    c: &mut [Block],
) {
    #[target_feature(enable = "aes,avx2,vaes")]
    fn kernel(gates: &EvaluateContext<'_>, a: &[Block], b: &[Block], tables: &[Table], c: &mut [Block]) {
        // SAFETY: the features that `__m256i` needs are enabled here.
        unsafe { evaluate::<__m256i>(gates, a, b, tables, c) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_vaes()` holds.
    unsafe { kernel(gates, a, b, tables, c) }
}

pub(in super::super) fn evaluate_aes_ni(
    gates: &EvaluateContext<'_>,
    a: &[Block],
    b: &[Block],
    tables: &[Table],
    c: &mut [Block],
) {
    #[target_feature(enable = "aes,ssse3")]
    fn kernel(gates: &EvaluateContext<'_>, a: &[Block], b: &[Block], tables: &[Table], c: &mut [Block]) {
        // SAFETY: the features that `Halves` needs are enabled here.
        unsafe { evaluate::<Halves>(gates, a, b, tables, c) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_aes_ni()` holds.
    unsafe { kernel(gates, a, b, tables, c) }
}

/// `AES_{k[i]}` of each of the `H` states of gate `i`, key schedules on the fly.
#[inline(always)]
pub(super) unsafe fn encrypt<P: Pair, const G: usize, const H: usize>(
    mut k: [P; G],
    mut x: [[P; H]; G],
) -> [[P; H]; G] {
    macro_rules! round {
        ($rcon:literal, $apply:ident) => {
            for i in 0..G {
                k[i] = k[i].next_key::<$rcon>();
                for x in &mut x[i] {
                    *x = x.$apply(k[i]);
                }
            }
        };
    }
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        for i in 0..G {
            for x in &mut x[i] {
                *x = x.xor(k[i]);
            }
        }
        round!(0x01, round);
        round!(0x02, round);
        round!(0x04, round);
        round!(0x08, round);
        round!(0x10, round);
        round!(0x20, round);
        round!(0x40, round);
        round!(0x80, round);
        round!(0x1b, round);
        round!(0x36, last_round);
    }
    x
}

/// `(S ⊕ 2g, S ⊕ (2g+1))` for `G` gates from `g`.
#[inline(always)]
unsafe fn keys<P: Pair, const G: usize>(s: __m128i, g: u64) -> [P; G] {
    // SAFETY: the caller has the instructions of `P`; the others are part of x86-64.
    unsafe {
        let mut keys = [P::join(s, s); G];
        for (i, key) in keys.iter_mut().enumerate() {
            let tweak = g.wrapping_add(i as u64).wrapping_mul(2);
            let even = _mm_xor_si128(s, _mm_set_epi64x(0, tweak as i64));
            *key = P::join(even, _mm_xor_si128(even, _mm_set_epi64x(0, 1)));
        }
        keys
    }
}

#[inline(always)]
pub(super) unsafe fn store(block: &mut Block, value: __m128i) {
    // SAFETY: a block is 16 writable bytes, and any value is a block.
    unsafe { _mm_storeu_si128((&raw mut *block).cast(), value) }
}

/// `x` if the lowest bit of `label` is set, else zero.
#[inline(always)]
unsafe fn masked(x: __m128i, label: __m128i) -> __m128i {
    // SAFETY: part of x86-64.
    unsafe {
        let bit = _mm_slli_epi64::<63>(label);
        let mask = _mm_srai_epi32::<31>(_mm_shuffle_epi32::<0x55>(bit));
        _mm_and_si128(x, mask)
    }
}

/// The gates that are still to be garbled, from number `g`.
struct ToGarble<'x> {
    g: u64,
    a: &'x [Block],
    b: &'x [Block],
    c: &'x mut [Block],
    tables: &'x mut [Table],
}

#[inline(always)]
unsafe fn garble<P: Pair>(
    gates: &GarbleContext<'_>,
    a: &[Block],
    b: &[Block],
    c: &mut [Block],
    tables: &mut [Table],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let all = ToGarble { g: gates.first, a, b, c, tables };
        let rest = garble_chunks::<P, 4>(gates, all);
        let rest = garble_chunks::<P, 2>(gates, rest);
        garble_chunks::<P, 1>(gates, rest);
    }
}

/// Garbles `G` gates at a time; the rest of fewer than `G`.
#[inline(always)]
unsafe fn garble_chunks<'x, P: Pair, const G: usize>(
    gates: &GarbleContext<'_>,
    rest: ToGarble<'x>,
) -> ToGarble<'x> {
    let mut g = rest.g;
    let ((a, a_rest), (b, b_rest)) = (rest.a.as_chunks::<G>(), rest.b.as_chunks::<G>());
    let ((c, c_rest), (t, t_rest)) = (rest.c.as_chunks_mut::<G>(), rest.tables.as_chunks_mut::<G>());
    for (((a, b), c), t) in a.iter().zip(b).zip(c).zip(t) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { garble_each::<P, G>(gates, g, a, b, c, t) };
        g = g.wrapping_add(G as u64);
    }
    ToGarble { g, a: a_rest, b: b_rest, c: c_rest, tables: t_rest }
}

#[inline(always)]
unsafe fn garble_each<P: Pair, const G: usize>(
    gates: &GarbleContext<'_>,
    g: u64,
    a0: &[Block; G],
    b0: &[Block; G],
    c0: &mut [Block; G],
    tables: &mut [Table; G],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let delta = load(&gates.delta.block());
        let deltas = P::join(delta, delta);
        let mut w = [deltas; G];
        let mut sigma = [[deltas; 2]; G];
        for i in 0..G {
            w[i] = P::join(load(&a0[i]), load(&b0[i]));
            sigma[i] = [w[i].sigma(), w[i].xor(deltas).sigma()];
        }
        let e = encrypt(keys::<P, G>(load(&gates.key.block()), g), sigma);
        for i in 0..G {
            let (a0, b0) = (w[i].low(), w[i].high());
            let h0 = e[i][0].xor(sigma[i][0]); // H(A⁰), H(B⁰)
            let t = h0.xor(e[i][1].xor(sigma[i][1]));
            let t_g = _mm_xor_si128(t.low(), masked(delta, b0));
            let t_e_a = t.high(); // TE ⊕ A⁰
            P::join(t_g, _mm_xor_si128(t_e_a, a0)).store(&mut tables[i]);
            let halves = _mm_xor_si128(masked(t_g, a0), masked(t_e_a, b0));
            store(&mut c0[i], _mm_xor_si128(_mm_xor_si128(h0.low(), h0.high()), halves));
        }
    }
}

/// The gates that are still to be evaluated, from number `g`.
struct ToEvaluate<'x> {
    g: u64,
    a: &'x [Block],
    b: &'x [Block],
    tables: &'x [Table],
    c: &'x mut [Block],
}

#[inline(always)]
unsafe fn evaluate<P: Pair>(
    gates: &EvaluateContext<'_>,
    a: &[Block],
    b: &[Block],
    tables: &[Table],
    c: &mut [Block],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let all = ToEvaluate { g: gates.first, a, b, tables, c };
        let rest = evaluate_chunks::<P, 8>(gates, all);
        let rest = evaluate_chunks::<P, 4>(gates, rest);
        let rest = evaluate_chunks::<P, 2>(gates, rest);
        evaluate_chunks::<P, 1>(gates, rest);
    }
}

/// Evaluates `G` gates at a time; the rest of fewer than `G`.
#[inline(always)]
unsafe fn evaluate_chunks<'x, P: Pair, const G: usize>(
    gates: &EvaluateContext<'_>,
    rest: ToEvaluate<'x>,
) -> ToEvaluate<'x> {
    let mut g = rest.g;
    let ((a, a_rest), (b, b_rest)) = (rest.a.as_chunks::<G>(), rest.b.as_chunks::<G>());
    let ((t, t_rest), (c, c_rest)) = (rest.tables.as_chunks::<G>(), rest.c.as_chunks_mut::<G>());
    for (((a, b), t), c) in a.iter().zip(b).zip(t).zip(c) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { evaluate_each::<P, G>(gates, g, a, b, t, c) };
        g = g.wrapping_add(G as u64);
    }
    ToEvaluate { g, a: a_rest, b: b_rest, tables: t_rest, c: c_rest }
}

#[inline(always)]
unsafe fn evaluate_each<P: Pair, const G: usize>(
    gates: &EvaluateContext<'_>,
    g: u64,
    a: &[Block; G],
    b: &[Block; G],
    tables: &[Table; G],
    c: &mut [Block; G],
) {
    // SAFETY: the caller has the instructions of `P`; a table is 32 readable bytes.
    unsafe {
        let k = keys::<P, G>(load(&gates.key.block()), g);
        let mut w = k;
        let mut sigma = [[k[0]; 1]; G];
        for i in 0..G {
            w[i] = P::join(load(&a[i]), load(&b[i]));
            sigma[i] = [w[i].sigma()];
        }
        let e = encrypt(k, sigma);
        for i in 0..G {
            let (a, b) = (w[i].low(), w[i].high());
            let h = e[i][0].xor(sigma[i][0]);
            let rows: *const __m128i = tables[i].as_ptr().cast();
            let (t_g, t_e) = (_mm_loadu_si128(rows), _mm_loadu_si128(rows.add(1)));
            let halves = _mm_xor_si128(masked(t_g, a), masked(_mm_xor_si128(t_e, a), b));
            store(&mut c[i], _mm_xor_si128(_mm_xor_si128(h.low(), h.high()), halves));
        }
    }
}
