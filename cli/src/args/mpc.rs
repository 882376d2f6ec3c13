//! The verbs of `sotto mpc`.

use clap::{Args, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Computations between parties who keep their inputs (semi-honest): jobs that everybody signs, and two-party tools
#[derive(Subcommand, Debug)]
pub(crate) enum Mpc {
    Keygen(MpcKeygen),
    Check(MpcCheck),
    Sign(MpcSign),
    Run(MpcRun),
    Local(MpcLocal),
    Relay(MpcRelay),
    Quote(MpcQuote),
    Verify(MpcVerify),
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

/// Make a party's keys: NAME.key, which is secret, and NAME.pub for the others
///
/// The public file goes to whoever writes the job. Compare the fingerprint over the telephone: it is all that tells others who
/// you are.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc keygen hospital
  $ sotto mpc keygen clinic --json")]
pub(crate) struct MpcKeygen {
    /// Where to: the files' name without its end
    pub(crate) name: PathBuf,
}

/// Check a job file, and say in plain words what it means
///
/// Every fault is told with its line. The job's id and the circuit's hash are what signatures and policies are about.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc check job.toml
  $ sotto mpc check job.toml --json")]
pub(crate) struct MpcCheck {
    /// The job
    pub(crate) job: PathBuf,
}

/// Read a job in plain words, and sign it if you agree
///
/// The signature goes to a folder beside the job (job.consents/NAME.consent). Nobody runs a job that one party has not signed, or
/// that differs in a byte from what was signed. Give the file to the others.
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
    /// What you allow to be done with your data; what it does not allow is not signed
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be signed, and sign nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

/// Take part in a job that everybody has signed
///
/// Owners bring their rows, computers compute, receivers get their results; each party runs this once, in any order, within
/// the job's deadline. After a crash, run it again: what is finished is delivered again and never computed twice.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ for n in north south; do sotto mpc run job.toml --as $n --key $n.key --input $n.csv & done; \\
      sotto mpc run job.toml --as west --key west.key --input west.csv && wait")]
pub(crate) struct MpcRun {
    /// The job
    pub(crate) job: PathBuf,
    /// Your name in the job
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// Your secret key file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Your rows, if you are an owner: CSV, or JSON lines (.jsonl), a file for each of your tables; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Vec<PathBuf>,
    /// What you allow to be done with your data
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Which run of the job
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) run: u32,
    /// Listen here and not at the address in the job (computers behind a router)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Meet the computers at this relay, and not where the job says: its public key file, @, host and port; alike for all parties
    #[arg(long, value_name = "FILE@ADDR", conflicts_with = "listen")]
    pub(crate) relay: Option<String>,
    /// Folder for results and receipt [default: beside the job]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Be where parties meet who can only dial out
///
/// Two parties come to the relay and it carries what they say to each other: encrypted end to end, under keys that both know
/// from the job. It learns who meets whom, when, and how much they say. Nobody else may use it. It runs until it is ended.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc relay --listen 0.0.0.0:7700 --key relay.key \\
      --allow north.pub south.pub west.pub")]
pub(crate) struct MpcRelay {
    /// Where to listen: host and port
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: String,
    /// The relay's secret key file, made by `sotto mpc keygen relay`; parties know it by relay.pub
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Public key files of those who may use it
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) allow: Vec<PathBuf>,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Connections at a time of one party: two for each of the others in a job
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) each: u32,
    /// Seconds for the other party to come
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) pending: u64,
    /// Seconds that a pair may say nothing
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) idle: u64,
    /// Mebibytes that are carried for a pair, both ways together
    #[arg(long, value_name = "MIB", default_value_t = 1 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub(crate) bytes: u64,
    /// Mebibytes a second that are carried for a pair
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) rate: u64,
}

/// Try a job out: all its parties as processes on this machine, with keys made for the occasion
///
/// No key file need exist, and nothing is signed for real. Computers meet on the loopback interface over the same encrypted channels
/// as in earnest.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.csv
  $ sotto mpc local jobs/gallery/join/job.toml --input clinic=jobs/gallery/join/data/owner-1.csv \\
      --input pharmacy=jobs/gallery/join/data/owner-2.csv")]
pub(crate) struct MpcLocal {
    /// The job
    pub(crate) job: PathBuf,
    /// An owner's rows; once more for each further table
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) input: Vec<String>,
    /// Folder for results and receipts [default: they are shown and forgotten]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// What a job takes: gates, bytes, memory and seconds, before anybody signs
///
/// Gates and bytes are counted, and the speed of this machine is measured for a moment. The link between the computers is what you
/// say it is, or is measured by the two of them if both give --measure, before anybody signs.
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
    /// The link between the computers, in megabits a second
    #[arg(long, value_name = "MBIT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) bandwidth: u32,
    /// Its round trip, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1)]
    pub(crate) delay: u32,
    /// Measure the link with the other computer, who does the same
    #[arg(long, requires_all = ["name", "key"], conflicts_with_all = ["bandwidth", "delay"])]
    pub(crate) measure: bool,
    /// Your name in the job, if you measure
    #[arg(long = "as", value_name = "NAME", requires = "measure")]
    pub(crate) name: Option<String>,
    /// Your secret key file, if you measure
    #[arg(long, value_name = "FILE", requires = "measure")]
    pub(crate) key: Option<PathBuf>,
    /// Listen here and not at the address in the job
    #[arg(long, value_name = "ADDR", requires = "measure")]
    pub(crate) listen: Option<String>,
    /// Meet at this relay, and not where the job says
    #[arg(long, value_name = "FILE@ADDR", requires = "measure", conflicts_with = "listen")]
    pub(crate) relay: Option<String>,
}

/// Check a receipt without anything else, and say what it shows and what not
///
/// With a receiver's result and the job, it is checked too that the outputs are those that both computers signed for.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto mpc verify receipt.json
  $ sotto mpc verify - --json < receipt.json")]
pub(crate) struct MpcVerify {
    /// The receipt; `-` is standard input
    pub(crate) receipt: PathBuf,
    /// A receiver's result.json of the same run
    #[arg(long, value_name = "FILE", requires = "job")]
    pub(crate) result: Option<PathBuf>,
    /// The job, whose program says how outputs are read
    #[arg(long, value_name = "FILE", requires = "result")]
    pub(crate) job: Option<PathBuf>,
}
