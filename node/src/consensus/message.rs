//! Messages between validators, bounded before anything is allocated.
//!
//! ```text
//! message = version (1) ‖ kind (1) ‖ content
//!   0 proposal           height (8) ‖ round (4) ‖ POL round (4) ‖ header hash (32) ‖ signature (64) of whose turn it is
//!   1 vote               vote (mw) ‖ place (1) of the voter in the set of the height ‖ signature (64)
//!   2 polka              height (8) ‖ header hash (32) ‖ certificate (mw) of prevotes
//!   3 round certificate  height (8) ‖ round (4) ‖ reason (1) ‖ n (1)
//!                        ‖ (place (1) ‖ kind (1) ‖ flag (1) ‖ header hash (32) ‖ signature (64))*
//!   4 have               height (8) ‖ round (4) ‖ kind (1): 0 proposal, 1 prevotes, 2 precommits ‖ signers (mw)
//! ```
//!
//! A round certificate shows why a round is entered: the round's own votes, of more than a third of the power
//! (reason 0), or precommits of a quorum in the round before (reason 1), whatever they are for. Its places
//! ascend. "Have" says what the sender holds, and asks for the rest.
#![deny(clippy::indexing_slicing)]

use sotto_mw::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader, VERSION},
    hash::Hash,
    schnorr::Signature,
    validators::{Signers, ValidatorSet},
    votes::{Certificate, ProposalClaim, Vote, VoteKind},
};

/// Most bytes of a message: a round certificate of the largest set.
pub const MAX_MESSAGE: usize = 2 + 8 + 4 + 1 + 1 + ValidatorSet::MAX * (1 + 1 + 1 + 32 + 64);

/// A message from one validator to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "drawn above, kind by kind")]
pub enum Message {
    Proposal { claim: ProposalClaim, signature: Signature },
    Vote { vote: Vote, place: u8, signature: Signature },
    Polka { height: Height, value: Hash, certificate: Certificate },
    Round(RoundCertificate),
    Have { height: Height, round: u32, kind: Held, holders: Signers },
}

/// What a "have" speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// The proposal of the round.
    Proposal,
    /// Votes of the round.
    Votes(VoteKind),
}

/// Why a round is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoundReason {
    /// More than a third of the power voted in it.
    Votes = 0,
    /// A quorum precommitted in the round before.
    Precommits = 1,
}

/// Votes that show why a round is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundCertificate {
    /// The height.
    pub height: Height,
    /// The round of the votes.
    pub round: u32,
    /// Why.
    pub reason: RoundReason,
    votes: Vec<RoundVote>,
}

/// A vote in a round certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundVote {
    /// The place of the voter.
    pub place: u8,
    /// The kind.
    pub kind: VoteKind,
    /// What it is for.
    pub value: Option<Hash>,
    /// The signature.
    pub signature: Signature,
}

impl RoundCertificate {
    /// The certificate of these votes, in any order; `None` if a place occurs twice.
    #[must_use]
    pub fn new(height: Height, round: u32, reason: RoundReason, mut votes: Vec<RoundVote>) -> Option<Self> {
        votes.sort_unstable_by_key(|v| v.place);
        let distinct = votes.is_sorted_by(|a, b| a.place < b.place);
        (distinct && votes.len() <= ValidatorSet::MAX).then_some(Self { height, round, reason, votes })
    }

    /// The votes, their places ascending.
    #[must_use]
    pub fn votes(&self) -> &[RoundVote] {
        &self.votes
    }
}

impl Message {
    /// The height that it speaks of.
    #[must_use]
    pub const fn height(&self) -> Height {
        match self {
            Self::Proposal { claim, .. } => claim.height,
            Self::Vote { vote, .. } => vote.height,
            Self::Polka { height, .. } | Self::Have { height, .. } => *height,
            Self::Round(certificate) => certificate.height,
        }
    }
}

fn encode_value(value: Option<Hash>, out: &mut Vec<u8>) {
    out.push(value.is_some().into());
    value.unwrap_or(Hash::ZERO).encode(out);
}

fn decode_value(r: &mut Reader<'_>) -> Result<Option<Hash>, DecodeError> {
    match (r.u8()?, Hash::decode(r)?) {
        (0, Hash::ZERO) => Ok(None),
        (0, _) => Err(DecodeError::Invalid { what: "vote: a value beside the flag of none" }),
        (1, hash) => Ok(Some(hash)),
        (code, _) => Err(DecodeError::Code { what: "flag of a vote", code }),
    }
}

impl Encode for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        match self {
            Self::Proposal { claim, signature } => {
                out.push(0);
                claim.encode(out);
                signature.encode(out);
            }
            Self::Vote { vote, place, signature } => {
                out.push(1);
                vote.encode(out);
                out.push(*place);
                signature.encode(out);
            }
            Self::Polka { height, value, certificate } => {
                out.push(2);
                height.encode(out);
                value.encode(out);
                certificate.encode(out);
            }
            Self::Round(certificate) => {
                out.push(3);
                certificate.encode(out);
            }
            Self::Have { height, round, kind, holders } => {
                out.push(4);
                height.encode(out);
                round.encode(out);
                out.push(match kind {
                    Held::Proposal => 0,
                    Held::Votes(kind) => *kind as u8,
                });
                holders.encode(out);
            }
        }
    }
}

impl Decode for Message {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.left() > MAX_MESSAGE {
            let (found, bound) = (r.left() as u64, MAX_MESSAGE as u64);
            return Err(DecodeError::Bound { what: "consensus message", found, bound });
        }
        r.version()?;
        Ok(match r.u8()? {
            0 => Self::Proposal { claim: ProposalClaim::decode(r)?, signature: Signature::decode(r)? },
            1 => Self::Vote { vote: Vote::decode(r)?, place: r.u8()?, signature: Signature::decode(r)? },
            2 => Self::Polka {
                height: Height::decode(r)?,
                value: Hash::decode(r)?,
                certificate: Certificate::decode(r)?,
            },
            3 => Self::Round(RoundCertificate::decode(r)?),
            4 => {
                let (height, round) = (Height::decode(r)?, r.u32()?);
                let kind = match r.u8()? {
                    0 => Held::Proposal,
                    1 => Held::Votes(VoteKind::Prevote),
                    2 => Held::Votes(VoteKind::Precommit),
                    code => return Err(DecodeError::Code { what: "kind of a have", code }),
                };
                Self::Have { height, round, kind, holders: Signers::decode(r)? }
            }
            code => return Err(DecodeError::Code { what: "consensus message", code }),
        })
    }
}

impl Encode for RoundCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
        out.push(self.reason as u8);
        out.push(u8::try_from(self.votes.len()).unwrap_or(u8::MAX));
        for vote in &self.votes {
            out.extend([vote.place, vote.kind as u8]);
            encode_value(vote.value, out);
            vote.signature.encode(out);
        }
    }
}

impl Decode for RoundCertificate {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (height, round) = (Height::decode(r)?, r.u32()?);
        let reason = match r.u8()? {
            0 => RoundReason::Votes,
            1 => RoundReason::Precommits,
            code => return Err(DecodeError::Code { what: "reason of a round", code }),
        };
        let n = r.u8()?;
        if usize::from(n) > ValidatorSet::MAX {
            return Err(DecodeError::Invalid { what: "round certificate: more votes than validators" });
        }
        let mut votes: Vec<RoundVote> = Vec::new();
        for _ in 0..n {
            let (place, kind, value) = (r.u8()?, VoteKind::decode(r)?, decode_value(r)?);
            if votes.last().is_some_and(|last| last.place >= place) {
                return Err(DecodeError::Invalid { what: "round certificate: places do not ascend" });
            }
            votes.push(RoundVote { place, kind, value, signature: Signature::decode(r)? });
        }
        Ok(Self { height, round, reason, votes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{
        group::{Point, Scalar},
        validators::Signatures,
    };

    fn one_of_each() -> Vec<Message> {
        let (height, round, value) = (Height::new(7), 3, Hash::from_bytes([1; 32]));
        let signature = Signature::from_parts(Point::g(), Scalar::ONE);
        let signatures = Signatures::new(10, vec![(2, signature), (9, signature)]).unwrap();
        let vote = |place, value| RoundVote { place, kind: VoteKind::Precommit, value, signature };
        let votes = vec![vote(9, Some(value)), vote(2, None)];
        vec![
            Message::Proposal {
                claim: ProposalClaim { height, round, pol_round: Some(2), value },
                signature,
            },
            Message::Vote {
                vote: Vote { kind: VoteKind::Prevote, height, round, value: None },
                place: 4,
                signature,
            },
            Message::Polka { height, value, certificate: Certificate { round, signatures } },
            Message::Round(RoundCertificate::new(height, round, RoundReason::Votes, votes).unwrap()),
            Message::Have { height, round, kind: Held::Proposal, holders: Signers::new(10, [3]).unwrap() },
        ]
    }

    /// Whatever decodes is the one encoding of what it says.
    #[test]
    fn encodings_are_canonical() {
        for message in one_of_each() {
            let bytes = message.to_bytes();
            assert_eq!(Message::from_bytes(&bytes), Ok(message));
            for i in 0..bytes.len() {
                assert!(Message::from_bytes(&bytes[..i]).is_err(), "cut off at {i}");
                for flip in [1, 0x80, 0xff] {
                    let mut other = bytes.clone();
                    other[i] ^= flip;
                    if let Ok(decoded) = Message::from_bytes(&other) {
                        assert_eq!(decoded.to_bytes(), other, "byte {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_place_occurs_once_and_places_ascend() {
        let Some(Message::Round(certificate)) = one_of_each().into_iter().nth(3) else {
            panic!("a certificate")
        };
        let mut votes = certificate.votes().to_vec();
        assert!(votes[0].place < votes[1].place);
        let bytes = Message::Round(certificate).to_bytes();
        let (first, second) = (16, 16 + 99);
        let mut swapped = bytes.clone();
        (swapped[first], swapped[second]) = (bytes[second], bytes[first]);
        assert!(Message::from_bytes(&swapped).is_err());
        votes[1].place = votes[0].place;
        assert!(RoundCertificate::new(Height::new(7), 3, RoundReason::Votes, votes).is_none());
    }

    /// The largest set's round certificate is the longest message, and fits.
    #[test]
    fn nothing_longer_than_the_longest_message_decodes() {
        let signature = Signature::from_parts(Point::g(), Scalar::ONE);
        let vote = |place| RoundVote { place, kind: VoteKind::Precommit, value: None, signature };
        let votes = (0..100).map(vote).collect();
        let longest = RoundCertificate::new(Height::new(7), 3, RoundReason::Votes, votes).unwrap();
        let bytes = Message::Round(longest).to_bytes();
        assert_eq!(bytes.len(), MAX_MESSAGE);
        assert!(Message::from_bytes(&bytes).is_ok());
        let longer = Message::from_bytes(&[bytes, vec![0]].concat());
        assert!(matches!(longer, Err(DecodeError::Bound { .. })));
    }
}
