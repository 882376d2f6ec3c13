//! Blocks: a header that commits to the whole state after the block, a seal, and a body.
//!
//! ```text
//! header = height ‖ previous ‖ time ‖ total offset ‖ kernel count ‖ kernel root
//!          ‖ output count ‖ output root ‖ body hash ‖ terms ‖ next terms
//! block  = version ‖ header ‖ seal ‖ body
//! ```
//!
//! The chain's parameters determine the genesis header. It has no seal and an empty body.

mod header;
mod seal;

pub use header::{Header, body_hash, body_hash_of_bytes};
pub use seal::Seal;

use crate::{
    batch::verify_signatures,
    chain::{Chain, ChainId},
    codec::{Decode, DecodeError, Encode, Reader, VERSION, fields},
    kernel::Kernel,
    output::Output,
    schnorr::SignedMessage,
    terms::Terms,
    transaction::Body,
};
use core::ops::Range;

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

/// A sealed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header, which commits to the body and to the state after it.
    pub header: Header,
    /// The seal of the header.
    pub seal: Seal,
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

impl Block {
    /// Where the encoding of each output is in that of the block.
    pub fn output_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut end = self.outputs_at();
        self.body.outputs.iter().map(move |o| {
            let start = end;
            end += o.to_bytes().len();
            start..end
        })
    }

    /// Where the encoding of its first kernel begins in that of the block.
    #[must_use]
    pub fn kernels_at(&self) -> usize {
        // A list begins with its length.
        self.output_ranges().last().map_or(self.outputs_at(), |last| last.end) + 4
    }

    fn outputs_at(&self) -> usize {
        let mut front = vec![VERSION];
        self.header.encode(&mut front);
        self.seal.encode(&mut front);
        front.len() + self.body.bytes_before_outputs()
    }
}

impl Decode for Block {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.version()?;
        Ok(Self { header: Header::decode(r)?, seal: Seal::decode(r)?, body: Body::decode(r)? })
    }
}

/// A header and its seal: a block without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    /// The header.
    pub header: Header,
    /// The seal.
    pub seal: Seal,
}

fields!(SealedHeader { header, seal });

impl SealedHeader {
    /// The sealed header of a block.
    #[must_use]
    pub fn of(block: &Block) -> Self {
        Self { header: block.header.clone(), seal: block.seal.clone() }
    }

    /// The seal as signed messages under these terms, which must be those that the header states; `None` as
    /// for [`Seal::signed`].
    #[must_use]
    pub fn signed(&self, chain: &ChainId, terms: &Terms) -> Option<Vec<SignedMessage>> {
        let signed = || self.seal.signed(chain, terms, &self.header);
        (self.header.terms == terms.hash()).then(signed).flatten()
    }

    /// Whether the header is sealed under the terms of `chain`, which must be those that it states.
    #[must_use]
    pub fn holds(&self, chain: &Chain) -> bool {
        self.signed(chain.id(), chain.terms()).is_some_and(|all| verify_signatures(&all).is_ok())
    }
}
