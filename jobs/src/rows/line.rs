//! One JSON line: the members of a flat object, each number as it is written.
//!
//! ```text
//! line     { } | { member (, member)* }
//! member   text : value              value   text | number | null
//! ```
//!
//! A parser that hands numbers out as binary fractions has rounded them, and rows are money: so a number is
//! its text here, and what it means is decided where CSV fields are read. Names may repeat; who asks for the
//! row refuses that.

use serde::de::IgnoredAny;

/// What a member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// `null`.
    Nothing,
    /// A number, digit by digit, or the contents of a text.
    Text(String),
    /// `true`, `false`, a list or an object.
    Else,
}

/// The members of a line in order; `None` unless the line is an object. Reading stops at a value that no
/// column can have.
pub(crate) fn members(line: &str) -> Option<Vec<(String, Written)>> {
    let (mut rest, mut members) =
        (line.trim_matches(BLANK).strip_prefix('{')?.trim_start_matches(BLANK), Vec::new());
    if let Some(after) = rest.strip_prefix('}') {
        return after.is_empty().then_some(members);
    }
    loop {
        let (name, after) = text(rest)?;
        let value = after.trim_start_matches(BLANK).strip_prefix(':')?.trim_start_matches(BLANK);
        let (written, after) = value_of(value)?;
        let is_known = written != Written::Else;
        members.push((name, written));
        if !is_known {
            return Some(members);
        }
        let after = after.trim_start_matches(BLANK);
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(BLANK),
            None => return (after == "}").then_some(members),
        }
    }
}

/// What JSON takes as space.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

fn value_of(rest: &str) -> Option<(Written, &str)> {
    if rest.starts_with('"') {
        return text(rest).map(|(text, rest)| (Written::Text(text), rest));
    }
    if rest.starts_with(['{', '[']) {
        return Some((Written::Else, rest));
    }
    let end = rest.find(|c| c == ',' || c == '}' || BLANK.contains(&c)).unwrap_or(rest.len());
    let (word, rest) = rest.split_at_checked(end)?;
    // Whether it is a word of JSON; its value is not looked at.
    let _: IgnoredAny = serde_json::from_str(word).ok()?;
    let written = match word {
        "null" => Written::Nothing,
        "true" | "false" => Written::Else,
        number => Written::Text(number.to_owned()),
    };
    Some((written, rest))
}

/// A text in quotation marks, and what follows it.
fn text(rest: &str) -> Option<(String, &str)> {
    let mut is_escaped = false;
    let ends = |(_, c): &(usize, char)| {
        let ends = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    };
    let (end, _) = rest.strip_prefix('"')?.char_indices().find(ends)?;
    let (quoted, rest) = rest.split_at_checked(end + 2)?;
    Some((serde_json::from_str(quoted).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_as_they_are_written() {
        let text = |text: &str| Written::Text(text.to_owned());
        let line =
            " {\"a\":9007199254740993.50, \"b\" : \"x \\\"}, \\u0041\\\\\" ,\t\"a\":null,\"c\":-0.10e+5}\r\n";
        let expected = [
            ("a", text("9007199254740993.50")),
            ("b", text("x \"}, A\\")),
            ("a", Written::Nothing),
            ("c", text("-0.10e+5")),
        ];
        assert_eq!(members(line).unwrap(), expected.map(|(name, written)| (name.to_owned(), written)));
        assert_eq!(members("{ }"), Some(vec![]));
        for held in ["true", "[1", "{\"x\":1}}"] {
            assert_eq!(members(&format!("{{\"a\":{held}}}")), Some(vec![("a".to_owned(), Written::Else)]));
        }
    }

    #[test]
    fn what_is_no_object_is_none() {
        for bad in [
            "",
            "[1]",
            "1",
            "{",
            "{}}",
            "{} {}",
            "{a:1}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":NaN}",
            "{\"a\":1 2}",
            "{\"a\":1}x",
            "{\"a\" 1}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"b}",
            "{\"a\":1 \"b\":2}",
            "{,}",
        ] {
            assert_eq!(members(bad), None, "{bad}");
        }
    }
}
