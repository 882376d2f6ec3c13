//! The wallet file as bytes: contents encrypted under a passphrase.
//!
//! ```text
//! "SOTTOWLT" (8) ‖ version (1) ‖ Argon2id KiB (4), passes (4), lanes (4) ‖ salt (16) ‖ nonce (24) ‖ n (8)
//! ‖ XChaCha20-Poly1305 of the contents (n + 16), associated data = everything before
//!
//! key = Argon2id v1.3 (passphrase, salt)                                                        RFC 9106
//! ```
//!
//! The parameters of the key derivation are bounded before any memory is allocated. A wrong passphrase and an
//! altered byte give the same error after the same work. **Not hidden**: the length of the file reveals
//! roughly how many outputs and payments there are.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{VERSION, version},
    store::StoreError,
};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, AeadInPlace, Payload},
};
use core::{cmp::Ordering, fmt};
use sotto_keys::passphrase::{KdfCost, KdfError};
use sotto_mw::codec::{Decode, DecodeError, Encode, Reader};
use zeroize::Zeroizing;

const TAG: u64 = 16;
/// The maximum length of the contents, far above that of 2²⁴ records.
const MAX_CONTENTS: u64 = 1 << 32;

/// The maximum length of a wallet file.
pub(crate) const MAX_FILE: u64 = MAX_CONTENTS + FileHeader::BYTES as u64 + TAG;

/// The key of a wallet file, with the parameters and the salt that it was derived with.
pub(crate) struct FileKey {
    cost: KdfCost,
    salt: [u8; 16],
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl FileKey {
    /// Derives the key of a new file.
    pub(crate) fn derive(cost: KdfCost, salt: [u8; 16], passphrase: &[u8]) -> Result<Self, StoreError> {
        Ok(Self { cost, salt, key: cost.derive(passphrase, &salt)? })
    }

    /// Derives the key of an existing file. Only decryption shows whether the passphrase is right.
    pub(crate) fn of_file(file: &[u8], passphrase: &[u8]) -> Result<Self, StoreError> {
        let (header, cost) = header(file)?;
        Self::derive(cost, header.salt, passphrase)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&*self.key))
    }

    /// The file with these contents; `nonce` must be fresh.
    pub(crate) fn encrypt(&self, contents: &[u8], nonce: [u8; 24]) -> Result<Vec<u8>, StoreError> {
        let length = contents.len() as u64;
        let too_long = StoreError::TooLong { found: length, expected: MAX_CONTENTS };
        if length > MAX_CONTENTS {
            return Err(too_long);
        }
        let header = FileHeader { cost: self.cost.parts(), salt: self.salt, nonce, length }.to_bytes();
        let mut file = Vec::with_capacity(header.len() + contents.len() + TAG as usize);
        file.extend_from_slice(&header);
        file.extend_from_slice(contents);
        // In place, and so in memory that is not copied with the contents in it.
        let (aad, text) = file.split_at_mut(header.len());
        let tag = self.cipher().encrypt_in_place_detached(XNonce::from_slice(&nonce), aad, text);
        file.extend_from_slice(&tag.map_err(|_| too_long)?);
        Ok(file)
    }

    /// The contents of a file.
    pub(crate) fn decrypt(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let (FileHeader { nonce, .. }, _) = header(file)?;
        let (aad, msg) = file.split_at_checked(FileHeader::BYTES).ok_or(StoreError::NotAWallet)?;
        let plain = self.cipher().decrypt(XNonce::from_slice(&nonce), Payload { msg, aad });
        plain.map(Zeroizing::new).map_err(|_| StoreError::Passphrase)
    }
}

/// The header of a wallet file, in the clear and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileHeader {
    /// Memory, passes and lanes of Argon2id.
    cost: [u32; 3],
    salt: [u8; 16],
    nonce: [u8; 24],
    /// The length of the contents.
    length: u64,
}

impl FileHeader {
    const BYTES: usize = 69;
    const MAGIC: [u8; 8] = *b"SOTTOWLT";
}

impl Encode for FileHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&Self::MAGIC);
        out.push(VERSION);
        self.cost.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.nonce);
        self.length.encode(out);
    }
}

impl Decode for FileHeader {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.array()? != Self::MAGIC {
            return Err(DecodeError::Code { what: "wallet file", code: 0 });
        }
        version(r)?;
        let cost = [r.u32()?, r.u32()?, r.u32()?];
        Ok(Self { cost, salt: r.array()?, nonce: r.array()?, length: r.u64()? })
    }
}

/// Reads the header, and checks the parameters and the length.
fn header(bytes: &[u8]) -> Result<(FileHeader, KdfCost), StoreError> {
    let found = bytes.len() as u64;
    let overhead = FileHeader::BYTES as u64 + TAG;
    let header = FileHeader::decode(&mut Reader::new(bytes)).map_err(|e| match e {
        // An empty file, and one that begins with other bytes, was never a wallet.
        DecodeError::Short { .. } if found > 0 && FileHeader::MAGIC.starts_with(first(bytes)) => {
            StoreError::CutOff { found, expected: overhead }
        }
        DecodeError::Version { found } => StoreError::Version { found, reads: VERSION },
        _ => StoreError::NotAWallet,
    })?;
    if header.length > MAX_CONTENTS {
        return Err(StoreError::TooLong { found: header.length, expected: MAX_CONTENTS });
    }
    let expected = overhead + header.length;
    match found.cmp(&expected) {
        Ordering::Less => return Err(StoreError::CutOff { found, expected }),
        Ordering::Greater => return Err(StoreError::TooLong { found, expected }),
        Ordering::Equal => {}
    }
    let [kib, passes, lanes] = header.cost;
    Ok((header, KdfCost::new(kib, passes, lanes).ok_or(KdfError::Cost)?))
}

fn first(bytes: &[u8]) -> &[u8] {
    bytes.get(..FileHeader::MAGIC.len()).unwrap_or(bytes)
}
