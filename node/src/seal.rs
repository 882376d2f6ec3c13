//! Seals: the operator's key, under which this chain's blocks are signed, and the evidence that a height was
//! sealed twice.
//!
//! ```text
//! seal     = Schnorr signature under the operator's key over ("sotto/seal/v1" ‖ chain id ‖ header hash)
//! key file = "SKEY" ‖ version (1) ‖ secret scalar (32) ‖ check (32)
//! ```
//!
//! A [sealing engine](crate::sealing) decides when a block is sealed. A seal shows only that the operator
//! chose this block; every node that connects it checks every rule, the operator's too. Not guaranteed: that
//! the operator seals one block at a height. After an undo it may seal another; [`DoubleSeal`] is the
//! evidence, which the ledger keeps.

use crate::codec::{CHECK, Damage, checked, ends, tag};
use core::{fmt, num::NonZeroU32};
use rand_core::{CryptoRng, CryptoRngCore, RngCore};
use sotto_mw::{
    block::Header,
    chain::ChainId,
    codec::{Reader, VERSION},
    hash::tagged,
    history::History,
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    validators::{LinkKey, Validator, ValidatorName},
};

pub use sotto_mw::block::SealedHeader;

/// The secret key that seals: the operator's, or a validator's vote key.
pub struct OperatorKey(SecretScalar);

impl OperatorKey {
    /// A fresh key.
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(SecretScalar::random(rng))
    }

    /// The public key, as the genesis parameters name it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of(&self.0)
    }

    /// The key with this secret.
    #[must_use]
    pub const fn from_secret(secret: SecretScalar) -> Self {
        Self(secret)
    }

    /// The seal of a header. The caller must have judged the block.
    #[must_use]
    pub fn seal(&self, chain: &ChainId, header: &Header, mut rng: &mut dyn CryptoRngCore) -> Signature {
        sign(&self.0, &header.seal_message(chain), &mut rng)
    }

    /// The validator whose vote key this is.
    #[must_use]
    pub fn validator(
        &self,
        link_key: LinkKey,
        power: NonZeroU32,
        name: ValidatorName,
        mut rng: &mut dyn CryptoRngCore,
    ) -> Validator {
        Validator::new(&self.0, link_key, power, name, &mut rng)
    }

    /// The secret, for a consensus engine.
    #[must_use]
    pub fn vote_key(&self) -> SecretScalar {
        self.0.clone()
    }

    pub(crate) const fn secret(&self) -> &SecretScalar {
        &self.0
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorKey(…)")
    }
}

/// Two different headers of one height, both sealed: proof that the operator broke its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubleSeal {
    /// The header that is in the chain, if either is.
    pub first: SealedHeader,
    /// The other header.
    pub second: SealedHeader,
}

impl DoubleSeal {
    /// Whether both seals hold and the headers differ.
    #[must_use]
    pub fn holds(&self, history: &History) -> bool {
        let (a, b) = (&self.first, &self.second);
        a.header.height == b.header.height && a.header != b.header && history.holds(a) && history.holds(b)
    }
}

/// The key is not the one that the chain's parameters name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this operator key does not seal this chain: use the key that the chain was created with")]
pub struct ForeignKey;

/// Bytes of an operator's key file.
pub(crate) const OPERATOR_BYTES: usize = 4 + 1 + 32 + CHECK;

/// The key file of this secret scalar.
pub(crate) fn operator(secret: &[u8; 32]) -> zeroize::Zeroizing<Vec<u8>> {
    // One allocation, so that growing leaves no copy behind.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(OPERATOR_BYTES));
    [&b"SKEY"[..], &[VERSION], secret].iter().for_each(|part| bytes.extend_from_slice(part));
    let check = tagged(tag::OPERATOR, &[&[], &bytes]);
    bytes.extend_from_slice(check.as_bytes());
    bytes
}

/// The secret scalar's bytes of a key file.
pub(crate) fn read_operator(bytes: &[u8]) -> Result<zeroize::Zeroizing<[u8; 32]>, Damage> {
    let mut r = Reader::new(checked(tag::OPERATOR, &[], bytes)?);
    if r.take(4)? != b"SKEY" {
        return Err(Damage::Magic);
    }
    r.version()?;
    let secret = zeroize::Zeroizing::new(r.array()?);
    ends(&r).map(|()| secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::testing::TestChain;

    /// Two headers of one height that differ, each under its own seal, are evidence; anything less is not.
    #[test]
    fn evidence_is_two_headers_of_a_height_and_two_seals() {
        let mut test_chain = TestChain::new(50);
        (0..2).for_each(|_| drop(test_chain.grow(Vec::new())));
        let [first, next] = [0, 1].map(|n| SealedHeader::of(&test_chain.blocks()[n]));
        let header = Header { time: first.header.time + 1, ..first.header.clone() };
        let key = OperatorKey::from_secret(test_chain.operator().clone());
        let seal = key.seal(test_chain.chain().id(), &header, &mut rand_core::OsRng);
        let second = SealedHeader { header, seal: seal.into() };
        let history = History::new(test_chain.chain());
        let holds = |first: &SealedHeader, second: &SealedHeader| {
            DoubleSeal { first: first.clone(), second: second.clone() }.holds(&history)
        };
        assert!(holds(&first, &second) && holds(&second, &first));
        assert!(!holds(&first, &first), "the same header");
        assert!(!holds(&first, &next), "another height");
        let unsealed = SealedHeader { seal: first.seal.clone(), ..second.clone() };
        assert!(!holds(&first, &unsealed) && !holds(&unsealed, &first), "a seal that is another's");
    }
}
