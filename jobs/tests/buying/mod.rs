//! The buyer of a sale: what it releases money for, and when it takes it back.
#![allow(clippy::unwrap_used, clippy::panic)]

mod settlement;

use crate::support::selling::{
    ACME, BOLT, CARL, DORA, PAYEES, bought, collected, secret_of, sold_draft, whole_secret, widths,
};
use crate::support::world::{ROWS, World};
use crate::support::{Sum, identity};
use sotto_jobs::codec::{Bytes, DecodeError};
use sotto_jobs::collect::Outcome;
use sotto_jobs::false_share::Offence;
use sotto_jobs::job::Draft;
use sotto_jobs::lock::share::digest;
use sotto_jobs::lock::{LockPoint, LockSecret, Place};
use sotto_jobs::receipt::{Facts, Statement};
use sotto_jobs::sale::buyer::{Answer, Buyer, Collected, Effect, Event};
use sotto_jobs::sale::{PayeeClaim, SaleError, Sold};
use sotto_jobs::{Digest, Job, PartyId, Receipt};

/// The last height of all claims.
const UNTIL: u64 = 1000;

/// The byte of the stage in what a buyer keeps: after its prefix and the job's id.
const STAGE: usize = 20 + 32;

/// A finished run whose sum eve buys of carl and dora.
struct Run {
    world: World,
    outcome: Outcome,
    widths: Vec<usize>,
}

impl Run {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Draft)) -> Self {
        let mut draft = sold_draft();
        change(&mut draft);
        let world = World::drafted(draft, Sum::new(3), ROWS);
        let widths = widths(&world);
        let outcome = bought(&world, &widths);
        Self { world, outcome, widths }
    }

    fn job(&self) -> &Job {
        self.world.agreement.job()
    }

    fn sold(&self) -> Sold<'_> {
        Sold::new(self.job(), &self.outcome.receipt).unwrap()
    }

    fn collected(&self) -> Collected<'_> {
        collected(&self.outcome)
    }

    fn buyer(&self) -> Buyer<'_> {
        Buyer::new(self.job(), &self.widths).unwrap()
    }

    /// A buyer that has asked for claims.
    fn asked(&self) -> Buyer<'_> {
        let mut buyer = self.buyer();
        buyer.step(Event::Ran(self.collected(), UNTIL)).unwrap();
        buyer
    }

    fn answer(&self, payee: PartyId) -> Answer {
        let claim = PayeeClaim { payee, claim: Bytes(vec![payee.0 as u8; 1100]) };
        Answer { claim, lock: Some(self.sold().lock().point()), until: UNTIL }
    }

    /// A buyer that has a claim of every payee.
    fn agreed(&self) -> Buyer<'_> {
        let mut buyer = self.asked();
        for payee in PAYEES {
            buyer.step(Event::Answered(self.answer(payee))).unwrap();
        }
        buyer
    }

    fn t(&self) -> LockSecret {
        whole_secret(&self.sold())
    }
}

/// What others can verify of a claim that both have signed.
fn signed(answers: &[PayeeClaim]) -> Vec<PayeeClaim> {
    let sign = |answer: &PayeeClaim| PayeeClaim {
        payee: answer.payee,
        claim: Bytes(answer.claim.0[..100].to_vec()),
    };
    answers.iter().map(sign).collect()
}

fn no<T>(result: Result<T, SaleError>) -> SaleError {
    result.err().unwrap()
}

#[test]
fn money_is_released_for_claims_with_the_lock_and_height_of_all_and_for_no_others() {
    let run = Run::new();
    let mut buyer = run.asked();
    let refused = |buyer: &mut Buyer<'_>, change: &dyn Fn(&mut Answer)| {
        let mut answer = run.answer(CARL);
        change(&mut answer);
        no(buyer.step(Event::Answered(answer)))
    };
    let claim = SaleError::Claim("carl".to_owned());
    let other: LockPoint = run.sold().lock().point_of(Place::Garbler);
    assert_eq!(refused(&mut buyer, &|a| a.lock = None), claim, "claimed for nothing");
    assert_eq!(
        refused(&mut buyer, &|a| a.lock = Some(other)),
        claim,
        "one compute party alone would have the secret"
    );
    assert_eq!(refused(&mut buyer, &|a| a.until += 1), claim);
    assert_eq!(refused(&mut buyer, &|a| a.claim.payee = ACME), SaleError::Stranger);
    assert_eq!(refused(&mut buyer, &|a| a.claim.claim = Bytes(vec![0; 1 << 14])), SaleError::Claims);
    // Nothing of that was taken.
    let [Effect::Ask { payees, .. }] = &buyer.again().unwrap()[..] else { panic!() };
    assert_eq!(payees[..], PAYEES);

    // Until all are there, a payee may come with another one.
    let other = |payee| {
        let mut answer = run.answer(payee);
        answer.claim.claim.0[0] ^= 1;
        answer
    };
    let [Effect::Keep(_)] = &buyer.step(Event::Answered(other(CARL))).unwrap()[..] else { panic!() };
    let [Effect::Keep(_)] = &buyer.step(Event::Answered(run.answer(CARL))).unwrap()[..] else { panic!() };
    let effects = buyer.step(Event::Answered(run.answer(DORA))).unwrap();
    let [Effect::Keep(_), Effect::Sign(answers)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(answers[..], PAYEES.map(|payee| run.answer(payee).claim));
    assert_eq!(no(buyer.step(Event::Answered(other(DORA)))), SaleError::Other);
    assert!(matches!(&buyer.step(Event::Answered(run.answer(DORA))).unwrap()[..], [Effect::Sign(_)]));

    let both = signed(answers);
    assert_eq!(no(buyer.step(Event::Signed(both[..1].to_vec()))), SaleError::Claims);
    let mut long = both.clone();
    long[0].claim = Bytes(vec![0; 513]);
    assert_eq!(no(buyer.step(Event::Signed(long))), SaleError::Claims, "no payee reads it");
    let effects = buyer.step(Event::Signed(both.clone())).unwrap();
    let [Effect::Keep(_), Effect::Send(set)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((set.until, &set.claims, set.lock), (UNTIL, &both, run.sold().lock().point()));
    let mut others = both;
    others[1].claim.0[0] ^= 1;
    assert_eq!(no(buyer.step(Event::Signed(others))), SaleError::Other);
}

#[test]
fn a_later_height_asks_all_payees_again() {
    let run = Run::new();
    let mut buyer = run.asked();
    buyer.step(Event::Answered(run.answer(CARL))).unwrap();
    // An earlier one changes nothing.
    let [Effect::Ask { payees, until: UNTIL, .. }] = &buyer.step(Event::Named(UNTIL - 1)).unwrap()[..] else {
        panic!()
    };
    assert_eq!(payees[..], [DORA]);
    let effects = buyer.step(Event::Named(UNTIL + 4)).unwrap();
    let [Effect::Keep(_), Effect::Ask { payees, until, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((&payees[..], *until), (&PAYEES[..], UNTIL + 4));
    assert_eq!(no(buyer.step(Event::Answered(run.answer(CARL)))), SaleError::Claim("carl".to_owned()));
    let mut agreed = run.agreed();
    assert!(
        matches!(&agreed.step(Event::Named(UNTIL + 4)).unwrap()[..], [Effect::Sign(_)]),
        "too late for that"
    );
}

#[test]
fn the_money_comes_back_until_it_is_released() {
    let run = Run::new();
    for mut buyer in [run.buyer(), run.asked()] {
        let effects = buyer.step(Event::Undo).unwrap();
        let [Effect::Keep(kept), Effect::Undo(payees)] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(payees[..], PAYEES);
        let mut again = run.buyer().restore(kept.as_bytes()).unwrap();
        assert!(matches!(&again.step(Event::Undo).unwrap()[..], [Effect::Undo(_)]));
        for event in [
            Event::Ran(run.collected(), UNTIL),
            Event::Named(UNTIL),
            Event::Answered(run.answer(CARL)),
            Event::Signed(Vec::new()),
        ] {
            assert_eq!(no(again.step(event)), SaleError::Undone);
        }
    }
    let mut buyer = run.agreed();
    assert_eq!(no(buyer.step(Event::Undo)), SaleError::Bound, "the claims may be signed already");
    buyer.step(Event::Signed(signed(&PAYEES.map(|payee| run.answer(payee).claim)))).unwrap();
    assert_eq!(no(buyer.step(Event::Undo)), SaleError::Bound);
    buyer.step(Event::Revealed(run.t())).unwrap();
    assert_eq!(no(buyer.step(Event::Undo)), SaleError::Bound);
}

#[test]
fn nothing_is_asked_for_a_run_without_a_result() {
    let run = Run::new();
    let (job, Collected { receipt, outputs, locked }) = (run.job(), run.collected());
    let refused = |collected| no(run.buyer().step(Event::Ran(collected, UNTIL)));
    let mut fails = outputs.to_vec();
    fails[0].1[2] = false;
    assert_eq!(refused(Collected { outputs: &fails, ..run.collected() }), SaleError::Verdict);
    assert_eq!(refused(Collected { outputs: &[], ..run.collected() }), SaleError::Verdict, "nothing says so");
    let empty = [(0, Vec::new())];
    assert_eq!(refused(Collected { outputs: &empty, ..run.collected() }), SaleError::Verdict);
    let mut swapped = locked.clone();
    swapped.reverse();
    assert_eq!(refused(Collected { locked: &swapped, ..run.collected() }), SaleError::Locked("garbler"));
    let more = signed_by_both(receipt, |facts| facts.sold.as_mut().unwrap().bits += 1);
    assert_eq!(refused(Collected { receipt: &more, ..run.collected() }), SaleError::Widths);
    let other = Run::with(|draft| draft.nonce = Digest([8; 32]));
    assert_eq!(refused(other.collected()), SaleError::NotSold, "a run of another job");
    // Another run of this job, once one is there.
    let again = signed_by_both(receipt, |facts| facts.outputs[0].garbler = Digest([0; 32]));
    let mut buyer = run.asked();
    assert_eq!(
        no(buyer.step(Event::Ran(Collected { receipt: &again, ..run.collected() }, UNTIL))),
        SaleError::OtherSale
    );

    let unsold = Job::new(Draft { sale: None, ..(**job).clone() }).unwrap();
    assert_eq!(no(Buyer::new(&unsold, &run.widths)), SaleError::NotSold);
    let mut blind = (**job).clone();
    blind.outputs[0].result_parties = vec![ACME];
    let blind = Job::new(blind).unwrap();
    assert_eq!(no(Buyer::new(&blind, &run.widths)), SaleError::Blind("inputs_hold".to_owned()));
    for event in [Event::Named(UNTIL), Event::Answered(run.answer(CARL)), Event::Revealed(run.t())] {
        assert_eq!(no(run.buyer().step(event)), SaleError::NotSold, "there is no run");
    }
}

/// Other facts, which both compute parties signed.
fn signed_by_both(receipt: &Receipt, change: impl FnOnce(&mut Facts)) -> Receipt {
    let mut facts = receipt.facts.clone();
    change(&mut facts);
    let [garbler, evaluator] =
        [ACME, BOLT].map(|us| Statement::sign(&facts, [crate::support::NOW; 2], [1, 1], &identity(us)));
    Receipt { facts, garbler, evaluator, further: Vec::new() }
}

#[test]
fn a_computer_that_locked_noise_is_accused_when_the_money_is_gone() {
    let run = Run::new();
    let mut locked = run.collected().locked.clone();
    locked[0] = vec![7; locked[0].len()];
    let noise = digest(&locked[0]);
    let receipt = signed_by_both(run.collected().receipt, |facts| {
        facts.sold.as_mut().unwrap().garbler_share.locked = noise
    });
    let mut buyer = run.buyer();
    let lie = Collected { receipt: &receipt, locked: &locked, ..run.collected() };
    buyer.step(Event::Ran(lie, UNTIL)).unwrap();
    let half = secret_of(&run.sold(), ACME);
    assert_eq!(no(buyer.step(Event::Revealed(half))), SaleError::Secret("claim in the block"));
    let effects = buyer.step(Event::Revealed(run.t())).unwrap();
    let [Effect::Keep(kept), Effect::Accuse(proof)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((proof.place, proof.check(run.job(), &receipt)), (Place::Garbler, Ok(Offence::Closed)));
    let again = run.buyer().restore(kept.as_bytes()).unwrap();
    assert!(matches!(&again.again().unwrap()[..], [Effect::Accuse(_)]));
}

#[test]
fn what_is_kept_is_one_stage_of_this_job() {
    let run = Run::new();
    let mut kept = Vec::new();
    let mut buyer = run.buyer();
    let all = PAYEES.map(|payee| run.answer(payee));
    let claims = signed(&all.clone().map(|answer| answer.claim));
    let [first, second] = all;
    for event in [
        Event::Ran(run.collected(), UNTIL),
        Event::Answered(first),
        Event::Answered(second),
        Event::Signed(claims),
        Event::Revealed(run.t()),
    ] {
        let effects = buyer.step(event).unwrap();
        let Some(Effect::Keep(bytes)) = effects.first() else { panic!("kept before all else: {effects:?}") };
        kept.push(bytes.as_bytes().to_vec());
        let again = run.buyer().restore(bytes.as_bytes()).unwrap();
        assert_eq!(format!("{:?}", again.again().unwrap()), format!("{:?}", buyer.again().unwrap()));
    }
    let other = Run::with(|draft| draft.nonce = Digest([8; 32]));
    for bytes in &kept {
        assert!(other.buyer().restore(bytes).is_err(), "another job");
        for cut in [0, 19, 52, 53, bytes.len() / 2, bytes.len() - 1] {
            assert!(run.buyer().restore(&bytes[..cut]).is_err());
        }
        assert!(run.buyer().restore(&[&bytes[..], &[0]].concat()).is_err());
        let mut stage = bytes.clone();
        stage[STAGE] = 6;
        assert!(run.buyer().restore(&stage).is_err());
        // Not the share that both compute parties signed for.
        let [_, share] = run.collected().locked;
        let mut altered = bytes.clone();
        let at = altered.windows(share.len()).position(|part| part == share).unwrap();
        altered[at] ^= 1;
        assert!(run.buyer().restore(&altered).is_err());
    }
}

/// Before there is a run, only the job's id says which sale was kept.
#[test]
fn an_open_or_undone_sale_is_restored_for_its_job_alone() {
    let run = Run::new();
    let other = Run::with(|draft| draft.nonce = Digest([8; 32]));
    let effects = run.buyer().step(Event::Undo).unwrap();
    let [Effect::Keep(kept), Effect::Undo(_)] = &effects[..] else { panic!("{effects:?}") };
    for (stage, is_undone) in [(0, false), (1, true)] {
        let mut bytes = kept.as_bytes().to_vec();
        bytes[STAGE] = stage;
        let again = run.buyer().restore(&bytes).unwrap().again().unwrap();
        assert_eq!(matches!(&again[..], [Effect::Undo(_)]), is_undone, "{again:?}");
        let refused = other.buyer().restore(&bytes).err();
        assert_eq!(refused, Some(DecodeError::Value("the job of a sale")), "stage {stage}");
    }
}
