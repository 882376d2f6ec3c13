//! Where a block is: the log, or the base, holds header and kernels, and the index this.
//!
//! ```text
//! place = hash of the header (32) ‖ kernels up to it ‖ segment ‖ offset ‖ where its kernels begin      numbers in LEB128
//! ```
//!
//! The place is in the map of what is looked up ([`index_lookups`](super::index_lookups)), so it is the right one or an
//! error. Up to the base's height, header and kernels are in the base; above it the offset is that of the block's record in
//! the log. Guaranteed: a header that is read there has this hash, or the file is damaged. Kernels are compared by who asks
//! for them, with the root that a header states.
#![deny(clippy::indexing_slicing)]

use super::{
    error::StoreError,
    file_name::FileName,
    files::{Files, length},
    format::{Head, Position, RECORD_PREFIX},
    snapshot_format::HEADER_BYTES,
};
use crate::codec::{Damage, put_number, take_number};
use sotto_mw::{
    amount::Height,
    block::{Block, Header},
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    kernel::Kernel,
    transaction::BodyKernel,
};
use std::io;

/// Bytes of the version before a block's header.
const VERSION: usize = 1;
/// Above the bytes of a kernel with its bond.
const KERNEL_MAX: u64 = 512;

/// Where a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockPlace {
    /// The hash of its header.
    pub(crate) hash: Hash,
    /// Kernels of the chain up to it.
    pub(crate) kernels: u64,
    /// Where its record, or in the base its header, begins.
    pub(crate) at: Position,
    /// Where its kernels begin in the same file.
    pub(crate) kernels_at: u64,
}

impl Encode for BlockPlace {
    fn encode(&self, out: &mut Vec<u8>) {
        self.hash.encode(out);
        for n in [self.kernels, self.at.segment.into(), self.at.offset, self.kernels_at] {
            put_number(out, n);
        }
    }
}

impl Decode for BlockPlace {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (hash, kernels) = (Hash::decode(r)?, take_number(r)?);
        let (segment, offset) = (take_number(r)?, take_number(r)?);
        let at = Position { segment: u32::try_from(segment).unwrap_or(u32::MAX), offset };
        Ok(Self { hash, kernels, at, kernels_at: take_number(r)? })
    }
}

impl BlockPlace {
    /// The place of a block whose record begins at `at`.
    pub(crate) fn of(block: &Block, at: Position) -> Self {
        let Header { kernel_count, .. } = block.header;
        let kernels_at = at.offset + (RECORD_PREFIX + block.kernels_at()) as u64;
        Self { hash: block.header.hash(), kernels: kernel_count, at, kernels_at }
    }

    /// The place of a header in a base; that of its kernels is set later.
    pub(crate) fn in_base(header: &Header, offset: u64) -> Self {
        let at = Position { segment: 0, offset };
        Self { hash: header.hash(), kernels: header.kernel_count, at, kernels_at: 0 }
    }

    /// Reads the header of this height in the store with this head.
    pub(crate) fn header(
        &self,
        files: &dyn Files,
        head: &Head,
        height: Height,
    ) -> Result<Header, StoreError> {
        let (file, before) = match height <= head.base {
            true => (FileName::Base(head.first), 0),
            false => (FileName::Segment(self.at.segment), RECORD_PREFIX + VERSION),
        };
        let bytes = read(files, file, self.at.offset.saturating_add(before as u64), HEADER_BYTES)?;
        let header = Header::from_bytes(&bytes).ok().filter(|h| h.hash() == self.hash && h.height == height);
        header.ok_or_else(|| StoreError::damaged(file, self.at.offset, Damage::Checksum))
    }

    /// Reads the kernels of the block of this height, which are so many.
    pub(crate) fn kernels(
        &self,
        files: &dyn Files,
        head: &Head,
        (height, count): (Height, u64),
    ) -> Result<Vec<Kernel>, StoreError> {
        let in_base = height <= head.base;
        let file = if in_base { FileName::Base(head.first) } else { FileName::Segment(self.at.segment) };
        let damaged = |damage: Damage| StoreError::damaged(file, self.kernels_at, damage);
        let rest = length(files, file)?.ok_or(damaged(Damage::Missing))?.saturating_sub(self.kernels_at);
        let most = usize::try_from(rest.min(count.saturating_mul(KERNEL_MAX))).unwrap_or(usize::MAX);
        let bytes = read(files, file, self.kernels_at, most)?;
        let mut r = Reader::new(&bytes);
        let kernel = |r: &mut Reader<'_>| match in_base {
            true => Kernel::decode(r),
            // Bonds stay with their block.
            false => BodyKernel::decode(r).map(|k| k.kernel),
        };
        let kernels = (0..count).map(|_| kernel(&mut r)).collect::<Result<_, _>>();
        kernels.map_err(|e| damaged(e.into()))
    }
}

/// Reads bytes that must be there.
fn read(files: &dyn Files, file: FileName, offset: u64, n: usize) -> Result<Vec<u8>, StoreError> {
    files.read(file, offset, n).map_err(|source| match source.kind() {
        io::ErrorKind::UnexpectedEof => StoreError::damaged(file, offset, Damage::Short),
        io::ErrorKind::NotFound => StoreError::damaged(file, offset, Damage::Missing),
        _ => StoreError::Io { file, source },
    })
}
