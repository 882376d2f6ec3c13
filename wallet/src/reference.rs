//! References: twelve bytes that a one-sided payment carries to its receiver alone.
//!
//! ```text
//! text     1 to 12 visible ASCII characters but `=` and `?`, padded with zero bytes to twelve
//! other    0x and 24 hexadecimal digits
//! request  ADDRESS?ref=REFERENCE         what a receiver gives out instead of an invoice
//! ```
//!
//! A reference tells the receiver what was paid for. It lies in the range proof, where the sender, the
//! receiver and the holders of its view key read it. A payment without one carries twelve random bytes, which
//! read as "other".

use core::{fmt, str::FromStr};

/// What a one-sided payment is for.
///
/// ```
/// use sotto_wallet::reference::Reference;
///
/// let invoice: Reference = "INV-2026-17".parse()?;
/// assert_eq!(invoice.to_string(), "INV-2026-17");
/// assert!("more than twelve".parse::<Reference>().is_err());
/// # Ok::<(), sotto_wallet::reference::ReferenceError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(pub [u8; Reference::BYTES]);

/// Why a text is not a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid reference: expected 1 to 12 letters, digits or signs but no space, = or ?, or 0x and 24 hexadecimal digits"
)]
pub struct ReferenceError;

impl Reference {
    /// Its length.
    pub const BYTES: usize = 12;

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        let text = core::str::from_utf8(&self.0).ok()?.trim_end_matches('\0');
        is_text(text).then_some(text)
    }
}

/// Whether this is the text of a reference; what begins like the other form is not.
fn is_text(text: &str) -> bool {
    let fits = (1..=Reference::BYTES).contains(&text.len());
    // A request with a second `?` or `=` could be read as another amount or reference.
    let visible = |c: char| c.is_ascii_graphic() && !['=', '?'].contains(&c);
    fits && text.chars().all(visible) && !text.starts_with("0x")
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let mut bytes = [0; Self::BYTES];
        if is_text(text) {
            bytes.iter_mut().zip(text.bytes()).for_each(|(slot, b)| *slot = b);
            return Ok(Self(bytes));
        }
        let digits = text.strip_prefix("0x").filter(|d| d.len() == 2 * Self::BYTES).ok_or(ReferenceError)?;
        for (i, slot) in bytes.iter_mut().enumerate() {
            let pair = digits.get(2 * i..2 * i + 2).filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
            *slot = u8::from_str_radix(pair.ok_or(ReferenceError)?, 16).map_err(|_| ReferenceError)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_text() {
            return f.pad(text);
        }
        f.write_str("0x")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Splits a payment request `ADDRESS?ref=REFERENCE`, or an address alone, into its parts.
///
/// # Errors
/// [`ReferenceError`] when something else follows the question mark.
pub fn split_request(text: &str) -> Result<(&str, Option<Reference>), ReferenceError> {
    let Some((address, query)) = text.trim().split_once('?') else { return Ok((text, None)) };
    let reference = query.strip_prefix("ref=").ok_or(ReferenceError)?;
    Ok((address, Some(reference.parse()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_has_one_text() {
        for text in ["a", "INV-2026-17", "twelve-chars", "0x000102030405060708090a0b"] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        for bytes in [[0; 12], [0xff; 12], *b"a\0b\0\0\0\0\0\0\0\0\0", *b"0x1234567890", *b"with a space"] {
            let text = Reference(bytes).to_string();
            assert!(text.starts_with("0x") && text.len() == 26, "{text}");
            assert_eq!(text.parse(), Ok(Reference(bytes)));
        }
        for text in [
            "",
            "thirteen-char",
            "a b",
            "0x12",
            "é",
            "0x000102030405060708090a0g",
            "0x+00102030405060708090a0b",
        ] {
            assert_eq!(text.parse::<Reference>(), Err(ReferenceError), "{text}");
        }
    }

    #[test]
    fn a_request_is_an_address_and_a_reference() {
        assert_eq!(split_request("abc"), Ok(("abc", None)));
        assert_eq!(split_request(" abc?ref=17 "), Ok(("abc", Some("17".parse().unwrap()))));
        for text in ["abc?", "abc?ref=", "abc?memo=17", "abc?ref=1?ref=2 3"] {
            assert_eq!(split_request(text), Err(ReferenceError), "{text}");
        }
    }
}
