//! `sotto mpc auc`: the built-in program `auc@1` between two parties with rows.

use super::session::{Cost, Metered, compute, open_peer, session_failure};
use crate::{
    Context, args,
    bridge::read_text,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    output::merge,
    ui::Volume,
};
use serde_json::json;
use sotto_jobs::builtins::auc::{Auc, BREAST_CANCER, Classes, Column, Statistics, Table};
use sotto_mpc::protocol::semi_honest::Role;
use sotto_mpc::{Channel, ChannelError, Phase, Program};
use std::{borrow::Cow, fmt::Write, path::Path, time::Instant};

/// Size limit of a table, in bytes.
const MAX_TABLE: u64 = 1 << 28;

/// Limit of the rows that the other party announces: it bounds the memory allocated because of them.
const MAX_ROWS: u64 = 100_000;

pub(crate) fn run(context: &Context, a: &args::MpcAuc) -> Outcome {
    let role = match a.role {
        args::Role::Garbler => Role::Garbler,
        args::Role::Evaluator => Role::Evaluator,
        args::Role::Both => {
            return Err(Failure::new(Code::Usage, "this computation needs two processes")
                .help("run it once with `--role garbler --listen ADDR` and once with `--role evaluator --connect ADDR`"));
        }
    };
    let schema = match &a.schema {
        Some(path) => read_schema(path)?,
        None => BREAST_CANCER.to_vec(),
    };
    let table = Table::parse(&read_text(&a.input, MAX_TABLE)?, &schema).or_refuse("invalid rows")?;
    let mut channel = open_peer(context, &a.peer)?;
    let started = Instant::now();
    let theirs = exchange_classes(&mut channel, table.classes())?;
    let (garbler, evaluator) = match role {
        Role::Garbler => (table.classes(), theirs),
        Role::Evaluator => (theirs, table.classes()),
    };
    let program = Auc::new(&schema, garbler, evaluator).or_refuse("cannot compare these rows")?;
    let inputs = program
        .inputs(role, &table)
        .ok_or_else(|| Failure::new(Code::Internal, "the table does not fit its program"))?;
    let and_gates = program.cost().and_gates;
    context.ui.info(&format!(
        "The other party has {} positive and {} negative rows. The computation has {and_gates} AND gates.",
        theirs.positive, theirs.negative
    ));
    let metered = Metered::new(channel, progress(context, and_gates));
    let (outputs, metered) = compute(metered, &program, role, &inputs).map_err(|e| session_failure(&e))?;
    let all = program
        .statistics(&outputs)
        .ok_or_else(|| Failure::new(Code::Internal, "the length of the result does not fit its program"))?;
    let spent =
        Cost { and_gates, traffic: Some(metered.inner.traffic()), seconds: started.elapsed().as_secs_f64() };
    let measurements: Vec<_> = schema.iter().zip(&all).map(|(c, s)| measurement_json(&c.name, s)).collect();
    let fields = json!({ "rows": program.classes().positive + program.classes().negative, "measurements": measurements });
    let ranked = ranking(&schema, &all);
    context.output.record("mpc-auc", merge(fields, spent.fields()), &format!("{ranked}\n{}", spent.text()))
}

/// Shows progress: a bar or, with `--json --verbose`, a record for every million gates.
fn progress(context: &Context, total: u64) -> impl FnMut(u64) {
    let records = context.output.json && context.ui.volume == Volume::Verbose;
    let (bar, output, mut next) = (context.ui.bar(total, "computing jointly"), context.output, 0);
    move |done| match records {
        false => bar.at(done),
        true if done >= next => {
            next = done + 1_000_000;
            // If the reader has closed the pipe, the last record reports it.
            let _ = output.record("progress", json!({ "done": done, "total": total }), "");
        }
        true => {}
    }
}

/// Exchanges the number of rows of each class, which are public.
fn exchange_classes(channel: &mut impl Channel, ours: Classes) -> Outcome<Classes> {
    let lost = |e: ChannelError| {
        Failure::new(Code::Unreachable, "the other party disconnected before the computation started").why(e)
    };
    let mut message = [0; 16];
    let (positive, negative) = message.split_at_mut(8);
    positive.copy_from_slice(&(ours.positive as u64).to_le_bytes());
    negative.copy_from_slice(&(ours.negative as u64).to_le_bytes());
    channel.send(Phase::Hello, &message).and_then(|()| channel.flush()).map_err(lost)?;
    let mut counts = [[0; 8]; 2];
    channel.receive(Phase::Hello, counts.as_flattened_mut()).map_err(lost)?;
    let [positive, negative] = counts.map(u64::from_le_bytes);
    if positive > MAX_ROWS || negative > MAX_ROWS {
        return Err(Failure::refused("the other party announces too many rows")
            .why(format!("{positive} and {negative} rows; the limit is {MAX_ROWS} per class")));
    }
    Ok(Classes { positive: positive as usize, negative: negative as usize })
}

fn read_schema(path: &Path) -> Outcome<Vec<Column>> {
    let bad = |line: usize, why: &str| {
        Failure::refused(format!("invalid schema {}", path.display()))
            .why(format!("line {line}: {why}"))
            .help("each line is `name,decimals,bits`, for example `mean radius,3,15`")
    };
    let parse = |(i, line): (usize, &str)| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [name, decimals, bits] = fields[..] else { return Err(bad(i + 1, "expected three fields")) };
        let number = |text: &str, most: u32| text.parse().ok().filter(|n| *n <= most);
        let decimals = number(decimals, 9).ok_or_else(|| bad(i + 1, "decimals must be from 0 to 9"))?;
        let bits =
            number(bits, 32).filter(|b| *b > 0).ok_or_else(|| bad(i + 1, "bits must be from 1 to 32"))?;
        Ok(Column { name: Cow::Owned(name.to_owned()), decimals, bits })
    };
    let text = read_text(path, 1 << 20)?;
    text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).map(parse).collect()
}

/// The record of one measurement.
pub(crate) fn measurement_json(name: &str, s: &Statistics) -> serde_json::Value {
    let i = s.interval();
    json!({ "name": name, "two_u": s.two_u, "sum_v10_sq": s.sum_v10_sq, "sum_v01_sq": s.sum_v01_sq,
            "auc": i.auc, "low": i.low, "high": i.high })
}

/// The measurements, best first.
pub(crate) fn ranking(schema: &[Column], all: &[Statistics]) -> String {
    let mut ranked: Vec<_> = schema.iter().zip(all).map(|(c, s)| (&c.name, s.interval())).collect();
    ranked.sort_by(|(_, a), (_, b)| b.auc.total_cmp(&a.auc));
    let mut text = String::from("     measurement                  AUC   95 % interval (DeLong)\n");
    for (rank, (name, i)) in ranked.iter().enumerate() {
        let _ = writeln!(text, "{:>3}  {name:<26} {:.4}   {:.4} to {:.4}", rank + 1, i.auc, i.low, i.high);
    }
    text
}
