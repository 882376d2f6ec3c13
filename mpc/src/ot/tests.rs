//! Both parties against each other, honest and not.

use std::thread;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::*;
use crate::block::{Block, Delta};
use crate::channel::{Framed, Pipe, memory_pair};

type End = Framed<Pipe>;

const SID: Sid = Sid([7; 32]);

fn all_options() -> impl Iterator<Item = Options> {
    [Slice::Two, Slice::Four, Slice::Eight]
        .into_iter()
        .map(|slice| Options { slice, adversary: Adversary::SemiHonest })
}

/// Runs the two parties in two threads.
fn run<A: Send, B: Send>(
    sender: impl FnOnce(End) -> A + Send,
    receiver: impl FnOnce(End) -> B + Send,
) -> (A, B) {
    let (a, b) = memory_pair();
    thread::scope(|scope| {
        let sender = scope.spawn(move || sender(a));
        let received = receiver(b);
        (sender.join().unwrap(), received)
    })
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn choices(n: usize, rng: &mut impl RngCore) -> Vec<bool> {
    (0..n).map(|_| rng.next_u32() & 1 == 1).collect()
}

fn assert_correlated(q: &[Block], t: &[Block], x: &[bool], delta: &Delta) {
    assert_eq!((q.len(), t.len()), (x.len(), x.len()));
    for ((q, t), x) in q.iter().zip(t).zip(x) {
        assert_eq!(*q ^ *t, delta.times(*x));
    }
}

#[test]
fn transfers_are_correlated_for_every_slice_size_and_call() {
    const SIZES: [usize; 9] = [0, 1, 127, 128, 129, 8_191, 8_193, 100_000, 5];
    for options in all_options() {
        let delta = Delta::random(&mut rng(1));
        let (qs, ts) = run(
            |mut ch| {
                let rng = &mut rng(2);
                let mut sender = Sender::setup_with(&mut ch, &SID, &delta, options, rng).unwrap();
                SIZES.map(|n| {
                    let chosen = sender.send_correlated(&mut ch, n).unwrap();
                    (chosen, sender.send_random(&mut ch, n).unwrap())
                })
            },
            |mut ch| {
                let rng = &mut rng(3);
                let mut receiver = Receiver::setup_with(&mut ch, &SID, options, rng).unwrap();
                SIZES.map(|n| {
                    let x = choices(n, rng);
                    let t = receiver.receive_correlated(&mut ch, &x).unwrap();
                    (x, t, receiver.receive_random(&mut ch, n).unwrap())
                })
            },
        );
        for ((chosen, random), (x, t, (y, s))) in qs.iter().zip(&ts) {
            assert_correlated(chosen, t, x, &delta);
            assert_correlated(random, s, y, &delta);
        }
    }
}
