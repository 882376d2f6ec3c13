//! The authorities at which certificate chains end.
//!
//! Those of the vendors are built in: Intel's in `dcap-qvl`, AMD's in `src/roots` (public certificates, as
//! AMD's key distribution service hands them out). Private ones are for tests and for laboratories.

/// Authorities that a verifier trusts.
#[derive(Clone, Debug)]
pub struct Roots {
    pub(crate) intel: IntelRoot,
    pub(crate) amd: Vec<AmdRoot>,
}

#[derive(Clone, Debug)]
pub(crate) enum IntelRoot {
    BuiltIn,
    Private(Vec<u8>),
}

/// The two authorities above the keys of one generation of AMD's chips, in DER.
#[derive(Clone, Debug)]
pub struct AmdRoot {
    /// The root (ARK), which signs itself, the authority below and a revocation list.
    pub ark: Vec<u8>,
    /// The authority below (ASK), which signs the keys of chips.
    pub ask: Vec<u8>,
    /// How reports of this generation write versions.
    pub layout: TcbLayout,
}

/// The order of the eight bytes of a `TCB_VERSION` (AMD 56860, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcbLayout {
    /// Milan and Genoa.
    Milan,
    /// Turin.
    Turin,
}

impl Roots {
    /// The vendors' own.
    #[must_use]
    pub fn vendors() -> Self {
        macro_rules! amd {
            ($name:literal, $layout:ident) => {
                AmdRoot {
                    ark: include_bytes!(concat!("roots/", $name, "-ark.der")).to_vec(),
                    ask: include_bytes!(concat!("roots/", $name, "-ask.der")).to_vec(),
                    layout: TcbLayout::$layout,
                }
            };
        }
        let amd = vec![amd!("milan", Milan), amd!("genoa", Milan), amd!("turin", Turin)];
        Self { intel: IntelRoot::BuiltIn, amd }
    }

    /// Private ones instead: the root certificate of the SGX and TDX chain in DER, and those of SEV-SNP.
    #[must_use]
    pub fn private(intel: Vec<u8>, amd: Vec<AmdRoot>) -> Self {
        Self { intel: IntelRoot::Private(intel), amd }
    }
}
