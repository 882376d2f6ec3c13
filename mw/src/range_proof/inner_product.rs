//! The inner-product argument of a range proof: that ⟨a, b⟩ = c for the vectors in `Σ aᵢ·Gᵢ + bᵢ·y⁻ⁱ·Hᵢ +
//! c·w·H`.
//!
//! ```text
//! L = ⟨a_lo, G_hi⟩ + ⟨b_hi, H_lo⟩ + ⟨a_lo, b_hi⟩·w·H        R = ⟨a_hi, G_lo⟩ + ⟨b_lo, H_hi⟩ + ⟨a_hi, b_lo⟩·w·H
//! a' = u·a_lo + u⁻¹·a_hi      b' = u⁻¹·b_lo + u·b_hi      G' = u⁻¹·G_lo + u·G_hi      H' = u·H_lo + u⁻¹·H_hi
//! ```
//!
//! The generators are never folded. A folded one is a sum of the first ones with known coefficients, which
//! are kept instead: every L and R is then a sum over the fixed bases, whose multiples are in a table, and
//! costs a tenth of what folding the points does.
//!
//! Variable time: the vectors tell nothing (see `prove.rs`). Source: Bünz et al. 2018, section 3.

use super::transcript::challenge;
use crate::{
    generators::StaticBases,
    group::{Scalar, words},
    msm::{Backend, FixedBases, Words},
};
use merlin::Transcript;

/// Bits of all amounts together: the length of the vectors.
pub(crate) const BITS: usize = 64;
/// Rounds: log₂ of the bits.
const ROUNDS: usize = 6;

/// L and R of each round, then the last a and b.
pub(super) fn prove(
    t: &mut Transcript,
    tables: &FixedBases,
    [w, y_inverse]: [Scalar; 2],
    [mut a, mut b]: [[Scalar; BITS]; 2],
) -> Vec<[u8; 32]> {
    t.append_message(b"dom-sep", b"ipp v1");
    t.append_u64(b"n", BITS as u64);
    let backend = Backend::detect();
    let mut elements = Vec::with_capacity(2 * ROUNDS + 2);
    let mut g = [Scalar::ONE; BITS];
    let mut h = g;
    h.iter_mut().zip(powers(y_inverse)).for_each(|(h, power)| *h = power);
    let mut half = BITS / 2;
    while half > 0 {
        let scalars = cross_terms(half, &Folded { a: &a, b: &b, g: &g, h: &h }, w);
        let sums = tables.two_sums_of_products(backend, [&scalars[0], &scalars[1]]);
        let [l, r] = sums.map(|sum| sum.encode());
        t.append_message(b"L", &l);
        t.append_message(b"R", &r);
        elements.extend([l, r]);
        let u = challenge(t, b"u");
        let u_inverse = u.invert();
        for i in 0..half {
            a[i] = u * a[i] + u_inverse * a[i + half];
            b[i] = u_inverse * b[i] + u * b[i + half];
        }
        for i in 0..BITS {
            let (of_g, of_h) = if i & half == 0 { (u_inverse, u) } else { (u, u_inverse) };
            g[i] *= of_g;
            h[i] *= of_h;
        }
        half /= 2;
    }
    t.append_message(b"a", a[0].as_bytes());
    t.append_message(b"b", b[0].as_bytes());
    elements.extend([a[0].to_bytes(), b[0].to_bytes()]);
    elements
}

/// The vectors a and b, and the coefficients of the folded generators.
struct Folded<'a> {
    a: &'a [Scalar; BITS],
    b: &'a [Scalar; BITS],
    g: &'a [Scalar; BITS],
    h: &'a [Scalar; BITS],
}

/// The coefficients of L and of R: generator i stands at index `i mod 2·half` of the folded ones, with the
/// coefficients `g[i]` and `h[i]`.
fn cross_terms(half: usize, folded: &Folded<'_>, w: Scalar) -> [Vec<Words>; 2] {
    let Folded { a, b, g, h } = folded;
    let mut sides = [StaticBases::filled([0; 4]), StaticBases::filled([0; 4])];
    let [l, r] = &mut sides;
    for i in 0..BITS {
        let j = i % (2 * half);
        let (of_g, of_h) = if j < half { (&mut *r, &mut *l) } else { (&mut *l, &mut *r) };
        of_g.g[i] = words(&(a[j ^ half] * g[i]));
        of_h.h[i] = words(&(b[j ^ half] * h[i]));
    }
    let ((a_lo, a_hi), (b_lo, b_hi)) = (a[..2 * half].split_at(half), b[..2 * half].split_at(half));
    l.value = words(&(inner(a_lo, b_hi) * w));
    r.value = words(&(inner(a_hi, b_lo) * w));
    sides.map(|side| side.iter().copied().collect())
}

/// `Σ aᵢ·bᵢ`.
pub(super) fn inner(a: &[Scalar], b: &[Scalar]) -> Scalar {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `1, x, x², …`.
pub(super) fn powers(x: Scalar) -> impl Iterator<Item = Scalar> {
    core::iter::successors(Some(Scalar::ONE), move |power| Some(power * x))
}
