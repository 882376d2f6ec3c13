//! What an owner wants for the use of its data, open or confidential.

use rand_core::{CryptoRng, RngCore};

use crate::codec::{Codec, DecodeError, Reader, record};
use crate::hash::{Digest, Purpose, hash};
use crate::text::Text;
use sotto_party::encryption::{decrypt, encrypt};
use sotto_party::hex::{from_hex, to_hex};
use sotto_party::{Context, Identity, PublicKey};

/// An address of a ledger, as text.
pub type Address = Text<500>;

/// What terms that are encrypted to a buyer are for.
const TERMS: Context = Context::new("sotto offer terms v1");
const PREFIX: &str = "sotto-offer-terms-1:";

/// The price of one run, and where it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedTerms {
    /// Hides price and address under the hash.
    pub salt: [u8; 32],
    /// For the result: paid if and only if it can be opened. In base units.
    pub price: u64,
    /// For beginning, in base units: paid with the funding of the hold, whatever comes of the run. Zero for none.
    pub start_fee: u64,
    /// The owner's.
    pub address: Address,
}
record!(OpenedTerms { salt, price, start_fee, address });

/// The terms of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Everybody reads them.
    Open(OpenedTerms),
    /// Their hash; the owner opens them to a buyer.
    Confidential(Digest),
}

impl OpenedTerms {
    /// Terms under a fresh salt.
    #[must_use]
    pub fn new(price: u64, start_fee: u64, address: Address, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self { salt, price, start_fee, address }
    }

    /// The hash by which a job names them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash(Purpose::OfferTerms, &[&self.to_prefixed("")])
    }
}

impl Terms {
    /// The hash by which a job names them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Open(terms) => terms.digest(),
            Self::Confidential(digest) => *digest,
        }
    }
}

/// Confidential terms, encrypted to a buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedTerms(Vec<u8>);

impl EncryptedTerms {
    /// Encrypts the terms of an offer to a buyer; `None` if its key cannot be used.
    #[must_use]
    pub fn encrypt(
        terms: &OpenedTerms,
        offer: &Digest,
        buyer: &PublicKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        encrypt(TERMS.at(&offer.0), buyer, &terms.to_prefixed(""), rng).map(Self)
    }

    /// The terms, if they are encrypted to this buyer and are those of the offer, whose terms have this hash.
    #[must_use]
    pub fn open(&self, offer: &Digest, terms: &Digest, buyer: &Identity) -> Option<OpenedTerms> {
        let bytes = decrypt(TERMS.at(&offer.0), buyer, &self.0)?;
        OpenedTerms::from_prefixed("", &bytes).ok().filter(|opened| opened.digest() == *terms)
    }

    /// The encrypted terms of one line of text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(PREFIX)?;
        let mut bytes = vec![0; digits.len() / 2];
        from_hex(digits, &mut bytes).map(|()| Self(bytes))
    }

    /// As one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}\n", to_hex(&self.0))
    }
}

impl Codec for Terms {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open(terms) => (out.push(0), terms.encode(out)).1,
            Self::Confidential(digest) => (out.push(1), digest.encode(out)).1,
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(r)? {
            0 => Codec::decode(r).map(Self::Open),
            1 => Codec::decode(r).map(Self::Confidential),
            _ => Err(DecodeError::Value("terms of an offer")),
        }
    }
}
