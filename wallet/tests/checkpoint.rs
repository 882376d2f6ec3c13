//! Checkpoints: a wallet refuses a lower tip and a deep fork, and stores nothing of them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, TestStore, two};
use sotto_mw::{amount::Height, hash::Hash};
use sotto_wallet::{
    ViewKey, ViewWallet,
    keys::Account,
    scan::{ChainSource, ReplacedBlock, ScanError},
    store::Store,
};
use std::convert::Infallible;

type Refused = ScanError<Infallible>;

fn refusal(a: &mut Person, ledger: &Ledger) -> Refused {
    let before = a.wallet.store().load().unwrap();
    let refused = a.wallet.scan(ledger, &mut |_, _| {}).unwrap_err();
    assert_eq!(a.wallet.store().load().unwrap(), before, "nothing is kept");
    refused
}

fn hash(ledger: &Ledger, height: u64) -> Hash {
    ledger.hash_at(Height::new(height)).unwrap().unwrap()
}

/// A chain with a reorganisation limit of three blocks.
fn shallow() -> (Ledger, Person, Person) {
    let ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 3));
    let (a, b) = (ledger.wallet(10), ledger.wallet(20));
    (ledger, a, b)
}

#[test]
fn an_older_tip_is_refused_and_changes_nothing() {
    let (mut ledger, mut a, mut b) = two();
    let t = a.pay(1_000_000, &mut b);
    ledger.seal(&a.wallet, &[t]);
    a.scan(&ledger);
    b.scan(&ledger);
    let (paid, got) = (a.balance(), b.balance());
    ledger.undo();
    for person in [&mut a, &mut b] {
        let refused = refusal(person, &ledger);
        assert!(
            matches!(refused, ScanError::Older { seen, shown } if (seen.get(), shown.get()) == (4, 3)),
            "{refused}"
        );
    }
    assert_eq!((a.balance(), b.balance()), (paid, got), "what was paid is not spendable again");

    // A wallet that was closed meanwhile remembers too; a new one has nothing to compare with.
    let mut again = a.copy(a.installation.clone());
    assert!(matches!(refusal(&mut again, &ledger), ScanError::Older { .. }));
    let mut fresh = Person::from_words(ledger.chain.clone(), a.wallet.words().clone(), 7);
    fresh.wallet.scan(&ledger, &mut |_, _| {}).unwrap();

    // The owner can confirm that the chain went back.
    let report = a.wallet.rescan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!((report.tip.get(), report.replaced), (3, None));
    assert_eq!(a.wallet.tip(), ledger.height());
    a.wallet.scan(&ledger, &mut |_, _| {}).unwrap();
}

#[test]
fn a_reorganisation_is_followed_and_told() {
    let (mut ledger, mut a, b) = shallow();
    ledger.grow(&a.wallet, 8);
    a.scan(&ledger);
    let (before, money) = (hash(&ledger, 8), a.balance());
    // As many blocks as a reorganisation may replace, and at least as many new ones.
    (0..3).for_each(|_| ledger.undo());
    ledger.grow(&b.wallet, 3);
    let report = a.wallet.scan(&ledger, &mut |_, _| {}).unwrap();
    let now = hash(&ledger, 8);
    assert_eq!(report.replaced, Some(ReplacedBlock { height: Height::new(8), before, now }));
    assert_eq!((money[0] + money[1]) / 8 * 5, a.balance()[0] + a.balance()[1], "three rewards never were");
    assert_eq!(a.wallet.scan(&ledger, &mut |_, _| {}).unwrap().replaced, None, "told once");
}

#[test]
fn a_fork_below_every_reorganisation_is_refused() {
    let (mut ledger, mut a, b) = shallow();
    ledger.grow(&a.wallet, 8);
    a.scan(&ledger);
    let was = hash(&ledger, 5);
    (0..4).for_each(|_| ledger.undo());
    ledger.grow(&b.wallet, 9);
    let refused = refusal(&mut a, &ledger);
    let is = hash(&ledger, 5);
    assert!(
        matches!(refused, ScanError::Forked { height, seen, shown } if (height.get(), seen, shown) == (5, was, is)),
        "{refused}"
    );
    // A new wallet cannot tell the branches apart, and ends with the same state as one that rescans.
    let mut fresh = Person::from_words(ledger.chain.clone(), a.wallet.words().clone(), 7);
    fresh.scan(&ledger);
    a.wallet.rescan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!(a.balance(), fresh.balance());
    assert_eq!(a.wallet.outputs().count(), 4);
}

/// The checkpoint moves with the tip: a block that no reorganisation reaches remains so.
#[test]
fn many_small_steps_are_no_way_round() {
    let (mut ledger, mut a, b) = shallow();
    ledger.grow(&a.wallet, 8);
    a.scan(&ledger);
    (0..3).for_each(|_| ledger.undo());
    ledger.grow(&b.wallet, 4);
    a.wallet.scan(&ledger, &mut |_, _| {}).unwrap();
    (0..4).for_each(|_| ledger.undo());
    ledger.grow(&a.wallet, 5);
    assert!(matches!(refusal(&mut a, &ledger), ScanError::Forked { height, .. } if height.get() == 6));
}

#[test]
fn a_view_only_wallet_remembers_too() {
    let (mut ledger, a, _) = shallow();
    ledger.grow(&a.wallet, 8);
    let key = a.wallet.view_key(Account(0)).unwrap();
    let key = ViewKey::parse(&key.to_text(), a.wallet.chain().params().network).unwrap();
    let mut view = ViewWallet::create(TestStore::default(), ledger.chain.clone(), key).unwrap();
    view.scan(&ledger, &mut |_, _| {}).unwrap();
    let sums = (view.received(), view.unspent());
    ledger.undo();
    let refused = view.scan(&ledger, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, ScanError::Older { .. }), "{refused}");
    assert_eq!((view.received(), view.unspent()), sums);

    // Opened again, it still remembers; contents of the earlier versions belong to chains under earlier rules.
    let mut store = view.into_store();
    let kept = store.load().unwrap();
    assert_eq!(kept[kept.len() - 8..], [0; 8], "a view wallet freezes and dismisses nothing");
    for before in [[&[131], &kept[3..]].concat(), [&[130], &kept[3..kept.len() - 8]].concat()] {
        store.replace(&before).unwrap();
        assert!(ViewWallet::open(store.clone()).is_err());
    }
    store.replace(&kept).unwrap();
    let mut view = ViewWallet::open(store.clone()).unwrap();
    assert!(matches!(view.scan(&ledger, &mut |_, _| {}), Err(ScanError::Older { .. })));
    view.rescan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!((view.tip().get(), view.outputs().count()), (7, 7));
    let refused = sotto_wallet::Wallet::open(store, a.installation.clone()).unwrap_err();
    assert!(matches!(refused, sotto_wallet::WalletError::ViewOnly));
}
