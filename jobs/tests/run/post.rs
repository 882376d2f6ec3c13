//! A sale settled by letters that cross between real parties: holds, claims, goes and secrets, over a ledger of the test.

use super::sales::sold;
use super::{Results, TOTAL, drawn, number, rows_of, with_setup};
use crate::support::selling::{ACME, BOLT, CARL, DORA, EVE, collected};
use crate::support::{Sum, identity};
use sotto_jobs::admission::Admission;
use sotto_jobs::codec::Bytes;
use sotto_jobs::collect::Outcome;
use sotto_jobs::edge::run::{Post, Progress, RunError, Setup, Trade, take_part};
use sotto_jobs::lock::{LockPoint, LockSecret};
use sotto_jobs::messages::{Request, RequestKind};
use sotto_jobs::multiparty::Functionality as _;
use sotto_jobs::post::{Letter, MAX_LETTER, Slot};
use sotto_jobs::sale::buyer::{Answer, Buyer, Effect, Event};
use sotto_jobs::sale::payee::{self, Judgement, Payee};
use sotto_jobs::sale::{ClaimSet, EncryptedSecret, Go, Part, PayeeClaim, Sold};
use sotto_jobs::storage::{Memory, Storage as _};
use sotto_jobs::{Agreement, Job, PartyId};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::thread;

/// The last height of all claims.
const UNTIL: u64 = 1000;

/// What the chain shows.
#[derive(Default)]
struct Ledger {
    held: BTreeSet<PartyId>,
    claimed: BTreeSet<PartyId>,
    shown: Option<LockSecret>,
}

/// One party's side of the sale.
struct Side<'a> {
    job: &'a Job,
    us: PartyId,
    ledger: &'a Mutex<Ledger>,
    kept: Mutex<Option<Vec<u8>>>,
    opened: &'a Mutex<Option<u64>>,
    /// A payee that says go for other claims once its secret has come.
    is_fickle: bool,
    refused: &'a Mutex<Vec<String>>,
}

impl Side<'_> {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    fn payees(&self) -> Vec<PartyId> {
        self.job.sale.as_ref().unwrap().payees.iter().map(|payee| payee.owner).collect()
    }

    fn buys(&self, outcome: &Outcome, post: &dyn Post) -> Result<Progress, RunError> {
        let widths: Vec<usize> =
            Sum::new(3).declaration().outputs().iter().map(|table| table.bits()).collect();
        let buyer = Buyer::new(self.job, &widths).unwrap();
        let mut kept = self.kept.lock().unwrap();
        let mut buyer = match &*kept {
            Some(bytes) => buyer.restore(bytes).unwrap(),
            None => buyer,
        };
        let mut effects = buyer.step(Event::Ran(collected(outcome), UNTIL)).unwrap();
        for Letter { from, bytes, .. } in of(&post.fetch()?, Slot::Answer) {
            let lock = LockPoint::from_bytes(bytes.0[..32].try_into().unwrap());
            let claim = PayeeClaim { payee: from, claim: bytes };
            effects.extend(buyer.step(Event::Answered(Answer { claim, lock, until: UNTIL })).unwrap());
        }
        if let Some(t) = &self.ledger().shown {
            effects.extend(buyer.step(Event::Revealed(copied(t))).unwrap());
        }
        let mut effects = std::collections::VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Keep(bytes) => *kept = Some(bytes.as_bytes().to_vec()),
                Effect::Ask { payees, lock, .. } => {
                    for payee in payees {
                        post.send(payee, Slot::Ask, lock.to_bytes().to_vec())?;
                    }
                }
                Effect::Sign(answers) => effects.extend(buyer.step(Event::Signed(answers)).unwrap()),
                Effect::Send(set) => {
                    for payee in self.payees() {
                        post.send(payee, Slot::Claims, set.to_bytes())?;
                    }
                }
                Effect::Open(outputs) => {
                    *self.opened.lock().unwrap() = Some(number(&outputs[0].1));
                    return Ok(Progress::Done);
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(Progress::Awaited("a claim in a block".to_owned()))
    }

    fn sells(&self, outcome: &Outcome, post: &dyn Post) -> Result<Progress, RunError> {
        let key = identity(self.us);
        let sold = Sold::new(self.job, &outcome.receipt).unwrap();
        let mut machine = Payee::new(sold, self.us, &key);
        let letters = post.fetch()?;
        let mut effects = Vec::new();
        for ask in of(&letters, Slot::Ask) {
            assert_eq!(ask.bytes.0, sold.lock().point().to_bytes());
            post.send(EVE, Slot::Answer, ask.bytes.0)?;
        }
        for letter in of(&letters, Slot::Claims) {
            let set = ClaimSet::from_bytes(&letter.bytes.0).unwrap();
            let judged = Judgement { false_claim: None, next: 1, until: UNTIL };
            effects.extend(machine.step(payee::Event::Claims(&set, judged)).unwrap());
        }
        for slot in [Slot::GarblerSecret, Slot::EvaluatorSecret] {
            for letter in of(&letters, slot) {
                let secret = EncryptedSecret::from_bytes(&letter.bytes.0).unwrap();
                effects.extend(machine.step(payee::Event::Secret(&secret)).unwrap());
            }
        }
        for effect in effects {
            match effect {
                payee::Effect::Send(go) => post.send(EVE, Slot::Go, go.to_bytes())?,
                payee::Effect::Wait(_) => {}
                payee::Effect::PassOn(place, secret, to) => {
                    for to in to {
                        let part = Part { place, secret: &secret };
                        let letter = EncryptedSecret::encrypt(&sold, part, to, &mut drawn()).unwrap();
                        post.send(to, Slot::of_secret(place), letter.to_bytes())?;
                    }
                }
                payee::Effect::Complete(t) => {
                    let mut ledger = self.ledger();
                    ledger.claimed.insert(self.us);
                    ledger.shown = Some(t);
                    drop(ledger);
                    if self.is_fickle {
                        self.says_go_again(&letters, post);
                    }
                    return Ok(Progress::Done);
                }
            }
        }
        Ok(Progress::Awaited("both secrets".to_owned()))
    }

    fn says_go_again(&self, letters: &[Letter], post: &dyn Post) {
        let mut set = ClaimSet::from_bytes(&of(letters, Slot::Claims)[0].bytes.0).unwrap();
        set.until += 1;
        let other = Go::sign(&set, self.us, &identity(self.us));
        let refused = post.send(EVE, Slot::Go, other.to_bytes()).err().unwrap();
        self.refused.lock().unwrap().push(refused.to_string());
    }

    /// What no compute party takes: letters that are another party's to write, and those that are too long.
    fn writes_out_of_turn(&self, post: &dyn Post) {
        let refused = |to, slot, bytes| post.send(to, slot, bytes).err().unwrap().to_string();
        let mut said = self.refused.lock().unwrap();
        said.push(refused(EVE, Slot::Join, vec![0; MAX_LETTER + 1]));
        said.push(refused(ACME, Slot::Claims, vec![0]));
        said.push(refused(DORA, Slot::GarblerSecret, vec![0]));
    }
}

impl Trade for Side<'_> {
    fn fund(&self, post: &dyn Post) -> Progress {
        let all = self.payees();
        if self.us == EVE {
            for payee in &all {
                post.send(*payee, Slot::Offer, vec![1]).unwrap();
            }
            // A compute party may not be there yet.
            let joined = of(&post.fetch().unwrap_or_default(), Slot::Join);
            self.ledger().held.extend(joined.into_iter().map(|letter| letter.from));
            let is_held = all.iter().all(|payee| self.ledger().held.contains(payee));
            return if is_held { Progress::Done } else { Progress::Awaited("consents".to_owned()) };
        }
        let offers = of(&post.fetch().unwrap_or_default(), Slot::Offer);
        if !offers.is_empty() {
            post.send(EVE, Slot::Join, vec![2]).unwrap();
        }
        let is_held = self.ledger().held.contains(&self.us);
        if is_held { Progress::Done } else { Progress::Awaited("money".to_owned()) }
    }

    fn attend(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn settle(&self, outcome: &Outcome, post: &dyn Post) -> Progress {
        if self.is_fickle && self.refused.lock().unwrap().is_empty() {
            self.writes_out_of_turn(post);
        }
        let step = if self.us == EVE { self.buys(outcome, post) } else { self.sells(outcome, post) };
        step.unwrap_or_else(|why| Progress::Awaited(why.to_string()))
    }
}

fn of(letters: &[Letter], slot: Slot) -> Vec<Letter> {
    letters.iter().filter(|letter| letter.slot == slot).cloned().collect()
}

fn copied(t: &LockSecret) -> LockSecret {
    LockSecret::from_bytes(&t.to_bytes()).unwrap()
}

/// What a sale came to.
struct Ended {
    results: Results,
    opened: Option<u64>,
    claimed: BTreeSet<PartyId>,
    refused: Vec<String>,
}

fn everybody(agreement: &Agreement, storages: &mut [Memory; 5], ledger: &Mutex<Ledger>, carl: Carl) -> Ended {
    let (opened, refused) = (Mutex::new(None), Mutex::new(Vec::new()));
    let results = thread::scope(|scope| {
        let (opened, refused) = (&opened, &refused);
        let start = |(i, storage): (usize, _)| {
            let us = PartyId(i as u16);
            let part = move || {
                let (job, kept, is_fickle) =
                    (agreement.job(), Mutex::new(None), carl == Carl::Fickle && us == CARL);
                let side = Side { job, us, ledger, kept, opened, is_fickle, refused };
                let trade: &(dyn Trade + Sync) =
                    if carl == Carl::Silent && us == CARL { &Silent } else { &side };
                with_setup(agreement, us, rows_of(us), |setup| {
                    take_part(&Setup { trade: Some(trade), ..setup }, storage, &mut drawn())
                })
            };
            (us.0, scope.spawn(part))
        };
        let running: Vec<_> = storages.iter_mut().enumerate().map(start).collect();
        running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
    });
    let claimed = ledger.lock().unwrap().claimed.clone();
    Ended { results, opened: opened.into_inner().unwrap(), claimed, refused: refused.into_inner().unwrap() }
}

/// What one payee is like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carl {
    /// It writes what it may not.
    Fickle,
    /// Its money is put aside, and it wants it no more.
    Silent,
}

#[test]
fn a_sale_is_settled_by_letters_and_the_secret_leaves_for_one_set_of_claims() {
    // Acme computes and is paid; so it writes to itself as well.
    let agreement = sold(|_| ());
    let mut storages = <[Memory; 5]>::default();
    let ended = everybody(&agreement, &mut storages, &Mutex::default(), Carl::Fickle);
    for (id, result) in &ended.results {
        assert!(result.is_ok(), "{id}: {result:?}");
    }
    assert_eq!((ended.opened, ended.claimed), (Some(TOTAL), BTreeSet::from([ACME, CARL])));
    let said =
        ["too long", "does not give you that role", "does not give you that role", "left for other claims"];
    assert_eq!(ended.refused.len(), said.len(), "{:?}", ended.refused);
    for (why, expected) in ended.refused.iter().zip(said) {
        assert!(why.contains(expected), "{why}");
    }
    // What was handed over is kept, so it is the same after a restart.
    let kept = |storage: &Memory, item: &str| storage.get(item).unwrap();
    for to in ["acme", "carl"] {
        assert!(kept(&storages[0], &format!("letter-acme-{to}-garbler-secret")).is_some());
        assert!(kept(&storages[1], &format!("letter-bolt-{to}-evaluator-secret")).is_some());
    }
    assert!(kept(&storages[0], "letter-carl-acme-go").is_some());
}

/// A payee that does not come back: no secret leaves, and the others hear why nothing happens.
#[test]
fn no_secret_leaves_without_a_go_of_every_payee() {
    let agreement = sold(|draft| (draft.deadline, draft.limits.seconds) = (6, 5));
    let mut storages = <[Memory; 5]>::default();
    let ledger = Mutex::new(Ledger { held: BTreeSet::from([ACME, CARL]), ..Ledger::default() });
    let Ended { results, claimed, .. } = everybody(&agreement, &mut storages, &ledger, Carl::Silent);
    assert!(matches!(&results[&EVE.0], Err(RunError::Late(_))), "{:?}", results[&EVE.0]);
    assert!(matches!(&results[&CARL.0], Err(RunError::Unsettled(_))), "{:?}", results[&CARL.0]);
    assert!(claimed.is_empty());
    assert!(storages[0].get("letter-acme-carl-garbler-secret").unwrap().is_none());
}

struct Silent;

impl Trade for Silent {
    fn fund(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn attend(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn settle(&self, _: &Outcome, _: &dyn Post) -> Progress {
        Progress::Gone("its wallet is lost".to_owned())
    }
}

#[test]
fn only_those_who_pay_and_are_paid_write_and_each_in_its_slots() {
    let agreement = sold(|_| ());
    let run = agreement.run(1).unwrap();
    let takes = |client, kind| {
        let request = Request { job: agreement.job().id(), run: 1, kind };
        Admission { run, us: ACME }.check(client, &request, 0).is_ok()
    };
    let fetch = [BOLT, CARL, DORA, EVE].map(|client| takes(client, RequestKind::Fetch));
    assert_eq!(fetch, [false, true, false, true]);
    let post = |client, to, slot| takes(client, RequestKind::Post { to, slot, letter: Bytes(vec![1]) });
    assert!(post(CARL, ACME, Slot::Go) && !post(CARL, BOLT, Slot::Go), "a go is for who has it");
    for slot in [Slot::Offer, Slot::Prove, Slot::Ask, Slot::Release, Slot::Claims] {
        assert!(post(EVE, CARL, slot) && !post(EVE, DORA, slot) && !post(CARL, ACME, slot), "{slot:?}");
    }
    for slot in [Slot::Join, Slot::Part, Slot::Answer] {
        assert!(post(CARL, EVE, slot) && !post(DORA, EVE, slot) && !post(EVE, CARL, slot), "{slot:?}");
    }
    assert!(post(CARL, ACME, Slot::EvaluatorSecret), "passed on");
    assert!(post(BOLT, CARL, Slot::EvaluatorSecret) && !post(BOLT, CARL, Slot::GarblerSecret));
}
