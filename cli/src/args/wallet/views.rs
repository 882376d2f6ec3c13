//! What a wallet has, and what the chain says about it.

use clap::{Args, Subcommand};

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
///
/// A chain that ends below what this wallet has seen, or is another one from deeper than a reorganisation, is refused by this and all
/// verbs: a node that shows old blocks could make what was received look missing, and what was spent unspent.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet scan --wallet alice
  $ sotto wallet scan --full --wallet alice
  $ sotto wallet scan --accept-chain --wallet alice")]
pub(crate) struct WalletScan {
    /// Look at every output again, as a restore does, for accounts that are not known too
    #[arg(long)]
    pub(crate) full: bool,
    /// Take the chain as it is shown, though this wallet has seen more of it: if its operator did go back
    #[arg(long)]
    pub(crate) accept_chain: bool,
}

/// Every payment, and what became of it
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet txs --wallet alice
  $ sotto wallet txs --json --wallet bob")]
pub(crate) struct WalletTxs {}

/// What came and went in the chain, oldest first
///
/// The columns of --csv are height, kind, account, amount, fee, party, memo, id, and stay as they are; amounts are whole base units.
/// Where a memo would make a spreadsheet compute, an apostrophe stands before it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet history --wallet alice
  $ sotto wallet history --csv --wallet alice > history.csv")]
pub(crate) struct WalletHistory {
    /// Comma-separated values (RFC 4180) with a line of names
    #[arg(long)]
    pub(crate) csv: bool,
}

/// Accounts: parts of a wallet with keys, an address and a balance of their own
#[derive(Subcommand, Debug)]
pub(crate) enum WalletAccount {
    List(AccountList),
    Create(AccountCreate),
}

/// All accounts with what they have
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet account list --wallet alice")]
pub(crate) struct AccountList {}

/// Add an account; its name is in the wallet file only, so a restore finds its money under its number
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet account create --name savings --wallet alice
  $ sotto wallet account create --name rent --wallet bob && sotto wallet address --account rent --wallet bob")]
pub(crate) struct AccountCreate {
    /// What to call it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}
