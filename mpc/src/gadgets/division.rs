//! Division and shifts by secret amounts.

use super::Words;
use super::arithmetic::{carries, or_n};
use crate::Fancy;

/// Division and shifts of words in lock-step. Lanes of two operands must agree.
pub trait Division: Fancy {
    /// Quotient and remainder of `x / y`, unsigned, of one width: `w² + 3w − 3` gates. For `y = 0` the quotient is
    /// all ones and the remainder is `x`.
    ///
    /// Long division: the remainder so far has at most `i` bits in step `i`, so only `i` bits are compared
    /// and subtracted, if no higher bit of `y` is set.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    #[allow(clippy::type_complexity)]
    fn divide(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<(Words<Self::Wire>, Words<Self::Wire>), Self::Error> {
        assert_eq!((x.lanes(), x.width()), (y.lanes(), y.width()));
        let (lanes, width) = (x.lanes(), x.width());
        let above = any_above(self, y)?;
        let mut quotient = vec![Self::Wire::default(); width * lanes];
        let mut remainder: Vec<Self::Wire> = Vec::new();
        for i in (0..width).rev() {
            remainder.splice(0..0, x.bit(i).iter().copied());
            let bits = width - i;
            let r = Words::new(lanes, remainder);
            let low_y = y.clone().truncated(bits);
            // d = r − y = ¬(¬r + y); its carry out says r < y.
            let not_r = r.map(|bit| self.not(bit));
            let carry = carries(self, &not_r, &low_y, bits)?;
            let mut less = carry[(bits - 1) * lanes..].to_vec();
            if let Some(above) = above.get(bits * lanes..(bits + 1) * lanes) {
                less = or_n(self, &less, above)?;
            }
            let fits: Vec<_> = less.into_iter().map(|less| self.not(less)).collect();
            // r − y differs from r by y ⊕ borrows.
            let mut change = low_y.wires().to_vec();
            for (change, borrow) in change[lanes..].iter_mut().zip(&carry) {
                *change = self.xor(*change, *borrow);
            }
            let fits_repeated: Vec<_> = fits.iter().copied().cycle().take(change.len()).collect();
            let mut taken = vec![Self::Wire::default(); change.len()];
            self.and_n(&fits_repeated, &change, &mut taken)?;
            remainder = r.wires().iter().zip(taken).map(|(r, taken)| self.xor(*r, taken)).collect();
            quotient[i * lanes..(i + 1) * lanes].copy_from_slice(&fits);
        }
        Ok((Words::new(lanes, quotient), Words::new(lanes, remainder)))
    }

    /// `x · 2^amount` modulo `2^w`, zero for amounts of `w` and more: at most `w` gates for each bit of `amount`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn shift_left(
        &mut self,
        x: &Words<Self::Wire>,
        amount: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let reversed = shift_right(self, &reverse(x), amount)?;
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
        shift_right(self, x, amount)
    }
}

impl<F: Fancy + ?Sized> Division for F {}

/// For each bit but the lowest, whether it or a higher one is set; the lowest place is not used.
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

/// One stage for each bit of the amount: keep, or move by `2^j`.
fn shift_right<F: Fancy + ?Sized>(
    f: &mut F,
    x: &Words<F::Wire>,
    amount: &Words<F::Wire>,
) -> Result<Words<F::Wire>, F::Error> {
    assert_eq!(x.lanes(), amount.lanes());
    let mut wires = x.wires().to_vec();
    for (j, shift) in amount.bits().enumerate() {
        let by = 1usize.checked_shl(j as u32).map_or(x.width(), |by| by.min(x.width())) * x.lanes();
        // What is kept of a bit that moves in: the difference to it, or to zero at the top.
        let change: Vec<_> = wires
            .iter()
            .enumerate()
            .map(|(i, bit)| wires.get(i + by).map_or(*bit, |moved| f.xor(*bit, *moved)))
            .collect();
        let shifts: Vec<_> = shift.iter().copied().cycle().take(change.len()).collect();
        let mut changed = vec![F::Wire::default(); change.len()];
        f.and_n(&shifts, &change, &mut changed)?;
        for (bit, changed) in wires.iter_mut().zip(changed) {
            *bit = f.xor(*bit, changed);
        }
    }
    Ok(Words::new(x.lanes(), wires))
}
