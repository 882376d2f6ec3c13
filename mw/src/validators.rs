//! Validators: who seals the blocks of a chain without a single operator, with how much power.
//!
//! ```text
//! validator = vote key ‖ proof of possession ‖ link key ‖ power (4) ‖ length of the name (1) ‖ name
//! proof     = signature under the vote key over ("sotto/validator/v1" ‖ link key ‖ length of the name (1) ‖ name)
//! set       = number (1) ‖ validators, their vote keys ascending
//! quorum    3·power > 2·total          some honest   3·power > total
//! ```
//!
//! Two quorums of one set share more than a third of its power, so if the validators with less than a third
//! are Byzantine, an honest one is in both.
//!
//! Guaranteed of a [`ValidatorSet`]: every validator knows its vote key and named this link key and this name
//! itself, no key and no name occurs twice, and sums of powers fit 31 bits. Not guaranteed: that different
//! validators are different people.

mod set;
mod signatures;
mod turn;

pub use set::{ValidatorSet, ValidatorSetError};
pub use signatures::{Signatures, Signers};

use crate::{
    codec::{Decode, DecodeError, Encode, Reader, fields},
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    tag,
};
use core::{fmt, num::NonZeroU32, str::FromStr};
use rand_core::{CryptoRng, RngCore};

/// The Ed25519 key by which the connections of a validator are known. The ledger only compares it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fields!(LinkKey { 0 });

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        f.write_str(")")
    }
}

/// The name of a validator: 1 to 32 of the characters a to z, 0 to 9 and `-`.
///
/// ```
/// use sotto_mw::validators::ValidatorName;
///
/// let name: ValidatorName = "bank-3".parse()?;
/// assert_eq!(name.as_str(), "bank-3");
/// assert!("Bank 3".parse::<ValidatorName>().is_err());
/// # Ok::<(), sotto_mw::validators::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidatorName(String);

impl ValidatorName {
    /// Most characters.
    pub const MAX: usize = 32;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not the name of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid name of a validator: expected 1 to 32 of the characters a to z, 0 to 9 and `-`")]
pub struct NameError;

impl FromStr for ValidatorName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let known = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let fits = (1..=Self::MAX).contains(&name.len()) && name.bytes().all(known);
        if fits { Ok(Self(name.to_owned())) } else { Err(NameError) }
    }
}

impl fmt::Display for ValidatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Encode for ValidatorName {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.0.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl Decode for ValidatorName {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u8()?;
        let name = core::str::from_utf8(r.take(length.into())?).ok().and_then(|name| name.parse().ok());
        name.ok_or(DecodeError::Invalid { what: "name of a validator" })
    }
}

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The key that signs votes and proposals.
    pub vote_key: PublicKey,
    /// The signature by which the holder of the vote key takes this link key and this name.
    pub possession: Signature,
    /// The key of its connections.
    pub link_key: LinkKey,
    /// Its share in every threshold.
    pub power: NonZeroU32,
    /// Its name.
    pub name: ValidatorName,
}

fields!(Validator { vote_key, possession, link_key, power, name });

impl Validator {
    /// Fewest bytes of an encoded validator.
    pub(crate) const LEAST_BYTES: usize = 32 + 64 + 32 + 4 + 1 + 1;
    /// Most bytes of an encoded validator.
    pub(crate) const MAX_BYTES: usize = Self::LEAST_BYTES - 1 + ValidatorName::MAX;

    /// The validator with this vote key, and its proof of possession.
    #[must_use]
    pub fn new(
        vote_key: &SecretScalar,
        link_key: LinkKey,
        power: NonZeroU32,
        name: ValidatorName,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let possession = sign(vote_key, &Self::possession_message(&link_key, &name), rng);
        Self { vote_key: PublicKey::of(vote_key), possession, link_key, power, name }
    }

    /// The message that the proof of possession signs.
    #[must_use]
    pub fn possession_message(link_key: &LinkKey, name: &ValidatorName) -> Vec<u8> {
        [tag::VALIDATOR.as_bytes(), link_key.as_bytes(), &name.to_bytes()].concat()
    }

    /// Whether the holder of the vote key took this link key and this name.
    #[must_use]
    pub fn is_possessed(&self) -> bool {
        self.possession.verifies(&self.vote_key, &Self::possession_message(&self.link_key, &self.name))
    }
}

impl Encode for NonZeroU32 {
    fn encode(&self, out: &mut Vec<u8>) {
        self.get().encode(out);
    }
}

impl Decode for NonZeroU32 {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(r.u32()?).ok_or(DecodeError::Invalid { what: "power of a validator: it is zero" })
    }
}
