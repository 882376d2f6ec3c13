//! What a group is asked to sign that has the vote key, one statement after the other.
//!
//! ```text
//! the core votes ─▶ queue ─▶ Effect::Sign ─▶ the group ─▶ Event::Answered ─▶ the table, and all others
//!                                                 │ something else, or it is too late
//!                                                 └─▶ another core goes on, with what the table has
//! ```
//!
//! The core is told that its votes are signed at once, by a signature that never leaves: what it shows of its own
//! votes, alone or in certificates, is replaced by what the table has, which was verified. What was not signed is
//! taken back by another core, since a vote that nobody saw must count for nothing: a quorum of which it was a part
//! would lock this validator on a value of which no other ever learns.

use super::{
    ballot::Statement,
    core::{Signer, ToSign},
    event::Effect,
    guard::Position,
    message::{RoundCertificate, RoundReason},
    table::Table,
};
use rand_core::CryptoRngCore;
use sotto_mw::{
    hash::Hash,
    schnorr::{Signature, sign},
    secret::SecretScalar,
    validators::Signatures,
    votes::{Certificate, VoteKind},
};
use std::collections::BTreeMap;

/// Signs for the core what the group has not signed yet.
pub(super) struct Unsigned<'a>(pub(super) &'a mut dyn CryptoRngCore);

impl Signer for Unsigned<'_> {
    fn sign(&mut self, _: ToSign<'_>) -> Option<Signature> {
        let nobody = SecretScalar::random(&mut self.0);
        Some(sign(&nobody, b"not signed yet", &mut self.0))
    }
}

/// The statements of one height.
#[derive(Debug, Default)]
pub(super) struct Signing {
    /// By position: the core may say a later one before an earlier one, which rests on it.
    queue: BTreeMap<Position, Statement>,
    /// What the group was asked for last.
    asked: Option<Statement>,
    /// Whether what was asked for is not what the core said.
    differs: bool,
    /// A decision whose certificate lacks our own signature.
    decided: Option<(Hash, Certificate)>,
}

impl Signing {
    /// The group is to sign this.
    pub(super) fn want(&mut self, statement: Statement) {
        if self.asked != Some(statement) {
            self.queue.insert(statement.position(), statement);
        }
    }

    /// What to ask for now. The lowest position comes first.
    pub(super) fn next(&mut self, table: &Table) -> Option<Effect> {
        if self.asked.is_some() {
            return None;
        }
        let (_, statement) = self.queue.pop_first()?;
        let (claim, polka) = match statement {
            Statement::Proposal(claim) => {
                (None, claim.pol_round.and_then(|round| table.polka(round, claim.value)))
            }
            Statement::Vote(vote) => match (vote.kind, vote.value) {
                (_, None) => (None, None),
                (VoteKind::Prevote, Some(value)) => {
                    (table.claim(vote.round).cloned(), table.last_polka(vote.round, value))
                }
                (VoteKind::Precommit, Some(value)) => (None, table.polka(vote.round, value)),
            },
        };
        self.asked = Some(statement);
        Some(Effect::Sign { statement, claim, polka })
    }

    /// Whether this answers what was asked.
    pub(super) fn answered(&mut self, statement: &Statement) -> bool {
        self.asked.take_if(|asked| asked == statement).is_some()
    }

    /// The group is to sign this next, in place of what the core said.
    pub(super) fn want_instead(&mut self, statement: Statement) {
        self.differs = true;
        self.queue.insert(statement.position(), statement);
    }

    /// The group is to sign this once more.
    pub(super) fn want_again(&mut self, statement: Statement) {
        self.queue.insert(statement.position(), statement);
    }

    /// Whether what was signed just now is not what the core said.
    pub(super) const fn differs(&self) -> bool {
        self.differs
    }

    /// Nothing more is wanted of what the core said so far.
    pub(super) fn give_up(&mut self) {
        self.queue.clear();
        (self.differs, self.decided) = (false, None);
    }

    /// Keeps a decision until its certificate holds.
    pub(super) fn decide(&mut self, value: Hash, certificate: Certificate) {
        self.decided = Some((value, certificate));
    }

    /// The decision, once its certificate holds.
    pub(super) fn decided(&mut self, table: &Table) -> Option<(Hash, Certificate)> {
        let (value, certificate) = self.decided.as_ref()?;
        let (value, whole) = (*value, signed(table, VoteKind::Precommit, *value, certificate)?);
        self.decided = None;
        Some((value, whole))
    }

    /// Whether a decision waits.
    pub(super) const fn has_decided(&self) -> bool {
        self.decided.is_some()
    }
}

/// A certificate of the core with our own signature as the group made it, or without it; `None` if it is no quorum then.
pub(super) fn signed(
    table: &Table,
    kind: VoteKind,
    value: Hash,
    certificate: &Certificate,
) -> Option<Certificate> {
    let (me, round) = (table.me(), certificate.round);
    let own =
        table.own_vote(round, kind).filter(|own| own.vote.value == Some(value)).map(|own| own.signature);
    let real = |(place, signature): (usize, &Signature)| {
        if Some(place) == me { own.map(|own| (place, own)) } else { Some((place, *signature)) }
    };
    let signatures = certificate.signatures.by_place().filter_map(real).collect();
    let signatures = Signatures::new(table.set().count(), signatures)?;
    let power = signatures.signers().power(table.set())?;
    table.set().has_quorum(power).then_some(Certificate { round, signatures })
}

/// The last round that has begun by what the table has: more than a third of the power voted in it, or a quorum precommitted
/// in the one before.
pub(super) fn begun(table: &Table) -> u32 {
    let mut precommitted: BTreeMap<u32, u64> = BTreeMap::new();
    for signed in table.votes().filter(|signed| signed.vote.kind == VoteKind::Precommit) {
        let voter = table.set().index_of(&signed.voter).and_then(|place| table.set().get(place));
        *precommitted.entry(signed.vote.round).or_default() += voter.map_or(0, |v| u64::from(v.power.get()));
    }
    let left = precommitted.into_iter().filter(|(_, power)| table.set().has_quorum(*power));
    let left = left.map(|(round, _)| round.saturating_add(1));
    let further = |reason| u32::from(reason == RoundReason::Precommits);
    let shown = table.last_entry().map(|entry| entry.round.saturating_add(further(entry.reason)));
    left.chain(shown).fold(table.round(), u32::max)
}

/// A round certificate of the core likewise; `None` if our own vote in it is not signed.
pub(super) fn signed_round(table: &Table, certificate: RoundCertificate) -> Option<RoundCertificate> {
    let mut votes = certificate.votes().to_vec();
    for vote in votes.iter_mut().filter(|vote| Some(usize::from(vote.place)) == table.me()) {
        let own = table.own_vote(certificate.round, vote.kind).filter(|own| own.vote.value == vote.value)?;
        vote.signature = own.signature;
    }
    RoundCertificate::new(certificate.height, certificate.round, certificate.reason, votes)
}
