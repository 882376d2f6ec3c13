//! The text that a signer reads: a job in plain words, rendered from its canonical form and from nothing
//! else.
//!
//! The reader decides by this text. It states, in this order: the purpose, the program, the columns of each
//! party, who receives which output, what that reveals, whom one must trust and which collusion breaks the
//! privacy, how often the job may run and until when. A test compares every field of a job with this text.
//!
//! Names, purposes and leaks come from strangers. They are broken before the eightieth column and continue
//! indented, so none of them can begin a line and look like one of ours.

mod sale;

use core::fmt::{self, Write};

use super::hash::Digest;
use super::job::sale::VERDICTS;
use super::job::{Count, Draft, Job, Meeting, PartyId, RendezvousServer, Table, Value};
use crate::calendar::show_time;
use crate::disclosure::Declared;
use crate::kind::Kind;
use crate::variants::Case;

/// The job in plain words, as `reader` sees it.
#[must_use]
pub fn describe(job: &Job, reader: Option<PartyId>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, job, reader);
    folded(&text)
}

/// A text of which no line is too long.
pub(crate) fn folded(text: &str) -> String {
    text.lines().fold(String::new(), |folded, line| folded + &fold(line) + "\n")
}

/// Columns of a line.
const WIDTH: usize = 79;
/// Columns before what goes on in the next line.
const HANGING: &str = "      ";

/// A line, broken at spaces if it is too long, and within words that are. What is not ASCII may take two
/// columns.
fn fold(line: &str) -> String {
    let mut folded = String::new();
    let (mut rest, mut most) = (line, WIDTH);
    loop {
        let mut columns = 0;
        let is_over = |(_, c): &(usize, char)| {
            columns += if c.is_ascii() { 1 } else { 2 };
            columns > most
        };
        let Some((end, _)) = rest.char_indices().find(is_over) else { return folded + rest };
        let (now, next) = rest.split_at(end);
        let begin = now.len() - now.trim_start().len();
        let blank = now.trim_start().rfind(' ').map(|at| begin + at);
        let blank = if next.starts_with(' ') { Some(end) } else { blank };
        let (now, later) = rest.split_at(blank.unwrap_or(end));
        folded = folded + now.trim_end() + "\n" + HANGING;
        (rest, most) = (later.trim_start(), WIDTH - HANGING.len());
    }
}

fn write(out: &mut String, job: &Job, reader: Option<PartyId>) -> fmt::Result {
    writeln!(out, "Job      {}", job.name)?;
    writeln!(out, "Purpose  {}", job.purpose)?;
    writeln!(out, "Id       {}   (nonce {})\n", job.id(), job.nonce.short())?;
    program(out, job)?;
    for input in &job.inputs {
        let you = if reader == Some(input.party) { " (you)" } else { "" };
        writeln!(out, "{}{you} enters, without showing it to anybody:", name(job, input.party))?;
        for table in &input.tables {
            let rows = if table.count == Count::UpTo { "up to " } else { "" };
            writeln!(out, "  {}: {rows}{} rows of", table.name, table.rows)?;
            (0..table.columns.len()).try_for_each(|place| column(out, table, place))?;
        }
        writeln!(out, "  schema {}", job.schema_of(input.party))?;
    }
    writeln!(out, "\nWho learns what")?;
    for (place, output) in job.outputs.iter().enumerate() {
        let names: Vec<_> = output.result_parties.iter().map(|id| name(job, *id)).collect();
        writeln!(out, "  {} → {}", output.name, names.join(", "))?;
        for result in job.results.iter().filter(|result| usize::from(result.output) == place) {
            match (&result.kind, result.decimals) {
                (Kind::Number, decimals) => writeln!(out, "    {}: with {decimals} decimals", result.column)?,
                (kind, _) => writeln!(out, "    {}: {}", result.column, words(kind))?,
            }
        }
    }
    let results = job.declared().map(Declared::lines).unwrap_or_default();
    results.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    let sees = if job.malicious().is_some() {
        "outputs under pads that it does not know"
    } else {
        "a meaningless output share"
    };
    writeln!(out, "  Nobody else learns an output; each compute party sees {sees}.")?;
    blind(out, job)?;
    writeln!(out, "\nWhat that reveals")?;
    if job.program.source.is_some() {
        writeln!(
            out,
            "  The program is none of those built in: it is what the author of its file made it. Do not sign before you, or \
             somebody you trust, have read that file and know what its outputs can tell."
        )?;
    }
    job.leaks.iter().try_for_each(|leak| writeln!(out, "  {leak}"))?;
    writeln!(out, "  Numbers of rows, names and ranges of columns, and this text are known to all parties.")?;
    trust(out, job)?;
    evidence(out, job)?;
    sale::write(out, job)?;
    terms(out, job)
}

/// Who learns outputs and not whether they mean anything.
fn blind(out: &mut String, job: &Job) -> fmt::Result {
    let verdicts = job.outputs.iter().filter(|output| VERDICTS.contains(&output.name.as_str()));
    for verdict in verdicts {
        for result_party in job.result_parties() {
            let learns = job.outputs_of(result_party).into_iter().filter_map(|i| job.outputs.get(i));
            let learns = learns.filter(|output| !VERDICTS.contains(&output.name.as_str())).count();
            if learns > 0 && !verdict.result_parties.contains(&result_party) {
                writeln!(
                    out,
                    "  Mind: {} does not learn {}, and cannot tell a result of zeros from none.",
                    name(job, result_party),
                    verdict.name
                )?;
            }
        }
    }
    Ok(())
}

fn program(out: &mut String, job: &Draft) -> fmt::Result {
    let pin = &job.program;
    write!(out, "Computed: {}", pin.name)?;
    for (i, parameter) in pin.parameters.iter().enumerate() {
        write!(out, "{} {} = ", if i == 0 { " with" } else { "," }, parameter.name)?;
        value(out, &parameter.value)?;
    }
    writeln!(out, ", {} AND gates", pin.and_gates)?;
    if let Some(source) = pin.source {
        writeln!(out, "  source   {source}   (SHA-256 of the file that comes with the job)")?;
    }
    writeln!(out, "  circuit  {}   (by {})\n", pin.circuit, pin.compiler)
}

fn value(out: &mut String, shown: &Value) -> fmt::Result {
    match shown {
        Value::Number(number) => write!(out, "{number}"),
        Value::Text(text) => write!(out, "{text}"),
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                value(out, item)?;
            }
            out.write_char(']')
        }
        Value::Record(record) => {
            out.push('{');
            for (i, entry) in record.iter().enumerate() {
                write!(out, "{}{} = ", if i == 0 { "" } else { ", " }, entry.name)?;
                value(out, &entry.value)?;
            }
            out.write_char('}')
        }
    }
}

fn column(out: &mut String, table: &Table, place: usize) -> fmt::Result {
    let Some(column) = table.columns.get(place).filter(|column| !column.kind.is_derived()) else {
        return Ok(());
    };
    let shown = |value| column.kind.show(value, column.decimals);
    let (min, max) = (shown(column.min), shown(column.max));
    let is_whole = column.kind.range() == Some((column.min, column.max));
    write!(out, "    {}: ", column.name)?;
    match &column.kind {
        Kind::Number => write!(out, "{min} to {max}")?,
        kind if is_whole => write!(out, "{}", words(kind))?,
        kind => write!(out, "{}, from {min} to {max}", words(kind))?,
    }
    if table.is_optional(place) {
        let flag = place.checked_sub(1).and_then(|before| table.columns.get(before));
        write!(out, "; may be empty")?;
        flag.map_or(Ok(()), |flag| write!(out, ", as {} says", flag.name))?;
    }
    if let Some(Case { column: of, variant }) = table.cases().get(place)
        && let Some(tag) = table.columns.get(of)
    {
        write!(out, "; only where {} is {}", tag.name, tag.kind.show(variant as i128, 0))?;
    }
    match column.missing {
        Some(value) => writeln!(out, "; an empty field counts as {}", shown(value)),
        None => writeln!(out),
    }
}

/// What stands for a number, in words.
fn words(kind: &Kind) -> String {
    match kind {
        Kind::Number => "a number".to_owned(),
        Kind::Truth => "true or false".to_owned(),
        Kind::Category(names) => {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Date => "a date".to_owned(),
        Kind::Time => "a time".to_owned(),
        Kind::Text => "a text, as a hash under a key that the approvals make".to_owned(),
        Kind::Presence => "whether the next one is there".to_owned(),
    }
}

fn trust(out: &mut String, job: &Job) -> fmt::Result {
    writeln!(out, "\nWhom you trust ({})", job.suite.adversary().as_str())?;
    if let Some(log_k) = job.suite.expansion().log_k() {
        writeln!(
            out,
            "  Transfers are expanded ({log_k}): that the compute parties learn no inputs rests on one more assumption, that \
             learning parity with regular noise is hard. This part of the code was not audited."
        )?;
    }
    let Some(settings) = job.malicious() else { return trust_curious(out, job) };
    if job.is_experimental() {
        trust_one_of_many(out, job)?;
    } else {
        let [garbler, evaluator] = job.pair().map(|id| name(job, id));
        writeln!(
            out,
            "  {garbler} (garbler) and {evaluator} (evaluator) compute. You trust that they do not collude, and that one of them, \
             you need not know which, follows the protocol: together they can read every input. The other one may do \
             anything: it learns nothing but its own outputs, and can make the run end without a result, but not with a \
             wrong one (but for a chance of 1 in 2^40 over all attempts at a run). It can enter what it likes as its own input."
        )?;
    }
    writeln!(
        out,
        "  Everybody who receives an output brings a pad for it, at the latest when the run begins: without it there is no run."
    )?;
    writeln!(
        out,
        "  A run may be attempted {} time(s), over trees of depth {}. Once outputs may have been opened, there is no \
         other attempt.",
        settings.attempts.number(),
        settings.depth as u8
    )?;
    writeln!(out, "  Who sends last can stop: there is no fairness.")
}

/// Of several compute parties, the one that you need not know.
fn trust_one_of_many(out: &mut String, job: &Job) -> fmt::Result {
    let names: Vec<_> = job.compute_parties().into_iter().map(|id| name(job, id)).collect();
    let (last, others) = names.split_last().map_or(("?", &[][..]), |(last, others)| (*last, others));
    writeln!(
        out,
        "  {} and {last} compute ({} evaluates, the others garble). You trust that one of the {}, you need not know which, \
         follows the protocol and does not collude: all of them together can read every input. All others together may do \
         anything: they learn nothing but their own outputs, and can make the run end without a result, but not with a wrong \
         one (but for a chance of 1 in 2^40 over all attempts at a run). Each can enter what it likes as its own input.",
        others.join(", "),
        name(job, job.evaluator),
        names.len(),
    )?;
    writeln!(
        out,
        "  EXPERIMENTAL: that the protocol of more than two compute parties does this is argued, not proven: its test of \
         products is the project's own, and nobody outside has reviewed it. For two there are published proofs of the parts."
    )
}

fn trust_curious(out: &mut String, job: &Job) -> fmt::Result {
    let [garbler, evaluator] = job.pair().map(|id| name(job, id));
    writeln!(
        out,
        "  {garbler} (garbler) and {evaluator} (evaluator) compute. You trust both to follow the protocol, and not to collude: \
         together they can read every input. One that deviates can falsify results and may learn inputs. One that is only \
         curious learns nothing, nor do other input parties."
    )?;
    writeln!(out, "  Who sends last can stop: there is no fairness.")
}

fn evidence(out: &mut String, job: &Job) -> fmt::Result {
    if job.attestation.is_none() {
        return Ok(());
    }
    writeln!(out, "\nWho shows what code it runs")?;
    for demand in &job.attestation.demands {
        writeln!(
            out,
            "  {} shows evidence of its code and its platform: of its key before you sign, at every channel over which a secret \
             goes, and, if it computes, of the result. What counts is the policy {}: read it.",
            name(job, demand.party),
            demand.policy
        )?;
    }
    let platforms = match job.compute_parties().len() {
        2 => "two".to_owned(),
        all => all.to_string(),
    };
    let vendors = match job.attestation.diverse {
        0 | 1 => String::new(),
        vendors => format!(", of {vendors} vendors"),
    };
    if job.attestation.diverse > 0 {
        writeln!(
            out,
            "  The compute parties must run on {platforms} different platforms whose numbers are shown{vendors}."
        )?;
    }
    writeln!(
        out,
        "  What that adds: an operator who runs other code, or the right code elsewhere, is refused before a secret leaves. \
         Inputs stay split between the compute parties, so no enclave sees one."
    )?;
    writeln!(
        out,
        "  What it does not add: evidence can be forged by the vendor of a platform, and by whoever holds a machine and takes a \
         key out of it, for instance with a device between processor and memory. So you trust whom you trust above all the same. \
         Where a policy allows software evidence, a party's key speaks for itself and no hardware does."
    )
}

fn terms(out: &mut String, job: &Job) -> fmt::Result {
    let until = show_time(job.expiry.into()).replace('T', " ");
    let until = until.rsplit_once(':').map_or(&*until, |(minute, _)| minute);
    writeln!(out, "\nAt most {} run(s), until {until} UTC.", job.runs)?;
    let limits = &job.limits;
    writeln!(
        out,
        "Limits: {} rows an input party, {} AND gates, {} s of computing, {} s of waiting.",
        limits.rows, limits.and_gates, limits.seconds, job.deadline
    )?;
    writeln!(out, "Parties")?;
    for party in &job.parties {
        write!(out, "  {:<16} {}", party.name.as_str(), party.key.fingerprint())?;
        match &party.meeting {
            Some(Meeting::Address(address)) => writeln!(out, "  at {address}")?,
            Some(Meeting::RendezvousServer(RendezvousServer { address, key })) => {
                writeln!(
                    out,
                    "  met at the rendezvous server {address} ({}), which sees who meets whom",
                    key.fingerprint()
                )?;
            }
            None => writeln!(out)?,
        }
        writeln!(out, "    key    {}", Digest(party.key.digest()))?;
    }
    Ok(())
}

fn name(job: &Draft, id: PartyId) -> &str {
    job.parties.get(usize::from(id.0)).map_or("?", |party| party.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_long_and_what_goes_on_is_indented() {
        assert_eq!(fold("Job      short"), "Job      short");
        // Words that would begin a line of their own on a terminal of eighty columns.
        let purpose = format!("Purpose  {} Whom you trust: nobody", "x".repeat(70));
        let folded = fold(&purpose);
        let lines: Vec<_> = folded.lines().collect();
        assert_eq!(lines[1], "      Whom you trust: nobody");
        for word in ["y".repeat(300), "年".repeat(300), format!("a {}", "z".repeat(99))] {
            let folded = fold(&format!("  {word}"));
            assert_eq!(folded.replace(char::is_whitespace, ""), word.replace(' ', ""));
            for (i, line) in folded.lines().enumerate() {
                let columns: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
                assert!(columns <= WIDTH && (i == 0 || line.starts_with(HANGING)), "{line}");
            }
        }
    }
}
