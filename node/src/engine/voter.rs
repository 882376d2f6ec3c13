//! A member's part in a group that is a validator: what [`VoteSigner`] needs of the node, the tip and the ledger's
//! judgement.

use super::context::{Signal, StepContext, StepResult};
use crate::{
    consensus::{ProposedBlock, Verdict},
    council::{Said, VoteEffect, VoteEvent, VoteSigner},
    effect::{Effect, LogEvent},
    event::CouncilEvent,
    ledger::validating::{self, JudgedBlocks},
};
use sotto_mw::{amount::Height, hash::Hash};
use std::{collections::VecDeque, sync::Arc};

/// The part.
pub(crate) struct Voter {
    signer: VoteSigner,
    /// The tip that the engine was told.
    tip: Option<Height>,
    judged: JudgedBlocks,
}

impl Voter {
    pub(crate) fn new(signer: VoteSigner) -> Self {
        Self { signer, tip: None, judged: JudgedBlocks::default() }
    }

    /// The time of day.
    pub(crate) const fn tell_time(&mut self, seconds: u64) {
        self.signer.tell_time(seconds);
    }

    /// Something happened in the group.
    pub(crate) fn on_event(&mut self, ctx: &mut StepContext<'_>, event: CouncilEvent) -> StepResult {
        let CouncilEvent::Heard(member, bytes) = event else { return Ok(()) };
        if !self.signer.admits(member, bytes.len(), ctx.now) {
            return Ok(());
        }
        Said::from_bytes(&bytes).map_or(Ok(()), |said| self.step(ctx, VoteEvent::Heard(said)))
    }

    /// Passes an event to the engine, and does what it wants.
    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: VoteEvent) -> StepResult {
        let mut events = VecDeque::new();
        let height = ctx.ledger.tip().height;
        if self.tip != Some(height) {
            self.tip = Some(height);
            self.judged.clear();
            events.extend(validating::tip(ctx.ledger)?.map(VoteEvent::Tip));
        }
        events.push_back(event);
        while let Some(event) = events.pop_front() {
            for effect in self.signer.step(ctx.now, &mut *ctx.rng, event) {
                match effect {
                    VoteEffect::Tell(said) => ctx.effects.push(Effect::TellCouncil(said.to_bytes())),
                    VoteEffect::Judge { by, value, block } => {
                        let time = self.judge(ctx, value, block)?;
                        events.push_back(VoteEvent::Judged { by, value, time });
                    }
                    VoteEffect::Answer(statement, answer) => {
                        ctx.signals.push_back(Signal::Answered(statement, answer));
                    }
                }
            }
        }
        self.signer.take_notes().into_iter().for_each(|note| ctx.log(LogEvent::Council(note)));
        Ok(())
    }

    /// The time of a block, if it is the one of this header and breaks no rule at the tip.
    fn judge(&mut self, ctx: &StepContext<'_>, value: Hash, bytes: Arc<[u8]>) -> StepResult<Option<u64>> {
        let verdict = self.judged.restore(ctx.ledger, &ProposedBlock { value, time: 0, bytes })?;
        Ok(match verdict {
            Some(Verdict::Valid(block)) if block.value == value => Some(block.time),
            _ => None,
        })
    }
}
