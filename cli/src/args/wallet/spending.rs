//! Ending payments, and moving money within a wallet.

use clap::Args;
use std::path::PathBuf;

/// Give up a payment that was started: free of charge until it is finalized
///
/// Of a payment to several it drops the receiver whose invite is given; the others are paid, and its share becomes change.
/// After that it ends by itself when its last height and the reorganisation limit are past. Who cannot wait moves one of its
/// inputs to himself: with --self-spend that transaction is made and handed in, and whichever of the two enters a block
/// first displaces the other. It costs a fee. A restored wallet file cannot know whether the original finalized, so there
/// too it takes a self-spend.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet cancel invite.txt --wallet alice
  $ sotto wallet cancel one.txt --self-spend --yes --wallet alice")]
pub(crate) struct WalletCancel {
    /// The invite or invites as `send` printed them, or the invoice; `-` is standard input
    #[arg(required_unless_present = "session")]
    pub(crate) file: Option<PathBuf>,
    /// The session instead, as `slates` shows it; the first letters that name no other are enough
    #[arg(long, value_name = "SESSION", conflicts_with = "file")]
    pub(crate) session: Option<String>,
    /// When it is too late to cancel for free, spend one of its inputs to yourself
    #[arg(long)]
    pub(crate) self_spend: bool,
    /// Do not ask
    #[arg(long, requires = "self_spend")]
    pub(crate) yes: bool,
    /// Show what it would take and do nothing
    #[arg(long, requires = "self_spend", conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

/// Make one output of an account's smallest ones
///
/// Everybody sees that they belong together, for ever. It makes later payments cheaper, and is worth it for many small outputs.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet consolidate --dry-run --wallet alice
  $ sotto wallet consolidate --most 2 --yes --wallet alice")]
pub(crate) struct WalletConsolidate {
    /// At most so many outputs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..=500))]
    pub(crate) most: u16,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}
