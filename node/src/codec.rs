//! How bytes on disk are framed: a checksum in its own domain, and what can be wrong with them.
//!
//! ```text
//! framed = bytes ‖ check (32)        check = H(tag, place ‖ bytes)
//! ```
//!
//! The checksum covers the bytes and their place, so bytes that were moved elsewhere are detected. It finds
//! damage and not malice: anyone who can write these files can write others. The encodings themselves are in
//! [`sotto_mw`].
#![deny(clippy::indexing_slicing)]

use sotto_mw::{
    block::Header,
    codec::{Decode as _, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    rules::Proposal,
    transaction::{Body, Transaction},
};

/// What is wrong with bytes on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file is not there.
    #[error("it is missing")]
    Missing,
    /// The file ends before it should.
    #[error("it ends too early")]
    Short,
    /// The file is longer than it can be.
    #[error("it is longer than it can be")]
    Long,
    /// The bytes there begin no known record.
    #[error("no known record begins there")]
    Magic,
    /// The checksum does not hold.
    #[error("its checksum does not hold")]
    Checksum,
    /// The checksum holds and the bytes do not decode.
    #[error("its bytes do not decode: {0}")]
    Encoding(#[from] DecodeError),
    /// The checksum holds, but the bytes belong elsewhere.
    #[error("it belongs elsewhere")]
    Misplaced,
}

pub(crate) mod tag {
    pub(crate) const SEGMENT: &str = "sotto/node-segment/v1";
    pub(crate) const RECORD: &str = "sotto/node-record/v1";
    pub(crate) const HEAD: &str = "sotto/node-head/v1";
    pub(crate) const POOL: &str = "sotto/node-pool/v1";
    pub(crate) const INDEX: &str = "sotto/node-index/v1";
    pub(crate) const MAP: &str = "sotto/node-map/v1";
    pub(crate) const LOOKUP: &str = "sotto/node-lookup/v1";
    pub(crate) const OPERATOR: &str = "sotto/node-operator/v1";
    pub(crate) const EVIDENCE: &str = "sotto/node-evidence/v1";
    pub(crate) const EQUIVOCATIONS: &str = "sotto/node-equivocations/v1";
    pub(crate) const REQUESTS: &str = "sotto/node-requests/v1";
    pub(crate) const ACCOUNTS: &str = "sotto/node-accounts/v1";
    pub(crate) const SNAPSHOT: &str = "sotto/node-snapshot/v1";
    pub(crate) const SNAPSHOT_REFERENCE: &str = "sotto/node-snapshot-reference/v1";
    pub(crate) const PART: &str = "sotto/node-part/v1";
    pub(crate) const ARRIVING: &str = "sotto/node-arriving/v1";
    pub(crate) const BOOK: &str = "sotto/node-peers/v1";
    pub(crate) const CONSENSUS_LOG: &str = "sotto/node-consensus-log/v1";
    pub(crate) const VOTES: &str = "sotto/node-votes/v1";
    pub(crate) const GROUP_VOTES: &str = "sotto/node-group-votes/v1";
    pub(crate) const VOTED: &str = "sotto/node-voted/v1";
    pub(crate) const TRANSACTION: &str = "sotto/node-transaction/v1";
}

pub(crate) const CHECK: usize = 32;

/// Appends the checksum of `bytes` in the context of `place`.
pub(crate) fn with_check(tag: &str, place: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let check = tagged(tag, &[place, &bytes]);
    bytes.extend_from_slice(check.as_bytes());
    bytes
}

/// Checks and removes the checksum.
pub(crate) fn checked<'a>(tag: &str, place: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], Damage> {
    let (bytes, check) = bytes.split_last_chunk::<CHECK>().ok_or(Damage::Short)?;
    if tagged(tag, &[place, bytes]).as_bytes() == check { Ok(bytes) } else { Err(Damage::Checksum) }
}

pub(crate) fn ends(r: &Reader<'_>) -> Result<(), Damage> {
    match r.left() {
        0 => Ok(()),
        extra => Err(DecodeError::Trailing { extra }.into()),
    }
}

/// Adds a number in LEB128: seven bits a byte, the lowest first, and the eighth where another byte follows.
pub(crate) fn put_number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Reads such a number; of what exceeds 63 bits something else.
pub(crate) fn take_number(r: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let mut n = 0;
    for shift in (0..63).step_by(7) {
        let byte = r.u8()?;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(n)
}

/// A proposal: header ‖ body.
pub(crate) fn proposal_bytes(proposal: &Proposal) -> Vec<u8> {
    let mut bytes = proposal.header.to_bytes();
    proposal.body.encode(&mut bytes);
    bytes
}

/// Reads a proposal; `None` if the bytes are anything else.
pub(crate) fn read_proposal(bytes: &[u8]) -> Option<Proposal> {
    let mut r = Reader::new(bytes);
    let proposal = Proposal { header: Header::decode(&mut r).ok()?, body: Body::decode(&mut r).ok()? };
    (r.left() == 0).then_some(proposal)
}

/// The name of a pending transaction: the hash of its bytes.
#[must_use]
pub fn transaction_id(t: &Transaction) -> Hash {
    transaction_id_of_bytes(&t.to_bytes())
}

/// The name of a transaction by its bytes, before a point of it is decoded.
pub(crate) fn transaction_id_of_bytes(bytes: &[u8]) -> Hash {
    tagged(tag::TRANSACTION, &[bytes])
}
