//! Validators with real ledgers: payments that are handed in at different ones are sealed, under certificates
//! that every ledger takes.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{OsRng, RngCore};
use sotto_mw::{
    amount::Amount,
    block::Reward,
    codec::Encode,
    hash::{Hash, tagged},
    rules::Proposal,
    testing::{Owned, TestChain},
    validators::LinkKey,
};
use sotto_node::{
    Layout, Ledger, Memory, MempoolLimits, Store,
    consensus::{Effect, Engine, Event, Saved, Setup, StepContext, Timing, Verdict, Votes},
    ledger::validating::{JudgedBlocks, tip},
    seal::SealedHeader,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    time::Duration,
};

struct Validator {
    ledger: Ledger,
    engine: Engine,
    judged: JudgedBlocks,
    here: BTreeMap<Hash, Proposal>,
    wanted: BTreeSet<Hash>,
    link: LinkKey,
}

#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "a test")]
enum Due {
    Event(Event),
    Block(Proposal),
}

struct Ledgers {
    rng: ChaCha20Rng,
    test_chain: TestChain,
    all: Vec<Validator>,
    now: Duration,
    epoch: u64,
    queue: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    due: BTreeMap<u64, Due>,
    /// Who drafts a block that breaks a rule.
    greedy: Option<usize>,
}

impl Ledgers {
    /// Four validators after these many blocks, whose rewards can be spent.
    fn new(seed: u64, blocks: usize) -> (Self, Vec<Owned>) {
        let mut test_chain = TestChain::with_validators(seed, 4);
        let coins: Vec<Owned> = (0..blocks).map(|_| test_chain.grow(Vec::new())).collect();
        let chain = test_chain.chain().clone();
        let set = chain.terms().sealing.validators().unwrap().clone();
        let installation = tagged("test/installation", &[]);
        let validator = |v: &sotto_mw::validators::Validator| {
            let store = Store::create_on(Memory::new(), Layout::in_memory(), chain.params().clone()).unwrap();
            let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
            test_chain.blocks().iter().for_each(|b| _ = ledger.connect(b.clone()).unwrap());
            let vote_key = test_chain.validators().secret(&v.vote_key).clone().into();
            let timing = Timing { gather: Duration::ZERO, ..Timing::default() };
            let setup = Setup { chain: chain.clone(), vote_key, installation, timing };
            let saved = Saved { votes: Some(Votes::new(*chain.id(), installation)), ..Saved::default() };
            let (judged, here, wanted) = Default::default();
            Validator { ledger, engine: Engine::new(setup, saved), judged, here, wanted, link: v.link_key }
        };
        let all: Vec<Validator> = set.all().iter().map(validator).collect();
        let epoch = all[0].ledger.tip().time;
        let (queue, due, rng) = (BinaryHeap::new(), BTreeMap::new(), ChaCha20Rng::seed_from_u64(seed));
        let mut ledgers = Self { rng, test_chain, all, now: Duration::ZERO, epoch, queue, due, greedy: None };
        (0..4).for_each(|i| ledgers.connected(i));
        (ledgers, coins)
    }

    fn at(&mut self, after: u64, who: usize, due: Due) {
        let number = self.rng.next_u64();
        self.due.insert(number, due);
        self.queue.push(Reverse((self.now + Duration::from_millis(after), number, who)));
    }

    fn connected(&mut self, who: usize) {
        let tip = tip(&self.all[who].ledger).unwrap().unwrap();
        self.at(0, who, Due::Event(Event::Connected(tip)));
    }

    /// Runs until all are at this height.
    fn run(&mut self, height: u64) {
        while self.all.iter().any(|v| v.ledger.tip().height.get() < height) {
            let Reverse((when, number, who)) = self.queue.pop().unwrap();
            self.now = when;
            assert!(self.now < Duration::from_secs(600), "no progress");
            match self.due.remove(&number).unwrap() {
                Due::Event(event) => self.feed(who, event),
                Due::Block(proposal) => {
                    self.all[who].here.insert(proposal.header.hash(), proposal);
                    self.judge(who);
                }
            }
        }
    }

    fn feed(&mut self, who: usize, event: Event) {
        let clock = self.epoch + self.now.as_secs();
        let mut ctx = StepContext { now: self.now, clock, rng: &mut OsRng };
        let effects = self.all[who].engine.step(&mut ctx, event);
        effects.into_iter().for_each(|effect| self.carry_out(who, effect));
        if let Some(wake) = self.all[who].engine.wake_at() {
            let after = wake.saturating_sub(self.now).as_millis() as u64 + 1;
            self.at(after, who, Due::Event(Event::Tick));
        }
    }

    fn carry_out(&mut self, who: usize, effect: Effect) {
        match effect {
            Effect::Write { id, .. } => self.at(1, who, Due::Event(Event::Written(id))),
            Effect::Send { to, message } => {
                let from = self.all[who].link;
                for link in to {
                    let place = self.all.iter().position(|v| v.link == link).unwrap();
                    self.at(50, place, Due::Event(Event::Heard { from, bytes: message.to_bytes() }));
                }
            }
            Effect::SendBlock(value) => {
                let proposal = self.all[who].judged.get(&value).unwrap().clone();
                (0..4).filter(|i| *i != who).for_each(|i| self.at(50, i, Due::Block(proposal.clone())));
            }
            Effect::Draft { round, time, .. } => self.draft(who, round, time),
            Effect::Judge { value, .. } => {
                self.all[who].wanted.insert(value);
                self.judge(who);
            }
            Effect::Commit { height, value, certificate } => {
                let v = &mut self.all[who];
                v.judged.commit(&mut v.ledger, &value, certificate).unwrap().unwrap();
                assert_eq!((v.ledger.tip().height, v.ledger.tip().hash()), (height, value));
                if self.test_chain.next() == height {
                    let block = v.ledger.store().block(height).unwrap().unwrap();
                    self.test_chain.connect(&block).unwrap();
                }
                self.connected(who);
            }
            Effect::Restore(_) | Effect::Sign { .. } | Effect::Note(_) => {}
            other => panic!("{who}: {other:?}"),
        }
    }

    fn draft(&mut self, who: usize, round: u32, time: u64) {
        let v = &mut self.all[who];
        let draft = v.ledger.draft().unwrap();
        let greed = Amount::new(u64::from(self.greedy == Some(who)));
        let fees = draft.due.checked_sub(self.test_chain.chain().params().reward).unwrap();
        let (output, kernel) = self.test_chain.reward(fees.checked_add(greed).unwrap());
        let proposal = v.ledger.propose(&draft, Reward { output: output.output, kernel }, time).unwrap();
        match v.judged.judge(&v.ledger, proposal).unwrap() {
            Some(Verdict::Valid(block)) => self.at(20, who, Due::Event(Event::Drafted { round, block })),
            // A node that judges what it drafts never proposes this.
            verdict => assert!(self.greedy == Some(who) && matches!(verdict, Some(Verdict::Invalid))),
        }
    }

    fn judge(&mut self, who: usize) {
        let v = &mut self.all[who];
        let here: Vec<(Hash, Proposal)> =
            v.wanted.iter().filter_map(|value| Some((*value, v.here.get(value)?.clone()))).collect();
        for (value, proposal) in here {
            let v = &mut self.all[who];
            if let Some(verdict) = v.judged.judge(&v.ledger, proposal).unwrap() {
                v.wanted.remove(&value);
                self.at(5, who, Due::Event(Event::Judged { value, verdict }));
            }
        }
    }
}

/// Payments that were handed in at different validators are in blocks that all of them have.
#[test]
fn payments_at_different_validators_are_sealed() {
    let (mut ledgers, coins) = Ledgers::new(31, 4);
    let start = ledgers.all[0].ledger.tip().height.get();
    let mut ids = Vec::new();
    for (who, coin) in coins.iter().take(3).enumerate() {
        let (payment, _) = ledgers.test_chain.pay(&[coin], &[5]);
        ids.push(ledgers.all[who].ledger.submit(payment).unwrap());
        ledgers.at(0, who, Due::Event(Event::TransactionArrived));
    }
    ledgers.run(start + 12);
    let left: usize = ledgers.all.iter().map(|v| v.ledger.mempool().iter().count()).sum();
    assert_eq!(left, 0, "all were sealed by a proposer that had them");
    let audit = ledgers.all[3].ledger.audit(|_, _| {}).unwrap();
    assert!(audit.height.get() >= start + 12);
    let sealed = SealedHeader::of(ledgers.test_chain.blocks().last().unwrap());
    assert!(sealed.holds(ledgers.test_chain.chain()), "the certificate verifies alone");
}

/// A validator whose draft breaks a rule finds out itself and proposes nothing; its turns pass.
#[test]
fn the_chain_goes_on_past_a_validator_that_cannot_draft() {
    let (mut ledgers, _) = Ledgers::new(32, 2);
    let start = ledgers.all[0].ledger.tip().height.get();
    ledgers.greedy = Some(1);
    (0..4).for_each(|who| ledgers.at(0, who, Due::Event(Event::TransactionArrived)));
    ledgers.run(start + 8);
    assert!(ledgers.test_chain.blocks().len() as u64 >= start + 8);
}
