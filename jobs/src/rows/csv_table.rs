//! Rows of a CSV file: which character separates its fields, its heading, its records.
//!
//! The separator is the one of `,` `;` tab `|` with which the heading has the names of the job's columns, or the
//! one that a first line `sep=;` states. Records may have more fields than the heading if those are empty, as
//! spreadsheets write them, and records of empty fields alone at the end are none.

use std::io::{BufRead, BufReader, Read};

use super::encoding::{Allowance, Text};
use super::field::{Comma, Written};
use super::sink::{At, Faults, RowSink, RowsError, Stop, cells, order as order_of};
use crate::job::Table;
use crate::variants::Cases;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Hands every row of the file to the sink.
pub(super) fn read<R: Read>(
    table: &Table,
    file: R,
    sink: &mut RowSink<'_, '_>,
    faults: &mut Faults,
) -> Result<(), Stop> {
    let allowance = Allowance::new();
    let mut file = BufReader::new(Text::new(file, allowance.clone()));
    let (mut heading, mut line) = (String::new(), 0);
    let bad = |line, what: String| RowsError::Line { table: table.name.to_string(), line, what };
    let mut stated = None;
    // A quoted name may hold line feeds; no name of a job's column does.
    while heading.trim().is_empty() {
        heading.clear();
        line += 1;
        match file.read_line(&mut heading) {
            Ok(0) => {
                return faults.stop(bad(1, "the file is empty; its first line must be the heading".into()));
            }
            Ok(_) => {}
            Err(e) => return faults.stop(bad(line, unreadable(&e))),
        }
        if let Some(separator) = stated_separator(&heading).filter(|_| stated.is_none()) {
            stated = Some(separator);
            heading.clear();
        }
    }
    let (separator, order) = match order(table, &heading, stated) {
        Ok(found) => found,
        Err(what) => return faults.stop(bad(line, what)),
    };
    let of = if separator == b'\t' { "tabs".to_owned() } else { format!("`{}`", char::from(separator)) };
    faults.form(format!("CSV in {}, fields separated by {of}", file.get_ref().encoding()));
    let comma = if separator == b',' { Comma::Separates } else { Comma::IsPoint };
    let cases = table.cases();
    let mut records = Records { table, order, cases, comma, line, allowance, empty: None, number: 0 };
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(separator).has_headers(false).flexible(true).trim(csv::Trim::All);
    records.read(&mut builder.from_reader(file), sink, faults)
}

/// The separator that a line such as `sep=;` states.
fn stated_separator(line: &str) -> Option<u8> {
    let stated = line.trim_end_matches('\n').trim_matches('"').strip_prefix("sep=")?;
    SEPARATORS.into_iter().find(|separator| stated.as_bytes() == [*separator])
}

/// The names of a heading, without those that are empty at its end.
fn names(heading: &str, separator: u8) -> Vec<String> {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(separator).has_headers(false).trim(csv::Trim::All);
    let mut record = csv::StringRecord::new();
    // A heading that is not CSV has no names, so it is refused.
    let _ = builder.from_reader(heading.as_bytes()).read_record(&mut record);
    let mut names: Vec<String> = record.iter().map(str::to_owned).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// The separator of a heading, and the place in the schema of each of its names.
fn order(table: &Table, heading: &str, stated: Option<u8>) -> Result<(u8, Vec<usize>), String> {
    let candidates: Vec<u8> = stated.map_or_else(|| SEPARATORS.to_vec(), |separator| vec![separator]);
    let fits = |separator: &u8| order_of(table, names(heading, *separator).iter().map(String::as_str));
    if let Some(found) = candidates.iter().find_map(|separator| Some((*separator, fits(separator).ok()?))) {
        return Ok(found);
    }
    // None fits: the complaint is about the one that finds most of the job's names.
    let known = |separator: &u8| {
        let is_known = |name: &String| table.columns.iter().any(|column| column.name.as_str() == name);
        let names = names(heading, *separator);
        (names.iter().filter(|name| is_known(name)).count(), names.len())
    };
    let best = candidates.into_iter().rev().max_by_key(known).unwrap_or(b',');
    let what = fits(&best).err().unwrap_or_default();
    let is_json = heading.trim_start().starts_with(['{', '[']);
    let hint = if is_json { "; the file looks like JSON: its name must end in .jsonl or .json" } else { "" };
    Err(what + hint)
}

/// Why a file could not be read. Its own bytes are in no message of this library.
pub(super) fn unreadable(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::InvalidData if e.get_ref().is_none() => not_utf8(),
        _ => e.to_string().replace("stream did not contain valid UTF-8", &not_utf8()),
    }
}

fn not_utf8() -> String {
    "not UTF-8, perhaps Windows-1252: save the file as UTF-8, or pass --encoding windows-1252".to_owned()
}

struct Records<'t> {
    table: &'t Table,
    order: Vec<usize>,
    cases: Cases,
    comma: Comma,
    /// Lines before the records.
    line: u64,
    allowance: Allowance,
    /// The first record of empty fields that no other has followed so far.
    empty: Option<(u64, u64)>,
    number: u64,
}

impl Records<'_> {
    fn read(
        &mut self,
        reader: &mut csv::Reader<impl Read>,
        sink: &mut RowSink<'_, '_>,
        faults: &mut Faults,
    ) -> Result<(), Stop> {
        let mut record = csv::StringRecord::new();
        loop {
            self.allowance.refill();
            let read = reader.read_record(&mut record);
            // The end of the record is behind its line feed, which every line has.
            let within: usize = record.iter().map(|field| field.matches('\n').count()).sum();
            let line = self.line + reader.position().line().saturating_sub(1 + within as u64);
            match read {
                Ok(false) => return Ok(()),
                Ok(true) => self.record(&record, line, sink, faults)?,
                Err(e) => {
                    let (what, is_last) = plain(&e);
                    self.number += 1;
                    let fault = self.bad(line, what);
                    if is_last {
                        return faults.stop(fault);
                    }
                    faults.add(fault)?;
                }
            }
        }
    }

    fn bad(&self, line: u64, what: String) -> RowsError {
        RowsError::Line { table: self.table.name.to_string(), line, what }
    }

    /// Whether some field must not be empty.
    fn needs_field(&self) -> bool {
        let mut columns = self.table.columns.iter().enumerate();
        columns.any(|(place, column)| {
            let may_be_empty = self.table.is_optional(place) || self.cases.get(place).is_some();
            !column.kind.is_derived() && column.missing.is_none() && !may_be_empty
        })
    }

    fn record(
        &mut self,
        record: &csv::StringRecord,
        line: u64,
        sink: &mut RowSink<'_, '_>,
        faults: &mut Faults,
    ) -> Result<(), Stop> {
        let columns = self.order.len();
        let blank = record.iter().all(str::is_empty);
        // Where empty fields count as something, a record of them is a row like any other.
        if blank && record.len() > 1 && self.needs_field() {
            self.number += 1;
            self.empty.get_or_insert((self.number, line));
            return Ok(());
        }
        if let Some((_, line)) = self.empty.take() {
            faults.add(self.bad(line, "all fields are empty, and rows follow".to_owned()))?;
        }
        self.number += 1;
        let is_long = record.iter().skip(columns).any(|field| !field.is_empty());
        if record.len() < columns || is_long {
            let what = format!("{} fields, the heading has {columns}", record.len());
            return faults.add(self.bad(line, what));
        }
        let mut written = vec![Written::Nothing; self.table.columns.len()];
        for (field, place) in record.iter().zip(&self.order) {
            written.iter_mut().skip(*place).take(1).for_each(|into| *into = Written::Text(field));
        }
        let texts = sink.reading.texts;
        let at = At { row: self.number, line, comma: self.comma, texts, cases: &self.cases };
        let cells = cells(self.table, &written, at, faults)?;
        sink.row(&cells, line, faults)
    }
}

/// What a CSV error says, without the record, and whether nothing can be read after it.
fn plain(e: &csv::Error) -> (String, bool) {
    match e.kind() {
        csv::ErrorKind::Utf8 { .. } => (not_utf8(), false),
        csv::ErrorKind::Io(e) => (unreadable(e), true),
        _ => ("not CSV".to_owned(), true),
    }
}
