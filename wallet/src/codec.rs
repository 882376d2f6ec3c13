//! Building blocks of the wallet's bytes: canonical, versioned, and bounded before anything is allocated.
//!
//! ```text
//! envelope   kind (1) ‖ version (1) ‖ chain id (32) ‖ body
//! option     0, or 1 ‖ value
//! list       count (4) ‖ values
//! map        count (4) ‖ records in strictly ascending order of their keys
//! ```
//!
//! Integers are little-endian; points and scalars are canonical. The traits come from `sotto_mw`; each type
//! has its bytes in its own file. `docs/FORMATS.md` draws all of them. Messages carry their version in the
//! envelope, and the contents of a wallet start with a version byte; these versions fix the layout of
//! everything inside.
#![deny(clippy::indexing_slicing)]

use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    session::SessionId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the files' headers, and of the kinds of messages that have had one version only.
pub(crate) const VERSION: u8 = 1;

/// Most records of one kind in a wallet.
const MAX_RECORDS: u32 = 1 << 24;

/// Reads a version byte, which must be [`VERSION`].
pub(crate) fn version(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    match r.u8()? {
        VERSION => Ok(()),
        found => Err(DecodeError::Version { found }),
    }
}

/// Reads a whole value; bytes after it are an error.
pub(crate) fn whole<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut r = Reader::new(bytes);
    let value = read(&mut r)?;
    if r.left() > 0 { Err(DecodeError::Trailing { extra: r.left() }) } else { Ok(value) }
}

/// Reads a byte that is 0 or 1.
pub(crate) fn flag(r: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        code => Err(DecodeError::Code { what, code }),
    }
}

pub(crate) fn put_option<T: Encode>(x: Option<&T>, out: &mut Vec<u8>) {
    out.push(u8::from(x.is_some()));
    x.into_iter().for_each(|x| x.encode(out));
}

pub(crate) fn option<T: Decode>(r: &mut Reader<'_>, what: &'static str) -> Result<Option<T>, DecodeError> {
    flag(r, what)?.then(|| T::decode(r)).transpose()
}

pub(crate) fn put_count(n: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
}

/// Reads a count of values that take at least `least_bytes` each; refuses more than the bytes that are left
/// can hold.
pub(crate) fn count(r: &mut Reader<'_>, what: &'static str, least_bytes: usize) -> Result<u32, DecodeError> {
    let n = r.u32()?;
    if n > MAX_RECORDS {
        return Err(DecodeError::Bound { what, found: n.into(), bound: MAX_RECORDS.into() });
    }
    let needed = (n as usize).saturating_mul(least_bytes);
    if needed > r.left() {
        return Err(DecodeError::Short { needed: needed - r.left() });
    }
    Ok(n)
}

pub(crate) fn put_list<T: Encode>(all: &[T], out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.iter().for_each(|x| x.encode(out));
}

pub(crate) fn list<T: Decode>(
    r: &mut Reader<'_>,
    what: &'static str,
    least_bytes: usize,
) -> Result<Vec<T>, DecodeError> {
    let n = count(r, what, least_bytes)?;
    (0..n).map(|_| T::decode(r)).collect()
}

/// A record that contains its own key in a map.
pub(crate) trait Keyed: Encode + Decode {
    /// The type of the key.
    type Key: Ord;
    /// What error messages call these records.
    const NAME: &'static str;
    /// A lower bound of the bytes of a record: never more than a record can have, or a wallet could be
    /// written that cannot be read.
    const LEAST_BYTES: usize;

    /// The key.
    fn key(&self) -> Self::Key;
}

pub(crate) fn put_map<T: Keyed>(all: &BTreeMap<T::Key, T>, out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.values().for_each(|x| x.encode(out));
}

/// Reads a map; keys must be strictly ascending.
pub(crate) fn map<T: Keyed>(r: &mut Reader<'_>) -> Result<BTreeMap<T::Key, T>, DecodeError> {
    let n = count(r, T::NAME, T::LEAST_BYTES)?;
    let mut all: Vec<(T::Key, T)> = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let record = T::decode(r)?;
        let key = record.key();
        if all.last().is_some_and(|(last, _)| *last >= key) {
            return Err(DecodeError::Code { what: "ascending record", code: 0 });
        }
        all.push((key, record));
    }
    // In one piece: a tree that grows record by record takes twice as long.
    Ok(BTreeMap::from_iter(all))
}

pub(crate) fn session(r: &mut Reader<'_>) -> Result<SessionId, DecodeError> {
    r.array().map(SessionId)
}

/// Reads the bytes of a commitment without decoding the point: decoding takes longer than reading the rest of
/// a record.
pub(crate) fn point_bytes(r: &mut Reader<'_>) -> Result<PointBytes, DecodeError> {
    r.array().map(PointBytes)
}

pub(crate) fn put_inputs(all: &[PointBytes], out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.iter().for_each(|c| out.extend_from_slice(&c.0));
}

pub(crate) fn inputs(r: &mut Reader<'_>) -> Result<Vec<PointBytes>, DecodeError> {
    let n = count(r, "inputs", 32)?;
    (0..n).map(|_| point_bytes(r)).collect()
}

/// Writes a set of 32-byte names.
pub(crate) fn put_set<'a>(all: impl ExactSizeIterator<Item = &'a [u8; 32]>, out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.for_each(|name| out.extend_from_slice(name));
}

/// Reads a set of 32-byte names; they must be strictly ascending.
pub(crate) fn set<T: Ord>(
    r: &mut Reader<'_>,
    what: &'static str,
    read: fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<BTreeSet<T>, DecodeError> {
    let n = count(r, what, 32)?;
    let mut all = BTreeSet::new();
    for _ in 0..n {
        let name = read(r)?;
        if all.last().is_some_and(|last| *last >= name) {
            return Err(DecodeError::Code { what: "ascending record", code: 0 });
        }
        all.insert(name);
    }
    Ok(all)
}

/// What precedes every message that leaves a wallet: its kind, the version of that kind, and the chain it
/// belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) kind: u8,
    pub(crate) version: u8,
    pub(crate) chain: ChainId,
}

impl Encode for Envelope {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind, self.version]);
        self.chain.encode(out);
    }
}

impl Decode for Envelope {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { kind: r.u8()?, version: r.u8()?, chain: ChainId::decode(r)? })
    }
}
