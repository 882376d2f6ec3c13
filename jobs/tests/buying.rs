//! The buyer of a sale: it crashes before every effect, everybody else dies before every step or lies, and the money is counted.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, VecDeque};

use sotto_jobs::codec::Bytes;
use sotto_jobs::collect::{Collected as Parcels, Collector, Ended, Outcome};
use sotto_jobs::false_share::Offence;
use sotto_jobs::job::{Draft, Payee as PaidOwner, Sale};
use sotto_jobs::lock::share::digest;
use sotto_jobs::lock::{LockPoint, LockSecret, Place};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::receipt::{Facts, Statement};
use sotto_jobs::run_state::OwnParty;
use sotto_jobs::sale::buyer::{Answer, Buyer, Collected, Effect, Event};
use sotto_jobs::sale::computer::{self, Computer};
use sotto_jobs::sale::payee::{self, Judgement, Payee};
use sotto_jobs::sale::{ClaimSet, EncryptedSecret, Part, PayeeClaim, SaleError, Sold};
use sotto_jobs::{Digest, Job, PartyId, Receipt};
use sotto_mpc::channel::pipe_pair;
use support::world::{ROWS, World};
use support::{Sum, draft, identity, rng};

const ACME: PartyId = PartyId(0);
const BOLT: PartyId = PartyId(1);
const CARL: PartyId = PartyId(2);
const DORA: PartyId = PartyId(3);
const EVE: PartyId = PartyId(4);
const PAYEES: [PartyId; 2] = [CARL, DORA];

/// The last height of all claims, and the last at which a secret may leave.
const UNTIL: u64 = 1000;
const GO_BY: u64 = 900;

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
        let payee = |owner| PaidOwner { owner, offer: Digest([1; 32]), terms: Digest([2; 32]) };
        let sale = Sale {
            buyer: EVE,
            outputs: vec![1],
            payees: PAYEES.map(payee).to_vec(),
            chain: Digest([3; 32]),
            blocks: 40,
            confirmations: 2,
        };
        let mut draft = Draft { sale: Some(sale), runs: 1, ..draft() };
        change(&mut draft);
        let world = World::drafted(draft, Sum::new(3), ROWS);
        let finished = world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap);
        let widths: Vec<usize> =
            world.program.declaration().outputs().iter().map(|table| table.bits()).collect();
        let parcel = |finished: &sotto_jobs::attempt::Finished| Ended {
            receipt: finished.receipt.clone(),
            encrypted_share: finished.encrypted_shares.iter().find(|s| s.result_party == EVE).cloned(),
        };
        let parcels = Parcels::of(finished.iter().map(parcel)).unwrap();
        let (us, run) = (identity(EVE), world.agreement.run(1).unwrap());
        let ours = OwnParty { id: EVE, identity: &us };
        let outcome = Collector { run, ours, input: None, widths: &widths }.outcome(&parcels).unwrap();
        Self { world, outcome, widths }
    }

    fn job(&self) -> &Job {
        self.world.agreement.job()
    }

    fn sold(&self) -> Sold<'_> {
        Sold::new(self.job(), &self.outcome.receipt).unwrap()
    }

    fn collected(&self) -> Collected<'_> {
        let Outcome { receipt, outputs, locked, .. } = &self.outcome;
        Collected { receipt, outputs, locked: locked.as_ref().unwrap() }
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

    /// A buyer that has a claim of everybody.
    fn agreed(&self) -> Buyer<'_> {
        let mut buyer = self.asked();
        for payee in PAYEES {
            buyer.step(Event::Answered(self.answer(payee))).unwrap();
        }
        buyer
    }

    fn t(&self) -> LockSecret {
        let [g, e] = [ACME, BOLT].map(|us| LockSecret::derive(&identity(us), &self.sold().lock().run_id()));
        g.plus(&e)
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

fn copied(t: &LockSecret) -> LockSecret {
    LockSecret::from_bytes(&t.to_bytes()).unwrap()
}

fn no<T>(result: Result<T, SaleError>) -> SaleError {
    result.err().unwrap()
}

/// Where a payee's money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Money {
    Held,
    Paid,
    Returned,
}

/// A settlement in which everybody but the buyer may die before a step, and the buyer crashes once before an effect.
struct Settlement<'a> {
    run: &'a Run,
    /// A party dies before this step: 0 it answers, 1 it says go, 2 it hands over, 3 it claims, 4 it sees a claim in a block.
    dies: BTreeMap<PartyId, usize>,
    crash: Option<usize>,
    /// Whether the buyer comes back after its crash while the others are there.
    returns: bool,
    buyer: Option<Buyer<'a>>,
    disk: Option<Vec<u8>>,
    effects: usize,
    money: BTreeMap<PartyId, Money>,
    /// The claim that the buyer's side signed, once for each payee.
    released: BTreeMap<PartyId, PayeeClaim>,
    sent: Vec<ClaimSet>,
    known: BTreeMap<PartyId, LockSecret>,
    opened: Option<Vec<(usize, Vec<bool>)>>,
}

impl<'a> Settlement<'a> {
    fn new(run: &'a Run, dies: BTreeMap<PartyId, usize>, crash: Option<usize>) -> Self {
        Self {
            run,
            dies,
            crash,
            returns: true,
            buyer: Some(run.buyer()),
            disk: None,
            effects: 0,
            money: BTreeMap::new(),
            released: BTreeMap::new(),
            sent: Vec::new(),
            known: BTreeMap::new(),
            opened: None,
        }
    }

    fn lives(&self, party: PartyId, step: usize) -> bool {
        self.dies.get(&party).is_none_or(|dies| *dies > step)
    }

    /// The buyer again, from its disk.
    fn restarted(&self) -> Buyer<'a> {
        let buyer = self.run.buyer();
        match &self.disk {
            Some(kept) => buyer.restore(kept).unwrap(),
            None => buyer,
        }
    }

    /// Hands the buyer an event, and carries everything out that follows.
    fn drive(&mut self, event: Event<'_>) {
        let Some(buyer) = &mut self.buyer else { return };
        let mut queue: VecDeque<Effect> = buyer.step(event).unwrap_or_default().into();
        self.carry_out(&mut queue);
    }

    fn carry_out(&mut self, queue: &mut VecDeque<Effect>) {
        while let Some(effect) = queue.pop_front() {
            if self.crash == Some(self.effects) {
                self.crash = None;
                self.buyer = self.returns.then(|| self.restarted());
                let Some(buyer) = &self.buyer else { return };
                *queue = buyer.again().unwrap().into();
                continue;
            }
            self.effects += 1;
            let events = self.effect(effect);
            for event in events {
                let Some(buyer) = &mut self.buyer else { return };
                queue.extend(buyer.step(event).unwrap_or_default());
            }
        }
    }

    /// What the buyer's side of the ledger, and those it writes to, do.
    fn effect(&mut self, effect: Effect) -> Vec<Event<'static>> {
        match effect {
            Effect::Keep(kept) => self.disk = Some(kept.as_bytes().to_vec()),
            Effect::PutAside(payees) => {
                for payee in payees {
                    self.money.entry(payee).or_insert(Money::Held);
                }
            }
            Effect::Ask { payees, lock, until } => {
                assert_eq!((lock, until), (self.run.sold().lock().point(), UNTIL));
                let living = payees.into_iter().filter(|payee| self.lives(*payee, 0));
                return living.map(|payee| Event::Answered(self.run.answer(payee))).collect();
            }
            Effect::Sign(answers) => {
                for answer in &answers {
                    let before = self.released.insert(answer.payee, answer.clone());
                    assert!(
                        before.is_none_or(|before| before == *answer),
                        "two claims of one payee were signed"
                    );
                }
                return vec![Event::Signed(signed(&answers))];
            }
            Effect::Send(set) => self.sent.push(set),
            Effect::Open(outputs) => self.opened = Some(outputs),
            Effect::Undo(payees) => {
                for payee in payees {
                    let money = self.money.entry(payee).or_insert(Money::Returned);
                    *money = if *money == Money::Paid { Money::Paid } else { Money::Returned };
                }
            }
            Effect::Accuse(_) => panic!("everybody locked what it signed for"),
        }
        Vec::new()
    }

    /// What payees and compute parties make of the last letter.
    fn settle(&mut self) {
        let (sold, Some(set)) = (self.run.sold(), self.sent.last().cloned()) else { return };
        let identities = PAYEES.map(identity);
        let mut payees: Vec<_> =
            PAYEES.iter().zip(&identities).map(|(id, key)| (*id, Payee::new(sold, *id, key))).collect();
        let good = Judgement { false_claim: None, next: GO_BY, until: GO_BY };
        let mut goes = Vec::new();
        for (id, payee) in payees.iter_mut().filter(|(id, _)| self.lives(*id, 1)) {
            for effect in payee.step(payee::Event::Claims(&set, good)).unwrap() {
                let payee::Effect::Send(go) = effect else { panic!("{id:?}: {effect:?}") };
                goes.push(go);
            }
        }
        let mut letters = Vec::new();
        for computer in [ACME, BOLT].into_iter().filter(|id| self.lives(*id, 2)) {
            let mut machine = Computer::new(sold);
            for go in &goes {
                if let computer::Effect::HandOver(all) = machine.step(go.clone()).unwrap() {
                    letters.extend(all.iter().map(|to| encrypted(sold, computer, *to)));
                }
            }
        }
        for (id, payee) in &mut payees {
            if !self.lives(*id, 3) {
                continue;
            }
            for letter in letters.iter().filter(|letter| letter.to == *id) {
                for effect in payee.step(payee::Event::Secret(letter)).unwrap() {
                    if let payee::Effect::Complete(t) = effect {
                        self.known.insert(*id, t);
                    }
                }
            }
        }
        // Claims enter blocks; whoever sees one has t.
        let Some(t) = self.known.values().next().map(copied) else { return };
        for payee in PAYEES {
            if self.known.contains_key(&payee) || self.lives(payee, 4) {
                self.money.insert(payee, Money::Paid);
            }
        }
        for _ in 0..2 {
            self.drive(Event::Revealed(copied(&t)));
        }
    }

    /// All of it; what nobody claimed returns in the end.
    fn run(&mut self) {
        let mut first: VecDeque<Effect> =
            self.buyer.as_ref().map(|buyer| buyer.again().unwrap()).unwrap_or_default().into();
        self.carry_out(&mut first);
        // Whoever comes again brings what it brought before.
        for _ in 0..2 {
            self.drive(Event::Ran(self.run.collected(), UNTIL));
        }
        self.settle();
        if self.buyer.is_none() {
            // It comes back after everybody else has gone.
            let mut buyer = self.restarted();
            if let Some(t) = self.known.values().next().map(copied) {
                let effects = buyer.step(Event::Revealed(t)).unwrap();
                self.opened = effects.into_iter().find_map(|effect| match effect {
                    Effect::Open(outputs) => Some(outputs),
                    _ => None,
                });
            }
        }
        self.money.values_mut().filter(|money| **money == Money::Held).for_each(|m| *m = Money::Returned);
    }

    fn check(&self, case: &str) {
        let paid = self.money.values().filter(|money| **money == Money::Paid).count();
        assert!(self.money.values().all(|money| *money != Money::Held), "{case}");
        assert_eq!(self.opened.is_some(), paid > 0, "paid {paid}: {case}");
        assert!(self.released.is_empty() || self.released.len() == PAYEES.len(), "{case}");
        assert!(self.sent.windows(2).all(|two| two[0] == two[1]), "two letters that differ: {case}");
        if let Some(opened) = &self.opened {
            let number = opened[0].1.iter().rev().fold(0, |sum, bit| 2 * sum + i128::from(*bit));
            assert_eq!((opened[0].0, number), (1, ROWS.as_flattened().iter().sum()), "{case}");
        }
    }
}

fn encrypted(sold: Sold<'_>, computer: PartyId, to: PartyId) -> EncryptedSecret {
    let place = if computer == ACME { Place::Garbler } else { Place::Evaluator };
    let secret = LockSecret::derive(&identity(computer), &sold.lock().run_id());
    EncryptedSecret::encrypt(&sold, Part { place, secret: &secret }, to, &mut rng(5)).unwrap()
}

#[test]
fn a_buyer_that_crashes_before_any_effect_gets_what_it_pays_for_and_pays_for_what_it_gets() {
    let run = Run::new();
    let mut whole = Settlement::new(&run, BTreeMap::new(), None);
    whole.run();
    whole.check("nobody dies");
    assert_eq!(whole.money.values().filter(|money| **money == Money::Paid).count(), PAYEES.len());
    let most = whole.effects;
    assert!(most > 8, "{most} effects");
    for crash in 0..most {
        // Back at once: everybody is paid all the same.
        let mut settlement = Settlement::new(&run, BTreeMap::new(), Some(crash));
        settlement.run();
        settlement.check(&format!("back after effect {crash}"));
        assert!(settlement.opened.is_some(), "back after effect {crash}");
        // Away until everybody else is done.
        let mut settlement =
            Settlement { returns: false, ..Settlement::new(&run, BTreeMap::new(), Some(crash)) };
        settlement.run();
        settlement.check(&format!("away from effect {crash} on"));
    }
}

#[test]
fn whoever_else_dies_before_whichever_step_the_buyer_pays_for_a_result_or_not_at_all() {
    let run = Run::new();
    let (mut sales, mut none) = (0, 0);
    let cases =
        |parties: [PartyId; 2]| parties.into_iter().flat_map(|party| (0..=5).map(move |step| (party, step)));
    for (payee, dies) in cases(PAYEES) {
        for (other, then) in cases([ACME, BOLT]).chain(cases(PAYEES)) {
            let mut settlement =
                Settlement::new(&run, [(payee, dies), (other, then)].into_iter().collect(), None);
            settlement.run();
            settlement.check(&format!("{payee:?} before {dies}, {other:?} before {then}"));
            if settlement.opened.is_some() { sales += 1 } else { none += 1 }
        }
    }
    assert!(sales > 40 && none > 40, "{sales} sales and {none} that are none");
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
fn a_later_height_asks_everybody_again() {
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
        [ACME, BOLT].map(|us| Statement::sign(&facts, [support::NOW; 2], [1, 1], &identity(us)));
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
    let half = LockSecret::derive(&identity(ACME), &run.sold().lock().run_id());
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
        stage[20 + 32] = 6;
        assert!(run.buyer().restore(&stage).is_err());
    }
}
