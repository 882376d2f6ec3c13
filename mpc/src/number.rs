//! Whole numbers of a declared range, as bits.
//!
//! A number is encoded in the fewest bits that hold its range, lowest bit first: in two's complement if it
//! can be negative, else unsigned. So width and sign follow from the range, and a range that uses all bit
//! patterns needs no check in the circuit. A decimal number is the whole number `value · 10^decimals`.

use crate::Bits;

/// The range of a whole number, and the position of its decimal point.
///
/// ```
/// use sotto_mpc::Bits;
/// use sotto_mpc::number::Number;
///
/// let celsius = Number::new(-40, 85).expect("a range");
/// assert_eq!((celsius.width(), celsius.is_signed()), (8, true));
/// let mut bits = Bits::default();
/// celsius.encode(-7, &mut bits);
/// assert_eq!(celsius.decode(&bits.iter().collect::<Vec<_>>()), Some(-7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    min: i128,
    max: i128,
    decimals: u8,
}

impl Number {
    /// The largest width in bits.
    pub const MAX_WIDTH: usize = 120;

    /// Numbers from `min` to `max`, both included; `None` if the range is empty or wider than
    /// [`MAX_WIDTH`](Self::MAX_WIDTH).
    #[must_use]
    pub fn new(min: i128, max: i128) -> Option<Self> {
        let number = Self { min, max, decimals: 0 };
        (min <= max && number.width() <= Self::MAX_WIDTH).then_some(number)
    }

    /// Numbers from 0 to `max`, or to the largest of [`MAX_WIDTH`](Self::MAX_WIDTH) bits if that is smaller.
    #[must_use]
    pub fn up_to(max: u128) -> Self {
        let max = max.min((1 << Self::MAX_WIDTH) - 1);
        Self { min: 0, max: max as i128, decimals: 0 }
    }

    /// A bit.
    #[must_use]
    pub const fn bit() -> Self {
        Self { min: 0, max: 1, decimals: 0 }
    }

    /// The same numbers, read as multiples of `10^−decimals`.
    #[must_use]
    pub const fn scaled(self, decimals: u8) -> Self {
        Self { decimals, ..self }
    }

    /// The smallest number.
    #[must_use]
    pub const fn min(&self) -> i128 {
        self.min
    }

    /// The largest number.
    #[must_use]
    pub const fn max(&self) -> i128 {
        self.max
    }

    /// The number of digits after the decimal point.
    #[must_use]
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Whether it is encoded in two's complement.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.min < 0
    }

    /// The number of bits, which is 0 if the range contains only 0.
    #[must_use]
    pub const fn width(&self) -> usize {
        const fn magnitude(n: i128) -> usize {
            128 - (if n < 0 { !n } else { n }).leading_zeros() as usize
        }
        let (low, high) = (magnitude(self.min), magnitude(self.max));
        let most = if low > high { low } else { high };
        if self.min < 0 { most + 1 } else { most }
    }

    /// Whether the range contains this number.
    #[must_use]
    pub const fn holds(&self, value: i128) -> bool {
        self.min <= value && value <= self.max
    }

    /// Appends the bits of a number, lowest first. If it is out of range, its higher bits are lost.
    pub fn encode(&self, value: i128, bits: &mut Bits) {
        bits.extend((0..self.width()).map(|i| value >> i & 1 == 1));
    }

    /// Decodes a number, which may be out of range; `None` if there are not exactly [`width`](Self::width)
    /// bits.
    #[must_use]
    pub fn decode(&self, bits: &[bool]) -> Option<i128> {
        if bits.len() != self.width() {
            return None;
        }
        let value = bits.iter().rev().fold(0i128, |value, bit| value << 1 | i128::from(*bit));
        let negative = self.is_signed() && bits.last() == Some(&true);
        Some(if negative { value - (1 << bits.len()) } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn width_and_sign_follow_from_the_range() {
        let width = |min, max| Number::new(min, max).unwrap().width();
        assert_eq!([width(0, 0), width(0, 1), width(0, 7), width(0, 8), width(5, 8)], [0, 1, 3, 4, 4]);
        assert_eq!([width(-1, 0), width(-8, 7), width(-8, 8), width(-9, 0)], [1, 4, 5, 5]);
        assert_eq!(width(i64::MIN.into(), i64::MAX.into()), 64);
        assert_eq!(width(0, u64::MAX.into()), 64);
        assert_eq!(Number::new(1, 0), None);
        assert_eq!(Number::new(0, i128::MAX), None);
        assert_eq!(Number::new(i128::MIN, 0), None);
        assert_eq!(Number::up_to(u128::MAX).width(), Number::MAX_WIDTH);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(a in any::<i64>(), b in any::<i64>(), at in any::<u64>()) {
            let (min, max) = (i128::from(a.min(b)), i128::from(a.max(b)));
            let number = Number::new(min, max).unwrap();
            let value = min + i128::from(at) % (max - min + 1);
            let mut packed = Bits::default();
            number.encode(value, &mut packed);
            let mut bits: Vec<bool> = packed.iter().collect();
            prop_assert!(number.holds(value));
            prop_assert_eq!(number.decode(&bits), Some(value));
            bits.push(false);
            prop_assert_eq!(number.decode(&bits), None);
        }
    }
}
