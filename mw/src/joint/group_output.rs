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
//! Only on chains without auditors: elsewhere such an output is refused (MW-R31). Not guaranteed here: that members answer once for one X. Two outputs with one X are money for any member
//! (`mw/tests/shared_key.rs`), so whoever keeps the shares must see to that. Not reviewed outside the project.

use crate::{
    chain::ChainId,
    commitment::Commitment,
    features::{Extra, OutputContext, OutputFeatures},
    group::{Point, Scalar},
    output::Output,
    prover::{OutputKeys, ProveError, nonces, rewinds_to, verifies},
    range_proof::{
        Challenges, Committed, Committing, Opening, Proven, RangeProof, Responses, RewindKey, replay,
    },
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
}

/// A plain output of a group that waits for the members' answer.
pub struct GroupOutput {
    context: OutputContext,
    commitment: Commitment,
    opening: Opening,
    rewind: RewindKey,
    responses: Responses,
    challenges: Challenges,
}

impl GroupOutput {
    /// Makes all of the proof but the members' answer; r0 is the blinding factor of `keys`.
    ///
    /// # Errors
    /// [`ProveError`], which does not happen for an amount of 64 bits.
    pub fn new(
        chain: &ChainId,
        opening: &Opening,
        keys: &OutputKeys<'_>,
        owners: &Owners,
    ) -> Result<Self, ProveError> {
        let context = OutputContext::new(chain, &OutputFeatures::<Signature>::Plain, &[]);
        let commitment = commitment(opening, keys.blinding, &owners.key);
        let proven = Proven { context: &context, commitment: &commitment, halves: &[] };
        let nonces = nonces(&proven, opening, keys);
        let added = owners.terms.map(|t| t.element());
        let committed = [Committed {
            amount: opening.amount.units(),
            blinding: keys.blinding,
            commitment: commitment.as_bytes(),
        }];
        let committing = Committing { committed: &committed, nonces: &nonces, added, handling: None };
        let responded = committing.respond(&mut context.transcript(), &nonces);
        let (responses, challenges) = responded.ok_or(ProveError)?;
        let rewind = keys.rewind.clone();
        Ok(Self { context, commitment, opening: *opening, rewind, responses, challenges })
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
        let mut t = self.context.transcript();
        replay(&mut t, self.commitment.as_bytes(), &self.responses.head, None);
        let mut responses = self.responses.clone();
        responses.blindings[0] += u;
        let bytes = responses.finish(&mut t, self.challenges.y).ok_or(ProveError)?;
        let proof = RangeProof::from_bytes(&bytes);
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
    use crate::{amount::Amount, group::mul_g, range_proof::TauKey};

    const CHAIN: ChainId = ChainId::from_bytes([0; 32]);
    const OPENING: Opening = Opening { amount: Amount::new(987_654_321), index: *b"twelve bytes" };
    const X: u64 = 11;
    const TAU: [u64; 2] = [12, 13];

    fn output() -> GroupOutput {
        let (r0, rewind, tau) = (Scalar::from(77u64).into(), RewindKey([1; 32]), TauKey([2; 32]));
        let keys = OutputKeys { blinding: &r0, rewind: &rewind, tau: &tau };
        let point = |s: u64| Point::from(mul_g(&Scalar::from(s)));
        let owners = Owners { key: PublicKey::from_point(point(X)), terms: TAU.map(point) };
        GroupOutput::new(&CHAIN, &OPENING, &keys, &owners).unwrap()
    }

    #[test]
    fn the_answer_of_the_owners_completes_a_proof_that_looks_like_any() {
        let output = output();
        let [z2, x, x2] = output.factors();
        let u = z2 * Scalar::from(X) + x * Scalar::from(TAU[0]) + x2 * Scalar::from(TAU[1]);
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
}
