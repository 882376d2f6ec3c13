//! What one step of a node works on, and the events and signals that its components exchange.
//!
//! ```text
//! Node ──PartEvent──▶ a component's step ─▶ effects, in order
//!   ▲                       │
//!   └──── signals ◀─────────┘      each is routed to every component when the step is over
//! ```

use super::{
    branch::Branch,
    peers::{Peer, Peers, ban_score::Whose, budget::Charge},
    verify_queue::{Then, VerifyQueue},
};
use crate::{
    codec::transaction_id,
    config::Config,
    consensus::{Activity, Ballot, DoubleCertificate, GroupAnswer, Statement},
    effect::{Effect, LogEvent, Refusal, Response},
    event::RequestId,
    ledger::{Ledger, LedgerError, MempoolChange, witness},
    message::{
        BlockName, Message,
        price::{self, Answer},
    },
    peer::{CloseReason, Offence, PeerId, PeerKey},
    seal::DoubleSeal,
    work::Work,
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_mw::{
    error::Rejection,
    hash::Hash,
    rules::{Verified, WellFormed},
    transaction::Transaction,
};
use std::collections::VecDeque;

/// The outcome of a step. An error means that the store failed and that the node has to stop.
pub(crate) type StepResult<T = ()> = Result<T, LedgerError>;

/// What happens to a component. Each ignores the events that do not concern it.
#[expect(clippy::large_enum_variant, reason = "lives on the stack for one call")]
pub(crate) enum PartEvent<'a> {
    /// A message from a peer.
    Message(PeerId, Message),
    /// A peer has completed the handshake.
    Ready(PeerId),
    /// A signal of a component.
    Signal(&'a Signal),
    /// Time has passed.
    Tick,
    /// The chain may grow: connect what is here, and ask for what is missing.
    Advance,
}

/// What one component lets the others know.
#[allow(clippy::large_enum_variant, reason = "moved once, from one component to the others")]
pub(crate) enum Signal {
    /// The consensus engine asks the group that has the vote key to sign.
    Sign(Box<Ballot>),
    /// The group's answer.
    Answered(Statement, GroupAnswer),
    /// The chain has grown or changed its branch.
    ChainChanged,
    /// A transaction entered the mempool; the peers in `except` have it.
    Accepted { id: Hash, transaction: Transaction, except: Vec<PeerKey> },
    /// A change of the terms waits for a block.
    ChangeWaits,
    /// These are validators from now on, as this node is.
    Joined(Vec<PeerKey>),
    /// A transaction does not fit the chain or the mempool.
    Unfit(Hash),
    /// A connection has closed.
    Disconnected(PeerId, Box<Peer>),
}

/// What the rules say to a transaction of a peer.
pub(crate) enum Verdict {
    /// It may enter the mempool; its proofs are being verified.
    Verifying,
    /// It is in the mempool.
    Known,
    /// It spends an output that is neither in the chain nor in the mempool.
    Orphan(Box<Transaction>),
    /// It breaks a rule whatever the state, or does not fit the state.
    Refused,
}

/// One step: its time and random source, what all components share, and what has come of it so far.
pub(crate) struct StepContext<'a> {
    pub(crate) now: Duration,
    pub(crate) rng: &'a mut dyn CryptoRngCore,
    pub(crate) config: &'a Config,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) peers: &'a mut Peers,
    pub(crate) branch: &'a mut Branch,
    pub(crate) queue: &'a mut VerifyQueue,
    /// Whether this node seals blocks.
    pub(crate) seals: bool,
    /// What this node's validator does, if it votes.
    pub(crate) activity: Option<Activity>,
    /// How many transactions are stemmed.
    pub(crate) stems: usize,
    pub(crate) effects: Vec<Effect>,
    pub(crate) signals: VecDeque<Signal>,
    /// Whether the chain may grow now, or more of it may be asked for.
    pub(crate) advance: bool,
    /// Whether the node is to stop after this step.
    pub(crate) stop: bool,
}

impl StepContext<'_> {
    pub(crate) fn send(&mut self, peer: PeerId, message: Message) {
        self.effects.push(Effect::Send(peer, message));
    }

    pub(crate) fn respond(&mut self, id: RequestId, response: Response) {
        self.effects.push(Effect::Respond(id, Box::new(response)));
    }

    pub(crate) fn log(&mut self, event: LogEvent) {
        self.effects.push(Effect::Log(event));
    }

    /// Refuses to build on the tip while a better one, shown under its seal, is being fetched or was announced
    /// just now.
    pub(crate) fn not_behind(&self) -> Result<(), Refusal> {
        let ahead = self.branch.ahead(self.now).filter(|best| *best > self.ledger.tip().height);
        ahead.map_or(Ok(()), |best| Err(Refusal::Behind(best)))
    }

    /// Takes note that a connection has closed.
    pub(crate) fn disconnected(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.disconnected(self.now, id) {
            self.signals.push_back(Signal::Disconnected(id, Box::new(peer)));
        }
    }

    /// Closes a connection.
    pub(crate) fn close(&mut self, id: PeerId, why: CloseReason) {
        self.effects.push(Effect::Close(id, why));
        self.log(LogEvent::Closed(id, why));
        self.disconnected(id);
    }

    /// Adds an offence to a peer's ban score; says whether that closed the connection.
    pub(crate) fn blame(&mut self, id: PeerId, offence: Offence) -> bool {
        let closes = self.peers.blame(self.config, self.now, id, offence);
        closes.into_iter().for_each(|why| self.close(id, why));
        closes.is_some()
    }

    /// Whether a peer may be sent so many bytes more; they are taken from its machine's allowance, and so is
    /// the work of reading them.
    pub(crate) fn may_serve(&mut self, id: PeerId, bytes: u64) -> bool {
        let Some(machine) = self.peers.all.get(&id).map(Peer::machine) else { return false };
        self.peers.budgets.served(self.now, &machine, bytes) && self.may_work(id, price::serving(bytes))
    }

    /// Charges work to a peer's machine, before it is done.
    pub(crate) fn charge(&mut self, id: PeerId, units: u64) -> Charge {
        let machine = self.peers.all.get(&id).map(Peer::machine);
        machine.map_or(Charge::Busy, |m| self.peers.budgets.work(self.now, &m, units))
    }

    /// Charges a frame: nothing, if it is what a question of ours brought, except for a transaction.
    pub(crate) fn charge_for(&mut self, id: PeerId, asked: Option<Answer>, bytes: &[u8]) -> Charge {
        match asked {
            Some(Answer::Transaction(_)) | None => {
                let best = self.branch.best().map_or_else(|| self.ledger.tip().hash(), |best| best.hash);
                let units = price::continuing(bytes, best).unwrap_or_else(|| price::price(bytes));
                self.charge(id, units)
            }
            Some(_) => Charge::Paid,
        }
    }

    /// Whether work that a peer asks for can be done now; it is charged then.
    pub(crate) fn may_work(&mut self, id: PeerId, units: u64) -> bool {
        self.charge(id, units) == Charge::Paid
    }

    /// Whether a block is in the chain.
    pub(crate) fn is_ours(&self, name: BlockName) -> StepResult<bool> {
        Ok(self.ledger.store().header(name.height)?.is_some_and(|h| h.hash() == name.hash))
    }

    /// Whether the branch has the checkpoint that the chain has not come to: before, nothing of it is adopted.
    pub(crate) fn leads_to_checkpoint(&self) -> bool {
        self.ledger.checkpoint_ahead().is_none_or(|checkpoint| self.branch.holds(checkpoint))
    }

    /// The peers that have shown a better block than any that is here or being fetched. A block that a peer only
    /// claims, under terms that are not known here, counts once all blocks before are here.
    pub(crate) fn peers_ahead(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        let best = self.branch.best().unwrap_or(BlockName::of(self.ledger.tip()));
        let claims = !self.branch.is_fetching();
        let ahead = move |p: &Peer| {
            [p.tip, p.claim.filter(|_| claims)].into_iter().flatten().any(|tip| tip.is_better(best))
        };
        self.peers.ready().filter(move |(_, p)| ahead(p))
    }

    /// A height was sealed twice.
    pub(crate) fn on_double_seal(&mut self, twice: DoubleSeal) -> StepResult {
        match DoubleCertificate::of(&twice) {
            Some(double) => self.on_double(double),
            None => {
                self.log(LogEvent::DoubleSeal(Box::new(twice)));
                Ok(())
            }
        }
    }

    /// A height has two certificates, which hold.
    pub(crate) fn on_double(&mut self, double: DoubleCertificate) -> StepResult {
        witness::keep_double(self.ledger, double)?;
        self.halt()
    }

    /// Stops the node if it must not go on.
    pub(crate) fn halt(&self) -> StepResult {
        match witness::halt(self.ledger) {
            Some(halt) => Err(LedgerError::Halt(Box::new(halt))),
            None => Ok(()),
        }
    }

    /// Reports a change of the chain, and lets every component know of it.
    pub(crate) fn chain_changed(&mut self, how: LogEvent, change: MempoolChange) -> StepResult {
        self.log(how);
        for twice in change.alarms {
            self.on_double_seal(twice)?;
        }
        change.dropped.into_iter().for_each(|(_, why)| self.log(LogEvent::Dropped(why)));
        if let Some(e) = change.unsaved {
            return Err(e.into());
        }
        self.signals.push_back(Signal::ChainChanged);
        Ok(())
    }

    /// Gives the branch up: no peer has its next block any more. One that does will show it.
    pub(crate) fn give_branch_up(&mut self) {
        let front = self.branch.blocks.front();
        for id in front.map(|w| w.denied.clone()).unwrap_or_default() {
            self.peers.forget_tip(id);
        }
        self.branch.blocks.clear();
    }

    /// Judges a transaction as far as look-ups can, and passes it on to be verified if it may enter the
    /// mempool. One that breaks a rule whatever the state is blamed on the peer that sent it.
    pub(crate) fn judge(&mut self, t: Transaction, then: Then) -> StepResult<Verdict> {
        let id = transaction_id(&t);
        if self.ledger.mempool().get(&id).is_some() {
            return Ok(Verdict::Known);
        }
        let from = then.peer();
        match self.ledger.precheck(t.clone()) {
            Ok(t) => {
                let queued = self.verify(from, then, t);
                Ok(if queued { Verdict::Verifying } else { Verdict::Refused })
            }
            Err(e) => self.refused(from, t, e),
        }
    }

    /// Has the proofs of a transaction of a peer or, `None`, of this machine verified; says whether there is room.
    pub(crate) fn verify(&mut self, from: Option<PeerId>, then: Then, t: WellFormed<Transaction>) -> bool {
        let peer = from.and_then(|id| self.peers.all.get(&id));
        let machine = peer.map_or(Whose::of_this_node(self.config.key), Peer::machine);
        let work = Work::Verify(Box::new(self.ledger.chain().clone()), Box::new(t));
        self.queue.push(machine, then, work)
    }

    /// What follows when the rules refuse a transaction, before or after its proofs were verified.
    pub(crate) fn refused(
        &mut self,
        from: Option<PeerId>,
        t: Transaction,
        why: LedgerError,
    ) -> StepResult<Verdict> {
        match why {
            LedgerError::Refused(why) if always_refused(&why) => {
                from.into_iter().for_each(|from| _ = self.blame(from, Offence::Relayed));
            }
            LedgerError::Refused(Rejection::NotUnspent { .. }) => return Ok(Verdict::Orphan(Box::new(t))),
            e => {
                not_fatal(e)?;
                self.signals.push_back(Signal::Unfit(transaction_id(&t)));
            }
        }
        Ok(Verdict::Refused)
    }

    /// Puts a transaction into the mempool; all peers but those in `except` will hear of it.
    pub(crate) fn accept(&mut self, t: Verified<Transaction>, except: &[PeerKey]) -> StepResult<Hash> {
        let transaction = t.get().clone();
        let id = self.ledger.receive(t)?;
        self.signals.push_back(Signal::Accepted { id, transaction, except: except.to_vec() });
        Ok(id)
    }
}

/// Whether this rule refuses a transaction whatever the chain's state, so that no honest peer relays it.
fn always_refused(why: &Rejection) -> bool {
    why.rule() <= "MW-R17"
}

/// Turns a refusal into success: only a failure of the store, or what halts the chain, stops a node.
pub(crate) fn not_fatal(e: LedgerError) -> StepResult {
    match e {
        e @ (LedgerError::Store(_) | LedgerError::Halt(_)) => Err(e),
        _ => Ok(()),
    }
}

/// An exponentially distributed time of this mean.
pub(crate) fn exponential(rng: &mut dyn CryptoRngCore, mean: Duration) -> Duration {
    // 53 random bits make every number of [0, 1) that an f64 can distinguish, evenly.
    let unit = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    mean.mul_f64(-(1.0 - unit).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StoreError;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    /// Times are as long as the mean on average, and as often longer than 0.69 of it as shorter.
    #[test]
    fn times_are_exponential() {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let mean = Duration::from_secs(100);
        let mut all: Vec<Duration> = (0..10_000).map(|_| exponential(&mut rng, mean)).collect();
        all.sort_unstable();
        let average = all.iter().sum::<Duration>() / 10_000;
        assert!((95..105).contains(&average.as_secs()), "{average:?}");
        assert!((66..73).contains(&all[5_000].as_secs()), "{:?}", all[5_000]);
        assert!(all[9_999] > 5 * mean && all[0] < mean / 100);
    }

    /// A refusal stops no node; a store that failed does.
    #[test]
    fn only_what_cannot_go_on_is_fatal() {
        assert!(not_fatal(LedgerError::Refused(Rejection::BodyHash)).is_ok());
        assert!(not_fatal(LedgerError::Store(StoreError::Exists)).is_err());
    }

    /// What breaks a rule whatever the state is its sender's fault; what an honest peer may not know yet is not.
    #[test]
    fn rules_of_the_state_are_nobodys_fault() {
        assert!(
            [Rejection::FeeOverflow, Rejection::Unbalanced, Rejection::SupplyOverflow]
                .iter()
                .all(always_refused)
        );
        let early = Rejection::TooEarly { time: 1, earliest: 2 };
        let next = Rejection::NotNext { tip: Hash::ZERO, height: sotto_mw::amount::Height::GENESIS };
        assert!(![next, early, Rejection::BodyHash].iter().any(always_refused));
    }
}
