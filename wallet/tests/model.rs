//! Random histories against the simplest model there is: what is on the chain.
//!
//! After every scan, each wallet's own money is exactly the sum of its outputs that the chain has, each counted once,
//! whatever happened before: payments finished, lost, cancelled, expired, sealed, taken back, sealed again.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use mw::{
    rules::Verified, rules::connect_transaction, schnorr::session::SessionId, transaction::Transaction,
};
use proptest::prelude::*;
use support::{Ledger, Person};
use wallet::{outputs::Status, select::Decision, slate::Response};

#[derive(Clone, Copy, Debug)]
enum Step {
    Invite {
        from: usize,
        amount: u64,
    },
    Finalise,
    /// The newest answer is lost.
    Lose,
    Cancel,
    Seal,
    Undo,
    Scan {
        who: usize,
    },
    /// The wallet is closed and opened.
    Reopen {
        who: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 1u64..8_000_000_000).prop_map(|(from, amount)| Step::Invite { from, amount }),
        4 => Just(Step::Finalise),
        1 => Just(Step::Lose),
        2 => Just(Step::Cancel),
        5 => Just(Step::Seal),
        2 => Just(Step::Undo),
        3 => (0..2usize).prop_map(|who| Step::Scan { who }),
        1 => (0..2usize).prop_map(|who| Step::Reopen { who }),
    ]
}

struct World {
    ledger: Ledger,
    people: [Person; 2],
    miner: Person,
    answers: Vec<(usize, Response)>,
    pool: Vec<Verified<Transaction>>,
    sessions: Vec<(usize, SessionId)>,
}

impl World {
    fn new() -> Self {
        let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (6, 3, 2));
        let mut people = [ledger.wallet(1), ledger.wallet(2)];
        let miner = ledger.wallet(3);
        ledger.grow(&people[0].wallet, 4);
        ledger.grow(&people[1].wallet, 4);
        for p in &mut people {
            p.scan(&ledger);
        }
        Self { ledger, people, miner, answers: vec![], pool: vec![], sessions: vec![] }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Invite { from, amount } => {
                let [a, b] = &mut self.people;
                let (from_, to) = if from == 0 { (a, b) } else { (b, a) };
                let Ok(plan) = from_.plan(amount, to) else { return };
                let plan = plan.confirm(|_| Decision::Yes).unwrap();
                let invite = from_.wallet.invite(plan, &mut from_.rng).unwrap();
                self.sessions.push((from, invite.session));
                if let Ok(response) = to.respond(&invite) {
                    self.answers.push((from, response));
                }
            }
            Step::Finalise => {
                let Some((from, response)) = self.answers.pop() else { return };
                if let Ok(t) = self.people[from].wallet.finalize(&response) {
                    self.pool.push(t);
                }
            }
            Step::Lose => drop(self.answers.pop()),
            Step::Cancel => {
                let Some((from, session)) = self.sessions.pop() else { return };
                let _ = self.people[from].wallet.cancel(&session);
            }
            Step::Seal => self.seal(),
            // Deeper than two blocks is no reorganisation on this chain.
            Step::Undo if self.ledger.height().get() > 8 && self.undone() < 2 => {
                self.ledger.undo();
                self.ledger.depth += 1;
            }
            Step::Undo => {}
            Step::Scan { who } => self.scan(who),
            Step::Reopen { who } => {
                let p = &self.people[who];
                let mut again = p.copy(p.installation.clone());
                again.rng = p.rng.clone();
                self.people[who] = again;
            }
        }
    }

    fn undone(&self) -> usize {
        self.ledger.depth
    }

    /// Seals what the chain takes of the pool; the rest stays there.
    fn seal(&mut self) {
        let l = &self.ledger;
        let (ready, rest): (Vec<_>, Vec<_>) =
            self.pool.drain(..).partition(|t| connect_transaction(&l.chain, &l.state, t).is_ok());
        let mut block: Vec<Verified<Transaction>> = vec![];
        self.pool = rest;
        for t in ready {
            let clash = |u: &Verified<Transaction>| {
                u.get().body.inputs.iter().any(|i| t.get().body.inputs.contains(i))
            };
            if block.iter().any(clash) { self.pool.push(t) } else { block.push(t) }
        }
        self.ledger.seal(&self.miner.wallet, &block);
        self.ledger.depth = self.ledger.depth.saturating_sub(1);
        // A block that is taken back gives its payments back to the pool.
        self.pool.extend(block);
    }

    fn scan(&mut self, who: usize) {
        let (p, ledger) = (&mut self.people[who], &self.ledger);
        p.scan(ledger);
        // The model: restore from words and add up what is there.
        let words = p.wallet.words().clone();
        let mut fresh = Person::from_words(ledger.chain.clone(), words, 1);
        fresh.scan(ledger);
        let on_chain = |p: &Person| {
            let held = |s: Status| matches!(s, Status::Unspent { .. } | Status::Locked { .. });
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
        world.scan(0);
        world.scan(1);
        // In the end everything is confirmed or expired, and nothing is locked for ever.
        for _ in 0..16 {
            let miner = &world.miner.wallet;
            world.ledger.grow(miner, 1);
        }
        for who in [0, 1] {
            world.scan(who);
            let b = world.people[who].wallet.balance(None);
            prop_assert_eq!((b.locked.units(), b.pending.units(), b.change.units()), (0, 0, 0));
        }
    }
}
