//! What a wallet holds, and its accounts.

use super::{super::NodeArgs, AccountArgs, QrFile};
use clap::{Args, Subcommand};

/// List the wallets in the folder, by name
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet list")]
pub(crate) struct WalletList {}

/// Show the balance: spendable, immature, locked and pending
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet balance --wallet alice
  $ sotto wallet balance --account 0 --wallet alice --json")]
pub(crate) struct WalletBalance {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Show the address that payers need
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet address --wallet bob
  $ sotto wallet address --qr --wallet bob
  $ sotto wallet address --reference INV-2026-17 --wallet bob")]
pub(crate) struct WalletAddress {
    /// Ask for a payment under this reference: up to 12 letters, digits or signs
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) reference: Option<String>,
    /// Show the address that can only be paid interactively, for wallets whose messages others open
    #[arg(long, conflicts_with = "reference")]
    pub(crate) interactive: bool,
    /// Also draw it as a QR code on standard error
    #[arg(long)]
    pub(crate) qr: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) qr_file: QrFile,
}

/// List all outputs of the wallet, with their status
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet outputs --wallet alice")]
pub(crate) struct WalletOutputs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Search the chain for outputs of this wallet that are new or spent
///
/// All verbs that show money do this first. They refuse a chain that ends below what the wallet has seen, or
/// that differs from it by more than a reorganisation can: a node that shows old blocks could make a received
/// payment disappear, or a spent output look unspent.
///
/// A scan reads the blocks since the last one. Where they are not stored, or new keys are tried, it reads all unspent
/// outputs, and says why.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet scan --wallet alice
  $ sotto wallet scan --full --wallet alice
  $ sotto wallet scan --accept-chain --all-tags --wallet alice")]
pub(crate) struct WalletScan {
    /// Try every output again, also for unknown accounts, as a restore does
    #[arg(long)]
    pub(crate) full: bool,
    /// Accept a chain that ends below what this wallet has seen, or that differs from it
    #[arg(long)]
    pub(crate) accept_chain: bool,
    /// Try every output again whatever its view tag: finds payments whose sender wrote a wrong one
    #[arg(long, conflicts_with = "full")]
    pub(crate) all_tags: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// List all payments, oldest first, with their status
///
/// With --csv, only payments that are in a block are listed. The columns are height, kind, account, amount,
/// fee, party, memo, id, date and reference; new ones come last, and none changes. Amounts are whole base
/// units; the date is the block's, in local time. A memo that a spreadsheet would take for a formula gets an
/// apostrophe in front.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet history --wallet alice
  $ sotto wallet history --json --wallet bob
  $ sotto wallet history --csv --wallet alice > history.csv")]
pub(crate) struct WalletHistory {
    /// Print comma-separated values (RFC 4180) with a header line
    #[arg(long)]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Manage accounts: parts of a wallet with keys, an address and a balance of their own
#[derive(Subcommand, Debug)]
pub(crate) enum WalletAccount {
    List(AccountList),
    Create(AccountCreate),
}

/// List all accounts with their balances
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet account list --wallet alice")]
pub(crate) struct AccountList {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Create an account
///
/// The name is stored only in the wallet file; a restore finds the account's money under its number.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet account create savings --wallet alice
  $ sotto wallet account create rent --wallet bob && sotto wallet address --account rent --wallet bob")]
pub(crate) struct AccountCreate {
    /// The account's name
    pub(crate) name: String,
}
