//! The contents of a wallet: each meaning has one encoding, and nothing else decodes.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{TestStore, fee, two};
use proptest::prelude::*;
use sotto_mw::{amount::Amount, session::SessionId};
use sotto_wallet::{
    Wallet,
    coin_selection::{Decision, Payee, PaymentRequest, Recipient},
    nonce_vault::Installation,
    slate::Memo,
    store::{MemoryStore, Store},
};

/// Contents with an output in every status and a payment in every stage, and a cancelled session.
fn contents() -> (Vec<u8>, SessionId) {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 5);
    a.scan(&ledger);
    let t = a.pay(1_000_000, &mut b);
    ledger.seal(&b.wallet, &[t]);
    ledger.grow(&b.wallet, 2);
    ledger.grow(&a.wallet, 4);
    a.scan(&ledger);
    b.scan(&ledger);
    let cancelled = a.invite(2_000, &b);
    a.wallet.cancel(&cancelled.session).unwrap();
    a.invite(3_000, &b);
    a.pay(4_000, &mut b);
    let invite = b.invite(5_000, &a);
    a.respond(&invite).unwrap();
    let dismissed = b.invite(6_000, &a);
    a.respond(&dismissed).unwrap();
    a.wallet.dismiss(&dismissed.session).unwrap();
    // One of three has responded, and one invite was cancelled.
    let payees = vec![b.payee(6_000), b.payee(7_000), b.payee(8_000)];
    let plan = a.wallet.plan(PaymentRequest { payees, ..a.request(1, &b) }).unwrap();
    let several = a.wallet.invite(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap();
    let response = b.respond(&several[0]).unwrap();
    assert!(a.wallet.finalize(&response, &mut a.rng).unwrap().is_none());
    a.wallet.cancel(&several[1].session).unwrap();
    let free =
        a.wallet.outputs().find(|o| o.is_spendable(a.wallet.chain(), a.wallet.tip())).unwrap().commitment;
    a.wallet.freeze(&free).unwrap();
    (a.wallet.store().load().unwrap().to_vec(), cancelled.session)
}

fn open(bytes: &[u8]) -> Option<Wallet<TestStore>> {
    let mut store = MemoryStore::default();
    store.replace(bytes).unwrap();
    let store = TestStore { kept: store, ..TestStore::default() };
    Wallet::open(store, Installation::in_memory([0; 32])).ok()
}

/// Cancelling a cancelled session stores the wallet again, unchanged.
fn kept_again(mut wallet: Wallet<TestStore>, cancelled: &SessionId) -> Option<Vec<u8>> {
    wallet.cancel(cancelled).ok()?;
    Some(wallet.store().load().unwrap().to_vec())
}

thread_local! {
    static CONTENTS: (Vec<u8>, SessionId) = contents();
}

#[test]
fn contents_come_back_byte_for_byte() {
    CONTENTS.with(|(bytes, cancelled)| {
        assert_eq!(kept_again(open(bytes).unwrap(), cancelled).as_ref(), Some(bytes));
        assert!(open(&[&bytes[..], &[0]].concat()).is_none());
        for version in [2, 5, 6, 8] {
            let mut other = bytes.clone();
            other[0] = version;
            assert!(open(&other).is_none());
        }
    });
}

/// Contents of the versions before belong to chains under earlier rules; they are refused, as are contents without
/// the sets or the checkpoint at their end.
#[test]
fn contents_of_the_versions_before_are_refused() {
    CONTENTS.with(|(bytes, cancelled)| {
        let (mut wallet, sets) = (open(bytes).unwrap(), 4 + 32 + 4 + 32);
        let frozen = wallet.outputs().find(|o| wallet.is_frozen(o)).unwrap().commitment;
        let (present, anchor) = bytes[..bytes.len() - sets].split_at(bytes.len() - sets - 40);
        assert_eq!(anchor, [0; 40], "no chain here is that long");
        assert!(wallet.unfreeze(&frozen).unwrap());
        let empty = [present, anchor, &[0; 8]].concat();
        assert_eq!(kept_again(open(&empty).unwrap(), cancelled).as_ref(), Some(&empty));
        for before in [present.to_vec(), [present, anchor].concat()] {
            assert!(open(&before).is_none());
        }
        for version in [3, 4, 5, 6, 8] {
            for before in [present, &bytes[..bytes.len() - sets], &empty, bytes] {
                assert!(open(&[&[version], &before[1..]].concat()).is_none());
                assert!(open(&[&[version], &before[3..]].concat()).is_none(), "without a length");
            }
        }
    });
}

/// One input, no change, no recipient named, no memo: the shortest payment, and enough of them to fill a
/// wallet.
#[test]
fn a_wallet_of_shortest_payments_opens() {
    let (mut ledger, mut a, b) = two();
    ledger.grow(&a.wallet, 5);
    a.scan(&ledger);
    for _ in 0..4 {
        let amount = Amount::new(6_000_000_000 - fee(1, 1, 1));
        let payees = vec![Payee { amount, recipient: Recipient::FirstToRespond, memo: Memo::default() }];
        let request = PaymentRequest { payees, ..a.request(1, &b) };
        let plan = a.wallet.plan(request).unwrap().confirm(|_| Decision::Yes).unwrap();
        let invite = a.begin(plan).unwrap();
        a.wallet.cancel(&invite.session).unwrap();
        assert!(open(&a.wallet.store().load().unwrap()).is_some());
    }
}

#[test]
fn no_prefix_opens() {
    CONTENTS.with(|(bytes, _)| assert!((0..bytes.len()).all(|n| open(&bytes[..n]).is_none())));
}

proptest! {
    /// Contents with a flipped bit are refused, or have another meaning with this encoding only.
    #[test]
    fn every_form_is_canonical(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        CONTENTS.with(|(bytes, cancelled)| {
            let mut bytes = bytes.clone();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Some(again) = open(&bytes).and_then(|w| kept_again(w, cancelled)) {
                prop_assert_eq!(again, bytes);
            }
            Ok(())
        })?;
    }

    #[test]
    fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&bytes).is_none());
    }
}
