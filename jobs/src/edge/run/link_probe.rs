//! Measures the link between the two compute parties of a job before the parties sign.
//!
//! ```text
//! evaluator                              garbler
//!   a byte                  ──▶ ◀──        a byte         eight times; the fastest is the round trip
//!   how many bytes u64      ──▶ ◀──        as many        128 KiB, then twice as many each time, until that takes a second
//!   0 ‖ round trip u64 ‖ bytes a second u64 ──▶           so that both know
//! ```
//!
//! Tables flow from the garbler to the evaluator, so that direction is measured, over the same kind of
//! encrypted channel. No data of any party is sent. The garbler refuses a number that is not twice the one
//! before or is above [`MOST`], so it sends less than 2·[`MOST`] bytes, and answers at most [`MAX_SESSIONS`]
//! times.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use super::error::RunError;
use super::listener::Incoming;
use super::routes::{Call, Routes};
use super::setup::RETRY_INTERVAL;
use sotto_mpc::channel::{Channel, ChannelError, Phase};

/// Bytes that are sent at once, at most.
const MOST: u64 = 1 << 28;
/// Connections on which the garbler answers: the evaluator may lose some.
const MAX_SESSIONS: usize = 8;
/// Bytes in hand.
const PIECE: usize = 1 << 16;
/// Round trips that are tried.
const PINGS: usize = 8;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSpeed {
    /// There and back, for a byte.
    pub round_trip: Duration,
    /// From the garbler to the evaluator.
    pub bytes_a_second: u64,
}

/// Measures the link between the two compute parties of a job; both have to call this within the job's
/// deadline.
///
/// # Errors
/// If we are none of them, or the other one does not come.
pub fn probe(routes: &Routes<'_>) -> Result<LinkSpeed, RunError> {
    let until = Instant::now().checked_add(Duration::from_secs(routes.job.deadline.into()));
    let [garbler, evaluator] = routes.job.pair();
    let is_over = || until.is_none_or(|until| Instant::now() >= until);
    if routes.us == evaluator {
        while !is_over() {
            match routes.call(garbler)? {
                Call::There(mut line) => {
                    if let Ok(link_speed) = ask(&mut *line) {
                        return Ok(link_speed);
                    }
                }
                Call::Away(_) => {}
            }
            thread::sleep(RETRY_INTERVAL);
        }
        return Err(RunError::Late(vec![routes.name(garbler)]));
    }
    if routes.us != garbler {
        let why = "only the two compute parties can measure the link between them".to_owned();
        return Err(RunError::Refused { by: "the job".to_owned(), why });
    }
    let (mut listener, key) = (Incoming::open(routes)?, routes.peer_key(evaluator)?);
    let mut sessions = 0;
    while !is_over() && sessions < MAX_SESSIONS {
        let Some(mut line) = listener.next(routes)?.filter(|line| line.get_ref().peer() == key) else {
            continue;
        };
        sessions += 1;
        if let Ok(link_speed) = answer(&mut line) {
            return Ok(link_speed);
        }
    }
    Err(RunError::Late(vec![routes.name(evaluator)]))
}

/// The evaluator's part.
fn ask(line: &mut impl Channel) -> Result<LinkSpeed, ChannelError> {
    let mut round_trip = Duration::MAX;
    for _ in 0..PINGS {
        let start = Instant::now();
        line.send(Phase::Hello, &[0])?;
        line.receive(Phase::Hello, &mut [0])?;
        round_trip = round_trip.min(start.elapsed());
    }
    let (mut bytes, mut took) = (PIECE as u64, Duration::ZERO);
    while bytes < MOST && took < Duration::from_secs(1) {
        bytes *= 2;
        let start = Instant::now();
        line.send(Phase::Hello, &bytes.to_le_bytes())?;
        pieces(bytes, |n| line.receive(Phase::Tables, &mut [0; PIECE][..n]))?;
        took = start.elapsed().saturating_sub(round_trip);
    }
    let bytes_a_second = (bytes as f64 / took.as_secs_f64().max(1e-6)) as u64;
    let link_speed = LinkSpeed { round_trip, bytes_a_second };
    for number in [0, round_trip.as_nanos() as u64, bytes_a_second] {
        line.send(Phase::Hello, &number.to_le_bytes())?;
    }
    line.flush()?;
    Ok(link_speed)
}

/// The garbler's part.
fn answer(line: &mut impl Channel) -> Result<LinkSpeed, ChannelError> {
    for _ in 0..PINGS {
        line.receive(Phase::Hello, &mut [0])?;
        line.send(Phase::Hello, &[0])?;
        line.flush()?;
    }
    let mut expected = 2 * PIECE as u64;
    loop {
        let bytes = number(line)?;
        if bytes == 0 {
            break;
        }
        if bytes != expected || bytes > MOST {
            return Err(ChannelError::Io { phase: Phase::Hello, kind: ErrorKind::InvalidData });
        }
        pieces(bytes, |n| line.send(Phase::Tables, &[0; PIECE][..n]))?;
        line.flush()?;
        expected *= 2;
    }
    Ok(LinkSpeed { round_trip: Duration::from_nanos(number(line)?), bytes_a_second: number(line)? })
}

fn number(line: &mut impl Channel) -> Result<u64, ChannelError> {
    let mut bytes = [0; 8];
    line.receive(Phase::Hello, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// So many bytes, piece by piece.
fn pieces(bytes: u64, mut each: impl FnMut(usize) -> Result<(), ChannelError>) -> Result<(), ChannelError> {
    let mut left = bytes;
    while left > 0 {
        let n = left.min(PIECE as u64);
        each(n as usize)?;
        left -= n;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mpc::channel::memory_pair;

    #[test]
    fn both_computers_know_what_was_measured() {
        let (mut near, mut far) = memory_pair();
        let answering = thread::spawn(move || answer(&mut far).unwrap());
        let asked = ask(&mut near).unwrap();
        assert_eq!(answering.join().unwrap(), asked);
        assert!(asked.bytes_a_second > 0 && asked.round_trip < Duration::from_secs(60));
    }

    #[test]
    fn no_more_is_sent_than_makes_sense() {
        let (mut near, mut far) = memory_pair();
        let answering = thread::spawn(move || answer(&mut far));
        for _ in 0..PINGS {
            near.send(Phase::Hello, &[0]).unwrap();
            near.receive(Phase::Hello, &mut [0]).unwrap();
        }
        near.send(Phase::Hello, &u64::MAX.to_le_bytes()).unwrap();
        near.flush().unwrap();
        let mut one = [0];
        assert!(answering.join().unwrap().is_err());
        assert!(near.receive(Phase::Tables, &mut one).is_err(), "not a byte");
    }

    #[test]
    fn each_number_is_twice_the_one_before() {
        const FIRST: u64 = 2 * PIECE as u64;
        for numbers in [&[FIRST, FIRST][..], &[PIECE as u64], &[FIRST, 2 * FIRST, 2 * FIRST]] {
            let (mut near, mut far) = memory_pair();
            let answering = thread::spawn(move || answer(&mut far));
            for _ in 0..PINGS {
                near.send(Phase::Hello, &[0]).unwrap();
                near.receive(Phase::Hello, &mut [0]).unwrap();
            }
            for (i, number) in numbers.iter().enumerate() {
                near.send(Phase::Hello, &number.to_le_bytes()).unwrap();
                near.flush().unwrap();
                if i + 1 < numbers.len() {
                    pieces(*number, |n| near.receive(Phase::Tables, &mut [0; PIECE][..n])).unwrap();
                }
            }
            assert!(answering.join().unwrap().is_err(), "{numbers:?}");
        }
    }
}
