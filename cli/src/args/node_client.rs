//! Options that name a running node, and the verbs that only ask one.

use clap::Args;
use std::path::PathBuf;

/// The running node that a verb asks.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Node options")]
pub(crate) struct NodeArgs {
    /// Ask this running node, instead of reading the ledger in --dir
    #[arg(long, value_name = "DIR|URL", global = true)]
    pub(crate) node: Option<String>,
    /// Token of a node given by its URL [default: DIR/node/rpc.token]
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    pub(crate) token_file: Option<PathBuf>,
}

/// Show the state of a running node: its chain, peers and pending transactions
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node status
  $ sotto node status --json")]
pub(crate) struct NodeStatus {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// List the peers of a running node
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node peers
  $ sotto node peers --json")]
pub(crate) struct NodePeers {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Stop a running node gracefully
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node stop")]
pub(crate) struct NodeStop {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
