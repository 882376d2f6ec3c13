//! The public part of an output, and the context that its range proof binds.
//!
//! ```text
//! P = chain id (32) ‖ kind (1) ‖ length of extra (8, LE) ‖ extra ‖ keys, if the output is one-sided
//! ```
//!
//! The transcript of a range proof absorbs `P` before anything else; the commitment V enters as part of the
//! proof itself. A proof is therefore valid for one output of one chain only.

use crate::{
    chain::{Chain, ChainId},
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    one_sided::{OneSided, OneSidedKeys},
    schnorr::{PublicKey, Signature},
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
/// The codes of the same kinds on a chain with auditors.
const AUDITED_PLAIN: u8 = 2;
const AUDITED_COINBASE: u8 = 3;
const AUDITED_ONE_SIDED: u8 = 5;

/// Whether auditors read the amount of an output: all outputs of a chain alike (MW-R31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Only its owner reads it.
    Unaudited,
    /// The auditors of the chain read it too.
    Audited,
}

/// A chain as its outputs bind it: the id, and the key of its auditors if it has some.
#[derive(Clone, Copy, Debug)]
pub struct OutputChain<'a> {
    pub(crate) id: &'a ChainId,
    pub(crate) auditors: Option<&'a PublicKey>,
}

impl<'a> From<&'a Chain> for OutputChain<'a> {
    fn from(chain: &'a Chain) -> Self {
        Self { id: chain.id(), auditors: chain.params().auditors.as_ref().map(|a| &a.key) }
    }
}

/// A chain without auditors. An output that is made for one of these is refused on any other (MW-R31).
impl<'a> From<&'a ChainId> for OutputChain<'a> {
    fn from(id: &'a ChainId) -> Self {
        Self { id, auditors: None }
    }
}

impl<'a> OutputChain<'a> {
    /// The chain's id.
    #[must_use]
    pub const fn id(&self) -> &'a ChainId {
        self.id
    }

    pub(crate) const fn audit(&self) -> Audit {
        if self.auditors.is_some() { Audit::Audited } else { Audit::Unaudited }
    }
}

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
    pub const fn code(&self, audit: Audit) -> u8 {
        match (self, audit) {
            (Self::Plain, Audit::Unaudited) => 0,
            (Self::Coinbase, Audit::Unaudited) => 1,
            (Self::OneSided(_), Audit::Unaudited) => ONE_SIDED,
            (Self::Plain, Audit::Audited) => AUDITED_PLAIN,
            (Self::Coinbase, Audit::Audited) => AUDITED_COINBASE,
            (Self::OneSided(_), Audit::Audited) => AUDITED_ONE_SIDED,
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
            0 | AUDITED_PLAIN => Ok(Self::Plain),
            1 | AUDITED_COINBASE => Ok(Self::Coinbase),
            ONE_SIDED | AUDITED_ONE_SIDED => Ok(Self::OneSided(Box::new(OneSided::decode(r)?))),
            code => Err(DecodeError::Code { what: "output features", code }),
        }
    }
}

impl Audit {
    /// What the code of an output's kind says; unknown kinds do not decode anyway.
    pub(crate) const fn of_code(code: u8) -> Self {
        match code {
            AUDITED_PLAIN | AUDITED_COINBASE | AUDITED_ONE_SIDED => Self::Audited,
            _ => Self::Unaudited,
        }
    }
}

/// What a range proof's transcript absorbs before the proof starts: the prefix `P`; and the key of the
/// auditors, which the chain's id in `P` binds.
#[derive(Clone, Debug)]
pub(crate) struct OutputContext {
    prefix: Vec<u8>,
    auditors: Option<PublicKey>,
}

impl OutputContext {
    pub(crate) fn new<'c, S>(
        chain: impl Into<OutputChain<'c>>,
        features: &OutputFeatures<S>,
        extra: &[u8],
    ) -> Self {
        let chain = chain.into();
        Self::of(chain, features.code(chain.audit()), extra, features.keys())
    }

    /// The context of a one-sided output, which is proven before its sender signs.
    pub(crate) fn one_sided(chain: OutputChain<'_>, keys: &OneSidedKeys) -> Self {
        let code = if chain.auditors.is_some() { AUDITED_ONE_SIDED } else { ONE_SIDED };
        Self::of(chain, code, &[], Some(keys))
    }

    /// The context of an output that exists, which says itself whether it is audited. Who only reads its proof
    /// need not know the auditors' key.
    pub(crate) fn existing<'c, S>(
        chain: impl Into<OutputChain<'c>>,
        features: &OutputFeatures<S>,
        extra: &[u8],
        audit: Audit,
    ) -> Self {
        Self::of(chain.into(), features.code(audit), extra, features.keys())
    }

    fn of(chain: OutputChain<'_>, code: u8, extra: &[u8], keys: Option<&OneSidedKeys>) -> Self {
        let mut prefix = Vec::with_capacity(106 + extra.len());
        prefix.extend_from_slice(chain.id.as_bytes());
        prefix.push(code);
        prefix.extend_from_slice(&(extra.len() as u64).to_le_bytes());
        prefix.extend_from_slice(extra);
        if let Some(keys) = keys {
            keys.encode(&mut prefix);
        }
        Self { prefix, auditors: chain.auditors.copied() }
    }

    /// P, if the chain has auditors and the proof is made or verified.
    pub(crate) const fn auditors(&self) -> Option<&PublicKey> {
        self.auditors.as_ref()
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
