//! Rewind data: the part of an unspent output that a scan reads, with a hash in place of two thirds of the
//! proof.
//!
//! ```text
//! leaf = H("sotto/unspent/v1", V ‖ features ‖ length of extra (8) ‖ extra
//!          ‖ created (8) ‖ H(proof[..224] ‖ handles) ‖ H(proof[224..]) ‖ keys ‖ H(ρ), if the output is one-sided)
//! ```
//!
//! The handles are those of an audited output; the transcript that is replayed contains them.
//!
//! Guaranteed: rewind data has the leaf of exactly one output, so a reader who knows the root of the trie
//! detects any change; it rewinds as the whole output does. Not guaranteed: that the range proof verifies,
//! which needs the whole proof; for that the reader trusts the operator who sealed the root.

use crate::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    features::{Audit, Extra, OutputContext, OutputFeatures},
    hash::{Hash, tagged},
    output::Output,
    range_proof::{ProofHead, Replayed},
    tag,
};

/// The part of an unspent output that a scan reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewindData {
    /// Height of the block that created it.
    pub created: Height,
    /// The kind, with the hash of a sender's signature in place of the signature.
    pub features: OutputFeatures<Hash>,
    /// The committed amount.
    pub commitment: Commitment,
    /// Public bytes that the proof binds.
    pub extra: Extra,
    /// The part of the proof that a rewind reads.
    pub head: ProofHead,
    /// The hash of the rest of the proof.
    pub rest: Hash,
}

impl Encode for RewindData {
    fn encode(&self, out: &mut Vec<u8>) {
        self.created.encode(out);
        out.push(self.code());
        self.commitment.encode(out);
        self.extra.encode(out);
        self.head.encode(out);
        self.rest.encode(out);
        self.features.encode_rest(out);
    }
}

impl Decode for RewindData {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (created, code) = (Height::decode(r)?, r.u8()?);
        let (commitment, extra) = (Commitment::decode(r)?, Extra::decode(r)?);
        let (head, rest) = (ProofHead::decode(Audit::of_code(code), r)?, Hash::decode(r)?);
        let features = OutputFeatures::decode_rest(code, r)?;
        Ok(Self { created, features, commitment, extra, head, rest })
    }
}

impl RewindData {
    /// The data of an output that was created at this height.
    #[must_use]
    pub(super) fn of(created: Height, o: &Output) -> Self {
        Self {
            created,
            features: o.features.hashed(),
            commitment: o.commitment,
            extra: o.extra.clone(),
            head: o.proof.head(),
            rest: o.proof.rest(),
        }
    }

    /// The code of the output's kind.
    fn code(&self) -> u8 {
        self.features.code(self.head.audit())
    }

    /// The key of the output in the trie of unspent outputs.
    #[must_use]
    pub fn key(&self) -> Hash {
        key(&self.commitment)
    }

    /// The leaf of the output in that trie.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let extra = self.extra.as_bytes();
        let mut one_sided = Vec::new();
        self.features.encode_rest(&mut one_sided);
        tagged(
            tag::UNSPENT,
            &[
                self.commitment.as_bytes(),
                &[self.code()],
                &(extra.len() as u64).to_le_bytes(),
                extra,
                &self.created.get().to_le_bytes(),
                self.head.hash().as_bytes(),
                self.rest.as_bytes(),
                &one_sided,
            ],
        )
    }

    /// Replays the transcript of the proof once, for any number of rewind keys; `None` if the proof is
    /// malformed.
    #[must_use]
    pub fn replay(&self, chain: &ChainId) -> Option<Replayed<'_>> {
        let context =
            OutputContext::existing(chain, &self.features, self.extra.as_bytes(), self.head.audit());
        Replayed::new(&self.head, context, &self.commitment)
    }
}

/// The key of an output in the trie of unspent outputs.
pub(super) fn key(c: &Commitment) -> Hash {
    tagged(tag::TRIE_KEY, &[c.as_bytes()])
}
