//! The first bytes of a wallet file: how its key is derived, and how long it is.
#![deny(clippy::indexing_slicing)]

use super::{VERSION, version};
use mw::wire::{Decode, Encode, Reader, WireError};

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
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        if r.array()? != Self::MAGIC {
            return Err(WireError::Code { what: "wallet file", code: 0 });
        }
        version(r)?;
        let cost = [r.u32()?, r.u32()?, r.u32()?];
        Ok(Self { cost, salt: r.array()?, nonce: r.array()?, length: r.u64()? })
    }
}
