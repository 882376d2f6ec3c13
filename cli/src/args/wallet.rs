//! The verbs of `sotto wallet`: custody of a wallet, slates of a payment, views of what it has.

mod custody;
mod moving;
mod records;
mod slates;
mod views;

pub(crate) use custody::*;
pub(crate) use moving::*;
pub(crate) use records::*;
pub(crate) use slates::*;
pub(crate) use views::*;

use super::NodeArgs;
use crate::secret::PassphraseArgs;
use clap::{Args, Subcommand};

/// Which wallet.
#[derive(Args, Clone, Debug)]
pub(crate) struct WalletArgs {
    /// The wallet's name
    #[arg(long, value_name = "NAME", default_value = "default", global = true)]
    pub(crate) wallet: String,
    /// The account, by name or number [default: 0, or all in sums]
    #[arg(long, value_name = "ACCOUNT", global = true)]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Keys, payments and outputs of a person
///
/// A payment takes three steps. The payer begins: `send`, the receiver answers: `receive`, the payer finishes: `finalize`. Or
/// the receiver begins: `invoice`, the payer answers: `pay`, the receiver finishes: `finalize`. Each step reads and writes text
/// that may travel by chat or mail. It is encrypted to the other side's address, and lets nobody take money.
///
/// The chain is the one in --dir, or with --node that of a node that runs: what it answers is held against the operator's seal.
#[derive(Args, Debug)]
pub(crate) struct Wallet {
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
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
    Invoice(WalletInvoice),
    Pay(WalletPay),
    Finalize(WalletFinalize),
    Cancel(WalletCancel),
    Consolidate(WalletConsolidate),
    Slates(WalletSlates),
    #[command(subcommand)]
    Contact(WalletContact),
    #[command(subcommand)]
    Proof(WalletProof),
    Outputs(WalletOutputs),
    Txs(WalletTxs),
    History(WalletHistory),
    Scan(WalletScan),
    #[command(subcommand)]
    Account(WalletAccount),
    #[command(subcommand)]
    ViewKey(WalletViewKey),
    Passphrase(WalletPassphrase),
    Backup(WalletBackup),
    VerifyBackup(WalletVerifyBackup),
}
