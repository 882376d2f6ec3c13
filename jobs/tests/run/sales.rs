//! Runs whose outputs are sold: a payee brings nothing before its money is there, and the buyer has what is locked.

use super::{Results, TOTAL, at_free_ports, drawn, number, rows_of, with_setup};
use crate::support::selling::{ACME, BOLT, CARL, DORA, EVE, sale};
use crate::support::{Sum, agreement, identity};
use sotto_jobs::collect::Outcome;
use sotto_jobs::edge::run::{Post, Progress, RunError, Setup, Trade, take_part};
use sotto_jobs::job::{Draft, Payee, Sale};
use sotto_jobs::lock::LockSecret;
use sotto_jobs::multiparty::Functionality as _;
use sotto_jobs::output_share::AttemptOutputs;
use sotto_jobs::storage::{Memory, Storage as _};
use sotto_jobs::{Agreement, Digest, Job, PartyId};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Eve buys the sum of acme, who computes as well, and of carl; dora is not paid.
pub(crate) fn sold(change: impl FnOnce(&mut Draft)) -> Agreement {
    let payee = |owner| Payee { owner, offer: Digest([1; 32]), terms: Digest([2; 32]) };
    let sale = Sale { payees: vec![payee(ACME), payee(CARL)], ..sale() };
    let mut draft = Draft { sale: Some(sale), runs: 1, ..at_free_ports() };
    change(&mut draft);
    agreement(&Job::new(draft).unwrap())
}

/// Money that is as it is said to be, and is settled by nothing.
struct Said<'a>(&'a (dyn Fn() -> Progress + Sync));

impl Trade for Said<'_> {
    fn fund(&self, _: &dyn Post) -> Progress {
        self.0()
    }

    fn attend(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn settle(&self, _: &Outcome, _: &dyn Post) -> Progress {
        Progress::Done
    }
}

/// All parties at once; `money` says what the ledger says to each, and is kept in order with what was debited.
fn everybody(
    agreement: &Agreement,
    storages: &mut [Memory; 5],
    money: &(dyn Fn(PartyId) -> Option<Progress> + Sync),
) -> (Results, Vec<(PartyId, &'static str)>) {
    let log = Mutex::new(Vec::new());
    let results = thread::scope(|scope| {
        let log = &log;
        let start = |(i, storage): (usize, _)| {
            let id = PartyId(i as u16);
            let part = move || {
                with_setup(agreement, id, rows_of(id), |setup| {
                    let ask = || {
                        let said = money(id).unwrap();
                        log.lock().unwrap().push((id, if said == Progress::Done { "there" } else { "away" }));
                        said
                    };
                    let debit = || {
                        log.lock().unwrap().push((id, "debited"));
                        Ok(())
                    };
                    let asked = Said(&ask);
                    let trade = money(id).map(|_| &asked as &(dyn Trade + Sync));
                    take_part(&Setup { trade, debit: &debit, ..setup }, storage, &mut drawn())
                })
            };
            (id.0, scope.spawn(part))
        };
        let running: Vec<_> = storages.iter_mut().enumerate().map(start).collect();
        running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
    });
    (results, log.into_inner().unwrap())
}

#[test]
fn a_payee_brings_nothing_before_its_money_is_there() {
    let agreement = sold(|_| ());
    let mut storages = <[Memory; 5]>::default();
    let asked = Mutex::new(BTreeMap::<PartyId, usize>::new());
    let money = |id| {
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(id).or_default();
        *times += 1;
        Some(if *times < 6 { Progress::Awaited("blocks".to_owned()) } else { Progress::Done })
    };
    let (results, log) = everybody(&agreement, &mut storages, &money);
    for payee in [ACME, CARL] {
        let of = |what| log.iter().position(|entry| *entry == (payee, what));
        let before = &log[..of("debited").unwrap()];
        assert!(before.contains(&(payee, "away")), "it was not there at first");
        let last = before.iter().rev().find(|(id, _)| *id == payee).unwrap();
        assert_eq!(last.1, "there", "asked just before");
    }
    assert!(
        log.contains(&(DORA, "debited")) && !log.contains(&(DORA, "there")),
        "who is not paid does not wait"
    );

    let outcome = results[&EVE.0].as_ref().unwrap();
    assert_eq!(outcome.outputs, [(0, vec![true; 3])], "the verdict is open, the sum is not");
    let (job, facts) = (agreement.job(), &outcome.receipt.facts);
    let widths: Vec<usize> = Sum::new(3).declaration().outputs().iter().map(|table| table.bits()).collect();
    let outputs = AttemptOutputs { job, run_id: facts.run_id, widths: &widths };
    let [g, e] = job.pair().map(|us| LockSecret::derive(&identity(us), &facts.run_id));
    let opened = outputs.open_sold(facts, outcome.locked.as_ref().unwrap(), &g.plus(&e)).unwrap();
    assert_eq!((opened[0].0, number(&opened[0].1)), (1, TOTAL));
    assert!(results.iter().all(|(id, result)| result.as_ref().unwrap().locked.is_some() == (*id == EVE.0)));

    // Carl lost its result, and its money is gone since: it brought its input before, and collects.
    let mut kept = Memory::default();
    for item in ["run", "own"] {
        kept.put(item, &storages[2].get(item).unwrap().unwrap()).unwrap();
    }
    storages[2] = kept;
    storages[0].put("confirmed", &[0, 0, 1, 0, 3, 0, 4, 0]).unwrap();
    storages[1].put("confirmed", &[0, 0, 1, 0, 3, 0, 4, 0]).unwrap();
    let (again, log) = everybody(&agreement, &mut storages, &|_| Some(Progress::Gone("claimed".to_owned())));
    assert_eq!(again[&CARL.0].as_ref().unwrap().receipt, outcome.receipt);
    assert!(log.iter().all(|(_, what)| *what != "debited"), "{log:?}");
}

#[test]
fn a_payee_whose_money_does_not_come_brings_nothing() {
    let agreement = sold(|draft| (draft.deadline, draft.limits.seconds) = (2, 1));
    let away = |id| match id {
        CARL => Some(Progress::Gone("it pays less than was agreed".to_owned())),
        _ => Some(Progress::Done),
    };
    let mut storages = <[Memory; 5]>::default();
    let (results, log) = everybody(&agreement, &mut storages, &away);
    let Err(RunError::Unpaid(why)) = &results[&CARL.0] else { panic!("{:?}", results[&CARL.0]) };
    assert!(why.contains("less than"), "{why}");
    assert!(!log.contains(&(CARL, "debited")) && storages[2].get("own").unwrap().is_none());
    assert!(results.values().all(Result::is_err), "nothing was computed");
    // Awaited until the deadline; acme computes, and does not listen before.
    let awaited =
        |id| Some(if id == ACME { Progress::Awaited("2 blocks".to_owned()) } else { Progress::Done });
    let (results, log) = everybody(&agreement, &mut storages, &awaited);
    let Err(RunError::Late(why)) = &results[&ACME.0] else { panic!("{:?}", results[&ACME.0]) };
    assert_eq!((&why[..], log.contains(&(ACME, "debited"))), (&["2 blocks".to_owned()][..], false));
    // And without a ledger at all.
    let blind = |id| (id != CARL).then_some(Progress::Done);
    let (results, _) = everybody(&agreement, &mut storages, &blind);
    assert!(matches!(results[&CARL.0], Err(RunError::Sale)), "{:?}", results[&CARL.0]);
}

/// Money that is there until a moment.
struct Until<'a> {
    over: &'a AtomicBool,
    asked: &'a AtomicBool,
}

impl Trade for Until<'_> {
    fn fund(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn attend(&self, _: &dyn Post) -> Progress {
        if !self.asked.swap(true, Ordering::Relaxed) {
            return Progress::Awaited("a block".to_owned());
        }
        if self.over.load(Ordering::Relaxed) {
            Progress::Gone("it is back".to_owned())
        } else {
            Progress::Done
        }
    }

    fn settle(&self, _: &Outcome, _: &dyn Post) -> Progress {
        Progress::Done
    }
}

/// Dora does not come. A payee that brought its input looks after its money meanwhile, whether it computes or not.
#[test]
fn a_payee_whose_money_goes_back_while_it_waits_waits_no_longer() {
    let agreement = sold(|_| ());
    let [over, carl_ended] = [true, false].map(AtomicBool::new);
    let asked = [(); 2].map(|()| AtomicBool::new(false));
    let mut storages = <[Memory; 3]>::default();
    let results: Vec<_> = thread::scope(|scope| {
        let start = |(us, storage): (PartyId, _)| {
            let (agreement, over, carl_ended, asked) = (&agreement, &over, &carl_ended, &asked);
            scope.spawn(move || {
                let trade = match us {
                    CARL => Some(Until { over, asked: &asked[0] }),
                    ACME => Some(Until { over: carl_ended, asked: &asked[1] }),
                    _ => None,
                };
                let trade = trade.as_ref().map(|trade| trade as &(dyn Trade + Sync));
                let ran = with_setup(agreement, us, rows_of(us), |setup| {
                    take_part(&Setup { trade, ..setup }, storage, &mut drawn())
                });
                carl_ended.fetch_or(us == CARL, Ordering::Relaxed);
                ran
            })
        };
        let running: Vec<_> = [ACME, BOLT, CARL].into_iter().zip(&mut storages).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for result in [&results[0], &results[2]] {
        assert!(matches!(result, Err(RunError::Unpaid(why)) if why == "it is back"), "{result:?}");
    }
    assert!(storages[0].get("share-carl").unwrap().is_some(), "its input had left");
}
