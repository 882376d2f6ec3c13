//! The charter of a chain's auditors: the authorities that allow a reading, its limits, and the delay before a request becomes
//! public.
//!
//! ```text
//! sotto audit charter v1
//! auditors KEY          the key of the auditors' group, 64 digits
//! authority DIGEST      1 to 15 lines in ascending order: the hash of the party key of an authority that can allow a request
//! needed N              how many of them a request takes
//! outputs N             most outputs of a request, up to 64
//! requests N            most requests that an auditor answers in thirty days
//! depth N               blocks, the notice's own among them, before an auditor answers
//! delay N               blocks after the notice before auditors hand out the request
//!                       an empty line, and any text, or nothing
//!
//! hash = H("sotto/audit/charter/v1", text)          in the genesis parameters, with the key
//! ```
//!
//! A charter has one text: [`Charter::parse`] writes it again and compares. Each party that joins can ask for the text and
//! compare its hash with the chain's.
#![deny(clippy::indexing_slicing)]

use crate::tag;
use core::fmt::Write as _;
use sotto_mw::{
    chain::Auditors,
    codec::Decode as _,
    hash::{Hash, tagged},
    schnorr::PublicKey,
};
use sotto_party::hex::{from_hex, to_hex};

/// Most bytes of a charter.
pub const MAX_CHARTER: usize = 32 << 10;
/// Most outputs of a request.
pub const MAX_OUTPUTS: u16 = 64;
/// Most authorities.
pub(crate) const MAX_AUTHORITIES: usize = 15;
/// Most requests in thirty days, and most blocks of depth and delay.
const MAX_NUMBER: u64 = 10_000_000;

const FIRST: &str = "sotto audit charter v1";

/// Why a text is not a charter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharterError {
    /// Too long.
    #[error("the text is too long: a charter has at most {MAX_CHARTER} bytes")]
    TooLong,
    /// A line is missing, or another one stands there.
    #[error("the text has no line `{0} …` where a charter has one")]
    Line(&'static str),
    /// A number is out of its range.
    #[error("the number of `{0}` is not one that a charter can have")]
    Number(&'static str),
    /// Too few or many, out of order, or one twice.
    #[error("a charter names 1 to {MAX_AUTHORITIES} authorities, each once, in ascending order")]
    Authorities,
    /// The key of the auditors is not a point, or the identity.
    #[error("the key of the auditors is not one of a group")]
    Key,
    /// The same charter has another text.
    #[error("the text is not written as a charter is: spaces, empty lines or digits differ")]
    Form,
}

/// The numbers of a charter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharterTerms {
    /// How many authorities a request takes.
    pub needed: u8,
    /// Most outputs of a request.
    pub outputs: u16,
    /// Most requests that an auditor answers in thirty days.
    pub requests: u64,
    /// Blocks, the notice's own among them, before an auditor answers.
    pub depth: u64,
    /// Blocks after the notice before auditors hand out the request.
    pub delay: u64,
}

/// A charter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charter {
    auditors: PublicKey,
    authorities: Vec<[u8; 32]>,
    terms: CharterTerms,
    prose: String,
}

impl Charter {
    /// A charter for the group with this key. The authorities are party keys by their digests, in any order.
    ///
    /// # Errors
    /// [`CharterError`].
    pub fn new(
        auditors: PublicKey,
        mut authorities: Vec<[u8; 32]>,
        terms: CharterTerms,
        prose: &str,
    ) -> Result<Self, CharterError> {
        authorities.sort_unstable();
        let this = Self { auditors, authorities, terms, prose: prose.to_owned() };
        this.check()?;
        Self::parse(&this.to_text())
    }

    fn check(&self) -> Result<(), CharterError> {
        let CharterTerms { needed, outputs, requests, depth, delay } = self.terms;
        let many = self.authorities.len();
        if !(1..=MAX_AUTHORITIES).contains(&many) || !self.authorities.is_sorted_by(|a, b| a < b) {
            return Err(CharterError::Authorities);
        }
        let ranges = [
            ("needed", needed.into(), 1, many as u64),
            ("outputs", outputs.into(), 1, MAX_OUTPUTS.into()),
            ("requests", requests, 1, MAX_NUMBER),
            ("depth", depth, 1, MAX_NUMBER),
            ("delay", delay, 0, MAX_NUMBER),
        ];
        match ranges.iter().find(|(_, n, least, most)| n < least || n > most) {
            Some((name, ..)) => Err(CharterError::Number(name)),
            None if self.auditors.point().is_identity() => Err(CharterError::Key),
            None => Ok(()),
        }
    }

    /// Reads a charter.
    ///
    /// # Errors
    /// [`CharterError`].
    pub fn parse(text: &str) -> Result<Self, CharterError> {
        if text.len() > MAX_CHARTER {
            return Err(CharterError::TooLong);
        }
        let (head, prose) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
        let mut lines = head.lines().peekable();
        if lines.next() != Some(FIRST) {
            return Err(CharterError::Line(FIRST));
        }
        let auditors = digits(lines.next(), "auditors").ok_or(CharterError::Line("auditors"))?;
        let auditors = PublicKey::from_bytes(&auditors).map_err(|_| CharterError::Key)?;
        let mut authorities = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("authority ")) {
            if authorities.len() == MAX_AUTHORITIES {
                return Err(CharterError::Authorities);
            }
            authorities.push(digits(Some(line), "authority").ok_or(CharterError::Line("authority"))?);
        }
        let mut number = |name| number(lines.next(), name);
        let (needed, outputs) = (number("needed")?, number("outputs")?);
        let terms = CharterTerms {
            needed: needed.try_into().map_err(|_| CharterError::Number("needed"))?,
            outputs: outputs.try_into().map_err(|_| CharterError::Number("outputs"))?,
            requests: number("requests")?,
            depth: number("depth")?,
            delay: number("delay")?,
        };
        let this = Self { auditors, authorities, terms, prose: prose.to_owned() };
        this.check()?;
        if this.to_text() == text { Ok(this) } else { Err(CharterError::Form) }
    }

    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let CharterTerms { needed, outputs, requests, depth, delay } = self.terms;
        let mut text = format!("{FIRST}\nauditors {}\n", to_hex(self.auditors.as_bytes()));
        for digest in &self.authorities {
            // Writing to a string does not fail.
            let _ = writeln!(text, "authority {}", to_hex(digest));
        }
        let _ = writeln!(
            text,
            "needed {needed}\noutputs {outputs}\nrequests {requests}\ndepth {depth}\ndelay {delay}"
        );
        if !self.prose.is_empty() {
            let _ = write!(text, "\n{}", self.prose);
        }
        text
    }

    /// The auditors in the genesis parameters of its chain.
    #[must_use]
    pub fn auditors(&self) -> Auditors {
        Auditors { key: self.auditors, charter: self.hash() }
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::CHARTER, &[self.to_text().as_bytes()])
    }

    /// Its numbers.
    #[must_use]
    pub const fn terms(&self) -> &CharterTerms {
        &self.terms
    }

    /// The digests of the authorities' keys.
    #[must_use]
    pub fn authorities(&self) -> &[[u8; 32]] {
        &self.authorities
    }
}

fn digits(line: Option<&str>, name: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    from_hex(line?.strip_prefix(name)?.strip_prefix(' ')?, &mut bytes)?;
    Some(bytes)
}

fn number(line: Option<&str>, name: &'static str) -> Result<u64, CharterError> {
    let text = line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
    text.ok_or(CharterError::Line(name))?.parse().map_err(|_| CharterError::Number(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use sotto_mw::group::{Point, Scalar};

    fn terms() -> CharterTerms {
        CharterTerms { needed: 2, outputs: 20, requests: 5, depth: 6, delay: 1_000 }
    }

    fn charter(prose: &str) -> Charter {
        let key = PublicKey::of(&Scalar::from(7u64).into());
        Charter::new(key, vec![[3; 32], [1; 32], [2; 32]], terms(), prose).unwrap()
    }

    #[test]
    fn a_charter_reads_back_and_every_change_is_another_charter() {
        for prose in ["", "For the prosecutor.\n\nNo other party.\n"] {
            let one = charter(prose);
            let text = one.to_text();
            assert_eq!(Charter::parse(&text).as_ref(), Ok(&one));
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Charter::parse(&changed).is_ok_and(|c| c.hash() == one.hash()) == (changed == text));
            }
        }
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        let text = charter("").to_text();
        let refused = |from: &str, to: &str| Charter::parse(&text.replace(from, to)).unwrap_err();
        assert_eq!(refused("charter v1", "charter v2"), CharterError::Line(FIRST));
        assert_eq!(refused("needed 2", "needed 4"), CharterError::Number("needed"));
        assert_eq!(refused("needed 2", "needed 0"), CharterError::Number("needed"));
        assert_eq!(refused("needed 2", "needed 02"), CharterError::Form);
        assert_eq!(refused("outputs 20", "outputs 65"), CharterError::Number("outputs"));
        assert_eq!(refused("outputs 20", "outputs 0"), CharterError::Number("outputs"));
        assert_eq!(refused("requests 5", "requests 0"), CharterError::Number("requests"));
        assert_eq!(refused("requests 5", "requests 10000001"), CharterError::Number("requests"));
        assert_eq!(refused("depth 6", "depth 0"), CharterError::Number("depth"));
        assert_eq!(refused("depth 6", "depth 10000001"), CharterError::Number("depth"));
        assert_eq!(refused("delay 1000", "delay 10000001"), CharterError::Number("delay"));
        assert_eq!(refused("depth 6\n", ""), CharterError::Line("depth"));
        assert_eq!(refused("delay 1000\n", "delay 1000\n\n"), CharterError::Form);
        let [one, two] = [1, 2].map(|n| format!("authority {}\n", to_hex(&[n; 32])));
        assert_eq!(refused(&two, &one), CharterError::Authorities);
        assert_eq!(Charter::parse(&"x".repeat(MAX_CHARTER + 1)), Err(CharterError::TooLong));
        let key = PublicKey::of(&Scalar::from(7u64).into());
        assert_eq!(Charter::new(key, vec![], terms(), ""), Err(CharterError::Authorities));
        let identity = PublicKey::from_point(Point::from_bytes([0; 32]).unwrap());
        assert_eq!(Charter::new(identity, vec![[1; 32], [2; 32]], terms(), ""), Err(CharterError::Key));
    }
}
