//! The verbs of `sotto wallet`: custody of a wallet, slates of a payment, views of what it has.

mod custody;
mod slates;
mod views;

pub(crate) use custody::*;
pub(crate) use slates::*;
pub(crate) use views::*;

use crate::secret::PassphraseArgs;
use clap::{Args, Subcommand};

/// Which wallet.
#[derive(Args, Clone, Debug)]
pub(crate) struct WalletArgs {
    /// The wallet's name
    #[arg(long, value_name = "NAME", default_value = "default", global = true)]
    pub(crate) wallet: String,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Keys, payments and outputs of a person
///
/// A payment takes three steps: the payer sends an invite, the receiver responds, the payer finalizes. Each
/// step reads and writes text that may travel by chat or mail. Nothing in a slate lets anyone take money, but it tells
/// its reader the amount: choose the channel accordingly.
#[derive(Args, Debug)]
pub(crate) struct Wallet {
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
    #[command(subcommand)]
    pub(crate) verb: WalletVerb,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WalletVerb {
    Init(WalletInit),
    Restore(WalletRestore),
    Info(WalletInfo),
    Address(WalletAddress),
    Send(WalletSend),
    Receive(WalletReceive),
    Finalize(WalletFinalize),
    Cancel(WalletCancel),
    Outputs(WalletOutputs),
    Scan(WalletScan),
}
