//! Messages between nodes: one message a frame, bounded before anything is allocated.
//!
//! ```text
//! message = version (1) ‖ kind (1) ‖ content
//!   0 hello             chain id (32) ‖ rules (32) ‖ listen port (2), 0 for none
//!   1 ping              nonce (8)
//!   2 pong              nonce (8)
//!   3 get addresses
//!   4 addresses         n (2) ‖ (IPv6 (16) ‖ port (2) ‖ key (32))*
//!   5 stem              transaction (mw)
//!   6 announce          n (2) ‖ transaction id (32)*
//!   7 get transactions  n (2) ‖ transaction id (32)*
//!   8 transaction       transaction (mw)
//!   9 tip               header ‖ seal (mw)
//!  10 get headers       n (2) ‖ (height (8) ‖ hash (32))*
//!  11 headers           n (2) ‖ (header ‖ seal)*
//!  12 get compact       height (8) ‖ hash (32)
//!  13 compact           header ‖ seal ‖ salt (8) ‖ n (4) ‖ input (32)* ‖ n (4) ‖ one-sided input (160)*
//!                       ‖ n (4) ‖ short id (6)* of outputs ‖ n (4) ‖ short id (6)* of kernels
//!                       ‖ reward: output ‖ kernel ‖ y (32) ‖ 0, or 1 ‖ change of the terms
//!  14 get items         height (8) ‖ hash (32) ‖ n (4) ‖ place (4)* of outputs ‖ n (4) ‖ place (4)* of kernels
//!  15 items             height (8) ‖ hash (32) ‖ n (4) ‖ output* ‖ n (4) ‖ (kernel, with its bond if it is bonded)*
//!  16 get block         height (8) ‖ hash (32)
//!  17 block             header ‖ seal ‖ body (mw)
//!  18 get snapshots
//!  19 snapshots         n (2) ‖ (header ‖ seal)*
//!  20 get part          block hash (32) ‖ place (4)
//!  21 part              block hash (32) ‖ place (4) ‖ part, empty if there is none
//!  22 not found         height (8) ‖ hash (32): of 12, 14 and 16
//!  23 consensus         a message between validators ([`consensus::message`](crate::consensus::message))
//!  24 proposed          header ‖ body (mw), between validators
//!  25 get proposed      hash (32) of a header, between validators
//!  26 compact proposed  header ‖ compact body, between validators
//!  27 change            signed change of the terms (mw), which waits for a block
//!  28 evidence          against a validator ([`consensus::evidence`](crate::consensus::evidence))
//!  29 get terms         height (8): the first whose block may have changed them
//!  30 terms             n (2) ‖ (header ‖ seal ‖ terms of the next height)* (mw)
//!  31 get opened        the place after which (40): requests of auditors that were handed out
//!  32 opened            n (2) ‖ (place (40) ‖ 0, or 1 with a record of the answers (1))*
//!  33 get request       the place of such a request (40)
//!  34 request           opened request (`sotto_audit`)
//! ```
//!
//! After its hello a node shows its last block by a tip: the seal proves the height. Places ascend, so that
//! items are at most the block. An IPv4 address is written as its IPv6 mapping. The body of a block stays
//! bytes until its seal has been checked, so that a peer cannot make a node decode points that no operator
//! sealed. So does a part of a snapshot ([`snapshot_format`](crate::storage::snapshot_format)) until it is
//! one that was requested. For the same reason every other message is charged before it is decoded
//! ([`price`]). A frame carries its length, so there is no end mark and no checksum: the channel below
//! authenticates.
//!
//! Not guaranteed: that a message makes sense. The engine judges what it says.

pub mod compact;
mod hello;
pub mod opened;
pub mod price;

pub use hello::Hello;

use crate::{
    consensus::evidence::Evidence,
    message::{
        compact::{Compact, CompactBody, ShortId},
        opened::{OpenedEntry, OpenedPlace},
    },
    peer::Address,
    seal::SealedHeader,
};
use sotto_audit::OpenedRequest;
use sotto_mw::{
    amount::Height,
    block::{Header, Reward},
    chain::{
        AUDIT_WEIGHT, BOND_WEIGHT, EXTRA_BYTES_PER_WEIGHT, INPUT_WEIGHT, KERNEL_WEIGHT, NOTICE_WEIGHT,
        ONE_SIDED_INPUT_WEIGHT, ONE_SIDED_OUTPUT_WEIGHT, OUTPUT_WEIGHT,
    },
    codec::{Decode, DecodeError, Encode, Reader, VERSION},
    error::Rejection,
    group::Scalar,
    hash::{Hash, tagged},
    history::TermsChange,
    one_sided::OneSidedInput,
    output::Output,
    terms::SignedChange,
    transaction::{BodyKernel, Transaction},
};

/// Most bytes of a message: above any block that the weight of a usual chain allows.
pub const MAX_MESSAGE: usize = 4 << 20;
/// Most addresses in one message.
pub const MAX_ADDRESSES: u16 = 64;
/// Most transaction ids, or names of opened requests, in one message.
pub const MAX_IDS: u16 = 512;
/// Most names of blocks in a request for headers.
pub const MAX_LOCATOR: u16 = 64;
/// Most headers in one message.
pub const MAX_HEADERS: u16 = 1_024;
/// Most changes of the terms in one message.
pub const MAX_TERMS: u16 = 16;
/// Most snapshots that a node offers.
pub const MAX_SNAPSHOTS: u16 = 8;
/// Most items of one kind in a compact block or in a request for items.
const MAX_ITEMS: u32 = 1 << 16;

/// A block's height and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockName {
    /// Its height.
    pub height: Height,
    /// The hash of its header.
    pub hash: Hash,
}

impl BlockName {
    /// The name of the block with this header.
    #[must_use]
    pub fn of(header: &Header) -> Self {
        Self { height: header.height, hash: header.hash() }
    }

    /// Whether fork choice prefers this block to another: the higher, and of two at one height the one with
    /// the lesser hash.
    #[must_use]
    pub fn is_better(self, other: Self) -> bool {
        (self.height, other.hash) > (other.height, self.hash)
    }
}

/// A message from one node to another.
///
/// ```
/// use sotto_mw::codec::{Decode, Encode};
/// use sotto_node::Message;
///
/// let bytes = Message::Ping(7).to_bytes();
/// assert_eq!(bytes, [&[1, 1][..], &7u64.to_le_bytes()].concat());
/// assert_eq!(Message::from_bytes(&bytes), Ok(Message::Ping(7)));
/// assert!(Message::from_bytes(&bytes[1..]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "drawn above, kind by kind")]
#[allow(clippy::large_enum_variant, reason = "one at a time is decoded, judged and dropped")]
pub enum Message {
    Hello(Hello),
    Ping(u64),
    Pong(u64),
    GetAddresses,
    Addresses(Vec<Address>),
    Stem(Transaction),
    Announce(Vec<Hash>),
    GetTransactions(Vec<Hash>),
    Transaction(Transaction),
    Tip(SealedHeader),
    GetHeaders(Vec<BlockName>),
    Headers(Vec<SealedHeader>),
    GetCompact(BlockName),
    Compact(Compact),
    GetItems { block: BlockName, outputs: Vec<u32>, kernels: Vec<u32> },
    Items { block: BlockName, outputs: Vec<Output>, kernels: Vec<BodyKernel> },
    GetBlock(BlockName),
    Block { sealed: SealedHeader, body: Vec<u8> },
    GetSnapshots,
    Snapshots(Vec<SealedHeader>),
    GetPart { block: Hash, place: u32 },
    Part { block: Hash, place: u32, bytes: Vec<u8> },
    NotFound(BlockName),
    Consensus(Vec<u8>),
    Proposed(Vec<u8>),
    GetProposed(Hash),
    CompactProposed { header: Header, body: Box<CompactBody> },
    Change(Box<SignedChange>),
    Evidence(Evidence),
    GetTerms(Height),
    Terms(Vec<TermsChange>),
    GetOpened(OpenedPlace),
    Opened(Vec<OpenedEntry>),
    GetRequest(OpenedPlace),
    Request(Box<OpenedRequest>),
}

/// A hash of the rules that are not in a chain's parameters: their numbers, the weights, the version of the
/// encoding.
///
/// Nodes with different rules would diverge at the first block that they judge differently, so they do not
/// connect.
#[must_use]
pub fn rules() -> Hash {
    let plain = [INPUT_WEIGHT, OUTPUT_WEIGHT, KERNEL_WEIGHT, EXTRA_BYTES_PER_WEIGHT];
    let one_sided = [ONE_SIDED_INPUT_WEIGHT, ONE_SIDED_OUTPUT_WEIGHT, BOND_WEIGHT, NOTICE_WEIGHT];
    let weights = [&plain[..], &one_sided, &[AUDIT_WEIGHT]].concat();
    let weights = weights.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<_>>();
    tagged("sotto/node-rules/v2", &[&[VERSION], &weights, Rejection::RULES.concat().as_bytes()])
}

impl Message {
    const fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 0,
            Self::Ping(_) => 1,
            Self::Pong(_) => 2,
            Self::GetAddresses => 3,
            Self::Addresses(_) => 4,
            Self::Stem(_) => 5,
            Self::Announce(_) => 6,
            Self::GetTransactions(_) => 7,
            Self::Transaction(_) => 8,
            Self::Tip(_) => 9,
            Self::GetHeaders(_) => 10,
            Self::Headers(_) => 11,
            Self::GetCompact(_) => 12,
            Self::Compact(_) => 13,
            Self::GetItems { .. } => 14,
            Self::Items { .. } => 15,
            Self::GetBlock(_) => 16,
            Self::Block { .. } => 17,
            Self::GetSnapshots => 18,
            Self::Snapshots(_) => 19,
            Self::GetPart { .. } => 20,
            Self::Part { .. } => 21,
            Self::NotFound(_) => 22,
            Self::Consensus(_) => 23,
            Self::Proposed(_) => 24,
            Self::GetProposed(_) => 25,
            Self::CompactProposed { .. } => 26,
            Self::Change(_) => 27,
            Self::Evidence(_) => 28,
            Self::GetTerms(_) => 29,
            Self::Terms(_) => 30,
            Self::GetOpened(_) => 31,
            Self::Opened(_) => 32,
            Self::GetRequest(_) => 33,
            Self::Request(_) => 34,
        }
    }
}

impl Encode for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.kind()]);
        match self {
            Self::Hello(h) => h.encode(out),
            Self::Ping(nonce) | Self::Pong(nonce) => nonce.encode(out),
            Self::GetAddresses | Self::GetSnapshots => {}
            Self::Addresses(all) => put_short(all, out),
            Self::Stem(t) | Self::Transaction(t) => t.encode(out),
            Self::Announce(ids) | Self::GetTransactions(ids) => put_short(ids, out),
            Self::Tip(sealed) => sealed.encode(out),
            Self::GetHeaders(names) => put_short(names, out),
            Self::Headers(all) | Self::Snapshots(all) => put_short(all, out),
            Self::GetCompact(name) | Self::GetBlock(name) | Self::NotFound(name) => name.encode(out),
            Self::Compact(compact) => compact.encode(out),
            Self::GetItems { block, outputs, kernels } => {
                block.encode(out);
                put_long(outputs, out);
                put_long(kernels, out);
            }
            Self::Items { block, outputs, kernels } => {
                block.encode(out);
                put_long(outputs, out);
                put_long(kernels, out);
            }
            Self::Block { sealed, body } => {
                sealed.encode(out);
                out.extend_from_slice(body);
            }
            Self::Consensus(bytes) | Self::Proposed(bytes) => out.extend_from_slice(bytes),
            Self::GetProposed(hash) => hash.encode(out),
            Self::CompactProposed { header, body } => {
                header.encode(out);
                body.encode(out);
            }
            Self::Change(change) => change.encode(out),
            Self::Evidence(evidence) => evidence.encode(out),
            Self::GetTerms(height) => height.encode(out),
            Self::Terms(all) => put_short(all, out),
            Self::GetOpened(place) | Self::GetRequest(place) => place.encode(out),
            Self::Opened(all) => put_short(all, out),
            Self::Request(opened) => opened.encode(out),
            Self::GetPart { block, place } => {
                block.encode(out);
                out.extend_from_slice(&place.to_le_bytes());
            }
            Self::Part { block, place, bytes } => {
                block.encode(out);
                out.extend_from_slice(&place.to_le_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }
}

impl Decode for Message {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.left() > MAX_MESSAGE {
            let (found, bound) = (r.left() as u64, MAX_MESSAGE as u64);
            return Err(DecodeError::Bound { what: "bytes of a message", found, bound });
        }
        r.version()?;
        Ok(match r.u8()? {
            0 => Self::Hello(Hello::decode(r)?),
            1 => Self::Ping(r.u64()?),
            2 => Self::Pong(r.u64()?),
            3 => Self::GetAddresses,
            4 => Self::Addresses(short("addresses", MAX_ADDRESSES, r)?),
            5 => Self::Stem(Transaction::decode(r)?),
            6 => Self::Announce(short("transaction ids", MAX_IDS, r)?),
            7 => Self::GetTransactions(short("transaction ids", MAX_IDS, r)?),
            8 => Self::Transaction(Transaction::decode(r)?),
            9 => Self::Tip(SealedHeader::decode(r)?),
            10 => Self::GetHeaders(short("names of blocks", MAX_LOCATOR, r)?),
            11 => Self::Headers(short("headers", MAX_HEADERS, r)?),
            12 => Self::GetCompact(BlockName::decode(r)?),
            13 => Self::Compact(Compact::decode(r)?),
            14 => Self::GetItems { block: BlockName::decode(r)?, outputs: places(r)?, kernels: places(r)? },
            15 => Self::Items { block: BlockName::decode(r)?, outputs: long(r)?, kernels: long(r)? },
            16 => Self::GetBlock(BlockName::decode(r)?),
            17 => Self::Block { sealed: SealedHeader::decode(r)?, body: r.take(r.left())?.to_vec() },
            18 => Self::GetSnapshots,
            19 => Self::Snapshots(short("snapshots", MAX_SNAPSHOTS, r)?),
            20 => Self::GetPart { block: Hash::decode(r)?, place: r.u32()? },
            21 => Self::Part { block: Hash::decode(r)?, place: r.u32()?, bytes: r.take(r.left())?.to_vec() },
            22 => Self::NotFound(BlockName::decode(r)?),
            23 => Self::Consensus(r.take(r.left())?.to_vec()),
            24 => Self::Proposed(r.take(r.left())?.to_vec()),
            25 => Self::GetProposed(Hash::decode(r)?),
            26 => {
                let (header, body) = (Header::decode(r)?, Box::new(CompactBody::decode(r)?));
                Self::CompactProposed { header, body }
            }
            27 => Self::Change(Box::new(SignedChange::decode(r)?)),
            28 => Self::Evidence(Evidence::decode(r)?),
            29 => Self::GetTerms(Height::decode(r)?),
            30 => Self::Terms(short("changes of the terms", MAX_TERMS, r)?),
            31 => Self::GetOpened(OpenedPlace::decode(r)?),
            32 => Self::Opened(short("opened requests", MAX_IDS, r)?),
            33 => Self::GetRequest(OpenedPlace::decode(r)?),
            34 => Self::Request(Box::new(OpenedRequest::decode(r)?)),
            code => return Err(DecodeError::Code { what: "kind of message", code }),
        })
    }
}

/// A count of two bytes and the items.
fn put_short<T: Encode>(all: &[T], out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(all.len()).unwrap_or(u16::MAX).to_le_bytes());
    all.iter().for_each(|x| x.encode(out));
}

/// At most `most` items after a count of two bytes.
fn short<T: Decode>(what: &'static str, most: u16, r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    match u16::from_le_bytes(r.array()?) {
        n if n <= most => (0..n).map(|_| T::decode(r)).collect(),
        n => Err(DecodeError::Bound { what, found: n.into(), bound: most.into() }),
    }
}

/// A count of four bytes and the items.
fn put_long<T: Item>(all: &[T], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(all.len()).unwrap_or(u32::MAX).to_le_bytes());
    all.iter().for_each(|x| x.put(out));
}

/// Items after a count of four bytes. The list grows as they arrive, so a count alone allocates nothing.
fn long<T: Item>(r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let n = r.u32()?;
    if n > MAX_ITEMS {
        return Err(DecodeError::Bound { what: "items", found: n.into(), bound: MAX_ITEMS.into() });
    }
    let mut all = Vec::new();
    for _ in 0..n {
        all.push(T::take(r)?);
    }
    Ok(all)
}

/// Places in a block, each above the one before: a response contains nothing twice.
fn places(r: &mut Reader<'_>) -> Result<Vec<u32>, DecodeError> {
    let all: Vec<u32> = long(r)?;
    match all.windows(2).find(|pair| !matches!(pair, [a, b] if a < b)) {
        Some([a, b]) => {
            let (found, bound) = ((*a).into(), b.saturating_sub(1).into());
            Err(DecodeError::Bound { what: "a place before another", found, bound })
        }
        _ => Ok(all),
    }
}

/// An item of a long list.
trait Item: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! items {
    ($($T:ty, |$x:ident, $out:ident| $put:expr, |$r:ident| $take:expr;)*) => {$(
        impl Item for $T {
            fn put(&self, $out: &mut Vec<u8>) {
                let $x = self;
                $put;
            }
            fn take($r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $take
            }
        }
    )*};
}

items! {
    u32, |n, out| out.extend_from_slice(&n.to_le_bytes()), |r| r.u32();
    ShortId, |id, out| out.extend_from_slice(&id.0), |r| r.array().map(Self);
    sotto_mw::commitment::Commitment, |c, out| c.encode(out), |r| Self::decode(r);
    Output, |o, out| o.encode(out), |r| Self::decode(r);
    OneSidedInput, |i, out| i.encode(out), |r| Self::decode(r);
    BodyKernel, |k, out| k.encode(out), |r| Self::decode(r);
}

impl Encode for BlockName {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.hash.encode(out);
    }
}

impl Decode for BlockName {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { height: Height::decode(r)?, hash: Hash::decode(r)? })
    }
}

impl Encode for Compact {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sealed.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Compact {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { sealed: SealedHeader::decode(r)?, body: CompactBody::decode(r)? })
    }
}

impl Encode for CompactBody {
    fn encode(&self, out: &mut Vec<u8>) {
        self.salt.encode(out);
        put_long(&self.inputs, out);
        put_long(&self.one_sided_inputs, out);
        put_long(&self.outputs, out);
        put_long(&self.kernels, out);
        self.reward.encode(out);
        self.key_offset.encode(out);
        out.push(self.change.is_some().into());
        self.change.iter().for_each(|change| change.encode(out));
    }
}

impl Decode for CompactBody {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            salt: r.u64()?,
            inputs: long(r)?,
            one_sided_inputs: long(r)?,
            outputs: long(r)?,
            kernels: long(r)?,
            reward: Reward::decode(r)?,
            key_offset: Scalar::decode(r)?,
            change: match r.u8()? {
                0 => None,
                1 => Some(Box::new(SignedChange::decode(r)?)),
                code => return Err(DecodeError::Code { what: "flag of a change", code }),
            },
        })
    }
}

#[cfg(test)]
mod tests;
