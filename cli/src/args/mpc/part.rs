//! Options of a party that takes part in a run, whether it is paid, pays, or neither.

use super::{ResultFormat, RowsForm};
use clap::Args;
use std::path::PathBuf;

/// Which party takes part in which job, and what it brings.
#[derive(Args, Clone, Debug)]
pub(crate) struct PartArgs {
    /// The job, which all parties have signed
    pub(crate) job: PathBuf,
    /// Your name in the job
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// Your secret key file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Your rows, if you are an input party: CSV, JSON (.jsonl, .json) or Parquet (.parquet), one file per table;
    /// `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) form: RowsForm,
    /// Write each output in this format, too; with `--out -`, in this one [default: csv]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) results: Vec<ResultFormat>,
    /// What you allow others to do with your data; required if you signed the job under a policy [default:
    /// DIR/jobs/KEY/policy.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Meet the compute parties at this rendezvous server (public key file, @, host and port), as all parties do
    #[arg(long, value_name = "FILE@ADDR")]
    pub(crate) rendezvous: Option<String>,
    /// Collateral for the platform of a party that shows evidence, which you downloaded yourself
    #[arg(long, value_name = "NAME=FILE", hide_short_help = true)]
    pub(crate) collateral: Vec<String>,
    /// Folder for results [default: beside the job]; `-` also writes one result, and nothing else, to standard output
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
