//! `sotto speed`: how fast this machine makes and verifies what the library is made of, as `openssl speed` does for
//! ciphers.
//!
//! One list of named figures, each the median of some tenths of a second; a name is a key of the JSON record and
//! keeps its meaning for ever. What is measured is what a node or a wallet does, through the same calls. Wall time: a busy
//! machine is a slow machine.

mod ledger;
mod mpc;

use crate::{
    Context, args,
    exit::{Code, Failure, OrRefuse as _, Outcome},
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// A figure takes about this long.
const ENOUGH: Duration = Duration::from_millis(600);
/// And at least so many turns.
const LEAST_TURNS: usize = 5;

/// What a figure says of a time: how long one item takes, or how many fit a second.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Microseconds,
    Milliseconds,
    MillionsASecond,
}

/// One thing that was measured.
#[derive(Debug)]
struct Figure {
    /// Its name in the JSON record.
    key: &'static str,
    /// What it is of, for people.
    what: String,
    unit: &'static str,
    /// Of the median turn and of one item in it.
    value: f64,
}

impl Figure {
    /// The median of turns that each handle `items`; a turn says whether it came out right.
    fn measure(
        (key, unit, items): (&'static str, Unit, u64),
        what: impl Into<String>,
        mut turn: impl FnMut() -> bool,
    ) -> Outcome<Self> {
        let (what, mut turns, since) = (what.into(), Vec::new(), Instant::now());
        while turns.len() < LEAST_TURNS || since.elapsed() < ENOUGH {
            let start = Instant::now();
            if !turn() {
                return Err(
                    Failure::new(Code::Internal, "this machine refuses what it made itself").why(what)
                );
            }
            turns.push(start.elapsed());
        }
        Ok(Self::of((key, unit, items), what, turns))
    }

    /// The median of these turns that each handled `items`.
    fn of(
        (key, unit, items): (&'static str, Unit, u64),
        what: impl Into<String>,
        turns: Vec<Duration>,
    ) -> Self {
        let value = unit.of(median(turns).as_secs_f64() / items as f64);
        Self { key, what: what.into(), unit: unit.name(), value }
    }

    /// Bytes, which were counted.
    fn bytes(key: &'static str, what: impl Into<String>, value: f64) -> Self {
        Self { key, what: what.into(), unit: "bytes", value }
    }
}

impl Unit {
    /// The figure for seconds an item.
    fn of(self, seconds: f64) -> f64 {
        match self {
            Self::Microseconds => seconds * 1e6,
            Self::Milliseconds => seconds * 1e3,
            Self::MillionsASecond => 1e-6 / seconds,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::MillionsASecond => "M/s",
        }
    }
}

fn median(mut turns: Vec<Duration>) -> Duration {
    turns.sort_unstable();
    turns.get(turns.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn run(context: &Context, a: &args::Speed) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(a.threads.map_or(0, usize::from))
        .build()
        .or_refuse("the threads cannot be started")?;
    let threads = pool.current_num_threads();
    context.ui.say("This takes about fifteen seconds.");
    let mut figures = pool.install(|| ledger::figures(&context.ui))?;
    figures.extend(mpc::figures()?);
    let mut human = format!("{threads:>10}       threads\n");
    let mut fields = Map::from_iter([("threads".to_owned(), json!(threads))]);
    for f in figures {
        human += &format!("{:>10.1} {:<5} {}\n", f.value, f.unit, f.what);
        fields.insert(f.key.to_owned(), json!((f.value * 100.0).round() / 100.0));
    }
    context.output.record("speed", Value::Object(fields), &human)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: (&str, Unit, u64) = ("k", Unit::Milliseconds, 2);

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
