//! Two compute parties at one run, over a connection in memory: results, receipts, crashes at each step, and
//! a transcript in which no row appears.
#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::world::{FIRST, ROWS, World, channel};
use crate::support::{NOW, Sum, agreement, draft, identity, job, rng};
use rand_core::{CryptoRng, RngCore};
use sotto_jobs::attempt::{AttemptError, Surroundings, begin};
use sotto_jobs::job::{Draft, Suite};
use sotto_jobs::receipt::{Receipt, ReceiptError, Statement};
use sotto_jobs::verify_program::{ProgramMismatch, verify};
use sotto_jobs::{Job, PartyId};
use sotto_mpc::channel::{Pipe, pipe_pair};
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::malicious::Settings;

fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |n, bit| n << 1 | u64::from(*bit))
}

#[test]
fn receivers_learn_their_outputs_and_everybody_a_receipt_of_both() {
    let world = World::new();
    let results = world.run(pipe_pair(), &mut [None, None], 1);
    let [garbler, evaluator] = results.map(Result::unwrap);
    assert_eq!(garbler.receipt, evaluator.receipt);
    let bytes = garbler.receipt.to_bytes();
    assert_eq!(Receipt::from_bytes(world.agreement.job(), &bytes), Ok(garbler.receipt.clone()));

    let eve = world.outputs(PartyId(4), [&garbler, &evaluator]).unwrap();
    assert_eq!(eve[0], [true, true, true]);
    assert_eq!(number(&eve[1]), 100 + 200 + 999 + 6 + 50);
    let acme = world.outputs(PartyId(0), [&garbler, &evaluator]).unwrap();
    assert_eq!(acme, [[true; 3]], "acme learns whose inputs hold, and nothing else");
    assert_eq!(garbler.ours.as_ref().map(|p| p.result_party), Some(PartyId(0)));
    assert_eq!(evaluator.ours, None, "bolt receives nothing");
    assert_eq!(world.outputs(PartyId(2), [&garbler, &evaluator]), None, "carl is no result party");
    // Halves that were swapped are not what was signed for.
    assert_eq!(world.outputs(PartyId(4), [&evaluator, &garbler]), None);
}

/// With expanded transfers the results are the same, and receipts too but for the job.
#[test]
fn expanded_transfers_give_the_same_results() {
    let mut draft = draft();
    draft.suite = Suite::SemiHonest(Expansion::K16);
    let world = World::drafted(draft, Sum::new(3), ROWS);
    let [garbler, evaluator] = world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap);
    let eve = world.outputs(PartyId(4), [&garbler, &evaluator]).unwrap();
    assert_eq!((&eve[0][..], number(&eve[1])), (&[true; 3][..], 100 + 200 + 999 + 6 + 50));
}

/// The expansion of a job is in the high four bits of a byte of its suite: 1 to 4.
#[test]
fn the_expansion_of_a_job_is_in_its_suite() {
    // What follows the suite: rows, gates and seconds, deadline, expiry, runs.
    let suite_ends = |bytes: &[u8]| bytes.len() - (8 + 8 + 4 + 4 + 8 + 4);
    for (expansion, code) in [(Expansion::K16, 1), (Expansion::K19, 4)] {
        let settings = Settings::default().with_expansion(expansion);
        for (suite, low) in [(Suite::SemiHonest(expansion), 1), (Suite::Malicious(settings), 4)] {
            let job = Job::new(Draft { suite, ..draft() }).unwrap();
            let mut bytes = job.to_bytes();
            let at = suite_ends(&bytes) - 1;
            assert_eq!(bytes[at], low | code << 4);
            assert_eq!(Job::from_bytes(&bytes).unwrap().suite, suite);
            bytes[at] = low | 5 << 4;
            assert!(Job::from_bytes(&bytes).is_err());
        }
    }
}

/// A stream that breaks after some bytes, and a copy of all that was written to it.
struct Frail {
    inner: Pipe,
    left: usize,
    reply: Reply,
}

impl Read for Frail {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl Write for Frail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n = self.inner.write(bytes.get(..self.left.min(bytes.len())).unwrap_or_default())?;
        self.left -= n;
        self.reply.lock().unwrap().extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What one end wrote.
type Reply = Arc<Mutex<Vec<u8>>>;

fn frail(limits: [usize; 2]) -> ((Frail, Frail), [Reply; 2]) {
    let ((near, far), reply) = (pipe_pair(), [Arc::default(), Arc::default()]);
    let [a, b] = limits;
    let near = Frail { inner: near, left: a, reply: Arc::clone(&reply[0]) };
    let far = Frail { inner: far, left: b, reply: Arc::clone(&reply[1]) };
    ((near, far), reply)
}

#[test]
fn a_connection_that_breaks_anywhere_leaves_a_run_that_another_attempt_finishes() {
    let world = World::new();
    let (ends, reply) = frail([usize::MAX; 2]);
    let whole = world.run(ends, &mut [None, None], 1).map(Result::unwrap);
    let lengths = reply.map(|reply| reply.lock().unwrap().len());
    let mut only_signed = 0;
    for side in 0..2 {
        // Openings, set-up, tables, outputs, signatures: cut at places all over, and at the very end.
        let cuts = (0..8).map(|i| lengths[side] * i / 8).chain([lengths[side] - 1]);
        for cut in cuts {
            let mut limits = [usize::MAX; 2];
            limits[side] = cut;
            let mut kept = [None, None];
            let (ends, _) = frail(limits);
            let broken = world.run(ends, &mut kept, 1);
            assert!(broken.iter().any(Result::is_err), "cut {side} at {cut}");
            only_signed += usize::from(kept.iter().all(Option::is_some));
            let [garbler, evaluator] = world.run(pipe_pair(), &mut kept, 3).map(Result::unwrap);
            assert_eq!(garbler.receipt, evaluator.receipt);
            let eve = |f| world.outputs(PartyId(4), f);
            assert_eq!(eve([&garbler, &evaluator]), eve([&whole[0], &whole[1]]), "cut {side} at {cut}");
        }
    }
    assert!(only_signed > 0, "some attempts lacked nothing but signatures");
}

/// Numbers of which each is so long that it does not stand anywhere by chance.
const LONG: [[i128; 3]; 3] = [
    [0x0d3a_91c4_7be2_568f, 0x0a5c_7712_d9e8_4b31, 0x0913_fc55_20a7_d86e],
    [0x0ec1_4f09_b372_65da, 0x0846_ab9e_317d_f05c, 0x0f2b_d067_914e_83ca],
    [0x0b97_e2d1_5c08_fa43, 0x0c68_35bf_a914_7ed2, 0x0871_9ae6_4d3f_c205],
];

/// All bits, the lowest of each byte first, or the highest first.
fn bits(bytes: &[u8], is_lowest_first: bool) -> Vec<bool> {
    let order = |i: u32| if is_lowest_first { i } else { 7 - i };
    bytes.iter().flat_map(|byte| (0..8).map(move |i| byte >> order(i) & 1 == 1)).collect()
}

/// Which of these numbers stands in the bytes: in bits from any on, in either order, or in decimal or
/// hexadecimal digits.
fn found(reply: &[u8], numbers: impl IntoIterator<Item = i128>) -> Option<i128> {
    let said_bits = [true, false].map(|is_lowest_first| bits(reply, is_lowest_first));
    let stands = |number: &i128| {
        let lowest_first: Vec<bool> = (0..60).map(|i| number >> i & 1 == 1).collect();
        let highest_first: Vec<bool> = lowest_first.iter().rev().copied().collect();
        let in_bits = |bits: &Vec<bool>| {
            bits.windows(60).any(|window| window == lowest_first || window == highest_first)
        };
        let in_digits =
            |digits: String| reply.windows(digits.len()).any(|window| window == digits.as_bytes());
        said_bits.iter().any(in_bits) || in_digits(number.to_string()) || in_digits(format!("{number:x}"))
    };
    numbers.into_iter().find(stands)
}

/// Randomness that begins with these bytes.
struct Tainted<R> {
    first: Vec<u8>,
    then: R,
}

impl<R: RngCore> RngCore for Tainted<R> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        self.then.fill_bytes(into);
        let n = self.first.len().min(into.len());
        into[..n].copy_from_slice(&self.first.drain(..n).collect::<Vec<_>>());
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(into);
        Ok(())
    }
}

impl<R: RngCore> CryptoRng for Tainted<R> {}

#[test]
fn no_number_of_any_row_appears_in_what_is_said_and_a_computer_that_leaks_one_is_caught() {
    let world = World::of(Sum::up_to(3, (1 << 60) - 1), LONG);
    let [garbler, evaluator] = world.agreement.job().pair();
    // All that the compute parties say to each other, and what input parties send to them.
    let reply = |leaked: &[u8]| {
        let ((near, far), reply) = frail([usize::MAX; 2]);
        thread::scope(|scope| {
            let garbling = scope.spawn(|| {
                let mut tainted = Tainted { first: leaked.to_vec(), then: rng(1) };
                world.compute_with(garbler, near, &mut None, &mut tainted)
            });
            world.compute(evaluator, far, &mut None, 2).unwrap();
            garbling.join().unwrap().unwrap();
        });
        let reply = reply.iter().flat_map(|reply| reply.lock().unwrap().clone());
        let encrypted =
            world.prepared.iter().flat_map(|p| &p.encrypted).flat_map(|(_, encrypted)| encrypted.clone());
        reply.chain(encrypted).collect::<Vec<u8>>()
    };
    let numbers = || LONG.into_iter().flatten();
    let honest = reply(&[]);
    assert!(honest.len() > 10_000);
    assert_eq!(found(&honest, numbers()), None);
    // A run that ends well for everybody, in which the garbler's first nonce is a row of its own.
    for number in LONG[0] {
        assert_eq!(found(&reply(&(number as u64).to_le_bytes()), numbers()), Some(number));
        assert_eq!(
            found(&reply(&((number as u64) << 3).to_be_bytes()), numbers()),
            Some(number),
            "from any bit on"
        );
        assert_eq!(found(&reply(number.to_string().as_bytes()), numbers()), Some(number));
    }
}

#[test]
fn computers_that_want_different_things_stop_before_anything_secret() {
    let world = World::new();
    let mut other = draft();
    other.nonce = sotto_jobs::Digest([8; 32]);
    let mut altered = World::new();
    altered.agreement = agreement(&Job::new(other).unwrap());
    let mut exchanged = World::new();
    exchanged.input_commitments.swap(0, 1);
    for (theirs, what) in [(altered, "another job"), (exchanged, "other inputs from the input parties")] {
        let (near, far) = pipe_pair();
        let [garbler, evaluator] = world.agreement.job().pair();
        let errors = thread::scope(|scope| {
            let garbling = scope.spawn(|| world.compute(garbler, near, &mut None, 1).unwrap_err());
            [theirs.compute(evaluator, far, &mut None, 2).unwrap_err(), garbling.join().unwrap()]
        });
        assert_eq!(errors, [AttemptError::Differs(what), AttemptError::Differs(what)]);
        assert!(errors.iter().all(|error| !error.is_passing()));
    }
}

#[test]
fn nobody_signs_what_began_after_the_expiry_or_took_too_long() {
    let world = World::new();
    let (expiry, seconds) = (world.agreement.job().expiry, world.agreement.job().limits.seconds);
    // What the clock says at the beginning and at the end, and what comes of it.
    for (times, error) in [
        ([expiry - 1, expiry + u64::from(seconds) - 1], None),
        ([expiry, expiry], Some(AttemptError::Expired)),
        ([NOW, NOW + u64::from(seconds) + 1], Some(AttemptError::TooLong(seconds))),
    ] {
        let (near, far) = pipe_pair();
        let [garbler, evaluator] = world.agreement.job().pair();
        let one = |us, stream, seed| {
            let (identity, rng, mut times) = (identity(us), &mut rng(seed), times.into_iter());
            let begun = begin(world.known(us, &identity), channel(stream), FIRST, rng).unwrap();
            let shares = world.shares(us);
            let mut clock = || times.next().unwrap();
            let surroundings = Surroundings { clock: &mut clock, keep: &mut |_| Ok(()) };
            begun.compute(&world.program, &shares.iter().collect::<Vec<_>>(), surroundings, rng).err()
        };
        let errors = thread::scope(|scope| {
            let garbling = scope.spawn(|| one(garbler, near, 1));
            [one(evaluator, far, 2), garbling.join().unwrap()]
        });
        assert!(errors.iter().all(|found| *found == error), "{errors:?}");
    }
    for [started, finished] in [[expiry, expiry], [NOW, NOW + u64::from(seconds) + 1]] {
        let finished_run = world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap);
        let mut receipt = finished_run[0].receipt.clone();
        receipt.evaluator =
            Statement::sign(&receipt.facts, [started, finished], [1, 1], &identity(PartyId(1)));
        let read = Receipt::from_bytes(world.agreement.job(), &receipt.to_bytes());
        assert_eq!(read, Err(ReceiptError::Terms("evaluator")));
    }
}

#[test]
fn a_program_that_is_not_the_signed_one_is_refused() {
    let program = Sum::new(3);
    assert_eq!(verify(&job(), &program), Ok(()));
    assert_eq!(verify(&job(), &Sum::new(2)), Err(ProgramMismatch::InputParties { expected: 2, given: 3 }));
    let with = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        verify(&draft, &program)
    };
    assert_eq!(with(|d| d.inputs[1].tables[0].columns[0].max = 1000), Err(ProgramMismatch::Schema(1)));
    assert_eq!(with(|d| d.inputs[1].tables[0].rows = 2), Err(ProgramMismatch::Schema(1)));
    assert_eq!(with(|d| d.inputs[1].tables[0].columns[0].missing = Some(1)), Ok(()));
    assert!(matches!(with(|d| d.outputs.swap(0, 1)), Err(ProgramMismatch::Outputs { .. })));
    assert!(matches!(with(|d| d.leaks.clear()), Err(ProgramMismatch::Leak(_))));
    assert!(matches!(
        with(|d| d.program.circuit = sotto_jobs::Digest([0; 32])),
        Err(ProgramMismatch::Circuit { .. })
    ));
    assert!(matches!(with(|d| d.program.and_gates += 1), Err(ProgramMismatch::Circuit { .. })));
}
