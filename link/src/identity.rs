//! A party's identity: an Ed25519 key pair (RFC 8032).
//!
//! ```text
//! peer key    bech32m("sottokey", public key (32))       given to others, who pin it
//! identity    bech32m("sottosecret", seed (32))          kept in a file of mode 0600
//! signature   Ed25519(tag ‖ 0 ‖ message)
//! ```
//!
//! The checksum detects up to three wrong characters (BIP-350). Every use of a key signs under its own tag.
//! No tag begins with a space, as everything that TLS 1.3 signs does (RFC 8446, 4.4.3), so a signature of one
//! use is never valid for another.
//!
//! Guaranteed: a peer key is a canonical point outside the small subgroup, and signatures are verified
//! strictly. Not guaranteed: anonymity, because a signature can be linked to its peer key.

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use core::fmt;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

const PUBLIC: &str = "sottokey";
const SECRET: &str = "sottosecret";

/// A party's public key.
///
/// ```
/// use sotto_link::{Identity, PeerKey};
///
/// let identity = Identity::from_seed(&[7; 32]);
/// let text = identity.peer_key().to_string();
/// assert!(text.starts_with("sottokey1"));
/// assert_eq!(text.parse::<PeerKey>(), Ok(identity.peer_key()));
///
/// // The checksum detects typing errors.
/// assert!(text.replace('q', "p").parse::<PeerKey>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey([u8; 32]);

/// A party's secret key. It is erased on drop and never printed.
///
/// ```
/// use sotto_link::Identity;
///
/// let identity = Identity::from_seed(&[7; 32]);
/// let signature = identity.sign("invoice v1", b"10 coins");
/// assert!(identity.peer_key().verify("invoice v1", b"10 coins", &signature).is_ok());
/// assert!(identity.peer_key().verify("receipt v1", b"10 coins", &signature).is_err());
/// ```
pub struct Identity(SigningKey);

/// Why bytes or a text are not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another kind of text, a typing error, or an incomplete key.
    #[error("invalid key: expected the form {expected}1…; it may have a typing error or be incomplete")]
    Text {
        /// The prefix of a valid text.
        expected: &'static str,
    },
    /// The bytes are not a usable public key.
    #[error("invalid Ed25519 public key")]
    Point,
}

/// The signature is not by this key, or not of this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid signature for this key and message")]
pub struct BadSignature;

impl PeerKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`KeyError::Point`] if the point is not canonical, not on the curve, or of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Point)?;
        let canonical = key.to_edwards().compress().to_bytes() == bytes;
        if canonical && !key.is_weak() { Ok(Self(bytes)) } else { Err(KeyError::Point) }
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies this peer's signature of `message` under `tag`.
    ///
    /// # Errors
    /// [`BadSignature`] if it is invalid.
    pub fn verify(&self, tag: &str, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        self.verify_raw(&tagged(tag, message), signature)
    }

    pub(crate) fn verify_raw(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        key.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| BadSignature)
    }
}

impl Identity {
    /// A new identity.
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(SigningKey::generate(rng))
    }

    /// The identity of a seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key that others pin.
    #[must_use]
    pub fn peer_key(&self) -> PeerKey {
        PeerKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` under `tag`, the name and version of the use. A tag has no zero byte and does not
    /// begin with a space.
    #[must_use]
    pub fn sign(&self, tag: &str, message: &[u8]) -> [u8; 64] {
        self.sign_raw(&tagged(tag, message))
    }

    pub(crate) fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// A second handle of the same secret, for a configuration that owns its handle.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// The secret as a text, for a file that only its owner can read.
    #[must_use]
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        // Reserve the room first: a growing string leaves copies of the secret behind.
        let mut text = Zeroizing::new(String::with_capacity(96));
        let hrp = Hrp::parse_unchecked(SECRET);
        // Writing to a string with 32 bytes of data cannot fail.
        let _ = bech32::encode_lower_to_fmt::<Bech32m, _>(&mut *text, hrp, &*seed);
        text
    }

    /// Reads a secret text, ignoring white space around it.
    ///
    /// # Errors
    /// [`KeyError::Text`] if it is invalid.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let seed = Zeroizing::new(decode(text, SECRET)?);
        let identity = Self::from_seed(&seed);
        let only = identity.to_secret_text().as_str() == text.trim();
        if only { Ok(identity) } else { Err(KeyError::Text { expected: SECRET }) }
    }
}

fn tagged(tag: &str, message: &[u8]) -> Vec<u8> {
    debug_assert!(
        !tag.starts_with(' ') && !tag.contains('\0'),
        "a tag that could be confused with another use"
    );
    [tag.as_bytes(), &[0], message].concat()
}

/// The 32 bytes of a text. The caller checks that the text is their only encoding.
fn decode(text: &str, expected: &'static str) -> Result<[u8; 32], KeyError> {
    let wrong = KeyError::Text { expected };
    let checked = CheckedHrpstring::new::<Bech32m>(text.trim()).map_err(|_| wrong)?;
    let mut bytes = [0; 32];
    let mut rest = checked.byte_iter();
    if checked.hrp() != Hrp::parse_unchecked(expected) || rest.len() != bytes.len() {
        return Err(wrong);
    }
    bytes.iter_mut().zip(&mut rest).for_each(|(to, from)| *to = from);
    Ok(bytes)
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, Hrp::parse_unchecked(PUBLIC), &self.0)
            .map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for PeerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = Self::from_bytes(decode(text, PUBLIC)?)?;
        // Each key has one text: upper case and non-zero padding bits are refused.
        if key.to_string() == text.trim() { Ok(key) } else { Err(KeyError::Text { expected: PUBLIC }) }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("peer_key", &self.peer_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity(n: u8) -> Identity {
        Identity::from_seed(&[n; 32])
    }

    #[test]
    fn rfc_8032_test_1() {
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(Identity::from_seed(&seed).peer_key().as_bytes(), &public);
        let signature = Identity::from_seed(&seed).sign_raw(b"");
        assert_eq!(signature[..8], [0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72]);
    }

    fn hex(text: &str) -> [u8; 32] {
        std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    }

    #[test]
    fn a_key_has_one_text() {
        let (key, text) = (identity(1).peer_key(), identity(1).peer_key().to_string());
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(format!(" {text}\n").parse(), Ok(key));
        let again = Identity::from_secret_text(&identity(1).to_secret_text()).unwrap();
        assert_eq!(again.peer_key(), key);

        let wrong = Err(KeyError::Text { expected: PUBLIC });
        assert_eq!(text.to_uppercase().parse::<PeerKey>(), wrong);
        assert_eq!(text[..text.len() - 1].parse::<PeerKey>(), wrong);
        assert_eq!(identity(1).to_secret_text().parse::<PeerKey>(), wrong);
        assert!(Identity::from_secret_text(&text).is_err());
        for i in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[i] = if typo[i] == b'q' { b'p' } else { b'q' };
            assert!(String::from_utf8(typo).unwrap().parse::<PeerKey>().is_err(), "typing error at {i}");
        }
    }

    /// The bytes of the secret are no point, and are not looked at: the text is of another kind.
    #[test]
    fn a_text_of_another_kind_is_called_that() {
        let secret = Identity::from_seed(&[0xff; 32]).to_secret_text();
        assert_eq!(PeerKey::from_bytes([0xff; 32]), Err(KeyError::Point));
        assert_eq!(secret.parse::<PeerKey>(), Err(KeyError::Text { expected: PUBLIC }));
    }

    #[test]
    fn a_key_is_shown_as_its_text() {
        let key = identity(1).peer_key();
        assert_eq!(format!("{key:?}"), key.to_string());
    }

    #[test]
    fn unusable_points_are_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        for small in [[0; 32], one] {
            assert_eq!(PeerKey::from_bytes(small), Err(KeyError::Point));
        }
        // p + 3: the y of a point, written in a second way.
        let mut not_canonical = [0xff; 32];
        not_canonical[0] = 0xf0;
        not_canonical[31] = 0x7f;
        assert_eq!(PeerKey::from_bytes(not_canonical), Err(KeyError::Point));
    }

    #[test]
    fn a_signature_is_valid_for_one_key_tag_and_message() {
        let signature = identity(1).sign("a use", b"text");
        let key = identity(1).peer_key();
        assert_eq!(key.verify("a use", b"text", &signature), Ok(()));
        assert_eq!(key.verify("another", b"text", &signature), Err(BadSignature));
        assert_eq!(key.verify("a use", b"texts", &signature), Err(BadSignature));
        assert_eq!(identity(2).peer_key().verify("a use", b"text", &signature), Err(BadSignature));
    }

    #[test]
    fn secrets_are_not_printed() {
        let shown = format!("{:?}", identity(7));
        assert!(shown.contains(&identity(7).peer_key().to_string()));
        assert!(!shown.contains("sottosecret") && !shown.contains("0707") && !shown.contains("7, 7"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}", tail in "[a-z0-9]{0,70}") {
            prop_assert!(text.parse::<PeerKey>().is_err());
            let secret = format!("sottosecret1{tail}");
            prop_assert!(Identity::from_secret_text(&secret).is_err());
        }

        #[test]
        fn accepted_bytes_are_the_keys_bytes(bytes: [u8; 32]) {
            if let Ok(key) = PeerKey::from_bytes(bytes) {
                prop_assert_eq!(key.as_bytes(), &bytes);
                prop_assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
    }
}
