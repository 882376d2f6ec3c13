//! The scalars of the batch equation, several proofs side by side.
//!
//! Three products for each index instead of five: with `s₀ = e·a·Π uⱼ⁻¹`, `t₀ = e·b·Π uⱼ` and `q₀ = e·z²`,
//! the three coefficients `e·a·sᵢ`, `e·b·y⁻ⁱ·s₆₃₋ᵢ` and `e·z²·(2/y)ⁱ` are each one product away from an
//! earlier one, because setting bit k of i multiplies them by `u²`, by `u⁻²·y^(−2ᵏ)` and by `(2/y)^(2ᵏ)`.

use super::{A, BITS, Challenges, E_BLINDING, IPP_A, IPP_B, L0, ROUNDS, S, T_X, T_X_BLINDING, T1, T2};
use crate::{
    batch::{
        claim::{Claim, Judged},
        terms::Terms,
        weights::ProofWeights,
    },
    generators::StaticBases,
    msm::{Instructions, Kernel, Residue, Residues, Words, inverses, is_canonical, words},
};

/// A proof with its challenges and weights.
pub(in crate::batch) type Item<'a> = (&'a Claim<'a>, &'a Challenges, &'a ProofWeights);

/// The terms of some proofs; `None` if one of their scalars is not canonical.
pub(in crate::batch) struct Coefficients<'a> {
    pub(in crate::batch) judged: Judged<'a>,
    pub(in crate::batch) items: &'a [Item<'a>],
}

impl Kernel for Coefficients<'_> {
    type Output = Option<Terms>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Option<Terms> {
        let lanes = I::Residues::N;
        let Self { judged, items: all } = self;
        let mut groups = Vec::with_capacity(all.len().div_ceil(lanes));
        let mut inverted = Vec::with_capacity(groups.capacity() * (1 + ROUNDS));
        for items in all.chunks(lanes) {
            let group = Group::<I::Residues>::load(items)?;
            inverted.push(group.y);
            inverted.extend(group.u);
            groups.push(group);
        }
        inverses(&mut inverted);
        let none = I::Residues::no_sum();
        let mut sums = Sums { bases: StaticBases::filled(none), ez: none, auditors: none };
        let mut terms = Terms::none();
        for (k, group) in groups.iter().enumerate() {
            let inverse = &inverted[k * (1 + ROUNDS)..];
            let scalars = group.add_to(judged, &mut sums, inverse);
            let items = lanes.min(all.len() - k * lanes);
            let scalars = &scalars[..judged.points()];
            terms.scalars.extend((0..items).flat_map(move |lane| scalars.iter().map(move |s| s[lane])));
        }
        sums.add_to(&mut terms);
        Some(terms)
    }
}

/// N proofs' challenges, scalars and weights.
struct Group<R> {
    y: R,
    z: R,
    x: R,
    w: R,
    u: [R; ROUNDS],
    t_x: R,
    t_x_blinding: R,
    e_blinding: R,
    a: R,
    b: R,
    e: R,
    ec: R,
    g: R,
}

impl<R: Residues> Group<R> {
    /// `None` if a scalar of a proof is not canonical. Lanes without an item repeat the last one, with
    /// weights 0.
    #[inline(always)]
    fn load(items: &[Item<'_>]) -> Option<Self> {
        let canonical = |(claim, _, _): &Item<'_>| {
            [T_X, T_X_BLINDING, E_BLINDING, IPP_A, IPP_B]
                .iter()
                .all(|i| is_canonical(&words(&claim.proof.element(*i))))
        };
        if !items.iter().all(canonical) {
            return None;
        }
        let mut u = [R::splat(Residue::ONE); ROUNDS];
        for (j, u) in u.iter_mut().enumerate() {
            *u = gather(items, |(_, c, _)| c.u[j]);
        }
        Some(Self {
            y: gather(items, |(_, c, _)| c.y),
            z: gather(items, |(_, c, _)| c.z),
            x: gather(items, |(_, c, _)| c.x),
            w: gather(items, |(_, c, _)| c.w),
            u,
            t_x: gather(items, |item| element(item, T_X)),
            t_x_blinding: gather(items, |item| element(item, T_X_BLINDING)),
            e_blinding: gather(items, |item| element(item, E_BLINDING)),
            a: gather(items, |item| element(item, IPP_A)),
            b: gather(items, |item| element(item, IPP_B)),
            e: gather_weights(items, |(_, _, w)| w.e),
            ec: gather_weights(items, |(_, _, w)| w.ec),
            g: gather_weights(items, |(_, _, w)| w.g),
        })
    }

    /// Adds the coefficients of the shared generators; returns those of the points, in the order of
    /// [`points`].
    #[inline(always)]
    fn add_to(&self, judged: Judged<'_>, sums: &mut Sums<R>, inverses: &[R]) -> [[Words; 8]; MOST_POINTS] {
        let one = R::splat(Residue::ONE);
        let (y_inverse, mut inverse_product, mut product) = (inverses[0], one, one);
        let (mut u_sq, mut u_inv_sq) = ([one; ROUNDS], [one; ROUNDS]);
        for j in 0..ROUNDS {
            let (u, inverse) = (self.u[j], inverses[1 + j]);
            (product, inverse_product) = (product.mul(u), inverse_product.mul(inverse));
            (u_sq[j], u_inv_sq[j]) = (u.mul(u), inverse.mul(inverse));
        }
        let (e, ec, zz, ez) = (self.e, self.ec, self.z.mul(self.z), self.e.mul(self.z));
        let y_powers = squarings(y_inverse);
        let mut s_factors = u_sq;
        s_factors.reverse();
        let mut t_factors = u_inv_sq;
        t_factors.reverse();
        for (t, y) in t_factors.iter_mut().zip(y_powers) {
            *t = t.mul(y);
        }
        let minus_eb = R::splat(Residue::ZERO).sub_product(e, self.b);
        spread(e.mul(self.a).mul(inverse_product), &s_factors, &mut sums.bases.g);
        spread(minus_eb.mul(product), &t_factors, &mut sums.bases.h);
        // Setting bit k multiplies z²·(2/y)ⁱ by (2/y)^(2ᵏ); bit 5, of the second amount of two, by z·y⁻³².
        let two = judged.amounts() == 2;
        let mut of_bits = squarings(y_inverse.add(y_inverse));
        if two {
            of_bits[ROUNDS - 1] = self.z.mul(y_powers[ROUNDS - 1]);
        }
        spread(e.mul(zz), &of_bits, &mut sums.bases.h);
        ez.add_to(&mut sums.ez);

        // δ(y,z) = (z − z²)·Σ yⁱ − z³·Σ 2ⁱ, with z³ + z⁴ for two amounts, and Σ yⁱ = Π (1 + y^(2ᵏ)).
        let mut sum_y = one;
        for y in squarings(self.y) {
            sum_y = sum_y.mul(one.add(y));
        }
        let all_bits = R::splat(Residue::from_u64(if two { u64::from(u32::MAX) } else { u64::MAX }));
        let zzz = self.z.mul(zz);
        let z_sum = if two { zzz.add(zz.mul(zz)) } else { zzz };
        let delta = self.z.sub(zz).mul(sum_y).sub_product(z_sum, all_bits);
        e.mul(self.w).mul(self.t_x.sub_product(self.a, self.b)).add_to(&mut sums.bases.value);
        ec.mul(delta.sub(self.t_x)).add_to(&mut sums.bases.value);
        e.mul(self.e_blinding).add_to(&mut sums.bases.blinding);
        ec.mul(self.t_x_blinding).add_to(&mut sums.bases.blinding);

        let ecx = ec.mul(self.x);
        let mut scalars = [[[0; 4]; 8]; MOST_POINTS];
        let fixed = [e, e.mul(self.x), ecx, ecx.mul(self.x), ec.mul(zz)];
        for (words, scalar) in scalars.iter_mut().zip(fixed) {
            *words = scalar.to_words();
        }
        for j in 0..ROUNDS {
            scalars[5 + 2 * j] = e.mul(u_sq[j]).to_words();
            scalars[6 + 2 * j] = e.mul(u_inv_sq[j]).to_words();
        }
        if two {
            let (g, gx) = (self.g, self.g.mul(self.x));
            let high = ec.mul(zzz).sub_product(ec.mul(zz), R::splat(Residue::from_u64(1 << 32)));
            let handles = [high, g.mul(zz), g.mul(zzz), gx, gx.mul(self.x)];
            for (words, scalar) in scalars[POINTS..].iter_mut().zip(handles) {
                *words = scalar.to_words();
            }
            g.mul(self.t_x_blinding).add_to(&mut sums.auditors);
        }
        scalars
    }
}

/// Points of a proof, its commitment among them.
const POINTS: usize = 5 + 2 * ROUNDS;
/// The same with the handles.
const MOST_POINTS: usize = POINTS + 5;

impl Judged<'_> {
    /// How many points a proof adds.
    const fn points(self) -> usize {
        match self {
            Self::Plain => POINTS,
            Self::RangeAlone => POINTS + 1,
            Self::Audited(_) => MOST_POINTS,
        }
    }
}

/// A, S, T₁, T₂, C, and Lⱼ and Rⱼ in turn; then C_hi, and the other handles if they are judged.
pub(in crate::batch) fn points(judged: Judged<'_>, claim: &Claim<'_>) -> impl Iterator<Item = [u8; 32]> {
    (0..judged.points()).map(move |i| match i {
        4 => *claim.commitment.as_bytes(),
        _ if i >= POINTS => claim.proof.handles().map_or([0; 32], |h| h.point(i - POINTS)),
        _ => claim.proof.element([A, S, T1, T2].get(i).copied().unwrap_or(L0 + i.saturating_sub(5))),
    })
}

/// Accumulated coefficients of the shared generators: those of Gᵢ, G and P without their sign, and `Σ e·z` apart
/// from Gᵢ and Hᵢ.
struct Sums<R: Residues> {
    bases: StaticBases<R::Sum>,
    ez: R::Sum,
    auditors: R::Sum,
}

impl<R: Residues> Sums<R> {
    #[inline(always)]
    fn add_to(&self, terms: &mut Terms) {
        let ez = R::total(self.ez);
        let bases = &mut terms.bases;
        for i in 0..BITS {
            bases.g[i] = bases.g[i].sub(ez.add(R::total(self.bases.g[i])));
            bases.h[i] = bases.h[i].add(ez).add(R::total(self.bases.h[i]));
        }
        bases.value = bases.value.add(R::total(self.bases.value));
        bases.blinding = bases.blinding.sub(R::total(self.bases.blinding));
        terms.auditors = terms.auditors.sub(R::total(self.auditors));
    }
}

/// The element at a position, as an integer.
fn element((claim, _, _): &Item<'_>, position: usize) -> [u64; 8] {
    let w = words(&claim.proof.element(position));
    [w[0], w[1], w[2], w[3], 0, 0, 0, 0]
}

#[inline(always)]
fn gather<R: Residues>(items: &[Item<'_>], integer: impl Fn(&Item<'_>) -> [u64; 8]) -> R {
    let mut rows = [[0; 8]; 8];
    for (lane, row) in rows.iter_mut().enumerate().take(R::N) {
        if let Some(item) = items.get(lane).or(items.last()) {
            *row = integer(item);
        }
    }
    R::load(|lane| &rows[lane])
}

#[inline(always)]
fn gather_weights<R: Residues>(items: &[Item<'_>], weight: impl Fn(&Item<'_>) -> u128) -> R {
    let mut rows = [[0; 8]; 8];
    for (row, item) in rows.iter_mut().zip(items) {
        let w = weight(item);
        (row[0], row[1]) = (w as u64, (w >> 64) as u64);
    }
    R::load(|lane| &rows[lane])
}

/// `x, x², x⁴, …`: one for each bit of an index.
#[inline(always)]
fn squarings<R: Residues>(x: R) -> [R; ROUNDS] {
    let mut powers = [x; ROUNDS];
    for k in 1..ROUNDS {
        powers[k] = powers[k - 1].mul(powers[k - 1]);
    }
    powers
}

/// Adds to sum i: `first · Π factors[k]` over the bits k that are set in i.
#[inline(always)]
fn spread<R: Residues>(first: R, factors: &[R; ROUNDS], sums: &mut [R::Sum; BITS]) {
    let mut out = [first; BITS];
    first.add_to(&mut sums[0]);
    for (k, factor) in factors.iter().enumerate() {
        for i in 0..1 << k {
            let next = out[i].mul(*factor);
            next.add_to(&mut sums[(1 << k) + i]);
            out[(1 << k) + i] = next;
        }
    }
}
