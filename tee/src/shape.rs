//! The first look at evidence: of which kind it is, which bytes its signature covers, and how long it is.

use dcap_qvl::quote::Quote;
use sotto_party::PublicKey;

use crate::codec::DecodeError;
use crate::kind::Kind;

/// Bytes of a report of SEV-SNP.
pub(crate) const REPORT: usize = 0x4a0;
/// Bytes of a report that its signature covers.
const REPORT_SIGNED: usize = 0x2a0;
/// Bytes of a software statement that its signature covers: keys, code, report data.
const STATEMENT_SIGNED: usize = PublicKey::BYTES + 32 + 64;

/// What the first look finds.
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// Bytes from the start that the signature covers.
    pub(crate) signed: usize,
    /// Bytes altogether.
    pub(crate) length: usize,
}

pub(crate) fn quote(bytes: &[u8]) -> Result<Shape, DecodeError> {
    let quote = Quote::parse(bytes).map_err(|_| DecodeError::Value("the quote"))?;
    let kind = if quote.report.is_sgx() { Kind::Sgx } else { Kind::Tdx };
    let signed = quote.signed_length();
    // The signature's part follows, with its length before it.
    let length = bytes.get(signed..).and_then(<[u8]>::first_chunk).ok_or(DecodeError::Short)?;
    Ok(Shape { kind, signed, length: signed + 4 + u32::from_le_bytes(*length) as usize })
}

pub(crate) fn report(bytes: &[u8]) -> Result<Shape, DecodeError> {
    let length = if bytes.len() < REPORT { Err(DecodeError::Short) } else { Ok(REPORT) };
    Ok(Shape { kind: Kind::Snp, signed: REPORT_SIGNED, length: length? })
}

pub(crate) fn statement(bytes: &[u8]) -> Result<Shape, DecodeError> {
    let whole = STATEMENT_SIGNED + 64;
    let length = if bytes.len() < whole { Err(DecodeError::Short) } else { Ok(whole) };
    Ok(Shape { kind: Kind::Software, signed: STATEMENT_SIGNED, length: length? })
}
