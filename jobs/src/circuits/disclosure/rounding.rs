//! Numbers rounded to the nearest multiple of a step, of two equally near ones to the greater.

use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, Comparison, Division, Selection, Words};
use sotto_mpc::number::Number;

/// The least and the greatest multiple within a range, which has 0.
pub(super) fn multiples(number: &Number, step: i128) -> [i128; 2] {
    [-(-number.min()).div_euclid(step) * step, number.max().div_euclid(step) * step]
}

/// The multiple of the step within the range that is nearest to a number of the range.
pub(super) fn nearest(number: &Number, step: i128, value: i128) -> i128 {
    let [bottom, top] = multiples(number, step);
    ((value + step / 2).div_euclid(step) * step).clamp(bottom, top)
}

/// The same of words.
///
/// ```text
/// base = step·⌊min / step⌋ ≤ min       u = x − base + ⌊step / 2⌋ ≥ 0       result = base + u − u mod step
/// u is at most top − base + step − 1, and at least bottom − base, so that the result is within the range
/// ```
pub(super) fn rounded<F: Fancy>(
    f: &mut F,
    number: &Number,
    step: i128,
    x: &Words<F::Wire>,
) -> Result<Words<F::Wire>, F::Error> {
    let (lanes, own) = (x.lanes(), x.width());
    let [bottom, top] = multiples(number, step);
    let base = number.min().div_euclid(step) * step;
    let most = number.max() - base + step;
    // A signed number's own width holds negative results, and may be more than u needs.
    let width = bits_of(most).max(own);
    let constant = |f: &mut F, value: i128, width: usize| {
        let bits = (0..width).flat_map(|bit| std::iter::repeat_n(value >> bit & 1 == 1, lanes));
        Words::new(lanes, bits.map(|bit| f.constant(bit)).collect())
    };
    let x = if number.is_signed() { f.extended_signed(x, width) } else { f.extended(x, width) };
    let offset = constant(f, step / 2 - base, width);
    let mut u = f.add(&x, &offset)?;
    let highest = top - base + step - 1;
    if number.max() - base + step / 2 > highest {
        let over = f.greater_than_constant(&u, highest as u128)?;
        let highest = constant(f, highest, width);
        u = f.select(&over, &highest, &u)?;
    }
    if bottom > base {
        let at_least = f.greater_than_constant(&u, (bottom - base - 1) as u128)?;
        let lowest = constant(f, bottom - base, width);
        u = f.select(&at_least, &u, &lowest)?;
    }
    let divisor = constant(f, step, bits_of(step));
    let (_, rest) = f.divide(&u, &divisor)?;
    let rest = f.extended(&rest, width);
    let u = f.subtract(&u, &rest)?;
    let base = constant(f, base, width);
    Ok(f.add(&u, &base)?.truncated(own))
}

/// The bits of a positive number.
const fn bits_of(number: i128) -> usize {
    (i128::BITS - number.leading_zeros()) as usize
}
