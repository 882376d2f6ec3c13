//! `sotto speed`: how fast this machine makes and verifies what the library is made of, as `openssl speed` does for
//! ciphers.
//!
//! One list of named figures, each the median of some tenths of a second; a name is a key of the JSON record and
//! keeps its meaning for ever. What is measured is what a node or a wallet does, through the same calls. Wall time: a busy
//! machine is a slow machine.

mod ledger;

use crate::{
    Context, args,
    exit::{Code, Context as _, Failure, Outcome},
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// A figure takes about this long.
const ENOUGH: Duration = Duration::from_millis(600);
/// And at least so many turns.
const LEAST_TURNS: usize = 5;

/// Of how much of what a figure is the time.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Microseconds,
    Milliseconds,
}

/// One thing that was measured.
#[derive(Debug)]
struct Figure {
    /// Its name in the JSON record.
    key: &'static str,
    /// What a turn does, for people.
    what: &'static str,
    unit: Unit,
    /// Median turn, divided by the items in it.
    value: f64,
}

impl Figure {
    /// The median of turns that each handle `items`; a turn says whether it came out right.
    fn measure(
        (key, unit, items): (&'static str, Unit, u32),
        what: &'static str,
        mut turn: impl FnMut() -> bool,
    ) -> Outcome<Self> {
        let (mut turns, since) = (Vec::new(), Instant::now());
        while turns.len() < LEAST_TURNS || since.elapsed() < ENOUGH {
            let start = Instant::now();
            if !turn() {
                return Err(
                    Failure::new(Code::Internal, "this machine refuses what it made itself").why(what)
                );
            }
            turns.push(start.elapsed() / items);
        }
        Ok(Self { key, what, unit, value: unit.of(median(turns)) })
    }
}

impl Unit {
    fn of(self, d: Duration) -> f64 {
        let seconds = d.as_secs_f64();
        match self {
            Self::Microseconds => seconds * 1e6,
            Self::Milliseconds => seconds * 1e3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
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
    context.ui.say("This takes about ten seconds.");
    let figures = pool.install(|| ledger::figures(&context.ui))?;
    let mut human = format!("{threads:>10}     threads\n");
    let mut fields = Map::from_iter([("threads".to_owned(), json!(threads))]);
    for f in figures {
        human += &format!("{:>10.1} {}  {}\n", f.value, f.unit.name(), f.what);
        fields.insert(f.key.to_owned(), json!((f.value * 100.0).round() / 100.0));
    }
    context.output.record("speed", Value::Object(fields), &human)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: (&str, Unit, u32) = ("k", Unit::Milliseconds, 2);

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
