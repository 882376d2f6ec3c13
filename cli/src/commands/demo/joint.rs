//! Part two: two processes, each with the rows of one hospital, compute 30 AUCs over all patients.
//!
//! The result is compared with the same computation in the clear.

use super::{
    report::{detail, line, title},
    tamper,
};
use crate::{
    Context,
    args::Sabotage,
    commands::mpc::auc::{measurement_json, ranking},
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::{Value, json};
use sotto_jobs::builtins::auc::{BREAST_CANCER, Statistics, Table, clear};
use sotto_mpc::Phase;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

/// Wisconsin Diagnostic Breast Cancer, CC BY 4.0: see vectors/data/README.md.
const DATA: &str = include_str!("../../../../vectors/data/breast_cancer.csv");
/// Number of rows of the first hospital; the second one has the rest.
const FIRST_ROWS: usize = 284;

pub(crate) fn run(context: &Context, dir: &Path, sabotage: Option<Sabotage>) -> Outcome<Value> {
    let files = split(dir)?;
    let all = Table::parse(DATA, &BREAST_CANCER).or_refuse("cannot read the data")?;
    introduce(context, &all)?;
    let started = Instant::now();
    let (garbler, evaluator) = Party::run_both(context, &files, sabotage)?;
    let seconds = started.elapsed().as_secs_f64();
    if garbler.measurements()? != evaluator.measurements()? {
        return Err(Failure::refused("the two hospitals got different results"));
    }
    let expected: Vec<Statistics> =
        (0..all.columns()).map(|i| clear(all.column(i).0, all.column(i).1)).collect();
    let agrees = garbler.measurements()? == expected.iter().map(Three::of).collect::<Vec<_>>();
    if !agrees {
        return Err(Failure::refused("the joint result differs from the one computed in the clear"));
    }
    show_result(context, &expected)?;
    let peak = garbler.number("peak_memory_bytes")?.max(evaluator.number("peak_memory_bytes")?);
    let (gates, bytes) = (garbler.number("and_gates")?, garbler.bytes()?);
    let cost = format!(
        "{gates} AND gates, {} MB between two processes, {seconds:.1} s, {} MiB of memory each.",
        bytes / 1_000_000,
        peak >> 20,
    );
    line(context, "Cost", &cost)?;
    let measurements: Vec<Value> =
        BREAST_CANCER.iter().zip(&expected).map(|(c, s)| measurement_json(&c.name, s)).collect();
    Ok(json!({
        "and_gates": gates, "bytes": bytes, "seconds": seconds, "rows": all.rows(), "peak_memory_bytes": peak,
        "measurements": measurements, "agrees": agrees,
    }))
}

const QUESTION: &str = "\
  How well does each measurement tell malignant from benign? Two processes compute it with a garbled circuit
  over loopback TCP. Public beforehand: the columns with their decimals and bits, and the class counts of each
  hospital.
";

const PRIVACY: &str =
    "each learns the sums behind these figures and the other's class counts, if both follow the protocol.";

const LEARNT: &str = "\
  Each hospital learns 2U, ΣV10² and ΣV01² of each measurement over all patients, and can subtract what its
  own rows contribute. Semi-honest: this protects from a curious partner, not from one that deviates.";

fn introduce(context: &Context, all: &Table) -> Outcome {
    let (columns, rows, classes) = (all.columns(), all.rows(), all.classes());
    let text = format!(
        "two hospitals compare {columns} measurements of {rows} real patients and show each other no row."
    );
    title(context, "COMPUTE", &text)?;
    let rest = rows - FIRST_ROWS;
    let patients = format!(
        "  {} patients are malignant and {} benign. Hospital one holds {FIRST_ROWS} of them, hospital two {rest}.",
        classes.positive, classes.negative,
    );
    detail(context, &patients)?;
    detail(context, QUESTION)
}

/// Prints the best measurement, what it took in privacy, and the check; with `--verbose`, all measurements.
fn show_result(context: &Context, all: &[Statistics]) -> Outcome {
    detail(context, &ranking(&BREAST_CANCER, all))?;
    let intervals = BREAST_CANCER.iter().zip(all).map(|(c, s)| (&c.name, s.interval()));
    if let Some((name, i)) = intervals.max_by(|(_, a), (_, b)| a.auc.total_cmp(&b.auc)) {
        let text = format!(
            "\"{name}\" tells malignant from benign best: AUC {:.4} (95 % interval {:.4} to {:.4}).",
            i.auc, i.low, i.high,
        );
        line(context, "Result", &text)?;
    }
    detail(context, LEARNT)?;
    line(context, "Privacy", PRIVACY)?;
    line(context, "Checks", &format!("all {} numbers equal those computed on the open data.", 3 * all.len()))
}

/// Writes the rows of each hospital to a file of its own.
fn split(dir: &Path) -> Outcome<[PathBuf; 2]> {
    let mut lines = DATA.lines();
    let header = lines.next().unwrap_or_default();
    let (_, names) = header.split_once(',').unwrap_or_default();
    let rows: Vec<&str> = lines.collect();
    let (one, two) = rows.split_at(FIRST_ROWS.min(rows.len()));
    let write = |name: &str, rows: &[&str]| -> Outcome<PathBuf> {
        let path = dir.join(name);
        let text = format!("{},{names}\n{}\n", rows.len(), rows.join("\n"));
        fs::write(&path, text).or_refuse(format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    Ok([write("hospital-one.csv", one)?, write("hospital-two.csv", two)?])
}

/// The last record that one process printed.
struct Party(Value);

/// The three numbers of one measurement.
#[derive(PartialEq, Eq)]
struct Three(u64, u64, u64);

impl Three {
    fn of(s: &Statistics) -> Self {
        Self(s.two_u, s.sum_v10_sq, s.sum_v01_sq)
    }
}

impl Party {
    /// Hospital one garbles and listens; hospital two connects, for a sabotage through the altering proxy.
    fn run_both(
        context: &Context,
        [one, two]: &[PathBuf; 2],
        sabotage: Option<Sabotage>,
    ) -> Outcome<(Self, Self)> {
        let mut garbler =
            Process::start(&["--verbose", "--role", "garbler", "--listen", "127.0.0.1:0"], one, context)?;
        let announced = garbler.next_record()?;
        let address = announced["address"].as_str().and_then(|a| a.parse::<SocketAddr>().ok());
        let address = address.ok_or_else(|| Failure::refused("hospital one did not print its address"))?;
        let alter = match sabotage {
            Some(Sabotage::Table) => Some(Phase::Tables),
            Some(Sabotage::Label) => Some(Phase::Inputs),
            Some(Sabotage::Inflate) | None => None,
        };
        let address = match alter {
            Some(phase) => tamper::start(address, phase).or_refuse("cannot start the altering proxy")?,
            None => address,
        };
        let mut evaluator = Process::start(
            &["--quiet", "--role", "evaluator", "--connect", &address.to_string()],
            two,
            context,
        )?;
        let mut bar = None;
        let mut progress =
            |done, total| bar.get_or_insert_with(|| context.ui.bar(total, "computing jointly")).at(done);
        let (first, second) = (garbler.finish(&mut progress), evaluator.finish(&mut |_, _| ()));
        drop(bar);
        match (first, second) {
            (Ok(first), Ok(second)) => Ok((Self(first), Self(second))),
            (first, second) => {
                let said = |who: &str, r: Outcome<Value>| {
                    r.err().and_then(|f| f.why).map(|why| format!("hospital {who}: {why}"))
                };
                let why = [said("one", first), said("two", second)];
                Err(Failure::refused("the joint computation failed")
                    .why(why.into_iter().flatten().collect::<Vec<_>>().join("\n       ")))
            }
        }
    }

    fn number(&self, name: &str) -> Outcome<u64> {
        self.0[name].as_u64().ok_or_else(|| Failure::refused(format!("a hospital's record has no `{name}`")))
    }

    fn bytes(&self) -> Outcome<u64> {
        Ok(self.number("bytes_sent")? + self.number("bytes_received")?)
    }

    fn measurements(&self) -> Outcome<Vec<Three>> {
        let all = self.0["measurements"].as_array().map(Vec::as_slice).unwrap_or_default();
        let three = |m: &Value| {
            Some(Three(m["two_u"].as_u64()?, m["sum_v10_sq"].as_u64()?, m["sum_v01_sq"].as_u64()?))
        };
        let three: Option<Vec<_>> = all.iter().map(three).collect();
        three.ok_or_else(|| Failure::refused("a hospital's record lacks its measurements"))
    }
}

/// A running `sotto mpc auc`, which is killed when this is dropped.
struct Process {
    child: Child,
    records: BufReader<std::process::ChildStdout>,
    errors: std::process::ChildStderr,
}

impl Process {
    fn start(arguments: &[&str], rows: &Path, context: &Context) -> Outcome<Self> {
        let program = std::env::current_exe().or_refuse("cannot find the path of this program")?;
        context.ui.detail(&format!(
            "starting: sotto mpc auc {} --input {}",
            arguments.join(" "),
            rows.display()
        ));
        let mut child = Command::new(program)
            .args(["mpc", "auc", "--json", "--timeout", "60"])
            .args(arguments)
            .arg("--input")
            .arg(rows)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .or_refuse("cannot start the process of a hospital")?;
        let missing = || Failure::refused("the process of a hospital has no output");
        let records = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let errors = child.stderr.take().ok_or_else(missing)?;
        Ok(Self { child, records, errors })
    }

    fn next_record(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        self.records.read_line(&mut line)?;
        serde_json::from_str(&line).or_refuse("the process of a hospital did not print a record")
    }

    /// Its last record if it succeeded, else its errors. `progress` gets gates done and gates in all.
    fn finish(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Outcome<Value> {
        let mut record = self.next_record();
        while let Ok(r) = &record
            && let (Some(done), Some(total)) = (r["done"].as_u64(), r["total"].as_u64())
        {
            progress(done, total);
            record = self.next_record();
        }
        let mut said = String::new();
        self.errors.by_ref().take(1 << 16).read_to_string(&mut said)?;
        let status = self.child.wait().or_refuse("cannot wait for the process of a hospital")?;
        if status.success() {
            return record;
        }
        let records = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let why = records.filter_map(|record| record["why"].as_str().map(str::to_owned));
        Err(Failure::refused("a hospital failed").why(why.collect::<Vec<_>>().join("; ")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
