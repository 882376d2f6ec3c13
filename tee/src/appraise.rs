//! What a policy decides on claims.

use core::fmt;
use std::collections::BTreeSet;

use crate::binding::{Binding, Purpose};
use crate::claims::{AmdTcb, Claims, IntelTcb, RevocationList, Tcb, TcbStatus};
use crate::hash::Digest;
use crate::kind::{Kind, Vendor};
use crate::policy::{Accept, Policy, UNATTESTED};
use crate::revoked::{Revocable, Revoked};
use crate::seen::{Fallen, Seen};

/// What an appraisal depends on besides policy and claims.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Seconds since 1970.
    pub now: u64,
    /// What the evidence must be for.
    pub binding: &'a Binding,
    /// Revocations besides the policy's.
    pub revoked: &'a Revoked,
    /// The highest numbers seen in collateral.
    pub seen: &'a Seen,
}

/// Why a policy refuses claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Software evidence.
    #[error("software evidence is refused: the policy does not say `allow_software = true`")]
    Software,
    /// Nothing of this kind is accepted.
    #[error("the policy accepts no {0} evidence")]
    Kind(Kind),
    /// Another measurement.
    #[error("entry {entry} of the policy requires another {field}")]
    Measurement {
        /// The entry of the policy, from 1.
        entry: usize,
        /// The measurement's name.
        field: &'static str,
    },
    /// The report data are for something else.
    #[error("the evidence is not for this purpose ({0}), party or run: its report data differ")]
    Binding(&'static str),
    /// Intel's status.
    #[error("the platform's status is {}", .0.name())]
    Status(TcbStatus),
    /// An advisory applies.
    #[error("the advisory {0} applies to the platform")]
    Advisory(String),
    /// Intel's collateral is from an earlier evaluation.
    #[error("the collateral has the evaluation number {given}, and the policy requires at least {least}")]
    EvaluationNumber {
        /// What the policy says.
        least: u32,
        /// What the collateral says.
        given: u32,
    },
    /// An older enclave.
    #[error("the enclave has the security version {given}, and the policy requires at least {least}")]
    IsvSvn {
        /// What the policy says.
        least: u16,
        /// What the quote says.
        given: u16,
    },
    /// AMD's firmware is too old.
    #[error("the {part} has the version {given}, and the policy requires at least {least}")]
    Floor {
        /// Which part.
        part: &'static str,
        /// What the policy says.
        least: u8,
        /// What the report says.
        given: u8,
    },
    /// A property of the platform that the policy does not allow.
    #[error("the policy does not allow {0}")]
    Property(&'static str),
    /// No revocation list.
    #[error("the collateral has no revocation list, and the policy does not say `missing_crl = true`")]
    MissingCrl,
    /// Another platform than those listed.
    #[error("the platform is not one of the policy's")]
    Platform,
    /// Collateral that is too old.
    #[error("the collateral is {given} days old, and the policy requires at most {most}")]
    Age {
        /// What the policy says.
        most: u32,
        /// What it is.
        given: u64,
    },
    /// Collateral that is not valid at this time.
    #[error("the collateral is not valid at this time")]
    Dates,
    /// Older collateral than before.
    #[error(transparent)]
    Fallen(#[from] Fallen),
    /// Revoked.
    #[error("revoked: {0}")]
    Revoked(Revocable),
}

/// All reasons for which claims are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy refuses the evidence: {}", list(.0))]
pub struct Refused(pub Vec<Refusal>);

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Whether hardware vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Attested,
    /// It does not: the policy allows software evidence.
    UnattestedSoftware,
}

impl Verdict {
    /// The verdict on accepted evidence of a kind.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        kind.vendor().map_or(Self::UnattestedSoftware, |_| Self::Attested)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attested => "ATTESTED",
            Self::UnattestedSoftware => UNATTESTED,
        })
    }
}

/// Evidence that a policy accepts for a purpose: only [`Policy::appraise`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appraised {
    evidence: Digest,
    policy: Digest,
    verdict: Verdict,
    binding: Binding,
    entry: usize,
    vendor: Option<Vendor>,
    platform: Option<Digest>,
}

impl Appraised {
    /// The evidence's name.
    #[must_use]
    pub fn evidence(&self) -> Digest {
        self.evidence
    }

    /// The policy's hash.
    #[must_use]
    pub fn policy(&self) -> Digest {
        self.policy
    }

    /// Whether hardware vouches.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> &Purpose {
        &self.binding.purpose
    }

    /// Whose it is.
    #[must_use]
    pub fn party(&self) -> Digest {
        self.binding.party
    }

    /// The entry of the policy that decided, from 1.
    #[must_use]
    pub fn entry(&self) -> usize {
        self.entry
    }

    /// Who vouches for the platform; `None` for software.
    #[must_use]
    pub fn vendor(&self) -> Option<Vendor> {
        self.vendor
    }

    /// The platform, if it has a name.
    #[must_use]
    pub fn platform(&self) -> Option<Digest> {
        self.platform
    }
}

/// Why a group of parties is not diverse enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// Too few platforms.
    #[error("the policy requires {wanted} different platforms, and these are {given}")]
    Platforms {
        /// What the policy says.
        wanted: u32,
        /// What there are.
        given: usize,
    },
    /// Too few vendors.
    #[error("the policy requires {wanted} different vendors, and these are {given}")]
    Vendors {
        /// What the policy says.
        wanted: u32,
        /// What there are.
        given: usize,
    },
    /// Appraised under another policy.
    #[error("one of the parties was appraised under another policy")]
    Policy,
}

impl Policy {
    /// Decides on claims.
    ///
    /// # Errors
    /// All reasons to refuse them.
    pub fn appraise(&self, claims: &Claims, at: &Circumstances<'_>) -> Result<Appraised, Refused> {
        let mut refusals = Vec::new();
        if claims.kind == Kind::Software && !self.allow_software {
            refusals.push(Refusal::Software);
        }
        let entry = self.entry_of(claims);
        match &entry {
            Ok((_, accept)) => accept.check(claims, &mut refusals),
            Err(why) => refusals.extend_from_slice(why),
        }
        if claims.report_data != at.binding.report_data() {
            refusals.push(Refusal::Binding(at.binding.purpose.name()));
        }
        self.check_dates(claims, at.now, &mut refusals);
        refusals.extend(at.seen.fallen(claims).into_iter().map(Refusal::Fallen));
        let revoked: BTreeSet<&Revocable> = self.revoked.iter().chain(at.revoked.iter()).collect();
        let named = revoked.into_iter().filter(|entry| entry.is_in(claims));
        refusals.extend(named.cloned().map(Refusal::Revoked));
        match entry {
            Ok((entry, _)) if refusals.is_empty() => Ok(Appraised {
                evidence: claims.evidence,
                policy: self.digest(),
                verdict: Verdict::of(claims.kind),
                binding: *at.binding,
                entry: entry + 1,
                vendor: claims.kind.vendor(),
                platform: claims.platform,
            }),
            _ => Err(Refused(refusals)),
        }
    }

    /// Whether these parties run on different enough platforms. Equal platforms count once; one without a
    /// name, and software, do not count.
    ///
    /// # Errors
    /// [`QuorumError`] if they do not.
    pub fn check_quorum(&self, parties: &[Appraised]) -> Result<(), QuorumError> {
        if parties.iter().any(|party| party.policy != self.digest()) {
            return Err(QuorumError::Policy);
        }
        let named = || parties.iter().filter(|party| party.platform.is_some());
        let platforms = named().map(|party| party.platform).collect::<BTreeSet<_>>().len();
        let vendors = named().map(|party| party.vendor).collect::<BTreeSet<_>>().len();
        if platforms < self.quorum.of as usize {
            return Err(QuorumError::Platforms { wanted: self.quorum.of, given: platforms });
        }
        if vendors < self.quorum.vendors as usize {
            return Err(QuorumError::Vendors { wanted: self.quorum.vendors, given: vendors });
        }
        Ok(())
    }

    fn entry_of(&self, claims: &Claims) -> Result<(usize, &Accept), Vec<Refusal>> {
        let mut differences = Vec::new();
        for (n, accept) in self.accept.iter().enumerate().filter(|(_, accept)| accept.kind == claims.kind) {
            let wrong = accept
                .measurements
                .iter()
                .filter(|(name, value)| claims.measurements.get(*name) != Some(value));
            let before = differences.len();
            differences.extend(wrong.map(|(field, _)| Refusal::Measurement { entry: n + 1, field }));
            if differences.len() == before {
                return Ok((n, accept));
            }
        }
        if differences.is_empty() {
            differences.push(Refusal::Kind(claims.kind));
        }
        Err(differences)
    }

    fn check_dates(&self, claims: &Claims, now: u64, refusals: &mut Vec<Refusal>) {
        let Some(dates) = claims.dates else { return };
        if !(dates.issued..=dates.expires).contains(&now) {
            refusals.push(Refusal::Dates);
        }
        let given = now.saturating_sub(dates.issued) / 86_400;
        if let Some(most) = self.max_collateral_age_days.filter(|most| given > u64::from(*most)) {
            refusals.push(Refusal::Age { most, given });
        }
    }
}

impl Accept {
    fn check(&self, claims: &Claims, refusals: &mut Vec<Refusal>) {
        match &claims.tcb {
            Tcb::Intel(tcb) => self.check_intel(tcb, refusals),
            Tcb::Amd(tcb) => self.check_amd(tcb, refusals),
            Tcb::Software => {}
        }
        let is_in =
            |list: &BTreeSet<Digest>| claims.platform.is_some_and(|platform| list.contains(&platform));
        if self.platforms.as_ref().is_some_and(|list| !is_in(list)) {
            refusals.push(Refusal::Platform);
        }
    }

    fn check_intel(&self, tcb: &IntelTcb, refusals: &mut Vec<Refusal>) {
        if !self.statuses.contains(&tcb.status) {
            refusals.push(Refusal::Status(tcb.status));
        }
        let refused = tcb.advisories.iter().map(|id| id.to_ascii_uppercase());
        refusals.extend(refused.filter(|id| self.refuse_advisories.contains(id)).map(Refusal::Advisory));
        let (least, given) = (self.minimum_tcb_evaluation, tcb.evaluation);
        if given < least {
            refusals.push(Refusal::EvaluationNumber { least, given });
        }
        let least = self.minimum_isv_svn;
        if let Some(given) = tcb.isv_svn.filter(|given| *given < least) {
            refusals.push(Refusal::IsvSvn { least, given });
        }
        // What a certificate does not say is not held against it: it is of the kind that has one package.
        let properties = [
            (tcb.smt, self.smt, "several threads on a core (`smt`)"),
            (tcb.dynamic_platform, self.dynamic_platform, "a platform that grows (`dynamic_platform`)"),
            (tcb.cached_keys, self.cached_keys, "keys that Intel keeps (`cached_keys`)"),
        ];
        let not_allowed = properties.iter().filter(|(given, allowed, _)| *given == Some(true) && !allowed);
        refusals.extend(not_allowed.map(|(_, _, what)| Refusal::Property(what)));
    }

    fn check_amd(&self, tcb: &AmdTcb, refusals: &mut Vec<Refusal>) {
        if let Some(floor) = self.tcb {
            let parts = [
                ("boot loader", floor.bootloader, tcb.reported.bootloader),
                ("secure operating system", floor.tee, tcb.reported.tee),
                ("SNP firmware", floor.snp, tcb.reported.snp),
                ("microcode", floor.microcode, tcb.reported.microcode),
            ];
            let low = parts.into_iter().filter(|(_, least, given)| given < least);
            refusals.extend(low.map(|(part, least, given)| Refusal::Floor { part, least, given }));
        }
        if tcb.smt && !self.smt {
            refusals.push(Refusal::Property("several threads on a core (`smt`)"));
        }
        if tcb.revocation == RevocationList::Missing && !self.missing_crl {
            refusals.push(Refusal::MissingCrl);
        }
    }
}
