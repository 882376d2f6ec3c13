//! Identities: an Ed25519 key pair that signs, and a hybrid key pair that others encrypt to.
//!
//! Both secret keys are derived from one seed of 32 bytes, each under its own context, so a party keeps one
//! secret. The public key is one line of text with a checksum. There are no certificates, no authority and no
//! expiry: people exchange keys once and compare fingerprints.
//!
//! ```text
//! text         "sotto-party-1:" ‖ hex of (signing key [32] ‖ encryption key [1216] ‖ check [4])
//! digest       hash of both keys: what programs compare
//! fingerprint  its first 32 digits, in groups of four: what people compare
//! ```
//!
//! Signatures are Ed25519 (RFC 8032), verified strictly; keys of small order are refused.
//!
//! ```
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! use sotto_party::{Identity, KeyError, PublicKey};
//!
//! let identity = Identity::random(&mut ChaCha20Rng::seed_from_u64(7));
//!
//! // The secret is kept in a file that only its owner may read.
//! let again = Identity::from_secret_text(&identity.to_secret_text()).expect("the text of a secret");
//! assert_eq!(again.public(), identity.public());
//!
//! // A mistyped public key is noticed.
//! let mistyped = identity.public().to_text().replacen(":", ":0", 1);
//! assert_eq!(PublicKey::from_text(&mistyped), Err(KeyError::Form));
//! ```

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::hash::hash;
use crate::hex::{from_hex, to_hex};

/// Bytes of an encryption key: X-Wing, which is ML-KEM-768 and X25519.
const ENCRYPTION: usize = 1216;
const SIGNING: usize = 32;
const PREFIX: &str = "sotto-party-1:";

/// A party's public keys.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    signing: VerifyingKey,
    encryption: Box<<XWing as Kem>::PublicKey>,
}

/// Contexts under which this crate hashes.
const FINGERPRINT: &str = "sotto mpc fingerprint v1";
const SIGNING_KEY: &str = "sotto mpc identity signing key v1";
const ENCRYPTION_KEY: &str = "sotto mpc identity sealing key v1";

/// What a signature or a ciphertext is for, such as `sotto receipt v1`: it begins the signed text, and it is
/// bound into the ciphertext. A signature made under one context does not verify under another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context(&'static str);

impl Context {
    /// The context of this name, which should say whose it is, what it is for, and in which version.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// A place within this context.
    #[must_use]
    pub const fn at(self, bytes: &[u8]) -> Place<'_> {
        Place { context: self, bytes }
    }

    /// The name and a zero byte, then `text`.
    pub(crate) fn before(self, text: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), b"\0", text].concat()
    }
}

/// The only place where a ciphertext opens: a context, and bytes that name the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    context: Context,
    bytes: &'a [u8],
}

impl Place<'_> {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        self.context.before(self.bytes)
    }
}

/// Why a text is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The prefix or the length is wrong.
    #[error("invalid party key: expected `{PREFIX}` and 2,504 hexadecimal digits")]
    Form,
    /// The checksum differs: a digit was mistyped.
    #[error("invalid party key: the checksum does not match, so the text was altered")]
    Checksum,
    /// One of the two keys cannot be used.
    #[error("invalid party key: one of its two keys cannot be used")]
    Unusable,
}

impl PublicKey {
    /// Bytes of both keys.
    pub const BYTES: usize = SIGNING + ENCRYPTION;

    /// Parses the text form.
    ///
    /// # Errors
    /// [`KeyError`] if the text is not a key, or was altered.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(KeyError::Form)?;
        let mut bytes = [0; Self::BYTES + 4];
        from_hex(digits, &mut bytes).ok_or(KeyError::Form)?;
        let (key, check) = bytes.split_at(Self::BYTES);
        if !hash(FINGERPRINT, &[key]).starts_with(check) {
            return Err(KeyError::Checksum);
        }
        Self::from_bytes(key).ok_or(KeyError::Unusable)
    }

    /// The key as one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let key = self.to_bytes();
        let [a, b, c, d, ..] = hash(FINGERPRINT, &[&key]);
        format!("{PREFIX}{}{}", to_hex(&key), to_hex(&[a, b, c, d]))
    }

    /// The hash of both keys, which stands for the party where a program decides.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        hash(FINGERPRINT, &[&self.to_bytes()])
    }

    /// The first 128 bits of the [`digest`](Self::digest) for people to compare: 32 digits in groups of four.
    /// To find another key with the same fingerprint takes 2¹²⁸ tries.
    ///
    /// ```
    /// use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    /// let key = sotto_party::Identity::random(&mut ChaCha20Rng::seed_from_u64(7)).public();
    /// assert_eq!(key.fingerprint().len(), "0123-4567-89ab-cdef-0123-4567-89ab-cdef".len());
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Self::fingerprint_of(&self.digest())
    }

    /// The fingerprint of the key with this [`digest`](Self::digest).
    #[must_use]
    pub fn fingerprint_of(digest: &[u8; 32]) -> String {
        let digits = to_hex(digest);
        let groups: Vec<&str> = (0..8).filter_map(|i| digits.get(4 * i..4 * i + 4)).collect();
        groups.join("-")
    }

    /// The Ed25519 key, which identifies the party on encrypted channels.
    #[must_use]
    pub fn signing_bytes(&self) -> [u8; 32] {
        self.signing.to_bytes()
    }

    pub(crate) fn encryption(&self) -> &<XWing as Kem>::PublicKey {
        &self.encryption
    }

    /// Whether the holder of this key signed `text` under `context`.
    #[must_use]
    pub fn verify(&self, context: Context, text: &[u8], signature: &[u8; 64]) -> bool {
        self.signing.verify_strict(&context.before(text), &Signature::from_bytes(signature)).is_ok()
    }

    /// Both keys, signing key first: [`BYTES`](Self::BYTES) bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.signing.to_bytes()[..], &self.encryption.to_bytes()].concat()
    }

    /// The keys of these bytes; `None` unless both are usable.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (signing, encryption) = bytes.split_first_chunk()?;
        let signing = VerifyingKey::from_bytes(signing).ok().filter(|key| !key.is_weak())?;
        let encryption = Deserializable::from_bytes(encryption).ok()?;
        Some(Self { signing, encryption: Box::new(encryption) })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// A party's secret, from which all its keys are derived.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Identity {
    seed: [u8; 32],
}

impl Identity {
    /// Draws a fresh identity.
    #[must_use]
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut identity = Self { seed: [0; 32] };
        rng.fill_bytes(&mut identity.seed);
        identity
    }

    /// Parses the secret text.
    #[must_use]
    pub fn from_secret_text(text: &str) -> Option<Self> {
        let mut identity = Self { seed: [0; 32] };
        from_hex(text.trim().strip_prefix("sotto-secret-1:")?, &mut identity.seed)?;
        Some(identity)
    }

    /// The secret as one line, for a file that only its owner may read.
    #[must_use]
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("sotto-secret-1:{}\n", *Zeroizing::new(to_hex(&self.seed))))
    }

    /// The public keys.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let encryption = Box::new(XWing::sk_to_pk(&self.encryption()));
        PublicKey { signing: self.signing().verifying_key(), encryption }
    }

    /// The seed of the Ed25519 key, with which the party authenticates encrypted channels.
    #[must_use]
    pub fn signing_seed(&self) -> Zeroizing<[u8; 32]> {
        self.derive(SIGNING_KEY)
    }

    /// A signature over `text` under `context`.
    #[must_use]
    pub fn sign(&self, context: Context, text: &[u8]) -> [u8; 64] {
        self.signing().sign(&context.before(text)).to_bytes()
    }

    pub(crate) fn encryption(&self) -> <XWing as Kem>::PrivateKey {
        let (key, _) = XWing::derive_keypair(&*self.derive(ENCRYPTION_KEY));
        key
    }

    fn signing(&self) -> SigningKey {
        SigningKey::from_bytes(&self.signing_seed())
    }

    /// Derives a further secret key from the seed, under the caller's `context`.
    #[must_use]
    pub fn derive(&self, context: &'static str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hash(context, &[&self.seed]))
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

    const CONSENT: Context = Context::new("sotto consent v2");
    const RECEIPT: Context = Context::new("sotto receipt v1");

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
        let mut bytes = identity(1).public().to_bytes();
        bytes[..32].copy_from_slice(&[0; 32]);
        bytes[0] = 1; // the identity point
        assert_eq!(PublicKey::from_bytes(&bytes), None);
    }

    #[test]
    fn signatures_hold_for_key_kind_and_text() {
        let (ours, other) = (identity(1), identity(2));
        let signature = ours.sign(CONSENT, b"text");
        assert!(ours.public().verify(CONSENT, b"text", &signature));
        assert!(!ours.public().verify(CONSENT, b"texT", &signature));
        assert!(!ours.public().verify(RECEIPT, b"text", &signature));
        assert!(!other.public().verify(CONSENT, b"text", &signature));
    }
}
