//! Outputs: a commitment to an amount, what is public about it, and a range proof that binds both.

pub use crate::{
    features::{Extra, OutputFeatures},
    prover::{OutputKeys, ProveError},
};

use crate::{
    batch::Claim,
    chain::ChainId,
    codec::fields,
    commitment::Commitment,
    features::OutputContext,
    prover::{self, prove},
    range_proof::{Opening, PROOF_BYTES, RangeProof, Replayed, RewindKey},
};

/// An output: a commitment, its public data, and a proof that binds both. See the crate's first example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Plain or coinbase.
    pub features: OutputFeatures,
    /// The committed amount.
    pub commitment: Commitment,
    /// Public bytes that the proof binds.
    pub extra: Extra,
    /// Proves that the amount is in range.
    pub proof: RangeProof,
}

fields!(Output { features, commitment, extra, proof });

impl Output {
    /// The size of the shortest encoding.
    pub(crate) const LEAST_BYTES: usize = 34 + PROOF_BYTES;

    /// Makes an output on `chain`. The same arguments give the same bytes. Constant time in its secrets.
    ///
    /// # Errors
    /// [`ProveError`] if the proof does not verify or rewind; nothing is released then.
    pub fn new(
        chain: &ChainId,
        features: OutputFeatures,
        opening: &Opening,
        keys: &OutputKeys<'_>,
    ) -> Result<Self, ProveError> {
        let context = OutputContext::new(chain, features, &[]);
        let (commitment, proof) = prove(&context, opening, keys)?;
        Ok(Self { features, commitment, extra: Extra::default(), proof })
    }

    /// Reads amount and index if the output was made with this rewind key, without a curve operation.
    #[must_use]
    pub fn rewind(&self, chain: &ChainId, key: &RewindKey) -> Option<Opening> {
        self.replay(chain)?.rewind(key)
    }

    /// Replays the transcript of the proof once, for any number of rewind keys; `None` if the proof is
    /// malformed.
    #[must_use]
    pub fn replay(&self, chain: &ChainId) -> Option<Replayed<'_>> {
        Replayed::new(&self.proof.head(), self.context(chain), &self.commitment)
    }

    /// Whether the range proof verifies on `chain`.
    #[must_use]
    pub fn proof_holds(&self, chain: &ChainId) -> bool {
        prover::verifies(&self.proof, &self.context(chain), &self.commitment)
    }

    /// The claim of the proof, for a batch.
    pub(crate) fn claim(&self, chain: &ChainId) -> Claim<'_> {
        Claim { proof: &self.proof, commitment: &self.commitment, context: self.context(chain) }
    }

    /// Whether this is a block's reward.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        self.features == OutputFeatures::Coinbase
    }

    fn context(&self, chain: &ChainId) -> OutputContext {
        OutputContext::new(chain, self.features, self.extra.as_bytes())
    }
}
