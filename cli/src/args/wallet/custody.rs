//! Making a wallet, and making it again.

use clap::Args;
use std::path::PathBuf;

/// Create a wallet: shows 24 words once and asks three of them back
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet init --wallet carol --words-file carol.words")]
pub(crate) struct WalletInit {
    /// Write the words to this new file (mode 0600) instead of showing them
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
}

/// Create a wallet from its 24 words, and find its outputs again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet restore --wallet again --words-file alice.words")]
pub(crate) struct WalletRestore {
    /// Read the words from this file (mode 0600) instead of asking for them
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
}
