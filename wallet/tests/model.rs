//! Random histories, compared with the simplest model: the unspent outputs of the chain.
//!
//! After every scan, the balance of each wallet is exactly the sum of its outputs on the chain, each counted
//! once, whatever happened before: payments to one or several recipients, of whom some respond and some are away,
//! with hidden or plain change, relocations, invoices, lost messages, cancellations, self-spends, expiries, blocks that are
//! undone and sealed again, blocks that are not stored any more, new accounts, and wallets restored from words or put back to
//! an old copy. A payment is confirmed exactly when the chain contains it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, same_as_rescanned};
use proptest::prelude::*;
use sotto_mw::{
    amount::Height,
    rules::{Verified, connect_transaction},
    session::SessionId,
    transaction::Transaction,
};
use sotto_wallet::{
    coin_selection::{ChangeKind, Decision, PaymentRequest},
    keys::Account,
    outputs::{OutputRecord, OutputStatus},
    scan::ChainSource,
    sessions::{SessionStatus::Signed, TxStatus},
    slate::{Payment, Response},
};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    /// A wallet pays the next one, or both others in one transaction; each responds or is away.
    Pay {
        from: usize,
        payees: Vec<(u64, bool)>,
        change: ChangeKind,
    },
    /// A wallet moves an output that it received while it was away.
    Move {
        who: usize,
    },
    /// The newest response is accepted.
    Finalise,
    /// A wallet issues an invoice to the next one, which pays.
    Ask {
        from: usize,
        amount: u64,
    },
    /// The newest payment of an invoice is accepted.
    Collect,
    /// The newest response, and the newest payment of an invoice, are lost.
    Lose,
    Cancel,
    /// Ends the newest payment, free of charge or by a self-spend.
    End,
    Seal,
    Undo,
    Scan {
        who: usize,
    },
    /// The wallet is closed and opened.
    Reopen {
        who: usize,
    },
    /// Only the words are left.
    Restore {
        who: usize,
    },
    /// A copy of the wallet file is kept, or the wallet is put back to the last one.
    Save {
        who: usize,
    },
    PutBack {
        who: usize,
    },
    AddAccount {
        who: usize,
    },
    /// Only the last blocks are stored.
    Prune {
        keep: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, amount) = (|| 0..3usize, || 1u64..4_000_000_000);
    let change = prop_oneof![3 => Just(ChangeKind::Hidden), 1 => Just(ChangeKind::Plain)];
    prop_oneof![
        6 => (who(), prop::collection::vec((amount(), any::<bool>()), 1..3), change)
            .prop_map(|(from, payees, change)| Step::Pay { from, payees, change }),
        1 => who().prop_map(|who| Step::Move { who }),
        5 => Just(Step::Finalise),
        2 => (who(), amount()).prop_map(|(from, amount)| Step::Ask { from, amount }),
        2 => Just(Step::Collect),
        1 => Just(Step::Lose),
        2 => Just(Step::Cancel),
        3 => Just(Step::End),
        5 => Just(Step::Seal),
        2 => Just(Step::Undo),
        3 => who().prop_map(|who| Step::Scan { who }),
        1 => who().prop_map(|who| Step::Reopen { who }),
        1 => who().prop_map(|who| Step::Restore { who }),
        2 => who().prop_map(|who| Step::Save { who }),
        1 => who().prop_map(|who| Step::PutBack { who }),
        1 => who().prop_map(|who| Step::AddAccount { who }),
        1 => (2u64..8).prop_map(|keep| Step::Prune { keep }),
    ]
}

struct World {
    ledger: Ledger,
    people: [Person; 3],
    miner: Person,
    answers: Vec<(usize, Response)>,
    payments: Vec<(usize, Payment)>,
    pool: Vec<Verified<Transaction>>,
    sessions: Vec<(usize, SessionId)>,
    saved: [Option<Person>; 3],
    restored: u64,
}

impl World {
    fn new() -> Self {
        let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (6, 3, 2));
        let mut people = [1, 2, 3].map(|seed| ledger.wallet(seed));
        let miner = ledger.wallet(4);
        people.iter().for_each(|p| ledger.grow(&p.wallet, 4));
        for p in &mut people {
            p.scan(&ledger);
        }
        let (answers, payments, pool, sessions, saved) = Default::default();
        Self { ledger, people, miner, answers, payments, pool, sessions, saved, restored: 1_000 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Pay { from, payees, change } => self.pay(from, &payees, change),
            Step::Move { who } => self.relocate(who),
            Step::Finalise => {
                let Some((from, response)) = self.answers.pop() else { return };
                let p = &mut self.people[from];
                if let Ok(Some(t)) = p.wallet.finalize(&response, &mut p.rng) {
                    self.pool.push(t);
                }
            }
            Step::Ask { from, amount } => self.ask(from, amount),
            Step::Collect => {
                let Some((from, payment)) = self.payments.pop() else { return };
                if let Ok(t) = self.people[from].collect(&self.ledger, &payment) {
                    self.pool.push(t);
                }
            }
            Step::Lose => drop((self.answers.pop(), self.payments.pop())),
            Step::Cancel => {
                let Some((from, session)) = self.sessions.pop() else { return };
                let _ = self.people[from].wallet.cancel(&session);
            }
            Step::End => {
                let Some((from, session)) = self.sessions.pop() else { return };
                let p = &mut self.people[from];
                if p.wallet.cancel(&session).is_ok() {
                    return;
                }
                let Ok(plan) = p.wallet.plan_self_spend(&session) else { return };
                let plan = plan.confirm(|_| Decision::Yes).unwrap();
                self.pool.push(p.wallet.self_spend(&session, plan, &mut p.rng).unwrap());
            }
            Step::Seal => self.seal(),
            // The reorganisation limit of this chain is two blocks.
            Step::Undo if self.ledger.height().get() > 8 && self.undone() < 2 => {
                self.ledger.undo();
                self.ledger.depth += 1;
            }
            Step::Undo => {}
            Step::Scan { who } => self.scan(who),
            Step::Prune { keep } => {
                let ledger = &mut self.ledger;
                ledger.pruned = ledger.pruned.max(ledger.height().get().saturating_sub(keep));
            }
            other => self.change_copy(other),
        }
    }

    /// Steps that put another copy of a wallet in its place, or keep one.
    fn change_copy(&mut self, step: Step) {
        match step {
            Step::Reopen { who } => {
                let p = &self.people[who];
                let mut again = p.copy(p.installation.clone());
                again.rng = p.rng.clone();
                self.people[who] = again;
            }
            Step::Restore { who } => {
                let words = self.people[who].wallet.words().clone();
                let mut again = Person::from_words(self.ledger.chain.clone(), words, self.restored);
                again.wallet.restore(Height::GENESIS, &self.ledger, &mut |_, _| {}).unwrap();
                self.restored += 1;
                self.people[who] = again;
                self.saved[who] = None;
            }
            Step::Save { who } => {
                let p = &self.people[who];
                self.saved[who] = Some(p.copy(p.installation.clone()));
            }
            Step::PutBack { who } => {
                let Some(mut back) = self.saved[who].take() else { return };
                back.rng = self.people[who].rng.clone();
                self.people[who] = back;
            }
            Step::AddAccount { who } => {
                let wallet = &mut self.people[who].wallet;
                wallet.add_account(&format!("account-{}", wallet.accounts())).unwrap();
            }
            _ => {}
        }
    }

    fn pay(&mut self, from: usize, payees: &[(u64, bool)], change: ChangeKind) {
        let to = |i: usize| (from + 1 + i) % 3;
        let payee = |(i, (amount, away)): (usize, &(u64, bool))| {
            let p = &self.people[to(i)];
            if *away { p.payee_away(*amount) } else { p.payee(*amount) }
        };
        let request = PaymentRequest::new(Account(0), payees.iter().enumerate().map(payee).collect());
        let p = &mut self.people[from];
        let Ok(plan) = p.wallet.plan(PaymentRequest { change, ..request }) else { return };
        let complete = plan.is_complete();
        let plan = plan.confirm(|_| Decision::Yes).unwrap();
        if complete {
            let t = p.wallet.pay(plan, &mut p.rng).unwrap();
            let made = |e| t.get().body.kernels.iter().any(|k| Some(k.excess) == e);
            self.sessions
                .extend(p.wallet.sessions().filter(|s| made(s.excess())).map(|s| (from, s.session())));
            self.pool.push(t);
            return;
        }
        let invites = p.wallet.invite(plan, &mut p.rng).unwrap();
        let responds = payees.iter().enumerate().filter(|(_, (_, away))| !away).map(|(i, _)| to(i));
        for (invite, to) in invites.iter().zip(responds) {
            self.sessions.push((from, invite.session));
            self.answers.extend(self.people[to].respond(invite).ok().map(|r| (from, r)));
        }
    }

    fn relocate(&mut self, who: usize) {
        let p = &mut self.people[who];
        let (chain, tip) = (p.wallet.chain().clone(), p.wallet.tip());
        let movable = |o: &&OutputRecord| o.reference().is_some() && o.is_spendable(&chain, tip);
        let Some(coin) = p.wallet.outputs().find(movable).map(|o| o.commitment) else { return };
        let Ok(plan) = p.wallet.plan_relocation(Account(0), &coin) else { return };
        let plan = plan.confirm(|_| Decision::Yes).unwrap();
        self.pool.push(p.wallet.relocate(plan, &mut p.rng).unwrap());
    }

    fn ask(&mut self, from: usize, amount: u64) {
        let [asks, pays] = self.people.get_disjoint_mut([from, (from + 1) % 3]).unwrap();
        let Ok(invoice) = asks.wallet.create_invoice(Account(0), asks.asking(amount, pays), &mut asks.rng)
        else {
            return;
        };
        self.sessions.push((from, invoice.session));
        if let Ok(payment) = pays.pay_invoice(&invoice) {
            self.sessions.push(((from + 1) % 3, invoice.session));
            self.payments.push((from, payment));
        }
    }

    fn undone(&self) -> usize {
        self.ledger.depth
    }

    /// Seals the payments of the pool that the chain accepts; the others remain there.
    fn seal(&mut self) {
        let l = &self.ledger;
        let (ready, rest): (Vec<_>, Vec<_>) =
            self.pool.drain(..).partition(|t| connect_transaction(&l.chain, l.memory.state(), t).is_ok());
        let mut block: Vec<Verified<Transaction>> = vec![];
        self.pool = rest;
        for t in ready {
            let clash = |u: &Verified<Transaction>| {
                u.get().body.spent().any(|i| t.get().body.spent().any(|j| i == j))
            };
            if block.iter().any(clash) { self.pool.push(t) } else { block.push(t) }
        }
        self.ledger.seal(&self.miner.wallet, &block);
        self.ledger.depth = self.ledger.depth.saturating_sub(1);
        // An undone block returns its payments to the pool.
        self.pool.extend(block);
    }

    fn scan(&mut self, who: usize) {
        let (p, ledger) = (&mut self.people[who], &self.ledger);
        let before = p.copy(p.installation.clone());
        p.scan(ledger);
        // A scan that follows blocks ends as one that passes over all unspent outputs.
        same_as_rescanned(p, before, ledger);
        // The model: restore from words, and sum up the outputs.
        let words = p.wallet.words().clone();
        let mut fresh = Person::from_words(ledger.chain.clone(), words, 1);
        fresh.wallet.restore(Height::GENESIS, ledger, &mut |_, _| {}).unwrap();
        let on_chain = |p: &Person| {
            let held =
                |s: OutputStatus| matches!(s, OutputStatus::Unspent { .. } | OutputStatus::Locked { .. });
            p.wallet
                .outputs()
                .filter(|o| held(o.status))
                .map(|o| (o.commitment, o.opening))
                .collect::<Vec<_>>()
        };
        assert_eq!(on_chain(p), on_chain(&fresh));
        let (ours, model) = (p.wallet.balance(None), fresh.wallet.balance(None));
        assert_eq!(ours.total(), model.total());
        assert_eq!(
            ours.spendable.units() + ours.immature.units() + ours.locked.units(),
            model.spendable.units() + model.immature.units()
        );
        // Change never exceeds what is locked for it.
        assert!(ours.change <= ours.locked);
        // Exactly the payments in the chain are confirmed.
        for session in p.wallet.sessions() {
            let sealed = session.excess().and_then(|e| ledger.kernel(&e).unwrap());
            let shown = Some(session.status()).filter(|s| matches!(s, Signed(TxStatus::Confirmed { .. })));
            assert_eq!(sealed.map(|height| Signed(TxStatus::Confirmed { height })), shown);
        }
        // A restored wallet knows the same status of each output that both know.
        let spent = |o: &&OutputRecord| matches!(o.status, OutputStatus::Spent { .. });
        let of = |p: &Person| p.wallet.outputs().filter(spent).map(|o| o.commitment).collect::<BTreeSet<_>>();
        assert!(of(&fresh).is_subset(&of(p)), "what the chain shows to be spent is spent");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn every_history_adds_up(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for s in steps {
            world.step(s);
        }
        (0..3).for_each(|who| world.scan(who));
        // In the end everything is confirmed or expired, and nothing is locked for ever.
        for _ in 0..16 {
            let miner = &world.miner.wallet;
            world.ledger.grow(miner, 1);
        }
        for who in 0..3 {
            world.scan(who);
            let b = world.people[who].wallet.balance(None);
            prop_assert_eq!((b.locked.units(), b.pending.units(), b.change.units()), (0, 0, 0));
        }
    }
}
