//! What a member keeps of a session: its letters in the clear, its seed under the installation's key.
//!
//! ```text
//! installation  "sotto-installation-1:" ‖ 64 hexadecimal digits ‖ line feed
//! session       "sotto keys session v1" ‖ nonce (24) ‖ XChaCha20-Poly1305 of the seed (32 + 16) ‖ log
//!               associated data = group ‖ session
//! over          "sotto keys over v1" ‖ log: the session is complete, and its seed gone
//! closed        "sotto keys closed v1" ‖ hash of the letters on which the session was closed (32)
//! ```
//!
//! A backup of a group's files holds no seed, and a seed that is copied to another machine does not open there:
//! nonces are used in one place. **Not covered**: a snapshot of the whole machine, which brings back the key and
//! the register together.
#![deny(clippy::indexing_slicing)]

use core::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use rand_core::{CryptoRng, RngCore};
use sotto_party::hex::{from_hex, to_hex};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::codec::{DecodeError, Reader};
use crate::log::Log;
use crate::seed::Seed;
use crate::tag::Hash;

const INSTALLATION: &str = "sotto-installation-1:";
const SESSION: &str = "sotto keys session v1";
const OVER: &str = "sotto keys over v1";
const CLOSED: &str = "sotto keys closed v1";

/// The key of an installation.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct InstallationKey([u8; 32]);

impl InstallationKey {
    pub(crate) fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut key = Self([0; 32]);
        rng.fill_bytes(&mut key.0);
        key
    }

    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{INSTALLATION}{}\n", *Zeroizing::new(to_hex(&self.0))))
    }

    pub(crate) fn from_text(text: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?;
        let mut key = Self([0; 32]);
        from_hex(text.strip_prefix(INSTALLATION)?.strip_suffix('\n')?, &mut key.0).map(|()| key)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.0))
    }

    /// The file of a session.
    pub(crate) fn put_session(
        &self,
        seed: &Seed,
        log: &Log,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Vec<u8> {
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let payload = Payload { msg: seed.expose(), aad: &place(log) };
        // Fails only for texts above 256 GiB.
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        [SESSION.as_bytes(), &nonce, &sealed, &log.to_bytes()].concat()
    }

    /// The seed and the letters in a session's file.
    pub(crate) fn session(&self, file: &[u8]) -> Result<(Seed, Log), DecodeError> {
        let mut r = Reader::after(SESSION, file)?;
        let (nonce, sealed): ([u8; 24], [u8; 48]) = (r.array()?, r.array()?);
        let log = Log::from_bytes(r.take(r.left())?)?;
        let payload = Payload { msg: &sealed, aad: &place(&log) };
        let seed = self.cipher().decrypt(XNonce::from_slice(&nonce), payload).map(Zeroizing::new);
        let seed = seed.ok().and_then(|seed| seed.first_chunk().copied());
        Ok((
            Seed::from_bytes(seed.ok_or(DecodeError::Value("the seed, which is of another installation,"))?),
            log,
        ))
    }
}

/// Shows nothing.
impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationKey(..)")
    }
}

/// The file of a session that is complete.
pub(crate) fn put_over(log: &Log) -> Vec<u8> {
    [OVER.as_bytes(), &log.to_bytes()].concat()
}

/// The letters of a session that is complete; `None` if it is not.
pub(crate) fn over(file: &[u8]) -> Option<Result<Log, DecodeError>> {
    file.strip_prefix(OVER.as_bytes()).map(Log::from_bytes)
}

fn place(log: &Log) -> [u8; 64] {
    let mut place = [0; 64];
    let bytes =
        log.group().as_bytes().iter().chain(log.session().as_bytes().iter()).copied().collect::<Vec<u8>>();
    place.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    place
}

pub(crate) fn put_closed(on: &Hash) -> Vec<u8> {
    [CLOSED.as_bytes(), on.as_bytes()].concat()
}

pub(crate) fn closed(file: &[u8]) -> Result<Hash, DecodeError> {
    let mut r = Reader::after(CLOSED, file)?;
    let on = Hash::from_bytes(r.array()?);
    r.finish().map(|()| on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::rng;

    #[test]
    fn a_seed_opens_in_its_installation_and_session_alone() {
        let (here, there) = (InstallationKey::random(&mut rng(1)), InstallationKey::random(&mut rng(2)));
        assert_eq!(InstallationKey::from_text(here.to_text().as_bytes()).unwrap().0, here.0);
        assert!(InstallationKey::from_text(b"sotto-installation-1:00\n").is_none());
        let log = Log::new(Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32]));
        let seed = Seed::from_bytes([3; 32]);
        let file = here.put_session(&seed, &log, &mut rng(3));
        let (again, read) = here.session(&file).unwrap();
        assert_eq!((again.expose(), read), (seed.expose(), log));
        assert!(there.session(&file).is_err());
        for at in 0..file.len() {
            let mut altered = file.clone();
            altered[at] ^= 1;
            assert!(here.session(&altered).is_err(), "byte {at}");
        }
        let on = Hash::from_bytes([9; 32]);
        assert_eq!(closed(&put_closed(&on)), Ok(on));
        assert!(closed(b"").is_err());
    }
}
