//! Makes range proofs whose prover randomness follows from keys, so that their owner can read them again.
//!
//! The random scalars are those that [`crate::range_proof`] defines; its prover makes the proof of them, in
//! constant time.
//!
//! Guaranteed: the same arguments give the same bytes, and a proof that is returned verifies and rewinds: a
//! fault of the machine that would reveal the amount or the blinding factor is found before anything leaves.

mod halves;

pub(crate) use halves::Halves;

use crate::{
    batch::{self, Claim, Judged},
    commitment::Commitment,
    features::OutputContext,
    group::{Element, identity},
    range_proof::{
        Committed, Committing, Handles, Nonces, Opening, Proven, RangeProof, Replayed, Responses, RewindKey,
        TauKey, keyed, scalar,
    },
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
    let made = Making::new(context, opening, keys, (&c, identity()));
    let mut t = context.transcript();
    let nothing = [identity(); 2];
    let committing = Committing {
        committed: &made.committed(opening, keys, &c),
        nonces: &made.nonces,
        added: nothing,
        handling: made.halves.as_ref().map(|h| h.handling(nothing)),
    };
    let (responses, challenges) = committing.respond(&mut t, &made.nonces).ok_or(ProveError)?;
    let bytes = responses.finish(&mut t, challenges.y).ok_or(ProveError)?;
    let proof = RangeProof::from_bytes(&bytes).with_handles(made.handles(&responses));
    let rewinds = rewinds_to(&proof, context, &c, keys.rewind) == Some(*opening);
    if rewinds && verifies(&proof, context, &c) { Ok((c, proof)) } else { Err(ProveError) }
}

/// A proof that is being made: its halves, if the output is audited, and its random scalars.
pub(crate) struct Making {
    pub(crate) halves: Option<Halves>,
    pub(crate) nonces: Nonces,
}

impl Making {
    /// For this commitment; `added` is what co-owners add to D_lo.
    pub(crate) fn new(
        context: &OutputContext,
        opening: &Opening,
        keys: &OutputKeys<'_>,
        (c, added): (&Commitment, Element),
    ) -> Self {
        let proven = Proven { context, commitment: c, halves: &[] };
        let split = |auditors| {
            let high = halves::high_blinding(&keys.tau.0, &proven);
            Halves::new(auditors, opening.amount.units(), [keys.blinding, &high], added)
        };
        let halves = context.auditors().map(split);
        let bound = halves.as_ref().map_or(&[][..], Halves::bound);
        let nonces = nonces(&Proven { halves: bound, ..proven }, opening, keys);
        Self { halves, nonces }
    }

    /// What auditors need, if there are some.
    pub(crate) fn handles(&self, responses: &Responses) -> Option<Handles> {
        let both = self.halves.as_ref().zip(responses.terms);
        both.map(|(halves, terms)| halves.handles(terms))
    }

    pub(crate) fn committed<'a>(
        &'a self,
        opening: &Opening,
        keys: &OutputKeys<'a>,
        c: &'a Commitment,
    ) -> Vec<Committed<'a>> {
        let whole =
            Committed { amount: opening.amount.units(), blinding: keys.blinding, commitment: c.as_bytes() };
        self.halves.as_ref().map_or_else(|| vec![whole], |halves| halves.committed(c).into())
    }
}

/// α, ρ, s_L, s_R from the rewind key, τ₁ and τ₂ from the tau key, in this order.
fn nonces(proven: &Proven<'_>, opening: &Opening, keys: &OutputKeys<'_>) -> Nonces {
    let rewind = keyed(tag::REWIND, &keys.rewind.0, proven);
    let tau = keyed(tag::TAU, &keys.tau.0, proven);
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
    let claim = Claim { proof, commitment: c, context: context.clone() };
    batch::all_hold(Judged::by(context.auditors()), &[claim], &[])
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
    fn scalars_are_canonical_below_the_order() {
        let (_, p) = proven(b"");
        assert!(p.scalars_are_canonical());
        let mut order = (-Scalar::ONE).to_bytes();
        order[0] += 1;
        for i in [4, 5, 6, 19, 20] {
            for (element, canonical) in
                [((-Scalar::ONE).to_bytes(), true), (order, false), ([0xff; 32], false)]
            {
                let mut bytes = *p.as_bytes();
                bytes[32 * i..32 * i + 32].copy_from_slice(&element);
                assert_eq!(RangeProof::from_bytes(&bytes).scalars_are_canonical(), canonical, "element {i}");
            }
        }
    }
}
