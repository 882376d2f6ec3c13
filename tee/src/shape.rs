//! The first look at evidence: of which kind it is, which bytes its signature covers, and how long it is.

use sotto_party::PublicKey;

use crate::codec::{DecodeError, Reader};
use crate::kind::Kind;

/// Most bytes of evidence.
pub(crate) const MAX_EVIDENCE: usize = 16 << 10;
/// Kinds of computers, as quotes name them.
const SGX: u32 = 0;
const TDX: u32 = 0x81;
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

/// Quotes are walked to their last byte here: `dcap-qvl` allocates what a length announces.
pub(crate) fn quote(bytes: &[u8]) -> Result<Shape, DecodeError> {
    let mut r = Reader::new(bytes);
    let (version, _, tee) = (r.u16()?, r.u16()?, r.u32()?);
    r.take(40)?;
    let (kind, report) = match (version, tee) {
        (3, SGX) => (Kind::Sgx, 384),
        (4, TDX) => (Kind::Tdx, 584),
        // Reports of TDX 1.0, 1.5 and 1.5 with extensions.
        (5, TDX) => match (r.u16()?, r.u32()?) {
            (2, size @ 584) | (3, size @ 648) | (4, size @ 885) => (Kind::Tdx, size as usize),
            _ => return Err(DecodeError::Value("the report of the quote")),
        },
        _ => return Err(DecodeError::Value("the version of the quote")),
    };
    r.take(report)?;
    let signed = bytes.len() - r.left();
    let mut signature = Reader::new(r.bytes("the signature of a quote", MAX_EVIDENCE)?);
    // The quote's signature and its key; from version 4 on, the rest is in an envelope.
    signature.take(64 + 64)?;
    if version != 3 {
        signature.u16()?;
        let inner = signature.bytes("the certification of a quote", MAX_EVIDENCE)?;
        signature.finish()?;
        signature = Reader::new(inner);
    }
    // The quoting enclave's report and its signature, its data, its certificates.
    signature.take(384 + 64)?;
    let data = signature.u16()?;
    signature.take(data.into())?;
    signature.u16()?;
    signature.bytes("the certificates of a quote", MAX_EVIDENCE)?;
    signature.finish()?;
    Ok(Shape { kind, signed, length: bytes.len() - r.left() })
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
