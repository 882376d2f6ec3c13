//! A request with what has been added to it, and when it counts.
//!
//! ```text
//! letter   request ‖ k (1) ‖ k × (party key (1,248) ‖ signature of the name (64)), by digest
//!          ‖ 0 | 1 ‖ excess of the notice (32) | 2 ‖ excess ‖ record of answers | 3 ‖ excess ‖ record ‖ excess of the record's notice (32)
//! ```
//!
//! One letter that grows: each authority adds its signature, the requester the excess of the notice's kernel, the reader its
//! record of the answers, and the requester the excess of that one's notice. Copies merge; what does not hold never replaces what does.
#![deny(clippy::indexing_slicing)]

use crate::{
    charter::{Charter, MAX_AUTHORITIES},
    record::AnswerRecord,
    request::{ReadRequest, RequestError, party_key},
};
use core::cmp::Reverse;
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    codec::{Decode, DecodeError, Encode, Reader},
    kernel::{Excess, Kernel, KernelFeatures, Notice},
};
use sotto_party::{Context, Identity, PublicKey};
use std::collections::BTreeMap;

/// An authority's signature over a request.
const SIGNED: Context = Context::new("sotto audit request v1");

/// Why a request does not count, by its charter and its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// The chain has no auditors, or others.
    #[error("the charter is not that of this chain")]
    OtherCharter,
    /// The request was made under another charter.
    #[error("the request was made under another charter")]
    RequestCharter,
    /// More outputs than the charter allows.
    #[error("the request has {found} outputs, and the charter allows {most}")]
    TooManyOutputs {
        /// How many it has.
        found: usize,
        /// How many are allowed.
        most: u16,
    },
    /// Too few signatures of authorities hold.
    #[error("{found} authorities of the charter have signed the request, and {needed} are needed")]
    Unauthorised {
        /// How many have.
        found: usize,
        /// How many are needed.
        needed: u8,
    },
    /// The record of answers is not the reader's.
    #[error("the record of answers is not signed by the reader of the request")]
    Record,
    /// No block has the notice.
    #[error("no block of the chain has a notice of this request")]
    NoNotice,
    /// No block has the notice of the record.
    #[error("no block of the chain has a notice of this record of answers")]
    NoRecord,
    /// The notice is too young.
    #[error(
        "the notice is in block {height}, and the charter asks for {depth} blocks from it on: that is block {at}"
    )]
    TooEarly {
        /// The block of the notice.
        height: Height,
        /// How deep it has to be.
        depth: u64,
        /// The block that makes it so deep.
        at: Height,
    },
}

impl RequestFault {
    /// Whether more blocks, or another branch, may end it: the peer that passed the request on may see a better chain.
    #[must_use]
    pub const fn may_end(&self) -> bool {
        matches!(self, Self::NoNotice | Self::NoRecord | Self::TooEarly { .. })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    authority: PublicKey,
    signature: [u8; 64],
}

/// What has been put on record, in the order in which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Nothing,
    Noticed(Excess),
    Answered(Excess, AnswerRecord),
    Recorded(Excess, AnswerRecord, Excess),
}

/// A request, with what has been added to it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLetter {
    request: ReadRequest,
    /// By the digest of the authority's key.
    allowed: BTreeMap<[u8; 32], Allowed>,
    stage: Stage,
}

impl From<ReadRequest> for RequestLetter {
    fn from(request: ReadRequest) -> Self {
        Self { request, allowed: BTreeMap::new(), stage: Stage::Nothing }
    }
}

impl RequestLetter {
    /// Most bytes of a letter.
    pub const MAX_BYTES: usize = 32 << 10;

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &ReadRequest {
        &self.request
    }

    /// The kernel of its notice, if that is known.
    #[must_use]
    pub const fn notice(&self) -> Option<&Excess> {
        match &self.stage {
            Stage::Nothing => None,
            Stage::Noticed(notice) | Stage::Answered(notice, _) | Stage::Recorded(notice, ..) => Some(notice),
        }
    }

    /// The reader's record of the answers, if it has made one.
    #[must_use]
    pub const fn record(&self) -> Option<&AnswerRecord> {
        match &self.stage {
            Stage::Answered(_, record) | Stage::Recorded(_, record, _) => Some(record),
            Stage::Nothing | Stage::Noticed(_) => None,
        }
    }

    /// The kernel of the record's notice, if that is known.
    #[must_use]
    pub const fn recorded(&self) -> Option<&Excess> {
        match &self.stage {
            Stage::Recorded(.., kernel) => Some(kernel),
            _ => None,
        }
    }

    /// The last notice that it needs: that of the record of answers, if there is one, else that of the request.
    #[must_use]
    pub fn last_notice(&self, chain: &ChainId) -> Notice {
        match self.record() {
            Some(record) => record.notice(chain, &self.request),
            None => self.request.notice(chain),
        }
    }

    /// An authority allows it. Signatures that do not count are dropped.
    ///
    /// # Errors
    /// [`RequestError`] unless the charter names the key.
    pub fn allow(
        &mut self,
        chain: &ChainId,
        charter: &Charter,
        authority: &Identity,
    ) -> Result<(), RequestError> {
        if self.request.charter() != charter.hash() {
            return Err(RequestError::OtherCharter);
        }
        let (key, name) = (authority.public(), self.request.name(chain));
        let digest = key.digest();
        if !charter.authorities().contains(&digest) {
            return Err(RequestError::NoAuthority);
        }
        *self = self.checked(chain, charter);
        let signature = authority.sign(SIGNED, name.as_bytes());
        self.allowed.insert(digest, Allowed { authority: key, signature });
        Ok(())
    }

    /// Notes which kernel its last notice is: that of the record, if there is one, else that of the request.
    #[must_use]
    pub fn noticed(self, excess: Excess) -> Self {
        let stage = match self.stage {
            Stage::Nothing | Stage::Noticed(_) => Stage::Noticed(excess),
            Stage::Answered(notice, record) | Stage::Recorded(notice, record, _) => {
                Stage::Recorded(notice, record, excess)
            }
        };
        Self { stage, ..self }
    }

    /// Adds the reader's record of the answers; `None` as long as the request has no notice.
    #[must_use]
    pub fn answered(self, record: AnswerRecord) -> Option<Self> {
        let stage = Stage::Answered(*self.notice()?, record);
        Some(Self { stage, ..self })
    }

    /// The letter without the reader's record of the answers.
    #[must_use]
    pub fn without_record(self) -> Self {
        let stage = self.notice().map_or(Stage::Nothing, |notice| Stage::Noticed(*notice));
        Self { stage, ..self }
    }

    /// The letter with what another copy of it adds; `None` if that is about another request, or together they have more
    /// signatures than a letter can. Of two signatures of one authority the one that holds is kept, and so with two records.
    #[must_use]
    pub fn merged(mut self, other: Self, chain: &ChainId) -> Option<Self> {
        if self.request != other.request {
            return None;
        }
        let name = self.request.name(chain);
        let holds = |a: &Allowed| a.authority.verify(SIGNED, name.as_bytes(), &a.signature);
        for (digest, theirs) in other.allowed {
            let keep = self.allowed.get(&digest).is_some_and(|ours| *ours == theirs || holds(ours));
            if !keep {
                self.allowed.insert(digest, theirs);
            }
        }
        let rank = |stage: &Stage| match stage {
            Stage::Nothing => 0,
            Stage::Noticed(_) => 1,
            Stage::Answered(_, record) if record.holds(chain, &self.request) => 2,
            Stage::Recorded(_, record, _) if record.holds(chain, &self.request) => 3,
            // Of no worth but for its notice.
            Stage::Answered(..) | Stage::Recorded(..) => 1,
        };
        let best = [self.stage.clone(), other.stage].into_iter().enumerate();
        let best = best.min_by_key(|(place, stage)| (Reverse(rank(stage)), *place));
        self.stage = best.map_or(Stage::Nothing, |(_, stage)| stage);
        (self.allowed.len() <= MAX_AUTHORITIES).then_some(self)
    }

    /// The letter with the signatures of a charter's authorities that hold, and no others; a record that the reader did not
    /// sign is left out.
    #[must_use]
    pub fn checked(&self, chain: &ChainId, charter: &Charter) -> Self {
        let (mut checked, holding) = (self.clone(), self.allowed_by(chain, charter));
        checked.allowed.retain(|digest, _| holding.contains(digest));
        if let Some(notice) = self.notice()
            && self.record().is_some_and(|record| !record.holds(chain, &self.request))
        {
            checked.stage = Stage::Noticed(*notice);
        }
        checked
    }

    /// The digests of the authorities of a charter that allowed it, by signatures that hold.
    #[must_use]
    pub fn allowed_by(&self, chain: &ChainId, charter: &Charter) -> Vec<[u8; 32]> {
        let name = self.request.name(chain);
        let holds = |digest: &[u8; 32], a: &Allowed| {
            charter.authorities().contains(digest)
                && a.authority.verify(SIGNED, name.as_bytes(), &a.signature)
        };
        self.allowed.iter().filter(|(digest, a)| holds(digest, a)).map(|(digest, _)| *digest).collect()
    }

    /// Whether charter, request and signatures belong together, on this chain. It takes no look at the chain's blocks.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub fn check(&self, chain: &Chain, charter: &Charter) -> Result<(), RequestFault> {
        let (request, terms) = (&self.request, charter.terms());
        if chain.params().auditors != Some(charter.auditors()) {
            return Err(RequestFault::OtherCharter);
        }
        if request.charter() != charter.hash() {
            return Err(RequestFault::RequestCharter);
        }
        let (found, most) = (request.outputs().len(), terms.outputs);
        if found > most.into() {
            return Err(RequestFault::TooManyOutputs { found, most });
        }
        let (found, needed) = (self.allowed_by(chain.id(), charter).len(), terms.needed);
        if found < needed.into() {
            return Err(RequestFault::Unauthorised { found, needed });
        }
        let forged = self.record().is_some_and(|record| !record.holds(chain.id(), request));
        if forged { Err(RequestFault::Record) } else { Ok(()) }
    }

    /// Whether this kernel of a block is the notice of the request.
    #[must_use]
    pub fn is_notice(&self, chain: &ChainId, kernel: &Kernel) -> bool {
        self.notice() == Some(&kernel.excess) && has(kernel, self.request.notice(chain))
    }

    /// Whether this kernel of a block is the notice of the record of answers.
    #[must_use]
    pub fn is_record_notice(&self, chain: &ChainId, kernel: &Kernel) -> bool {
        let notice = self.record().map(|record| record.notice(chain, &self.request));
        self.recorded() == Some(&kernel.excess) && notice.is_some_and(|notice| has(kernel, notice))
    }

    /// Whether the charter's delay is over, so that the request becomes public.
    ///
    /// # Errors
    /// [`RequestFault::TooEarly`].
    pub fn check_delay(charter: &Charter, noticed: Height, tip: Height) -> Result<(), RequestFault> {
        let (height, depth) = (noticed, charter.terms().delay);
        let at = height.plus(depth);
        if tip < at { Err(RequestFault::TooEarly { height, depth, at }) } else { Ok(()) }
    }
}

fn has(kernel: &Kernel, wanted: Notice) -> bool {
    matches!(kernel.features, KernelFeatures::Notice { notice, .. } if notice == wanted)
}

impl Encode for RequestLetter {
    fn encode(&self, out: &mut Vec<u8>) {
        self.request.encode(out);
        // As many as a charter has at most.
        out.push(self.allowed.len() as u8);
        for Allowed { authority, signature } in self.allowed.values() {
            out.extend_from_slice(&authority.to_bytes());
            out.extend_from_slice(signature);
        }
        out.push(match &self.stage {
            Stage::Nothing => 0,
            Stage::Noticed(_) => 1,
            Stage::Answered(..) => 2,
            Stage::Recorded(..) => 3,
        });
        self.notice().into_iter().for_each(|notice| notice.encode(out));
        self.record().into_iter().for_each(|record| record.encode(out));
        self.recorded().into_iter().for_each(|kernel| kernel.encode(out));
    }
}

impl Decode for RequestLetter {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (request, count) = (ReadRequest::decode(r)?, r.u8()?);
        if usize::from(count) > MAX_AUTHORITIES {
            return Err(DecodeError::Invalid { what: "number of authorities" });
        }
        let mut allowed = BTreeMap::new();
        for _ in 0..count {
            let (authority, signature) = (party_key(r)?, r.array()?);
            let digest = authority.digest();
            if allowed.last_key_value().is_some_and(|(last, _)| *last >= digest) {
                return Err(DecodeError::Invalid { what: "order of authorities" });
            }
            allowed.insert(digest, Allowed { authority, signature });
        }
        let stage = match r.u8()? {
            0 => Stage::Nothing,
            1 => Stage::Noticed(Excess::decode(r)?),
            2 => Stage::Answered(Excess::decode(r)?, AnswerRecord::decode(r)?),
            3 => Stage::Recorded(Excess::decode(r)?, AnswerRecord::decode(r)?, Excess::decode(r)?),
            code => return Err(DecodeError::Code { what: "what a request has on record", code }),
        };
        Ok(Self { request, allowed, stage })
    }
}
