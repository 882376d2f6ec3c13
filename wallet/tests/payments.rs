//! Wallets on one ledger: payments, restores, cancellations, expiries, reorganisations.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, fee, two};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Network,
    hash::Hash,
    kernel::Excess,
    session::SessionId,
    state::RewindData,
};
use sotto_wallet::{
    WalletError,
    coin_selection::{CoinSelectionError, Decision, Recipient},
    keys::{Account, Words},
    scan::{ChainSource, ScanError},
    sessions::{SessionStatus, TxStatus},
    slate::SlateError,
    store::{Store, StoreError},
};
use std::convert::Infallible;

const REWARD: u64 = 6_000_000_000;
/// Fees with one input and one kernel: with change, and without.
const FEE: u64 = fee(1, 2, 1);
const FEE_EXACT: u64 = fee(1, 1, 1);

fn select_error(e: WalletError) -> CoinSelectionError {
    let WalletError::Select(e) = e else { panic!("{e}") };
    e
}

#[test]
fn pay_and_pay_on() {
    let (mut ledger, mut a, mut b) = two();
    assert_eq!(a.balance(), [REWARD, 2 * REWARD, 0, 0, 0]);
    let t = a.pay(5_000_000, &mut b);
    assert_eq!(t.get().body.fees().unwrap().units(), FEE);
    // The reward is locked, and the change is pending and counted nowhere else; the receiver has a promise.
    assert_eq!(a.balance(), [0, 2 * REWARD, 0, REWARD, REWARD - 5_000_000 - FEE]);
    assert_eq!(a.wallet.balance(None).total().units(), 3 * REWARD);
    assert_eq!(b.balance(), [0, 0, 5_000_000, 0, 0]);
    ledger.seal(&a.wallet, &[t]);
    let (ra, rb) = (a.scan(&ledger), b.scan(&ledger));
    // One spent; change and the new reward.
    assert_eq!((ra.gone, ra.found, rb.found, rb.found_amount.units()), (1, 2, 1, 5_000_000));
    assert_eq!(b.balance(), [5_000_000, 0, 0, 0, 0]);
    let mut c = ledger.wallet(30);
    let t = b.pay(2_000_000, &mut c);
    ledger.seal(&a.wallet, &[t]);
    for p in [&mut a, &mut b, &mut c] {
        p.scan(&ledger);
    }
    assert_eq!(c.balance(), [2_000_000, 0, 0, 0, 0]);
    assert_eq!(b.balance(), [3_000_000 - FEE, 0, 0, 0, 0]);
    // All rewards are accounted for.
    let total: u64 = [&a, &b, &c].iter().map(|p| p.wallet.balance(None).total().units()).sum();
    assert_eq!(total, REWARD * ledger.height().get());
    let confirmed = |s: &SessionStatus| matches!(s, SessionStatus::Signed(TxStatus::Confirmed { .. }));
    assert!(b.received().iter().all(confirmed));
    assert!(a.sent().iter().all(confirmed));
}

/// Told of a higher fee, payer and receiver ask for it.
#[test]
fn fees_follow_the_terms() {
    let hear = |p: &mut Person, fee| {
        let mut terms = p.wallet.chain().terms().clone();
        terms.limits.fee_per_weight = Amount::new(fee);
        p.wallet.follow_terms(&terms);
    };
    let (_, mut a, mut b) = two();
    // The receiver's output and the kernel, half of the weight, would cost more than all of it did.
    hear(&mut b, 2_001);
    let invite = a.invite(5_000_000, &b);
    assert!(b.respond(&invite).is_err(), "too cheap for the receiver");
    let (_, mut a, mut b) = two();
    [&mut a, &mut b].into_iter().for_each(|p| hear(p, 2_000));
    let t = a.pay(5_000_000, &mut b);
    assert_eq!(t.get().body.fees().unwrap().units(), 2 * FEE);
}

#[test]
fn words_alone_find_everything() {
    let (mut ledger, mut a, mut b) = two();
    let account = b.wallet.add_account("savings").unwrap();
    assert_eq!(account, Account(1));
    let t = a.pay(7_000_000, &mut b);
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    // From one account to another of the same wallet, and some of it back to the first wallet.
    let mut request = b.request(3_000_000, &a);
    request.payees[0].recipient = Recipient::Interactive(b.wallet.address(account).unwrap());
    let plan = b.wallet.plan(request).unwrap().confirm(|_| Decision::Yes).unwrap();
    let invite = b.begin(plan).unwrap();
    assert_eq!(b.wallet.addressee(&invite), Some(account));
    let response = b.wallet.respond(account, &invite, &mut b.rng).unwrap();
    let t = b.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    let t = b.pay(1_000_000, &mut a);
    ledger.seal(&a.wallet, &[t]);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(b.wallet.balance(Some(account)).spendable.units(), 3_000_000);
    for person in [&a, &b] {
        let words = Words::parse(&person.wallet.words().phrase()).unwrap();
        let mut again = Person::from_words(ledger.chain.clone(), words.clone(), 5);
        let report = again.wallet.restore(Height::GENESIS, &ledger, &mut |_, _| {}).unwrap();
        assert_eq!(
            report.found,
            person.wallet.outputs().filter(|o| o.matures(&ledger.chain).is_some()).count() as u64
        );
        assert_eq!(again.balance(), person.balance());
        assert_eq!(again.wallet.accounts(), person.wallet.accounts());
        let mut twin = Person::from_words(ledger.chain.clone(), words, 6);
        twin.wallet.restore(Height::GENESIS, &ledger, &mut |_, _| {}).unwrap();
        let kept = |p: &Person| p.wallet.store().load().unwrap();
        assert_eq!(kept(&again), kept(&twin));
        // The outputs that were found can be spent.
        let mut c = ledger.wallet(30);
        let t = again.pay(1_000, &mut c);
        ledger.seal(&a.wallet, &[t]);
        ledger.undo();
    }
}

#[test]
fn a_restore_in_the_middle_of_a_payment_loses_nothing() {
    let (mut ledger, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let restore = |p: &Person| {
        let words = Words::parse(&p.wallet.words().phrase()).unwrap();
        Person::from_words(ledger.chain.clone(), words, 77)
    };
    let (mut a2, mut b2) = (restore(&a), restore(&b));
    let t = a.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[t]);
    for p in [&mut a, &mut a2, &mut b, &mut b2] {
        p.scan(&ledger);
    }
    assert_eq!((a.balance(), b.balance()), (a2.balance(), b2.balance()));
    assert_eq!(b2.balance(), [1_000, 0, 0, 0, 0]);
}

#[test]
fn no_change_output_when_nothing_comes_back() {
    let (mut ledger, mut a, mut b) = two();
    let t = a.pay(REWARD - FEE_EXACT, &mut b);
    assert_eq!((t.get().body.outputs.len(), t.get().body.fees().unwrap().units()), (1, FEE_EXACT));
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    assert_eq!(b.balance()[0], REWARD - FEE_EXACT);
    // A remainder that is too small for a change output is added to the fee.
    let t = b.pay(REWARD - 2 * FEE_EXACT - 5, &mut a);
    assert_eq!((t.get().body.outputs.len(), t.get().body.fees().unwrap().units()), (1, FEE_EXACT + 5));
    ledger.seal(&a.wallet, &[t]);
}

#[test]
fn what_cannot_be_paid_is_refused() {
    let (ledger, a, b) = two();
    let needed = |e| match select_error(e) {
        CoinSelectionError::Insufficient { needed, balance } => (needed.units(), balance.spendable.units()),
        e => panic!("{e}"),
    };
    let error = |amount| a.plan(amount, &b).unwrap_err();
    assert_eq!(needed(error(REWARD)), (REWARD + FEE_EXACT, REWARD));
    assert_eq!(needed(error(REWARD - FEE_EXACT + 1)), (REWARD + 1, REWARD));
    assert_eq!(needed(b.plan(1, &a).unwrap_err()), (1 + FEE_EXACT, 0));
    assert_eq!(select_error(error(0)), CoinSelectionError::Zero);
    assert_eq!(select_error(error(u64::MAX)), CoinSelectionError::Overflow);
    let other = Ledger::with(|p| p.network = Network::Test).wallet(1);
    let (found, expected) = (Network::Test, Network::Solo);
    assert_eq!(select_error(a.plan(1, &other).unwrap_err()), CoinSelectionError::Network { found, expected });
    let mut request = a.request(1, &b);
    request.account = Account(1);
    assert!(matches!(a.wallet.plan(request), Err(WalletError::NoAccount { accounts: 1, .. })));
    assert!(a.plan(1, &b).unwrap().confirm(|_| Decision::No).is_none());
    drop(ledger);
}

/// Inputs must be free when a plan is carried out: of two plans for one output, only one becomes a payment.
#[test]
fn a_stale_plan_is_refused() {
    let (_ledger, mut a, b) = two();
    let (first, second) = (a.confirmed(5, &b), a.confirmed(6, &b));
    a.begin(first).unwrap();
    let before = a.balance();
    let error = a.begin(second).unwrap_err();
    assert_eq!((select_error(error), a.balance()), (CoinSelectionError::Stale, before));
}

#[test]
fn many_payments_at_once() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 5);
    a.scan(&ledger);
    let invites: Vec<_> = (1..=4).map(|i| a.invite(i * 1_000, &b)).collect();
    let mut responses: Vec<_> = invites.iter().map(|i| b.respond(i).unwrap()).collect();
    responses.reverse();
    let payments: Vec<_> = responses.iter().map(|r| a.finalize(r).unwrap()).collect();
    ledger.seal(&a.wallet, &payments);
    b.scan(&ledger);
    assert_eq!(b.balance(), [10_000, 0, 0, 0, 0]);
}

#[test]
fn cancelling_is_free_until_something_has_left() {
    let (mut ledger, mut a, mut b) = two();
    let before = a.balance();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    a.wallet.cancel(&invite.session).unwrap();
    a.wallet.cancel(&invite.session).unwrap();
    assert_eq!(a.balance(), before);
    let refused = |e: WalletError| match e {
        WalletError::Slate(e) => e,
        e => panic!("{e}"),
    };
    assert_eq!(refused(a.finalize(&response).unwrap_err()), SlateError::Cancelled);
    // Last height 1440, reorganisation limit 720.
    let answered = SlateError::Answered { until: Height::new(2_160) };
    assert_eq!(refused(b.wallet.cancel(&invite.session).unwrap_err()), answered);
    assert_eq!(refused(b.wallet.cancel(&SessionId([7; 32])).unwrap_err()), SlateError::UnknownSession);
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let t = a.finalize(&response).unwrap();
    // Last height 1440, reorganisation limit 720.
    let until = Height::new(2_160);
    assert_eq!(refused(a.wallet.cancel(&invite.session).unwrap_err()), SlateError::HasLeft { until });
    ledger.seal(&a.wallet, &[t]);
    a.scan(&ledger);
    let height = ledger.height();
    assert_eq!(refused(a.wallet.cancel(&invite.session).unwrap_err()), SlateError::Confirmed { height });
}

/// A chain on which payments expire soon: last heights are multiples of 5 up to 10 ahead, reorganisations 4
/// deep.
fn hasty() -> (Ledger, Person, Person) {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 4));
    let (mut a, b) = (ledger.wallet(10), ledger.wallet(20));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    (ledger, a, b)
}

#[test]
fn what_expires_frees_its_inputs() {
    let (mut ledger, mut a, mut b) = hasty();
    let c = ledger.wallet(40);
    let invite = a.invite(1_000, &b);
    assert_eq!(invite.not_after(), Height::new(10));
    let response = b.respond(&invite).unwrap();
    a.finalize(&response).unwrap();
    ledger.grow(&c.wallet, 11);
    assert_eq!(ledger.height(), Height::new(14));
    // Past the last height, but a reorganisation could still bring it in.
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!((a.balance()[3], b.balance()[2]), (REWARD, 0), "no next block can contain it");
    ledger.grow(&c.wallet, 1);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(a.balance(), [3 * REWARD, 0, 0, 0, 0]);
    assert_eq!(b.balance(), [0; 5]);
    // Outputs that never existed are forgotten.
    assert_eq!((a.wallet.outputs().count(), b.wallet.outputs().count()), (3, 0));
    assert_eq!(a.sent()[0], SessionStatus::Signed(TxStatus::Failed));
    a.wallet.cancel(&invite.session).unwrap();
}

/// An unanswered invite expires, and a late response is refused with the reason.
#[test]
fn an_unanswered_invite_is_not_locked_for_ever() {
    let (mut ledger, mut a, mut b) = hasty();
    let c = ledger.wallet(40);
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    ledger.grow(&c.wallet, 7);
    a.scan(&ledger);
    let expired = SlateError::Expired { not_after: Height::new(10), next: Height::new(11) };
    assert!(matches!(a.finalize(&response), Err(WalletError::Slate(e)) if e == expired));
    // A copy of this wallet may have signed: the inputs are free once such a payment can no longer confirm.
    assert_eq!(a.balance()[3], REWARD);
    b.scan(&ledger);
    let mut d = ledger.wallet(50);
    d.scan(&ledger);
    let mut open = invite;
    open.recipient = None;
    assert!(matches!(d.respond(&open), Err(WalletError::Slate(e)) if e == expired));
    ledger.grow(&c.wallet, 5);
    a.scan(&ledger);
    assert_eq!(a.balance(), [3 * REWARD, 0, 0, 0, 0]);
    let over = SlateError::Expired { not_after: Height::new(10), next: ledger.height().next() };
    assert!(matches!(a.finalize(&response), Err(WalletError::Slate(e)) if e == over));
    assert_eq!(a.sent(), [SessionStatus::Expired]);
}

#[test]
fn reorganisations_are_followed_both_ways() {
    let (mut ledger, mut a, mut b) = two();
    let c = ledger.wallet(40);
    let t = a.pay(1_000_000, &mut b);
    let before = (a.balance(), b.balance());
    ledger.seal(&c.wallet, std::slice::from_ref(&t));
    a.scan(&ledger);
    b.scan(&ledger);
    let after = (a.balance(), b.balance());
    assert_eq!(after.1, [1_000_000, 0, 0, 0, 0]);
    // The receiver spends the payment, and both blocks are undone.
    let u = b.pay(100_000, &mut a);
    ledger.seal(&c.wallet, &[u]);
    ledger.undo();
    ledger.undo();
    a.scan(&ledger);
    b.scan(&ledger);
    // As before, except that one more payment waits: the promise to `a`; `b` has nothing locked any more.
    assert_eq!((a.balance()[0], a.balance()[3]), (before.0[0], before.0[3]));
    assert_eq!((b.balance()[0], b.balance()[2], b.balance()[3]), (0, 1_000_000, 0));
    ledger.seal(&c.wallet, &[t]);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(b.balance()[3], 1_000_000, "held by the payment that waits again");
    assert_eq!(a.balance()[0], after.0[0]);
}

/// A payment to oneself neither creates nor hides money.
#[test]
fn paying_oneself() {
    let (mut ledger, mut a, _) = two();
    let plan = a.plan(1_000_000, &a).unwrap().confirm(|_| Decision::Yes).unwrap();
    let invite = a.begin(plan).unwrap();
    let response = a.respond(&invite).unwrap();
    let t = a.finalize(&response).unwrap();
    assert_eq!(a.wallet.balance(None).total().units(), 3 * REWARD);
    let c = ledger.wallet(40);
    ledger.seal(&c.wallet, &[t]);
    a.scan(&ledger);
    assert_eq!(a.wallet.balance(None).total().units(), 3 * REWARD - FEE);
}

/// A full disk at any step: an error, the wallet as before, and the step can be repeated.
#[test]
fn a_full_disk_loses_nothing() {
    let (mut ledger, mut a, mut b) = two();
    let full = |e: WalletError| assert!(matches!(e, WalletError::Store(StoreError::Io { .. })), "{e}");
    let plan = a.confirmed(1_000, &b);
    let before = a.balance();
    a.wallet.store().full.set(true);
    full(a.begin(plan).unwrap_err());
    assert_eq!(a.balance(), before);
    a.wallet.store().full.set(false);
    let invite = a.invite(1_000, &b);
    b.wallet.store().full.set(true);
    full(b.respond(&invite).unwrap_err());
    assert_eq!(b.balance(), [0; 5]);
    b.wallet.store().full.set(false);
    let response = b.respond(&invite).unwrap();
    a.wallet.store().full.set(true);
    full(a.finalize(&response).unwrap_err());
    a.wallet.store().full.set(false);
    let t = a.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[t]);
    b.wallet.store().full.set(true);
    assert!(b.wallet.scan(&ledger, &mut |_, _| {}).is_err());
    assert_eq!(b.balance(), [0, 0, 1_000, 0, 0]);
    b.wallet.store().full.set(false);
    b.scan(&ledger);
    assert_eq!(b.balance(), [1_000, 0, 0, 0, 0]);
    // A scan that changes nothing writes nothing.
    b.wallet.store().full.set(true);
    b.scan(&ledger);
}

#[test]
fn a_wallet_is_not_overwritten_and_opens_as_it_was() {
    let (ledger, mut a, b) = two();
    a.invite(1_000, &b);
    let again = a.copy(a.installation.clone());
    assert_eq!(again.balance(), a.balance());
    assert_eq!(again.address(), a.address());
    assert_eq!(again.wallet.chain(), &ledger.chain);
    let words = a.wallet.words().clone();
    let store = a.wallet.store().clone();
    let made = sotto_wallet::Wallet::create(store, ledger.chain.clone(), words, a.installation.clone());
    assert!(matches!(made, Err(WalletError::Exists)));
}

#[test]
fn the_reward_never_exceeds_what_amounts_hold() {
    let (ledger, mut a, _) = two();
    let fees = Amount::new(u64::MAX);
    assert!(a.wallet.coinbase(Account(0), ledger.height().next(), fees, &mut a.rng).is_err());
}

/// A source that moves, or that answers out of order, changes nothing.
#[test]
fn a_faulty_source_is_refused() {
    struct Faulty<'a>(&'a Ledger, std::cell::Cell<u64>, bool);
    impl ChainSource for Faulty<'_> {
        type Error = Infallible;
        fn tip(&self) -> Result<(Height, Hash), Infallible> {
            // A block arrives between the two questions, if this source is of that kind.
            self.1.set(self.1.get() + u64::from(!self.2));
            Ok((Height::new(self.1.get()), Hash::ZERO))
        }
        fn unspent_count(&self) -> Result<u64, Infallible> {
            self.0.unspent_count()
        }
        fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
            let after = if self.2 { None } else { after };
            self.0.unspent(after, most)
        }
        fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
            self.0.kernel(excess)
        }
    }
    let (ledger, mut a, _) = two();
    let before = a.wallet.store().load().unwrap();
    let moving = Faulty(&ledger, std::cell::Cell::new(3), false);
    assert!(matches!(a.wallet.scan(&moving, &mut |_, _| {}), Err(ScanError::TipMoved)));
    let circling = Faulty(&ledger, std::cell::Cell::new(3), true);
    assert!(matches!(a.wallet.scan(&circling, &mut |_, _| {}), Err(ScanError::Disorder { .. })));
    assert_eq!(a.wallet.store().load().unwrap(), before);
}
