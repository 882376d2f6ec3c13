//! Why a job is not within an offer.

use crate::hash::Digest;

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
    /// The job is paid elsewhere.
    #[error("the job is paid on another ledger than the offer names")]
    Chain,
    /// The job may be run later than the offer holds.
    #[error("the job expires after the offer, or the offer has expired")]
    Expiry,
}
