//! Evidence: what a platform says of the code that it runs, not yet verified.
//!
//! ```text
//! file   "sotto evidence v1" ‖ kind [1] ‖ body: a quote (SGX, TDX), a report (SEV-SNP), or a software statement
//! name   hash of kind and signed bytes, and of nothing else
//! ```
//!
//! A quote is malleable: certificates, padding and other parts that no signature covers can be changed, and
//! it verifies as before. So evidence is named by its signed bytes.
//!
//! Not guaranteed: anything about the contents. Only [`verify`](crate::verify::verify) gives [`Claims`].
//!
//! [`Claims`]: crate::claims::Claims

use crate::codec::{DecodeError, Reader, bounded};
use crate::hash::{Digest, EVIDENCE};
use crate::kind::Kind;
use crate::shape::{self, REPORT};

/// Most bytes of evidence.
pub const MAX_EVIDENCE: usize = shape::MAX_EVIDENCE;

const PREFIX: &str = "sotto evidence v1";

/// Evidence of one kind, well-formed and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    kind: Kind,
    body: Vec<u8>,
    signed: usize,
}

impl Evidence {
    /// Evidence of a kind, from the bytes that its platform gave.
    ///
    /// # Errors
    /// If the bytes are too long or have another shape.
    pub fn new(kind: Kind, body: &[u8]) -> Result<Self, DecodeError> {
        bounded("evidence", body, MAX_EVIDENCE)?;
        let shape = match kind {
            Kind::Sgx | Kind::Tdx => shape::quote(body)?,
            Kind::Snp => shape::report(body)?,
            Kind::Software => shape::statement(body)?,
        };
        if shape.kind != kind {
            return Err(DecodeError::Value("the kind of the evidence"));
        }
        match body.get(shape.length..) {
            None => Err(DecodeError::Short),
            Some([]) => Ok(Self { kind, body: body.to_vec(), signed: shape.signed }),
            Some(rest) => Err(DecodeError::Trailing(rest.len())),
        }
    }

    /// Evidence in the form in which a platform gives it, without its kind: a quote or a report. Zeros that
    /// follow (drivers give buffers of a fixed size) are dropped.
    ///
    /// # Errors
    /// If the bytes are none of these.
    pub fn recognize(bytes: &[u8]) -> Result<Self, DecodeError> {
        bounded("evidence", bytes, MAX_EVIDENCE)?;
        let shape = if bytes.len() == REPORT { shape::report(bytes) } else { shape::quote(bytes) }?;
        let (body, rest) = bytes.split_at_checked(shape.length).ok_or(DecodeError::Short)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Trailing(rest.len()));
        }
        Self::new(shape.kind, body)
    }

    /// Reads an evidence file.
    ///
    /// # Errors
    /// If the bytes are not one, or are too long.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        bounded("an evidence file", bytes, PREFIX.len() + 1 + MAX_EVIDENCE)?;
        let mut r = Reader::after(PREFIX, bytes)?;
        let kind = Kind::from_code(r.u8()?).ok_or(DecodeError::Value("the kind of the evidence"))?;
        Self::new(kind, r.rest())
    }

    /// Whether bytes begin as an evidence file does.
    #[must_use]
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(PREFIX.as_bytes())
    }

    /// The evidence file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [PREFIX.as_bytes(), &[self.kind as u8], &self.body].concat()
    }

    /// What made it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes that the platform gave.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The bytes that its signature covers.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        self.body.get(..self.signed).unwrap_or_default()
    }

    /// The name: equal for all evidence of one kind with the same signed bytes.
    #[must_use]
    pub fn name(&self) -> Digest {
        Digest::of(EVIDENCE, &[&[self.kind as u8], self.signed()])
    }
}
