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
    group::{Scalar, StaticBases, generators, words},
    msm::{self, Addend, Backend, FixedBases, Sum},
    range_proof::RangeProof,
    schnorr::Signed,
    transcript::{OutputContext, tag},
};
use merlin::Transcript;
use proof::Challenges;
use rayon::prelude::*;
use std::sync::LazyLock;

/// A range proof with what it is about.
pub(crate) struct Claim<'a> {
    pub(crate) proof: &'a RangeProof,
    pub(crate) commitment: &'a Commitment,
    pub(crate) context: OutputContext,
}

/// Weights of one proof: e, and e·c for its polynomial equation.
struct ProofWeights {
    e: Scalar,
    ec: Scalar,
}

/// Whether all proofs and all signatures hold. Variable time: everything here is public.
pub(crate) fn all_hold(claims: &[Claim<'_>], signed: &[Signed]) -> bool {
    terms(claims, signed).and_then(|t| t.sum(Backend::detect())).is_some_and(|sum| sum.is_identity())
}

/// The left side of the equation; `None` when something in it is not canonical, or an identity where none may be.
fn terms(claims: &[Claim<'_>], signed: &[Signed]) -> Option<Terms> {
    let unfit = |s: &Signed| s.signature.r.is_identity() || s.key.point().is_identity();
    if signed.iter().any(unfit) {
        return None;
    }
    let challenges: Vec<_> = claims.par_iter().map(Challenges::replay).collect::<Option<_>>()?;
    let (proof_weights, signature_weights) = weights(&challenges, signed);
    let proofs: Vec<_> = claims.iter().zip(&challenges).zip(&proof_weights).collect();
    let signatures: Vec<_> = signed.iter().zip(signature_weights).collect();
    let of_proofs = proofs.par_chunks(CHUNK).map(|chunk| {
        let mut inverses = Challenges::inverses(chunk.iter().map(|((_, c), _)| *c));
        chunk.iter().try_fold(Terms::none(), |mut terms, ((claim, c), w)| {
            proof::add_terms((claim, c, w), inverses.next()?, &mut terms)?;
            Some(terms)
        })
    });
    let of_signatures = signatures.par_chunks(CHUNK).map(|chunk| Some(signature_terms(chunk)));
    of_proofs.chain(of_signatures).try_reduce(Terms::none, |a, b| Some(a.append(b)))
}

/// Proofs or signatures that one task takes.
const CHUNK: usize = 8;
/// Points that are decoded and summed at a time: bounds the memory; beyond it a sum gets no cheaper.
const BLOCK: usize = 1 << 14;

/// Coefficients of the shared generators, and all other products `scalar·point`.
struct Terms {
    bases: StaticBases<Scalar>,
    scalars: Vec<Scalar>,
    points: Vec<[u8; 32]>,
}

impl Terms {
    fn none() -> Self {
        Self { bases: StaticBases::filled(Scalar::ZERO), scalars: Vec::new(), points: Vec::new() }
    }

    fn push(&mut self, scalar: Scalar, point: [u8; 32]) {
        self.scalars.push(scalar);
        self.points.push(point);
    }

    fn append(mut self, mut other: Self) -> Self {
        self.bases.add(&other.bases);
        self.scalars.append(&mut other.scalars);
        self.points.append(&mut other.points);
        self
    }

    /// Their sum; `None` when an encoding is not canonical.
    fn sum(&self, backend: Backend) -> Option<Sum> {
        static GENERATORS: LazyLock<Option<FixedBases>> = LazyLock::new(|| {
            let encoded: Vec<_> = generators().iter().map(|g| g.compress().to_bytes()).collect();
            Some(FixedBases::new(Backend::detect(), &msm::decode(Backend::detect(), &encoded)?))
        });
        let bases: Vec<_> = self.bases.iter().map(words).collect();
        let shared = || Some(GENERATORS.as_ref()?.sum_of_products(backend, &bases));
        let others = || {
            let mut blocks = self.scalars.chunks(BLOCK).zip(self.points.chunks(BLOCK));
            blocks.try_fold(Sum::IDENTITY, |sum, (scalars, points)| {
                let points: Vec<Addend> = msm::decode(backend, points)?;
                let scalars: Vec<_> = scalars.iter().map(words).collect();
                Some(sum.add(&Sum::of_products(backend, &points, &scalars)))
            })
        };
        let (shared, others) = rayon::join(shared, others);
        Some(shared?.add(&others?))
    }
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
fn signature_terms(chunk: &[(&Signed, Scalar)]) -> Terms {
    let mut terms = Terms::none();
    for (s, w) in chunk {
        terms.bases.blinding -= w * s.signature.z;
        terms.push(*w, *s.signature.r.as_bytes());
        terms.push(w * s.challenge(), *s.key.as_bytes());
    }
    terms
}

#[cfg(test)]
mod tests;
