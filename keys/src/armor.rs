//! Drafts, groups, letters, evidence and what concerns boxes as text that survives chat and e-mail.
//!
//! ```text
//! BEGIN SOTTO KEYS LETTER.
//! hexadecimal digits of the bytes ‖ check (4), 64 a line
//! END SOTTO KEYS LETTER.
//!
//! check = the first bytes of H("sotto/keys/armor/v1", kind ‖ bytes)
//! ```
//!
//! White space and the `>` of quoted mail are ignored inside, and so is any text around. One text can hold
//! several, so all letters of a step can be one file. The check detects accidents, not forgeries: signatures do.
#![deny(clippy::indexing_slicing)]

use core::fmt;
use core::fmt::Write as _;

use sotto_party::hex::{from_hex, to_hex};

use crate::tag::{ARMOR, tagged};

/// Most bytes of a text: the letters of fifteen members at one step of the largest group.
pub const MAX_TEXT: usize = 16 << 20;

const BEGIN: &str = "BEGIN SOTTO KEYS ";
const END: &str = "END SOTTO KEYS ";
const CHECK: usize = 4;

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A [`Draft`](crate::Draft).
    Draft = 1,
    /// A [`Group`](crate::Group).
    Group = 2,
    /// A [`Letter`](crate::Letter).
    Letter = 3,
    /// [`Evidence`](crate::Evidence).
    Evidence = 4,
    /// A [`VaultBox`](crate::vault::VaultBox).
    Box = 5,
    /// A [`VaultRequest`](crate::vault::VaultRequest).
    VaultRequest = 6,
    /// A [`VaultChallenge`](crate::vault_session::VaultChallenge).
    VaultChallenge = 7,
    /// [`VaultEvidence`](crate::vault_session::VaultEvidence).
    VaultEvidence = 8,
    /// A [`VaultAnswer`](crate::vault::VaultAnswer).
    VaultAnswer = 9,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Draft,
        Self::Group,
        Self::Letter,
        Self::Evidence,
        Self::Box,
        Self::VaultRequest,
        Self::VaultChallenge,
        Self::VaultEvidence,
        Self::VaultAnswer,
    ];

    /// Its name in the text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Group => "GROUP",
            Self::Letter => "LETTER",
            Self::Evidence => "EVIDENCE",
            Self::Box => "BOX",
            Self::VaultRequest => "VAULT REQUEST",
            Self::VaultChallenge => "VAULT CHALLENGE",
            Self::VaultEvidence => "VAULT EVIDENCE",
            Self::VaultAnswer => "VAULT ANSWER",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// Too long.
    #[error("the text is too long: {0} bytes, at most {MAX_TEXT} are read")]
    TooLong(usize),
    /// No header.
    #[error("the text has no line \"BEGIN SOTTO KEYS …\"")]
    NoHeader,
    /// A header of another kind.
    #[error("the text holds something of an unknown kind")]
    UnknownKind,
    /// No footer.
    #[error("the text is cut off: the line \"END SOTTO KEYS …\" is missing")]
    CutOff,
    /// Altered.
    #[error("the text was altered: the check at its end does not match")]
    Altered,
}

fn check(kind: Kind, bytes: &[u8]) -> [u8; CHECK] {
    let [a, b, c, d, ..] = *tagged(ARMOR, &[&[kind as u8], bytes]).as_bytes();
    [a, b, c, d]
}

/// The text of these bytes.
#[must_use]
pub fn to_text(kind: Kind, bytes: &[u8]) -> String {
    let payload = [bytes, &check(kind, bytes)].concat();
    let mut text = format!("{BEGIN}{kind}.\n");
    for line in payload.chunks(32) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", to_hex(line));
    }
    text + &format!("{END}{kind}.\n")
}

/// Everything that a text holds, in order.
///
/// # Errors
/// [`ArmorError`]: if one of them cannot be read, none is given back.
pub fn from_text(text: &str) -> Result<Vec<(Kind, Vec<u8>)>, ArmorError> {
    if text.len() > MAX_TEXT {
        return Err(ArmorError::TooLong(text.len()));
    }
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once('.').ok_or(ArmorError::CutOff)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(ArmorError::UnknownKind)?;
        let (digits, after) = after.split_once(END).ok_or(ArmorError::CutOff)?;
        rest = after.strip_prefix(kind.name()).and_then(|a| a.strip_prefix('.')).ok_or(ArmorError::CutOff)?;
        let digits: String = digits.chars().filter(|c| !c.is_whitespace() && *c != '>').collect();
        let mut payload = vec![0; digits.len() / 2];
        from_hex(&digits, &mut payload).ok_or(ArmorError::Altered)?;
        let (bytes, sum) = payload.split_last_chunk::<CHECK>().ok_or(ArmorError::Altered)?;
        if *sum != check(kind, bytes) {
            return Err(ArmorError::Altered);
        }
        all.push((kind, bytes.to_vec()));
    }
    if all.is_empty() { Err(ArmorError::NoHeader) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_reads_back_and_altered_text_does_not() {
        let (one, two) = (to_text(Kind::Letter, &[7; 40]), to_text(Kind::Draft, b""));
        let mail = format!("Dear all,\n> {}\nand\n{two}", one.replace('\n', "\n> "));
        assert_eq!(from_text(&mail), Ok(vec![(Kind::Letter, vec![7; 40]), (Kind::Draft, vec![])]));
        assert_eq!(from_text(&one.replacen("07", "08", 1)), Err(ArmorError::Altered));
        assert_eq!(from_text(&one.replace("LETTER", "GROUP")), Err(ArmorError::Altered), "another kind");
        assert_eq!(
            from_text(&one.replace("END SOTTO KEYS LETTER", "END SOTTO KEYS DRAFT")),
            Err(ArmorError::CutOff)
        );
        assert_eq!(from_text(&one.replace("LETTER", "LAMP")), Err(ArmorError::UnknownKind));
        assert_eq!(from_text(&one[..80]), Err(ArmorError::CutOff));
        assert_eq!(from_text("hello"), Err(ArmorError::NoHeader));
    }
}
