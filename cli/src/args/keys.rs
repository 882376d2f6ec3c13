//! The verbs of `sotto keys`.

mod exchange;
mod vault;

pub(crate) use exchange::*;
pub(crate) use vault::*;

use crate::secret::PassphraseArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Keep a key that no single computer holds: make it together, sign, repair, refresh
///
/// Members exchange letters: each command reads the letters of the others, does the next step, prints this
/// member's own letter, and says whose it waits for. Every member gets every letter, by file, mail or pipe;
/// letters show their carriers no secret. A step can be repeated: the same letters give the same answer. The
/// keys and their protocols have not been audited. docs/KEYS.md explains it all.
#[derive(Subcommand, Debug)]
pub(crate) enum Keys {
    New(KeysNew),
    Dkg(KeysDkg),
    Sign(KeysSign),
    Drill(KeysDrill),
    Repair(KeysRepair),
    Refresh(KeysRefresh),
    Enrol(KeysEnrol),
    Exchange(KeysExchange),
    #[command(subcommand)]
    Vault(KeysVault),
    Show(KeysShow),
    Check(KeysCheck),
    Backup(KeysBackup),
    Export(KeysExport),
}

/// What a group's key is for.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeysPurpose {
    /// Seals the blocks of a chain
    Seal,
    /// Opens the amounts of an audited chain
    Audit,
    /// Opens what was encrypted to the group
    Vault,
    /// Owns outputs: 256 keys, one for each
    Coin,
}

/// Who this member is, and the group's files.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeysMember {
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// Your secret key file, made by `sotto mpc keygen`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Your share [default: the group's path, with the ending .share]
    #[arg(long, value_name = "FILE")]
    pub(crate) share: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Write the draft of a group: purpose, chain, threshold, members
///
/// All members need the same file. A member is a public key file of `sotto mpc keygen`; its place in the list
/// is its number. Without --chain, the key becomes the operator of a chain that is made with it (`chain init
/// --operator`), or that of its auditors (`chain init --auditors`). With --after, the draft is that of an existing group with one member replaced (--at) or added.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys new operators.draft --purpose seal --threshold 2 --member north.pub south.pub west.pub
  $ sotto keys new council.draft --purpose seal --chain $(cat chain.id) --threshold 2 \\
      --member north.pub south.pub west.pub
  $ sotto keys new later.draft --after board.group --at 3 --member east.pub")]
pub(crate) struct KeysNew {
    /// The draft to write
    pub(crate) draft: PathBuf,
    /// What the key is for
    #[arg(long, required_unless_present = "after", conflicts_with = "after")]
    pub(crate) purpose: Option<KeysPurpose>,
    /// The id of the chain that the key is for [default for `seal` and `audit`: one that is made with the key]
    #[arg(long, value_name = "ID", conflicts_with = "after")]
    pub(crate) chain: Option<String>,
    /// How many members must act together
    #[arg(long, value_name = "T", required_unless_present = "after", conflicts_with = "after")]
    pub(crate) threshold: Option<u8>,
    /// Public key files of the members
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) member: Vec<PathBuf>,
    /// The group that changes
    #[arg(long, value_name = "FILE")]
    pub(crate) after: Option<PathBuf>,
    /// Whose place the new member takes [default: one more]
    #[arg(long, value_name = "N", requires = "after", value_parser = clap::value_parser!(u8).range(1..=15))]
    pub(crate) at: Option<u8>,
}

/// Make the key of a draft together
///
/// Each member runs this four times, with all letters so far, and at last has the group's file and its own
/// share. Read the draft first (`sotto keys show`) and compare fingerprints with the other members. A member
/// that stays silent or sends something false ends it; start again with a new draft.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys dkg new.draft --key north.key --group new.group --yes > north.1
  $ sotto keys dkg board.draft --key north.key --group board.group board.letters")]
pub(crate) struct KeysDkg {
    /// The draft
    pub(crate) draft: PathBuf,
    /// Letters of all members; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// Ask for a signature, agree to one, or continue
///
/// With --header, the group is asked to seal that block. With --validator, it becomes a validator's vote key: the
/// result is the entry for a list of validators. With letters, the request is shown and you are asked; then your
/// answer is printed. The first t members who agree sign. A member seals one block at a height.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys sign --header header.hex --group board.group --key north.key --yes > north.1
  $ sotto keys sign asked.letter --group board.group --key south.key --share south.share --yes")]
pub(crate) struct KeysSign {
    /// Letters of all members; `-` is standard input
    #[arg(required_unless_present_any = ["header", "validator"])]
    pub(crate) letter: Vec<PathBuf>,
    /// Ask for the seal of this header, in hexadecimal
    #[arg(long, value_name = "FILE", conflicts_with = "letter")]
    pub(crate) header: Option<PathBuf>,
    /// Ask for the entry of a validator with this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["letter", "header"], requires = "link_key")]
    pub(crate) validator: Option<String>,
    /// The key of that validator's connections, as `sotto node validator init` prints it
    #[arg(long, value_name = "KEY", requires = "validator")]
    pub(crate) link_key: Option<String>,
    /// The id of the chain, for a group whose draft names none
    #[arg(long, value_name = "ID")]
    pub(crate) chain: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// Prove that members still have their shares
///
/// Without letters, asks the t members whose last drill is the longest ago. `sotto keys show` has the dates.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys drill --group board.group --key north.key > north.1
  $ sotto keys drill --group board.group --key north.key --json")]
pub(crate) struct KeysDrill {
    /// Letters of all members; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// Get your lost share from t others, or help another to get its own
///
/// Without letters, asks for your own. A repair gives a share to the holder of the key that asks, so a helper
/// types the fingerprint of that key, which comes from the person and not from the letter.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys repair --group board.group --key north.key --share again.share > north.1
  $ sotto keys repair lost.letter --group board.group --key south.key --share south.share \\
      --fingerprint $(cat west.fingerprint)")]
pub(crate) struct KeysRepair {
    /// Letters of all members; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    /// The fingerprint of the key of the member that asks
    #[arg(long, value_name = "DIGITS")]
    pub(crate) fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// Give every member who stays a new share of the same key
///
/// Without letters, proposes it. Old shares are worthless once all who stay have erased theirs, backups too
/// (`sotto keys check` names them). A member that is left out has no share until it is repaired.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys refresh --group board.group --key north.key --yes > north.1
  $ sotto keys refresh --stay 1 2 --group board.group --key north.key --yes > north.1")]
pub(crate) struct KeysRefresh {
    /// Letters of all members; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    /// The numbers of the members who stay [default: all]
    #[arg(long, value_name = "N", num_args = 1.., conflicts_with = "letter")]
    pub(crate) stay: Vec<u8>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// Agree to a change of members
///
/// The draft is one of `sotto keys new --after`. All its members sign it; the key stays. Then the new member
/// asks for its share (`sotto keys repair`), and a refresh makes the share of the member that left worthless.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys enrol next.draft --group board.group --key north.key --yes > north.1")]
pub(crate) struct KeysEnrol {
    /// The draft
    pub(crate) draft: PathBuf,
    /// Letters of all members; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// Explain a draft, a group, letters or evidence
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys show board.group
  $ sotto keys show board.draft --json
  $ sotto keys show asked.letter")]
pub(crate) struct KeysShow {
    /// The file; `-` is standard input
    pub(crate) file: PathBuf,
}

/// Check share files against the group, and name those that a refresh has replaced
///
/// No passphrase is needed: group, member and epoch are not encrypted. With --open, the shares are decrypted
/// and compared with the group's keys. Exits with 1 if a file is old or does not fit.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys check board.share --group board.group
  $ sotto keys check board.share south.share --group board.group --open")]
pub(crate) struct KeysCheck {
    /// Share files, backups too
    #[arg(required = true)]
    pub(crate) file: Vec<PathBuf>,
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// Also decrypt the shares
    #[arg(long)]
    pub(crate) open: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Copy the group's file and your share to another folder
///
/// The copy of the share has the same passphrase. A backup holds no seeds of sessions. After a refresh the copy
/// is old: erase it, and make another.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys backup copies --group board.group
  $ sotto keys backup copies --group board.group --name board-2")]
pub(crate) struct KeysBackup {
    /// The folder
    pub(crate) folder: PathBuf,
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// Your share [default: the group's path, with the ending .share]
    #[arg(long, value_name = "FILE")]
    pub(crate) share: Option<PathBuf>,
    /// Name of the copies, without their endings [default: as the group's file]
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Print the group's public key
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys export --group board.group
  $ sotto keys export --group board.group --json")]
pub(crate) struct KeysExport {
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// The number of the key, in a pool
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) number: u16,
}
