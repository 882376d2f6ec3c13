//! Headers: what a block commits to.

use crate::{
    amount::Height,
    chain::{Chain, ChainId},
    codec::{Encode, fields},
    group::Scalar,
    hash::{Hash, tagged},
    mmr::Peaks,
    tag,
    transaction::Body,
    trie::Trie,
};

/// The header of a block.
///
/// ```
/// use sotto_mw::{block::Header, testing::TestChain};
///
/// let mut ledger = TestChain::new(1);
/// ledger.grow(vec![]);
/// let block = &ledger.blocks()[0];
/// assert_eq!(block.header.previous, Header::genesis(ledger.chain()).hash());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The height of the block.
    pub height: Height,
    /// Hash of the parent's header; for the genesis, the chain id.
    pub previous: Hash,
    /// Seconds since 1970, as the sealer states them; never before the parent's time.
    pub time: u64,
    /// Sum of the offsets of all blocks up to this one.
    pub total_offset: Scalar,
    /// Number of kernels in the chain up to this block.
    pub kernel_count: u64,
    /// Root of the mountain range over the ids of those kernels.
    pub kernel_root: Hash,
    /// Number of unspent outputs after this block.
    pub output_count: u64,
    /// Root of the trie of those outputs.
    pub output_root: Hash,
    /// Hash of the body.
    pub body_hash: Hash,
    /// Hash of the terms of this height; zero on a solo chain.
    pub terms: Hash,
    /// Hash of the terms of the next height; zero on a solo chain.
    pub next_terms: Hash,
}

fields!(Header {
    height,
    previous,
    time,
    total_offset,
    kernel_count,
    kernel_root,
    output_count,
    output_root,
    body_hash,
    terms,
    next_terms,
});

impl Header {
    /// The genesis header of `chain`.
    #[must_use]
    pub fn genesis(chain: &Chain) -> Self {
        let terms = chain.params().first_terms().hash();
        Self {
            height: Height::GENESIS,
            previous: Hash::from_bytes(*chain.id().as_bytes()),
            time: chain.params().genesis_time,
            total_offset: Scalar::ZERO,
            kernel_count: 0,
            kernel_root: Peaks::new().root(),
            output_count: 0,
            output_root: Trie::new().root(),
            body_hash: body_hash(&Body::default()),
            terms,
            next_terms: terms,
        }
    }

    /// The hash that identifies the block.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::HEADER, &[&self.to_bytes()])
    }

    /// The message that an operator's seal signs.
    #[must_use]
    pub fn seal_message(&self, chain: &ChainId) -> Vec<u8> {
        [tag::SEAL.as_bytes(), chain.as_bytes(), self.hash().as_bytes()].concat()
    }
}

/// The hash of an encoded body.
#[must_use]
pub fn body_hash(body: &Body) -> Hash {
    body_hash_of_bytes(&body.to_bytes())
}

/// The hash of a body that is encoded already: it can be compared before a point is decoded.
#[must_use]
pub fn body_hash_of_bytes(bytes: &[u8]) -> Hash {
    tagged(tag::BODY, &[bytes])
}
