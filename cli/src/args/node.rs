//! The verbs of `sotto node`.

use super::{NodePeers, NodeStatus, NodeStop, NodeValidator, WalletArgs};
use clap::{Args, Subcommand, ValueEnum};
use core::num::NonZeroU16;

/// Run a node of the network, and ask a running one
#[derive(Subcommand, Debug)]
pub(crate) enum Node {
    Run(Box<NodeRun>),
    Status(NodeStatus),
    Peers(NodePeers),
    Stop(NodeStop),
    #[command(subcommand)]
    Validator(NodeValidator),
    #[command(subcommand)]
    Config(NodeConfig),
}

/// Run a node until it is stopped
///
/// The node opens the ledger in --dir, connects to peers, follows the best chain and relays transactions. Its
/// settings come from DIR/node/config.toml; flags override them. Ctrl-C, SIGTERM and `sotto node stop` stop
/// it gracefully (exit code 0); a second signal ends it at once. Log records go to standard error. They hold
/// no secrets, and no addresses unless --log-addresses is given.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node run --listen 0.0.0.0:9333 --connect $(cat friend.key)@192.0.2.7:9333
  $ sotto node run --seal --wallet alice
  $ sotto node run --validate --wallet alice --dir north")]
pub(crate) struct NodeRun {
    /// Accept connections at this address [default: accept none]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Port of the router that forwards to this node; peers learn it instead of the port of --listen
    #[arg(long, value_name = "PORT")]
    pub(crate) outside_port: Option<NonZeroU16>,
    /// Connect to this node; can be given several times
    #[arg(long, value_name = "KEY@HOST:PORT")]
    pub(crate) connect: Vec<String>,
    /// Seal blocks with the operator's key; the rewards go to --wallet
    #[arg(long)]
    pub(crate) seal: bool,
    /// Vote with this folder's vote key, and propose blocks; the rewards go to --wallet
    #[arg(long, conflicts_with = "seal")]
    pub(crate) validate: bool,
    /// Keep a connection to this validator; can be given several times
    #[arg(long, value_name = "KEY@HOST:PORT", requires = "validate")]
    pub(crate) validator: Vec<String>,
    /// Seconds between two blocks [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "seal", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: Option<u32>,
    /// Format of log records [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log: Option<LogFormat>,
    /// Include the addresses of peers in log records
    #[arg(long)]
    pub(crate) log_addresses: bool,
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
}

/// The format of log records.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One line of text for each record
    #[default]
    Text,
    /// One JSON object for each record
    Json,
}

/// The node's settings file
#[derive(Subcommand, Debug)]
pub(crate) enum NodeConfig {
    Init(NodeConfigInit),
}

/// Write DIR/node/config.toml, which explains every setting and shows its default
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node config init
  $ sotto node config init --dir elsewhere && cat elsewhere/node/config.toml")]
pub(crate) struct NodeConfigInit {}
