//! Making a wallet, keeping it, making it again; handing out what sees it.

use clap::{Args, Subcommand};
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
///
/// All accounts are searched up to eight beyond the last one that has anything. Found are unspent outputs, and what came and
/// went in blocks that are still stored. Memos, receivers' receipts and names are in the wallet file alone: keep backups of
/// it. When it is interrupted, `wallet scan` goes on where it stopped.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet restore --wallet again --words-file alice.words
  $ sotto wallet restore --wallet again --words-file alice.words --birthday 3")]
pub(crate) struct WalletRestore {
    /// Read the words from this file (mode 0600) instead of asking for them
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
    /// Height of the first block in which the wallet may have received: what is older is not looked at
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    pub(crate) birthday: u64,
}

/// Put the wallet file under another passphrase
///
/// The file is written anew under a new key (Argon2id with 64 MiB, three passes, four lanes). Backups keep the passphrase that
/// they were made under.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ (umask 077; echo another phrase > new.pass) && sotto wallet passphrase --new-passphrase-file new.pass --wallet bob")]
pub(crate) struct WalletPassphrase {
    /// Read the new passphrase from this file (mode 0600) instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

/// Copy the wallet file, encrypted as it is, to a new file
///
/// The words alone find the money again. The file also holds memos, receipts, proofs of payment and names. Payments that were
/// begun before a restore cannot be finished after it, only ended: the installation's folder is in no backup, on purpose.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet backup alice.backup --wallet alice
  $ sotto wallet backup alice.backup --wallet alice && sotto wallet verify-backup alice.backup --wallet alice")]
pub(crate) struct WalletBackup {
    /// The new file
    pub(crate) file: PathBuf,
}

/// Rehearse a restore: decrypt a backup, and say what it would lose
///
/// Where there is no such wallet, as on the machine to restore on, it only says what the backup holds. Nothing is changed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet backup bob.backup --wallet bob && sotto wallet verify-backup bob.backup --wallet bob --json")]
pub(crate) struct WalletVerifyBackup {
    /// The backup
    pub(crate) file: PathBuf,
}

/// View keys: seeing what an account receives, without being able to spend it
#[derive(Subcommand, Debug)]
pub(crate) enum WalletViewKey {
    Export(ViewKeyExport),
    Import(ViewKeyImport),
    Show(ViewKeyShow),
}

/// Print an account's view key
///
/// Whoever has it sees every output that the account received and will receive: amount, height of appearing, height of
/// disappearing. It does not show change, so no balance; nor what was paid, to whom, or for what. It cannot be taken back.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet view-key export --account 0 --wallet bob > bob.viewkey")]
pub(crate) struct ViewKeyExport {}

/// Create a view-only wallet from a view key
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet view-key export --wallet bob | sotto wallet view-key import - --wallet watch")]
pub(crate) struct ViewKeyImport {
    /// The view key; `-` is standard input
    pub(crate) file: PathBuf,
}

/// What the account of a view-only wallet received, and what of it is still there
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet view-key export --wallet bob | sotto wallet view-key import - --wallet watch && \\
    sotto wallet view-key show --wallet watch")]
pub(crate) struct ViewKeyShow {
    /// Take the chain as it is shown, though this wallet has seen more of it: if its operator did go back
    #[arg(long)]
    pub(crate) accept_chain: bool,
}
