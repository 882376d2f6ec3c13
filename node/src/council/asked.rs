//! A statement that our consensus engine wants the group to sign: for how long this member asks for it, in which session, and
//! what it answers the engine if too few members sign.

use super::{round::Round, vote_event::VoteEffect};
use crate::consensus::{Ballot, GroupAnswer, Statement};
use core::time::Duration;

/// For how long a statement is asked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A statement that our consensus engine asked for.
pub(super) struct Asked {
    pub(super) ballot: Ballot,
    pub(super) until: Duration,
    /// When the next session begins.
    pub(super) next: Duration,
    /// The session under way.
    pub(super) round: Option<Round<Ballot>>,
    /// What another member may sign in its place.
    pub(super) instead: Option<Statement>,
}

impl Asked {
    pub(super) const fn new(now: Duration, ballot: Ballot) -> Self {
        let until = now.saturating_add(PATIENCE);
        Self { ballot, until, next: now, round: None, instead: None }
    }

    /// Whether half of its time is over: then members that were silent before may be needed.
    pub(super) fn is_late(&self, now: Duration) -> bool {
        now + PATIENCE / 2 >= self.until
    }

    /// A member may sign something else at the same position: at a later one, the votes before would never be said.
    pub(super) fn advise(&mut self, instead: Statement) {
        let ours = self.ballot.statement;
        if instead.position() == ours.position() && instead != ours {
            self.instead = Some(instead);
        }
    }

    /// The answer when it was not signed. A proposal is not asked for again: votes wait behind it.
    pub(super) fn not_signed(self) -> VoteEffect {
        let statement = self.ballot.statement;
        let answer = match (self.instead, &statement) {
            (Some(instead), _) => GroupAnswer::Instead(instead),
            (None, Statement::Proposal(_)) => GroupAnswer::Refused,
            (None, Statement::Vote(_)) => GroupAnswer::Later,
        };
        VoteEffect::Answer(statement, answer)
    }
}
