//! Which scheme the compute parties of a semi-honest job garble with: what the link and this processor make fastest.
//!
//! ```text
//! gates < 2¹⁷     three halves: whichever is slower is so by milliseconds, and the link may be slow
//! otherwise       garbler                        evaluator
//!                   a byte           ──▶ ◀──       a byte        four times; the fastest is the round trip
//!                   256 KiB          ──▶ ◀──       a byte
//! gates ≥ 2²¹     1                ──▶                         if these took less than 4 ms, else 0
//!                   8 MiB            ──▶ ◀──       a byte        after 1
//! ```
//!
//! The garbler takes the scheme with the smaller of what it takes a gate, `max(bytes / link, 1 / rate)`, and proposes it in
//! the hello of the session; the evaluator proposes three halves, so the garbler's proposal decides. On a link whose
//! round trip is long, the first bytes are slow and the link seems slower than it is, which is to the good of
//! three halves. A fast link is measured a second time, since of few bytes the encryption, the way and the decryption follow
//! one another, and of many they overlap, as they do for tables. No data of any party is sent. Both know the number of gates, so both know whether a link is measured.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::Job;
use crate::attempt::Begun;
use rand_core::{CryptoRng, RngCore};
use sotto_mpc::Backend;
use sotto_mpc::calibrate::{Layers, garble};
use sotto_mpc::channel::{Channel, ChannelError, Phase};
use sotto_mpc::garble::{Scheme, StreamError};
use sotto_mpc::protocol::semi_honest::Role;

/// Programs with fewer gates are garbled with three halves without a measurement.
pub const UNMEASURED_GATES: u64 = 1 << 17;
/// What is sent to measure a link.
const BURST: usize = 1 << 18;
/// What is sent after it, an eighth of the tables at most, where it took less than this: at least 64 MB a second.
const LONG_BURST: usize = 1 << 23;
const FAST: Duration = Duration::from_millis(4);
/// Programs with fewer gates have fewer tables.
const LONG_GATES: u64 = 1 << 21;
/// Round trips that are tried.
const PINGS: usize = 4;
/// Gates that are garbled to measure this processor.
const SAMPLE: Layers = Layers { lanes: 1024, pairs: 16 };

/// The scheme for a program with so many gates, over a link of so many bytes a second, where this machine garbles
/// gates at these rates a second, in the order of [`Scheme::ALL`].
#[must_use]
pub fn fastest_scheme(gates: u64, bytes_a_second: f64, rates: [f64; 2]) -> Scheme {
    if gates < UNMEASURED_GATES {
        return Scheme::ThreeHalves;
    }
    let seconds = |scheme: Scheme, rate: f64| {
        let on_link = scheme.table_bytes(gates) as f64 / bytes_a_second;
        on_link.max(gates as f64 / rate)
    };
    let [half_gates, three_halves] = rates;
    if seconds(Scheme::ThreeHalves, three_halves) < seconds(Scheme::HalfGates, half_gates) {
        Scheme::ThreeHalves
    } else {
        Scheme::HalfGates
    }
}

/// Gates that this machine garbles in a second, in the order of [`Scheme::ALL`].
///
/// # Errors
/// If the sample cannot be garbled.
pub fn garbling_rates(rng: &mut (impl RngCore + CryptoRng)) -> Result<[f64; 2], StreamError> {
    let mut rates = [0.0; 2];
    for (rate, scheme) in rates.iter_mut().zip(Scheme::ALL) {
        // The first one warms up.
        for _ in 0..2 {
            let start = Instant::now();
            garble(Backend::detect(), scheme, &SAMPLE, rng)?;
            *rate = SAMPLE.gates() as f64 / start.elapsed().as_secs_f64().max(1e-6);
        }
    }
    Ok(rates)
}

/// An attempt with what this party proposes, if two semi-honest parties compute.
pub(super) fn with_proposal<'k, S: Read + Write + Send>(
    mut begun: Begun<'k, S>,
    job: &Job,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Begun<'k, S>, ChannelError> {
    let role = begun.role();
    let Some(line) = begun.semi_honest_line() else { return Ok(begun) };
    let scheme = propose(line, role, job.program.and_gates, rng)?;
    Ok(begun.proposing(scheme))
}

/// What this party proposes for a program with so many gates, after a measurement of the line where one is needed.
fn propose(
    line: &mut impl Channel,
    role: Role,
    gates: u64,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Scheme, ChannelError> {
    match role {
        _ if gates < UNMEASURED_GATES => Ok(Scheme::ThreeHalves),
        Role::Evaluator => answer(line, gates).map(|()| Scheme::ThreeHalves),
        Role::Garbler => {
            let bytes_a_second = measure(line, gates)?;
            // The sample has few gates, and its channel cannot fail.
            Ok(garbling_rates(rng)
                .map_or(Scheme::HalfGates, |rates| fastest_scheme(gates, bytes_a_second, rates)))
        }
    }
}

/// The garbler's part: bytes a second.
fn measure(line: &mut impl Channel, gates: u64) -> Result<f64, ChannelError> {
    let mut round_trip = Duration::MAX;
    for _ in 0..PINGS {
        round_trip = round_trip.min(sent(line, 1)?);
    }
    let (mut bytes, mut took) = (BURST, sent(line, BURST)?.saturating_sub(round_trip));
    if gates >= LONG_GATES {
        let is_fast = took < FAST;
        line.send(Phase::Hello, &[is_fast.into()])?;
        line.flush()?;
        if is_fast {
            (bytes, took) = (LONG_BURST, sent(line, LONG_BURST)?.saturating_sub(round_trip));
        }
    }
    Ok(bytes as f64 / took.as_secs_f64().max(1e-6))
}

/// How long it takes until the evaluator has so many bytes and says so.
fn sent(line: &mut impl Channel, bytes: usize) -> Result<Duration, ChannelError> {
    let start = Instant::now();
    line.send(Phase::Hello, &vec![0; bytes])?;
    line.flush()?;
    line.receive(Phase::Hello, &mut [0])?;
    Ok(start.elapsed())
}

/// The evaluator's part.
fn answer(line: &mut impl Channel, gates: u64) -> Result<(), ChannelError> {
    for bytes in [1; PINGS].into_iter().chain([BURST]) {
        receive(line, bytes)?;
    }
    let mut is_fast = [0];
    if gates >= LONG_GATES {
        line.receive(Phase::Hello, &mut is_fast)?;
    }
    if is_fast == [0] { Ok(()) } else { receive(line, LONG_BURST) }
}

/// Takes so many bytes, and says so.
fn receive(line: &mut impl Channel, bytes: usize) -> Result<(), ChannelError> {
    line.receive(Phase::Hello, &mut vec![0; bytes])?;
    line.send(Phase::Hello, &[0])?;
    line.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;
    use sotto_mpc::channel::memory_pair;

    /// Bytes a second of a link of so many Mbit a second.
    fn link(mbit: f64) -> f64 {
        mbit * 125_000.0
    }

    #[test]
    fn the_slower_of_link_and_processor_decides() {
        let rates = [50e6, 20e6];
        let many = 1 << 30;
        for (mbit, expected) in [
            (10.0, Scheme::ThreeHalves),
            (1_000.0, Scheme::ThreeHalves),
            // Three halves take 24.625 bytes a gate, and 1/20 µs; half gates as long at 32 bytes and 5.12 Gbit a second.
            (5_100.0, Scheme::ThreeHalves),
            (5_130.0, Scheme::HalfGates),
            (40_000.0, Scheme::HalfGates),
        ] {
            assert_eq!(fastest_scheme(many, link(mbit), rates), expected, "{mbit} Mbit/s");
        }
        // Where the processor takes longer either way, half gates are less work or as much.
        assert_eq!(fastest_scheme(many, link(5_100.0), [20e6, 20e6]), Scheme::ThreeHalves);
        assert_eq!(fastest_scheme(many, link(5_130.0), [20e6, 20e6]), Scheme::HalfGates);
    }

    #[test]
    fn small_programs_are_not_measured() {
        let line = || memory_pair().0;
        for (gates, role) in [(0, Role::Garbler), (UNMEASURED_GATES - 1, Role::Evaluator)] {
            assert_eq!(propose(&mut line(), role, gates, &mut OsRng), Ok(Scheme::ThreeHalves));
            assert_eq!(fastest_scheme(gates, link(1e9), [1e9, 1.0]), Scheme::ThreeHalves);
        }
        assert!(
            propose(&mut line(), Role::Evaluator, UNMEASURED_GATES, &mut OsRng).is_err(),
            "no peer is there"
        );
    }

    #[test]
    fn both_parties_take_part_in_a_measurement_and_the_evaluator_leaves_the_choice_to_the_garbler() {
        for gates in [UNMEASURED_GATES, LONG_GATES] {
            let (mut near, mut far) = memory_pair();
            let evaluator = std::thread::spawn(move || propose(&mut far, Role::Evaluator, gates, &mut OsRng));
            assert!(measure(&mut near, gates).unwrap() > 0.0);
            assert_eq!(evaluator.join().unwrap(), Ok(Scheme::ThreeHalves));
        }
        assert!(garbling_rates(&mut OsRng).unwrap().iter().all(|rate| *rate > 1e4));
    }

    /// A line that takes so long for a byte, and for all that measures the link; it moves nothing.
    struct Lag {
        byte: Duration,
        burst: Duration,
        sent: usize,
    }

    impl Channel for Lag {
        fn send(&mut self, _: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
            self.sent = bytes.len();
            Ok(())
        }

        fn flush(&mut self) -> Result<(), ChannelError> {
            Ok(())
        }

        fn receive_some(&mut self, _: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
            std::thread::sleep(if self.sent < BURST { self.byte } else { self.burst });
            Ok(into.len())
        }
    }

    #[test]
    fn the_garbler_proposes_what_the_link_makes_fastest() {
        let proposed = |burst| {
            let line = &mut Lag { byte: Duration::ZERO, burst, sent: 0 };
            propose(line, Role::Garbler, UNMEASURED_GATES, &mut OsRng).unwrap()
        };
        // A quarter of a megabyte a second, and a link that takes no time; a processor may be taken away for a moment.
        assert_eq!(proposed(Duration::from_secs(1)), Scheme::ThreeHalves);
        assert!((0..50).any(|_| proposed(Duration::ZERO) == Scheme::HalfGates));
    }

    #[test]
    fn the_round_trip_does_not_count_as_time_of_the_bytes() {
        let [byte, burst] = [300, 400].map(Duration::from_millis);
        let bytes_a_second = measure(&mut Lag { byte, burst, sent: 0 }, UNMEASURED_GATES).unwrap();
        assert!(bytes_a_second > BURST as f64 / burst.as_secs_f64(), "{bytes_a_second}");
    }

    /// 256 KiB in no time say little; 8 MiB in a second say that it is a slow link after all. One that is slow at once, or
    /// small programs, send no more.
    #[test]
    fn a_fast_link_is_measured_with_more() {
        struct Counted(Duration, Vec<usize>);
        impl Channel for Counted {
            fn send(&mut self, _: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
                self.1.push(bytes.len());
                Ok(())
            }

            fn flush(&mut self) -> Result<(), ChannelError> {
                Ok(())
            }

            fn receive_some(&mut self, _: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
                match self.1.last() {
                    Some(&BURST) => std::thread::sleep(self.0),
                    Some(&LONG_BURST) => std::thread::sleep(Duration::from_secs(1)),
                    _ => {}
                }
                Ok(into.len())
            }
        }
        for (burst, gates, long) in [
            (Duration::ZERO, LONG_GATES, true),
            (2 * FAST, LONG_GATES, false),
            (Duration::ZERO, LONG_GATES - 1, false),
        ] {
            let mut line = Counted(burst, Vec::new());
            let bytes_a_second = measure(&mut line, gates).unwrap();
            assert_eq!(line.1.contains(&LONG_BURST), long);
            assert!(!long || bytes_a_second <= LONG_BURST as f64, "{bytes_a_second}");
        }
    }

    /// Else the link would seem faster than it is.
    #[test]
    fn the_evaluator_answers_when_it_has_all_bytes() {
        let (mut near, mut far) = memory_pair();
        let evaluator = std::thread::spawn(move || answer(&mut far, UNMEASURED_GATES));
        for _ in 0..PINGS {
            sent(&mut near, 1).unwrap();
        }
        near.send(Phase::Hello, &vec![0; BURST - 1]).unwrap();
        near.flush().unwrap();
        drop(near);
        assert!(evaluator.join().unwrap().is_err());
    }
}
