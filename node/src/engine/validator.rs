//! A validator's part of a node: its consensus engine, and what the ledger and the peers do for it.
//!
//! ```text
//! validators ──Consensus──▶ ┐                    ┌─▶ Consensus to the connections of validators
//! tip, mempool ───────────▶ │  [`consensus`]     ├─▶ log and votes, durably           Effect::SaveVotes
//! the time of day ────────▶ │                    ├─▶ a turn: the wallet's program makes the reward
//! Proposed, the rules ────▶ ┘                    └─▶ a judged block under its certificate: connected
//! ```
//!
//! Blocks are judged here at the tip, as any other proposal, and what was judged is connected without being
//! verified again. A block that does not arrive is asked for, of its proposer and then of others. The time of
//! day enters with [`Event::Clock`](crate::event::Event::Clock) and goes on with the time of the node in
//! between.
//!
//! A block goes out in its compact form: the others have its transactions, or ask for the whole of it.
//!
//! Guaranteed: a body counts only if it is the one that its header names, so that no peer can spoil the block
//! of another; of each validator at most one block is held that was not asked for. Not here: blocks that
//! others sealed, which [`sync`](super::sync) brings.
//!
//! [`consensus`]: crate::consensus

use super::{
    context::{PartEvent, Signal, StepContext, StepResult},
    witness,
};
use crate::{
    consensus::{
        Activity, Ballot, Effect as Decision, Engine, Event as Heard, ProposedBlock,
        StepContext as ConsensusContext, Verdict, WriteId,
    },
    effect::{Effect, LogEvent, Refusal, Response},
    event::RequestId,
    ledger::{
        Draft, LedgerError,
        validating::{self, JudgedBlocks},
    },
    message::{
        BlockName, Message,
        compact::{CompactBody, Filling},
    },
    peer::{CloseReason, Offence, PeerId, PeerKey},
};
use core::time::Duration;
use sotto_mw::{
    amount::Height,
    block::{Header, Reward, body_hash_of_bytes},
    codec::{Decode, Encode, Reader},
    hash::Hash,
    validators::LinkKey,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How long to wait for a block before another validator is asked for it.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A block that is wanted and not here.
struct Wanted {
    /// Who was asked, the proposer first.
    asked: BTreeSet<PeerKey>,
    /// Whose compact form was looked up in the mempool.
    looked_up: BTreeSet<PeerKey>,
    again: Duration,
}

/// A block that is not wanted yet.
enum Early {
    /// The bytes of header and body.
    Whole(Vec<u8>),
    Compact(Box<(Header, CompactBody)>),
}

/// This validator's turn to propose.
struct Turn {
    height: Height,
    round: u32,
    time: u64,
}

/// The part.
pub(crate) struct Validator {
    engine: Engine,
    started: bool,
    /// Whether a person said that the log is lost.
    resumes: bool,
    /// The time of day, and when the node learned it.
    clock: (u64, Duration),
    judged: JudgedBlocks,
    wanted: BTreeMap<Hash, Wanted>,
    /// The last block that each validator sent before it was wanted.
    early: BTreeMap<PeerKey, (Hash, Early)>,
    turn: Option<Turn>,
    draft: Option<Draft>,
    /// The program that waits for a turn.
    waiting: Option<RequestId>,
}

impl Validator {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            started: false,
            resumes: false,
            clock: (0, Duration::ZERO),
            judged: JudgedBlocks::default(),
            wanted: BTreeMap::new(),
            early: BTreeMap::new(),
            turn: None,
            draft: None,
            waiting: None,
        }
    }

    /// What it is doing.
    pub(crate) fn activity(&self) -> Activity {
        self.engine.activity()
    }

    /// When it wants to learn the time of day next.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        let asked = self.wanted.values().map(|w| w.again);
        self.engine.wake_at().into_iter().chain(asked).min()
    }

    /// Takes the time of day, in seconds since 1970, and does what is due.
    pub(crate) fn on_clock(&mut self, ctx: &mut StepContext<'_>, seconds: u64) -> StepResult {
        self.clock = (seconds, ctx.now);
        if !core::mem::replace(&mut self.started, true) {
            self.on_tip(ctx)?;
            return if self.resumes { self.tell(ctx, Heard::Resume) } else { Ok(()) };
        }
        self.ask_again(ctx);
        self.tell(ctx, Heard::Tick)
    }

    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: PartEvent<'_>) -> StepResult {
        // Before the time of day is known nothing can be decided.
        if !self.started {
            return Ok(());
        }
        match event {
            PartEvent::Message(id, message) => self.on_message(ctx, id, message),
            PartEvent::Signal(Signal::ChainChanged) => self.on_tip(ctx),
            PartEvent::Signal(Signal::Accepted { .. } | Signal::ChangeWaits) => {
                self.tell(ctx, Heard::TransactionArrived)
            }
            PartEvent::Signal(Signal::Answered(statement, answer)) => {
                self.tell(ctx, Heard::Answered { statement: *statement, answer: *answer })
            }
            _ => Ok(()),
        }
    }

    /// Votes again although the log is lost, once the tip is known.
    pub(crate) fn resume(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        if self.started {
            return self.tell(ctx, Heard::Resume);
        }
        self.resumes = true;
        Ok(())
    }

    /// All of a write is on disk.
    pub(crate) fn on_saved(&mut self, ctx: &mut StepContext<'_>, id: WriteId) -> StepResult {
        self.tell(ctx, Heard::Written(id))
    }

    /// A program waits for this validator's turn, to make the reward of its block. A later one takes the
    /// place of an earlier one.
    pub(crate) fn await_turn(&mut self, ctx: &mut StepContext<'_>, id: RequestId) -> StepResult {
        if let Some(before) = self.waiting.replace(id) {
            ctx.respond(before, Response::Refused(Refusal::NoDraft));
        }
        self.offer_turn(ctx)
    }

    /// The reward of the block that was drafted.
    pub(crate) fn on_reward(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: RequestId,
        reward: Reward,
    ) -> StepResult {
        let Some((turn, draft)) = self.turn.take().zip(self.draft.take()) else {
            ctx.respond(id, Response::Refused(Refusal::NoDraft));
            return Ok(());
        };
        let proposal = ctx.ledger.propose(&draft, reward, turn.time);
        match proposal.and_then(|proposal| self.judged.judge(ctx.ledger, proposal)) {
            Ok(Some(Verdict::Valid(block))) => {
                ctx.respond(id, Response::Done);
                return self.tell(ctx, Heard::Drafted { round: turn.round, block });
            }
            // The reward is not what the rules allow, or the tip has moved.
            Ok(_) => ctx.respond(id, Response::Refused(Refusal::NoDraft)),
            Err(LedgerError::Store(e)) => return Err(e.into()),
            Err(why) => ctx.respond(id, Response::Refused(why.into())),
        }
        Ok(())
    }

    /// The chain has a new tip: a new height begins.
    fn on_tip(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        self.judged.clear();
        self.wanted.clear();
        (self.turn, self.draft) = (None, None);
        let Some(tip) = validating::tip(ctx.ledger)? else { return Ok(()) };
        let all = tip.set.all().iter().chain(tip.set_after.all());
        let keys: BTreeSet<PeerKey> = all.map(|v| PeerKey(*v.link_key.as_bytes())).collect();
        self.early.retain(|key, _| keys.contains(key));
        let own = ctx.config.key;
        let joined = ctx.peers.validators.set(keys.into_iter().filter(|key| *key != own).collect());
        if !joined.is_empty() {
            ctx.signals.push_back(Signal::Joined(joined));
        }
        self.tell(ctx, Heard::Connected(tip))
    }

    fn on_message(&mut self, ctx: &mut StepContext<'_>, id: PeerId, message: Message) -> StepResult {
        let Some(key) = ctx.peers.all.get(&id).map(|p| p.key) else { return Ok(()) };
        // It may have left the set, or be ahead of us in the next one: no offence, and its bytes are charged
        // already.
        if !ctx.peers.validators.contains(&key) {
            return Ok(());
        }
        match message {
            Message::Consensus(bytes) => {
                self.tell(ctx, Heard::Heard { from: LinkKey::from_bytes(key.0), bytes })
            }
            Message::Proposed(bytes) => {
                let Some(value) = name_of(&bytes) else {
                    ctx.blame(id, Offence::Invalid);
                    return Ok(());
                };
                self.on_block(ctx, key, value, Early::Whole(bytes))
            }
            Message::CompactProposed { header, body } => {
                let value = header.hash();
                self.on_block(ctx, key, value, Early::Compact(Box::new((header, *body))))
            }
            Message::GetProposed(value) => {
                if let Some(block) = self.judged.block(&value) {
                    ctx.send(id, Message::Proposed(block.bytes.to_vec()));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A block arrives: judged if it is wanted, else held.
    fn on_block(&mut self, ctx: &mut StepContext<'_>, key: PeerKey, value: Hash, block: Early) -> StepResult {
        if self.wanted.contains_key(&value) {
            return self.take(ctx, key, value, block);
        }
        self.early.insert(key, (value, block));
        Ok(())
    }

    /// Judges a block that is wanted; of a compact one, who sent it is asked for the whole if something is missing.
    fn take(&mut self, ctx: &mut StepContext<'_>, key: PeerKey, value: Hash, block: Early) -> StepResult {
        let bytes = match block {
            Early::Whole(bytes) => Some(bytes),
            Early::Compact(compact) => {
                // Looking it up is work: once for each validator.
                if !self.wanted.get_mut(&value).is_some_and(|w| w.looked_up.insert(key)) {
                    return Ok(());
                }
                let (header, body) = *compact;
                let pending = ctx.ledger.mempool().iter().map(|(_, t)| t);
                let body = Filling::new(&header, body, pending).body();
                body.map(|body| [header.to_bytes(), body.to_bytes()].concat())
            }
        };
        match bytes {
            Some(bytes) => self.judge(ctx, value, bytes),
            None => {
                self.ask(ctx, value, key);
                Ok(())
            }
        }
    }

    /// Judges the bytes of a block of which the body is the one that its header names.
    fn judge(&mut self, ctx: &mut StepContext<'_>, value: Hash, bytes: Vec<u8>) -> StepResult {
        let block = ProposedBlock { value, time: 0, bytes: bytes.into() };
        // What does not decode breaks a rule; of a block for another tip nothing is known.
        let verdict = match self.judged.restore(ctx.ledger, &block)? {
            Some(verdict) => verdict,
            None if validating::reads(&block) => return Ok(()),
            None => Verdict::Invalid,
        };
        self.wanted.remove(&value);
        self.tell(ctx, Heard::Judged { value, verdict })
    }

    /// Tells the engine, and does what it decides.
    fn tell(&mut self, ctx: &mut StepContext<'_>, event: Heard) -> StepResult {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let (told, at) = self.clock;
            let clock = told + (ctx.now.saturating_sub(at)).as_secs();
            let mut consensus = ConsensusContext { now: ctx.now, clock, rng: &mut *ctx.rng };
            for decision in self.engine.step(&mut consensus, event) {
                events.extend(self.carry_out(ctx, decision)?);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, ctx: &mut StepContext<'_>, decision: Decision) -> StepResult<Option<Heard>> {
        match decision {
            Decision::Write { id, log_at, log, votes, accounts } => {
                let votes = votes.to_file();
                ctx.effects.push(Effect::SaveVotes { id, log_at, log, votes, accounts });
            }
            Decision::Send { to, message } => {
                let bytes = message.to_bytes();
                for link in to {
                    send_to(ctx, PeerKey(*link.as_bytes()), &Message::Consensus(bytes.clone()));
                }
            }
            Decision::SendBlock(value) => {
                let salt = ctx.rng.next_u64();
                let compact = self.judged.get(&value).and_then(|p| {
                    let body = Box::new(CompactBody::of(&p.header, &p.body, salt)?);
                    Some(Message::CompactProposed { header: p.header.clone(), body })
                });
                if let Some(block) = compact {
                    let keys: Vec<PeerKey> = ctx.peers.validators.keys().collect();
                    keys.into_iter().for_each(|key| send_to(ctx, key, &block));
                }
            }
            Decision::Draft { height, round, time } => {
                self.turn = Some(Turn { height, round, time });
                self.offer_turn(ctx)?;
            }
            Decision::Judge { value, proposer, .. } => return self.find(ctx, value, proposer),
            Decision::Restore(block) => drop(self.judged.restore(ctx.ledger, &block)?),
            Decision::Commit { height, value, certificate } => {
                match self.judged.commit(ctx.ledger, &value, certificate) {
                    Ok(Some(change)) => {
                        ctx.chain_changed(LogEvent::Connected(BlockName { height, hash: value }), change)?;
                    }
                    Ok(None) => {}
                    Err(e) => super::context::not_fatal(e)?,
                }
            }
            Decision::Report(evidence) => witness::keep(ctx, None, evidence)?,
            Decision::Disconnect(link) => {
                let key = PeerKey(*link.as_bytes());
                ctx.peers.validators.refuse(ctx.now, key);
                let of_key = ctx.peers.all.iter().filter(|(_, p)| p.key == key).map(|(id, _)| *id);
                for id in of_key.collect::<Vec<_>>() {
                    ctx.close(id, CloseReason::Banned(Offence::Invalid));
                }
            }
            Decision::Sign { statement, claim, polka } => {
                let judged = statement.value().filter(|_| statement.needs_block());
                let block = judged.and_then(|value| self.judged.block(&value));
                let block = block.map(|block| block.bytes).unwrap_or_default();
                let ballot = Ballot { statement, claim, polka, block };
                ctx.signals.push_back(Signal::Sign(Box::new(ballot)));
            }
            Decision::Note(note) => ctx.log(LogEvent::Consensus(note)),
            Decision::Stop(double) => ctx.on_double(*double)?,
        }
        Ok(None)
    }

    /// Judges a block that is here, or asks for it.
    fn find(
        &mut self,
        ctx: &mut StepContext<'_>,
        value: Hash,
        proposer: LinkKey,
    ) -> StepResult<Option<Heard>> {
        if let Some(block) = self.judged.block(&value) {
            return Ok(Some(Heard::Judged { value, verdict: Verdict::Valid(block) }));
        }
        self.wanted.entry(value).or_insert(Wanted {
            asked: BTreeSet::new(),
            looked_up: BTreeSet::new(),
            again: ctx.now + ASK_AGAIN,
        });
        let held = self.early.iter().find(|(_, (name, _))| *name == value).map(|(key, _)| *key);
        match held.and_then(|key| Some((key, self.early.remove(&key)?.1))) {
            Some((key, block)) => self.take(ctx, key, value, block)?,
            None => self.ask(ctx, value, PeerKey(*proposer.as_bytes())),
        }
        Ok(None)
    }

    fn ask(&mut self, ctx: &mut StepContext<'_>, value: Hash, of: PeerKey) {
        if let Some(wanted) = self.wanted.get_mut(&value) {
            wanted.asked.insert(of);
            wanted.again = ctx.now + ASK_AGAIN;
            send_to(ctx, of, &Message::GetProposed(value));
        }
    }

    /// Asks other validators for what did not arrive; once all were asked, from the start.
    fn ask_again(&mut self, ctx: &mut StepContext<'_>) {
        let due: Vec<Hash> =
            self.wanted.iter().filter(|(_, w)| w.again <= ctx.now).map(|(value, _)| *value).collect();
        for value in due {
            let Some(wanted) = self.wanted.get_mut(&value) else { continue };
            let next = ctx.peers.validators.keys().find(|key| !wanted.asked.contains(key));
            match next {
                Some(key) => self.ask(ctx, value, key),
                None => {
                    wanted.asked.clear();
                    wanted.again = ctx.now + ASK_AGAIN;
                }
            }
        }
    }

    /// Gives the waiting program what the next block would hold, if it is this validator's turn.
    fn offer_turn(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let Some(turn) = self.turn.as_ref().filter(|turn| turn.height == ctx.ledger.tip().height.next())
        else {
            return Ok(());
        };
        let (height, Some(id)) = (turn.height, self.waiting.take()) else { return Ok(()) };
        let draft = ctx.ledger.draft()?;
        let (due, transactions) = (draft.due, draft.transactions.len());
        ctx.respond(id, Response::Draft { height, due, transactions });
        self.draft = Some(draft);
        Ok(())
    }
}

/// Sends over one connection with this key, if there is one: that which was heard last, since another may be
/// dead.
fn send_to(ctx: &mut StepContext<'_>, key: PeerKey, message: &Message) {
    let open = ctx.peers.ready().filter(|(_, p)| p.key == key).max_by_key(|(id, p)| (p.heard, *id));
    let open = open.map(|(id, _)| id);
    open.into_iter().for_each(|id| ctx.send(id, message.clone()));
}

/// The hash of the header, if the rest is the body that it names.
fn name_of(bytes: &[u8]) -> Option<Hash> {
    let mut r = Reader::new(bytes);
    let header = Header::decode(&mut r).ok()?;
    let body = r.take(r.left()).ok()?;
    (body_hash_of_bytes(body) == header.body_hash).then(|| header.hash())
}
