//! Three halves: sessions with every pair of proposals, the bytes of a gate, and a garbled circuit that
//! `vectors/check.py` garbles and evaluates on its own.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_mpc::calibrate::Layers;
use sotto_mpc::channel::memory_pair;
use sotto_mpc::gadgets::{Arithmetic, Comparison, Division};
use sotto_mpc::garble::{Garbling, Scheme};
use sotto_mpc::keys::SessionKeys;
use sotto_mpc::program::{ProgramName, Shape};
use sotto_mpc::programs::{Aes128, Sha256Block};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, Reveal, Terms};
use sotto_mpc::{Backend, Block, Channel, ChannelError, Delta, Fancy, Inputs, Phase, Program, Words};

/// Sums, products, quotients and comparisons of two numbers.
struct Numbers;

impl Program for Numbers {
    fn name(&self) -> ProgramName {
        ProgramName::literal("numbers@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(24, 24, 24 + 48 + 24 + 24 + 1)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 24)?, inputs.read(f, 1, 24)?);
        let (x, y) = (Words::single(&x), Words::single(&y));
        let sum = f.add(&x, &y)?;
        let product = f.multiply(&x, &y, 48)?;
        let (quotient, rest) = f.divide(&x, &y)?;
        for words in [&sum, &product, &quotient, &rest] {
            outputs.extend(words.lane(0));
        }
        outputs.extend(f.greater(&x, &y)?);
        Ok(())
    }
}

fn bits(n: usize, seed: u64) -> Vec<bool> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.next_u32() & 1 == 1).collect()
}

/// The scheme of a session with these proposals, and the bytes that the garbler sent; both parties must have the output.
fn run(program: &(impl Program + Sync), proposals: [Scheme; 2], seed: u64) -> (Scheme, u64) {
    let (near, far) = memory_pair();
    let (shape, terms) = (program.shape(), Terms::new(Reveal::Both));
    let (x, y) = (bits(shape.garbler_bits(), seed), bits(shape.evaluator_bits(), !seed));
    let expected = Some(program.compute(&x, &y));
    std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(seed);
            let session = Garbler::new(near, program, terms).proposing(proposals[0]).hello(rng).unwrap();
            let scheme = session.scheme();
            let session = session.set_up(rng).unwrap();
            let (session, output) = session.execute(&x[..].into(), rng).unwrap();
            // A session may execute several times, under one `Δ`.
            let (session, again) = session.execute(&x[..].into(), rng).unwrap();
            assert_eq!(output, again);
            (scheme, output, session.close().traffic().sent)
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(!seed);
        let session = Evaluator::new(far, program, terms).proposing(proposals[1]).hello(rng).unwrap();
        let scheme = session.scheme();
        let (session, output) = session.set_up(rng).unwrap().execute(&y[..].into()).unwrap();
        assert_eq!(session.execute(&y[..].into()).unwrap().1, expected);
        let garbled = garbling.join().unwrap();
        assert_eq!((scheme, &output), (garbled.0, &garbled.1));
        assert_eq!(output, expected);
        (scheme, garbled.2)
    })
}

#[test]
fn circuits_give_the_same_outputs_with_every_pair_of_proposals() {
    use Scheme::{HalfGates, ThreeHalves};
    for proposals in [
        [HalfGates, HalfGates],
        [HalfGates, ThreeHalves],
        [ThreeHalves, HalfGates],
        [ThreeHalves, ThreeHalves],
    ] {
        let expected = if proposals == [ThreeHalves; 2] { ThreeHalves } else { HalfGates };
        let found = [run(&Aes128, proposals, 1).0, run(&Sha256Block, proposals, 2).0];
        assert_eq!(found, [expected; 2], "{proposals:?}");
        for seed in 3..9 {
            assert_eq!(run(&Numbers, proposals, seed).0, expected);
        }
        // Slices of every small length, and more gates than a buffer has tables.
        for lanes in (1..=17).chain([2047, 2049]) {
            assert_eq!(run(&Layers { lanes, pairs: 3 }, proposals, 10).0, expected);
        }
    }
}

/// What a gate takes, from two programs that differ in gates alone. Each execution is counted twice.
fn bytes_of_a_gate(scheme: Scheme) -> f64 {
    let [small, large] = [64, 192].map(|pairs| Layers { lanes: 512, pairs });
    let [few, many] = [&small, &large].map(|program| run(program, [scheme; 2], 1).1);
    (many - few) as f64 / (2 * (large.gates() - small.gates())) as f64
}

#[test]
fn a_gate_takes_24_bytes_and_5_bits() {
    // Beside tables there are five bytes a frame, of at least 48,000.
    let found = bytes_of_a_gate(Scheme::ThreeHalves);
    assert!((24.625..24.63).contains(&found), "{found}");
    let found = bytes_of_a_gate(Scheme::HalfGates);
    assert!((32.0..32.01).contains(&found), "{found}");
    assert_eq!(Scheme::ThreeHalves.table_bytes(8_000), 197_000);
    let partial = [0, 1, 2, 3, 7, 8, 9].map(|gates| Scheme::ThreeHalves.table_bytes(gates));
    assert_eq!(partial, [0, 25, 50, 74, 173, 197, 222]);
}

/// A channel that keeps what is sent.
#[derive(Default)]
struct Kept(Vec<u8>);

impl Channel for Kept {
    fn send(&mut self, _: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }

    fn receive_some(&mut self, phase: Phase, _: &mut [u8]) -> Result<usize, ChannelError> {
        Err(ChannelError::Closed { phase })
    }
}

/// AND, XOR and NOT of wires by number, inputs first: with one wire twice and with a wire and its negation.
const CIRCUIT: [(&str, usize, usize); 15] = [
    ("and", 0, 1),
    ("xor", 4, 2),
    ("and", 5, 3),
    ("not", 6, 6),
    ("and", 7, 4),
    ("and", 0, 0),
    ("not", 1, 1),
    ("and", 1, 10),
    ("and", 8, 9),
    ("xor", 12, 11),
    ("and", 13, 2),
    ("and", 14, 3),
    ("and", 15, 1),
    ("and", 16, 7),
    ("and", 17, 14),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The vector: keys, the false labels of all wires, and the tables.
fn vector() -> String {
    let rng = &mut ChaCha20Rng::seed_from_u64(749);
    let (delta, mut channel) = (Delta::random(rng), Kept::default());
    let (mut keys, encoded) = SessionKeys::random(rng);
    let mut wires: Vec<Block> = (0..4).map(|_| Block::random(rng)).collect();
    let f = Garbling::new(Backend::detect(), &delta, &mut keys, &mut channel);
    let mut f = f.with_scheme(Scheme::ThreeHalves);
    let difference = f.not(Block::ZERO);
    let (mut labels, mut gates) = (String::new(), String::new());
    for (kind, a, b) in CIRCUIT {
        let (wire_a, wire_b) = (wires[a], wires[b]);
        wires.push(match kind {
            "and" => f.and(wire_a, wire_b).unwrap(),
            "xor" => f.xor(wire_a, wire_b),
            _ => f.not(wire_a),
        });
        write!(gates, "{}\n  [\"{kind}\",{a},{b}]", if gates.is_empty() { "" } else { "," }).unwrap();
    }
    f.finish().unwrap();
    for wire in &wires {
        let comma = if labels.is_empty() { "" } else { "," };
        write!(labels, "{comma}\n  \"{}\"", hex(&wire.to_bytes())).unwrap();
    }
    format!(
        "{{\n \"delta\":\"{}\",\n \"gates\":[{gates}\n ],\n \"key\":\"{}\",\n \"labels\":[{labels}\n ],\n \"tables\":\"{}\"\n}}\n",
        hex(&difference.to_bytes()),
        hex(&encoded[..16]),
        hex(&channel.0)
    )
}

/// `SOTTO_VECTORS=write cargo test -p sotto-mpc --release --test three_halves` writes the file.
#[test]
fn a_garbled_circuit_has_the_known_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/three_halves.json");
    let found = vector();
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), found, "`SOTTO_VECTORS=write` writes the file");
}
