//! Fixed-point numbers: a word `x` represents `x / 2^fraction`. They are added and compared like whole
//! numbers.
//!
//! Results are modulo `2^w`, and an overflow is not detected. A program that cannot bound its numbers must
//! use wider ones; words of `w + fraction` bits hold every product in which one factor is below 1.

use super::{Arithmetic, Division, Words};
use crate::Fancy;

/// Multiplication and division of fixed-point numbers in lock-step. Two operands must have the same number of
/// lanes and the same width.
pub trait FixedPoint: Fancy {
    /// `⌊x · y / 2^fraction⌋` modulo `2^w`, unsigned: the gates of a product of `w + fraction` bits.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If `fraction` exceeds the width.
    fn fixed_multiply(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        fraction: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert!(x.width() == y.width() && fraction <= x.width());
        let product = self.multiply(x, y, x.width() + fraction)?;
        Ok(product.without_low(fraction))
    }

    /// `⌊x · y / 2^fraction⌋` modulo `2^w`, two's complement, rounded down: the gates of a signed product of
    /// `w + fraction` bits.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If `fraction` exceeds the width.
    fn fixed_multiply_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        fraction: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert!(x.width() == y.width() && fraction <= x.width());
        let product = self.multiply_signed(x, y, x.width() + fraction)?;
        Ok(product.without_low(fraction))
    }

    /// `⌊x · 2^fraction / y⌋` modulo `2^w`, unsigned; all ones for `y = 0`. The gates of dividing `w +
    /// fraction` bits by `w` bits.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn fixed_divide(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        fraction: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert_eq!(x.width(), y.width());
        let zero = self.constant(false);
        let mut scaled = vec![zero; fraction * x.lanes()];
        scaled.extend_from_slice(x.wires());
        let (quotient, _) = self.divide(&Words::new(x.lanes(), scaled), y)?;
        Ok(quotient.truncated(x.width()))
    }

    /// `x · 2^fraction / y` modulo `2^w`, two's complement, rounded towards zero; −1 for `y = 0`, or 1 if `x`
    /// is negative. The gates of [`fixed_divide`](Self::fixed_divide) and `3(w − 1)` more.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn fixed_divide_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        fraction: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let signs = self.signs_differ(x, y);
        let (x, y) = (self.absolute(x)?, self.absolute(y)?);
        let quotient = self.fixed_divide(&x, &y, fraction)?;
        self.negate_if(&signs, &quotient)
    }
}

impl<F: Fancy + ?Sized> FixedPoint for F {}
