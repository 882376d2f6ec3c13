//! Exchanging letters over channels.

use clap::Args;
use std::path::PathBuf;

/// Exchange letters with the other members, folder to folder
///
/// Every letter in the folder goes to the other members, over channels on which both ends prove a key that the draft
/// names; letters that arrive are files there before anything is said of them. All other verbs read and write letters as
/// before, `sotto wallet group` too. Runs until it is stopped. Only members can read the letters.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys exchange copies --group board.draft --key north.key --listen 127.0.0.1:0 \\
      --member 2@127.0.0.1:9 --member 3@127.0.0.1:9 --seconds 1")]
pub(crate) struct KeysExchange {
    /// The folder with the letters
    pub(crate) folder: PathBuf,
    /// The group, or its draft
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// Your secret key file, made by `sotto mpc keygen`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Where to hear the other members: host and port
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: String,
    /// Where another member hears; for each of them
    #[arg(long, value_name = "N@HOST:PORT", required = true)]
    pub(crate) member: Vec<String>,
    /// Stop after so many seconds [default: run until stopped]
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,
}
