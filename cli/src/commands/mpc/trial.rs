//! `sotto mpc try`: runs a job's program on invented data, in the clear and garbled, and compares.
//!
//! All is done in this process, with keys made for it: nothing is sent, and no key file has to exist.

use super::local::{Prepared, prepare};
use crate::{
    Context, args,
    bridge::now,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    output::counted,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{OsRng, RngCore as _};
use serde_json::{Map, Value, json};
use sotto_jobs::Agreement;
use sotto_jobs::in_process::{self, Parties};
use sotto_jobs::invent::{self, Invented, Spread};
use sotto_jobs::job::Table;
use sotto_jobs::multiparty::{Cells, Functionality};
use sotto_jobs::result::{OutputBits, PartyResult, Verdict};
use sotto_mpc::Bits;
use std::fmt::Write as _;

/// Most gates that are garbled in a trial: some seconds, and against a malicious adversary a minute.
const MOST_GATES: [u64; 2] = [100_000_000, 2_000_000];

/// Invented rows of a table that are shown.
const SHOWN: usize = 5;

pub(crate) fn run(context: &Context, a: &args::MpcTry) -> Outcome {
    let scratch = tempfile::tempdir().or_refuse("cannot create a temporary folder")?;
    let prepared = prepare(&a.job, &scratch.path().join("job.toml"))?;
    let (job, program) = (&prepared.job, &prepared.program);
    let most = MOST_GATES[usize::from(job.malicious().is_some())];
    if job.program.and_gates > most {
        return Err(Failure::refused(format!(
            "this job has {} AND gates, and a trial at most {most}",
            job.program.and_gates
        ))
        .help("try it with fewer rows; `sotto mpc local` runs it on rows of any size"));
    }
    let seed = a.seed.unwrap_or_else(|| OsRng.next_u64() >> 32);
    let spread = if a.extremes { Spread::Extreme } else { Spread::Plausible };
    let rng = &mut ChaCha20Rng::seed_from_u64(seed);
    let mut invented = Vec::new();
    for (i, input) in job.inputs.iter().enumerate() {
        let data = invent::input(program, i, &input.tables, spread, rng);
        let name = job.party(input.party).name.to_string();
        invented.push((name, &input.tables, data.or_refuse("the program takes no invented rows")?));
    }
    let entered: Vec<Vec<Cells>> = invented.iter().map(|(_, _, data)| data.entered.clone()).collect();
    let clear = program.compute(&entered).or_refuse("the program takes no invented rows")?;
    let clear = bits(program, &clear)?;
    compare(&prepared, &entered, &clear)?;
    show(context, &prepared, &invented, &clear, seed)
}

/// The bits of output tables.
fn bits(program: &impl Functionality, cells: &[Cells]) -> Outcome<Vec<(usize, Vec<bool>)>> {
    let tables = program.declaration().outputs().iter().zip(cells).enumerate();
    let bits = tables.map(|(place, (table, rows))| {
        let mut bits = Bits::default();
        rows.iter()
            .try_for_each(|row| table.encode_row(row, &mut bits))
            .or_refuse("an output is out of range")?;
        Ok((place, bits.iter().collect()))
    });
    bits.collect()
}

/// Runs the job garbled, and compares what each party learns with what was computed in the clear.
fn compare(prepared: &Prepared, entered: &[Vec<Cells>], clear: &OutputBits) -> Outcome {
    let Prepared { job, program, identities, approvals } = prepared;
    let encoded = entered.iter().enumerate().map(|(i, cells)| program.declaration().encode(i, cells));
    let inputs = encoded.collect::<Result<Vec<_>, _>>().or_refuse("the program takes no invented rows")?;
    let agreement =
        Agreement::regardless_of_expiry(job.clone(), approvals).or_refuse("cannot run the copy")?;
    let run = agreement.run(1).or_refuse("cannot run the copy")?;
    let parties = Parties { run, now: now().min(job.expiry.saturating_sub(1)), identities, inputs: &inputs };
    let mut rngs = vec![OsRng; job.compute_parties().len()];
    let ran = in_process::run(&parties, program, &mut rngs).or_refuse("the garbled run failed")?;
    let is_same = |output: &(usize, Vec<bool>)| clear.contains(output);
    if ran.outputs.iter().flat_map(|(_, outputs)| outputs).all(is_same) {
        return Ok(());
    }
    Err(Failure::new(
        Code::Internal,
        "the garbled run and the one in the clear differ: this is a bug in sotto",
    )
    .help("please report it, with the job"))
}

fn show(
    context: &Context,
    Prepared { job, program, .. }: &Prepared,
    invented: &[(String, &Vec<Table>, Invented)],
    clear: &OutputBits,
    seed: u64,
) -> Outcome {
    let (mut human, mut inputs) = (String::new(), Map::new());
    for (name, tables, data) in invented {
        let mut shown = Map::new();
        for (table, rows) in tables.iter().zip(&data.rows) {
            let count = counted(rows.len() as u64, "invented row");
            let _ = writeln!(
                human,
                "{name}, {}: {count}{}",
                table.name,
                if rows.len() > SHOWN { ", the first of them" } else { "" }
            );
            let heading: Vec<_> = table.in_files().map(|column| column.name.as_str()).collect();
            let first: Vec<_> = rows.iter().take(SHOWN).map(|row| invent::texts(table, row)).collect();
            let _ = writeln!(human, "  {}", heading.join(","));
            first.iter().for_each(|row| human.push_str(&format!("  {}\n", row.join(","))));
            shown.insert(
                table.name.to_string(),
                json!({ "rows": rows.len(), "columns": heading, "first": first }),
            );
        }
        inputs.insert(name.clone(), Value::Object(shown));
    }
    let PartyResult { verdict, tables, figures } = PartyResult::of(program, clear);
    let mut outputs = Map::new();
    for table in &tables {
        let csv = table.to_csv().or_refuse("cannot show the result")?;
        let _ = write!(human, "\n{}\n", table.name());
        csv.lines().for_each(|line| human.push_str(&format!("  {line}\n")));
        outputs.insert(table.name().to_owned(), table.to_json());
    }
    for figure in &figures {
        let _ = writeln!(human, "{}  {}", figure.name, super::results::figure_text(Some(figure.value)));
    }
    let verdict = verdict.map_or("none", Verdict::as_str);
    let _ = write!(
        human,
        "\nVerdict: {verdict}. Computed in the clear and garbled ({} AND gates): both answers are the same.\nThe data are invented (--seed {seed}); nothing was sent.",
        job.program.and_gates
    );
    let fields = json!({ "name": job.name.as_str(), "seed": seed, "inputs": inputs, "outputs": outputs, "verdict": verdict,
                         "and_gates": job.program.and_gates, "garbled_agrees": true });
    context.output.record("mpc-try", fields, &human)
}
