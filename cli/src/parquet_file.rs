//! Parquet files: rows that come in, and results that go out.
//!
//! ```text
//! this process                                        child: the same program, marked in its environment
//!   starts the child with the file as its input ──►   copies what cannot be searched to a temporary file
//!                                                     sets its own limits: memory, processor time, no files, no core
//!                                                     only then reads the file, row group by row group
//!   reads rows as lines of JSON ◄─────────────────    writes them
//!   ends the child, and says what its end means
//! ```
//!
//! The parser is not ours, and a small file may announce, or unpack to, any number of bytes: a column that does so
//! costs an error. Rows become the lines of JSON that a party could have written itself, so that fields are read in
//! one place. Numbers are their digits, decimals exact, dates and times in ISO 8601; what has no text, such as a list,
//! is a fault of its field.
//!
//! Columns are uncompressed or compressed with Snappy, which is what most programs write unless they are told otherwise.

mod child;
mod terms;
mod write;

pub(crate) use child::serve_if_child;
pub(crate) use write::to_parquet;

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
};
use terms::{ENDS, End, MARK, MEMORY, SECONDS};

/// The signal of a process that has used its processor time, on Linux.
const XCPU: i32 = 24;

/// The rows of a Parquet file, as lines of JSON.
pub(crate) struct Rows {
    child: Child,
    is_over: bool,
}

/// Opens a Parquet file; `-` is standard input.
pub(crate) fn open(path: &Path) -> io::Result<Rows> {
    let input = if path == Path::new("-") { Stdio::inherit() } else { Stdio::from(File::open(path)?) };
    let mut command = Command::new("/proc/self/exe");
    // One arena, because each reserves address space; no backtrace, because it takes memory when there is none left.
    command.env(MARK, "1").env("MALLOC_ARENA_MAX", "1").env("RUST_BACKTRACE", "0");
    let child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    Ok(Rows { child, is_over: false })
}

impl Rows {
    /// What the end of the child means.
    fn end(&mut self) -> io::Result<()> {
        self.is_over = true;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let end = ENDS.into_iter().find(|end| status.code() == Some(*end as i32));
        let why = match (end, status.signal()) {
            (Some(End::Damaged), _) | (None, None) => "not a Parquet file, or damaged".to_owned(),
            (Some(End::Compressed), _) => {
                "columns that are compressed with something else than Snappy: write the file with Snappy or without compression".to_owned()
            }
            (Some(End::TooLong), _) => "more than a gibibyte through a pipe: pass the file by its name".to_owned(),
            (Some(End::System), _) => "the process that reads Parquet could not be started within its limits".to_owned(),
            (None, Some(XCPU)) => {
                format!("it takes more than {SECONDS} seconds to unpack")
            }
            (None, Some(_)) => {
                format!("it takes more than {MEMORY} MiB of memory to unpack: write it with smaller row groups")
            }
        };
        Err(io::Error::new(ErrorKind::InvalidData, format!("Parquet: {why}")))
    }
}

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.child.stdout {
            Some(out) if !self.is_over => out.read(into)?,
            _ => return Ok(0),
        };
        if read == 0 && !into.is_empty() {
            self.end()?;
        }
        Ok(read)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
