//! What a hold and the reading of amounts cost: bytes of each letter, and processor time of who makes it.
//!
//! ```text
//! cargo run --release -p sotto-benches --example settlement
//! ```
//!
//! Two wallets on a chain in memory; a step includes what the wallet stores, and no key derivation. The claim is locked to
//! a point, as in a sale. Then a chain with auditors: what its outputs weigh beside those of others, and what a member
//! of a group of two of three does to answer a request, and the reader to open the amounts. Processor time of all threads
//! together, the median of five.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

#[allow(dead_code)]
#[path = "../../node/tests/support/group.rs"]
mod group;
#[path = "../../wallet/tests/support/mod.rs"]
mod support;

use cpu_time::ProcessTime;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_audit::{Charter, CharterTerms, Matter, OutputPlace, ReadRequest, RequestLetter, case_name};
use sotto_keys::{Group, Purpose, Share, reading::ReadingMember};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode as _, Encode as _},
    kernel::{Excess, Kernel},
    schnorr::PublicKey,
    secret::SecretScalar,
};
use sotto_party::Identity;
use sotto_wallet::{
    Decision, Memo,
    audit::{AuditAnswer, AuditLog, RequestFacts},
    coin_selection::HoldRequest,
    hold::Schedule,
    keys::Account,
    level::Sealed,
};
use support::{Ledger, two, two_on};

const RUNS: usize = 5;

fn main() {
    println!("| step of a hold with 30 refunds | by | letter, bytes | ms |\n|---|---|--:|--:|");
    let runs: Vec<_> = (0..RUNS).map(|_| hold()).collect();
    for (i, (step, by, bytes, _)) in runs[0].iter().enumerate() {
        let ms = median(runs.iter().map(|run| run[i].3).collect());
        println!("| {step} | {by} | {} | {ms:.1} |", bytes.map_or(String::new(), |n| n.to_string()));
    }
    println!("\n| outputs asked for | answer of one auditor, bytes | ms | opening, ms |\n|--:|--:|--:|--:|");
    for outputs in [1, 10, 64] {
        let request = Reading::of(outputs);
        let runs: Vec<_> = (0..RUNS).map(|_| request.read()).collect();
        let [answering, opening] = [0, 1].map(|i| median(runs.iter().map(|run| run.1[i]).collect()));
        println!("| {outputs} | {} | {answering:.1} | {opening:.1} |", runs[0].0);
    }
    println!("\n| an output, bytes | without auditors | with |\n|---|--:|--:|");
    let [without, with] = [two().0, Reading::of(1).ledger].map(|l| {
        let output = &l.memory.blocks()[0].body.outputs[0];
        output.to_bytes().len()
    });
    println!("| in a block | {without} | {with} |");
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// What a function returns, and the milliseconds of processor time that it took.
fn timed<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let start = ProcessTime::now();
    let done = f();
    (done, start.elapsed().as_secs_f64() * 1e3)
}

type Step = (&'static str, &'static str, Option<usize>, f64);

/// A hold from its offer to its claim: each step, who makes it, the bytes of its letter, its time.
fn hold() -> Vec<Step> {
    let (mut ledger, mut payer, mut seller) = two();
    seller.scan(&ledger);
    let request = HoldRequest {
        account: Account(0),
        seller: seller.address(),
        amount: Amount::new(1_000_000_000),
        schedule: Schedule { blocks: 10, rungs: 30, confirmations: 1 },
        memo: Memo::new("the result".into()).unwrap(),
        start_fee: Amount::ZERO,
    };
    let plan = payer.wallet.plan_hold(request).unwrap().confirm(|_| Decision::Yes).unwrap();
    let (offer, t1) = timed(|| payer.wallet.holds().open(plan, &mut payer.rng).unwrap());
    let (join, t2) = timed(|| seller.wallet.holds().join(&offer, &mut seller.rng).unwrap());
    let (prove, t3) = timed(|| payer.wallet.holds().prove(&join, &mut payer.rng).unwrap());
    let (part, t4) = timed(|| seller.wallet.holds().part(&prove).unwrap());
    let (funding, t5) = timed(|| payer.wallet.holds().fund(&part, &mut payer.rng).unwrap());
    let miner = ledger.wallet(30);
    ledger.seal(&miner.wallet, &[funding]);
    ledger.grow(&miner.wallet, 1);
    payer.scan(&ledger);
    seller.scan(&ledger);
    let t = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(1));
    let lock = Some(*PublicKey::of(&t).point());
    let (answer, t6) = timed(|| seller.wallet.holds().answer(&offer.id, lock, &mut seller.rng).unwrap());
    let (release, t7) = timed(|| payer.wallet.holds().release(&answer).unwrap());
    let (_, t8) = timed(|| {
        assert!(seller.wallet.holds().receive(&release, &mut seller.rng).unwrap().is_none());
        seller.wallet.holds().complete(&offer.id, &t, &mut seller.rng).unwrap()
    });
    let bytes = |letter: &dyn Fn() -> usize| Some(letter());
    vec![
        ("offer", "payer", bytes(&|| offer.to_bytes().len()), t1),
        ("consent to the funding and all refunds", "seller", bytes(&|| join.to_bytes().len()), t2),
        ("verify them, begin the joint proof", "payer", bytes(&|| prove.to_bytes().len()), t3),
        ("answer it", "seller", bytes(&|| part.to_bytes().len()), t4),
        ("finish it, sign the funding", "payer", None, t5),
        ("claim, locked", "seller", bytes(&|| answer.to_bytes().len()), t6),
        ("release", "payer", bytes(&|| release.to_bytes().len()), t7),
        ("complete the claim with the secret", "seller", None, t8),
    ]
}

/// A request that is on record, on a chain whose amounts two of three auditors read.
struct Reading {
    ledger: Ledger,
    group: Group,
    shares: Vec<Share>,
    reader: Identity,
    charter: Charter,
    letter: RequestLetter,
}

impl Reading {
    /// For the rewards of so many blocks.
    fn of(outputs: usize) -> Self {
        let rng = &mut ChaCha20Rng::seed_from_u64(5);
        let (group, shares) = group::made_for(Purpose::Audit, 2, 3, 5);
        let [authority, reader] = [40, 50].map(group::identity);
        let key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let terms = CharterTerms { needed: 1, outputs: 64, requests: 2, depth: 1, delay: 5 };
        let charter = Charter::new(key, vec![authority.public().digest()], terms, "").unwrap();
        let auditors = charter.auditors();
        let (mut ledger, mut alice, _) = two_on(Ledger::with(|p| p.auditors = Some(auditors)));
        ledger.grow(&alice.wallet, outputs);
        let place = |h: usize| {
            let output = ledger.memory.blocks()[h].body.outputs[0].commitment.encoded();
            OutputPlace { height: Height::new(h as u64 + 1), output }
        };
        let (case, outputs) = (case_name(&[7; 32], "a case"), (0..outputs).map(place).collect());
        let matter = Matter { case, outputs, reason: "an order of the court".into() };
        let request = ReadRequest::new(&charter, matter, reader.public(), rng).unwrap();
        let mut letter = RequestLetter::from(request);
        letter.allow(ledger.chain.id(), &charter, &authority).unwrap();
        alice.scan(&ledger);
        let notice = letter.request().notice(ledger.chain.id());
        let mut notices = alice.wallet.notices();
        let plan = notices.plan(Account(0)).unwrap().confirm(|_| Decision::Yes).unwrap();
        let recorded = notices.record(plan, notice, &mut alice.rng).unwrap();
        ledger.seal(&alice.wallet, &[recorded.transaction]);
        ledger.grow(&alice.wallet, 1);
        let letter = letter.noticed(recorded.excess);
        Self { ledger, group, shares, reader, charter, letter }
    }

    /// The facts about the request, from a full copy of the chain.
    fn with<T>(&self, then: impl FnOnce(RequestFacts<'_>) -> T) -> T {
        let blocks = self.ledger.memory.blocks();
        let kernel = |excess: &Excess| -> Option<(&Kernel, Height)> {
            let mut all = blocks.iter().flat_map(|b| b.body.kernels.iter().map(|k| (k, b.header.height)));
            all.find(|(k, _)| k.excess == *excess)
        };
        let notice = self.letter.notice().and_then(kernel).map(|(kernel, height)| Sealed { kernel, height });
        let named = self.letter.request().outputs().iter().map(|p| &blocks[p.height.get() as usize - 1]);
        let outputs: Vec<_> =
            named.flat_map(|b| b.body.outputs.iter().map(|o| (b.header.height, o.clone()))).collect();
        let (chain, charter, letter) = (&self.ledger.chain, &self.charter, &self.letter);
        then(RequestFacts { chain, charter, letter, notice, tip: self.ledger.height(), outputs: &outputs })
    }

    fn answer(&self, member: usize) -> AuditAnswer {
        let identity = group::identity(member as u64 + 1);
        let share = ReadingMember { identity: &identity, share: &self.shares[member] };
        let log = AuditLog::new(*self.ledger.chain.id());
        let rng = &mut ChaCha20Rng::seed_from_u64(member as u64);
        let now = 1_790_000_000;
        self.with(|f| f.admit(&log, now).unwrap().answer(self.group.epoch(), share, rng).unwrap().answer)
    }

    /// The bytes of one answer; the milliseconds of making it, and of opening two.
    fn read(&self) -> (usize, [f64; 2]) {
        let (first, answering) = timed(|| self.answer(0));
        let answers = [first, self.answer(2)];
        let opened = || self.with(|f| f.read(self.group.epoch(), &self.reader, &answers).unwrap());
        let (read, opening) = timed(opened);
        let reward = self.ledger.chain.params().reward;
        assert!(read.amounts.iter().all(|a| a.amount == reward));
        (answers[0].to_bytes().len(), [answering, opening])
    }
}
