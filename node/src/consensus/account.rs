//! A validator's account of a height: what it voted for, and the quorums of prevotes ("polkas") that this
//! rests on. It shows an honest validator innocent that signed two certificates of one height.
//!
//! ```text
//! account  = height (8) ‖ vote key (32) ‖ n (2) ‖ own vote* ‖ m (2) ‖ polka* ‖ signature (64)
//! own vote = round (4) ‖ kind (1) ‖ header hash (32), ascending; votes for nothing are left out
//! polka    = round (4) ‖ header hash (32) ‖ signatures (mw) under prevotes, ascending
//! signed   = "sotto/account/v1" ‖ chain id ‖ all bytes before the signature
//!
//! lock at a vote    = round and value of the last own precommit before it
//! precommit v at r  needs  a polka for v at r                                          (L36)
//! prevote v at r    needs  no lock, or a lock on v, or a polka for v at p, lock ≤ p < r (L22, L28)
//! ```
//!
//! The signature says: up to the last of these votes I voted for nothing else, and rested on no more than this.
//! Without it, anybody could leave out a polka and so accuse an honest validator. A validator casts votes in
//! ascending order, so what it signs is true for ever, also if it votes on.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", algorithm 1, lines 22 to 43.
#![deny(clippy::indexing_slicing)]

use core::ops::Range;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    validators::{Signatures, ValidatorSet},
    votes::{Certificate, Vote, VoteKind},
};
use std::collections::BTreeMap;

const TAG: &[u8] = b"sotto/account/v1";

/// A round and a step of it.
pub type Step = (u32, VoteKind);

/// What a validator voted for at a height, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The height.
    pub height: Height,
    /// The vote key.
    pub voter: PublicKey,
    /// All own votes for a value, up to the last of them.
    pub votes: BTreeMap<Step, Hash>,
    /// Quorums of prevotes, each with its round and value.
    pub polkas: BTreeMap<(u32, Hash), Signatures>,
}

/// A vote that the rules forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// It precommitted in this round, without a quorum of prevotes.
    NoPolka {
        /// The round.
        round: u32,
    },
    /// It prevoted in this round against its lock, without a quorum of prevotes since.
    AgainstLock {
        /// The round.
        round: u32,
        /// The round in which it had precommitted to another value.
        locked: u32,
    },
}

impl Account {
    /// Most bytes of a signed account.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Whether it voted for one value after it had precommitted to another, in the same round or later. Only
    /// such a validator can be in two certificates, so only then is there something to account for.
    #[must_use]
    pub fn changed_its_mind(&self) -> bool {
        let precommits = self.votes.iter().filter(|((_, kind), _)| *kind == VoteKind::Precommit);
        let mut against = precommits.flat_map(|((locked, _), value)| {
            self.votes.range((*locked, VoteKind::Prevote)..).map(move |(_, other)| other != value)
        });
        against.any(|differs| differs)
    }

    /// The polkas that the votes need: each a value, and the rounds of which any will do.
    #[must_use]
    pub fn polkas_needed(&self) -> Vec<(Range<u32>, Hash)> {
        self.needs().map(|(_, rounds, value)| (rounds, value)).collect()
    }

    fn needs(&self) -> impl Iterator<Item = (Breach, Range<u32>, Hash)> {
        let mut lock: Option<(u32, Hash)> = None;
        self.votes.iter().filter_map(move |((round, kind), value)| match kind {
            VoteKind::Precommit => {
                lock = Some((*round, *value));
                Some((Breach::NoPolka { round: *round }, *round..round.saturating_add(1), *value))
            }
            VoteKind::Prevote => {
                let (locked, _) = lock.filter(|(_, held)| held != value)?;
                Some((Breach::AgainstLock { round: *round, locked }, locked..*round, *value))
            }
        })
    }

    /// The first vote that the rules forbid, if these polkas are all that there were.
    #[must_use]
    pub fn breach(&self) -> Option<Breach> {
        let shown = |rounds: Range<u32>, value| {
            self.polkas.keys().any(|(round, v)| *v == value && rounds.contains(round))
        };
        self.needs().find(|(_, rounds, value)| !shown(rounds.clone(), *value)).map(|(breach, ..)| breach)
    }

    /// The last own vote.
    #[must_use]
    pub fn last(&self) -> Option<Step> {
        self.votes.keys().next_back().copied()
    }

    fn message(&self, chain: &ChainId) -> Vec<u8> {
        [TAG, chain.as_bytes(), &self.to_bytes()].concat()
    }

    /// Signs it.
    #[must_use]
    pub fn sign(
        self,
        chain: &ChainId,
        vote_key: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> SignedAccount {
        let signature = sign(vote_key, &self.message(chain), rng);
        SignedAccount { account: self, signature }
    }
}

/// An account under the signature of its validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAccount {
    /// The account.
    pub account: Account,
    /// The signature.
    pub signature: Signature,
}

/// Why an account counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// It is of another height.
    #[error("it is of height {0}")]
    Height(Height),
    /// The key is of no validator of the height.
    #[error("its vote key is of no validator of that height")]
    Stranger,
    /// The signature is not of that key, over these bytes and this chain.
    #[error("its signature does not verify")]
    Signature,
    /// A polka is none: a signature does not verify, or they are no quorum.
    #[error("its prevotes of round {0} are no quorum of that height's validators")]
    Polka(u32),
}

impl SignedAccount {
    /// Checks it under the validators of a height; returns the place of its validator.
    ///
    /// # Errors
    /// [`AccountError`] for what does not hold.
    pub fn check(&self, chain: &ChainId, set: &ValidatorSet, height: Height) -> Result<usize, AccountError> {
        let account = &self.account;
        if account.height != height {
            return Err(AccountError::Height(account.height));
        }
        let place = set.index_of(&account.voter).ok_or(AccountError::Stranger)?;
        if !self.signature.verifies(&account.voter, &account.message(chain)) {
            return Err(AccountError::Signature);
        }
        for ((round, value), signatures) in &account.polkas {
            let vote = Vote { kind: VoteKind::Prevote, height, round: *round, value: Some(*value) };
            let polka = Certificate { round: *round, signatures: signatures.clone() };
            if !polka.certifies(chain, set, &vote) {
                return Err(AccountError::Polka(*round));
            }
        }
        Ok(place)
    }
}

impl Encode for Account {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.voter.encode(out);
        out.extend(u16::try_from(self.votes.len()).unwrap_or(u16::MAX).to_le_bytes());
        for ((round, kind), value) in &self.votes {
            round.encode(out);
            kind.encode(out);
            value.encode(out);
        }
        out.extend(u16::try_from(self.polkas.len()).unwrap_or(u16::MAX).to_le_bytes());
        for ((round, value), signatures) in &self.polkas {
            round.encode(out);
            value.encode(out);
            signatures.encode(out);
        }
    }
}

impl Decode for Account {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (height, voter) = (Height::decode(r)?, PublicKey::decode(r)?);
        let votes = ascending(r, |r| Ok(((r.u32()?, VoteKind::decode(r)?), Hash::decode(r)?)))?;
        let polkas = ascending(r, |r| Ok(((r.u32()?, Hash::decode(r)?), Signatures::decode(r)?)))?;
        Ok(Self { height, voter, votes, polkas })
    }
}

/// A map of which the keys ascend, after their number.
fn ascending<K: Ord + Copy, V>(
    r: &mut Reader<'_>,
    mut next: impl FnMut(&mut Reader<'_>) -> Result<(K, V), DecodeError>,
) -> Result<BTreeMap<K, V>, DecodeError> {
    let mut all = BTreeMap::new();
    for _ in 0..u16::from_le_bytes(r.array()?) {
        let (key, value) = next(r)?;
        if all.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(DecodeError::Invalid { what: "account: it is not in order" });
        }
        all.insert(key, value);
    }
    Ok(all)
}

impl Encode for SignedAccount {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedAccount {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { account: Account::decode(r)?, signature: Signature::decode(r)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::group::Point;

    const A: Hash = Hash::from_bytes([1; 32]);
    const B: Hash = Hash::from_bytes([2; 32]);
    use VoteKind::{Precommit, Prevote};

    fn account(votes: &[(u32, VoteKind, Hash)], polkas: &[(u32, Hash)]) -> Account {
        let none = || Signatures::new(4, Vec::new()).unwrap();
        Account {
            height: Height::new(1),
            voter: PublicKey::from_point(Point::g()),
            votes: votes.iter().map(|(round, kind, value)| ((*round, *kind), *value)).collect(),
            polkas: polkas.iter().map(|at| (*at, none())).collect(),
        }
    }

    /// Locked on A in round 2, a prevote for B in round 5 needs a polka for B of round 2, 3 or 4.
    #[test]
    fn a_prevote_against_a_lock_needs_a_polka_from_the_lock_on_and_before_its_round() {
        let votes = [(2, Precommit, A), (5, Prevote, B)];
        for (polka, allowed) in [(1, false), (2, true), (3, true), (4, true), (5, false), (6, false)] {
            let account = account(&votes, &[(2, A), (polka, B)]);
            let breach = (!allowed).then_some(Breach::AgainstLock { round: 5, locked: 2 });
            assert_eq!(account.breach(), breach, "polka of round {polka}");
        }
        let other = account(&votes, &[(2, A), (3, A), (4, A)]);
        assert!(other.breach().is_some(), "a polka for what is locked releases nothing");
    }

    #[test]
    fn a_precommit_needs_the_polka_of_its_round_and_moves_the_lock() {
        for (polka, allowed) in [(1, false), (2, true), (3, false)] {
            let account = account(&[(2, Precommit, A)], &[(polka, A)]);
            assert_eq!(account.breach(), (!allowed).then_some(Breach::NoPolka { round: 2 }));
        }
        let votes = [(0, Precommit, A), (1, Precommit, B), (2, Prevote, A)];
        let moved = account(&votes, &[(0, A), (1, B)]);
        assert_eq!(moved.breach(), Some(Breach::AgainstLock { round: 2, locked: 1 }));
        assert_eq!(account(&votes[..2], &[(0, A), (1, B)]).breach(), None, "a precommit needs no prevote");
    }

    #[test]
    fn without_a_lock_or_for_what_is_locked_nothing_is_needed() {
        let votes = [(0, Prevote, B), (1, Prevote, A), (1, Precommit, A), (2, Prevote, A)];
        let account = account(&votes, &[(1, A)]);
        assert_eq!((account.breach(), account.changed_its_mind()), (None, false));
    }

    #[test]
    fn a_vote_for_another_value_in_the_round_of_a_precommit_or_later_is_to_be_accounted_for() {
        for (round, kind, counts) in [
            (0, Precommit, true),
            (1, Prevote, false),
            (2, Prevote, true),
            (3, Prevote, true),
            (3, Precommit, true),
        ] {
            let account = account(&[(2, Precommit, A), (round, kind, B)], &[]);
            // A precommit before counts itself, since what follows differs from it.
            assert_eq!(account.changed_its_mind(), counts, "{round} {kind:?}");
        }
    }
}
