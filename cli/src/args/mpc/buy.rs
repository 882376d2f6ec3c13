//! Options of those who pay for a result, and of those who are paid.

use super::super::{NodeArgs, WalletChoice};
use super::part::PartArgs;
use crate::secret::PassphraseArgs;
use clap::Args;
use std::path::PathBuf;

/// The wallet of a party that is paid.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PayeeWallet {
    /// In a job that sells its result, if you are paid: the wallet of the address in your offer
    #[arg(long, value_name = "NAME")]
    pub(crate) wallet: Option<String>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Run the buyer's part of a job that sells its result: put the money aside, collect, pay and open
///
/// The money for each owner goes into a hold; unclaimed money returns by itself. The owners deliver their rows once the
/// holds are there. After the run they claim, you release, and the first claim in a block opens the outputs. Until you
/// release, --undo takes the money back. You can stop the command at any time: started again, it continues.
///
/// Experimental and unaudited. docs/SETTLEMENT.md says what is atomic and whom you trust.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc buy sold.toml --as west --key west.key --wallet alice --dry-run
  $ sotto mpc buy sold.toml --as west --key west.key --wallet alice --status")]
#[command(
    mut_arg("input", |input| input.hide_short_help(true)),
    mut_arg("policy", |policy| policy.hide_short_help(true)),
    mut_arg("rendezvous", |rendezvous| rendezvous.hide_short_help(true))
)]
pub(crate) struct MpcBuy {
    #[command(flatten)]
    pub(crate) part: PartArgs,
    /// A file that opens the price of a confidential offer [default: those beside the offers]
    #[arg(long, value_name = "FILE")]
    pub(crate) terms: Vec<PathBuf>,
    /// Show how far the purchase has come, and do nothing
    #[arg(long, conflicts_with_all = ["undo", "yes", "dry_run"])]
    pub(crate) status: bool,
    /// Take the money back, while it is not released; start fees that were paid do not come back
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) undo: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what is paid and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) wallet: WalletChoice,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
