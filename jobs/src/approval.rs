//! Approvals: each party signs the job's id and its own role. All of them together are an agreement.
//!
//! ```text
//! approval    job id [32] ‖ party u16 ‖ roles u8 ‖ nonce [32] ‖ circuit [32] ‖ AND gates u64 ‖ Ed25519 signature [64]
//! signed      "sotto consent v2\0" ‖ all but the last of these
//! agreement   a job, and an approval of every party; it can be run until the job expires
//! run         a number from 1 to the job's `maximum_runs`, given out by the agreement alone
//! ```
//!
//! The roles are those that the job gives the party, so a signature given as a result party does not count
//! for a compute party. The nonce is this party's contribution to the ids of runs. Circuit and gates are what
//! the party counted before it signed; see [`Approval::gates`].

use rand_core::{CryptoRng, RngCore};

use super::hash::Digest;
use super::job::{Gates, Job, PartyId};
use crate::codec::{Codec, record};
use sotto_party::hex::{from_hex, to_hex};
use sotto_party::{Context, Identity};

/// What a signature of an approval is for.
const SIGNATURE: Context = Context::new("sotto consent v2");
const PREFIX: &str = "sotto-consent-2:";

/// One party's signature under a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The job.
    pub job: Digest,
    /// Who signed.
    pub party: PartyId,
    roles: u8,
    nonce: [u8; 32],
    gates: Gates,
    signature: [u8; 64],
}
record!(Approval { job, party, roles, nonce, gates, signature });

/// Why approvals do not make an agreement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The signing key belongs to no party of the job.
    #[error("the key belongs to no party of this job")]
    Stranger,
    /// Not all have signed.
    #[error("not signed by {}", .0.join(", "))]
    Missing(Vec<String>),
    /// A signature for something else: the job was altered after it, or is another.
    #[error("{0} signed another job, or this one before it was altered: the ids differ")]
    OtherJob(String),
    /// A signature that the party's key did not make.
    #[error("the signature of {0} is not made by the key that the job names")]
    Forged(String),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
}

impl Approval {
    /// Signs a job as the party that has this key. Show the job to a person or check a policy before calling
    /// this.
    ///
    /// # Errors
    /// If the identity belongs to no party of the job.
    pub fn sign(
        job: &Job,
        identity: &Identity,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, ApprovalError> {
        let key = identity.public();
        let party = job.find_key(&key.signing_bytes()).filter(|id| job.party(*id).key == key);
        let party = party.ok_or(ApprovalError::Stranger)?;
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let (roles, gates) = (roles(job, party), job.program.gates());
        let mut approval = Self { job: job.id(), party, roles, nonce, gates, signature: [0; 64] };
        approval.signature = identity.sign(SIGNATURE, &approval.text());
        Ok(approval)
    }

    /// The approval of one line of text; `None` if it is none.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::BYTES];
        from_hex(text.trim().strip_prefix(PREFIX)?, &mut bytes)?;
        Self::from_prefixed("", &bytes).ok()
    }

    /// The approval as one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}\n", to_hex(&self.to_prefixed("")))
    }

    const BYTES: usize = 32 + 2 + 1 + 32 + (32 + 8) + 64;

    /// The gates that the party states it counted. Only [`Agreement::new`] verifies that the party signed
    /// this.
    #[must_use]
    pub const fn gates(&self) -> Gates {
        self.gates
    }

    /// What is signed.
    fn text(&self) -> Vec<u8> {
        let mut text = self.to_prefixed("");
        text.truncate(Self::BYTES - 64);
        text
    }

    /// Whether the party that it names signed this very job.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self, job: &Job) -> Result<(), ApprovalError> {
        if !job.ids().any(|id| id == self.party) {
            return Err(ApprovalError::Stranger);
        }
        let party = job.party(self.party);
        let name = || party.name.to_string();
        let same =
            (self.job, self.roles, self.gates) == (job.id(), roles(job, self.party), job.program.gates());
        if !same {
            return Err(ApprovalError::OtherJob(name()));
        }
        let signed = party.key.verify(SIGNATURE, &self.text(), &self.signature);
        if signed { Ok(()) } else { Err(ApprovalError::Forged(name())) }
    }
}

/// What a party is in a job, as bits.
fn roles(job: &Job, party: PartyId) -> u8 {
    let roles = [
        job.garbler == party,
        job.evaluator == party,
        job.input_of(party).is_some(),
        !job.outputs_of(party).is_empty(),
        job.further.contains(&party),
    ];
    roles.into_iter().enumerate().map(|(i, has)| u8::from(has) << i).sum()
}

/// A run that was agreed to. [`Agreement::run`] alone makes one, so whatever computes or commits to an input
/// takes this type, and no run beyond the job's `maximum_runs` exists.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    agreement: &'a Agreement,
    number: u32,
}

impl<'a> Run<'a> {
    /// What was agreed.
    #[must_use]
    pub const fn agreement(&self) -> &'a Agreement {
        self.agreement
    }

    /// The job.
    #[must_use]
    pub const fn job(&self) -> &'a Job {
        &self.agreement.job
    }

    /// Which run of the job, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// What an input party brings to this run.
    #[must_use]
    pub const fn input_of(self, party: PartyId) -> RunInput<'a> {
        RunInput { run: self, party }
    }
}

/// An input party's input to a run: what an input commitment, an input share and an entry of a budget are
/// about.
#[derive(Clone, Copy, Debug)]
pub struct RunInput<'a> {
    /// The run.
    pub run: Run<'a>,
    /// Whose input.
    pub party: PartyId,
}

/// The job allows fewer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the job allows {most} runs, not run {number}")]
pub struct RunNotAllowed {
    /// Which run was asked for.
    pub number: u32,
    /// The job's `maximum_runs`.
    pub most: u32,
}

/// A job that every party has signed: the only thing that can be run.
#[derive(Clone, Debug)]
pub struct Agreement {
    job: Job,
    nonces: Vec<[u8; 32]>,
}

impl Agreement {
    /// The agreement, if all signatures are there and `now` (seconds since 1970) is before the expiry.
    ///
    /// # Errors
    /// Who has not signed, or signed something else, or that it is too late.
    pub fn new(job: Job, approvals: &[Approval], now: u64) -> Result<Self, ApprovalError> {
        if now >= job.expiry {
            return Err(ApprovalError::Expired);
        }
        Self::regardless_of_expiry(job, approvals)
    }

    /// The agreement, be it before the expiry or after it: to deliver and collect what was computed in time.
    /// Compute parties look at the clock before each attempt.
    ///
    /// # Errors
    /// Who has not signed, or signed something else.
    pub fn regardless_of_expiry(job: Job, approvals: &[Approval]) -> Result<Self, ApprovalError> {
        let of = |id: PartyId| approvals.iter().find(|approval| approval.party == id);
        let missing: Vec<_> = job.ids().filter(|id| of(*id).is_none()).collect();
        if !missing.is_empty() {
            let names = missing.iter().map(|id| job.party(*id).name.to_string());
            return Err(ApprovalError::Missing(names.collect()));
        }
        approvals.iter().try_for_each(|approval| approval.check(&job))?;
        let nonces = job.ids().filter_map(of).map(|approval| approval.nonce).collect();
        Ok(Self { job, nonces })
    }

    /// What was agreed.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// A run of the job, from 1 to its `maximum_runs`.
    ///
    /// # Errors
    /// If the parties did not agree to as many.
    pub fn run(&self, number: u32) -> Result<Run<'_>, RunNotAllowed> {
        let most = self.job.runs;
        if (1..=most).contains(&number) {
            Ok(Run { agreement: self, number })
        } else {
            Err(RunNotAllowed { number, most })
        }
    }

    /// The nonce that a party signed with.
    pub(crate) fn nonces(&self) -> &[[u8; 32]] {
        &self.nonces
    }
}
