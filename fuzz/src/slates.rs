//! Wallets that receive arbitrary slates: the receiver an invite, the sender a response to its invite, the
//! payer an invoice, and the payee a payment of its invoice.
//!
//! An invite must always get the same response, and an invoice must be paid once. The sender must accept only
//! the response of the invited party, which makes a valid transaction. A refused slate must leave no trace.

use crate::{
    Verdict,
    fixtures::{
        payment::{contents, open, payment},
        rng,
    },
};
use sotto_mw::codec::Decode;
use sotto_wallet::{
    coin_selection::Decision,
    keys::Account,
    slate::{Invite, Invoice, Payment, Response},
};

/// An invite, response, invoice or payment without its envelope.
pub fn wallet_slates(data: &[u8]) -> Verdict {
    let answered = Invite::from_bytes(data).ok().map(|i| respond(&i));
    let finalized = || Response::from_bytes(data).ok().map(|r| finalize(&r));
    let paid = || Invoice::from_bytes(data).ok().map(|i| pay(&i));
    let collected = || Payment::from_bytes(data).ok().map(|p| collect(&p));
    Verdict::of(answered.or_else(finalized).or_else(paid).or_else(collected).unwrap_or(false))
}

fn respond(invite: &Invite) -> bool {
    let mut wallet = open(&payment().receiver).expect("our own contents");
    let Ok(response) = wallet.respond(Account(0), invite, &mut rng(1)) else {
        assert_eq!(contents(&wallet), payment().receiver, "a refused invite left a trace");
        return false;
    };
    let again = wallet.respond(Account(0), invite, &mut rng(2)).expect("the invite was accepted before");
    assert_eq!(response, again, "a second response to one invite");
    true
}

fn finalize(response: &Response) -> bool {
    let mut wallet = open(&payment().sender).expect("our own contents");
    let Ok(Some(transaction)) = wallet.finalize(response, &mut rng(3)) else {
        assert_eq!(contents(&wallet), payment().sender, "a refused response left a trace");
        return false;
    };
    assert_eq!(*response, payment().response, "a response that the receiver did not give");
    assert_eq!(*transaction.get(), payment().transaction, "another payment than was agreed");
    true
}

fn pay(invoice: &Invoice) -> bool {
    let mut wallet = open(&payment().paid).expect("our own contents");
    let bill = wallet.plan_invoice(Account(0), invoice).ok().and_then(|bill| bill.confirm(|_| Decision::Yes));
    let Some(payment_made) = bill.and_then(|bill| wallet.pay_invoice(bill, &mut rng(4)).ok()) else {
        assert_eq!(contents(&wallet), payment().paid, "a refused invoice left a trace");
        return false;
    };
    let (signed, asked) = (invoice.receipt(), payment().invoice.receipt());
    assert_eq!(signed, asked, "an invoice was paid without a record");
    assert_eq!(wallet.payment_for(invoice), Some(&payment_made));
    assert!(wallet.plan_invoice(Account(0), invoice).is_err(), "an invoice was paid twice");
    true
}

fn collect(paid: &Payment) -> bool {
    let mut wallet = open(&payment().payee).expect("our own contents");
    let before = wallet.balance(None).pending;
    let Ok(transaction) = wallet.collect(paid, &payment().inputs) else {
        assert_eq!(contents(&wallet), payment().payee, "a refused payment left a trace");
        return false;
    };
    assert_eq!(*paid, payment().paid_invoice, "a payment that the payer did not make");
    let promised = before.checked_add(payment().invoice.amount);
    assert_eq!(Some(wallet.balance(None).pending), promised, "another amount than requested");
    assert_eq!(transaction.get().body.kernels.len(), 1);
    true
}
