//! Sessions whose transfers are expanded: the output is that of plain evaluation, over several rounds and chunks,
//! and both parties must want it.

use sotto_mpc::Program;
use sotto_mpc::calibrate::Layers;
use sotto_mpc::channel::{Channel, ChannelError, Framed, Phase, Pipe, memory_pair};
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::malicious::{ChunkSize, Evaluator, Garbler, Reveal, SessionError, Settings, Terms};

use super::{Start, rng, run};

fn expanded(expansion: Expansion) -> Settings {
    Settings::default().with_chunk(ChunkSize::SMALL).with_expansion(expansion)
}

fn start<'p>(program: &'p Layers, settings: Settings, seed: usize) -> Start<'p, Layers> {
    let bits: Vec<bool> = (0..program.lanes).map(|i| (i * i + seed).is_multiple_of(3)).collect();
    Start { settings, ..Start::new(program, Terms::new(Reveal::Both), &bits) }
}

/// Each chunk takes 197,000 transfers each way, and a round gives 321,000 or 796,000.
#[test]
fn chunks_over_several_rounds_give_the_plain_output() {
    let program = Layers { lanes: 512, pairs: 100 };
    for expansion in [Expansion::K16, Expansion::K19] {
        let [x, y] = [1, 2].map(|seed| start(&program, expanded(expansion), seed));
        let expected = program.compute(&x.inputs, &y.inputs);
        for end in run(&x, &y) {
            assert_eq!(end.unwrap().output, Some(expected.clone()));
        }
    }
}

#[test]
fn a_peer_that_wants_another_expansion_is_refused() {
    let program = Layers { lanes: 8, pairs: 1 };
    let ours = start(&program, expanded(Expansion::K16), 1);
    for theirs in [Expansion::None, Expansion::K17] {
        let theirs = start(&program, expanded(theirs), 2);
        assert!(run(&ours, &theirs).into_iter().all(|end| end.err() == Some(SessionError::Parameters)));
    }
}

/// Counts the bytes that are sent after the set-up.
struct Counting {
    inner: Framed<Pipe>,
    sent: u64,
}

impl Channel for Counting {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        if !matches!(phase, Phase::Hello | Phase::BaseOt) {
            self.sent += bytes.len() as u64;
        }
        self.inner.send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.inner.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.inner.receive_some(phase, into)
    }
}

/// The estimate counts neither inputs nor what checks and coins take, a few kilobytes a chunk.
#[test]
fn the_bytes_are_those_of_the_estimate() {
    let (program, settings) = (Layers { lanes: 1024, pairs: 80 }, expanded(Expansion::K16));
    let (near, far) = memory_pair();
    let [near, far] = [near, far].map(|inner| Counting { inner, sent: 0 });
    let (terms, input) = (Terms::new(Reveal::Both), &vec![true; program.lanes][..]);
    let sent = std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut rng(1);
            let session = Garbler::new(near, &program, terms, settings).hello(rng).unwrap();
            session.set_up(rng).unwrap().execute(&input.into(), rng).unwrap().close().sent
        });
        let rng = &mut rng(2);
        let session = Evaluator::new(far, &program, terms, settings).hello(rng).unwrap();
        let sent = session.set_up(rng).unwrap().execute(&input.into(), rng).unwrap().close().sent;
        [garbling.join().unwrap(), sent]
    });
    let cost = settings.cost(program.gates() as u64);
    for (found, estimate) in sent.into_iter().zip([cost.garbler_bytes, cost.evaluator_bytes]) {
        assert!((estimate..estimate + 40_000).contains(&found), "{found} bytes, and not {estimate}");
    }
    let without = settings.with_expansion(Expansion::None).cost(program.gates() as u64);
    assert!(cost.evaluator_bytes + 35 * program.gates() as u64 <= without.evaluator_bytes);
}
