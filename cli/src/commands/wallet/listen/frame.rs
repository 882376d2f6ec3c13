//! What goes over the channel between a payer and a listener: one delivery, one answer.
//!
//! ```text
//! delivery = version (1), 1 ‖ length (4) ‖ text
//! answer   = version (1), 1 ‖ kind (1): 0 a reply, 1 a refusal ‖ length (4) ‖ text
//! ```
//!
//! Integers are little-endian; a text has at most [`MAX_MESSAGE`] bytes of UTF-8. The length is checked
//! before anything is read.

use sotto_wallet::listener::MAX_MESSAGE;
use std::io::{self, ErrorKind, Read, Write};

/// What the channel is for: both ends name it in the handshake.
pub(crate) const PURPOSE: &str = "sotto-slate/1";
const VERSION: u8 = 1;

/// What a listener answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply(String),
    Refused(String),
}

pub(crate) fn write_delivery(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(&[VERSION])?;
    write_text(out, text)
}

pub(crate) fn read_delivery(from: &mut impl Read) -> io::Result<String> {
    read_version(from)?;
    read_text(from)
}

pub(crate) fn write_answer(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let (kind, text) = match answer {
        Answer::Reply(text) => (0, text),
        Answer::Refused(why) => (1, why),
    };
    out.write_all(&[VERSION, kind])?;
    write_text(out, text)
}

pub(crate) fn read_answer(from: &mut impl Read) -> io::Result<Answer> {
    read_version(from)?;
    match byte(from)? {
        0 => read_text(from).map(Answer::Reply),
        1 => read_text(from).map(Answer::Refused),
        _ => Err(invalid("unknown kind of answer")),
    }
}

fn read_version(from: &mut impl Read) -> io::Result<()> {
    if byte(from)? == VERSION { Ok(()) } else { Err(invalid("unknown version")) }
}

fn byte(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    let length = u32::try_from(text.len()).map_err(|_| invalid("the text is too long"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn read_text(from: &mut impl Read) -> io::Result<String> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return Err(invalid("the text is too long"));
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text)?;
    String::from_utf8(text).map_err(|_| invalid("the text is not UTF-8"))
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_and_nothing_else_is_read() {
        let mut bytes = Vec::new();
        write_delivery(&mut bytes, "text").unwrap();
        assert_eq!(read_delivery(&mut &bytes[..]).unwrap(), "text");
        for cut in 0..bytes.len() {
            assert!(read_delivery(&mut &bytes[..cut]).is_err(), "{cut}");
        }
        bytes[0] = 2;
        assert!(read_delivery(&mut &bytes[..]).is_err(), "another version");
        for answer in [Answer::Reply("yes".to_owned()), Answer::Refused("no".to_owned())] {
            let mut bytes = Vec::new();
            write_answer(&mut bytes, &answer).unwrap();
            assert_eq!(read_answer(&mut &bytes[..]).unwrap(), answer);
            bytes[1] = 2;
            assert!(read_answer(&mut &bytes[..]).is_err());
        }
    }

    /// A length is refused before memory is taken for it.
    #[test]
    fn a_text_is_bounded() {
        let mut bytes = vec![VERSION];
        let head = bytes.len();
        bytes.extend_from_slice(&(MAX_MESSAGE as u32 + 1).to_le_bytes());
        assert_eq!(read_delivery(&mut &bytes[..]).unwrap_err().kind(), ErrorKind::InvalidData);
        bytes.truncate(head);
        bytes.extend_from_slice(&2u32.to_le_bytes());
        bytes.extend_from_slice(&[0xff, 0xfe]);
        assert_eq!(read_delivery(&mut &bytes[..]).unwrap_err().kind(), ErrorKind::InvalidData, "no UTF-8");
    }
}
