//! A slow link in virtual time: computing takes no time, and a message takes the latency of the link and its
//! share of the bandwidth.
//!
//! This measures the protocol itself: how often one party waits for the other, and that only the number of
//! bytes decides how long a long computation takes.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::calibrate::Layers;
use sotto_mpc::channel::Framed;
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::malicious;
use sotto_mpc::protocol::semi_honest::{Reveal, Terms, prefetched_labels};
use sotto_mpc::{Bits, Phase, Program};
use support::{Pieces, both};

/// The latency in seconds, and the bandwidth in bytes per second.
#[derive(Clone, Copy)]
struct Link {
    latency: f64,
    bandwidth: f64,
}

/// One end of a link, with a clock of its own.
struct End {
    link: Link,
    now: f64,
    /// The time at which the bytes written so far have been sent.
    free: f64,
    to: SyncSender<(f64, Vec<u8>)>,
    from: Receiver<(f64, Vec<u8>)>,
    waiting: Vec<u8>,
    /// The time at which the first table was sent.
    first_table: Option<f64>,
}

fn connection(link: Link) -> [End; 2] {
    let ((to_b, from_a), (to_a, from_b)) = (sync_channel(64), sync_channel(64));
    let end = |to, from| End { link, now: 0.0, free: 0.0, to, from, waiting: Vec::new(), first_table: None };
    [end(to_b, from_b), end(to_a, from_a)]
}

impl Read for End {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.waiting.is_empty() {
            let Ok((arrival, bytes)) = self.from.recv() else { return Ok(0) };
            self.now = self.now.max(arrival);
            self.waiting = bytes;
        }
        let n = into.len().min(self.waiting.len());
        into[..n].copy_from_slice(&self.waiting[..n]);
        self.waiting.drain(..n);
        Ok(n)
    }
}

impl Write for End {
    /// Whole frames, as `Framed` writes them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let [code, a, b, c, d, payload @ ..] = rest {
            if *code == Phase::Tables.code() {
                self.first_table.get_or_insert(self.now);
            }
            rest = &payload[u32::from_le_bytes([*a, *b, *c, *d]) as usize..];
        }
        self.free = self.free.max(self.now) + bytes.len() as f64 / self.link.bandwidth;
        let message = (self.free + self.link.latency, bytes.to_vec());
        self.to.send(message).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session with one execution: both ends, and the bytes that the garbler sent.
fn run(program: &(impl Program + Sync), reveal: Reveal, link: Link) -> ([End; 2], u64) {
    let shape = program.shape();
    let inputs = [shape.garbler_bits(), shape.evaluator_bits()].map(|n| Bits::from(&vec![true; n][..]));
    let job = (program, Terms::new(reveal));
    let ended = both(connection(link).map(Framed::new), job, [Expansion::None; 2], inputs.each_ref());
    let [garbler, evaluator] = ended.map(|ended| ended.unwrap().0);
    let sent = garbler.traffic().sent;
    ([garbler, evaluator].map(Framed::into_inner), sent)
}

#[test]
fn the_first_table_leaves_after_one_and_a_half_round_trips() {
    let flights = Link { latency: 1.0, bandwidth: f64::INFINITY };
    let program = Layers { lanes: 300, pairs: 40 };
    for (reveal, garbler_ends, evaluator_ends) in
        [(Reveal::Evaluator, 3.0, 4.0), (Reveal::Garbler, 5.0, 4.0), (Reveal::Both, 5.0, 6.0)]
    {
        let ([garbler, evaluator], _) = run(&program, reveal, flights);
        assert_eq!(garbler.first_table, Some(3.0), "{reveal:?}");
        assert_eq!((garbler.now, evaluator.now), (garbler_ends, evaluator_ends), "{reveal:?}");
    }
}

#[test]
fn labels_that_are_fetched_later_cost_a_round_trip_each_time() {
    let flights = Link { latency: 1.0, bandwidth: f64::INFINITY };
    for (bits, refills) in [
        (1000, 0),
        (prefetched_labels(1), 0),
        (prefetched_labels(1) + 1, 1),
        (2 * prefetched_labels(1) + 1, 2),
    ] {
        let ([garbler, evaluator], _) = run(&Pieces(bits), Reveal::Evaluator, flights);
        let later = 2.0 * f64::from(refills);
        assert_eq!((garbler.now, evaluator.now), (3.0 + later, 4.0 + later), "{bits} bits");
    }
}

#[test]
fn a_long_computation_takes_as_long_as_its_bytes() {
    // 100 ms there and back, 100 Mbit/s.
    let link = Link { latency: 0.05, bandwidth: 12.5e6 };
    let ([garbler, evaluator], sent) = run(&Layers { lanes: 1024, pairs: 1000 }, Reveal::Both, link);
    let (taken, least) = (garbler.now.max(evaluator.now), sent as f64 / link.bandwidth);
    assert!(least > 5.0 && taken < 1.1 * least, "{taken:.3} s for what fits {least:.3} s");
}

/// Against a malicious party: the parties send in turn, so the line carries the bytes of both one after the other. Each
/// chunk waits for some round trips beside that.
#[test]
fn a_long_malicious_computation_takes_little_longer_than_its_bytes() {
    let link = Link { latency: 0.05, bandwidth: 12.5e6 };
    let program = &Layers { lanes: 1024, pairs: 548 };
    let [near, far] = connection(link);
    let (terms, settings) = (Terms::new(Reveal::Both), malicious::Settings::default());
    let input = &Bits::from(&[true; 1024][..]);
    let (garbler, evaluator) = std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = malicious::Garbler::new(Framed::new(near), program, terms, settings);
            session.hello(rng).unwrap().set_up(rng).unwrap().execute(input, rng).unwrap().close()
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let session = malicious::Evaluator::new(Framed::new(far), program, terms, settings);
        let session = session.hello(rng).unwrap().set_up(rng).unwrap().execute(input, rng).unwrap();
        (garbling.join().unwrap(), session.close())
    });
    let bytes = garbler.traffic().sent + evaluator.traffic().sent;
    let (garbler, evaluator) = (garbler.into_inner(), evaluator.into_inner());
    let (taken, least) = (garbler.now.max(evaluator.now), bytes as f64 / link.bandwidth);
    assert!(least > 15.0 && taken < 1.25 * least, "{taken:.3} s for what fits {least:.3} s");
}
