//! Sealing on a ledger: proposals are judged at its tip, and what a sealing engine commits is connected.
//!
//! A proposal is judged by every rule except the seal's, which changes nothing. Under its certificate it is
//! connected without being verified again, if the tip is still the one that it was judged at.

use crate::{
    ledger::{Ledger, LedgerError, MempoolChange},
    message::BlockName,
    sealing::{SealEffect, SealEvent, Sealing},
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use std::collections::VecDeque;

/// The outcome of an event of a sealing engine.
#[derive(Debug)]
pub struct Driven<M> {
    /// The messages for all other sealers, in order.
    pub tell: Vec<M>,
    /// The blocks that were committed and connected, in order, each with the change of the mempool.
    pub connected: Vec<(BlockName, MempoolChange)>,
}

/// When a sealing engine acts, and its source of randomness.
pub struct SealingContext<'a> {
    /// The time since the node started.
    pub now: Duration,
    /// The random source.
    pub rng: &'a mut dyn CryptoRngCore,
}

/// Passes an event to a sealing engine, and carries its effects out, except for messages to other sealers.
///
/// # Errors
/// As [`Ledger::commit`], and the store's failure; later effects are not carried out then.
pub fn seal_with<S: Sealing>(
    ledger: &mut Ledger,
    engine: &mut S,
    context: SealingContext<'_>,
    event: SealEvent<S::Message>,
) -> Result<Driven<S::Message>, LedgerError> {
    let mut driven = Driven { tell: Vec::new(), connected: Vec::new() };
    let mut events = VecDeque::from([event]);
    while let Some(event) = events.pop_front() {
        for effect in engine.step(context.now, context.rng, event) {
            match effect {
                SealEffect::Tell(message) => driven.tell.push(message),
                SealEffect::Judge(proposal) => {
                    let block = proposal.header.hash();
                    let verdict = match ledger.judge_proposal(proposal) {
                        Ok(judged) => Ok(judged),
                        Err(LedgerError::Refused(why)) => Err(why),
                        Err(e) => return Err(e),
                    };
                    events.push_back(SealEvent::Judged { block, verdict });
                }
                SealEffect::Commit(judged, certificate) => {
                    let name = BlockName::of(&judged.get().proposal.header);
                    driven.connected.push((name, ledger.commit(judged, certificate)?));
                }
            }
        }
    }
    Ok(driven)
}
