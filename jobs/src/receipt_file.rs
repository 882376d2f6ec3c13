//! Receipts and results as JSON, to be read by people and programs and verified without the job file.
//!
//! `receipt.json` has the canonical bytes of job and receipt as hexadecimal digits, and the same content as
//! JSON fields. The bytes are verified; the fields are rendered from them again and must be equal.
//! `result.json` has the result party's tables and the two output shares that they come from, to which the
//! receipt commits.

use serde_json::{Value, json};

use crate::codec::DecodeError;
use crate::json::UniqueMembers;
use crate::multiparty::{Cells, Functionality, Table};
use crate::output_share::{AttemptOutputs, WrongOutputShare};
use crate::receipt::{Receipt, ReceiptError, Statement};
use crate::summary::decimal;
use crate::{Job, PartyId};
use sotto_party::hex::{from_hex, to_hex};

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
    /// A result does not say what its output shares do.
    #[error("the outputs are not what the compute parties' output shares give: they were altered")]
    Outputs,
    /// The words do not say what was signed.
    #[error("the words of the receipt differ from what the compute parties signed: they were altered")]
    Words,
}

/// A receipt as a JSON record.
#[must_use]
pub fn render(job: &Job, receipt: &Receipt) -> Value {
    let facts = &receipt.facts;
    let name = |id: PartyId| job.party(id).name.as_str();
    let input_parties = job.inputs.iter().map(|input| name(input.party));
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
    let statement = |id, Statement { started, finished, sent, received, .. }: &Statement| {
        json!({ "compute_party": name(id), "key": job.party(id).key.fingerprint(), "started": started,
                "finished": finished, "sent": sent, "received": received })
    };
    json!({
        "v": 1, "type": "receipt", "verdict": "finished",
        "job": job.id().to_string(), "name": job.name.as_str(), "purpose": job.purpose.as_str(),
        "run": facts.run, "attempt": facts.attempt, "run_id": facts.run_id.to_string(),
        "program": job.program.name.to_string(), "circuit": facts.circuit.to_string(), "and_gates": facts.and_gates,
        "inputs": inputs.collect::<Vec<_>>(), "outputs": outputs.collect::<Vec<_>>(),
        "transcript": facts.transcript.to_string(),
        "statements": [statement(job.garbler, &receipt.garbler), statement(job.evaluator, &receipt.evaluator)],
        "job_bytes": to_hex(&job.to_bytes()), "receipt_bytes": to_hex(&receipt.to_bytes()),
    })
}

/// The receipt of a file, with its job: signed by both compute parties, and saying in words what they signed.
///
/// # Errors
/// If it is none, or was altered.
pub fn read(text: &str) -> Result<(Job, Receipt), FileError> {
    let UniqueMembers(value) = serde_json::from_str(text).map_err(|_| FileError::Form(NO_JSON))?;
    let bytes = |name: &str| bytes(value.get(name).and_then(Value::as_str));
    let job = Job::from_bytes(&bytes("job_bytes").ok_or(FileError::Form("it has no `job_bytes`"))?)?;
    let receipt = bytes("receipt_bytes").ok_or(FileError::Form("it has no `receipt_bytes`"))?;
    let receipt = Receipt::from_bytes(&job, &receipt)?;
    if render(&job, &receipt) == value { Ok((job, receipt)) } else { Err(FileError::Words) }
}

/// What a result party got, as JSON: its name, its tables and what shows that they are those of the receipt.
#[must_use]
pub fn render_result(
    program: &impl Functionality,
    (job, result_party): (&Job, PartyId),
    outputs: &[(usize, Vec<bool>)],
    [garbler, evaluator]: &[Vec<u8>; 2],
) -> Value {
    let tables = tables(program, outputs).into_iter();
    let tables = tables.map(|(table, rows)| (table.name.clone(), table_json(table, &rows)));
    json!({
        "job": job.id().to_string(), "result_party": job.party(result_party).name.as_str(),
        "outputs": tables.collect::<serde_json::Map<_, _>>(),
        "output_shares": { "garbler": to_hex(garbler), "evaluator": to_hex(evaluator) },
    })
}

/// Whose result a file is, if it says what both compute parties signed for. Other entries of the file are not
/// looked at.
///
/// # Errors
/// If the text is not a result of this job, or was altered.
pub fn read_result(
    text: &str,
    program: &impl Functionality,
    (job, receipt): (&Job, &Receipt),
) -> Result<PartyId, FileError> {
    let UniqueMembers(value) = serde_json::from_str(text).map_err(|_| FileError::Form(NO_JSON))?;
    let result_party = value.get("result_party").and_then(Value::as_str).and_then(|name| job.find(name));
    let result_party = result_party.ok_or(FileError::Form("it names no result party of the job"))?;
    let output_share = |compute_party: &str| {
        let digits = value
            .get("output_shares")
            .and_then(|output_shares| output_shares.get(compute_party))
            .and_then(Value::as_str);
        bytes(digits).ok_or(FileError::Form("it has no `output_shares`"))
    };
    let widths: Vec<usize> = program.declaration().outputs().iter().map(Table::bits).collect();
    let origin = AttemptOutputs { job, run_id: receipt.facts.run_id, widths: &widths };
    let received = origin.received(
        result_party,
        &receipt.facts,
        [output_share("garbler")?, output_share("evaluator")?],
    )?;
    let outputs: Vec<_> = job.outputs_of(result_party).into_iter().zip(received.outputs).collect();
    let says = render_result(program, (job, result_party), &outputs, &received.output_shares);
    let same =
        says.as_object().is_some_and(|says| says.iter().all(|(name, reply)| value.get(name) == Some(reply)));
    if same { Ok(result_party) } else { Err(FileError::Outputs) }
}

/// The bytes of hexadecimal digits.
fn bytes(digits: Option<&str>) -> Option<Vec<u8>> {
    let digits = digits?;
    let mut bytes = vec![0; digits.len() / 2];
    from_hex(digits, &mut bytes).map(|()| bytes)
}

/// A result party's outputs: each table with its rows.
#[must_use]
pub fn tables<'p>(
    program: &'p impl Functionality,
    outputs: &[(usize, Vec<bool>)],
) -> Vec<(&'p Table, Cells)> {
    let declared = program.declaration().outputs();
    // What is for others is as if it were zero, and is not looked at.
    let bits = declared.iter().enumerate().flat_map(|(i, table)| {
        let ours = outputs.iter().find(|(place, _)| *place == i).map(|(_, bits)| bits.clone());
        ours.unwrap_or_else(|| vec![false; table.bits()])
    });
    let cells = program.declaration().decode(&bits.collect::<Vec<_>>()).unwrap_or_default();
    let ours = |(i, (_, _)): &(usize, _)| outputs.iter().any(|(place, _)| place == i);
    declared.iter().zip(cells).enumerate().filter(ours).map(|(_, table)| table).collect()
}

/// A table as JSON: a list of objects, decimals as texts, so that nothing is rounded.
#[must_use]
pub fn table_json(table: &Table, rows: &Cells) -> Value {
    let row = |row: &Vec<i128>| {
        let cells = table.columns.iter().zip(row);
        cells
            .map(|(c, value)| (c.name.clone(), json!(decimal(*value, c.number.decimals()))))
            .collect::<serde_json::Map<_, _>>()
    };
    json!(rows.iter().map(row).collect::<Vec<_>>())
}

/// A table as CSV with a heading.
///
/// # Errors
/// Never on a table of text.
pub fn table_csv(table: &Table, rows: &Cells) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|column| column.name.as_str()))?;
    for row in rows {
        writer.write_record(
            table.columns.iter().zip(row).map(|(c, value)| decimal(*value, c.number.decimals())),
        )?;
    }
    let bytes = writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
