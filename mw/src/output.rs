//! Outputs: a commitment to an amount, public data about it, and a range proof that binds both.

pub use crate::{
    features::{Audit, Extra, OutputChain, OutputFeatures},
    prover::{OutputKeys, ProveError},
};

use crate::{
    batch::Claim,
    chain::{AUDIT_WEIGHT, ChainId, EXTRA_BYTES_PER_WEIGHT, ONE_SIDED_OUTPUT_WEIGHT, OUTPUT_WEIGHT},
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    features::OutputContext,
    one_sided::{OneSided, OneSidedKeys},
    prover::{self, prove},
    range_proof::{HANDLE_BYTES, Opening, PROOF_BYTES, RangeProof, Replayed, RewindKey},
    schnorr::{PublicKey, SignedMessage, sign},
    secret::SecretScalar,
};
use rand_core::{CryptoRng, RngCore};

/// An output: a commitment, its public data, and a proof that binds both. See the crate's first example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Plain, coinbase or one-sided.
    pub features: OutputFeatures,
    /// The committed amount.
    pub commitment: Commitment,
    /// Public bytes that the proof binds.
    pub extra: Extra,
    /// Proves that the amount is in range.
    pub proof: RangeProof,
}

/// A one-sided output that its sender has not signed yet. R may be any point; the signature holds only under
/// the key of its signer.
pub(crate) struct UnsignedOneSided {
    chain: ChainId,
    keys: OneSidedKeys,
    commitment: Commitment,
    proof: RangeProof,
}

impl UnsignedOneSided {
    /// Proves the amount; the proof binds `named`.
    pub(crate) fn new(
        chain: OutputChain<'_>,
        named: OneSidedKeys,
        opening: &Opening,
        keys: &OutputKeys<'_>,
    ) -> Result<Self, ProveError> {
        let (commitment, proof) = prove(&OutputContext::one_sided(chain, &named), opening, keys)?;
        Ok(Self { chain: *chain.id, keys: named, commitment, proof })
    }

    /// Signs with r, the secret of R.
    pub(crate) fn sign(self, r: &SecretScalar, rng: &mut (impl RngCore + CryptoRng)) -> Output {
        let Self { chain, keys, commitment, proof } = self;
        let extra = Extra::default();
        let message = keys.message(&chain, &commitment, &bound(&extra, &proof));
        let one_sided = OneSided { keys, signature: sign(r, &message, rng) };
        Output { features: OutputFeatures::OneSided(Box::new(one_sided)), commitment, extra, proof }
    }
}

impl Encode for Output {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.code());
        self.commitment.encode(out);
        self.extra.encode(out);
        self.features.encode_rest(out);
        self.proof.encode(out);
    }
}

impl Decode for Output {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = r.u8()?;
        let (commitment, extra) = (Commitment::decode(r)?, Extra::decode(r)?);
        let features = OutputFeatures::decode_rest(code, r)?;
        Ok(Self { features, commitment, extra, proof: RangeProof::decode_on(Audit::of_code(code), r)? })
    }
}

/// Where a one-sided output goes.
pub struct Delivery<'a> {
    /// r, the secret of the sender's key: fresh for each output.
    pub sender: &'a SecretScalar,
    /// K_o.
    pub receiver: PublicKey,
    /// The view tag.
    pub view_tag: u8,
    /// The amount, and the reference that the receiver reads.
    pub opening: Opening,
}

impl Output {
    /// The size of the shortest encoding.
    pub(crate) const LEAST_BYTES: usize = 34 + PROOF_BYTES;
    /// The size of the longest encoding: one-sided and audited, with all extra data.
    pub const MAX_BYTES: usize = Self::LEAST_BYTES + Extra::MAX + 129 + HANDLE_BYTES;

    /// Makes a plain output on `chain`, audited if the chain has auditors. The same arguments give the same bytes. Constant time in its secrets.
    ///
    /// # Errors
    /// [`ProveError`] if the proof does not verify or rewind; nothing is released then.
    pub fn plain<'c>(
        chain: impl Into<OutputChain<'c>>,
        opening: &Opening,
        keys: &OutputKeys<'_>,
    ) -> Result<Self, ProveError> {
        Self::with_features(chain.into(), OutputFeatures::Plain, opening, keys)
    }

    /// Makes the output of a block's reward, as [`Self::plain`] does.
    ///
    /// # Errors
    /// As there.
    pub fn coinbase<'c>(
        chain: impl Into<OutputChain<'c>>,
        opening: &Opening,
        keys: &OutputKeys<'_>,
    ) -> Result<Self, ProveError> {
        Self::with_features(chain.into(), OutputFeatures::Coinbase, opening, keys)
    }

    fn with_features(
        chain: OutputChain<'_>,
        features: OutputFeatures,
        opening: &Opening,
        keys: &OutputKeys<'_>,
    ) -> Result<Self, ProveError> {
        let (commitment, proof) = prove(&OutputContext::new(chain, &features, &[]), opening, keys)?;
        Ok(Self { features, commitment, extra: Extra::default(), proof })
    }

    /// Makes a one-sided output on `chain`, and signs it as its sender. The same arguments give the same
    /// bytes but for the signature.
    ///
    /// # Errors
    /// As [`Self::plain`].
    pub fn one_sided<'c>(
        chain: impl Into<OutputChain<'c>>,
        to: &Delivery<'_>,
        keys: &OutputKeys<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, ProveError> {
        let sender = PublicKey::of(to.sender);
        let named = OneSidedKeys { sender, receiver: to.receiver, view_tag: to.view_tag };
        Ok(UnsignedOneSided::new(chain.into(), named, &to.opening, keys)?.sign(to.sender, rng))
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
        Replayed::new(&self.proof.head(), self.context(chain.into()), &self.commitment)
    }

    /// Whether the range proof verifies on `chain`, and the handles if the chain has auditors.
    #[must_use]
    pub fn proof_holds<'c>(&self, chain: impl Into<OutputChain<'c>>) -> bool {
        let chain = chain.into();
        prover::verifies(&self.proof, &self.context(chain), &self.commitment)
    }

    /// The claim of the proof, for a batch.
    pub(crate) fn claim(&self, chain: OutputChain<'_>) -> Claim<'_> {
        Claim { proof: &self.proof, commitment: &self.commitment, context: self.context(chain) }
    }

    /// The sender's signature, which the features of this output hold, as a signed message.
    pub(crate) fn signed(&self, chain: &ChainId, one_sided: &OneSided) -> SignedMessage {
        let OneSided { keys, signature } = one_sided;
        let message = keys.message(chain, &self.commitment, &bound(&self.extra, &self.proof));
        SignedMessage::new(keys.sender, message, *signature)
    }

    /// The weight, as the block limit and the least fee count it.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let extra = (self.extra.as_bytes().len() as u64).div_ceil(EXTRA_BYTES_PER_WEIGHT);
        let one_sided = self.features.one_sided().is_some();
        let audited = if self.audit() == Audit::Audited { AUDIT_WEIGHT } else { 0 };
        extra + audited + if one_sided { ONE_SIDED_OUTPUT_WEIGHT } else { OUTPUT_WEIGHT }
    }

    /// Whether auditors read the amount.
    #[must_use]
    pub fn audit(&self) -> Audit {
        self.proof.audit()
    }

    /// The code of its kind.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.features.code(self.audit())
    }

    /// Whether this is a block's reward.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        self.features == OutputFeatures::Coinbase
    }

    fn context(&self, chain: OutputChain<'_>) -> OutputContext {
        OutputContext::existing(chain, &self.features, self.extra.as_bytes(), self.audit())
    }
}

/// What the sender's signature covers beside commitment and keys.
fn bound(extra: &Extra, proof: &RangeProof) -> Vec<u8> {
    let mut bound = extra.to_bytes();
    proof.parts().iter().for_each(|part| part.encode(&mut bound));
    bound
}
