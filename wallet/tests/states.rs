//! What a wallet says of its payments: each state has its name, from the first message to the last block.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, fee, two};
use sotto_mw::{amount::Amount, amount::Height, session::SessionId};
use sotto_wallet::{
    WalletError,
    coin_selection::{CoinSelectionError, Decision, PaymentRequest, Spend, dust_limit},
    keys::{Account, OutputKind},
    outputs::OutputStatus,
    sessions::{SessionStatus, TxStatus},
    slate::SlateError,
};

const REWARD: u64 = 6_000_000_000;

fn refusal<T>(r: Result<T, WalletError>) -> SlateError {
    match r {
        Err(WalletError::Slate(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("accepted"),
    }
}

fn unplanned<T>(r: Result<T, WalletError>) -> CoinSelectionError {
    match r {
        Err(WalletError::Select(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("planned"),
    }
}

/// A chain whose payments expire soon.
fn hasty() -> (Ledger, Person, Person) {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 4));
    let (mut a, mut b) = (ledger.wallet(10), ledger.wallet(20));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    b.scan(&ledger);
    (ledger, a, b)
}

fn status(p: &Person, session: &SessionId) -> SessionStatus {
    // From the stored bytes, too.
    let kept = p.copy(p.installation.clone());
    let of = |p: &Person| p.wallet.sessions().find(|s| s.session() == *session).unwrap().status();
    assert_eq!(of(p), of(&kept));
    of(p)
}

/// The receiver cannot know that the payer has cancelled. It says that it has answered, until the payment can
/// no longer enter a block; then it has expired, and is not expected any more.
#[test]
fn an_answer_waits_for_the_payer_and_expires() {
    let (mut ledger, mut a, mut b) = hasty();
    let miner = ledger.wallet(40);
    let invite = a.invite(777, &b);
    assert_eq!(status(&a, &invite.session), SessionStatus::Begun);
    b.respond(&invite).unwrap();
    a.wallet.cancel(&invite.session).unwrap();
    assert_eq!(status(&a, &invite.session), SessionStatus::Cancelled);
    assert_eq!((status(&b, &invite.session), b.balance()[2]), (SessionStatus::Answered, 777));
    let until = invite.not_after().plus(4);
    assert_eq!(refusal(b.wallet.cancel(&invite.session)), SlateError::Answered { until });

    ledger.grow(&miner.wallet, 6);
    b.scan(&ledger);
    assert_eq!((ledger.height().next(), b.balance()[2]), (invite.not_after(), 777));
    ledger.grow(&miner.wallet, 1);
    b.scan(&ledger);
    assert_eq!((status(&b, &invite.session), b.balance()[2]), (SessionStatus::Expired, 0));
    ledger.grow(&miner.wallet, 6);
    b.scan(&ledger);
    assert_eq!(status(&b, &invite.session), SessionStatus::Expired);
}

#[test]
fn a_dismissed_payment_is_not_pending_and_still_received() {
    let (mut ledger, mut a, mut b) = two();
    let invite = a.invite(777, &b);
    assert_eq!(refusal(b.wallet.dismiss(&invite.session)), SlateError::NotAnswered);
    let response = b.respond(&invite).unwrap();
    b.wallet.dismiss(&invite.session).unwrap();
    assert_eq!((status(&b, &invite.session), b.balance()[2]), (SessionStatus::Dismissed, 0));
    assert!(b.wallet.sessions().all(|s| !s.is_open()));
    // Answering again gives the same response and takes it back.
    assert_eq!(b.respond(&invite).unwrap(), response);
    assert_eq!((status(&b, &invite.session), b.balance()[2]), (SessionStatus::Answered, 777));
    b.wallet.dismiss(&invite.session).unwrap();
    let t = a.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    let height = ledger.height();
    assert_eq!(status(&b, &invite.session), SessionStatus::Signed(TxStatus::Confirmed { height }));
    assert_eq!(b.balance()[0], 777);
    assert_eq!(refusal(b.wallet.dismiss(&invite.session)), SlateError::Confirmed { height });
}

#[test]
fn an_open_invite_expires_before_its_outputs_are_free() {
    let (mut ledger, mut a, mut b) = hasty();
    let miner = ledger.wallet(40);
    let invite = a.invite(777, &b);
    let response = b.respond(&invite).unwrap();
    ledger.grow(&miner.wallet, 7);
    a.scan(&ledger);
    let view = a.wallet.sessions().next().unwrap();
    assert_eq!((view.status(), view.is_open(), a.balance()[3]), (SessionStatus::Expired, true, REWARD));
    ledger.grow(&miner.wallet, 5);
    a.scan(&ledger);
    let view = a.wallet.sessions().next().unwrap();
    assert_eq!((view.status(), view.is_open(), a.balance()[3]), (SessionStatus::Expired, false, 0));
    let over = SlateError::Expired { not_after: invite.not_after(), next: ledger.height().next() };
    assert_eq!(refusal(a.finalize(&response)), over);
    // The receiver learns it before it is asked, and nothing is stored.
    let mut late = ledger.wallet(20);
    late.scan(&ledger);
    assert_eq!(refusal(late.wallet.check_invite(Account(0), &invite)), over);
    assert_eq!(status(&a, &invite.session), SessionStatus::Expired);
}

#[test]
fn an_invite_is_checked_before_it_is_answered() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 4);
    a.scan(&ledger);
    b.scan(&ledger);
    let invite = a.invite(777, &b);
    let unsigned = sotto_wallet::Invite { signature: None, ..invite.clone() };
    assert_eq!(refusal(b.wallet.check_invite(Account(0), &unsigned)), SlateError::InviterSignature);
    b.wallet.check_invite(Account(0), &invite).unwrap();
    assert_eq!(b.received().len(), 0);
    b.respond(&invite).unwrap();
    b.wallet.check_invite(Account(0), &invite).unwrap();
    let other = a.invite(778, &b);
    let reused = sotto_wallet::Invite { session: invite.session, ..other };
    assert_eq!(refusal(b.wallet.check_invite(Account(0), &reused)), SlateError::SessionReused);
}

#[test]
fn a_payment_that_a_self_spend_ends_says_so() {
    let (mut ledger, mut a, mut b) = two();
    let miner = ledger.wallet(40);
    let invite = a.invite(777, &b);
    let response = b.respond(&invite).unwrap();
    a.finalize(&response).unwrap();
    let session = invite.session;
    assert_eq!(status(&a, &session), SessionStatus::Signed(TxStatus::Waiting));
    let plan = a.wallet.plan_self_spend(&session).unwrap().confirm(|_| Decision::Yes).unwrap();
    let t = a.wallet.self_spend(&session, plan, &mut a.rng).unwrap();
    assert_eq!(status(&a, &session), SessionStatus::Ending);
    ledger.seal(&miner.wallet, &[t]);
    a.scan(&ledger);
    let height = ledger.height();
    assert_eq!(status(&a, &session), SessionStatus::Signed(TxStatus::Displaced { height }));
}

#[test]
fn a_frozen_output_is_never_chosen() {
    let (mut ledger, mut a, b) = two();
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    let free: Vec<_> = a
        .wallet
        .outputs()
        .filter(|o| o.is_spendable(a.wallet.chain(), a.wallet.tip()))
        .map(|o| o.commitment)
        .collect();
    let (first, rest) = free.split_first().unwrap();
    let total = a.wallet.balance(None).total();
    for c in rest {
        a.wallet.freeze(c).unwrap();
    }
    let balance = a.wallet.balance(None);
    assert_eq!((balance.spendable.units(), balance.total()), (REWARD, total));
    assert_eq!(balance.frozen.units(), REWARD * rest.len() as u64);
    assert_eq!(a.plan(1_000, &b).unwrap().inputs()[0].commitment, *first);
    assert!(matches!(unplanned(a.plan(REWARD, &b)), CoinSelectionError::Insufficient { .. }));
    assert_eq!(unplanned(a.wallet.plan_consolidation(Account(0), 50)), CoinSelectionError::NothingToMerge);
    let chosen = Spend::Exactly(vec![rest[0]]);
    let refused = unplanned(a.wallet.plan_from(a.request(1_000, &b), &chosen));
    assert_eq!(refused, CoinSelectionError::NotFree { output: rest[0] });
    // It stays frozen in the stored bytes, and through a scan.
    ledger.grow(&a.wallet, 1);
    let mut kept = a.copy(a.installation.clone());
    kept.scan(&ledger);
    assert_eq!(kept.wallet.balance(None).frozen, balance.frozen);
    assert!(a.wallet.unfreeze(&rest[0]).unwrap() && !a.wallet.unfreeze(&rest[0]).unwrap());
    assert!(a.wallet.plan_from(a.request(1_000, &b), &chosen).is_ok());
    let unknown = sotto_mw::group::PointBytes([7; 32]);
    assert_eq!(unplanned(a.wallet.freeze(&unknown)), CoinSelectionError::NotFree { output: unknown });
}

#[test]
fn exactly_the_chosen_outputs_pay() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    let free = |a: &Person| -> Vec<_> {
        let spendable =
            |o: &&sotto_wallet::outputs::OutputRecord| o.is_spendable(a.wallet.chain(), a.wallet.tip());
        a.wallet.outputs().filter(spendable).map(|o| o.commitment).collect()
    };
    let chosen = Spend::Exactly(free(&a)[..2].to_vec());
    let plan = a.wallet.plan_from(a.request(1_000, &b), &chosen).unwrap();
    let inputs: Vec<_> = plan.inputs().iter().map(|o| o.commitment).collect();
    assert_eq!((inputs.len(), plan.fee().units()), (2, fee(2, 2, 1)));
    assert!(inputs.iter().all(|c| free(&a)[..2].contains(c)));
    assert_eq!(plan.change().units(), 2 * REWARD - 1_000 - fee(2, 2, 1));
    let one = Spend::Exactly(free(&a)[..1].to_vec());
    let refused = unplanned(a.wallet.plan_from(a.request(REWARD, &b), &one));
    assert!(matches!(refused, CoinSelectionError::Insufficient { .. }));

    // Everything: one output, no change.
    let all = a.wallet.plan_all(Account(0), b.payee(0), &Spend::Fewest).unwrap();
    let n = free(&a).len() as u64;
    assert_eq!((all.inputs().len() as u64, all.change()), (n, Amount::ZERO));
    assert_eq!((all.amount().units(), all.fee().units()), (n * REWARD - fee(n, 1, 1), fee(n, 1, 1)));
    let invite = a.begin(all.confirm(|_| Decision::Yes).unwrap()).unwrap();
    let response = b.respond(&invite).unwrap();
    let t = a.finalize(&response).unwrap();
    ledger.seal(&b.wallet, &[t]);
    a.scan(&ledger);
    let left = |o: &&sotto_wallet::outputs::OutputRecord| matches!(o.status, OutputStatus::Unspent { .. });
    assert!(
        a.wallet.outputs().filter(left).all(|o| o.matures(a.wallet.chain()) >= Some(ledger.height().next()))
    );
    assert_eq!(dust_limit(a.wallet.chain(), &OutputKind::Plain).units(), fee(1, 0, 0));
    assert_eq!(ledger.height(), Height::new(7));
    let nothing = PaymentRequest::new(Account(0), vec![b.payee(0)]);
    assert_eq!(unplanned(a.wallet.plan_from(nothing, &Spend::Fewest)), CoinSelectionError::Zero);
}
