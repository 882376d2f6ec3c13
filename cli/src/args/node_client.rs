//! Options that name a running node, and the verbs that only ask one.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The running node that a verb asks.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Node options")]
pub(crate) struct NodeArgs {
    /// Ask this running node [default: the one that runs in --dir, else the ledger there is read]
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

/// List the evidence against validators that the node in --dir keeps
///
/// A validator that signs two different proposals or votes for one height and round breaks the protocol; so do those
/// who sign two certificates of one height. Nodes keep what proves it and tell each other. This reads the file in
/// DIR/chain, whether the node runs or not.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "\
Examples:
  $ sotto node evidence --dir four/v1
  $ sotto node evidence --json --dir four/v1"
)]
pub(crate) struct NodeEvidence {
    #[command(subcommand)]
    pub(crate) verb: Option<EvidenceVerb>,
}

/// The verbs of evidence.
#[derive(Subcommand, Debug)]
pub(crate) enum EvidenceVerb {
    Export(EvidenceExport),
    Verify(EvidenceVerify),
    Account(EvidenceAccount),
    Judge(EvidenceJudge),
}

/// Write all evidence to a file, which anybody with the chain's parameters can verify
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node evidence export found.evidence --dir four/v1")]
pub(crate) struct EvidenceExport {
    /// The file
    pub(crate) file: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub(crate) force: bool,
}

/// Verify a file of evidence, offline
///
/// Signatures are verified under the id of the chain in --dir, and two certificates under the validators of their
/// height. If the validators have changed since, these are read from the chain's log: stop the node first.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node evidence verify found.evidence --dir four/v1")]
pub(crate) struct EvidenceVerify {
    /// The file
    pub(crate) file: PathBuf,
}

/// Write this validator's own account of a height, for others to judge
///
/// Who signed two certificates of one height in different rounds is a suspect. An account shows what it voted for and
/// the quorums of prevotes that this rests on. The node signed it when it voted; it has one of each height at which
/// it voted against what it had precommitted to, and needs none of others.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node evidence account north.account --height 1207 --dir four/v1")]
pub(crate) struct EvidenceAccount {
    /// The file
    pub(crate) file: PathBuf,
    /// The height [default: the last one with two certificates]
    #[arg(long)]
    pub(crate) height: Option<u64>,
    /// Overwrite the file
    #[arg(long)]
    pub(crate) force: bool,
}

/// Judge who is guilty of two certificates in different rounds, offline
///
/// Takes the accounts of as many suspects as have given one. Who broke the protocol is guilty; who followed a quorum of
/// prevotes is cleared; who gave no account stays a suspect, whatever the reason. A file that does not hold is
/// refused, and nothing is judged.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node evidence judge north.account east.account --dir four/v1
  $ sotto node evidence judge north.account --evidence found.evidence --json --dir four/v1")]
pub(crate) struct EvidenceJudge {
    /// Accounts, as `node evidence account` writes them
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The certificates [default: those that the node in --dir keeps]
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
}

/// Stop a running node gracefully
///
/// Waits until it has ended, for as long as for locks (--wait).
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node stop")]
pub(crate) struct NodeStop {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
