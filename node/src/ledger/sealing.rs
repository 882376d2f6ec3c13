//! Sealing on this ledger: proposals are judged at its tip, and what a sealing engine commits is connected.
//!
//! A proposal is judged by every rule but the seal's and changes nothing; under its certificate it is connected without being
//! verified again, if the tip is still the one that it was judged at.

use super::{Ledger, LedgerError, PoolChange};
use crate::{
    edge::store::Files,
    engine::sealing::{SealEffect, SealEvent, Sealing},
    wire::message::BlockName,
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_mw::{
    error::Rejection,
    rules::{Connected, Proposal, ProposalChange, connect_proposal, seal_proposal},
    schnorr::Signature,
};
use std::collections::VecDeque;

/// What came of an event of a sealing engine.
#[derive(Debug)]
pub struct Driven<M> {
    /// What is to be told to all other sealers, in order.
    pub tell: Vec<M>,
    /// The blocks that were committed and connected, in order, and what became of the pool.
    pub connected: Vec<(BlockName, PoolChange)>,
}

impl<F: Files> Ledger<F> {
    /// What the rules say to a proposal for the next block, this ledger's or another's.
    ///
    /// # Errors
    /// The rule that refuses it, MW-R18 when it is for another tip, or the store's failure.
    pub fn judge_proposal(&self, proposal: Proposal) -> Result<Connected<ProposalChange>, LedgerError> {
        Ok(connect_proposal(self.chain(), &self.store, proposal)?)
    }

    /// Connects a proposal that was judged, under its certificate, durably; returns what left the pool for it.
    ///
    /// # Errors
    /// MW-R18 when the tip has moved since, MW-R21 when it is no certificate, or as [`Ledger::connect`].
    pub fn commit(
        &mut self,
        judged: Connected<ProposalChange>,
        certificate: Signature,
    ) -> Result<PoolChange, LedgerError> {
        let (tip, height) = (self.tip().hash(), self.tip().height);
        if *judged.parent() != tip {
            return Err(Rejection::NotNext { tip, height }.into());
        }
        let block = seal_proposal(self.chain(), judged, certificate)?;
        self.append(&block)
    }

    /// Lets a sealing engine do what an event asks for, and carries it out, all but what other sealers are to be told.
    ///
    /// # Errors
    /// As [`Ledger::commit`], and the store's failure; what the engine wanted after that is not done.
    pub fn seal_with<S: Sealing>(
        &mut self,
        engine: &mut S,
        (now, rng): (Duration, &mut dyn CryptoRngCore),
        event: SealEvent<S::Message>,
    ) -> Result<Driven<S::Message>, LedgerError> {
        let mut driven = Driven { tell: Vec::new(), connected: Vec::new() };
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in engine.step(now, rng, event) {
                match effect {
                    SealEffect::Tell(message) => driven.tell.push(message),
                    SealEffect::Judge(proposal) => {
                        let block = proposal.header.hash();
                        let verdict = match self.judge_proposal(proposal) {
                            Ok(judged) => Ok(judged),
                            Err(LedgerError::Refused(why)) => Err(why),
                            Err(e) => return Err(e),
                        };
                        events.push_back(SealEvent::Judged { block, verdict });
                    }
                    SealEffect::Commit(judged, certificate) => {
                        let name = BlockName::of(&judged.get().proposal.header);
                        driven.connected.push((name, self.commit(judged, certificate)?));
                    }
                }
            }
        }
        Ok(driven)
    }
}
