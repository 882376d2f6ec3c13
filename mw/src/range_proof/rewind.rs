//! Rewinding: the transcript of a proof is replayed once, then tried with any number of rewind keys.
//!
//! ```text
//! M = e_blinding − s₀ − s₁·x                                  a hit if the twelve tag bytes are zero
//! A = α·G + Σ bᵢ·Gᵢ + (bᵢ − 1)·Hᵢ,   α = s₀ + M, b = bits of v    a second check of a hit
//! ```
//!
//! An owner checks a hit by deriving the commitment again. A view key lacks the blinding factor, so it checks
//! the hit against A instead. In a proof that verifies, A opens in one way only: to the bits of the committed
//! amount (Bünz et al. 2018, theorem 2). Another holder of the view key can therefore make outputs that look
//! received, but not one that shows a wrong amount.

use super::{Opening, ProofHead, Proven, RewindKey, first_scalars, keyed};
use crate::{
    commitment::Commitment,
    features::OutputContext,
    generators::Generators,
    group::{Element, Scalar, identity, mul_g, scalar_from_bytes},
    tag,
};

/// A proof with its transcript replayed, ready for rewind keys.
#[derive(Debug)]
pub struct Replayed<'a> {
    commitment: &'a Commitment,
    context: OutputContext,
    /// C_hi ‖ D_lo ‖ D_hi of an audited output.
    halves: Vec<u8>,
    a: [u8; 32],
    x: Scalar,
    e_blinding: Scalar,
}

impl<'a> Replayed<'a> {
    /// Replays the transcript; `None` if `e_blinding` is not canonical, as no prover makes it.
    pub(crate) fn new(head: &ProofHead, context: OutputContext, commitment: &'a Commitment) -> Option<Self> {
        let x = head.replay_to_x(&context, commitment);
        let e_blinding = scalar_from_bytes(head.element(6))?;
        let halves = head.handles().map(|h| h.halves().to_vec()).unwrap_or_default();
        Some(Self { commitment, context, halves, a: head.element(0), x, e_blinding })
    }

    /// The commitment of the proof.
    #[must_use]
    pub const fn commitment(&self) -> &'a Commitment {
        self.commitment
    }

    /// Reads the opening if the proof was made with this key, at the cost of two hashes; `None` otherwise.
    ///
    /// A false hit has probability 2⁻⁹², and anyone who has the key can forge one: the owner must derive the
    /// commitment again from the opening.
    #[must_use]
    pub fn rewind(&self, key: &RewindKey) -> Option<Opening> {
        self.read(key).map(|(opening, _)| opening)
    }

    /// As [`Self::rewind`], for a view key that cannot derive the commitment: checks the amount against A.
    /// Meaningful only for a proof that verifies.
    #[must_use]
    pub fn rewind_proven(&self, key: &RewindKey) -> Option<Opening> {
        let (opening, alpha) = self.read(key)?;
        // The halves of an audited amount are its bits in the same order, over the generators of two amounts.
        let amounts = if self.halves.is_empty() { 1 } else { 2 };
        let a = vector_commitment(amounts, opening.amount.units(), &alpha)?;
        (a.compress().to_bytes() == self.a).then_some(opening)
    }

    fn read(&self, key: &RewindKey) -> Option<(Opening, Scalar)> {
        let proven = Proven { context: &self.context, commitment: self.commitment, halves: &self.halves };
        let prefix = keyed(tag::REWIND, &key.0, &proven);
        let [s0, s1] = first_scalars(&prefix);
        let m = self.e_blinding - s0.expose() - s1.expose() * self.x;
        Some((Opening::from_message(m)?, s0.expose() + m))
    }
}

/// The A of a proof for the amount `v` under α; `None` as for [`Generators::of`], which does not happen.
fn vector_commitment(amounts: usize, v: u64, alpha: &Scalar) -> Option<Element> {
    let Generators { elements, .. } = Generators::of(amounts)?;
    let bits = elements.g.iter().zip(&elements.h).enumerate();
    let sum = bits.fold(identity(), |sum, (i, (g, h))| if v >> i & 1 == 1 { sum + g } else { sum - h });
    Some(mul_g(alpha) + sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        amount::Amount,
        chain::ChainId,
        features::OutputFeatures,
        prover::{OutputKeys, prove},
        range_proof::TauKey,
        schnorr::Signature,
    };

    #[test]
    fn a_view_key_sees_what_was_proven_and_nothing_else() {
        let context =
            OutputContext::new(&ChainId::from_bytes([0; 32]), &OutputFeatures::<Signature>::Plain, b"");
        let key = RewindKey([1; 32]);
        for units in [0, 1, 987_654_321, u64::MAX] {
            let opening = Opening { amount: Amount::new(units), index: [5; 12] };
            let r = Scalar::from(77u64).into();
            let keys = OutputKeys { blinding: &r, rewind: &key, tau: &TauKey([2; 32]) };
            let (c, proof) = prove(&context, &opening, &keys).unwrap();
            let replayed = Replayed::new(&proof.head(), context.clone(), &c).unwrap();
            assert_eq!((replayed.rewind(&key), replayed.rewind_proven(&key)), (Some(opening), Some(opening)));
            let stranger = RewindKey([3; 32]);
            assert_eq!((replayed.rewind(&stranger), replayed.rewind_proven(&stranger)), (None, None));
            // A holder of the key can shift e_blinding, so that another amount is read. A does not open to
            // it.
            let other = Opening { amount: Amount::new(units ^ 4), ..opening };
            let forged = Replayed {
                e_blinding: replayed.e_blinding - opening.message() + other.message(),
                ..replayed
            };
            assert_eq!((forged.rewind(&key), forged.rewind_proven(&key)), (Some(other), None));
        }
    }
}
