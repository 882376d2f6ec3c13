//! The file `NAME.share`: a member's shares, encrypted under a passphrase.
//!
//! ```text
//! "SOTTOSHR" ‖ version 1 (1) ‖ group (32) ‖ index (1) ‖ epoch (8) ‖ next epoch: 0, or 1 ‖ its number (8)
//! ‖ Argon2id KiB (4), passes (4), lanes (4) ‖ salt (16) ‖ nonce (24) ‖ n (4)
//! ‖ XChaCha20-Poly1305 of the shares (n + 16), associated data = everything before
//!
//! key = Argon2id v1.3 (passphrase, salt)                                                        RFC 9106
//! ```
//!
//! Group, index and epoch are authenticated and not encrypted, so an old file is recognised without the
//! passphrase. Costs are bounded before memory is allocated. A wrong passphrase and an altered byte give the
//! same error after the same work. Every write has a fresh salt and nonce.
#![deny(clippy::indexing_slicing)]

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::codec::{DecodeError, Reader};
use crate::draft::{GroupId, Index};
use crate::passphrase::{KdfCost, KdfError};
use crate::share::Shares;
use crate::tag::Hash;

const MAGIC: &str = "SOTTOSHR";
const VERSION: u8 = 1;
const TAG: usize = 16;
/// Two shares of 256 keys, and some.
const MAX_CONTENTS: usize = 32 << 10;
/// Most bytes of a share file.
pub const MAX_SHARE_FILE: usize = MAX_CONTENTS + 256;

/// Why a share file cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFileError {
    /// Not a share file, or cut off.
    #[error("not a share file, or a damaged one: {0}")]
    Form(#[from] DecodeError),
    /// Another version.
    #[error("the share file has version {0}, this program reads version {VERSION}")]
    Version(u8),
    /// The passphrase is wrong, or the file was altered.
    #[error("the passphrase is wrong, or the file was altered")]
    Passphrase,
    /// No key can be derived.
    #[error("cannot open the share file: {0}")]
    Kdf(#[from] KdfError),
}

/// What a share file says in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareHeader {
    /// The group.
    pub group: GroupId,
    /// Whose share it is.
    pub index: Index,
    /// The epoch of the share in use.
    pub epoch: u64,
    /// The epoch of the one that a refresh has prepared.
    pub next: Option<u64>,
}

impl ShareHeader {
    fn of(shares: &Shares) -> Self {
        let now = shares.now();
        let next = shares.next().map(crate::share::Share::epoch);
        Self { group: now.group(), index: now.index(), epoch: now.epoch(), next }
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC.as_bytes());
        out.push(VERSION);
        out.extend_from_slice(self.group.as_bytes());
        out.push(self.index.get());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.push(self.next.is_some().into());
        self.next.iter().for_each(|next| out.extend_from_slice(&next.to_le_bytes()));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ShareFileError> {
        if r.take(MAGIC.len())? != MAGIC.as_bytes() {
            return Err(DecodeError::Foreign(MAGIC).into());
        }
        match r.u8()? {
            VERSION => {}
            other => return Err(ShareFileError::Version(other)),
        }
        let (group, index, epoch) = (Hash::from_bytes(r.array()?), Index::read(r)?, r.u64()?);
        Ok(Self { group, index, epoch, next: r.presence()?.then(|| r.u64()).transpose()? })
    }

    /// Reads it from a share file.
    ///
    /// # Errors
    /// [`ShareFileError`] if it is not one.
    pub fn of_file(file: &[u8]) -> Result<Self, ShareFileError> {
        Self::read(&mut Reader::new(file))
    }
}

/// The file with these shares.
///
/// # Errors
/// [`ShareFileError`] if the memory for the key derivation cannot be had.
pub fn encrypt(
    shares: &Shares,
    passphrase: &[u8],
    cost: KdfCost,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<u8>, ShareFileError> {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut nonce);
    let contents = shares.to_bytes();
    let mut file = Vec::new();
    ShareHeader::of(shares).put(&mut file);
    cost.parts().iter().for_each(|n| file.extend_from_slice(&n.to_le_bytes()));
    file.extend_from_slice(&salt);
    file.extend_from_slice(&nonce);
    // At most 16,508 bytes.
    file.extend_from_slice(&(contents.len() as u32).to_le_bytes());
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&*cost.derive(passphrase, &salt)?));
    let payload = Payload { msg: &contents, aad: &file };
    let text = cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| ShareFileError::Passphrase)?;
    file.extend_from_slice(&text);
    Ok(file)
}

/// The shares in a file.
///
/// # Errors
/// [`ShareFileError`].
pub fn decrypt(file: &[u8], passphrase: &[u8]) -> Result<Shares, ShareFileError> {
    let r = &mut Reader::new(file);
    let header = ShareHeader::read(r)?;
    let cost = KdfCost::new(r.u32()?, r.u32()?, r.u32()?).ok_or(KdfError::Cost)?;
    let (salt, nonce): ([u8; 16], [u8; 24]) = (r.array()?, r.array()?);
    let length = r.u32()? as usize;
    if length > MAX_CONTENTS || r.left() != length + TAG {
        return Err(DecodeError::Value("the length of the file").into());
    }
    let (aad, msg) = file.split_at_checked(file.len() - r.left()).ok_or(DecodeError::Short)?;
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&*cost.derive(passphrase, &salt)?));
    let contents = cipher.decrypt(XNonce::from_slice(&nonce), Payload { msg, aad });
    let contents = contents.map(Zeroizing::new).map_err(|_| ShareFileError::Passphrase)?;
    let shares = Shares::from_bytes(&contents)?;
    if ShareHeader::of(&shares) == header { Ok(shares) } else { Err(DecodeError::Value("the header").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;
    use crate::tests::{Made, index, rng};

    #[test]
    fn opens_with_the_passphrase_and_unaltered_alone() {
        let made = Made::new(Purpose::Seal, 2, 2);
        let shares = Shares::new(made.shares[&index(1)].clone());
        let fast = KdfCost::INSECURE_FAST;
        let file = encrypt(&shares, b"pass", fast, &mut rng(1)).unwrap();
        assert_eq!(decrypt(&file, b"pass").unwrap().to_bytes(), shares.to_bytes());
        let header = ShareHeader::of_file(&file).unwrap();
        assert_eq!((header.group, header.index, header.epoch), (made.epoch().group(), index(1), 0));
        assert_eq!(decrypt(&file, b"Pass").unwrap_err(), ShareFileError::Passphrase);
        for at in 0..file.len() {
            let mut altered = file.clone();
            altered[at] ^= 1;
            assert!(decrypt(&altered, b"pass").is_err(), "byte {at}");
        }
        for cut in 0..file.len() {
            assert!(decrypt(&file[..cut], b"pass").is_err(), "cut at {cut}");
        }
        let mut costly = file;
        costly[51..55].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(decrypt(&costly, b"pass").unwrap_err(), KdfError::Cost.into());
        let other = encrypt(&shares, b"pass", fast, &mut rng(2)).unwrap();
        assert_ne!(other[63..79], costly[63..79], "a fresh salt");
    }
}
