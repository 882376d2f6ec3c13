//! The halves of an amount, as the proof of an audited output commits to them.
//!
//! ```text
//! v = v_lo + 2³²·v_hi      r = r_lo + 2³²·r_hi      C_hi = v_hi·H + r_hi·G      D_j = r_j·P
//! r_hi = H512→scalar("sotto/blinding-hi/v1", tau key, C, len(P), P)
//! ```
//!
//! To spend the output, r alone is needed, so r_hi is one more scalar of the prover: it follows from the key of
//! the τ, who has that key could compute r anyway. Constant time.

use crate::{
    commitment::Commitment,
    group::{Element, Point, Scalar, mul_g, mul_h},
    range_proof::{Committed, Handles, Handling, Proven, keyed, scalar},
    schnorr::PublicKey,
    secret::SecretScalar,
    tag,
};

/// Both halves with their blinding factors, and the points that are fixed before the proof begins.
pub(crate) struct Halves {
    auditors: Element,
    amounts: [u64; 2],
    blindings: [SecretScalar; 2],
    /// C_hi, D_lo, D_hi.
    points: [[u8; 32]; 3],
}

impl Halves {
    /// Splits the amount `v` and the prover's blinding factor `r`; `added` is what a co-owner adds to D_lo.
    pub(crate) fn new(auditors: &PublicKey, v: u64, [r, high]: [&SecretScalar; 2], added: Element) -> Self {
        let auditors = auditors.point().element();
        let amounts = [v & u64::from(u32::MAX), v >> 32];
        let low = SecretScalar::from(r.expose() - Scalar::from(1u64 << 32) * high.expose());
        let c_hi = mul_h(&Scalar::from(amounts[1])) + mul_g(high.expose());
        let d = [auditors * low.expose() + added, auditors * high.expose()];
        let points = [c_hi, d[0], d[1]].map(|p| *Point::from(p).as_bytes());
        Self { auditors, amounts, blindings: [low, high.clone()], points }
    }

    /// C_hi ‖ D_lo ‖ D_hi.
    pub(crate) fn bound(&self) -> &[u8] {
        self.points.as_flattened()
    }

    /// What the proof commits to; it names C in place of C_lo.
    pub(crate) fn committed<'a>(&'a self, c: &'a Commitment) -> [Committed<'a>; 2] {
        let [low, high] = &self.blindings;
        [
            Committed { amount: self.amounts[0], blinding: low, commitment: c.as_bytes() },
            Committed { amount: self.amounts[1], blinding: high, commitment: &self.points[0] },
        ]
    }

    /// How the proof differs; `added` is what a co-owner adds to T'₁ and T'₂.
    pub(crate) const fn handling(&self, added: [Element; 2]) -> Handling {
        let [_, d_lo, d_hi] = self.points;
        Handling { auditors: self.auditors, blindings: [d_lo, d_hi], added }
    }

    /// What follows the proof, with its T'₁ and T'₂.
    pub(crate) fn handles(&self, [t1, t2]: [[u8; 32]; 2]) -> Handles {
        let [c_hi, d_lo, d_hi] = self.points;
        Handles::from_points([c_hi, d_lo, d_hi, t1, t2])
    }
}

/// r_hi of an output that is proven with this τ key.
pub(super) fn high_blinding(tau: &[u8; 32], proven: &Proven<'_>) -> SecretScalar {
    scalar(&keyed(tag::BLINDING_HIGH, tau, proven), 0)
}
