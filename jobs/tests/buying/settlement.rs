//! The buyer crashes before every effect, each other party dies before every step, and the money is counted.

use super::{ACME, BOLT, PAYEES, Run, UNTIL, signed};
use crate::support::identity;
use crate::support::selling::{are_the_sum, encrypted};
use sotto_jobs::PartyId;
use sotto_jobs::lock::LockSecret;
use sotto_jobs::sale::buyer::{Buyer, Effect, Event};
use sotto_jobs::sale::computer::{self, Computer};
use sotto_jobs::sale::payee::{self, Judgement, Payee};
use sotto_jobs::sale::{ClaimSet, PayeeClaim};
use std::collections::{BTreeMap, VecDeque};

/// The last height at which a secret may leave.
const GO_BY: u64 = 900;

fn copied(t: &LockSecret) -> LockSecret {
    LockSecret::from_bytes(&t.to_bytes()).unwrap()
}

/// Where a payee's money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Money {
    Held,
    Paid,
    Returned,
}

/// A settlement in which each party but the buyer may die before a step, and the buyer crashes once before an effect.
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
            Effect::Accuse(_) => panic!("both compute parties locked what they signed for"),
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
                    letters.extend(all.iter().map(|to| encrypted(&sold, computer, *to)));
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
        // Claims enter blocks; a payee that sees one has t.
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

    /// All of it; what no payee claimed returns in the end.
    fn run(&mut self) {
        let mut first: VecDeque<Effect> =
            self.buyer.as_ref().map(|buyer| buyer.again().unwrap()).unwrap_or_default().into();
        self.carry_out(&mut first);
        // What comes again is the same.
        for _ in 0..2 {
            self.drive(Event::Ran(self.run.collected(), UNTIL));
        }
        self.settle();
        if self.buyer.is_none() {
            // It comes back after all others have gone.
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
            assert!(are_the_sum(opened), "{opened:?}: {case}");
        }
    }
}

#[test]
fn a_buyer_that_crashes_before_any_effect_gets_what_it_pays_for_and_pays_for_what_it_gets() {
    let run = Run::new();
    let mut whole = Settlement::new(&run, BTreeMap::new(), None);
    whole.run();
    whole.check("no party dies");
    assert_eq!(whole.money.values().filter(|money| **money == Money::Paid).count(), PAYEES.len());
    let most = whole.effects;
    assert!(most > 8, "{most} effects");
    for crash in 0..most {
        // Back at once: every payee is paid all the same.
        let mut settlement = Settlement::new(&run, BTreeMap::new(), Some(crash));
        settlement.run();
        settlement.check(&format!("back after effect {crash}"));
        assert!(settlement.opened.is_some(), "back after effect {crash}");
        // Away until all others are done.
        let mut settlement =
            Settlement { returns: false, ..Settlement::new(&run, BTreeMap::new(), Some(crash)) };
        settlement.run();
        settlement.check(&format!("away from effect {crash} on"));
    }
}

#[test]
fn others_die_before_any_step_and_the_buyer_pays_for_a_result_or_not_at_all() {
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
