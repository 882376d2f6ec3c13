//! The verbs of `sotto tee`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Attested computers: make evidence, verify it offline, and say what is trusted
///
/// Evidence is what a processor signs of the code that it runs: quotes of Intel SGX and TDX, reports of AMD
/// SEV-SNP. It is verified with files alone: the program fetches nothing. A policy says which code on which
/// platforms is trusted. The verifier has not been audited.
#[derive(Subcommand, Debug)]
pub(crate) enum Tee {
    Evidence(TeeEvidence),
    Verify(TeeVerify),
    #[command(subcommand)]
    Policy(TeePolicy),
}

/// What evidence is for.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TeePurpose {
    /// A party's key was made in this code: --build
    Enrol,
    /// The code is at the end of a channel: --job, --run, --nonce, --verifier, --exporter
    Session,
    /// The code computed a result: --job, --run, --facts
    Receipt,
}

/// What evidence is bound to. Hashes have 64 hexadecimal digits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What the evidence is for")]
pub(crate) struct TeeBinding {
    /// What the evidence is for
    #[arg(long)]
    pub(crate) purpose: Option<TeePurpose>,
    /// Public key file of the party whose evidence it is
    #[arg(long, value_name = "FILE")]
    pub(crate) party: Option<PathBuf>,
    /// Hash of the code's build record
    #[arg(long, value_name = "HASH")]
    pub(crate) build: Option<String>,
    /// The job's id
    #[arg(long, value_name = "HASH", hide_short_help = true)]
    pub(crate) job: Option<String>,
    /// The run's id
    #[arg(long, value_name = "HASH", hide_short_help = true)]
    pub(crate) run: Option<String>,
    /// Hash of the receipt's facts
    #[arg(long, value_name = "HASH", hide_short_help = true)]
    pub(crate) facts: Option<String>,
    /// What the verifier drew
    #[arg(long, value_name = "HASH", hide_short_help = true)]
    pub(crate) nonce: Option<String>,
    /// Public key file of the verifier
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) verifier: Option<PathBuf>,
    /// What both ends of the channel export
    #[arg(long, value_name = "HASH", hide_short_help = true)]
    pub(crate) exporter: Option<String>,
}

/// Ask this machine for evidence, and write it to a file
///
/// A virtual machine with TDX or SEV-SNP is asked through the kernel (configfs-tsm), an enclave under Gramine
/// through its device. With --software, the party's own key signs instead: no hardware vouches for anything,
/// verifiers refuse it unless their policy says `allow_software = true`, and label every verdict that rests on
/// it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto tee evidence new.evidence --software north.key --purpose enrol \\
      --build $(sha256sum build.txt | cut -c-64)")]
pub(crate) struct TeeEvidence {
    /// The file to write
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) binding: TeeBinding,
    /// Sign with this secret key of the party instead of asking the hardware; also needs --build
    #[arg(long, value_name = "KEY")]
    pub(crate) software: Option<PathBuf>,
    /// Overwrite a file that exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Verify evidence or a bundle offline, and decide on it by a policy
///
/// Evidence needs --policy, what it is for, and the vendor's collateral: download it yourself, and do not take
/// the prover's. A file `revoked.toml` beside the policy is always read. With --bundle, all of it is written to
/// one file for an archive.
///
/// A bundle has two verdicts: what held when it was made (--at receipt, the default) and what holds today (--at
/// now, with fresh --collateral). It contains its author's policy: with --policy it must be yours. The verifier
/// has not been audited.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto tee verify north.evidence --policy tee.toml --purpose enrol --party north.pub \\
      --build $(sha256sum build.txt | cut -c-64) --bundle new.bundle
  $ sotto tee verify north.bundle --policy tee.toml --json
  $ sotto tee verify north.bundle --at now --collateral /dev/null")]
pub(crate) struct TeeVerify {
    /// Evidence, a quote, a report or a bundle
    pub(crate) file: PathBuf,
    /// The policy that decides; of a bundle, the policy that it must have been made under
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The vendor's collateral, as JSON; software has none
    #[arg(long, value_name = "FILE")]
    pub(crate) collateral: Option<PathBuf>,
    /// When: `now`, `receipt` (when a bundle was made), a date (2026-11-29T12:00:00Z) or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Remember the highest numbers of collateral here, and refuse older collateral
    #[arg(long, value_name = "FILE")]
    pub(crate) seen: Option<PathBuf>,
    /// Write evidence, collateral, policy and time to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) binding: TeeBinding,
}

/// Read policies, and revoke what is not trusted any more
#[derive(Subcommand, Debug)]
pub(crate) enum TeePolicy {
    Check(TeePolicyFile),
    Show(TeePolicyShow),
    Hash(TeePolicyHash),
    Revoke(TeePolicyRevoke),
}

/// Check a policy, and warn of what it leaves open
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto tee policy check tee.toml")]
pub(crate) struct TeePolicyFile {
    /// The policy
    pub(crate) file: PathBuf,
}

/// Show a policy with all its defaults
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto tee policy show tee.toml")]
pub(crate) struct TeePolicyShow {
    /// The policy
    pub(crate) file: PathBuf,
}

/// Print the hash of all that a policy says
///
/// Comments, order of keys and defaults that are written out do not change it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto tee policy hash tee.toml")]
pub(crate) struct TeePolicyHash {
    /// The policy
    pub(crate) file: PathBuf,
}

/// Revoke a platform, a measurement or an advisory, and list what rests on it
///
/// The entry is added to `revoked.toml` in the folder of the policies, which every appraisal reads. It can only
/// refuse. Bundles and receipts in that folder and below it that rest on it are listed, with their parties.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto tee policy revoke --advisory INTEL-SA-00615 --dry-run
  $ sotto tee policy revoke --platform $(sha256sum build.txt | cut -c-64)")]
pub(crate) struct TeePolicyRevoke {
    #[command(flatten)]
    pub(crate) what: TeeRevocable,
    /// The folder of the policies
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) policies: PathBuf,
    /// List only; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What is revoked.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct TeeRevocable {
    /// A platform, as `tee verify` prints it
    #[arg(long, value_name = "ID")]
    pub(crate) platform: Option<String>,
    /// A measurement, whatever field it is in
    #[arg(long, value_name = "HEX")]
    pub(crate) measurement: Option<String>,
    /// An advisory of a vendor: platforms to which it applies
    #[arg(long, value_name = "ID")]
    pub(crate) advisory: Option<String>,
}
