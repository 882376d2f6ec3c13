//! Offers: what an owner sells the use of its data for, signed by its party key.
//!
//! ```text
//! offer      owner's keys ‖ schema ‖ data set ‖ circuits ‖ purposes ‖ least rows ‖ rows ‖ receivers ‖ computers ‖ evidence
//!            ‖ terms ‖ chain ‖ runs ‖ expiry ‖ nonce ‖ Ed25519 signature over "sotto offer v1\0" and all before it
//! terms      0 ‖ salt, price, start fee, address          open to everybody
//!            1 ‖ hash of them                             confidential: a text for the buyer alone opens them
//! data set   hash of (nonce, the owner's hash of its rows)
//! ```
//!
//! An offer is about the data, not about one job: a job is within it if the job asks for no more
//! ([`Offer::check`]). Both the owner and the buyer check that, the owner before it signs the job and again before it
//! runs it. A job names an offer by its hash and its terms by theirs, so neither changes after parties have signed.
//!
//! **Guaranteed.** Who does not know the salt learns nothing of confidential terms from their hash. **Not guaranteed.** That
//! the rows mean what the schema says: an owner can offer rows that it made up.

mod check;
mod error;
mod terms;

pub use error::OfferError;
pub use terms::{Address, EncryptedTerms, OpenedTerms, Terms};

use rand_core::{CryptoRng, RngCore};

use crate::budget::DataSet;
use crate::codec::{Codec, DecodeError, Reader, record};
use crate::hash::{Digest, Purpose, hash};
use crate::text::Prose;
use sotto_party::hex::{from_hex, to_hex};
use sotto_party::{Context, Identity, PublicKey};

/// What a signature of an offer is for.
const SIGNATURE: Context = Context::new("sotto offer v1");
/// What a signature under a revocation is for.
const REVOCATION: Context = Context::new("sotto offer revocation v1");
const PREFIX: &str = "sotto-offer-1:";
const REVOKED: &str = "sotto-offer-revoked-1:";

/// Longest text of an offer, in bytes.
pub const MAX_OFFER: u64 = 1 << 18;
/// Most entries of a list of an offer.
const MAX_LIST: usize = 64;

/// What an owner allows, and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// How a job may read the data ([`Job::schema_of`](crate::Job::schema_of)).
    pub schema: Digest,
    /// Which rows: [`DataSet::offered`](crate::budget::DataSet::offered).
    pub data_set: Digest,
    /// Hashes of circuits.
    pub circuits: Vec<Digest>,
    /// Purposes, word for word.
    pub purposes: Vec<Prose>,
    /// Fewest rows of a table that enter a computation together.
    pub minimum_rows: u64,
    /// How many rows there are.
    pub rows: u64,
    /// Keys of those who may learn an output, beside the owner.
    pub receivers: Vec<Digest>,
    /// Keys of those who may compute.
    pub computers: Vec<Digest>,
    /// Hashes of policies, under one of which each compute party shows evidence; empty: none is asked.
    pub evidence: Vec<Digest>,
    /// Price and address.
    pub terms: Terms,
    /// The ledger on which it is paid.
    pub chain: Digest,
    /// How many jobs of one run each it is good for.
    pub runs: u32,
    /// When it ends: seconds since 1970. No job expires later.
    pub expiry: u64,
}
record!(Allowed {
    schema,
    data_set,
    circuits,
    purposes,
    minimum_rows,
    rows,
    receivers,
    computers,
    evidence,
    terms,
    chain,
    runs,
    expiry
});

/// A signed offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    owner: PublicKey,
    allowed: Allowed,
    nonce: [u8; 32],
    signature: [u8; 64],
}
record!(Offer { owner, allowed, nonce, signature });

/// The rows and the randomness of an offer in the making: the nonce hides the rows.
pub struct OfferedRows<'a> {
    /// The rows, as the owner's log names them.
    pub data_set: &'a DataSet,
    /// How many.
    pub rows: u64,
}

impl Offer {
    /// Signs an offer of these rows; `allowed` says everything else.
    #[must_use]
    pub fn sign(
        mut allowed: Allowed,
        rows: &OfferedRows<'_>,
        identity: &Identity,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        (allowed.data_set, allowed.rows) = (rows.data_set.offered(&nonce), rows.rows);
        let mut offer = Self { owner: identity.public(), allowed, nonce, signature: [0; 64] };
        offer.signature = identity.sign(SIGNATURE, &offer.signed());
        offer
    }

    fn signed(&self) -> Vec<u8> {
        let mut text = self.to_prefixed("");
        text.truncate(text.len() - 64);
        text
    }

    /// The offer of a text, whose signature holds.
    ///
    /// # Errors
    /// If it is none, or was altered.
    pub fn from_text(text: &str) -> Result<Self, DecodeError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(DecodeError::Foreign(PREFIX))?;
        let mut bytes = vec![0; digits.len() / 2];
        from_hex(digits, &mut bytes).ok_or(DecodeError::Value("an offer"))?;
        Self::from_bytes(&bytes)
    }

    /// The offer of its canonical encoding, whose signature holds.
    ///
    /// # Errors
    /// If it is none, or was altered.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let offer: Self = reader.last()?;
        let Allowed { circuits, purposes, receivers, computers, evidence, .. } = &offer.allowed;
        let lists = [circuits.len(), purposes.len(), receivers.len(), computers.len(), evidence.len()];
        if lists.iter().any(|length| *length > MAX_LIST) {
            return Err(DecodeError::Value("a list of an offer"));
        }
        let is_signed = offer.owner.verify(SIGNATURE, &offer.signed(), &offer.signature);
        if is_signed { Ok(offer) } else { Err(DecodeError::Value("the signature of an offer")) }
    }

    /// The offer as one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}\n", to_hex(&self.to_bytes()))
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed("")
    }

    /// The hash by which a job names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash(Purpose::Offer, &[&self.to_bytes()])
    }

    /// Who offers.
    #[must_use]
    pub const fn owner(&self) -> &PublicKey {
        &self.owner
    }

    /// What it allows.
    #[must_use]
    pub const fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Whether these are the offered rows; only their owner can tell.
    #[must_use]
    pub fn is_of(&self, rows: &DataSet) -> bool {
        rows.offered(&self.nonce) == self.allowed.data_set
    }

    /// The owner's statement that the offer holds no longer, as one line of text.
    ///
    /// # Errors
    /// If it is another party's offer.
    pub fn revoke(&self, identity: &Identity) -> Result<String, OfferError> {
        if identity.public() != self.owner {
            return Err(OfferError::Owner);
        }
        let digest = self.digest();
        let signature = identity.sign(REVOCATION, &digest.0);
        Ok(format!("{REVOKED}{}{}\n", to_hex(&digest.0), to_hex(&signature)))
    }

    /// Whether a text is the owner's statement that this offer holds no longer.
    #[must_use]
    pub fn is_revoked_by(&self, text: &str) -> bool {
        let mut bytes = [0; 96];
        let digits = text.trim().strip_prefix(REVOKED);
        let Some((digest, signature)) = digits
            .and_then(|digits| from_hex(digits, &mut bytes))
            .and_then(|()| bytes.split_first_chunk::<32>())
        else {
            return false;
        };
        let signature = <&[u8; 64]>::try_from(signature);
        *digest == self.digest().0
            && signature.is_ok_and(|signature| self.owner.verify(REVOCATION, digest, signature))
    }
}
