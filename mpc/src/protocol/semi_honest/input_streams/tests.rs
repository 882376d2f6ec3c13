//! Programs with more input bits than are prefetched, over a connection without a buffer: each write waits
//! for its reader.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc;
use std::thread;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::channel::{Framed, Phase};
use crate::garble::Scheme;
use crate::keys::SessionKeys;
use crate::ot::{Adversary, Expansion, Options, SessionId};
use crate::{Backend, Delta, Fancy};

/// One end of the connection.
struct Narrow {
    to: mpsc::SyncSender<Vec<u8>>,
    from: mpsc::Receiver<Vec<u8>>,
    rest: Vec<u8>,
}

fn connection() -> [Framed<Narrow>; 2] {
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::sync_channel(0), mpsc::sync_channel(0));
    [(to_b, from_b), (to_a, from_a)].map(|(to, from)| Framed::new(Narrow { to, from, rest: Vec::new() }))
}

impl Read for Narrow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.from.recv().unwrap_or_default();
        }
        let n = into.len().min(self.rest.len());
        into[..n].copy_from_slice(&self.rest[..n]);
        self.rest.drain(..n);
        Ok(n)
    }
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(1 << 12);
        self.to.send(bytes[..n].to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tracks the largest number of unused labels after each read.
struct Watched<I> {
    inputs: I,
    labels: fn(&I) -> &Labels,
    most: usize,
}

impl<F: Fancy, I: Inputs<F>> Inputs<F> for Watched<I> {
    fn read_into(&mut self, f: &mut F, stream: usize, wires: &mut [F::Wire]) -> Result<(), F::Error> {
        self.inputs.read_into(f, stream, wires)?;
        self.most = self.most.max((self.labels)(&self.inputs).unused());
        Ok(())
    }
}

/// Reads a piece of each stream in turn; the gates of a piece combine its bits into one wire, which is an
/// output.
#[derive(Clone)]
struct Turns {
    input_streams: Vec<InputStream>,
    piece: usize,
    /// Superfluous gates before the second turn.
    surplus: usize,
}

impl Turns {
    fn run<F: Fancy>(&self, f: &mut F, inputs: &mut impl Inputs<F>) -> Result<Vec<F::Wire>, F::Error> {
        let most = self.input_streams.iter().map(|stream| stream.bits).max().unwrap_or(0);
        let (mut outputs, mut last) = (Vec::new(), f.constant(true));
        for from in (0..most).step_by(self.piece) {
            for (i, stream) in self.input_streams.iter().enumerate().filter(|(_, stream)| from < stream.bits)
            {
                let wires = inputs.read(f, i, self.piece.min(stream.bits - from))?;
                let one = f.constant(true);
                last = f.and(last, one)?;
                let parity = wires.iter().fold(last, |parity, wire| f.xor(parity, *wire));
                last = parity;
                outputs.extend([parity, wires[0]]);
            }
            if from == 0 {
                (0..self.surplus).try_for_each(|_| f.and(last, last).map(|_| ()))?;
            }
        }
        Ok(outputs)
    }

    fn lane<'b>(&self, bits: &'b Bits) -> LaneInputs<'b> {
        LaneInputs::of_session(self.input_streams.clone(), bits)
    }

    fn bits(&self, holds: fn(Holder) -> bool, seed: usize) -> Bits {
        let bits =
            self.input_streams.iter().filter(|stream| holds(stream.holder)).map(|stream| stream.bits).sum();
        (0..bits).map(|i: usize| (i * i / 7 + seed * i) % 5 < 2).collect()
    }
}

type Side<T> = Result<(Vec<Block>, usize, T), StreamError>;

/// Runs both sides; returns outputs, the largest number of unused labels, and the garbler's `Δ`.
fn both(garbles: &Turns, evaluates: &Turns, options: Options, [x, y]: [&Bits; 2]) -> (Side<Block>, Side<()>) {
    let ([mut near, mut far], sid) = (connection(), SessionId([1; 32]));
    // Labels are fetched in the middle of groups of eight gates, too.
    let scheme = match options.adversary {
        Adversary::SemiHonest => Scheme::ThreeHalves,
        Adversary::Malicious => Scheme::HalfGates,
    };
    thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let delta = Delta::random(rng);
            let mut ot = Sender::setup_with(&mut near, &sid, &delta, options, rng)?;
            let inputs = GarblerInputs::begin(garbles.lane(x), &mut ot, &mut near)?;
            let (mut keys, bytes) = SessionKeys::random(rng);
            near.send(Phase::Inputs, &bytes)?;
            let f = Garbling::new(Backend::detect(), &delta, &mut keys, &mut near);
            let mut f = f.with_scheme(scheme);
            let most = inputs.theirs.unused();
            let mut inputs = Watched { inputs, labels: |inputs| &inputs.theirs, most };
            let outputs = garbles.run(&mut f, &mut inputs)?;
            f.finish()?;
            near.flush()?;
            Ok((outputs, inputs.most, delta.block()))
        });
        let evaluated = (|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let mut ot = Receiver::setup_with(&mut far, &sid, options, rng)?;
            let inputs = EvaluatorInputs::begin(evaluates.lane(y), &mut ot, &mut far)?;
            let mut bytes = [0; SessionKeys::BYTES];
            far.receive(Phase::Inputs, &mut bytes)?;
            let mut keys = SessionKeys::from_bytes(bytes);
            let mut f = Evaluation::new(Backend::detect(), &mut keys, &mut far).with_scheme(scheme);
            let most = inputs.labels.unused();
            let mut inputs = Watched { inputs, labels: |inputs| &inputs.labels, most };
            let outputs = evaluates.run(&mut f, &mut inputs)?;
            f.finish()?;
            Ok((outputs, inputs.most, ()))
        })();
        drop(far);
        (garbling.join().unwrap(), evaluated)
    })
}

/// A stream for each kind of holder, longer than twice the prefetched labels, and a short one.
fn turns(piece: usize) -> Turns {
    let stream = |(holder, bits)| InputStream { holder, bits };
    let long = 2 * CHUNK + 77;
    let input_streams = [
        (Holder::Garbler, long),
        (Holder::Shared, long + 5),
        (Holder::Evaluator, 9),
        (Holder::Shared, 0),
        (Holder::Evaluator, long),
    ];
    Turns { input_streams: input_streams.map(stream).to_vec(), piece, surplus: 0 }
}

#[test]
fn unused_labels_do_not_grow_with_the_inputs() {
    let malicious = Options { adversary: Adversary::Malicious, ..Options::default() };
    let expanded = Options { expansion: Expansion::K16, ..malicious };
    for options in [Options::default(), malicious, expanded] {
        let turns = turns(1000);
        let (x, y) = (turns.bits(Holder::includes_garbler, 1), turns.bits(Holder::includes_evaluator, 2));
        let (garbled, evaluated) = both(&turns, &turns, options, [&x, &y]);
        let ((labels, garblers, delta), (active, evaluators, ())) = (garbled.unwrap(), evaluated.unwrap());
        let expected = {
            let [x, y] = [&x, &y].map(|bits| bits.iter().collect::<Vec<_>>());
            let Ok(bits) = turns.run(
                &mut crate::fancy::Plain,
                &mut crate::inputs::GivenWires::new(&turns.input_streams, &x, &y),
            );
            bits
        };
        let found = labels.iter().zip(&active).map(|(c0, c)| match *c0 ^ *c {
            difference if difference == delta => true,
            difference => {
                assert!(difference == Block::ZERO, "a label that the garbler did not make");
                false
            }
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let ahead = prefetched_labels(4);
        assert!(y.len() > 4 * ahead, "they could all be prefetched");
        assert!(
            garblers <= 2 * ahead + 9 && evaluators <= 2 * ahead + 9,
            "{garblers} and {evaluators} unused labels"
        );
    }
}

#[test]
fn a_large_read_is_fetched_at_once() {
    let turns = Turns { piece: usize::MAX >> 1, ..turns(1) };
    let (x, y) = (turns.bits(Holder::includes_garbler, 3), turns.bits(Holder::includes_evaluator, 4));
    let (garbled, evaluated) = both(&turns, &turns, Options::default(), [&x, &y]);
    assert_eq!(garbled.unwrap().0.len(), evaluated.unwrap().0.len());
}

#[test]
fn a_garbler_with_surplus_tables_at_a_refill_is_caught() {
    let turns = turns(2 * CHUNK);
    let ahead = Turns { surplus: 1, ..turns.clone() };
    let (x, y) = (turns.bits(Holder::includes_garbler, 1), turns.bits(Holder::includes_evaluator, 2));
    let (garbled, evaluated) = both(&ahead, &turns, Options::default(), [&x, &y]);
    assert_eq!(evaluated.map(|_| ()), Err(StreamError::SurplusTables));
    assert!(garbled.is_err());
}

#[test]
fn lanes_share_the_prefetched_labels() {
    let streams = [InputStream { holder: Holder::Evaluator, bits: usize::MAX }; 15];
    // All streams of a program in one lane, and in two lanes, one of which has three quarters of them.
    for lanes in [&[5][..], &[5, 15], &[5, 5, 5, 1]] {
        let all = lanes.iter().sum();
        let first = |n: &usize| Labels::new(&streams[..*n], all).first().into_iter().sum::<usize>();
        let held: usize = lanes.iter().map(first).sum();
        assert!((LABELS - all..=LABELS).contains(&held), "{held} labels in lanes of {lanes:?} streams");
    }
}

#[test]
fn many_streams_share_the_prefetched_labels() {
    assert_eq!([0, 1, 4, 5, 64].map(prefetched_labels), [CHUNK, CHUNK, CHUNK, LABELS / 5, LABELS / 64]);
    assert_eq!(prefetched_labels(usize::MAX), LEAST);
}
