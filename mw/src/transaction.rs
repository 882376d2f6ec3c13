//! Inputs, outputs, bodies and transactions.
//!
//! A transaction balances when `Σ outputs + fees·H − Σ inputs = Σ excesses + offset·G`. An input is the commitment
//! that it spends and nothing else: what else is known of that output is read from the state, in one place.

use crate::{
    amount::Amount,
    batch::Claim,
    block::ChainId,
    commitment::Commitment,
    group::Scalar,
    kernel::Kernel,
    range_proof::{self, Opening, ProveError, RangeProof, Replayed, RewindKey, TauKey},
    secret::SecretScalar,
    transcript::OutputContext,
};

/// Public bytes that an output carries and its proof binds: at most [`Extra::MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra(Vec<u8>);

impl Extra {
    /// Most bytes of extra data.
    pub const MAX: usize = 64;

    /// These bytes; `None` when there are more than [`Extra::MAX`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::MAX).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The output that is spent.
pub type Input = Commitment;

/// Whether an output is a block's reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OutputFeatures {
    /// Spendable at once.
    Plain = 0,
    /// A block's reward: spendable after the chain's maturity.
    Coinbase = 1,
}

/// An output: a commitment, what is public about it, and a proof that binds both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Plain or coinbase.
    pub features: OutputFeatures,
    /// The committed amount.
    pub commitment: Commitment,
    /// Public bytes that the proof binds.
    pub extra: Extra,
    /// Shows that the amount is in range.
    pub proof: RangeProof,
}

/// What an output's owner needs to make it and to see it again.
pub struct OutputKeys<'a> {
    /// The blinding factor r.
    pub blinding: &'a SecretScalar,
    /// Sees the amount again.
    pub rewind: &'a RewindKey,
    /// Hides the blinding factor from the rewind key.
    pub tau: &'a TauKey,
}

impl Output {
    /// Makes an output on `chain`; the same arguments give the same bytes.
    ///
    /// # Errors
    /// [`ProveError`] when its own proof does not verify or rewind: nothing is released then.
    pub fn new(
        chain: &ChainId,
        features: OutputFeatures,
        opening: &Opening,
        keys: &OutputKeys<'_>,
    ) -> Result<Self, ProveError> {
        let context = OutputContext::new(chain, features, &[]);
        let (commitment, proof) =
            range_proof::prove(&context, opening, keys.blinding, (keys.rewind, keys.tau))?;
        Ok(Self { features, commitment, extra: Extra::default(), proof })
    }

    /// Reads amount and index if the output was made with this rewind key; costs a transcript, no curve operation.
    #[must_use]
    pub fn rewind(&self, chain: &ChainId, key: &RewindKey) -> Option<Opening> {
        self.replay(chain)?.rewind(key)
    }

    /// Replays its proof's transcript once, for any number of rewind keys; `None` when nobody made the proof.
    #[must_use]
    pub fn replay(&self, chain: &ChainId) -> Option<Replayed<'_>> {
        Replayed::new(&self.proof.head(), self.context(chain), &self.commitment)
    }

    /// Whether its range proof holds on `chain`.
    #[must_use]
    pub fn proof_holds(&self, chain: &ChainId) -> bool {
        range_proof::verifies(&self.proof, &self.context(chain), &self.commitment)
    }

    /// The claim its proof makes, for a batch.
    pub(crate) fn claim(&self, chain: &ChainId) -> Claim<'_> {
        Claim { proof: &self.proof, commitment: &self.commitment, context: self.context(chain) }
    }

    /// Whether it is a block's reward.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        self.features == OutputFeatures::Coinbase
    }

    fn context(&self, chain: &ChainId) -> OutputContext {
        OutputContext::new(chain, self.features, self.extra.as_bytes())
    }
}

/// What transactions and blocks have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// What is spent, in ascending order.
    pub inputs: Vec<Input>,
    /// What is created, in ascending order of commitments.
    pub outputs: Vec<Output>,
    /// What remains, in ascending order of excesses.
    pub kernels: Vec<Kernel>,
}

impl Body {
    /// The body with these items, put into canonical order.
    #[must_use]
    pub fn sorted(mut inputs: Vec<Input>, mut outputs: Vec<Output>, mut kernels: Vec<Kernel>) -> Self {
        inputs.sort_unstable();
        outputs.sort_unstable_by_key(|o| o.commitment);
        kernels.sort_unstable_by_key(|k| k.excess);
        Self { inputs, outputs, kernels }
    }

    /// Sum of the kernels' fees; `None` when it does not fit 64 bits.
    #[must_use]
    pub fn fees(&self) -> Option<Amount> {
        Amount::checked_sum(self.kernels.iter().map(|k| k.features.fee()))
    }
}

/// A payment, or several joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The part of the excess that is public, so that joined payments cannot be told apart by sums.
    pub offset: Scalar,
    /// Inputs, outputs, kernels.
    pub body: Body,
}
