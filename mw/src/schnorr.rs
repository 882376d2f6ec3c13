//! Schnorr signatures on ristretto255: `z·G = R + c·X` with `c = H2(R ‖ X ‖ m)`.
//!
//! Hashes and nonces are those of RFC 9591, section 6.2, FROST(ristretto255, SHA-512), so a single signer,
//! two parties ([`crate::session`]) and any standard FROST implementation produce and accept the same 64
//! bytes `R ‖ z`. Each message starts with a label of [`mod@crate::tag`], so a signature made for one purpose
//! is invalid for any other.

use crate::{
    codec::fields,
    group::{Element, Point, Scalar, mul_g, point_newtype},
    secret::SecretScalar,
};
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// RFC 9591, section 6.2: the context string of the ciphersuite.
const CONTEXT: &[u8] = b"FROST-RISTRETTO255-SHA512-v1";

fn hash(label: &[u8], parts: &[&[u8]]) -> [u8; 64] {
    let mut h = Sha512::new_with_prefix(CONTEXT);
    h.update(label);
    parts.iter().for_each(|p| h.update(p));
    h.finalize().into()
}

/// Binding factor hash.
pub(crate) fn h1(parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&hash(b"rho", parts))
}

/// Challenge hash.
pub(crate) fn h2(r: &Point, x: &Point, m: &[u8]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&hash(b"chal", &[r.as_bytes(), x.as_bytes(), m]))
}

/// Message hash.
pub(crate) fn h4(m: &[u8]) -> [u8; 64] {
    hash(b"msg", &[m])
}

/// Commitment-list hash.
pub(crate) fn h5(parts: &[&[u8]]) -> [u8; 64] {
    hash(b"com", parts)
}

/// The hedged nonce `H3(32 fresh bytes ‖ x ‖ m)`, after RFC 9591, section 4.1. The message enters where it is
/// known, so that two messages have two nonces even if the random source repeats itself.
pub(crate) fn nonce(x: &SecretScalar, m: &[u8], rng: &mut (impl RngCore + CryptoRng)) -> SecretScalar {
    let mut fresh = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(&mut *fresh);
    let wide = Zeroizing::new(hash(b"nonce", &[&*fresh, &*x.to_bytes(), m]));
    SecretScalar::from_wide(&wide)
}

point_newtype! {
    /// A verification key `X = x·G`.
    PublicKey
}

impl PublicKey {
    /// The key of the secret `x`: `x·G`, in constant time.
    #[must_use]
    pub fn of(x: &SecretScalar) -> Self {
        Self(mul_g(x.expose()).into())
    }
}

/// A signature `(R, z)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub(crate) r: Point,
    pub(crate) z: Scalar,
}

fields!(Signature { r, z });

impl Signature {
    /// The signature with this nonce commitment and response.
    #[must_use]
    pub const fn from_parts(r: Point, z: Scalar) -> Self {
        Self { r, z }
    }

    /// Whether this is a signature of `m` under `x`. The identity is refused as key and as nonce.
    ///
    /// Variable time: all inputs are public.
    #[must_use]
    pub fn verifies(&self, x: &PublicKey, m: &[u8]) -> bool {
        if self.r.is_identity() || x.0.is_identity() {
            return false;
        }
        let c = h2(&self.r, &x.0, m);
        // R + c·X − z·G = 0, in one multiplication.
        let check = Element::vartime_double_scalar_mul_basepoint(&-c, &x.0.element(), &self.z);
        check == self.r.element()
    }
}

/// Signs `m` with the secret key `x`, in constant time. The nonce is hedged against a weak random source.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mw::{PublicKey, SecretScalar, schnorr::sign};
///
/// let x = SecretScalar::random(&mut OsRng);
/// let signature = sign(&x, b"message", &mut OsRng);
/// assert!(signature.verifies(&PublicKey::of(&x), b"message"));
/// assert!(!signature.verifies(&PublicKey::of(&x), b"another message"));
/// ```
#[must_use]
pub fn sign(x: &SecretScalar, m: &[u8], rng: &mut (impl RngCore + CryptoRng)) -> Signature {
    let k = nonce(x, m, rng);
    let r = Point::from(mul_g(k.expose()));
    let c = h2(&r, PublicKey::of(x).point(), m);
    Signature { r, z: k.expose() + c * x.expose() }
}

/// A message with a signature and the key to verify it with. The signature may be invalid.
#[derive(Clone, Debug)]
pub struct SignedMessage {
    /// The key of the signer.
    pub key: PublicKey,
    /// The message, with its label.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Signature,
    /// A second key K and its factor h: the signature then verifies under `X + h·K`.
    pub(crate) second: Option<(PublicKey, Scalar)>,
}

impl SignedMessage {
    /// A message that the holder of one key signed.
    #[must_use]
    pub const fn new(key: PublicKey, message: Vec<u8>, signature: Signature) -> Self {
        Self { key, message, signature, second: None }
    }

    /// The challenge c. It covers the first key alone: the message names what the second and its factor
    /// follow from.
    pub(crate) fn challenge(&self) -> Scalar {
        h2(&self.signature.r, &self.key.0, &self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::verify_signatures;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn signs_and_verifies() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let x = SecretScalar::random(&mut rng);
        let (key, signature) = (PublicKey::of(&x), sign(&x, b"message", &mut rng));
        assert!(signature.verifies(&key, b"message"));
        assert!(!signature.verifies(&key, b"another"));
        assert!(!signature.verifies(&PublicKey(Point::h()), b"message"));
        let shifted = Signature { z: signature.z + Scalar::ONE, ..signature };
        assert!(!shifted.verifies(&key, b"message"));
    }

    /// The random source of a cloned machine repeats itself. Two messages under one nonce would reveal x.
    #[test]
    fn a_repeated_random_source_repeats_no_nonce() {
        let x = SecretScalar::from(Scalar::from(9u64));
        let nonce_for = |m: &[u8]| sign(&x, m, &mut ChaCha20Rng::seed_from_u64(1)).r;
        assert_eq!(nonce_for(b"one"), nonce_for(b"one"));
        assert_ne!(nonce_for(b"one"), nonce_for(b"two"));
    }

    /// With the identity as key, R = z·G satisfies the equation for any z.
    #[test]
    fn the_identity_is_refused_as_key_and_nonce() {
        let id = PublicKey(crate::group::identity().into());
        let z = Scalar::from(5u64);
        let forged = Signature { r: mul_g(&z).into(), z };
        assert!(!forged.verifies(&id, b"m"));
        assert_eq!(verify_signatures(&[SignedMessage::new(id, b"m".to_vec(), forged)]), Err(0));
        let x = Scalar::from(9u64);
        let r: Point = crate::group::identity().into();
        let key = PublicKey(mul_g(&x).into());
        let forged = Signature { r, z: h2(&r, &key.0, b"m") * x };
        assert!(!forged.verifies(&key, b"m"));
        assert_eq!(verify_signatures(&[SignedMessage::new(key, b"m".to_vec(), forged)]), Err(0));
    }
}
