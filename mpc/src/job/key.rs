//! Who a party is: an Ed25519 key that signs, and a hybrid key that others seal to.
//!
//! Both secret keys come from one seed of 32 bytes, each under its own derivation, so a party keeps one secret. The public half
//! travels as one line of text with a checksum; jobs name it, and nothing else tells who somebody is: no certificates, no
//! authority, no expiry.
//!
//! ```text
//! text         "sotto-party-1:" ‖ hex of (signing [32] ‖ sealing [1216] ‖ check [4])
//! fingerprint  first 16 digits of the hash of both keys: to be compared over the telephone
//! ```
//!
//! Signatures are Ed25519 (RFC 8032), verified strictly; keys of small order are refused. A signed text begins with what it is.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hash::{Digest, Purpose, from_hex, hash, to_hex};
use crate::wire::WireError;
use crate::wire::codec::{Reader, Wire};

/// Bytes of a sealing key: X-Wing, that is ML-KEM-768 and X25519.
const SEALING: usize = 1216;
const SIGNING: usize = 32;
const PREFIX: &str = "sotto-party-1:";

/// A party's public keys.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    signing: VerifyingKey,
    sealing: Box<<XWing as Kem>::PublicKey>,
}

/// What is signed; its words begin the signed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Consent,
    Manifest,
    Receipt,
}

impl Signed {
    const fn words(self) -> &'static [u8] {
        match self {
            Self::Consent => b"sotto consent v2\0",
            Self::Manifest => b"sotto manifest v1\0",
            Self::Receipt => b"sotto receipt v1\0",
        }
    }
}

/// Why a text is no party's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not begin as keys do, or is cut.
    #[error("this is no party key: it begins with `{PREFIX}` and has 2,504 digits more")]
    Form,
    /// A digit was mistyped.
    #[error("the party key was altered: its checksum does not fit")]
    Checksum,
    /// The bytes are no usable keys.
    #[error("the party key is no usable key")]
    Unusable,
}

impl PublicKey {
    const BYTES: usize = SIGNING + SEALING;

    /// The key of its text form.
    ///
    /// # Errors
    /// If it is none, or was altered.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(KeyError::Form)?;
        let mut bytes = [0; Self::BYTES + 4];
        from_hex(digits, &mut bytes).ok_or(KeyError::Form)?;
        let (key, check) = bytes.split_at(Self::BYTES);
        let Digest(expected) = hash(Purpose::Fingerprint, &[key]);
        if !expected.starts_with(check) {
            return Err(KeyError::Checksum);
        }
        Self::from_bytes_alone(key).ok_or(KeyError::Unusable)
    }

    /// The key as one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let key = self.to_bytes_alone();
        let Digest([a, b, c, d, ..]) = hash(Purpose::Fingerprint, &[&key]);
        format!("{PREFIX}{}{}", to_hex(&key), to_hex(&[a, b, c, d]))
    }

    /// Sixteen digits that tell this key from others when compared by people.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digits = hash(Purpose::Fingerprint, &[&self.to_bytes_alone()]).short();
        let groups: Vec<&str> = (0..4).filter_map(|i| digits.get(4 * i..4 * i + 4)).collect();
        groups.join("-")
    }

    /// The Ed25519 key, by which the other end of a connection is known.
    #[must_use]
    pub fn signing_bytes(&self) -> [u8; 32] {
        self.signing.to_bytes()
    }

    pub(super) fn sealing(&self) -> &<XWing as Kem>::PublicKey {
        &self.sealing
    }

    /// Whether this key signed `text`.
    pub(crate) fn verify(&self, what: Signed, text: &[u8], signature: &[u8; 64]) -> bool {
        let text = [what.words(), text].concat();
        self.signing.verify_strict(&text, &Signature::from_bytes(signature)).is_ok()
    }

    fn to_bytes_alone(&self) -> Vec<u8> {
        [&self.signing.to_bytes()[..], &self.sealing.to_bytes()].concat()
    }

    fn from_bytes_alone(bytes: &[u8]) -> Option<Self> {
        let (signing, sealing) = bytes.split_first_chunk()?;
        let signing = VerifyingKey::from_bytes(signing).ok().filter(|key| !key.is_weak())?;
        let sealing = Deserializable::from_bytes(sealing).ok()?;
        Some(Self { signing, sealing: Box::new(sealing) })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

impl Wire for PublicKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes_alone());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::from_bytes_alone(r.take(Self::BYTES)?).ok_or(WireError::Value("a party's key"))
    }
}

/// A party's secret: all its keys come from it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Identity {
    seed: [u8; 32],
}

impl Identity {
    /// A fresh identity.
    #[must_use]
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut identity = Self { seed: [0; 32] };
        rng.fill_bytes(&mut identity.seed);
        identity
    }

    /// The identity of its secret text.
    #[must_use]
    pub fn from_secret_text(text: &str) -> Option<Self> {
        let mut identity = Self { seed: [0; 32] };
        from_hex(text.trim().strip_prefix("sotto-secret-1:")?, &mut identity.seed)?;
        Some(identity)
    }

    /// The secret as one line, for a file that nobody else can read.
    #[must_use]
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("sotto-secret-1:{}\n", *Zeroizing::new(to_hex(&self.seed))))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let sealing = Box::new(XWing::sk_to_pk(&self.sealing()));
        PublicKey { signing: self.signing().verifying_key(), sealing }
    }

    /// The seed of the Ed25519 key, by which this end of a connection proves itself.
    #[must_use]
    pub fn signing_seed(&self) -> Zeroizing<[u8; 32]> {
        self.derive(Purpose::Signing)
    }

    pub(crate) fn sign(&self, what: Signed, text: &[u8]) -> [u8; 64] {
        self.signing().sign(&[what.words(), text].concat()).to_bytes()
    }

    pub(super) fn sealing(&self) -> <XWing as Kem>::PrivateKey {
        let (key, _) = XWing::derive_keypair(&*self.derive(Purpose::Sealing));
        key
    }

    /// The key under which this owner names its data sets.
    pub(super) fn data_set_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(Purpose::Ledger)
    }

    fn signing(&self) -> SigningKey {
        SigningKey::from_bytes(&self.signing_seed())
    }

    fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hash(purpose, &[&self.seed]).0)
    }
}

/// Shows nothing.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn identity(seed: u64) -> Identity {
        Identity::random(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    #[test]
    fn keys_survive_their_text_and_altered_text_is_refused() {
        let key = identity(1).public();
        let text = key.to_text();
        assert_eq!(PublicKey::from_text(&format!("{text}\n")), Ok(key));
        assert_eq!(PublicKey::from_text(&text[1..]), Err(KeyError::Form));
        assert_eq!(PublicKey::from_text(&text[..text.len() - 2]), Err(KeyError::Form));
        let altered = text.replacen(":", ":0", 1).chars().take(text.len()).collect::<String>();
        assert_eq!(PublicKey::from_text(&altered), Err(KeyError::Checksum));
        let secret = identity(1).to_secret_text();
        assert_eq!(Identity::from_secret_text(&secret).unwrap().public(), identity(1).public());
        assert!(Identity::from_secret_text("sotto-secret-1:00").is_none());
        assert_eq!(format!("{:?}", identity(1)), "Identity(..)");
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mut bytes = identity(1).public().to_bytes_alone();
        bytes[..32].copy_from_slice(&[0; 32]);
        bytes[0] = 1; // the identity point
        assert_eq!(PublicKey::from_bytes_alone(&bytes), None);
    }

    #[test]
    fn signatures_hold_for_key_kind_and_text() {
        let (ours, other) = (identity(1), identity(2));
        let signature = ours.sign(Signed::Consent, b"text");
        assert!(ours.public().verify(Signed::Consent, b"text", &signature));
        assert!(!ours.public().verify(Signed::Consent, b"texT", &signature));
        assert!(!ours.public().verify(Signed::Manifest, b"text", &signature));
        assert!(!other.public().verify(Signed::Consent, b"text", &signature));
    }
}
