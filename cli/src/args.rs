//! The command line: one declaration that feeds parser, help, man pages and completions.
//!
//! Each verb ends with runnable examples; `tests/examples.rs` runs every line that starts with `$ sotto`.

use crate::secret::PassphraseArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Pay confidentially, compute jointly
///
/// A confidential ledger (amounts hidden, no addresses on chain) and garbled-circuit computation between data owners
/// who keep their data. The cryptography is unaudited: do not trust it with real money or real patients yet.
#[derive(Parser, Debug)]
#[command(
    name = "sotto",
    version,
    propagate_version = true,
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
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(crate) verbose: bool,
    /// When to use colours [default: auto]
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        hide_possible_values = false,
        help_heading = "Everywhere"
    )]
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
    Mpc(Mpc),
    Speed(Speed),
    #[command(subcommand)]
    Config(Config),
    #[command(subcommand)]
    Generate(Generate),
}

/// Show everything once: payments on a ledger of your own, and a joint computation on real data
///
/// Part one creates a ledger and two wallets on disk, pays with real slates, and audits the supply. Part two lets two
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

/// The ledger on this machine
#[derive(Subcommand, Debug)]
pub(crate) enum Chain {
    Init(ChainInit),
    Info(ChainInfo),
    Seal(ChainSeal),
    Submit(ChainSubmit),
    Block(ChainBlock),
    Audit(ChainAudit),
    Prune(ChainPrune),
    Export(ChainExport),
    Import(ChainImport),
}

/// Create a solo ledger, and the operator key that seals its blocks
///
/// The parameters are fixed for ever: the chain's id is their hash.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain init --dir new
  $ sotto chain init --dir another --reward 5000000 --maturity 10
  $ sotto chain init --dir small --reorganisation 4 --window 120")]
pub(crate) struct ChainInit {
    /// New base units in each block [default: 6000000000]
    #[arg(long, value_name = "UNITS")]
    pub(crate) reward: Option<u64>,
    /// Blocks before a reward can be spent [default: 3]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) maturity: Option<u64>,
    /// How many of the last blocks can be replaced by others; what is below is final [default: 720]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) reorganisation: Option<u64>,
    /// How long a payment can wait for its block: a multiple of 60, above --reorganisation [default: 1440]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) window: Option<u64>,
}

/// Height, supply, sizes and parameters
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain info
  $ sotto chain info --json")]
pub(crate) struct ChainInfo {}

/// Seal the pending transactions into a block; the reward goes to a wallet
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain seal --wallet alice
  $ sotto chain seal --wallet alice --blocks 3")]
pub(crate) struct ChainSeal {
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
    /// How many blocks
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) blocks: u32,
}

/// Hand in a finished transaction; it waits for the next block
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain submit transaction.txt
  $ cat transaction.txt | sotto chain submit -")]
pub(crate) struct ChainSubmit {
    /// The transaction, as `wallet finalize` printed it; `-` is standard input
    pub(crate) file: PathBuf,
}

/// What anybody can see of a block: commitments, proofs and kernels
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain block 1
  $ sotto chain block 1 --json")]
pub(crate) struct ChainBlock {
    /// The block's height
    pub(crate) height: u64,
}

/// Verify everything on disk again: seals, signatures, proofs, and that the supply adds up
///
/// Blocks that were pruned are verified from their headers, kernels and unspent outputs; the audit says what that no longer
/// shows.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain audit
  $ sotto chain audit --json")]
pub(crate) struct ChainAudit {}

/// Drop the bodies of all blocks that are final: what they spent is gone, what they prove stays
///
/// Headers with their seals, all kernels, and the unspent outputs stay, and `chain audit` verifies the chain from the
/// genesis with nothing else. Final are all blocks but the last ones that a reorganisation could replace (see `chain
/// init --reorganisation`). What was dropped cannot be brought back, and `chain block` shows no block that was pruned.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain prune
  $ sotto chain prune --json && sotto chain audit")]
pub(crate) struct ChainPrune {}

/// Write the chain's state as a snapshot: headers with seals, kernels, unspent outputs
///
/// The snapshot holds no key, and no body of a block. It comes in parts that are checked one by one: where a copy is damaged
/// only that part has to come from another copy. The same state gives the same bytes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain export ledger.snapshot
  $ sotto chain export --height 8 ledger.snapshot
  $ sotto chain export - | sotto chain import - --dir copy")]
pub(crate) struct ChainExport {
    /// Where to; `-` is standard output
    pub(crate) file: PathBuf,
    /// The state after this block, which must not be below the reorganisation limit [default: the last]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) height: Option<u64>,
    /// About how many headers, kernels or outputs go into a part
    #[arg(long, value_name = "ITEMS", default_value_t = node::edge::store::PART_ITEMS,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) part: u32,
}

/// Create a ledger from a snapshot, verifying all of it
///
/// Every seal, signature and range proof is verified, and that the supply adds up. Damaged parts are named, the rest is
/// kept, and another copy of the same snapshot fills the gaps. All trust is in the chain's id: compare it, or give it with
/// --id. The ledger cannot seal blocks, since the operator's key is in no snapshot; nor can it go back behind it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain export ledger.snapshot && sotto chain import ledger.snapshot --dir copy
  $ sotto chain export - | sotto chain import - --dir copy && sotto chain audit --dir copy")]
pub(crate) struct ChainImport {
    /// The snapshot; `-` is standard input
    pub(crate) file: PathBuf,
    /// Take a snapshot of this chain only
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
}

/// Which wallet.
#[derive(Args, Clone, Debug)]
pub(crate) struct WalletArgs {
    /// The wallet's name
    #[arg(long, value_name = "NAME", default_value = "default", global = true)]
    pub(crate) wallet: String,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Keys, payments and outputs of a person
///
/// A payment takes three steps: the payer sends an invite, the receiver responds, the payer finalizes. Each
/// step reads and writes text that may travel by chat or mail. Nothing in a slate lets anyone take money, but it tells
/// its reader the amount: choose the channel accordingly.
#[derive(Args, Debug)]
pub(crate) struct Wallet {
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
    #[command(subcommand)]
    pub(crate) verb: WalletVerb,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WalletVerb {
    Init(WalletInit),
    Restore(WalletRestore),
    Info(WalletInfo),
    Address(WalletAddress),
    Send(WalletSend),
    Receive(WalletReceive),
    Finalize(WalletFinalize),
    Cancel(WalletCancel),
    Outputs(WalletOutputs),
    Scan(WalletScan),
}

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

/// Balance: spendable, immature, on its way, locked
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet info --wallet alice")]
pub(crate) struct WalletInfo {}

/// The address that payers need to know
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet address --wallet bob")]
pub(crate) struct WalletAddress {}

/// Start a payment: prints the invite for the receiver
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet send 2500000 --to $(cat bob.address) --yes --wallet alice > mine.txt
  $ sotto wallet send 2500000 --to $(cat bob.address) --dry-run --wallet alice")]
pub(crate) struct WalletSend {
    /// How much the receiver gets, in base units
    #[arg(value_name = "UNITS", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// The receiver's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Answer an invite: prints the response for the payer
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet receive invite.txt --yes --wallet bob > answer.txt")]
pub(crate) struct WalletReceive {
    /// The invite; `-` is standard input
    pub(crate) file: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Finish a payment with the receiver's response: prints the transaction
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet finalize response.txt --wallet alice > finished.txt
  $ sotto wallet finalize response.txt --wallet alice | sotto chain submit -")]
pub(crate) struct WalletFinalize {
    /// The response; `-` is standard input
    pub(crate) file: PathBuf,
}

/// Give up a payment that was started and not finalized: free of charge, its outputs are free again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet cancel invite.txt --wallet alice")]
pub(crate) struct WalletCancel {
    /// The invite as `send` printed it; `-` is standard input
    pub(crate) file: PathBuf,
}

/// Every output the wallet knows
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet outputs --wallet alice")]
pub(crate) struct WalletOutputs {}

/// Look through the chain for outputs of this wallet and for those that were spent
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet scan --wallet alice")]
pub(crate) struct WalletScan {}

/// Computations between parties who keep their inputs (two parties, semi-honest)
#[derive(Subcommand, Debug)]
pub(crate) enum Mpc {
    Circuit(MpcCircuit),
    Auc(MpcAuc),
}

/// Which side of the protocol this process is.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Garbles the circuit
    Garbler,
    /// Evaluates it
    Evaluator,
    /// Both ends in this process, for trying out
    Both,
}

/// How the two parties meet.
#[derive(Args, Clone, Debug)]
pub(crate) struct Meeting {
    /// Wait for the other party here
    #[arg(long, value_name = "ADDR", conflicts_with = "connect")]
    pub(crate) listen: Option<SocketAddr>,
    /// Go to the other party there
    #[arg(long, value_name = "ADDR")]
    pub(crate) connect: Option<SocketAddr>,
    /// Allow an unencrypted connection that leaves this machine
    #[arg(long)]
    pub(crate) insecure_plaintext: bool,
    /// Seconds to wait for the other party, at every step
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

/// Evaluate a Bristol Fashion circuit on both parties' inputs
///
/// The input file holds this role's values, one hexadecimal integer per line; bit i of a value is wire i of it. The
/// garbler owns the circuit's first value and the evaluator the rest, unless --garbler-values says otherwise; `both`
/// gives all of them in the circuit's order. Outputs are printed the same way. Semi-honest: each party is
/// assumed to follow the protocol.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc circuit adder.txt --role both --input numbers.hex
  $ printf '2\\n3\\n' | sotto mpc circuit adder.txt --role both --input - --json")]
pub(crate) struct MpcCircuit {
    /// The circuit
    pub(crate) file: PathBuf,
    /// This process' side
    #[arg(long)]
    pub(crate) role: Role,
    /// This side's values; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) meeting: Meeting,
    /// How many of the circuit's values are the garbler's
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) garbler_values: usize,
}

/// How well each measurement tells two classes apart over both parties' patients (AUC, DeLong)
///
/// Each party gives its rows as CSV: the measurements in the schema's order, then the class (0 positive, 1
/// negative). Both learn, for each measurement, twice the Mann-Whitney U and the two sums of squares that
/// DeLong's interval needs, and how many rows of each class the other has. Semi-honest.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc auc --role garbler --listen 127.0.0.1:7707 --input one.csv & \\
    sotto mpc auc --role evaluator --connect 127.0.0.1:7707 --input two.csv")]
pub(crate) struct MpcAuc {
    /// This process' side
    #[arg(long)]
    pub(crate) role: Role,
    /// This side's rows; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Names, decimals and bits of the measurements [default: the 30 of the breast-cancer data]
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) meeting: Meeting,
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
