//! `logistic@1`: one input party's logistic model scores another input party's rows.
//!
//! ```text
//! z = bias + Σ_j weight_j · x_j          probability = 1 / (1 + e^−z)
//! step = number of k in 1..steps with probability ≥ k/steps, which is z ≥ ln(k / (steps − k))
//! ```
//!
//! The sigmoid is never approximated: a probability that is given in `steps` steps is a number of thresholds
//! that `z` reaches, and these are public. The score is exact for the declared decimals.
//!
//! Numbers that may be negative are taken as `x' − a` with `a = 2^(w−1)`, so that a product is one of
//! unsigned numbers,
//!
//! ```text
//! x·y = (x' − a)(y' − b) = x'y' + ab − (a·y' + b·x')
//! ```
//!
//! and only sums of shifted words are taken off. For weights of `v` bits and features of `w` a row costs
//! about `2vw` gates a feature.

use crate::multiparty::{
    CheckedInputs, Column, Declaration, Functionality, Header, ParameterError, Parameters, Rows, Table,
};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Words};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;

use super::limits::{MAX_ROWS, constant};

const NAME: ProgramName = ProgramName::literal("logistic@1");

/// Rows that are scored in lock-step.
const CHUNK: usize = 64;

/// Decimals of a score: more do not fit the arithmetic of thresholds.
const MAX_DECIMALS: u8 = 9;

/// The program `logistic@1`. The first input party has the model, the second the rows.
#[derive(Clone, Debug)]
pub struct Logistic {
    header: Header,
    /// What `z` can be.
    score: Number,
    thresholds: Vec<i128>,
    step: Number,
}

impl Logistic {
    /// From `rows` (how many), `features` (columns of the same decimals), `weight` and `bias` (their ranges;
    /// the bias has the decimals of weight and feature together) and `steps` (in which a probability is
    /// given).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["rows", "features", "weight", "bias", "steps"])?;
        let rows = parameters.count("rows", 1..=MAX_ROWS)?;
        let features = parameters.columns("features", 1024)?;
        let (weight, bias) = (parameters.range("weight")?, parameters.range("bias")?);
        let steps = parameters.count("steps", 2..=64)?;
        let decimals = features.first().map_or(0, |feature| feature.number.decimals());
        if features.iter().any(|feature| feature.number.decimals() != decimals) {
            return Err(ParameterError::wrong("features", "columns of the same decimals"));
        }
        if bias.decimals() != weight.decimals() + decimals || bias.decimals() > MAX_DECIMALS {
            let text =
                format!("a range with the decimals of weight and feature together, at most {MAX_DECIMALS}");
            return Err(ParameterError::wrong("bias", text));
        }
        let score = score(&features, &weight, &bias)
            .ok_or_else(|| ParameterError::wrong("features", "smaller: the score does not fit 120 bits"))?;
        let thresholds = (1..steps).map(|k| threshold(k as i128, steps as i128, bias.decimals())).collect();

        let step = Number::up_to(steps as u128 - 1);
        let weights = features.iter().map(|feature| Column::new(feature.name.clone(), weight));
        let model = std::iter::once(Column::new("bias", bias)).chain(weights).collect();
        let declaration = Declaration::new(
            vec![
                vec![Table::new("model", Rows::Exactly(1), model)],
                vec![Table::new("rows", Rows::Exactly(rows), features)],
            ],
            vec![Table::new("scores", Rows::Exactly(rows), vec![Column::new("step", step)])],
            vec![
                format!("For each of {rows} rows, in which of {steps} equal steps its probability lies."),
                "Who knows rows and steps can narrow down the model, the more the more rows and steps there are.".into(),
                "Who knows the model and the steps learns something of each row.".into(),
            ],
        );
        let header = Header { name: NAME, declaration, parameters: parameters.digest() };
        Ok(Self { header, score, thresholds, step })
    }
}

/// The range of `z`; `None` if it is too wide.
fn score(features: &[Column], weight: &Number, bias: &Number) -> Option<Number> {
    let (mut min, mut max) = (bias.min(), bias.max());
    for Column { number, .. } in features {
        let products =
            [number.min(), number.max()].map(|x| [weight.min(), weight.max()].map(|w| x.checked_mul(w)));
        let [[a, b], [c, d]] = products;
        let (a, b, c, d) = (a?, b?, c?, d?);
        min = min.checked_add(a.min(b).min(c).min(d).min(0))?;
        max = max.checked_add(a.max(b).max(c).max(d).max(0))?;
    }
    Number::new(min.min(-1), max.max(0))
}

/// `⌈10^decimals · ln(k / (n − k))⌉`, by `ln(k/m) = 2 artanh((k − m)/(k + m))` with 88 bits after the point.
/// Whole numbers, so that it is the same everywhere.
fn threshold(k: i128, n: i128, decimals: u8) -> i128 {
    const BITS: u32 = 88;
    let difference = 2 * k - n;
    let (mut power, mut sum, mut i) = ((difference << BITS) / n, 0i128, 1);
    while power != 0 {
        sum += power / i;
        power = power * difference / n * difference / n;
        i += 2;
    }
    let scaled = 2 * sum * 10i128.pow(decimals.into());
    (scaled >> BITS) + i128::from(scaled & ((1 << BITS) - 1) != 0)
}

/// A number that may be negative as an unsigned one, `2^(width − 1)` more: then the exponent comes with it.
fn unsigned<F: Fancy>(f: &mut F, number: &Number, words: &Words<F::Wire>) -> (Words<F::Wire>, Option<usize>) {
    match number.is_signed() {
        true => (f.flip_sign(words), Some(number.width() - 1)),
        false => (words.clone(), None),
    }
}

/// The same number in every one of `lanes` lanes.
fn repeated<W: Copy>(word: &Words<W>, lanes: usize) -> Words<W> {
    word.gathered(std::iter::repeat_n(0, lanes))
}

impl Functionality for Logistic {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (Some(model), [model_table, ..]) = (inputs.whole(f, 0)?, self.header.declaration.party(0)) else {
            return Ok(());
        };
        let mut weights = Vec::with_capacity(model.columns.len());
        for (column, words) in model_table.columns.iter().zip(&model.columns).skip(1) {
            weights.push(unsigned(f, &column.number, words));
        }
        let signed = model_table.columns.first().is_some_and(|bias| bias.number.is_signed());
        let bias = match signed {
            true => f.extended_signed(model.column(0), self.score.width()),
            false => f.extended(model.column(0), self.score.width()),
        };
        while let Some(chunk) = inputs.next(f, 1, CHUNK)? {
            let z = self.scores(f, &bias, &weights, &chunk.columns)?;
            let steps = self.steps(f, &z)?;
            outputs.extend((0..chunk.rows).flat_map(|row| steps.lane(row)));
        }
        Ok(())
    }
}

impl Logistic {
    /// `z` of each row.
    fn scores<F: Fancy>(
        &self,
        f: &mut F,
        bias: &Words<F::Wire>,
        weights: &[(Words<F::Wire>, Option<usize>)],
        rows: &[Words<F::Wire>],
    ) -> Result<Words<F::Wire>, F::Error> {
        let (lanes, width) = (rows.first().map_or(1, Words::lanes), self.score.width());
        let (mut more, mut less) = (CarrySaveAdder::new(lanes, width), CarrySaveAdder::new(lanes, width));
        more.add_words(&repeated(bias, lanes));
        let features = self.header.declaration.party(1).iter().flat_map(|table| &table.columns);
        for ((column, x), (weight, b)) in features.zip(rows).zip(weights) {
            let (x, a) = unsigned(f, &column.number, x);
            let weight = repeated(weight, lanes);
            f.add_product(&mut more, &x, &weight)?;
            more.reduce(f)?;
            for (power, words) in [(a, &weight), (*b, &x)] {
                if let Some(power) = power {
                    let bits = words.bits().enumerate();
                    bits.for_each(|(i, bit)| less.add(power + i, bit.iter().copied()));
                }
            }
            if let (Some(a), Some(b)) = (a, b) {
                let one = f.constant(true);
                more.add(a + b, vec![one; lanes]);
            }
            less.reduce(f)?;
        }
        let (more, less) = (more.finish(f)?, less.finish(f)?);
        f.subtract(&more, &less)
    }

    /// How many thresholds each score reaches.
    fn steps<F: Fancy>(&self, f: &mut F, z: &Words<F::Wire>) -> Result<Words<F::Wire>, F::Error> {
        let z = f.flip_sign(z);
        let mut steps = CarrySaveAdder::new(z.lanes(), self.step.width());
        for threshold in &self.thresholds {
            let reaches = match *threshold {
                threshold if threshold > self.score.max() => continue,
                threshold if threshold <= self.score.min() => constant(f, 1, 1).wires().repeat(z.lanes()),
                threshold => {
                    let below = threshold - 1 + (1 << (self.score.width() - 1));
                    f.greater_than_constant(&z, below as u128)?
                }
            };
            steps.add(0, reaches);
        }
        steps.finish(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_logits() {
        for n in 2..=64i128 {
            for k in 1..n {
                let expected = (k as f64 / (n - k) as f64).ln() * 1e9;
                let found = threshold(k, n, 9) as f64;
                assert!((found - expected).abs() < 1.5, "{k}/{n}: {found} for {expected}");
            }
        }
        assert_eq!((threshold(1, 2, 9), threshold(2, 3, 3), threshold(1, 3, 3)), (0, 694, -693));
    }
}
