//! The node: routes each event to the components that it concerns, and their signals to all of them.

use super::{
    branch::Branch,
    chain_serve::ChainServe,
    changes,
    context::{PartEvent, Signal, StepContext, StepResult},
    gossip::Gossip,
    handshake,
    opened::Opened,
    peers::{Peers, addr_book::AddrBook, addr_book_file, budget::Charge},
    queries::Queries,
    relay::Relay,
    sealer::{GroupEngine, Sealer},
    snapshot_sync::SnapshotSync,
    sync::Sync,
    usage::Usage,
    validator::Validator,
    verify_queue::{Then, VerifyQueue},
    witness,
};
use crate::{
    config::Config,
    consensus::Engine,
    effect::{Effect, LogEvent},
    event::{Event, Request},
    ledger::Ledger,
    message::{
        BlockName, Hello, Message,
        price::{self, Answer},
    },
    peer::{Offence, PeerId},
    sealing::Solo,
    work::{Ticket, Verdict, Work},
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_mw::codec::Decode;
use std::collections::VecDeque;

/// A node: a pure state machine over a ledger.
pub struct Node {
    config: Config,
    ledger: Ledger,
    peers: Peers,
    branch: Branch,
    verify: VerifyQueue,
    parts: Parts,
    stopped: bool,
}

/// The components, and what routing itself has to remember.
struct Parts {
    relay: Relay,
    gossip: Gossip,
    sync: Sync,
    snapshots: SnapshotSync,
    serve: ChainServe,
    opened: Opened,
    queries: Queries,
    validator: Option<Validator>,
    /// The tip that was announced last.
    announced: BlockName,
    saved: Duration,
    /// When the progress of a node that is behind was logged last.
    reported: Duration,
}

/// How often the progress of a node that is behind is logged.
const REPORT: Duration = Duration::from_secs(10);

/// What a node starts from.
pub struct NodeSetup<'a> {
    /// Its settings.
    pub config: Config,
    /// The chain and its pending transactions.
    pub ledger: Ledger,
    /// The engine that seals here, if one does.
    pub operator: Option<Solo>,
    /// The engine of a member of a group that seals, if this node is one's.
    pub council: Option<GroupEngine>,
    /// The consensus engine, if this node is a validator.
    pub validator: Option<Engine>,
    /// What the last [`Effect::SaveAddrBook`] saved.
    pub addr_book: Option<&'a [u8]>,
}

impl NodeSetup<'_> {
    /// A node that seals nothing and knows no addresses but those in its settings.
    #[must_use]
    pub const fn new(config: Config, ledger: Ledger) -> Self {
        Self { config, ledger, operator: None, council: None, validator: None, addr_book: None }
    }
}

impl Node {
    /// A node over a ledger.
    #[must_use]
    pub fn new(setup: NodeSetup<'_>, rng: &mut dyn CryptoRngCore) -> Self {
        let NodeSetup { config, mut ledger, operator, council, validator, addr_book } = setup;
        let sealer = operator.map(Sealer::Solo).or(council.map(Sealer::from));
        let book = addr_book.and_then(|bytes| addr_book_file::read(bytes).ok());
        let mut book = book.unwrap_or_else(|| AddrBook::new(rng));
        config.seeds.iter().for_each(|a| book.hear(*a, a.at.ip()));
        // A store that cannot answer now will fail again when it is asked next.
        drop(ledger.store_mut().serve_snapshots(config.part_items));
        let mut branch = Branch::new(ledger.store().history().clone());
        branch.checkpoint = ledger.checkpoint_ahead().map(|checkpoint| checkpoint.height);
        let parts = Parts {
            announced: BlockName::of(ledger.tip()),
            relay: Relay::new(&config, rng),
            gossip: Gossip::new(&config),
            sync: Sync::new(),
            snapshots: SnapshotSync::resumed(&config, &ledger, &mut branch),
            serve: ChainServe::default(),
            opened: Opened::default(),
            queries: Queries::new(sealer),
            validator: validator.map(Validator::new),
            saved: Duration::ZERO,
            reported: Duration::ZERO,
        };
        let (peers, verify) = (Peers::new(&config, book), VerifyQueue::default());
        Self { config, ledger, peers, branch, verify, parts, stopped: false }
    }

    /// The chain and its pending transactions.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// When the node wants to learn the time of day next, besides each tick.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        self.parts.validator.as_ref()?.wake_at()
    }

    /// How much the node holds for others.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let knows = self.peers.all.values().map(|p| p.knows.len() + p.offers.0.len());
        Usage {
            peers: self.peers.all.len(),
            addresses: self.peers.book.len(),
            transactions: self.ledger.mempool().len(),
            stems: self.parts.relay.len(),
            asked: self.parts.gossip.len(),
            remembered: knows.max().unwrap_or(0),
            blocks: self.branch.blocks.len() + self.parts.snapshots.len(),
            verifying: self.verify.len(),
        }
    }

    /// Handles an event, and returns what to do about it. `now` is the time since the node was made.
    pub fn step(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, event: Event) -> Vec<Effect> {
        if self.stopped {
            return Vec::new();
        }
        let mut ctx = StepContext {
            now,
            rng,
            config: &self.config,
            ledger: &mut self.ledger,
            peers: &mut self.peers,
            branch: &mut self.branch,
            queue: &mut self.verify,
            seals: self.parts.queries.seals(),
            activity: self.parts.validator.as_ref().map(Validator::activity),
            stems: self.parts.relay.len(),
            effects: Vec::new(),
            signals: VecDeque::new(),
            advance: false,
            stop: false,
        };
        let begun = witness::begin(&mut ctx);
        if let Err(e) = begun
            .and_then(|()| self.parts.route(&mut ctx, event))
            .and_then(|()| self.parts.announce_tip(&mut ctx))
        {
            ctx.log(LogEvent::Failed(e));
            ctx.stop = true;
        }
        if ctx.stop {
            self.parts.save(&mut ctx);
            self.stopped = true;
            ctx.effects.push(Effect::Stop);
        }
        self.parts.relay.save(&mut ctx);
        let begun = ctx.queue.begin();
        ctx.effects.extend(begun);
        ctx.effects
    }
}

impl Parts {
    fn route(&mut self, ctx: &mut StepContext<'_>, event: Event) -> StepResult {
        match event {
            Event::Tick => self.on_tick(ctx)?,
            Event::LocalTxsLoaded(bytes) => self.relay.on_loaded(ctx, &bytes)?,
            Event::MempoolRecovered(bytes) => self.relay.on_recovered(ctx, &bytes)?,
            Event::LocalTxsSaved(save) => self.relay.on_saved(ctx, save)?,
            Event::LocalTxsNotSaved(save) => self.relay.on_not_saved(ctx, save),
            Event::Connected { peer, key, direction } => handshake::on_connected(ctx, peer, key, direction),
            Event::DialFailed(address, why) => {
                let news = ctx.peers.dial_failed(ctx.config, ctx.now, address, why);
                news.into_iter().for_each(|news| ctx.log(LogEvent::DialFailed(news)));
            }
            Event::Disconnected(peer) => ctx.disconnected(peer),
            Event::Frame { peer, bytes } => self.on_frame(ctx, peer, bytes)?,
            Event::Verified(ticket, verdict) => self.on_verified(ctx, ticket, verdict)?,
            Event::Council(event) => {
                self.queries.sealer().map_or(Ok(()), |sealer| sealer.on_event(ctx, event))?;
            }
            Event::Clock(seconds) => {
                self.queries.sealer().into_iter().for_each(|sealer| sealer.on_clock(seconds));
                self.validator.as_mut().map_or(Ok(()), |v| v.on_clock(ctx, seconds))?;
            }
            Event::ResumeVoting => self.validator.as_mut().map_or(Ok(()), |v| v.resume(ctx))?,
            Event::VotesSaved(id) => self.validator.as_mut().map_or(Ok(()), |v| v.on_saved(ctx, id))?,
            Event::Request { id, request: Request::AwaitTurn } if self.validator.is_some() => {
                self.validator.as_mut().map_or(Ok(()), |v| v.await_turn(ctx, id))?;
            }
            Event::Request { id, request: Request::Seal { reward, .. } } if self.validator.is_some() => {
                self.validator.as_mut().map_or(Ok(()), |v| v.on_reward(ctx, id, *reward))?;
            }
            Event::Request { id, request: Request::Submit(t) } => self.relay.on_submit(ctx, id, *t)?,
            Event::Request { id, request } => self.queries.step(ctx, id, request)?,
        }
        self.settle(ctx)
    }

    /// Routes signals until there are none, and lets the chain advance where it may.
    fn settle(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        loop {
            if let Some(signal) = ctx.signals.pop_front() {
                self.sync.step(ctx, PartEvent::Signal(&signal))?;
                self.snapshots.step(ctx, PartEvent::Signal(&signal))?;
                self.gossip.step(ctx, PartEvent::Signal(&signal))?;
                self.relay.step(ctx, PartEvent::Signal(&signal))?;
                self.opened.step(ctx, PartEvent::Signal(&signal))?;
                self.queries.sealer().map_or(Ok(()), |sealer| sealer.on_signal(ctx, &signal))?;
                if let Some(validator) = &mut self.validator {
                    validator.step(ctx, PartEvent::Signal(&signal))?;
                }
                if matches!(signal, Signal::ChainChanged) {
                    witness::on_chain_changed(ctx)?;
                    self.queries.drop_draft();
                }
            } else if core::mem::take(&mut ctx.advance) {
                self.sync.step(ctx, PartEvent::Advance)?;
                self.snapshots.step(ctx, PartEvent::Advance)?;
                self.sync.fetch_bodies(ctx)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Does everything that is due.
    fn on_tick(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        handshake::on_tick(ctx);
        self.settle(ctx)?;
        handshake::dial(ctx);
        self.relay.step(ctx, PartEvent::Tick)?;
        self.settle(ctx)?;
        self.gossip.step(ctx, PartEvent::Tick)?;
        self.settle(ctx)?;
        self.sync.step(ctx, PartEvent::Tick)?;
        self.settle(ctx)?;
        self.snapshots.step(ctx, PartEvent::Tick)?;
        self.settle(ctx)?;
        self.opened.step(ctx, PartEvent::Tick)?;
        self.queries.sealer().map_or(Ok(()), |sealer| sealer.on_tick(ctx))?;
        self.settle(ctx)?;
        self.report(ctx);
        if ctx.now >= self.saved + ctx.config.save_interval {
            self.save(ctx);
        }
        Ok(())
    }

    /// Logs now and then how far a node that is behind has come.
    fn report(&mut self, ctx: &mut StepContext<'_>) {
        let at = ctx.ledger.tip().height;
        let Some(best) = ctx.branch.ahead(ctx.now).filter(|best| *best > at.next()) else { return };
        if ctx.now >= self.reported + REPORT {
            self.reported = ctx.now;
            ctx.log(LogEvent::Progress { at, best, parts: self.snapshots.parts() });
        }
    }

    /// Saves what should outlive the process and is not on disk yet.
    fn save(&mut self, ctx: &mut StepContext<'_>) {
        self.saved = ctx.now;
        ctx.effects.push(Effect::SaveAddrBook(addr_book_file::bytes(&ctx.peers.book)));
        // It is tried again, and at the end; the chain is on disk, and only that must not fail.
        if let Err(e) = ctx.ledger.save_mempool() {
            ctx.log(LogEvent::MempoolNotSaved(e));
        }
        self.relay.save_all(ctx);
    }

    /// A message: charged, decoded (by a worker, if it has points), and passed on to the component that it
    /// concerns.
    fn on_frame(&mut self, ctx: &mut StepContext<'_>, id: PeerId, bytes: Vec<u8>) -> StepResult {
        if !self.admits(ctx, id, &bytes) {
            return Ok(());
        }
        let Some(peer) = ctx.peers.all.get_mut(&id) else { return Ok(()) };
        peer.heard = ctx.now;
        let (ready, machine) = (peer.ready(), peer.machine());
        if ready && price::has_points(&bytes) {
            ctx.queue.push(machine, Then::Message(id), Work::Decode(bytes));
            return Ok(());
        }
        match (ready, Message::from_bytes(&bytes)) {
            (false, Ok(Message::Hello(hello))) => return self.on_hello(ctx, id, &hello),
            (true, Ok(message)) => return self.on_message(ctx, id, message),
            (_, Err(_)) | (false, Ok(_)) => ctx.blame(id, Offence::Garbage),
        };
        Ok(())
    }

    /// Whether a frame is handled: it is charged to its sender's machine before anything is done. The first
    /// answer to an open question is free, within what that answer may weigh. A transaction is always
    /// charged, but what was requested is not blamed: it is requested again later.
    fn admits(&mut self, ctx: &mut StepContext<'_>, id: PeerId, bytes: &[u8]) -> bool {
        let Some(peer) = ctx.peers.all.get(&id) else { return false };
        let (length, machine) = (bytes.len() as u64, peer.machine());
        let answer = price::answer(bytes).filter(|_| peer.ready());
        let most = |a| price::most_bytes(a, ctx.ledger.chain().terms().limits.max_weight);
        let asked = answer.filter(|a| length <= most(*a)).filter(|a| self.is_asked(id, *a));
        if asked.is_none() && !ctx.peers.budgets.received(ctx.now, &machine, length) {
            ctx.blame(id, Offence::Flood);
            return false;
        }
        match (asked, ctx.charge_for(id, asked, bytes)) {
            (_, Charge::Paid) => {}
            (Some(Answer::Transaction(tx)), _) => {
                self.gossip.put_off(id, &tx, ctx.now);
                return false;
            }
            (_, Charge::Busy) => return false,
            (_, Charge::Flood) => {
                ctx.blame(id, Offence::Flood);
                return false;
            }
        }
        let transaction = matches!(bytes.get(1), Some(5 | 8));
        if transaction && price::least_weight(bytes) > ctx.ledger.chain().room() {
            ctx.blame(id, Offence::Relayed);
            return false;
        }
        true
    }

    /// Whether a peer was asked for this, and it is the first answer.
    fn is_asked(&mut self, id: PeerId, answer: Answer) -> bool {
        match answer {
            Answer::Transaction(tx) => self.gossip.awaits(id, &tx),
            Answer::Part(block, place) => self.snapshots.awaits_part(id, &block, place),
            Answer::Snapshots => self.snapshots.awaits_snapshots(id),
            answer => self.sync.came(id, answer),
        }
    }

    /// What a worker found out.
    fn on_verified(&mut self, ctx: &mut StepContext<'_>, ticket: Ticket, verdict: Verdict) -> StepResult {
        let Some(then) = ctx.queue.done(ticket) else { return Ok(()) };
        match (then, verdict) {
            (Then::Message(id), Verdict::Decoded(Ok(message))) if ctx.peers.all.contains_key(&id) => {
                return self.on_message(ctx, id, *message);
            }
            (Then::Message(id), Verdict::Decoded(Err(_))) => _ = ctx.blame(id, Offence::Garbage),
            (Then::Gossip(_, tx), Verdict::Transaction(Ok(t))) => {
                return self.gossip.on_verified(ctx, tx, *t);
            }
            (Then::Stem(_, sender), Verdict::Transaction(Ok(t))) => {
                return self.relay.on_verified(ctx, sender, *t);
            }
            (Then::Submit(request), Verdict::Transaction(verdict)) => {
                return self.relay.on_submit_verified(ctx, request, verdict.map(|t| *t));
            }
            (then, Verdict::Transaction(Err(_))) => {
                if let Then::Gossip(_, tx) = then {
                    self.gossip.on_invalid(tx);
                }
                then.peer().into_iter().for_each(|from| _ = ctx.blame(from, Offence::Relayed));
            }
            (_, Verdict::Decoded(_)) | (Then::Message(_), Verdict::Transaction(_)) => {}
        }
        Ok(())
    }

    fn on_hello(&mut self, ctx: &mut StepContext<'_>, id: PeerId, hello: &Hello) -> StepResult {
        if let Some((worse, why)) = handshake::objection(ctx, id, hello) {
            ctx.close(worse, why);
            // The components must have forgotten the old connection before they hear of the new one.
            self.settle(ctx)?;
            if worse == id {
                return Ok(());
            }
        }
        handshake::complete(ctx, id, hello)?;
        witness::tell(ctx, id);
        self.gossip.step(ctx, PartEvent::Ready(id))?;
        self.relay.step(ctx, PartEvent::Ready(id))?;
        self.snapshots.step(ctx, PartEvent::Ready(id))?;
        changes::on_ready(ctx, id);
        self.opened.step(ctx, PartEvent::Ready(id))?;
        self.sync.step(ctx, PartEvent::Ready(id))
    }

    fn on_message(&mut self, ctx: &mut StepContext<'_>, id: PeerId, message: Message) -> StepResult {
        match message {
            Message::Hello(_) => drop(ctx.blame(id, Offence::Garbage)),
            Message::Ping(nonce) => ctx.send(id, Message::Pong(nonce)),
            Message::GetAddresses => handshake::on_get_addresses(ctx, id),
            Message::Addresses(all) => handshake::on_addresses(ctx, id, &all),
            Message::Evidence(evidence) => return witness::on_evidence(ctx, id, evidence),
            Message::Change(change) => drop(changes::accept(ctx, Some(id), *change)),
            m @ (Message::Pong(_) | Message::Stem(_)) => {
                return self.relay.step(ctx, PartEvent::Message(id, m));
            }
            m @ (Message::Announce(_) | Message::GetTransactions(_) | Message::Transaction(_)) => {
                return self.gossip.step(ctx, PartEvent::Message(id, m));
            }
            m @ (Message::Tip(_)
            | Message::Headers(_)
            | Message::Compact(_)
            | Message::Items { .. }
            | Message::Block { .. }
            | Message::Terms(_)
            | Message::NotFound(_)) => return self.sync.step(ctx, PartEvent::Message(id, m)),
            m @ (Message::GetOpened(_)
            | Message::Opened(_)
            | Message::GetRequest(_)
            | Message::Request(_)) => return self.opened.step(ctx, PartEvent::Message(id, m)),
            m @ (Message::Snapshots(_) | Message::Part { .. }) => {
                return self.snapshots.step(ctx, PartEvent::Message(id, m));
            }
            m @ (Message::Consensus(_)
            | Message::Proposed(_)
            | Message::GetProposed(_)
            | Message::CompactProposed { .. }) => {
                return match &mut self.validator {
                    Some(validator) => validator.step(ctx, PartEvent::Message(id, m)),
                    // This node does not vote, and its key may be in the set all the same.
                    None => Ok(()),
                };
            }
            m @ (Message::GetHeaders(_)
            | Message::GetTerms(_)
            | Message::GetCompact(_)
            | Message::GetItems { .. }
            | Message::GetBlock(_)
            | Message::GetSnapshots
            | Message::GetPart { .. }) => return self.serve.on_request(ctx, id, m),
        }
        Ok(())
    }

    /// Announces a new tip to peers, once it is as good as any that is being fetched.
    fn announce_tip(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let tip = BlockName::of(ctx.ledger.tip());
        if tip == self.announced || ctx.branch.is_fetching() {
            return Ok(());
        }
        self.announced = tip;
        self.queries.drop_draft();
        let Some(sealed) = ctx.ledger.store().sealed_header(tip.height)? else { return Ok(()) };
        for (id, _) in ctx.peers.ready().filter(|(_, p)| p.tip != Some(tip)) {
            ctx.effects.push(Effect::Send(id, Message::Tip(sealed.clone())));
        }
        Ok(())
    }
}
