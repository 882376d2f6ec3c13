//! The verbs of `sotto mpc`.
//!
//! Jobs: `keygen`, `check`, `quote`, `sign`, `offer`, `run`, `buy`, `verify`, `local`, `rendezvous`. Two-party tools: `circuit`, `auc`.

mod buy;
mod offer;
mod part;
mod verify;

pub(crate) use buy::*;
pub(crate) use offer::*;
pub(crate) use part::*;
pub(crate) use verify::*;

use clap::{Args, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Compute jointly: jobs between organisations, and two-party tools
///
/// Parties compute a function of their data without showing it to each other. A job is a file that says
/// who computes what, from whose data and for whom. All parties sign it, and each runs its own part. The
/// protocol protects from parties that follow it and are curious, and with `adversary = "malicious"` in the job
/// from one compute party that does anything it likes.
#[derive(Subcommand, Debug)]
pub(crate) enum Mpc {
    New(MpcNew),
    Try(MpcTry),
    Keygen(MpcKeygen),
    Check(MpcCheck),
    Quote(MpcQuote),
    Sign(MpcSign),
    Bundle(MpcBundle),
    Collect(MpcCollect),
    #[command(subcommand)]
    Offer(MpcOffer),
    Run(MpcRun),
    Buy(MpcBuy),
    Verify(MpcVerify),
    Local(MpcLocal),
    Rendezvous(MpcRendezvous),
    Circuit(MpcCircuit),
    Auc(MpcAuc),
}

/// The role of this process in the protocol.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Garbles the circuit
    Garbler,
    /// Evaluates the garbled circuit
    Evaluator,
    /// Both in this process, to try a circuit out
    Both,
}

/// How the two parties connect.
#[derive(Args, Clone, Debug)]
pub(crate) struct PeerArgs {
    /// Wait for the other party at this address
    #[arg(long, value_name = "ADDR", conflicts_with = "connect")]
    pub(crate) listen: Option<SocketAddr>,
    /// Connect to the other party at this address
    #[arg(long, value_name = "ADDR")]
    pub(crate) connect: Option<SocketAddr>,
    /// Allow an unencrypted connection that leaves this machine
    #[arg(long)]
    pub(crate) insecure_plaintext: bool,
    /// Seconds to wait for the other party at each step
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

/// Evaluate a Bristol Fashion circuit on the inputs of two parties
///
/// The input file holds the values of this role, one hexadecimal integer per line; bit i of a value is wire i
/// of it. The first value of the circuit belongs to the garbler and the others to the evaluator, unless
/// --garbler-values says otherwise; `both` takes all values in the circuit's order. Outputs are printed in
/// the same form. Semi-honest.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc circuit adder.txt --role both --input numbers.hex
  $ printf '2\\n3\\n' | sotto mpc circuit adder.txt --role both --input - --json")]
pub(crate) struct MpcCircuit {
    /// The circuit
    pub(crate) file: PathBuf,
    /// Role of this process
    #[arg(long)]
    pub(crate) role: Role,
    /// Values of this role; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) peer: PeerArgs,
    /// Number of the circuit's values that belong to the garbler
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) garbler_values: usize,
}

/// Measure how well each column tells two classes apart, over the rows of two parties (AUC, DeLong)
///
/// Each party gives its rows as CSV: the measurements in the order of the schema, then the class (0 is
/// positive, 1 is negative). Both parties learn, for each measurement, twice the Mann-Whitney U and the two
/// sums of squares for DeLong's interval, and the number of rows of each class that the other party has.
/// Semi-honest.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc auc --role garbler --listen 127.0.0.1:7707 --input one.csv & \\
    sotto mpc auc --role evaluator --connect 127.0.0.1:7707 --input two.csv")]
pub(crate) struct MpcAuc {
    /// Role of this process
    #[arg(long)]
    pub(crate) role: Role,
    /// Rows of this party; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Names, decimals and bits of the measurements [default: the 30 of the breast-cancer data]
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) peer: PeerArgs,
}

/// Create the keys of a party: NAME.key, which is secret, and NAME.pub for the others
///
/// The author of a job needs the public file. Compare fingerprints by telephone: the fingerprint is all that
/// tells others who you are.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc keygen hospital
  $ sotto mpc keygen clinic --json")]
pub(crate) struct MpcKeygen {
    /// Path of the two files, without their endings
    pub(crate) name: PathBuf,
}

/// How rows are written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// Separated values with a heading
    Csv,
    /// An object a line, or a list of objects
    Json,
    /// Parquet, uncompressed or with Snappy
    Parquet,
}

/// How characters are written, if nothing in the file says it.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As programs of western countries wrote before UTF-8
    #[value(name = "windows-1252")]
    Windows1252,
}

/// How the rows of an input party are written.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RowsForm {
    /// How the rows are written [default: what the file's name ends in, else csv]
    #[arg(long, requires = "input")]
    pub(crate) format: Option<FileFormat>,
    /// How their characters are written [default: UTF-8, or UTF-16 if the file begins with its mark]
    #[arg(long, requires = "input")]
    pub(crate) encoding: Option<Encoding>,
}

/// How results are written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultFormat {
    /// Separated values, which every run writes
    Csv,
    /// Lists of objects, as in result.json
    Json,
    /// Parquet with a type for each column
    Parquet,
}

/// What a new job computes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// A program of one's own: marks by region, with names and missing values
    Survey,
    /// Counts and sums by group over all parties
    Stats,
    /// How many keys two registers have in common, and a sum over them
    Join,
}

impl Template {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Survey => "survey",
            Self::Stats => "stats",
            Self::Join => "join",
        }
    }
}

/// Create a job from a template, ready to be changed, tried and signed
///
/// This writes a folder with job.toml (with a new nonce, and an expiry in ninety days), the program if the
/// template has one, and for each party a CSV file with the heading of its rows. The first two parties compute.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc new survey --template survey
  $ sotto mpc new pay --template stats --party acme@acme.example:7700 --party bmc@bmc.example:7700 --party cosy")]
pub(crate) struct MpcNew {
    /// Folder to write to
    pub(crate) folder: PathBuf,
    /// What the job computes
    #[arg(long)]
    pub(crate) template: Template,
    /// A party, and for the first two the host and port at which the others reach it [default: north and south]
    #[arg(long, value_name = "NAME[@ADDR]")]
    pub(crate) party: Vec<String>,
}

/// Try a job on invented data that fit its schema, in the clear and garbled
///
/// The author of a program sees what it answers before anybody has signed or has data. No key file has to exist,
/// and nothing is sent.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc try job.toml
  $ sotto mpc try jobs/gallery/median/job.toml --extremes --json")]
pub(crate) struct MpcTry {
    /// The job
    pub(crate) job: PathBuf,
    /// Invent the same data again
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Take the least or the greatest number of its column in each field, so that sums overflow sooner
    #[arg(long)]
    pub(crate) extremes: bool,
}

/// Gather a job, its files and the approvals so far in one file
///
/// Send the file to the other parties, who take it apart with `sotto mpc collect`. It holds no secret key.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc bundle job.toml --out job.bundle
  $ sotto mpc bundle job.toml | sotto mpc collect - --into copy")]
pub(crate) struct MpcBundle {
    /// The job
    pub(crate) job: PathBuf,
    /// The file to write; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite the file if it exists; never a key, a wallet or a file of a chain
    #[arg(long)]
    pub(crate) force: bool,
}

/// Take over the approvals of bundles, and the job if it is not there yet
///
/// Every approval is verified against the job. A job or a file that is there and differs is an error.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc bundle job.toml --out mine && sotto mpc collect mine --into copy
  $ sotto mpc bundle job.toml | sotto mpc collect -")]
pub(crate) struct MpcCollect {
    /// Bundles; `-` is standard input
    #[arg(required = true)]
    pub(crate) file: Vec<PathBuf>,
    /// Folder of the job
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) into: PathBuf,
}

/// Check a job file and explain in plain words what it does
///
/// The check reports every fault with its line. Signatures and policies refer to the job's id and the
/// circuit's hash. With --as and --input, it checks the rows of one input party instead, offline: it
/// counts all faults and lists the first hundred.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc check job.toml
  $ sotto mpc check job.toml --json
  $ sotto mpc check job.toml --as north --input north.csv")]
pub(crate) struct MpcCheck {
    /// The job
    pub(crate) job: PathBuf,
    /// With --input: your name in the job
    #[arg(long = "as", value_name = "NAME", requires = "input")]
    pub(crate) name: Option<String>,
    /// Your rows, one file per table; `-` is standard input
    #[arg(long, value_name = "FILE", requires = "name")]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) form: RowsForm,
}

/// Read a job in plain words, and sign it if you agree
///
/// The signed approval goes to a folder beside the job, job.approvals/NAME.approval; send the file to the
/// other parties. No party runs a job that one party has not signed, or that differs in a single byte from
/// what was signed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc sign job.toml --key north.key --dry-run
  $ sotto mpc sign job.toml --key north.key --yes
  $ sotto mpc sign job.toml --key south.key --policy policy.toml --yes")]
pub(crate) struct MpcSign {
    /// The job
    pub(crate) job: PathBuf,
    /// Your secret key file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// What you allow others to do with your data; refuse to sign anything else [default:
    /// DIR/jobs/KEY/policy.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Collateral for the platform of a party that shows evidence, which you downloaded yourself; software has none
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) collateral: Vec<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the job and sign nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

/// Run your part of a job that all parties have signed
///
/// Input parties send encrypted shares of their rows, the two compute parties compute, and result parties
/// receive their outputs. Each party runs this command once, in any order, within the job's deadline. After a
/// crash, run it again: a finished result is delivered again and never computed twice.
///
/// Where the job sells its result, an owner that is paid passes its wallet: nothing of its rows leaves before the buyer's
/// money is in a hold. The buyer runs `sotto mpc buy` instead.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ for n in north south; do sotto mpc run job.toml --as $n --key $n.key --input $n.csv & done; \\
      sotto mpc run job.toml --as west --key west.key --input west.csv && wait")]
pub(crate) struct MpcRun {
    #[command(flatten)]
    pub(crate) part: PartArgs,
    /// Number of the run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) run: u32,
    /// Listen at this address instead of the one in the job (compute parties behind a router)
    #[arg(long, value_name = "ADDR", conflicts_with = "rendezvous")]
    pub(crate) listen: Option<String>,
    /// Sign evidence of this party with its key instead of asking the hardware, for code whose build record has
    /// this hash; no hardware vouches for it
    #[arg(long, value_name = "HASH", hide_short_help = true)]
    pub(crate) software: Option<String>,
    /// With `--out -`: the output to write [default: the only one, or all with `--results json`]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) wallet: PayeeWallet,
}

/// Run a rendezvous server, for parties that can only connect to others
///
/// Two parties that cannot accept connections both connect to the server, and it forwards what they send each
/// other. The data is encrypted end to end, with keys that both know from the job; the server learns who
/// communicates with whom, when, and how much. Only the parties given by --allow can use it. It runs until it
/// is stopped.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc rendezvous --listen 0.0.0.0:7700 --key server.key \\
      --allow north.pub south.pub west.pub")]
pub(crate) struct MpcRendezvous {
    /// Address to listen at: host and port
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: String,
    /// Secret key file of the server, made by `sotto mpc keygen server`; parties identify it by server.pub
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Public key files of the parties that can use it
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) allow: Vec<PathBuf>,
    /// Limit of connections
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Limit of connections per party; a job needs two for each other party
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) each: u32,
    /// Seconds to wait for the other party of a pair
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) pending: u64,
    /// Seconds after which a silent pair is disconnected
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) idle: u64,
    /// Limit of mebibytes per pair, both directions together
    #[arg(long, value_name = "MIB", default_value_t = 1 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub(crate) bytes: u64,
    /// Limit of mebibytes per second and pair
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) rate: u64,
}

/// Try a job out: run all its parties as processes on this machine
///
/// This generates new keys for all parties, so no key file has to exist and nothing is signed in anyone's
/// name. The compute parties connect over loopback, through the same encrypted channels as in a real run.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.csv
  $ sotto mpc local jobs/gallery/join/job.toml --input clinic=jobs/gallery/join/data/party-1.csv \\
      --input pharmacy=jobs/gallery/join/data/party-2.csv")]
pub(crate) struct MpcLocal {
    /// The job
    pub(crate) job: PathBuf,
    /// Rows of an input party; repeat it for each further table
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) input: Vec<String>,
    /// Folder for results and receipts [default: only print the results]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Estimate what a job costs: gates, bytes, memory and seconds
///
/// Gates and bytes are exact; the speed of this machine is measured briefly. For the link between the compute
/// parties, give --bandwidth and --delay, or let the two measure it by both passing --measure. Nothing has to
/// be signed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc quote job.toml
  $ sotto mpc quote job.toml --bandwidth 100 --delay 50 --json
  $ sotto mpc quote job.toml --measure --as north --key north.key & \\
    sotto mpc quote job.toml --measure --as south --key south.key")]
pub(crate) struct MpcQuote {
    /// The job
    pub(crate) job: PathBuf,
    /// Bandwidth between the compute parties, in megabits per second
    #[arg(long, value_name = "MBIT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) bandwidth: u32,
    /// Round trip between the compute parties, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1)]
    pub(crate) delay: u32,
    /// Measure the link to the other compute party, which has to do the same
    #[arg(long, requires_all = ["name", "key"], conflicts_with_all = ["bandwidth", "delay"])]
    pub(crate) measure: bool,
    /// With --measure: your name in the job
    #[arg(long = "as", value_name = "NAME", requires = "measure")]
    pub(crate) name: Option<String>,
    /// With --measure: your secret key file
    #[arg(long, value_name = "FILE", requires = "measure")]
    pub(crate) key: Option<PathBuf>,
    /// With --measure: listen at this address instead of the one in the job
    #[arg(long, value_name = "ADDR", requires = "measure")]
    pub(crate) listen: Option<String>,
    /// With --measure: meet at this rendezvous server instead
    #[arg(long, value_name = "FILE@ADDR", requires = "measure", conflicts_with = "listen")]
    pub(crate) rendezvous: Option<String>,
}
