//! View keys: what they show, what they hide, and that no other text is accepted as one.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::two;
use sotto_mw::{amount::Amount, chain::Network};
use sotto_wallet::{
    ViewKey, ViewWallet, Wallet, WalletError,
    keys::{Account, Purpose, ViewKeyError},
    outputs::{OutputRecord, OutputStatus},
    store::MemoryStore,
};

fn heights(o: &OutputRecord) -> (u64, u64, Option<u64>) {
    let units = o.opening.amount.units();
    match o.status {
        OutputStatus::Unspent { created } => (units, created.get(), None),
        OutputStatus::Spent { created, spent } => (units, created.get(), Some(spent.get())),
        s => panic!("{s:?}"),
    }
}

#[test]
fn a_view_key_shows_what_was_received_and_no_change() {
    let (mut ledger, mut a, mut b) = two();
    for amount in [5_000_000, 7_000_000] {
        let t = a.pay(amount, &mut b);
        ledger.seal(&a.wallet, &[t]);
        ledger.grow(&a.wallet, 3);
        a.scan(&ledger);
    }
    b.scan(&ledger);
    let key = ViewKey::parse(&b.wallet.view_key(Account(0)).unwrap().to_text(), Network::Solo).unwrap();
    let chain = ledger.chain.clone();
    let create = || ViewWallet::create(MemoryStore::default(), chain.clone(), key.clone()).unwrap();
    let mut early = create();
    early.scan(&ledger, &mut |_, _| {}).unwrap();
    let t = b.pay(1_000_000, &mut a);
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    early.scan(&ledger, &mut |_, _| {}).unwrap();
    // A later view wallet sees the same from the stored blocks.
    let mut late = create();
    late.scan(&ledger, &mut |_, _| {}).unwrap();
    let seen = |w: &ViewWallet<MemoryStore>| {
        let mut all: Vec<_> = w.outputs().map(heights).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(seen(&early), [(5_000_000, 4, Some(12)), (7_000_000, 8, None)]);
    assert_eq!(seen(&late), seen(&early));
    assert_eq!([late.received(), late.unspent()].map(Amount::units), [12_000_000, 7_000_000]);
    // The owner also has change.
    assert!(b.wallet.outputs().any(|o| o.purpose == Purpose::Change && o.opening.amount.units() < 4_000_000));
    // The key of another account shows nothing of it.
    b.wallet.add_account("other").unwrap();
    let other = b.wallet.view_key(Account(1)).unwrap();
    let mut other = ViewWallet::create(MemoryStore::default(), ledger.chain.clone(), other).unwrap();
    other.scan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!(other.outputs().count(), 0);
}

#[test]
fn texts_that_are_no_view_key_are_refused() {
    let (_, a, _) = two();
    let key = a.wallet.view_key(Account(0)).unwrap();
    let text = key.to_text();
    assert!(text.starts_with("ssottoview1"));
    assert_eq!(format!("{key:?}"), "ViewKey(account 0, …)");
    let error = |text: &str, network| ViewKey::parse(text, network).unwrap_err();
    let expected = Network::Main;
    assert_eq!(error(&text, expected), ViewKeyError::NotAViewKey { expected });
    let address = a.address().to_string();
    assert_eq!(error(&address, Network::Solo), ViewKeyError::NotAViewKey { expected: Network::Solo });
    let last = if text.ends_with('q') { 'p' } else { 'q' };
    let wrong = format!("{}{last}", &text[..text.len() - 1]);
    assert_eq!(error(&wrong, Network::Solo), ViewKeyError::Checksum);
    assert_eq!(error(&text[..40], Network::Solo), ViewKeyError::Checksum);
}

/// Neither kind of wallet opens as the other.
#[test]
fn a_view_only_wallet_cannot_pay() {
    let (ledger, a, _) = two();
    let key = a.wallet.view_key(Account(0)).unwrap();
    let store = MemoryStore::default();
    let view = ViewWallet::create(store, ledger.chain.clone(), key).unwrap();
    let store = view.into_store();
    assert!(ViewWallet::open(store.clone()).is_ok());
    assert!(matches!(Wallet::open(store, a.installation.clone()), Err(WalletError::ViewOnly)));
    assert!(ViewWallet::open(a.wallet.store().clone()).is_err());
}
