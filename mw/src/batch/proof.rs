//! One range proof's part of the batch equation: its challenges, then its coefficients.

mod challenges;
mod coefficients;

pub(super) use challenges::Challenges;
pub(super) use coefficients::{Coefficients, points};

/// log₂ of the 64 bits: rounds of the inner-product argument.
const ROUNDS: usize = 6;
const BITS: usize = 64;

/// Positions of a proof's 32-byte elements; Lⱼ and Rⱼ alternate from `L0` on.
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
