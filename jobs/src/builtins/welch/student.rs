//! Welch's statistics from joint sums, in the clear.
//!
//! ```text
//! t = (m₁ − m₀)/√(q₀ + q₁)     q = s²/n     ν = (q₀ + q₁)² / (q₀²/(n₀ − 1) + q₁²/(n₁ − 1))
//! p = I_x(ν/2, 1/2) at x = ν/(ν + t²)                  two-sided, by Student's distribution
//! ```
//!
//! Degrees of freedom after Satterthwaite (1946) and Welch (1947). The regularised incomplete beta function
//! `I` is its continued fraction, evaluated after Lentz (NIST Digital Library of Mathematical Functions,
//! 8.17.22).

use crate::multiparty::Figure;

/// Rows, mean and variance of an arm.
pub(crate) struct Moments {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// From an output row `shown, n, Σx, Σx²`, if it is shown.
    pub(crate) fn of(row: &[i128], scale: f64) -> Option<Self> {
        let [1, n, sum, squares] = *row else { return None };
        // The numerator of the variance is exact as a whole number, where floating point would cancel.
        let numerator = n.checked_mul(squares)?.checked_sub(sum.checked_mul(sum)?)?;
        let n_float = n as f64;
        let variance = numerator as f64 / (n_float * (n_float - 1.0)) / (scale * scale);
        Some(Self { n: n_float, mean: sum as f64 / n_float / scale, variance })
    }
}

/// What a reader wants to know.
pub(crate) fn figures(first: &Moments, second: &Moments) -> Vec<Figure> {
    let (q_0, q_1) = (first.variance / first.n, second.variance / second.n);
    let difference = second.mean - first.mean;
    let t = difference / (q_0 + q_1).sqrt();
    let freedom = (q_0 + q_1).powi(2) / (q_0 * q_0 / (first.n - 1.0) + q_1 * q_1 / (second.n - 1.0));
    let p = beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    let figure = |name: &str, value| Figure { name: name.into(), value };
    vec![
        figure("mean of arm 0", first.mean),
        figure("mean of arm 1", second.mean),
        figure("difference of means", difference),
        figure("t", t),
        figure("degrees of freedom", freedom),
        figure("p, two-sided", p),
    ]
}

/// The regularised incomplete beta function `I_x(a, b)`.
fn beta(a: f64, b: f64, x: f64) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return x;
    }
    // The fraction converges fast below the mean, and I_x(a, b) = 1 − I_{1−x}(b, a).
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let away = |v: f64| if v.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { v };
    let (mut fraction, mut c, mut d) = (1.0, 1.0, 0.0);
    for i in 0..500 {
        let m = f64::from(i / 2);
        let numerator = match i {
            0 => 1.0,
            _ if i % 2 == 0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        d = 1.0 / away(1.0 + numerator * d);
        c = away(1.0 + numerator / c);
        let step = c * d;
        fraction *= step;
        if (1.0 - step).abs() < 1e-15 {
            break;
        }
    }
    front * (fraction - 1.0)
}

/// `ln Γ(x)` for `x > 0`: Stirling's series (DLMF 5.11.1) at `x + 10`, and down by `Γ(x + 1) = xΓ(x)`.
fn ln_gamma(x: f64) -> f64 {
    let shift: f64 = (0..10).map(|i| (x + f64::from(i)).ln()).sum();
    let y = x + 10.0;
    let series = 1.0 / (12.0 * y) - 1.0 / (360.0 * y.powi(3)) + 1.0 / (1260.0 * y.powi(5))
        - 1.0 / (1680.0 * y.powi(7));
    (y - 0.5) * y.ln() - y + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_and_beta_are_known_ones() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{a} for {b}");
        close(ln_gamma(1.0), 0.0);
        close(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
        close(ln_gamma(6.0), 120f64.ln());
        close(beta(2.0, 3.0, 0.4), 0.5248);
        close(beta(0.5, 0.5, 0.5), 0.5);
        close(beta(5.0, 1.0, 0.9), 0.59049);
    }

    /// Student's own quantiles: t = 2.228139 leaves 5 % outside with 10 degrees of freedom, 12.7062 with 1.
    #[test]
    fn tails_are_those_of_the_tables() {
        for (freedom, t) in [(1.0f64, 12.706_204_7), (10.0, 2.228_138_85), (100.0, 1.983_971_5)] {
            let p = beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
            assert!((p - 0.05).abs() < 1e-7, "{freedom}: {p}");
        }
    }
}
