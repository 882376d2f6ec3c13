//! What a reader says of the answers that it opened: whose they are and their hashes, under its signature.
//!
//! ```text
//! record   n (1) ‖ n × (member (1) ‖ H("sotto/audit/answer/v1", answer) (32)), ascending ‖ the reader's signature (64)
//! signed   name of the request (32) ‖ all before the signature          notice = topic 2 ‖ H("sotto/audit/answers/v1", chain id ‖ name ‖ record)
//! ```
//!
//! Guaranteed: only the reader that the authorities named can say whose answers it has. Not guaranteed: that it tells the truth, or
//! says anything. A member compares what is said of it with its own log; a hash shows nothing of an answer, which is encrypted
//! with fresh randomness.
#![deny(clippy::indexing_slicing)]

use crate::{
    request::{MAX_MEMBERS, ReadRequest, RequestError},
    tag,
};
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    kernel::Notice,
};
use sotto_party::{Context, Identity};

/// The topic of the notice of a record.
const TOPIC: u8 = 2;
/// A reader's signature under a record.
const SIGNED: Context = Context::new("sotto audit answers v1");

/// An answer in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordedAnswer {
    /// The member's index in the auditors' group, from 1.
    pub member: u8,
    /// The hash of its answer ([`RecordedAnswer::of`]).
    pub answer: Hash,
}

impl RecordedAnswer {
    /// The answer of a member, by its bytes.
    #[must_use]
    pub fn of(member: u8, answer: &[u8]) -> Self {
        Self { member, answer: tagged(tag::ANSWER, &[answer]) }
    }
}

/// The answers that a reader opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRecord {
    answers: Vec<RecordedAnswer>,
    signature: [u8; 64],
}

impl AnswerRecord {
    /// The record of a reader.
    ///
    /// # Errors
    /// [`RequestError`] unless the request names this reader, and there are answers, one a member.
    pub fn new(
        chain: &ChainId,
        request: &ReadRequest,
        mut answers: Vec<RecordedAnswer>,
        reader: &Identity,
    ) -> Result<Self, RequestError> {
        if *request.reader() != reader.public() {
            return Err(RequestError::OtherReader);
        }
        answers.sort_unstable();
        if !are_proper(&answers) {
            return Err(RequestError::Answers);
        }
        let mut this = Self { answers, signature: [0; 64] };
        this.signature = reader.sign(SIGNED, &this.signed(chain, request));
        Ok(this)
    }

    /// The answers, by member.
    #[must_use]
    pub fn answers(&self) -> &[RecordedAnswer] {
        &self.answers
    }

    /// Whether the reader of this request signed it.
    #[must_use]
    pub fn holds(&self, chain: &ChainId, request: &ReadRequest) -> bool {
        request.reader().verify(SIGNED, &self.signed(chain, request), &self.signature)
    }

    /// The notice that puts it on record.
    #[must_use]
    pub fn notice(&self, chain: &ChainId, request: &ReadRequest) -> Notice {
        let (name, record) = (request.name(chain), self.to_bytes());
        let parts = [chain.as_bytes().as_slice(), name.as_bytes(), &record];
        Notice { topic: TOPIC, data: tagged(tag::ANSWERS, &parts) }
    }

    fn signed(&self, chain: &ChainId, request: &ReadRequest) -> Vec<u8> {
        let mut out = request.name(chain).as_bytes().to_vec();
        self.put_answers(&mut out);
        out
    }

    fn put_answers(&self, out: &mut Vec<u8>) {
        // Bounded where a record is made.
        out.push(self.answers.len() as u8);
        for RecordedAnswer { member, answer } in &self.answers {
            out.push(*member);
            answer.encode(out);
        }
    }
}

fn are_proper(answers: &[RecordedAnswer]) -> bool {
    let in_order = answers.is_sorted_by(|a, b| a.member < b.member);
    (1..=MAX_MEMBERS).contains(&answers.len()) && in_order && answers.iter().all(|a| a.member > 0)
}

impl Encode for AnswerRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.put_answers(out);
        out.extend_from_slice(&self.signature);
    }
}

impl Decode for AnswerRecord {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = r.u8()?;
        if usize::from(count) > MAX_MEMBERS {
            return Err(DecodeError::Invalid { what: "number of recorded answers" });
        }
        let answer = |r: &mut Reader<'_>| {
            Ok::<_, DecodeError>(RecordedAnswer { member: r.u8()?, answer: Hash::decode(r)? })
        };
        let answers = (0..count).map(|_| answer(r)).collect::<Result<Vec<_>, _>>()?;
        if !are_proper(&answers) {
            return Err(DecodeError::Invalid { what: "recorded answers" });
        }
        Ok(Self { answers, signature: r.array()? })
    }
}
