//! Outputs that a group owns: their blinding factor is r0, which every member knows, and x, which none does.
//!
//! ```text
//! C  = v·H + r0·G + X                 X = x·G, x shared among the members
//! T₁ = t₁·H + τ₁·G + T1x              T1x = Σ T1ᵢ, T2x = Σ T2ᵢ of the members who answer
//! u  = z²·x + x̂·τ1x + x̂²·τ2x          x̂ the challenge; u = Σ uᵢ,  uᵢ = z²·λᵢ·sᵢ + x̂·τ1ᵢ + x̂²·τ2ᵢ
//! τ  = z²·r0 + x̂·τ₁ + x̂²·τ₂ + u       the rest of the proof needs no secret of a member
//! ```
//!
//! All scalars but the members' τ follow from r0 and two keys that all members have, so each member makes the
//! proof itself, up to u, and nobody has to be trusted with it. The proof rewinds like that of any wallet.
//!
//! On a chain with auditors all of x is in the low half of r: the members show x·P, τ1x·P and τ2x·P
//! ([`Owners::handles`]), which are added to D_lo, T'₁ and T'₂, and the member that adds up their answers checks
//! `u·P = z²·(x·P) + x̂·T'1x + x̂²·T'2x` too.
//!
//! Not guaranteed here: that members answer once for one X. Two outputs with one X are money for any member
//! (`mw/tests/shared_key.rs`), so whoever keeps the shares must see to that. Not reviewed outside the project.

use crate::{
    commitment::Commitment,
    features::{Extra, OutputChain, OutputContext, OutputFeatures},
    group::{Point, Scalar, identity},
    output::Output,
    prover::{Making, OutputKeys, ProveError, rewinds_to, verifies},
    range_proof::{Challenges, Committing, Handles, Opening, RangeProof, Responses, RewindKey, replay},
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
};

/// The members' part of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owners {
    /// X, the key that they share.
    pub key: PublicKey,
    /// T1x and T2x.
    pub terms: [Point; 2],
    /// x·P, T'1x and T'2x on a chain with auditors: the same secrets times their key.
    pub handles: Option<[Point; 3]>,
}

/// A plain output of a group that waits for the members' answer.
pub struct GroupOutput {
    context: OutputContext,
    commitment: Commitment,
    opening: Opening,
    rewind: RewindKey,
    handles: Option<Handles>,
    responses: Responses,
    challenges: Challenges,
}

impl GroupOutput {
    /// Makes all of the proof but the members' answer; r0 is the blinding factor of `keys`.
    ///
    /// # Errors
    /// [`ProveError`] if the chain has auditors and the owners showed nothing over their key, or the reverse.
    pub fn new<'c>(
        chain: impl Into<OutputChain<'c>>,
        opening: &Opening,
        keys: &OutputKeys<'_>,
        owners: &Owners,
    ) -> Result<Self, ProveError> {
        let context = OutputContext::new(chain, &OutputFeatures::<Signature>::Plain, &[]);
        if context.auditors().is_some() != owners.handles.is_some() {
            return Err(ProveError);
        }
        let [x, of_terms @ ..] = owners.handles.map_or([identity(); 3], |h| h.map(|p| p.element()));
        let commitment = commitment(opening, keys.blinding, &owners.key);
        let made = Making::new(&context, opening, keys, (&commitment, x));
        let committing = Committing {
            committed: &made.committed(opening, keys, &commitment),
            nonces: &made.nonces,
            added: owners.terms.map(|t| t.element()),
            handling: made.halves.as_ref().map(|h| h.handling(of_terms)),
        };
        let responded = committing.respond(&mut context.transcript(), &made.nonces);
        let (responses, challenges) = responded.ok_or(ProveError)?;
        let (rewind, handles) = (keys.rewind.clone(), made.handles(&responses));
        Ok(Self { context, commitment, opening: *opening, rewind, handles, responses, challenges })
    }

    /// C.
    #[must_use]
    pub const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// z², x̂ and x̂²: the factors of x, τ1x and τ2x in the answer.
    #[must_use]
    pub fn factors(&self) -> [Scalar; 3] {
        let Challenges { z, x, .. } = self.challenges;
        [z * z, x, x * x]
    }

    /// Finishes the proof with u.
    ///
    /// # Errors
    /// [`ProveError`] if u does not answer, or the proof does not verify and rewind.
    pub fn finish(&self, u: &Scalar) -> Result<Output, ProveError> {
        let mut responses = self.responses.clone();
        responses.blindings[0] += u;
        let mut t = self.context.transcript();
        replay(&mut t, self.commitment.as_bytes(), &responses.head, self.handles.as_ref());
        let bytes = responses.finish(&mut t, self.challenges.y).ok_or(ProveError)?;
        let proof = RangeProof::from_bytes(&bytes).with_handles(self.handles.clone());
        let rewound = rewinds_to(&proof, &self.context, &self.commitment, &self.rewind);
        if rewound != Some(self.opening) || !verifies(&proof, &self.context, &self.commitment) {
            return Err(ProveError);
        }
        let (features, extra) = (OutputFeatures::Plain, Extra::default());
        Ok(Output { features, commitment: self.commitment, extra, proof })
    }
}

/// Shows nothing of the opening.
impl core::fmt::Debug for GroupOutput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "GroupOutput({})", self.commitment)
    }
}

/// `C = v·H + r0·G + X`.
#[must_use]
pub fn commitment(opening: &Opening, r0: &SecretScalar, key: &PublicKey) -> Commitment {
    let own = Commitment::new(opening.amount, r0);
    Commitment::from_point(Point::from(own.point().element() + key.point().element()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        amount::Amount,
        chain::{Auditors, Chain, ChainId, Params},
        group::mul_g,
        hash::Hash,
        range_proof::TauKey,
    };

    const CHAIN: ChainId = ChainId::from_bytes([0; 32]);
    const OPENING: Opening = Opening { amount: Amount::new(987_654_321), index: *b"twelve bytes" };
    const X: u64 = 11;
    const TAU: [u64; 2] = [12, 13];

    /// The output of these owners on this chain; what they show over the key of auditors is over y·G.
    fn output_on<'c>(chain: impl Into<OutputChain<'c>>, y: Option<u64>) -> Result<GroupOutput, ProveError> {
        let (r0, rewind, tau) = (Scalar::from(77u64).into(), RewindKey([1; 32]), TauKey([2; 32]));
        let keys = OutputKeys { blinding: &r0, rewind: &rewind, tau: &tau };
        let point = |s: u64| Point::from(mul_g(&Scalar::from(s)));
        let handles = y.map(|y| [X, TAU[0], TAU[1]].map(|s| point(y * s)));
        let owners = Owners { key: PublicKey::from_point(point(X)), terms: TAU.map(point), handles };
        GroupOutput::new(chain, &OPENING, &keys, &owners)
    }

    fn output() -> GroupOutput {
        output_on(&CHAIN, None).unwrap()
    }

    fn answer(output: &GroupOutput) -> Scalar {
        let [z2, x, x2] = output.factors();
        z2 * Scalar::from(X) + x * Scalar::from(TAU[0]) + x2 * Scalar::from(TAU[1])
    }

    #[test]
    fn the_answer_of_the_owners_completes_a_proof_that_looks_like_any() {
        let output = output();
        let u = answer(&output);
        let made = output.finish(&u).unwrap();
        assert!(made.proof_holds(&CHAIN));
        assert_eq!(made.commitment, Commitment::new(OPENING.amount, &Scalar::from(77 + X).into()));
        assert_eq!(made.rewind(&CHAIN, &RewindKey([1; 32])), Some(OPENING));
        assert_eq!(output.finish(&(u + Scalar::ONE)).map(|_| ()), Err(ProveError));
    }

    /// Without the owners' secret no answer fits: with u = 0 the proof is that of r0 alone.
    #[test]
    fn without_an_answer_there_is_no_proof() {
        assert_eq!(output().finish(&Scalar::ZERO).map(|_| ()), Err(ProveError));
    }

    #[test]
    fn auditors_read_the_output_of_owners_who_showed_honest_points_over_their_key() {
        let key = PublicKey::of(&Scalar::from(4_711u64).into());
        let auditors = Some(Auditors { key, charter: Hash::ZERO });
        let operator = PublicKey::of(&Scalar::ONE.into());
        let chain = Chain::new(Params { auditors, ..Params::solo(operator, 0) }).unwrap();
        let output = output_on(&chain, Some(4_711)).unwrap();
        let made = output.finish(&answer(&output)).unwrap();
        assert!(made.proof_holds(&chain) && made.code() == 2);
        assert_eq!(made.commitment, Commitment::new(OPENING.amount, &Scalar::from(77 + X).into()));
        assert_eq!(made.rewind(chain.id(), &RewindKey([1; 32])), Some(OPENING));
        let false_points = output_on(&chain, Some(4_712)).unwrap();
        assert_eq!(false_points.finish(&answer(&false_points)).map(|_| ()), Err(ProveError));
        assert!(output_on(&chain, None).is_err() && output_on(&CHAIN, Some(4_711)).is_err());
    }
}
