//! The verbs of `sotto audit`. Help headings hold for all options after them, so a verb's own options come before the
//! letters, whose last options are those of a node.

use super::{AccountArgs, KeysMember, NodeArgs, WalletChoice};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Read amounts of a chain with auditors, as its charter allows
///
/// A request names outputs and a reason. Authorities of the charter sign it, a notice puts its hash on record, and once
/// that is deep enough members of the auditors' group answer, each with its own node and log. The reader opens amounts
/// with the answers of enough members (fewer show nothing), and puts on record which members answered. After the charter's
/// delay members hand out the request: nodes keep it, and every wallet sees which of its outputs were read.
/// docs/AUDIT.md shows every step. Each verb reads letters from files or `-` and prints the next one.
///
/// Unaudited: the protocol and the code have had no review outside the project.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Audit {
    Charter(AuditCharter),
    Request(AuditAsk),
    Sign(AuditSign),
    Notice(AuditNotice),
    Answer(AuditReply),
    Read(AuditRead),
    Record(AuditRecord),
    Open(AuditOpen),
    Log(AuditList),
    Watch(AuditWatch),
}

/// A chain with auditors, and its charter.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuditChain {
    /// The charter whose hash the chain has
    #[arg(long, value_name = "FILE")]
    pub(crate) charter: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// The auditors' group, and whose key works with it.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuditKeys {
    /// The auditors' group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// Your secret key file, made by `sotto mpc keygen`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// A request and its charter, judged by a chain.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuditLetters {
    /// The request, and for `read` the answers; `-` is standard input
    #[arg(required = true)]
    pub(crate) letter: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) chain: AuditChain,
}

/// Write the charter of a new chain's auditors
///
/// Each party that joins the chain can compare the text with the hash in its parameters. It cannot be changed later.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit charter --auditors audit.group --authority south.pub west.pub --needed 2 \\
      > new.charter
  $ sotto audit charter --auditors audit.group --authority south.pub --depth 6 --delay 1440")]
pub(crate) struct AuditCharter {
    /// The auditors' group
    #[arg(long, value_name = "FILE")]
    pub(crate) auditors: PathBuf,
    /// Public key files of those who can allow requests
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) authority: Vec<PathBuf>,
    /// How many of them must sign a request
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) needed: u8,
    /// Most outputs of a request
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) outputs: u16,
    /// Most requests that an auditor answers in thirty days
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) requests: u64,
    /// Blocks from the notice's own on before an auditor answers
    #[arg(long, value_name = "BLOCKS", default_value_t = 6)]
    pub(crate) depth: u64,
    /// Blocks after the notice before auditors hand out what was asked
    #[arg(long, value_name = "BLOCKS", default_value_t = 43_200)]
    pub(crate) delay: u64,
    /// Text to add, such as the law that it rests on
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
}

/// Ask for the amounts of outputs
///
/// Everything here but the case becomes public after the charter's delay. The case's name is hashed with a fresh salt, which is
/// printed once: keep it to show later which case it was.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit request $(cat audit.output) --charter audit.charter --reader west.pub \\
      --case 12/26 --reason 'an order of the court' --dir audited > new.request")]
pub(crate) struct AuditAsk {
    /// Outputs, each with the height of its block: HEIGHT:OUTPUT
    #[arg(required = true, value_name = "HEIGHT:OUTPUT")]
    pub(crate) output: Vec<String>,
    /// Public key file of the reader
    #[arg(long, value_name = "FILE")]
    pub(crate) reader: PathBuf,
    /// Name of the case
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: String,
    /// Why, in plain words
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) chain: AuditChain,
}

/// As an authority: allow a request
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit sign asked.request --charter audit.charter --key south.key --yes --dir audited")]
pub(crate) struct AuditSign {
    /// Your secret key file, made by `sotto mpc keygen`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) letters: AuditLetters,
}

/// Put the hash of a request on record, and pay for that; print the request with the notice's kernel
///
/// The notice shows since when the request exists, and not what it asks. Repeated, the command pays nothing.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit notice asked.request --charter audit.charter --wallet alice --yes --dir audited")]
pub(crate) struct AuditNotice {
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) letters: AuditLetters,
    #[command(flatten)]
    pub(crate) wallet: WalletChoice,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// As an auditor: answer a request, once, if the charter allows it
///
/// Refused unless enough authorities signed, the notice is deep enough in this chain, each output is in its block, and you
/// answered fewer requests in the last thirty days than the charter allows. The log of answers is on disk before the answer is printed.
/// Repeated, it prints the same answer. This node must keep all blocks, or spent outputs cannot be read.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit answer deep.request --charter audit.charter --group audit.group --key north.key \\
      --yes --dir audited")]
pub(crate) struct AuditReply {
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Answer even if readers have put answers of yours on record that your log lacks
    #[arg(long)]
    pub(crate) accept_older_log: bool,
    #[command(flatten)]
    pub(crate) letters: AuditLetters,
    #[command(flatten, next_help_heading = None::<&str>)]
    pub(crate) member: KeysMember,
}

/// As the reader: open amounts with the answers of enough auditors
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit read deep.request audit.answers --charter audit.charter --group audit.group \\
      --key west.key --dir audited")]
pub(crate) struct AuditRead {
    #[command(flatten)]
    pub(crate) keys: AuditKeys,
    #[command(flatten)]
    pub(crate) letters: AuditLetters,
}

/// As the reader: sign which members answered; print the request with that record, for `sotto audit notice`
///
/// Members compare the record with their logs once the request is public. It does not show amounts.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit record deep.request audit.answers --charter audit.charter --group audit.group \\
      --key west.key --dir audited")]
pub(crate) struct AuditRecord {
    #[command(flatten)]
    pub(crate) keys: AuditKeys,
    #[command(flatten)]
    pub(crate) letters: AuditLetters,
}

/// As an auditor: hand out the requests that were answered and whose delay is over
///
/// The node keeps each and gives it to its peers; it is printed too. Letters add what you did not have when you
/// answered, such as the record of the answers. If one cannot be handed out, the command names it and hands out the others.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit open --charter audit.charter --group audit.group --key north.key --dir audited")]
pub(crate) struct AuditOpen {
    /// Requests with what was added to them later; `-` is standard input
    pub(crate) letter: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: AuditKeys,
    #[command(flatten)]
    pub(crate) chain: AuditChain,
}

/// As an auditor: list what this installation has answered
///
/// The link in the last line depends on all lines before it. Keep it elsewhere: it shows whether the log is an older copy.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit log --group audit.group --key north.key --dir audited")]
pub(crate) struct AuditList {
    #[command(flatten)]
    pub(crate) keys: AuditKeys,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Check requests that auditors handed out, and say which of this wallet's outputs they name
///
/// Without letters, those that the node keeps. Nodes give them to each other, with the charter.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto audit watch --wallet alice --dir audited
  $ sotto audit watch deep.request --charter audit.charter --wallet alice --dir audited")]
pub(crate) struct AuditWatch {
    /// Requests; `-` is standard input
    #[arg(requires = "charter")]
    pub(crate) letter: Vec<PathBuf>,
    /// The charter whose hash the chain has
    #[arg(long, value_name = "FILE")]
    pub(crate) charter: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) wallet: WalletChoice,
}
