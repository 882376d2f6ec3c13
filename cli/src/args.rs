//! The command line: one declaration that feeds the parser, the help, the man pages and the completions.
//!
//! ```text
//! sotto NOUN VERB [options]      chain · wallet · node · net · mpc · keys · audit · tee · dandelion · config · generate
//! sotto demo | speed | help
//! ```
//!
//! Each noun has a file here and a file of the same name under `commands/`. Each verb ends with one to three
//! examples; `tests/examples.rs` runs every line that starts with `$ sotto`. Options that many verbs share
//! have help headings of their own ("Wallet options", "Global options"), so that a verb's own options come
//! first.

mod audit;
mod chain;
mod change;
mod dandelion;
mod keys;
mod mpc;
mod node;
mod node_client;
mod tee;
mod validator;
mod wallet;

pub(crate) use self::{
    audit::*, chain::*, change::*, dandelion::*, keys::*, mpc::*, node::*, node_client::*, tee::*,
    validator::*, wallet::*,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Pay confidentially and compute jointly
///
/// Sotto is a confidential ledger (hidden amounts, no addresses on the chain) and a tool for joint
/// computation, in which several parties compute a function of their data and none sees the data of
/// another. The cryptography has not been audited: do not use it for real money or real patient data yet.
#[derive(Parser, Debug)]
#[command(
    name = "sotto",
    version,
    disable_help_flag = true,
    after_help = "`sotto help wallet send` and `sotto wallet send --help` explain a command, with examples.",
    after_long_help = "\
Exit codes:
  0    done
  1    refused: invalid, insufficient or not found
  2    wrong usage
  3    the node or another party cannot be reached
  4    declined, or no terminal to ask on
  5    a joint computation ended and has no result
  70   internal error
  130  interrupted

Examples:
  $ sotto demo
  $ sotto help wallet send
  $ sotto wallet balance --wallet alice"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder that holds the chain and the wallets
    #[arg(long, global = true, value_name = "DIR", env = "SOTTO_DIR", hide_env_values = true)]
    pub(crate) dir: Option<PathBuf>,
    /// Print versioned JSON records instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no messages except errors
    #[arg(short, long, global = true, conflicts_with = "verbose", hide_short_help = true)]
    pub(crate) quiet: bool,
    /// Print details
    #[arg(short, long, global = true, hide_short_help = true)]
    pub(crate) verbose: bool,
    /// How long to wait for a chain or a wallet that another process is using; 0: not at all
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10, hide_short_help = true,
          value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) wait: u64,
    /// When to use colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", hide_short_help = true)]
    pub(crate) color: Option<Color>,
    /// Print help: -h a screen of it, --help all, with examples
    #[arg(short, long, global = true, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Even into files and pipes
    Always,
    /// Not at all
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
    Net(Net),
    #[command(subcommand)]
    Mpc(Mpc),
    #[command(subcommand)]
    Keys(Keys),
    #[command(subcommand)]
    Audit(Audit),
    #[command(subcommand)]
    Tee(Tee),
    #[command(subcommand)]
    Dandelion(Dandelion),
    Speed(Speed),
    #[command(subcommand)]
    Config(Config),
    #[command(subcommand)]
    Generate(Generate),
}

/// Show everything once: confidential payments, and a joint computation on real data
///
/// Part one creates a ledger, two wallets and a network of five nodes, four of which are validators, makes four
/// payments through it, kills a validator on the way, shows what an outsider and each node could learn of them,
/// and audits the supply. In part two, two processes each hold half of 569 real patient records and compute
/// which of 30 measurements best tells malignant from benign, without showing each other a row. Every result is
/// checked; the exit code is 1 if a check fails. With --dir, everything is kept in that new folder.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto demo
  $ sotto demo --verbose           # every payment, the last block, all 30 measurements
  $ sotto demo --sabotage table    # breaks something on purpose; exits with 1")]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Demo {
    /// Break one thing on purpose, to see that the checks notice
    #[arg(long, value_name = "WHAT")]
    pub(crate) sabotage: Option<Sabotage>,
    #[command(subcommand)]
    pub(crate) part: Option<DemoPart>,
}

/// A demo of its own.
#[derive(Subcommand, Debug)]
pub(crate) enum DemoPart {
    Sale(DemoSale),
}

/// Show a result that is sold: three owners are paid, and the buyer reads it
///
/// Starts a network of four validators on this machine, gives a buyer money, lets three shops offer their sales, and runs a
/// job in which two computers find the best-selling products of all three. The buyer's money waits in holds until the shops
/// claim it, and the first claim in a block opens the result. Every party is a process of its own. The result is compared
/// with the same computation in the clear, and the money is counted. It takes about a minute, and ends all processes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto demo sale
  $ sotto demo sale --json")]
pub(crate) struct DemoSale {}

/// What the demo can break on purpose.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Submit a payment with an output that is one unit too large
    Inflate,
    /// Flip bits of the garbled tables in transit
    Table,
    /// Flip bits of the wire labels in transit
    Label,
}

/// Measure this machine: proofs, signatures, a block, garbling and oblivious transfer
///
/// Each figure is a median of wall time; all of them take about fifteen seconds. Proving, verifying one proof
/// and scanning an output use one thread; batches and the block use all threads.
///
/// The instructions are the best that this machine has. --backend takes others, to see what they are worth: for the
/// ledger portable, avx2 and ifma, or neon on ARM; for garbling portable, aesni, vaes and vaes512, or neon. It can be given once
/// for each.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto speed
  $ sotto speed --threads 1 --json
  $ sotto speed --lanes 2 --backend portable --json")]
pub(crate) struct Speed {
    /// Number of threads [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) threads: Option<u16>,
    /// Also measure two parties that compute in so many lanes, each lane a thread at each party
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) lanes: Option<u8>,
    /// Instructions to use, by name [default: the best that this machine has]
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Vec<String>,
}

/// Show the settings
#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    Show(ConfigShow),
}

/// Show the settings in force
///
/// A flag overrides the environment, the environment overrides the user's file, and that overrides the
/// default. The user's file is $XDG_CONFIG_HOME/sotto/config.toml, with the keys `dir` and `color`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto config show
  $ sotto config show --origin")]
pub(crate) struct ConfigShow {
    /// Also show where each setting comes from
    #[arg(long)]
    pub(crate) origin: bool,
}

/// Write man pages and shell completions
#[derive(Subcommand, Debug)]
pub(crate) enum Generate {
    All(GenerateAll),
    Completions(GenerateCompletions),
    Man(GenerateMan),
}

/// Write all man pages and all completions into a folder
///
/// The man pages go to FOLDER/man/man1, one for each command; the completions go to FOLDER/completions, one
/// for each of bash, elvish, fish, powershell and zsh.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto generate all share
  $ sotto generate all share --force && ls share/man/man1")]
pub(crate) struct GenerateAll {
    /// The folder; it is created if it does not exist
    pub(crate) folder: PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    pub(crate) force: bool,
}

/// Print the completions for one shell
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto generate completions bash > sotto.bash")]
pub(crate) struct GenerateCompletions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print the man page of the program or of one command
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto generate man > sotto.1
  $ sotto generate man wallet send > sotto-wallet-send.1")]
pub(crate) struct GenerateMan {
    /// The command, such as `wallet send`
    pub(crate) command: Vec<String>,
}
