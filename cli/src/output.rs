//! Standard output: each record has two forms, a line of JSON (`--json`) and a text for people.
//!
//! Every JSON record carries `"v"` (its version) and `"type"`; amounts are strings of base units.

use crate::exit::Outcome;
use serde_json::{Value, json};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

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

/// Who can read a new file; the umask can restrict this further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    Anybody,
}

/// Writes a file that gets its name only when it is complete and on disk.
///
/// A file of that name is replaced. A symbolic link is replaced too; its target stays as it is.
pub(crate) fn whole_file<T, E: From<io::Error>>(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let whole = || {
        match fs::remove_file(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        let mut out = BufWriter::new(OpenOptions::new().write(true).create_new(true).mode(mode).open(&part)?);
        let done = write(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&part, path)?;
        File::open(folder)?.sync_all()?;
        Ok(done)
    };
    whole().inspect_err(|_| drop(fs::remove_file(&part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_whole_or_as_it_was_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("result"), folder.path().join("other"));
        let put = |text: &'static str| {
            move |out: &mut dyn Write| -> io::Result<()> {
                out.write_all(text.as_bytes())?;
                if text == "broken" { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            }
        };
        fs::write(&other, "mine").unwrap();
        for link in ["result", "result.part"] {
            symlink(&other, folder.path().join(link)).unwrap();
        }
        whole_file(&path, Readers::Owner, put("whole")).unwrap();
        assert!(whole_file(&path, Readers::Owner, put("broken")).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!folder.path().join("result.part").exists());
    }
}
