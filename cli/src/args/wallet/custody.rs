//! Creating, restoring and backing up a wallet; view keys.

use super::{
    super::{AcceptAudit, NodeArgs},
    AccountArgs,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Create a wallet
///
/// The wallet shows its 24 seed words once and asks for three of them back. The words are the only way to
/// restore the money if the wallet file is lost.
///
/// With --group, it is a member's wallet of a group for `coin` (`sotto keys new --purpose coin`), without words. Member 1
/// gets a letter for the others, who pass it; it has the secret that finds the group's outputs and spends nothing. Not
/// audited.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet init --wallet carol --words-file carol.words
  $ sotto wallet init --group coin.group --key north.key --wallet coin > again.letter
  $ sotto wallet init view.letter --group coin.group --key west.key --wallet west")]
pub(crate) struct WalletInit {
    /// The letter of member 1 of a group; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    /// Make a member's wallet of this group
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "words_file")]
    pub(crate) group: Option<PathBuf>,
    /// Your secret key file in the group, made by `sotto mpc keygen`
    #[arg(long, value_name = "FILE", requires = "group")]
    pub(crate) key: Option<PathBuf>,
    /// Write the words to this new file (mode 0600) instead of showing them
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) audit: AcceptAudit,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Create a wallet from its 24 words and find its outputs on the chain
///
/// The search covers all accounts up to eight beyond the last one in use. It finds unspent outputs, and what
/// was received and spent in blocks that are still stored. Memos, receipts and names exist only in the wallet
/// file: keep backups of it. If the search is interrupted, `wallet scan` continues it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet restore --wallet again --words-file alice.words
  $ sotto wallet restore --wallet again --words-file alice.words --birthday 3
  $ sotto wallet backup alice.backup --wallet alice && sotto wallet restore --backup alice.backup --wallet again")]
pub(crate) struct WalletRestore {
    /// Read the words from this file (mode 0600) instead of asking for them
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
    /// Put back this backup instead, with its memos, receipts and names
    #[arg(long, value_name = "FILE", conflicts_with_all = ["words_file", "birthday"])]
    pub(crate) backup: Option<PathBuf>,
    /// Height of the first block in which the wallet can have received anything; skip all earlier ones
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    pub(crate) birthday: u64,
    #[command(flatten)]
    pub(crate) audit: AcceptAudit,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Change the passphrase
///
/// The wallet file is encrypted again under a new key (Argon2id with 64 MiB, three passes, four lanes).
/// Existing backups keep the old passphrase.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ (umask 077; echo another phrase > new.pass) && sotto wallet passphrase --new-passphrase-file new.pass --wallet bob")]
pub(crate) struct WalletPassphrase {
    /// Read the new passphrase from this file (mode 0600) instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

/// Copy the encrypted wallet file to a new file
///
/// The words alone recover the money. The file also holds memos, receipts, proofs of payment and names. A
/// payment that was started before a restore cannot be finished after it, only cancelled: the key that
/// finishes it is in the state folder, which no backup contains, on purpose.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet backup alice.backup --wallet alice
  $ sotto wallet backup alice.backup --wallet alice && sotto wallet verify-backup alice.backup --wallet alice")]
pub(crate) struct WalletBackup {
    /// The new file
    pub(crate) file: PathBuf,
}

/// Rehearse a restore: decrypt a backup and report what it would lose
///
/// Without a wallet of that name, for example on the machine to restore on, it only reports what the backup
/// holds. Nothing is changed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet backup bob.backup --wallet bob && sotto wallet verify-backup bob.backup --wallet bob --json")]
pub(crate) struct WalletVerifyBackup {
    /// The backup
    pub(crate) file: PathBuf,
}

/// See what an account receives, without being able to spend it
#[derive(Subcommand, Debug)]
pub(crate) enum WalletViewKey {
    Export(ViewKeyExport),
    Import(ViewKeyImport),
    Show(ViewKeyShow),
}

/// Print the view key of an account
///
/// Anyone who has it sees every output that the account has received or will receive: its amount, its
/// reference and the heights at which it was created and spent, and can prove such a payment as its receiver.
/// A view key does not show change, so it shows no balance, and it does not show what was paid, to whom or
/// for what. It cannot be revoked.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet view-key export --account 0 --wallet bob > bob.viewkey")]
pub(crate) struct ViewKeyExport {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// Create a view-only wallet from a view key
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet view-key export --wallet bob | sotto wallet view-key import - --wallet watch")]
pub(crate) struct ViewKeyImport {
    /// The view key; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) audit: AcceptAudit,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// List what the account of a view-only wallet received, and what is still unspent
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet view-key export --wallet bob | sotto wallet view-key import - --wallet watch && \\
    sotto wallet view-key show --wallet watch")]
pub(crate) struct ViewKeyShow {
    /// Accept a chain that ends below what this wallet has seen, or that differs from it
    #[arg(long)]
    pub(crate) accept_chain: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
