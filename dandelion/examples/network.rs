//! A hundred nodes relay payments for an hour of network time; a third of them are black holes, which drop
//! every stem.
//!
//! `cargo run --release -p sotto-dandelion --example network`
#![allow(clippy::print_stdout, missing_docs)]

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sotto_dandelion::{
    Params, Reason,
    simulate::{Journey, Network},
};
use std::time::Duration;

fn main() {
    let (span, params) = (Duration::from_secs(3_600), Params::default());
    let network = Network { nodes: 100, black_holes: 1.0 / 3.0, payments: 500, span, params };
    let journeys = network.run(&mut ChaCha8Rng::seed_from_u64(1));

    let share = |is: fn(&Journey) -> bool| {
        100.0 * journeys.iter().filter(|j| is(j)).count() as f64 / journeys.len() as f64
    };
    println!("{} payments, all of them public in the end", journeys.len());
    println!("{:.0} % met a black hole", share(|j| j.intercepted));
    println!("{:.0} % were fluffed by a diffuser", share(|j| j.reason == Reason::Diffuser));
    println!("{:.0} % were fluffed because an embargo expired", share(|j| j.reason == Reason::Embargo));

    let slowest = journeys.iter().map(|j| j.stem_time).max().unwrap_or_default();
    println!(
        "the slowest was public after {:.0} s (mean embargo {:?})",
        slowest.as_secs_f64(),
        params.embargo()
    );
}
