//! The results of a party: files in its folder, and with `--out -` one of them on standard output.

use super::job::write_result;
use crate::{
    Context, args,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    output::merge,
    parquet_file,
};
use serde_json::{Map, Value, json};
use sotto_jobs::edge::run::Outcome as Ran;
use sotto_jobs::program::Computation;
use sotto_jobs::receipt_file::{ResultOf, render, render_result};
use sotto_jobs::result::{PartyResult, ResultTable, Verdict, says_whether};
use sotto_jobs::{Job, PartyId};
use std::{fmt::Write as _, path::Path};

/// What `--out -` writes to standard output.
pub(super) struct Printed {
    format: args::ResultFormat,
    /// The output; all of them if there is none, as JSON.
    output: Option<String>,
}

impl Printed {
    /// What the arguments ask for; `None` if results are to be shown as ever.
    pub(super) fn of(context: &Context, a: &args::MpcRun, job: &Job, us: PartyId) -> Outcome<Option<Self>> {
        let wrong = |what: String| Failure::new(Code::Usage, what);
        if a.part.out.as_deref() != Some(Path::new("-")) {
            let lone = a.output.as_ref().map(|_| {
                wrong("--output chooses what `--out -` writes".to_owned())
                    .help("add `--out -`, or omit --output")
            });
            return lone.map_or(Ok(None), Err);
        }
        let format = match &a.part.results[..] {
            [] if context.output.json => args::ResultFormat::Json,
            [] => args::ResultFormat::Csv,
            [format] => *format,
            _ => {
                return Err(
                    wrong("standard output takes one format".to_owned()).help("pass one --results FORMAT")
                );
            }
        };
        let name = &job.party(us).name;
        let outputs = job.outputs_of(us).into_iter().filter_map(|place| job.outputs.get(place));
        let ours: Vec<&str> = outputs.map(|output| output.name.as_str()).collect();
        let results: Vec<&str> = ours.iter().copied().filter(|output| !says_whether(output)).collect();
        let output = match (&a.output, &results[..]) {
            (Some(output), _) if ours.contains(&output.as_str()) => Some(output.clone()),
            (Some(output), _) => {
                return Err(wrong(format!("{output} is not an output that {name} receives"))
                    .help(format!("it receives: {}", ours.join(", "))));
            }
            (None, []) => {
                return Err(wrong(format!("{name} receives no result of this job")).help("omit `--out -`"));
            }
            (None, _) if format == args::ResultFormat::Json => None,
            (None, [one]) => Some((*one).to_owned()),
            (None, several) => {
                return Err(wrong(format!("{name} receives several outputs, and standard output takes one"))
                    .help(format!(
                        "pass --output with one of {}, or --results json for all",
                        several.join(", ")
                    )));
            }
        };
        Ok(Some(Self { format, output }))
    }

    /// The bytes for standard output.
    fn bytes(&self, tables: &[ResultTable<'_>]) -> Outcome<Vec<u8>> {
        let chosen = |table: &&ResultTable<'_>| self.output.as_ref().is_none_or(|name| name == table.name());
        let mut chosen = tables.iter().filter(chosen);
        let what = "cannot write the result";
        Ok(match (self.format, &self.output) {
            (args::ResultFormat::Json, None) => {
                let all: Map<_, _> = chosen.map(|table| (table.name().to_owned(), table.to_json())).collect();
                format!("{}\n", Value::Object(all)).into_bytes()
            }
            (args::ResultFormat::Json, Some(_)) => {
                chosen.next().map_or_else(Vec::new, |table| format!("{}\n", table.to_json()).into_bytes())
            }
            (args::ResultFormat::Csv, _) => {
                let csv = chosen.next().map(ResultTable::to_csv).transpose().or_refuse(what)?;
                csv.unwrap_or_default().into_bytes()
            }
            (args::ResultFormat::Parquet, _) => {
                chosen.next().map(parquet_file::to_parquet).transpose().or_refuse(what)?.unwrap_or_default()
            }
        })
    }
}

/// The result of a party, as it is printed.
pub(super) struct Shown {
    pub(super) record: Value,
    pub(super) human: String,
    pub(super) verdict: Option<Verdict>,
    /// What is written to standard output in place of both.
    pub(super) printed: Option<Vec<u8>>,
}

/// Where the results of a party go.
#[derive(Clone, Copy)]
pub(super) struct Results<'a> {
    pub(super) job: &'a Job,
    pub(super) us: PartyId,
    pub(super) program: &'a Computation,
    pub(super) folder: &'a Path,
    /// Files besides CSV and `result.json`.
    pub(super) kinds: &'a [args::ResultFormat],
    pub(super) printed: Option<&'a Printed>,
}

impl Results<'_> {
    /// Writes the results and the receipt. `bought` has outputs that were paid for, which the output shares do not open.
    pub(super) fn save(&self, outcome: &Ran, bought: &[(usize, Vec<bool>)]) -> Outcome<Shown> {
        let Self { job, us, program, folder, kinds, printed } = *self;
        let receipt = render(job, &outcome.receipt);
        write_result(&folder.join("receipt.json"), format!("{receipt:#}\n").as_bytes())?;
        let (mut human, mut fields) = (String::new(), Map::new());
        let mut all = outcome.outputs.clone();
        all.extend_from_slice(bought);
        all.sort_by_key(|(place, _)| *place);
        let PartyResult { verdict, tables, figures } = PartyResult::of(program, &all);
        for table in &tables {
            let csv = table.to_csv().or_refuse("cannot write the result")?;
            let file = |end| folder.join(format!("{}.{end}", file_name(table.name())));
            write_result(&file("csv"), csv.as_bytes())?;
            if kinds.contains(&args::ResultFormat::Parquet) {
                let bytes = parquet_file::to_parquet(table).or_refuse("cannot write the result")?;
                write_result(&file("parquet"), &bytes)?;
            }
            let _ = write!(human, "{}\n{}\n", table.name(), csv.trim_end());
            fields.insert(table.name().to_owned(), table.to_json());
        }
        for figure in &figures {
            let _ = writeln!(human, "{}  {}", figure.name, figure_text(Some(figure.value)));
        }
        let figures: Vec<Value> =
            figures.iter().map(|f| json!({ "name": f.name, "value": f.value })).collect();
        let record = json!({ "job": job.id().to_string(), "run": outcome.receipt.facts.run,
                             "verdict": verdict.map(Verdict::as_str), "outputs": fields, "figures": figures,
                             "receipt": folder.join("receipt.json").display().to_string() });
        if !outcome.outputs.is_empty() {
            let shares = outcome.output_shares.as_ref();
            let shown = render_result(program, ResultOf { job, party: us }, &outcome.outputs, shares);
            let shown = format!("{:#}\n", merge(record.clone(), shown));
            write_result(&folder.join("result.json"), shown.as_bytes())?;
        }
        if !bought.is_empty() {
            let shown = json!({ "v": 1, "type": "bought", "job": job.id().to_string(), "run": outcome.receipt.facts.run,
                                "outputs": record["outputs"] });
            write_result(&folder.join("bought.json"), format!("{shown:#}\n").as_bytes())?;
        }
        let _ = write!(human, "Receipt  {}", folder.join("receipt.json").display());
        let printed = printed.map(|printed| printed.bytes(&tables)).transpose()?;
        Ok(Shown { record, human, verdict, printed })
    }
}

/// A figure for people. A figure that is missing because its sources are suppressed is `null` in JSON.
pub(crate) fn figure_text(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| "suppressed".to_owned(), |value| format!("{value:.6}"))
}

/// The file name for an output.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}
