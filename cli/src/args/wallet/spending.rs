//! Ending a payment, and merging outputs.

use super::{super::NodeArgs, AccountArgs};
use clap::Args;
use std::path::PathBuf;

/// Cancel a payment: free of charge until it is finalized
///
/// A payment that you were asked for, and that the other side has not finished, is yours to cancel only if
/// you started it. One that you answered is ended by its payer; `wallet slates SESSION --forget` stops
/// expecting it.
///
/// Of a payment to several receivers, this drops the one whose invite is given; the others are still paid,
/// and its share becomes change.
///
/// A finalized payment ends by itself once its last height and the reorganisation limit have passed. To end
/// it sooner, use --self-spend: a new transaction then moves one of its inputs back to this wallet, for a
/// fee, and whichever of the two enters a block first displaces the other. A restored wallet file does not
/// know whether the original finalized, and needs a self-spend too.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet cancel invite.txt --wallet alice
  $ sotto wallet cancel --all --dry-run --wallet alice
  $ sotto wallet cancel one.txt --self-spend --yes --wallet alice")]
pub(crate) struct WalletCancel {
    /// The invites as `send` printed them, or the invoice; `-` is standard input
    #[arg(required_unless_present_any = ["session", "all"])]
    pub(crate) file: Option<PathBuf>,
    /// The session, as `wallet slates` shows it, instead of a file; a unique prefix is enough
    #[arg(long, value_name = "SESSION", conflicts_with = "file")]
    pub(crate) session: Option<String>,
    /// Cancel everything that this wallet started and that can be cancelled for free
    #[arg(long, conflicts_with_all = ["file", "session", "self_spend"])]
    pub(crate) all: bool,
    /// If it is too late to cancel for free, spend one of the inputs back to this wallet
    #[arg(long)]
    pub(crate) self_spend: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be cancelled, or the self-spend, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Merge the smallest outputs of an account into one
///
/// Everyone can see, forever, that the merged outputs belong together. Consolidation makes later payments
/// cheaper and is worthwhile for many small outputs.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet consolidate --dry-run --wallet alice
  $ sotto wallet consolidate --most 2 --yes --wallet alice")]
pub(crate) struct WalletConsolidate {
    /// Merge at most this many outputs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..=500))]
    pub(crate) most: u16,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Move outputs that somebody paid to your address while you were away
///
/// The payer of such an output knows its amount and can see when it is spent; together with a dishonest
/// operator it could also drop it from a pruned chain while it lies there. Moving it to a fresh output of
/// this wallet ends both. Each output is moved by a transaction of its own, because spending them together
/// would link them for ever. Worthwhile for large amounts.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet sweep --dry-run --wallet bob
  $ sotto wallet sweep --least 10 --yes --wallet bob")]
pub(crate) struct WalletSweep {
    /// Move outputs of at least this amount only
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) least: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Never spend an output until it is unfrozen
///
/// No payment and no consolidation chooses a frozen output, because spending it together with others would
/// link them for ever. The list is kept in this wallet file; a restore from words does not know it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet outputs --wallet alice | grep -oEm1 '[0-9a-f]{64}' | \\
    xargs sotto wallet freeze --wallet alice")]
pub(crate) struct WalletFreeze {
    /// The output's commitment, as `wallet outputs` shows it; a unique prefix is enough
    pub(crate) output: String,
}

/// Let payments spend a frozen output again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet outputs --wallet alice | grep -oEm1 '[0-9a-f]{64}' | \\
    xargs sotto wallet unfreeze --wallet alice")]
pub(crate) struct WalletUnfreeze {
    /// The output's commitment, as `wallet outputs` shows it; a unique prefix is enough
    pub(crate) output: String,
}
