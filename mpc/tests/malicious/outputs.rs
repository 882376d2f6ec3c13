//! The output is that of plain evaluation.

use proptest::prelude::*;
use sotto_mpc::calibrate::Layers;
use sotto_mpc::circuit::{Circuit, CircuitBuilder, CircuitProgram, Netlist};
use sotto_mpc::gadgets::{Comparison, Sorting};
use sotto_mpc::programs::{Aes128, Sha256Block};
use sotto_mpc::protocol::malicious::{ChunkSize, Reveal, Settings, Terms, run_in_memory};
use sotto_mpc::{Fancy, Inputs, Program, ProgramName, Shape, Words};

use super::{Start, rng, run};

/// Every kind of gate, and outputs that are inputs, constants, the default wire, and the same wire twice.
struct Every;

impl Program for Every {
    fn name(&self) -> ProgramName {
        ProgramName::literal("every@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(3, 4, 13)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        // In parts, and the evaluator's first.
        let y = inputs.read(f, 1, 1)?;
        let x = inputs.read(f, 0, 3)?;
        let y = [y, inputs.read(f, 1, 3)?].concat();
        let mut and = [F::Wire::default(); 3];
        f.and_n(&x, &y[..3], &mut and)?;
        let (one, zero) = (f.constant(true), f.constant(false));
        let kept = f.and(and[0], one)?;
        let gone = f.and(and[1], zero)?;
        let square = f.and(and[2], and[2])?;
        let never = f.not(square);
        let never = f.and(never, square)?;
        let not = f.not(y[3]);
        let mixed = f.xor(not, kept);
        let default = f.not(F::Wire::default());
        outputs.extend([and[0], kept, gone, square, never, mixed, x[0], y[0], one, zero]);
        outputs.extend([default, F::Wire::default(), mixed]);
        Ok(())
    }
}

#[test]
fn every_kind_of_gate_and_output_on_every_input() {
    for inputs in 0..128u32 {
        let bits: Vec<bool> = (0..7).map(|i| inputs >> i & 1 == 1).collect();
        let (x, y) = bits.split_at(3);
        // The base transfers take most of the time, so not all inputs.
        if inputs % 9 == 0 || inputs == 127 {
            let output = run_in_memory(&Every, x, y, [&mut rng(inputs.into()), &mut rng(1000)]).unwrap();
            assert_eq!(output, Every.compute(x, y), "{bits:?}");
        }
    }
}

#[test]
fn the_parties_that_the_terms_name_learn_the_output_and_both_see_the_same_transcript() {
    let (x, y) = ([true, false, true], [true, true, false, true]);
    let expected = Some(Every.compute(&x, &y));
    for reveal in [Reveal::Garbler, Reveal::Evaluator, Reveal::Both] {
        let terms = Terms::new(reveal);
        let [g, e] = run(&Start::new(&Every, terms, &x), &Start::new(&Every, terms, &y)).map(Result::unwrap);
        assert_eq!(g.output, expected.clone().filter(|_| reveal != Reveal::Evaluator), "{reveal:?}");
        assert_eq!(e.output, expected.clone().filter(|_| reveal != Reveal::Garbler), "{reveal:?}");
        assert_eq!(g.transcript, e.transcript);
    }
}

/// Only XOR: no AND gate, so no products and no tables.
struct Xor;

impl Program for Xor {
    fn name(&self) -> ProgramName {
        ProgramName::literal("xor@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(1, 1, 1)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 1)?, inputs.read(f, 1, 1)?);
        outputs.push(f.xor(x[0], y[0]));
        Ok(())
    }
}

#[test]
fn a_program_without_and_gates_runs() {
    for (x, y) in [(false, true), (true, true)] {
        assert_eq!(run_in_memory(&Xor, &[x], &[y], [&mut rng(1), &mut rng(2)]).unwrap(), [x ^ y]);
    }
}

/// The bits of a number, lowest first.
fn bits(number: u128, n: usize) -> Vec<bool> {
    (0..n).map(|i| number >> i & 1 == 1).collect()
}

#[test]
fn aes_encrypts() {
    let (key, block) = (bits(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100, 128), bits(77, 128));
    let output = run_in_memory(&Aes128, &key, &block, [&mut rng(1), &mut rng(2)]).unwrap();
    assert_eq!(output, Aes128.compute(&key, &block));
}

#[test]
fn sha_256_hashes_and_so_does_its_recorded_circuit() {
    let (block, state): (Vec<_>, Vec<_>) =
        ((0..512).map(|i| i * i % 7 < 3).collect(), (0..256).map(|i| i % 3 == 1).collect());
    let expected = Sha256Block.compute(&block, &state);
    let rngs = [&mut rng(1), &mut rng(2)];
    assert_eq!(run_in_memory(&Sha256Block, &block, &state, rngs).unwrap(), expected);
    let circuit = Circuit::new(&CircuitBuilder::record(&Sha256Block)).unwrap();
    let program = CircuitProgram::new(&circuit, 1).unwrap();
    let rngs = [&mut rng(3), &mut rng(4)];
    assert_eq!(run_in_memory(&program, &block, &state, rngs).unwrap(), expected);
}

/// Sorts 16 numbers of 8 bits, the first half of them the garbler's, and compares the two sums' first words.
struct SortAndCompare;

impl Program for SortAndCompare {
    fn name(&self) -> ProgramName {
        ProgramName::literal("sort-and-compare@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(64, 64, 129)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 64)?, inputs.read(f, 1, 64)?);
        outputs.extend(f.greater(&Words::single(&x), &Words::single(&y))?);
        let sorted = f.sort(&Words::from_rows(8, &[x, y].concat()), 8)?;
        outputs.extend((0..16).flat_map(|lane| sorted.lane(lane)));
        Ok(())
    }
}

#[test]
fn sorting_and_comparison_compute() {
    let (x, y) = (bits(0x1234_5678_9abc_def0, 64), bits(0x0fed_cba9_8765_4321, 64));
    let output = run_in_memory(&SortAndCompare, &x, &y, [&mut rng(1), &mut rng(2)]).unwrap();
    assert_eq!(output, SortAndCompare.compute(&x, &y));
}

/// More gates than a group of tables, in slices that end within groups.
#[test]
fn long_slices_and_several_groups_of_tables_compute() {
    let program = Layers { lanes: 1500, pairs: 3 };
    let (x, y) = (vec![true; 1500], (0..1500).map(|i| i % 5 != 0).collect::<Vec<_>>());
    let output = run_in_memory(&program, &x, &y, [&mut rng(1), &mut rng(2)]).unwrap();
    assert_eq!(output, program.compute(&x, &y));
}

/// A circuit with these gates; its last wires are outputs.
fn circuit(inputs: [usize; 2], gates: &[(usize, usize, u8)]) -> Circuit {
    let mut netlist = Netlist::new(inputs.to_vec());
    let mut wires: Vec<_> = netlist.input_wires().collect();
    for (a, b, kind) in gates {
        let (a, b) = (wires[a % wires.len()], wires[b % wires.len()]);
        wires.push(match kind {
            0..=2 => netlist.and(a, b),
            3 | 4 => netlist.xor(a, b),
            _ => netlist.not(a),
        });
    }
    let outputs = wires.len().min(20);
    netlist.output(wires.split_off(wires.len() - outputs));
    Circuit::new(&netlist).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_circuits_compute(
        x in prop::collection::vec(any::<bool>(), 1..12),
        y in prop::collection::vec(any::<bool>(), 1..12),
        gates in prop::collection::vec((any::<usize>(), any::<usize>(), 0..6u8), 1..600),
        seed: u64,
    ) {
        let circuit = circuit([x.len(), y.len()], &gates);
        let program = CircuitProgram::new(&circuit, 1).unwrap();
        let output = run_in_memory(&program, &x, &y, [&mut rng(seed), &mut rng(!seed)]).unwrap();
        prop_assert_eq!(output, program.compute(&x, &y));
    }
}

/// `cargo test -p sotto-mpc --release --test malicious -- --ignored --nocapture rates`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
fn rates() {
    // The first is little more than a set-up.
    for (lanes, pairs, chunk) in [
        (1, 1, ChunkSize::LARGE),
        (1024, 273, ChunkSize::LARGE),
        (1024, 1094, ChunkSize::LARGE),
        (1024, 1094, ChunkSize::SMALL),
    ] {
        let program = Layers { lanes, pairs };
        let start = || Start {
            settings: Settings::default().with_chunk(chunk),
            ..Start::new(&program, Terms::new(Reveal::Both), &vec![true; lanes])
        };
        let begin = std::time::Instant::now();
        assert!(run(&start(), &start()).iter().all(Result::is_ok));
        let (seconds, gates) = (begin.elapsed().as_secs_f64(), program.gates());
        println!("{gates} AND gates in {chunk:?}: {seconds:.3} s, {:.0} a second", gates as f64 / seconds);
    }
}
