//! The bytes of a run are as many as the formula says: for B layers and trees of depth k, of each AND gate
//!
//! ```text
//! 16·B (U) + 3·B·(16/k − 1/8) (corrections) + B/4 (s, d, f)   each way
//! 32.125 (tables) from the garbler,  1/4 (report) from the evaluator
//! ```
//!
//! At most 200 bytes both ways together for B = 3 and k = 4.

use sotto_mpc::calibrate::Layers;
use sotto_mpc::channel::{Channel, ChannelError, Framed, Phase, Pipe, memory_pair};
use sotto_mpc::ot::TreeDepth;
use sotto_mpc::protocol::malicious::{ChunkSize, Evaluator, Garbler, Reveal, Settings, Terms};
use sotto_mpc::{Bits, Program};

use super::{Start, rng, run};

/// Counts the bytes that are sent in each phase, without frame headers.
struct Counting {
    inner: Framed<Pipe>,
    sent: [usize; 10],
}

impl Channel for Counting {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        self.sent[usize::from(phase.code())] += bytes.len();
        self.inner.send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.inner.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.inner.receive_some(phase, into)
    }
}

/// The bytes that garbler and evaluator send in each phase.
fn count(program: &Layers, settings: Settings) -> [[usize; 10]; 2] {
    let (near, far) = memory_pair();
    let [near, far] = [near, far].map(|inner| Counting { inner, sent: [0; 10] });
    let terms = Terms::new(Reveal::Both);
    let input = &Bits::from(&vec![true; program.lanes][..]);
    std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let rng = &mut rng(1);
            let session = Garbler::new(near, program, terms, settings).hello(rng).unwrap();
            session.set_up(rng).unwrap().execute(input, rng).unwrap().close().sent
        });
        let rng = &mut rng(2);
        let session = Evaluator::new(far, program, terms, settings).hello(rng).unwrap();
        let sent = session.set_up(rng).unwrap().execute(input, rng).unwrap().close().sent;
        [garbling.join().unwrap(), sent]
    })
}

fn settings(depth: TreeDepth) -> Settings {
    Settings::new(Settings::default().attempts, depth)
}

/// A chunk: gates, B and L.
#[derive(Clone, Copy)]
struct Chunk(usize, usize, usize);

/// Corrections and the answer to the challenge of a call, and a challenge to the peer.
fn transfer(n: usize, depth: usize) -> usize {
    (128 / depth - 1) * 16 * (n + 64).div_ceil(128) + 8 + 64 * 16 + 16
}

/// The expected number of bytes in each phase from the first transfer on, for a program with two streams of
/// `inputs` bits.
fn expected(inputs: usize, chunks: &[Chunk], depth: usize) -> [[usize; 10]; 2] {
    let mut both = [0; 10];
    let at = |phase: Phase| usize::from(phase.code());
    both[at(Phase::OtExtension)] = transfer(inputs, depth);
    both[at(Phase::Coins)] = 32;
    both[at(Phase::Inputs)] = inputs.div_ceil(8);
    both[at(Phase::Outputs)] = 1 + 32;
    let [mut garbler, mut evaluator] = [both; 2];
    for Chunk(n, layers, candidates) in chunks.iter().copied() {
        let all = layers * candidates;
        for side in [&mut garbler, &mut evaluator] {
            side[at(Phase::OtExtension)] += transfer(3 * all, depth);
            // S, U, s; commitment and opening of the digest; d and f.
            side[at(Phase::Products)] += 16 + 16 * all + all.div_ceil(8) + 32 + 64 + (layers * n).div_ceil(8);
            side[at(Phase::Coins)] += 96;
            side[at(Phase::Checks)] += 80;
        }
        garbler[at(Phase::Inputs)] += 48;
        garbler[at(Phase::Tables)] += 32 * n + (n / 2048) * 256 + (n % 2048).div_ceil(8);
        evaluator[at(Phase::Checks)] += (2 * n).div_ceil(8) + 16;
    }
    evaluator[at(Phase::Checks)] += 1;
    [garbler, evaluator]
}

/// Compares a session with the formula.
fn compare(program: Layers, settings: Settings, chunks: &[Chunk]) {
    let mut sent = count(&program, settings);
    for side in &mut sent {
        side[usize::from(Phase::Hello.code())] = 0;
        side[usize::from(Phase::BaseOt.code())] = 0;
    }
    assert_eq!(chunks.iter().map(|chunk| chunk.0).sum::<usize>(), program.gates());
    let depth = settings.depth as usize;
    assert_eq!(sent, expected(program.lanes, chunks, depth), "{} gates, k = {depth}", program.gates());
}

#[test]
fn every_phase_has_the_bytes_of_the_formula() {
    // One chunk without padding: B = 5 and B = 4.
    for (lanes, pairs, layers) in [(100, 5, 5), (1000, 3, 4)] {
        for depth in [TreeDepth::Four, TreeDepth::Eight] {
            let program = Layers { lanes, pairs };
            compare(program, settings(depth), &[Chunk(program.gates(), layers, program.gates().max(517))]);
        }
    }
}

#[test]
fn every_phase_of_several_chunks_has_the_bytes_of_the_formula() {
    let small = Settings::default().with_chunk(ChunkSize::SMALL);
    let full = Chunk(16_384, 4, 16_384);
    // With a rest, and without.
    compare(Layers { lanes: 1000, pairs: 17 }, small, &[full, full, Chunk(1232, 5, 1232)]);
    compare(Layers { lanes: 512, pairs: 32 }, small, &[full, full]);
    let large = [Chunk(560_488, 3, 560_488), Chunk(39_512, 4, 39_512)];
    compare(Layers { lanes: 1000, pairs: 300 }, Settings::default(), &large);
}

#[test]
fn an_and_gate_of_four_layers_takes_as_many_bytes_as_computed_by_hand() {
    let program = Layers { lanes: 100, pairs: 100 };
    let [garbler, evaluator] = count(&program, settings(TreeDepth::Four)).map(|sent| {
        let set_up = sent[usize::from(Phase::Hello.code())] + sent[usize::from(Phase::BaseOt.code())];
        (sent.iter().sum::<usize>() - set_up) as f64 / program.cost().and_gates as f64
    });
    // 143.7 and 111.8, and what does not depend on the number of gates.
    assert!((143.6..143.9).contains(&garbler), "{garbler}");
    assert!((111.7..112.0).contains(&evaluator), "{evaluator}");
}

#[test]
fn an_and_gate_of_a_full_chunk_takes_at_most_200_bytes() {
    let [garbler, evaluator] = expected(1, &[Chunk(560_488, 3, 560_488)], 4)
        .map(|sent| sent.iter().sum::<usize>() as f64 / 560_488.0);
    assert!((115.7..115.9).contains(&garbler) && (83.8..84.0).contains(&evaluator), "{garbler}, {evaluator}");
    assert!(garbler + evaluator <= 200.0);
}

/// The digest of all messages but tables of a run with fixed seeds: of one chunk, and of three.
#[test]
fn the_wire_format_has_not_changed() {
    let small = Settings::default().with_chunk(ChunkSize::SMALL);
    let answers = [(3, 1), (1000, 17)].map(|(lanes, pairs)| {
        let program = Layers { lanes, pairs };
        let input = vec![true; lanes];
        let start = || Start { settings: small, ..Start::new(&program, Terms::new(Reveal::Both), &input) };
        let [garbler, _] = run(&start(), &start()).map(Result::unwrap);
        garbler.transcript.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(answers, ["91dc5b6b570dd703", "6728cfdfd9b90329"]);
}
