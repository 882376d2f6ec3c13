//! The verbs of `sotto mpc offer`.

use super::super::{NodeArgs, RowsForm};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Offer the use of data for money
///
/// An offer says for which circuits, purposes, receivers and computers an owner lets its data be used, and for how much.
/// It is signed by the owner's key. A job that sells outputs names the offers of all whom its buyer pays.
///
/// The buyer runs `sotto mpc buy`, and an owner that is paid `sotto mpc run --wallet`. `sotto demo sale` shows all of it.
///
/// Experimental and unaudited: docs/SETTLEMENT.md says what is atomic and whom you trust.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub(crate) enum MpcOffer {
    New(MpcOfferNew),
    Show(MpcOfferShow),
    Revoke(MpcOfferRevoke),
}

/// Offer your rows for jobs like this one
///
/// The job is a model: what it asks of you is what you allow, for other jobs, too, that ask no more. It needs the key
/// files of all parties, and no signatures. With --confidential, the offer shows a hash in place of price, start fee and
/// address; a second file, FILE.terms, opens them to the buyer alone.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc offer new job.toml --key north.key --input north.csv --price 2.5 \\
      --address $(sotto wallet address --wallet alice) --out north.offer --yes")]
pub(crate) struct MpcOfferNew {
    /// The job that is the model
    pub(crate) job: PathBuf,
    /// Your secret key file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Your rows, one file per table; `-` is standard input
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) form: RowsForm,
    /// What one run costs, in the unit of the ledger
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) price: String,
    /// What you get besides when the money is put aside, whatever comes of the run
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) start_fee: Option<String>,
    /// Where it is paid: an address of yours on this ledger
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: String,
    /// How many jobs may use it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) jobs: u32,
    /// When it ends: a date (2027-01-31T00:00:00Z) or seconds since 1970 [default: as the job]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Show price, start fee and address to the holder of this public key file alone
    #[arg(long, value_name = "FILE")]
    pub(crate) confidential: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Overwrite the files if they exist; never a key, a wallet or a file of a chain
    #[arg(long)]
    pub(crate) force: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the offer and sign nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Show an offer in plain words, after verifying its signature
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc offer show north.offer
  $ sotto mpc offer show north.offer --json")]
pub(crate) struct MpcOfferShow {
    /// The offer; `-` is standard input
    pub(crate) offer: PathBuf,
    /// The file that opens its confidential terms
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) terms: Option<PathBuf>,
    /// With --terms: your secret key file
    #[arg(long, value_name = "FILE", requires = "terms")]
    pub(crate) key: Option<PathBuf>,
    /// Whether this statement of the owner revokes it
    #[arg(long, value_name = "FILE")]
    pub(crate) revocation: Option<PathBuf>,
}

/// Revoke an offer: keep that, and print a signed statement that says so
///
/// Jobs that you signed before are not affected.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc offer revoke north.offer --key north.key --yes > north.revoked")]
pub(crate) struct MpcOfferRevoke {
    /// The offer
    pub(crate) offer: PathBuf,
    /// Your secret key file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be revoked and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}
