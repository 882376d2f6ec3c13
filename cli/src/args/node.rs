//! The verbs of `sotto node`.

use super::{NodePeers, NodeStatus, NodeStop, WalletArgs};
use clap::{Args, Subcommand, ValueEnum};
use core::num::NonZeroU16;

/// A node of the network: it keeps the ledger and agrees on it with others
#[derive(Subcommand, Debug)]
pub(crate) enum Node {
    Run(Box<NodeRun>),
    Status(NodeStatus),
    Peers(NodePeers),
    Stop(NodeStop),
    #[command(subcommand)]
    Config(NodeConfig),
}

/// Run a node until it is told to stop
///
/// It takes the ledger of --dir, finds others, follows the best chain, and whispers payments on. What it tells comes from
/// DIR/node/config.toml, then from flags. Ctrl-C, SIGTERM or `sotto node stop` end it gracefully, which is success; a second signal ends
/// it at once. Log records go to standard error: no secrets, and no addresses unless asked for.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node run
  $ sotto node run --listen 0.0.0.0:9333 --connect $(cat friend.key)@192.0.2.7:9333
  $ sotto node run --seal --wallet alice")]
pub(crate) struct NodeRun {
    /// Take connections here [default: take none]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The router's port that leads here, which others are told
    #[arg(long, value_name = "PORT")]
    pub(crate) outside_port: Option<NonZeroU16>,
    /// Know this node from the start; can be given again
    #[arg(long, value_name = "KEY@HOST:PORT")]
    pub(crate) connect: Vec<String>,
    /// Seal blocks with the operator's key; the rewards go to --wallet
    #[arg(long)]
    pub(crate) seal: bool,
    /// Seconds between two blocks [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "seal", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: Option<u32>,
    /// The form of log records [default: text]
    #[arg(long, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    /// Tell peers' addresses in log records
    #[arg(long)]
    pub(crate) log_addresses: bool,
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
}

/// The form of log records.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogForm {
    /// A line for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// The node's settings
#[derive(Subcommand, Debug)]
pub(crate) enum NodeConfig {
    Init(NodeConfigInit),
}

/// Write DIR/node/config.toml, in which every setting is explained and has its default
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node config init
  $ sotto node config init --dir elsewhere && cat elsewhere/node/config.toml")]
pub(crate) struct NodeConfigInit {}
