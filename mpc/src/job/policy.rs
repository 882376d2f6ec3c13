//! What an owner allows to be done with its data, whoever asks: checked before it signs, and again before it runs.
//!
//! A policy is the owner's own; nobody else sees it. It names programs by the hash of their gates and receivers by their keys,
//! because names are chosen by whoever writes a job. How much of it is used up stands in the [`budget`](super::budget).

use super::hash::Digest;
use super::spec::{Job, PartyId};
use super::text::Prose;

/// What an owner allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Hashes of circuits.
    pub programs: Vec<Digest>,
    /// Purposes, word for word.
    pub purposes: Vec<Prose>,
    /// Fingerprints of those who may learn outputs.
    pub receivers: Vec<String>,
    /// Fewest rows of each of the owner's tables: fewer would say too much of each.
    pub minimum_rows: u64,
    /// Runs in thirty days from which one partner learns something.
    pub runs_a_month: u32,
    /// Output tables that one partner learns in thirty days.
    pub outputs_a_month: u32,
}

/// What a job asks that the policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A program that is not in the list.
    #[error("the policy does not allow this program: its circuit {0} is not in `programs`")]
    Program(Digest),
    /// A purpose that is not in the list.
    #[error("the policy does not allow this purpose: it is not in `purposes`, word for word")]
    Purpose,
    /// Somebody would learn an output who may not.
    #[error("the policy does not allow {name} to learn an output: {fingerprint} is not in `receivers`")]
    Receiver {
        /// Its name in the job.
        name: String,
        /// Its key.
        fingerprint: String,
    },
    /// Too few rows.
    #[error("the policy wants at least {least} rows, table {table} has {given}")]
    Rows {
        /// The table.
        table: String,
        /// What the policy says.
        least: u64,
        /// What the job says.
        given: u64,
    },
    /// The month's runs or outputs for a partner are used up.
    #[error("the policy allows {name} {most} {what} in thirty days, and {spent} are used")]
    Spent {
        /// The partner's name in the job.
        name: String,
        /// `runs` or `outputs`.
        what: &'static str,
        /// What the policy allows.
        most: u32,
        /// What was used before.
        spent: u32,
    },
}

impl Policy {
    /// Whether this owner may take part in the job, apart from its budget.
    ///
    /// # Errors
    /// The first thing that is not allowed.
    pub fn check(&self, job: &Job, owner: PartyId) -> Result<(), PolicyError> {
        if !self.programs.contains(&job.program.circuit) {
            return Err(PolicyError::Program(job.program.circuit));
        }
        if !self.purposes.contains(&job.purpose) {
            return Err(PolicyError::Purpose);
        }
        for receiver in partners(job, owner) {
            let party = job.party(receiver);
            let fingerprint = party.key.fingerprint();
            if !self.receivers.contains(&fingerprint) {
                return Err(PolicyError::Receiver { name: party.name.to_string(), fingerprint });
            }
        }
        let tables = job.inputs.iter().filter(|input| input.owner == owner).flat_map(|input| &input.tables);
        let few = tables.into_iter().find(|table| table.rows < self.minimum_rows);
        few.map_or(Ok(()), |table| {
            let (least, given) = (self.minimum_rows, table.rows);
            Err(PolicyError::Rows { table: table.name.to_string(), least, given })
        })
    }
}

/// Those who learn something of an owner's data: all receivers but itself.
pub(super) fn partners(job: &Job, owner: PartyId) -> Vec<PartyId> {
    job.receivers().into_iter().filter(|id| *id != owner).collect()
}
