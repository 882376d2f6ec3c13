//! Standard output: each record has two forms, a line of JSON (`--json`) and a text for people.
//!
//! Every JSON record carries `"v"` (its version) and `"type"`; amounts are strings of base units.

use crate::exit::Outcome;
use serde_json::{Value, json};
use std::io::Write;

/// Standard output, in the form the user chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a record: `fields` as JSON, or the text `human`.
    pub(crate) fn record(&self, kind: &str, fields: Value, human: &str) -> Outcome {
        if self.json {
            let mut record = json!({ "v": 1, "type": kind });
            if let (Some(all), Value::Object(fields)) = (record.as_object_mut(), fields) {
                all.extend(fields);
            }
            self.line(&record.to_string())
        } else {
            self.line(human.trim_end_matches('\n'))
        }
    }

    /// Prints a line that the JSON form does not have.
    pub(crate) fn text(&self, text: &str) -> Outcome {
        if self.json { Ok(()) } else { self.line(text) }
    }

    /// Prints a line that is the same in both forms, such as a man page.
    pub(crate) fn line(&self, text: &str) -> Outcome {
        let mut out = anstream::stdout();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// Writes bytes as they are, in either form.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }
}

/// Joins the fields of two JSON objects.
pub(crate) fn merge(mut a: Value, b: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (a.as_object_mut(), b) {
        all.extend(more);
    }
    a
}

/// A number with its noun: `1 output`, `2 outputs`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
