//! Integrity levels: where the money of outputs came from.

use super::{super::NodeArgs, AccountArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Say where the money of an output came from, or take over what an issuer says
///
/// An issuer states the level of an output: `own` is money of this chain, `verified` came from another chain and was
/// verified there, `unverified` was not. The statement is a text for the holder; its hash is put on record in the
/// chain. A wallet spends outputs of different levels together only after `mix allow`. An
/// output without a statement counts as `own`. Levels are kept by wallets, not by the rules of the ledger.
///
/// Unaudited: nobody outside the project has reviewed this.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub(crate) enum WalletLevel {
    State(LevelState),
    Accept(LevelAccept),
    Verify(LevelVerify),
    List(LevelList),
    Mix(LevelMix),
}

impl WalletLevel {
    /// How to reach the ledger, for verbs that need it.
    pub(crate) const fn node(&self) -> Option<&NodeArgs> {
        match self {
            Self::State(a) => Some(&a.node),
            Self::Accept(a) => Some(&a.node),
            Self::Verify(a) => Some(&a.node),
            Self::List(_) | Self::Mix(_) => None,
        }
    }
}

/// Where the money came from.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LevelName {
    /// This chain
    Own,
    /// Another chain; verified there
    Verified,
    /// Another chain; not verified
    Unverified,
}

/// Issuer: state the level of an unspent output; print the statement for its holder
///
/// This costs the fee of one payment to yourself: beside it, the transaction has a notice with the hash of the
/// statement. The statement counts once a block has the notice. Given again, the command prints the same statement
/// and pays nothing.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet level state $(cat an.output) unverified --yes --wallet alice > said.txt")]
pub(crate) struct LevelState {
    /// The output, of whomever: all 64 digits
    #[arg(value_name = "OUTPUT")]
    pub(crate) output: String,
    /// Its level
    pub(crate) level: LevelName,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Holder: take over the level of an output of yours from an issuer that you trust
///
/// The notice must be in a block. Of several statements about an output the last on record counts.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet level accept statement.txt --from alice --wallet bob")]
pub(crate) struct LevelAccept {
    /// The statement; `-` for standard input
    pub(crate) file: PathBuf,
    /// The issuer: a contact or an address
    #[arg(long, value_name = "WHO")]
    pub(crate) from: String,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Anyone: check who said what of which output, and since when
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet level verify statement.txt")]
pub(crate) struct LevelVerify {
    /// The statement; `-` for standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// List the outputs of this wallet that have a level
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet level list --wallet bob")]
pub(crate) struct LevelList {}

/// Say whether outputs of different levels may be spent together
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet level mix allow --wallet bob
  $ sotto wallet level mix refuse --wallet bob")]
pub(crate) struct LevelMix {
    pub(crate) rule: MixRule,
}

/// Whether outputs of different levels may be spent together.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MixRule {
    /// As any other outputs
    Allow,
    /// Never, as it is at first
    Refuse,
}
