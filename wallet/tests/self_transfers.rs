//! Self-spends that end signed payments, and consolidations.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, fee, two};
use sotto_mw::{rules::Verified, session::SessionId, transaction::Transaction};
use sotto_wallet::{
    WalletError,
    coin_selection::{CoinSelectionError, Decision},
    history::EntryKind,
    keys::Account,
    sessions::{SessionStatus, TxStatus},
    slate::SlateError,
};

const REWARD: u64 = 6_000_000_000;
/// One input, one output, one kernel.
const FEE: u64 = fee(1, 1, 1);

fn self_spend(p: &mut Person, session: &SessionId) -> Result<Verified<Transaction>, WalletError> {
    let plan = p.wallet.plan_self_spend(session)?.confirm(|_| Decision::Yes).unwrap();
    p.wallet.self_spend(session, plan, &mut p.rng)
}

fn fate(p: &Person, session: &SessionId) -> TxStatus {
    let view = p.wallet.sessions().find(|s| s.session() == *session).unwrap();
    match view.status() {
        SessionStatus::Signed(status) => status,
        SessionStatus::Ending => TxStatus::Waiting,
        other => panic!("not signed: {other:?}"),
    }
}

/// A signed payment, whose transaction was not submitted yet.
fn signed(a: &mut Person, b: &mut Person) -> (SessionId, Verified<Transaction>) {
    let invite = a.invite(1_000, b);
    let response = b.respond(&invite).unwrap();
    (invite.session, a.finalize(&response).unwrap())
}

#[test]
fn a_self_spend_displaces_a_payment_that_has_left() {
    let (mut ledger, mut a, mut b) = two();
    let c = ledger.wallet(40);
    let (session, payment) = signed(&mut a, &mut b);
    assert!(matches!(a.wallet.cancel(&session), Err(WalletError::Slate(SlateError::HasLeft { .. }))));
    let before = a.balance();
    let t = self_spend(&mut a, &session).unwrap();
    assert_eq!(a.balance(), before, "nothing counts twice while both wait");
    assert!(matches!(self_spend(&mut a, &session), Err(WalletError::Slate(SlateError::Over))));
    ledger.seal(&c.wallet, &[t]);
    a.scan(&ledger);
    assert_eq!(fate(&a, &session), TxStatus::Displaced { height: ledger.height() });
    assert_eq!(a.balance(), [2 * REWARD - FEE, REWARD, 0, 0, 0]);
    // After an undo, the payment can still confirm.
    ledger.undo();
    a.scan(&ledger);
    assert_eq!((fate(&a, &session), a.balance()[3]), (TxStatus::Waiting, REWARD));
    ledger.seal(&c.wallet, &[payment]);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(fate(&a, &session), TxStatus::Confirmed { height: ledger.height() });
    assert_eq!(b.balance(), [1_000, 0, 0, 0, 0]);
    let moved = a.wallet.history().into_iter().find(|e| e.kind == EntryKind::SelfSpend).unwrap();
    assert_eq!(moved.status, SessionStatus::Signed(TxStatus::Displaced { height: ledger.height() }));
}

/// A copy of the wallet cannot cancel what the original may have signed: it can end it.
#[test]
fn a_restored_backup_ends_payments_by_self_spends() {
    let (mut ledger, mut a, b) = two();
    let invite = a.invite(1_000, &b);
    let mut copy = a.copy(sotto_wallet::nonce_vault::Installation::in_memory([9; 32]));
    let refused = copy.wallet.cancel(&invite.session);
    assert!(matches!(refused, Err(WalletError::Slate(SlateError::MayHaveLeft { .. }))));
    let t = self_spend(&mut copy, &invite.session).unwrap();
    ledger.seal(&b.wallet, &[t]);
    copy.scan(&ledger);
    a.scan(&ledger);
    assert_eq!(copy.balance(), [2 * REWARD - FEE, REWARD, 0, 0, 0]);
    assert_eq!(a.balance(), copy.balance());
}

/// A payment that is undone and expires fails, and so does a payment that spends its outputs.
#[test]
fn descendants_fail_with_their_ancestor() {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 4));
    let (mut a, mut b, c) = (ledger.wallet(10), ledger.wallet(20), ledger.wallet(40));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    let t = a.pay(1_000_000, &mut b);
    ledger.seal(&c.wallet, &[t]);
    b.scan(&ledger);
    // Its last height is later than that of the first payment, so it could wait longer by itself.
    ledger.grow(&c.wallet, 2);
    b.scan(&ledger);
    let (session, paid_on) = signed(&mut b, &mut a);
    ledger.seal(&c.wallet, &[paid_on]);
    b.scan(&ledger);
    assert!(matches!(fate(&b, &session), TxStatus::Confirmed { .. }));
    (0..4).for_each(|_| ledger.undo());
    ledger.grow(&c.wallet, 12);
    b.scan(&ledger);
    let not_after = b.wallet.sessions().find(|s| s.session() == session).unwrap().not_after();
    assert!(ledger.height() <= not_after.plus(4), "it has not expired by itself");
    assert_eq!((fate(&b, &session), b.balance()), (TxStatus::Failed, [0; 5]));
    b.scan(&ledger);
    assert_eq!(fate(&b, &session), TxStatus::Failed, "and stays so");
}

#[test]
fn outputs_are_merged() {
    let (mut ledger, mut a, b) = two();
    assert!(matches!(
        a.wallet.plan_consolidation(Account(0), 10),
        Err(WalletError::Select(CoinSelectionError::NothingToMerge))
    ));
    ledger.grow(&b.wallet, 3);
    a.scan(&ledger);
    let plan = a.wallet.plan_consolidation(Account(0), 10).unwrap();
    assert_eq!((plan.inputs().len(), plan.linkage().inputs), (3, 3));
    let t = a.wallet.consolidate(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap();
    let fee = FEE + 2 * 8_000;
    assert_eq!(a.balance(), [0, 0, 0, 3 * REWARD, 3 * REWARD - fee]);
    ledger.seal(&b.wallet, &[t]);
    a.scan(&ledger);
    assert_eq!(a.balance(), [3 * REWARD - fee, 0, 0, 0, 0]);
}
