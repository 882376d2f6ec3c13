//! Sessions in lanes: the same outputs as in one lane, who is refused, and how failures end all threads.

#![allow(clippy::unwrap_used)]

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_mpc::calibrate::Layers;
use sotto_mpc::channel::{Framed, Pipe, pipe_pair};
use sotto_mpc::edge::tcp::{Exposure, Listener, Timeouts, connect};
use sotto_mpc::garble::{Garbling, Scheme};
use sotto_mpc::keys::SessionKeys;
use sotto_mpc::ot::Expansion;
use sotto_mpc::program::{ProgramName, Shape};
use sotto_mpc::programs::Sliced;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, HelloError, Reveal, SessionError, Terms};
use sotto_mpc::{
    Backend, Bits, Block, Channel, ChannelError, Delta, Fancy, Holder, InputStream, Inputs, Phase, Program,
};

/// Random gates over all inputs, which are read in the middle of the gates too.
struct Random {
    seed: u64,
    shape: Shape,
}

impl Random {
    fn new(seed: u64, streams: &[(Holder, usize)], outputs: usize) -> Self {
        let input_streams = streams.iter().map(|(holder, bits)| InputStream { holder: *holder, bits: *bits });
        Self { seed, shape: Shape { input_streams: input_streams.collect(), outputs } }
    }
}

impl Program for Random {
    fn name(&self) -> ProgramName {
        ProgramName::literal("random@1")
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&self.seed.to_le_bytes());
        digest
    }

    fn shape(&self) -> Shape {
        self.shape.clone()
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let rng = &mut ChaCha20Rng::seed_from_u64(self.seed);
        let mut wires = vec![f.constant(true)];
        for (i, stream) in self.shape.input_streams.iter().enumerate() {
            wires.extend(inputs.read(f, i, stream.bits)?);
            for _ in 0..30 {
                let mut pick = || wires[rng.next_u32() as usize % wires.len()];
                let (a, b, c) = (pick(), pick(), pick());
                let and = f.and(a, b)?;
                let not = f.not(and);
                wires.push(f.xor(not, c));
            }
        }
        outputs.extend((0..self.shape.outputs).map(|i| wires[wires.len() - 1 - i % wires.len()]));
        Ok(())
    }
}

/// Slices of different shapes, and a final program with gates.
fn random(seed: u64, slices: usize) -> Sliced<Random, Random> {
    let rng = &mut ChaCha20Rng::seed_from_u64(seed);
    let mut bits = || rng.next_u32() as usize % 20;
    let slices: Vec<_> = (0..slices as u64)
        .map(|i| {
            let streams = [(Holder::Evaluator, bits()), (Holder::Garbler, bits()), (Holder::Shared, bits())];
            Random::new(seed << 8 | i, &streams[..(i as usize + 1).min(3)], 1 + bits())
        })
        .collect();
    let joined: Vec<_> = slices.iter().map(|slice| (Holder::Shared, slice.shape.outputs)).collect();
    Sliced::new(slices, Random::new(!seed, &joined, 17)).unwrap()
}

fn bits(n: usize, seed: u64) -> Bits {
    Bits::random(n, &mut ChaCha20Rng::seed_from_u64(seed))
}

/// A stream that keeps what is written, and fails after so many bytes.
struct Kept {
    inner: Pipe,
    written: Vec<u8>,
    most: usize,
}

impl Read for Kept {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written.len() >= self.most {
            // The peer notices nothing until this end is dropped.
            return Err(ErrorKind::Other.into());
        }
        self.written.extend_from_slice(bytes);
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Ends = Vec<Framed<Kept>>;

/// Both parties' ends of so many channels.
fn channels(n: usize) -> [Ends; 2] {
    let (near, far) = (0..n)
        .map(|_| {
            let (near, far) = pipe_pair();
            let kept = |inner| Framed::new(Kept { inner, written: vec![], most: usize::MAX });
            (kept(near), kept(far))
        })
        .unzip();
    [near, far]
}

struct Setting {
    scheme: Scheme,
    expansion: Expansion,
    reveal: Reveal,
}

const USUAL: Setting =
    Setting { scheme: Scheme::HalfGates, expansion: Expansion::None, reveal: Reveal::Both };

type Outcome<C> = Result<(Vec<Option<Vec<bool>>>, [u8; 32], Vec<C>), SessionError>;

/// Two executions of each party, which gives its outputs, its transcript, and the channels of its lanes.
fn run<S: Program + Sync, L: Program + Sync, C: Channel + Send>(
    program: &Sliced<S, L>,
    setting: &Setting,
    [mut near, mut far]: [Vec<C>; 2],
) -> [Outcome<C>; 2] {
    let (shape, terms) = (program.shape(), Terms::new(setting.reveal));
    let (x, y) = (bits(shape.garbler_bits(), 1), bits(shape.evaluator_bits(), 2));
    std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near.remove(0), program, terms).with_lanes(near);
            let session = session.proposing(setting.scheme).with_expansion(setting.expansion);
            let session = session.hello(rng)?.set_up(rng)?;
            let (session, first) = session.execute_in_lanes(&x, rng)?;
            let (session, second) = session.execute_in_lanes(&x, rng)?;
            let transcript = session.transcript();
            Ok((vec![first, second], transcript, session.close_lanes()))
        });
        let evaluate = || {
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(far.remove(0), program, terms).with_lanes(far);
            let session = session.proposing(setting.scheme).with_expansion(setting.expansion);
            let session = session.hello(rng)?.set_up(rng)?;
            let (session, first) = session.execute_in_lanes(&y)?;
            let (session, second) = session.execute_in_lanes(&y)?;
            let transcript = session.transcript();
            Ok((vec![first, second], transcript, session.close_lanes()))
        };
        let evaluated = evaluate();
        [garbling.join().unwrap(), evaluated]
    })
}

/// What a party wrote in each lane.
fn written(lanes: Ends) -> Vec<Vec<u8>> {
    lanes.into_iter().map(|lane| lane.into_inner().written).collect()
}

fn expected(program: &impl Program) -> Vec<bool> {
    let shape = program.shape();
    let [x, y] = [bits(shape.garbler_bits(), 1), bits(shape.evaluator_bits(), 2)];
    program.compute(&x.iter().collect::<Vec<_>>(), &y.iter().collect::<Vec<_>>())
}

#[test]
fn outputs_do_not_depend_on_the_number_of_lanes() {
    for (seed, lanes) in [1, 2, 3, 5].into_iter().enumerate() {
        for (scheme, slices) in Scheme::ALL.into_iter().flat_map(|scheme| [1, 4, 7].map(|n| (scheme, n))) {
            let reveal = [Reveal::Both, Reveal::Garbler, Reveal::Evaluator][slices % 3];
            let program = random(100 * seed as u64 + slices as u64, slices);
            let setting = Setting { scheme, reveal, ..USUAL };
            let [garbled, evaluated] = run(&program, &setting, channels(lanes)).map(Result::unwrap);
            let output = Some(expected(&program));
            let of = |not| vec![output.clone().filter(|_| reveal != not); 2];
            assert_eq!(garbled.0, of(Reveal::Evaluator), "{slices} slices, {lanes} lanes");
            assert_eq!(evaluated.0, of(Reveal::Garbler), "{slices} slices, {lanes} lanes");
            assert_eq!(garbled.1, evaluated.1);
        }
    }
}

#[test]
fn transfers_of_lanes_are_expanded() {
    let (program, setting) = (random(9, 3), Setting { expansion: Expansion::K16, ..USUAL });
    let [garbled, evaluated] = run(&program, &setting, channels(2)).map(Result::unwrap);
    assert_eq!(
        [garbled.0, evaluated.0],
        [vec![Some(expected(&program)); 2], vec![Some(expected(&program)); 2]]
    );
}

/// In one lane, all bytes are those of a session that knows no lanes.
#[test]
fn one_lane_sends_what_a_session_without_lanes_sends() {
    let program = random(7, 5);
    let shape = program.shape();
    for scheme in Scheme::ALL {
        let outcomes = run(&program, &Setting { scheme, ..USUAL }, channels(1));
        let bytes = outcomes.map(|outcome| written(outcome.unwrap().2).remove(0));
        let [mut near, mut far] = channels(1);
        let terms = Terms::new(Reveal::Both);
        let (x, y) = (bits(shape.garbler_bits(), 1), bits(shape.evaluator_bits(), 2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let rng = &mut ChaCha20Rng::seed_from_u64(1);
                let session = Garbler::new(near.remove(0), &program, terms).proposing(scheme);
                let session = session.hello(rng).unwrap().set_up(rng).unwrap();
                let session = session.execute(&x, rng).unwrap().0.execute(&x, rng).unwrap().0;
                assert_eq!(session.close().into_inner().written, bytes[0]);
            });
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(far.remove(0), &program, terms).proposing(scheme);
            let session = session.hello(rng).unwrap().set_up(rng).unwrap();
            let session = session.execute(&y).unwrap().0.execute(&y).unwrap().0;
            assert_eq!(session.close().into_inner().written, bytes[1]);
        });
    }
}

/// Equal slices on equal inputs: what two lanes send has nothing in common.
#[test]
fn no_block_appears_in_two_lanes() {
    let slice = || Random::new(3, &[(Holder::Evaluator, 9), (Holder::Garbler, 9)], 4);
    let program = Sliced::side_by_side(vec![slice(), slice()]).unwrap();
    let [garbled, evaluated] = run(&program, &USUAL, channels(2)).map(Result::unwrap);
    for [one, other] in [garbled.2, evaluated.2].map(|lanes| <[_; 2]>::try_from(written(lanes)).unwrap()) {
        let blocks =
            |bytes: &[u8]| bytes.windows(16).map(<[u8]>::to_vec).collect::<std::collections::HashSet<_>>();
        // The keys are the same in all lanes, with the header of their frame: S of gates, S of outputs, seed.
        let common: Vec<_> = blocks(&one).intersection(&blocks(&other)).cloned().collect();
        let keys = one.windows(5).filter(|header| header[..] == [4, 48, 0, 0, 0]).count();
        assert!(common.len() <= keys * (5 + 48 + 5 - 15), "{} blocks in common", common.len());
    }
}

#[test]
fn result_parties_and_sessions_in_lanes_are_not_mixed_up() {
    let program = random(5, 3);
    let (shape, terms) = (program.shape(), Terms::new(Reveal::ResultParty));
    let (x, y) = (bits(shape.garbler_bits(), 1), bits(shape.evaluator_bits(), 2));
    for refused in [true, false] {
        let [mut near, mut far] = channels(2);
        let (garbled, evaluated) = std::thread::scope(|scope| {
            let garbling = scope.spawn(|| {
                let rng = &mut ChaCha20Rng::seed_from_u64(1);
                let session = Garbler::new(near.remove(0), &program, terms).with_lanes(near);
                let session = session.hello(rng).unwrap().set_up(rng).unwrap();
                let share = if refused {
                    session.execute_for_result_party(&x, rng)
                } else {
                    session.execute_in_lanes_for_result_party(&x, rng)
                };
                share.map(|(_, share)| share)
            });
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(far.remove(0), &program, terms).with_lanes(far);
            let session = session.hello(rng).unwrap().set_up(rng).unwrap();
            let share = if refused {
                session.execute_for_result_party(&y)
            } else {
                session.execute_in_lanes_for_result_party(&y)
            };
            (garbling.join().unwrap(), share.map(|(_, share)| share))
        });
        if refused {
            assert_eq!(
                [garbled.err(), evaluated.err()],
                [Some(SessionError::InLanes), Some(SessionError::InLanes)]
            );
        } else {
            assert_eq!(garbled.unwrap().combine(&evaluated.unwrap()), Some(expected(&program)));
        }
    }
}

#[test]
fn parties_with_different_numbers_of_lanes_stop_at_the_hello() {
    for [ours, theirs] in [[1, 2], [2, 1], [3, 2], [64, 1]] {
        let [mut near, mut far] = channels(64);
        near.truncate(ours);
        far.truncate(theirs);
        let outcomes = run(&random(1, 2), &USUAL, [near, far]);
        let lanes =
            |ours, theirs| SessionError::Hello(HelloError::Lanes { ours: ours as u8, theirs: theirs as u8 });
        assert_eq!(outcomes.map(Result::err), [Some(lanes(ours, theirs)), Some(lanes(theirs, ours))]);
    }
    let outcomes = run(&random(1, 2), &USUAL, channels(65));
    assert_eq!(outcomes.map(Result::err), [65, 65].map(|given| Some(SessionError::TooManyLanes { given })));
}

#[test]
fn channels_that_changed_places_are_refused() {
    let [near, mut far] = channels(3);
    far.swap(1, 2);
    let outcomes = run(&random(1, 3), &USUAL, [near, far]).map(Result::err);
    let lane = Some(SessionError::Hello(HelloError::Lane { lane: 1 }));
    assert!(outcomes.contains(&lane), "{outcomes:?}");
    assert!(outcomes.iter().all(|error| matches!(error, Some(SessionError::Hello(_)))), "{outcomes:?}");
}

/// What `f` gives, within a time that excludes that anything runs to its end.
fn within<T: Send + 'static>(time: Duration, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    let thread = std::thread::spawn(move || send.send(f()));
    let result = receive.recv_timeout(time).unwrap();
    thread.join().unwrap().unwrap();
    result
}

/// Lanes whose streams fail in the middle of a computation of minutes: of one party, or of both in different lanes. The
/// error is that of the lane that failed first, and not one that followed from it.
#[test]
fn a_lane_that_fails_ends_all_lanes_of_both_parties() {
    for failing in [&[(0, 1)][..], &[(1, 1)], &[(0, 0)], &[(0, 1), (1, 2)], &[(0, 2), (1, 1)]] {
        let outcomes = within(Duration::from_secs(20), move || {
            let long = || Layers { lanes: 1024, pairs: 2_000_000 };
            let program = Sliced::side_by_side(vec![long(), long(), long()]).unwrap();
            let mut ends = channels(3);
            for (side, lane) in failing {
                // The garbler's tables, or the evaluator's corrections.
                ends[*side][*lane].get_mut().most = if *side == 0 { 100_000 } else { 30 };
            }
            run(&program, &USUAL, ends).map(Result::err)
        });
        let errors = outcomes.map(|error| error.unwrap().to_string());
        let of = |side: usize, what| assert!(errors[side].contains(what), "{failing:?}: {errors:?}");
        if let [(side, _)] = failing {
            of(*side, "the connection failed");
            of(1 - side, "the peer closed the connection");
        }
    }
}

/// A chain of gates. `before` runs before every 5,000 of them, with the number of the first.
struct Chain {
    gates: u32,
    before: fn(u32),
}

impl Program for Chain {
    fn name(&self) -> ProgramName {
        ProgramName::literal("chain@1")
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
        let (mut and, y) = (inputs.read(f, 0, 1)?[0], inputs.read(f, 1, 1)?[0]);
        for i in 0..self.gates {
            if i % 5_000 == 0 {
                (self.before)(i);
            }
            and = f.and(and, y)?;
        }
        outputs.push(and);
        Ok(())
    }
}

/// Lane 1 has twice the gates of lane 0, which must not keep its last tables for so long.
#[test]
fn lanes_of_different_lengths_do_not_run_into_the_time_limit() {
    let timeouts = Timeouts { idle: Duration::from_millis(300), ..Timeouts::default() };
    // 400 ms or more, in which a frame of tables is full every 10 ms.
    let slow = || Chain { gates: 200_000, before: |_| std::thread::sleep(Duration::from_millis(10)) };
    let program = Sliced::side_by_side(vec![slow(), slow(), slow()]).unwrap();
    for scheme in Scheme::ALL {
        let connection = || {
            let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
            let address = listener.address().unwrap();
            let far = std::thread::spawn(move || connect(address, Exposure::Loopback, timeouts).unwrap());
            (listener.accept(timeouts).unwrap(), far.join().unwrap())
        };
        let (near, far) = (0..2).map(|_| connection()).unzip();
        let outcomes = run(&program, &Setting { scheme, ..USUAL }, [near, far]);
        assert_eq!(outcomes.map(Result::err), [None, None], "{scheme:?}");
    }
}

#[test]
fn a_lane_that_panics_ends_all_lanes_of_both_parties() {
    let outcome = within(Duration::from_secs(20), || {
        std::panic::catch_unwind(|| {
            let long = |before| Chain { gates: u32::MAX, before };
            let panics = long(|i| assert!(i < 100_000, "a bug in the program"));
            let program = Sliced::side_by_side(vec![long(|_| ()), panics, long(|_| ())]).unwrap();
            run(&program, &USUAL, channels(3)).map(Result::err)
        })
    });
    assert!(outcome.is_err());
}

#[test]
fn a_final_program_fits_its_slices() {
    let slices = |n| (0..n).map(|i| Random::new(i, &[(Holder::Garbler, 1)], 2)).collect::<Vec<_>>();
    let last = |outputs: &[usize]| {
        let streams: Vec<_> = outputs.iter().map(|bits| (Holder::Garbler, *bits)).collect();
        Random::new(0, &streams, 1)
    };
    assert!(Sliced::new(slices(2), last(&[2, 2])).is_some());
    for wrong in [&[2][..], &[2, 2, 2], &[2, 1], &[]] {
        assert!(Sliced::new(slices(2), last(wrong)).is_none(), "{wrong:?}");
    }
    assert!(Sliced::side_by_side(slices(0)).is_none());
    assert!(Sliced::side_by_side(slices(1 << 13)).is_some());
    assert!(Sliced::side_by_side(slices((1 << 13) + 1)).is_none());
    let ids = [slices(2), slices(3)].map(|slices| Sliced::side_by_side(slices).unwrap().id());
    assert_ne!(ids[0], ids[1]);
}

/// A channel that keeps the tables that are sent.
#[derive(Default)]
struct Sent(Vec<u8>);

impl Channel for Sent {
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

/// The vector: in some lanes the false labels of three bits of the garbler and of three gates, and the tables.
fn vector() -> String {
    let rng = &mut ChaCha20Rng::seed_from_u64(16);
    let (delta, (_, keys)) = (Delta::random(rng), SessionKeys::random(rng));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut difference = String::new();
    let lanes = Scheme::ALL.into_iter().flat_map(|scheme| [0, 1, 63].map(|lane| (scheme, lane)));
    let lanes: Vec<String> = lanes
        .map(|(scheme, lane)| {
            let (mut keys, mut sent) = (SessionKeys::from_bytes(keys).in_lane(lane), Sent::default());
            let mut f = Garbling::new(Backend::detect(), &delta, &mut keys, &mut sent).with_scheme(scheme);
            difference = hex(&f.not(Block::ZERO).to_bytes());
            let mut wires = [true, false, true].map(|bit| f.known(bit)).to_vec();
            for (a, b) in [(0, 1), (3, 2), (2, 2)] {
                let (a, b) = (wires[a], wires[b]);
                wires.push(f.and(a, b).unwrap());
            }
            f.finish().unwrap();
            let labels =
                wires.iter().map(|wire| format!("\"{}\"", hex(&wire.to_bytes()))).collect::<Vec<_>>();
            let (name, labels, tables) = (scheme.name(), labels.join(","), hex(&sent.0));
            format!("{{\"lane\":{lane},\"scheme\":\"{name}\",\"labels\":[{labels}],\"tables\":\"{tables}\"}}")
        })
        .collect();
    let (keys, lanes) = (hex(&keys), lanes.join(",\n  "));
    format!("{{\n \"delta\":\"{difference}\",\n \"keys\":\"{keys}\",\n \"lanes\":[\n  {lanes}\n ]\n}}\n")
}

/// `SOTTO_VECTORS=write cargo test -p sotto-mpc --release --test lanes` writes the file.
#[test]
fn gates_of_lanes_have_the_known_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/lanes.json");
    let found = vector();
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), found, "`SOTTO_VECTORS=write` writes the file");
}
