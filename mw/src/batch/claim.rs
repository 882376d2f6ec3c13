//! The claim of one range proof: its commitment is in range, in its context.

use crate::{commitment::Commitment, features::OutputContext, range_proof::RangeProof};

/// A range proof, and the output that it belongs to.
pub(crate) struct Claim<'a> {
    pub(crate) proof: &'a RangeProof,
    pub(crate) commitment: &'a Commitment,
    pub(crate) context: OutputContext,
}
