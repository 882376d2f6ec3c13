//! Text that strangers write and people read before they sign: short, printable and unambiguous.
//!
//! Control characters could alter what a terminal shows. Invisible characters and characters that change the
//! direction of text could make two names look alike. Runs of blanks, or blanks other than the space, could
//! push words to where they seem to be someone else's. All of these are rejected.

use core::fmt;

use crate::codec::DecodeError;
use crate::codec::{Codec, Reader};

/// Between 1 and `MAX` bytes of printable UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

/// The name of a column, an output, a parameter, an address.
pub type Line = Text<100>;
/// What a job is for.
pub type Prose = Text<1000>;

/// The text is empty, too long, or has characters that do not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a text of 1 to {max} bytes is wanted here, without control or invisible characters, and with single spaces"
)]
pub struct TextError {
    max: usize,
}

impl<const MAX: usize> Text<MAX> {
    /// The text, if it is one.
    ///
    /// # Errors
    /// If it is empty, too long or not printable.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let is_even = text.trim() == text && !text.contains("  ");
        let verify = (1..=MAX).contains(&text.len()) && text.chars().all(shows) && is_even;
        if verify { Ok(Self(text.to_owned())) } else { Err(TextError { max: MAX }) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character has a shape of its own, or is the space. Besides what is invisible: fillers of Hangul
/// and Khmer, the empty Braille pattern, the joiner of graphemes, and every other blank.
fn shows(c: char) -> bool {
    let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..);
    let blank = matches!(
        c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    );
    !c.is_control() && !hidden && !blank && (c == ' ' || !c.is_whitespace())
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MAX: usize> Codec for Text<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.0.len() as u16).encode(out);
        out.extend_from_slice(self.0.as_bytes());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = u16::decode(r)?;
        let text = str::from_utf8(r.take(length.into())?).ok();
        text.and_then(|text| Self::new(text).ok()).ok_or(DecodeError::Value("a text"))
    }
}

/// A party's name: 1 to 32 of `a-z`, `0-9` and `-`; it is part of file names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Text<32>);

impl Name {
    /// The name, if it is one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let plain = name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        Text::new(name).ok().filter(|_| plain && !name.starts_with('-')).map(Self)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Codec for Name {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(Text::<32>::decode(r)?.as_str()).ok_or(DecodeError::Value("a party's name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shows_passes() {
        for good in ["pay", "mean radius (µm)", "Löhne", "年収"] {
            assert_eq!(Line::new(good).unwrap().as_str(), good);
        }
        for blank in
            ["a  b", "a\u{a0}b", "a\u{3164}b", "a\u{2800}b", "a\u{2003}b", "a\u{3000}b", "a\u{ffa0}b"]
        {
            assert!(Line::new(blank).is_err(), "{blank:?}");
        }
        let long = "x".repeat(101);
        for bad in ["", " pay", "pay\n", "\u{1b}[2J", "a\u{202e}b", "a\u{200b}b", "a\u{e0041}", &long] {
            assert!(Line::new(bad).is_err(), "{bad:?}");
        }
        assert!(Name::new("north-hospital-2").is_some());
        for bad in ["", "-x", "North", "../x", "a b", "naïve"] {
            assert!(Name::new(bad).is_none(), "{bad}");
        }
    }
}
