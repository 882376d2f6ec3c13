//! One range proof's part of the batch equation.
//!
//! Three products an index instead of five: with `s'₀ = e·a·Π uⱼ⁻¹`, `t₀ = e·b·Π uⱼ` and `p₀ = e·z²`, the three coefficients
//! `e·a·sᵢ`, `e·b·y⁻ⁱ·s₆₃₋ᵢ` and `e·z²·(2/y)ⁱ` are each one product away from an earlier one, because setting bit k of i multiplies
//! them by `u²`, by `u⁻²·y^(−2ᵏ)` and by `(2/y)^(2ᵏ)`.

use super::{Claim, ProofWeights, Terms};
use crate::{
    group::{Scalar, scalar_from_bytes},
    range_proof::challenge,
};

/// log₂ of the 64 bits: rounds of the inner-product argument.
const ROUNDS: usize = 6;
const BITS: usize = 64;

/// Positions of a proof's 32-byte elements.
const A: usize = 0;
const S: usize = 1;
const T1: usize = 2;
const T2: usize = 3;
const T_X: usize = 4;
const T_X_BLINDING: usize = 5;
const E_BLINDING: usize = 6;
const L0: usize = 7;
const R0: usize = 8;
const IPP_A: usize = 19;
const IPP_B: usize = 20;

/// The Fiat–Shamir challenges of one proof, in the order of its transcript.
pub(super) struct Challenges {
    y: Scalar,
    z: Scalar,
    x: Scalar,
    w: Scalar,
    u: [Scalar; ROUNDS],
    binding: [u8; 32],
}

/// Inverses of y and of each u.
pub(super) struct Inverses {
    y: Scalar,
    u: [Scalar; ROUNDS],
}

impl Challenges {
    /// Replays the transcript; `None` when a point is the identity, which the prover's side never sends.
    pub(super) fn replay(claim: &Claim<'_>) -> Option<Self> {
        let p = claim.proof;
        let points = [A, S, T1, T2].into_iter().chain(L0..IPP_A);
        if points.into_iter().any(|i| p.element(i) == [0; 32]) {
            return None;
        }
        let (mut t, [y, z, x]) = p.replay_to_x(&claim.context, claim.commitment);
        t.append_message(b"t_x", &p.element(T_X));
        t.append_message(b"t_x_blinding", &p.element(T_X_BLINDING));
        t.append_message(b"e_blinding", &p.element(E_BLINDING));
        let w = challenge(&mut t, b"w");
        t.append_message(b"dom-sep", b"ipp v1");
        t.append_u64(b"n", BITS as u64);
        let u = core::array::from_fn(|j| {
            t.append_message(b"L", &p.element(L0 + 2 * j));
            t.append_message(b"R", &p.element(R0 + 2 * j));
            challenge(&mut t, b"u")
        });
        t.append_message(b"a", &p.element(IPP_A));
        t.append_message(b"b", &p.element(IPP_B));
        let mut binding = [0; 32];
        t.challenge_bytes(b"sotto batch", &mut binding);
        Some(Self { y, z, x, w, u, binding })
    }

    /// A challenge over the whole proof: what the batch's weights absorb.
    pub(super) const fn binding(&self) -> &[u8; 32] {
        &self.binding
    }

    /// The inverses for many proofs, with one inversion.
    pub(super) fn inverses<'a>(all: impl Iterator<Item = &'a Self>) -> impl Iterator<Item = Inverses> {
        let mut flat: Vec<Scalar> = all.flat_map(|c| [c.y].into_iter().chain(c.u)).collect();
        Scalar::batch_invert(&mut flat);
        let mut flat = flat.into_iter();
        core::iter::from_fn(move || {
            let y = flat.next()?;
            let mut u = [Scalar::ZERO; ROUNDS];
            for slot in &mut u {
                *slot = flat.next()?;
            }
            Some(Inverses { y, u })
        })
    }
}

/// Adds one proof's coefficients of the shared generators, and its 17 points.
///
/// `None` when a scalar of the proof is not canonical.
pub(super) fn add_terms(
    (claim, c, weights): (&Claim<'_>, &Challenges, &ProofWeights),
    inverse: Inverses,
    terms: &mut Terms,
) -> Option<()> {
    let p = claim.proof;
    let scalar = |i| scalar_from_bytes(p.element(i));
    let (t_x, t_x_blinding, e_blinding) = (scalar(T_X)?, scalar(T_X_BLINDING)?, scalar(E_BLINDING)?);
    let (a, b) = (scalar(IPP_A)?, scalar(IPP_B)?);
    let (e, ec) = (weights.e, weights.ec);
    let (zz, u_sq) = (c.z * c.z, c.u.map(|u| u * u));
    let u_inv_sq = inverse.u.map(|u| u * u);

    let y_powers = squarings(inverse.y);
    let two_over_y = squarings(inverse.y + inverse.y);
    let s = spread(e * a * inverse.u.iter().product::<Scalar>(), |k| u_sq[ROUNDS - 1 - k]);
    let t = spread(e * b * c.u.iter().product::<Scalar>(), |k| u_inv_sq[ROUNDS - 1 - k] * y_powers[k]);
    let q = spread(e * zz, |k| two_over_y[k]);
    let ez = e * c.z;
    let bases = &mut terms.bases;
    for i in 0..BITS {
        bases.g[i] -= ez + s[i];
        bases.h[i] += ez + q[i] - t[i];
    }
    // δ(y,z) = (z − z²)·Σ yⁱ − z³·Σ 2ⁱ, and Σ yⁱ = Π (1 + y^(2ᵏ)).
    let sum_y: Scalar = squarings(c.y).iter().map(|y| Scalar::ONE + y).product();
    let delta = (c.z - zz) * sum_y - c.z * zz * Scalar::from(u64::MAX);
    bases.value += e * c.w * (t_x - a * b) + ec * (delta - t_x);
    bases.blinding -= e * e_blinding + ec * t_x_blinding;

    let ecx = ec * c.x;
    for (i, coefficient) in [(A, e), (S, e * c.x), (T1, ecx), (T2, ecx * c.x)] {
        terms.push(coefficient, p.element(i));
    }
    for j in 0..ROUNDS {
        terms.push(e * u_sq[j], p.element(L0 + 2 * j));
        terms.push(e * u_inv_sq[j], p.element(R0 + 2 * j));
    }
    terms.push(ec * zz, *claim.commitment.as_bytes());
    Some(())
}

/// `x, x², x⁴, …`: one for each bit of an index.
fn squarings(x: Scalar) -> [Scalar; ROUNDS] {
    let mut powers = [x; ROUNDS];
    for k in 1..ROUNDS {
        powers[k] = powers[k - 1] * powers[k - 1];
    }
    powers
}

/// `first · Π factor(k)` over the bits k that are set in each index 0…63.
fn spread(first: Scalar, factor: impl Fn(usize) -> Scalar) -> [Scalar; BITS] {
    let mut out = [first; BITS];
    for k in 0..ROUNDS {
        let f = factor(k);
        for i in 0..1 << k {
            out[(1 << k) + i] = out[i] * f;
        }
    }
    out
}
