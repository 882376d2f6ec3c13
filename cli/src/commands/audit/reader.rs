//! `sotto audit read` and `watch`: amounts for the reader, and what each party sees later.

use super::letters::{Letters, OnRecord, chain_and_charter, describe, fields, opened, texts};
use crate::{
    Context,
    args::{AuditRead, AuditWatch},
    commands::{chain::auditors::read_auditors, mpc::job::read_identity, wallet::on_record::own_outputs},
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::json;

pub(super) fn read(context: &Context, a: &AuditRead) -> Outcome {
    let (at, charter, letter, answers) = opened(context, &a.letters)?;
    let (group, reader) = (read_auditors(&a.keys.group)?, read_identity(&a.keys.key)?);
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

pub(super) fn watch(context: &Context, a: &AuditWatch) -> Outcome {
    let texts = texts(&a.letters.letter)?;
    let (at, charter) = chain_and_charter(context, &a.letters.chain)?;
    let requests = Letters::read(at.chain(), &texts)?.requests;
    let mut records = Vec::new();
    for letter in requests {
        let record = OnRecord::look(&at, &charter, letter)?;
        let height = record.facts().noticed().or_refuse("the request is refused")?;
        records.push((record, height));
    }
    drop(at);
    let own = own_outputs(context, &a.wallet)?;
    for (record, height) in &records {
        let named: Vec<_> =
            record.letter.request().outputs().iter().filter(|p| own.contains(&p.output)).collect();
        let mut fields = fields(&record.chain, &charter, &record.letter);
        fields["height"] = height.get().into();
        fields["own"] = json!(named.iter().map(|p| p.output.to_string()).collect::<Vec<_>>());
        let mut human = describe(&record.chain, &charter, &record.letter);
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
