//! Offers: what one allows, who reads its terms, how often and for which jobs it is used; and what a policy says of sales.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::selling::{ACME, CARL, DORA, EVE, allowed, offer, offer_of, rows, sold_draft, terms};
use crate::support::{NOW, identity, job, rng};
use sotto_jobs::job::{Draft, Payee};
use sotto_jobs::offer::{Allowed, EncryptedTerms, Offer, OfferError, OfferedRows, OpenedTerms, Terms};
use sotto_jobs::offer_use::{OfferUseError, Use, check_offers, revoke, use_offer};
use sotto_jobs::policy::{Policy, PolicyError, Sales};
use sotto_jobs::policy_file;
use sotto_jobs::storage::Memory;
use sotto_jobs::text::Prose;
use sotto_jobs::{Digest, Job, PartyId};

fn with(change: impl FnOnce(&mut Allowed)) -> Result<(), OfferError> {
    let mut allowed = allowed();
    change(&mut allowed);
    offer(allowed).check(&job(), CARL, NOW)
}

#[test]
fn a_job_is_within_an_offer_or_asks_for_more() {
    let other = Digest([1; 32]);
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|a| a.evidence.push(other)), Err(OfferError::Evidence("acme".into())));
    assert!(matches!(with(|a| a.schema = other), Err(OfferError::Schema(_))));
    assert!(matches!(with(|a| a.circuits = vec![other]), Err(OfferError::Circuit(_))));
    assert_eq!(with(|a| a.purposes = vec![Prose::new("another").unwrap()]), Err(OfferError::Purpose));
    assert_eq!(with(|a| a.receivers.truncate(1)), Err(OfferError::Receiver("eve".into())));
    assert_eq!(with(|a| a.computers.truncate(1)), Err(OfferError::Computer("bolt".into())));
    assert_eq!(with(|a| a.minimum_rows = 4), Err(OfferError::Rows { least: 4, given: 3 }));
    assert_eq!(with(|a| a.expiry -= 1), Err(OfferError::Expiry));
    let offer = offer(allowed());
    assert_eq!(offer.check(&job(), CARL, job().expiry), Err(OfferError::Expiry), "it has ended");
    assert_eq!(offer.check(&job(), DORA, NOW), Err(OfferError::Owner));
}

#[test]
fn an_offer_is_its_owners_and_only_as_signed() {
    let offer = offer(allowed());
    let bytes = offer.to_bytes();
    assert_eq!(Offer::from_text(&offer.to_text()), Ok(offer.clone()));
    // Every byte is signed. (The keys have 1,248 bytes; some of each part suffice.)
    for at in (0..bytes.len()).step_by(97).chain(bytes.len() - 64..bytes.len()) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(Offer::from_bytes(&altered).is_err(), "byte {at}");
    }
    let mut many = allowed();
    many.circuits = vec![Digest([1; 32]); 65];
    let rows_of = |value| rows(CARL, value);
    let many =
        Offer::sign(many, &OfferedRows { data_set: &rows_of(1), rows: 3 }, &identity(CARL), &mut rng(1));
    assert!(Offer::from_bytes(&many.to_bytes()).is_err(), "lists are bounded");
    assert!(offer.is_of(&rows_of(1)) && !offer.is_of(&rows_of(2)));

    let revoked = offer.revoke(&identity(CARL)).unwrap();
    assert!(offer.is_revoked_by(&revoked) && !many.is_revoked_by(&revoked));
    assert_eq!(offer.revoke(&identity(DORA)), Err(OfferError::Owner));
    let mut forged = revoked.clone();
    forged.replace_range(revoked.len() - 3..revoked.len() - 1, "00");
    assert!(!offer.is_revoked_by(&forged) && !offer.is_revoked_by(""));
}

#[test]
fn confidential_terms_open_for_the_buyer_of_this_offer_alone() {
    let terms = terms();
    let offer = offer(Allowed { terms: Terms::Confidential(terms.digest()), ..allowed() });
    let id = offer.digest();
    let sealed = EncryptedTerms::encrypt(&terms, &id, &identity(EVE).public(), &mut rng(3)).unwrap();
    let again = EncryptedTerms::from_text(&sealed.to_text()).unwrap();
    assert_eq!(again.open(&id, &offer.allowed().terms.digest(), &identity(EVE)), Some(terms.clone()));
    assert_eq!(again.open(&id, &offer.allowed().terms.digest(), &identity(DORA)), None);
    assert_eq!(again.open(&Digest([0; 32]), &terms.digest(), &identity(EVE)), None);
    // Other terms than those of the offer.
    let lower = OpenedTerms { price: 1, ..terms.clone() };
    let lie = EncryptedTerms::encrypt(&lower, &id, &identity(EVE).public(), &mut rng(3)).unwrap();
    assert_eq!(lie.open(&id, &offer.allowed().terms.digest(), &identity(EVE)), None);
    assert_ne!(
        OpenedTerms { salt: [0; 32], ..terms.clone() }.digest(),
        terms.digest(),
        "the salt hides a price"
    );
}

#[test]
fn an_owner_uses_its_offer_as_often_as_it_says() {
    let offer = offer(Allowed { runs: 2, ..allowed() });
    let sold = |nonce, terms| {
        let mut draft = sold_draft();
        draft.nonce = Digest([nonce; 32]);
        draft.sale.as_mut().unwrap().payees[0] = Payee { owner: CARL, offer: offer.digest(), terms };
        Job::new(draft).unwrap()
    };
    let named = offer.allowed().terms.digest();
    let mut kept = Memory::default();
    let mut used = |job: &Job| use_offer(&mut kept, &offer, Use { job, owner: CARL, now: NOW });
    assert!(matches!(used(&job()), Err(OfferUseError::NotNamed)));
    assert!(matches!(used(&sold(1, Digest([0; 32]))), Err(OfferUseError::NotNamed)), "other terms");
    assert!(used(&sold(1, named)).is_ok() && used(&sold(1, named)).is_ok(), "one job is one use");
    assert!(used(&sold(2, named)).is_ok());
    assert!(matches!(used(&sold(3, named)), Err(OfferUseError::UsedUp(2))));
    let late = Use { job: &sold(1, named), owner: CARL, now: job().expiry };
    assert!(matches!(use_offer(&mut kept, &offer, late), Err(OfferUseError::Offer(OfferError::Expiry))));
    revoke(&mut kept, &offer).unwrap();
    let again = use_offer(&mut kept, &offer, Use { job: &sold(1, named), owner: CARL, now: NOW });
    assert!(matches!(again, Err(OfferUseError::Revoked)));
    let mut full = Memory::with_room(0);
    let unkept = use_offer(&mut full, &offer, Use { job: &sold(1, named), owner: CARL, now: NOW });
    assert!(matches!(unkept, Err(OfferUseError::Storage(_))), "what cannot be kept is not used");
}

#[test]
fn a_signer_checks_all_offers() {
    let offers = [CARL, DORA].map(|owner| offer_of(owner, of(owner)));
    let named = |offers: &[Offer; 2]| {
        let mut draft = sold_draft();
        let payee = |owner, offer: &Offer| Payee {
            owner,
            offer: offer.digest(),
            terms: offer.allowed().terms.digest(),
        };
        draft.sale.as_mut().unwrap().payees = vec![payee(CARL, &offers[0]), payee(DORA, &offers[1])];
        Job::new(draft).unwrap()
    };
    let job_of_both = named(&offers);
    let why = |job: &Job, offers: &[Offer]| check_offers(job, offers, NOW).map_err(|e| e.to_string());
    assert_eq!(why(&job_of_both, &offers), Ok(()));
    assert_eq!(why(&job(), &[]), Ok(()), "nothing is sold");
    let missing = why(&job_of_both, &offers[..1]).unwrap_err();
    assert!(missing.contains("the offer of dora"), "{missing}");
    // Each offer is looked at, the last one too.
    let refused = |change: fn(&mut Allowed), said: &str| {
        let mut less = of(DORA);
        change(&mut less);
        let offers = [offers[0].clone(), offer_of(DORA, less)];
        let found = why(&named(&offers), &offers).unwrap_err();
        assert!(found.contains(said), "{found}");
    };
    refused(|a| a.minimum_rows = 4, "fewer than 4 rows");
    refused(|a| a.chain = Digest([12; 32]), "another ledger");
    // What it costs to begin is the ledger's to pay; the job names the terms by their hash.
    let begun =
        offer_of(DORA, Allowed { terms: Terms::Open(OpenedTerms { start_fee: 1, ..terms() }), ..of(DORA) });
    assert_ne!(begun.allowed().terms.digest(), offers[1].allowed().terms.digest());
    let begun = [offers[0].clone(), begun];
    assert_eq!(why(&named(&begun), &begun), Ok(()));
    assert!(why(&job_of_both, &begun).unwrap_err().contains("the offer of dora"));
}

/// The offer of an owner that allows just the job of the tests.
fn of(owner: PartyId) -> Allowed {
    let key = |id| Digest(job().party(id).key.digest());
    Allowed { schema: job().schema_of(owner), receivers: vec![key(ACME), key(EVE)], ..allowed() }
}

#[test]
fn a_policy_says_whether_outputs_may_be_sold() {
    let job = Job::new(sold_draft()).unwrap();
    let unsold = Job::new(Draft { sale: None, ..sold_draft() }).unwrap();
    let policy = |more: &str| -> Policy {
        let keys: Vec<_> = job
            .result_parties()
            .iter()
            .map(|id| format!("\"{}\"", Digest(job.party(*id).key.digest())))
            .collect();
        let schemas: Vec<_> = [ACME, CARL, DORA].map(|id| format!("\"{}\"", job.schema_of(id))).to_vec();
        let text = format!(
            "programs = [\"{}\"]\nschemas = [{}]\npurposes = [\"{}\"]\nresult_parties = [{}]\nminimum_rows = 1\n\
             runs_a_month = 9\noutputs_a_month = 9\n{more}\n",
            job.program.circuit,
            schemas.join(", "),
            job.purpose,
            keys.join(", ")
        );
        policy_file::parse(&text).unwrap()
    };
    let [none, paid, required] = ["", "sales = \"paid\"", "sales = \"required\""].map(policy);
    assert_eq!((none.sales, paid.sales, required.sales), (Sales::Refused, Sales::Paid, Sales::Required));
    assert_eq!(none.digest(), policy("sales = \"refused\"").digest(), "as it was before");
    assert_ne!(none.digest(), paid.digest());
    assert_ne!(paid.digest(), required.digest());
    assert_eq!(none.check(&unsold, CARL), Ok(()));
    assert_eq!(none.check(&job, CARL), Err(PolicyError::Sold));
    assert_eq!(paid.check(&job, CARL), Ok(()));
    assert_eq!(paid.check(&unsold, CARL), Ok(()), "it may be sold, and need not");
    assert_eq!(paid.check(&job, ACME), Err(PolicyError::Unpaid), "its data are sold, and it is no payee");
    assert_eq!(required.check(&job, CARL), Ok(()));
    assert_eq!(required.check(&unsold, CARL), Err(PolicyError::Unpaid));
    let wrong = policy_file::parse("sales = \"yes\"").unwrap_err();
    assert!(wrong.to_string().contains("line 1"), "{wrong}");
}
