//! Certificates: one vote, signed by a quorum.
//!
//! ```text
//! certificate = round (4) ‖ signatures
//! ```
//!
//! Certificates of one vote differ in their signers, and those of one block also in their round: which one a
//! block bears says nothing of the block.

use super::Vote;
use crate::{
    batch::verify_signatures,
    chain_id::ChainId,
    codec::fields,
    schnorr::SignedMessage,
    validators::{Signatures, ValidatorSet},
};

/// Signatures of validators under one vote. They may be invalid or too few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The round of the vote.
    pub round: u32,
    /// The signatures.
    pub signatures: Signatures,
}

fields!(Certificate { round, signatures });

impl Certificate {
    /// The signed messages of this vote, each of which must verify; `None` unless the vote is of the
    /// certificate's round and the signers are a quorum of the set.
    #[must_use]
    pub fn signed(&self, chain: &ChainId, set: &ValidatorSet, vote: &Vote) -> Option<Vec<SignedMessage>> {
        let signed = self.signatures.of_quorum(set, &vote.message(chain))?;
        (vote.round == self.round).then_some(signed)
    }

    /// Whether a quorum of the set cast this vote. Every signature must verify, also those above a quorum.
    #[must_use]
    pub fn certifies(&self, chain: &ChainId, set: &ValidatorSet, vote: &Vote) -> bool {
        self.signed(chain, set, vote).is_some_and(|all| verify_signatures(&all).is_ok())
    }
}
