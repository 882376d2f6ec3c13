//! `sotto mpc run`: one party's part in a job.

use super::{
    job::{
        agree, allow, find, forbidden, home, load_signed, no_run, read_identity, read_policy, read_relay,
        write_result,
    },
    merge, peak_memory,
};
use crate::{
    Context, args,
    bridge::now,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    ui::Progress,
};
use rand_core::OsRng;
use serde_json::{Map, Value, json};
use sotto_jobs::budget::data_set;
use sotto_jobs::edge::files::Folder;
use sotto_jobs::edge::policy_file::{DebitError, debit};
use sotto_jobs::edge::receipt_file::{render, render_result, table_csv, table_json, tables};
use sotto_jobs::edge::rows::{self, Format};
use sotto_jobs::edge::run::{Outcome as Ran, Setup, Stage, take_part};
use sotto_jobs::joint::Joint;
use sotto_jobs::policy::Policy;
use sotto_jobs::program::Computation;
use sotto_jobs::{Job, PartyId};
use sotto_mpc::Bits;
use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

pub(super) fn run(context: &Context, a: &args::MpcRun) -> Outcome {
    let started = Instant::now();
    let (job, program) = load_signed(&a.job, &a.name)?;
    let (identity, policy) = (read_identity(&a.key)?, read_policy(a.policy.as_ref())?);
    let us = find(&job, &a.name, &identity)?;
    let relay = a.relay.as_deref().map(read_relay).transpose()?;
    if a.run > job.runs {
        return Err(Failure::refused(format!("the job may be run {} time(s), not {}", job.runs, a.run))
            .help("Agree on a new job."));
    }
    allow(policy.as_ref(), &job, us)?;
    let given = input(a, &job, &program, us)?;
    if let (Some(policy), Some(Input { rows, .. })) = (&policy, &given) {
        policy.check_rows(&job, us, rows).map_err(|e| forbidden(&e))?;
    }
    let bits = given.as_ref().map(|input| &input.bits);
    let agreement = agree(&a.job, job)?;
    let job = agreement.job();
    let home = home(context, &identity);
    let mut folder = open(&home.join(format!("{}-{}", job.id().short(), a.run)))?;
    let spend = || charge(&home, (policy.as_ref(), &identity), (job, us, a.run), bits);
    let beside = a.job.with_extension("results").join(format!("{}-{}", a.name, a.run));
    let folder_out = a.out.as_deref().unwrap_or(&beside);
    let screen = Screen::new(context, job.program.and_gates);
    let saved = Mutex::new(None);
    let observe = |stage| match stage {
        Stage::Finished(outcome) => {
            if let Ok(mut saved) = saved.lock() {
                *saved = Some(save((job, us), &program, &outcome, folder_out));
            }
        }
        stage => screen.show(stage),
    };
    let setup = Setup {
        agreement: &agreement,
        program: &program,
        run: a.run,
        us,
        identity: &identity,
        input: bits,
        listen: a.listen.as_deref(),
        relay: relay.as_ref(),
        debit: &spend,
        observe: &observe,
    };
    let outcome = take_part(&setup, &mut folder, &mut OsRng)
        .map_err(|e| no_run(&e, &format!("{} did not get to the end of the run", job.party(us).name)))?;
    let spent = json!({ "seconds": started.elapsed().as_secs_f64(), "peak_memory_bytes": peak_memory() });
    // As soon as it was there, or now if it was there before.
    let saved = saved.into_inner().ok().flatten();
    let Shown { record, human } = saved.unwrap_or_else(|| save((job, us), &program, &outcome, folder_out))?;
    context.output.record("mpc-result", merge(record, json!({ "spent": spent })), &human)
}

/// What an owner brings.
struct Input {
    /// Rows of each table of its files.
    rows: Vec<u64>,
    bits: Bits,
}

/// The owner's rows; nothing for those who are no owners.
fn input(a: &args::MpcRun, job: &Job, program: &Computation, us: PartyId) -> Outcome<Option<Input>> {
    let Some(owner) = job.input_of(us) else {
        return match a.input[..] {
            [] => Ok(None),
            _ => Err(Failure::new(Code::Usage, format!("{} is no owner in this job", a.name))
                .help("Leave --input out.")),
        };
    };
    let schema = job.inputs.get(owner).map_or(&[][..], |input| &input.tables);
    if schema.len() != a.input.len() {
        let tables: Vec<_> = schema.iter().map(|table| table.name.as_str()).collect();
        let what = format!("{} is an owner, and brings {} table(s)", a.name, tables.len());
        return Err(Failure::new(Code::Usage, what)
            .help(format!("Give --input FILE for each of them, in this order: {}.", tables.join(", "))));
    }
    let names: Vec<_> = a.input.iter().map(|path| path.display().to_string()).collect();
    let bad = |e: &dyn std::fmt::Display| {
        Failure::refused(format!("the rows in {} cannot be used", names.join(", "))).why(e).help(
            "Mend the file: nothing was sent. `sotto mpc check` shows the columns and ranges of the job.",
        )
    };
    let files = a.input.iter().map(|path| open_rows(path)).collect::<io::Result<Vec<_>>>();
    let mut local = program.local(owner);
    let rows = rows::read(schema, files.map_err(|e| bad(&e))?, &mut *local).map_err(|e| bad(&e))?;
    let bits = local.enter(program.declaration().owner(owner)).map_err(|e| bad(&e))?;
    Ok(Some(Input { rows, bits }))
}

fn open_rows(path: &Path) -> io::Result<(Format, Box<dyn Read>)> {
    let file: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path)?),
    };
    Ok((Format::of(&path.to_string_lossy()), file))
}

fn open(path: &Path) -> Outcome<Folder> {
    Folder::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => Failure::refused("this party is already taking part in this run")
            .why(format!("another process holds {}", path.display()))
            .help("Wait for it, or end it."),
        _ => Failure::refused(format!("{} cannot be used", path.display())).why(e),
    })
}

/// Writes the run into the owner's budget, before anything of its data leaves.
fn charge(
    home: &Path,
    (policy, identity): (Option<&Policy>, &sotto_party::Identity),
    run: (&Job, PartyId, u32),
    bits: Option<&Bits>,
) -> Result<(), DebitError> {
    let Some(bits) = bits else { return Ok(()) };
    // Another run of this party may be at its budget for a moment.
    let mut folder = Folder::open(home);
    for _ in 0..100 {
        if !matches!(&folder, Err(e) if e.kind() == io::ErrorKind::WouldBlock) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
        folder = Folder::open(home);
    }
    debit(&mut folder?, (policy, identity), run, data_set(identity, bits), now())
}

/// Says what is going on, each thing once, and how far the joint computation is.
struct Screen<'c> {
    context: &'c Context,
    gates: u64,
    said: Mutex<(Option<Stage>, Option<Progress>)>,
}

impl<'c> Screen<'c> {
    fn new(context: &'c Context, gates: u64) -> Self {
        Self { context, gates, said: Mutex::new((None, None)) }
    }

    fn show(&self, stage: Stage) {
        let Ok(mut said) = self.said.lock() else { return };
        if let Stage::Passed(bytes) = stage {
            if let (_, Some(bar)) = &*said {
                // A gate's table has 32 bytes; what is said beside the tables is small or comes first.
                bar.at((bytes / 32).min(self.gates));
            }
            return;
        }
        if said.0.as_ref() == Some(&stage) {
            return;
        }
        let text = match &stage {
            Stage::Waiting(names) => format!("Waiting for {}.", names.join(", ")),
            Stage::Delivered(computer) => format!("{computer} has our sealed share."),
            Stage::Attempt(attempt) => format!("Computing jointly (attempt {attempt})."),
            Stage::Signed => "Computed, and signed by both computers.".to_owned(),
            Stage::Serving => "The others fetch what is theirs.".to_owned(),
            Stage::Passed(_) | Stage::Finished(_) => return,
        };
        // The bar of what was going on before is taken off the screen.
        said.1 = None;
        self.context.ui.say(&text);
        if matches!(stage, Stage::Attempt(_)) {
            said.1 = Some(self.context.ui.bar(self.gates, "computing jointly"));
        }
        said.0 = Some(stage);
    }
}

/// What a party has in the end, as it is printed.
struct Shown {
    record: Value,
    human: String,
}

/// Writes what the party has in the end.
fn save((job, us): (&Job, PartyId), program: &Computation, outcome: &Ran, folder: &Path) -> Outcome<Shown> {
    let receipt = render(job, &outcome.receipt);
    write_result(&folder.join("receipt.json"), &format!("{receipt:#}\n"))?;
    let (mut human, mut fields) = (String::new(), Map::new());
    let tables = tables(program, &outcome.outputs);
    for (table, rows) in &tables {
        let csv = table_csv(table, rows).or_refuse("the result cannot be written")?;
        write_result(&folder.join(format!("{}.csv", file_name(&table.name))), &csv)?;
        let _ = write!(human, "{}\n{}\n", table.name, csv.trim_end());
        fields.insert(table.name.clone(), table_json(table, rows));
    }
    let all = tables.len() == job.outputs.len();
    let cells: Vec<_> = tables.into_iter().map(|(_, rows)| rows).collect();
    let figures = if all { program.figures(&cells) } else { Vec::new() };
    for figure in &figures {
        let _ = writeln!(human, "{}  {}", figure.name, figure_text(Some(figure.value)));
    }
    let figures: Vec<Value> = figures.iter().map(|f| json!({ "name": f.name, "value": f.value })).collect();
    let record = json!({ "job": job.id().to_string(), "run": outcome.receipt.facts.run, "outputs": fields,
                         "figures": figures, "receipt": folder.join("receipt.json").display().to_string() });
    if let Some(halves) = &outcome.halves {
        let shown = render_result(program, (job, us), &outcome.outputs, halves);
        write_result(&folder.join("result.json"), &format!("{:#}\n", merge(record.clone(), shown)))?;
    }
    let _ = write!(human, "Receipt  {}", folder.join("receipt.json").display());
    Ok(Shown { record, human })
}

/// A figure as people read it; one that the outputs do not give, because what it comes from is suppressed, is `null` in JSON.
pub(super) fn figure_text(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| "suppressed".to_owned(), |value| format!("{value:.6}"))
}

/// An output's name as that of a file.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}
