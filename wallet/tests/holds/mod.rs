//! Holds between two wallets on a chain in memory: every step, every ending, every lie that has a check.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod attacks;
mod audited;
mod endings;
mod model;
mod observer;
mod restarts;
mod safety;
mod sales;
mod single_checks;
mod start_fees;

use crate::support::{Ledger, Person, two};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Auditors,
    group::Point,
    rules::Verified,
    schnorr::PublicKey,
    secret::SecretScalar,
    session::SessionId,
    transaction::Transaction,
};
use sotto_wallet::{
    Decision, Memo, WalletError,
    coin_selection::HoldRequest,
    hold::{Answer, HoldError, Join, Offer, Part, Prove, Release, Schedule},
    keys::Account,
};

pub(crate) const AMOUNT: u64 = 1_000_000_000;
/// The fees of a claim and of a refund: 38 units of weight, once and twice.
pub(crate) const CLAIM_FEE: u64 = 38_000;
pub(crate) const REFUND_FEE: u64 = 76_000;

/// A payer, a seller, and the chain.
pub(crate) struct Scene {
    pub(crate) ledger: Ledger,
    pub(crate) payer: Person,
    pub(crate) seller: Person,
    /// Who takes the rewards of the blocks that a test seals.
    pub(crate) miner: Person,
    /// What a hold that is opened pays to begin.
    pub(crate) start_fee: u64,
}

impl Scene {
    /// On a chain whose windows are short, so that a ladder is soon climbed: W = 40, K = 8, grid 4, M = 16.
    pub(crate) fn new() -> Self {
        Self::on(None)
    }

    /// The same, with these auditors if there are any.
    pub(crate) fn on(auditors: Option<Auditors>) -> Self {
        let mut ledger = Ledger::with(|p| {
            p.window_width = 40;
            p.window_grid = 4;
            p.reorganisation = 8;
            p.auditors = auditors;
        });
        let (mut payer, seller) = (ledger.wallet(10), ledger.wallet(20));
        ledger.grow(&payer.wallet, 4);
        payer.scan(&ledger);
        let miner = ledger.wallet(30);
        Self { ledger, payer, seller, miner, start_fee: 0 }
    }

    pub(crate) fn request(&self, rungs: u8) -> HoldRequest {
        HoldRequest {
            account: Account(0),
            seller: self.seller.address(),
            amount: Amount::new(AMOUNT),
            start_fee: Amount::new(self.start_fee),
            schedule: Schedule { blocks: 10, rungs, confirmations: 2 },
            memo: Memo::new("the result".into()).unwrap(),
        }
    }

    pub(crate) fn open(&mut self) -> Offer {
        let plan = self.payer.wallet.plan_hold(self.request(3)).unwrap();
        let plan = plan.confirm(|_| Decision::Yes).unwrap();
        self.seller.scan(&self.ledger);
        self.payer.wallet.holds().open(plan, &mut self.payer.rng).unwrap()
    }

    pub(crate) fn join(&mut self, offer: &Offer) -> Result<Join, WalletError> {
        self.seller.wallet.holds().join(offer, &mut self.seller.rng)
    }

    pub(crate) fn prove(&mut self, join: &Join) -> Result<Prove, WalletError> {
        self.payer.wallet.holds().prove(join, &mut self.payer.rng)
    }

    pub(crate) fn part(&mut self, prove: &Prove) -> Result<Part, WalletError> {
        self.seller.wallet.holds().part(prove)
    }

    pub(crate) fn fund(&mut self, part: &Part) -> Result<Verified<Transaction>, WalletError> {
        self.payer.wallet.holds().fund(part, &mut self.payer.rng)
    }

    pub(crate) fn answer(&mut self, id: &SessionId, lock: Option<Point>) -> Result<Answer, WalletError> {
        self.seller.wallet.holds().answer(id, lock, &mut self.seller.rng)
    }

    pub(crate) fn release(&mut self, answer: &Answer) -> Result<Release, WalletError> {
        self.payer.wallet.holds().release(answer)
    }

    pub(crate) fn receive(
        &mut self,
        release: &Release,
    ) -> Result<Option<Verified<Transaction>>, WalletError> {
        self.seller.wallet.holds().receive(release, &mut self.seller.rng)
    }

    pub(crate) fn complete(
        &mut self,
        id: &SessionId,
        t: &SecretScalar,
    ) -> Result<Verified<Transaction>, WalletError> {
        self.seller.wallet.holds().complete(id, t, &mut self.seller.rng)
    }

    pub(crate) fn consent(&mut self, id: &SessionId) -> Result<Answer, WalletError> {
        self.seller.wallet.holds().consent(id, &mut self.seller.rng)
    }

    pub(crate) fn undo(&mut self, consent: &Answer) -> Result<Verified<Transaction>, WalletError> {
        self.payer.wallet.holds().undo(consent, &mut self.payer.rng)
    }

    pub(crate) fn refund(&mut self, id: &SessionId) -> Result<Verified<Transaction>, WalletError> {
        self.payer.wallet.holds().refund(id, &mut self.payer.rng)
    }

    /// Up to the signed funding, which is not in a block yet.
    pub(crate) fn funding(&mut self) -> (SessionId, Verified<Transaction>) {
        let offer = self.open();
        let join = self.join(&offer).unwrap();
        let prove = self.prove(&join).unwrap();
        let part = self.part(&prove).unwrap();
        (offer.id, self.fund(&part).unwrap())
    }

    /// Up to a funding that is buried.
    pub(crate) fn funded(&mut self) -> SessionId {
        let (id, t) = self.funding();
        self.seal(&[t]);
        self.seal(&[]);
        id
    }

    /// Up to a locked claim that is complete but for its secret.
    pub(crate) fn locked(&mut self) -> (SessionId, Answer, SecretScalar) {
        let id = self.funded();
        let (t, point) = lock(7);
        let answer = self.answer(&id, Some(point)).unwrap();
        let release = self.release(&answer).unwrap();
        assert!(self.receive(&release).unwrap().is_none());
        (id, answer, t)
    }

    /// Seals a block with these transactions, and both scan.
    pub(crate) fn seal(&mut self, transactions: &[Verified<Transaction>]) {
        self.ledger.seal(&self.miner.wallet, transactions);
        self.scan();
    }

    pub(crate) fn grow_to(&mut self, height: u64) {
        while self.ledger.height().get() < height {
            self.ledger.seal(&self.miner.wallet, &[]);
        }
        self.scan();
    }

    pub(crate) fn scan(&mut self) {
        self.payer.scan(&self.ledger);
        self.seller.scan(&self.ledger);
    }

    pub(crate) fn stages(&self) -> [&'static str; 2] {
        [&self.payer, &self.seller].map(|p| p.wallet.held().next().map_or("none", |h| h.stage()))
    }

    /// What both own in the end, the hold included.
    pub(crate) fn totals(&self) -> [u64; 2] {
        [&self.payer, &self.seller].map(|p| {
            let b = p.wallet.balance(None);
            b.total().units() + b.held.units()
        })
    }
}

pub(crate) fn hold_error<T>(result: Result<T, WalletError>) -> HoldError {
    match result {
        Err(WalletError::Hold(e)) => e,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

/// The last height of a claim or of an undoing.
pub(crate) fn last(answer: &Answer) -> Height {
    answer.features.window(0).not_after
}

pub(crate) fn lock(seed: u64) -> (SecretScalar, Point) {
    let t = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(seed));
    let point = *PublicKey::of(&t).point();
    (t, point)
}

/// Standard chains take a hold as well.
#[test]
fn a_hold_on_an_ordinary_chain_is_claimed() {
    let (ledger, payer, seller) = two();
    let miner = ledger.wallet(30);
    let mut s = Scene { ledger, payer, seller, miner, start_fee: 0 };
    let id = s.funded();
    let answer = s.answer(&id, None).unwrap();
    let release = s.release(&answer).unwrap();
    let claim = s.receive(&release).unwrap().unwrap();
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
    assert_eq!(s.seller.wallet.balance(None).spendable, Amount::new(AMOUNT));
}
