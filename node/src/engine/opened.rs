//! Requests that auditors handed out: taken from programs and peers, kept, and given to every peer that asks.
//!
//! ```text
//! a peer is ready ─▶ get opened, after the first place ─▶ its names ─▶ get request, one at a time ─▶ kept ─▶ its name to all other peers
//!                              ▲                              │ a full page                     │ its chain is ahead of ours
//!                              └──────────────────────────────┘                                 └─▶ asked for again once ours has changed
//! ```
//!
//! Only on chains with auditors. A name costs little, a request is asked for only if it would be news, and one of a peer at a time,
//! so that no peer makes this node ask for or hold more than [`WANTED`] names. What it sends is charged before it is decoded.

use super::context::{PartEvent, Signal, StepContext, StepResult};
use crate::{
    effect::LogEvent,
    ledger::opening::{OpenRefused, keep},
    message::{
        MAX_IDS, Message,
        opened::{OpenedEntry, OpenedPlace},
    },
    peer::{Offence, PeerId},
};
use core::time::Duration;
use sotto_audit::OpenedRequest;
use sotto_mw::{codec::Encode as _, hash::Hash};
use std::collections::{BTreeMap, VecDeque};

/// Most names that wait of one peer.
const WANTED: usize = 2 * MAX_IDS as usize;
/// How long a peer may take for one request.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is wanted of each peer.
#[derive(Default)]
pub(crate) struct Opened {
    peers: BTreeMap<PeerId, Wanted>,
}

/// What is wanted of one peer.
#[derive(Default)]
struct Wanted {
    /// Names of requests that would be news.
    names: VecDeque<OpenedEntry>,
    /// The one that it was asked for, and when.
    asked: Option<(OpenedEntry, Duration)>,
    /// What our chain does not show yet.
    later: VecDeque<OpenedEntry>,
    /// After which place it is asked for more names.
    more: Option<OpenedPlace>,
}

impl Wanted {
    fn len(&self) -> usize {
        self.names.len() + self.later.len()
    }

    fn has(&self, name: &Hash) -> bool {
        let asked = self.asked.iter().map(|(entry, _)| entry);
        self.names.iter().chain(&self.later).chain(asked).any(|e| e.place.name == *name)
    }
}

impl Opened {
    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: PartEvent<'_>) -> StepResult {
        if ctx.ledger.chain().params().auditors.is_none() {
            return Ok(());
        }
        match event {
            PartEvent::Ready(id) => {
                self.peers.insert(id, Wanted::default());
                ctx.send(id, Message::GetOpened(OpenedPlace::FIRST));
            }
            PartEvent::Message(id, Message::GetOpened(after)) => on_get_opened(ctx, id, after),
            PartEvent::Message(id, Message::GetRequest(place)) => on_get_request(ctx, id, &place),
            PartEvent::Message(id, Message::Opened(entries)) => self.on_entries(ctx, id, &entries),
            PartEvent::Message(id, Message::Request(opened)) => return self.on_request(ctx, id, *opened),
            PartEvent::Signal(Signal::Disconnected(id, _)) => drop(self.peers.remove(id)),
            PartEvent::Signal(Signal::ChainChanged) => {
                for wanted in self.peers.values_mut() {
                    let later = core::mem::take(&mut wanted.later);
                    wanted.names.extend(later);
                }
                self.ask_all(ctx);
            }
            PartEvent::Tick => self.on_tick(ctx),
            _ => {}
        }
        Ok(())
    }

    /// A peer says what it keeps.
    fn on_entries(&mut self, ctx: &mut StepContext<'_>, id: PeerId, entries: &[OpenedEntry]) {
        let Some(wanted) = self.peers.get_mut(&id) else { return };
        for entry in entries.iter().filter(|entry| ctx.ledger.requests.is_news(entry)) {
            if wanted.len() < WANTED && !wanted.has(&entry.place.name) {
                wanted.names.push_back(*entry);
            }
        }
        let full = entries.last().filter(|_| entries.len() == usize::from(MAX_IDS));
        wanted.more = full.map(|entry| entry.place).or(wanted.more);
        self.ask(ctx, id);
    }

    /// A peer sends a request.
    fn on_request(&mut self, ctx: &mut StepContext<'_>, id: PeerId, opened: OpenedRequest) -> StepResult {
        let asked = self.peers.get_mut(&id).and_then(|wanted| wanted.asked.take());
        match accept(ctx, Some(id), opened) {
            Ok(()) => {}
            Err(OpenRefused::Store(e)) => return Err(e.into()),
            // It may see blocks that are not here yet.
            Err(OpenRefused::Request(fault)) if fault.may_end() => {
                let wanted = self.peers.get_mut(&id).filter(|wanted| wanted.len() < WANTED);
                wanted.into_iter().for_each(|w| w.later.extend(asked.map(|(entry, _)| entry)));
            }
            Err(OpenRefused::Request(_)) => _ = ctx.blame(id, Offence::Invalid),
            Err(OpenRefused::Full) => {}
        }
        self.ask(ctx, id);
        Ok(())
    }

    /// Gives up what a peer leaves unanswered, and asks it for the next.
    fn on_tick(&mut self, ctx: &mut StepContext<'_>) {
        let late = |wanted: &Wanted| wanted.asked.is_some_and(|(_, since)| ctx.now >= since + PATIENCE);
        let late: Vec<PeerId> = self.peers.iter().filter(|(_, w)| late(w)).map(|(id, _)| *id).collect();
        for id in late {
            self.peers.get_mut(&id).into_iter().for_each(|wanted| wanted.asked = None);
            self.ask(ctx, id);
        }
    }

    fn ask_all(&mut self, ctx: &mut StepContext<'_>) {
        let all: Vec<PeerId> = self.peers.keys().copied().collect();
        all.into_iter().for_each(|id| self.ask(ctx, id));
    }

    /// Asks a peer for the next request, or for more names, unless it was asked.
    fn ask(&mut self, ctx: &mut StepContext<'_>, id: PeerId) {
        let Some(wanted) = self.peers.get_mut(&id).filter(|wanted| wanted.asked.is_none()) else { return };
        while let Some(entry) = wanted.names.pop_front() {
            if ctx.ledger.requests.is_news(&entry) {
                wanted.asked = Some((entry, ctx.now));
                return ctx.send(id, Message::GetRequest(entry.place));
            }
        }
        if let Some(after) = wanted.more.take() {
            ctx.send(id, Message::GetOpened(after));
        }
    }
}

/// Keeps a request, and tells all peers but the one that it came from its name, if it is news.
pub(crate) fn accept(
    ctx: &mut StepContext<'_>,
    from: Option<PeerId>,
    opened: OpenedRequest,
) -> Result<(), OpenRefused> {
    let outputs = opened.letter.request().outputs().len();
    let Some(entry) = keep(ctx.ledger, opened)? else { return Ok(()) };
    let others: Vec<PeerId> = ctx.peers.ready().map(|(id, _)| id).filter(|id| Some(*id) != from).collect();
    others.into_iter().for_each(|id| ctx.send(id, Message::Opened(vec![entry])));
    ctx.log(LogEvent::RequestOpened { height: entry.place.height, outputs });
    Ok(())
}

fn on_get_opened(ctx: &mut StepContext<'_>, id: PeerId, after: OpenedPlace) {
    let entries = ctx.ledger.requests.entries(after, MAX_IDS.into());
    let answer = Message::Opened(entries);
    if ctx.may_serve(id, answer.to_bytes().len() as u64) {
        ctx.send(id, answer);
    }
}

fn on_get_request(ctx: &mut StepContext<'_>, id: PeerId, place: &OpenedPlace) {
    let Some(opened) = ctx.ledger.requests.get(place) else { return };
    let answer = Message::Request(Box::new(opened));
    let bytes = answer.to_bytes().len() as u64;
    if ctx.may_serve(id, bytes) {
        ctx.send(id, answer);
    }
}
