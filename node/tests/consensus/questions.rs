//! What tests ask of a simulation.

use crate::{validator::Sim, world::World};
use sotto_mw::{
    codec::{Decode, Encode},
    votes::Vote,
};
use sotto_node::consensus::{Activity, Message, Position};

impl World {
    /// Never two votes, and never one that the disk does not know.
    pub(crate) fn check_said(&mut self, who: usize, message: &Message) {
        let (at, bytes) = match message {
            Message::Vote { vote, place, .. } if usize::from(*place) == who => {
                (Position { height: vote.height, round: vote.round, kind: vote.kind as u8 }, vote.to_bytes())
            }
            Message::Proposal { claim, .. }
                if self.set.proposer(self.chain.id(), claim.height, claim.round) == who =>
            {
                (Position { height: claim.height, round: claim.round, kind: 0 }, claim.to_bytes())
            }
            _ => return,
        };
        match &self.group {
            Some(group) if self.all[who].group.is_some() => group.check_said(at),
            _ => {
                assert!(self.all[who].disk.votes.last() >= at, "{who} says {message:?} before it is on disk")
            }
        }
        let first = self.said.entry((who, at)).or_insert_with(|| bytes.clone());
        assert_eq!(*first, bytes, "{who} said two things at {at:?}");
    }

    /// Whether a validator precommitted to a value at this height.
    pub(crate) fn is_locked(&self, who: usize, height: u64) -> bool {
        let precommits =
            self.said.iter().filter(|((i, at), _)| *i == who && at.height.get() == height && at.kind == 2);
        precommits.map(|(_, bytes)| Vote::from_bytes(bytes).unwrap()).any(|v| v.value.is_some())
    }

    /// Whether a validator said anything at this height.
    pub(crate) fn spoke(&self, who: usize, height: u64) -> bool {
        self.said.keys().any(|(i, at)| *i == who && at.height.get() == height)
    }

    /// The least height of the honest validators.
    pub(crate) fn least(&self) -> u64 {
        self.all.iter().filter(|s| s.is_honest()).map(Sim::height).min().unwrap()
    }

    /// The highest round in which an honest validator is.
    pub(crate) fn greatest_round(&self) -> u32 {
        let round = |s: &Sim| match s.engine.as_ref().map(|e| e.activity()) {
            Some(Activity::Voting(_, round)) => round,
            _ => 0,
        };
        self.all.iter().filter(|s| s.is_honest()).map(round).max().unwrap()
    }
}
