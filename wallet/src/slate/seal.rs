//! Pending nonces under seal: what keeps a copied wallet from signing twice.
//!
//! An inviter's (x, d, e) wait for the response, inside the wallet file. They are sealed with XChaCha20-Poly1305 under
//! a key of the installation, which is in neither the wallet file nor a backup, and bound to the invite's hash:
//!
//! ```text
//! sealed = nonce (24) ‖ XChaCha20-Poly1305(key, nonce, x ‖ d ‖ e, associated data = invite hash) (96 + 16)
//! ```
//!
//! A wallet that is copied or restored elsewhere therefore cannot finish what the original may have finished. Here, the
//! installation's [`Register`] closes each session once, on one response or on none, before anything signed leaves: a
//! wallet file put back to an earlier day, or copied to another name, signs what was signed, byte for byte, or nothing.
//! **Not covered**: a snapshot of the whole machine brings used nonces back. Source: SPEC "Signing a payment", 7 and 8;
//! RFC 8439 and draft-irtf-cfrg-xchacha-03.

use crate::{
    keys::derive_key,
    store::{MemoryRegister, Register, StoreError},
    tag,
};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, AeadInPlace, Payload},
};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    hash::Hash,
    secret::SecretScalar,
    session::{Nonces, SessionId},
};
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// One installation of the wallet: a key and a register, kept outside the wallet file and outside every backup. Clones
/// share the register.
#[derive(Clone)]
pub struct Installation {
    key: Zeroizing<[u8; 32]>,
    register: Arc<dyn Register>,
}

impl Installation {
    /// The installation with this key and register.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; 32]>, register: impl Register + 'static) -> Self {
        Self { key, register: Arc::new(register) }
    }

    /// An installation that forgets with the process, for tests.
    #[must_use]
    pub fn in_memory(key: [u8; 32]) -> Self {
        Self::new(Zeroizing::new(key), MemoryRegister::default())
    }

    /// Closes a session once and for all: [`Register::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self, session: &SessionId, on: &Hash) -> Result<Hash, StoreError> {
        self.register.close(session, on)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&*derive_key(tag::PENDING, &[&*self.key])))
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Installation(…)")
    }
}

/// What an inviter keeps until the response comes: its part of the key, and its nonces.
pub(crate) struct Secrets {
    pub(crate) x: SecretScalar,
    pub(crate) nonces: Nonces,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

const NONCE: usize = 24;
const PLAIN: usize = 96;

/// Secrets under seal.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub(crate) [u8; Sealed::BYTES]);

impl Sealed {
    pub(crate) const BYTES: usize = NONCE + PLAIN + 16;
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl Secrets {
    /// Seals the secrets of the invite with this hash.
    pub(crate) fn seal(
        &self,
        installation: &Installation,
        invite: &Hash,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Sealed {
        let mut sealed = [0; Sealed::BYTES];
        let (nonce, rest) = sealed.split_at_mut(NONCE);
        let (plain, tag) = rest.split_at_mut(PLAIN);
        rng.fill_bytes(nonce);
        let (d, e) = self.nonces.secrets();
        for (slot, s) in plain.chunks_exact_mut(32).zip([&self.x, d, e]) {
            slot.copy_from_slice(&*s.to_bytes());
        }
        let nonce = XNonce::from_slice(nonce);
        match installation.cipher().encrypt_in_place_detached(nonce, invite.as_bytes(), plain) {
            Ok(mac) => tag.copy_from_slice(&mac),
            // Only for texts above 256 GiB; whatever happens, no plain secret stays.
            Err(_) => plain.zeroize(),
        }
        Sealed(sealed)
    }

    /// Opens the seal; `None` under another installation or for another invite.
    pub(crate) fn unseal(sealed: &Sealed, installation: &Installation, invite: &Hash) -> Option<Self> {
        let (nonce, text) = sealed.0.split_at(NONCE);
        let payload = Payload { msg: text, aad: invite.as_bytes() };
        let plain =
            installation.cipher().decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)?;
        let mut scalars =
            plain.chunks_exact(32).map(|s| s.try_into().ok().and_then(SecretScalar::from_bytes));
        let (x, d, e) = (scalars.next()??, scalars.next()??, scalars.next()??);
        Some(Self { x, nonces: Nonces::from_secrets(d, e) })
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
        let nonces = Nonces::generate(&x, &mut rng);
        let shown = nonces.commitments();
        let secrets = Secrets { x, nonces };
        let (invite, other) = (Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32]));
        let sealed = secrets.seal(&here, &invite, &mut rng);
        let back = Secrets::unseal(&sealed, &here, &invite).unwrap();
        assert_eq!((&back.x, back.nonces.commitments()), (&secrets.x, shown));
        assert!(Secrets::unseal(&sealed, &there, &invite).is_none());
        assert!(Secrets::unseal(&sealed, &here, &other).is_none());
        for i in 0..Sealed::BYTES {
            let mut bad = sealed.clone();
            bad.0[i] ^= 1;
            assert!(Secrets::unseal(&bad, &here, &invite).is_none(), "byte {i}");
        }
        assert_eq!(format!("{sealed:?} {secrets:?} {here:?}"), "Sealed(…) Secrets(…) Installation(…)");
    }
}
