//! Many range proofs and signatures as one equation, over all cores.
//!
//! Each proof is two equations in the group or three, each signature one. Multiplied by independent random weights and
//! added they are one multiscalar multiplication in which all proofs share 130 generators:
//!
//! ```text
//! Σₖ eₖ·( A + x·S + Σⱼ uⱼ²·Lⱼ + uⱼ⁻²·Rⱼ − Σᵢ (z + a·sᵢ)·Gᵢ + Σᵢ (z + y⁻ⁱ(z²·2ⁱ − b·s₆₃₋ᵢ))·Hᵢ
//!          + w(t − ab)·H − ẽ·G )                                  vector and inner-product equation
//! + eₖcₖ·( x·T₁ + x²·T₂ + z²·V + (δ(y,z) − t)·H − τ·G )              polynomial equation
//! + Σₗ wₗ·( Rₗ + cₗ·(Xₗ + hₗ·Kₗ) − zₗ·G )                               signatures; most have no K
//! = 0
//! ```
//!
//! Where auditors read amounts, each proof has two amounts of 32 bits and a third equation, under a weight of
//! its own, in the same sum; P, the auditors' key, is one point for all of them (`docs/AUDIT.md`):
//!
//! ```text
//!   z²·2ⁱ becomes z^(2+⌊i/32⌋)·2^(i mod 32),   δ = (z − z²)·Σ yⁱ − (z³ + z⁴)(2³² − 1)
//!   z²·V becomes z²·C + (z³ − 2³²·z²)·C_hi
//! + gₖ·( x·T'₁ + x²·T'₂ + z²·D_lo + z³·D_hi − τ·P )
//! ```
//!
//! The weights have 128 bits, are never zero, and come from a transcript that has absorbed, for every proof,
//! a challenge taken after its last byte, and every signature with its challenge. A prover has thus fixed all
//! proofs before any weight is known, and an invalid batch passes with probability 2⁻¹²⁷. Source: Bünz et al.
//! 2018, section 6. The equations are those of `bulletproofs` 5.0.0; the tests compare both verifiers.

mod claim;
mod proof;
mod terms;
mod transcripts;
mod weights;

pub(crate) use claim::{Claim, Judged};

use crate::{
    group::words,
    msm::{self, Backend, Residue, Residues, Sum},
    schnorr::SignedMessage,
};
use proof::{Challenges, Coefficients};
use rayon::prelude::*;
use terms::Terms;
use weights::{Challenged, weights};

/// Verifies many signatures as one equation (Bellare, Garay and Rabin 1998).
///
/// # Errors
/// The index of the first signature that does not verify.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mw::{
///     PublicKey, SecretScalar, batch,
///     schnorr::{SignedMessage, sign},
/// };
///
/// let x = SecretScalar::random(&mut OsRng);
/// let sign = |m: &[u8]| SignedMessage::new(PublicKey::of(&x), m.to_vec(), sign(&x, m, &mut OsRng));
/// let mut signed = vec![sign(b"one"), sign(b"two")];
/// assert_eq!(batch::verify_signatures(&signed), Ok(()));
/// signed[1].message.push(b'!');
/// assert_eq!(batch::verify_signatures(&signed), Err(1));
/// ```
pub fn verify_signatures(all: &[SignedMessage]) -> Result<(), usize> {
    let hold = |some: &[SignedMessage]| all_hold(Judged::Plain, &[], some);
    if hold(all) { Ok(()) } else { Err(first_bad(all, &hold).unwrap_or(0)) }
}

/// Whether all proofs, as far as they are judged, and all signatures verify. Variable time: everything here is
/// public.
pub(crate) fn all_hold(judged: Judged<'_>, claims: &[Claim<'_>], signed: &[SignedMessage]) -> bool {
    let sum = sum(Backend::detect(), judged, claims, signed);
    sum.is_some_and(|sum| sum.is_identity())
}

/// The left side of the equation; `None` if an encoding is not canonical, or a point is the identity that
/// must not be.
///
/// Points are decoded in parallel with the computation of their scalars.
fn sum(backend: Backend, judged: Judged<'_>, claims: &[Claim<'_>], signed: &[SignedMessage]) -> Option<Sum> {
    let encodings = points(judged, claims, signed);
    let terms = || terms(backend, judged, claims, signed);
    let (terms, points) = rayon::join(terms, || msm::decode(backend, &encodings));
    terms?.sum(backend, judged, &points?)
}

/// The encodings of all points that are not shared, in the order of [`Terms`], and the auditors' key.
fn points(judged: Judged<'_>, claims: &[Claim<'_>], signed: &[SignedMessage]) -> Vec<[u8; 32]> {
    let of_signature = |s: &SignedMessage| {
        let keys = [*s.signature.r.as_bytes(), *s.key.as_bytes()];
        keys.into_iter().chain(s.second.map(|(k, _)| *k.as_bytes()))
    };
    let of_proofs = claims.iter().flat_map(|claim| proof::points(judged, claim));
    let auditors = judged.auditors().map(|p| *p.as_bytes());
    of_proofs.chain(signed.iter().flat_map(of_signature)).chain(auditors).collect()
}

/// The products that the equation adds up; `None` as for [`sum`].
fn terms(
    backend: Backend,
    judged: Judged<'_>,
    claims: &[Claim<'_>],
    signed: &[SignedMessage],
) -> Option<Terms> {
    let unfit = |s: &SignedMessage| {
        let second = s.second.is_some_and(|(k, _)| k.point().is_identity());
        s.signature.r.is_identity() || s.key.point().is_identity() || second
    };
    if signed.iter().any(unfit) {
        return None;
    }
    let challenges = Challenges::replay(backend, judged, claims)?;
    let signed: Vec<Challenged<'_>> = signed.par_iter().map(|s| (s, s.challenge())).collect();
    let (proof_weights, signature_weights) = weights(judged, &challenges, &signed);
    let proofs = claims.iter().zip(&challenges).zip(&proof_weights);
    let proofs: Vec<_> = proofs.map(|((claim, challenges), weights)| (claim, challenges, weights)).collect();
    let signatures: Vec<_> = signed.iter().zip(signature_weights).collect();
    let of_proofs =
        proofs.par_chunks(share(proofs.len())).map(|items| backend.run(Coefficients { judged, items }));
    let of_signatures =
        signatures.par_chunks(share(signatures.len())).map(|chunk| Some(signature_terms(chunk)));
    let parts: Vec<Terms> = of_proofs.chain(of_signatures).collect::<Option<_>>()?;
    Some(Terms::concat(parts))
}

/// How many of n proofs or signatures one task takes: a multiple of eight, small enough to occupy all
/// threads, and at most 256, so that a sum of residues, to which a proof adds at most two terms, has at most
/// 512.
fn share(n: usize) -> usize {
    n.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(8).clamp(8, 256)
}

/// The lowest index of an item that does not verify, by bisection; `None` if all verify.
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

/// `Σ w·(R + c·(X + h·K) − z·G)`, the points in the order R, X, K.
fn signature_terms(chunk: &[(&Challenged<'_>, u128)]) -> Terms {
    let mut terms = Terms::none();
    for ((s, c), w) in chunk {
        let w = Residue::from_words([*w as u64, (*w >> 64) as u64, 0, 0]);
        let [c, z] = [*c, s.signature.z].map(|x| Residue::from_words(words(&x)));
        terms.bases.blinding = terms.bases.blinding.sub_product(w, z);
        let of_key = w.mul(c);
        terms.scalars.extend([w.to_words()[0], of_key.to_words()[0]]);
        let h = s.second.map(|(_, h)| Residue::from_words(words(&h)));
        terms.scalars.extend(h.map(|h| of_key.mul(h).to_words()[0]));
    }
    terms
}

#[cfg(test)]
mod audited_tests;
#[cfg(test)]
mod tests;
