//! The half-gate kernel: the two hashes of a gate side by side, several gates in flight.
//!
//! An AES round takes four cycles, but a new one can start every half cycle, so the kernel works on four
//! gates at a time when garbling and on eight when evaluating, and on fewer at the end of a slice. It
//! computes the key schedules on the fly, or is given them ([`Ahead`](super::super::Ahead)). The equations are
//! those of `portable`.

use core::array::{from_mut, from_ref};

use super::super::context::{AHEAD, EvaluateContext, GarbleContext, Schedule, Table};
use super::pair::{Pair, State, read, write};
use crate::hash::HashKey;
use crate::{Block, Delta};

/// The keys of `G` gates.
trait Keys<P: Pair, const G: usize> {
    /// AES of each of the `H` states of a gate, under its keys.
    unsafe fn encrypt<const H: usize>(self, x: [[P; H]; G]) -> [[P; H]; G];
}

/// Schedules are made on the fly.
impl<P: Pair, const G: usize> Keys<P, G> for [P; G] {
    #[inline(always)]
    unsafe fn encrypt<const H: usize>(self, x: [[P; H]; G]) -> [[P; H]; G] {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { encrypt(self, x) }
    }
}

/// The schedule of one gate was made before.
impl<P: Pair> Keys<P, 1> for &Schedule {
    #[inline(always)]
    unsafe fn encrypt<const H: usize>(self, [mut x]: [[P; H]; 1]) -> [[P; H]; 1] {
        // SAFETY: the caller has the instructions of `P`.
        unsafe {
            let first = read::<P>(&self[0]);
            for x in &mut x {
                *x = x.xor(first);
            }
            for key in &self[1..10] {
                let key = read::<P>(key);
                for x in &mut x {
                    *x = x.round(key);
                }
            }
            let last = read::<P>(&self[10]);
            for x in &mut x {
                *x = x.last_round(last);
            }
        }
        [x]
    }
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
unsafe fn keys<P: Pair, const G: usize>(s: P::State, g: u64) -> [P; G] {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let mut keys = [P::join(s, s); G];
        for (i, key) in keys.iter_mut().enumerate() {
            let even = s.tweaked(g.wrapping_add(i as u64).wrapping_mul(2));
            *key = P::join(even, even.tweaked(1));
        }
        keys
    }
}

/// Makes the schedules of the gates from number `first` on.
#[inline(always)]
pub(super) unsafe fn schedule<P: Pair>(key: &HashKey, first: u64, schedules: &mut [Schedule; AHEAD]) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let mut k = keys::<P, AHEAD>(P::State::load(&key.block()), first);
        macro_rules! round {
            ($($round:literal $rcon:literal),*) => {$(
                for (k, schedule) in k.iter_mut().zip(schedules.iter_mut()) {
                    *k = k.next_key::<$rcon>();
                    write(&mut schedule[$round], *k);
                }
            )*};
        }
        for (k, schedule) in k.iter().zip(schedules.iter_mut()) {
            write(&mut schedule[0], *k);
        }
        round!(1 0x01, 2 0x02, 3 0x04, 4 0x08, 5 0x10, 6 0x20, 7 0x40, 8 0x80, 9 0x1b, 10 0x36);
    }
}

/// Garbles gates whose schedules were made before.
#[inline(always)]
pub(super) unsafe fn garble_scheduled<P: Pair>(
    delta: &Delta,
    schedules: &[Schedule],
    a: &[Block],
    b: &[Block],
    c: &mut [Block],
    tables: &mut [Table],
) {
    for ((((k, a), b), c), table) in schedules.iter().zip(a).zip(b).zip(c).zip(tables) {
        let (a, b, c, table) = (from_ref(a), from_ref(b), from_mut(c), from_mut(table));
        // SAFETY: the caller has the instructions of `P`.
        unsafe { garble_each::<P, 1>(delta, k, a, b, c, table) };
    }
}

/// Evaluates gates whose schedules were made before.
#[inline(always)]
pub(super) unsafe fn evaluate_scheduled<P: Pair>(
    schedules: &[Schedule],
    a: &[Block],
    b: &[Block],
    tables: &[Table],
    c: &mut [Block],
) {
    for ((((k, a), b), table), c) in schedules.iter().zip(a).zip(b).zip(tables).zip(c) {
        let (a, b, table, c) = (from_ref(a), from_ref(b), from_ref(table), from_mut(c));
        // SAFETY: the caller has the instructions of `P`.
        unsafe { evaluate_each::<P, 1>(k, a, b, table, c) };
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
pub(super) unsafe fn garble<P: Pair>(
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
        unsafe {
            let k = keys::<P, G>(P::State::load(&gates.key.block()), g);
            garble_each::<P, G>(gates.delta, k, a, b, c, t);
        }
        g = g.wrapping_add(G as u64);
    }
    ToGarble { g, a: a_rest, b: b_rest, c: c_rest, tables: t_rest }
}

#[inline(always)]
unsafe fn garble_each<P: Pair, const G: usize>(
    delta: &Delta,
    k: impl Keys<P, G>,
    a0: &[Block; G],
    b0: &[Block; G],
    c0: &mut [Block; G],
    tables: &mut [Table; G],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let delta = P::State::load(&delta.block());
        let deltas = P::join(delta, delta);
        let mut w = [deltas; G];
        let mut sigma = [[deltas; 2]; G];
        for i in 0..G {
            w[i] = P::join(P::State::load(&a0[i]), P::State::load(&b0[i]));
            sigma[i] = [w[i].sigma(), w[i].xor(deltas).sigma()];
        }
        let e = k.encrypt(sigma);
        for i in 0..G {
            let (a0, b0) = (w[i].low(), w[i].high());
            let h0 = e[i][0].xor(sigma[i][0]); // H(A⁰), H(B⁰)
            let t = h0.xor(e[i][1].xor(sigma[i][1]));
            let t_g = t.low().xor(delta.masked(b0));
            let t_e_a = t.high(); // TE ⊕ A⁰
            P::join(t_g, t_e_a.xor(a0)).store(&mut tables[i]);
            let halves = t_g.masked(a0).xor(t_e_a.masked(b0));
            h0.low().xor(h0.high()).xor(halves).store(&mut c0[i]);
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
pub(super) unsafe fn evaluate<P: Pair>(
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
        unsafe {
            let k = keys::<P, G>(P::State::load(&gates.key.block()), g);
            evaluate_each::<P, G>(k, a, b, t, c);
        }
        g = g.wrapping_add(G as u64);
    }
    ToEvaluate { g, a: a_rest, b: b_rest, tables: t_rest, c: c_rest }
}

#[inline(always)]
unsafe fn evaluate_each<P: Pair, const G: usize>(
    k: impl Keys<P, G>,
    a: &[Block; G],
    b: &[Block; G],
    tables: &[Table; G],
    c: &mut [Block; G],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let mut w = [P::both(&a[0]); G];
        let mut sigma = [[w[0]; 1]; G];
        for i in 0..G {
            w[i] = P::join(P::State::load(&a[i]), P::State::load(&b[i]));
            sigma[i] = [w[i].sigma()];
        }
        let e = k.encrypt(sigma);
        for i in 0..G {
            let (a, b) = (w[i].low(), w[i].high());
            let h = e[i][0].xor(sigma[i][0]);
            let (t_g, t_e) = rows::<P>(&tables[i]);
            let halves = t_g.masked(a).xor(t_e.xor(a).masked(b));
            h.low().xor(h.high()).xor(halves).store(&mut c[i]);
        }
    }
}

/// The two rows of a table.
#[inline(always)]
unsafe fn rows<P: Pair>(table: &Table) -> (P::State, P::State) {
    let (rows, _) = table.as_chunks();
    // SAFETY: the caller has the instructions of `P`.
    unsafe { (P::State::read(&rows[0]), P::State::read(&rows[1])) }
}
