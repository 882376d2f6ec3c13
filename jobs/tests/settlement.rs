//! Settling a sale: every party dies before every step, or lies, and the money is counted.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::selling::{ACME, BOLT, CARL, DORA, EVE, PAYEES, encrypted, ran, secret_of, sold_draft};
use crate::support::world::{ROWS, World};
use crate::support::{Sum, identity, rng};
use sotto_jobs::codec::Bytes;
use sotto_jobs::lock::{LockSecret, Place};
use sotto_jobs::sale::computer::{self, Computer};
use sotto_jobs::sale::payee::{self, Event, Judgement, Payee};
use sotto_jobs::sale::{Ask, ClaimSet, EncryptedSecret, Go, Part, PayeeClaim, SaleError, Sold, Wanted};
use sotto_jobs::{Digest, Job, PartyId, Receipt};

/// The last height of all claims, and the last at which a secret may leave.
const UNTIL: u64 = 1000;
const GO_BY: u64 = 900;

/// A finished run whose sum eve buys of carl and dora.
fn finished() -> (Job, Receipt) {
    let world = World::drafted(sold_draft(), Sum::new(3), ROWS);
    let [garbler, _] = ran(&world);
    (world.agreement.job().clone(), garbler.receipt)
}

fn claims(sold: &Sold<'_>) -> ClaimSet {
    let claim = |payee: PartyId| PayeeClaim { payee, claim: Bytes(vec![payee.0 as u8; 9]) };
    ClaimSet {
        job: sold.job().id(),
        run_id: sold.lock().run_id(),
        lock: sold.lock().point(),
        until: UNTIL,
        claims: PAYEES.map(claim).to_vec(),
    }
}

const GOOD: Judgement = Judgement { false_claim: None, next: GO_BY, until: GO_BY };

/// What became of the money of each payee's hold, and of the outputs.
#[derive(Debug, PartialEq, Eq)]
struct End {
    paid: BTreeSet<PartyId>,
    returned: BTreeSet<PartyId>,
    is_opened: bool,
}

/// Runs a settlement in which parties die before the steps given, and computers hand their secrets to these alone.
struct Settlement<'a> {
    sold: Sold<'a>,
    deaths: BTreeMap<PartyId, usize>,
    hands_to: BTreeMap<PartyId, Vec<PartyId>>,
}

impl Settlement<'_> {
    fn lives(&self, party: PartyId, step: usize) -> bool {
        self.deaths.get(&party).is_none_or(|dies| *dies > step)
    }

    /// The first three steps: what compute parties hand to payees.
    fn handed_over(&self, payees: &mut [(PartyId, Payee<'_>)]) -> Vec<EncryptedSecret> {
        // 0: the buyer releases, 1: payees say go.
        let mut goes = Vec::new();
        let set = claims(&self.sold);
        for (id, payee) in payees {
            if self.lives(EVE, 0) && self.lives(*id, 1) {
                for effect in payee.step(Event::Claims(&set, GOOD)).unwrap() {
                    let payee::Effect::Send(go) = effect else { panic!("{effect:?}") };
                    goes.push(go);
                }
            }
        }
        // 2: compute parties hand over.
        let mut letters = Vec::new();
        for computer in [ACME, BOLT].into_iter().filter(|id| self.lives(*id, 2)) {
            let mut machine = Computer::new(self.sold);
            for go in &goes {
                if let computer::Effect::HandOver(all) = machine.step(go.clone()).unwrap() {
                    let to = self.hands_to.get(&computer).unwrap_or(&all);
                    letters.extend(to.iter().map(|to| encrypted(&self.sold, computer, *to)));
                }
            }
        }
        letters
    }

    fn run(&self) -> End {
        let sold = &self.sold;
        let identities = PAYEES.map(identity);
        let mut payees: Vec<(PartyId, Payee<'_>)> =
            PAYEES.iter().zip(&identities).map(|(id, key)| (*id, Payee::new(*sold, *id, key))).collect();
        let mut letters = self.handed_over(&mut payees);
        // 3 and 4: payees open, pass on, and know t.
        let mut known: BTreeMap<PartyId, LockSecret> = BTreeMap::new();
        for step in [3, 4] {
            let mut passed = Vec::new();
            for (id, payee) in &mut payees {
                for letter in letters.iter().filter(|letter| letter.to == *id && self.lives(*id, step)) {
                    for effect in payee.step(Event::Secret(letter)).unwrap() {
                        match effect {
                            payee::Effect::PassOn(place, secret, others) => {
                                passed.extend(others.iter().map(|to| {
                                    EncryptedSecret::encrypt(
                                        sold,
                                        Part { place, secret: &secret },
                                        *to,
                                        &mut rng(6),
                                    )
                                    .unwrap()
                                }))
                            }
                            payee::Effect::Complete(t) => drop(known.insert(*id, t)),
                            payee::Effect::Wait(_) | payee::Effect::Send(_) => {}
                        }
                    }
                }
            }
            letters = passed;
        }
        // 5: claims are published; 6: who sees one completes its own.
        let mut paid: BTreeSet<PartyId> =
            known.keys().copied().filter(|payee| self.lives(*payee, 5)).collect();
        if let Some(first) = paid.first().copied() {
            for (id, payee) in payees.iter_mut().filter(|(id, _)| self.lives(*id, 6)) {
                let shown = LockSecret::from_bytes(&known[&first].to_bytes()).unwrap();
                let effects = payee.step(Event::Revealed(shown)).unwrap();
                assert!(matches!(&effects[..], [payee::Effect::Complete(_)]));
                paid.insert(*id);
            }
        }
        let returned = PAYEES.into_iter().filter(|payee| !paid.contains(payee)).collect();
        End { is_opened: !paid.is_empty(), paid, returned }
    }
}

#[test]
fn whoever_dies_before_whichever_step_nobody_pays_for_nothing_or_gets_it_for_nothing() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    let all = [ACME, BOLT, CARL, DORA, EVE];
    let mut ends = 0;
    let steps = 0..=7;
    for (one, dies) in all.iter().flat_map(|party| steps.clone().map(move |step| (*party, step))) {
        for (other, then) in all.iter().flat_map(|party| steps.clone().map(move |step| (*party, step))) {
            let deaths = [(one, dies), (other, then)].into_iter().collect();
            let settlement = Settlement { sold, deaths, hands_to: BTreeMap::new() };
            let end = settlement.run();
            let case = format!("{one:?} before {dies}, {other:?} before {then}: {end:?}");
            // All of it, once.
            assert_eq!(end.paid.len() + end.returned.len(), PAYEES.len(), "{case}");
            assert!(end.paid.is_disjoint(&end.returned), "{case}");
            // The result is open exactly if somebody was paid; then everybody was who was there to claim.
            assert_eq!(end.is_opened, !end.paid.is_empty(), "{case}");
            if end.is_opened {
                assert!(PAYEES.iter().all(|p| end.paid.contains(p) || !settlement.lives(*p, 6)), "{case}");
            }
            ends += usize::from(end.is_opened);
        }
    }
    assert!((100..1600).contains(&ends), "{ends} of 1600 ends are sales");
}

#[test]
fn a_computer_that_tells_one_payee_alone_tells_all() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    for (garbler, evaluator) in [(CARL, CARL), (DORA, DORA)] {
        let hands_to = [(ACME, vec![garbler]), (BOLT, vec![evaluator])].into_iter().collect();
        let end = Settlement { sold, deaths: BTreeMap::new(), hands_to }.run();
        assert_eq!((end.paid.len(), end.is_opened), (2, true), "an honest payee passes both on");
    }
    // One to each: no payee has both, nothing is out, and the money returns.
    let hands_to = [(ACME, vec![CARL]), (BOLT, vec![DORA])].into_iter().collect();
    let end = Settlement { sold, deaths: BTreeMap::new(), hands_to }.run();
    assert_eq!((end.paid.len(), end.returned.len(), end.is_opened), (0, 2, false));
}

#[test]
fn a_payee_says_go_for_claims_that_hold_in_time_and_for_no_others() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    let key = identity(CARL);
    let refused = |change: &dyn Fn(&mut ClaimSet), judgement| {
        let mut set = claims(&sold);
        change(&mut set);
        Payee::new(sold, CARL, &key).step(Event::Claims(&set, judgement)).map(|_| ()).err()
    };
    assert_eq!(refused(&|_| (), GOOD), None);
    let late = Judgement { next: GO_BY + 1, ..GOOD };
    assert_eq!(refused(&|_| (), late), Some(SaleError::Late { until: GO_BY, next: GO_BY + 1 }));
    let false_claim = Judgement { false_claim: Some(DORA), ..GOOD };
    assert_eq!(refused(&|_| (), false_claim), Some(SaleError::Claim("dora".into())));
    assert_eq!(refused(&|s| drop(s.claims.pop()), GOOD), Some(SaleError::Claims));
    assert_eq!(refused(&|s| s.claims.reverse(), GOOD), Some(SaleError::Claims));
    assert_eq!(refused(&|s| s.job = Digest([9; 32]), GOOD), Some(SaleError::OtherSale));
    assert_eq!(refused(&|s| s.run_id = Digest([9; 32]), GOOD), Some(SaleError::OtherSale));
    let other = sold.lock().point_of(Place::Garbler);
    assert_eq!(refused(&|s| s.lock = other, GOOD), Some(SaleError::OtherSale), "one computer's point alone");
    let mut payee = Payee::new(sold, CARL, &key);
    let share = secret_of(&sold, ACME);
    assert_eq!(payee.step(Event::Revealed(share)).map(|_| ()), Err(SaleError::Secret("claim in the block")));
}

#[test]
fn a_computer_waits_for_every_payee_and_for_one_set_of_claims() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    let go = |set: &ClaimSet, payee, signer| Go::sign(set, payee, &identity(signer));
    let (set, mut other) = (claims(&sold), claims(&sold));
    other.claims[0].claim = Bytes(vec![7; 9]);
    let mut computer = Computer::new(sold);
    assert_eq!(computer.step(go(&set, CARL, DORA)), Err(SaleError::Stranger), "not carl's signature");
    assert_eq!(computer.step(go(&set, ACME, ACME)), Err(SaleError::Stranger), "no payee");
    let mut elsewhere = set.clone();
    elsewhere.lock = sold.lock().point_of(Place::Garbler);
    assert_eq!(computer.step(go(&elsewhere, CARL, CARL)), Err(SaleError::OtherSale));
    // The buyer showed the two payees different claims.
    assert_eq!(computer.step(go(&set, CARL, CARL)), Ok(computer::Effect::Wait(vec![DORA])));
    assert_eq!(computer.step(go(&other, DORA, DORA)), Ok(computer::Effect::Wait(vec![CARL])));
    // Heights count, too.
    let later = ClaimSet { until: UNTIL + 1, ..other.clone() };
    assert_eq!(computer.step(go(&later, CARL, CARL)), Ok(computer::Effect::Wait(vec![DORA])));
    // Carl says go again, for the same.
    assert_eq!(computer.step(go(&other, CARL, CARL)), Ok(computer::Effect::HandOver(PAYEES.to_vec())));
    assert_eq!(
        computer.step(go(&other, DORA, DORA)),
        Ok(computer::Effect::HandOver(PAYEES.to_vec())),
        "again"
    );
    assert_eq!(computer.step(go(&set, DORA, DORA)), Err(SaleError::Other), "the secret is out for others");
}

#[test]
fn a_secret_is_the_one_of_its_lock_and_for_its_payee() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    let open = |letter: &EncryptedSecret, who| letter.open(&sold, &identity(who)).map(|_| ());
    let letter = encrypted(&sold, ACME, CARL);
    assert_eq!(open(&letter, CARL), Ok(()));
    assert_eq!(open(&letter, DORA), Err(SaleError::Secret("garbler")), "for another");
    let mut moved = letter.clone();
    moved.place = Place::Evaluator;
    assert_eq!(open(&moved, CARL), Err(SaleError::Secret("evaluator")));
    let mut moved = letter;
    moved.run_id = Digest([9; 32]);
    assert_eq!(open(&moved, CARL), Err(SaleError::OtherSale));
    // The evaluator gives out something else.
    let part = Part { place: Place::Evaluator, secret: &secret_of(&sold, ACME) };
    let lie = EncryptedSecret::encrypt(&sold, part, CARL, &mut rng(5)).unwrap();
    assert_eq!(open(&lie, CARL), Err(SaleError::Secret("evaluator")));
}

#[test]
fn what_the_buyer_asks_for_is_signed_by_it_and_about_one_run() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    let claim = Wanted::Claim { run_id: sold.lock().run_id(), lock: sold.lock().point(), until: UNTIL };
    for wanted in [claim, Wanted::Return] {
        let ask = Ask::sign(&job, wanted, &identity(EVE));
        let bytes = ask.to_bytes();
        assert_eq!(Ask::from_bytes(&bytes).as_ref(), Ok(&ask));
        assert_eq!(ask.of(&job), Ok(wanted));
        assert!(Ask::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        // A compute party that carries it cannot change it, nor write one.
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let read = Ask::from_bytes(&altered).map(|ask| ask.of(&job));
            assert!(!matches!(read, Ok(Ok(_))), "byte {at}");
        }
        for other in [ACME, CARL] {
            assert_eq!(Ask::sign(&job, wanted, &identity(other)).of(&job), Err(SaleError::Buyer));
        }
    }
    let other = World::drafted(
        sotto_jobs::Draft { purpose: sotto_jobs::text::Prose::new("another").unwrap(), ..sold_draft() },
        Sum::new(3),
        ROWS,
    );
    let ask = Ask::sign(&job, claim, &identity(EVE));
    assert_eq!(ask.of(other.agreement.job()), Err(SaleError::OtherSale));
    assert_eq!((claim.until(&sold), Wanted::Return.until(&sold)), (Ok(Some(UNTIL)), Ok(None)));
    let Wanted::Claim { run_id, lock, until } = claim else { panic!() };
    let elsewhere = Wanted::Claim { run_id: Digest([9; 32]), lock, until };
    assert_eq!(elsewhere.until(&sold), Err(SaleError::OtherSale));
    let lock = sold.lock().point_of(Place::Garbler);
    assert_eq!(Wanted::Claim { run_id, lock, until }.until(&sold), Err(SaleError::OtherSale));
}

#[test]
fn letters_have_one_encoding_and_are_bounded() {
    let (job, receipt) = finished();
    let sold = Sold::new(&job, &receipt).unwrap();
    let set = claims(&sold);
    let go = Go::sign(&set, CARL, &identity(CARL));
    let letter = encrypted(&sold, ACME, CARL);
    assert_eq!(ClaimSet::from_bytes(&set.to_bytes()).as_ref(), Ok(&set));
    assert_eq!(Go::from_bytes(&go.to_bytes()).as_ref(), Ok(&go));
    assert_eq!(EncryptedSecret::from_bytes(&letter.to_bytes()).as_ref(), Ok(&letter));
    let mut long = set.clone();
    long.claims[0].claim = Bytes(vec![0; 513]);
    assert!(ClaimSet::from_bytes(&long.to_bytes()).is_err());
    for bytes in [set.to_bytes(), go.to_bytes(), letter.to_bytes()] {
        for cut in [bytes.len() - 1, bytes.len() / 2, 0] {
            let cut = &bytes[..cut];
            assert!(ClaimSet::from_bytes(cut).is_err() && Go::from_bytes(cut).is_err());
            assert!(EncryptedSecret::from_bytes(cut).is_err());
        }
    }
    let unsold =
        Receipt { facts: sotto_jobs::receipt::Facts { sold: None, ..receipt.facts.clone() }, ..receipt };
    assert_eq!(Sold::new(&job, &unsold).map(|_| ()), Err(SaleError::NotSold));
}
