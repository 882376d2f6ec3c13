//! Many range proofs and signatures as one equation, over all cores.
//!
//! Each proof is two equations in the group, each signature one. Multiplied by independent random weights and added
//! they are one multiscalar multiplication in which all proofs share 130 generators:
//!
//! ```text
//! Σₖ eₖ·( A + x·S + Σⱼ uⱼ²·Lⱼ + uⱼ⁻²·Rⱼ − Σᵢ (z + a·sᵢ)·Gᵢ + Σᵢ (z + y⁻ⁱ(z²·2ⁱ − b·s₆₃₋ᵢ))·Hᵢ
//!          + w(t − ab)·H − ẽ·G )                                  vector and inner-product equation
//! + eₖcₖ·( x·T₁ + x²·T₂ + z²·V + (δ(y,z) − t)·H − τ·G )              polynomial equation
//! + Σₗ wₗ·( Rₗ + cₗ·Xₗ − zₗ·G )                                        signatures
//! = 0
//! ```
//!
//! Weights are 128 bits, never zero, and drawn from a transcript that has absorbed, for every proof, a challenge taken
//! after its last byte, and every signature whole: who chooses a proof has fixed all of them first. A false batch passes with
//! probability 2⁻¹²⁷. Source: Bünz et al. 2018, section 6; verification equations as in `bulletproofs` 5.0.0, whose verifier the
//! tests hold this one against.

mod proof;

use crate::{
    commitment::Commitment,
    group::{Element, Scalar, StaticBases, identity, vartime_sum_of_products},
    range_proof::RangeProof,
    schnorr::Signed,
    transcript::{OutputContext, tag},
};
use merlin::Transcript;
use proof::Challenges;
use rayon::prelude::*;

/// A range proof with what it is about.
pub(crate) struct Claim<'a> {
    pub(crate) proof: &'a RangeProof,
    pub(crate) commitment: &'a Commitment,
    pub(crate) context: OutputContext,
}

/// Coefficients of the shared generators, and the sum of everything else.
struct Sums {
    bases: StaticBases<Scalar>,
    rest: Element,
}

impl Sums {
    fn zero() -> Self {
        Self { bases: StaticBases::filled(Scalar::ZERO), rest: identity() }
    }

    fn add(mut self, other: &Self) -> Self {
        self.bases.add(&other.bases);
        self.rest += other.rest;
        self
    }
}

/// Weights of one proof: e, and e·c for its polynomial equation.
struct ProofWeights {
    e: Scalar,
    ec: Scalar,
}

/// Whether all proofs and all signatures hold. Variable time: everything here is public.
pub(crate) fn all_hold(claims: &[Claim<'_>], signed: &[Signed]) -> bool {
    let unfit = |s: &Signed| s.signature.r.is_identity() || s.key.point().is_identity();
    if signed.iter().any(unfit) {
        return false;
    }
    let Some(challenges) = claims.par_iter().map(Challenges::replay).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let (proof_weights, signature_weights) = weights(&challenges, signed);
    let proofs: Vec<_> = claims.iter().zip(&challenges).zip(&proof_weights).collect();
    let signatures: Vec<_> = signed.iter().zip(signature_weights).collect();
    let share = |n: usize| n.div_ceil(rayon::current_num_threads()).max(8);
    let of_proofs = proofs
        .par_chunks(share(proofs.len()))
        .map(|chunk| {
            let mut inverses = Challenges::inverses(chunk.iter().map(|((_, c), _)| *c));
            let mut sums = Sums::zero();
            let mut terms = Vec::with_capacity(17 * chunk.len());
            for ((claim, c), w) in chunk {
                proof::add_terms((claim, c, w), inverses.next()?, &mut sums.bases, &mut terms)?;
            }
            Some((sums, terms))
        })
        .map(|part| part.map(|(sums, terms)| Sums { rest: vartime_sum_of_products(terms), ..sums }));
    let of_signatures = signatures.par_chunks(share(signatures.len())).map(|chunk| Some(signature_sums(chunk)));
    let total = of_proofs
        .chain(of_signatures)
        .try_reduce(Sums::zero, |a, b| Some(a.add(&b)));
    total.is_some_and(|t| t.rest + t.bases.vartime_sum() == identity())
}

/// The lowest index of a claim that does not hold, by bisection; `None` when all hold.
pub(crate) fn first_bad_claim(claims: &[Claim<'_>]) -> Option<usize> {
    if all_hold(claims, &[]) {
        return None;
    }
    if claims.len() <= 1 {
        return Some(0);
    }
    let (left, right) = claims.split_at(claims.len() / 2);
    first_bad_claim(left).or_else(|| first_bad_claim(right).map(|i| left.len() + i))
}

/// One pair of weights a proof, one weight a signature, all from one transcript over all of them.
fn weights(challenges: &[Challenges], signed: &[Signed]) -> (Vec<ProofWeights>, Vec<Scalar>) {
    let mut t = Transcript::new(tag::BATCH);
    t.append_u64(b"proofs", challenges.len() as u64);
    challenges.iter().for_each(|c| t.append_message(b"proof", c.binding()));
    t.append_u64(b"signatures", signed.len() as u64);
    for s in signed {
        t.append_message(b"m", &s.message);
        t.append_message(b"X", s.key.as_bytes());
        t.append_message(b"R", s.signature.r.as_bytes());
        t.append_message(b"z", s.signature.z.as_bytes());
    }
    let pair = |t: &mut Transcript| {
        let e = weight(t);
        ProofWeights { e, ec: weight(t) }
    };
    let proofs = challenges.iter().map(|_| pair(&mut t)).collect();
    (proofs, signed.iter().map(|_| weight(&mut t)).collect())
}

/// A non-zero 128-bit weight.
fn weight(t: &mut Transcript) -> Scalar {
    let mut w = [0u8; 16];
    t.challenge_bytes(b"weight", &mut w);
    Scalar::from(u128::from_le_bytes(w).max(1))
}

/// `Σ w·(R + c·X − z·G)`.
fn signature_sums(chunk: &[(&Signed, Scalar)]) -> Sums {
    let mut sums = Sums::zero();
    let terms = chunk.iter().flat_map(|(s, w)| {
        sums.bases.blinding -= w * s.signature.z;
        [(*w, s.signature.r.element()), (w * s.challenge(), s.key.point().element())]
    });
    sums.rest = vartime_sum_of_products(terms.collect::<Vec<_>>());
    sums
}

#[cfg(test)]
mod tests;
