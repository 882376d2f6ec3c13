//! The auction of the gallery in one process: job file, approvals, rows, garbled computation, results.
//!
//! ```text
//! cargo run --release -p sotto-jobs --example auction
//! ```
//!
//! Between organisations each party runs its part with `sotto mpc run`; here one process plays all six.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::{File, read_to_string};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_jobs::in_process::{self, Parties};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::result::PartyResult;
use sotto_jobs::rows::{self, Schema};
use sotto_jobs::summary::describe;
use sotto_jobs::text_key::TextKey;
use sotto_jobs::{Agreement, Approval, Computation, Format, Identity, job_file};
use sotto_mpc::Bits;
use sotto_mpc::circuit::language::NoCompiler;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/gallery/auction");
/// Before the job expires, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

/// The key of a party, from its name. A real party draws its key and keeps it in a file.
fn identity(name: &str) -> Identity {
    let seed = name.bytes().fold(0, |seed, byte| 31 * seed + u64::from(byte));
    Identity::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

/// What an input party does with its own rows before anything leaves it.
fn read_input(agreement: &Agreement, program: &Computation, i: usize) -> Result<Bits, Box<dyn Error>> {
    let mut step = program.local(i);
    let file = File::open(format!("{FOLDER}/data/party-{}.csv", i + 1))?;
    let schema = Schema { tables: &agreement.job().inputs[i].tables, texts: &TextKey::of(agreement) };
    rows::read(schema, [(Format::Csv, file)], &mut *step)?;
    Ok(step.enter(program.declaration().party(i))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let text = read_to_string(format!("{FOLDER}/job.toml"))?;
    let key = |file: &str| Ok(identity(file.trim_end_matches(".pub")).public().to_text());
    let (job, program) =
        job_file::parse(&text, job_file::Counting::Now, &NoCompiler, key).map_err(|e| e[0].clone())?;
    println!("What every party reads before it signs:\n\n{}", describe(&job, None));

    let [mut first, mut second] = [1, 2].map(ChaCha20Rng::seed_from_u64);
    let identities: Vec<_> = job.parties.iter().map(|party| identity(party.name.as_str())).collect();
    let approvals = identities.iter().map(|identity| Approval::sign(&job, identity, &mut first));
    let agreement = Agreement::new(job.clone(), &approvals.collect::<Result<Vec<_>, _>>()?, NOW)?;

    let inputs = (0..job.inputs.len()).map(|i| read_input(&agreement, &program, i));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let parties = Parties { run: agreement.run(1)?, now: NOW, identities: &identities, inputs: &inputs };
    let results = in_process::run(&parties, &program, [&mut first, &mut second])?;

    for (party, outputs) in &results.outputs {
        println!("{} receives", job.party(*party).name);
        for table in PartyResult::of(&program, outputs).tables {
            println!("{}", table.to_csv()?.replace("\r\n", "\n").trim_end());
        }
    }
    Ok(())
}
