//! The three sums of a measurement, computed in the clear, and what they say.

use super::schema::Classes;

/// What `auc@1` gives for one measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// `2U`: twice the pairs in which the positive row has the larger value, a tie counted half.
    pub two_u: u64,
    /// `Σ V10²` over the positive rows, in half pairs squared.
    pub sum_v10_sq: u64,
    /// `Σ V01²` over the negative rows, in half pairs squared.
    pub sum_v01_sq: u64,
    /// The rows behind it.
    pub classes: Classes,
}

/// An estimate with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The area under the curve.
    pub auc: f64,
    /// Lower end, at least 0.
    pub low: f64,
    /// Upper end, at most 1.
    pub high: f64,
}

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Statistics {
    /// The area under the curve with DeLong's interval.
    ///
    /// With the structural components `V10_i / 2n` and `V01_j / 2m` of mean `θ`, the variance of `θ` is
    /// `S10/m + S01/n`, where `S` are the sample variances (DeLong, DeLong and Clarke-Pearson 1988, equations
    /// 4 to 6). With a single row in a class its variance is unknown and the interval is all of `[0, 1]`.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let (m, n) = (self.classes.positive as f64, self.classes.negative as f64);
        let auc = self.two_u as f64 / (2.0 * m * n);
        let variance = |sum_sq: u64, rows: f64, others: f64| {
            let squares = sum_sq as f64 / (2.0 * others).powi(2);
            // Rounding may take a zero variance below zero.
            ((squares - rows * auc * auc) / (rows - 1.0)).max(0.0)
        };
        if m < 2.0 || n < 2.0 {
            return Interval { auc, low: 0.0, high: 1.0 };
        }
        let variance = variance(self.sum_v10_sq, m, n) / m + variance(self.sum_v01_sq, n, m) / n;
        let margin = Z * variance.sqrt();
        Interval { auc, low: (auc - margin).max(0.0), high: (auc + margin).min(1.0) }
    }
}

/// `V10` of every positive and `V01` of every negative value.
pub(crate) fn counts(positive: &[u32], negative: &[u32]) -> (Vec<u64>, Vec<u64>) {
    let phi = |x: u32, y: u32| u64::from(x > y) + u64::from(x >= y);
    let v10 = positive.iter().map(|x| negative.iter().map(|y| phi(*x, *y)).sum()).collect();
    let v01 = negative.iter().map(|y| positive.iter().map(|x| phi(*x, *y)).sum()).collect();
    (v10, v01)
}

/// The statistics of a measurement, from all its values.
#[must_use]
pub fn clear(positive: &[u32], negative: &[u32]) -> Statistics {
    let (v10, v01) = counts(positive, negative);
    let squares = |v: &[u64]| v.iter().map(|v| v * v).sum();
    Statistics {
        two_u: v10.iter().sum(),
        sum_v10_sq: squares(&v10),
        sum_v01_sq: squares(&v01),
        classes: Classes { positive: positive.len(), negative: negative.len() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_case_by_hand() {
        // Pairs: 1>1 no, tie; 1<2; 3>1, 3>2: φ = 1, 0, 2, 2.
        let statistics = clear(&[1, 3], &[1, 2]);
        assert_eq!((statistics.two_u, statistics.sum_v10_sq, statistics.sum_v01_sq), (5, 1 + 16, 9 + 4));
        let Interval { auc, low, high } = statistics.interval();
        assert!((auc - 0.625).abs() < 1e-12);
        // V10/4 = 1/4, 1 and V01/4 = 3/4, 1/2: S10 = 9/32, S01 = 1/32, variance 5/32.
        let margin = Z * (5.0f64 / 32.0).sqrt();
        assert!((low - (0.625 - margin).max(0.0)).abs() < 1e-12);
        assert!((high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn perfect_separation_has_no_width_and_one_row_no_bound() {
        let Interval { auc, low, high } = clear(&[5, 6, 7], &[1, 2]).interval();
        assert_eq!((auc, low, high), (1.0, 1.0, 1.0));
        let Interval { auc, low, high } = clear(&[5], &[1, 2]).interval();
        assert_eq!((auc, low, high), (1.0, 0.0, 1.0));
    }
}
