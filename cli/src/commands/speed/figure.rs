//! A figure: what is measured, its unit, and the median over some turns.

use crate::exit::{Code, Failure, Outcome};
use std::time::{Duration, Instant};

/// The time spent on one figure, approximately.
const ENOUGH: Duration = Duration::from_millis(600);
/// The least number of turns for one figure.
const LEAST_TURNS: usize = 5;

/// The unit of a figure: the time of one item, or the number of items per second.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Microseconds,
    Milliseconds,
    MillionsASecond,
    ThousandsASecond,
}

/// What is measured: the key in the JSON record, the unit, and the number of items that each turn handles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    pub(crate) key: &'static str,
    pub(crate) unit: Unit,
    pub(crate) items: u64,
}

/// A measured value.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Its name in the JSON record.
    pub(crate) key: &'static str,
    /// A description for people.
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// The value for one item of the median turn.
    pub(crate) value: f64,
}

impl Figure {
    /// Measures turns; each returns whether its result is right.
    pub(crate) fn measure(
        quantity: Quantity,
        what: impl Into<String>,
        mut turn: impl FnMut() -> bool,
    ) -> Outcome<Self> {
        let (what, mut turns, since) = (what.into(), Vec::new(), Instant::now());
        while turns.len() < LEAST_TURNS || since.elapsed() < ENOUGH {
            let start = Instant::now();
            if !turn() {
                return Err(Failure::new(
                    Code::Internal,
                    "verification of a value made on this machine failed",
                )
                .why(what));
            }
            turns.push(start.elapsed());
        }
        Ok(Self::of(quantity, what, turns))
    }

    /// The median of turns.
    pub(crate) fn of(quantity: Quantity, what: impl Into<String>, turns: Vec<Duration>) -> Self {
        let Quantity { key, unit, items } = quantity;
        let value = unit.of(median(turns).as_secs_f64() / items as f64);
        Self { key, what: what.into(), unit: unit.name(), value }
    }

    /// A counted number of bytes.
    pub(crate) fn bytes(key: &'static str, what: impl Into<String>, value: f64) -> Self {
        Self { key, what: what.into(), unit: "bytes", value }
    }
}

impl Unit {
    /// The value in this unit, from seconds per item.
    pub(crate) fn of(self, seconds: f64) -> f64 {
        match self {
            Self::Microseconds => seconds * 1e6,
            Self::Milliseconds => seconds * 1e3,
            Self::MillionsASecond => 1e-6 / seconds,
            Self::ThousandsASecond => 1e-3 / seconds,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::MillionsASecond => "M/s",
            Self::ThousandsASecond => "k/s",
        }
    }
}

fn median(mut turns: Vec<Duration>) -> Duration {
    turns.sort_unstable();
    turns.get(turns.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Quantity = Quantity { key: "k", unit: Unit::Milliseconds, items: 2 };

    #[test]
    fn a_figure_is_the_median_of_one_item() {
        let f = Figure::measure(NAME, "sleep", || {
            std::thread::sleep(Duration::from_millis(10));
            true
        });
        let value = f.map(|f| f.value).unwrap_or_default();
        assert!((5.0..50.0).contains(&value), "{value}");
        assert_eq!(median([3, 1, 2].map(Duration::from_secs).into()), Duration::from_secs(2));
    }

    #[test]
    fn what_comes_out_wrong_is_no_figure() {
        assert_eq!(Figure::measure(NAME, "fail", || false).map(|_| ()).unwrap_err().code, Code::Internal);
    }
}
