//! What a member's share of a validator's vote key has said, and what it may say next: the rules of a validator,
//! kept by every member of a group that is one.
//!
//! ```text
//! record = "SGVR" ‖ version (1) ‖ chain id (32) ‖ flag (1) ‖ lock round (4) ‖ value (32) ‖ last statement? ‖ check (32)
//! last   = 0 ‖ vote (mw) | 1 ‖ claim (mw); nothing if the share said nothing yet
//!
//! any statement      at the height above the tip; above the last position, or the very message that was last
//! prevote v at r     v was judged valid and proposed by whose turn it is; unlocked, locked on v, or a polka for v
//!                    of a round p with lock ≤ p < r                                                  (L22, L28)
//! precommit v at r   a polka for v of round r; then locked on v in r                                 (L36)
//! proposal v at r    v was judged valid, it is our turn in r; a polka for v of the POL round, if one is named
//! prevote, precommit for nothing                                                                     (always)
//! ```
//!
//! Two sets of t members share 2t − n > 0 of them. So two statements at one position, or a prevote against a lock of
//! the validator, take 2t − n members who break this. A member is bound when its share leaves: it may be locked
//! where the validator is not, since other shares were missing. A polka for that value exists all the same, so the
//! other validators get to know it, and no height ends in such a lock that would not end otherwise.
//!
//! Guaranteed, if the record is durable before the share leaves. Not guaranteed: anything against an old record that is
//! put back in its place.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", algorithm 1.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{Damage, checked, ends, tag, with_check},
    consensus::{Ballot, Position, Statement, Votes},
};
use core::cmp::Ordering;
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, Encode, Reader, VERSION},
    hash::Hash,
    schnorr::PublicKey,
    validators::ValidatorSet,
    votes::{Certificate, Vote, VoteKind},
};

const MAGIC: &[u8; 4] = b"SGVR";

/// Why a share does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoteRefusal {
    /// It is of another height than the next one.
    #[error("it is of another height than the next one")]
    Height,
    /// The share said something else there, or later.
    #[error("this share said something else there, or later")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteRecord {
    chain: ChainId,
    votes: Votes,
    said: Option<Statement>,
    /// Of the height of the last position.
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
        Self { chain, votes: Votes::new(chain, Hash::ZERO), said: None, lock: None }
    }

    /// Where it spoke last.
    #[must_use]
    pub const fn last(&self) -> Position {
        self.votes.last()
    }

    /// What a member may sign in place of a statement that it refuses: what it said there or later, or a vote for
    /// nothing.
    #[must_use]
    pub fn instead(&self, of: &Statement) -> Option<Statement> {
        let nothing = |vote: &Vote| Statement::Vote(Vote { value: None, ..*vote });
        match (self.last().cmp(&of.position()), of) {
            (Ordering::Equal | Ordering::Greater, _) => self.said,
            (Ordering::Less, Statement::Vote(vote)) => Some(nothing(vote)),
            _ => None,
        }
        .filter(|instead| instead != of)
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
        let mut votes = self.votes;
        let message = statement.message(&self.chain);
        votes.admit(statement.position(), &message).map_err(|_| VoteRefusal::Twice)?;
        let lock = self.lock.filter(|_| self.last().height == at.height);
        let next = match statement {
            Statement::Vote(Vote { value: None, .. }) => lock,
            Statement::Vote(Vote { kind: VoteKind::Precommit, round, value: Some(value), .. }) => {
                self.polka(ballot, at, |p| p == *round)?;
                Some(Lock { round: *round, value: *value })
            }
            Statement::Vote(Vote { round, value: Some(value), .. }) => {
                self.check_claim(ballot, at, (*round, *value))?;
                let against = lock.filter(|lock| lock.value != *value);
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
        (self.votes, self.said, self.lock) = (votes, Some(*statement), next);
        Ok(())
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
        r.version()?;
        if ChainId::decode(&mut r)? != *chain {
            return Err(Damage::Misplaced);
        }
        let (flag, round, value) = (r.u8()?, r.u32()?, Hash::decode(&mut r)?);
        let lock = match flag {
            0 if (round, value) == (0, Hash::ZERO) => None,
            1 => Some(Lock { round, value }),
            _ => return Err(Damage::Misplaced),
        };
        let mut record = Self { lock, ..Self::new(*chain) };
        if r.left() > 0 {
            let said = Statement::decode(&mut r)?;
            record.said = Some(said);
            record.votes.admit(said.position(), &said.message(chain)).map_err(|_| Damage::Misplaced)?;
        }
        ends(&r).map(|()| record)
    }
}

/// Whether this is a quorum of prevotes for a value.
pub(super) fn holds(chain: &ChainId, at: &VoteHeight, polka: &Certificate, value: Option<Hash>) -> bool {
    let vote = Vote { kind: VoteKind::Prevote, height: at.height, round: polka.round, value };
    value.is_some() && polka.certifies(chain, &at.set, &vote)
}
