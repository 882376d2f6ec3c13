//! Parties that deviate with the inputs of owners who do not compute, and with the pads of receivers who do not: the
//! attacks on two computers (11, 18, 19 of the list in `docs/GARBLING.md`), and what more computers could add.

use super::*;
use crate::protocol::malicious::owners::{Milestone, NotKept, linear_form};
use crate::protocol::malicious::{BlockTest, Deal, OwnerId, OwnerTests, block_bits, blocks};

const OWNER: OwnerId = OwnerId([9; 32]);
const RECEIVER: OwnerId = OwnerId([7; 32]);

/// The AND of a bit of the first party and the first and last bits of an owner; then these two, one bit for each,
/// under the pad of a receiver.
struct Owned {
    bits: usize,
}

impl Program for Owned {
    fn name(&self) -> ProgramName {
        ProgramName::literal("owned-by-many@1")
    }

    fn shape(&self) -> Shape {
        let stream = |holder, bits| InputStream { holder, bits };
        let owned = stream(Holder::Shared, self.bits);
        Shape {
            input_streams: vec![stream(Holder::Garbler, 1), owned, stream(Holder::Shared, 3)],
            outputs: 3,
        }
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
        let clear = [f.and(both, x[0])?, y[0], last];
        let pad = inputs.read(f, 2, 3)?;
        outputs.extend(clear.iter().zip(&pad).map(|(z, pad)| f.xor(*z, *pad)));
        Ok(())
    }
}

/// What one party holds.
#[derive(Clone)]
struct Held {
    share: Bits,
    tests: Vec<BlockTest>,
    pad: Bits,
    pad_tests: Vec<BlockTest>,
}

/// A session of parties who hold shares of an owner, all of whose bits are 1, and of a receiver's pad.
#[derive(Clone)]
struct OwnedRun {
    bits: usize,
    attempt: u32,
    held: Vec<Held>,
    cheats: Vec<(usize, usize, Cheat)>,
    ignored: Vec<&'static [Check]>,
    /// Who cannot keep which milestone.
    unkept: Option<(usize, Milestone)>,
}

const PAD: [bool; 3] = [true, false, true];
const RIGHT: [bool; 3] = [true; 3];

impl OwnedRun {
    fn new(parties: usize, bits: usize) -> Self {
        let rng = &mut rng(70);
        let number = Parties::new(parties as u8).unwrap();
        let mut split = |owner, bits: &Bits| {
            let mut shares: Vec<Bits> = (1..parties).map(|_| Bits::random(bits.len(), rng)).collect();
            shares.push(shares.iter().fold(bits.clone(), |sum, share| sum.xor(share)));
            let tests = Deal { owner, attempts: 2, input_streams: 3 }.tests_of_many(number, &shares, rng);
            shares.into_iter().zip(tests).collect::<Vec<_>>()
        };
        let owned = split(OWNER, &(0..bits).map(|_| true).collect());
        let pads = split(RECEIVER, &Bits::from(&PAD[..]));
        let held = owned.into_iter().zip(pads).map(|((share, tests), (pad, pad_tests))| Held {
            share,
            tests,
            pad,
            pad_tests,
        });
        Self {
            bits,
            attempt: 0,
            held: held.collect(),
            cheats: Vec::new(),
            ignored: vec![&[]; parties],
            unkept: None,
        }
    }

    fn parties(&self) -> usize {
        self.held.len()
    }

    /// `who` cheats in some way, and ignores all checks.
    fn by(mut self, who: usize, cheat: impl FnOnce(&mut Self)) -> Self {
        self.ignored[who] = ALL;
        cheat(&mut self);
        self
    }

    /// All parties but those that cheat ignore these checks too.
    fn ignoring(mut self, checks: &'static [Check]) -> Self {
        self.ignored.iter_mut().filter(|ignored| ignored.is_empty()).for_each(|ignored| *ignored = checks);
        self
    }

    fn flip_share(&mut self, who: usize, at: usize) {
        let share = &mut self.held[who].share;
        *share = share.iter().enumerate().map(|(i, bit)| bit ^ (i == at)).collect();
    }

    /// The test of one party with another, in a block and attempt.
    fn test(&mut self, who: usize, other: usize, (attempt, block): (usize, usize)) -> &mut BlockTest {
        let (peers, blocks) = (self.parties() - 1, blocks(self.bits, 3));
        &mut self.held[who].tests[(attempt * blocks + block) * peers + index(who, other)]
    }

    fn honest(&self, cheater: usize) -> Vec<usize> {
        (0..self.parties()).filter(|i| *i != cheater).collect()
    }

    fn outcome(&self) -> Vec<End> {
        let parties = self.parties();
        let places: Vec<Place> = (0..parties).map(place).collect();
        let holders = [HeldBy::One(places[0]), HeldBy::All, HeldBy::All];
        let number = Parties::new(parties as u8).unwrap();
        let plan = Plan::new(Experimental, number, &holders, &places).unwrap();
        let plan = plan.with_settings(Settings::insecure_small(3)).with_run(Default::default(), self.attempt);
        let keys = deal(parties, 5, None);
        thread::scope(|scope| {
            let plan = &plan;
            let parties = memory_mesh(parties).into_iter().zip(keys).enumerate();
            let threads: Vec<_> =
                parties.map(|(me, with)| scope.spawn(move || self.party(me, plan, with))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn party(&self, me: usize, plan: &Plan, (channels, keys): (Vec<Framed<Pipe>>, Keys)) -> End {
        ignore(self.ignored[me]);
        let (rng, program) = (&mut rng(me as u64), Owned { bits: self.bits });
        let mut session = Session::new(channels, place(me), &program, plan);
        let records = watch(&mut session.links, &self.cheats);
        let Held { share, tests, pad, pad_tests } = &self.held[me];
        let of_attempt = |tests: &'_ [BlockTest]| {
            let each = tests.len() / 2;
            tests[self.attempt as usize * each..][..each].to_vec()
        };
        let (tests, pad_tests) = (of_attempt(tests), of_attempt(pad_tests));
        let owners =
            [OwnerTests { owner: OWNER, tests: &tests }, OwnerTests { owner: RECEIVER, tests: &pad_tests }];
        let own = (me == 0).then_some(true).into_iter();
        let bits: Bits = own.chain(share.iter()).chain(pad.iter()).collect();
        let inputs = crate::protocol::malicious::Inputs { bits: &bits, owners: &owners };
        let keep = &mut |reached| if self.unkept == Some((me, reached)) { Err(NotKept) } else { Ok(()) };
        let result = session
            .hello(rng)
            .and_then(|session| session.set_up_with(keys, rng))
            .and_then(|session| session.execute_for_owners(inputs, keep, rng))
            .map(|session| session.output().map(opened));
        End { result, records: records.iter().map(|record| record.lock().unwrap().clone()).collect() }
    }

    /// Where a party's seeds begin among what it sends to one peer as inputs, for three bits: behind Λ of its own bits,
    /// and of its ρ towards all, and the comparison.
    fn seeds(&self, who: usize) -> usize {
        let own = usize::from(who == 0) + self.bits + 3;
        (own + 2 * 128 * (self.parties() - 1)).div_ceil(8) + 32
    }

    fn answers(&self, who: usize) -> usize {
        self.seeds(who) + 2 * 16
    }

    /// Whether all honest parties end, those who are cheated by this check.
    fn ends_by(&self, cheater: usize, cheated: &[usize], check: Check) {
        let ends = self.outcome();
        let caught: Vec<_> = ends.iter().map(End::caught).collect();
        assert!(cheated.iter().all(|i| caught[*i] == Some(check)), "{check:?} of {cheater}: {caught:?}");
        assert!(self.honest(cheater).iter().all(|i| ends[*i].result.is_err()), "{check:?} of {cheater}");
    }
}

/// What the receiver makes of padded outputs.
fn opened(padded: &[bool]) -> Vec<bool> {
    padded.iter().zip(PAD).map(|(bit, pad)| bit ^ pad).collect()
}

/// The index of another party among the others.
fn index(who: usize, other: usize) -> usize {
    if other < who { other } else { other - 1 }
}

#[test]
fn shares_and_pads_enter_as_they_were_given() {
    for (parties, bits) in [(3, 3), (4, 3), (8, 3), (3, block_bits(3)), (3, block_bits(3) + 3)] {
        for end in OwnedRun::new(parties, bits).outcome() {
            assert_eq!(end.result, Ok(Some(RIGHT.to_vec())), "{parties} parties, {bits} bits");
        }
    }
}

/// Attack 11: in any block, whoever does it; every honest party notices by itself.
#[test]
fn a_changed_share_is_caught_by_each_and_would_change_the_output() {
    for who in 0..3 {
        for (bits, at) in [(3, 0), (3, 2), (block_bits(3) + 3, block_bits(3) + 2)] {
            let run = OwnedRun::new(3, bits).by(who, |run| run.flip_share(who, at));
            let honest = run.honest(who);
            let ends = run.outcome();
            assert!(honest.iter().all(|i| ends[*i].result.is_err()));
            assert!(honest.iter().any(|i| ends[*i].caught() == Some(Check::OwnerInput)));
            let ends = run.ignoring(&[Check::OwnerInput]).outcome();
            let wrong = ends[honest[0]].result.as_ref().unwrap().as_ref().unwrap();
            assert_ne!(wrong[..], RIGHT, "without the check the changed share is taken");
        }
    }
}

/// The one honest party of three notices what both others do in league: one changes its share, the other says nothing.
#[test]
fn one_honest_party_is_enough() {
    for honest in 0..3 {
        for who in (0..3).filter(|who| *who != honest) {
            let other = 3 - honest - who;
            let run = OwnedRun::new(3, 3).by(who, |run| run.flip_share(who, 1)).by(other, |_| ());
            assert_eq!(run.outcome()[honest].caught(), Some(Check::OwnerInput), "{who} before {honest}");
        }
    }
}

/// A receiver who does not compute: whoever changes its share of the pad would change what the receiver opens.
#[test]
fn a_changed_pad_is_caught_and_would_change_what_is_opened() {
    for who in 0..3 {
        let run = OwnedRun::new(3, 3).by(who, |run| {
            let pad = &mut run.held[who].pad;
            *pad = pad.iter().enumerate().map(|(i, bit)| bit ^ (i == 1)).collect();
        });
        let honest = run.honest(who);
        assert!(honest.iter().any(|i| run.outcome()[*i].caught() == Some(Check::OwnerInput)));
        let ends = run.ignoring(&[Check::OwnerInput]).outcome();
        assert_eq!(ends[honest[0]].result, Ok(Some(vec![true, false, true])));
    }
}

#[test]
fn a_changed_mask_or_answer_is_caught_by_whom_it_is_for() {
    for (who, to) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let run = OwnedRun::new(3, 3).by(who, |run| run.test(who, to, (0, 0)).mask ^= Block::new(1 << 77));
        run.ends_by(who, &[to], Check::OwnerInput);
        for at in [0, 15, 16, 31] {
            let run = OwnedRun::new(3, 3).by(who, |run| {
                let change = Change { phase: Phase::Inputs, at: run.answers(who) + at, value: 4 };
                run.cheats.push((who, to, Cheat::changing([change])));
            });
            run.ends_by(who, &[to], Check::OwnerInput);
        }
    }
}

/// Attack 11: other bits, and the X of those that were given, which is known once κ is. The MACs stop it.
#[test]
fn the_owners_answer_to_other_bits_is_caught_by_the_macs() {
    for (who, to) in [(0, 1), (1, 0), (2, 1)] {
        let mut run = OwnedRun::new(3, 3);
        run.flip_share(who, 1);
        let seed = run.test(to, who, (0, 0)).seed;
        let at = run.answers(who);
        let difference = linear_form(seed, [false, true].into_iter()).to_bytes();
        let change = |(i, value): (usize, &u8)| Change { phase: Phase::Inputs, at: at + i, value: *value };
        let changes: Vec<_> = difference.iter().enumerate().map(change).collect();
        run.cheats.push((who, to, Cheat::changing(changes)));
        // Towards the third party it lies as well, and that one ignores it.
        let run = run.by(who, |_| ()).by(3 - who - to, |_| ());
        assert_eq!(run.outcome()[to].caught(), Some(Check::OwnerInput));
    }
}

/// An owner in league with the tester, or a tester with another X: a run that ends, and nothing more.
#[test]
fn a_false_x_only_ends_the_run() {
    let mut run = OwnedRun::new(3, 3);
    run.test(1, 2, (0, 0)).sum ^= Block::new(1);
    let ends = run.outcome();
    assert_eq!(ends[1].caught(), Some(Check::OwnerInput));
    assert!(ends.iter().all(|end| end.result.is_err()));
}

/// Attack 18, also with a κ that is the owner's: of another tester, or of the other direction.
#[test]
fn another_seed_than_the_owners_is_not_answered() {
    let other: [fn(&mut OwnedRun) -> Block; 3] =
        [|_| Block::new(12345), |run| run.test(0, 2, (0, 0)).seed, |run| run.test(2, 1, (0, 0)).seed];
    for seed in other {
        let run = OwnedRun::new(3, 3).by(1, |run| {
            let seed = seed(run);
            run.test(1, 2, (0, 0)).seed = seed;
        });
        let (seeds, answers) = (run.seeds(2), run.answers(2));
        let ends = run.outcome();
        assert_eq!(ends[2].caught(), Some(Check::OwnerSeed));
        let sent = |end: &End| end.records[index(2, 1)].sent[usize::from(Phase::Inputs.code())].clone();
        assert!((seeds..=answers).contains(&sent(&ends[2]).len()), "no answer leaves");
        let mut run = run.ignoring(&[Check::OwnerSeed]);
        let answered = &run.outcome()[2];
        let (seed, share) = (run.test(1, 2, (0, 0)).seed, run.held[2].share.clone());
        let form = linear_form(seed, share.iter()) ^ run.test(2, 1, (0, 0)).mask;
        assert_eq!(sent(answered)[answers..answers + 16], form.to_bytes(), "without the check it would");
    }
}

/// The tester sends the seed of another attempt, whose tests would be answered too.
#[test]
fn the_seed_of_another_attempt_is_not_answered() {
    let mut run = OwnedRun::new(3, 3);
    run.attempt = 1;
    let before = run.test(0, 1, (0, 0)).clone();
    *run.test(0, 1, (1, 0)) = before;
    run.by(0, |_| ()).ends_by(0, &[1], Check::OwnerSeed);
}

/// Attack 19: whoever knows κ of all others before it enters its bits finds masks that fit other bits. So tests are
/// used once, and [`Milestone::Attempt`] must be kept before κ leaves.
#[test]
fn tests_that_are_used_twice_let_a_changed_share_through() {
    let fitted = |attempt: usize| {
        let mut run = OwnedRun::new(3, 3);
        run.attempt = attempt as u32;
        for other in [0, 1] {
            let seed = run.test(other, 2, (0, 0)).seed; // seen in an attempt that was broken off
            run.test(2, other, (attempt, 0)).mask ^= linear_form(seed, [false, false, true].into_iter());
        }
        run.flip_share(2, 2);
        run
    };
    let ends = fitted(0).outcome();
    assert_ne!(ends[0].result.as_ref().unwrap().as_ref().unwrap()[..], RIGHT);
    // In another attempt, with tests that it has not seen, the same does not help.
    let ends = fitted(1).by(2, |_| ()).outcome();
    assert!([0, 1].iter().any(|i| ends[*i].caught() == Some(Check::OwnerInput)));
}

/// Attack 17, of an owner's bits: Λ that is another towards one. Records are compared before any κ leaves.
#[test]
fn two_values_of_a_share_are_caught_before_a_seed_leaves() {
    for (who, to) in [(0, 1), (1, 0), (2, 1)] {
        let run = OwnedRun::new(3, 3).by(who, |run| {
            let change = flip(Phase::Inputs, 0, usize::from(who == 0));
            run.cheats.push((who, to, Cheat::changing([change])));
        });
        let ends = run.outcome();
        let honest = run.honest(who);
        assert!(honest.iter().any(|i| ends[*i].caught() == Some(Check::Broadcast)));
        for i in honest {
            let bytes_sent = ends[i].records.iter().map(|record| record.sent(Phase::Inputs));
            assert!(bytes_sent.into_iter().all(|bytes| bytes <= run.seeds(i)), "a seed left");
        }
    }
}

#[test]
fn nothing_leaves_after_a_milestone_that_cannot_be_kept() {
    for who in 0..3 {
        for milestone in [Milestone::Attempt, Milestone::Outputs] {
            let run = OwnedRun { unkept: Some((who, milestone)), ..OwnedRun::new(3, 3) };
            let ends = run.outcome();
            assert_eq!(ends[who].result, Err(SessionError::NotKept(NotKept)));
            let phases = match milestone {
                Milestone::Attempt => vec![Phase::Inputs, Phase::Products],
                Milestone::Outputs => vec![Phase::Outputs],
            };
            let sent = |phase: &Phase| ends[who].records.iter().map(|r| r.sent(*phase)).sum::<usize>();
            assert_eq!(phases.iter().map(sent).sum::<usize>(), 0, "{milestone:?}");
        }
    }
}

#[test]
fn shared_bits_without_a_test_with_each_other_party_are_refused() {
    let spoils: [fn(&mut Held); 4] = [
        |held| held.tests.truncate(2),
        |held| held.tests.clear(),
        |held| held.tests.extend(held.pad_tests.clone()),
        |held| held.pad_tests.truncate(2),
    ];
    for spoil in spoils {
        let mut run = OwnedRun::new(3, 3);
        spoil(&mut run.held[1]);
        assert_eq!(run.outcome()[1].result, Err(SessionError::NoTests));
    }
}
