//! Claims: what verified evidence says.

use std::collections::BTreeMap;
use std::ops::Deref;

use crate::hash::Digest;
use crate::kind::Kind;

/// What verified evidence says: only [`verify`](crate::verify::verify) makes claims.
///
/// The signatures, certificates, revocation lists and dates held. Whether these are the claims that somebody
/// wants is for a [`Policy`](crate::policy::Policy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(pub(crate) Facts);

impl Deref for Claims {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

/// The contents of claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What made the evidence.
    pub kind: Kind,
    /// The name of the evidence.
    pub evidence: Digest,
    /// Measurements by their names ([`Kind::fields`]).
    pub measurements: BTreeMap<&'static str, Vec<u8>>,
    /// What the code chose to say: a [`Binding`](crate::binding::Binding).
    pub report_data: [u8; 64],
    /// The chip. `None` if the vendor's number is masked, and for software.
    pub platform: Option<Digest>,
    /// How well patched the platform is.
    pub tcb: Tcb,
    /// How fresh the collateral is. `None` for software, which has none.
    pub dates: Option<Dates>,
    /// Numbers that only rise in what vendors publish, by their names.
    pub numbers: BTreeMap<String, u64>,
}

/// The dates of collateral, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// When the oldest of the parts that vendors reissue was issued.
    pub issued: u64,
    /// When the first part ends.
    pub expires: u64,
}

/// How well patched a platform is: its trusted computing base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tcb {
    /// Intel judges it in its collateral.
    Intel(IntelTcb),
    /// AMD publishes no judgement: a policy states a floor.
    Amd(AmdTcb),
    /// Nothing is known.
    Software,
}

/// Intel's judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelTcb {
    /// The status of platform and quoting enclave.
    pub status: TcbStatus,
    /// Advisories that apply.
    pub advisories: Vec<String>,
    /// The lower of the evaluation numbers of the collateral.
    pub evaluation: u32,
    /// The security version of an SGX enclave.
    pub isv_svn: Option<u16>,
    /// Whether packages can be added to the platform. `None`: its certificate does not say.
    pub dynamic_platform: Option<bool>,
    /// Whether Intel's registration service keeps the platform's keys.
    pub cached_keys: Option<bool>,
    /// Whether cores run several threads.
    pub smt: Option<bool>,
}

/// The versions of AMD's firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmdTcb {
    /// The versions under which the chip's key was derived.
    pub reported: SnpVersions,
    /// Whether cores run several threads, or may under the guest's policy.
    pub smt: bool,
    /// Whether a revocation list was part of the collateral.
    pub revocation: RevocationList,
}

/// The security versions of a platform with SEV-SNP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpVersions {
    /// Boot loader of the secure processor.
    pub bootloader: u8,
    /// Operating system of the secure processor.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode.
    pub microcode: u8,
}

/// Whether revocation was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationList {
    /// The lists are valid now and name none of the certificates.
    Checked,
    /// The collateral has none.
    Missing,
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Intel's statuses of a platform.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum TcbStatus {
            $($(#[$doc])* $name,)*
        }

        impl TcbStatus {
            /// Intel's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The status of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                [$(Self::$name),*].into_iter().find(|status| status.name() == name)
            }
        }
    };
}
statuses!(
    /// All patches are there.
    UpToDate,
    /// Software must be compiled with mitigations.
    SWHardeningNeeded,
    /// Settings of the platform must be changed.
    ConfigurationNeeded,
    /// Both.
    ConfigurationAndSWHardeningNeeded,
    /// Patches are missing.
    OutOfDate,
    /// Patches are missing, and settings must be changed.
    OutOfDateConfigurationNeeded,
    /// The virtual machine began before the patches.
    TDRelaunchAdvised,
    /// The same, and settings must be changed.
    TDRelaunchAdvisedConfigurationNeeded,
    /// The platform's keys are not trusted any more. Verification refuses it.
    Revoked,
);
