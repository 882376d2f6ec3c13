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
//! after its last byte, and every signature with its challenge: who chooses a proof has fixed all of them first. A false batch passes with
//! probability 2⁻¹²⁷. Source: Bünz et al. 2018, section 6; verification equations as in `bulletproofs` 5.0.0, whose verifier the
//! tests hold this one against.

mod proof;
mod transcripts;

use crate::{
    commitment::Commitment,
    group::{Scalar, StaticBases, generators, words},
    msm::{self, Addend, Backend, FixedBases, Residue, Residues, Sum, Words},
    range_proof::RangeProof,
    schnorr::Signed,
    transcript::{OutputContext, tag},
};
use merlin::Transcript;
use proof::{Challenges, Coefficients};
use rayon::prelude::*;
use std::sync::LazyLock;

/// A range proof with what it is about.
pub(crate) struct Claim<'a> {
    pub(crate) proof: &'a RangeProof,
    pub(crate) commitment: &'a Commitment,
    pub(crate) context: OutputContext,
}

/// A signature and its challenge c, which binds R, X and the message.
type Challenged<'a> = (&'a Signed, Scalar);

/// Weights of one proof: e, and e·c for its polynomial equation.
struct ProofWeights {
    e: u128,
    ec: u128,
}

/// Whether all proofs and all signatures hold. Variable time: everything here is public.
pub(crate) fn all_hold(claims: &[Claim<'_>], signed: &[Signed]) -> bool {
    let sum = sum(Backend::detect(), claims, signed);
    sum.is_some_and(|sum| sum.is_identity())
}

/// The left side of the equation; `None` when something in it is not canonical, or an identity where none may be.
///
/// Points do not wait for their scalars: their decoding fills the pauses between the steps that lead to those.
fn sum(backend: Backend, claims: &[Claim<'_>], signed: &[Signed]) -> Option<Sum> {
    let encodings = points(claims, signed);
    let (terms, points) = rayon::join(|| terms(backend, claims, signed), || msm::decode(backend, &encodings));
    terms?.sum(backend, &points?)
}

/// The encodings of all points that are not shared, in the order of their [`Terms`].
fn points(claims: &[Claim<'_>], signed: &[Signed]) -> Vec<[u8; 32]> {
    let of_signature = |s: &Signed| [*s.signature.r.as_bytes(), *s.key.as_bytes()];
    claims.iter().flat_map(proof::points).chain(signed.iter().flat_map(of_signature)).collect()
}

/// The products that the equation adds up; `None` as for [`sum`].
fn terms(backend: Backend, claims: &[Claim<'_>], signed: &[Signed]) -> Option<Terms> {
    let unfit = |s: &Signed| s.signature.r.is_identity() || s.key.point().is_identity();
    if signed.iter().any(unfit) {
        return None;
    }
    let challenges = Challenges::replay(backend, claims)?;
    let signed: Vec<Challenged<'_>> = signed.par_iter().map(|s| (s, s.challenge())).collect();
    let (proof_weights, signature_weights) = weights(&challenges, &signed);
    let proofs = claims.iter().zip(&challenges).zip(&proof_weights);
    let proofs: Vec<_> = proofs.map(|((claim, challenges), weights)| (claim, challenges, weights)).collect();
    let signatures: Vec<_> = signed.iter().zip(signature_weights).collect();
    let of_proofs = proofs.par_chunks(share(proofs.len())).map(|chunk| backend.run(Coefficients(chunk)));
    let of_signatures =
        signatures.par_chunks(share(signatures.len())).map(|chunk| Some(signature_terms(chunk)));
    let parts: Vec<Terms> = of_proofs.chain(of_signatures).collect::<Option<_>>()?;
    Some(Terms::concat(parts))
}

/// How many of n proofs or signatures one task takes: multiples of eight, enough tasks for all threads, and few enough that
/// no sum of residues, to which a proof adds at most two terms, has more than 512 of them.
fn share(n: usize) -> usize {
    n.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(8).clamp(8, 256)
}

/// Points that are summed at a time: bounds the memory; beyond it a sum gets no cheaper.
const BLOCK: usize = 1 << 14;

/// Coefficients of the shared generators, and those of all other points.
struct Terms {
    bases: StaticBases<Residue>,
    scalars: Vec<Words>,
}

impl Terms {
    fn none() -> Self {
        Self { bases: StaticBases::filled(Residue::ZERO), scalars: Vec::new() }
    }

    fn concat(parts: Vec<Self>) -> Self {
        let n = parts.iter().map(|part| part.scalars.len()).sum();
        let mut all = Self::none();
        all.scalars.reserve(n);
        for part in parts {
            all.bases.iter_mut().zip(part.bases.iter()).for_each(|(a, b)| *a = a.add(*b));
            all.scalars.extend(part.scalars);
        }
        all
    }

    /// The sum with these points; `None` when a generator's encoding is not canonical, which does not happen.
    fn sum(&self, backend: Backend, points: &[Addend]) -> Option<Sum> {
        static GENERATORS: LazyLock<Option<FixedBases>> = LazyLock::new(|| {
            let encoded: Vec<_> = generators().iter().map(|g| g.compress().to_bytes()).collect();
            Some(FixedBases::new(Backend::detect(), &msm::decode_here(Backend::detect(), &encoded)?))
        });
        let bases: Vec<_> = self.bases.iter().map(|x| x.to_words()[0]).collect();
        let shared = || Some(GENERATORS.as_ref()?.sum_of_products(backend, &bases));
        let others = || {
            let blocks = self.scalars.chunks(BLOCK).zip(points.chunks(BLOCK));
            blocks.fold(Sum::IDENTITY, |sum, (scalars, points)| {
                sum.add(&Sum::of_products(backend, points, scalars))
            })
        };
        let (shared, others) = rayon::join(shared, others);
        Some(shared?.add(&others))
    }
}

/// The lowest index of what does not hold, by bisection; `None` when all holds.
pub(crate) fn first_bad<T>(all: &[T], hold: &impl Fn(&[T]) -> bool) -> Option<usize> {
    if hold(all) {
        return None;
    }
    if all.len() <= 1 {
        return Some(0);
    }
    let (left, right) = all.split_at(all.len() / 2);
    first_bad(left, hold).or_else(|| first_bad(right, hold).map(|i| left.len() + i))
}

/// One pair of weights a proof, one weight a signature, all from one transcript over all of them. Each proof and
/// each signature takes up as many bytes as the next, so what is absorbed says which is which.
fn weights(challenges: &[Challenges], signed: &[Challenged<'_>]) -> (Vec<ProofWeights>, Vec<u128>) {
    let mut t = Transcript::new(tag::BATCH);
    let proofs: Vec<[u8; 32]> = challenges.iter().map(|c| c.binding).collect();
    t.append_message(b"proofs", proofs.as_flattened());
    let parts = |(s, c): &Challenged<'_>| {
        [c.to_bytes(), *s.key.as_bytes(), *s.signature.r.as_bytes(), s.signature.z.to_bytes()]
    };
    let signatures: Vec<[[u8; 32]; 4]> = signed.iter().map(parts).collect();
    t.append_message(b"signatures", signatures.as_flattened().as_flattened());

    let mut drawn = vec![[0; 16]; 2 * proofs.len() + signatures.len()];
    t.challenge_bytes(b"weights", drawn.as_flattened_mut());
    let weight = |bytes: &[u8; 16]| u128::from_le_bytes(*bytes).max(1);
    let pair = |[e, ec]: &[_; 2]| ProofWeights { e: weight(e), ec: weight(ec) };
    let (of_proofs, of_signatures) = drawn.split_at(2 * proofs.len());
    (of_proofs.as_chunks().0.iter().map(pair).collect(), of_signatures.iter().map(weight).collect())
}

/// `Σ w·(R + c·X − z·G)`, the point R before X.
fn signature_terms(chunk: &[(&Challenged<'_>, u128)]) -> Terms {
    let mut terms = Terms::none();
    for ((s, c), w) in chunk {
        let w = Residue::from_words([*w as u64, (*w >> 64) as u64, 0, 0]);
        let [c, z] = [*c, s.signature.z].map(|x| Residue::from_words(words(&x)));
        terms.bases.blinding = terms.bases.blinding.sub_product(w, z);
        terms.scalars.extend([w.to_words()[0], w.mul(c).to_words()[0]]);
    }
    terms
}

#[cfg(test)]
mod tests;
