//! Addition, subtraction and multiplication modulo a power of two, unsigned or in two's complement.
//!
//! One ripple of carries serves addition and subtraction, because `x − y = ¬(¬x + y)`:
//!
//! ```text
//! c' = c ⊕ (x ⊕ c)(y ⊕ c)        the majority of x, y and c with one AND
//! ```

use super::{CarrySaveAdder, Words};
use crate::Fancy;

/// Arithmetic on words in lock-step. Two operands must have the same number of lanes and the same width.
pub trait Arithmetic: Fancy {
    /// `x + y` modulo `2^w`: `w − 1` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn add(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert_eq!(x.width(), y.width());
        let carries = carries(self, x, y, x.width().saturating_sub(1))?; // into bits 1, 2, …
        let mut sum = x.wires().to_vec();
        for (sum, y) in sum.iter_mut().zip(y.wires()) {
            *sum = self.xor(*sum, *y);
        }
        for (sum, carry) in sum.iter_mut().skip(x.lanes()).zip(carries) {
            *sum = self.xor(*sum, carry);
        }
        Ok(Words::new(x.lanes(), sum))
    }

    /// `x − y` modulo `2^w`: `w − 1` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn subtract(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let not_x = self.complement(x);
        let sum = self.add(&not_x, y)?;
        Ok(self.complement(&sum))
    }

    /// `−x` modulo `2^w`: `w − 2` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn negate(&mut self, x: &Words<Self::Wire>) -> Result<Words<Self::Wire>, Self::Error> {
        // −x equals x up to its lowest set bit and ¬x above it: bit i flips if any lower bit is set.
        let mut wires = x.wires().to_vec();
        let mut any = x.bit(0).to_vec();
        for (i, place) in wires.chunks_exact_mut(x.lanes()).enumerate().skip(1) {
            self.xor_n(x.bit(i), &any, place);
            if i + 1 < x.width() {
                any = or_n(self, &any, x.bit(i))?;
            }
        }
        Ok(Words::new(x.lanes(), wires))
    }

    /// `|x|` of a two's complement number: `w − 1` gates. The smallest number maps to itself, which is right
    /// if the result is read as unsigned.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn absolute(&mut self, x: &Words<Self::Wire>) -> Result<Words<Self::Wire>, Self::Error> {
        self.negate_if(x.bit(x.width() - 1), x)
    }

    /// `−x` modulo `2^w` in lanes where `choice` is set, else `x`: `w − 1` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If there is not one choice for each lane.
    fn negate_if(
        &mut self,
        choice: &[Self::Wire],
        x: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert_eq!(choice.len(), x.lanes());
        // (x ⊕ s) + s for the choice s, with a ripple of half adders.
        let mut carry = choice.to_vec();
        let signs: Vec<_> = carry.iter().copied().cycle().take(x.wires().len()).collect();
        let mut wires = signs.clone();
        self.xor_n(x.wires(), &signs, &mut wires);
        let mut next = carry.clone();
        for (i, bit) in wires.chunks_exact_mut(x.lanes()).enumerate() {
            if i + 1 < x.width() {
                self.and_n(bit, &carry, &mut next)?;
            }
            for (bit, carry) in bit.iter_mut().zip(&carry) {
                *bit = self.xor(*bit, *carry);
            }
            std::mem::swap(&mut carry, &mut next);
        }
        Ok(Words::new(x.lanes(), wires))
    }

    /// The number of set bits of each lane: `w − weight(w)` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn count_ones(&mut self, x: &Words<Self::Wire>) -> Result<Words<Self::Wire>, Self::Error> {
        let width = x.width().checked_ilog2().map_or(0, |log| log as usize + 1);
        let mut adder = CarrySaveAdder::new(x.lanes(), width);
        adder.add(0, x.wires().iter().copied());
        adder.finish(self)
    }

    /// In which lanes exactly one of two two's complement numbers is negative: free.
    fn signs_differ(&mut self, x: &Words<Self::Wire>, y: &Words<Self::Wire>) -> Vec<Self::Wire> {
        let mut differ = x.bit(x.width() - 1).to_vec();
        self.xor_n(x.bit(x.width() - 1), y.bit(y.width() - 1), &mut differ);
        differ
    }

    /// The same unsigned numbers in `width` bits: free. Drops the bits above, or adds zeros.
    fn extended(&mut self, x: &Words<Self::Wire>, width: usize) -> Words<Self::Wire> {
        let zero = self.constant(false);
        let mut wires = x.wires().to_vec();
        wires.resize(width * x.lanes(), zero);
        Words::new(x.lanes(), wires)
    }

    /// The same two's complement numbers in `width` bits: free. Drops the bits above, or repeats the sign.
    ///
    /// # Panics
    /// If `x` has no bits.
    fn extended_signed(&mut self, x: &Words<Self::Wire>, width: usize) -> Words<Self::Wire> {
        let sign = x.bit(x.width() - 1);
        let wires = x.wires().iter().chain(sign.iter().cycle()).take(width * x.lanes());
        Words::new(x.lanes(), wires.copied().collect())
    }

    /// `x · 2^power` modulo `2^w`: free.
    fn times_power_of_two(&mut self, x: &Words<Self::Wire>, power: usize) -> Words<Self::Wire> {
        let zero = self.constant(false);
        let mut wires = vec![zero; power.min(x.width()) * x.lanes()];
        wires.extend_from_slice(x.wires());
        wires.truncate(x.wires().len());
        Words::new(x.lanes(), wires)
    }

    /// `¬x`: free.
    fn complement(&mut self, x: &Words<Self::Wire>) -> Words<Self::Wire> {
        x.map(|bit| self.not(bit))
    }

    /// `x · y` modulo `2^width`; the full product has the width of both operands together. 993 gates for 32
    /// bits modulo `2^32`.
    ///
    /// ```
    /// use sotto_mpc::fancy::Count;
    /// use sotto_mpc::gadgets::{Arithmetic, Words};
    ///
    /// let mut count = Count::default();
    /// let word = Words::single(&[Default::default(); 32]);
    /// count.multiply(&word, &word, 32)?;
    /// assert_eq!(count.cost().and_gates, 993);
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn multiply(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        width: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let mut adder = CarrySaveAdder::new(x.lanes(), width);
        self.add_product(&mut adder, x, y)?;
        adder.finish(self)
    }

    /// Feeds the partial products of `x · y` to an adder: one gate for each pair of bits, plus those of the
    /// sum.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn add_product(
        &mut self,
        adder: &mut CarrySaveAdder<Self::Wire>,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<(), Self::Error> {
        assert_eq!(x.lanes(), y.lanes());
        for (j, y_j) in y.bits().enumerate().take(adder.width()) {
            let used = x.width().min(adder.width() - j);
            add_row(self, adder, &x.wires()[..used * x.lanes()], y_j, j)?;
        }
        Ok(())
    }

    /// `x · y` of two's complement numbers of one width `w`, modulo `2^width`, where `width` is at most `2w`,
    /// the width of the full product. Up to three gates more than the unsigned product.
    ///
    /// The sign of a number has the weight `−2^(w−1)`, so partial products with exactly one sign bit count
    /// negatively. Because `−p·2^i = ¬p·2^i − 2^i`, they are complemented, and the constants add up to `2^w +
    /// 2^(2w−1)` modulo `2^2w` (Baugh and Wooley 1973).
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the widths differ or `width` is too large.
    fn multiply_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        width: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let (lanes, w) = (x.lanes(), x.width());
        assert!((lanes, w) == (y.lanes(), y.width()) && width <= 2 * w);
        let one = vec![self.not(Self::Wire::default()); lanes];
        let mut adder = CarrySaveAdder::new(lanes, width);
        // Added first, so that full adders consume them.
        adder.add(w, one.iter().copied());
        adder.add(2 * w - 1, one);
        for (j, y_j) in y.bits().enumerate().take(width) {
            let mut row = products(self, &x.wires()[..w.min(width - j) * lanes], y_j)?;
            for (i, bit) in row.chunks_exact_mut(lanes).enumerate() {
                if (i == w - 1) != (j == w - 1) {
                    bit.iter_mut().for_each(|bit| *bit = self.not(*bit));
                }
                adder.add(i + j, bit.iter().copied());
            }
        }
        adder.finish(self)
    }

    /// `x²` modulo `2^width`; the full square has twice the width of `x`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn square(&mut self, x: &Words<Self::Wire>, width: usize) -> Result<Words<Self::Wire>, Self::Error> {
        let mut adder = CarrySaveAdder::new(x.lanes(), width);
        self.add_squares(&mut adder, x)?;
        adder.finish(self)
    }

    /// `Σ x` over all lanes, modulo `2^width`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn sum(&mut self, x: &Words<Self::Wire>, width: usize) -> Result<Words<Self::Wire>, Self::Error> {
        let mut adder = CarrySaveAdder::new(1, width);
        adder.add_lanes(x);
        adder.finish(self)
    }

    /// `Σ x²` over all lanes, modulo `2^width`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn sum_of_squares(
        &mut self,
        x: &Words<Self::Wire>,
        width: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let mut adder = CarrySaveAdder::new(1, width);
        self.add_squares(&mut adder, x)?;
        adder.finish(self)
    }

    /// Feeds the terms of `x² = Σ x_i 2^{2i} + Σ_{i<j} x_i x_j 2^{i+j+1}` of every lane to an adder, which
    /// has the lanes of `x`, or one lane for the sum over all: `w(w−1)/2` gates, plus those of the sum.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn add_squares(
        &mut self,
        adder: &mut CarrySaveAdder<Self::Wire>,
        x: &Words<Self::Wire>,
    ) -> Result<(), Self::Error> {
        for (i, x_i) in x.bits().enumerate() {
            adder.add(2 * i, x_i.iter().copied());
            // Products with the bits above i that fall within the adder's width.
            let above = x.width().min(adder.width().saturating_sub(i + 1)).saturating_sub(i + 1);
            let from = (i + 1) * x.lanes();
            add_row(self, adder, &x.wires()[from..from + above * x.lanes()], x_i, 2 * i + 2)?;
        }
        Ok(())
    }
}

impl<F: Fancy + ?Sized> Arithmetic for F {}

/// The carries out of the first `n` bits of `x + y`, bit by bit, for all lanes: `n` gates for each lane.
pub(super) fn carries<F: Fancy + ?Sized>(
    f: &mut F,
    x: &Words<F::Wire>,
    y: &Words<F::Wire>,
    n: usize,
) -> Result<Vec<F::Wire>, F::Error> {
    carries_from(f, x, y, n, &[])
}

/// The carries of `x + y` with a carry into the lowest bit; an empty `carry_in` means none.
pub(super) fn carries_from<F: Fancy + ?Sized>(
    f: &mut F,
    x: &Words<F::Wire>,
    y: &Words<F::Wire>,
    n: usize,
    carry_in: &[F::Wire],
) -> Result<Vec<F::Wire>, F::Error> {
    assert_eq!(x.lanes(), y.lanes());
    let lanes = x.lanes();
    let mut carries = vec![F::Wire::default(); n * lanes];
    let mut before = carry_in;
    let (mut u, mut v) = (vec![F::Wire::default(); lanes], vec![F::Wire::default(); lanes]);
    for ((x, y), carry) in x.bits().zip(y.bits()).zip(carries.chunks_exact_mut(lanes)) {
        if before.is_empty() {
            f.and_n(x, y, carry)?;
        } else {
            f.xor_n(x, before, &mut u);
            f.xor_n(y, before, &mut v);
            f.and_n(&u, &v, carry)?;
            for (carry, before) in carry.iter_mut().zip(before) {
                *carry = f.xor(*carry, *before);
            }
        }
        before = carry;
    }
    Ok(carries)
}

/// `a ∨ b = ¬(¬a ∧ ¬b)`: one gate for each lane.
pub(super) fn or_n<F: Fancy + ?Sized>(
    f: &mut F,
    a: &[F::Wire],
    b: &[F::Wire],
) -> Result<Vec<F::Wire>, F::Error> {
    let a: Vec<_> = a.iter().map(|a| f.not(*a)).collect();
    let b: Vec<_> = b.iter().map(|b| f.not(*b)).collect();
    let mut or = vec![F::Wire::default(); a.len()];
    f.and_n(&a, &b, &mut or)?;
    Ok(or.into_iter().map(|or| f.not(or)).collect())
}

/// Feeds the partial products `x_i · y` to an adder at the powers `power + i`: one gate for each bit of `x`.
fn add_row<F: Fancy + ?Sized>(
    f: &mut F,
    adder: &mut CarrySaveAdder<F::Wire>,
    x: &[F::Wire],
    y: &[F::Wire],
    power: usize,
) -> Result<(), F::Error> {
    for (i, product) in products(f, x, y)?.chunks_exact(y.len()).enumerate() {
        adder.add(power + i, product.iter().copied());
    }
    Ok(())
}

/// `x_i · y` for each bit `i` of `x`.
fn products<F: Fancy + ?Sized>(f: &mut F, x: &[F::Wire], y: &[F::Wire]) -> Result<Vec<F::Wire>, F::Error> {
    let y_repeated: Vec<_> = y.iter().copied().cycle().take(x.len()).collect();
    let mut products = vec![F::Wire::default(); x.len()];
    f.and_n(x, &y_repeated, &mut products)?;
    Ok(products)
}
