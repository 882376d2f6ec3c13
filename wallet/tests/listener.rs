//! A wallet that receives by itself answers what its owner consents to, and nothing else.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person};
use rand_core::OsRng;
use sotto_mw::amount::Amount;
use sotto_wallet::{
    Account,
    contacts::ContactName,
    encrypt::Privacy,
    listener::{ACCEPTED, Consent, Delivery, Effect, Listener, MAX_MESSAGE, Refusal, Senders, collect},
    scan::UnspentInputs,
    slate::{Invite, Response},
};

fn consent(senders: Senders) -> Consent {
    Consent { senders, least: Amount::new(1_000), per_hour: 3 }
}

fn anyone(most: u64) -> Consent {
    consent(Senders::Anyone { most: Amount::new(most) })
}

/// A payer with several outputs, so that open invites do not lock all of them, and a receiver.
fn rich() -> (Ledger, Person, Person) {
    let mut ledger = Ledger::new();
    let (mut a, b) = (ledger.wallet(10), ledger.wallet(20));
    ledger.grow(&a.wallet, 12);
    a.scan(&ledger);
    (ledger, a, b)
}

/// The text of an invite, encrypted to its receiver.
fn text(from: &Person, invite: &Invite) -> String {
    from.wallet.write_message(Account(0), invite.recipient.as_ref(), invite, Privacy::Encrypted).unwrap()
}

/// Delivers a text at a time; looks up the inputs of a payment.
fn deliver(
    listener: &mut Listener,
    (to, ledger): (&mut Person, &Ledger),
    text: &str,
    now: u64,
) -> Vec<Effect> {
    let effects = listener.step(&mut to.wallet, &Delivery { text, now }, &mut OsRng);
    match &effects[..] {
        [Effect::LookUp(payment)] => {
            let Ok(inputs) = UnspentInputs::look_up(ledger, payment);
            collect(&mut to.wallet, payment, &inputs)
        }
        _ => effects,
    }
}

fn refusal(effects: Vec<Effect>) -> Refusal {
    match effects.into_iter().next() {
        Some(Effect::Refuse(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn reply(effects: &[Effect]) -> &str {
    match effects.iter().find(|e| matches!(e, Effect::Reply(_))) {
        Some(Effect::Reply(text)) => text,
        _ => panic!("{effects:?}"),
    }
}

#[test]
fn an_invite_is_answered_reported_once_and_finalized() {
    let (mut ledger, mut a, mut b) = rich();
    let mut listener = Listener::new(anyone(1_000_000), Account(0));
    let invite = a.invite(1_000_000, &b);
    let text = text(&a, &invite);
    let effects = deliver(&mut listener, (&mut b, &ledger), &text, 10);
    let Some(Effect::Received(told)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!((told.amount, told.from, told.session), (invite.amount, Some(a.address()), invite.session));
    let answer = reply(&effects).to_owned();
    let response: Response = a.wallet.read_message(&answer).unwrap();
    let paid = a.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[paid]);
    b.scan(&ledger);
    assert_eq!(b.balance()[0], 1_000_000);
    // The same message again gets the same answer, and the owner hears nothing new.
    let again = deliver(&mut listener, (&mut b, &ledger), &text, 11);
    assert_eq!((reply(&again), again.len()), (&*answer, 1));
}

#[test]
fn consent_is_by_sender_and_amount() {
    let (ledger, mut a, mut b) = rich();
    let texts: Vec<String> =
        [999, 1_000, 50_000, 50_001].map(|n| a.invite(n, &b)).iter().map(|i| text(&a, i)).collect();
    let refused = |b: &mut Person, rules, n: usize| {
        let effects = deliver(&mut Listener::new(rules, Account(0)), (b, &ledger), &texts[n], 0);
        effects.into_iter().find_map(|e| if let Effect::Refuse(r) = e { Some(r) } else { None })
    };
    assert!(matches!(refused(&mut b, consent(Senders::Never), 1), Some(Refusal::Sender)));
    assert!(matches!(refused(&mut b, consent(Senders::Contacts), 1), Some(Refusal::Sender)));
    assert!(matches!(refused(&mut b, anyone(50_000), 0), Some(Refusal::TooSmall { .. })));
    assert!(matches!(refused(&mut b, anyone(50_000), 3), Some(Refusal::TooLarge { .. })));
    assert!(b.received().is_empty(), "nothing was signed");
    assert!(refused(&mut b, anyone(50_000), 2).is_none());
    // A contact may pay any amount from the least on.
    b.wallet.add_contact(ContactName::new("alice").unwrap(), a.address()).unwrap();
    assert!(refused(&mut b, anyone(50_000), 3).is_none());
    assert!(refused(&mut b, consent(Senders::Contacts), 1).is_none());
    assert!(matches!(refused(&mut b, consent(Senders::Contacts), 0), Some(Refusal::TooSmall { .. })));
}

#[test]
fn an_hour_has_a_limit_that_repeats_and_refusals_do_not_use_up() {
    let (ledger, mut a, mut b) = rich();
    let mut listener = Listener::new(anyone(100_000), Account(0));
    let texts: Vec<String> = [2_000; 5].map(|n| a.invite(n, &b)).iter().map(|i| text(&a, i)).collect();
    let small = a.invite(10, &b);
    let small = text(&a, &small);
    for (n, now) in [(0, 100), (1, 200), (2, 300)] {
        deliver(&mut listener, (&mut b, &ledger), &small, now);
        reply(&deliver(&mut listener, (&mut b, &ledger), &texts[n], now));
        reply(&deliver(&mut listener, (&mut b, &ledger), &texts[0], now));
    }
    let late = refusal(deliver(&mut listener, (&mut b, &ledger), &texts[3], 1_000));
    assert!(matches!(late, Refusal::TooMany { seconds: 2_700 }), "{late:?}");
    assert_eq!(b.received().len(), 3);
    refusal(deliver(&mut listener, (&mut b, &ledger), &texts[3], 3_699));
    reply(&deliver(&mut listener, (&mut b, &ledger), &texts[3], 3_700));
    refusal(deliver(&mut listener, (&mut b, &ledger), &texts[4], 3_700));
}

/// Another wallet cannot pay in a contact's name: the sender's signature covers the invite.
#[test]
fn an_invite_in_the_name_of_a_contact_is_refused() {
    let (ledger, mut a, mut b) = rich();
    let c = ledger.wallet(9);
    b.wallet.add_contact(ContactName::new("carol").unwrap(), c.address()).unwrap();
    let mut listener = Listener::new(consent(Senders::Contacts), Account(0));
    let mut forged = a.invite(2_000, &b);
    forged.sender = c.address();
    let forged = text(&a, &forged);
    let refused = refusal(deliver(&mut listener, (&mut b, &ledger), &forged, 0));
    assert!(matches!(refused, Refusal::Wallet(_)), "{refused:?}");
    assert!(b.received().is_empty());
    assert!(c.received().is_empty());
}

#[test]
fn anything_else_is_refused() {
    let (ledger, mut a, mut b) = rich();
    let mut c = ledger.wallet(9);
    let mut listener = Listener::new(anyone(1 << 40), Account(0));
    let invite = a.invite(2_000, &c);
    let foreign = text(&a, &invite);
    let other = refusal(deliver(&mut listener, (&mut b, &ledger), &foreign, 0));
    assert!(matches!(other, Refusal::Wallet(_)), "for another wallet");
    let response = c.respond(&invite).unwrap();
    let response =
        c.wallet.write_message(Account(0), Some(&b.address()), &response, Privacy::Encrypted).unwrap();
    assert!(matches!(refusal(deliver(&mut listener, (&mut b, &ledger), &response, 0)), Refusal::Kind));
    for text in ["", "hello", &foreign[..foreign.len() / 2], &"x".repeat(MAX_MESSAGE + 1)] {
        refusal(deliver(&mut listener, (&mut b, &ledger), text, 0));
    }
    assert!(b.received().is_empty());
}

#[test]
fn the_payment_of_an_invoice_is_accepted_even_if_invites_never_are() {
    let (mut ledger, mut a, mut b) = rich();
    let mut listener = Listener::new(consent(Senders::Never), Account(0));
    let invoice = b.ask(30_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    let text = a.wallet.write_message(Account(0), Some(&b.address()), &payment, Privacy::Encrypted).unwrap();
    let effects = deliver(&mut listener, (&mut b, &ledger), &text, 0);
    assert_eq!(reply(&effects), ACCEPTED);
    let (Effect::Submit(t), Some(Effect::Received(told))) = (&effects[0], effects.last()) else {
        panic!("{effects:?}")
    };
    assert_eq!(told.amount, Amount::new(30_000));
    let t = ledger.verify(t.get().clone());
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    assert_eq!(b.balance()[0], 30_000);
    // Once more: the same transaction, and no second report.
    let again = deliver(&mut listener, (&mut b, &ledger), &text, 0);
    assert!(!again.iter().any(|e| matches!(e, Effect::Received(_))), "{again:?}");
}
