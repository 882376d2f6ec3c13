//! A snapshot by reference: its parts are pieced together from the log and the base, which have most of their bytes.
//!
//! ```text
//! file   = "SREF" ‖ version (1) ‖ items of a part (4) ‖ base height (8) ‖ first segment (4) ‖ length of the start (4) ‖ start
//!          ‖ length of the pieces of each part (4)* ‖ check ‖ pieces of each part
//!                                                         start: as in a whole snapshot, with the checks of all parts
//! piece  = 0 ‖ length ‖ bytes                             numbers in LEB128
//!        | 1 ‖ offset ‖ length                            bytes of the base
//!        | 2 ‖ segment ‖ offset ‖ length                  bytes of the log
//! ```
//!
//! Headers, seals, kernels and outputs are in the log or the base once, whichever snapshots have them; a snapshot has the
//! rest: proofs, heights of outputs, and which bytes come where. The log is only appended to, so references hold until
//! pruning, or the adoption of a state, begins another log: then the snapshot is [out of date](SnapshotReference::is_of).
//! Guaranteed: a part that is pieced together has its check, or is an error.
#![deny(clippy::indexing_slicing)]

use super::{
    error::StoreError,
    file_name::FileName,
    files::{Files, length},
    format::Head,
    snapshot_format::{START_PREFIX, Start},
};
use crate::codec::{CHECK, Damage, checked, put_number, tag, take_number, with_check};
use sotto_mw::{
    amount::Height,
    codec::{Decode as _, DecodeError, Encode, Reader},
};

const MAGIC: &[u8; 4] = b"SREF";
const VERSION: u8 = 1;
/// Bytes that tell the length of the front.
const PREFIX: usize = 4 + 1 + 4 + 8 + 4 + 4;

/// Some bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) file: FileName,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What the bytes of a part are made of.
#[derive(Debug, Default)]
pub(crate) struct Pieces(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    At(Extent),
}

impl Pieces {
    /// Adds the next bytes, which are at this place, if it is known and has them.
    pub(crate) fn add(&mut self, files: &dyn Files, bytes: &[u8], place: Option<Extent>) {
        let same =
            |at: &Extent| files.read(at.file, at.offset, bytes.len()).is_ok_and(|found| found == bytes);
        match (place.filter(same), self.0.last_mut()) {
            (Some(at), Some(Piece::At(last)))
                if last.file == at.file && last.offset + last.length == at.offset =>
            {
                last.length += at.length;
            }
            (Some(at), _) => self.0.push(Piece::At(at)),
            (None, Some(Piece::Bytes(last))) => last.extend_from_slice(bytes),
            (None, _) => self.0.push(Piece::Bytes(bytes.to_vec())),
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Bytes(bytes) => {
                    out.push(0);
                    put_number(&mut out, bytes.len() as u64);
                    out.extend_from_slice(bytes);
                }
                Piece::At(Extent { file, offset, length }) => {
                    match file {
                        FileName::Segment(n) => {
                            out.push(2);
                            put_number(&mut out, (*n).into());
                        }
                        _ => out.push(1),
                    }
                    put_number(&mut out, *offset);
                    put_number(&mut out, *length);
                }
            }
        }
        out
    }
}

/// Joins the pieces of a part of so many bytes, in the store with this first segment.
fn join(pieces: &[u8], files: &dyn Files, (first, bytes): (u32, u64)) -> Result<Vec<u8>, StoreError> {
    let damaged = |damage: Damage| StoreError::damaged(FileName::Base(first), 0, damage);
    let refused = |e: DecodeError| damaged(e.into());
    let (mut r, mut out) = (Reader::new(pieces), Vec::new());
    while r.left() > 0 {
        let kind = r.u8().map_err(refused)?;
        let file = match kind {
            2 => FileName::Segment(u32::try_from(take_number(&mut r).map_err(refused)?).unwrap_or(u32::MAX)),
            _ => FileName::Base(first),
        };
        let offset = if kind == 0 { 0 } else { take_number(&mut r).map_err(refused)? };
        let n = take_number(&mut r).map_err(refused)?;
        let n = usize::try_from(n)
            .ok()
            .filter(|_| n <= bytes.saturating_sub(out.len() as u64))
            .ok_or(damaged(Damage::Long))?;
        match kind {
            0 => out.extend_from_slice(r.take(n).map_err(refused)?),
            1 | 2 => out.extend(files.read(file, offset, n).map_err(|source| match source.kind() {
                std::io::ErrorKind::UnexpectedEof => StoreError::damaged(file, offset, Damage::Short),
                _ => StoreError::Io { file, source },
            })?),
            _ => return Err(damaged(Damage::Magic)),
        }
    }
    Ok(out)
}

/// A snapshot by reference that is whole.
#[derive(Debug)]
pub(crate) struct SnapshotReference {
    pub(crate) file: FileName,
    pub(crate) start: Start,
    /// Items of a part.
    pub(crate) items: u32,
    base: Height,
    first: u32,
    /// Where the pieces of each part begin, and their length.
    pieces: Vec<(u64, u32)>,
}

impl SnapshotReference {
    /// The length of the front of such a snapshot, whose start has so many bytes, of so many parts.
    pub(crate) const fn front_size(start: usize, parts: usize) -> usize {
        PREFIX + start + 4 * parts + CHECK
    }

    /// The front: what comes before the pieces, which have these lengths for each part.
    pub(crate) fn front(start: &Start, items: u32, head: &Head, pieces: &[u32]) -> Vec<u8> {
        let start = start.to_bytes();
        let mut out = [&MAGIC[..], &[VERSION], &items.to_le_bytes()].concat();
        head.base.encode(&mut out);
        out.extend_from_slice(&head.first.to_le_bytes());
        out.extend_from_slice(&u32::try_from(start.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(start);
        pieces.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        with_check(tag::SNAPSHOT_REFERENCE, &[], out)
    }

    /// Opens one; `None` if the file is something else.
    pub(crate) fn open(files: &dyn Files, file: FileName) -> Result<Option<Self>, StoreError> {
        let damaged = |damage: Damage| StoreError::damaged(file, 0, damage);
        let have = length(files, file)?.ok_or(damaged(Damage::Missing))?;
        let read = |n: usize| match n as u64 <= have {
            true => files.read(file, 0, n).map_err(|source| StoreError::Io { file, source }),
            false => Err(damaged(Damage::Short)),
        };
        if read(MAGIC.len())? != MAGIC {
            return Ok(None);
        }
        let prefix = read(PREFIX + START_PREFIX)?;
        let start_prefix = prefix.get(PREFIX..).unwrap_or_default();
        let start = Start::length(start_prefix).map_err(damaged)?;
        let parts = start_prefix.get(7..11).and_then(|n| n.try_into().ok()).map_or(0, u32::from_le_bytes);
        let front = read(Self::front_size(start, parts as usize))?;
        let found = Self::from_front(file, &front).map_err(damaged)?;
        let end = found.pieces.last().map_or(front.len() as u64, |(at, n)| at + u64::from(*n));
        if end == have { Ok(Some(found)) } else { Err(damaged(Damage::Short)) }
    }

    fn from_front(file: FileName, front: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::SNAPSHOT_REFERENCE, &[], front)?);
        if r.take(4)? != MAGIC || r.u8()? != VERSION {
            return Err(Damage::Magic);
        }
        let (items, base, first) = (r.u32()?, Height::decode(&mut r)?, r.u32()?);
        let length = r.u32()? as usize;
        let start = Start::from_bytes(r.take(length)?)?;
        let (mut pieces, mut at) = (Vec::with_capacity(start.parts.len()), front.len() as u64);
        for _ in &start.parts {
            let n = r.u32()?;
            pieces.push((at, n));
            at += u64::from(n);
        }
        crate::codec::ends(&r).map(|()| Self { file, start, items, base, first, pieces })
    }

    /// Whether it refers to the log and the base of the store with this head.
    pub(crate) fn is_of(&self, head: &Head) -> bool {
        (self.base, self.first) == (head.base, head.first)
    }

    /// The bytes of a part, after its check.
    pub(crate) fn bytes(&self, files: &dyn Files, place: u32) -> Result<Vec<u8>, StoreError> {
        let at = place as usize;
        let (entry, place_of) = self
            .start
            .parts
            .get(at)
            .zip(self.pieces.get(at))
            .ok_or_else(|| StoreError::damaged(self.file, 0, Damage::Short))?;
        let (offset, n) = *place_of;
        let read = files.read(self.file, offset, n as usize);
        let pieces = read.map_err(|source| StoreError::Io { file: self.file, source })?;
        let bytes = join(&pieces, files, (self.first, entry.length.into()))?;
        let check = Start::check(&self.start.tip, place, entry.kind, &bytes);
        if check == entry.check {
            Ok(bytes)
        } else {
            Err(StoreError::damaged(self.file, offset, Damage::Checksum))
        }
    }
}
