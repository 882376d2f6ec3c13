//! Comparisons of words: one result wire for each lane.
//!
//! `x > y` exactly if `x + ¬y` carries out of the top bit. Two's complement numbers compare like unsigned
//! ones after their sign bits are flipped.

use super::Words;
use super::arithmetic::{carries, or_n};
use crate::Fancy;

/// Comparisons of words in lock-step. Two operands must have the same number of lanes and the same width.
pub trait Comparison: Fancy {
    /// `x > y`, unsigned: `w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn greater(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Vec<Self::Wire>, Self::Error> {
        assert_eq!(x.width(), y.width());
        let not_y = y.map(|bit| self.not(bit));
        let carries = carries(self, x, &not_y, x.width())?;
        Ok(carries[carries.len() - x.lanes()..].to_vec())
    }

    /// `x ≥ y`, unsigned: `w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn greater_or_equal(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Vec<Self::Wire>, Self::Error> {
        let less = self.greater(y, x)?;
        Ok(less.into_iter().map(|less| self.not(less)).collect())
    }

    /// `x > y`, two's complement: `w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn greater_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Vec<Self::Wire>, Self::Error> {
        let (x, y) = (self.flip_sign(x), self.flip_sign(y));
        self.greater(&x, &y)
    }

    /// `x ≥ y`, two's complement: `w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn greater_or_equal_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Vec<Self::Wire>, Self::Error> {
        let (x, y) = (self.flip_sign(x), self.flip_sign(y));
        self.greater_or_equal(&x, &y)
    }

    /// `x > k` for a public number `k`: at most `w − 1` gates, and none for the trailing ones of `k`.
    ///
    /// From the lowest bit up, with `above` the result for the bits so far, the next result is `x_i ∧ above`
    /// where `k` has a one, and `x_i ∨ above` where it has a zero.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn greater_than_constant(
        &mut self,
        x: &Words<Self::Wire>,
        k: u128,
    ) -> Result<Vec<Self::Wire>, Self::Error> {
        let mut above: Option<Vec<Self::Wire>> = None;
        for (i, bit) in x.bits().enumerate() {
            let one = k.checked_shr(i as u32).is_some_and(|k| k & 1 == 1);
            above = match (above, one) {
                (None, true) => None,
                (None, false) => Some(bit.to_vec()),
                (Some(above), false) => Some(or_n(self, bit, &above)?),
                (Some(above), true) => {
                    let mut both = above.clone();
                    self.and_n(bit, &above, &mut both)?;
                    Some(both)
                }
            };
        }
        let reached = k.checked_shr(x.width() as u32).unwrap_or(0) == 0;
        Ok(match above {
            Some(above) if reached => above,
            _ => (0..x.lanes()).map(|_| self.constant(false)).collect(),
        })
    }

    /// Flips the highest bit, which maps the order of two's complement numbers to that of unsigned ones:
    /// free. Applying it twice restores the number.
    fn flip_sign(&mut self, x: &Words<Self::Wire>) -> Words<Self::Wire> {
        let sign = x.wires().len() - x.lanes();
        let mut wires = x.wires().to_vec();
        wires[sign..].iter_mut().for_each(|bit| *bit = self.not(*bit));
        Words::new(x.lanes(), wires)
    }

    /// `x = y`: `w − 1` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn equal(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Vec<Self::Wire>, Self::Error> {
        assert_eq!((x.lanes(), x.width()), (y.lanes(), y.width()));
        let mut difference = x.clone();
        let mut y = y.wires().iter();
        difference = difference.map(|x| y.next().map_or(x, |y| self.xor(x, *y)));
        self.is_zero(&difference)
    }

    /// `x = 0`: `w − 1` gates, as a tree.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn is_zero(&mut self, x: &Words<Self::Wire>) -> Result<Vec<Self::Wire>, Self::Error> {
        let mut clear = x.map(|bit| self.not(bit)).wires().to_vec();
        while clear.len() > x.lanes() {
            let pairs = clear.len() / x.lanes() / 2 * x.lanes();
            let mut both = vec![Self::Wire::default(); pairs];
            self.and_n(&clear[..pairs], &clear[pairs..2 * pairs], &mut both)?;
            both.extend_from_slice(&clear[2 * pairs..]);
            clear = both;
        }
        Ok(clear)
    }
}

impl<F: Fancy + ?Sized> Comparison for F {}
