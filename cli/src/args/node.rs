//! The verbs of `sotto node`.

use super::{NodeEvidence, NodePeers, NodeStatus, NodeStop, NodeValidator, WalletArgs};
use clap::{Args, Subcommand, ValueEnum};
use core::num::NonZeroU16;
use std::path::PathBuf;

/// Run a node of the network, and ask a running one
#[derive(Subcommand, Debug)]
pub(crate) enum Node {
    Run(Box<NodeRun>),
    Status(NodeStatus),
    Peers(NodePeers),
    Evidence(NodeEvidence),
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
///
/// With --seal --group, the node seals as a member of the group whose key is the chain's operator: docs/CUSTODY.md. With
/// --group on a chain of validators, it signs what the group says as one of them; one member also has --validate,
/// and speaks for all: docs/operating.
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
    #[command(flatten)]
    pub(crate) council: CouncilArgs,
    /// Vote with this folder's vote key, or the group's, and propose blocks; the rewards go to --wallet
    #[arg(long, conflicts_with = "seal")]
    pub(crate) validate: bool,
    /// Keep a connection to this validator; can be given several times
    #[arg(long, value_name = "KEY@HOST:PORT", requires = "validate")]
    pub(crate) validator: Vec<String>,
    /// Follow only a chain with this block; can be given several times
    ///
    /// Take the height and the hash from a source that you trust. Keys of validators who have left could seal
    /// another past for a node that begins; and after two certificates of one height, this says which one counts.
    #[arg(long, value_name = "HEIGHT:HASH")]
    pub(crate) checkpoint: Vec<String>,
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

/// A member of the group that seals.
#[derive(Args, Debug)]
#[command(next_help_heading = "Group options")]
pub(crate) struct CouncilArgs {
    /// Be a member of this group, whose key is the chain's operator or a validator's
    #[arg(long, value_name = "FILE", requires_all = ["key", "group_listen"])]
    pub(crate) group: Option<PathBuf>,
    /// Your secret key file
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "group")]
    pub(crate) key: Option<PathBuf>,
    /// Your share [default: the group's path, with the ending .share]
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "group")]
    pub(crate) share: Option<PathBuf>,
    /// Passphrase file of the share (mode 0600) [default: the wallet's]
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "group")]
    pub(crate) share_passphrase_file: Option<PathBuf>,
    /// Hear the other members at this address
    #[arg(hide_short_help = true, long, value_name = "ADDR", requires = "group")]
    pub(crate) group_listen: Option<String>,
    /// Where another member hears, by its number; given once for each
    #[arg(hide_short_help = true, long, value_name = "N@HOST:PORT", requires = "group")]
    pub(crate) member: Vec<String>,
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
