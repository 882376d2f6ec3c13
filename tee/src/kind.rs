//! The kinds of evidence, and which measurements each carries.

use core::fmt;

/// What made the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A quote of an Intel SGX enclave (DCAP, version 3).
    Sgx = 1,
    /// A quote of an Intel TDX virtual machine (DCAP, versions 4 and 5).
    Tdx = 2,
    /// A report of an AMD SEV-SNP virtual machine.
    Snp = 3,
    /// A signature by a party's own key: no hardware says anything. (4 is kept for AWS Nitro.)
    Software = 5,
}

/// Who vouches for the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// SGX and TDX.
    Intel,
    /// SEV-SNP.
    Amd,
}

/// A measurement that a policy can name, and its length in bytes.
pub type Field = (&'static str, usize);

const SGX: &[Field] = &[("mrenclave", 32), ("mrsigner", 32), ("isv_prod_id", 2)];
const TDX: &[Field] = &[
    ("mrtd", 48),
    ("rtmr0", 48),
    ("rtmr1", 48),
    ("rtmr2", 48),
    ("rtmr3", 48),
    ("mrconfigid", 48),
    ("mrowner", 48),
    ("mrownerconfig", 48),
    ("mrseam", 48),
    ("td_attributes", 8),
    ("xfam", 8),
];
const SNP: &[Field] = &[
    ("measurement", 48),
    ("host_data", 32),
    ("id_key_digest", 48),
    ("author_key_digest", 48),
    ("family_id", 16),
    ("image_id", 16),
];
const SOFTWARE: &[Field] = &[("key", 32), ("code", 32)];

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Sgx, Self::Tdx, Self::Snp, Self::Software];

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// The kind's name in policies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
            Self::Snp => "snp",
            Self::Software => "software",
        }
    }

    /// Who vouches for the platform; `None` for software.
    #[must_use]
    pub const fn vendor(self) -> Option<Vendor> {
        match self {
            Self::Sgx | Self::Tdx => Some(Vendor::Intel),
            Self::Snp => Some(Vendor::Amd),
            Self::Software => None,
        }
    }

    /// The measurements that evidence of this kind carries.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Sgx => SGX,
            Self::Tdx => TDX,
            Self::Snp => SNP,
            Self::Software => SOFTWARE,
        }
    }

    /// Sets of measurements each of which says which code runs. A policy that names none of them would accept
    /// any code.
    pub(crate) const fn identities(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Sgx => &[&["mrenclave"], &["mrsigner", "isv_prod_id"]],
            Self::Tdx => &[&["mrtd"]],
            Self::Snp => &[&["measurement"]],
            Self::Software => &[&["key"]],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intel => "intel",
            Self::Amd => "amd",
        })
    }
}
