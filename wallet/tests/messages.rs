//! Encrypted messages: only the addressee can read them, and their length reveals only their kind.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, two};
use proptest::prelude::*;
use sotto_mw::{
    codec::{Decode, Encode},
    group::Point,
};
use sotto_wallet::{
    WalletError,
    armor::{self, ArmorError, MessageKind},
    coin_selection::Decision,
    encrypt::{Encrypted, Privacy},
    keys::Account,
    slate::{Invite, Memo, Response, SlateError},
};

fn encrypted(a: &Person, b: &Person, invite: &Invite) -> Encrypted<Invite> {
    a.wallet.encrypt(Account(0), &b.address(), invite).unwrap()
}

fn not_ours<T: core::fmt::Debug>(r: Result<T, WalletError>) -> bool {
    matches!(r, Err(WalletError::Slate(SlateError::NotOurs)))
}

#[test]
fn a_payment_by_encrypted_text() {
    let (mut ledger, mut a, mut b) = two();
    let (to_b, to_a) = (b.address(), a.address());
    let invite = a.invite(1_000, &b);
    let text = a.wallet.write_message(Account(0), Some(&to_b), &invite, Privacy::Encrypted).unwrap();
    assert_eq!(armor::kind(&text), Ok(MessageKind::EncryptedInvite));
    assert!(text.starts_with("BEGIN SOTTO ENCRYPTED INVITE."));
    let read: Invite = b.wallet.read_message(&text).unwrap();
    assert_eq!(read, invite);
    let response = b.respond(&read).unwrap();
    let text = b.wallet.write_message(Account(0), Some(&to_a), &response, Privacy::Encrypted).unwrap();
    let response: Response = a.wallet.read_message(&text).unwrap();
    let t = a.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    assert_eq!(b.balance()[0], 1_000);
    // A message in the clear can be read too, and another kind is named.
    let plain = a.wallet.write_message(Account(0), Some(&to_b), &invite, Privacy::Plain).unwrap();
    assert_eq!(b.wallet.read_message::<Invite>(&plain).unwrap(), invite);
    let wrong = a.wallet.read_message::<Response>(&plain);
    assert!(matches!(wrong, Err(WalletError::Armor(ArmorError::Kind { .. }))));
}

/// The sender cannot read it either; it keeps the invite itself.
#[test]
fn nobody_but_the_addressee_reads_it() {
    let (ledger, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let message = encrypted(&a, &b, &invite);
    assert!(not_ours(a.wallet.decrypt(&message)));
    assert!(not_ours(ledger.wallet(77).wallet.decrypt(&message)));
    // Another account of the same wallet reads messages to that account.
    let second = b.wallet.add_account("second").unwrap();
    let to = b.wallet.address(second).unwrap();
    assert_eq!(b.wallet.decrypt(&message).unwrap(), invite);
    let message = a.wallet.encrypt(Account(0), &to, &invite).unwrap();
    assert_eq!(b.wallet.decrypt(&message).unwrap(), invite);
    // The same keys on another chain, and the same bytes as another kind.
    let mut there = Ledger::with(|p| p.genesis_time = 1).wallet(20);
    there.wallet.add_account("second").unwrap();
    assert_eq!(there.wallet.address(second).unwrap(), to);
    assert!(not_ours(there.wallet.decrypt(&message)));
}

#[test]
fn its_length_tells_its_kind_alone() {
    let (_, mut a, b) = two();
    let mut invite = a.invite(1_000, &b);
    let mut length = |memo: &str, recipient| {
        invite.memo = Memo::new(memo.into()).unwrap();
        invite.recipient = recipient;
        encrypted(&a, &b, &invite).to_bytes().len()
    };
    let here = Some(b.address());
    let long = "x".repeat(Memo::MAX);
    assert_eq!([length("", None), length("", here), length(&long, here)], [752; 3]);
}

/// Encrypting a message again gives the same bytes; a changed message shares neither key nor text with it.
#[test]
fn a_message_is_written_in_one_way() {
    let (_, mut a, b) = two();
    let invite = a.invite(1_000, &b);
    let first = encrypted(&a, &b, &invite).to_bytes();
    assert_eq!(first, encrypted(&a.copy(a.installation.clone()), &b, &invite).to_bytes());
    let other = Invite { memo: Memo::new("for the roog".into()).unwrap(), ..invite };
    let second = encrypted(&a, &b, &other).to_bytes();
    assert_ne!(first[..32], second[..32]);
    let same = first.iter().zip(&second).filter(|(x, y)| x == y).count();
    assert!(same < 40, "{same} equal bytes");
}

/// A key that makes the shared secret public is refused.
#[test]
fn the_identity_is_no_key() {
    let (_, mut a, b) = two();
    let mut bytes = encrypted(&a, &b, &a.copy(a.installation.clone()).invite(5, &b)).to_bytes();
    bytes[..32].copy_from_slice(&[0; 32]);
    assert!(not_ours(b.wallet.decrypt(&Encrypted::<Invite>::from_bytes(&bytes).unwrap())));
    bytes[..32].copy_from_slice(Point::h().as_bytes());
    assert!(not_ours(b.wallet.decrypt(&Encrypted::<Invite>::from_bytes(&bytes).unwrap())));
    let _ = a.invite(5, &b);
}

#[test]
fn other_lengths_do_not_decode() {
    let (_, mut a, b) = two();
    let invite = a.invite(1_000, &b);
    let bytes = encrypted(&a, &b, &invite).to_bytes();
    assert!((0..bytes.len()).all(|n| Encrypted::<Invite>::from_bytes(&bytes[..n]).is_err()));
    assert!(Encrypted::<Invite>::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let long = [&bytes[..], &vec![0; 1 << 20]].concat();
    assert!(Encrypted::<Invite>::from_bytes(&long).is_err());
    let doubled = [&bytes[..], &[0; 704]].concat();
    assert!(not_ours(b.wallet.decrypt(&Encrypted::<Invite>::from_bytes(&doubled).unwrap())));
}

/// The writer of an encrypted invite cannot read it, but can cancel it.
#[test]
fn a_sender_knows_his_own_letters() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let to = Some(b.address());
    for privacy in [Privacy::Encrypted, Privacy::Plain] {
        let text = a.wallet.write_message(Account(0), to.as_ref(), &invite, privacy).unwrap();
        assert_eq!(a.wallet.session_of(&text).unwrap(), invite.session);
        let again = a.wallet.sessions().find(|d| d.session() == invite.session).unwrap();
        assert_eq!(a.wallet.message(&again, privacy).unwrap(), text);
    }
    let invoice = b.ask(500, &a);
    let session = b.wallet.sessions().next().unwrap();
    let text = b.wallet.message(&session, Privacy::Encrypted).unwrap();
    assert_eq!(b.wallet.session_of(&text).unwrap(), invoice.session);
    assert!(matches!(a.wallet.session_of(&text), Err(WalletError::Slate(SlateError::UnknownSession))));
}

thread_local! {
    static MESSAGE: (Person, Vec<u8>) = {
        let (_, mut a, b) = two();
        let plan = a.plan(1_000, &b).unwrap().confirm(|_| Decision::Yes).unwrap();
        let invite = a.begin(plan).unwrap();
        let bytes = encrypted(&a, &b, &invite).to_bytes();
        (b, bytes)
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_flipped_bit_is_read(byte in 0usize..688, bit in 0u8..8) {
        MESSAGE.with(|(b, bytes)| {
            let mut bytes = bytes.clone();
            bytes[byte] ^= 1 << bit;
            if let Ok(message) = Encrypted::<Invite>::from_bytes(&bytes) {
                prop_assert!(not_ours(b.wallet.decrypt(&message)));
            }
            Ok(())
        })?;
    }
}
