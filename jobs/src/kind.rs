//! What the whole number of a column stands for: how it is written in files, and shown in results.
//!
//! ```text
//! number      digits, with as many decimals as the column has     inside: the number in units of the last decimal
//! truth       true, false                                         1, 0
//! category    one of the names                                    the place of the name, from 0
//! date        2027-01-31                                          days since 1970-01-01
//! time        2027-01-31T09:30:00Z                                seconds since 1970-01-01T00:00:00Z
//! text        any text of a line                                  its keyed hash (`text_key`)
//! presence    in no file: whether the next column's field is there     1, 0
//! ```

use crate::calendar::{DATES, TIMES, parse_date, parse_time, show_date, show_time};
use crate::codec::{Codec, DecodeError, Reader};
use crate::text::Line;

/// Numbers of texts are below this.
pub const TEXTS: i128 = 1 << 62;

/// Most names of a category.
pub const MAX_NAMES: usize = 1024;

/// What a whole number stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Itself, in units of the last decimal.
    #[default]
    Number,
    /// Whether something is so.
    Truth,
    /// One of these names, by its place.
    Category(Vec<Line>),
    /// A date, in days.
    Date,
    /// A point in time, in seconds.
    Time,
    /// Whether the field of the next column is there.
    Presence,
    /// A text, by a keyed hash.
    Text,
}

impl Kind {
    /// The category of these names; `None` if there are none or too many, if two are the same, or if one does not
    /// print.
    #[must_use]
    pub fn category<T: AsRef<str>>(names: &[T]) -> Option<Self> {
        let lines: Vec<Line> =
            names.iter().map(|name| Line::new(name.as_ref()).ok()).collect::<Option<_>>()?;
        let kind = Self::Category(lines);
        kind.is_sound().then_some(kind)
    }

    /// Whether its names are some, not too many, and differ.
    fn is_sound(&self) -> bool {
        let Self::Category(names) = self else { return true };
        let mut seen = std::collections::BTreeSet::new();
        (1..=MAX_NAMES).contains(&names.len()) && names.iter().all(|name| seen.insert(name))
    }

    /// The least and the greatest number that it can stand for; `None` if any.
    #[must_use]
    pub fn range(&self) -> Option<(i128, i128)> {
        match self {
            Self::Number => None,
            Self::Truth | Self::Presence => Some((0, 1)),
            Self::Category(names) => Some((0, names.len() as i128 - 1)),
            Self::Date => Some(DATES),
            Self::Time => Some(TIMES),
            Self::Text => Some((0, TEXTS - 1)),
        }
    }

    /// Whether fields of a file have no column of this kind.
    #[must_use]
    pub const fn is_derived(&self) -> bool {
        matches!(self, Self::Presence)
    }

    /// The number of a text that is not a number in digits; `None` if the text is none of this kind, or has a number
    /// under a key alone.
    pub(crate) fn parse(&self, text: &str) -> Option<i128> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        match self {
            Self::Number | Self::Presence | Self::Text => None,
            Self::Truth => match text {
                "1" => Some(1),
                "0" => Some(0),
                _ if is("true") => Some(1),
                _ if is("false") => Some(0),
                _ => None,
            },
            Self::Category(names) => {
                let place = |text: &str| names.iter().position(|name| name.as_str() == text);
                let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number < names.len());
                // A place is read as one only if it cannot be a name.
                let has_numbers = || names.iter().any(|name| name.as_str().parse::<f64>().is_ok());
                place(text).or_else(|| number(text).filter(|_| !has_numbers())).map(|place| place as i128)
            }
            Self::Date => parse_date(text),
            Self::Time => parse_time(text),
        }
    }

    /// A number as it is shown; what it cannot stand for, in digits.
    #[must_use]
    pub fn show(&self, value: i128, decimals: u8) -> String {
        let holds = self.range().is_none_or(|(min, max)| (min..=max).contains(&value));
        match self {
            Self::Truth | Self::Presence if holds => (value == 1).to_string(),
            Self::Category(names) => {
                let name = usize::try_from(value).ok().and_then(|place| names.get(place));
                name.map_or_else(|| value.to_string(), ToString::to_string)
            }
            Self::Date if holds => show_date(value),
            Self::Time if holds => show_time(value),
            _ => decimal(value, decimals),
        }
    }
}

/// A whole number with its decimal point.
#[must_use]
pub fn decimal(value: i128, decimals: u8) -> String {
    let places = usize::from(decimals);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Codec for Kind {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number => out.push(0),
            Self::Truth => out.push(1),
            Self::Category(names) => (out.push(2), names.encode(out)).1,
            Self::Date => out.push(3),
            Self::Time => out.push(4),
            Self::Presence => out.push(5),
            Self::Text => out.push(6),
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = match u8::decode(r)? {
            0 => Self::Number,
            1 => Self::Truth,
            2 => Self::Category(Codec::decode(r)?),
            3 => Self::Date,
            4 => Self::Time,
            5 => Self::Presence,
            6 => Self::Text,
            _ => return Err(DecodeError::Value("a type of columns")),
        };
        if kind.is_sound() { Ok(kind) } else { Err(DecodeError::Value("a list of names")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        let regions = Kind::category(&["north", "south", "far east"]).unwrap();
        for (kind, numbers) in [
            (Kind::Truth, vec![0, 1]),
            (regions.clone(), vec![0, 1, 2]),
            (Kind::Date, vec![DATES.0, 0, 20_000, DATES.1]),
            (Kind::Time, vec![TIMES.0, 0, 1_798_761_599, TIMES.1]),
        ] {
            for number in numbers {
                assert_eq!(kind.parse(&kind.show(number, 0)), Some(number), "{kind:?} {number}");
            }
            for text in ["", "x", "North", "3", "-1", "2", "0.5"] {
                let read = kind.parse(text);
                assert!(read.is_none() || text == "2" && kind == regions, "{kind:?} {text}");
            }
            let mut bytes = Vec::new();
            kind.encode(&mut bytes);
            assert_eq!(Kind::decode(&mut Reader::new(&bytes)), Ok(kind.clone()));
        }
        assert_eq!(regions.show(7, 0), "7", "what has no name is a number");
        assert_eq!([decimal(1234, 2), decimal(-5, 3), decimal(7, 0)], ["12.34", "-0.005", "7"]);
    }

    #[test]
    fn a_name_that_is_a_number_is_a_name() {
        let years = Kind::category(&["1", "0", "none"]).unwrap();
        assert_eq!(["1", "0", "none", "2"].map(|text| years.parse(text)), [Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn names_differ_and_print() {
        let many: Vec<String> = (0..=MAX_NAMES).map(|i| format!("n{i}")).collect();
        for names in [&["a".to_owned(), "a".to_owned()][..], &[], &["a\nb".to_owned()], &many] {
            assert_eq!(Kind::category(names), None);
        }
        for bytes in [&[2, 0, 0, 0, 0][..], &[2, 2, 0, 0, 0, 1, 0, b'a', 1, 0, b'a'], &[7]] {
            assert!(Kind::decode(&mut Reader::new(bytes)).is_err(), "{bytes:?}");
        }
    }
}
