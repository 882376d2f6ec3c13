//! The command line: one declaration that feeds parser, help, man pages and completions.
//!
//! Each verb ends with runnable examples; `tests/examples.rs` runs every line that starts with `$ sotto`.

mod ask;
mod chain;
mod dandelion;
mod mpc;
mod node;
mod wallet;

pub(crate) use self::{ask::*, chain::*, dandelion::*, mpc::*, node::*, wallet::*};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Pay confidentially, compute jointly
///
/// A confidential ledger (amounts hidden, no addresses on chain) and garbled-circuit computation between data owners
/// who keep their data. The cryptography is unaudited: do not trust it with real money or real patients yet.
#[derive(Parser, Debug)]
#[command(
    name = "sotto",
    version,
    disable_help_subcommand = true,
    after_long_help = "\
Exit codes: 0 done · 1 refused · 2 usage · 3 node or party unreachable · 4 declined or no terminal · 70 internal · 130 interrupted

Examples:
  $ sotto demo
  $ sotto chain info
  $ sotto wallet info --wallet alice"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every verb takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Folder of the chain and the wallets
    #[arg(long, global = true, value_name = "DIR", env = "SOTTO_DIR", help_heading = "Everywhere")]
    pub(crate) dir: Option<PathBuf>,
    /// Print versioned JSON records instead of text
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true, hide_short_help = true, help_heading = "Everywhere")]
    pub(crate) verbose: bool,
    /// When to use colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", hide_short_help = true, help_heading = "Everywhere")]
    pub(crate) color: Option<Color>,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Demo(Demo),
    #[command(subcommand)]
    Chain(Chain),
    Wallet(Wallet),
    #[command(subcommand)]
    Node(Node),
    #[command(subcommand)]
    Mpc(Mpc),
    #[command(subcommand)]
    Dandelion(Dandelion),
    Speed(Speed),
    #[command(subcommand)]
    Config(Config),
    #[command(subcommand)]
    Generate(Generate),
}

/// Show everything once: payments on a ledger of your own, and a joint computation on real data
///
/// Part one creates a ledger and two wallets on disk, pays with real slates through a network of five nodes, tells what each of
/// them could have known, and audits the supply. Part two lets two
/// processes, each holding half of 569 real patients, compute which of 30 measurements best tells malignant
/// from benign, without showing each other a row. It exits with 1 when any check fails.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto demo
  $ sotto demo --json
  $ sotto demo --sabotage table    # breaks something on purpose; exits with 1")]
pub(crate) struct Demo {
    /// Break one thing on purpose and watch the demo refuse
    #[arg(long, value_name = "WHAT")]
    pub(crate) sabotage: Option<Sabotage>,
}

/// What a demo may break on purpose.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Submit a payment with an output that is one unit too large
    Inflate,
    /// Flip bits in the garbled tables on their way
    Table,
    /// Flip bits in the wire labels on their way
    Label,
}

/// Measure this machine: proving, verifying one and many, signatures, a block
///
/// Medians of wall time, in about fifteen seconds. Proving, verifying one proof and looking through an output take one thread;
/// batches and the block take all of them.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto speed
  $ sotto speed --threads 1 --json")]
pub(crate) struct Speed {
    /// Threads to use [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) threads: Option<u16>,
}

/// Settings
#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    Show(ConfigShow),
}

/// Show the settings in force: defaults, then the user's file, then the environment, then flags
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto config show --origin")]
pub(crate) struct ConfigShow {
    /// Say where each setting comes from
    #[arg(long)]
    pub(crate) origin: bool,
}

/// Shell completions and manual pages
#[derive(Subcommand, Debug)]
pub(crate) enum Generate {
    Completions(GenerateCompletions),
    Man(GenerateMan),
}

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto generate completions bash > sotto.bash")]
pub(crate) struct GenerateCompletions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page of the program or of one verb
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto generate man > sotto.1
  $ sotto generate man wallet send > sotto-wallet-send.1")]
pub(crate) struct GenerateMan {
    /// The verb, such as `wallet send`
    pub(crate) verb: Vec<String>,
}
