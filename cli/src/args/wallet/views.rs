//! What a wallet has, and what the chain says about it.

use clap::Args;

/// Balance: spendable, immature, on its way, locked
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet info --wallet alice")]
pub(crate) struct WalletInfo {}

/// The address that payers need to know
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet address --wallet bob
  $ sotto wallet address --qr --wallet bob")]
pub(crate) struct WalletAddress {
    /// Also draw it as a QR code, on standard error
    #[arg(long)]
    pub(crate) qr: bool,
}

/// Every output the wallet knows
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet outputs --wallet alice")]
pub(crate) struct WalletOutputs {}

/// Look through the chain for outputs of this wallet and for those that were spent
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet scan --wallet alice")]
pub(crate) struct WalletScan {}
