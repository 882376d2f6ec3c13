//! A file in Windows-1252 as UTF-8: only if its owner says that it is, since every byte looks like a character of it.
//!
//! Source: the WHATWG Encoding Standard, index windows-1252; the five bytes that have no character are an error.

use std::io::{self, ErrorKind, Read};

/// The characters of the bytes 80 to 9F; `\0` where there is none.
const HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// Reads Windows-1252, and gives UTF-8.
#[derive(Debug)]
pub struct Windows1252<R> {
    file: R,
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Windows1252<R> {
    /// The text of this file.
    pub const fn new(file: R) -> Self {
        Self { file, ready: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; 1 << 13];
        let read = self.file.read(&mut block)?;
        (self.ready, self.at) = (Vec::with_capacity(2 * read), 0);
        for byte in block.iter().take(read) {
            let high = byte.checked_sub(0x80).and_then(|place| HIGH.get(usize::from(place)));
            match high.copied().unwrap_or(char::from(*byte)) {
                '\0' => {
                    return Err(io::Error::new(
                        ErrorKind::InvalidData,
                        "not Windows-1252, as was said, or a byte of zero",
                    ));
                }
                c => self.ready.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Windows1252<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.ready.len() {
            self.fill()?;
        }
        let ready = self.ready.get(self.at..).unwrap_or_default();
        let n = ready.len().min(into.len());
        into.iter_mut().zip(ready).for_each(|(into, byte)| *into = *byte);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_with_a_character_is_that_character() {
        let read = |bytes: &[u8]| {
            let mut text = String::new();
            Windows1252::new(bytes).read_to_string(&mut text).map(|_| text)
        };
        assert_eq!(read(b"M\xfcller;\x80 5,\x96;\xe9").unwrap(), "Müller;€ 5,–;é");
        let long = [0xfcu8; 20_000];
        assert_eq!(read(&long).unwrap(), "ü".repeat(20_000));
        for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d, 0] {
            assert!(read(&[b'a', byte]).is_err(), "{byte:x}");
        }
        let all: Vec<u8> = (1..=255).filter(|byte| ![0x81, 0x8d, 0x8f, 0x90, 0x9d].contains(byte)).collect();
        let mut characters: Vec<char> = read(&all).unwrap().chars().collect();
        characters.sort_unstable();
        characters.dedup();
        assert_eq!(characters.len(), all.len());
    }
}
