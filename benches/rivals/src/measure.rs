//! Turns, medians, and one row of a table.

use cpu_time::ProcessTime;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// A row takes about this long a contestant.
const ROW: Duration = Duration::from_millis(1_500);
/// A turn is repeated until it lasts this long.
const TURN: Duration = Duration::from_millis(2);
/// Between turns of wall time.
const PAUSE: Duration = Duration::from_millis(50);

/// Who takes part in a row: ours, Tari, Grin.
pub(crate) type Contestants<'a> = [Option<&'a dyn Fn()>; 3];

/// Lets the contestants take turns and prints the row: µs for one of `items`, then the ratios.
pub(crate) fn race(name: &str, items: usize, contestants: Contestants<'_>) {
    let [ours, tari, grin] = medians(contestants, cpu).map(|s| s.map(|s| s * 1e6 / items as f64));
    let figure =
        |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.*}", if x < 100.0 { 1 } else { 0 }));
    let ratio = |x: Option<f64>| ours.zip(x).map_or(String::new(), |(a, b)| format!("{:.2}", a / b));
    println!(
        "| {name} | {} | {} | {} | {} | {} |",
        figure(ours),
        figure(tari),
        figure(grin),
        ratio(tari),
        ratio(grin)
    );
}

/// The shortest wall time of each, in seconds: what remains when the machine is left alone for a turn. A
/// pause before each makes that likelier, since schedulers favour who has slept.
pub(crate) fn wall(contestants: [&dyn Fn(); 2]) -> [f64; 2] {
    let mut least = [f64::INFINITY; 2];
    let since = Instant::now();
    while since.elapsed() < 4 * ROW {
        for (least, f) in least.iter_mut().zip(contestants) {
            sleep(PAUSE);
            let start = Instant::now();
            f();
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    least
}

/// Processor time of `n` calls.
fn cpu(f: &dyn Fn(), n: u32) -> Duration {
    let start = ProcessTime::now();
    (0..n).for_each(|_| f());
    start.elapsed()
}

/// The median turn of each, in seconds a call.
fn medians(contestants: Contestants<'_>, time: fn(&dyn Fn(), u32) -> Duration) -> [Option<f64>; 3] {
    // A first call fills caches and tables, and says how often to repeat.
    let plan = contestants.map(|c| {
        c.map(|f| {
            f();
            let once = time(f, 1).max(Duration::from_nanos(100));
            (f, TURN.div_duration_f64(once).ceil() as u32)
        })
    });
    let round: Duration = plan.iter().flatten().map(|(f, n)| time(*f, *n)).sum();
    let rounds = (3 * ROW).div_duration_f64(round).clamp(5.0, 101.0) as usize | 1;
    let mut turns = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        for (turns, plan) in turns.iter_mut().zip(&plan) {
            turns.extend(plan.map(|(f, n)| time(f, n).as_secs_f64() / f64::from(n)));
        }
    }
    turns.map(|mut t| {
        t.sort_by(f64::total_cmp);
        t.get(t.len() / 2).copied()
    })
}
