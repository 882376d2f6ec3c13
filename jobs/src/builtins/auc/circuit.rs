//! The gates of `auc@1` for one column.

use super::schema::{Classes, Column, local_widths, width};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, CarrySaveAdder, Words};

/// Pairs that are compared in lock-step: their labels fit the second-level cache.
const PAIRS: usize = 1024;

/// One input party's wires of a column.
pub(crate) struct PartyInputs<W> {
    pub(crate) x: Option<Words<W>>,
    pub(crate) y: Option<Words<W>>,
    pub(crate) v10: Option<Words<W>>,
    pub(crate) v01: Option<Words<W>>,
}

impl<W: Copy> PartyInputs<W> {
    /// The wires of a column, cut.
    pub(crate) fn cut(mut wires: &[W], classes: Classes, column: &Column) -> Self {
        let (width_10, width_01) = local_widths(classes);
        let mut words = |rows: usize, width: u32| {
            let (words, rest) = wires.split_at(rows * width as usize);
            wires = rest;
            (!words.is_empty()).then(|| Words::from_rows(width as usize, words))
        };
        let Classes { positive, negative } = classes;
        Self {
            x: words(positive, column.bits),
            y: words(negative, column.bits),
            v10: words(positive, width_10),
            v01: words(negative, width_01),
        }
    }
}

impl Classes {
    /// `2U`, `Σ V10²` and `Σ V01²` of a column, over rows of these classes.
    pub(crate) fn column<F: Fancy>(
        self,
        f: &mut F,
        ours: &PartyInputs<F::Wire>,
        theirs: &PartyInputs<F::Wire>,
    ) -> Result<[Words<F::Wire>; 3], F::Error> {
        let widths = self.output_widths().map(|width| width as usize);
        let [mut two_u, mut v10_sq, mut v01_sq] = widths.map(|width| CarrySaveAdder::new(1, width));
        for (positives, negatives) in [(ours, theirs), (theirs, ours)] {
            let (v10, v01) = self.across(f, positives, negatives)?;
            for v10 in v10 {
                two_u.add_lanes(&v10);
                f.add_squares(&mut v10_sq, &v10)?;
            }
            if let Some(v01) = v01 {
                f.add_squares(&mut v01_sq, &v01)?;
            }
            two_u.reduce(f)?;
        }
        Ok([two_u.finish(f)?, v10_sq.finish(f)?, v01_sq.finish(f)?])
    }

    /// `V10` of one input party's positive rows, in groups, and `V01` of the other's negative rows.
    #[allow(clippy::type_complexity)]
    fn across<F: Fancy>(
        self,
        f: &mut F,
        positives: &PartyInputs<F::Wire>,
        negatives: &PartyInputs<F::Wire>,
    ) -> Result<(Vec<Words<F::Wire>>, Option<Words<F::Wire>>), F::Error> {
        let Classes { positive: m, negative: n } = self;
        let (width_10, width_01) = (width(2 * n as u64) as usize, width(2 * m as u64) as usize);
        let not_y = negatives.y.as_ref().map(|y| f.complement(y));
        let mut v01 = not_y.as_ref().map(|y| CarrySaveAdder::new(y.lanes(), width_01));
        let mut v10 = Vec::new();
        let group = not_y.as_ref().map_or(PAIRS, |y| PAIRS.div_ceil(y.lanes()));
        let rows = positives.x.as_ref().map_or(0, Words::lanes);
        for from in (0..rows).step_by(group) {
            let lanes = from..rows.min(from + group);
            let mut sum = CarrySaveAdder::new(lanes.len(), width_10);
            if let Some(own) = &positives.v10 {
                sum.add_words(&own.lanes_in(lanes.clone()));
            }
            if let (Some(x), Some(not_y), Some(v01)) = (&positives.x, &not_y, &mut v01) {
                let phi = phi(f, &x.lanes_in(lanes.clone()), not_y)?;
                let transposed = (0..2).flat_map(|half| {
                    let phi = &phi[half * phi.len() / 2..][..phi.len() / 2];
                    (0..not_y.lanes()).flat_map(move |j| phi.iter().skip(j).step_by(not_y.lanes()))
                });
                sum.add(0, transposed.copied());
                v01.add(0, phi.iter().copied());
                v01.reduce(f)?;
            }
            v10.push(sum.finish(f)?);
        }
        let Some(mut v01) = v01 else { return Ok((v10, None)) };
        if let Some(own) = &negatives.v01 {
            v01.add_words(own);
        }
        Ok((v10, Some(v01.finish(f)?)))
    }
}

/// `[x > y]` of all pairs, then `[x ≥ y]` of all pairs, row by row of `x`: `2w − 1` gates a pair.
///
/// Both are the carry out of `x + ¬y`, without and with a carry into the lowest bit.
fn phi<F: Fancy>(f: &mut F, x: &Words<F::Wire>, not_y: &Words<F::Wire>) -> Result<Vec<F::Wire>, F::Error> {
    let pairs = x.lanes() * not_y.lanes();
    let mut c = vec![F::Wire::default(); 2 * pairs];
    let (mut u, mut v, mut uv) = (c.clone(), c.clone(), c.clone());
    for (i, (x_i, y_i)) in x.bits().zip(not_y.bits()).enumerate() {
        let operands = x_i.iter().flat_map(|x| y_i.iter().map(move |y| (*x, *y)));
        if i == 0 {
            let (greater, at_least) = c.split_at_mut(pairs);
            for ((u, v), (x, y)) in u.iter_mut().zip(&mut v).zip(operands) {
                (*u, *v) = (x, y);
            }
            f.and_n(&u[..pairs], &v[..pairs], greater)?;
            for (((h, g), x), y) in at_least.iter_mut().zip(greater).zip(&u).zip(&v) {
                let xor = f.xor(*x, *y);
                *h = f.xor(xor, *g);
            }
        } else {
            let operands = operands.clone().chain(operands);
            for (((u, v), c), (x, y)) in u.iter_mut().zip(&mut v).zip(&c).zip(operands) {
                (*u, *v) = (f.xor(x, *c), f.xor(y, *c));
            }
            f.and_n(&u, &v, &mut uv)?;
            for (c, uv) in c.iter_mut().zip(&uv) {
                *c = f.xor(*c, *uv);
            }
        }
    }
    Ok(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mpc::fancy::Plain;

    #[test]
    fn phi_is_two_comparisons_of_all_pairs() {
        let words = |numbers: &[u8]| {
            let rows: Vec<_> = numbers.iter().flat_map(|n| (0..3).map(move |i| n >> i & 1 == 1)).collect();
            Words::from_rows(3, &rows)
        };
        let (x, y) = ([0, 3, 7, 4, 5], [0, 3, 6, 7]);
        let not_y = Plain.complement(&words(&y));
        let phi = phi(&mut Plain, &words(&x), &not_y).unwrap();
        let pairs = || x.iter().flat_map(|x| y.iter().map(move |y| (*x, *y)));
        let expected: Vec<_> = pairs().map(|(x, y)| x > y).chain(pairs().map(|(x, y)| x >= y)).collect();
        assert_eq!(phi, expected);
    }
}
