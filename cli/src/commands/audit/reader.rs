//! `sotto audit read`, `record` and `watch`: amounts for the reader, whose answers it has, and what each party sees later.

use super::letters::{Letters, OnRecord, chain, describe, fields, group_of, opened, print, texts};
use crate::{
    Context,
    args::{AuditRead, AuditRecord, AuditWatch},
    bridge::ChainAt,
    commands::{chain::auditors::read_charter, mpc::job::read_identity, wallet::on_record::own_outputs},
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_audit::OpenedRequest;

pub(super) fn read(context: &Context, a: &AuditRead) -> Outcome {
    let (at, charter, letter, answers) = opened(context, &a.letters)?;
    let (group, reader) = (group_of(&a.keys.group, at.chain())?, read_identity(&a.keys.key)?);
    let record = OnRecord::look(&at, &charter, letter)?;
    drop(at);
    if record.letter.request().reader() != &reader.public() {
        return Err(Failure::refused("the request is for another reader")
            .why(format!("it names the key {}", record.letter.request().reader().fingerprint())));
    }
    let (facts, unit) = (record.facts(), *record.chain.unit());
    let bad = facts.false_answers(group.epoch(), &reader, &answers).or_refuse("the request is refused")?;
    for member in &bad {
        context.ui.warn(&format!("the answer of member {member} is signed and false"));
    }
    let read = facts.read(group.epoch(), &reader, &answers).or_refuse("cannot open the amounts")?;
    for found in &read.amounts {
        let fields = json!({
            "height": found.place.height.get(), "output": found.place.output.to_string(),
            "amount": found.amount.to_string(),
        });
        let human = format!(
            "{:>24}  {}  of block {}",
            unit.show(found.amount),
            found.place.output,
            found.place.height
        );
        context.output.record("audit-amount", fields, &human)?;
    }
    Ok(())
}

pub(super) fn record(context: &Context, a: &AuditRecord) -> Outcome {
    let (at, charter, letter, answers) = opened(context, &a.letters)?;
    let (group, reader) = (group_of(&a.keys.group, at.chain())?, read_identity(&a.keys.key)?);
    let record = OnRecord::look(&at, &charter, letter)?;
    drop(at);
    let what = "cannot sign whose answers these are";
    let signed = record.facts().record(group.epoch(), &reader, &answers).or_refuse(what)?;
    // It has a notice, or it would not have been found.
    let letter = record.letter.clone().answered(signed).ok_or_else(|| Failure::refused(what))?;
    print(context, &record.chain, &charter, &letter)
}

/// Requests with the charter of the chain: those in files, or those that the node keeps.
fn public(at: &ChainAt, a: &AuditWatch, texts: &[String]) -> Outcome<Vec<OpenedRequest>> {
    let Some(path) = a.charter.as_deref().filter(|_| !a.letter.is_empty()) else {
        return at.opened_requests();
    };
    let charter = read_charter(path)?;
    let requests = Letters::read(at.chain(), texts)?.requests.into_iter();
    Ok(requests.map(|letter| OpenedRequest { charter: charter.clone(), letter }).collect())
}

pub(super) fn watch(context: &Context, a: &AuditWatch) -> Outcome {
    let texts = texts(&a.letter)?;
    let at = chain(context, &a.node)?;
    let mut records = Vec::new();
    for OpenedRequest { charter, letter } in public(&at, a, &texts)? {
        let record = OnRecord::find(&at, &charter, letter)?;
        let height = record.facts().noticed().or_refuse("the request is refused")?;
        records.push((record, height));
    }
    drop(at);
    if records.is_empty() {
        context.ui.info("Auditors have handed out no request that is known here.");
    }
    let own = own_outputs(context, &a.wallet)?;
    for (record, height) in &records {
        let named: Vec<_> =
            record.letter.request().outputs().iter().filter(|p| own.contains(&p.output)).collect();
        let mut fields = fields(&record.chain, &record.charter, &record.letter);
        fields["height"] = height.get().into();
        fields["own"] = json!(named.iter().map(|p| p.output.to_string()).collect::<Vec<_>>());
        let mut human = describe(&record.chain, &record.charter, &record.letter);
        human += &format!("\non record since block {height}");
        for place in &named {
            human += &format!("\nyours     {}", place.output);
        }
        if named.is_empty() {
            human += "\nNone of these outputs is this wallet's.";
        }
        context.output.record("audit-watch", fields, &human)?;
    }
    Ok(())
}
