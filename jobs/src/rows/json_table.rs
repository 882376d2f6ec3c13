//! Rows of JSON: an object a line, or one list of objects.
//!
//! Numbers are their digits: a parser that hands them out as binary fractions has rounded them, and rows are
//! money. What they mean is decided where CSV fields are read.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::csv_table::unreadable;
use super::encoding::{Allowance, Text};
use super::field::{Comma, Written};
use super::sink::{At, Faults, RowSink, RowsError, Stop, cells, order as order_of};
use crate::job::{Column, Table};
use crate::json::Members;
use crate::variants::Cases;

/// Hands every row of the file to the sink.
pub(super) fn read<R: Read>(
    table: &Table,
    file: R,
    sink: &mut RowSink<'_, '_>,
    faults: &mut Faults,
) -> Result<(), Stop> {
    let allowance = Allowance::new();
    let mut file = BufReader::new(Text::new(file, allowance.clone()));
    let mut rows = Rows { table, sink, faults, number: 0, cases: table.cases() };
    let mut line = 1;
    // Blank lines before the first object or list.
    loop {
        let first = match file.fill_buf() {
            Ok(ready) => ready.first().copied(),
            Err(e) => return rows.stop(line, unreadable(&e)),
        };
        match first {
            Some(b'\n') => line += 1,
            Some(b' ' | b'\t') => {}
            Some(first) => {
                let form = if first == b'[' { "a list of JSON objects" } else { "a JSON object a line" };
                rows.faults.form(format!("{form}, in {}", file.get_ref().encoding()));
                return match first {
                    b'[' => list(&mut rows, file, &allowance, line),
                    _ => lines(&mut rows, file, &allowance, line),
                };
            }
            None => return Ok(()),
        }
        file.consume(1);
    }
}

fn lines(
    rows: &mut Rows<'_, '_, '_>,
    mut file: impl BufRead,
    allowance: &Allowance,
    first: u64,
) -> Result<(), Stop> {
    let (mut text, mut line) = (String::new(), first);
    loop {
        text.clear();
        allowance.refill();
        match file.read_line(&mut text) {
            Ok(0) => return Ok(()),
            Ok(_) if text.trim().is_empty() => {}
            Ok(_) => match serde_json::from_str(&text) {
                Ok(members) => rows.row(&members, line)?,
                Err(_) => rows.not_an_object(line)?,
            },
            Err(e) => return rows.stop(line, unreadable(&e)),
        }
        line += 1;
    }
}

fn list(rows: &mut Rows<'_, '_, '_>, file: impl Read, allowance: &Allowance, first: u64) -> Result<(), Stop> {
    let line = Rc::new(Cell::new(first));
    let mut reader = serde_json::Deserializer::from_reader(Counted { file, line: Rc::clone(&line) });
    let mut stop = None;
    let objects = Objects { rows, allowance, line: &line, stop: &mut stop };
    let read = reader.deserialize_seq(objects).and_then(|()| reader.end());
    match (stop, read) {
        (Some(stop), _) => Err(stop),
        (None, Ok(())) => Ok(()),
        (None, Err(e)) => {
            let what = match e.classify() {
                serde_json::error::Category::Io => unreadable(&io::Error::from(e)),
                _ => "not a JSON list of objects from here on".to_owned(),
            };
            rows.stop(line.get(), what)
        }
    }
}

/// Counts the lines that were read.
struct Counted<R> {
    file: R,
    line: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        let lines = into.iter().take(n).filter(|byte| **byte == b'\n').count();
        self.line.set(self.line.get() + lines as u64);
        Ok(n)
    }
}

/// Takes the objects of a list one after the other.
struct Objects<'r, 't, 's, 'l> {
    rows: &'r mut Rows<'t, 's, 'l>,
    allowance: &'r Allowance,
    line: &'r Cell<u64>,
    stop: &'r mut Option<Stop>,
}

impl<'de> Visitor<'de> for Objects<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while self.stop.is_none() && list.next_element_seed(Object(&mut self))?.is_some() {}
        // What follows a stop is not looked at.
        while self.stop.is_some() && list.next_element::<IgnoredAny>().is_ok_and(|next| next.is_some()) {
            self.allowance.refill();
        }
        Ok(())
    }
}

struct Object<'o, 'r, 't, 's, 'l>(&'o mut Objects<'r, 't, 's, 'l>);

impl<'de> DeserializeSeed<'de> for Object<'_, '_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let objects = self.0;
        objects.allowance.refill();
        let value: Box<RawValue> = serde::Deserialize::deserialize(deserializer)?;
        let taken = match serde_json::from_str(value.get()) {
            Ok(members) => objects.rows.row(&members, objects.line.get()),
            Err(_) => objects.rows.not_an_object(objects.line.get()),
        };
        *objects.stop = taken.err();
        Ok(())
    }
}

struct Rows<'t, 's, 'l> {
    table: &'t Table,
    sink: &'t mut RowSink<'s, 'l>,
    faults: &'t mut Faults,
    number: u64,
    cases: Cases,
}

impl Rows<'_, '_, '_> {
    fn bad(&self, line: u64, what: String) -> RowsError {
        RowsError::Line { table: self.table.name.to_string(), line, what }
    }

    fn stop(&mut self, line: u64, what: String) -> Result<(), Stop> {
        let fault = self.bad(line, what);
        self.faults.stop(fault)
    }

    fn not_an_object(&mut self, line: u64) -> Result<(), Stop> {
        self.number += 1;
        let fault = self.bad(line, "not a JSON object of numbers and texts".to_owned());
        self.faults.add(fault)
    }

    fn row(&mut self, Members(members): &Members<Box<RawValue>>, line: u64) -> Result<(), Stop> {
        self.number += 1;
        let names = members.iter().map(|(name, _)| name.as_str());
        // Whether a column may be absent is decided field by field.
        let absent = self.table.in_files().map(|column| column.name.as_str());
        let absent = absent.filter(|name| members.iter().all(|(member, _)| member != name));
        if let Err(what) = order_of(self.table, names.chain(absent)) {
            let fault = self.bad(line, what);
            return self.faults.add(fault);
        }
        let value = |column: &Column| {
            members.iter().find(|(name, _)| name == column.name.as_str()).map(|(_, value)| value.get())
        };
        let mut texts = Vec::with_capacity(self.table.columns.len());
        for column in &self.table.columns {
            // A text in quotation marks is unescaped.
            let quoted = value(column).filter(|value| value.starts_with('"'));
            texts.push(quoted.and_then(|value| serde_json::from_str::<String>(value).ok()));
        }
        let columns = self.table.columns.iter().zip(&texts);
        let written: Vec<_> = columns.map(|(column, text)| written(value(column), text.as_deref())).collect();
        let key = self.sink.reading.texts;
        let at = At { row: self.number, line, comma: Comma::Separates, texts: key, cases: &self.cases };
        let cells = cells(self.table, &written, at, self.faults)?;
        self.sink.row(&cells, line, self.faults)
    }
}

/// What a value is; `text` is it without quotation marks, if it has some.
fn written<'v>(value: Option<&'v str>, text: Option<&'v str>) -> Written<'v> {
    match (value, text) {
        (None | Some("null"), _) => Written::Nothing,
        (Some("true"), _) => Written::Truth(true),
        (Some("false"), _) => Written::Truth(false),
        (_, Some(text)) => Written::Text(text),
        (Some(value), _) if value.starts_with(['[', '{', '"']) => Written::Else,
        (Some(digits), _) => Written::Text(digits),
    }
}
