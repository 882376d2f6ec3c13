//! Computers that deviate with the inputs of owners who do not compute (attacks 11, 18 and 19 of the list in
//! `docs/GARBLING.md`).

use super::super::inputs::Entry;
use super::super::owners::linear_form;
use super::*;
use crate::Block;
use crate::inputs::{Holder, InputStream};

const OWNER: OwnerId = OwnerId([9; 32]);

/// Three bits of an owner, one of the garbler, and the AND of all.
struct Owned {
    bits: usize,
}

impl Program for Owned {
    fn name(&self) -> ProgramName {
        ProgramName::literal("owned@1")
    }

    fn shape(&self) -> Shape {
        let stream = |holder, bits| InputStream { holder, bits };
        let input_streams = vec![stream(Holder::Garbler, 1), stream(Holder::Shared, self.bits)];
        Shape { input_streams, outputs: 3 }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 1)?, inputs.read(f, 1, self.bits)?);
        let last = y[self.bits - 1];
        let both = f.and(y[0], last)?;
        outputs.extend([f.and(both, x[0])?, y[0], last]);
        Ok(())
    }
}

/// A run of [`Owned`]: what each computer holds, and how it cheats.
struct OwnedRun {
    bits: usize,
    attempt: u32,
    shares: [Bits; 2],
    tests: [Vec<BlockTest>; 2],
    cheats: [Cheat; 2],
}

impl OwnedRun {
    /// All bits are 1, and each computer holds the tests of the first attempt.
    fn new(bits: usize) -> Self {
        let rng = &mut rng(70);
        let first = Bits::random(bits, rng);
        let second = first.iter().map(|bit| !bit).collect();
        let deal = Deal { owner: OWNER, attempts: 2, input_streams: 2 };
        let tests = deal.tests([&first, &second], rng);
        Self { bits, attempt: 0, shares: [first, second], tests, cheats: Default::default() }
    }

    fn flip_share(&mut self, side: usize, at: usize) {
        self.shares[side] = self.shares[side].iter().enumerate().map(|(i, bit)| bit ^ (i == at)).collect();
    }

    fn ignoring(mut self, side: usize, checks: &'static [Check]) -> Self {
        self.cheats[side].ignored = checks;
        self
    }

    fn outcome(&self) -> [End; 2] {
        let (near, far) = memory_pair();
        let records: [Arc<Mutex<Record>>; 2] = Default::default();
        let [cheat_g, cheat_e] = core::array::from_fn(|side| {
            Deviating::new(Cheating { cheat: self.cheats[side].clone(), record: Arc::clone(&records[side]) })
        });
        let terms = Terms { attempt: self.attempt, ..Terms::new(Reveal::Both) };
        let (settings, program) = (Settings::insecure_small(3), Owned { bits: self.bits });
        let of_attempt = self.attempt as usize * blocks(self.bits, 2)..;
        let owners = self.tests.each_ref().map(|tests| {
            [OwnerTests { owner: OWNER, tests: &tests[of_attempt.clone()][..blocks(self.bits, 2)] }]
        });
        let garbler: Bits = [true].into_iter().chain(self.shares[0].iter()).collect();
        let [owners_g, owners_e] = &owners;
        let (inputs_g, inputs_e) = (
            super::super::Inputs { bits: &garbler, owners: owners_g },
            super::super::Inputs { bits: &self.shares[1], owners: owners_e },
        );
        let keep = |_| Ok(());
        let results = thread::scope(|scope| {
            let garbling = scope.spawn(|| {
                IGNORED.set(self.cheats[0].ignored);
                let rng = &mut rng(1);
                let mut session = Garbler::new(near, &program, terms, settings);
                session.channel.deviation = Some(cheat_g);
                let session = session.hello(rng)?.set_up(rng)?;
                let session = session.execute_for_owners(inputs_g, &mut { keep }, rng)?;
                Ok(session.output().map(<[bool]>::to_vec))
            });
            let evaluating = scope.spawn(|| {
                IGNORED.set(self.cheats[1].ignored);
                let rng = &mut rng(2);
                let mut session = Evaluator::new(far, &program, terms, settings);
                session.channel.deviation = Some(cheat_e);
                let session = session.hello(rng)?.set_up(rng)?;
                let session = session.execute_for_owners(inputs_e, &mut { keep }, rng)?;
                Ok(session.output().map(<[bool]>::to_vec))
            });
            [garbling.join().unwrap(), evaluating.join().unwrap()]
        });
        let [result_g, result_e] = results;
        let [record_g, record_e] = records.map(|record| record.lock().unwrap().clone());
        [End { result: result_g, record: record_g }, End { result: result_e, record: record_e }]
    }

    /// Where a party's seeds begin among what it sends as inputs.
    fn seeds(&self, side: usize) -> usize {
        (self.bits + usize::from(side == 0) + 128 * blocks(self.bits, 2)).div_ceil(8)
    }

    fn answers(&self, side: usize) -> usize {
        self.seeds(side) + 16 * blocks(self.bits, 2)
    }
}

const RIGHT: [bool; 3] = [true; 3];

#[test]
fn shares_enter_as_their_owner_gave_them() {
    for bits in [3, block_bits(2), block_bits(2) + 3] {
        for end in OwnedRun::new(bits).outcome() {
            assert_eq!(end.result, Ok(Some(RIGHT.to_vec())));
        }
    }
}

/// Attack 11: in any block, whichever computer does it.
#[test]
fn a_changed_share_is_caught_and_would_change_the_output() {
    for side in [0, 1] {
        for (bits, at) in [(3, 0), (3, 2), (block_bits(2) + 3, 0), (block_bits(2) + 3, block_bits(2) + 2)] {
            let run = || {
                let mut run = OwnedRun::new(bits);
                run.flip_share(side, at);
                run.ignoring(side, ALL)
            };
            assert_eq!(run().outcome()[1 - side].caught(), Some(Check::OwnerInput));
            let ends = run().ignoring(1 - side, &[Check::OwnerInput]).outcome();
            let wrong = ends[1 - side].result.as_ref().unwrap().as_ref().unwrap();
            assert_ne!(wrong[..], RIGHT, "without the check the changed share is taken");
        }
    }
}

#[test]
fn a_changed_mask_or_answer_is_caught() {
    for side in [0, 1] {
        let mut run = OwnedRun::new(3);
        run.tests[side][0].mask ^= Block::new(1 << 77);
        assert_eq!(run.ignoring(side, ALL).outcome()[1 - side].caught(), Some(Check::OwnerInput));
        for at in [0, 15, 16, 31] {
            let mut run = OwnedRun::new(3);
            let at = run.answers(side) + at;
            run.cheats[side] = Cheat::changing([Change { phase: Phase::Inputs, at, value: 4 }]);
            assert_eq!(run.ignoring(side, ALL).outcome()[1 - side].caught(), Some(Check::OwnerInput));
        }
    }
}

/// Attack 11: the computer enters another bit and answers with the X of the bits that it was given, which it
/// knows once it has κ. The MACs stop it.
#[test]
fn the_owners_answer_to_other_bits_is_caught_by_the_macs() {
    for side in [0, 1] {
        let mut run = OwnedRun::new(3);
        run.flip_share(side, 1);
        let seed = run.tests[1 - side][0].seed;
        let difference = linear_form(seed, [false, true].into_iter()).to_bytes();
        let at = run.answers(side);
        let change = |(i, value): (usize, &u8)| Change { phase: Phase::Inputs, at: at + i, value: *value };
        run.cheats[side] = Cheat::changing(difference.iter().enumerate().map(change).collect::<Vec<_>>());
        let ends = run.ignoring(side, ALL).outcome();
        let answered = &ends[side].record.sent[usize::from(Phase::Inputs.code())][at..at + 16];
        let tester = OwnedRun::new(3).tests[1 - side][0].sum;
        assert_eq!(*answered, tester.to_bytes(), "what is sent is the owner's X");
        assert_eq!(ends[1 - side].caught(), Some(Check::OwnerInput));
    }
}

/// An owner in league with the tester, or a tester with another X: a run that ends, and nothing more.
#[test]
fn a_false_x_only_ends_the_run() {
    for side in [0, 1] {
        let mut run = OwnedRun::new(3);
        run.tests[side][0].sum ^= Block::new(1);
        assert_eq!(run.outcome()[side].caught(), Some(Check::OwnerInput));
    }
}

/// Attack 18: an answer under a seed of the tester's choice would tell it 128 linear forms of the share.
#[test]
fn another_seed_than_the_owners_is_not_answered() {
    for side in [0, 1] {
        let run = || {
            let mut run = OwnedRun::new(3);
            run.tests[side][0].seed = Block::new(12345);
            run.ignoring(side, ALL)
        };
        let [answers, ends] = [run().answers(1 - side), run().seeds(1 - side)];
        let refused = &run().outcome()[1 - side];
        assert_eq!(refused.caught(), Some(Check::OwnerSeed));
        let sent = |end: &End| end.record.sent[usize::from(Phase::Inputs.code())].clone();
        assert!((ends..=answers).contains(&sent(refused).len()), "no answer leaves");
        let answered = &run().ignoring(1 - side, &[Check::OwnerSeed]).outcome()[1 - side];
        let x = run().shares[1 - side].clone();
        let told = linear_form(Block::new(12345), x.iter()) ^ run().tests[1 - side][0].mask;
        assert_eq!(sent(answered)[answers..answers + 16], told.to_bytes(), "without the check it would");
    }
}

/// The tester sends the seed of another attempt, whose tests the other computer would answer too.
#[test]
fn the_seed_of_another_attempt_is_not_answered() {
    for side in [0, 1] {
        let mut run = OwnedRun::new(3);
        run.attempt = 1;
        run.tests[side][1] = run.tests[side][0].clone();
        assert_eq!(run.ignoring(side, ALL).outcome()[1 - side].caught(), Some(Check::OwnerSeed));
    }
}

/// Attack 19: whoever knows κ before it enters its bits finds a mask that fits other bits. So tests are used
/// once, and [`Milestone::Attempt`] must be kept before κ leaves.
#[test]
fn tests_that_are_used_twice_let_a_changed_share_through() {
    for side in [0, 1] {
        let mut run = OwnedRun::new(3);
        let seed = run.tests[1 - side][0].seed; // seen in an attempt that was broken off
        run.flip_share(side, 2);
        run.tests[side][0].mask ^= linear_form(seed, [false, false, true].into_iter());
        let ends = run.outcome();
        assert_ne!(ends[1 - side].result.as_ref().unwrap().as_ref().unwrap()[..], RIGHT);
        // In another attempt, with tests that it has not seen, the same does not help.
        let mut run = OwnedRun::new(3);
        run.attempt = 1;
        run.flip_share(side, 2);
        run.tests[side][1].mask ^= linear_form(seed, [false, false, true].into_iter());
        assert_eq!(run.ignoring(side, ALL).outcome()[1 - side].caught(), Some(Check::OwnerInput));
    }
}

/// What each side of a run sends in a phase if this milestone cannot be kept there.
fn unkept(side: usize, milestone: Milestone) -> (Vec<u8>, Result<(), SessionError>) {
    let (run, program) = (OwnedRun::new(3), Owned { bits: 3 });
    let (near, far) = memory_pair();
    let (terms, settings) = (Terms::new(Reveal::Both), Settings::insecure_small(3));
    let record: Arc<Mutex<Record>> = Arc::default();
    let recording = || Deviating::new(Cheating { cheat: Cheat::default(), record: Arc::clone(&record) });
    let garbler: Bits = [true].into_iter().chain(run.shares[0].iter()).collect();
    let owners = run.tests.each_ref().map(|tests| [OwnerTests { owner: OWNER, tests: &tests[..1] }]);
    let keeps =
        |at: usize| move |reached| if at == side && reached == milestone { Err(NotKept) } else { Ok(()) };
    let results = thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let mut session = Garbler::new(near, &program, terms, settings);
            session.channel.deviation = (side == 0).then(recording);
            let session = session.hello(&mut rng(1))?.set_up(&mut rng(1))?;
            let inputs = super::super::Inputs { bits: &garbler, owners: &owners[0] };
            session.execute_for_owners(inputs, &mut keeps(0), &mut rng(1)).map(|_| ())
        });
        let mut session = Evaluator::new(far, &program, terms, settings);
        session.channel.deviation = (side == 1).then(recording);
        let evaluated = session.hello(&mut rng(2)).and_then(|session| session.set_up(&mut rng(2)));
        let inputs = super::super::Inputs { bits: &run.shares[1], owners: &owners[1] };
        let evaluated = evaluated.and_then(|s| s.execute_for_owners(inputs, &mut keeps(1), &mut rng(2)));
        [garbling.join().unwrap(), evaluated.map(|_| ())]
    });
    let phase = match milestone {
        Milestone::Attempt => [Phase::Products, Phase::Inputs].to_vec(),
        Milestone::Outputs => vec![Phase::Outputs],
    };
    let record = record.lock().unwrap();
    let sent = phase.iter().flat_map(|phase| record.sent[usize::from(phase.code())].clone()).collect();
    let [garbled, evaluated] = results;
    (sent, if side == 0 { garbled } else { evaluated })
}

#[test]
fn nothing_leaves_after_a_milestone_that_cannot_be_kept() {
    for side in [0, 1] {
        for milestone in [Milestone::Attempt, Milestone::Outputs] {
            let (sent, result) = unkept(side, milestone);
            assert_eq!((sent, result), (Vec::new(), Err(SessionError::NotKept(NotKept))), "{milestone:?}");
        }
    }
}

#[test]
fn shared_bits_without_tests_are_refused() {
    let (run, program) = (OwnedRun::new(3), Owned { bits: 3 });
    for tests in [&run.tests[0][..0], &run.tests[0][..2]] {
        let owners = [OwnerTests { owner: OWNER, tests }];
        let inputs = super::super::Inputs { bits: &run.shares[1], owners: &owners };
        let streams = program.shape().input_streams;
        let entry = Entry::new(Role::Evaluator, &streams, (inputs, 0));
        assert_eq!(entry.err(), Some(SessionError::NoTests));
    }
    let (near, far) = memory_pair();
    let (terms, settings) = (Terms::new(Reveal::Both), Settings::insecure_small(3));
    let garbler: Bits = [true].into_iter().chain(run.shares[0].iter()).collect();
    // The garbler only sees that the connection is closed.
    let results = thread::scope(|scope| {
        let evaluating = scope.spawn(|| {
            let session = Evaluator::new(far, &program, terms, settings).hello(&mut rng(2));
            let session = session.and_then(|session| session.set_up(&mut rng(2)))?;
            session.execute(&run.shares[1], &mut rng(2)).map(|_| ())
        });
        let session = Garbler::new(near, &program, terms, settings).hello(&mut rng(1));
        let session = session.and_then(|session| session.set_up(&mut rng(1)));
        let _ = session.and_then(|session| session.execute(&garbler, &mut rng(1)));
        evaluating.join().unwrap()
    });
    assert_eq!(results, Err(SessionError::NoTests));
}
