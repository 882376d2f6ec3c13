//! FROST's two rounds over a group's keys (RFC 9591, sections 5.1 to 5.4), without letters.
//!
//! ```text
//! commit      member i: (d_i, e_i), shows D_i = d_i·G, E_i = e_i·G
//! package     message and the commitments of the set S
//! share       z_i = d_i + ρ_i·e_i + c·λ_i·s_i
//! aggregate   (R, Σ z_i), with R = Σ D_i + ρ_i·E_i
//! ```
//!
//! The signature is an ordinary Schnorr signature with the challenge of RFC 9591, section 6.2: nothing in it
//! tells that several members made it, or which.
#![deny(clippy::indexing_slicing)]

use core::fmt;
use std::collections::BTreeMap;

use frost_ristretto255 as frost;
use frost_ristretto255::Identifier;
use frost_ristretto255::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_ristretto255::round1::{self, NonceCommitment, SigningCommitments, SigningNonces};
use frost_ristretto255::round2::{self, SignatureShare};
use rand_core::{CryptoRng, RngCore};

use crate::codec::{DecodeError, Reader};
use crate::draft::Index;
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::share::Share;

/// A member's nonces for one signature. They are used up by it: there is no copy.
pub struct Nonces(SigningNonces);

impl Nonces {
    /// Draws nonces, and the commitment to show. They depend on the share and on `rng` (RFC 9591, 4.1).
    ///
    /// # Errors
    /// If there is no such key.
    pub fn generate(
        share: &Share,
        key: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, NonceCommitments), Fault> {
        let secret = share.secret(key).ok_or(Fault::OtherShare)?;
        let secret = SigningShare::deserialize(secret.expose().as_bytes()).map_err(|_| Fault::Unusable)?;
        let (nonces, commitments) = round1::commit(&secret, rng);
        Ok((Self(nonces), NonceCommitments(commitments)))
    }
}

/// Shows nothing.
impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(..)")
    }
}

/// What a member shows of its nonces: `D ‖ E` (64 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceCommitments(SigningCommitments);

impl NonceCommitments {
    pub(crate) fn put(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        for nonce in [self.0.hiding(), self.0.binding()] {
            out.extend_from_slice(&nonce.serialize().map_err(|_| Fault::Unusable)?);
        }
        Ok(())
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut nonce =
            || NonceCommitment::deserialize(r.take(32)?).map_err(|_| DecodeError::Value("a nonce"));
        Ok(Self(SigningCommitments::new(nonce()?, nonce()?)))
    }
}

/// A message and the members who sign it with one key of the group.
#[derive(Debug)]
pub struct Package<'e> {
    epoch: &'e Epoch,
    key: usize,
    set: Vec<Index>,
    package: frost::SigningPackage,
}

impl<'e> Package<'e> {
    /// A package for these members.
    #[must_use]
    pub fn new(
        epoch: &'e Epoch,
        key: usize,
        message: &[u8],
        commitments: &BTreeMap<Index, NonceCommitments>,
    ) -> Self {
        let by_identifier = commitments.iter().map(|(i, c)| (identifier(*i), c.0)).collect();
        let package = frost::SigningPackage::new(by_identifier, message);
        Self { epoch, key, set: commitments.keys().copied().collect(), package }
    }

    /// A member's share of the signature.
    ///
    /// # Errors
    /// If the share is not one of this epoch, fewer than t members sign, or this member's commitments in the
    /// package are not those of `nonces`.
    pub fn sign(&self, share: &Share, nonces: Nonces) -> Result<[u8; 32], Fault> {
        share.fits(self.epoch).map_err(|_| Fault::OtherShare)?;
        let secret = share.secret(self.key).ok_or(Fault::OtherShare)?;
        let secret = SigningShare::deserialize(secret.expose().as_bytes()).map_err(|_| Fault::Unusable)?;
        let key = KeyPackage::new(
            identifier(share.index()),
            secret,
            VerifyingShare::from(secret),
            self.verifying_key()?,
            self.epoch.draft().threshold().into(),
        );
        let signed = round2::sign(&self.package, &nonces.0, &key).map_err(|_| Fault::NoPart)?;
        signed.serialize().try_into().map_err(|_| Fault::Unusable)
    }

    /// The signature `R ‖ z`, if every share holds.
    ///
    /// # Errors
    /// [`Fault::SignatureShare`] names the first member whose share is false.
    pub fn aggregate(&self, shares: &BTreeMap<Index, [u8; 32]>) -> Result<[u8; 64], Fault> {
        let mut by_identifier = BTreeMap::new();
        for (i, share) in shares {
            let share = SignatureShare::deserialize(share).map_err(|_| Fault::SignatureShare(*i))?;
            by_identifier.insert(identifier(*i), share);
        }
        let signature = frost::aggregate(&self.package, &by_identifier, &self.public()?);
        let signature = signature.map_err(|e| {
            let culprit = e.culprits().first().and_then(|c| self.set.iter().find(|i| identifier(**i) == *c));
            culprit.map_or(Fault::NoPart, |i| Fault::SignatureShare(*i))
        })?;
        let bytes = signature.serialize().map_err(|_| Fault::Unusable)?;
        bytes.try_into().map_err(|_| Fault::Unusable)
    }

    fn verifying_key(&self) -> Result<frost::VerifyingKey, Fault> {
        let key = self.epoch.public_key(self.key).ok_or(Fault::OtherShare)?;
        frost::VerifyingKey::deserialize(&key).map_err(|_| Fault::Unusable)
    }

    fn public(&self) -> Result<PublicKeyPackage, Fault> {
        let mut shares = BTreeMap::new();
        for i in &self.set {
            let y = self.epoch.verifying_share(self.key, *i).ok_or(Fault::OtherShare)?;
            let y = VerifyingShare::deserialize(y.compress().as_bytes()).map_err(|_| Fault::Unusable)?;
            shares.insert(identifier(*i), y);
        }
        let t = self.epoch.draft().threshold().into();
        Ok(PublicKeyPackage::new(shares, self.verifying_key()?, Some(t)))
    }
}

/// Whether this is a signature of `message` under a key.
#[must_use]
pub fn verifies(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = frost::VerifyingKey::deserialize(public_key);
    let signature = frost::Signature::deserialize(signature);
    key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
}

/// A member as FROST names it. An index is never zero, the only number that has no identifier.
pub(crate) fn identifier(index: Index) -> Identifier {
    let mut bytes = [0; 32];
    bytes.iter_mut().take(1).for_each(|low| *low = index.get());
    Identifier::deserialize(&bytes).unwrap_or_else(|_| unreachable!("an index is not zero"))
}
