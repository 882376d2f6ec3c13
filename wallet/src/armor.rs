//! Armor: slates and transactions as bytes in an envelope, and as text that survives chat and e-mail.
//!
//! ```text
//! envelope   kind ‖ version ‖ chain id ‖ body                                   (crate::wire)
//! payload    length (4, LE) ‖ envelope ‖ checksum (8) ‖ zeros up to a multiple of 30
//! line       30 bytes of payload ‖ check (2)  →  44 letters and digits (base58, fixed width)
//!
//! BEGIN SOTTO INVITE.
//! 2mHX…   one line of 44
//! …
//! END SOTTO INVITE.
//! ```
//!
//! White space, line breaks and the `>` of quoted mail mean nothing inside; text before and after is ignored. Each
//! line's check covers its number, so a changed, missing or swapped line is named even when the text was wrapped anew.
//! Base58 has no letters that look alike and no signs that chat programs take for formatting.
//!
//! Armor finds accidents, not forgeries: those are the business of signatures. It hides nothing: [`crate::slate::encrypt`] does.
#![deny(clippy::indexing_slicing)]

use crate::{
    proof::Proof,
    slate::{Invite, Invoice, Payment, Response},
    tag,
    wire::{Envelope, VERSION},
};
use core::fmt;
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::tagged,
    transaction::Transaction,
};

/// Most bytes of text that are looked at.
pub const MAX_TEXT: usize = 4 << 20;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A sender's proposal.
    Invite = 1,
    /// A receiver's answer.
    Response = 2,
    /// A finished payment.
    Transaction = 3,
    /// A receiver's request.
    Invoice = 4,
    /// A payer's answer to it.
    Payment = 5,
    /// A proof of payment.
    Proof = 6,
    /// An invite for one address to read.
    EncryptedInvite = 0x11,
    /// A response for one address to read.
    EncryptedResponse = 0x12,
    /// An invoice for one address to read.
    EncryptedInvoice = 0x14,
    /// A payment for one address to read.
    EncryptedPayment = 0x15,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Invite,
        Self::Response,
        Self::Transaction,
        Self::Invoice,
        Self::Payment,
        Self::Proof,
        Self::EncryptedInvite,
        Self::EncryptedResponse,
        Self::EncryptedInvoice,
        Self::EncryptedPayment,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Response => "RESPONSE",
            Self::Transaction => "TRANSACTION",
            Self::Invoice => "INVOICE",
            Self::Payment => "PAYMENT",
            Self::Proof => "PROOF",
            Self::EncryptedInvite => "ENCRYPTED INVITE",
            Self::EncryptedResponse => "ENCRYPTED RESPONSE",
            Self::EncryptedInvoice => "ENCRYPTED INVOICE",
            Self::EncryptedPayment => "ENCRYPTED PAYMENT",
        }
    }

    fn of_code(code: u8) -> Result<Self, ArmorError> {
        Self::ALL.into_iter().find(|k| *k as u8 == code).ok_or(ArmorError::UnknownKind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that travels between wallets, or to a node.
pub trait Letter: Encode + Decode {
    /// What it is.
    const KIND: Kind;
}

impl Letter for Invite {
    const KIND: Kind = Kind::Invite;
}
impl Letter for Response {
    const KIND: Kind = Kind::Response;
}
impl Letter for Transaction {
    const KIND: Kind = Kind::Transaction;
}
impl Letter for Invoice {
    const KIND: Kind = Kind::Invoice;
}
impl Letter for Payment {
    const KIND: Kind = Kind::Payment;
}
impl Letter for Proof {
    const KIND: Kind = Kind::Proof;
}

/// Why a text or its bytes cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// Too long to be looked at.
    #[error("the text has {found} bytes, and at most {MAX_TEXT} are read")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// No header.
    #[error("there is no \"BEGIN SOTTO …\" line")]
    NoHeader,
    /// The header names nothing this program knows.
    #[error("the text is of a kind that this program does not know")]
    UnknownKind,
    /// Something else than was expected.
    #[error("this is of kind {found}, and {expected} is needed")]
    Kind {
        /// What it is.
        found: Kind,
        /// What was needed.
        expected: Kind,
    },
    /// The end is missing.
    #[error("the text is cut off after {lines} whole lines: its \"END SOTTO …\" line is missing")]
    CutOff {
        /// How many whole lines are there.
        lines: usize,
    },
    /// A character that no line has.
    #[error("line {line} holds the character {character:?}, which no line has")]
    Character {
        /// Which line, from 1, of 44 letters each.
        line: usize,
        /// The character.
        character: char,
    },
    /// A line does not fit its check.
    #[error("line {line} was altered, or a piece before it is missing")]
    Line {
        /// Which line, from 1, of 44 letters each.
        line: usize,
    },
    /// The lines are whole, the sum is not.
    #[error("the text was altered: lines are missing or do not belong together")]
    Checksum,
    /// Another chain.
    #[error("this was made for another chain ({found}); this wallet is on {expected}")]
    OtherChain {
        /// The chain it was made for.
        found: ChainId,
        /// The chain at hand.
        expected: ChainId,
    },
    /// What is inside cannot be read.
    #[error("the {kind} cannot be read: {source}")]
    Body {
        /// What it says it is.
        kind: Kind,
        /// What is wrong.
        source: DecodeError,
    },
}

/// A letter in its envelope, for `chain`.
#[must_use]
pub fn to_bytes<T: Letter>(chain: &ChainId, letter: &T) -> Vec<u8> {
    let mut out = Envelope { kind: T::KIND as u8, chain: *chain }.to_bytes();
    letter.encode(&mut out);
    out
}

/// Takes a letter out of its envelope.
///
/// # Errors
/// [`ArmorError`]: another kind, another chain, or what is wrong with the bytes.
pub fn from_bytes<T: Letter>(chain: &ChainId, bytes: &[u8]) -> Result<T, ArmorError> {
    let unreadable = |source| ArmorError::Body { kind: T::KIND, source };
    let mut r = Reader::new(bytes);
    let envelope = Envelope::decode(&mut r).map_err(unreadable)?;
    let found = Kind::of_code(envelope.kind)?;
    if found != T::KIND {
        return Err(ArmorError::Kind { found, expected: T::KIND });
    }
    if envelope.chain != *chain {
        return Err(ArmorError::OtherChain { found: envelope.chain, expected: *chain });
    }
    let body = r.take(r.left()).map_err(unreadable)?;
    T::from_bytes(body).map_err(unreadable)
}

/// A letter as text, ending with a line break.
#[must_use]
pub fn to_text<T: Letter>(chain: &ChainId, letter: &T) -> String {
    let envelope = to_bytes(chain, letter);
    let mut payload = u32::try_from(envelope.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    payload.extend_from_slice(&envelope);
    payload.extend_from_slice(&checksum(&payload));
    payload.resize(payload.len().next_multiple_of(CHUNK), 0);
    let lines = payload.chunks_exact(CHUNK).enumerate().map(|(i, chunk)| line(T::KIND, i, chunk));
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("BEGIN SOTTO {0}.\n{lines}.\nEND SOTTO {0}.\n", T::KIND)
}

/// Reads a letter from text.
///
/// # Errors
/// [`ArmorError`]: what is wrong, and where that can be known, in which line.
pub fn from_text<T: Letter>(chain: &ChainId, text: &str) -> Result<T, ArmorError> {
    let (found, letters) = body(text)?;
    if found != T::KIND {
        return Err(ArmorError::Kind { found, expected: T::KIND });
    }
    let payload = payload(found, &letters)?;
    from_bytes(chain, envelope(&payload)?)
}

/// The letters in a text, as texts of their own; a text without any is one that cannot be read.
#[must_use]
pub fn letters(text: &str) -> Vec<String> {
    let words = words(text);
    let mut all: Vec<String> = words.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{rest}")).collect();
    if all.is_empty() {
        all.push(text.to_owned());
    }
    all
}

/// What a text says it is, without reading it.
///
/// # Errors
/// [`ArmorError`] when it has no known header.
pub fn kind(text: &str) -> Result<Kind, ArmorError> {
    header(text).map(|(kind, _)| kind)
}

/// Bytes of payload in a line, letters in a line.
const CHUNK: usize = 30;
const LETTERS: usize = 44;

fn checksum(payload: &[u8]) -> [u8; 8] {
    first(tagged(tag::ARMOR, &[payload]).as_bytes())
}

fn check(kind: Kind, i: usize, chunk: &[u8]) -> [u8; 2] {
    first(tagged(tag::ARMOR_LINE, &[&[kind as u8], &(i as u64).to_le_bytes(), chunk]).as_bytes())
}

fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    hash.first_chunk().copied().unwrap_or([0; N])
}

fn line(kind: Kind, i: usize, chunk: &[u8]) -> String {
    base58::encode(&[chunk, &check(kind, i, chunk)].concat())
}

fn means_nothing(c: char) -> bool {
    c.is_whitespace() || c == '>' || c == '\u{200b}' || c == '\u{feff}'
}

const BEGIN: &str = "BEGIN SOTTO ";

/// A text with one space where one or several characters mean nothing.
fn words(text: &str) -> String {
    text.split(means_nothing).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Kind, and everything after the header's full stop.
fn header(text: &str) -> Result<(Kind, String), ArmorError> {
    if text.len() > MAX_TEXT {
        return Err(ArmorError::TooLong { found: text.len() });
    }
    let words = words(text);
    let (_, rest) = words.split_once(BEGIN).ok_or(ArmorError::NoHeader)?;
    let (name, rest) = rest.split_once('.').ok_or(ArmorError::CutOff { lines: 0 })?;
    let kind = Kind::ALL.into_iter().find(|k| k.name() == name.trim()).ok_or(ArmorError::UnknownKind)?;
    Ok((kind, rest.to_owned()))
}

/// Kind, and all letters between header and footer.
fn body(text: &str) -> Result<(Kind, Vec<char>), ArmorError> {
    let (kind, rest) = header(text)?;
    let (letters, footer) = rest.split_once('.').unwrap_or((&rest, ""));
    let letters: Vec<char> = letters.chars().filter(|c| *c != ' ').collect();
    let end = footer.trim_start().strip_prefix("END SOTTO ").and_then(|f| f.split_once('.'));
    match end {
        Some((name, _)) if name.trim() == kind.name() => Ok((kind, letters)),
        _ => Err(ArmorError::CutOff { lines: letters.len() / LETTERS }),
    }
}

fn payload(kind: Kind, letters: &[char]) -> Result<Vec<u8>, ArmorError> {
    let mut payload = Vec::with_capacity(letters.len() / LETTERS * CHUNK);
    for (i, letters) in letters.chunks(LETTERS).enumerate() {
        let line = i + 1;
        if let Some(&character) = letters.iter().find(|c| base58::digit(**c).is_none()) {
            return Err(ArmorError::Character { line, character });
        }
        let bytes = base58::decode(letters).ok_or(ArmorError::Line { line })?;
        let (chunk, sum) = bytes.split_last_chunk::<2>().ok_or(ArmorError::Line { line })?;
        if *sum != check(kind, i, chunk) {
            return Err(ArmorError::Line { line });
        }
        payload.extend_from_slice(chunk);
    }
    Ok(payload)
}

/// The envelope inside a payload whose length, checksum and padding are right.
fn envelope(payload: &[u8]) -> Result<&[u8], ArmorError> {
    let mut r = Reader::new(payload);
    let mut parts = || {
        let n = r.u32()? as usize;
        let envelope = r.take(n)?;
        let sum: [u8; 8] = r.array()?;
        Ok((n, envelope, sum, r.take(r.left())?))
    };
    let (n, envelope, sum, padding) = parts().map_err(|_: DecodeError| ArmorError::Checksum)?;
    let whole = payload.get(..4 + n).is_some_and(|p| checksum(p) == sum);
    let padded = padding.len() < CHUNK && padding.iter().all(|b| *b == 0);
    if whole && padded { Ok(envelope) } else { Err(ArmorError::Checksum) }
}

/// Base58 of fixed width: 32 bytes, most significant first, as 44 digits.
mod base58 {
    use super::LETTERS;

    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    pub(super) fn digit(c: char) -> Option<u32> {
        DIGITS.iter().position(|d| char::from(*d) == c).and_then(|i| u32::try_from(i).ok())
    }

    /// Divides by 58 forty-four times; the remainders are the digits from the last on.
    pub(super) fn encode(bytes: &[u8]) -> String {
        let mut n = bytes.to_vec();
        let mut digits: Vec<char> = (0..LETTERS)
            .map(|_| {
                let mut rest = 0u32;
                for b in &mut n {
                    let x = rest * 256 + u32::from(*b);
                    // Below 256, since rest < 58.
                    *b = (x / 58) as u8;
                    rest = x % 58;
                }
                DIGITS.get(rest as usize).copied().map_or('1', char::from)
            })
            .collect();
        digits.reverse();
        digits.into_iter().collect()
    }

    /// 32 bytes; `None` when the digits are too few, too many, no digits, or above 2²⁵⁶.
    pub(super) fn decode(digits: &[char]) -> Option<[u8; 32]> {
        let mut n = [0u8; 32];
        for c in digits {
            let mut carry = digit(*c)?;
            for b in n.iter_mut().rev() {
                let x = u32::from(*b) * 58 + carry;
                // The low byte stays, the rest is carried on.
                *b = (x & 0xff) as u8;
                carry = x >> 8;
            }
            if carry > 0 {
                return None;
            }
        }
        (digits.len() == LETTERS).then_some(n)
    }
}

const _: () = assert!(VERSION == 1 && CHUNK + 2 == 32);
