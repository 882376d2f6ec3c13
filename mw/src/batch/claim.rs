//! The statement that one range proof makes.

use crate::{commitment::Commitment, features::OutputContext, range_proof::RangeProof};

/// A range proof, and the output that it is about.
pub(crate) struct Claim<'a> {
    pub(crate) proof: &'a RangeProof,
    pub(crate) commitment: &'a Commitment,
    pub(crate) context: OutputContext,
}
