//! The jobs of the gallery: what they give is what clear arithmetic gives, with every input party's input
//! shared between the two compute parties, garbled.
//!
//! Data that are not real are made here, from seeds: `cargo test -p sotto-jobs --test gallery -- --ignored`
//! writes them again, and a test holds the files against this.

#![allow(clippy::unwrap_used, clippy::panic)]

mod data;
mod questions;

use std::fmt::Write as _;
use std::path::PathBuf;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::builtins::auc::clear;
use sotto_jobs::in_process::{self, Parties};
use sotto_jobs::job::{Gates, Input};
use sotto_jobs::job_file::{self, Counting};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality, Table};
use sotto_jobs::program::Computation;
use sotto_jobs::result::PartyResult;
use sotto_jobs::rows::{self, Schema};
use sotto_jobs::text_key::TextKey;
use sotto_jobs::{Agreement, Approval, Digest, Format, Job};
use sotto_mpc::Bits;
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::semi_honest::run_in_memory;
use sotto_party::Identity;

const JOBS: [&str; 18] = [
    "auc",
    "welch",
    "scoring",
    "join",
    "pay-gap",
    "auction",
    "top-k",
    "median",
    "survey",
    "cohort",
    "k-means",
    "regression",
    "products",
    "credit",
    "churn",
    "fraud",
    "quantiles",
    "regions",
];

fn folder(job: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/gallery")).join(job)
}

/// A job of the gallery and its program. No keys lie there: each party gets one made here.
fn job(name: &str) -> (Job, Computation) {
    read(name, Counting::Now)
}

fn read(name: &str, counting: Counting<'_>) -> (Job, Computation) {
    read_text(name, &std::fs::read_to_string(folder(name).join("job.toml")).unwrap(), counting)
}

fn read_text(name: &str, text: &str, counting: Counting<'_>) -> (Job, Computation) {
    let rng = &mut ChaCha20Rng::seed_from_u64(3);
    let read = |file: &str| match file.ends_with(".pub") {
        true => Ok(Identity::random(rng).public().to_text()),
        false => std::fs::read_to_string(folder(name).join(file)),
    };
    job_file::parse(text, counting, &crate::compiler::compiler(), read)
        .unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
}

/// Who signed has counted the gates. That is taken over only for who does not compute, and a false count is
/// another job.
#[test]
fn a_stated_count_is_believed_as_far_as_it_was_signed() {
    let (counted, _) = job("pay-gap");
    let keys = &mut ChaCha20Rng::seed_from_u64(3);
    let identities: Vec<Identity> = counted.parties.iter().map(|_| Identity::random(keys)).collect();
    let rng = &mut ChaCha20Rng::seed_from_u64(4);
    let approvals: Vec<Approval> =
        identities.iter().map(|identity| Approval::sign(&counted, identity, rng).unwrap()).collect();
    let approvals: Vec<Approval> =
        approvals.iter().map(|c| Approval::from_text(&c.to_text()).unwrap()).collect();
    let true_gates = approvals[2].gates();
    assert_eq!(true_gates, counted.program.gates());
    let (input_party, compute_parties) = ("company-1", ["institute", "union"]);
    let (stated, _) = read("pay-gap", Counting::Before { party: input_party, gates: true_gates });
    assert_eq!(stated.id(), counted.id());
    assert!(Agreement::new(stated, &approvals, 0).is_ok());

    let gates = Gates { circuit: Digest([7; 32]), ..true_gates };
    let (misled, _) = read("pay-gap", Counting::Before { party: input_party, gates });
    assert_eq!(misled.program.gates(), gates, "it was not counted");
    assert!(Agreement::new(misled.clone(), &approvals, 0).is_err(), "no party signed that");
    for party in compute_parties {
        let (job, _) = read("pay-gap", Counting::Before { party, gates });
        assert_eq!(job.id(), counted.id(), "{party} counts, whatever is stated");
    }
    // All others sign the false count: the input party did not, and the compute parties' own count is another
    // job.
    let forged: Vec<Approval> = identities.iter().map(|i| Approval::sign(&misled, i, rng).unwrap()).collect();
    let mixed: Vec<Approval> =
        (0..forged.len()).map(|i| if i == 2 { &approvals[i] } else { &forged[i] }).cloned().collect();
    assert!(Agreement::new(misled, &mixed, 0).is_err());
    assert!(Agreement::new(counted, &forged, 0).is_err());
}

fn program(name: &str) -> Computation {
    job(name).1
}

/// A decimal in units of its last place.
fn scaled(text: &str, decimals: u8) -> i128 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<width$}", width = usize::from(decimals));
    assert!(fraction.len() <= usize::from(decimals), "{text}");
    sign * digits.parse::<i128>().unwrap()
}

/// The rows of an input party's file, whose first line names the table's columns.
fn rows(job: &str, input_party: usize, table: &Table) -> Cells {
    let text =
        std::fs::read_to_string(folder(job).join(format!("data/party-{}.csv", input_party + 1))).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(lines.next().unwrap(), names.join(","));
    let row = |line: &str| {
        let fields = line.split(',').zip(&table.columns);
        fields.map(|(field, column)| scaled(field, column.number.decimals())).collect()
    };
    lines.map(row).collect()
}

/// What each input party's file says, and what enters after its local step.
fn inputs(job: &str, program: &impl Functionality) -> (Vec<Cells>, Vec<Vec<Cells>>) {
    let (mut sources, mut inputs) = (Vec::new(), Vec::new());
    for input_party in 0..program.declaration().parties().len() {
        let mut local = program.local(input_party);
        let source = rows(job, input_party, &local.tables()[0]);
        source.iter().for_each(|row| local.row(0, row).unwrap());
        inputs.push(local.finish().unwrap());
        sources.push(source);
    }
    (sources, inputs)
}

/// What enters of the files of all input parties, read as `sotto mpc run` reads them.
fn entered(name: &str, job: &Job, program: &impl Functionality) -> Vec<Vec<Cells>> {
    let mut files = (1..).map(|i| std::fs::read(folder(name).join(format!("data/party-{i}.csv"))).unwrap());
    let mut enter = |(i, input): (usize, &Input)| {
        let mut local = program.local(i);
        let texts: Vec<Vec<u8>> = files.by_ref().take(input.tables.len()).collect();
        let schema = Schema { tables: &input.tables, texts: &TextKey::for_checks() };
        rows::read(schema, texts.iter().map(|text| (Format::Csv, &text[..])), &mut *local).unwrap();
        local.finish().unwrap()
    };
    job.inputs.iter().enumerate().map(&mut enter).collect()
}

/// Outputs of a garbled run on shares, which are those in the clear and hold.
fn run(program: &(impl Functionality + Sync), inputs: &[Vec<Cells>]) -> Vec<Cells> {
    let rng = &mut ChaCha20Rng::seed_from_u64(7);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (input_party, tables) in inputs.iter().enumerate() {
        for bit in program.declaration().encode(input_party, tables).unwrap().iter() {
            let mask = rng.next_u32() & 1 == 1;
            first.push(mask);
            second.push(bit ^ mask);
        }
    }
    let delegated = Delegated::new(program, vec![Holder::Shared; inputs.len()]).unwrap();
    let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
    let output = run_in_memory(&delegated, &first, &second, [garbler, evaluator]).unwrap();
    let outputs = program.declaration().decode(&output).unwrap();
    assert_eq!(outputs, program.compute(inputs).unwrap());
    assert_eq!(outputs[0], [vec![1; inputs.len()]]);
    outputs
}

fn figure(program: &impl Functionality, outputs: &[Cells], name: &str) -> f64 {
    let figures = program.figures(outputs);
    figures.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("{figures:?}")).value
}

/// A job of the gallery against this adversary, on few rows where it has many gates.
fn job_against(name: &str, adversary: &str) -> (Job, Computation) {
    let text = std::fs::read_to_string(folder(name).join("job.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with("adversary = ")).unwrap();
    let text = text.replace(line, &format!("adversary = \"{adversary}\""));
    let text = text.replace("positive = [145, 67]", "positive = [6, 4]");
    let text = text.replace("negative = [139, 218]", "negative = [5, 7]");
    read_text(name, &text, Counting::Now)
}

/// The same with a third computer beside the two, who is nobody else.
fn job_of_three(name: &str) -> (Job, Computation) {
    let text = std::fs::read_to_string(folder(name).join("job.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with("adversary = ")).unwrap();
    let named = |role: &str| {
        let line = text.lines().find(|line| line.starts_with(role)).unwrap();
        (line.to_owned(), line.split('"').nth(1).unwrap().to_owned())
    };
    let ((garbler, first), (evaluator, second)) = (named("garbler = "), named("evaluator = "));
    let computers = format!("computers = [\"{first}\", \"{second}\", \"third\"]");
    let text = text.replace(line, &format!("adversary = \"malicious\"\nexperimental = true\n{computers}"));
    let text = text.replace("[roles]", "").replace(&garbler, "").replace(&evaluator, "");
    let text = text.replace("positive = [145, 67]", "positive = [6, 4]");
    let text = text.replace("negative = [139, 218]", "negative = [5, 7]");
    let third = "\n[[party]]\nname = \"third\"\nkey = \"third.pub\"\naddress = \"127.0.0.1:7799\"\n";
    read_text(name, &(text + third), Counting::Now)
}

/// What each input party enters: its rows, or the first ones of each class where the job takes few.
fn few_rows(name: &str, job: &Job, program: &Computation) -> Vec<Vec<Cells>> {
    if name != "auc" {
        return entered(name, job, program);
    }
    let few = |input_party: usize| -> Vec<Cells> {
        let mut local = program.local(input_party);
        let source = rows(name, input_party, &local.tables()[0]);
        let mut left = [[6, 5], [4, 7]][input_party];
        for row in &source {
            let class = usize::from(row[0] == 1); // the first class is the positive one
            if left[class] > 0 {
                left[class] -= 1;
                local.row(0, row).unwrap();
            }
        }
        local.finish().unwrap()
    };
    (0..program.declaration().parties().len()).map(few).collect()
}

/// Every job of the gallery gives the same in the clear, against curious compute parties and against malicious
/// ones, two and three, with all messages of the parties in between.
#[test]
fn every_job_gives_the_same_against_either_adversary() {
    for name in JOBS {
        let mut ids = Vec::new();
        for adversary in ["semi-honest", "malicious", "malicious, three computers"] {
            let of_three = adversary.ends_with("computers");
            let (job, program) = if of_three { job_of_three(name) } else { job_against(name, adversary) };
            let inputs = few_rows(name, &job, &program);
            let expected = program.compute(&inputs).unwrap();
            assert_eq!(expected[0], [vec![1; inputs.len()]], "{name}");
            let bits: Vec<Bits> = inputs
                .iter()
                .enumerate()
                .map(|(i, tables)| program.declaration().encode(i, tables).unwrap())
                .collect();
            let keys = &mut ChaCha20Rng::seed_from_u64(3);
            let identities: Vec<Identity> = job.parties.iter().map(|_| Identity::random(keys)).collect();
            let sign =
                |identity: &Identity| Approval::sign(&job, identity, &mut ChaCha20Rng::seed_from_u64(4));
            let approvals: Vec<Approval> =
                identities.iter().map(|identity| sign(identity).unwrap()).collect();
            let agreement = Agreement::new(job.clone(), &approvals, 0).unwrap();
            let run = agreement.run(1).unwrap();
            let parties = Parties { run, now: 0, identities: &identities, inputs: &bits };
            let mut rngs = [5, 6, 7].map(ChaCha20Rng::seed_from_u64);
            let rngs = &mut rngs[..job.compute_parties().len()];
            let results = in_process::run(&parties, &program, rngs)
                .unwrap_or_else(|error| panic!("{name}, {adversary}: {error}"));
            assert_eq!(results.outputs.len(), job.result_parties().len());
            for (party, outputs) in results.outputs {
                assert_eq!(outputs.iter().map(|(i, _)| *i).collect::<Vec<_>>(), job.outputs_of(party));
                for (output, bits) in outputs {
                    let from = program.declaration().outputs()[..output].iter().map(Table::bits).sum();
                    let mut all = vec![false; program.declaration().output_bits()];
                    all[from..from + bits.len()].copy_from_slice(&bits);
                    let found = &program.declaration().decode(&all).unwrap()[output];
                    assert_eq!(found, &expected[output], "{name}, {adversary}, output {output} of {party:?}");
                }
            }
            ids.push(job.id());
        }
        let all: std::collections::BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(all.len(), ids.len(), "adversary and computers are part of what is signed");
    }
}

#[test]
fn auc_over_two_hospitals() {
    let program = program("auc");
    let (sources, inputs) = inputs("auc", &program);
    let outputs = run(&program, &inputs);
    for (probe, sums) in outputs[1].iter().enumerate() {
        let of = |class| -> Vec<u32> {
            let rows = sources.iter().flatten().filter(|row| row[0] == class);
            rows.map(|row| row[1 + probe] as u32).collect()
        };
        let expected = clear(&of(0), &of(1));
        assert_eq!(sums[..], [expected.two_u, expected.sum_v10_sq, expected.sum_v01_sq].map(i128::from));
    }
    assert!((figure(&program, &outputs, "mean radius: AUC") - 0.9375).abs() < 1e-4);
}

#[test]
fn welch_over_three_hospitals() {
    let program = program("welch");
    let (sources, inputs) = inputs("welch", &program);
    let outputs = run(&program, &inputs);
    let arm = |arm| -> Vec<f64> {
        sources.iter().flatten().filter(|row| row[0] == arm).map(|row| row[1] as f64 / 100.0).collect()
    };
    let moments = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (x.len() - 1) as f64 / x.len() as f64)
    };
    let ((m_0, q_0), (m_1, q_1)) = (moments(&arm(0)), moments(&arm(1)));
    let t = (m_1 - m_0) / (q_0 + q_1).sqrt();
    assert!((figure(&program, &outputs, "t") - t).abs() < 1e-6, "{t}");
    assert!(figure(&program, &outputs, "p, two-sided") < 1e-6);
}

#[test]
fn a_model_scores_a_clinics_rows() {
    let program = program("scoring");
    let (sources, inputs) = inputs("scoring", &program);
    let outputs = run(&program, &inputs);
    let model = &sources[0][0];
    for (row, step) in sources[1].iter().zip(&outputs[1]) {
        let z: i128 = model[0] + row.iter().zip(&model[1..]).map(|(x, w)| x * w).sum::<i128>();
        let probability = 1.0 / (1.0 + (-z as f64 / 1e5).exp());
        assert_eq!(step[0], (probability * 10.0).floor().min(9.0) as i128);
    }
    // It is a model: it tells some rows from others.
    assert!(outputs[1].iter().any(|step| step[0] == 0) && outputs[1].iter().any(|step| step[0] == 9));
}

#[test]
fn two_registers_are_joined() {
    let program = program("join");
    let (sources, inputs) = inputs("join", &program);
    let outputs = run(&program, &inputs);
    let common: Vec<_> = sources[1].iter().filter(|row| sources[0].contains(&vec![row[0]])).collect();
    assert_eq!(outputs[1], [[1, common.len() as i128, common.iter().map(|row| row[1]).sum()]]);
}

#[test]
fn a_pay_gap_table_suppresses_small_cells() {
    let program = program("pay-gap");
    let (sources, inputs) = inputs("pay-gap", &program);
    let outputs = run(&program, &inputs);
    for (group, found) in outputs[1].iter().enumerate() {
        let pay: Vec<i128> =
            sources.iter().flatten().filter(|row| row[0] == group as i128).map(|row| row[1]).collect();
        let expected = if pay.len() < 8 { [0, 0, 0] } else { [1, pay.len() as i128, pay.iter().sum()] };
        assert_eq!(found[..], expected, "{group}");
    }
    assert!(outputs[1].iter().any(|cell| cell[0] == 0), "one cell is small");
    assert!(figure(&program, &outputs, "mean of office, women").is_normal());
}

#[test]
fn the_second_price_is_paid() {
    let program = program("auction");
    let (sources, inputs) = inputs("auction", &program);
    let outputs = run(&program, &inputs);
    let mut bids: Vec<(i128, usize)> =
        sources.iter().enumerate().map(|(i, rows)| (rows[0][0], i + 1)).collect();
    bids.sort();
    assert_eq!(outputs[1], [[bids[3].1 as i128, bids[2].0]]);
}

#[test]
fn the_top_of_summed_counters() {
    let program = program("top-k");
    let (sources, inputs) = inputs("top-k", &program);
    let outputs = run(&program, &inputs);
    let total = |i: usize| sources.iter().map(|rows| rows[i][0]).sum::<i128>();
    let mut totals: Vec<(i128, i128)> = (0..16).map(|i| (-total(i), i as i128 + 1)).collect();
    totals.sort();
    let expected: Cells = totals[..5].iter().map(|(total, item)| vec![*item, -total]).collect();
    assert_eq!(outputs[1], expected);
}

#[test]
fn a_garble_program_finds_the_median() {
    let program = program("median");
    let (sources, inputs) = inputs("median", &program);
    let outputs = run(&program, &inputs);
    let mut all: Vec<i128> = sources.iter().flatten().map(|row| row[0]).collect();
    all.sort();
    assert_eq!(outputs[1..], [vec![vec![0]], vec![vec![all[4]]]]);
}

/// The files of results say what clear arithmetic says, in words.
#[test]
fn questions_are_answered() {
    for (name, made) in questions::all() {
        let (job, program) = job(name);
        let outputs = run(&program, &entered(name, &job, &program));
        let bits = |(i, rows): (usize, &Cells)| {
            let mut bits = Bits::default();
            let table = &program.declaration().outputs()[i];
            rows.iter().for_each(|row| table.encode_row(row, &mut bits).unwrap());
            (i, bits.iter().collect())
        };
        let outputs: Vec<_> = outputs.iter().enumerate().map(bits).collect();
        let result = PartyResult::of(&program, &outputs);
        assert_eq!(result.tables[2].to_csv().unwrap(), made.result, "{name}");
    }
}

#[test]
fn every_page_says_what_its_job_costs() {
    for name in JOBS {
        let page = std::fs::read_to_string(folder(name).join("README.md")).unwrap();
        let gates = grouped(job(name).0.program.and_gates);
        assert!(page.contains(&format!("{gates} AND gates")), "{name}: {gates}");
    }
}

#[test]
fn every_page_says_how_its_job_is_run() {
    for name in JOBS {
        let (job, _) = job(name);
        let mut command = format!("sotto mpc local jobs/gallery/{name}/job.toml");
        let tables = job.inputs.iter().flat_map(|input| input.tables.iter().map(|_| input.party));
        for (i, party) in tables.enumerate() {
            let input_party = job.party(party).name.as_str();
            write!(command, " \\\n  --input {input_party}=jobs/gallery/{name}/data/party-{}.csv", i + 1)
                .unwrap();
        }
        let page = std::fs::read_to_string(folder(name).join("README.md")).unwrap();
        assert!(page.contains(&format!("```sh\n{command}\n```")), "{name}: {command}");
    }
}

/// With commas between thousands.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn data_are_what_is_made_here() {
    for (job, input_parties) in data::data() {
        for (i, expected) in input_parties.iter().enumerate() {
            let path = folder(job).join(format!("data/party-{}.csv", i + 1));
            assert_eq!(&std::fs::read_to_string(&path).unwrap(), expected, "{}", path.display());
        }
    }
}

#[test]
#[ignore = "writes the data of the gallery"]
fn write_data() {
    for (job, input_parties) in data::data() {
        std::fs::create_dir_all(folder(job).join("data")).unwrap();
        for (i, text) in input_parties.iter().enumerate() {
            std::fs::write(folder(job).join(format!("data/party-{}.csv", i + 1)), text).unwrap();
        }
    }
}
