//! The number of one field, or what is wrong with it, never with the value.
//!
//! ```text
//! number     sign? digits (point digits)?      exactly, with at most as many decimals as the schema
//! comma      in place of the point, where no comma separates fields and it cannot separate thousands
//! missing    empty, NA, N/A, #N/A, NULL        if the job says what that counts as
//! truth      TRUE, FALSE                       in a column of truth values, or from 0 to 1
//! text       anything else than a missing word its number under a key, letter by letter
//! others     names, dates, times               see `kind`
//! ```

use crate::budget::{Decimal, Field};
use crate::job::Column;
use crate::kind::Kind;
use crate::text_key::TextKey;

/// What is wrong with a field. No variant holds a byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// Nothing is there.
    #[error("the field is empty, and the job gives no value for empty fields")]
    Empty,
    /// A word such as NA is there.
    #[error(
        "the field has a word for a missing value, such as NA, and the job gives no value for empty fields"
    )]
    MissingWord,
    /// TRUE or FALSE in a column of numbers.
    #[error("a truth value, and the column's range is not 0 to 1")]
    Truth,
    /// Neither true nor false.
    #[error("neither true nor false")]
    NotTruth,
    /// None of the names of a category.
    #[error("none of the names that the job gives this column")]
    Name,
    /// Not a date of the calendar.
    #[error("not a date such as 2027-01-31")]
    Date,
    /// Not a time with its zone.
    #[error("not a time with its zone, such as 2027-01-31T09:30:00Z or 2027-01-31T10:30:00+01:00")]
    Time,
    /// Something where nothing should be.
    #[error("the field must be empty: the row has another variant")]
    Variant,
    /// A list or an object of JSON, or a truth value in a column of numbers.
    #[error("neither a number nor a text")]
    Kind,
    /// Not a number in digits.
    #[error("not a {kind}{0}", kind = kind(*.1))]
    Number(Reason, u8),
    /// Too small or too large.
    #[error("outside the range that the job states")]
    Range,
}

impl FieldFault {
    /// A field that is not of this kind.
    const fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Truth => Self::NotTruth,
            Kind::Category(_) => Self::Name,
            Kind::Date => Self::Date,
            Kind::Time => Self::Time,
            Kind::Number | Kind::Presence | Kind::Text => Self::Kind,
        }
    }
}

fn kind(decimals: u8) -> String {
    match decimals {
        0 => "whole number".to_owned(),
        n => format!("decimal number of at most {n} decimals"),
    }
}

/// Why a field is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No reason is recognised.
    Other,
    /// It has more decimals than the schema.
    Decimals,
    /// `1e3`.
    Exponent,
    /// `1,5` where commas separate fields or the file is JSON.
    DecimalComma,
    /// `1,500`.
    AmbiguousComma,
    /// `1 500`, `1'500`, `1,234,567`.
    Thousands,
    /// A currency or per cent sign.
    Sign,
    /// Letters.
    Text,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Other => "",
            Self::Decimals => ": it has more decimals",
            Self::Exponent => ": it has an exponent",
            Self::DecimalComma => ": it has a decimal comma; write a point",
            Self::AmbiguousComma => ": its comma may be a decimal comma or separate thousands; write a point",
            Self::Thousands => ": it has separators of thousands",
            Self::Sign => ": it has a currency or per cent sign",
            Self::Text => ": it has letters",
        })
    }
}

/// What is written in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written<'t> {
    /// No member, or `null`.
    Nothing,
    /// Digits or a text.
    Text(&'t str),
    /// `true` or `false` of JSON.
    Truth(bool),
    /// A list or an object.
    Else,
}

/// How numbers are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comma {
    /// A comma is never part of a number.
    Separates,
    /// A comma may stand for the point.
    IsPoint,
}

/// A field that fits its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// The number that enters.
    pub(super) number: i128,
    /// What the file has there; `None` if it was missing.
    pub(super) written: Option<Field>,
}

const MISSING: [&str; 4] = ["na", "n/a", "#n/a", "null"];

/// The number of a field, by the type of its column: the one place where fields are read.
pub(super) fn cell(
    column: &Column,
    written: Written<'_>,
    comma: Comma,
    texts: &TextKey,
) -> Result<Cell, FieldFault> {
    let text = match written {
        Written::Nothing => "",
        Written::Text(text) => text.trim(),
        Written::Truth(value) if is_truth(column) || column.kind == Kind::Truth => {
            return Ok(of(column, value.into()));
        }
        Written::Truth(_) | Written::Else => return Err(FieldFault::Kind),
    };
    let held = |number| (column.min..=column.max).contains(&number);
    let is_word = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_name = matches!(column.kind, Kind::Category(_)) && column.kind.parse(text).is_some();
    if text.is_empty() || is_word(&MISSING) && !is_name {
        let missing = column.missing.map(|number| Cell { number, written: None });
        return missing.ok_or(if text.is_empty() { FieldFault::Empty } else { FieldFault::MissingWord });
    }
    if column.kind == Kind::Text {
        return Ok(Cell { number: texts.number(text), written: Some(as_written(text)) });
    }
    if column.kind != Kind::Number {
        let number = column.kind.parse(text).ok_or(FieldFault::of(&column.kind))?;
        let written = if is_word(&MISSING) { None } else { Some(as_written(text)) };
        return if held(number) { Ok(Cell { number, written }) } else { Err(FieldFault::Range) };
    }
    if is_word(&["true", "false"]) {
        let is_true = is_word(&["true"]);
        return if is_truth(column) { Ok(of(column, is_true.into())) } else { Err(FieldFault::Truth) };
    }
    let point = match (comma, decimal_comma(text)) {
        (Comma::IsPoint, Some(true)) => text.replacen(',', ".", 1),
        _ => text.to_owned(),
    };
    let number = number(&point, column.decimals)
        .ok_or_else(|| FieldFault::Number(reason(text, comma), column.decimals))?;
    if held(number) { Ok(of(column, number)) } else { Err(FieldFault::Range) }
}

/// The number of a decimal text in units of its last decimal: sign, digits, point, digits; no more decimals
/// than that, and never rounded.
///
/// ```
/// use sotto_jobs::rows::number;
/// assert_eq!(number("-12.5", 2), Some(-1250));
/// assert_eq!(number("12.345", 2), None); // more decimals than the schema has
/// assert_eq!(number("1e3", 0), None);
/// ```
#[must_use]
pub fn number(text: &str, decimals: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let figures = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let point_is_valid = !whole.is_empty() && !digits.ends_with('.');
    if !figures || !point_is_valid || fraction.len() > usize::from(decimals) || whole.len() > 30 {
        return None;
    }
    let zeros = usize::from(decimals) - fraction.len();
    let mut all = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', zeros));
    let value = all.try_fold(0i128, |value, b| value.checked_mul(10)?.checked_add(i128::from(b - b'0')))?;
    Some(if negative { -value } else { value })
}

fn of(column: &Column, number: i128) -> Cell {
    let written = Field::Number(Decimal { value: number, decimals: column.decimals });
    Cell { number, written: Some(written) }
}

/// A field that is not empty, as it is in every job: a place among names, for instance, is not part of the data.
fn as_written(text: &str) -> Field {
    let truth = [("false", 0), ("true", 1)].into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
    let of = |value, decimals| Field::Number(Decimal { value, decimals });
    let value = truth.map(|(_, value)| of(value, 0));
    value.or_else(|| number(text, 18).map(|value| of(value, 18))).unwrap_or_else(|| Field::text(text))
}

fn is_truth(column: &Column) -> bool {
    (column.min, column.max, column.decimals) == (0, 1, 0)
}

/// Whether a text with one comma and no point is a number with a decimal comma; `None` if it is not of this
/// form. Three digits after the comma could be thousands, unless a zero or nothing else is before it.
fn decimal_comma(text: &str) -> Option<bool> {
    let (whole, fraction) = text.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let whole = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    (digits(whole) && digits(fraction)).then_some(fraction.len() != 3 || whole.starts_with('0'))
}

/// Why a text is not a number of the schema.
fn reason(text: &str, comma: Comma) -> Reason {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_separator = |c: char| matches!(c, ' ' | '\'' | '\u{a0}' | '\u{202f}' | '\u{2019}' | ',' | '.');
    match decimal_comma(text) {
        Some(true) if comma == Comma::IsPoint => return Reason::Decimals,
        Some(true) => return Reason::DecimalComma,
        Some(false) => return Reason::AmbiguousComma,
        None => {}
    }
    if bare.split_once('.').is_some_and(|(whole, fraction)| digits(whole) && digits(fraction)) {
        return Reason::Decimals;
    }
    if bare.starts_with(|c: char| c.is_ascii_digit()) && bare.split(is_separator).all(digits) {
        return Reason::Thousands;
    }
    if text.contains(['$', '€', '£', '¥', '%', '‰']) {
        return Reason::Sign;
    }
    let exponent = bare.split_once(['e', 'E']).is_some_and(|(mantissa, power)| {
        let power = power.strip_prefix(['-', '+']).unwrap_or(power);
        mantissa.starts_with(|c: char| c.is_ascii_digit()) && digits(power)
    });
    match text.chars().any(char::is_alphabetic) {
        _ if exponent => Reason::Exponent,
        true => Reason::Text,
        false => Reason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Line;

    fn column(max: i128, decimals: u8, missing: Option<i128>) -> Column {
        Column { name: Line::new("pay").unwrap(), min: 0, max, decimals, missing, kind: Kind::Number }
    }

    #[test]
    fn what_is_unambiguous_is_a_number_and_all_else_is_named() {
        let pay = column(1_000_000, 2, None);
        let read = |text: &str, comma| {
            cell(&pay, Written::Text(text), comma, &TextKey::for_checks()).map(|cell| cell.number)
        };
        for (text, value) in [("12,5", 1250), ("0,125", 0), ("7", 700), ("+3,50", 350), ("1.5", 150)] {
            let expected =
                if text == "0,125" { Err(FieldFault::Number(Reason::Decimals, 2)) } else { Ok(value) };
            assert_eq!(read(text, Comma::IsPoint), expected, "{text}");
        }
        for (text, reason) in [
            ("12,5", Reason::DecimalComma),
            ("1,500", Reason::AmbiguousComma),
            ("1,234,567", Reason::Thousands),
            ("1 500", Reason::Thousands),
            ("1.234.567", Reason::Thousands),
            ("12.345", Reason::Decimals),
            ("1e3", Reason::Exponent),
            ("$5", Reason::Sign),
            ("5 %", Reason::Sign),
            ("0x1f", Reason::Text),
            ("Jane", Reason::Text),
            ("--1", Reason::Other),
        ] {
            assert_eq!(read(text, Comma::Separates), Err(FieldFault::Number(reason, 2)), "{text}");
            assert!(!FieldFault::Number(reason, 2).to_string().contains(text));
        }
        assert_eq!(read("1,500", Comma::IsPoint), Err(FieldFault::Number(Reason::AmbiguousComma, 2)));
        assert_eq!(read("10000.01", Comma::Separates), Err(FieldFault::Range));
        assert_eq!(FieldFault::Number(Reason::Text, 0).to_string(), "not a whole number: it has letters");
    }

    #[test]
    fn words_for_missing_values_and_truth_values_are_known() {
        let (hole, full) = (column(5, 0, Some(3)), column(5, 0, None));
        for word in ["", " ", "NA", "n/a", "#N/A", "null", "NULL"] {
            let read = cell(&hole, Written::Text(word), Comma::Separates, &TextKey::for_checks()).unwrap();
            assert_eq!((read.number, read.written), (3, None), "{word}");
            let fault = if word.trim().is_empty() { FieldFault::Empty } else { FieldFault::MissingWord };
            assert_eq!(
                cell(&full, Written::Text(word), Comma::Separates, &TextKey::for_checks()),
                Err(fault)
            );
        }
        let bit = column(1, 0, None);
        for (written, number) in [
            (Written::Text("TRUE"), 1),
            (Written::Text("false"), 0),
            (Written::Truth(true), 1),
            (Written::Truth(false), 0),
        ] {
            assert_eq!(
                cell(&bit, written, Comma::Separates, &TextKey::for_checks()).map(|cell| cell.number),
                Ok(number)
            );
        }
        assert_eq!(
            cell(&full, Written::Text("TRUE"), Comma::Separates, &TextKey::for_checks()),
            Err(FieldFault::Truth)
        );
        assert_eq!(
            cell(&full, Written::Truth(true), Comma::Separates, &TextKey::for_checks()),
            Err(FieldFault::Kind)
        );
    }

    #[test]
    fn a_field_is_read_by_the_kind_of_its_column() {
        let kinds = [Kind::Truth, Kind::category(&["NA", "north"]).unwrap(), Kind::Date, Kind::Time];
        let read = |kind: &Kind, text: &str| {
            let (min, max) = kind.range().unwrap();
            let column = Column { min, kind: kind.clone(), ..column(max, 0, None) };
            cell(&column, Written::Text(text), Comma::Separates, &TextKey::for_checks())
                .map(|cell| cell.number)
        };
        let [truth, region, date, time] = &kinds;
        assert_eq!([read(truth, " True "), read(truth, "0")], [Ok(1), Ok(0)]);
        assert_eq!(
            [read(region, "NA"), read(region, "north")],
            [Ok(0), Ok(1)],
            "a name, not a missing value"
        );
        // Texts are what is between the blanks, letter by letter, and no word of them is a number.
        let text = read(&Kind::Text, "zoe");
        assert_eq!(read(&Kind::Text, " zoe\u{a0}"), text);
        assert_ne!(read(&Kind::Text, "Zoe"), text);
        assert_ne!(read(&Kind::Text, "1"), read(&Kind::Text, "1.0"));
        assert_ne!(read(&Kind::Text, "true"), read(&Kind::Text, "TRUE"));
        assert_eq!(read(&Kind::Text, "null"), Err(FieldFault::MissingWord));
        assert_eq!([read(date, "1970-01-03"), read(time, "1970-01-01T00:01:00Z")], [Ok(2), Ok(60)]);
        for (kind, fault) in
            kinds.iter().zip([FieldFault::NotTruth, FieldFault::Name, FieldFault::Date, FieldFault::Time])
        {
            assert_eq!(read(kind, "31.12.2023"), Err(fault));
            assert_eq!(read(kind, ""), Err(FieldFault::Empty));
        }
        assert_eq!(read(date, "n/a"), Err(FieldFault::MissingWord));
        let late = Column { kind: Kind::Date, ..column(5, 0, None) };
        assert_eq!(
            cell(&late, Written::Text("1970-01-07"), Comma::Separates, &TextKey::for_checks()),
            Err(FieldFault::Range)
        );
    }
}
