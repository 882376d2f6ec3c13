//! Makes range proofs whose prover randomness follows from keys, so that their owner can read them again.
//!
//! The random scalars are those that [`crate::range_proof`] defines; its prover makes the proof of them, in
//! constant time.
//!
//! Guaranteed: the same arguments give the same bytes, and a proof that is returned verifies and rewinds: a
//! fault of the machine that would reveal the amount or the blinding factor is found before anything leaves.

use crate::{
    batch::{self, Claim},
    commitment::Commitment,
    features::OutputContext,
    range_proof::{self, Committed, Nonces, Opening, RangeProof, Replayed, RewindKey, TauKey, keyed, scalar},
    secret::SecretScalar,
    tag,
};

/// What the owner of an output needs to make it, and to read it again later.
pub struct OutputKeys<'a> {
    /// The blinding factor r.
    pub blinding: &'a SecretScalar,
    /// Reads the amount from the proof.
    pub rewind: &'a RewindKey,
    /// Hides the blinding factor from the rewind key.
    pub tau: &'a TauKey,
}

/// Proves that `opening.amount`, blinded by `keys.blinding`, is in range; returns the commitment and the
/// proof.
///
/// The same arguments give the same bytes.
///
/// # Errors
/// [`ProveError`] if the proof does not pass its own check.
pub(crate) fn prove(
    context: &OutputContext,
    opening: &Opening,
    keys: &OutputKeys<'_>,
) -> Result<(Commitment, RangeProof), ProveError> {
    let c = Commitment::new(opening.amount, keys.blinding);
    let committed =
        Committed { amount: opening.amount.units(), blinding: keys.blinding, commitment: c.as_bytes() };
    let nonces = nonces(context, opening, keys, &c);
    let bytes = range_proof::prove(&mut context.transcript(), &[committed], &nonces).ok_or(ProveError)?;
    let proof = RangeProof::from_bytes(&bytes);
    let rewinds = rewinds_to(&proof, context, &c, keys.rewind) == Some(*opening);
    if rewinds && verifies(&proof, context, &c) { Ok((c, proof)) } else { Err(ProveError) }
}

/// α, ρ, s_L, s_R from the rewind key, τ₁ and τ₂ from the tau key, in this order.
pub(crate) fn nonces(
    context: &OutputContext,
    opening: &Opening,
    keys: &OutputKeys<'_>,
    c: &Commitment,
) -> Nonces {
    let rewind = keyed(tag::REWIND, &keys.rewind.0, context, c);
    let tau = keyed(tag::TAU, &keys.tau.0, context, c);
    let of_rewind = |i: u64| *scalar(&rewind, i).expose();
    Nonces {
        alpha: of_rewind(0) + opening.message(),
        rho: of_rewind(1),
        s_l: core::array::from_fn(|i| of_rewind(2 + i as u64)),
        s_r: core::array::from_fn(|i| of_rewind(66 + i as u64)),
        tau: [130, 131].map(|i| *scalar(&tau, i).expose()),
    }
}

/// Whether the proof holds for `c` in `context`.
pub(crate) fn verifies(proof: &RangeProof, context: &OutputContext, c: &Commitment) -> bool {
    batch::all_hold(&[Claim { proof, commitment: c, context: context.clone() }], &[])
}

pub(crate) fn rewinds_to(
    proof: &RangeProof,
    context: &OutputContext,
    c: &Commitment,
    key: &RewindKey,
) -> Option<Opening> {
    Replayed::new(&proof.head(), context.clone(), c)?.rewind(key)
}

/// A proof could not be made; nothing was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot make the range proof: its own check failed")]
pub struct ProveError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        amount::Amount, chain::ChainId, features::OutputFeatures, group::Scalar, schnorr::Signature,
    };

    fn context(extra: &[u8]) -> OutputContext {
        OutputContext::new(&ChainId::from_bytes([0; 32]), &OutputFeatures::<Signature>::Plain, extra)
    }

    const REWIND: RewindKey = RewindKey([1; 32]);
    const OPENING: Opening = Opening { amount: Amount::new(987_654_321), index: *b"twelve bytes" };

    fn proven(extra: &[u8]) -> (Commitment, RangeProof) {
        let keys =
            OutputKeys { blinding: &Scalar::from(77u64).into(), rewind: &REWIND, tau: &TauKey([2; 32]) };
        prove(&context(extra), &OPENING, &keys).unwrap()
    }

    #[test]
    fn rewinds_with_its_key_only() {
        let (c, p) = proven(b"");
        assert_eq!(rewinds_to(&p, &context(b""), &c, &REWIND), Some(OPENING));
        assert_eq!(rewinds_to(&p, &context(b""), &c, &RewindKey([3; 32])), None);
        assert_eq!(rewinds_to(&p, &context(b"x"), &c, &REWIND), None);
    }

    #[test]
    fn proving_twice_gives_the_same_bytes_and_other_contexts_other_nonces() {
        let (_, p) = proven(b"");
        assert_eq!(p, proven(b"").1);
        let q = proven(b"extra").1;
        // A, S, T₁, T₂ all differ: no nonce is shared between two contexts of one commitment.
        (0..4).for_each(|i| assert_ne!(p.element(i), q.element(i)));
    }

    #[test]
    fn binds_the_whole_output() {
        let (c, p) = proven(b"");
        assert!(verifies(&p, &context(b""), &c));
        assert!(!verifies(&p, &context(b"x"), &c));
        let coinbase =
            OutputContext::new(&ChainId::from_bytes([0; 32]), &OutputFeatures::<Signature>::Coinbase, b"");
        assert!(!verifies(&p, &coinbase, &c));
        let foreign =
            OutputContext::new(&ChainId::from_bytes([1; 32]), &OutputFeatures::<Signature>::Plain, b"");
        assert!(!verifies(&p, &foreign, &c));
        assert!(!verifies(&p, &context(b""), &Commitment::new(OPENING.amount, &Scalar::from(78u64).into())));
    }

    #[test]
    fn every_element_counts() {
        let (c, p) = proven(b"");
        for i in 0..21 {
            let mut bytes = *p.as_bytes();
            bytes[32 * i] ^= 1;
            let bad = RangeProof::from_bytes(&bytes);
            assert!(!verifies(&bad, &context(b""), &c), "element {i}");
        }
    }

    #[test]
    fn non_canonical_scalars_are_seen() {
        let (_, p) = proven(b"");
        assert!(p.scalars_are_canonical());
        let mut bytes = *p.as_bytes();
        bytes[32 * 20 + 31] = 0xff;
        assert!(!RangeProof::from_bytes(&bytes).scalars_are_canonical());
    }
}
