//! Encryption to one party: only that party can decrypt, and only in the right place.
//!
//! HPKE in base mode (RFC 9180) with the KEM X-Wing (0x647a: ML-KEM-768 and X25519, combined by SHA3-256 as
//! in draft-connolly-cfrg-xwing-kem), HKDF-SHA256 and ChaCha20-Poly1305. A recorded ciphertext stays closed
//! as long as one of the two key exchanges holds, so it does not open to a future quantum computer
//! (`docs/adr/0005`).
//!
//! ```text
//! encrypted   encapsulated key [1120] ‖ ciphertext of the contents ‖ tag [16]
//! info        context ‖ zero byte ‖ place; a ciphertext that is moved to another place does not decrypt
//! ```
//!
//! Not guaranteed: who encrypted. Sign what must be attributed.
//!
//! ```
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! use sotto_party::encryption::{OVERHEAD, decrypt, encrypt};
//! use sotto_party::{Context, Identity};
//!
//! const NOTE: Context = Context::new("example note v1");
//! let rng = &mut ChaCha20Rng::seed_from_u64(3);
//! let south = Identity::random(rng);
//! let mut encrypted = encrypt(NOTE.at(b"page 1"), &south.public(), b"hello", rng).expect("a usable key");
//! assert_eq!(encrypted.len(), 5 + OVERHEAD);
//! assert_eq!(decrypt(NOTE.at(b"page 1"), &south, &encrypted).as_deref(), Some(&b"hello".to_vec()));
//! encrypted[1130] ^= 1;
//! assert!(decrypt(NOTE.at(b"page 1"), &south, &encrypted).is_none());
//! ```

use core::convert::Infallible;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender_with_rng};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::identity::{Identity, Place, PublicKey};

/// Bytes that encryption adds.
pub const OVERHEAD: usize = 1120 + 16;

/// Encrypts `contents` to `to`, for one place. `None` if the key cannot be used.
#[must_use]
pub fn encrypt(
    place: Place<'_>,
    to: &PublicKey,
    contents: &[u8],
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<Vec<u8>> {
    let sender = setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        to.encryption(),
        &place.to_bytes(),
        &mut Bridged(rng),
    );
    let (encapsulated, mut sender) = sender.ok()?;
    let mut encrypted = encapsulated.to_bytes().to_vec();
    encrypted.append(&mut sender.seal(contents, b"").ok()?);
    Some(encrypted)
}

/// The contents, if they were encrypted to this identity for this place.
#[must_use]
pub fn decrypt(place: Place<'_>, identity: &Identity, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (encapsulated, ciphertext) = encrypted.split_at_checked(OVERHEAD - 16)?;
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let receiver = setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        &identity.encryption(),
        &encapsulated,
        &place.to_bytes(),
    );
    receiver.ok()?.open(ciphertext, b"").ok().map(Zeroizing::new)
}

/// A random source as the later version of its trait wants it.
struct Bridged<'r, R>(&'r mut R);

impl<R: RngCore> hpke::rand_core::TryRng for Bridged<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(into);
        Ok(())
    }
}

impl<R: RngCore + CryptoRng> hpke::rand_core::TryCryptoRng for Bridged<'_, R> {}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::identity::Context;

    const SHARE: Context = Context::new("sotto share v1");
    const OTHER: Context = Context::new("sotto half v1");

    #[test]
    fn opens_for_one_party_at_one_place_and_unaltered() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (ours, other) = (Identity::random(rng), Identity::random(rng));
        let encrypted = encrypt(SHARE.at(b"here"), &ours.public(), b"contents", rng).unwrap();
        assert_eq!(encrypted.len(), 8 + OVERHEAD);
        let at = |what: Context, who, place: &[u8], encrypted: &[u8]| {
            decrypt(what.at(place), who, encrypted).map(|c| c.to_vec())
        };
        assert_eq!(at(SHARE, &ours, b"here", &encrypted), Some(b"contents".to_vec()));
        assert_eq!(at(SHARE, &ours, b"there", &encrypted), None);
        assert_eq!(at(OTHER, &ours, b"here", &encrypted), None);
        assert_eq!(at(SHARE, &other, b"here", &encrypted), None);
        assert_eq!(at(SHARE, &ours, b"here", &encrypted[..OVERHEAD - 17]), None);
        for at_byte in [0, 1087, 1088, 1119, 1120, encrypted.len() - 1] {
            let mut altered = encrypted.clone();
            altered[at_byte] ^= 1;
            assert_eq!(at(SHARE, &ours, b"here", &altered), None, "byte {at_byte}");
        }
    }
}
