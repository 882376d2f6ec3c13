//! The nonce vault: encrypted pending nonces, and why a copied wallet cannot sign twice.
//!
//! An inviter keeps its secrets (x, d, e) in the wallet file until the response arrives. They are encrypted
//! under a key of the installation, which is neither in the wallet file nor in a backup, and bound to the
//! hash of the invite:
//!
//! ```text
//! bytes = nonce (24) ‖ XChaCha20-Poly1305(key, nonce, x ‖ d ‖ e, associated data = invite hash) (96 + 16)
//! ```
//!
//! A copy of the wallet on another machine therefore cannot finish a session that the original may have
//! finished. On the same machine, the register of the [`Installation`] closes each session once, with one
//! response or with none, before anything signed leaves. A wallet file that is restored from an old copy, or
//! that exists under two names, repeats the same signature byte for byte, or signs nothing.
//!
//! **Not covered**: a snapshot of the whole machine brings used nonces back. Source: `docs/SIGNING.md`, "Keys
//! and nonces"; RFC 8439; draft-irtf-cfrg-xchacha-03.

mod installation;

pub use installation::Installation;
pub(crate) use installation::{MAX_FILE, closed_bytes, key_bytes, read_closed, read_key};

use chacha20poly1305::{
    XNonce,
    aead::{Aead, AeadInPlace, Payload},
};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    secret::SecretScalar,
    session::Nonces,
};
use zeroize::{Zeroize, Zeroizing};

/// What an inviter keeps until the response arrives: its part of the key, and its nonces.
pub(crate) struct SessionSecrets {
    pub(crate) x: SecretScalar,
    pub(crate) nonces: Nonces,
}

impl fmt::Debug for SessionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecrets(…)")
    }
}

const NONCE: usize = 24;
const PLAIN: usize = 96;

/// The encrypted secrets of one session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EncryptedNonces(pub(crate) [u8; EncryptedNonces::BYTES]);

impl EncryptedNonces {
    pub(crate) const BYTES: usize = NONCE + PLAIN + 16;
}

impl fmt::Debug for EncryptedNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedNonces(…)")
    }
}

impl SessionSecrets {
    /// Encrypts the secrets of the invite or invoice with this hash.
    pub(crate) fn encrypt(
        &self,
        installation: &Installation,
        invite: &Hash,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> EncryptedNonces {
        let mut encrypted = [0; EncryptedNonces::BYTES];
        let (nonce, rest) = encrypted.split_at_mut(NONCE);
        let (plain, tag) = rest.split_at_mut(PLAIN);
        rng.fill_bytes(nonce);
        let (d, e) = self.nonces.secrets();
        for (slot, s) in plain.chunks_exact_mut(32).zip([&self.x, d, e]) {
            slot.copy_from_slice(&*s.to_bytes());
        }
        let nonce = XNonce::from_slice(nonce);
        match installation.cipher().encrypt_in_place_detached(nonce, invite.as_bytes(), plain) {
            Ok(mac) => tag.copy_from_slice(&mac),
            // Only possible for texts above 256 GiB; even then no plain secret remains.
            Err(_) => plain.zeroize(),
        }
        EncryptedNonces(encrypted)
    }

    /// Decrypts the secrets; `None` under another installation or for another invite.
    pub(crate) fn decrypt(
        encrypted: &EncryptedNonces,
        installation: &Installation,
        invite: &Hash,
    ) -> Option<Self> {
        let (nonce, text) = encrypted.0.split_at(NONCE);
        let payload = Payload { msg: text, aad: invite.as_bytes() };
        let plain =
            installation.cipher().decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)?;
        let mut scalars =
            plain.chunks_exact(32).map(|s| s.try_into().ok().and_then(SecretScalar::from_bytes));
        let (x, d, e) = (scalars.next()??, scalars.next()??, scalars.next()??);
        Some(Self { x, nonces: Nonces::from_secrets(d, e) })
    }
}

impl Encode for EncryptedNonces {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for EncryptedNonces {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.array().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn opens_here_for_this_invite_and_nowhere_else() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (here, there) = (Installation::in_memory([1; 32]), Installation::in_memory([2; 32]));
        let x = SecretScalar::random(&mut rng);
        let nonces = Nonces::generate(&x, &[], &mut rng);
        let shown = nonces.commitments();
        let secrets = SessionSecrets { x, nonces };
        let (invite, other) = (Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32]));
        let encrypted = secrets.encrypt(&here, &invite, &mut rng);
        let back = SessionSecrets::decrypt(&encrypted, &here, &invite).unwrap();
        assert_eq!((&back.x, back.nonces.commitments()), (&secrets.x, shown));
        assert!(SessionSecrets::decrypt(&encrypted, &there, &invite).is_none());
        assert!(SessionSecrets::decrypt(&encrypted, &here, &other).is_none());
        for i in 0..EncryptedNonces::BYTES {
            let mut bad = encrypted.clone();
            bad.0[i] ^= 1;
            assert!(SessionSecrets::decrypt(&bad, &here, &invite).is_none(), "byte {i}");
        }
        assert_eq!(
            format!("{encrypted:?} {secrets:?} {here:?}"),
            "EncryptedNonces(…) SessionSecrets(…) Installation(…)"
        );
    }
}
