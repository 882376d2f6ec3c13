//! The verbs of `sotto chain change`.

use super::NodeArgs;
use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

/// Change who seals, fee and weight, or the version of the rules
///
/// A ledger of validators changes when a quorum of them signs: more than two thirds of their power. One proposes a change
/// and sends the text to the others; each signs it; the texts that come back are joined by `sign`, and once a quorum has
/// signed, anyone submits it at any node.
#[derive(Subcommand, Debug)]
pub(crate) enum ChainChange {
    Propose(ChangePropose),
    Sign(ChangeSign),
    Submit(ChangeSubmit),
    Show(ChangeShow),
}

/// Print a change for the validators to sign
///
/// With --set, the validators in the file seal from two blocks after the change on; at most a third of the power may
/// join and leave at a time. Fee, weight and rules take effect after a window, when every payment that is under way has
/// been sealed or has expired. Nothing changes before a quorum has signed and the change is in a block.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["set", "fee_per_weight", "rules_version", "withdraw"]),
          after_long_help = "\
Examples:
  $ sotto chain change propose --set validators.toml --dir north > change.txt
  $ sotto chain change propose --fee-per-weight 1500u --max-weight 60000 --dir north > change.txt
  $ sotto chain change propose --rules-version 4 --expires 100 --dir north > change.txt")]
pub(crate) struct ChangePropose {
    /// File of the validators that are to seal, all of them
    #[arg(long, value_name = "FILE")]
    pub(crate) set: Option<PathBuf>,
    /// The least fee for one unit of weight, at most double and at least half
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) fee_per_weight: Option<String>,
    /// The greatest weight of a block, at most double and at least half [default: as it is]
    #[arg(long, value_name = "WEIGHT", requires = "fee_per_weight")]
    pub(crate) max_weight: Option<u64>,
    /// Another version of the rules
    #[arg(long, value_name = "VERSION")]
    pub(crate) rules_version: Option<u8>,
    /// Withdraw the version of the rules that is announced
    #[arg(long)]
    pub(crate) withdraw: bool,
    /// The first height of the new fee and weight, or rules [default: a window after --expires]
    #[arg(long, value_name = "HEIGHT", conflicts_with_all = ["set", "withdraw"])]
    pub(crate) from: Option<u64>,
    /// The last height at which a block may contain the change [default: 10000 blocks from now]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) expires: Option<u64>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Sign a change with this validator's vote key, and join the signatures of others
///
/// Shows what changes and asks. A validator whose key the change renews signs with both keys. A version of the rules that
/// this program does not know is not signed. Prints the change with all signatures of the files and the new one.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain change sign proposal.txt --dir north --yes > signed.txt
  $ sotto chain change sign proposal.txt --dir north --dry-run")]
pub(crate) struct ChangeSign {
    /// The change, and copies of it that others signed; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Sign without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Show what would be signed, and sign nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Submit a change that a quorum signed
///
/// The node tells it to its peers, and the next proposer that has it puts it in a block. A change that does not hold, or
/// that another change has overtaken, is refused.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain change submit signed.txt --dir north")]
pub(crate) struct ChangeSubmit {
    /// The change; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Show a change and who signed it, or what is in effect, announced and pending on the ledger
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain change show --dir north
  $ sotto chain change show proposal.txt --dir north --json")]
pub(crate) struct ChangeShow {
    /// The change; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
