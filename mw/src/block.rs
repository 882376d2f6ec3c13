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
pub use seal::{Seal, SealedHeader};

use crate::{
    codec::{Decode, DecodeError, Encode, Reader, VERSION, fields},
    kernel::Kernel,
    output::Output,
    transaction::Body,
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

impl Decode for Block {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.version()?;
        Ok(Self { header: Header::decode(r)?, seal: Seal::decode(r)?, body: Body::decode(r)? })
    }
}
