//! The log of a member of the auditors' group: its answers, in a chain of entries from which the rest of its budget follows.
//!
//! ```text
//! log    "sotto audit log v1" ‖ chain id (32) ‖ n (4) ‖ entries
//! entry  time (8) ‖ length (4) ‖ letter of the request ‖ length (4) ‖ answer ‖ link (32)
//! link   H("sotto/audit/entry/v1", chain id ‖ link before, zeros at first ‖ time ‖ letter ‖ answer)
//! ```
//!
//! Kept as one file that is replaced as a whole, durably, before an answer leaves: so each answer that has left is in the log, and
//! its request counts. Guaranteed: removing an entry from the middle or changing one changes all links after it; members and their
//! supervisors can note the last link. Not guaranteed: that the file is the newest one, and not an older copy.
#![deny(clippy::indexing_slicing)]

use crate::tag;
use sotto_audit::{Charter, RecordedAnswer, RequestLetter};
use sotto_keys::{
    Index,
    reading::{MAX_ANSWER, ReadingAnswer},
};
use sotto_mw::{
    chain::{Chain, ChainId},
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
};

/// Most bytes of a log.
pub const MAX_LOG: usize = 64 << 20;
const PREFIX: &[u8] = b"sotto audit log v1";
/// Thirty days, in seconds.
const MONTH: u64 = 30 * 86_400;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The time of the answer, in seconds since 1970.
    pub time: u64,
    /// The request, with the signatures of its authorities.
    pub letter: RequestLetter,
    /// The answer.
    pub answer: ReadingAnswer,
    link: Hash,
}

impl LogEntry {
    /// Binds this entry and all before it.
    #[must_use]
    pub const fn link(&self) -> Hash {
        self.link
    }
}

/// An answer that a reader has on record, and that the log of its member does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlogged {
    /// The name of the request.
    pub request: Hash,
    /// The hash of the answer.
    pub answer: Hash,
}

/// The answers of a member, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLog {
    chain: ChainId,
    entries: Vec<LogEntry>,
}

impl AuditLog {
    /// A log without entries.
    #[must_use]
    pub const fn new(chain: ChainId) -> Self {
        Self { chain, entries: Vec::new() }
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// The last link, which binds the whole log; zeros without entries.
    #[must_use]
    pub fn last_link(&self) -> Hash {
        self.entries.last().map_or(Hash::ZERO, LogEntry::link)
    }

    /// The entry of the request with this name.
    #[must_use]
    pub fn answer_to(&self, request: &Hash) -> Option<&LogEntry> {
        self.entries.iter().find(|e| e.letter.request().name(&self.chain) == *request)
    }

    /// The answers of a member that readers have on record in requests of its chain, and that this log does not have: if
    /// there is one, the log is an older copy, or a reader that authorities named says what is not so.
    #[must_use]
    pub fn unlogged(
        &self,
        chain: &Chain,
        charter: &Charter,
        letters: &[RequestLetter],
        member: Index,
    ) -> Vec<Unlogged> {
        let mut all = Vec::new();
        for letter in letters.iter().filter(|letter| letter.check(chain, charter).is_ok()) {
            let request = letter.request().name(&self.chain);
            let logged = self.answer_to(&request).map(|entry| recorded(&entry.answer));
            let of_it = letter.record().into_iter().flat_map(|record| record.answers());
            let missing = of_it.filter(|a| a.member == member.get() && Some(**a) != logged);
            all.extend(missing.map(|a| Unlogged { request, answer: a.answer }));
        }
        all
    }

    /// How many requests were answered in the thirty days before `now`.
    #[must_use]
    pub fn in_a_month(&self, now: u64) -> u64 {
        self.entries.iter().filter(|e| e.time.saturating_add(MONTH) > now).count() as u64
    }

    /// The time of the last entry.
    #[must_use]
    pub fn last_time(&self) -> u64 {
        self.entries.last().map_or(0, |e| e.time)
    }

    /// The log with one more answer.
    pub(super) fn with(&self, time: u64, letter: RequestLetter, answer: ReadingAnswer) -> Self {
        let mut longer = self.clone();
        longer.push(time, letter, answer);
        longer
    }

    fn push(&mut self, time: u64, letter: RequestLetter, answer: ReadingAnswer) {
        let link = link(&self.chain, &self.last_link(), &content(time, &letter, &answer));
        self.entries.push(LogEntry { time, letter, answer, link });
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let mut out = [PREFIX, self.chain.as_bytes(), &count.to_le_bytes()].concat();
        for e in &self.entries {
            out.extend_from_slice(&content(e.time, &e.letter, &e.answer));
            e.link.encode(&mut out);
        }
        out
    }

    /// Reads a log, and checks its links.
    ///
    /// # Errors
    /// [`DecodeError`], also for a link that does not hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if bytes.len() > MAX_LOG || r.take(PREFIX.len())? != PREFIX {
            return Err(DecodeError::Invalid { what: "log of answers: another format, or too long" });
        }
        let mut this = Self::new(ChainId::decode(&mut r)?);
        for _ in 0..r.u32()? {
            let time = r.u64()?;
            let letter = RequestLetter::from_bytes(taken(&mut r, RequestLetter::MAX_BYTES)?)?;
            let answer = ReadingAnswer::from_bytes(taken(&mut r, MAX_ANSWER)?);
            let answer = answer.map_err(|_| DecodeError::Invalid { what: "answer in a log" })?;
            let in_order = time >= this.last_time();
            this.push(time, letter, answer);
            if !in_order || Hash::decode(&mut r)? != this.last_link() {
                return Err(DecodeError::Invalid {
                    what: "log of answers: an entry was changed or taken out",
                });
            }
        }
        if r.left() > 0 { Err(DecodeError::Trailing { extra: r.left() }) } else { Ok(this) }
    }
}

/// What a reader's record says of an answer.
pub(super) fn recorded(answer: &ReadingAnswer) -> RecordedAnswer {
    RecordedAnswer::of(answer.from().get(), &answer.to_bytes())
}

fn content(time: u64, letter: &RequestLetter, answer: &ReadingAnswer) -> Vec<u8> {
    let mut out = time.to_le_bytes().to_vec();
    for bytes in [letter.to_bytes(), answer.to_bytes()] {
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}

fn taken<'a>(r: &mut Reader<'a>, most: usize) -> Result<&'a [u8], DecodeError> {
    let length = r.u32()? as usize;
    if length > most {
        return Err(DecodeError::Bound { what: "length", found: length as u64, bound: most as u64 });
    }
    r.take(length)
}

fn link(chain: &ChainId, before: &Hash, content: &[u8]) -> Hash {
    tagged(tag::AUDIT_ENTRY, &[chain.as_bytes(), before.as_bytes(), content])
}
