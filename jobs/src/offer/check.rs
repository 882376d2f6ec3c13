//! Whether a job is within an offer.

use super::error::OfferError;
use super::{Allowed, Offer};
use crate::hash::Digest;
use crate::job::{Job, PartyId};
use crate::policy::partners;

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
        if job.sale.as_ref().is_some_and(|sale| sale.chain != self.allowed().chain) {
            return Err(OfferError::Chain);
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
