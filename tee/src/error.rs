//! Why evidence does not verify.

use crate::kind::Kind;

/// Why evidence does not verify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The collateral is another vendor's, or missing.
    #[error("{0} evidence needs other collateral")]
    Collateral(Kind),
    /// A quote: what the verifier of quotes says.
    #[error("the quote does not verify: {0}")]
    Quote(String),
    /// The code runs where others can look into its memory.
    #[error("the evidence is of code that runs in debug mode")]
    Debug,
    /// Collateral whose dates or numbers cannot be read.
    #[error("the collateral does not say {0}")]
    CollateralField(&'static str),
    /// A report of SEV-SNP.
    #[error(transparent)]
    Snp(#[from] SnpError),
    /// A software statement.
    #[error("the signature of the software evidence does not verify")]
    Software,
}

/// Why a report of SEV-SNP does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnpError {
    /// A field that a report of these versions cannot have.
    #[error("the report has an unexpected value in its {0}")]
    Field(&'static str),
    /// Another privilege level in the guest than the highest.
    #[error("the report comes from privilege level {0} of the guest, not from 0")]
    Level(u32),
    /// The chip's number is hidden.
    #[error("the chip's number is masked")]
    MaskedChip,
    /// A certificate that is not canonical DER, or of another form.
    #[error("the certificate of the {0} is malformed")]
    Malformed(&'static str),
    /// No built-in authority issued it.
    #[error("an unknown authority issued the chip's certificate")]
    Issuer,
    /// A certificate's signature.
    #[error("the signature of the {0} does not verify")]
    Signature(&'static str),
    /// Outside of its dates.
    #[error("the {0} is not valid at this time")]
    Expired(&'static str),
    /// The certificate is another chip's.
    #[error("the certificate is for another chip")]
    Chip,
    /// The certificate is for other firmware.
    #[error("the certificate is for other firmware versions than the report states")]
    Versions,
    /// Revoked.
    #[error("the {0} is revoked")]
    Revoked(&'static str),
}
