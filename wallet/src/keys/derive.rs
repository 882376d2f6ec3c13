//! The arrow of all derivations: BIP-340's tagged hash over SHA-512.
//!
//! ```text
//! D(tag, parts) = SHA-512(SHA-512(tag) ‖ SHA-512(tag) ‖ parts)      cut to 32 bytes for a key, reduced for a scalar
//! ```

use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use sotto_mw::secret::SecretScalar;
use zeroize::Zeroizing;

/// D.
pub(crate) fn derive(tag: &str, parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let t = Sha512::digest(tag.as_bytes());
    let mut h = Sha512::new_with_prefix(t);
    h.update(t);
    parts.iter().for_each(|p| h.update(p));
    Zeroizing::new(h.finalize().into())
}

/// The first half of a derivation: a key of 32 bytes.
pub(crate) fn derive_key(tag: &str, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let wide = derive(tag, parts);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&wide[..32]);
    key
}

/// A derivation reduced to a scalar.
pub(crate) fn derive_scalar(tag: &str, parts: &[&[u8]]) -> SecretScalar {
    SecretScalar::from_wide(&derive(tag, parts))
}

/// A fresh output index: twelve random bytes.
pub(crate) fn fresh_index(rng: &mut (impl RngCore + CryptoRng)) -> [u8; 12] {
    let mut index = [0; 12];
    rng.fill_bytes(&mut index);
    index
}
