//! Two wallets against any slates: the receiver takes any invite, the sender any response to the invite that it sent.
//!
//! What is accepted stays accepted and means the same: an invite gets the same response again, and the one response that the
//! sender takes is the one that the invited receiver gave, which makes the payment that all rules let pass.

use crate::{
    Verdict,
    fixtures::{
        payment::{open, payment},
        rng,
    },
};
use mw::wire::Decode;
use wallet::{
    keys::Account,
    slate::{Invite, Response},
};

/// An invite or a response without its envelope.
pub fn wallet_slates(data: &[u8]) -> Verdict {
    if let Ok(invite) = Invite::from_bytes(data) {
        return Verdict::of(respond(&invite));
    }
    Verdict::of(Response::from_bytes(data).is_ok_and(|response| finalize(&response)))
}

fn respond(invite: &Invite) -> bool {
    let mut wallet = open(&payment().receiver).expect("our own contents");
    let Ok(response) = wallet.respond(Account(0), invite, &mut rng(1)) else {
        assert_eq!(wallet.received().count(), 0, "a refused invite left a trace");
        return false;
    };
    let again = wallet.respond(Account(0), invite, &mut rng(2)).expect("it was accepted before");
    assert_eq!(response, again, "a second response to one invite");
    true
}

fn finalize(response: &Response) -> bool {
    let mut wallet = open(&payment().sender).expect("our own contents");
    let Ok(transaction) = wallet.finalize(response) else { return false };
    assert_eq!(*response, payment().response, "a response that the receiver did not give");
    assert_eq!(*transaction.get(), payment().transaction, "another payment than was agreed");
    true
}
