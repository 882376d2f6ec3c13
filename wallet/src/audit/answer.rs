//! When a member of the auditors' group answers a request, and what t answers open.
//!
//! ```text
//! letter ─▶ admit: charter, signatures, notice deep enough, outputs of sealed blocks, room in the log
//!        ─▶ Admitted ─▶ answer (points of the outputs, by the member's share) ─▶ Answered: the log with it
//!        ─▶ the caller makes the log durable ─▶ the answer leaves
//! points of a question: H, then C_lo and C_hi of each output, in order; an identity, which blinds nothing, is left out
//! reader:  t answers ─▶ y·H = K, y·C_j ─▶ amounts
//! ```
//!
//! An admitted request is a type of its own: only [`RequestFacts::admit`] makes one. A member answers a request once; after that
//! it sends the answer in its log. Guaranteed: a member answers at most as many requests in thirty days as the charter allows, by
//! a clock that never goes back (if it does, the member refuses); only points of outputs in blocks of this chain are multiplied.
//! Not guaranteed: anything about t members that break their charter.
#![deny(clippy::indexing_slicing)]

use super::log::{AuditLog, MAX_LOG, recorded};
use crate::{
    armor::{Message, MessageKind},
    level::Sealed,
};
use rand_core::{CryptoRng, RngCore};
use sotto_audit::{
    AnswerRecord, Charter, OutputPlace, RecordedAnswer, RequestError, RequestFault, RequestLetter,
};
use sotto_keys::{
    Epoch, Hash as KeysHash, Index,
    reading::{Question, ReadingAnswer, ReadingError, ReadingMember},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    group::Point,
    output::Output,
    reading::{AmountTable, Halves},
};
use sotto_party::Identity;
use std::collections::BTreeMap;

/// Why a request is not answered, or not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Charter, signatures or notice do not hold, or not yet.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The group is not that of the charter.
    #[error("the group does not have the key of this chain's auditors")]
    OtherGroup,
    /// No block has an output.
    #[error("block {height} has no output {output} that auditors read", height = place.height, output = place.output)]
    NoOutput {
        /// The place in the request.
        place: OutputPlace,
    },
    /// The budget is used.
    #[error("{most} requests were answered in thirty days, as many as the charter allows")]
    Budget {
        /// How many the charter allows.
        most: u64,
    },
    /// The time is before that of the last answer.
    #[error("the clock is behind the last answer in the log")]
    Clock,
    /// The log is that of another chain, or full.
    #[error("the log of answers is full, or another chain's")]
    Log,
    /// The request was answered before: that answer is in the log.
    #[error("the request was answered before")]
    Answered,
    /// The record of answers cannot be made.
    #[error(transparent)]
    Record(#[from] RequestError),
    /// The question to the group, or its answers, cannot be used.
    #[error(transparent)]
    Reading(#[from] ReadingError),
    /// The points that were found are not those of an amount.
    #[error("output {output} does not open to an amount", output = place.output)]
    Unreadable {
        /// The output.
        place: OutputPlace,
    },
}

/// A request, and its notice and outputs from the member's own copy of the chain.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// Its charter.
    pub charter: &'a Charter,
    /// The request.
    pub letter: &'a RequestLetter,
    /// The kernel that the letter names, if a block has it.
    pub notice: Option<Sealed<'a>>,
    /// The last block.
    pub tip: Height,
    /// The outputs that the named blocks have, of those that the request names, each with the height of its block.
    pub outputs: &'a [(Height, Output)],
}

impl<'a> RequestFacts<'a> {
    /// Whether charter, request and signatures belong together. It takes no look at the chain's blocks.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub fn check_letter(&self) -> Result<(), RequestFault> {
        self.letter.check(self.chain, self.charter)
    }

    /// The block of the request's notice.
    ///
    /// # Errors
    /// [`RequestFault::NoNotice`].
    pub fn noticed(&self) -> Result<Height, RequestFault> {
        let is_it = |sealed: &Sealed<'_>| self.letter.is_notice(self.chain.id(), sealed.kernel);
        self.notice.filter(|sealed| is_it(sealed)).map(|sealed| sealed.height).ok_or(RequestFault::NoNotice)
    }

    /// Whether the charter's delay is over, so that members hand the request out.
    ///
    /// # Errors
    /// [`RequestFault`], above all [`RequestFault::TooEarly`].
    pub fn is_open(&self) -> Result<Height, RequestFault> {
        self.check_letter()?;
        let height = self.noticed()?;
        RequestLetter::check_delay(self.charter, height, self.tip).map(|()| height)
    }

    /// The reader's record of the answers that it opened: of those that members signed for this request, without false ones.
    ///
    /// # Errors
    /// [`AuditError`] unless the key is the reader's and a good answer is there.
    pub fn record(
        &self,
        epoch: &Epoch,
        reader: &Identity,
        answers: &[AuditAnswer],
    ) -> Result<AnswerRecord, AuditError> {
        let (bad, name) = (self.false_answers(epoch, reader, answers)?, self.name());
        let counts = |a: &&ReadingAnswer| {
            let here = (a.request(), a.epoch()) == (name, epoch.hash());
            here && a.is_signed(epoch.draft()) && !bad.contains(&a.from())
        };
        let good = answers.iter().map(|a| &a.0).filter(counts);
        let by_member: BTreeMap<Index, RecordedAnswer> = good.map(|a| (a.from(), recorded(a))).collect();
        let (chain, request) = (self.chain.id(), self.letter.request());
        Ok(AnswerRecord::new(chain, request, by_member.into_values().collect(), reader)?)
    }

    fn name(&self) -> KeysHash {
        KeysHash::from_bytes(*self.letter.request().name(self.chain.id()).as_bytes())
    }

    /// The halves of the outputs, in the order of the request.
    fn halves(&self) -> Result<Vec<Halves>, AuditError> {
        let half = |place: &OutputPlace| {
            let is_there = |(height, output): &&(Height, Output)| {
                *height == place.height && output.commitment.encoded() == place.output
            };
            let found = self.outputs.iter().find(is_there).map(|(_, output)| output);
            found.and_then(Halves::of).ok_or(AuditError::NoOutput { place: *place })
        };
        self.letter.request().outputs().iter().map(half).collect()
    }

    /// Whether a member with this log answers at this time (seconds since 1970).
    ///
    /// # Errors
    /// [`AuditError`], the first reason against it; [`AuditError::Answered`] if the answer is in the log.
    pub fn admit(self, log: &'a AuditLog, now: u64) -> Result<Admitted<'a>, AuditError> {
        self.check_letter()?;
        if log.chain() != self.chain.id() {
            return Err(AuditError::Log);
        }
        if log.answer_to(&self.letter.request().name(self.chain.id())).is_some() {
            return Err(AuditError::Answered);
        }
        let (height, depth) = (self.noticed()?, self.charter.terms().depth);
        let at = height.plus(depth - 1);
        if self.tip < at {
            return Err(RequestFault::TooEarly { height, depth, at }.into());
        }
        let asked = Asked::new(&self.halves()?);
        if now < log.last_time() {
            return Err(AuditError::Clock);
        }
        let most = self.charter.terms().requests;
        if log.in_a_month(now) >= most {
            return Err(AuditError::Budget { most });
        }
        Ok(Admitted { facts: self, log, asked, now })
    }

    /// The amounts that t answers open, in the order of the request, for its reader.
    ///
    /// # Errors
    /// [`AuditError`]; [`RequestFacts::false_answers`] names the members that sent false ones.
    pub fn read(
        &self,
        epoch: &Epoch,
        reader: &Identity,
        answers: &[AuditAnswer],
    ) -> Result<Opened, AuditError> {
        self.check_group(epoch)?;
        let halves = self.halves()?;
        let asked = Asked::new(&halves);
        let answers: Vec<_> = answers.iter().map(|a| a.0.clone()).collect();
        let combined = self.question(epoch, &asked).combine(reader, &answers)?;
        let found: Vec<Point> =
            combined.points.iter().filter_map(|bytes| Point::from_bytes(*bytes)).collect();
        let table = found.first().and_then(AmountTable::new);
        let places = self.letter.request().outputs();
        let amount = |(place, (halves, at)): (&OutputPlace, (&Halves, &[Option<usize>; 2]))| {
            let product = |at: Option<usize>| at.map_or_else(identity, |at| found.get(at).copied());
            let products = at.map(product);
            let [Some(low), Some(high)] = products else {
                return Err(AuditError::Unreadable { place: *place });
            };
            let amount = table.as_ref().and_then(|table| table.vartime_amount(halves, &[low, high]));
            let amount = amount.ok_or(AuditError::Unreadable { place: *place })?;
            Ok(ReadAmount { place: *place, amount })
        };
        let amounts =
            places.iter().zip(halves.iter().zip(&asked.places)).map(amount).collect::<Result<_, _>>()?;
        Ok(Opened { amounts, false_answers: combined.false_answers })
    }

    /// The members whose answers are signed and false.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn false_answers(
        &self,
        epoch: &Epoch,
        reader: &Identity,
        answers: &[AuditAnswer],
    ) -> Result<Vec<Index>, AuditError> {
        let (asked, answers) =
            (Asked::new(&self.halves()?), answers.iter().map(|a| a.0.clone()).collect::<Vec<_>>());
        Ok(self.question(epoch, &asked).false_answers(reader, &answers)?)
    }

    fn check_group(&self, epoch: &Epoch) -> Result<(), AuditError> {
        let key = epoch.public_key(0);
        let ours = key.is_some_and(|key| key == *self.charter.auditors().key.as_bytes());
        if ours { Ok(()) } else { Err(AuditError::OtherGroup) }
    }

    fn question<'q>(&'q self, epoch: &'q Epoch, asked: &'q Asked) -> Question<'q> {
        let reader = self.letter.request().reader();
        Question { epoch, request: self.name(), points: &asked.points, reader }
    }
}

/// The identity, which is y times itself.
fn identity() -> Option<Point> {
    Point::from_bytes([0; 32])
}

/// The points of a question, and where those of each output are.
#[derive(Clone, Debug)]
struct Asked {
    points: Vec<[u8; 32]>,
    places: Vec<[Option<usize>; 2]>,
}

impl Asked {
    fn new(all: &[Halves]) -> Self {
        let mut this = Self { points: vec![*Point::h().as_bytes()], places: Vec::new() };
        for halves in all {
            let place = halves.commitments.map(|c| {
                (!c.is_identity()).then(|| {
                    this.points.push(*c.as_bytes());
                    this.points.len() - 1
                })
            });
            this.places.push(place);
        }
        this
    }
}

/// A request that a member may answer.
#[derive(Debug)]
pub struct Admitted<'a> {
    facts: RequestFacts<'a>,
    log: &'a AuditLog,
    asked: Asked,
    now: u64,
}

impl Admitted<'_> {
    /// The answer of a member, and its log with it. **Make the log durable before the answer leaves.**
    ///
    /// # Errors
    /// [`AuditError`] if group or share do not fit, or the log has no room.
    pub fn answer(
        &self,
        epoch: &Epoch,
        member: ReadingMember<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answered, AuditError> {
        self.facts.check_group(epoch)?;
        let answer = self.facts.question(epoch, &self.asked).answer(member, rng)?;
        let letter = self.facts.letter.checked(self.facts.chain.id(), self.facts.charter);
        let log = self.log.with(self.now, letter, answer.clone());
        if log.to_bytes().len() > MAX_LOG {
            return Err(AuditError::Log);
        }
        Ok(Answered { log, answer: AuditAnswer(answer) })
    }
}

/// An answer, and the log that has it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// To be kept durably first.
    pub log: AuditLog,
    /// To be sent then.
    pub answer: AuditAnswer,
}

/// A member's answer as a message of its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditAnswer(pub ReadingAnswer);

impl Encode for AuditAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_bytes());
    }
}

impl Decode for AuditAnswer {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let answer = ReadingAnswer::from_bytes(r.take(r.left())?);
        answer.map(Self).map_err(|_| DecodeError::Invalid { what: "answer of an auditor" })
    }
}

impl Message for AuditAnswer {
    const KIND: MessageKind = MessageKind::AuditAnswer;
}

impl Message for RequestLetter {
    const KIND: MessageKind = MessageKind::AuditRequest;
}

/// An amount that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAmount {
    /// The output.
    pub place: OutputPlace,
    /// What it holds.
    pub amount: Amount,
}

/// The amounts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The amounts, in the order of the request.
    pub amounts: Vec<ReadAmount>,
    /// Members whose answers are signed and false.
    pub false_answers: Vec<Index>,
}
