//! A faulty connection can end a session with an error, and do nothing else.
//!
//! A byte is flipped, or the connection is cut, at a chosen position of a small session with fixed seeds.
//! Each party must end with the right output or with an error.

#![allow(clippy::unwrap_used)]

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use sotto_mpc::channel::Framed;
use sotto_mpc::garble::Scheme;
use sotto_mpc::program::{ProgramName, Shape};
use sotto_mpc::programs::Sliced;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, OutputShare, Reveal, SessionError, Terms};
use sotto_mpc::{Fancy, Inputs, Phase, Program};

/// Every kind of gate, and outputs that depend on every input.
struct Small;

impl Program for Small {
    fn name(&self) -> ProgramName {
        ProgramName::new("small@1").unwrap()
    }

    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    fn shape(&self) -> Shape {
        Shape::two_party(3, 3, 5)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 3)?, inputs.read(f, 1, 3)?);
        let mut and = [F::Wire::default(); 3];
        f.and_n(&x, &y, &mut and)?;
        let one = f.constant(true);
        let xor = f.xor(and[0], y[1]);
        let not = f.not(xor);
        let last = f.and(not, one)?;
        outputs.extend([and[1], and[2], last, x[0], y[2]]);
        Ok(())
    }
}

const X: [bool; 3] = [true, false, true];
const Y: [bool; 3] = [true, true, false];

/// The fault in the bytes that one end writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// One bit of this byte is flipped.
    Flip(usize),
    /// The connection is cut at this byte.
    Cut(usize),
    /// The 16 bytes from here and the next 16 change places.
    Swap(usize),
}

/// One end of a faulty connection.
struct End {
    to: Option<Sender<Vec<u8>>>,
    from: Receiver<Vec<u8>>,
    waiting: Vec<u8>,
    written: Vec<u8>,
    fault: Fault,
    timeout: Duration,
}

fn connection(faults: [Fault; 2], timeout: Duration) -> [End; 2] {
    let ((to_b, from_a), (to_a, from_b)) = (channel(), channel());
    let end = |to, from, fault| End { to: Some(to), from, waiting: vec![], written: vec![], fault, timeout };
    [end(to_b, from_b, faults[0]), end(to_a, from_a, faults[1])]
}

impl Read for End {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.waiting.is_empty() {
            match self.from.recv_timeout(self.timeout) {
                Ok(bytes) => self.waiting = bytes,
                Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let n = into.len().min(self.waiting.len());
        into[..n].copy_from_slice(&self.waiting[..n]);
        self.waiting.drain(..n);
        Ok(n)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let from = self.written.len();
        self.written.extend_from_slice(bytes);
        let mut sent = bytes.to_vec();
        match self.fault {
            Fault::Flip(at) if (from..from + sent.len()).contains(&at) => sent[at - from] ^= 1 << (at % 8),
            Fault::Swap(at) if (from..from + sent.len()).contains(&at) => {
                sent[at - from..at - from + 32].rotate_left(16);
            }
            Fault::Cut(at) if at < from + sent.len() => {
                sent.truncate(at.saturating_sub(from));
                let _ = self.to.take().map(|to| to.send(sent));
                return Ok(bytes.len());
            }
            _ => {}
        }
        match &self.to {
            Some(to) if to.send(sent).is_err() => Err(ErrorKind::BrokenPipe.into()),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Outcome = Result<(Option<Vec<bool>>, Vec<u8>), SessionError>;

/// The output (or its share) and the written bytes of garbler and evaluator.
fn run(reveal: Reveal, faults: [Fault; 2], timeout: Duration) -> [Outcome; 2] {
    run_with(Scheme::HalfGates, reveal, faults, timeout)
}

fn run_with(scheme: Scheme, reveal: Reveal, faults: [Fault; 2], timeout: Duration) -> [Outcome; 2] {
    let [near, far] = connection(faults, timeout);
    let terms = Terms::new(reveal);
    std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(Framed::new(near), &Small, terms).proposing(scheme);
            let session = session.hello(rng)?.set_up(rng)?;
            let (session, output) = match reveal {
                Reveal::ResultParty => {
                    let (session, share) = session.execute_for_result_party(&X[..].into(), rng)?;
                    (session, Some(share.bits().to_vec()))
                }
                _ => session.execute(&X[..].into(), rng)?,
            };
            Ok((output, session.close().into_inner().written))
        });
        let evaluate = move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(Framed::new(far), &Small, terms).proposing(scheme);
            let session = session.hello(rng)?.set_up(rng)?;
            let (session, output) = match reveal {
                Reveal::ResultParty => {
                    let (session, share) = session.execute_for_result_party(&Y[..].into())?;
                    (session, Some(share.bits().to_vec()))
                }
                _ => session.execute(&Y[..].into())?,
            };
            Ok((output, session.close().into_inner().written))
        };
        let evaluated = evaluate();
        [garbling.join().unwrap(), evaluated]
    })
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

/// The bytes that each end writes in a run without faults, which must give the right outputs.
fn good(reveal: Reveal) -> [Vec<u8>; 2] {
    good_with(Scheme::HalfGates, reveal)
}

fn good_with(scheme: Scheme, reveal: Reveal) -> [Vec<u8>; 2] {
    let outcomes = run_with(scheme, reveal, [Fault::None; 2], LONG);
    assert!(!answers(reveal, &outcomes).is_empty());
    outcomes.map(|outcome| outcome.unwrap().1)
}

/// The outputs that the parties accept, which must be right.
fn answers(reveal: Reveal, outcomes: &[Outcome; 2]) -> Vec<Vec<bool>> {
    let outputs = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()?.0.clone());
    let answers: Vec<_> = match (reveal, outputs.collect::<Vec<_>>().as_slice()) {
        (Reveal::ResultParty, [garbler, evaluator]) => {
            let share = |bits: &[bool]| OutputShare::from_bits(bits.to_vec());
            vec![share(garbler).combine(&share(evaluator)).unwrap()]
        }
        (Reveal::ResultParty, _) => vec![],
        (_, outputs) => outputs.to_vec(),
    };
    assert!(answers.iter().all(|answer| *answer == Small.compute(&X, &Y)), "a wrong answer");
    answers
}

/// The phase of each byte, headers included.
fn phases(bytes: &[u8]) -> Vec<Phase> {
    let mut phases = Vec::new();
    let mut rest = bytes;
    while let [code, a, b, c, d, ..] = *rest {
        let frame = 5 + u32::from_le_bytes([a, b, c, d]) as usize;
        phases.extend(std::iter::repeat_n(Phase::from_code(code).unwrap(), frame));
        rest = &rest[frame..];
    }
    phases
}

/// Every `step`-th byte of the phases of oblivious transfer, whose messages are long, and every other byte.
fn places(bytes: &[u8], step: usize) -> Vec<usize> {
    let long = |phase| matches!(phase, Phase::BaseOt | Phase::OtExtension);
    let places = phases(bytes).into_iter().enumerate().filter(|(at, phase)| !long(*phase) || at % step == 0);
    places.map(|(at, _)| at).collect()
}

fn flip_bytes(scheme: Scheme, reveal: Reveal, step: usize) {
    for (side, bytes) in good_with(scheme, reveal).iter().enumerate() {
        for at in places(bytes, step) {
            let mut faults = [Fault::None; 2];
            faults[side] = Fault::Flip(at);
            answers(reveal, &run_with(scheme, reveal, faults, SHORT));
        }
    }
}

#[test]
fn output_hashes_and_labels_that_change_places_match_nothing() {
    for (reveal, side) in [
        (Reveal::Evaluator, 0),
        (Reveal::Both, 0),
        (Reveal::ResultParty, 0),
        (Reveal::Garbler, 1),
        (Reveal::Both, 1),
    ] {
        let bytes = &good(reveal)[side];
        let outputs = phases(bytes).iter().position(|phase| *phase == Phase::Outputs).unwrap() + 5 + 32;
        for at in (outputs..bytes.len() - 16).step_by(16) {
            let mut faults = [Fault::None; 2];
            faults[side] = Fault::Swap(at);
            let outcomes = run(reveal, faults, LONG);
            answers(reveal, &outcomes);
            // Moving hashes of labels that the evaluator does not hold may go unnoticed, but not swapping
            // those of one output.
            if side == 1 || (at - outputs).is_multiple_of(32) {
                let error = outcomes[1 - side].as_ref().err();
                assert_eq!(error, Some(&SessionError::Output), "{reveal:?}, byte {at}");
            }
        }
    }
}

/// A party that awaits outputs first compares transcripts: any other digest ends the session.
#[test]
fn a_transcript_digest_that_differs_in_one_bit_is_an_error() {
    for (reveal, sides) in [
        (Reveal::Garbler, &[1][..]),
        (Reveal::Evaluator, &[0]),
        (Reveal::Both, &[0, 1]),
        (Reveal::ResultParty, &[0]),
    ] {
        for side in sides {
            let bytes = &good(reveal)[*side];
            let digest = phases(bytes).iter().position(|phase| *phase == Phase::Outputs).unwrap() + 5;
            for at in [digest, digest + 15, digest + 31] {
                let mut faults = [Fault::None; 2];
                faults[*side] = Fault::Flip(at);
                let outcomes = run(reveal, faults, LONG);
                let error = outcomes[1 - side].as_ref().err();
                assert_eq!(error, Some(&SessionError::Transcript), "{reveal:?}, byte {at} of {side}");
            }
        }
    }
}

#[test]
fn a_flipped_byte_never_gives_a_wrong_answer() {
    for scheme in Scheme::ALL {
        flip_bytes(scheme, Reveal::Both, 97);
        flip_bytes(scheme, Reveal::ResultParty, 197);
    }
}

/// The outputs and the bytes of the second of two lanes, whose connection has these faults.
fn run_in_lanes(scheme: Scheme, faults: [Fault; 2], timeout: Duration) -> [Outcome; 2] {
    let program = Sliced::side_by_side(vec![Small, Small]).unwrap();
    let [[near, far], [near_1, far_1]] = [connection([Fault::None; 2], LONG), connection(faults, timeout)];
    let [near, near_1, far, far_1] = [near, near_1, far, far_1].map(Framed::new);
    let (terms, both) = (Terms::new(Reveal::Both), |bits: [bool; 3]| [bits, bits].as_flattened().into());
    let written = |mut lanes: Vec<Framed<End>>| lanes.remove(1).into_inner().written;
    std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near, &program, terms).with_lanes(vec![near_1]).proposing(scheme);
            let (session, output) = session.hello(rng)?.set_up(rng)?.execute_in_lanes(&both(X), rng)?;
            Ok((output, written(session.close_lanes())))
        });
        let evaluate = || {
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(far, &program, terms).with_lanes(vec![far_1]).proposing(scheme);
            let (session, output) = session.hello(rng)?.set_up(rng)?.execute_in_lanes(&both(Y))?;
            Ok((output, written(session.close_lanes())))
        };
        let evaluated = evaluate();
        [garbling.join().unwrap(), evaluated]
    })
}

#[test]
fn a_flipped_byte_in_a_further_lane_never_gives_a_wrong_answer() {
    for scheme in Scheme::ALL {
        let good = run_in_lanes(scheme, [Fault::None; 2], LONG).map(Result::unwrap);
        let expected = Some(Small.compute(&X, &Y).repeat(2));
        assert!(good.iter().all(|(output, _)| *output == expected));
        for (side, (_, bytes)) in good.iter().enumerate() {
            for at in places(bytes, 97) {
                let mut faults = [Fault::None; 2];
                faults[side] = Fault::Flip(at);
                let outcomes = run_in_lanes(scheme, faults, SHORT);
                let outputs: Vec<_> = outcomes.iter().flatten().map(|(output, _)| output).collect();
                assert!(outputs.into_iter().all(|output| *output == expected), "byte {at} of {side}");
                // What is not a table is in the transcript.
                let is_hashed = !matches!(phases(bytes)[at], Phase::Tables);
                assert!(!is_hashed || outcomes.iter().any(Result::is_err), "byte {at} of {side}");
            }
        }
    }
}

#[test]
#[ignore = "takes minutes: every byte, and every receiver"]
fn no_flipped_byte_at_all_gives_a_wrong_answer() {
    for reveal in [Reveal::Garbler, Reveal::Evaluator, Reveal::Both, Reveal::ResultParty] {
        Scheme::ALL.into_iter().for_each(|scheme| flip_bytes(scheme, reveal, 1));
    }
}

#[test]
fn a_cut_connection_is_an_error_with_its_phase() {
    for (side, bytes) in good(Reveal::Both).iter().enumerate() {
        let places: Vec<_> = (0..bytes.len()).step_by(bytes.len() / 23).collect();
        for at in places.into_iter().chain([bytes.len() - 1]) {
            let mut faults = [Fault::None; 2];
            faults[side] = Fault::Cut(at);
            let outcomes = run(Reveal::Both, faults, LONG);
            let error = outcomes[1 - side].as_ref().unwrap_err().to_string();
            assert!(error.contains("phase"), "cut at {at} of side {side}: {error}");
        }
    }
}

#[test]
fn a_peer_that_sends_garbage_is_an_error() {
    use rand_core::RngCore;
    for seed in 0..40 {
        let [mut near, far] = connection([Fault::None; 2], SHORT);
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let mut garbage = vec![0; 10_000];
        rng.fill_bytes(&mut garbage);
        // OutputShare of them look like a frame of the right phase and length.
        if seed % 2 == 0 {
            garbage[..5].copy_from_slice(&[Phase::Hello.code(), 145, 0, 0, 0]);
        }
        near.write_all(&garbage).unwrap();
        let terms = Terms::new(Reveal::Both);
        let refused = match seed % 4 {
            0 | 1 => Garbler::new(Framed::new(far), &Small, terms).hello(rng).is_err(),
            _ => Evaluator::new(Framed::new(far), &Small, terms).hello(rng).is_err(),
        };
        assert!(refused);
    }
}

/// Each side's bytes of a run without faults: their number, and the beginning of their hash.
fn digests(scheme: Scheme) -> [String; 2] {
    good_with(scheme, Reveal::Both).map(|bytes| {
        let digest = Sha256::digest(&bytes);
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{} bytes, {hex}", bytes.len())
    })
}

#[test]
fn the_wire_format_has_not_changed() {
    assert_eq!(digests(Scheme::HalfGates), ["4668 bytes, 0e5390a24033cbb9", "5429 bytes, a29e509274b3a5dc"]);
    assert_eq!(
        digests(Scheme::ThreeHalves),
        ["4639 bytes, c9c9099b365b1e2c", "5429 bytes, f352db6bdc9bf847"]
    );
}
