//! The letters of one session, as one member holds them.
//!
//! The first letter of a member at a step counts. The same letter again changes nothing; another one is kept as
//! [`Evidence`], and no step of the session is taken from then on.
//!
//! ```text
//! "sotto keys log v1" ‖ group (32) ‖ session (32) ‖ letters: count (2), each: length (4), letter
//! ‖ evidence: count (1), each: length (4), evidence
//! ```
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::{Draft, GroupId, Index};
use crate::fault::Fault;
use crate::letter::{Evidence, Letter, MAX_LETTER, SessionId, Step, step_hash};
use crate::tag::Hash;

/// Why a letter is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// It is for another group.
    #[error("the letter is for another group")]
    Group,
    /// It is for another session.
    #[error("the letter is for another session")]
    Session,
    /// The member that it names did not write it.
    #[error("the letter was altered, or member {0} did not write it")]
    Signature(Index),
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is new.
    New,
    /// It was here already.
    Known,
    /// It contradicts a letter of its sender: kept as evidence.
    Contradicts,
}

/// The letters of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    group: GroupId,
    session: SessionId,
    letters: BTreeMap<(Step, Index), Letter>,
    evidence: BTreeMap<Index, Evidence>,
}

impl Log {
    const PREFIX: &str = "sotto keys log v1";

    /// A session without letters.
    #[must_use]
    pub const fn new(group: GroupId, session: SessionId) -> Self {
        Self { group, session, letters: BTreeMap::new(), evidence: BTreeMap::new() }
    }

    /// The group.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        self.group
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Takes a letter of any member.
    ///
    /// # Errors
    /// [`LetterError`]; nothing changes then.
    pub fn take(&mut self, letter: Letter, draft: &Draft) -> Result<Taken, LetterError> {
        let heading = *letter.heading();
        if heading.group != self.group {
            return Err(LetterError::Group);
        }
        if heading.session != self.session {
            return Err(LetterError::Session);
        }
        let place = (heading.step, heading.from);
        if self.letters.get(&place) == Some(&letter) {
            return Ok(Taken::Known);
        }
        if !letter.is_signed(draft) {
            return Err(LetterError::Signature(heading.from));
        }
        let Some(first) = self.letters.get(&place) else {
            self.letters.insert(place, letter);
            return Ok(Taken::New);
        };
        if let Some(evidence) = Evidence::new(first.clone(), letter) {
            self.evidence.entry(heading.from).or_insert(evidence);
        }
        Ok(Taken::Contradicts)
    }

    /// Keeps one's own letter.
    pub(crate) fn put(&mut self, letter: Letter) -> Result<(), Fault> {
        let place = (letter.heading().step, letter.heading().from);
        match self.letters.get(&place) {
            Some(first) if *first != letter => Err(Fault::OtherAnswer { step: place.0 }),
            _ => {
                self.letters.insert(place, letter);
                Ok(())
            }
        }
    }

    /// Evidence against members that said different things.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.values()
    }

    /// All letters, by step and sender.
    pub fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.letters.values()
    }

    /// The latest letter of a member.
    #[must_use]
    pub fn latest(&self, from: Index) -> Option<&Letter> {
        self.letters.values().rev().find(|letter| letter.heading().from == from)
    }

    /// Refuses to go on after a contradiction.
    pub(crate) fn is_sound(&self) -> Result<(), Fault> {
        self.evidence.keys().next().map_or(Ok(()), |member| Err(Fault::Equivocation(*member)))
    }

    pub(crate) fn get(&self, step: Step, from: Index) -> Option<&Letter> {
        self.letters.get(&(step, from))
    }

    /// The letters of a step, by sender.
    pub(crate) fn of(&self, step: Step) -> impl Iterator<Item = (Index, &Letter)> {
        self.letters.iter().filter(move |((s, _), _)| *s == step).map(|((_, from), letter)| (*from, letter))
    }

    /// The letters of all of `from` at a step, or who is missing.
    ///
    /// Each must answer `before`: otherwise its sender holds other letters of the step before.
    pub(crate) fn all(&self, step: Step, from: &[Index], before: &Hash) -> Result<Letters<'_>, Held> {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        for member in from {
            match self.get(step, *member) {
                None => missing.push(*member),
                Some(letter) if letter.heading().before != *before => {
                    return Err(Held::Fault(Fault::Differs { member: *member, step }));
                }
                Some(letter) => {
                    found.insert(*member, letter);
                }
            }
        }
        if missing.is_empty() { Ok(Letters(found)) } else { Err(Held::Awaiting { step, from: missing }) }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Self::PREFIX.as_bytes().to_vec();
        out.extend_from_slice(self.group.as_bytes());
        out.extend_from_slice(self.session.as_bytes());
        // At most 15 members at 22 steps.
        out.extend_from_slice(&(self.letters.len() as u16).to_le_bytes());
        self.letters.values().for_each(|letter| put_bytes(&letter.to_bytes(), &mut out));
        out.push(self.evidence.len() as u8);
        self.evidence.values().for_each(|evidence| put_bytes(&evidence.to_bytes(), &mut out));
        out
    }

    /// Reads what was kept. Signatures were checked when the letters were taken.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(Self::PREFIX, bytes)?;
        let mut log = Self::new(Hash::from_bytes(r.array()?), Hash::from_bytes(r.array()?));
        for _ in 0..r.u16()? {
            let letter = Letter::from_bytes(r.bytes(MAX_LETTER)?)?;
            let heading = *letter.heading();
            let place = (heading.step, heading.from);
            let ascends = log.letters.last_key_value().is_none_or(|(last, _)| *last < place);
            if !ascends || (heading.group, heading.session) != (log.group, log.session) {
                return Err(DecodeError::Value("a log"));
            }
            log.letters.insert(place, letter);
        }
        for _ in 0..r.u8()? {
            let evidence = Evidence::from_bytes(r.bytes(3 * MAX_LETTER)?)?;
            let member = evidence.member();
            if log.evidence.last_key_value().is_some_and(|(last, _)| *last >= member) {
                return Err(DecodeError::Value("a log"));
            }
            log.evidence.insert(member, evidence);
        }
        r.finish()?;
        Ok(log)
    }
}

/// The letters of a whole step.
#[derive(Clone, Debug)]
pub(crate) struct Letters<'l>(BTreeMap<Index, &'l Letter>);

impl<'l> Letters<'l> {
    /// What a letter that answers them names.
    pub(crate) fn hash(&self) -> Hash {
        step_hash(self.0.values().copied())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Index, &'l Letter)> {
        self.0.iter().map(|(from, letter)| (*from, *letter))
    }
}

/// Why a session does not go on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Letters are missing.
    Awaiting { step: Step, from: Vec<Index> },
    /// Somebody is at fault.
    Fault(Fault),
}

impl From<Fault> for Held {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// How far a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// It goes on when these members have sent their letters.
    Awaiting {
        /// The step of those letters.
        step: Step,
        /// Whose letters are missing.
        from: Vec<Index>,
    },
    /// It is complete.
    Done(T),
}

/// Separates what is missing from what is wrong.
pub(crate) fn progress<T>(result: Result<T, Held>) -> Result<Progress<T>, Fault> {
    match result {
        Ok(done) => Ok(Progress::Done(done)),
        Err(Held::Awaiting { step, from }) => Ok(Progress::Awaiting { step, from }),
        Err(Held::Fault(fault)) => Err(fault),
    }
}
