//! The steps of a payment.

use clap::Args;
use std::path::PathBuf;

/// Start a payment: prints the invite for the receiver
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet send 2500000 --to $(cat bob.address) --yes --wallet alice > mine.txt
  $ sotto wallet send 2500000 --to $(cat bob.address) --dry-run --wallet alice")]
pub(crate) struct WalletSend {
    /// How much the receiver gets, in base units
    #[arg(value_name = "UNITS", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// The receiver's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Answer an invite: prints the response for the payer
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet receive invite.txt --yes --wallet bob > answer.txt")]
pub(crate) struct WalletReceive {
    /// The invite; `-` is standard input
    pub(crate) file: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Finish a payment with the receiver's response: prints the transaction
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet finalize response.txt --wallet alice > finished.txt
  $ sotto wallet finalize response.txt --wallet alice | sotto chain submit -")]
pub(crate) struct WalletFinalize {
    /// The response; `-` is standard input
    pub(crate) file: PathBuf,
}

/// Give up a payment that was started and not finalized: free of charge, its outputs are free again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet cancel invite.txt --wallet alice")]
pub(crate) struct WalletCancel {
    /// The invite as `send` printed it; `-` is standard input
    pub(crate) file: PathBuf,
}
