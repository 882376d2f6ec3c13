//! The interface of sealing engines, which turn proposals into sealed blocks, and the solo operator's engine.
//!
//! ```text
//! propose    Ledger::draft ─▶ a wallet makes the reward ─▶ Ledger::propose ─▶ judged ──Proposed──▶ engine
//! validate   a sealer sends a proposal ──Heard──▶ engine ──Judge──▶ the rules, at the tip ──Judged──▶ engine: its vote, sent to all
//! commit     the certificate is complete: engine ──Commit──▶ the block is connected, durably, and announced
//! ```
//!
//! An engine holds keys and rounds, and no ledger. It learns what the rules say of a proposal, and never
//! judges one itself. So all sealers apply the same rules before they sign, and what they have judged is
//! connected without being verified again. [`seal_with`](crate::ledger::seal_with) carries an engine's
//! effects out, except for messages to other sealers.
//!
//! The certificate is one signature under the key that the genesis parameters name. Every node checks it
//! ([`SealedHeader::holds`](crate::seal::SealedHeader::holds)) and need not know which engine made it: one
//! operator, or several who signed together under the sum of their keys. The same holds for the choice
//! between two sealed branches, which [`fork`](crate::ledger::fork) makes; the parameters state how final a
//! block is. With K = 0 a block is final when it is sealed, as engines with votes promise; the solo
//! operator's K is greater, since nothing stops it from sealing a height twice.
//!
//! Not here: how sealers reach each other, and whose turn it is. Each engine decides that itself.

use crate::seal::{ForeignKey, OperatorKey};
use core::{convert::Infallible, time::Duration};
use rand_core::CryptoRngCore;
use sotto_mw::{
    block::Seal,
    chain::{Chain, ChainId},
    error::Rejection,
    hash::Hash,
    rules::{Connected, Proposal, ProposalChange},
};

/// How far the time of a block may lie ahead of its sealer's clock, in seconds, so that clocks that differ a little
/// cost no block.
const AHEAD: u64 = 5;

/// The pace of the chain does not allow the next block yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pace of the chain allows the next block in {wait} s: wait for it")]
pub struct TooEarly {
    /// How long, in seconds.
    pub wait: u64,
}

/// The time to seal a block at whose parent has the time `parent`, by a clock that shows `clock`: never before
/// MW-R19 allows it.
///
/// # Errors
/// [`TooEarly`] on a chain with a pace while that time is more than five seconds ahead of the clock. Without a
/// pace nothing is waited for: a parent from the future is followed at its own time.
pub fn block_time(chain: &Chain, parent: u64, clock: u64) -> Result<u64, TooEarly> {
    let earliest = chain.earliest_after(parent);
    let wait = earliest.saturating_sub(clock.saturating_add(AHEAD));
    if chain.params().pace > 0 && wait > 0 { Err(TooEarly { wait }) } else { Ok(earliest.max(clock)) }
}

/// A sealing engine.
pub trait Sealing {
    /// A message between its sealers.
    type Message;

    /// Handles an event, and returns what to do about it. `now` never goes back.
    fn step(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        event: SealEvent<Self::Message>,
    ) -> Vec<SealEffect<Self::Message>>;
}

/// What can happen to a sealing engine.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, into the engine")]
pub enum SealEvent<M> {
    /// This node proposes a block.
    Proposed(Connected<ProposalChange>),
    /// A message of another sealer arrived. The message identifies the sealer.
    Heard(M),
    /// The rules have judged the proposal of [`SealEffect::Judge`].
    Judged {
        /// The proposal's header hash.
        block: Hash,
        /// The verdict.
        verdict: Result<Connected<ProposalChange>, Rejection>,
    },
    /// Time has passed.
    Tick,
}

/// What a sealing engine wants done.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, out of the engine")]
pub enum SealEffect<M> {
    /// Send this to all other sealers.
    Tell(M),
    /// Judge a proposal at the tip; [`SealEvent::Judged`] brings the verdict.
    Judge(Proposal),
    /// Connect a proposal under this certificate.
    Commit(Connected<ProposalChange>, Seal),
}

/// The solo engine: seals what its operator proposes, at once.
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
        let ours = chain.params().operator() == Some(&key.public());
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
                vec![SealEffect::Commit(own, seal.into())]
            }
            SealEvent::Heard(nothing) => match nothing {},
            SealEvent::Judged { .. } | SealEvent::Tick => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{chain::Params, group::Point, schnorr::PublicKey};

    fn chain(pace: u64) -> Chain {
        let solo = Params::solo(PublicKey::from_point(Point::g()), 0);
        Chain::new(Params { pace, ..solo }).unwrap()
    }

    /// The block after one at 1,000 is at 1,060 or later, and is sealed when the clock shows 1,055 or later.
    #[test]
    fn a_sealer_waits_for_the_pace() {
        let paced = chain(60);
        for (clock, time) in
            [(1_055, Ok(1_060)), (1_060, Ok(1_060)), (1_061, Ok(1_061)), (u64::MAX, Ok(u64::MAX))]
        {
            assert_eq!(block_time(&paced, 1_000, clock), time);
        }
        for (clock, wait) in [(1_054, 1), (1_000, 55), (0, 1_055)] {
            assert_eq!(block_time(&paced, 1_000, clock), Err(TooEarly { wait }));
        }
        assert_eq!(block_time(&paced, u64::MAX - 1, u64::MAX), Ok(u64::MAX), "it saturates");
    }

    #[test]
    fn without_a_pace_nothing_is_waited_for() {
        let free = chain(0);
        assert_eq!(
            [0, 999, 1_000, 1_001].map(|clock| block_time(&free, 1_000, clock)),
            [Ok(1_000), Ok(1_000), Ok(1_000), Ok(1_001)]
        );
    }
}
