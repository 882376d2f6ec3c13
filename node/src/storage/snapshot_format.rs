//! The bytes of a snapshot: a chain's state in parts that can be checked one by one.
//!
//! ```text
//! snapshot  = start ‖ part*
//! start     = "SNAP" ‖ version (1): 2, of a chain of validators 3 ‖ length of the parameters (2)
//!             ‖ number of parts (4) ‖ parameters (mw) ‖ last ‖ depth d (1) ‖ (kind (1) ‖ length (4) ‖ check (32))* ‖ check (32)
//! last      = header ‖ seal (mw); of validators with zeros up to the length of one by a hundred
//! part      = headers, kernels or outputs: see `snapshot_part`
//! ```
//!
//! While a snapshot is fetched from peers, a file holds its parts in the order of their arrival:
//!
//! ```text
//! arriving  = "SARR" ‖ version (1): 1, of a chain of validators 2 ‖ chain id (32) ‖ last ‖ check (32)
//!             ‖ (place (4) ‖ kind (1) ‖ length (4) ‖ check (32) ‖ part)*
//! ```
//!
//! Kinds ascend. The i-th part of outputs holds all whose trie key begins with the d bits of i, in the order
//! of keys. A part's check covers its place, so where one part is damaged all others are still found and
//! read. One state and one size of parts give one string of bytes, but for certificates, of which nodes may
//! hold different ones.
//!
//! Not guaranteed: a check finds damage, not lies; `snapshot_layout` compares each
//! part with the sealed headers.

use crate::{
    codec::{CHECK, Damage, checked, ends, tag, with_check},
    seal::SealedHeader,
};
use sotto_mw::{
    block::{Header, Seal},
    chain::{ChainId, Params, RULES_VERSION},
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    output::Output,
    trie::{Prefix, TrieProof},
};

/// What a part of a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum PartKind {
    /// Headers and their seals.
    Headers = 0,
    /// Kernels of whole blocks.
    Kernels = 1,
    /// Unspent outputs under a prefix of the trie.
    Outputs = 2,
}

impl core::fmt::Display for PartKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Headers => "headers",
            Self::Kernels => "kernels",
            Self::Outputs => "outputs",
        })
    }
}

/// How many parts a snapshot has, the last 2^`depth` of them outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartCount {
    pub(crate) all: u32,
    pub(crate) depth: u8,
}

impl PartCount {
    /// The prefix of the part at `place`, which holds outputs.
    pub(crate) fn prefix(&self, place: u32) -> Option<Prefix> {
        let before = self.all.checked_sub(1 << self.depth)?;
        Prefix::new(self.depth, place.checked_sub(before)?)
    }
}

/// One part, as the start names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartEntry {
    pub(crate) kind: PartKind,
    pub(crate) length: u32,
    pub(crate) check: Hash,
}

/// The start of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) params: Params,
    pub(crate) tip: SealedHeader,
    pub(crate) depth: u8,
    pub(crate) parts: Vec<PartEntry>,
}

/// Version of a start, and that of a chain of validators.
const START_VERSION: u8 = 2;
const START_OF_VALIDATORS: u8 = 3;
/// The version before, in which the parameters of earlier rules followed at once.
const START_OF_EARLIER_RULES: u8 = 1;
/// Bytes that tell the length of a start.
pub(crate) const START_PREFIX: usize = 4 + 1 + 2 + 4;
/// Bytes of an entry of that table.
const ENTRY_BYTES: usize = 1 + 4 + 32;
/// Most parts: 2^20 of them are a table of 39 MB.
const MAX_PARTS: u32 = 1 << 20;
/// Most bits of a prefix of outputs.
pub(crate) const MAX_DEPTH: u8 = 19;
/// Most bytes of a part: above the kernels of the heaviest block that decodes.
pub(crate) const MAX_PART: u32 = 1 << 28;
/// Bytes of a header, and of one with its seal by an operator.
pub(crate) const HEADER_BYTES: usize = 256;
pub(crate) const SEALED_BYTES: u32 = 256 + 1 + 64;
/// Most bytes of a header and its seal: one by a hundred validators.
pub(crate) const SEALED_MAX: u64 = 256 + 1 + 4 + 1 + 13 + 100 * 64;
/// Above the bytes of terms: two sets of a hundred validators.
const TERMS_MAX: u64 = 1 << 16;
/// Most bytes of a kernel (a notice), of an unspent output with its height, and of what a part holds besides: a proof of
/// 256 forks.
const KERNEL_BYTES: u64 = 146;
const UNSPENT_BYTES: u64 = 8 + Output::MAX_BYTES as u64;
const PROOF_BYTES: u64 = 4 + TrieProof::MAX_BYTES as u64;

/// Bytes of the last header and its seal: as many as it can have, so that a length is known before it is
/// read.
const fn last_bytes(validators: bool) -> usize {
    if validators { SEALED_MAX as usize } else { SEALED_BYTES as usize }
}

const fn is_certified(tip: &SealedHeader) -> bool {
    matches!(tip.seal, Seal::Certificate(_))
}

fn put_last(tip: &SealedHeader, out: &mut Vec<u8>) {
    let end = out.len() + last_bytes(is_certified(tip));
    tip.encode(out);
    out.resize(end, 0);
}

fn take_last(r: &mut Reader<'_>, validators: bool) -> Result<SealedHeader, Damage> {
    let mut r = Reader::new(r.take(last_bytes(validators))?);
    let tip = SealedHeader::decode(&mut r)?;
    let zeros = r.take(r.left())?.iter().all(|b| *b == 0);
    if zeros && is_certified(&tip) == validators { Ok(tip) } else { Err(Damage::Misplaced) }
}

impl Start {
    /// The check of the part at `place` of the snapshot that ends with this header.
    pub(crate) fn check(tip: &SealedHeader, place: u32, kind: PartKind, bytes: &[u8]) -> Hash {
        let place = [&tip.header.hash().as_bytes()[..], &place.to_le_bytes(), &[kind as u8]].concat();
        tagged(tag::PART, &[&place, bytes])
    }

    /// The length of the start that begins with these [`START_PREFIX`] bytes.
    pub(crate) fn length(prefix: &[u8]) -> Result<usize, Damage> {
        let (validators, params, count) = Self::lengths(&mut Reader::new(prefix))?;
        Ok(size(validators, params, count as usize))
    }

    /// Reads whether validators seal, and the lengths of the parameters and of the table of parts.
    fn lengths(r: &mut Reader<'_>) -> Result<(bool, usize, u32), Damage> {
        if r.take(4)? != b"SNAP" {
            return Err(Damage::Magic);
        }
        let validators = match r.u8()? {
            START_VERSION => false,
            START_OF_VALIDATORS => true,
            START_OF_EARLIER_RULES => {
                return Err(DecodeError::Rules { found: r.u8()?, supported: RULES_VERSION }.into());
            }
            code => return Err(DecodeError::Code { what: "version of a snapshot", code }.into()),
        };
        let length = u32::from(u16::from_le_bytes(r.array()?));
        let length = bounded("length of the parameters", length, Params::MAX_BYTES as u32)?;
        Ok((validators, length as usize, bounded("parts of a snapshot", r.u32()?, MAX_PARTS)?))
    }

    /// The length of a start with these parameters and so many parts.
    pub(crate) fn size(params: &Params, parts: usize) -> usize {
        size(params.operator().is_none(), params.to_bytes().len(), parts)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let params = self.params.to_bytes();
        let version = if is_certified(&self.tip) { START_OF_VALIDATORS } else { START_VERSION };
        let mut out = [&b"SNAP"[..], &[version]].concat();
        out.extend_from_slice(&u16::try_from(params.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(&u32::try_from(self.parts.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&params);
        put_last(&self.tip, &mut out);
        out.push(self.depth);
        self.parts.iter().for_each(|part| part.encode(&mut out));
        with_check(tag::SNAPSHOT, &[], out)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::SNAPSHOT, &[], bytes)?);
        let (validators, length, count) = Self::lengths(&mut r)?;
        let (params, tip) = (Params::from_bytes(r.take(length)?)?, take_last(&mut r, validators)?);
        if params.operator().is_none() != validators {
            return Err(Damage::Misplaced);
        }
        let depth = bounded("depth of a snapshot", u32::from(r.u8()?), MAX_DEPTH.into())? as u8;
        let parts = (0..count).map(|_| PartEntry::decode(&mut r)).collect::<Result<Vec<_>, _>>()?;
        ends(&r)?;
        let outputs = parts.iter().filter(|p| p.kind == PartKind::Outputs).count();
        if outputs != 1 << depth || !parts.is_sorted_by_key(|p| p.kind) {
            return Err(Damage::Misplaced);
        }
        let promised: u64 = parts.iter().map(|p| u64::from(p.length)).sum();
        if promised > room(&tip.header, count) {
            Err(Damage::Long)
        } else {
            Ok(Self { params, tip, depth, parts })
        }
    }

    /// Where each part begins, the first at `from`, and where the last ends.
    pub(crate) fn offsets(&self, from: u64) -> (Vec<u64>, u64) {
        let (mut offsets, mut end) = (Vec::with_capacity(self.parts.len()), from);
        for part in &self.parts {
            offsets.push(end);
            end += u64::from(part.length);
        }
        (offsets, end)
    }

    /// How many parts there are.
    pub(crate) fn count(&self) -> PartCount {
        PartCount { all: u32::try_from(self.parts.len()).unwrap_or(u32::MAX), depth: self.depth }
    }
}

/// Most bytes of so many parts that hold what this header counts: a table cannot promise more than was
/// sealed.
fn room(tip: &Header, parts: u32) -> u64 {
    let header = if tip.terms == Hash::ZERO { SEALED_BYTES.into() } else { SEALED_MAX + TERMS_MAX };
    let items = [
        (tip.height.get(), header),
        (tip.kernel_count, KERNEL_BYTES),
        (tip.output_count, UNSPENT_BYTES),
        (parts.into(), PROOF_BYTES),
    ];
    items.iter().fold(0, |sum, (n, bytes): &(u64, u64)| sum.saturating_add(n.saturating_mul(*bytes)))
}

/// The length of a start whose parameters have this length, with so many parts.
const fn size(validators: bool, params: usize, parts: usize) -> usize {
    START_PREFIX + params + last_bytes(validators) + 1 + parts * ENTRY_BYTES + CHECK
}

fn bounded(what: &'static str, found: u32, bound: u32) -> Result<u32, DecodeError> {
    if found <= bound {
        Ok(found)
    } else {
        Err(DecodeError::Bound { what, found: found.into(), bound: bound.into() })
    }
}

impl Encode for PartEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        out.extend_from_slice(&self.length.to_le_bytes());
        self.check.encode(out);
    }
}

impl Decode for PartEntry {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = match r.u8()? {
            0 => PartKind::Headers,
            1 => PartKind::Kernels,
            2 => PartKind::Outputs,
            code => return Err(DecodeError::Code { what: "kind of part", code }),
        };
        let length = bounded("bytes of a part", r.u32()?, MAX_PART)?;
        Ok(Self { kind, length, check: Hash::decode(r)? })
    }
}

/// Bytes that tell the length of the header of a file of arriving parts.
pub(crate) const ARRIVING_PREFIX: usize = 4 + 1;
/// Its version, and that of a chain of validators.
const ARRIVING_VERSION: u8 = 1;
const ARRIVING_OF_VALIDATORS: u8 = 2;
/// Bytes of an arrived part before its content.
pub(crate) const ARRIVED_PREFIX: usize = 4 + ENTRY_BYTES;

/// The header of the file of parts that arrive, of the snapshot that ends with this header.
pub(crate) fn arriving_header(chain: &ChainId, tip: &SealedHeader) -> Vec<u8> {
    let version = if is_certified(tip) { ARRIVING_OF_VALIDATORS } else { ARRIVING_VERSION };
    let mut out = [&b"SARR"[..], &[version], chain.as_bytes()].concat();
    put_last(tip, &mut out);
    with_check(tag::ARRIVING, &[], out)
}

/// The length of the header that begins with these [`ARRIVING_PREFIX`] bytes.
pub(crate) fn arriving_length(prefix: &[u8]) -> Result<usize, Damage> {
    let validators = arriving_version(&mut Reader::new(prefix))?;
    Ok(ARRIVING_PREFIX + 32 + last_bytes(validators) + CHECK)
}

/// Whether validators seal the chain.
fn arriving_version(r: &mut Reader<'_>) -> Result<bool, Damage> {
    if r.take(4)? != b"SARR" {
        return Err(Damage::Magic);
    }
    match r.u8()? {
        ARRIVING_VERSION => Ok(false),
        ARRIVING_OF_VALIDATORS => Ok(true),
        code => Err(DecodeError::Code { what: "version of arriving parts", code }.into()),
    }
}

/// The chain and the last header of such a file.
pub(crate) fn read_arriving_header(bytes: &[u8]) -> Result<(ChainId, SealedHeader), Damage> {
    let mut r = Reader::new(checked(tag::ARRIVING, &[], bytes)?);
    let validators = arriving_version(&mut r)?;
    let header = (ChainId::decode(&mut r)?, take_last(&mut r, validators)?);
    ends(&r).map(|()| header)
}

/// The bytes before an arrived part: its place, and its entry in the table of the snapshot.
pub(crate) fn arrived_prefix(place: u32, entry: &PartEntry) -> Vec<u8> {
    let mut out = place.to_le_bytes().to_vec();
    entry.encode(&mut out);
    out
}

/// The place and entry of an arrived part.
pub(crate) fn read_arrived_prefix(bytes: &[u8]) -> Result<(u32, PartEntry), Damage> {
    let mut r = Reader::new(bytes);
    let prefix = (r.u32()?, PartEntry::decode(&mut r)?);
    ends(&r).map(|()| prefix)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use sotto_mw::{
        amount::{Amount, Height},
        chain::Chain,
        group::{Point, Scalar},
        kernel::{KernelFeatures, Notice, Window},
        schnorr::{PublicKey, Signature},
        testing::TestChain,
    };

    /// A snapshot of a chain with many notices fits into its own room.
    #[test]
    fn the_room_is_that_of_the_longest_kernels() {
        let mut chain = TestChain::new(9);
        let (fee, not_after, x) = (Amount::new(1), Height::new(60), chain.secret());
        let window = Window { not_before: Height::new(60), not_after: Height::new(120) };
        let notice = Notice { topic: 1, data: Hash::ZERO };
        let kinds = [
            KernelFeatures::Notice { fee, not_after, notice },
            KernelFeatures::NoRecentDuplicate { fee, window, distance: 9 },
            KernelFeatures::BondedHeightRanged { fee, window },
        ];
        let longest = kinds.map(|kind| chain.kernel(kind, &x).to_bytes().len() as u64);
        assert_eq!(longest.into_iter().max(), Some(KERNEL_BYTES));
    }

    fn start() -> Start {
        let params = Params::solo(PublicKey::from_point(Point::g()), 5);
        let header = Header::genesis(&Chain::new(params.clone()).unwrap());
        let tip = SealedHeader { header, seal: Signature::from_parts(Point::g(), Scalar::ONE).into() };
        let entry = |kind| PartEntry { kind, length: 9, check: Hash::ZERO };
        let parts = [PartKind::Headers, PartKind::Outputs, PartKind::Outputs].map(entry).to_vec();
        Start { params, tip, depth: 1, parts }
    }

    #[test]
    fn a_start_is_read_back_and_nothing_else_is() {
        let start = start();
        let bytes = start.to_bytes();
        assert_eq!(Start::length(&bytes[..START_PREFIX]), Ok(bytes.len()));
        assert_eq!(Start::from_bytes(&bytes).as_ref(), Ok(&start));
        for at in 0..bytes.len() {
            assert!(Start::from_bytes(&bytes[..at]).is_err());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(Start::from_bytes(&flipped).is_err());
        }
        assert_eq!(start.count().prefix(0), None);
        assert_eq!(start.count().prefix(2), Prefix::new(1, 1));
        assert_eq!(start.count().prefix(3), None);
    }

    /// Sound checksums around what makes no sense.
    #[test]
    fn a_start_whose_table_makes_no_sense_is_refused() {
        let refused = |edit: &dyn Fn(&mut Start)| {
            let mut start = start();
            edit(&mut start);
            assert!(Start::from_bytes(&start.to_bytes()).is_err());
        };
        refused(&|s| s.depth = MAX_DEPTH + 1);
        refused(&|s| s.depth = 0);
        refused(&|s| s.parts.reverse());
        refused(&|s| s.parts[0].length = MAX_PART + 1);
        let promising = |length| Start {
            parts: vec![PartEntry { length, ..start().parts[1].clone() }],
            depth: 0,
            ..start()
        };
        let most = PROOF_BYTES as u32;
        assert!(Start::from_bytes(&promising(most).to_bytes()).is_ok());
        assert_eq!(Start::from_bytes(&promising(most + 1).to_bytes()), Err(Damage::Long));
        let prefix = start().to_bytes()[..START_PREFIX].to_vec();
        for (at, long) in [(5, &u16::MAX.to_le_bytes()[..]), (7, &u32::MAX.to_le_bytes())] {
            let mut prefix = prefix.clone();
            prefix[at..at + long.len()].copy_from_slice(long);
            assert!(matches!(Start::length(&prefix), Err(Damage::Encoding(DecodeError::Bound { .. }))));
        }
        assert_eq!(Start::length(b"SNAQ\0\0\0\0\0\0\0"), Err(Damage::Magic));
        let before = DecodeError::Rules { found: 2, supported: RULES_VERSION };
        assert_eq!(Start::length(b"SNAP\x01\x02\x02\0\0\0\0"), Err(before.into()));
    }
}
