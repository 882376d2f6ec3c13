//! `sotto mpc new`: a job that can be changed and run, with its program and a heading for each party's rows.

use crate::{
    Context, args,
    bridge::{hex, now},
    exit::{Code, Failure, Outcome},
    new_file::{Existing, NewFile, Readers},
};
use rand_core::{OsRng, RngCore as _};
use serde_json::json;
use sotto_jobs::job_file::{self, Counting};
use sotto_jobs::kind::Kind;
use sotto_jobs::text::Name;
use sotto_jobs::{Identity, Job};
use sotto_mpc::edge::compiler::Compiler;
use std::{fmt::Write as _, fs, io, path::Path};

use super::job::invalid_job;

/// Days until a new job expires.
const DAYS: u64 = 90;

/// A party of the new job: its name and, if it computes, where it is met.
struct Party {
    name: String,
    address: String,
}

pub(crate) fn run(context: &Context, a: &args::MpcNew) -> Outcome {
    let parties = parties(a)?;
    let text = job_text(a.template, &parties)?;
    let source = (a.template == args::Template::Survey).then(|| survey(&parties));
    let path = a.folder.join("job.toml");
    let job = checked(&path, &text, source.as_deref())?;
    let mut files = vec![(path, text)];
    files.extend(source.map(|source| (a.folder.join("program.garble.rs"), source)));
    for input in &job.inputs {
        for table in &input.tables {
            let names: Vec<_> = table.in_files().map(|column| column.name.to_string()).collect();
            let file = format!("{}.csv", job.party(input.party).name);
            files.push((a.folder.join(file), names.join(",") + "\n"));
        }
    }
    let new = |path| NewFile { path, readers: Readers::Anybody, existing: Existing::Never };
    // All or nothing, as far as that can be known before.
    files.iter().try_for_each(|(path, _)| new(path).check())?;
    fs::create_dir_all(&a.folder).map_err(Failure::from)?;
    files.iter().try_for_each(|(path, text)| new(path).write_all(text.as_bytes()))?;
    let names: Vec<_> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    let human = format!(
        "{}\n\nNext: read and change job.toml; try it with `sotto mpc try {job}`. Each party makes its key with\n`sotto mpc keygen NAME`, and the .pub files go beside the job. Then `sotto mpc bundle {job} --out FILE`\ncarries it to the others.",
        names.join("\n"),
        job = files.first().map(|(path, _)| path.display().to_string()).unwrap_or_default()
    );
    context.output.record("mpc-new", json!({ "template": a.template.as_str(), "files": names }), &human)
}

/// The parties that were named, or two.
fn parties(a: &args::MpcNew) -> Outcome<Vec<Party>> {
    let usage = |what: String, help: &str| Failure::new(Code::Usage, what).help(help);
    let default = ["north".to_owned(), "south".to_owned()];
    let given = if a.party.is_empty() { &default[..] } else { &a.party[..] };
    let party = |text: &String| {
        let (name, address) = text.split_once('@').unwrap_or((text, ""));
        let address = if address.is_empty() { format!("{name}.example:7700") } else { address.to_owned() };
        let named = Name::new(name).map(|_| Party { name: name.to_owned(), address });
        named.ok_or_else(|| {
            usage(
                format!("invalid party `{text}`"),
                "write NAME or NAME@HOST:PORT; a name is 1 to 32 of a-z, 0-9 and -",
            )
        })
    };
    let parties = given.iter().map(party).collect::<Outcome<Vec<_>>>()?;
    let most = if a.template == args::Template::Join { 2 } else { 16 };
    if !(2..=most).contains(&parties.len()) {
        return Err(usage(
            format!("{} parties", parties.len()),
            &format!("this template has 2 to {most} parties"),
        ));
    }
    Ok(parties)
}

/// The text of the job.
fn job_text(template: args::Template, parties: &[Party]) -> Outcome<String> {
    let mut nonce = [0; 32];
    OsRng.try_fill_bytes(&mut nonce).map_err(|e| Failure::refused("no random numbers").why(e))?;
    let expiry = Kind::Time.show(i128::from((now() / 86_400 + DAYS) * 86_400), 0);
    let all = parties.iter().map(|party| format!("\"{}\"", party.name)).collect::<Vec<_>>().join(", ");
    let [garbler, evaluator] = [0, 1].map(|place| parties.get(place).map_or("", |party| &*party.name));
    let (title, purpose, outputs) = match template {
        args::Template::Survey => (
            "Survey",
            "To know how satisfied people of each region are",
            &["inputs_hold", "panicked", "result"][..],
        ),
        args::Template::Stats => {
            ("Statistics", "To know counts and sums by group", &["inputs_hold", "groups"][..])
        }
        args::Template::Join => {
            ("Join", "To know how many keys two registers have in common", &["inputs_hold", "join"][..])
        }
    };
    let mut text = format!(
        "# Change what you like, then: sotto mpc check job.toml. docs/JOBS.md explains each entry.\n\
         name = \"{title}\"\npurpose = \"{purpose}\"\nnonce = \"{}\"\nexpiry = {expiry}\ndeadline = 600\nmaximum_runs = 1\nadversary = \"semi-honest\"\n\n\
         [roles]                               # two parties that do not collude\ngarbler = \"{garbler}\"\nevaluator = \"{evaluator}\"\n\n",
        hex(&nonce)
    );
    let rows = vec!["100"; parties.len()].join(", ");
    text += &match template {
        args::Template::Survey => include_str!("../../../templates/survey.toml").to_owned(),
        args::Template::Stats => include_str!("../../../templates/stats.toml").replace("ROWS", &rows),
        args::Template::Join => include_str!("../../../templates/join.toml").to_owned(),
    };
    for (place, Party { name, address }) in parties.iter().enumerate() {
        let _ = write!(text, "\n[[party]]\nname = \"{name}\"\nkey = \"{name}.pub\"\n");
        if place < 2 {
            let _ = writeln!(text, "address = \"{address}\"");
        }
    }
    for Party { name, .. } in parties {
        let _ = write!(text, "\n[[input]]\nparty = \"{name}\"\n");
        if template == args::Template::Survey {
            text += "columns.region = { values = [\"north\", \"south\", \"abroad\"] }\ncolumns.mark = { max = 10, optional = true }\n";
        }
    }
    for output in outputs {
        let _ = write!(text, "\n[[output]]\nname = \"{output}\"\nresult_parties = [{all}]\n");
        if *output == "result" {
            text += "rows = \"region\"                        # a row for each region\nminimum = { answers = 5 }              # a region with fewer answers is suppressed\ncolumns.mean = { decimals = 2 }\n# round = { answers = 5, mean = \"0.10\" } rounds what is shown\n";
        }
    }
    Ok(text)
}

/// The source of the survey: each party's rows are a parameter.
fn survey(parties: &[Party]) -> String {
    let letters = || (b'a'..=b'z').map(char::from).take(parties.len());
    let parameters =
        letters().map(|letter| format!("{letter}: [Answer; ROWS]")).collect::<Vec<_>>().join(", ");
    let loops: String = letters()
        .map(|letter| {
            format!(
                "    for answer in {letter} {{\n        if answer.mark.0 {{\n            let region = answer.region as usize;\n            count[region] = count[region] + 1u32;\n            sum[region] = sum[region] + (answer.mark.1 as u32);\n        }}\n    }}\n"
            )
        })
        .collect();
    format!(
        "// How satisfied the people of each region are: how many gave a mark, and the mean of their marks in hundredths.
// A mark that is not there counts as none. The job has regions with few marks suppressed.

const ROWS: usize = JOB::ROWS;

struct Answer {{ region: u8, mark: (bool, u8) }}

struct Region {{ answers: u32, mean: u32 }}

pub fn main({parameters}) -> [Region; 3] {{
    let mut count = [0u32; 3];
    let mut sum = [0u32; 3];
{loops}    let mut regions = [Region {{ answers: 0u32, mean: 0u32 }}; 3];
    for i in 0usize..3usize {{
        let mean = if count[i] > 0u32 {{ sum[i] * 100u32 / count[i] }} else {{ 0u32 }};
        regions[i] = Region {{ answers: count[i], mean }};
    }}
    regions
}}
"
    )
}

/// The job of the text, which this version of the program must take.
fn checked(path: &Path, text: &str, source: Option<&str>) -> Outcome<Job> {
    let read = |name: &str| match source {
        Some(source) if !name.ends_with(".pub") => Ok(source.to_owned()),
        _ if name.ends_with(".pub") => Ok(Identity::random(&mut OsRng).public().to_text()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let parsed = job_file::parse(text, Counting::Now, &Compiler::this_program(), read);
    parsed.map(|(job, _)| job).map_err(|errors| invalid_job(path, &errors))
}
