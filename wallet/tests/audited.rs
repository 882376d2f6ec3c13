//! Wallets on a chain with auditors: everything that they do elsewhere, with outputs that auditors can read.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::support::{Ledger, Person, two_on};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Auditors,
    codec::Decode as _,
    commitment::Commitment,
    group::Scalar,
    hash::Hash,
    output::Audit,
    schnorr::PublicKey,
    transaction::Transaction,
};
use sotto_wallet::{
    Memo, MemoryStore, ViewWallet,
    coin_selection::{Decision, Spend},
    keys::{Account, OutputKind},
    scan::ChainSource as _,
};

const ZERO: Account = Account(0);

fn two() -> (Ledger, Person, Person) {
    let key = PublicKey::of(&Scalar::from(4_711u64).into());
    two_on(Ledger::with(|p| p.auditors = Some(Auditors { key, charter: Hash::ZERO })))
}

/// Every output is audited, and the fee is the least one for its weight.
fn audited(t: &Transaction) {
    assert!(t.body.outputs.iter().all(|o| o.audit() == Audit::Audited));
    assert_eq!(t.body.weight() * 1_000, t.body.fees().unwrap().units());
}

fn both(people: [&mut Person; 2], ledger: &Ledger) {
    for person in people {
        person.scan(ledger);
    }
}

#[test]
fn payments_by_invite_by_invoice_and_to_who_is_away() {
    let (mut ledger, mut a, mut b) = two();
    let by_invite = a.pay(1_000_000, &mut b);
    audited(by_invite.get());
    ledger.seal(&a.wallet, &[by_invite]);
    both([&mut a, &mut b], &ledger);
    let invoice = b.ask(2_000_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    let by_invoice = b.collect(&ledger, &payment).unwrap();
    assert!(by_invoice.get().body.outputs.iter().all(|o| o.code() == 2));
    ledger.seal(&a.wallet, &[by_invoice]);
    both([&mut a, &mut b], &ledger);
    let away = a.pay_away(vec![b.payee_away(5_000_000)]);
    audited(away.get());
    assert!(away.get().body.outputs.iter().all(|o| o.code() == 5));
    ledger.seal(&a.wallet, &[away]);
    both([&mut a, &mut b], &ledger);
    assert_eq!(b.balance()[0], 8_000_000);
    let kinds = |p: &Person| p.wallet.outputs().map(|o| o.kind).collect::<Vec<_>>();
    assert!(kinds(&b).iter().any(|k| matches!(k, OutputKind::OneSided { .. })));
    assert!(kinds(&a).iter().any(|k| matches!(k, OutputKind::Hidden { .. })));
    // What was received is paid on, one-sided inputs among it.
    let onward = b.pay_away(vec![a.payee_away(7_000_000)]);
    audited(onward.get());
    ledger.seal(&a.wallet, &[onward]);
    a.scan(&ledger);
    assert_eq!(a.wallet.history().iter().filter(|e| e.amount.units() == 7_000_000).count(), 1);
}

#[test]
fn words_restore_everything_and_what_they_restore_can_be_spent() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    ledger.grow(&a.wallet, 3);
    for (seed, person) in (70..).zip([&mut a, &mut b]) {
        person.scan(&ledger);
        let mut again = Person::from_words(ledger.chain.clone(), person.wallet.words().clone(), seed);
        again.wallet.restore(Height::new(1), &ledger, &mut |_, _| {}).unwrap();
        assert_eq!(again.wallet.balance(None), person.wallet.balance(None));
        let all = again.wallet.plan_all(ZERO, person.payee_away(1), &Spend::Fewest).unwrap();
        let swept = again.wallet.pay(all.confirm(|_| Decision::Yes).unwrap(), &mut again.rng).unwrap();
        audited(swept.get());
        ledger.seal(&person.wallet, &[swept]);
    }
}

#[test]
fn a_view_key_and_both_proofs_of_payment_work() {
    let (mut ledger, mut a, mut b) = two();
    let away = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[away]);
    both([&mut a, &mut b], &ledger);
    let key = b.wallet.view_key(ZERO).unwrap();
    let mut view = ViewWallet::create(MemoryStore::default(), ledger.chain.clone(), key).unwrap();
    let by_invite = a.pay(1_000_000, &mut b);
    ledger.seal(&a.wallet, &[by_invite]);
    both([&mut a, &mut b], &ledger);
    view.scan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!(view.received(), Amount::new(6_000_000));
    let view = ViewWallet::open(view.into_store()).unwrap();
    assert_eq!(view.unspent(), Amount::new(6_000_000));
    // The receiver proves what was paid to it one-sidedly.
    let one_sided = b.wallet.outputs().find(|o| matches!(o.kind, OutputKind::OneSided { .. })).unwrap();
    let commitment = Commitment::from_bytes(&one_sided.commitment.0).unwrap();
    let sealed = ledger.sealed_output(&commitment).unwrap().unwrap();
    let proof = b.wallet.prove_received(sealed, Memo::default(), &mut b.rng).unwrap();
    assert_eq!(proof.verify(ledger.chain.id()).unwrap().amount, Amount::new(5_000_000));
}
