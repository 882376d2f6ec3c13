//! Bundles: evidence with all that its appraisal took, for an archive.
//!
//! ```text
//! "sotto evidence bundle v1" ‖ evidence ‖ collateral ‖ policy (its file) ‖ binding, each with its length (u32) ‖ time [8]
//! ```
//!
//! A bundle gives two verdicts: what held at its time, from its own collateral; and what holds now, from
//! fresh collateral and what has been revoked since. Only the bundle's author vouches for the time.

use crate::appraise::{Appraised, Circumstances, Refused};
use crate::binding::{Binding, MAX_BINDING};
use crate::claims::Claims;
use crate::codec::{DecodeError, Reader, bounded, put_bytes};
use crate::collateral::{Collateral, MAX_COLLATERAL};
use crate::error::VerifyError;
use crate::evidence::{Evidence, MAX_EVIDENCE};
use crate::hash::{BUNDLE, Digest};
use crate::policy::Policy;
use crate::policy_file;
use crate::revoked::Revoked;
use crate::roots::Roots;
use crate::seen::Seen;
use crate::verify::verify_under;

const PREFIX: &str = "sotto evidence bundle v1";
const MAX_POLICY: usize = 64 << 10;
/// Most bytes of a bundle.
pub const MAX_BUNDLE: usize = 64 + MAX_EVIDENCE + MAX_COLLATERAL + MAX_POLICY + MAX_BINDING;

/// Evidence with all that its appraisal took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The evidence.
    pub evidence: Evidence,
    /// The collateral of then.
    pub collateral: Collateral,
    /// The policy's file.
    pub policy_text: String,
    /// What the evidence is for.
    pub binding: Binding,
    /// When it was appraised, in seconds since 1970.
    pub time: u64,
    policy: Policy,
}

/// Why there is no positive verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// The evidence does not verify.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The policy refuses it.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What a verdict of today takes.
#[derive(Clone, Copy, Debug)]
pub struct Today<'a> {
    /// Fresh collateral.
    pub collateral: &'a Collateral,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// The revocations.
    pub revoked: &'a Revoked,
    /// The highest numbers seen in collateral.
    pub seen: &'a Seen,
}

impl Bundle {
    /// A bundle of evidence that was appraised in these circumstances, with their time and binding.
    ///
    /// # Errors
    /// If the policy's text is not a policy.
    pub fn new(
        evidence: Evidence,
        collateral: Collateral,
        policy_text: String,
        at: &Circumstances<'_>,
    ) -> Result<Self, DecodeError> {
        let policy = policy_of(&policy_text)?;
        Ok(Self { evidence, collateral, policy_text, binding: *at.binding, time: at.now, policy })
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// If the bytes are not one, or are too long.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        bounded("a bundle", bytes, MAX_BUNDLE)?;
        let mut r = Reader::after(PREFIX, bytes)?;
        let evidence = Evidence::decode(r.bytes("evidence", MAX_EVIDENCE + 32)?)?;
        let collateral = Collateral::parse(r.bytes("collateral", MAX_COLLATERAL)?)?;
        let policy = r.bytes("a policy", MAX_POLICY)?.to_vec();
        let policy_text = String::from_utf8(policy).map_err(|_| DecodeError::Value("a policy"))?;
        let binding = Binding::decode(r.bytes("a binding", MAX_BINDING)?)?;
        let time = r.u64()?;
        r.finish()?;
        let policy = policy_of(&policy_text)?;
        Ok(Self { evidence, collateral, policy_text, binding, time, policy })
    }

    /// Whether bytes begin as a bundle does.
    #[must_use]
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(PREFIX.as_bytes())
    }

    /// The bundle's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = PREFIX.as_bytes().to_vec();
        put_bytes(&mut out, &self.evidence.encode());
        put_bytes(&mut out, self.collateral.as_bytes());
        put_bytes(&mut out, self.policy_text.as_bytes());
        put_bytes(&mut out, &self.binding.encode());
        out.extend_from_slice(&self.time.to_le_bytes());
        out
    }

    /// The bundle's hash, for a receipt.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(BUNDLE, &[&self.encode()])
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What the evidence said at its time.
    ///
    /// # Errors
    /// If it does not verify from the bundle's own collateral.
    pub fn claims(&self, roots: &Roots) -> Result<Claims, VerifyError> {
        verify_under(roots, &self.evidence, &self.collateral, self.time)
    }

    /// The verdict at the bundle's time, whatever was revoked since.
    ///
    /// # Errors
    /// If the evidence does not verify, or its policy refuses it.
    pub fn verdict_then(&self, roots: &Roots) -> Result<Appraised, NoVerdict> {
        let (revoked, seen) = (Revoked::default(), Seen::default());
        let today = Today { collateral: &self.collateral, now: self.time, revoked: &revoked, seen: &seen };
        self.verdict_today(roots, &today)
    }

    /// What holds today.
    ///
    /// # Errors
    /// If the evidence does not verify from fresh collateral, or its policy refuses it.
    pub fn verdict_today(&self, roots: &Roots, today: &Today<'_>) -> Result<Appraised, NoVerdict> {
        let claims = verify_under(roots, &self.evidence, today.collateral, today.now)?;
        let at = Circumstances {
            now: today.now,
            binding: &self.binding,
            revoked: today.revoked,
            seen: today.seen,
        };
        Ok(self.policy.appraise(&claims, &at)?)
    }
}

/// The policy that a file's text is.
fn policy_of(text: &str) -> Result<Policy, DecodeError> {
    bounded("a policy", text.as_bytes(), MAX_POLICY)?;
    policy_file::read(text).map_err(|_| DecodeError::Value("a policy"))
}
