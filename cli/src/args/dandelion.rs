//! The verbs of `sotto dandelion`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// How the origin of a payment is hidden on its way
#[derive(Subcommand, Debug)]
pub(crate) enum Dandelion {
    Simulate(DandelionSimulate),
}

/// Measure what a share of spies among the nodes learns, and what black holes delay
///
/// Each honest node sends one transaction along its stem. Spies pool what they see, and take the node they first heard it from
/// for its source. Recall is how often they are right; precision also counts how many transactions they put down to the same
/// node. Then whole nodes run for an hour of network time, first honest, then with that share of black holes, which pass
/// nothing on. The same seed gives the same figures.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto dandelion simulate --nodes 100 --spies 0.3
  $ sotto dandelion simulate --spies 0.2 --forwarding diffusion --json
  $ sotto dandelion simulate --nodes 50 --spies 0.1 --fluff 0.25 --plot anonymity.svg")]
pub(crate) struct DandelionSimulate {
    /// How many nodes: 10 to 10000
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) nodes: usize,
    /// The spies' share of the nodes, below 1
    #[arg(long, value_name = "P", default_value_t = 0.3, allow_negative_numbers = true)]
    pub(crate) spies: f64,
    /// How a node chooses the next hop
    #[arg(long, value_name = "HOW", default_value = "per-edge")]
    pub(crate) forwarding: Forwarding,
    /// The share of nodes that tell all what is whispered to them; 0 is the worst case [the hour takes 0.125 for 0]
    #[arg(long, value_name = "Q", default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) fluff: f64,
    /// What all draws follow from
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Draw precision and recall by share of spies: the relay's, plain diffusion's, and the published ones
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

/// How a node chooses the next hop of a stem.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarding {
    /// By the peer it came from; own transactions as those of one of these peers, as was published
    PerEdge,
    /// Anew for each transaction
    PerTransaction,
    /// By the peer it came from, no two peers to the same relay
    OneToOne,
    /// Not at all: tell all at once
    Diffusion,
    /// By the peer it came from, and own transactions by themselves: what a node does
    Relay,
}
