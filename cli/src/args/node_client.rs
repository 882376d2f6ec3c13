//! Which node is asked, and the verbs that ask one that runs.

use clap::Args;
use std::path::PathBuf;

/// Which node is asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeArgs {
    /// Ask this running node in place of the ledger in --dir
    #[arg(long, value_name = "DIR|URL", global = true)]
    pub(crate) node: Option<String>,
    /// The token of a node that --node names by its address [default: DIR/node/rpc.token]
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    pub(crate) token_file: Option<PathBuf>,
}

/// How a running node is: its chain, its peers, what is pending
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node status
  $ sotto node status --json")]
pub(crate) struct NodeStatus {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Who a running node is connected with
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node peers
  $ sotto node peers --json")]
pub(crate) struct NodePeers {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Stop a running node, gracefully
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node stop")]
pub(crate) struct NodeStop {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
