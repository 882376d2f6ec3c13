//! The first bytes of a wallet file, how its key is derived and how long it is; and the files of an installation.
#![deny(clippy::indexing_slicing)]

use super::{VERSION, version};
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
};
use zeroize::Zeroizing;

/// What a wallet file starts with, in clear and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// Argon2id's memory, passes and lanes.
    pub(crate) cost: [u32; 3],
    pub(crate) salt: [u8; 16],
    pub(crate) nonce: [u8; 24],
    /// Bytes of contents.
    pub(crate) length: u64,
}

impl FileHeader {
    /// Bytes of a header.
    pub(crate) const BYTES: usize = 69;

    pub(crate) const MAGIC: [u8; 8] = *b"SOTTOWLT";
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

const INSTALLATION_MAGIC: [u8; 8] = *b"SOTTOKEY";

/// One byte more than the longest file of an installation has.
pub(crate) const INSTALLATION_MAX: usize = 42;

/// The bytes of an installation's key; written without reallocating.
pub(crate) fn installation_key(key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(INSTALLATION_MAX));
    out.extend_from_slice(&INSTALLATION_MAGIC);
    out.push(VERSION);
    out.extend_from_slice(key);
    out
}

/// Reads what [`installation_key`] writes.
pub(crate) fn read_installation_key(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, DecodeError> {
    let mut r = Reader::new(bytes);
    if r.array()? != INSTALLATION_MAGIC {
        return Err(DecodeError::Code { what: "installation key", code: 0 });
    }
    version(&mut r)?;
    let key = Zeroizing::new(r.array()?);
    if r.left() > 0 { Err(DecodeError::Trailing { extra: r.left() }) } else { Ok(key) }
}

/// The bytes that say on what a session is closed.
pub(crate) fn closed(on: &Hash) -> Vec<u8> {
    [&[VERSION][..], on.as_bytes()].concat()
}

/// Reads what [`closed`] writes.
pub(crate) fn read_closed(bytes: &[u8]) -> Result<Hash, DecodeError> {
    let mut r = Reader::new(bytes);
    version(&mut r)?;
    let on = Hash::decode(&mut r)?;
    if r.left() > 0 { Err(DecodeError::Trailing { extra: r.left() }) } else { Ok(on) }
}
