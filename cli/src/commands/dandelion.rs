//! `sotto dandelion simulate`: what spies learn, how long stems are, and how much black holes delay a
//! payment.
//!
//! The figures come from `sotto_dandelion::simulate`; this module prints and draws them.

mod plot;

use crate::{
    Context,
    args::{self, Dandelion, DandelionSimulate},
    exit::{Code, Failure, Outcome},
    new_file::NewFile,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use sotto_dandelion::{
    Params, Reason,
    simulate::{Anonymity, Forwarding, Journey, Network, PUBLISHED, Scenario, anonymity},
};
use std::time::Duration;

/// Approximate number of nodes of all graphs of a measurement, and the number of epochs for each graph.
const NODES: usize = 6_000;
const RUNS: u32 = 15;
/// The share of diffusers in the hour if --fluff is 0: without diffusers, embargoes would never end.
const FLUFF: f64 = 0.125;
const HOP: Duration = Duration::from_millis(175);
const EARLY: f64 = 0.1;
const EPOCH: Duration = Duration::from_secs(600);
/// Number of payments in the hour, and limit of their arrivals at nodes.
const PAYMENTS: usize = 1_000;
const ARRIVALS: usize = 1_000_000;

pub(crate) fn run(context: &Context, verb: &Dandelion) -> Outcome {
    let Dandelion::Simulate(a) = verb;
    simulate(context, a)
}

impl From<args::Forwarding> for Forwarding {
    fn from(f: args::Forwarding) -> Self {
        match f {
            args::Forwarding::PerEdge => Self::PerEdge,
            args::Forwarding::PerTransaction => Self::PerTransaction,
            args::Forwarding::OneToOne => Self::OneToOne,
            args::Forwarding::Diffusion => Self::Diffusion,
            args::Forwarding::Relay => Self::Relay,
        }
    }
}

fn simulate(context: &Context, a: &DandelionSimulate) -> Outcome {
    let name = clap::ValueEnum::to_possible_value(&a.forwarding)
        .map(|v| v.get_name().to_owned())
        .unwrap_or_default();
    let plot = |path| NewFile::public(path, a.force, &context.config);
    a.plot.as_deref().map_or(Ok(()), |file| plot(file).check())?;
    let learnt = measure(a, a.spies, a.forwarding.into())?;
    let fluff = if a.fluff > 0.0 { a.fluff } else { FLUFF };
    let params = Params::new(fluff, HOP, EARLY, EPOCH).map_err(usage)?;
    let (stem, stem_text) = stems(&hour(a, 0.0, params), params);
    let (black_holes, black_holes_text) = delays(&hour(a, a.spies, params), params);
    if let Some(file) = &a.plot {
        let drawing = draw(context, a)?;
        plot(file).write_all(drawing.as_bytes())?;
    }
    let mut human = format!(
        "{} nodes, {:.0} % spies, {name}, {:.1} % diffusers\n  precision  {:.3}\n  recall     {:.3}\n",
        a.nodes,
        a.spies * 100.0,
        a.fluff * 100.0,
        learnt.precision,
        learnt.recall,
    );
    if let Some(published) = published(a) {
        human += &format!("  published  {published:.3} precision\n");
    }
    human += &(stem_text + &black_holes_text);
    let fields = json!({
        "nodes": a.nodes, "spies": a.spies, "forwarding": name, "fluff": a.fluff, "seed": a.seed,
        "graphs": graphs(a.nodes), "runs": RUNS,
        "precision": round(learnt.precision), "recall": round(learnt.recall), "published_precision": published(a),
        "stem": stem, "black_holes": black_holes,
    });
    context.output.record("dandelion-simulate", fields, &human)
}

/// What a share of spies learns.
fn measure(a: &DandelionSimulate, spies: f64, forwarding: Forwarding) -> Outcome<Anonymity> {
    let setting = Scenario::new(a.nodes, spies, forwarding, a.fluff).map_err(usage)?;
    Ok(anonymity(&mut ChaCha8Rng::seed_from_u64(a.seed), &setting, graphs(a.nodes), RUNS))
}

fn usage(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Usage, "cannot simulate this network")
        .why(why)
        .help("see `sotto dandelion simulate --help`")
}

fn graphs(nodes: usize) -> u32 {
    u32::try_from(NODES / nodes).unwrap_or(u32::MAX).max(2)
}

/// The published precision, if there is one for this setting.
fn published(a: &DandelionSimulate) -> Option<f64> {
    let row = PUBLISHED.iter().find(|row| (row.spies - a.spies).abs() < 1e-9)?;
    let forwarding = Forwarding::from(a.forwarding);
    let same = a.nodes == 100 && a.fluff == 0.0 && Forwarding::PUBLISHED.contains(&forwarding);
    same.then(|| row.precision(forwarding))
}

/// An hour of network time, with a share of black holes.
fn hour(a: &DandelionSimulate, black_holes: f64, params: Params) -> Vec<Journey> {
    let (nodes, payments, span) = (a.nodes, PAYMENTS.min(ARRIVALS / a.nodes), Duration::from_secs(3_600));
    Network { nodes, black_holes, payments, span, params }.run(&mut ChaCha8Rng::seed_from_u64(a.seed))
}

/// The distribution of stem lengths, and the share of stems that an embargo cut.
fn stems(journeys: &[Journey], params: Params) -> (Value, String) {
    let (n, fluff) = (journeys.len(), params.fluff());
    let longest = journeys.iter().map(|j| j.hops).max().unwrap_or(0);
    let hops: Vec<usize> = (0..=longest).map(|h| journeys.iter().filter(|j| j.hops == h).count()).collect();
    let mean = journeys.iter().map(|j| f64::from(j.hops)).sum::<f64>() / n as f64;
    let cut = journeys.iter().filter(|j| j.reason == Reason::Embargo).count() as f64 / n as f64;
    let human = format!(
        "An hour of network time, {n} payments, {:.1} % diffusers\n  \
         {mean:.1} hops per stem on average; an embargo cut {:.1} % of the stems\n",
        fluff * 100.0,
        cut * 100.0,
    );
    let fields = json!({
        "payments": n, "fluff": fluff, "mean_hops": round(mean), "hops": hops, "cut_by_embargo": round(cut),
    });
    (fields, human)
}

/// The delay after which half, 95 % and all of the payments that black holes dropped became public.
fn delays(journeys: &[Journey], params: Params) -> (Value, String) {
    let mut delays: Vec<f64> =
        journeys.iter().filter(|j| j.intercepted).map(|j| round(j.stem_time.as_secs_f64())).collect();
    delays.sort_unstable_by(f64::total_cmp);
    let n = delays.len();
    let within = |percent: usize| delays.get((n * percent).div_ceil(100).saturating_sub(1)).copied();
    let (embargo, all) = (round(params.embargo().as_secs_f64()), [50, 95, 100].map(within));
    let human = match all.map(Option::unwrap_or_default) {
        _ if n == 0 => "  black holes dropped no payment\n".into(),
        [half, most, all] => format!(
            "  black holes dropped {n} payments; half became public within {half:.0} s, 95 % within {most:.0} s, all \
             within {all:.0} s (mean embargo {embargo:.0} s)\n"
        ),
    };
    let fields = json!({
        "intercepted": n, "mean_embargo_s": embargo, "median_s": all[0], "p95_s": all[1], "longest_s": all[2],
    });
    (fields, human)
}

fn round(x: f64) -> f64 {
    (x * 10_000.0).round() / 10_000.0
}

/// Draws precision and recall of the relay and of diffusion for ten shares of spies.
fn draw(context: &Context, a: &DandelionSimulate) -> Outcome<String> {
    let bar = context.ui.bar(10, "measuring for the plot");
    let (mut relay, mut diffusion) = (Vec::new(), Vec::new());
    for step in 1u8..=10 {
        let spies = f64::from(step) / 20.0;
        relay.push((spies, measure(a, spies, Forwarding::Relay)?));
        diffusion.push((spies, measure(a, spies, Forwarding::Diffusion)?));
        bar.at(step.into());
    }
    Ok(plot::svg(
        &relay,
        &diffusion,
        &format!("{} nodes, {} of them diffusers, seed {}", a.nodes, a.fluff, a.seed),
    ))
}
