//! Armor: messages as bytes in an envelope, and as text that survives chat and e-mail.
//!
//! ```text
//! envelope   kind ‖ version ‖ chain id ‖ body                                   (crate::codec)
//! payload    length (4, LE) ‖ envelope ‖ checksum (8) ‖ zeros up to a multiple of 30
//! line       30 bytes of payload ‖ check (2)  →  44 letters and digits (base58, fixed width)
//!
//! BEGIN SOTTO INVITE.
//! 2mHX…   one line of 44
//! …
//! END SOTTO INVITE.
//! ```
//!
//! White space, line breaks and the `>` of quoted mail are ignored inside the armor, and so is text before
//! and after it. The check of each line covers its number, so an altered, missing or swapped line is named
//! even if the text was wrapped anew. Base58 has no look-alike letters and no characters that chat programs
//! use for formatting.
//!
//! Armor detects accidents, not forgeries: signatures do that. It hides nothing: [`crate::encrypt`] does
//! that.
#![deny(clippy::indexing_slicing)]

mod base58;

use crate::{
    codec::{Envelope, VERSION},
    hold::{Answer, Join, Offer, Part, Prove, Release},
    slate::{Invite, Invoice, Payment, Response},
    tag,
};
use base58::LETTERS;
use core::fmt;
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::tagged,
    transaction::Transaction,
};

/// The maximum length of a text that is read.
pub const MAX_TEXT: usize = 4 << 20;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// The proposal of a payer.
    Invite = 1,
    /// The response of a receiver.
    Response = 2,
    /// A finished transaction.
    Transaction = 3,
    /// The request of a receiver.
    Invoice = 4,
    /// The payment of an invoice.
    Payment = 5,
    /// A proof of payment.
    Proof = 6,
    /// A proof that a one-sided output pays an address.
    OutputProof = 7,
    /// A change of the terms of a ledger, for its validators to sign.
    Change = 8,
    /// The terms of a hold, from its payer.
    HoldOffer = 9,
    /// The consent of the seller of a hold.
    HoldJoin = 10,
    /// What the payer of a hold commits to in its range proof.
    HoldProve = 11,
    /// The answer of the seller to that proof.
    HoldPart = 12,
    /// The claim of the seller, or its consent to undo the hold.
    HoldAnswer = 13,
    /// The payer's half of the claim.
    HoldRelease = 14,
    /// What an issuer says of the integrity level of an output.
    Level = 15,
    /// A request to auditors, with what has been added to it.
    AuditRequest = 0x20,
    /// The answer of an auditor, encrypted to the reader.
    AuditAnswer = 0x21,
    /// An invite that is encrypted to one address.
    EncryptedInvite = 0x11,
    /// A response that is encrypted to one address.
    EncryptedResponse = 0x12,
    /// An invoice that is encrypted to one address.
    EncryptedInvoice = 0x14,
    /// A payment that is encrypted to one address.
    EncryptedPayment = 0x15,
    /// The terms of a hold, from its payer, encrypted to one address.
    EncryptedHoldOffer = 0x19,
    /// The consent of the seller of a hold, encrypted to one address.
    EncryptedHoldJoin = 0x1a,
    /// What the payer of a hold commits to in its range proof, encrypted to one address.
    EncryptedHoldProve = 0x1b,
    /// The answer of the seller to that proof, encrypted to one address.
    EncryptedHoldPart = 0x1c,
    /// The claim of the seller, or its consent to undo the hold, encrypted to one address.
    EncryptedHoldAnswer = 0x1d,
    /// The payer's half of the claim, encrypted to one address.
    EncryptedHoldRelease = 0x1e,
}

impl MessageKind {
    const ALL: [Self; 27] = [
        Self::Invite,
        Self::Response,
        Self::Transaction,
        Self::Invoice,
        Self::Payment,
        Self::Proof,
        Self::OutputProof,
        Self::Change,
        Self::HoldOffer,
        Self::HoldJoin,
        Self::HoldProve,
        Self::HoldPart,
        Self::HoldAnswer,
        Self::HoldRelease,
        Self::Level,
        Self::AuditRequest,
        Self::AuditAnswer,
        Self::EncryptedInvite,
        Self::EncryptedResponse,
        Self::EncryptedInvoice,
        Self::EncryptedPayment,
        Self::EncryptedHoldOffer,
        Self::EncryptedHoldJoin,
        Self::EncryptedHoldProve,
        Self::EncryptedHoldPart,
        Self::EncryptedHoldAnswer,
        Self::EncryptedHoldRelease,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Response => "RESPONSE",
            Self::Transaction => "TRANSACTION",
            Self::Invoice => "INVOICE",
            Self::Payment => "PAYMENT",
            Self::Proof => "PROOF",
            Self::OutputProof => "OUTPUT PROOF",
            Self::Change => "CHANGE",
            Self::Level => "LEVEL",
            Self::AuditRequest => "AUDIT REQUEST",
            Self::AuditAnswer => "AUDIT ANSWER",
            Self::EncryptedInvite => "ENCRYPTED INVITE",
            Self::EncryptedResponse => "ENCRYPTED RESPONSE",
            Self::EncryptedInvoice => "ENCRYPTED INVOICE",
            Self::EncryptedPayment => "ENCRYPTED PAYMENT",
            Self::HoldOffer => "HOLD OFFER",
            Self::EncryptedHoldOffer => "ENCRYPTED HOLD OFFER",
            Self::HoldJoin => "HOLD JOIN",
            Self::EncryptedHoldJoin => "ENCRYPTED HOLD JOIN",
            Self::HoldProve => "HOLD PROVE",
            Self::EncryptedHoldProve => "ENCRYPTED HOLD PROVE",
            Self::HoldPart => "HOLD PART",
            Self::EncryptedHoldPart => "ENCRYPTED HOLD PART",
            Self::HoldAnswer => "HOLD ANSWER",
            Self::EncryptedHoldAnswer => "ENCRYPTED HOLD ANSWER",
            Self::HoldRelease => "HOLD RELEASE",
            Self::EncryptedHoldRelease => "ENCRYPTED HOLD RELEASE",
        }
    }

    fn of_code(code: u8) -> Result<Self, ArmorError> {
        Self::ALL.into_iter().find(|k| *k as u8 == code).ok_or(ArmorError::UnknownKind)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A message that travels between wallets, or to a node.
pub trait Message: Encode + Decode {
    /// The kind of the message.
    const KIND: MessageKind;
    /// The version of its bytes; no other one is read.
    const VERSION: u8 = VERSION;
}

/// Invites have been signed by the payer since this version.
const SIGNED: u8 = 2;

impl Message for Invite {
    const KIND: MessageKind = MessageKind::Invite;
    const VERSION: u8 = SIGNED;
}
impl Message for Response {
    const KIND: MessageKind = MessageKind::Response;
}
impl Message for Transaction {
    const KIND: MessageKind = MessageKind::Transaction;
}
impl Message for Invoice {
    const KIND: MessageKind = MessageKind::Invoice;
}
impl Message for Payment {
    const KIND: MessageKind = MessageKind::Payment;
    /// Since version 3 a payment can have a bonded part.
    const VERSION: u8 = 3;
}

impl Message for Offer {
    const KIND: MessageKind = MessageKind::HoldOffer;
}
impl Message for Join {
    const KIND: MessageKind = MessageKind::HoldJoin;
}
impl Message for Prove {
    const KIND: MessageKind = MessageKind::HoldProve;
}
impl Message for Part {
    const KIND: MessageKind = MessageKind::HoldPart;
}
impl Message for Answer {
    const KIND: MessageKind = MessageKind::HoldAnswer;
}
impl Message for Release {
    const KIND: MessageKind = MessageKind::HoldRelease;
}

/// Why a text or its bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// The text is too long.
    #[error("the text is too long: found {found} bytes, expected at most {MAX_TEXT}")]
    TooLong {
        /// The length of the text.
        found: usize,
    },
    /// The text has no header.
    #[error("the text has no line \"BEGIN SOTTO …\"")]
    NoHeader,
    /// The kind in the header is unknown.
    #[error("unknown kind of message")]
    UnknownKind,
    /// The message is of another kind than expected.
    #[error("wrong kind of message: found {found}, expected {expected}")]
    Kind {
        /// The kind of the message.
        found: MessageKind,
        /// The expected kind.
        expected: MessageKind,
    },
    /// The footer is missing.
    #[error("the text is cut off after {lines} whole lines: the line \"END SOTTO …\" is missing")]
    CutOff {
        /// The number of whole lines.
        lines: usize,
    },
    /// A line contains an invalid character.
    #[error("line {line} contains the invalid character {character:?}")]
    Character {
        /// The number of the line, from 1; lines have 44 letters.
        line: usize,
        /// The character.
        character: char,
    },
    /// The check of a line does not match.
    #[error("line {line} was altered, or text before it is missing")]
    Line {
        /// The number of the line, from 1; lines have 44 letters.
        line: usize,
    },
    /// The lines are intact, but the checksum does not match.
    #[error("the text was altered: lines are missing or do not belong together")]
    Checksum,
    /// The message belongs to another chain.
    #[error("the message belongs to another chain: found {found}, expected {expected}")]
    OtherChain {
        /// The chain of the message.
        found: ChainId,
        /// The expected chain.
        expected: ChainId,
    },
    /// The message has another version.
    #[error("unsupported version {found} of a message of kind {kind}: this program reads version {reads}")]
    Version {
        /// The kind of the message.
        kind: MessageKind,
        /// Its version.
        found: u8,
        /// The version that is read.
        reads: u8,
    },
    /// The body of the message is invalid.
    #[error("cannot read the {kind}: {source}")]
    Body {
        /// The kind of the message.
        kind: MessageKind,
        /// The reason.
        source: DecodeError,
    },
}

/// The bytes of a message in its envelope, for `chain`.
#[must_use]
pub fn to_bytes<T: Message>(chain: &ChainId, message: &T) -> Vec<u8> {
    let mut out = Envelope { kind: T::KIND as u8, version: T::VERSION, chain: *chain }.to_bytes();
    message.encode(&mut out);
    out
}

/// Reads a message from the bytes of its envelope.
///
/// # Errors
/// [`ArmorError`]: another kind, another chain, or invalid bytes.
pub fn from_bytes<T: Message>(chain: &ChainId, bytes: &[u8]) -> Result<T, ArmorError> {
    let unreadable = |source| ArmorError::Body { kind: T::KIND, source };
    let mut r = Reader::new(bytes);
    let envelope = Envelope::decode(&mut r).map_err(unreadable)?;
    let found = MessageKind::of_code(envelope.kind)?;
    if found != T::KIND {
        return Err(ArmorError::Kind { found, expected: T::KIND });
    }
    if envelope.version != T::VERSION {
        return Err(ArmorError::Version { kind: T::KIND, found: envelope.version, reads: T::VERSION });
    }
    if envelope.chain != *chain {
        return Err(ArmorError::OtherChain { found: envelope.chain, expected: *chain });
    }
    let body = r.take(r.left()).map_err(unreadable)?;
    T::from_bytes(body).map_err(unreadable)
}

/// The armored text of a message; it ends with a line break.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use rand_core::OsRng;
/// # use sotto_mw::amount::Amount;
/// # use sotto_wallet::{Account, Installation, Memo, MemoryChain, MemoryStore, Wallet, Words};
/// use sotto_wallet::{Invoice, InvoiceRequest, armor};
///
/// # let chain = MemoryChain::solo(&mut OsRng)?;
/// # let (words, installation) = (Words::generate(&mut OsRng)?, Installation::in_memory([1; 32]));
/// # let mut wallet = Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation)?;
/// let (amount, memo) = (Amount::new(2_500), Memo::default());
/// let request = InvoiceRequest { amount, payer: None, inputs: InvoiceRequest::INPUTS, memo };
/// let invoice = wallet.create_invoice(Account(0), request, &mut OsRng)?;
///
/// let text = armor::to_text(wallet.chain().id(), &invoice);
/// assert!(text.starts_with("BEGIN SOTTO INVOICE."));
/// assert_eq!(armor::from_text::<Invoice>(wallet.chain().id(), &text)?, invoice);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn to_text<T: Message>(chain: &ChainId, message: &T) -> String {
    let envelope = to_bytes(chain, message);
    let mut payload = u32::try_from(envelope.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    payload.extend_from_slice(&envelope);
    payload.extend_from_slice(&checksum(&payload));
    payload.resize(payload.len().next_multiple_of(CHUNK), 0);
    let lines = payload.chunks_exact(CHUNK).enumerate().map(|(i, chunk)| line(T::KIND, i, chunk));
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("BEGIN SOTTO {0}.\n{lines}.\nEND SOTTO {0}.\n", T::KIND)
}

/// Reads a message from armored text.
///
/// # Errors
/// [`ArmorError`] with the reason and, if possible, the number of the line.
pub fn from_text<T: Message>(chain: &ChainId, text: &str) -> Result<T, ArmorError> {
    let (found, letters) = body(text)?;
    if found != T::KIND {
        return Err(ArmorError::Kind { found, expected: T::KIND });
    }
    let payload = payload(found, &letters)?;
    from_bytes(chain, envelope(&payload)?)
}

/// Splits a text into the armored messages that it contains; a text without any is returned whole.
#[must_use]
pub fn split_messages(text: &str) -> Vec<String> {
    let words = words(text);
    let mut all: Vec<String> = words.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{rest}")).collect();
    if all.is_empty() {
        all.push(text.to_owned());
    }
    all
}

/// The kind that the header of a text names; the message itself is not read.
///
/// # Errors
/// [`ArmorError`] when the text has no known header.
pub fn kind(text: &str) -> Result<MessageKind, ArmorError> {
    header(text).map(|(kind, _)| kind)
}

/// Bytes of payload in a line.
const CHUNK: usize = 30;

fn checksum(payload: &[u8]) -> [u8; 8] {
    first(tagged(tag::ARMOR, &[payload]).as_bytes())
}

fn check(kind: MessageKind, i: usize, chunk: &[u8]) -> [u8; 2] {
    first(tagged(tag::ARMOR_LINE, &[&[kind as u8], &(i as u64).to_le_bytes(), chunk]).as_bytes())
}

fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    hash.first_chunk().copied().unwrap_or([0; N])
}

fn line(kind: MessageKind, i: usize, chunk: &[u8]) -> String {
    base58::encode(&[chunk, &check(kind, i, chunk)].concat())
}

/// Whether a character is ignored inside the armor.
fn is_ignored(c: char) -> bool {
    c.is_whitespace() || c == '>' || c == '\u{200b}' || c == '\u{feff}'
}

const BEGIN: &str = "BEGIN SOTTO ";

/// The text with one space in place of each run of ignored characters.
fn words(text: &str) -> String {
    text.split(is_ignored).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The kind, and everything after the full stop of the header.
fn header(text: &str) -> Result<(MessageKind, String), ArmorError> {
    if text.len() > MAX_TEXT {
        return Err(ArmorError::TooLong { found: text.len() });
    }
    let words = words(text);
    let (_, rest) = words.split_once(BEGIN).ok_or(ArmorError::NoHeader)?;
    let (name, rest) = rest.split_once('.').ok_or(ArmorError::CutOff { lines: 0 })?;
    let kind =
        MessageKind::ALL.into_iter().find(|k| k.name() == name.trim()).ok_or(ArmorError::UnknownKind)?;
    Ok((kind, rest.to_owned()))
}

/// The kind, and all letters between header and footer.
fn body(text: &str) -> Result<(MessageKind, Vec<char>), ArmorError> {
    let (kind, rest) = header(text)?;
    let (letters, footer) = rest.split_once('.').unwrap_or((&rest, ""));
    let letters: Vec<char> = letters.chars().filter(|c| *c != ' ').collect();
    let end = footer.trim_start().strip_prefix("END SOTTO ").and_then(|f| f.split_once('.'));
    match end {
        Some((name, _)) if name.trim() == kind.name() => Ok((kind, letters)),
        _ => Err(ArmorError::CutOff { lines: letters.len() / LETTERS }),
    }
}

fn payload(kind: MessageKind, letters: &[char]) -> Result<Vec<u8>, ArmorError> {
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

/// The envelope inside a payload, if length, checksum and padding are valid.
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

const _: () = assert!(VERSION == 1 && CHUNK + 2 == 32);
