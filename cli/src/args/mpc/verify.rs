//! `sotto mpc verify`.

use clap::Args;
use std::path::PathBuf;

/// Verify a receipt offline, and explain what it shows and what it does not
///
/// With --result and --job, this also checks that the outputs are those that both compute parties signed. If the job
/// asked for evidence, it says what held when the receipt was made, and with --at what holds at another time.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc verify receipt.json
  $ sotto mpc verify - --json < receipt.json")]
pub(crate) struct MpcVerify {
    /// The receipt; `-` is standard input
    pub(crate) receipt: PathBuf,
    /// The result.json of a result party, of the same run
    #[arg(long, value_name = "FILE", requires = "job")]
    pub(crate) result: Option<PathBuf>,
    /// The job
    #[arg(long, value_name = "FILE", requires = "result")]
    pub(crate) job: Option<PathBuf>,
    /// Say what holds of the evidence at this time: `now`, a date (2026-11-29T12:00:00Z) or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// With --at: collateral of that time for the platform of a compute party; software has none
    #[arg(long, value_name = "NAME=FILE", requires = "at")]
    pub(crate) collateral: Vec<String>,
}
