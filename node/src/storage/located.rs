//! Where an unspent output is: the log, or the base, holds the output itself, and the index this.
//!
//! ```text
//! located = key in the trie (32) ‖ leaf (32) ‖ created ‖ segment ‖ offset ‖ bytes      numbers in LEB128
//! ```
//!
//! An output that was created up to the base's height is in the base, at the position's offset; any other is
//! in the log. Guaranteed: what is read there is the output with this leaf, or an error.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{Damage, put_number, take_number},
    storage::{
        error::StoreError,
        file_name::FileName,
        files::Files,
        format::{Head, Position, RECORD_PREFIX},
        snapshot_reference::Extent,
    },
};
use sotto_mw::{
    amount::Height,
    block::Block,
    codec::{Decode, DecodeError, Encode, Reader},
    output::Output,
    state::Unspent,
    trie::{Entry, Part},
};

/// An unspent output's entry in the trie, and where the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) entry: Entry,
    pub(crate) created: Height,
    at: Position,
    bytes: u16,
}

impl Encode for Located {
    fn encode(&self, out: &mut Vec<u8>) {
        self.entry.encode(out);
        for n in [self.created.get(), self.at.segment.into(), self.at.offset, self.bytes.into()] {
            put_number(out, n);
        }
    }
}

impl Decode for Located {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (entry, created) = (Entry::decode(r)?, Height::new(take_number(r)?));
        let (segment, offset, bytes) = (take_number(r)?, take_number(r)?, take_number(r)?);
        let at = Position { segment: u32::try_from(segment).unwrap_or(u32::MAX), offset };
        Ok(Self { entry, created, at, bytes: u16::try_from(bytes).unwrap_or(u16::MAX) })
    }
}

impl Located {
    /// Bytes of its encoding, at least and usually at most.
    pub(crate) const LEAST: usize = 32 + 32 + 4;
    pub(crate) const MOST: usize = 32 + 32 + 16;

    /// Its part of the trie.
    pub(crate) const fn part(&self) -> Part {
        Part::of(&self.entry.key)
    }

    fn new(unspent: &Unspent, at: Position) -> Self {
        let bytes = u16::try_from(unspent.output.to_bytes().len()).unwrap_or(u16::MAX);
        Self { entry: entry(unspent), created: unspent.created, at, bytes }
    }

    /// The outputs of a block, whose record begins at `at`.
    pub(crate) fn in_block(block: &Block, at: Position) -> Vec<Self> {
        let created = block.header.height;
        let place = |start: usize| Position { offset: at.offset + (RECORD_PREFIX + start) as u64, ..at };
        let outputs = block.body.outputs.iter().zip(block.output_ranges());
        outputs
            .map(|(o, range)| Self::new(&Unspent { created, output: o.clone() }, place(range.start)))
            .collect()
    }

    /// Outputs that stand one after the other in a base, from `offset` on.
    pub(crate) fn in_base(all: &[Unspent], mut offset: u64) -> Vec<Self> {
        let mut located = Vec::with_capacity(all.len());
        for u in all {
            // Before the output comes its height.
            let at = Position { segment: 0, offset: offset + u.created.to_bytes().len() as u64 };
            let one = Self::new(u, at);
            offset = at.offset + u64::from(one.bytes);
            located.push(one);
        }
        located
    }

    /// Where the output is in the store with this head.
    pub(crate) fn extent(&self, head: &Head) -> Extent {
        let in_base = self.created <= head.base;
        let file = if in_base { FileName::Base(head.first) } else { FileName::Segment(self.at.segment) };
        Extent { file, offset: self.at.offset, length: self.bytes.into() }
    }

    /// Reads the output from the log or the base of the store with this head.
    pub(crate) fn read(&self, files: &dyn Files, head: &Head) -> Result<Unspent, StoreError> {
        let Extent { file, .. } = self.extent(head);
        let damaged = |damage: Damage| StoreError::damaged(file, self.at.offset, damage);
        let bytes = files.read(file, self.at.offset, self.bytes.into());
        let bytes = bytes.map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged(Damage::Short),
            _ => StoreError::Io { file, source },
        })?;
        let output = Output::from_bytes(&bytes).map_err(|e| damaged(e.into()))?;
        let unspent = Unspent { created: self.created, output };
        if entry(&unspent) == self.entry { Ok(unspent) } else { Err(damaged(Damage::Checksum)) }
    }
}

/// The trie's entry of an unspent output.
pub(crate) fn entry(u: &Unspent) -> Entry {
    Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() }
}
