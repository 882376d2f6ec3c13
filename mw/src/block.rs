//! Blocks: a header that commits to the whole state after the block, the operator's seal, and a body.
//!
//! ```text
//! header = height ‖ previous ‖ time ‖ total offset ‖ kernel count ‖ kernel root
//!          ‖ output count ‖ output root ‖ body hash
//! seal   = signature of the operator over ("sotto/seal/v1" ‖ chain id ‖ header hash)
//! ```
//!
//! The chain's parameters determine the genesis header. It has no seal and an empty body.

use crate::{
    amount::Height,
    chain::{Chain, ChainId},
    codec::{Decode, DecodeError, Encode, Reader, VERSION, fields},
    group::Scalar,
    hash::{Hash, tagged},
    kernel::Kernel,
    mmr::Peaks,
    output::Output,
    schnorr::{Signature, SignedMessage},
    tag,
    transaction::Body,
    trie::Trie,
};

/// The reward of a block: what its sealer adds to the transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reward {
    /// The output that holds the reward and the fees.
    pub output: Output,
    /// The kernel of that output.
    pub kernel: Kernel,
}

fields!(Reward { output, kernel });

impl From<(Output, Kernel)> for Reward {
    fn from((output, kernel): (Output, Kernel)) -> Self {
        Self { output, kernel }
    }
}

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
});

impl Header {
    /// The genesis header of `chain`.
    #[must_use]
    pub fn genesis(chain: &Chain) -> Self {
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
        }
    }

    /// The hash that identifies the block.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::HEADER, &[&self.to_bytes()])
    }

    /// The message that the seal signs.
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

/// A sealed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header, which commits to the body and to the state after it.
    pub header: Header,
    /// The operator's signature of the header.
    pub seal: Signature,
    /// Inputs, outputs, kernels.
    pub body: Body,
}

impl Encode for Block {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.header.encode(out);
        self.seal.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Block {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.version()?;
        Ok(Self { header: Header::decode(r)?, seal: Signature::decode(r)?, body: Body::decode(r)? })
    }
}

/// A header and its seal: a block without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    /// The header.
    pub header: Header,
    /// The operator's signature.
    pub seal: Signature,
}

fields!(SealedHeader { header, seal });

impl SealedHeader {
    /// The sealed header of a block.
    #[must_use]
    pub fn of(block: &Block) -> Self {
        Self { header: block.header.clone(), seal: block.seal }
    }

    /// The seal as a signed message under the key of the chain's operator.
    #[must_use]
    pub fn signed(&self, chain: &Chain) -> SignedMessage {
        SignedMessage::new(chain.params().operator, self.header.seal_message(chain.id()), self.seal)
    }

    /// Whether the operator of `chain` made the seal.
    #[must_use]
    pub fn holds(&self, chain: &Chain) -> bool {
        self.seal.verifies(&chain.params().operator, &self.header.seal_message(chain.id()))
    }
}
