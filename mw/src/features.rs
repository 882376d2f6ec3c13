//! The public part of an output, and the context that its range proof binds.
//!
//! ```text
//! P = chain id (32) ‖ features (1) ‖ length of extra (8, LE) ‖ extra
//! ```
//!
//! The transcript of a range proof absorbs `P` before anything else; the commitment V enters as part of the
//! proof itself. A proof is therefore valid for one output of one chain only.

use crate::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    tag,
};
use merlin::Transcript;

/// Public bytes that an output carries and its proof binds, at most [`Extra::MAX`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra(Vec<u8>);

impl Extra {
    /// The maximum length in bytes.
    pub const MAX: usize = 64;

    /// Wraps `bytes`; `None` if there are more than [`Extra::MAX`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::MAX).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Encode for Extra {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.0.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Extra {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = r.u8()?;
        let bound = DecodeError::Bound { what: "extra data", found: n.into(), bound: Self::MAX as u64 };
        if usize::from(n) > Self::MAX {
            return Err(bound);
        }
        Self::new(r.take(n.into())?.to_vec()).ok_or(bound)
    }
}

/// Whether an output is a block's reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OutputFeatures {
    /// An ordinary output, spendable at once.
    Plain = 0,
    /// A block's reward, spendable after the chain's maturity.
    Coinbase = 1,
}

impl Encode for OutputFeatures {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for OutputFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Coinbase),
            code => Err(DecodeError::Code { what: "output features", code }),
        }
    }
}

/// What a range proof's transcript absorbs before the proof starts: the prefix `P`.
#[derive(Clone, Debug)]
pub(crate) struct OutputContext {
    prefix: Vec<u8>,
}

impl OutputContext {
    pub(crate) fn new(chain: &ChainId, features: OutputFeatures, extra: &[u8]) -> Self {
        let mut prefix = Vec::with_capacity(41 + extra.len());
        prefix.extend_from_slice(chain.as_bytes());
        prefix.push(features as u8);
        prefix.extend_from_slice(&(extra.len() as u64).to_le_bytes());
        prefix.extend_from_slice(extra);
        Self { prefix }
    }

    /// `P`, byte for byte.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// A transcript that has absorbed `P` and nothing else.
    pub(crate) fn transcript(&self) -> Transcript {
        let mut t = Transcript::new(tag::OUTPUT);
        t.append_message(b"context", &self.prefix);
        t
    }
}
