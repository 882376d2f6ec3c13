//! Seeds of the targets of jobs.

use super::{Inputs, input};
use crate::fixtures::job::{
    agreement, attested, attested_receipt, file, finished_by_three, job, kept, messages, of_three, parse,
    receipt_text, secret, session_evidence, stream,
};
use crate::fixtures::{sale, tee};
use sotto_jobs::attempt::Computed;
use sotto_jobs::budget::{Budget, DataUse, RowsHasher};
use sotto_jobs::bundle_file::Bundle;
use sotto_jobs::messages::Response;
use sotto_jobs::{Approval, Digest, PartyId, Receipt};

const POLICY: &str = "programs = []\nschemas = []\npurposes = [\"To know it\"]\nresult_parties = []\nminimum_rows = 1\nruns_a_month = 2\noutputs_a_month = 4\n";
const AUCTION: &str =
    "builtin = \"auction@1\"\nparameters = { bidders = 2, bid = { max = 999, decimals = 2 }, reserve = 1 }";

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    Some(match target {
        "mpc_job" => {
            vec![
                input("job", job().to_bytes()),
                input("typed", parse(&typed()).expect("a job").0.to_bytes()),
                input("attested", attested().job().to_bytes()),
                input("of-three", of_three().to_bytes()),
                input("sold", sale::job().to_bytes()),
            ]
        }
        "mpc_job_file" => vec![
            input("garble", file("garble = \"sum.garble.rs\"", &["inputs_hold", "panicked", "result"])),
            input(
                "bristol",
                file("bristol = \"adder.txt\"\ninput_parties = [\"c\", \"a\"]", &["inputs_hold", "output 1"]),
            ),
            input("auction", file(AUCTION, &["inputs_hold", "result"])),
            input("output-too-many", file(AUCTION, &["inputs_hold", "result", "more"])),
            input(
                "unknown-file",
                file("garble = \"none.garble.rs\"", &["inputs_hold", "panicked", "result"]),
            ),
            input("typed", typed()),
            input(
                "of-three",
                typed().replace("[roles]\ngarbler = \"a\"\nevaluator = \"b\"\n", "").replace(
                    "protocol = \"semi-honest\"",
                    "adversary = \"malicious\"\nexperimental = true\ncomputers = [\"a\", \"b\", \"c\"]",
                ),
            ),
            input("no-toml", "name = "),
        ],
        "mpc_job_text" => vec![
            input("policy", POLICY),
            input("bundle", bundle()),
            input("public", secret(b'a').public().to_text()),
            input("secret", secret(b'a').to_secret_text().as_str()),
            input("consent", approval().to_text()),
        ],
        "mpc_run_state" => stored(),
        "mpc_messages" => messages().into_iter().map(|(name, bytes)| input(name, bytes)).collect(),
        "mpc_evidence" => answers(),
        "mpc_receipt" => vec![input("receipt", receipt_text()), input("empty", "{}")],
        "mpc_budget" => vec![input("lines", budget()), input("none", "")],
        "mpc_rows" => vec![
            input("csv", "age,pay\n30,1.5\n120,-0.05\n"),
            input("json", "{\"age\": 30, \"pay\": \"1.5\"}\n\n{\"pay\": 2, \"age\": 7}\n"),
            input("out-of-range", "age,pay\n121,1\n"),
            input("semicolons", "\u{feff}sep=;\r\nage;pay;;\r\n30;1,5;;\r\n120;NA;;\r\n;;;\r\n"),
            input("list", "[{\"age\": 30, \"pay\": 1.5}, {\"age\": 1, \"age\": 2}]"),
            input("utf-16", b"\xff\xfea\0g\0e\0,\0p\0a\0y\0\n\x001\0,\x002\0"),
            input("quoted", "\"pay\",\"age\"\r\n\"1.50\",\"3\"\r\n"),
        ],
        _ => return None,
    })
}

/// What parties keep, also of a job with evidence.
fn stored() -> Inputs {
    let [computed, finished, outbox] = kept();
    let Receipt { facts, garbler: statement, .. } = attested_receipt();
    let Receipt { facts: of_sale, garbler, .. } = sale::receipt().clone();
    let sold = Computed { facts: of_sale, statement: garbler, encrypted_shares: Vec::new() };
    let vouched = Computed { facts, statement, encrypted_shares: Vec::new() };
    vec![
        input("computed", computed),
        input("finished", finished),
        input("outbox", outbox),
        input("vouched", vouched.to_bytes()),
        input("of-three", finished_by_three()),
        input("sold", sold.to_bytes()),
    ]
}

/// Answers to a challenge.
fn answers() -> Inputs {
    let answer = |evidence| {
        let nonce = Digest([9; 32]);
        stream(|line| Response::Proof { nonce, evidence }.send(line).expect("room"))
    };
    vec![
        input("evidence", answer(Some(session_evidence().encode()))),
        input("enrolment", answer(Some(tee::bundle().evidence.encode()))),
        input("none", answer(None)),
    ]
}

/// A job whose columns have types.
fn typed() -> String {
    let text = file("garble = \"sum.garble.rs\"", &["inputs_hold", "panicked", "result"]);
    let names = "columns.x = { values = [\"north\", \"south\"] }\n";
    let text = text.replace("[[input]]\nparty = \"a\"\n", &format!("[[input]]\nparty = \"a\"\n{names}"));
    text + "columns.result = { decimals = 1 }\n"
}

fn approval() -> Approval {
    Approval::sign(job(), &secret(b'a'), &mut crate::fixtures::rng(2)).expect("a party")
}

/// A bundle with one file and one approval.
fn bundle() -> String {
    let files = [("sum.garble.rs".to_owned(), "pub fn main(x: u8) -> u8 { x }".to_owned())];
    let job = "name = \"Sum\"\n".to_owned();
    Bundle { job, files: files.into(), approvals: vec![approval()] }.to_text()
}

/// Two entries of a budget.
fn budget() -> String {
    let owner = secret(b'c');
    let mut lines = String::new();
    for run in 1..=2 {
        let log = Budget::read(&owner, &lines, None).expect("our own log");
        let input = agreement().run(run).expect("a run").input_of(PartyId(2));
        let wanted = DataUse { input, data_set: RowsHasher::new(&owner).finish(None), policy: None };
        let entry = log.debit(&wanted, 1000).expect("no policy forbids it");
        lines += &entry.expect("a run that is new").0;
    }
    lines
}
