//! Whether a job is within an offer.

use super::{Allowed, Offer};
use crate::hash::Digest;
use crate::job::{Job, PartyId};
use crate::policy::partners;

/// What a job asks that the offer does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Another party's offer.
    #[error("the offer is signed by another key than the party's")]
    Owner,
    /// A schema other than the offered one.
    #[error("the job reads the data under the schema {0}, which is not the offered one")]
    Schema(Digest),
    /// A circuit that is not in the list.
    #[error("the offer does not allow the circuit {0}")]
    Circuit(Digest),
    /// A purpose that is not in the list.
    #[error("the offer does not allow this purpose, word for word")]
    Purpose,
    /// Somebody would learn an output who may not.
    #[error("the offer does not allow {0} to learn an output")]
    Receiver(String),
    /// Somebody would compute who may not.
    #[error("the offer does not allow {0} to compute")]
    Computer(String),
    /// A compute party that shows no evidence, or under another policy.
    #[error("the offer asks for evidence of {0} under one of its policies, and the job does not")]
    Evidence(String),
    /// Fewer rows than may be used together.
    #[error("the offer allows no table of fewer than {least} rows, and the job has one of {given}")]
    Rows {
        /// What the offer says.
        least: u64,
        /// What the job has.
        given: u64,
    },
    /// The job may be run later than the offer holds.
    #[error("the job expires after the offer, or the offer has expired")]
    Expiry,
}

impl Offer {
    /// Whether a job asks of this owner no more than the offer allows, at this time.
    ///
    /// # Errors
    /// The first thing that is not allowed.
    pub fn check(&self, job: &Job, owner: PartyId, now: u64) -> Result<(), OfferError> {
        let Allowed { circuits, purposes, receivers, computers, evidence, .. } = self.allowed();
        let key = |party| Digest(job.party(party).key.digest());
        let name = |party| job.party(party).name.to_string();
        if job.party(owner).key != *self.owner() {
            return Err(OfferError::Owner);
        }
        if now >= self.allowed().expiry || job.expiry > self.allowed().expiry {
            return Err(OfferError::Expiry);
        }
        let schema = job.schema_of(owner);
        if schema != self.allowed().schema {
            return Err(OfferError::Schema(schema));
        }
        if !circuits.contains(&job.program.circuit) {
            return Err(OfferError::Circuit(job.program.circuit));
        }
        if !purposes.contains(&job.purpose) {
            return Err(OfferError::Purpose);
        }
        if let Some(other) = partners(job, owner).into_iter().find(|id| !receivers.contains(&key(*id))) {
            return Err(OfferError::Receiver(name(other)));
        }
        let all = job.compute_parties();
        if let Some(other) = all.iter().find(|id| !computers.contains(&key(**id))) {
            return Err(OfferError::Computer(name(*other)));
        }
        let is_shown = |id: PartyId| job.demand_of(id).is_some_and(|policy| evidence.contains(&policy));
        if let Some(other) = all.iter().find(|id| !evidence.is_empty() && !is_shown(**id)) {
            return Err(OfferError::Evidence(name(*other)));
        }
        let least = self.allowed().minimum_rows;
        let tables = job.inputs.iter().filter(|input| input.party == owner).flat_map(|input| &input.tables);
        let few = tables.map(|table| table.rows).find(|rows| *rows < least);
        few.map_or(Ok(()), |given| Err(OfferError::Rows { least, given }))
    }
}
