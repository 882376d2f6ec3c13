//! Collateral: what a vendor publishes about its platforms, from which evidence is verified offline.
//!
//! | kind | JSON |
//! |---|---|
//! | SGX, TDX | Intel's quote collateral, version 3, as clients of its caching service write it |
//! | SEV-SNP | `{"vcek": "hex", "crls": ["hex"]}`: the chip's certificate and revocation lists, in DER |
//! | software | none: no bytes at all |
//!
//! A verifier uses collateral that it fetched itself: a prover could show collateral from before its platform
//! was revoked that has not expired yet.

use dcap_qvl::QuoteCollateralV3;
use serde::Deserialize;
use sotto_party::hex::from_hex;

use crate::codec::{DecodeError, bounded};

/// Most bytes of collateral.
pub const MAX_COLLATERAL: usize = 256 << 10;
/// Most revocation lists: AMD has one for each of the two authorities.
const MAX_LISTS: usize = 2;

/// Collateral, bounded and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collateral {
    text: Vec<u8>,
    pub(crate) contents: Contents,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Nothing,
    Quote(Box<QuoteCollateralV3>),
    Snp(SnpCollateral),
}

/// AMD's collateral of one chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnpCollateral {
    pub(crate) vcek: Vec<u8>,
    pub(crate) crls: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnpFile {
    vcek: String,
    #[serde(default)]
    crls: Vec<String>,
}

impl Collateral {
    /// What software evidence has.
    #[must_use]
    pub fn nothing() -> Self {
        Self { text: Vec::new(), contents: Contents::Nothing }
    }

    /// Reads collateral.
    ///
    /// # Errors
    /// If the bytes are too long or none of the forms above.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        bounded("collateral", bytes, MAX_COLLATERAL)?;
        if bytes.is_empty() {
            return Ok(Self::nothing());
        }
        let contents = match serde_json::from_slice::<SnpFile>(bytes) {
            Ok(file) => Contents::Snp(read_snp(&file)?),
            Err(_) => serde_json::from_slice(bytes)
                .map(|collateral| Contents::Quote(Box::new(collateral)))
                .map_err(|_| DecodeError::Foreign("collateral of Intel or AMD, as JSON"))?,
        };
        Ok(Self { text: bytes.to_vec(), contents })
    }

    /// The bytes that were read.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

fn read_snp(file: &SnpFile) -> Result<SnpCollateral, DecodeError> {
    let der = |digits: &String| {
        let mut bytes = vec![0; digits.len() / 2];
        from_hex(digits, &mut bytes).map(|()| bytes).ok_or(DecodeError::Value("hexadecimal DER"))
    };
    if file.crls.len() > MAX_LISTS {
        return Err(DecodeError::Value("the number of revocation lists"));
    }
    Ok(SnpCollateral { vcek: der(&file.vcek)?, crls: file.crls.iter().map(der).collect::<Result<_, _>>()? })
}
