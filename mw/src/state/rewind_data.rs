//! What a scan needs of an unspent output: two thirds of its proof are left out, and their hash stands for them.
//!
//! ```text
//! leaf = H("sotto/unspent/v1", V ‖ features ‖ length of extra (8) ‖ extra ‖ created (8) ‖ H(proof[..224]) ‖ H(proof[224..]))
//! ```
//!
//! Guaranteed: material has the leaf of one output only, so who knows the trie's root knows that it was not changed; it rewinds
//! as the output does. Not guaranteed: that the range proof holds, which it cannot show; who sealed the root stands for that.
//!
//! Source: SPEC "State commitments".

use crate::{
    amount::Height,
    chain::ChainId,
    codec::fields,
    commitment::Commitment,
    features::{Extra, OutputContext, OutputFeatures},
    hash::{Hash, tagged},
    output::Output,
    range_proof::{ProofHead, REWIND_BYTES, Replayed},
    tag,
};

/// What a scan needs of an unspent output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewindData {
    /// Height of the block that created it.
    pub created: Height,
    /// Plain or coinbase.
    pub features: OutputFeatures,
    /// The committed amount.
    pub commitment: Commitment,
    /// Public bytes that the proof binds.
    pub extra: Extra,
    /// The part of the proof that a rewind reads.
    pub head: ProofHead,
    /// The hash of the rest of the proof.
    pub rest: Hash,
}

fields!(RewindData { created, features, commitment, extra, head, rest });

impl RewindData {
    /// The data of an output that was created at this height.
    #[must_use]
    pub(super) fn of(created: Height, o: &Output) -> Self {
        Self {
            created,
            features: o.features,
            commitment: o.commitment,
            extra: o.extra.clone(),
            head: o.proof.head(),
            rest: part(&o.proof.as_bytes()[REWIND_BYTES..]),
        }
    }

    /// The output's key in the trie of unspent outputs.
    #[must_use]
    pub fn key(&self) -> Hash {
        key(&self.commitment)
    }

    /// The output's leaf there.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let extra = self.extra.as_bytes();
        tagged(
            tag::UNSPENT,
            &[
                self.commitment.as_bytes(),
                &[self.features as u8],
                &(extra.len() as u64).to_le_bytes(),
                extra,
                &self.created.get().to_le_bytes(),
                part(self.head.as_bytes()).as_bytes(),
                self.rest.as_bytes(),
            ],
        )
    }

    /// Replays the proof's transcript once, for any number of rewind keys; `None` when nobody made the proof.
    #[must_use]
    pub fn replay(&self, chain: &ChainId) -> Option<Replayed<'_>> {
        let context = OutputContext::new(chain, self.features, self.extra.as_bytes());
        Replayed::new(&self.head, context, &self.commitment)
    }
}

/// The key of an output in the trie of unspent outputs.
pub(super) fn key(c: &Commitment) -> Hash {
    tagged(tag::TRIE_KEY, &[c.as_bytes()])
}

fn part(proof: &[u8]) -> Hash {
    tagged(tag::PROOF_PART, &[proof])
}
