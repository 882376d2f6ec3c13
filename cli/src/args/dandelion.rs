//! The verbs of `sotto dandelion`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Measure how well the network hides the origin of a payment
#[derive(Subcommand, Debug)]
pub(crate) enum Dandelion {
    Simulate(DandelionSimulate),
}

/// Simulate spies and black holes among the nodes
///
/// Every honest node sends one transaction along its stem. The spies share what they see and guess, for each
/// transaction, that the node from which they first received it is its source. Recall is the share of right
/// guesses; precision also takes into account how many transactions they attribute to one node. Then whole
/// nodes run for an hour of network time, first all honest, then with the same share of black holes, which
/// forward nothing. The same seed gives the same figures.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto dandelion simulate --nodes 100 --spies 0.3
  $ sotto dandelion simulate --spies 0.2 --forwarding diffusion --json
  $ sotto dandelion simulate --nodes 50 --spies 0.1 --fluff 0.25 --plot anonymity.svg")]
pub(crate) struct DandelionSimulate {
    /// Number of nodes, 10 to 10000
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) nodes: usize,
    /// Share of spies among the nodes, below 1
    #[arg(long, value_name = "P", default_value_t = 0.3, allow_negative_numbers = true)]
    pub(crate) spies: f64,
    /// How a node chooses the next hop
    #[arg(long, value_name = "HOW", default_value = "per-edge")]
    pub(crate) forwarding: Forwarding,
    /// Share of nodes that broadcast (fluff) what they receive on a stem; 0 is the worst case, the hour then
    /// uses 0.125
    #[arg(long, value_name = "Q", default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) fluff: f64,
    /// Seed of the random numbers
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Draw precision and recall over the share of spies, with those of plain diffusion and the published
    /// figures
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Overwrite the drawing if the file exists
    #[arg(long, requires = "plot")]
    pub(crate) force: bool,
}

/// How a node chooses the next hop of a stem.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarding {
    /// By the peer it came from; own transactions as those of one of these peers, as published
    PerEdge,
    /// Anew for each transaction
    PerTransaction,
    /// By the peer it came from, with no two peers on the same relay
    OneToOne,
    /// No stem: broadcast at once
    Diffusion,
    /// By the peer it came from, and own transactions separately: what a node does
    Relay,
}
