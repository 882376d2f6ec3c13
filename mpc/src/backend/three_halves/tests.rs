//! The gate against the matrices of the paper, its correctness and its privacy over all cases, and the back ends against
//! each other.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

/// One gate, in which every half is given: labels, `Δ`, and the halves and upper bits of all hashes.
#[derive(Clone, Copy)]
struct Gate {
    /// The permute bits of the false labels.
    p: [bool; 2],
    /// `A_0`, `B_0` and `Δ` but for their lowest bits.
    labels: [[u64; 2]; 3],
    /// `h_a`, `h_b` and `h_c` of the permute bits 0 and 1.
    h: [[[u64; 2]; 2]; 3],
}

impl Gate {
    fn delta(&self) -> Block {
        Block::from_halves(self.labels[2]).with_lsb(true)
    }

    /// `A_i` and `B_j`.
    fn with_bits(&self, ij: [bool; 2]) -> [Block; 2] {
        [0, 1].map(|w| {
            let zero = Block::from_halves(self.labels[w]).with_lsb(false);
            zero ^ self.delta().masked(ij[w])
        })
    }

    fn garble(&self) -> (Block, HalvesTable) {
        let h = self.h.map(|pair| pair.map(Block::from_halves));
        garble_gate(self.with_bits(self.p), &h, self.delta())
    }

    fn evaluate(&self, ij: [bool; 2], table: &HalvesTable) -> Block {
        let [i, j] = ij.map(usize::from);
        let h = [self.h[0][i], self.h[1][j], self.h[2][i ^ j]];
        evaluate_gate(self.with_bits(ij), h.map(Block::from_halves), table)
    }
}

const ALL: [[bool; 2]; 4] = [[false, false], [false, true], [true, false], [true, true]];

/// Gates whose halves are unit vectors, with all permute bits, control bits and dice. Every equation of a gate is linear in
/// the halves and the same for each of their bits, so one that holds for these gates holds for all labels and hashes.
fn unit_gates() -> impl Iterator<Item = Gate> {
    ALL.into_iter().flat_map(|p| {
        (0..1u64 << 8).map(move |bits| {
            let labels = [0, 1, 2].map(|w| [0, 1].map(|half| 1 << (1 + 2 * w + half)));
            let h = [0, 1, 2].map(|w| {
                [0, 1].map(|i| {
                    let dice = if w == 2 && i == 1 { bits >> 6 } else { 0 };
                    [1 << (7 + 2 * w + i), bits >> (2 * w + i) & 1 | dice << 1]
                })
            });
            Gate { p, labels, h }
        })
    })
}

#[test]
fn every_input_gives_the_label_of_its_and_for_all_permute_bits_control_bits_and_dice() {
    for gate in unit_gates() {
        let (c0, table) = gate.garble();
        for [x, y] in ALL {
            let c = gate.evaluate([x ^ gate.p[0], y ^ gate.p[1]], &table);
            assert!(c == c0 ^ gate.delta().masked(x & y), "{x} and {y} with permute bits {:?}", gate.p);
        }
    }
}

/// Whether a row of zeros and ones selects this number.
fn product(row: &[u8], of: &[u64]) -> u64 {
    row.iter().zip(of).fold(0, |sum, (bit, x)| sum ^ (u64::from(*bit) * x))
}

/// `V`, `M`, `S_1`, `S_2` and `R_p` of the paper (sections 4.3 and 5), rows in the order 00, 00, 01, 01, 10, 10, 11, 11.
const V: [[u8; 5]; 8] = [
    [1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [1, 0, 0, 0, 1],
    [0, 1, 0, 1, 1],
    [1, 0, 1, 0, 1],
    [0, 1, 0, 0, 1],
    [1, 0, 1, 0, 0],
    [0, 1, 0, 1, 0],
];
const M: [[u8; 6]; 8] = [
    [1, 0, 0, 0, 1, 0],
    [0, 0, 1, 0, 1, 0],
    [1, 0, 0, 0, 0, 1],
    [0, 0, 0, 1, 0, 1],
    [0, 1, 0, 0, 0, 1],
    [0, 0, 1, 0, 0, 1],
    [0, 1, 0, 0, 1, 0],
    [0, 0, 0, 1, 1, 0],
];
const S_1: [[u8; 4]; 2] = [[1, 1, 1, 0], [1, 0, 0, 1]];
const S_2: [[u8; 4]; 2] = [[1, 0, 0, 1], [0, 1, 1, 1]];
const R_P: [[[u8; 4]; 2]; 4] = [
    [[0, 0, 1, 0], [0, 1, 0, 0]],
    [[0, 0, 1, 0], [0, 0, 0, 0]],
    [[0, 0, 0, 0], [0, 1, 0, 0]],
    [[0, 0, 0, 0], [0, 0, 0, 0]],
];

/// The dice of a gate.
fn rho(gate: &Gate) -> [u8; 2] {
    let dice = gate.h[2][0][1] ^ gate.h[2][1][1];
    [1, 2].map(|place| (dice >> place & 1) as u8)
}

/// `r` for each pair of permute bits: `ρ` at 00, and what makes the equations solvable at the others.
fn control(gate: &Gate) -> [[u8; 2]; 4] {
    let [l, r] = rho(gate);
    let [a, b] = gate.p.map(|p| u8::from(!p));
    [[l, r], [l ^ a ^ b, r ^ a], [l ^ b, r ^ a ^ b], [l ^ a, r ^ b]]
}

/// The equations as the paper has them, `V (C, G) = M H ⊕ R (A_0, B_0, Δ) ⊕ (t_ij Δ)`, and the same with `V z' = M h' ⊕ r`
/// for control bits, of which the garbler keeps none: they hold for what the garbler computes.
#[test]
fn the_garbler_solves_the_equations_of_the_paper() {
    for gate in unit_gates() {
        let (c0, table) = gate.garble();
        let [c, delta] = [c0, gate.delta()].map(Block::halves);
        let unknowns = [&c[..], &table.rows].concat();
        let control_bits: Vec<u64> = (0..5).map(|n| u64::from(table.control >> n & 1)).collect();
        let halves: Vec<u64> = gate.h.iter().flatten().map(|h| h[0]).collect();
        let masks: Vec<u64> = gate.h.iter().flatten().map(|h| h[1] & 1).collect();
        for (ij, bits) in ALL.into_iter().enumerate() {
            let own = gate.with_bits(bits).map(Block::halves).concat();
            let t = (bits[0] ^ gate.p[0]) & (bits[1] ^ gate.p[1]);
            let r = control(&gate)[ij];
            for half in [0, 1] {
                let row = 2 * ij + half;
                let matrix: Vec<u8> =
                    (0..4).map(|n| R_P[ij][half][n] ^ r[0] & S_1[half][n] ^ r[1] & S_2[half][n]).collect();
                let right = product(&M[row], &halves) ^ product(&matrix, &own) ^ (u64::from(t) * delta[half]);
                assert_eq!(product(&V[row], &unknowns), right, "permute bits {bits:?}, half {half}");
                let right = product(&M[row], &masks) ^ u64::from(r[half]);
                assert_eq!(product(&V[row], &control_bits), right, "control bits of {bits:?}, half {half}");
            }
        }
    }
}

/// For each pair of permute bits, the dice give each of the four matrices once, whatever the false labels' permute bits.
#[test]
fn the_matrix_that_the_evaluator_learns_is_uniform_for_all_truth_tables() {
    for p in ALL {
        for ij in 0..4 {
            let mut seen = Vec::new();
            for dice in 0..4 {
                let mut gate = Gate { p, labels: [[0; 2]; 3], h: [[[0; 2]; 2]; 3] };
                gate.h[2][1][1] = dice << 1;
                seen.push(control(&gate)[ij]);
            }
            seen.sort_unstable();
            assert_eq!(seen, [[0, 0], [0, 1], [1, 0], [1, 1]], "permute bits {p:?}");
        }
    }
}

/// Rows and control bits of a gate whose halves have one bit that counts, in place 1, as one number of eight bits.
fn view(gate: &Gate) -> usize {
    let (_, HalvesTable { rows, control }) = gate.garble();
    let rows = rows.iter().fold(0, |bits, row| bits << 1 | (*row as usize >> 1 & 1));
    rows << 5 | usize::from(control)
}

/// How often each table occurs, for one garbler's labels, over the hashes that the evaluator of `ij` does not know.
fn tables(mut gate: Gate, ij: [bool; 2], has_dice: bool) -> [u32; 256] {
    let [i, j] = ij.map(usize::from);
    let mut counts = [0; 256];
    for hidden in 0..1u64 << if has_dice { 8 } else { 6 } {
        for (w, unknown) in [1 - i, 1 - j, 1 - (i ^ j)].into_iter().enumerate() {
            let dice = if w == 2 { hidden >> 6 << 1 } else { 0 };
            gate.h[w][unknown] = [(hidden >> w & 1) << 1, hidden >> (3 + w) & 1 | dice];
        }
        counts[view(&gate)] += 1;
    }
    counts
}

/// Everything that the evaluator of a gate knows or the garbler chose, in halves of one bit: permute bits, active permute
/// bits, labels and `Δ`, and the hashes of the active labels.
fn views(each: &mut dyn FnMut(Gate, [bool; 2])) {
    for (p, ij) in ALL.into_iter().flat_map(|p| ALL.map(|ij| (p, ij))) {
        for bits in 0..1u64 << 14 {
            let labels = [0, 1, 2].map(|w| [0, 1].map(|half| (bits >> (2 * w + half) & 1) << 1));
            let known = [0, 1, 2].map(|w| {
                let dice = if w == 2 { bits >> 12 } else { 0 };
                [(bits >> (6 + w) & 1) << 1, bits >> (9 + w) & 1 | dice << 1]
            });
            each(Gate { p, labels, h: known.map(|h| [h; 2]) }, ij);
        }
    }
}

/// A table is uniform over what the evaluator does not know, and so are the output and the control bits that follow
/// from it: nothing depends on the inputs.
#[test]
fn each_table_occurs_once_for_whatever_the_evaluator_knows() {
    views(&mut |gate, ij| assert_eq!(tables(gate, ij, true), [1; 256]));
}

#[test]
fn without_dice_tables_betray_the_permute_bits() {
    let mut seen = Vec::new();
    for p in ALL {
        let gate = Gate { p, labels: [[0; 2]; 3], h: [[[0; 2]; 2]; 3] };
        seen.push(tables(gate, [false, true], false));
    }
    assert!(seen.iter().any(|counts| counts != &seen[0]));
}

/// The rank of linear maps from blocks to bits, given by their values on the 128 unit vectors.
fn rank(mut images: Vec<u128>) -> usize {
    let mut rank = 0;
    while let Some(pivot) = images.iter().position(|image| *image != 0).map(|at| images.swap_remove(at)) {
        let bit = pivot & pivot.wrapping_neg();
        images.iter_mut().filter(|image| **image & bit != 0).for_each(|image| *image ^= pivot);
        rank += 1;
    }
    rank
}

/// The bits of a hash that a gate uses: the half, the control bit, and two dice.
const USED: u128 = (1 << 67) - 1;

/// The rank of the used bits of `f(x) ⊕ λ(x)`, the least over all `λ`.
fn least_rank(f: fn(Block) -> Block) -> usize {
    let units = || (0..128).map(|n| Block::new(1 << n));
    let with = |mask: [u64; 2]| {
        let lambda = |x: Block| {
            let [low, high] = x.halves();
            low & mask[0] ^ high & mask[1]
        };
        rank(units().map(|x| f(x).to_u128() & USED ^ u128::from(lambda(x))).collect())
    };
    [[0, 0], [0, u64::MAX], [u64::MAX, 0], [u64::MAX; 2]].into_iter().map(with).min().unwrap()
}

#[test]
fn what_is_added_to_a_hash_keeps_its_rank_whatever_half_of_delta_is_added() {
    use crate::hash::sigma;
    assert_eq!(least_rank(|x| sigma(twisted(x))), 67);
    assert_eq!(least_rank(sigma), 3, "with the map of half gates, a half can cancel");
}

struct Fixture {
    delta: Delta,
    key: HashKey,
    first: u64,
    a: Vec<Block>,
    b: Vec<Block>,
}

fn fixture(n: usize, first: u64) -> Fixture {
    let mut rng = ChaCha20Rng::seed_from_u64(n as u64);
    let mut labels = |n| (0..n).map(|_| Block::random(&mut rng)).collect::<Vec<_>>();
    let (a, mut b) = (labels(n), labels(n));
    let delta = Delta::random(&mut rng);
    // Also gates with one wire twice, and with a wire and its negation.
    for (i, b) in b.iter_mut().enumerate().filter(|(i, _)| i % 5 > 2) {
        *b = a[i] ^ delta.times(i % 5 == 3);
    }
    Fixture { delta, key: HashKey::new(Block::random(&mut rng)), first, a, b }
}

fn garble(backend: Backend, f: &Fixture) -> (Vec<Block>, Vec<HalvesTable>) {
    let (mut c, mut tables) = (vec![Block::ZERO; f.a.len()], vec![HalvesTable::default(); f.a.len()]);
    let gates = GarbleContext { delta: &f.delta, key: &f.key, first: f.first };
    let wires = GateWires { a: &f.a, b: &f.b, c: &mut c };
    backend.garble_halves(&gates, &mut GarbleScratch::new(&f.delta), wires, &mut tables);
    (c, tables)
}

fn evaluate(backend: Backend, f: &Fixture, [a, b]: [&[Block]; 2], tables: &[HalvesTable]) -> Vec<Block> {
    let mut c = vec![Block::ZERO; a.len()];
    let gates = EvaluateContext { key: &f.key, first: f.first };
    backend.evaluate_halves(&gates, &mut EvaluateScratch::default(), GateWires { a, b, c: &mut c }, tables);
    c
}

#[test]
fn evaluation_gives_the_label_of_the_and_on_every_backend() {
    for backend in Backend::available() {
        let f = fixture(2 * TOGETHER + 3, 5);
        let (c, tables) = garble(backend, &f);
        let active = |w: &[Block], x: &dyn Fn(usize) -> bool| -> Vec<Block> {
            w.iter().enumerate().map(|(n, w0)| *w0 ^ f.delta.times(x(n))).collect()
        };
        for [x, y] in ALL {
            // One wire twice has one bit, and its negation the other.
            let y_of = |n: usize| match n % 5 {
                3 => !x,
                4 => x,
                _ => y,
            };
            let labels = [active(&f.a, &|_| x), active(&f.b, &y_of)];
            let evaluated = evaluate(backend, &f, labels.each_ref().map(|w| &w[..]), &tables);
            assert!(evaluated == active(&c, &|n| x && y_of(n)), "{backend:?}: {x} and {y}");
        }
    }
}

#[test]
fn every_backend_garbles_what_the_equations_say_at_every_length() {
    for n in (0..=5).chain([TOGETHER - 1, TOGETHER, 3 * TOGETHER + 1]) {
        for first in [0, (1 << 48) - 3, u64::MAX - 4] {
            let f = fixture(n, first);
            let expected: (Vec<_>, Vec<_>) = (0..n)
                .map(|i| {
                    let coloured = |w: Block| w ^ f.delta.times(w.lsb());
                    let (a, b) = (coloured(f.a[i]), coloured(f.b[i]));
                    let h = [(1, a), (2, b), (3, a ^ b)].map(|(domain, zero)| {
                        let hash = f.key.in_domain(domain).tweaked(first.wrapping_add(i as u64).into());
                        [zero, zero ^ f.delta.block()].map(|w| hash.of(twisted(w)))
                    });
                    garble_gate([f.a[i], f.b[i]], &h, f.delta.block())
                })
                .unzip();
            let active = evaluate(Backend::PORTABLE, &f, [&f.a, &f.b], &expected.1);
            for backend in Backend::available() {
                assert!(garble(backend, &f) == expected, "{backend:?} garbles {n} from {first}");
                let evaluated = evaluate(backend, &f, [&f.a, &f.b], &expected.1);
                assert!(evaluated == active, "{backend:?} evaluates {n} from {first}");
            }
        }
    }
}

#[test]
fn another_gate_number_or_key_gives_other_tables() {
    let (f, backend) = (fixture(1, 5), Backend::detect());
    let (_, tables) = garble(backend, &f);
    assert_ne!(garble(backend, &fixture(1, 6)).1, tables);
    let other = Fixture { key: HashKey::new(Block::new(1)), ..fixture(1, 5) };
    assert_ne!(garble(backend, &other).1, tables);
}

fn bytes_of(gates: usize) -> usize {
    24 * gates + (5 * gates).div_ceil(8)
}

fn random_tables(n: usize) -> Vec<HalvesTable> {
    garble(Backend::detect(), &fixture(n, 9)).1
}

#[test]
fn eight_gates_are_197_bytes_and_come_back_from_pieces_of_any_length() {
    let mut bytes = Vec::new();
    pack(&random_tables(8), &mut bytes);
    assert_eq!((bytes.len(), bytes_of(8)), (197, 197));
    for n in 0..=19 {
        let tables = random_tables(n);
        bytes.clear();
        pack(&tables, &mut bytes);
        assert_eq!(bytes.len(), bytes_of(n), "{n} gates");
        for piece in [1, 24, 25, 197, 1000] {
            let (mut packed, mut held, mut read) = (Packed::default(), Vec::new(), Vec::new());
            for piece in bytes.chunks(piece) {
                held.extend_from_slice(piece);
                let mut some = [HalvesTable::default(); 50];
                let [used, n] = packed.unpack(&held, &mut some);
                held.drain(..used);
                read.extend_from_slice(&some[..n]);
            }
            assert_eq!((read, held.len()), (tables.clone(), 0));
            assert!(packed.end_group());
        }
    }
}

#[test]
fn bits_of_gates_that_do_not_follow_must_be_zero() {
    for n in 1..8 {
        let mut bytes = Vec::new();
        pack(&random_tables(n), &mut bytes);
        // The last byte of control bits stands before the last table that has one.
        let at = bytes_of((0..n).rev().find(|m| (m * 5) % 8 == 0 || (m * 5) % 8 > 3).unwrap());
        let unused = (5 * n).next_multiple_of(8) - 5 * n;
        for bit in 8 - unused..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let mut packed = Packed::default();
            let mut tables = [HalvesTable::default(); 8];
            assert_eq!(packed.unpack(&bad, &mut tables), [bytes.len(), n]);
            assert!(!packed.end_group(), "bit {bit} after {n} gates");
        }
    }
}
