//! Boxes that a group opens for attested machines.

use super::KeysMember;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Encrypt a file to a group, and open it again for a machine that shows what code it runs
///
/// A confidential virtual machine has no key that survives a restart, so its data are encrypted to a group for `vault`. The
/// box names the policy of attestation under which a machine may have them back. The machine asks (`request`), each
/// member draws a nonce and then judges the machine's evidence for it (`answer`, twice), and t answers open the box
/// (`open`). Pass the box and all letters of the request each time. docs/CUSTODY.md has a rehearsal.
///
/// Unaudited: the protocol and the code have had no review outside the project.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub(crate) enum KeysVault {
    Encrypt(VaultEncrypt),
    Request(VaultAsk),
    Answer(VaultReply),
    Open(VaultOpen),
    Show(VaultShow),
}

/// A box and letters about it.
#[derive(Args, Clone, Debug)]
pub(crate) struct VaultFiles {
    /// The box
    #[arg(value_name = "BOX")]
    pub(crate) vault_box: PathBuf,
    /// Letters of the machine and of the members; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
}

/// Encrypt a file to a group, under a policy of attestation
///
/// The box is public: it shows the hash of the policy and whose it is. Its owner keeps nothing with which to open
/// it. A policy that accepts software lets anybody have the contents whom the members answer.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys vault encrypt disk.secret new.box --group vault.group --policy vault.toml \\
      --owner north.pub")]
pub(crate) struct VaultEncrypt {
    /// What to encrypt, at most 64 KiB; `-` is standard input
    pub(crate) file: PathBuf,
    /// The box to write
    #[arg(value_name = "BOX")]
    pub(crate) vault_box: PathBuf,
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// The policy that must accept a machine; every member needs the same
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Public key file of whose box it is; members are shown its fingerprint
    #[arg(long, value_name = "FILE")]
    pub(crate) owner: PathBuf,
}

/// On the machine: ask for a box to be opened, and show evidence to the members
///
/// Without challenges, prints the request, for a fresh key that is made on the first run and must not leave the machine.
/// With members' challenges, asks the platform for evidence, and prints one letter for each. A challenge is good for 60
/// seconds. With --software, a key that the policy names signs instead of hardware: members refuse that unless the policy
/// says `allow_software = true`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys vault request disk.box --group vault.group --key fresh.key
  $ sotto keys vault request disk.box asked.vault challenge.vault --group vault.group \\
      --key machine.key --software platform.key --build $(sha256sum build.txt | cut -c-64)")]
pub(crate) struct VaultAsk {
    #[command(flatten)]
    pub(crate) files: VaultFiles,
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// The machine's secret key for this request; made if it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Sign evidence with this other secret key instead of asking the hardware
    #[arg(long, value_name = "KEY", requires = "build")]
    pub(crate) software: Option<PathBuf>,
    /// With --software: hash of the code's build record
    #[arg(long, value_name = "HASH", requires = "software")]
    pub(crate) build: Option<String>,
}

/// As a member: challenge a machine, judge its evidence, and answer once
///
/// Without evidence for this member, prints a challenge: a nonce that is good for 60 seconds. With evidence that answers
/// it, judges that by the policy that the box names, shows what is released to whom, and asks. A file `revoked.toml`
/// beside the policy is read. A member answers a request once; repeated, it prints the same answer.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys vault answer disk.box asked.vault --group vault.group --key north.key \\
      --policy vault.toml
  $ sotto keys vault answer disk.box done.vault --group vault.group --key north.key \\
      --policy vault.toml --yes")]
pub(crate) struct VaultReply {
    #[command(flatten)]
    pub(crate) files: VaultFiles,
    /// The policy that the box names
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The vendor's collateral, which you downloaded yourself; software has none
    #[arg(long, value_name = "FILE")]
    pub(crate) collateral: Option<PathBuf>,
    /// Remember the highest numbers of collateral here, and refuse older collateral
    #[arg(long, value_name = "FILE")]
    pub(crate) seen: Option<PathBuf>,
    /// Write the evidence that was accepted, with collateral, policy and time, to this file
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) bundle: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) member: KeysMember,
}

/// On the machine: open a box with the answers of t members
///
/// A false answer names its member, and the others' count all the same. What was opened is written to a file of mode
/// 0600, or to standard output.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys vault open disk.box done.vault --group vault.group --key machine.key \\
      --out opened.secret
  $ sotto keys vault open disk.box done.vault --group vault.group --key machine.key --out -")]
pub(crate) struct VaultOpen {
    #[command(flatten)]
    pub(crate) files: VaultFiles,
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// The machine's secret key for this request
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Write the contents to this new file; `-` is standard output, and prints nothing else there
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Explain a box, and letters about it
///
/// With --group, also says whether the box is for that group, and which letters its members signed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto keys vault show disk.box
  $ sotto keys vault show disk.box done.vault --group vault.group --json")]
pub(crate) struct VaultShow {
    #[command(flatten)]
    pub(crate) files: VaultFiles,
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: Option<PathBuf>,
}
