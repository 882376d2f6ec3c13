//! Makes range proofs whose prover randomness follows from keys, so that their owner can read them again.
//!
//! The `bulletproofs` crate draws 132 scalars in the order α, ρ, s_L (64), s_R (64), τ₁, τ₂.
//! [`DeterministicRng`] serves it the scalars that [`crate::range_proof`] defines. Should the crate ever draw
//! in another order, the proof would not rewind; [`prove`] therefore rewinds and verifies each proof before
//! it returns it.
//!
//! Guaranteed: the same arguments give the same bytes, and a proof that is returned verifies and rewinds. Not
//! constant time: the inner-product step of the crate multiplies blinded vectors in variable time.

use crate::{
    batch::{self, Claim},
    commitment::Commitment,
    features::OutputContext,
    group::{bulletproof, pedersen},
    range_proof::{Opening, PROOF_BYTES, RangeProof, Replayed, RewindKey, TauKey, keyed, scalar},
    secret::SecretScalar,
    tag,
};
use bulletproofs::RangeProof as Bulletproof;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// What the owner of an output needs to make it, and to read it again later.
pub struct OutputKeys<'a> {
    /// The blinding factor r.
    pub blinding: &'a SecretScalar,
    /// Reads the amount from the proof.
    pub rewind: &'a RewindKey,
    /// Hides the blinding factor from the rewind key.
    pub tau: &'a TauKey,
}

/// The scalars of one proof, as a random source that the crate draws from.
struct DeterministicRng {
    rewind: Zeroizing<Vec<u8>>,
    tau: Zeroizing<Vec<u8>>,
    message: SecretScalar,
    next: u64,
}

impl RngCore for DeterministicRng {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        let s = match self.next {
            0 => scalar(&self.rewind, 0).add(&self.message),
            i @ 1..=129 => scalar(&self.rewind, i),
            i => scalar(&self.tau, i),
        };
        self.next += 1;
        dest.fill(0);
        let bytes = s.to_bytes();
        let n = dest.len().min(32);
        dest[..n].copy_from_slice(&bytes[..n]);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for DeterministicRng {}

/// Proves that `opening.amount`, blinded by `keys.blinding`, is in range; returns the commitment and the
/// proof.
///
/// The same arguments give the same bytes.
///
/// # Errors
/// [`ProveError`] if the crate fails, or draws its randomness in another order than this file relies on.
pub(crate) fn prove(
    context: &OutputContext,
    opening: &Opening,
    keys: &OutputKeys<'_>,
) -> Result<(Commitment, RangeProof), ProveError> {
    let c = Commitment::new(opening.amount, keys.blinding);
    let mut rng = DeterministicRng {
        rewind: keyed(tag::REWIND, &keys.rewind.0, context, &c),
        tau: keyed(tag::TAU, &keys.tau.0, context, &c),
        message: opening.message().into(),
        next: 0,
    };
    let (v, r) = (opening.amount.units(), keys.blinding.expose());
    let mut t = context.transcript();
    let (proof, _) =
        Bulletproof::prove_single_with_rng(bulletproof(), pedersen(), &mut t, v, r, 64, &mut rng)
            .map_err(|_| ProveError)?;
    let bytes: [u8; PROOF_BYTES] = proof.to_bytes().try_into().map_err(|_| ProveError)?;
    let proof = RangeProof::from_bytes(&bytes);
    // Nothing is released unless it rewinds and verifies.
    let rewinds = rng.next == 132 && rewinds_to(&proof, context, &c, keys.rewind) == Some(*opening);
    if rewinds && verifies(&proof, context, &c) { Ok((c, proof)) } else { Err(ProveError) }
}

/// Whether the proof holds for `c` in `context`.
pub(crate) fn verifies(proof: &RangeProof, context: &OutputContext, c: &Commitment) -> bool {
    batch::all_hold(&[Claim { proof, commitment: c, context: context.clone() }], &[])
}

fn rewinds_to(
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
    use crate::{amount::Amount, chain::ChainId, features::OutputFeatures, group::Scalar};

    fn context(extra: &[u8]) -> OutputContext {
        OutputContext::new(&ChainId::from_bytes([0; 32]), OutputFeatures::Plain, extra)
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
        let coinbase = OutputContext::new(&ChainId::from_bytes([0; 32]), OutputFeatures::Coinbase, b"");
        assert!(!verifies(&p, &coinbase, &c));
        let foreign = OutputContext::new(&ChainId::from_bytes([1; 32]), OutputFeatures::Plain, b"");
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
