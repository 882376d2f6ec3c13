//! The verbs of `sotto mpc`.

use clap::{Args, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

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
