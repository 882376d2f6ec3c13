//! What strangers send about a sale: offers, terms, asks, claims, goes, secrets, and accusations.

use crate::{
    Verdict,
    fixtures::sale::{job, receipt, secret_of},
};
use sotto_jobs::PartyId;
use sotto_jobs::false_share::FalseShare;
use sotto_jobs::offer::{EncryptedTerms, Offer};
use sotto_jobs::sale::computer::{Computer, Effect};
use sotto_jobs::sale::payee::{Event, Payee};
use sotto_jobs::sale::{Ask, ClaimSet, EncryptedSecret, Go, Sold};

/// Offers and terms have one text, and an offer is only what its owner signed.
pub fn mpc_offer(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let offer = Offer::from_text(text).map(|offer| offer.to_text());
    let terms = EncryptedTerms::from_text(text).map(|terms| terms.to_text());
    let again = offer.ok().or(terms);
    assert!(again.as_ref().is_none_or(|again| again.trim() == text.trim()), "two texts of one");
    Verdict::of(again.is_some())
}

/// Letters have one encoding; only payees move a compute party; no secret but the lock's opens it; and no
/// bytes accuse a compute party that locked what it signed for.
pub fn mpc_sale(data: &[u8]) -> Verdict {
    let sold = Sold::new(job(), receipt()).expect("a sale");
    let set = ClaimSet::from_bytes(data).ok();
    let go = Go::from_bytes(data).ok();
    let sealed = EncryptedSecret::from_bytes(data).ok();
    let accusation = FalseShare::from_bytes(data).ok();
    let ask = Ask::from_bytes(data).ok();
    let bytes = [
        ask.as_ref().map(Ask::to_bytes),
        set.as_ref().map(ClaimSet::to_bytes),
        go.as_ref().map(Go::to_bytes),
        sealed.as_ref().map(EncryptedSecret::to_bytes),
        accusation.as_ref().map(|accusation| accusation.to_bytes().to_vec()),
    ];
    assert!(bytes.iter().flatten().all(|again| again == data), "two encodings of one");
    if let Some(Ok(wanted)) = ask.as_ref().map(|ask| ask.of(job())) {
        // The seed has what the buyer signed; its key signs nothing else here.
        assert_eq!(ask.as_ref(), Some(&crate::fixtures::sale::ask(wanted)), "a forged ask");
    }
    if let Some(go) = &go {
        let effect = Computer::new(sold).step(go.clone());
        // One payee of two is not enough.
        assert!(!matches!(effect, Ok(Effect::HandOver(_))), "a secret left for one go");
    }
    if let Some(sealed) = &sealed {
        let key = secret_of(b'c');
        let effects = Payee::new(sold, PartyId(2), &key).step(Event::Secret(sealed));
        assert!(effects.is_err() || sealed.to == PartyId(2), "another's secret");
    }
    if let Some(accusation) = &accusation {
        assert!(accusation.check(job(), receipt()).is_err(), "an honest compute party is accused");
    }
    Verdict::of(bytes.iter().any(Option::is_some))
}
