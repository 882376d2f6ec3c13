//! What an owner keeps of its offers: for which jobs each was used, and whether it was revoked.
//!
//! ```text
//! offer-ID     the ids of the jobs that this party signed under the offer, 32 bytes each
//! revoked-ID   there, and empty: this party revoked the offer
//! terms-ID     the terms of the offer, salt, price, start fee and address, if it shows their hash alone
//! ```

use std::io;

use crate::Digest;
use crate::codec::Codec as _;
use crate::job::{Job, PartyId};
use crate::offer::{Offer, OfferError, OpenedTerms, Terms};
use crate::storage::Storage;

/// Why an owner signs no job under its offer.
#[derive(Debug, thiserror::Error)]
pub enum OfferUseError {
    /// The job asks for more.
    #[error(transparent)]
    Offer(#[from] OfferError),
    /// An offer that the job names is missing.
    #[error("the offer of {0} that the job names is not beside it")]
    Missing(String),
    /// The job names another offer, or none.
    #[error("the job does not name this offer of yours, with these terms")]
    NotNamed,
    /// It was revoked.
    #[error("you revoked this offer")]
    Revoked,
    /// It was used as often as it says.
    #[error("the offer is for {0} jobs, and so many were signed under it")]
    UsedUp(u32),
    /// It cannot be kept.
    #[error("what an offer was used for cannot be kept: {0}")]
    Storage(#[from] io::Error),
}

/// Checks all offers that a job names, as each signer does: the job asks of no payee more than it offered.
///
/// # Errors
/// The first payee whose offer is missing, or allows less than the job asks for. Nothing, if nothing is sold.
pub fn check_offers(job: &Job, offers: &[Offer], now: u64) -> Result<(), OfferUseError> {
    for payee in job.sale.iter().flat_map(|sale| &sale.payees) {
        let named =
            |offer: &&Offer| (offer.digest(), offer.allowed().terms.digest()) == (payee.offer, payee.terms);
        let name = || job.party(payee.owner).name.to_string();
        let offer = offers.iter().find(named).ok_or_else(|| OfferUseError::Missing(name()))?;
        offer.check(job, payee.owner, now)?;
    }
    Ok(())
}

/// Checks an own offer against a job that is about to be signed under it, and remembers the job, durably.
///
/// # Errors
/// If the job asks for more than the offer allows, or the offer holds no longer.
pub fn use_offer(
    storage: &mut impl Storage,
    offer: &Offer,
    Use { job, owner, now }: Use<'_>,
) -> Result<(), OfferUseError> {
    let payee = job.sale.as_ref().and_then(|sale| sale.payee(owner));
    let is_named = payee
        .is_some_and(|payee| (payee.offer, payee.terms) == (offer.digest(), offer.allowed().terms.digest()));
    if !is_named {
        return Err(OfferUseError::NotNamed);
    }
    offer.check(job, owner, now)?;
    if storage.get(&revoked(&offer.digest()))?.is_some() {
        return Err(OfferUseError::Revoked);
    }
    let name = format!("offer-{}", offer.digest());
    let mut used = storage.get(&name)?.unwrap_or_default();
    let (jobs, _) = used.as_chunks::<32>();
    if jobs.contains(&job.id().0) {
        return Ok(());
    }
    let most = offer.allowed().runs;
    if jobs.len() >= most as usize {
        return Err(OfferUseError::UsedUp(most));
    }
    used.truncate(jobs.len() * 32);
    used.extend_from_slice(&job.id().0);
    Ok(storage.put(&name, &used)?)
}

/// A use of an offer.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// By which job.
    pub job: &'a Job,
    /// Whose offer it is.
    pub owner: PartyId,
    /// Seconds since 1970.
    pub now: u64,
}

/// Remembers, durably, that an own offer holds no longer.
///
/// # Errors
/// If it cannot be kept.
pub fn revoke(storage: &mut impl Storage, offer: &Offer) -> io::Result<()> {
    storage.put(&revoked(&offer.digest()), &[])
}

/// Remembers, durably, what the confidential terms of an own offer are.
///
/// # Errors
/// If they cannot be kept.
pub fn keep_terms(storage: &mut impl Storage, offer: &Offer, terms: &OpenedTerms) -> io::Result<()> {
    storage.put(&format!("terms-{}", offer.digest()), &terms.to_prefixed(""))
}

/// The terms of an own offer: open, or as they were kept; `None` if they are not known.
///
/// # Errors
/// If they cannot be read.
pub fn own_terms(storage: &impl Storage, offer: &Offer) -> io::Result<Option<OpenedTerms>> {
    if let Terms::Open(terms) = &offer.allowed().terms {
        return Ok(Some(terms.clone()));
    }
    let kept = storage.get(&format!("terms-{}", offer.digest()))?;
    let kept = kept.and_then(|kept| OpenedTerms::from_prefixed("", &kept).ok());
    Ok(kept.filter(|terms| terms.digest() == offer.allowed().terms.digest()))
}

fn revoked(offer: &Digest) -> String {
    format!("revoked-{offer}")
}
