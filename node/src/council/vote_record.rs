//! What a member's share of a validator's vote key has said, and what it may say next: the rules of a validator,
//! kept by every member of a group that is one.
//!
//! ```text
//! record    = "SGVR" ‖ version (1): 2 ‖ chain id (32) ‖ flag (1) ‖ lock round (4) ‖ value (32) ‖ whole (1) ‖ statement*
//!             ‖ check (32)
//! statement = 0 ‖ vote (mw) | 1 ‖ claim (mw): all that the share said at one height, ascending; whole is 0 if it may have
//!             said more below the first
//!
//! any statement      at the height above the tip; nothing else was said at its position
//! prevote v at r     v was judged valid and proposed by whose turn it is; no value was precommitted in a round below r,
//!                    the last such was v, or a polka for v of a round p with lock ≤ p < r            (L22, L28)
//! precommit v at r   a polka for v of round r; no prevote for another value in a round above r       (L36, L22)
//! proposal v at r    v was judged valid, it is our turn in r; a polka for v of the POL round, if one is named; above
//!                    all that was said
//! prevote, precommit for nothing                                                                     (always)
//! ```
//!
//! Two sets of t members share 2t − n > 0 of them. So two statements at one position, or a prevote against a lock of
//! the validator, take 2t − n members who break this. A member is bound when its share leaves: it may be locked
//! where the validator is not, since other shares were missing. A polka for that value exists all the same, so the
//! other validators get to know it, and no height ends in such a lock that would not end otherwise.
//!
//! Votes may come in any order. Otherwise a round would be closed to this validator whose votes were lost with a speaker, or
//! passed over by a liar, and the others leave a round on votes and not on silence. The proof of safety goes by rounds
//! and not by time: if v has a quorum of precommits in r, then by induction no r' > r has a polka for v' ≠ v, because
//! a validator that precommitted v in r prevotes v' in r' only on a polka of [r, r'). That is a rule for pairs of votes,
//! and here the one that comes second is refused.
//!
//! Guaranteed, if the record is durable before the share leaves. Not guaranteed: anything against an old record that is
//! put back in its place.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", algorithm 1.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{Damage, checked, ends, tag, with_check},
    consensus::{Ballot, Position, Statement},
};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    schnorr::PublicKey,
    validators::ValidatorSet,
    votes::{Certificate, Vote, VoteKind},
};

const MAGIC: &[u8; 4] = b"SGVR";
/// The version of the file.
const VERSION: u8 = 2;
/// A record of this version has the last statement alone.
const LAST_ALONE: u8 = 1;
/// How many statements are kept: those of 64 rounds.
const KEPT: usize = 3 * 64;

/// Why a share does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoteRefusal {
    /// It is of another height than the next one.
    #[error("it is of another height than the next one")]
    Height,
    /// The share said something else there or elsewhere that forbids it, or no longer knows what it said there.
    #[error("this share said something else there, or a vote that contradicts it")]
    Twice,
    /// The share is locked on another block.
    #[error("this share is locked on another block since round {0}")]
    Locked(u32),
    /// The proposal is missing, of another value, or not of whose turn it is.
    #[error("the proposal that it is for is missing, or not of the validator whose turn it is")]
    Claim,
    /// It needs a quorum of prevotes for its value, of its round or the round that it names.
    #[error("the quorum of prevotes that it rests on is missing")]
    Polka,
    /// The block breaks a rule, or is not known to obey them at this member's tip.
    #[error("its block is not valid at this member's tip")]
    Block,
    /// The time of the block is not that of this member's clock.
    #[error("the time of its block is more than ten seconds ahead of this member's clock")]
    Time,
    /// The group is no validator of this height, or it is not its turn.
    #[error("it is not the group's turn")]
    Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lock {
    round: u32,
    value: Hash,
}

/// The record of one share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteRecord {
    chain: ChainId,
    /// What it said at one height, by ascending positions.
    said: Vec<Statement>,
    /// Whether that is all of it.
    whole: bool,
    /// The last value that it precommitted at that height.
    lock: Option<Lock>,
}

/// A height, as a member sees it.
#[derive(Clone, Debug)]
pub struct VoteHeight {
    /// The height above the tip.
    pub height: Height,
    /// Its validators.
    pub set: ValidatorSet,
}

impl VoteRecord {
    /// The record of a share that said nothing on this chain.
    #[must_use]
    pub const fn new(chain: ChainId) -> Self {
        Self { chain, said: Vec::new(), whole: true, lock: None }
    }

    /// The last position at which it spoke.
    #[must_use]
    pub fn last(&self) -> Position {
        let start = Position { height: Height::GENESIS, round: 0, kind: 0 };
        self.said.last().map_or(start, Statement::position)
    }

    /// What it said at a position.
    fn said_at(&self, at: Position) -> Option<&Statement> {
        self.said.iter().find(|said| said.position() == at)
    }

    /// Whether it said this very thing.
    pub(super) fn has_said(&self, statement: &Statement) -> bool {
        self.said_at(statement.position()) == Some(statement)
    }

    /// Whether nothing was said at the position of a statement, and what was said elsewhere does not forbid it.
    fn is_open(&self, of: &Statement) -> bool {
        let (at, first) = (of.position(), self.said.first().map(Statement::position));
        let is_known = first.is_some_and(|first| at.height == first.height && (self.whole || at > first));
        let fits = match of {
            Statement::Proposal(_) => false,
            Statement::Vote(Vote { value: None, .. }) => true,
            Statement::Vote(Vote { kind: VoteKind::Prevote, .. }) => self.whole,
            Statement::Vote(vote) => self.whole && !self.said.iter().any(|said| is_against(said, vote)),
        };
        self.said_at(at).is_none() && (at > self.last() || is_known && fits)
    }

    /// What a member may vote at the position of a vote that it refuses: what it said there, or nothing.
    #[must_use]
    pub fn instead(&self, of: &Statement) -> Option<Statement> {
        let Statement::Vote(vote) = of else { return None };
        let nothing = Statement::Vote(Vote { value: None, ..*vote });
        let said = self.said_at(of.position()).copied();
        said.or_else(|| Some(nothing).filter(|nothing| self.is_open(nothing))).filter(|instead| instead != of)
    }

    /// The last value that it precommitted below a round of the height.
    fn lock_below(&self, height: Height, round: u32) -> Option<Lock> {
        let here = Some(self).filter(|_| self.last().height == height)?;
        let precommitted = here.said.iter().filter_map(|said| match said {
            Statement::Vote(Vote { kind: VoteKind::Precommit, round, value: Some(value), .. }) => {
                Some(Lock { round: *round, value: *value })
            }
            _ => None,
        });
        precommitted.chain(here.lock).filter(|lock| lock.round < round).max_by_key(|lock| lock.round)
    }

    /// Takes note that this is said; what it needs of the block's judgement is for the caller to know.
    ///
    /// # Errors
    /// [`VoteRefusal`]: then the share must not leave, and nothing changes.
    pub fn admit(&mut self, ballot: &Ballot, key: &PublicKey, at: &VoteHeight) -> Result<(), VoteRefusal> {
        let statement = &ballot.statement;
        if statement.height() != at.height {
            return Err(VoteRefusal::Height);
        }
        let us = at.set.index_of(key).ok_or(VoteRefusal::Turn)?;
        if self.has_said(statement) {
            return Ok(());
        }
        if !self.is_open(statement) {
            return Err(VoteRefusal::Twice);
        }
        let lock = self.lock.filter(|_| self.last().height == at.height);
        let next = match statement {
            Statement::Vote(Vote { value: None, .. }) => lock,
            Statement::Vote(Vote { kind: VoteKind::Precommit, round, value: Some(value), .. }) => {
                self.polka(ballot, at, |p| p == *round)?;
                let this = Lock { round: *round, value: *value };
                lock.filter(|lock| lock.round > *round).or(Some(this))
            }
            Statement::Vote(Vote { round, value: Some(value), .. }) => {
                self.check_claim(ballot, at, (*round, *value))?;
                let against = self.lock_below(at.height, *round).filter(|lock| lock.value != *value);
                if let Some(Lock { round: locked, .. }) = against {
                    self.polka(ballot, at, |p| (locked..*round).contains(&p))
                        .map_err(|_| VoteRefusal::Locked(locked))?;
                }
                lock
            }
            Statement::Proposal(claim) => {
                if at.set.proposer(&self.chain, at.height, claim.round) != us {
                    return Err(VoteRefusal::Turn);
                }
                if let Some(pol) = claim.pol_round {
                    self.polka(ballot, at, |p| p == pol && pol < claim.round)?;
                }
                lock
            }
        };
        self.note(*statement);
        self.lock = next;
        Ok(())
    }

    /// Keeps a statement in its place; of another height than the others, alone.
    fn note(&mut self, statement: Statement) {
        if self.last().height != statement.height() {
            (self.said, self.whole) = (Vec::new(), true);
        }
        let place = self.said.partition_point(|said| said.position() < statement.position());
        self.said.insert(place, statement);
        if self.said.len() > KEPT {
            self.said.remove(0);
            self.whole = false;
        }
    }

    /// A prevote is for a proposal of the validator whose turn it is.
    fn check_claim(
        &self,
        ballot: &Ballot,
        at: &VoteHeight,
        (round, value): (u32, Hash),
    ) -> Result<(), VoteRefusal> {
        let signed = ballot.claim.as_ref().ok_or(VoteRefusal::Claim)?;
        let turn = at.set.get(at.set.proposer(&self.chain, at.height, round)).map(|v| v.vote_key);
        let claim = &signed.claim;
        let fits = (claim.height, claim.round, claim.value) == (at.height, round, value)
            && Some(signed.proposer) == turn;
        if fits && signed.verifies(&self.chain) { Ok(()) } else { Err(VoteRefusal::Claim) }
    }

    /// The ballot has a quorum of prevotes for its value, of such a round.
    fn polka(
        &self,
        ballot: &Ballot,
        at: &VoteHeight,
        is_round: impl Fn(u32) -> bool,
    ) -> Result<(), VoteRefusal> {
        let polka = ballot.polka.as_ref().filter(|polka| is_round(polka.round)).ok_or(VoteRefusal::Polka)?;
        let holds = holds(&self.chain, at, polka, ballot.statement.value());
        if holds { Ok(()) } else { Err(VoteRefusal::Polka) }
    }

    /// The file.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut out = [&MAGIC[..], &[VERSION], self.chain.as_bytes()].concat();
        out.push(self.lock.is_some().into());
        let lock = self.lock.unwrap_or(Lock { round: 0, value: Hash::ZERO });
        lock.round.encode(&mut out);
        lock.value.encode(&mut out);
        out.push(self.whole.into());
        self.said.iter().for_each(|said| said.encode(&mut out));
        with_check(tag::GROUP_VOTES, &[], out)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Damage`] unless it is whole and of this chain.
    pub fn from_file(chain: &ChainId, bytes: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::GROUP_VOTES, &[], bytes)?);
        if r.take(4)? != MAGIC {
            return Err(Damage::Magic);
        }
        let version = r.u8()?;
        if ChainId::decode(&mut r)? != *chain {
            return Err(Damage::Misplaced);
        }
        let (flag, round, value) = (r.u8()?, r.u32()?, Hash::decode(&mut r)?);
        let lock = match flag {
            0 if (round, value) == (0, Hash::ZERO) => None,
            1 => Some(Lock { round, value }),
            _ => return Err(Damage::Misplaced),
        };
        let (most, whole) = match version {
            LAST_ALONE => (1, r.left() == 0),
            VERSION => match r.u8()? {
                whole @ (0 | 1) => (KEPT, whole == 1),
                _ => return Err(Damage::Misplaced),
            },
            found => return Err(DecodeError::Version { found }.into()),
        };
        let said = statements(&mut r, most)?;
        ends(&r).map(|()| Self { chain: *chain, said, whole, lock })
    }
}

/// Whether this is a prevote for another value in a round above that of a precommit.
fn is_against(said: &Statement, precommit: &Vote) -> bool {
    let Statement::Vote(vote) = said else { return false };
    let is_other = vote.value.is_some() && vote.value != precommit.value;
    vote.kind == VoteKind::Prevote && vote.round > precommit.round && is_other
}

/// Statements up to the end, at one height and ascending.
fn statements(r: &mut Reader<'_>, most: usize) -> Result<Vec<Statement>, Damage> {
    let mut said: Vec<Statement> = Vec::new();
    while r.left() > 0 && said.len() < most {
        let next = Statement::decode(r)?;
        let follows = |last: &Statement| last.height() == next.height() && last.position() < next.position();
        if !said.last().is_none_or(follows) {
            return Err(Damage::Misplaced);
        }
        said.push(next);
    }
    Ok(said)
}

/// Whether this is a quorum of prevotes for a value.
pub(super) fn holds(chain: &ChainId, at: &VoteHeight, polka: &Certificate, value: Option<Hash>) -> bool {
    let vote = Vote { kind: VoteKind::Prevote, height: at.height, round: polka.round, value };
    value.is_some() && polka.certifies(chain, &at.set, &vote)
}
