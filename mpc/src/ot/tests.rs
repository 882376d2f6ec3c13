//! Both parties against each other. This file tests honest parties; [`deviations`] tests deviating ones,
//! [`transcripts`] the bytes on the wire, and [`expansion`] all of that with expanded transfers.

mod deviations;
mod expansion;
mod transcripts;

use std::thread;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::*;
use crate::block::{Block, Delta};
use crate::channel::{Channel, Framed, Phase, Pipe, memory_pair};

const SID: SessionId = SessionId([7; 32]);

/// A channel that records sent bytes and lets a test change them.
struct Tap {
    inner: Framed<Pipe>,
    /// The sent payload, after the change.
    sent: Vec<u8>,
    /// Maps a position and a byte to the byte that is sent instead; `None` closes the connection.
    change: fn(&Target, usize, u8) -> Option<u8>,
    target: Target,
}

/// The range and the value of a change.
#[derive(Clone, Copy, Default)]
struct Target {
    start: usize,
    end: usize,
    value: u8,
}

impl Channel for Tap {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        for byte in bytes {
            let changed = (self.change)(&self.target, self.sent.len(), *byte);
            let byte = changed.ok_or(ChannelError::Closed { phase })?;
            self.sent.push(byte);
            self.inner.send(phase, &[byte])?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.inner.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.inner.receive_some(phase, into)
    }
}

impl Tap {
    fn new(inner: Framed<Pipe>) -> Self {
        Self { inner, sent: Vec::new(), change: |_, _, byte| Some(byte), target: Target::default() }
    }

    /// Flips the bits of `value` in the byte at `start`.
    fn flip(&mut self, start: usize, value: u8) {
        self.target = Target { start, end: start + 1, value };
        self.change = |t, at, byte| Some(if at == t.start { byte ^ t.value } else { byte });
    }

    /// Replaces bytes.
    fn overwrite(&mut self, start: usize, end: usize, value: u8) {
        self.target = Target { start, end, value };
        self.change = |t, at, byte| Some(if (t.start..t.end).contains(&at) { t.value } else { byte });
    }

    /// Hangs up before byte `start`.
    fn cut(&mut self, start: usize) {
        self.target = Target { start, ..Target::default() };
        self.change = |t, at, byte| (at < t.start).then_some(byte);
    }
}

/// Both ends of a set-up as a trusted dealer makes it: the outcome of honest base transfers, without their
/// cost.
pub(crate) fn dealt(delta: &Delta, options: Options, rng: &mut ChaCha20Rng) -> (Sender, Receiver) {
    let (mut all, mut known) = (Vec::new(), Vec::new());
    for tree in 0..options.depth.trees() {
        let k = options.depth.bits();
        let alpha: Vec<bool> = (0..k).map(|b| delta.block().to_u128() >> (tree * k + b) & 1 == 1).collect();
        let (leaves, offers) = ggm::grow(Block::random(rng), k);
        let taken: Vec<_> = offers.iter().zip(&alpha).map(|(offer, bit)| offer[usize::from(*bit)]).collect();
        all.extend_from_slice(&leaves.keys);
        known.extend_from_slice(&ggm::puncture(&alpha, &taken).keys);
    }
    let sender = Sender::new(options, known.into(), delta.block(), Block::random(rng));
    let sender = sender.expanded(&SID, rng);
    (sender, Receiver::new(options, all.into()).expanded(&SID, rng))
}

#[test]
fn a_dealt_set_up_transfers_like_a_real_one() {
    for options in all_options() {
        let (mut sender, mut receiver) = dealt(&delta(), options, &mut rng(9));
        let (q, (x, t)) =
            run(|ch| sender.send_random(ch, 300).unwrap(), |ch| receiver.receive_random(ch, 300).unwrap());
        assert!(t == ideal(&q, &x, &delta()));
    }
}

#[test]
fn no_secret_of_a_party_is_shown() {
    let (sender, receiver) = dealt(&delta(), Options::default(), &mut rng(9));
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender(..) Receiver(..)");
}

fn all_options() -> impl Iterator<Item = Options> {
    let adversaries = [Adversary::SemiHonest, Adversary::Malicious];
    [TreeDepth::Two, TreeDepth::Four, TreeDepth::Eight].into_iter().flat_map(move |depth| {
        adversaries.map(|adversary| Options { depth, adversary, ..Options::default() })
    })
}

/// Runs the two parties in two threads.
fn run<A: Send, B: Send>(
    sender: impl FnOnce(&mut Tap) -> A + Send,
    receiver: impl FnOnce(&mut Tap) -> B + Send,
) -> (A, B) {
    let (a, b) = memory_pair();
    thread::scope(|scope| {
        let sender = scope.spawn(move || sender(&mut Tap::new(a)));
        let received = receiver(&mut Tap::new(b));
        (sender.join().unwrap(), received)
    })
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn delta() -> Delta {
    Delta::random(&mut rng(1))
}

fn bits(n: usize, seed: u64) -> Vec<bool> {
    let rng = &mut rng(seed);
    (0..n).map(|_| rng.next_u32() & 1 == 1).collect()
}

/// The ideal functionality: what the receiver must hold, given the sender's outputs.
fn ideal(q: &[Block], x: &[bool], delta: &Delta) -> Vec<Block> {
    q.iter().zip(x).map(|(q, x)| *q ^ delta.times(*x)).collect()
}

#[test]
fn transfers_are_as_ideal_for_all_options_sizes_and_calls() {
    const SIZES: [usize; 9] = [0, 1, 127, 128, 129, 8_191, 8_193, 100_000, 5];
    for options in all_options() {
        let (sent, received) = run(
            |ch| {
                let mut sender = Sender::setup_with(ch, &SID, &delta(), options, &mut rng(2)).unwrap();
                SIZES.map(|n| {
                    let chosen = sender.send_correlated(ch, n).unwrap();
                    (chosen, sender.send_random(ch, n).unwrap())
                })
            },
            |ch| {
                let mut receiver = Receiver::setup_with(ch, &SID, options, &mut rng(3)).unwrap();
                SIZES.map(|n| {
                    let x = bits(n, n as u64);
                    let t = receiver.receive_correlated(ch, &x).unwrap();
                    (x, t, receiver.receive_random(ch, n).unwrap())
                })
            },
        );
        for (n, ((chosen, random), (x, t, (y, s)))) in SIZES.iter().zip(sent.iter().zip(&received)) {
            assert_eq!((t.len(), y.len(), s.len()), (*n, *n, *n));
            assert!(*t == ideal(chosen, x, &delta()));
            assert!(*s == ideal(random, y, &delta()));
        }
    }
}

#[test]
fn no_output_repeats_within_a_session() {
    let (q, _) = run(
        |ch| {
            let mut sender = Sender::setup(ch, &SID, &delta(), &mut rng(2)).unwrap();
            let mut q = sender.send_correlated(ch, 9_000).unwrap();
            q.extend(sender.send_random(ch, 9_000).unwrap());
            q
        },
        |ch| {
            let mut receiver = Receiver::setup(ch, &SID, &mut rng(3)).unwrap();
            receiver.receive_correlated(ch, &[false; 9_000]).unwrap();
            receiver.receive_random(ch, 9_000).unwrap();
        },
    );
    let distinct: std::collections::HashSet<u128> = q.iter().map(|q| q.to_u128()).collect();
    assert_eq!(distinct.len(), 18_000);
}

/// Each lane has correct transfers under the same `Δ`, expanded or not, and no two lanes have one in common, nor a correction.
#[test]
fn lanes_have_transfers_of_their_own() {
    let expanded = Options { depth: TreeDepth::Eight, expansion: Expansion::K16, ..Options::default() };
    for options in [Options::default(), expanded] {
        let (mut first, mut firsts) = dealt(&delta(), options, &mut rng(9));
        let mut senders = first.split(4, &SID, &mut rng(2)).unwrap();
        let mut receivers = firsts.split(4, &SID, &mut rng(3)).unwrap();
        assert!(first.split(2, &SID, &mut rng(4)).is_err(), "a lane is given away once");
        senders.insert(0, first);
        receivers.insert(0, firsts);
        let x = bits(1_000, 5);
        let (mut q, mut corrections) = (Vec::new(), Vec::new());
        for (mut sender, mut receiver) in senders.into_iter().zip(receivers) {
            let (sent, (t, d)) = run(
                |ch| sender.send_correlated(ch, x.len()).unwrap(),
                |ch| (receiver.receive_correlated(ch, &x).unwrap(), ch.sent.split_off(0)),
            );
            assert!(t == ideal(&sent, &x, &delta()));
            q.extend(sent.into_iter().map(Block::to_u128));
            corrections.extend(d.as_chunks::<16>().0.to_vec());
        }
        let distinct = |n: usize, of: usize| assert_eq!(n, of, "{options:?}");
        distinct(q.iter().collect::<std::collections::HashSet<_>>().len(), 4 * x.len());
        distinct(corrections.iter().collect::<std::collections::HashSet<_>>().len(), corrections.len());
    }
}

#[test]
fn the_receiver_gets_the_chosen_message_of_each_pair() {
    let pairs: Vec<[Block; 2]> = (0..300).map(|i| [Block::new(2 * i), Block::new(2 * i + 1)]).collect();
    for options in all_options() {
        let (masked, received) = run(
            |ch| {
                let mut sender = Sender::setup_with(ch, &SID, &delta(), options, &mut rng(2)).unwrap();
                [&pairs[..], &pairs[..], &[]].map(|pairs| {
                    let before = ch.sent.len();
                    sender.send_messages(ch, pairs).unwrap();
                    ch.sent.split_off(before)
                })
            },
            |ch| {
                let mut receiver = Receiver::setup_with(ch, &SID, options, &mut rng(3)).unwrap();
                [300, 300, 0].map(|n| {
                    let x = bits(n, 4);
                    let chosen = receiver.receive_messages(ch, &x).unwrap();
                    (x, chosen)
                })
            },
        );
        assert_ne!(masked[0], masked[1]);
        for (x, chosen) in received {
            let expected = x.iter().zip(&pairs).map(|(x, pair)| pair[usize::from(*x)]);
            assert!(chosen == expected.collect::<Vec<_>>());
        }
    }
}
