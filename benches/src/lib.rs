//! Benchmarks live in `benches/benches/`; run one with `cargo bench -p sotto-benches --bench ledger`.
//!
//! [`ProcessorTime`] is the measure of benchmarks in which one thread does the work.

use cpu_time::ProcessTime;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use std::time::Duration;

/// Processor time of this process, which other processes disturb less than wall time. The times of threads
/// add up, so it equals the duration only if one thread does all the work.
#[derive(Clone, Copy, Debug)]
pub struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = ProcessTime;
    type Value = Duration;

    fn start(&self) -> ProcessTime {
        ProcessTime::now()
    }

    fn end(&self, start: ProcessTime) -> Duration {
        start.elapsed()
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, d: &Duration) -> f64 {
        // Nanoseconds, as the formatter of wall time expects.
        d.as_secs_f64() * 1e9
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
