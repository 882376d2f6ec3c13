//! What `sotto mpc sign` does for a job that sells outputs, before it signs: it checks the job against each offer that the
//! job names, shows the prices, and remembers, durably, that the signer's own offer is used.

use super::{
    job::{open_home, read_beside},
    offer,
};
use crate::{
    bridge::{now, read_text},
    exit::{Failure, OrRefuse as _, Outcome},
};
use sotto_jobs::job_file::{self, offer_files};
use sotto_jobs::offer::{Offer, Terms};
use sotto_jobs::offer_use::{OfferUseError, Use, check_offers, use_offer};
use sotto_jobs::{Job, PartyId};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// The offers that a job names, each within which it is.
pub(crate) struct Offers(Vec<Offer>);

impl Offers {
    /// Reads the offers beside a job, and checks the job against each; none, if it sells nothing.
    pub(crate) fn read(path: &Path, job: &Job) -> Outcome<Self> {
        let offers = Self::beside(path, job)?;
        check_offers(job, &offers.0, now()).map_err(|e| refused(&e))?;
        Ok(offers)
    }

    /// Reads the offers beside a job that was checked against them when it was signed.
    pub(crate) fn beside(path: &Path, job: &Job) -> Outcome<Self> {
        if job.sale.is_none() {
            return Ok(Self(Vec::new()));
        }
        let files = offer_files(&read_text(path, job_file::MAX_FILE)?).or_refuse("cannot read the job")?;
        let mut beside = read_beside(path);
        let mut read = |name: &String| {
            let invalid = || Failure::refused(format!("{name} cannot be used as an offer"));
            let text = beside(name).map_err(|e| invalid().why(e))?;
            Offer::from_text(&text).map_err(|e| invalid().why(e).help("ask its owner for the file again"))
        };
        files.iter().map(&mut read).collect::<Outcome<_>>().map(Self)
    }

    /// What each payee gets, as far as it is open.
    pub(crate) fn words(&self, job: &Job) -> String {
        let mut text = String::new();
        for payee in job.sale.iter().flat_map(|sale| &sale.payees) {
            let Some(offer) = self.of(job, payee.owner) else { continue };
            let opened = match &offer.allowed().terms {
                Terms::Open(terms) => Some(terms),
                Terms::Confidential(_) => None,
            };
            // Writing to a string cannot fail.
            let _ =
                write!(text, "\nPrice of {}: {}", job.party(payee.owner).name, offer::price(opened, None));
        }
        text
    }

    /// Remembers that our own offer is used by this job, before anything is signed; does nothing if we are not paid.
    pub(crate) fn use_own(&self, home: &Path, job: &Job, us: PartyId) -> Outcome {
        let Some(offer) = self.of(job, us) else { return Ok(()) };
        let mut folder = open_home(home).or_refuse("cannot remember that the offer is used")?;
        use_offer(&mut folder, offer, Use { job, owner: us, now: now() }).map_err(|e| refused(&e))
    }

    /// The offer of a payee that the job names.
    pub(crate) fn of(&self, job: &Job, owner: PartyId) -> Option<&Offer> {
        let payee = job.sale.as_ref()?.payee(owner)?;
        self.0.iter().find(|offer| offer.digest() == payee.offer)
    }
}

/// The files beside a job that open terms of the offers it names, as far as they are there.
pub(crate) fn terms_beside(path: &Path) -> Outcome<Vec<PathBuf>> {
    let files = offer_files(&read_text(path, job_file::MAX_FILE)?).or_refuse("cannot read the job")?;
    let folder = path.parent().unwrap_or(path);
    let files = files.iter().map(|file| offer::terms_of(&folder.join(file)));
    Ok(files.filter(|file| file.exists()).collect())
}

fn refused(e: &OfferUseError) -> Failure {
    let help = match e {
        OfferUseError::Storage(_) => "nothing was signed; free some space, then run the same command again",
        OfferUseError::Missing(_) => "nothing was signed; ask the author of the job for the offers it names",
        OfferUseError::Offer(_)
        | OfferUseError::NotNamed
        | OfferUseError::Revoked
        | OfferUseError::UsedUp(_) => "nothing was signed; agree on another job, or make another offer",
    };
    Failure::refused("the job is not within its offers").why(e).help(help)
}

#[cfg(test)]
mod tests;
