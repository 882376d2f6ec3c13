//! The guard of a vote key: what it signed last, so that it never signs two things at one place.
//!
//! ```text
//! votes    = "SVOT" ‖ version (1) ‖ chain id (32) ‖ installation (32) ‖ position ‖ hash (32) ‖ check (32)
//! position = height (8) ‖ round (4) ‖ kind (1): 0 proposal, 1 prevote, 2 precommit
//! hash     = H(tag, message that was signed)
//! allowed  ⇔ position > the last, or the very message that was the last
//! ```
//!
//! A validator signs in ascending order of positions, so one record is enough. Guaranteed, if the file was
//! written before the message left: no second message at one position, whatever becomes of the log. Not
//! guaranteed: anything against a copy of the whole machine, the file included.
#![deny(clippy::indexing_slicing)]

use crate::codec::{Damage, checked, ends, tag, with_check};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, Encode, Reader, VERSION},
    hash::{Hash, tagged},
    votes::{SignedProposal, SignedVote, VoteKind},
};

const MAGIC: &[u8; 4] = b"SVOT";

/// Where in a chain's life a message of a validator stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// The kind: 0 for a proposal, 1 for a prevote, 2 for a precommit.
    pub kind: u8,
}

impl Position {
    pub(crate) const fn of_vote(vote: &sotto_mw::votes::Vote) -> Self {
        Self { height: vote.height, round: vote.round, kind: kind(vote.kind) }
    }

    pub(crate) const fn of_proposal(claim: &sotto_mw::votes::ProposalClaim) -> Self {
        Self { height: claim.height, round: claim.round, kind: 0 }
    }
}

const fn kind(kind: VoteKind) -> u8 {
    match kind {
        VoteKind::Prevote => 1,
        VoteKind::Precommit => 2,
    }
}

/// What a vote key signed last: the content of the file `votes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    chain: ChainId,
    installation: Hash,
    last: Position,
    hash: Hash,
}

/// The guard refuses to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("something else was signed there, or later")]
pub(crate) struct Refused;

impl Votes {
    /// The record of a key of this chain that signed nothing yet, for the installation with this id.
    #[must_use]
    pub const fn new(chain: ChainId, installation: Hash) -> Self {
        let last = Position { height: Height::new(0), round: 0, kind: 0 };
        Self { chain, installation, last, hash: Hash::ZERO }
    }

    /// The position of the last message.
    #[must_use]
    pub const fn last(&self) -> Position {
        self.last
    }

    /// The id of the installation that may sign.
    #[must_use]
    pub const fn installation(&self) -> Hash {
        self.installation
    }

    /// The same record for another installation: what a person asks for who moved the key.
    #[must_use]
    pub const fn moved_to(self, installation: Hash) -> Self {
        Self { installation, ..self }
    }

    /// Takes note that this message is signed at this position.
    pub(crate) fn admit(&mut self, at: Position, message: &[u8]) -> Result<(), Refused> {
        let hash = message_hash(message);
        let again = (at, hash) == (self.last, self.hash);
        if at <= self.last && !again {
            return Err(Refused);
        }
        (self.last, self.hash) = (at, hash);
        Ok(())
    }

    /// Whether this is the message that was signed last.
    pub(super) fn names(&self, at: Position, message: &[u8]) -> bool {
        (at, message_hash(message)) == (self.last, self.hash)
    }

    /// The file.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut out = [&MAGIC[..], &[VERSION], self.chain.as_bytes(), self.installation.as_bytes()].concat();
        self.last.height.encode(&mut out);
        self.last.round.encode(&mut out);
        out.push(self.last.kind);
        self.hash.encode(&mut out);
        with_check(tag::VOTES, &[], out)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Damage`] unless it is whole and of this chain.
    pub fn from_file(chain: &ChainId, bytes: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::VOTES, &[], bytes)?);
        if r.take(4)? != MAGIC {
            return Err(Damage::Magic);
        }
        r.version()?;
        if ChainId::decode(&mut r)? != *chain {
            return Err(Damage::Misplaced);
        }
        let installation = Hash::decode(&mut r)?;
        let last = Position { height: Height::decode(&mut r)?, round: r.u32()?, kind: r.u8()? };
        let votes = Self { chain: *chain, installation, last, hash: Hash::decode(&mut r)? };
        ends(&r).map(|()| votes)
    }
}

fn message_hash(message: &[u8]) -> Hash {
    tagged(tag::VOTED, &[message])
}

/// A message of a validator, with its position.
pub(super) trait Positioned {
    fn position(&self) -> Position;
    fn message(&self, chain: &ChainId) -> Vec<u8>;
}

impl Positioned for SignedVote {
    fn position(&self) -> Position {
        Position::of_vote(&self.vote)
    }

    fn message(&self, chain: &ChainId) -> Vec<u8> {
        self.vote.message(chain)
    }
}

impl Positioned for SignedProposal {
    fn position(&self) -> Position {
        Position::of_proposal(&self.claim)
    }

    fn message(&self, chain: &ChainId) -> Vec<u8> {
        self.claim.message(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(height: u64, round: u32, kind: u8) -> Position {
        Position { height: Height::new(height), round, kind }
    }

    #[test]
    fn nothing_is_signed_at_or_below_the_last_position_except_the_same_again() {
        let mut votes = Votes::new(ChainId::from_bytes([7; 32]), Hash::from_bytes([1; 32]));
        assert_eq!(votes.admit(at(5, 2, 1), b"a"), Ok(()));
        assert_eq!(votes.admit(at(5, 2, 1), b"a"), Ok(()), "the same");
        assert_eq!(votes.admit(at(5, 2, 1), b"b"), Err(Refused), "another at the same position");
        for below in [at(5, 2, 0), at(5, 1, 2), at(4, 9, 2)] {
            assert_eq!(votes.admit(below, b"a"), Err(Refused), "{below:?}");
        }
        for above in [at(5, 2, 2), at(5, 3, 0), at(6, 0, 0)] {
            assert_eq!(votes.clone().admit(above, b"b"), Ok(()), "{above:?}");
        }
    }

    #[test]
    fn a_file_with_a_flipped_bit_or_of_another_chain_does_not_read() {
        let chain = ChainId::from_bytes([7; 32]);
        let mut votes = Votes::new(chain, Hash::from_bytes([1; 32]));
        votes.admit(at(5, 2, 1), b"a").unwrap();
        let file = votes.to_file();
        assert_eq!(Votes::from_file(&chain, &file), Ok(votes));
        for i in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[i / 8] ^= 1 << (i % 8);
            assert!(Votes::from_file(&chain, &flipped).is_err(), "bit {i}");
        }
        assert_eq!(Votes::from_file(&ChainId::from_bytes([8; 32]), &file), Err(Damage::Misplaced));
    }
}
