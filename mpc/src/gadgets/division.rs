//! Division, and shifts by secret amounts.

use super::arithmetic::{carries, or_n};
use super::{Arithmetic, Words};
use crate::Fancy;

/// Division and shifts of words in lock-step. Two operands must have the same number of lanes.
pub trait Division: Fancy {
    /// The quotient and the remainder of `x / y`, unsigned: the quotient has the width of `x`, the remainder
    /// that of `y`. For `y = 0` the quotient is all ones, and the remainder the low bits of `x`. `w² + 3w −
    /// 3` gates if both have the width `w`.
    ///
    /// Long division: in step `i` the remainder has at most `i` bits, so only `i` bits are compared and
    /// subtracted, if no higher bit of `y` is set. Later it has at most one bit more than `y`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    #[allow(clippy::type_complexity)]
    fn divide(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<(Words<Self::Wire>, Words<Self::Wire>), Self::Error> {
        assert_eq!(x.lanes(), y.lanes());
        let lanes = x.lanes();
        let above = any_above(self, y)?;
        let mut quotient = vec![Self::Wire::default(); x.wires().len()];
        let mut remainder: Vec<Self::Wire> = Vec::new();
        for (x, quotient) in x.bits().zip(quotient.chunks_exact_mut(lanes)).rev() {
            remainder.splice(0..0, x.iter().copied());
            let fits = subtract_if_it_fits(self, &mut remainder, y, &above)?;
            quotient.copy_from_slice(&fits);
        }
        if x.width() < y.width() {
            let zero = self.constant(false);
            remainder.resize(y.wires().len(), zero);
        }
        Ok((Words::new(lanes, quotient), Words::new(lanes, remainder)))
    }

    /// The quotient and the remainder of two's complement numbers of one width; the quotient is rounded
    /// towards zero, and the remainder has the sign of `x`. For `y = 0` the quotient is −1, or 1 if `x` is
    /// negative, and the remainder is `x`. `w² + 7w − 7` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the widths differ.
    #[allow(clippy::type_complexity)]
    fn divide_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<(Words<Self::Wire>, Words<Self::Wire>), Self::Error> {
        assert_eq!(x.width(), y.width());
        let (differ, negative) = (self.signs_differ(x, y), x.bit(x.width() - 1));
        let (x, y) = (self.absolute(x)?, self.absolute(y)?);
        let (quotient, remainder) = self.divide(&x, &y)?;
        Ok((self.negate_if(&differ, &quotient)?, self.negate_if(negative, &remainder)?))
    }

    /// `x · 2^amount` modulo `2^w`, which is zero for amounts of at least `w`: at most `w` gates for each bit
    /// of `amount`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn shift_left(
        &mut self,
        x: &Words<Self::Wire>,
        amount: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let reversed = self.shift_right(&reverse(x), amount)?;
        Ok(reverse(&reversed))
    }

    /// `⌊x / 2^amount⌋`, unsigned: at most `w` gates for each bit of `amount`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn shift_right(
        &mut self,
        x: &Words<Self::Wire>,
        amount: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        shift_right(self, x, amount, &vec![Self::Wire::default(); x.lanes()])
    }

    /// `⌊x / 2^amount⌋`, two's complement: at most `w` gates for each bit of `amount`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn shift_right_signed(
        &mut self,
        x: &Words<Self::Wire>,
        amount: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        shift_right(self, x, amount, x.bit(x.width() - 1))
    }
}

impl<F: Fancy + ?Sized> Division for F {}

/// For each bit except the lowest, whether it or a higher bit is set; the lowest entry is unused.
fn any_above<F: Fancy + ?Sized>(f: &mut F, y: &Words<F::Wire>) -> Result<Vec<F::Wire>, F::Error> {
    let lanes = y.lanes();
    let mut any = y.wires().to_vec();
    for i in (1..y.width().saturating_sub(1)).rev() {
        let or = or_n(f, y.bit(i), &any[(i + 1) * lanes..(i + 2) * lanes])?;
        any[i * lanes..(i + 1) * lanes].copy_from_slice(&or);
    }
    Ok(any)
}

fn reverse<W: Copy>(x: &Words<W>) -> Words<W> {
    Words::new(x.lanes(), x.bits().rev().flatten().copied().collect())
}

/// Subtracts `y` from the remainder in lanes where it is large enough, and returns these lanes. `above` tells
/// of each bit of `y` whether it or a higher bit is set.
fn subtract_if_it_fits<F: Fancy + ?Sized>(
    f: &mut F,
    remainder: &mut Vec<F::Wire>,
    y: &Words<F::Wire>,
    above: &[F::Wire],
) -> Result<Vec<F::Wire>, F::Error> {
    let lanes = y.lanes();
    // A bit above those of y: if it is set, the remainder is larger than y.
    let beyond = remainder.split_off(remainder.len().min(y.wires().len()));
    let r = Words::new(lanes, std::mem::take(remainder));
    let bits = r.width();
    let y = y.clone().truncated(bits);
    // r − y = ¬(¬r + y), and the carry out means r < y.
    let not_r = r.map(|bit| f.not(bit));
    let borrows = carries(f, &not_r, &y, bits)?;
    let mut less = borrows[(bits - 1) * lanes..].to_vec();
    if let Some(above) = above.get(bits * lanes..(bits + 1) * lanes) {
        less = or_n(f, &less, above)?;
    }
    let mut fits: Vec<_> = less.into_iter().map(|less| f.not(less)).collect();
    if !beyond.is_empty() {
        fits = or_n(f, &fits, &beyond)?;
    }
    // r − y differs from r by y ⊕ borrows.
    let mut change = y.wires().to_vec();
    for (change, borrow) in change[lanes..].iter_mut().zip(&borrows) {
        *change = f.xor(*change, *borrow);
    }
    let fits_repeated: Vec<_> = fits.iter().copied().cycle().take(change.len()).collect();
    let mut taken = vec![F::Wire::default(); change.len()];
    f.and_n(&fits_repeated, &change, &mut taken)?;
    *remainder = r.wires().iter().zip(taken).map(|(r, taken)| f.xor(*r, taken)).collect();
    Ok(fits)
}

/// One stage for each bit `j` of the amount, which shifts by `2^j` or not. Bits that move in from above are
/// `fill`.
fn shift_right<F: Fancy + ?Sized>(
    f: &mut F,
    x: &Words<F::Wire>,
    amount: &Words<F::Wire>,
    fill: &[F::Wire],
) -> Result<Words<F::Wire>, F::Error> {
    assert_eq!(x.lanes(), amount.lanes());
    let mut wires = x.wires().to_vec();
    for (j, shift) in amount.bits().enumerate() {
        let by = 1usize.checked_shl(j as u32).map_or(x.width(), |by| by.min(x.width())) * x.lanes();
        // The difference of each bit to the one that replaces it.
        let mut change = wires.clone();
        for (i, bit) in change.iter_mut().enumerate() {
            *bit = f.xor(*bit, *wires.get(i + by).unwrap_or(&fill[i % x.lanes()]));
        }
        let shifts: Vec<_> = shift.iter().copied().cycle().take(change.len()).collect();
        let mut changed = vec![F::Wire::default(); change.len()];
        f.and_n(&shifts, &change, &mut changed)?;
        for (bit, changed) in wires.iter_mut().zip(changed) {
            *bit = f.xor(*bit, changed);
        }
    }
    Ok(Words::new(x.lanes(), wires))
}
