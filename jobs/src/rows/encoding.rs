//! The bytes of a file as UTF-8 with lines that end in a line feed.
//!
//! ```text
//! file ─► mark EF BB BF: UTF-8 · FF FE, FE FF: UTF-16 ─► CR LF, CR → LF ─► LF after the last line ─► reader
//! ```
//!
//! Also recognised, and refused by name: UTF-16 without a mark, workbooks and compressed files. A line is at
//! most [`MAX_LINE`] bytes, so a quotation mark that is never closed does not take the whole file into memory.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

/// Longest line, in bytes.
pub(super) const MAX_LINE: u64 = 1 << 20;

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 13;

/// How much may still be read before the next row is complete. The reader of rows refills it.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(0)))
    }

    /// A row was completed. What follows it may have been read ahead.
    pub(super) fn refill(&self) {
        self.0.set(MAX_LINE + 4 * BLOCK as u64);
    }

    fn take(&self, bytes: u64) -> io::Result<()> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| {
            io::Error::new(
                ErrorKind::FileTooLarge,
                "a line of more than 1048576 bytes; perhaps a quotation mark is not closed",
            )
        })?;
        self.0.set(left);
        Ok(())
    }
}

/// How the characters of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { is_big_endian: bool },
}

/// The text of a file; see the head of this module.
#[derive(Debug)]
pub(super) struct Text<R> {
    file: R,
    encoding: Option<Encoding>,
    allowance: Allowance,
    /// Bytes of the file that do not make a whole character yet.
    rest: Vec<u8>,
    /// Text that is ready, from `at` on.
    ready: Vec<u8>,
    at: usize,
    was_return: bool,
    last: u8,
    is_over: bool,
}

impl<R: Read> Text<R> {
    pub(super) fn new(file: R, allowance: Allowance) -> Self {
        allowance.refill();
        Self {
            file,
            encoding: None,
            allowance,
            rest: Vec::new(),
            ready: Vec::new(),
            at: 0,
            was_return: false,
            last: b'\n',
            is_over: false,
        }
    }

    /// How the characters of the file are written, as far as it was read.
    pub(super) const fn encoding(&self) -> &'static str {
        match self.encoding {
            Some(Encoding::Utf16 { .. }) => "UTF-16",
            _ => "UTF-8",
        }
    }

    /// Reads the next block of the file and makes text of it.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.at = 0;
        let mut block = vec![0; BLOCK];
        let read = read_some(&mut self.file, &mut block)?;
        self.is_over = read == 0;
        self.rest.extend(block.iter().take(read));
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => {
                let (encoding, mark) = recognise(&self.rest)?;
                self.rest.drain(..mark);
                *self.encoding.insert(encoding)
            }
        };
        match encoding {
            Encoding::Utf8 => {
                let bytes = std::mem::take(&mut self.rest);
                self.append(&bytes);
            }
            Encoding::Utf16 { is_big_endian } => self.transcode(is_big_endian)?,
        }
        if self.is_over && self.last != b'\n' {
            self.append(b"\n");
        }
        self.allowance.take(self.ready.len() as u64)
    }

    fn append(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied() {
            match byte {
                b'\n' if self.was_return => {}
                b'\r' => self.ready.push(b'\n'),
                byte => self.ready.push(byte),
            }
            self.was_return = byte == b'\r';
            self.last = self.ready.last().copied().unwrap_or(self.last);
        }
    }

    fn transcode(&mut self, is_big_endian: bool) -> io::Result<()> {
        let bad = || io::Error::new(ErrorKind::InvalidData, "not UTF-16, as its first bytes say it is");
        let (pairs, _) = self.rest.as_chunks::<2>();
        let order = if is_big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        let mut units: Vec<u16> = pairs.iter().map(|pair| order(*pair)).collect();
        // The first of two units of one character waits for the second.
        if !self.is_over && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        let used = 2 * units.len();
        let text = char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| bad())?;
        self.rest.drain(..used);
        if self.is_over && !self.rest.is_empty() {
            return Err(bad());
        }
        self.append(text.as_bytes());
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.ready.len() && !self.is_over {
            self.fill()?;
        }
        let ready = self.ready.get(self.at..).unwrap_or_default();
        let n = ready.len().min(into.len());
        into.iter_mut().zip(ready).for_each(|(into, byte)| *into = *byte);
        self.at += n;
        Ok(n)
    }
}

/// As many bytes as a block has, unless the file ends before.
fn read_some(file: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = block.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(read)
}

/// The encoding of a file that begins like this, and the length of its mark.
fn recognise(begin: &[u8]) -> io::Result<(Encoding, usize)> {
    let refused = |why| Err(io::Error::new(ErrorKind::InvalidData, why));
    match begin {
        [0xef, 0xbb, 0xbf, ..] => Ok((Encoding::Utf8, 3)),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => refused("UTF-32: save the file as UTF-8"),
        [0xff, 0xfe, ..] => Ok((Encoding::Utf16 { is_big_endian: false }, 2)),
        [0xfe, 0xff, ..] => Ok((Encoding::Utf16 { is_big_endian: true }, 2)),
        [b'P', b'K', 3, 4, ..] => refused("a workbook or a zip archive: save the table as CSV"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => refused("a workbook of an old kind: save the table as CSV"),
        [b'P', b'A', b'R', b'1', ..] => refused("a Parquet file: its name must end in .parquet"),
        [0x1f, 0x8b, ..] => refused("compressed with gzip: pass the file as it was before"),
        [b'%', b'P', b'D', b'F', ..] => refused("a PDF document: save the table as CSV"),
        begin if begin.iter().take(BLOCK).any(|byte| *byte == 0) => {
            refused("bytes of zero, as in UTF-16 without a mark or in a binary file: save the file as UTF-8")
        }
        _ => Ok((Encoding::Utf8, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let read = Text::new(bytes, Allowance::new()).read_to_string(&mut text);
        read.map(|_| text).map_err(|e| e.to_string())
    }

    fn utf16(text: &str, is_big_endian: bool) -> Vec<u8> {
        let order = if is_big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(order).collect()
    }

    #[test]
    fn every_encoding_with_a_mark_is_the_same_text() {
        let long = format!("päy\r\n{}", "1😀\n".repeat(5000));
        let expected = long.replace('\r', "");
        for bytes in [
            long.clone().into_bytes(),
            [b"\xef\xbb\xbf", long.as_bytes()].concat(),
            utf16(&long, false),
            utf16(&long, true),
        ] {
            assert_eq!(text(&bytes).as_deref(), Ok(&expected[..]));
        }
        assert_eq!(text(b"a\rb\r\nc").as_deref(), Ok("a\nb\nc\n"));
        assert_eq!(text(b"").as_deref(), Ok(""));
    }

    #[test]
    fn what_is_not_a_table_is_named() {
        for (bytes, why) in [
            (&b"PK\x03\x04zip"[..], "workbook"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"PAR1\x15", "Parquet"),
            (b"\xd0\xcf\x11\xe0\xa1", "workbook of an old kind"),
            (b"%PDF-1.7", "PDF"),
            (b"\0\0\xfe\xff\0", "UTF-32"),
            (b"a\0b\0", "UTF-16 without a mark"),
            (b"\xff\xfe\0\0a", "UTF-32"),
            (b"\xff\xfea", "not UTF-16"),
            (b"\xff\xfe\x00\xd8", "not UTF-16"),
        ] {
            let said = text(bytes).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        let long = vec![b'"'; 2 << 20];
        assert!(text(&long).unwrap_err().contains("a quotation mark is not closed"));
    }
}
