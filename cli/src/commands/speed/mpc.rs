//! The figures of joint computation: garbling and evaluation alone, two parties over loopback, oblivious
//! transfer.
//!
//! Each party uses one thread, so two parties need two processors for a meaningful figure; in lanes, twice as many
//! processors as lanes.

use super::figure::{Figure, Quantity, Unit};
use crate::exit::{Code, Failure, Outcome};
use rand_core::OsRng;
use sotto_mpc::calibrate::{self, Chained, Layers};
use sotto_mpc::channel::Framed;
use sotto_mpc::edge::tcp::{Exposure, Listener, Peer, Timeouts, connect};
use sotto_mpc::garble::Scheme;
use sotto_mpc::ot::{OtError, Receiver, Sender, SessionId};
use sotto_mpc::programs::{Aes128, Sliced};
use sotto_mpc::protocol::malicious;
use sotto_mpc::protocol::multiparty::{Experimental, Parties, Place, Plan, Session};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, Reveal, SessionError, Terms};
use sotto_mpc::{Backend, Bits, Delta, Program};
use std::{
    fmt::Display,
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

/// A program of AES-128 encryptions, with about two million gates.
const AES: Chained<Aes128> = Chained { program: Aes128, times: 300 };
/// A program of about two million independent gates.
const GATES: Layers = Layers { lanes: 1_024, pairs: 1_000 };
/// A program of two full chunks of a malicious session, but for a few gates.
const CHUNKS: Layers = Layers { lanes: 1_024, pairs: 547 };
/// Transfers in a call.
const TRANSFERS: usize = 1 << 21;
/// Executions of a session, and calls for transfers.
const TURNS: usize = 9;
/// Malicious sessions.
const MALICIOUS_TURNS: usize = 3;

/// All figures of joint computation, in the order of printing.
pub(crate) fn figures(lanes: Option<u8>) -> Outcome<Vec<Figure>> {
    let (half_gates, three_halves) = (Scheme::HalfGates, Scheme::ThreeHalves);
    let keys = ["garble_mands", "evaluate_mands"];
    let mut figures = single_party(half_gates, keys, "independent AND gates", &GATES)?;
    let keys = ["halves_garble_mands", "halves_evaluate_mands"];
    figures.extend(single_party(three_halves, keys, "independent AND gates, three halves", &GATES)?);
    let keys = ["aes_garble_mands", "aes_evaluate_mands"];
    figures.extend(single_party(half_gates, keys, "AND gates of AES-128", &AES)?);
    figures.extend(two_parties()?);
    figures.extend(lanes.map(two_parties_in_lanes).transpose()?);
    figures.extend(malicious_parties()?);
    figures.push(three_parties()?);
    figures.extend(transfers()?);
    Ok(figures)
}

fn rate(key: &'static str, items: u64) -> Quantity {
    Quantity { key, unit: Unit::MillionsASecond, items }
}

/// A program run by the garbler alone, then by the evaluator alone.
fn single_party(
    scheme: Scheme,
    [garble, evaluate]: [&'static str; 2],
    what: &'static str,
    program: &impl Program,
) -> Outcome<Vec<Figure>> {
    let (backend, gates) = (Backend::detect(), program.cost().and_gates);
    Ok(vec![
        Figure::measure(rate(garble, gates), format!("{what}, garbled"), || {
            calibrate::garble(backend, scheme, program, &mut OsRng).is_ok()
        })?,
        Figure::measure(rate(evaluate, gates), format!("{what}, evaluated"), || {
            calibrate::evaluate(backend, scheme, program, &mut OsRng).is_ok()
        })?,
    ])
}

/// A session over loopback: its AND gates per second, and the garbler's bytes per gate.
fn two_parties() -> Outcome<Vec<Figure>> {
    let (terms, bits) = (Terms::new(Reveal::Both), Bits::from(&[true; 128][..]));
    let (near, far) = peers()?;
    let garble = || {
        let session = Garbler::new(near, &AES, terms).hello(&mut OsRng)?.set_up(&mut OsRng)?;
        let (mut session, mut turns) = (session, Vec::new());
        for _ in 0..TURNS {
            let start = Instant::now();
            session = session.execute(&bits, &mut OsRng)?.0;
            turns.push(start.elapsed());
        }
        Ok::<_, SessionError>((turns, session.close().traffic().sent))
    };
    let evaluate = || {
        let mut session = Evaluator::new(far, &AES, terms).hello(&mut OsRng)?.set_up(&mut OsRng)?;
        for _ in 0..TURNS {
            session = session.execute(&bits)?.0;
        }
        Ok::<_, SessionError>(())
    };
    let ((turns, sent), ()) = run_both(garble, evaluate)?;
    let gates = AES.cost().and_gates;
    let bytes = sent as f64 / (gates * TURNS as u64) as f64;
    Ok(vec![
        Figure::of(rate("twoparty_mands", gates), "AND gates of AES-128, two parties over loopback", turns),
        Figure::bytes("twoparty_bytes_per_and", "sent by the garbler per AND gate", bytes),
    ])
}

/// A session in lanes over loopback, with as many AND gates for each lane as in one: its AND gates per second.
fn two_parties_in_lanes(lanes: u8) -> Outcome<Figure> {
    let program = Sliced::side_by_side(vec![AES; lanes.into()]).ok_or("slices").map_err(failed)?;
    let (terms, input) = (Terms::new(Reveal::Both), Bits::from(&vec![true; 128 * usize::from(lanes)][..]));
    let ends = (0..lanes).map(|_| peers()).collect::<Outcome<Vec<_>>>()?;
    let (mut near, mut far): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    let garble = || {
        let session = Garbler::new(near.remove(0), &program, terms).with_lanes(near);
        let (mut session, mut turns) = (session.hello(&mut OsRng)?.set_up(&mut OsRng)?, Vec::new());
        for _ in 0..TURNS {
            let start = Instant::now();
            session = session.execute_in_lanes(&input, &mut OsRng)?.0;
            turns.push(start.elapsed());
        }
        Ok::<_, SessionError>(turns)
    };
    let evaluate = || {
        let session = Evaluator::new(far.remove(0), &program, terms).with_lanes(far);
        let mut session = session.hello(&mut OsRng)?.set_up(&mut OsRng)?;
        for _ in 0..TURNS {
            session = session.execute_in_lanes(&input)?.0;
        }
        Ok::<_, SessionError>(())
    };
    let (turns, ()) = run_both(garble, evaluate)?;
    let what = format!("AND gates of AES-128, two parties over loopback, lanes: {lanes}");
    Ok(Figure::of(rate("twoparty_lanes_mands", program.cost().and_gates), what, turns))
}

/// A malicious session over loopback: its AND gates per second without set-up, and the bytes that both parties
/// send per gate.
fn malicious_parties() -> Outcome<Vec<Figure>> {
    let (terms, settings) = (Terms::new(Reveal::Both), malicious::Settings::default());
    let input = &Bits::from(&[true; CHUNKS.lanes][..]);
    let (mut turns, mut bytes) = (Vec::new(), 0.0);
    for _ in 0..MALICIOUS_TURNS {
        let (near, far) = peers()?;
        let garble = || {
            let session = malicious::Garbler::new(near, &CHUNKS, terms, settings);
            let session = session.hello(&mut OsRng)?.set_up(&mut OsRng)?;
            let start = Instant::now();
            let session = session.execute(input, &mut OsRng)?;
            Ok::<_, malicious::SessionError>((start.elapsed(), session.close().traffic()))
        };
        let evaluate = || {
            let session = malicious::Evaluator::new(far, &CHUNKS, terms, settings);
            session.hello(&mut OsRng)?.set_up(&mut OsRng)?.execute(input, &mut OsRng)?;
            Ok(())
        };
        let ((turn, traffic), ()) = run_both(garble, evaluate)?;
        turns.push(turn);
        bytes = (traffic.sent + traffic.received) as f64 / CHUNKS.gates() as f64;
    }
    let quantity =
        Quantity { key: "malicious2_kands", unit: Unit::ThousandsASecond, items: CHUNKS.gates() as u64 };
    Ok(vec![
        Figure::of(quantity, "AND gates, two parties over loopback, malicious security", turns),
        Figure::bytes("malicious2_bytes_per_and", "sent by both parties per AND gate", bytes),
    ])
}

/// A session of three over loopback, malicious and experimental: its AND gates per second without set-up.
fn three_parties() -> Outcome<Figure> {
    let (three, place) = (Parties::new(3).ok_or("three"), |i| Place::new(i).ok_or("a place"));
    let plan = three.and_then(|three| {
        let (first, second) = (place(1)?, place(2)?);
        Plan::new(Experimental, three, &[first, second], &[first]).map_err(|_| "a plan")
    });
    let plan = plan.map_err(failed)?;
    let input = &Bits::from(&[true; CHUNKS.lanes][..]);
    let mut turns = Vec::new();
    for _ in 0..MALICIOUS_TURNS {
        let [(ab, ba), (ac, ca), (bc, cb)] = [peers()?, peers()?, peers()?];
        let (plan, none) = (&plan, &Bits::default());
        let part = |number: u8, channels, bits| {
            move || {
                let place = place(number).map_err(failed)?;
                let session = Session::new(channels, place, &CHUNKS, plan);
                let session =
                    session.hello(&mut OsRng).map_err(failed)?.set_up(&mut OsRng).map_err(failed)?;
                let start = Instant::now();
                session.execute(bits, &mut OsRng).map_err(failed)?;
                Ok::<_, Failure>(start.elapsed())
            }
        };
        let (first, second, third) =
            (part(1, vec![ab, ac], input), part(2, vec![ba, bc], input), part(3, vec![ca, cb], none));
        let turn = thread::scope(|scope| {
            let others = [scope.spawn(second), scope.spawn(third)];
            let turn = first();
            for other in others {
                other.join().map_err(|_| failed("a thread panicked"))??;
            }
            turn
        });
        turns.push(turn?);
    }
    let quantity =
        Quantity { key: "malicious3_kands", unit: Unit::ThousandsASecond, items: CHUNKS.gates() as u64 };
    Ok(Figure::of(
        quantity,
        "AND gates, three parties over loopback, malicious security, experimental",
        turns,
    ))
}

/// Random correlated transfers over loopback, with the options of a session.
fn transfers() -> Outcome<Vec<Figure>> {
    let (mut near, mut far) = peers()?;
    let sid = SessionId([1; 32]);
    let send = || {
        let mut sender = Sender::setup(&mut near, &sid, &Delta::random(&mut OsRng), &mut OsRng)?;
        for _ in 0..TURNS {
            sender.send_random(&mut near, TRANSFERS)?;
        }
        Ok::<_, OtError>(())
    };
    let receive = || {
        let mut receiver = Receiver::setup(&mut far, &sid, &mut OsRng)?;
        let (mut turns, before) = (Vec::new(), far.traffic().sent);
        for _ in 0..TURNS {
            let start = Instant::now();
            receiver.receive_random(&mut far, TRANSFERS)?;
            turns.push(start.elapsed());
        }
        Ok::<_, OtError>((turns, far.traffic().sent - before))
    };
    let ((), (turns, sent)) = run_both(send, receive)?;
    let bytes = sent as f64 / (TRANSFERS * TURNS) as f64;
    Ok(vec![
        Figure::of(rate("cot_mops", TRANSFERS as u64), "random correlated oblivious transfers", turns),
        Figure::bytes("cot_bytes", "sent by the receiver per transfer", bytes),
    ])
}

/// The two ends of a connection over loopback.
fn peers() -> Outcome<(Framed<Peer>, Framed<Peer>)> {
    let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback).map_err(failed)?;
    let address = listener.address().map_err(failed)?;
    let timeouts = Timeouts { idle: Duration::from_secs(30), ..Timeouts::default() };
    let connect = || connect(address, Exposure::Loopback, timeouts);
    run_both(|| listener.accept(timeouts), connect)
}

/// Runs two sides at once, the first on a thread of its own.
fn run_both<A: Send, B, E: Display + Send>(
    first: impl FnOnce() -> Result<A, E> + Send,
    second: impl FnOnce() -> Result<B, E>,
) -> Outcome<(A, B)> {
    thread::scope(|scope| {
        let first: ScopedJoinHandle<'_, _> = scope.spawn(first);
        let second = second();
        let first = first.join().map_err(|_| failed("a thread panicked"))?;
        Ok((first.map_err(failed)?, second.map_err(failed)?))
    })
}

fn failed(why: impl Display) -> Failure {
    Failure::new(Code::Internal, "the computation with this machine itself failed").why(why)
}
