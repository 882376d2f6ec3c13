//! The three letters of a settlement, and their bytes.
//!
//! ```text
//! claims   "sotto sale claims v1\0" ‖ job [32] ‖ run id [32] ‖ T [32] ‖ last height u64 ‖ claims: payee u16 ‖ bytes…
//! go       "sotto sale go v1\0" ‖ job ‖ run id ‖ T ‖ last height u64 ‖ hash of the claims [32] ‖ payee u16 ‖ signature [64]
//! secret   "sotto sale secret v1\0" ‖ job ‖ run id ‖ place of the compute party u8 ‖ to u16 ‖ t_c, encrypted
//! ```

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::sold::{SaleError, Sold};
use crate::codec::{Bytes, Codec, DecodeError, record};
use crate::hash::{Digest, Purpose, hash};
use crate::job::PartyId;
use crate::lock::{LockPoint, LockSecret, Place};
use sotto_party::encryption::{OVERHEAD, decrypt, encrypt};
use sotto_party::{Context, Identity};

const CLAIMS: &str = "sotto sale claims v1\0";
const GO: &str = "sotto sale go v1\0";
const SECRET: &str = "sotto sale secret v1\0";
/// What a signature of a go is for.
const SIGNATURE: Context = Context::new("sotto sale go v1");
/// What an encrypted secret is for.
const ENCRYPTED: Context = Context::new("sotto sale secret v1");
/// Longest claim, in bytes.
const MAX_CLAIM: usize = 512;

/// A payee's claim, without the secret that completes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayeeClaim {
    /// Whose.
    pub payee: PartyId,
    /// As the ledger writes it.
    pub claim: Bytes,
}
record!(PayeeClaim { payee, claim });

/// What the buyer sends to all payees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSet {
    /// Of which job.
    pub job: Digest,
    /// Of which run.
    pub run_id: Digest,
    /// T.
    pub lock: LockPoint,
    /// The least of the claims' last heights.
    pub until: u64,
    /// One of each payee, in the job's order.
    pub claims: Vec<PayeeClaim>,
}
record!(ClaimSet { job, run_id, lock, until, claims });

/// A payee's consent that the secrets leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Go {
    /// Of which job.
    pub job: Digest,
    /// Of which run.
    pub run_id: Digest,
    /// T.
    pub lock: LockPoint,
    /// The least of the claims' last heights.
    pub until: u64,
    /// The hash of all claims.
    pub claims: Digest,
    /// Who consents.
    pub payee: PartyId,
    signature: [u8; 64],
}
record!(Go { job, run_id, lock, until, claims, payee, signature });

/// A compute party's part of the secret of a lock.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Whose.
    pub place: Place,
    /// t_c.
    pub secret: &'a LockSecret,
}

/// A compute party's secret, encrypted to a payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedSecret {
    /// Of which job.
    pub job: Digest,
    /// Of which run.
    pub run_id: Digest,
    /// Whose secret.
    pub place: Place,
    /// To whom it is encrypted.
    pub to: PartyId,
    encrypted: Bytes,
}
record!(EncryptedSecret { job, run_id, place, to, encrypted });

impl ClaimSet {
    /// The hash that a go names.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash(Purpose::SaleClaims, &[&self.to_bytes()])
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(CLAIMS)
    }

    /// The letter of these bytes.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let set = Self::from_prefixed(CLAIMS, bytes)?;
        let long = set.claims.iter().any(|claim| claim.claim.0.len() > MAX_CLAIM);
        if long { Err(DecodeError::Value("a claim")) } else { Ok(set) }
    }
}

impl Go {
    /// Signs the consent of a payee to these claims.
    #[must_use]
    pub fn sign(set: &ClaimSet, payee: PartyId, identity: &Identity) -> Self {
        let ClaimSet { job, run_id, lock, until, .. } = *set;
        let mut go = Self { job, run_id, lock, until, claims: set.digest(), payee, signature: [0; 64] };
        go.signature = identity.sign(SIGNATURE, &go.signed());
        go
    }

    fn signed(&self) -> Vec<u8> {
        let mut text = self.to_prefixed("");
        text.truncate(text.len() - 64);
        text
    }

    /// Whether a payee of this sale signed it.
    ///
    /// # Errors
    /// If it is about another sale, or not signed by a payee.
    pub fn check(&self, sold: &Sold<'_>) -> Result<(), SaleError> {
        sold.names(self.job, self.run_id)?;
        if self.lock != sold.lock().point() {
            return Err(SaleError::OtherSale);
        }
        if sold.sale().payee(self.payee).is_none() {
            return Err(SaleError::Stranger);
        }
        let key = &sold.job().party(self.payee).key;
        if key.verify(SIGNATURE, &self.signed(), &self.signature) { Ok(()) } else { Err(SaleError::Stranger) }
    }

    /// Whether two payees consent to the same.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        (self.until, self.claims) == (other.until, other.claims)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(GO)
    }

    /// The letter of these bytes.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_prefixed(GO, bytes)
    }
}

impl EncryptedSecret {
    fn place(&self) -> Vec<u8> {
        let mut bytes = self.run_id.0.to_vec();
        self.job.encode(&mut bytes);
        self.place.encode(&mut bytes);
        self.to.encode(&mut bytes);
        bytes
    }

    /// Encrypts the secret of the compute party in a place to a payee; `None` if its key cannot be used.
    #[must_use]
    pub fn encrypt(
        sold: &Sold<'_>,
        Part { place, secret }: Part<'_>,
        to: PartyId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let (job, run_id) = (sold.job().id(), sold.lock().run_id());
        let mut letter = Self { job, run_id, place, to, encrypted: Bytes(Vec::new()) };
        let key = &sold.job().party(to).key;
        letter.encrypted = Bytes(encrypt(ENCRYPTED.at(&letter.place()), key, &*secret.to_bytes(), rng)?);
        Some(letter)
    }

    /// The secret, if it is encrypted to this payee and is that of the compute party.
    ///
    /// # Errors
    /// If it is about another sale, or not that secret.
    pub fn open(&self, sold: &Sold<'_>, identity: &Identity) -> Result<LockSecret, SaleError> {
        sold.names(self.job, self.run_id)?;
        let wrong = SaleError::Secret(self.place.as_str());
        let bytes = decrypt(ENCRYPTED.at(&self.place()), identity, &self.encrypted.0).ok_or(wrong.clone())?;
        let bytes = <[u8; 32]>::try_from(&bytes[..]).map(Zeroizing::new).map_err(|_| wrong.clone())?;
        let secret = LockSecret::from_bytes(&bytes);
        secret.filter(|secret| secret.is_of(sold.lock().point_of(self.place))).ok_or(wrong)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(SECRET)
    }

    /// The letter of these bytes.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let letter = Self::from_prefixed(SECRET, bytes)?;
        let fits = letter.encrypted.0.len() == OVERHEAD + 32;
        if fits { Ok(letter) } else { Err(DecodeError::Value("an encrypted secret")) }
    }
}
