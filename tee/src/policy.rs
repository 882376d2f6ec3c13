//! Whose evidence is good enough: policies, and what they decide.
//!
//! The first entry of `accept` whose kind and measurements are those of the claims decides; all its refusals
//! are listed. Only [`Policy::appraise`] makes an [`Appraised`](crate::Appraised).

use std::collections::{BTreeMap, BTreeSet};

use crate::claims::{SnpVersions, TcbStatus};
use crate::codec::put_bytes;
use crate::hash::{Digest, POLICY};
use crate::kind::Kind;
use crate::revoked::Revoked;

/// The label of every verdict on software evidence.
pub const UNATTESTED: &str = "UNATTESTED-SOFTWARE";

/// A policy, as its file says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether software evidence may be accepted.
    pub allow_software: bool,
    /// The oldest collateral that is accepted, in days.
    pub max_collateral_age_days: Option<u32>,
    /// The accepted evidence.
    pub accept: Vec<Accept>,
    /// How many and how different platforms a group of parties needs.
    pub quorum: Quorum,
    /// The revocations, which refuse in any case.
    pub revoked: Revoked,
}

/// Code on platforms that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The kind of evidence.
    pub kind: Kind,
    /// Measurements, all of which must match.
    pub measurements: BTreeMap<&'static str, Vec<u8>>,
    /// Statuses of Intel's platforms.
    pub statuses: BTreeSet<TcbStatus>,
    /// Advisories that must not apply, in capitals.
    pub refuse_advisories: BTreeSet<String>,
    /// The lowest evaluation number of Intel's collateral.
    pub minimum_tcb_evaluation: u32,
    /// The lowest security version of an SGX enclave.
    pub minimum_isv_svn: u16,
    /// The lowest versions of AMD's firmware.
    pub tcb: Option<SnpVersions>,
    /// Whether cores may run several threads.
    pub smt: bool,
    /// Whether packages may be added to the platform.
    pub dynamic_platform: bool,
    /// Whether Intel may keep the platform's keys.
    pub cached_keys: bool,
    /// Whether AMD's revocation list may be missing.
    pub missing_crl: bool,
    /// The only platforms that are accepted; `None`: any.
    pub platforms: Option<BTreeSet<Digest>>,
}

/// What a group of parties needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Different platforms.
    pub of: u32,
    /// Different vendors.
    pub vendors: u32,
}

impl Policy {
    /// The hash of all that the policy says, however its file is written.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(POLICY, &[&self.canonical()])
    }

    fn canonical(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.allow_software)];
        put_option(&mut out, self.max_collateral_age_days.map(u32::to_le_bytes));
        put_list(&mut out, self.accept.iter().map(Accept::canonical));
        out.extend_from_slice(&self.quorum.of.to_le_bytes());
        out.extend_from_slice(&self.quorum.vendors.to_le_bytes());
        put_list(&mut out, self.revoked.iter().map(|entry| entry.to_string().into_bytes()));
        out
    }
}

impl Accept {
    fn canonical(&self) -> Vec<u8> {
        let mut out = vec![self.kind as u8];
        put_list(&mut out, self.measurements.iter().flat_map(|(name, value)| [name.as_bytes(), value]));
        put_list(&mut out, self.statuses.iter().map(|status| status.name()));
        put_list(&mut out, &self.refuse_advisories);
        out.extend_from_slice(&self.minimum_tcb_evaluation.to_le_bytes());
        out.extend_from_slice(&self.minimum_isv_svn.to_le_bytes());
        put_option(&mut out, self.tcb.map(|tcb| [tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode]));
        out.extend([self.smt, self.dynamic_platform, self.cached_keys, self.missing_crl].map(u8::from));
        out.push(self.platforms.is_some().into());
        put_list(&mut out, self.platforms.iter().flatten().map(|platform| platform.0));
        out
    }
}

fn put_list(out: &mut Vec<u8>, items: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    let items: Vec<_> = items.into_iter().collect();
    out.extend_from_slice(&(items.len() as u32).to_le_bytes());
    items.iter().for_each(|item| put_bytes(out, item.as_ref()));
}

fn put_option(out: &mut Vec<u8>, value: Option<[u8; 4]>) {
    out.push(value.is_some().into());
    out.extend(value.iter().flatten());
}
