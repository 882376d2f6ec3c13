//! The engine that seals here, and what it needs of the node: the tip, the time, and the ledger's judgement.

use super::{
    context::{Signal, StepContext, StepResult},
    voter::Voter,
};
use crate::{
    council::{Council, Said, VoteEvent, VoteSigner},
    effect::{Effect, LogEvent, Refusal, Response},
    event::CouncilEvent,
    ledger::{LedgerError, SealingContext, seal_with},
    sealing::{SealEvent, Sealing, Solo},
};
use sotto_mw::rules::{Connected, ProposalChange};

/// The engine of a member of a group.
#[derive(Debug)]
pub enum GroupEngine {
    /// The group is the operator of the chain.
    Seals(Box<Council>),
    /// The group is one of its validators.
    Votes(Box<VoteSigner>),
}

impl From<GroupEngine> for Sealer {
    fn from(engine: GroupEngine) -> Self {
        match engine {
            GroupEngine::Seals(council) => Self::Council(council),
            GroupEngine::Votes(signer) => Self::Voter(Box::new(Voter::new(*signer))),
        }
    }
}

/// A sealing engine.
pub(crate) enum Sealer {
    /// An operator's, who has the key.
    Solo(Solo),
    /// A member's of a group that has it together.
    Council(Box<Council>),
    /// A member's of a group that is a validator.
    Voter(Box<Voter>),
}

impl Sealer {
    /// Whether a block may be drafted now.
    pub(crate) fn may_draft(&mut self, ctx: &StepContext<'_>) -> Result<(), Refusal> {
        let council = match self {
            Self::Solo(_) => return Ok(()),
            Self::Council(council) => council,
            Self::Voter(_) => return Err(Refusal::NotOurTurn),
        };
        council.see_tip(ctx.ledger.tip(), ctx.now);
        if council.may_propose(ctx.now) { Ok(()) } else { Err(Refusal::NotOurTurn) }
    }

    /// Seals a block, or asks the other members to.
    pub(crate) fn propose(
        &mut self,
        ctx: &mut StepContext<'_>,
        judged: Connected<ProposalChange>,
    ) -> Result<Response, LedgerError> {
        let name = crate::message::BlockName::of(&judged.get().proposal.header);
        match self {
            Self::Solo(solo) => drop(drive(ctx, solo, SealEvent::Proposed(judged))?),
            Self::Council(council) => step(ctx, council, SealEvent::Proposed(judged))?,
            Self::Voter(_) => {}
        }
        let sealed = crate::message::BlockName::of(ctx.ledger.tip()) == name;
        Ok(if sealed { Response::Sealed(name) } else { Response::Done })
    }

    /// Something happened in the council.
    pub(crate) fn on_event(&mut self, ctx: &mut StepContext<'_>, event: CouncilEvent) -> StepResult {
        let council = match self {
            Self::Solo(_) => return Ok(()),
            Self::Council(council) => council,
            Self::Voter(voter) => return voter.on_event(ctx, event),
        };
        match event {
            CouncilEvent::Present(member, present) => council.tell_presence(member, present),
            // While a better block is being fetched, this node does not know what is next.
            CouncilEvent::Heard(..) if ctx.not_behind().is_err() => {}
            CouncilEvent::Heard(member, bytes) => {
                if !council.admits(member, bytes.len(), ctx.now) {
                    return Ok(());
                }
                if let Some(said) = Said::from_bytes(&bytes) {
                    return step(ctx, council, SealEvent::Heard(said));
                }
            }
        }
        Ok(())
    }

    /// Time has passed.
    pub(crate) fn on_tick(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        match self {
            Self::Solo(_) => Ok(()),
            Self::Council(council) => step(ctx, council, SealEvent::Tick),
            Self::Voter(voter) => voter.step(ctx, VoteEvent::Tick),
        }
    }

    /// What another component lets this one know.
    pub(crate) fn on_signal(&mut self, ctx: &mut StepContext<'_>, signal: &Signal) -> StepResult {
        match (self, signal) {
            (Self::Voter(voter), Signal::Sign(ballot)) => {
                voter.step(ctx, VoteEvent::Ask(ballot.as_ref().clone()))
            }
            _ => Ok(()),
        }
    }

    /// The time of day.
    pub(crate) fn on_clock(&mut self, seconds: u64) {
        match self {
            Self::Solo(_) => {}
            Self::Council(council) => council.tell_time(seconds),
            Self::Voter(voter) => voter.tell_time(seconds),
        }
    }
}

/// Passes an event to a council.
fn step(ctx: &mut StepContext<'_>, council: &mut Council, event: SealEvent<Said>) -> StepResult {
    council.see_tip(ctx.ledger.tip(), ctx.now);
    let driven = drive(ctx, council, event);
    council.take_notes().into_iter().for_each(|note| ctx.log(LogEvent::Council(note)));
    let tell = match driven {
        Ok(tell) => tell,
        // Sealed when the tip had moved already, or another block of the height came first.
        Err(LedgerError::Refused(_) | LedgerError::DoubleSeal(_)) => Vec::new(),
        Err(e) => return Err(e),
    };
    ctx.effects.extend(tell.into_iter().map(|said| Effect::TellCouncil(said.to_bytes())));
    Ok(())
}

/// Passes an event to an engine, and returns what it says to the others.
fn drive<S: Sealing>(
    ctx: &mut StepContext<'_>,
    engine: &mut S,
    event: SealEvent<S::Message>,
) -> Result<Vec<S::Message>, LedgerError> {
    let context = SealingContext { now: ctx.now, rng: &mut *ctx.rng };
    let driven = seal_with(ctx.ledger, engine, context, event)?;
    for (name, mempool) in driven.connected {
        ctx.chain_changed(LogEvent::Connected(name), mempool)?;
    }
    Ok(driven.tell)
}
