//! The bytes of a store's own files: canonical, and bounded before anything is allocated.
//!
//! ```text
//! genesis   = parameters (mw) ‖ chain id (32)          the id is the parameters' hash; all but it are parameters
//! segment   = "SLOG" ‖ version (1) ‖ chain id (32) ‖ number (4) ‖ check (32) ‖ record*
//! record    = "SBLK" ‖ length (8) ‖ height (8) ‖ block (mw)       ‖ check (32)    a block was connected
//!           | "SUND" ‖ length (8) ‖ height (8) ‖ header hash (32) ‖ check (32)    the tip went back to this header
//! head      = version (1) ‖ chain id (32) ‖ header (mw) ‖ terms of the next height (mw) ‖ floor (8)
//!             ‖ position (12) ‖ base height (8) ‖ first segment (4) ‖ kernel peaks (mw) ‖ check (32)
//! ```
//!
//! [`snapshot_format`](super::snapshot_format) holds the bytes of snapshots, and of a base, which replaces
//! pruned blocks, [`index_format`](super::index_format) those of the index.
//!
//! Integers are little-endian. A position is segment (4) ‖ offset (8). `check` is a tagged hash of all bytes
//! before it; a record's also covers its chain and position, so bytes that were moved elsewhere are detected.
//!
//! Not guaranteed: a checksum finds damage, not malice. Anyone who can write these files can write others;
//! the audit checks them against the rules.
#![deny(clippy::indexing_slicing)]

use crate::codec::{CHECK, Damage, checked, ends, tag, with_check};
use sotto_mw::{
    amount::Height,
    block::Header,
    chain::{Chain, ChainId, Params},
    codec::{Decode, DecodeError, Encode, Reader, VERSION},
    hash::Hash,
    mmr::Peaks,
    terms::Terms,
};

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

impl Position {
    /// Where the first record of a segment begins.
    pub(crate) const fn start(segment: u32) -> Self {
        Self { segment, offset: SEGMENT_HEADER as u64 }
    }
}

impl Encode for Position {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.segment.to_le_bytes());
        self.offset.encode(out);
    }
}

impl Decode for Position {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { segment: r.u32()?, offset: r.u64()? })
    }
}

/// Most bytes of a genesis file.
pub const GENESIS_MAX: u64 = Params::MAX_BYTES as u64 + 32;

/// The genesis file.
pub(crate) fn genesis(chain: &Chain) -> Vec<u8> {
    let mut bytes = chain.params().to_bytes();
    bytes.extend_from_slice(chain.id().as_bytes());
    bytes
}

/// Reads the chain of a genesis file, which others need in order to join.
///
/// # Errors
/// When it is damaged, or its parameters make no chain.
pub fn read_genesis(bytes: &[u8]) -> Result<Chain, Damage> {
    let (params, id) = bytes.split_last_chunk::<32>().ok_or(Damage::Short)?;
    let chain = Chain::new(Params::from_bytes(params)?).map_err(|_| Damage::Misplaced)?;
    if chain.id().as_bytes() == id { Ok(chain) } else { Err(Damage::Checksum) }
}

/// Bytes of a segment's header.
pub(crate) const SEGMENT_HEADER: usize = 4 + 1 + 32 + 4 + CHECK;

/// A segment's header.
pub(crate) fn segment_header(chain: &ChainId, number: u32) -> Vec<u8> {
    let bytes = [&b"SLOG"[..], &[VERSION], chain.as_bytes(), &number.to_le_bytes()].concat();
    with_check(tag::SEGMENT, &[], bytes)
}

/// The chain and number of a segment.
pub(crate) fn read_segment_header(bytes: &[u8]) -> Result<(ChainId, u32), Damage> {
    let mut r = Reader::new(checked(tag::SEGMENT, &[], bytes)?);
    if r.take(4)? != b"SLOG" {
        return Err(Damage::Magic);
    }
    r.version()?;
    let header = (ChainId::decode(&mut r)?, r.u32()?);
    ends(&r).map(|()| header)
}

/// A change of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// This block was connected.
    Block { height: Height, bytes: Vec<u8> },
    /// The tip went back to this header.
    Undo { height: Height, to: Hash },
}

/// Bytes before a record's content, and bytes before and after it.
pub(crate) const RECORD_PREFIX: usize = 4 + 8 + 8;
pub(crate) const RECORD_FRAME: u64 = (RECORD_PREFIX + CHECK) as u64;

fn place(chain: &ChainId, at: Position) -> Vec<u8> {
    [&chain.as_bytes()[..], &at.to_bytes()].concat()
}

impl Record {
    /// Its bytes at this position of this chain's log.
    pub(crate) fn to_bytes(&self, chain: &ChainId, at: Position) -> Vec<u8> {
        let (magic, height, content) = match self {
            Self::Block { height, bytes } => (b"SBLK", height, bytes.as_slice()),
            Self::Undo { height, to } => (b"SUND", height, &to.as_bytes()[..]),
        };
        let length = (content.len() as u64).to_le_bytes();
        with_check(tag::RECORD, &place(chain, at), [magic, &length[..], &height.to_bytes(), content].concat())
    }

    /// The length of the record that begins with these [`RECORD_PREFIX`] bytes; saturates.
    pub(crate) fn length(prefix: &[u8]) -> Result<u64, Damage> {
        let mut r = Reader::new(prefix);
        if !matches!(r.take(4)?, b"SBLK" | b"SUND") {
            return Err(Damage::Magic);
        }
        Ok(r.u64()?.saturating_add(RECORD_FRAME))
    }

    /// Reads the record at this position of this chain's log, which is all of `bytes`.
    pub(crate) fn from_bytes(bytes: &[u8], chain: &ChainId, at: Position) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::RECORD, &place(chain, at), bytes)?);
        let (magic, length, height) = (r.take(4)?, r.u64()?, Height::decode(&mut r)?);
        if length != r.left() as u64 {
            return Err(Damage::Misplaced);
        }
        match magic {
            b"SBLK" => Ok(Self::Block { height, bytes: r.take(r.left())?.to_vec() }),
            b"SUND" => {
                let to = Hash::decode(&mut r)?;
                ends(&r).map(|()| Self::Undo { height, to })
            }
            _ => Err(Damage::Magic),
        }
    }
}

/// The tip of a chain and the end of its log, as in the head file and in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) chain: ChainId,
    /// The last connected header: height, hash and roots.
    pub(crate) header: Header,
    /// The terms of the next height.
    pub(crate) terms: Terms,
    /// No block at or below this height can be undone.
    pub(crate) floor: Height,
    /// The end of the log that led here.
    pub(crate) end: Position,
    /// The log begins after this block, whose state is in a base. At the genesis there is no base.
    pub(crate) base: Height,
    /// The log's first segment, and the number of that base.
    pub(crate) first: u32,
    /// The mountain range of all kernels, compact.
    pub(crate) kernels: Peaks,
}

/// Most bytes of a head file: peaks are one hash for each bit of a 48-bit count, and terms have two sets of
/// validators.
pub(crate) const HEAD_MAX: u64 = 1 << 16;

impl Head {
    pub(crate) fn genesis(chain: &Chain) -> Self {
        Self {
            chain: *chain.id(),
            header: Header::genesis(chain),
            terms: chain.params().first_terms(),
            floor: Height::GENESIS,
            end: Position::start(0),
            base: Height::GENESIS,
            first: 0,
            kernels: Peaks::new(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        self.chain.encode(&mut out);
        self.header.encode(&mut out);
        self.terms.encode(&mut out);
        self.floor.encode(&mut out);
        self.end.encode(&mut out);
        self.base.encode(&mut out);
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.kernels.to_bytes());
        with_check(tag::HEAD, &[], out)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::HEAD, &[], bytes)?);
        r.version()?;
        let (chain, header) = (ChainId::decode(&mut r)?, Header::decode(&mut r)?);
        let terms = Terms::decode(&mut r)?;
        let (floor, end) = (Height::decode(&mut r)?, Position::decode(&mut r)?);
        let (base, first) = (Height::decode(&mut r)?, r.u32()?);
        let kernels = Peaks::decode(&mut r)?;
        ends(&r)?;
        let fits = (kernels.len(), kernels.root()) == (header.kernel_count, header.kernel_root)
            && terms.hash() == header.next_terms;
        let ordered = base <= floor && floor <= header.height && first <= end.segment;
        let head = Self { chain, header, terms, floor, end, base, first, kernels };
        if fits && ordered { Ok(head) } else { Err(Damage::Misplaced) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use sotto_mw::{group::Point, schnorr::PublicKey};

    fn chain() -> Chain {
        Chain::new(Params::solo(PublicKey::from_point(Point::g()), 5)).unwrap()
    }

    /// Decoding gives back what was encoded; no prefix, no longer string and no other bit decodes.
    pub(in crate::storage) fn only<T: PartialEq + core::fmt::Debug>(
        bytes: &[u8],
        value: &T,
        read: impl Fn(&[u8]) -> Result<T, Damage>,
    ) {
        assert_eq!(read(bytes).as_ref(), Ok(value));
        assert!(read(&[bytes, &[0]].concat()).is_err());
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at]).is_err(), "{at} bytes");
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (at % 8);
            assert!(read(&flipped).is_err(), "byte {at}");
        }
    }

    #[test]
    fn all_that_is_written_is_read_back_and_nothing_else() {
        let chain = chain();
        let id = chain.id();
        only(&genesis(&chain), &chain, read_genesis);
        let mut earlier = genesis(&chain);
        for found in [1, 2] {
            earlier[0] = found;
            let why = DecodeError::Rules { found, supported: sotto_mw::chain::RULES_VERSION };
            assert_eq!(read_genesis(&earlier), Err(why.into()), "a chain under earlier rules");
        }
        only(&segment_header(id, 3), &(*id, 3), read_segment_header);
        assert_eq!(segment_header(id, 3).len(), SEGMENT_HEADER);
        let mut head = Head { floor: Height::new(9), base: Height::new(7), ..Head::genesis(&chain) };
        head.header.height = Height::new(11);
        head.kernels.push(Hash::ZERO);
        (head.header.kernel_count, head.header.kernel_root) = (1, head.kernels.root());
        only(&head.to_bytes(), &head, Head::from_bytes);
    }

    #[test]
    fn a_record_stands_in_one_place_of_one_chain() {
        let (a, b) = (chain(), Chain::new(Params::solo(PublicKey::from_point(Point::h()), 5)).unwrap());
        let at = Position::start(2);
        let block = Record::Block { height: Height::new(1), bytes: vec![1, 2, 3] };
        let undo = Record::Undo { height: Height::new(1), to: Hash::ZERO };
        for record in [block, undo] {
            let bytes = record.to_bytes(a.id(), at);
            only(&bytes, &record, |b| Record::from_bytes(b, a.id(), at));
            assert_eq!(Record::length(&bytes[..RECORD_PREFIX]), Ok(bytes.len() as u64));
            let moved = Position { offset: at.offset + 1, ..at };
            assert_eq!(Record::from_bytes(&bytes, a.id(), moved), Err(Damage::Checksum));
            assert_eq!(Record::from_bytes(&bytes, a.id(), Position::start(3)), Err(Damage::Checksum));
            assert_eq!(Record::from_bytes(&bytes, b.id(), at), Err(Damage::Checksum));
        }
        assert_eq!(Record::length(&[0; RECORD_PREFIX]), Err(Damage::Magic));
    }

    /// A count that the bytes cannot hold is refused before anything is allocated for it.
    #[test]
    fn counts_are_bounded_by_the_bytes_there_are() {
        let long = [&b"SBLK"[..], &u64::MAX.to_le_bytes(), &[0; 8]].concat();
        assert_eq!(Record::length(&long), Ok(u64::MAX));
    }
}
