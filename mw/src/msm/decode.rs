//! Decoding ristretto255, many encodings at a time (RFC 9496, section 4.3.1).
//!
//! Nearly all the time goes into one power with exponent (p − 5)/8 for each point. It has no branches, so N
//! lanes compute N of them together, and two such groups are interleaved because each product depends on the
//! one before. Accepts exactly the canonical encodings.

use super::{
    curve::{Addend, D, ROOT_OF_MINUS_ONE},
    field::Fe,
    kernel::{Instructions, Kernel},
    lanes::{Field, Lanes, Mask, Pair},
    power::power_p58,
};

/// Decodes each encoding into its place in `out`. Returns false, and leaves `out` unusable, if one is not
/// canonical.
pub(super) struct Decode<'a> {
    pub(super) encodings: &'a [[u8; 32]],
    pub(super) out: &'a mut [Addend],
}

impl Kernel for Decode<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions>(self) -> bool {
        let lanes = 2 * I::Field::N;
        let groups = self.encodings.chunks(lanes).zip(self.out.chunks_mut(lanes));
        for (encodings, out) in groups {
            if decode::<I::Field>(encodings, out).is_none() {
                return false;
            }
        }
        true
    }
}

/// Decodes up to 2N encodings, each into its place in `out`.
#[inline(always)]
fn decode<F: Lanes>(encodings: &[[u8; 32]], out: &mut [Addend]) -> Option<()> {
    // Lanes without an encoding decode 0, the identity.
    let mut s = [[0; 8]; 16];
    for (s, bytes) in s.iter_mut().zip(encodings) {
        let fe = Fe::from_bytes(bytes).filter(|fe| fe.0[0] & 1 == 0)?;
        s[..5].copy_from_slice(&fe.0);
    }
    let (low, high) = (F::load(|lane| &s[lane]), F::load(|lane| &s[F::N + lane]));
    let s = Pair(
        F::from_words([low[0], low[1], low[2], low[3], low[4]]),
        F::from_words([high[0], high[1], high[2], high[3], high[4]]),
    );
    let (x, y) = affine(s)?;
    let (low, high) = out.split_at_mut(out.len().min(F::N));
    low.iter_mut().zip(Addend::store(x.0, y.0)).for_each(|(out, row)| *out = row);
    high.iter_mut().zip(Addend::store(x.1, y.1)).for_each(|(out, row)| *out = row);
    Some(())
}

/// The points (x, y) of non-negative encodings s; `None` if one does not exist. Names as in the RFC.
#[inline(always)]
fn affine<F: Field>(s: F) -> Option<(F, F)> {
    let (one, ss) = (F::splat(Fe::ONE), s.square());
    let (u1, u2) = (one.sub(ss), one.add(ss));
    let u2_sqr = u2.square();
    let v = F::splat(D).mul(u1.square()).add(u2_sqr).negate();
    let inverse_root = inverse_square_root(v.mul(u2_sqr))?;
    let den_x = inverse_root.mul(u2);
    let den_y = inverse_root.mul(den_x).mul(v);
    let x = s.add(s).mul(den_x);
    let x = x.negate_if(x.is_odd());
    let y = u1.mul(den_y);
    let refused = x.mul(y).is_odd().or(y.is_zero());
    (refused == Mask::NONE).then_some((x, y))
}

/// 1/√w up to its sign, on which the caller's results do not depend: SQRT_RATIO_M1(1, w). `None` if a w is 0
/// or not a square.
#[inline(always)]
pub(super) fn inverse_square_root<F: Field>(w: F) -> Option<F> {
    let w3 = w.square().mul(w);
    let w7 = w3.square().mul(w);
    let r = w3.mul(power_p58(w7));
    let check = w.mul(r.square());
    let correct = check.sub(F::splat(Fe::ONE)).is_zero();
    let flipped = check.add(F::splat(Fe::ONE)).is_zero();
    (correct.or(flipped) == Mask::all(F::N)).then_some(F::pick(
        flipped,
        r.mul(F::splat(ROOT_OF_MINUS_ONE)),
        r,
    ))
}
