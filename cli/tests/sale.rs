//! A sale from the holds to the result: real wallets on a chain in memory, a real run, and the parties' machines.
//!
//! No verb of the command line does this yet; here is what one will have to do between the wallet and the job.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../wallet/tests/support/mod.rs"]
mod ledger;
#[path = "../../jobs/tests/support/mod.rs"]
mod parties;

use ledger::{Ledger, Person};
use parties::selling::{
    ACME, BOLT, CARL, DORA, PAYEES, are_the_sum, bought, collected, encrypted, sale, sold_draft,
    whole_secret, widths,
};
use parties::world::{ROWS, World};
use parties::{Sum, identity};
use sotto_jobs::codec::Bytes;
use sotto_jobs::collect::Outcome;
use sotto_jobs::job::{Draft, Sale};
use sotto_jobs::lock::{LockPoint, LockSecret};
use sotto_jobs::sale::buyer::{Answer, Buyer, Effect, Event};
use sotto_jobs::sale::computer::{self, Computer};
use sotto_jobs::sale::payee::{self, Judgement, Payee};
use sotto_jobs::sale::{ClaimSet, EncryptedSecret, Go, PayeeClaim, SaleError, Sold};
use sotto_jobs::{Digest, PartyId};
use sotto_mw::amount::{Amount, Height};
use sotto_mw::codec::{Decode as _, Encode as _};
use sotto_mw::group::Point;
use sotto_mw::kernel::Kernel;
use sotto_mw::rules::Verified;
use sotto_mw::secret::SecretScalar;
use sotto_mw::session::SessionId;
use sotto_mw::transaction::Transaction;
use sotto_wallet::coin_selection::HoldRequest;
use sotto_wallet::hold::{self, ClaimLock, HoldError, LockedClaim, Promised, Release, Schedule, Settlement};
use sotto_wallet::{Account, Decision, Memo, WalletError};

const PRICE: [u64; 2] = [700_000_000, 300_000_000];
/// What each asks for to begin.
const START: [u64; 2] = [0, 40_000_000];

/// The wallets, the chain (W = 40, K = 8, grid 4, M = 16), and the job that eve buys of carl and dora.
struct Market {
    ledger: Ledger,
    eve: Person,
    payees: [Person; 2],
    miner: Person,
    holds: Vec<SessionId>,
    memo: Memo,
    world: World,
    widths: Vec<usize>,
}

fn point(of: LockPoint) -> Point {
    Point::from_bytes(of.to_bytes()).unwrap()
}

fn secret(t: &SecretScalar) -> LockSecret {
    LockSecret::from_bytes(&t.to_bytes()).unwrap()
}

fn scalar(t: &LockSecret) -> SecretScalar {
    SecretScalar::from_bytes(*t.to_bytes()).unwrap()
}

impl Market {
    /// The money is put aside; nothing is in a block.
    fn new() -> (Self, Vec<Verified<Transaction>>) {
        let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (40, 4, 8));
        let (mut eve, miner) = (ledger.wallet(10), ledger.wallet(30));
        let payees = [20, 21].map(|seed| ledger.wallet(seed));
        ledger.grow(&eve.wallet, 6);
        eve.scan(&ledger);
        let chain = Digest(*ledger.chain.id().as_bytes());
        let sale = Sale { chain, blocks: 10, confirmations: 2, ..sale() };
        let world = World::drafted(Draft { sale: Some(sale), ..sold_draft() }, Sum::new(3), ROWS);
        let widths = widths(&world);
        let memo = Memo::new(format!("sale {}", world.agreement.job().id())).unwrap();
        let mut market = Self { ledger, eve, payees, miner, holds: Vec::new(), memo, world, widths };
        market.scan();
        let fundings = (0..2).map(|i| market.hold(i)).collect();
        (market, fundings)
    }

    /// Everything up to two blocks on the money.
    fn funded() -> Self {
        let (mut market, fundings) = Self::new();
        market.seal(&fundings);
        market.seal(&[]);
        market
    }

    /// Puts money aside for a payee.
    fn hold(&mut self, i: usize) -> Verified<Transaction> {
        let request = HoldRequest {
            account: Account(0),
            seller: self.payees[i].address(),
            amount: Amount::new(PRICE[i]),
            start_fee: Amount::new(START[i]),
            schedule: Schedule { blocks: 10, rungs: 3, confirmations: 2 },
            memo: self.memo.clone(),
        };
        let (eve, payee) = (&mut self.eve, &mut self.payees[i]);
        let plan = eve.wallet.plan_hold(request).unwrap().confirm(|_| Decision::Yes).unwrap();
        let offer = eve.wallet.holds().open(plan, &mut eve.rng).unwrap();
        let join = payee.wallet.holds().join(&offer, &mut payee.rng).unwrap();
        let prove = eve.wallet.holds().prove(&join, &mut eve.rng).unwrap();
        let part = payee.wallet.holds().part(&prove).unwrap();
        self.holds.push(offer.id);
        eve.wallet.holds().fund(&part, &mut eve.rng).unwrap()
    }

    fn scan(&mut self) {
        self.eve.scan(&self.ledger);
        for payee in &mut self.payees {
            payee.scan(&self.ledger);
        }
    }

    fn seal(&mut self, transactions: &[Verified<Transaction>]) {
        self.ledger.seal(&self.miner.wallet, transactions);
        self.scan();
    }

    fn grow_to(&mut self, height: Height) {
        while self.ledger.height() < height {
            self.ledger.seal(&self.miner.wallet, &[]);
        }
        self.scan();
    }

    fn next(&self) -> Height {
        self.ledger.height().next()
    }

    /// Whether a payee may begin.
    fn ready(&mut self, i: usize) -> Result<SessionId, WalletError> {
        let (payee, memo) = (&mut self.payees[i], &self.memo);
        let (seller, amount) = (payee.address(), Amount::new(PRICE[i]));
        let (start_fee, blocks, confirmations) = (Amount::new(START[i]), 10, 2);
        let promised = Promised { seller: &seller, amount, start_fee, blocks, confirmations, memo };
        payee.wallet.holds().ready(&promised)
    }

    /// What eve collects of the run.
    fn ran(&self) -> Outcome {
        bought(&self.world, &self.widths)
    }

    /// H_c, which all claims can have.
    fn named(&self) -> Height {
        let expiry = |h: &sotto_wallet::sessions::HoldRecord| {
            h.offer().terms.claim_expiry(&self.ledger.chain, self.next())
        };
        self.eve.wallet.held().map(expiry).min().unwrap()
    }

    /// A payee's claim, and what eve's wallet reads in it.
    fn answer(&mut self, i: usize, lock: LockPoint, until: u64) -> Answer {
        let lock = ClaimLock { point: point(lock), until: Height::new(until) };
        let payee = &mut self.payees[i];
        let letter = payee.wallet.holds().answer_with(&self.holds[i], lock, &mut payee.rng).unwrap();
        let Settlement::Claim { lock, .. } = &letter.settlement else { panic!() };
        Answer {
            claim: PayeeClaim { payee: PAYEES[i], claim: Bytes(letter.to_bytes()) },
            lock: lock.as_ref().and_then(|lock| LockPoint::from_bytes(*lock.as_bytes())),
            until: letter.features.window(0).not_after.get(),
        }
    }

    /// Eve's halves of all claims, and what others see of each.
    fn sign(&mut self, answers: &[PayeeClaim]) -> (Vec<Release>, Vec<PayeeClaim>) {
        let mut all = (Vec::new(), Vec::new());
        for answer in answers {
            let letter = hold::Answer::from_bytes(&answer.claim.0).unwrap();
            all.0.push(self.eve.wallet.holds().release(&letter).unwrap());
            let held = self.eve.wallet.held().find(|h| h.offer().id == letter.id).unwrap();
            let claim = held.locked_claim(&self.ledger.chain).unwrap();
            all.1.push(PayeeClaim { payee: answer.payee, claim: Bytes(claim.to_bytes()) });
        }
        all
    }

    /// What a payee's wallet says of the claims: each holds, all have one lock and end no earlier than the letter says, and ours is
    /// ours.
    fn judge(&self, i: usize, set: &ClaimSet) -> Judgement {
        let chain = &self.ledger.chain;
        let ours = self.payees[i].wallet.held().next().and_then(|h| h.locked_claim(chain));
        let good = |claim: &&PayeeClaim| {
            LockedClaim::from_bytes(&claim.claim.0).is_ok_and(|locked| {
                let is_of_this = *locked.lock() == point(set.lock) && locked.until().get() == set.until;
                locked.holds(chain) && is_of_this && (claim.payee != PAYEES[i] || Some(locked) == ours)
            })
        };
        let false_claim = set.claims.iter().find(|claim| !good(claim)).map(|claim| claim.payee);
        let until = ours.map_or(Height::GENESIS, |claim| claim.consent_by(chain)).get();
        Judgement { false_claim, next: self.next().get(), until }
    }

    fn complete(&mut self, i: usize, t: &LockSecret) -> Result<Verified<Transaction>, WalletError> {
        let payee = &mut self.payees[i];
        payee.wallet.holds().complete(&self.holds[i], &scalar(t), &mut payee.rng)
    }

    fn totals(&self) -> [u64; 3] {
        [&self.eve, &self.payees[0], &self.payees[1]].map(|p| {
            let balance = p.wallet.balance(None);
            balance.total().units() + balance.held.units()
        })
    }
}

/// The last effect, after what is kept.
fn last(effects: Result<Vec<Effect>, SaleError>) -> Effect {
    let mut effects = effects.unwrap();
    assert!(matches!(effects[0], Effect::Keep(_)), "kept first: {effects:?}");
    effects.pop().unwrap()
}

/// Up to the letter that every payee has; each has eve's half of its claim.
fn released(market: &mut Market, outcome: &Outcome) -> ClaimSet {
    let (job, widths) = (market.world.agreement.job().clone(), market.widths.clone());
    let mut buyer = Buyer::new(&job, &widths).unwrap();
    let Effect::Ask { payees, lock, until } =
        last(buyer.step(Event::Ran(collected(outcome), market.named().get())))
    else {
        panic!()
    };
    assert_eq!(payees[..], PAYEES);
    last(buyer.step(Event::Answered(market.answer(0, lock, until))));
    let Effect::Sign(answers) = last(buyer.step(Event::Answered(market.answer(1, lock, until)))) else {
        panic!()
    };
    let (releases, claims) = market.sign(&answers);
    let Effect::Send(set) = last(buyer.step(Event::Signed(claims))) else { panic!() };
    for (i, release) in releases.iter().enumerate() {
        let payee = &mut market.payees[i];
        assert!(payee.wallet.holds().receive(release, &mut payee.rng).unwrap().is_none());
    }
    set
}

/// What both compute parties give out for these goes, for a payee.
fn handed(sold: Sold<'_>, goes: &[Go], to: PartyId) -> Vec<EncryptedSecret> {
    let mut letters = Vec::new();
    for computer in [ACME, BOLT] {
        let mut machine = Computer::new(sold);
        for go in goes {
            if let computer::Effect::HandOver(_) = machine.step(go.clone()).unwrap() {
                letters.push(encrypted(&sold, computer, to));
            }
        }
    }
    letters
}

/// t, as a payee gathers it.
fn gathered(machine: &mut Payee<'_>, letters: &[EncryptedSecret]) -> LockSecret {
    let mut all = Vec::new();
    for letter in letters {
        all.extend(machine.step(payee::Event::Secret(letter)).unwrap());
    }
    let t = all.into_iter().find_map(|effect| match effect {
        payee::Effect::Complete(t) => Some(t),
        _ => None,
    });
    t.unwrap()
}

fn kernel_of(claim: &Verified<Transaction>) -> Kernel {
    claim.get().body.kernels[0].clone()
}

/// The buyer opens what it paid for with what the block shows.
fn opens(market: &mut Market, outcome: &Outcome, i: usize, kernel: &Kernel) {
    let t = market.eve.wallet.holds().extract(&market.holds[i], kernel).unwrap();
    let mut buyer = Buyer::new(market.world.agreement.job(), &market.widths).unwrap();
    buyer.step(Event::Ran(collected(outcome), 0)).unwrap();
    let Effect::Open(outputs) = last(buyer.step(Event::Revealed(secret(&t)))) else { panic!() };
    assert!(are_the_sum(&outputs), "{outputs:?}");
}

#[test]
fn owners_are_paid_and_the_buyer_reads_the_result() {
    let (mut market, fundings) = Market::new();
    for i in 0..2 {
        assert!(matches!(market.ready(i), Err(WalletError::Hold(HoldError::NotBuried { found: 0, .. }))));
    }
    market.seal(&fundings);
    market.seal(&[]);
    let before = market.totals();
    let fees: u64 = market.eve.wallet.held().map(|h| h.offer().terms.claim_fee.units()).sum();
    for i in 0..2 {
        assert_eq!(market.ready(i).unwrap(), market.holds[i]);
    }
    let outcome = market.ran();
    let set = released(&mut market, &outcome);
    let job = market.world.agreement.job().clone();
    let sold = Sold::new(&job, &outcome.receipt).unwrap();
    let keys = PAYEES.map(identity);
    let mut machines = [0, 1].map(|i| Payee::new(sold, PAYEES[i], &keys[i]));
    let mut goes = Vec::new();
    for (i, machine) in machines.iter_mut().enumerate() {
        let judged = market.judge(i, &set);
        let effects = machine.step(payee::Event::Claims(&set, judged)).unwrap();
        let [payee::Effect::Send(go)] = &effects[..] else { panic!("{effects:?}") };
        goes.push(go.clone());
    }
    let mut claims = Vec::new();
    for (i, machine) in machines.iter_mut().enumerate() {
        let t = gathered(machine, &handed(sold, &goes, PAYEES[i]));
        claims.push(market.complete(i, &t).unwrap());
    }
    market.seal(&claims);
    opens(&mut market, &outcome, 1, &kernel_of(&claims[1]));
    let paid: u64 = PRICE.iter().sum();
    assert_eq!(market.totals(), [before[0] - paid - fees, PRICE[0], START[1] + PRICE[1]]);
}

#[test]
fn a_payee_says_go_for_its_own_claim_among_claims_that_hold() {
    let mut market = Market::funded();
    let outcome = market.ran();
    let set = released(&mut market, &outcome);
    let judged = |market: &Market, change: &dyn Fn(&mut ClaimSet)| {
        let mut set = set.clone();
        change(&mut set);
        [0, 1].map(|i| market.judge(i, &set).false_claim)
    };
    assert_eq!(judged(&market, &|_| ()), [None, None]);
    assert_eq!(judged(&market, &|s| s.claims[1].claim.0[140] ^= 1), [Some(DORA); 2]);
    assert_eq!(judged(&market, &|s| s.until += 4), [Some(CARL); 2], "it ends earlier than the letter says");
    assert_eq!(judged(&market, &|s| s.claims[0].claim.0.truncate(144)), [Some(CARL); 2]);
    // A claim that holds, of another payee: only the one whose it should be sees that.
    assert_eq!(judged(&market, &|s| s.claims[1].claim = s.claims[0].claim.clone()), [None, Some(DORA)]);
    // A grid step before the last height at which it could be published, no payee says go.
    let by = market.judge(0, &set).until;
    assert_eq!(by, set.until - 16 - 4);
    market.grow_to(Height::new(by));
    let (job, key) = (market.world.agreement.job().clone(), identity(CARL));
    let sold = Sold::new(&job, &outcome.receipt).unwrap();
    let late = Payee::new(sold, CARL, &key).step(payee::Event::Claims(&set, market.judge(0, &set)));
    assert_eq!(late.err(), Some(SaleError::Late { until: by, next: by + 1 }));
}

/// Both compute parties and one payee keep the secret from the other one, and claim at the last moment.
#[test]
fn a_payee_that_was_left_out_claims_with_what_the_block_shows() {
    let mut market = Market::funded();
    let before = market.totals();
    let outcome = market.ran();
    let set = released(&mut market, &outcome);
    let job = market.world.agreement.job().clone();
    let sold = Sold::new(&job, &outcome.receipt).unwrap();
    let t = whole_secret(&sold);
    let last = Height::new(set.until - 16);
    market.grow_to(Height::new(last.get() - 1));
    let first = market.complete(0, &t).unwrap();
    market.seal(std::slice::from_ref(&first));
    // Dora sees carl's kernel, which the letter names.
    let shown = LockedClaim::from_bytes(&set.claims[0].claim.0).unwrap();
    let kernel = kernel_of(&first);
    assert_eq!(shown.excess(), kernel.excess);
    let t = secret(&shown.reveals(&kernel).unwrap());
    let key = identity(DORA);
    let effects = Payee::new(sold, DORA, &key).step(payee::Event::Revealed(t)).unwrap();
    let [payee::Effect::Complete(t)] = &effects[..] else { panic!("{effects:?}") };
    let late = market.complete(1, t);
    assert!(matches!(late, Err(WalletError::Hold(HoldError::Late { .. }))), "alone it would give t away");
    let payee = &mut market.payees[1];
    let second = payee.wallet.holds().complete_public(&market.holds[1], &scalar(t), &mut payee.rng).unwrap();
    market.seal(&[second]);
    opens(&mut market, &outcome, 0, &kernel);
    let after = market.totals();
    assert_eq!([after[1], after[2]], [PRICE[0], START[1] + PRICE[1]]);
    assert!(after[0] < before[0] - PRICE[0] - PRICE[1]);
}

#[test]
fn a_buyer_that_never_releases_gets_its_money_back_and_no_result() {
    let mut market = Market::funded();
    let outcome = market.ran();
    assert_eq!(outcome.outputs.len(), 1, "the open output, and nothing of the sum");
    let before = market.totals();
    let fees: Vec<_> = market.eve.wallet.held().map(|h| (h.offer().terms, h.offer().id)).collect();
    let from = fees.iter().map(|(terms, _)| terms.refund_from).max().unwrap();
    market.grow_to(from);
    for i in 0..2 {
        assert!(matches!(market.ready(i), Err(WalletError::Hold(HoldError::LateToBegin { .. }))));
    }
    let mut refunds = Vec::new();
    for id in market.eve.wallet.holds().due() {
        refunds.push(market.eve.wallet.holds().refund(&id, &mut market.eve.rng).unwrap());
    }
    assert_eq!(refunds.len(), 2);
    market.seal(&refunds);
    let cost: u64 = fees.iter().map(|(terms, _)| terms.refund_fee.units()).sum();
    assert_eq!(market.totals(), [before[0] - cost, 0, START[1]], "what was paid to begin stays paid");
}
