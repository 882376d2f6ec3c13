//! The public part of an output, and the context that its range proof binds.
//!
//! ```text
//! P = chain id (32) ‖ features (1) ‖ length of extra (8, LE) ‖ extra ‖ keys, if the output is one-sided
//! ```
//!
//! The transcript of a range proof absorbs `P` before anything else; the commitment V enters as part of the
//! proof itself. A proof is therefore valid for one output of one chain only.

use crate::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    one_sided::{OneSided, OneSidedKeys},
    schnorr::Signature,
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

/// The code of one-sided outputs.
const ONE_SIDED: u8 = 4;

/// The kind of an output, and what only that kind has. `S` is [`Signature`], or its hash in rewind data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputFeatures<S = Signature> {
    /// An ordinary output, spendable at once.
    Plain,
    /// A block's reward, spendable after the chain's maturity.
    Coinbase,
    /// An output that only its receiver can spend, who took no part in making it.
    OneSided(Box<OneSided<S>>),
}

impl<S> OutputFeatures<S> {
    /// The code of the kind, as it is proven and encoded.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Coinbase => 1,
            Self::OneSided(_) => ONE_SIDED,
        }
    }

    /// The keys of a one-sided output.
    #[must_use]
    pub fn keys(&self) -> Option<&OneSidedKeys> {
        self.one_sided().map(|o| &o.keys)
    }

    /// What only a one-sided output has.
    #[must_use]
    pub fn one_sided(&self) -> Option<&OneSided<S>> {
        match self {
            Self::OneSided(one_sided) => Some(one_sided),
            Self::Plain | Self::Coinbase => None,
        }
    }
}

impl OutputFeatures {
    /// The same with the hash of the sender's signature.
    #[must_use]
    pub(crate) fn hashed(&self) -> OutputFeatures<Hash> {
        match self {
            Self::Plain => OutputFeatures::Plain,
            Self::Coinbase => OutputFeatures::Coinbase,
            Self::OneSided(one_sided) => OutputFeatures::OneSided(Box::new(one_sided.hashed())),
        }
    }
}

impl<S: Encode> OutputFeatures<S> {
    /// Appends what only this kind has. The code is separate, because it comes first in every encoding.
    pub(crate) fn encode_rest(&self, out: &mut Vec<u8>) {
        if let Self::OneSided(one_sided) = self {
            one_sided.encode(out);
        }
    }
}

impl<S: Decode> OutputFeatures<S> {
    /// Reads what only the kind `code` has.
    pub(crate) fn decode_rest(code: u8, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match code {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Coinbase),
            ONE_SIDED => Ok(Self::OneSided(Box::new(OneSided::decode(r)?))),
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
    pub(crate) fn new<S>(chain: &ChainId, features: &OutputFeatures<S>, extra: &[u8]) -> Self {
        Self::of(chain, features.code(), extra, features.keys())
    }

    /// The context of a one-sided output, which is proven before its sender signs.
    pub(crate) fn one_sided(chain: &ChainId, keys: &OneSidedKeys) -> Self {
        Self::of(chain, ONE_SIDED, &[], Some(keys))
    }

    fn of(chain: &ChainId, code: u8, extra: &[u8], keys: Option<&OneSidedKeys>) -> Self {
        let mut prefix = Vec::with_capacity(106 + extra.len());
        prefix.extend_from_slice(chain.as_bytes());
        prefix.push(code);
        prefix.extend_from_slice(&(extra.len() as u64).to_le_bytes());
        prefix.extend_from_slice(extra);
        if let Some(keys) = keys {
            keys.encode(&mut prefix);
        }
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
