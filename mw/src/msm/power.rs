//! Inverses and square roots as powers: two fixed powers modulo p by one chain of 254 squarings, and 1/x
//! modulo ℓ.

use super::{
    digits::ORDER,
    lanes::Field,
    residues::{Residue, Residues},
};

/// Inverts residues, all with one power `x^(ℓ − 2)` (Montgomery's trick). None may be 0.
#[inline(always)]
pub(crate) fn inverses<R: Residues>(all: &mut [R]) {
    let mut product = R::splat(Residue::ONE);
    let mut before = Vec::with_capacity(all.len());
    for x in all.iter() {
        before.push(product);
        product = product.mul(*x);
    }
    let mut rest = R::splat(Residue::ONE);
    for bit in (0..253).rev() {
        rest = rest.mul(rest);
        // ℓ − 2 differs from ℓ in its lowest word alone.
        let word = if bit < 64 { ORDER[0] - 2 } else { ORDER[bit / 64] };
        if word >> (bit % 64) & 1 == 1 {
            rest = rest.mul(product);
        }
    }
    for (x, before) in all.iter_mut().zip(before).rev() {
        (*x, rest) = (before.mul(rest), rest.mul(*x));
    }
}

/// `1/x`, and 0 for 0: `x^(p − 2) = x^(8·(p − 5)/8 + 3)`.
#[inline(always)]
pub(super) fn inverse<F: Field>(x: F) -> F {
    squared(power_p58(x), 3).mul(x.square().mul(x))
}

/// `x^((p − 5)/8) = x^(2²⁵² − 3)`; a name says the exponent, and `e5` is 2⁵ − 1.
#[inline(always)]
pub(super) fn power_p58<F: Field>(x: F) -> F {
    let x2 = x.square();
    let x9 = squared(x2, 2).mul(x);
    let e5 = x9.mul(x2).square().mul(x9);
    let e10 = squared(e5, 5).mul(e5);
    let e20 = squared(e10, 10).mul(e10);
    let e40 = squared(e20, 20).mul(e20);
    let e50 = squared(e40, 10).mul(e10);
    let e100 = squared(e50, 50).mul(e50);
    let e200 = squared(e100, 100).mul(e100);
    let e250 = squared(e200, 50).mul(e50);
    squared(e250, 2).mul(x)
}

/// `x^(2ᵏ)`.
#[inline(always)]
fn squared<F: Field>(mut x: F, k: usize) -> F {
    for _ in 0..k {
        x = x.square();
    }
    x
}
