//! The evidence that a job asks for, as one party judges it: with its own collateral and its own list of what is
//! revoked.
//!
//! ```text
//! evidence of a party ── genuine, by our collateral ── accepted, by the job's policy for that party ──► Appraised
//! both compute parties' ── of as many platforms and vendors as the job and the policies ask ──► a secret may leave
//! ```
//!
//! Guaranteed: a policy is the one whose hash the job has; what is revoked is asked for at every appraisal, and where
//! it cannot be read nothing is accepted; the numbers of collateral never fall.
//!
//! Not guaranteed: that the code is right, or that a vendor or who holds a machine cannot forge evidence
//! (`docs/THREATS.md`).

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::hash::Digest;
use crate::job::{Job, PartyId};
use sotto_tee::binding::Stale;
use sotto_tee::bundle::NoVerdict;
use sotto_tee::codec::DecodeError;
use sotto_tee::device::DeviceError;
use sotto_tee::{
    Appraised, Binding, Bundle, Circumstances, Collateral, Evidence, Policy, Purpose, Revoked, Roots, Seen,
    policy_file, verify_under,
};

/// Why evidence is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// A party without anything to verify evidence with.
    #[error("the job asks for evidence, and there is nothing to verify it with")]
    NoMeans,
    /// A policy that is not the job's.
    #[error("the policy for the evidence of {0} is missing, or is not the one that the job names")]
    Policy(String),
    /// The list of what is revoked.
    #[error("what is revoked cannot be read, so no evidence is accepted")]
    Revoked,
    /// Evidence that does not verify, or that the policy refuses.
    #[error("the evidence of {party} is not accepted: {why}")]
    Refused {
        /// Of whom.
        party: String,
        /// Why.
        why: NoVerdict,
    },
    /// Bytes that are no evidence.
    #[error("what {party} shows is no evidence: {why}")]
    Malformed {
        /// Who.
        party: String,
        /// Why.
        why: DecodeError,
    },
    /// Nothing was shown.
    #[error("{0} shows no evidence, and the job asks for it")]
    Missing(String),
    /// Evidence about something else.
    #[error("the evidence of {0} is for something else: another party, purpose or run")]
    Other(String),
    /// An answer that came too late.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// Too few platforms.
    #[error(
        "the compute parties must run on {wanted} different platforms whose numbers are shown, and these are {given}"
    )]
    Platforms {
        /// What is asked.
        wanted: usize,
        /// What there are.
        given: usize,
    },
    /// Too few vendors.
    #[error("the compute parties' platforms must be of {wanted} vendors, and these are of {given}")]
    Vendors {
        /// What is asked.
        wanted: usize,
        /// What there are.
        given: usize,
    },
    /// Our own platform.
    #[error("this machine gives no evidence: {0}")]
    Device(String),
}

impl From<DeviceError> for EvidenceError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error.to_string())
    }
}

/// What a party trusts besides the job's policies.
pub struct Trust<'a> {
    /// Collateral for each party's platform, which this party fetched itself; software has none.
    pub collateral: BTreeMap<PartyId, Collateral>,
    /// The vendors' authorities.
    pub roots: Roots,
    /// What is revoked, read anew for each appraisal; `None` if it cannot be read.
    pub revoked: &'a (dyn Fn() -> Option<Revoked> + Sync),
    /// The highest numbers that this party saw in collateral.
    pub seen: Seen,
}

/// Evidence that somebody shows.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Whose it must be.
    pub party: PartyId,
    /// The evidence.
    pub evidence: &'a Evidence,
    /// What it must be for.
    pub binding: &'a Binding,
    /// Seconds since 1970.
    pub now: u64,
}

/// Judges the evidence that a job asks for.
pub struct Appraiser<'a> {
    policies: BTreeMap<PartyId, (Policy, String)>,
    trust: Trust<'a>,
    seen: Mutex<Seen>,
}

impl fmt::Debug for Appraiser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appraiser").field("policies", &self.policies).finish_non_exhaustive()
    }
}

/// What a party says of another, in an error.
pub(crate) fn name(job: &Job, party: PartyId) -> String {
    job.party(party).name.to_string()
}

/// Who a party is in evidence.
pub(crate) fn key(job: &Job, party: PartyId) -> Digest {
    Digest(job.party(party).key.digest())
}

impl<'a> Appraiser<'a> {
    /// Judges by these policies, the texts of the files that the job names.
    ///
    /// # Errors
    /// If one is missing, or is not the one whose hash the job has.
    pub fn new(
        job: &Job,
        mut texts: BTreeMap<PartyId, String>,
        trust: Trust<'a>,
    ) -> Result<Self, EvidenceError> {
        let mut policies = BTreeMap::new();
        for demand in &job.attestation.demands {
            let text = texts.remove(&demand.party).unwrap_or_default();
            let policy = policy_file::read(&text).ok().filter(|policy| policy.digest() == demand.policy);
            let policy = policy.ok_or_else(|| EvidenceError::Policy(name(job, demand.party)))?;
            policies.insert(demand.party, (policy, text));
        }
        let seen = Mutex::new(trust.seen.clone());
        Ok(Self { policies, trust, seen })
    }

    /// Decides on evidence of a party.
    ///
    /// # Errors
    /// If it is not genuine, or the job's policy for the party or what is revoked refuses it.
    pub fn appraise(&self, job: &Job, shown: &Shown<'_>) -> Result<Appraised, EvidenceError> {
        let Shown { party, evidence, binding, now } = *shown;
        let nothing = Collateral::nothing();
        let collateral = self.trust.collateral.get(&party).unwrap_or(&nothing);
        let revoked = (self.trust.revoked)().ok_or(EvidenceError::Revoked)?;
        let refused = |why: NoVerdict| EvidenceError::Refused { party: name(job, party), why };
        let claims = verify_under(&self.trust.roots, evidence, collateral, now);
        let claims = claims.map_err(|why| refused(why.into()))?;
        let (policy, _) = self.policy(job, party)?;
        let mut seen = self.lock();
        let at = Circumstances { now, binding, revoked: &revoked, seen: &seen };
        let appraised = policy.appraise(&claims, &at).map_err(|why| refused(why.into()))?;
        seen.raise(&claims);
        Ok(appraised)
    }

    /// Whether a party's key was made in code that the job's policy accepts, on a platform that is accepted now.
    ///
    /// # Errors
    /// If the bundle is another party's, is no enrolment, or its evidence is not accepted now with our collateral.
    pub fn enrolled(
        &self,
        job: &Job,
        party: PartyId,
        bundle: &Bundle,
        now: u64,
    ) -> Result<Appraised, EvidenceError> {
        let is_enrolment = matches!(bundle.binding.purpose, Purpose::Enrol { .. });
        if !is_enrolment || bundle.binding.party != key(job, party) {
            return Err(EvidenceError::Other(name(job, party)));
        }
        self.appraise(job, &Shown { party, evidence: &bundle.evidence, binding: &bundle.binding, now })
    }

    /// Whether the compute parties run on platforms that are as different as the job and the policies ask. Equal
    /// platforms count once; one without a number, and software, do not count.
    ///
    /// # Errors
    /// If they do not.
    pub fn check_diversity(&self, job: &Job, computers: &[&Appraised]) -> Result<(), EvidenceError> {
        let of = job.compute_parties().into_iter().filter_map(|party| self.policies.get(&party));
        let quorums: Vec<_> = of.map(|(policy, _)| policy.quorum).collect();
        let most =
            |of: fn(&sotto_tee::policy::Quorum) -> u32| quorums.iter().map(of).max().unwrap_or(1) as usize;
        let diverse = usize::from(job.attestation.diverse);
        let all = job.compute_parties().len();
        let platforms = most(|quorum| quorum.of).max(if diverse > 0 { all } else { 1 });
        let vendors = most(|quorum| quorum.vendors).max(diverse);
        if platforms <= 1 && vendors <= 1 {
            return Ok(());
        }
        let named = || computers.iter().copied().filter(|computer| computer.platform().is_some());
        let given = named().filter_map(Appraised::platform).collect::<BTreeSet<_>>().len();
        if given < platforms {
            return Err(EvidenceError::Platforms { wanted: platforms, given });
        }
        let given = named().filter_map(Appraised::vendor).collect::<BTreeSet<_>>().len();
        if given < vendors {
            return Err(EvidenceError::Vendors { wanted: vendors, given });
        }
        Ok(())
    }

    /// Evidence of a party with all that its appraisal takes, for an archive.
    ///
    /// # Errors
    /// If it is not accepted.
    pub fn bundle(&self, job: &Job, shown: &Shown<'_>) -> Result<Bundle, EvidenceError> {
        let Shown { party, evidence, binding, now } = *shown;
        self.appraise(job, shown)?;
        let (_, text) = self.policy(job, party)?;
        let collateral = self.trust.collateral.get(&party).cloned().unwrap_or_else(Collateral::nothing);
        let (revoked, seen) = (Revoked::default(), Seen::default());
        let at = Circumstances { now, binding, revoked: &revoked, seen: &seen };
        let bundle = Bundle::new(evidence.clone(), collateral, text.clone(), &at);
        bundle.map_err(|why| EvidenceError::Malformed { party: name(job, party), why })
    }

    /// The highest numbers of collateral, to be kept.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn policy(&self, job: &Job, party: PartyId) -> Result<&(Policy, String), EvidenceError> {
        self.policies.get(&party).ok_or_else(|| EvidenceError::Policy(name(job, party)))
    }

    /// Nothing behind this lock is left half changed by a panic.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a party needs to show its evidence and to judge that of others.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Judges.
    pub appraiser: &'a Appraiser<'a>,
    /// Asks our platform for evidence of this.
    pub prove: &'a (dyn Fn(&Binding) -> Result<Evidence, DeviceError> + Sync),
    /// Draws a nonce.
    pub draw: &'a (dyn Fn() -> [u8; 32] + Sync),
    /// Tells seconds since 1970.
    pub clock: &'a (dyn Fn() -> u64 + Sync),
}

impl fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means").field("appraiser", &self.appraiser).finish_non_exhaustive()
    }
}
