//! The table before the core: what was received at one height, verified, and each message once.
//!
//! ```text
//! position empty                      signature verified ─▶ taken, sent on to those who lack it
//! position holds the same             known; no signature is verified
//! position holds another              signature verified ─▶ evidence, once; not taken
//! position holds another, twice       dropped
//! ```
//!
//! So a table holds at most one proposal a round and one vote of each kind a round and validator, however
//! much a validator signs. How far ahead a round may be is for the caller to say.

use super::{
    account::Account,
    evidence::Evidence,
    guard::Positioned,
    message::{Held, Message, RoundCertificate, RoundReason},
};
use core::time::Duration;
use sotto_mw::{
    amount::Height,
    batch::verify_signatures,
    chain::ChainId,
    hash::Hash,
    schnorr::{PublicKey, Signature, SignedMessage},
    validators::{LinkKey, Signatures, Signers, ValidatorSet},
    votes::{Certificate, ProposalClaim, SignedProposal, SignedVote, Vote, VoteKind},
};
use std::collections::{BTreeMap, BTreeSet};

/// A "have" is answered so often.
const ANSWER_EVERY: Duration = Duration::from_secs(1);

/// A signature does not verify, or a message cannot be of an honest validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// What became of a message that may be honest.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once")]
pub(super) enum Taken {
    /// It is new. Those at these places may not have it yet.
    New(Vec<LinkKey>),
    /// It is of no use.
    Known,
    /// Its author said something else before.
    Evidence(Evidence),
}

struct Seen<T> {
    message: T,
    /// The clock when it arrived.
    clock: u64,
    /// Places of those who have it, as a bitmap.
    holders: u128,
    twice: bool,
}

impl<T> Seen<T> {
    const fn new(message: T, holders: u128, clock: u64) -> Self {
        Self { message, clock, holders, twice: false }
    }
}

struct Row {
    proposal: Option<Seen<SignedProposal>>,
    prevotes: Vec<Option<Seen<SignedVote>>>,
    precommits: Vec<Option<Seen<SignedVote>>>,
}

impl Row {
    fn new(n: usize) -> Self {
        let empty = || (0..n).map(|_| None).collect();
        Self { proposal: None, prevotes: empty(), precommits: empty() }
    }

    const fn votes(&self, kind: VoteKind) -> &Vec<Option<Seen<SignedVote>>> {
        match kind {
            VoteKind::Prevote => &self.prevotes,
            VoteKind::Precommit => &self.precommits,
        }
    }

    const fn votes_mut(&mut self, kind: VoteKind) -> &mut Vec<Option<Seen<SignedVote>>> {
        match kind {
            VoteKind::Prevote => &mut self.prevotes,
            VoteKind::Precommit => &mut self.precommits,
        }
    }
}

/// What was heard at one height.
pub(super) struct Table {
    chain: ChainId,
    height: Height,
    set: ValidatorSet,
    me: Option<usize>,
    rows: BTreeMap<u32, Row>,
    polkas: BTreeMap<(u32, Hash), Certificate>,
    entries: BTreeMap<(u32, RoundReason), RoundCertificate>,
    /// The highest round in which more than a third of the power voted.
    round: u32,
    answered: BTreeMap<(usize, u32, Held), Duration>,
}

impl Table {
    pub(super) fn new(chain: ChainId, height: Height, set: ValidatorSet, me: &PublicKey) -> Self {
        let me = set.index_of(me);
        let (rows, polkas, entries, answered) = Default::default();
        Self { chain, height, set, me, rows, polkas, entries, round: 0, answered }
    }

    pub(super) const fn set(&self) -> &ValidatorSet {
        &self.set
    }

    pub(super) const fn height(&self) -> Height {
        self.height
    }

    pub(super) fn place_of(&self, link: &LinkKey) -> Option<usize> {
        self.set.all().iter().position(|v| v.link_key == *link)
    }

    pub(super) fn link_of(&self, key: &PublicKey) -> Option<LinkKey> {
        self.set.get(self.set.index_of(key)?).map(|v| v.link_key)
    }

    pub(super) const fn round(&self) -> u32 {
        self.round
    }

    /// All other validators.
    pub(super) fn others(&self) -> Vec<LinkKey> {
        self.without(0)
    }

    fn without(&self, holders: u128) -> Vec<LinkKey> {
        let wanted = |(i, _): &(usize, _)| Some(*i) != self.me && holders >> i & 1 == 0;
        self.set.all().iter().enumerate().filter(wanted).map(|(_, v)| v.link_key).collect()
    }

    fn row(&mut self, round: u32) -> &mut Row {
        let n = self.set.count();
        self.rows.entry(round).or_insert_with(|| Row::new(n))
    }

    /// Takes a claim, which must be of the validator whose turn it is.
    pub(super) fn take_claim(
        &mut self,
        from: Option<usize>,
        (claim, clock): (ProposalClaim, u64),
        signature: Signature,
    ) -> Result<Taken, Forged> {
        if claim.pol_round.is_some_and(|pol| pol >= claim.round) {
            return Err(Forged);
        }
        let turn = self.set.proposer(&self.chain, self.height, claim.round);
        let proposer = self.set.get(turn).ok_or(Forged)?.vote_key;
        let new = SignedProposal { claim, proposer, signature };
        let (chain, known) = (self.chain, bit(from) | bit(Some(turn)));
        let put = put(
            &mut self.row(claim.round).proposal,
            Seen::new(new, known, clock),
            |p| p.verifies(&chain),
            &chain,
        )?;
        Ok(match put {
            Put::New => Taken::New(self.without(known)),
            Put::Known => Taken::Known,
            Put::Twice(a, b) => Taken::Evidence(Evidence::proposals(a, b)),
        })
    }

    pub(super) fn take_vote(
        &mut self,
        from: Option<usize>,
        vote: Vote,
        place: usize,
        signature: Signature,
    ) -> Result<Taken, Forged> {
        let voter = self.set.get(place).ok_or(Forged)?.vote_key;
        let (new, chain) = (SignedVote { vote, voter, signature }, self.chain);
        let known = bit(from) | bit(Some(place));
        let slot = self.row(vote.round).votes_mut(vote.kind).get_mut(place).ok_or(Forged)?;
        let put = put(slot, Seen::new(new, known, 0), |v| v.verifies(&chain), &chain)?;
        Ok(match put {
            Put::New => {
                self.advance(vote.round);
                Taken::New(self.without(known))
            }
            Put::Known => Taken::Known,
            Put::Twice(a, b) => Taken::Evidence(Evidence::votes(a, b)),
        })
    }

    fn advance(&mut self, round: u32) {
        if round > self.round && self.set.has_honest(self.power_of_voters(round)) {
            self.round = round;
        }
    }

    /// Takes a certificate of prevotes: the first of its round and value.
    pub(super) fn take_polka(&mut self, value: Hash, certificate: &Certificate) -> Result<Taken, Forged> {
        let key = (certificate.round, value);
        if self.polkas.contains_key(&key) {
            return Ok(Taken::Known);
        }
        let (kind, height, round) = (VoteKind::Prevote, self.height, certificate.round);
        let vote = Vote { kind, height, round, value: Some(value) };
        if !certificate.certifies(&self.chain, &self.set, &vote) {
            return Err(Forged);
        }
        let again = certificate.signatures.by_place().find_map(|(i, s)| self.contradicts(vote, i, *s));
        self.polkas.insert(key, certificate.clone());
        Ok(again.map_or(Taken::New(Vec::new()), Taken::Evidence))
    }

    /// Takes a round certificate: the first of its round and reason.
    pub(super) fn take_round(&mut self, certificate: &RoundCertificate) -> Result<Taken, Forged> {
        let key = (certificate.round, certificate.reason);
        if self.entries.contains_key(&key) {
            return Ok(Taken::Known);
        }
        let (mut power, mut signed) = (0, Vec::new());
        let (height, round) = (self.height, certificate.round);
        for v in certificate.votes() {
            let voter = self.set.get(v.place.into()).ok_or(Forged)?;
            let vote = Vote { kind: v.kind, height, round, value: v.value };
            if certificate.reason == RoundReason::Precommits && v.kind != VoteKind::Precommit {
                return Err(Forged);
            }
            power += u64::from(voter.power.get());
            signed.push(SignedMessage::new(voter.vote_key, vote.message(&self.chain), v.signature));
        }
        let enough = match certificate.reason {
            RoundReason::Votes => self.set.has_honest(power),
            RoundReason::Precommits => self.set.has_quorum(power),
        };
        if !enough || verify_signatures(&signed).is_err() {
            return Err(Forged);
        }
        let again = certificate.votes().iter().find_map(|v| {
            let vote = Vote { kind: v.kind, height, round, value: v.value };
            self.contradicts(vote, v.place.into(), v.signature)
        });
        self.entries.insert(key, certificate.clone());
        Ok(again.map_or(Taken::New(Vec::new()), Taken::Evidence))
    }

    /// Evidence, if a vote of a certificate that holds contradicts the one that was taken.
    fn contradicts(&mut self, vote: Vote, place: usize, signature: Signature) -> Option<Evidence> {
        let voter = self.set.get(place)?.vote_key;
        let row = self.rows.get_mut(&vote.round)?;
        let seen = row.votes_mut(vote.kind).get_mut(place)?.as_mut()?;
        if seen.twice || seen.message.vote == vote {
            return None;
        }
        seen.twice = true;
        Some(Evidence::votes(seen.message.clone(), SignedVote { vote, voter, signature }))
    }

    fn power_at(&self, place: usize) -> u64 {
        self.set.get(place).map_or(0, |v| v.power.get().into())
    }

    fn power_of_voters(&self, round: u32) -> u64 {
        let Some(row) = self.rows.get(&round) else { return 0 };
        let voted = |i: &usize| {
            [&row.prevotes, &row.precommits].iter().any(|v| v.get(*i).is_some_and(Option::is_some))
        };
        (0..self.set.count()).filter(voted).map(|i| self.power_at(i)).sum()
    }

    fn power_for(&self, row: &Row, kind: VoteKind, value: Hash) -> u64 {
        let votes = row.votes(kind).iter().enumerate();
        let agrees = |seen: &Option<Seen<SignedVote>>| {
            seen.as_ref().is_some_and(|s| s.message.vote.value == Some(value))
        };
        votes.filter(|(_, seen)| agrees(seen)).map(|(i, _)| self.power_at(i)).sum()
    }

    /// Whether a quorum prevoted or precommitted this value in some round: an honest validator found its time
    /// right.
    pub(super) fn is_backed(&self, value: Hash) -> bool {
        let quorum = |row: &Row, kind| self.set.has_quorum(self.power_for(row, kind, value));
        self.polkas.keys().any(|(_, v)| *v == value)
            || self
                .rows
                .values()
                .any(|row| quorum(row, VoteKind::Prevote) || quorum(row, VoteKind::Precommit))
    }

    /// Whether what was heard shows that the height has begun: the proposal of round 0, or messages of more
    /// than a third of the power.
    pub(super) fn has_begun(&self) -> bool {
        let spoke = |i: &usize| {
            self.rows.values().any(|row| {
                [&row.prevotes, &row.precommits].iter().any(|v| v.get(*i).is_some_and(Option::is_some))
            })
        };
        let power = (0..self.set.count()).filter(spoke).map(|i| self.power_at(i)).sum();
        self.rows.get(&0).is_some_and(|row| row.proposal.is_some()) || self.set.has_honest(power)
    }

    /// The claims that were taken, each with the clock when it arrived.
    pub(super) fn claims(&self) -> impl Iterator<Item = (&SignedProposal, u64)> {
        self.rows.values().filter_map(|row| row.proposal.as_ref()).map(|seen| (&seen.message, seen.clock))
    }

    /// The votes that were taken.
    pub(super) fn votes(&self) -> impl Iterator<Item = &SignedVote> {
        let all = self.rows.values().flat_map(|row| row.prevotes.iter().chain(&row.precommits));
        all.flatten().map(|seen| &seen.message)
    }

    /// The certificates of prevotes that were taken.
    pub(super) fn polkas(&self) -> impl Iterator<Item = (Hash, &Certificate)> {
        self.polkas.iter().map(|((_, value), certificate)| (*value, certificate))
    }

    /// The last round certificate that was taken.
    pub(super) fn last_entry(&self) -> Option<&RoundCertificate> {
        self.entries.values().next_back()
    }

    /// Who said what is held here.
    pub(super) fn holders(&self, round: u32, held: Held) -> Option<Signers> {
        let row = self.rows.get(&round);
        let places: Vec<usize> = match held {
            Held::Proposal => {
                let turn = self.set.proposer(&self.chain, self.height, round);
                row.and_then(|r| r.proposal.as_ref()).map(|_| turn).into_iter().collect()
            }
            Held::Votes(kind) => {
                let votes = row.map(|r| r.votes(kind).iter().enumerate());
                votes.into_iter().flatten().filter(|(_, v)| v.is_some()).map(|(i, _)| i).collect()
            }
        };
        Signers::new(self.set.count(), places)
    }

    /// What the validator at `from` lacks, who says that it holds this.
    pub(super) fn missing(
        &mut self,
        now: Duration,
        from: usize,
        round: u32,
        have: (Held, Signers),
    ) -> Vec<Message> {
        let (held, theirs) = have;
        let Some(row) = self.rows.get(&round) else { return Vec::new() };
        let lacks = |i: usize| !theirs.contains(i);
        let missing: Vec<Message> = match held {
            Held::Proposal if theirs.count() == 0 => {
                let proposal = row.proposal.as_ref().map(|seen| claim_message(&seen.message));
                let pol = row
                    .proposal
                    .as_ref()
                    .and_then(|seen| Some((seen.message.claim.pol_round?, seen.message.claim.value)));
                let polka = pol.and_then(|(round, value)| self.polka(round, value).map(|p| (value, p)));
                let message =
                    |(value, certificate)| Message::Polka { height: self.height, value, certificate };
                polka.map(message).into_iter().chain(proposal).collect()
            }
            Held::Proposal => Vec::new(),
            Held::Votes(kind) => {
                let votes = row.votes(kind).iter().enumerate().filter(|(i, _)| lacks(*i));
                votes.filter_map(|(i, seen)| vote_message(&seen.as_ref()?.message, i)).collect()
            }
        };
        let last = self.answered.get(&(from, round, held));
        if missing.is_empty() || last.is_some_and(|at| now < *at + ANSWER_EVERY) {
            return Vec::new();
        }
        self.answered.insert((from, round, held), now);
        missing
    }

    /// This validator's own place.
    pub(super) const fn me(&self) -> Option<usize> {
        self.me
    }

    /// This validator's own vote, if it was signed.
    pub(super) fn own_vote(&self, round: u32, kind: VoteKind) -> Option<&SignedVote> {
        let seen = self.rows.get(&round)?.votes(kind).get(self.me?)?.as_ref()?;
        Some(&seen.message)
    }

    /// The proposal of a round.
    pub(super) fn claim(&self, round: u32) -> Option<&SignedProposal> {
        Some(&self.rows.get(&round)?.proposal.as_ref()?.message)
    }

    /// A quorum of prevotes for a value, of the highest such round up to `round`.
    pub(super) fn last_polka(&self, round: u32, value: Hash) -> Option<Certificate> {
        let of_rows = self.rows.keys().copied();
        let rounds: BTreeSet<u32> = of_rows.chain(self.polkas.keys().map(|(round, _)| *round)).collect();
        rounds.range(..=round).rev().find_map(|round| self.polka(*round, value))
    }

    /// A quorum of prevotes for a value, whichever messages brought them.
    pub(super) fn polka(&self, round: u32, value: Hash) -> Option<Certificate> {
        if let Some(certificate) = self.polkas.get(&(round, value)) {
            return Some(certificate.clone());
        }
        let (kind, height) = (VoteKind::Prevote, self.height);
        let vote = Vote { kind, height, round, value: Some(value) };
        let of_entries = self.entries.range((round, RoundReason::Votes)..=(round, RoundReason::Precommits));
        let entered = of_entries.flat_map(|(_, certificate)| certificate.votes());
        let entered = entered.filter(|v| (v.kind, v.value) == (kind, vote.value));
        let mut signed: BTreeMap<usize, Signature> = entered.map(|v| (v.place.into(), v.signature)).collect();
        let row = self.rows.get(&round).into_iter().flat_map(|row| row.prevotes.iter().enumerate());
        let heard = row.filter_map(|(i, seen)| Some((i, &seen.as_ref()?.message)));
        signed.extend(heard.filter(|(_, v)| v.vote == vote).map(|(i, v)| (i, v.signature)));
        let signatures = Signatures::new(self.set.count(), signed.into_iter().collect())?;
        let power = signatures.signers().power(&self.set)?;
        self.set.has_quorum(power).then_some(Certificate { round, signatures })
    }

    /// What this validator voted for, with the polkas that it rests on, if it voted against what it had
    /// precommitted to.
    pub(super) fn account(&self) -> Option<Account> {
        let (me, height) = (self.me?, self.height);
        let mut votes = BTreeMap::new();
        for (round, row) in &self.rows {
            for kind in [VoteKind::Prevote, VoteKind::Precommit] {
                let own = row.votes(kind).get(me)?.as_ref().and_then(|seen| seen.message.vote.value);
                votes.extend(own.map(|value| ((*round, kind), value)));
            }
        }
        let voter = self.set.get(me)?.vote_key;
        let mut account = Account { height, voter, votes, polkas: BTreeMap::new() };
        if !account.changed_its_mind() {
            return None;
        }
        let needed = account.polkas_needed();
        let polka = |(rounds, value): (core::ops::Range<u32>, Hash)| {
            let found = rounds.rev().find_map(|round| self.polka(round, value))?;
            Some(((found.round, value), found.signatures))
        };
        account.polkas = needed.into_iter().filter_map(polka).collect();
        Some(account)
    }
}

/// The message that carries a claim.
pub(super) const fn claim_message(proposal: &SignedProposal) -> Message {
    Message::Proposal { claim: proposal.claim, signature: proposal.signature }
}

/// The message that carries the vote of the validator at this place.
pub(super) fn vote_message(vote: &SignedVote, place: usize) -> Option<Message> {
    let place = u8::try_from(place).ok()?;
    Some(Message::Vote { vote: vote.vote, place, signature: vote.signature })
}

fn bit(place: Option<usize>) -> u128 {
    place.and_then(|i| 1u128.checked_shl(u32::try_from(i).ok()?)).unwrap_or(0)
}

#[allow(clippy::large_enum_variant, reason = "moved once")]
enum Put<T> {
    New,
    Known,
    Twice(T, T),
}

fn put<T: Positioned + Clone>(
    slot: &mut Option<Seen<T>>,
    new: Seen<T>,
    verifies: impl FnOnce(&T) -> bool,
    chain: &ChainId,
) -> Result<Put<T>, Forged> {
    if let Some(seen) = slot {
        if seen.message.message(chain) == new.message.message(chain) {
            seen.holders |= new.holders;
            return Ok(Put::Known);
        }
        if seen.twice {
            return Ok(Put::Known);
        }
    }
    if !verifies(&new.message) {
        return Err(Forged);
    }
    Ok(match slot {
        Some(seen) => {
            seen.twice = true;
            Put::Twice(seen.message.clone(), new.message)
        }
        None => {
            *slot = Some(new);
            Put::New
        }
    })
}
