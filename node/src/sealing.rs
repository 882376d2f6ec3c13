//! What takes proposals and makes sealed blocks of them: the interface of sealing engines, and the solo operator's.
//!
//! ```text
//! propose    Ledger::draft ─▶ a wallet makes the reward ─▶ Ledger::propose ─▶ judged ──Proposed──▶ engine
//! validate   a sealer shows a proposal ──Heard──▶ engine ──Judge──▶ the rules, at the tip ──Judged──▶ engine: its vote, told to all
//! commit     the certificate is complete: engine ──Commit──▶ the block is connected, durably, and told to everybody
//! ```
//!
//! An engine holds keys and rounds, and no ledger: it is told what the rules say of a proposal, and never judges one itself. So
//! its sealers all judge by the one rule book before they sign, and what they have judged is connected without being verified
//! again. [`Ledger::seal_with`](crate::ledger::Ledger::seal_with) carries its effects out, all but what it tells other sealers.
//!
//! The certificate is one signature under the key that the genesis parameters name, so whoever follows the chain checks it
//! ([`SealedHeader::holds`](crate::seal::SealedHeader::holds)) and need not know which engine made it: one operator, or several
//! who signed together under the sum of their keys. Which of two sealed branches is followed, they need not know either:
//! the choice is [`fork`](super::fork)'s, and how final a block is the parameters say. With K = 0 it is final when it is sealed,
//! as engines with votes promise; the solo operator's K is greater, since nobody stops it from sealing a height twice.
//!
//! Not here: how sealers reach each other, and whose turn it is, which are an engine's own.

use crate::seal::{ForeignKey, OperatorKey};
use core::{convert::Infallible, time::Duration};
use rand_core::CryptoRngCore;
use sotto_mw::{
    chain::{Chain, ChainId},
    error::Rejection,
    hash::Hash,
    rules::{Connected, Proposal, ProposalChange},
    schnorr::Signature,
};

/// A sealing engine.
pub trait Sealing {
    /// What its sealers say to each other.
    type Message;

    /// Does what an event asks for. `now` never goes back.
    fn step(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        event: SealEvent<Self::Message>,
    ) -> Vec<SealEffect<Self::Message>>;
}

/// What happens to a sealing engine.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, into the engine")]
pub enum SealEvent<M> {
    /// This node proposes a block.
    Proposed(Connected<ProposalChange>),
    /// Another sealer said something. Who it was, the message shows.
    Heard(M),
    /// The rules have judged what [`SealEffect::Judge`] showed.
    Judged {
        /// The proposal's header hash.
        block: Hash,
        /// What they say.
        verdict: Result<Connected<ProposalChange>, Rejection>,
    },
    /// Time has passed.
    Tick,
}

/// What a sealing engine wants to be done.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, out of the engine")]
pub enum SealEffect<M> {
    /// Tell all other sealers.
    Tell(M),
    /// Hold a proposal against the tip; [`SealEvent::Judged`] says what came of it.
    Judge(Proposal),
    /// Connect a proposal under this certificate.
    Commit(Connected<ProposalChange>, Signature),
}

/// The solo engine: what its operator proposes is sealed at once, and there is nobody to ask.
#[derive(Debug)]
pub struct Solo {
    chain: ChainId,
    key: OperatorKey,
}

impl Solo {
    /// The engine of a chain's operator.
    ///
    /// # Errors
    /// [`ForeignKey`] when the chain's parameters name another.
    pub fn new(chain: &Chain, key: OperatorKey) -> Result<Self, ForeignKey> {
        let ours = key.public() == chain.params().operator;
        if ours { Ok(Self { chain: *chain.id(), key }) } else { Err(ForeignKey) }
    }
}

impl Sealing for Solo {
    type Message = Infallible;

    fn step(
        &mut self,
        _: Duration,
        rng: &mut dyn CryptoRngCore,
        event: SealEvent<Infallible>,
    ) -> Vec<SealEffect<Infallible>> {
        match event {
            SealEvent::Proposed(own) => {
                let seal = self.key.seal(&self.chain, &own.get().proposal.header, rng);
                vec![SealEffect::Commit(own, seal)]
            }
            SealEvent::Heard(nothing) => match nothing {},
            SealEvent::Judged { .. } | SealEvent::Tick => Vec::new(),
        }
    }
}
