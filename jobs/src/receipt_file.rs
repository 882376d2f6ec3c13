//! Receipts and results as JSON, to be read by people and programs and verified without the job file.
//!
//! `receipt.json` has the canonical bytes of job and receipt as hexadecimal digits, and the same content as
//! JSON fields. The bytes are verified; the fields are rendered from them again and must be equal.
//! `result.json` has the result party's tables, a [verdict](Verdict) whether they mean anything, and the two
//! output shares that they come from, to which the receipt commits.

use serde_json::{Value, json};

use crate::codec::DecodeError;
use crate::json::UniqueMembers;
use crate::multiparty::{Functionality, Table};
use crate::output_share::{AttemptOutputs, WrongOutputShare};
use crate::receipt::{Receipt, ReceiptError, Statement};
use crate::result::{OutputBits, PartyResult, Verdict};
use crate::vouched::Vouched;
use crate::{Job, PartyId};
use sotto_party::hex::{from_hex, to_hex};

pub use crate::result::tables;

/// Longest receipt file, in bytes.
pub const MAX_FILE: u64 = 1 << 22;

/// Longest result file, in bytes.
pub const MAX_RESULT: u64 = 1 << 28;

const NO_JSON: &str = "not JSON, or a member occurs twice";

/// Why a text is not a receipt or result file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The text is not a receipt file.
    #[error("invalid receipt file: {0}")]
    Form(&'static str),
    /// The job in it cannot be read.
    #[error("the job in the receipt: {0}")]
    Job(#[from] DecodeError),
    /// The receipt in it is none.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The output shares in a result are not those of the receipt.
    #[error(transparent)]
    OutputShare(#[from] WrongOutputShare),
    /// A result that its result party alone can read out of the receipt.
    #[error(
        "a result of a job against malicious compute parties cannot be shown to others: what the receipt has of it \
         is under the result party's pad, and a true pad cannot be told from another"
    )]
    NotShown,
    /// A result does not say what its output shares do.
    #[error("the outputs are not what the compute parties' output shares give: they were altered")]
    Outputs,
    /// The words do not say what was signed.
    #[error("the words of the receipt differ from what the compute parties signed: they were altered")]
    Words,
}

/// A receipt that both compute parties of its job signed.
#[derive(Clone, Debug)]
pub struct SignedReceipt {
    /// The job.
    pub job: Job,
    /// What both signed.
    pub receipt: Receipt,
}

/// A receipt as a JSON record.
#[must_use]
pub fn render(job: &Job, receipt: &Receipt) -> Value {
    let facts = &receipt.facts;
    let name = |id: PartyId| job.party(id).name.as_str();
    let input_parties = job.contributors().into_iter().map(name);
    let inputs = input_parties
        .zip(&facts.inputs)
        .map(|(input_party, input_commitment)| json!({ "input_party": input_party, "input_commitment": input_commitment.to_string() }));
    let outputs = facts.outputs.iter().map(|output| {
        let names: Vec<_> =
            job.outputs_of(output.result_party).iter().filter_map(|i| job.outputs.get(*i)).collect();
        let names: Vec<_> = names.iter().map(|output| output.name.as_str()).collect();
        json!({ "result_party": name(output.result_party), "outputs": names,
                "garbler": output.garbler.to_string(), "evaluator": output.evaluator.to_string() })
    });
    let statement = |id, statement: &Statement| {
        let Statement { started, finished, sent, received, .. } = statement;
        let mut record = json!({ "compute_party": name(id), "key": job.party(id).key.fingerprint(), "started": started,
                "finished": finished, "sent": sent, "received": received });
        if let (Some(vouched), Some(members)) = (statement.vouched(), record.as_object_mut()) {
            members.insert("evidence".to_owned(), evidence(vouched));
        }
        record
    };
    let statements = receipt.statements_of(job);
    let statements: Vec<_> = statements.into_iter().map(|(id, stated)| statement(id, stated)).collect();
    let mut record = json!({
        "v": 1, "type": "receipt", "verdict": "finished",
        "job": job.id().to_string(), "name": job.name.as_str(), "purpose": job.purpose.as_str(),
        "run": facts.run, "attempt": facts.attempt, "run_id": facts.run_id.to_string(),
        "program": job.program.name.to_string(), "circuit": facts.circuit.to_string(), "and_gates": facts.and_gates,
        "inputs": inputs.collect::<Vec<_>>(), "outputs": outputs.collect::<Vec<_>>(),
        "transcript": facts.transcript.to_string(),
        "statements": statements,
        "job_bytes": to_hex(&job.to_bytes()), "receipt_bytes": to_hex(&receipt.to_bytes()),
    });
    if let Some(members) = record.as_object_mut() {
        let version = match (job.is_experimental(), job.has_attested_computers()) {
            (false, false) => 1,
            (false, true) => 2,
            (true, false) => 3,
            (true, true) => 5,
        };
        members.insert("v".to_owned(), version.into());
    }
    if let (Some(declared), Some(members)) = (job.declared(), record.as_object_mut()) {
        members.insert("disclosure".to_owned(), declared.record());
    }
    if let (Some(shows), Some(members)) = (Receipt::shows(job), record.as_object_mut()) {
        members.insert("adversary".to_owned(), job.suite.adversary().as_str().into());
        members.insert("shows".to_owned(), shows.into());
    }
    record
}

/// What stands behind a statement, in words; the bundle itself is in the receipt's bytes.
fn evidence(vouched: &Vouched) -> Value {
    let bundle = vouched.bundle();
    json!({ "name": bundle.evidence.name().to_string(), "kind": bundle.evidence.kind().name(),
            "policy": bundle.policy().digest().to_string(), "verdict": vouched.verdict().to_string(),
            "bundle": bundle.digest().to_string() })
}

/// The receipt of a file, with its job: signed by both compute parties, and saying in words what they signed.
///
/// # Errors
/// If it is none, or was altered.
pub fn read(text: &str) -> Result<SignedReceipt, FileError> {
    let UniqueMembers(value) = serde_json::from_str(text).map_err(|_| FileError::Form(NO_JSON))?;
    let bytes = |name: &str| bytes(value.get(name).and_then(Value::as_str));
    let job = Job::from_bytes(&bytes("job_bytes").ok_or(FileError::Form("it has no `job_bytes`"))?)?;
    let receipt = bytes("receipt_bytes").ok_or(FileError::Form("it has no `receipt_bytes`"))?;
    let receipt = Receipt::from_bytes(&job, &receipt)?;
    if render(&job, &receipt) == value { Ok(SignedReceipt { job, receipt }) } else { Err(FileError::Words) }
}

/// Whose result of which job a file is.
#[derive(Clone, Copy, Debug)]
pub struct ResultOf<'j> {
    /// The job.
    pub job: &'j Job,
    /// The result party.
    pub party: PartyId,
}

/// What a result party got, as JSON: its name, whether that is a result, its tables and what shows that they
/// are those of the receipt, if anything does.
#[must_use]
pub fn render_result(
    program: &impl Functionality,
    ResultOf { job, party }: ResultOf<'_>,
    outputs: &OutputBits,
    output_shares: Option<&[Vec<u8>; 2]>,
) -> Value {
    let PartyResult { verdict, tables, .. } = PartyResult::of(program, outputs);
    let tables = tables.iter().map(|table| (table.name().to_owned(), table.to_json()));
    let mut record = json!({
        "job": job.id().to_string(), "result_party": job.party(party).name.as_str(),
        "verdict": verdict.map(Verdict::as_str),
        "outputs": tables.collect::<serde_json::Map<_, _>>(),
    });
    if let (Some(declared), Some(members)) = (job.declared(), record.as_object_mut()) {
        members.insert("disclosure".to_owned(), declared.record());
    }
    if let (Some([garbler, evaluator]), Some(members)) = (output_shares, record.as_object_mut()) {
        let shares = json!({ "garbler": to_hex(garbler), "evaluator": to_hex(evaluator) });
        members.insert("output_shares".to_owned(), shares);
    }
    record
}

/// Whose result a file is, if it says what both compute parties signed for. Other entries of the file are not
/// looked at.
///
/// # Errors
/// If the text is not a result of this job, or was altered.
pub fn read_result(
    text: &str,
    program: &impl Functionality,
    SignedReceipt { job, receipt }: &SignedReceipt,
) -> Result<PartyId, FileError> {
    let UniqueMembers(value) = serde_json::from_str(text).map_err(|_| FileError::Form(NO_JSON))?;
    let party = value.get("result_party").and_then(Value::as_str).and_then(|name| job.find(name));
    let party = party.ok_or(FileError::Form("it names no result party of the job"))?;
    if job.malicious().is_some() {
        return Err(FileError::NotShown);
    }
    let output_share = |compute_party: &str| {
        let digits = value
            .get("output_shares")
            .and_then(|output_shares| output_shares.get(compute_party))
            .and_then(Value::as_str);
        bytes(digits).ok_or(FileError::Form("it has no `output_shares`"))
    };
    let widths: Vec<usize> = program.declaration().outputs().iter().map(Table::bits).collect();
    let origin = AttemptOutputs { job, run_id: receipt.facts.run_id, widths: &widths };
    let received =
        origin.received(party, &receipt.facts, [output_share("garbler")?, output_share("evaluator")?])?;
    let outputs: Vec<_> = job.open_outputs_of(party).into_iter().zip(received.outputs).collect();
    let says = render_result(program, ResultOf { job, party }, &outputs, Some(&received.output_shares));
    let same =
        says.as_object().is_some_and(|says| says.iter().all(|(name, reply)| value.get(name) == Some(reply)));
    if same { Ok(party) } else { Err(FileError::Outputs) }
}

/// The bytes of hexadecimal digits.
fn bytes(digits: Option<&str>) -> Option<Vec<u8>> {
    let digits = digits?;
    let mut bytes = vec![0; digits.len() / 2];
    from_hex(digits, &mut bytes).map(|()| bytes)
}
