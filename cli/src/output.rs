//! Data: one record, two forms. `--json` prints it as one line of JSON, otherwise its human form is printed.
//!
//! Every JSON record carries `"v"` (its version) and `"type"`; amounts are strings of base units.

use crate::exit::Outcome;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Standard output, in the form the user chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a record: `fields` as JSON, or `human` as it is.
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

    /// Prints a line of the human form only.
    pub(crate) fn story(&self, text: &str) -> Outcome {
        if self.json { Ok(()) } else { self.line(text) }
    }

    /// Prints a text that is the same in both forms: a slate, a man page.
    pub(crate) fn line(&self, text: &str) -> Outcome {
        let mut out = anstream::stdout();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }
}

/// Writes a file that has its name only when it is whole.
pub(crate) fn whole_file<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let whole = || {
        let mut out = BufWriter::new(File::create(&part)?);
        let done = write(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&part, path)?;
        Ok(done)
    };
    whole().inspect_err(|_| drop(fs::remove_file(&part)))
}
