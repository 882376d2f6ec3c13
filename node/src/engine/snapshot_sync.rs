//! Snapshots: the state some blocks ago, fetched in parts from several peers instead of every block, and made
//! for others.
//!
//! ```text
//! off ──the chain is far behind, or peers have no bodies──▶ choosing: which peer has which ──▶ fetching: parts, from all that have it
//!   ▲                                                   │ none that is deep enough            │ each checked alone as it arrives,
//!   │                                                   ▼                                     │ saved, then judged in order by the rules
//!   └──────── blocks are fetched one by one ◀───────────┴── no peer has it any more ◀─────────┤
//!   └──────── blocks after the snapshot are fetched ◀── adopted ◀── all parts are judged ─────┘
//! ```
//!
//! The snapshot is of a block at least K below the best header that was seen sealed, so it will never be
//! undone, and the blocks after it come as blocks, so that this node can follow any branch that others may.
//! What belongs into which part follows from the headers
//! ([`snapshot_layout`](crate::storage::snapshot_layout)): peers supply only bytes. A part that is not the
//! chain's costs its sender the connection and a ban; one that does not come in time is requested from
//! another. Parts are saved as they arrive, so a node that was killed continues where it was.
//!
//! A snapshot for others is begun when its block is the tip, and made part by part, one a tick, so that no
//! step takes long.
//!
//! Guaranteed: the state that is adopted passed every rule that needs no bodies (`docs/RULES.md` says which
//! do), from the genesis on. Not guaranteed: that a snapshot can be had; the node fetches all blocks then.
//! Memory: some hundred bytes for each header and each kernel until it is done, and before it begins each
//! header's seal: 64 bytes for each validator of a quorum.

pub(crate) mod fetching;
mod serving;

use super::{
    branch::{Branch, SnapshotMode},
    context::{PartEvent, Signal, StepContext, StepResult},
    sync::are_sealed,
};
use crate::{
    config::Config,
    effect::LogEvent,
    ledger::Ledger,
    message::{BlockName, Message},
    peer::{Offence, PeerId},
    seal::SealedHeader,
    storage::{
        StoreError,
        snapshot_check::PrunedError,
        snapshot_download::{JudgedPart, SnapshotDownload},
        snapshot_format::PartKind,
        snapshot_layout::{PartRange, belongs},
        snapshot_part::Part,
    },
};
use core::time::Duration;
use fetching::{Fetching, Holder, PartState, SnapshotStart};
use serving::Serving;
use sotto_mw::{amount::Height, block::Header, hash::Hash};
use std::collections::{BTreeMap, BTreeSet};

/// Parts that are requested from one peer at a time.
const OF_ONE: usize = 4;
/// Parts that are fetched ahead of the next to be judged in order.
const WINDOW: usize = 256;
/// Parts that are judged in order in one step, so that no step takes long.
const AT_ONCE: usize = 4;
/// Kept parts that may turn out not to be the chain's before all that was kept is dropped.
const MISMATCHES: usize = 64;
/// Response times without a new part after which the snapshot is given up, and before another is tried.
const PATIENCE: u32 = 6;

/// The snapshot that is fetched, and the one that is made for others.
pub(crate) struct SnapshotSync {
    stage: Stage,
    /// The peers that were asked for their snapshots and have not responded.
    awaited: BTreeSet<PeerId>,
    /// No snapshot is tried before this.
    again: Duration,
    serving: Serving,
}

/// A part of a snapshot, as a peer sent it.
struct ReceivedPart<'a> {
    block: Hash,
    place: u32,
    bytes: &'a [u8],
}

/// No peer has the bodies that are needed next, and there is no snapshot in their place.
fn without_bodies(ctx: &mut StepContext<'_>) {
    let front = ctx.branch.blocks.front().map(|w| w.name);
    front.into_iter().for_each(|name| ctx.log(LogEvent::NoBodies(name)));
    ctx.give_branch_up();
}

enum Stage {
    None,
    /// What each peer offers, and until when responses are awaited.
    Choosing(Vec<(PeerId, SealedHeader)>, Duration),
    Fetching(Box<Fetching>),
}

impl SnapshotSync {
    /// Continues where an earlier run stopped, if it was fetching. A store that cannot answer will fail again
    /// when it is asked next.
    pub(crate) fn resumed(config: &Config, ledger: &Ledger, branch: &mut Branch) -> Self {
        let (awaited, again) = (BTreeSet::new(), Duration::ZERO);
        let mut this = Self { stage: Stage::None, awaited, again, serving: Serving::default() };
        if let Some(mut fetching) = Fetching::resumed(config, ledger, branch).ok().flatten() {
            fetching.until = PATIENCE * config.response_timeout;
            this.set(branch, Stage::Fetching(Box::new(fetching)));
        }
        this
    }

    /// How many parts are held or requested.
    pub(crate) fn len(&self) -> usize {
        if let Stage::Fetching(f) = &self.stage { f.wants.len() } else { 0 }
    }

    /// How many parts are here, and how many there are, while a snapshot is fetched.
    pub(crate) fn parts(&self) -> Option<(usize, usize)> {
        let Stage::Fetching(f) = &self.stage else { return None };
        Some((f.wants.iter().filter(|w| matches!(w, PartState::Here)).count(), f.wants.len()))
    }

    /// Whether a peer was asked for this part and has not responded.
    pub(crate) fn awaits_part(&mut self, id: PeerId, block: &Hash, place: u32) -> bool {
        let asked = self.fetching().filter(|f| f.hash == *block).and_then(|f| f.want(place).copied());
        matches!(asked, Some(PartState::Asked(peer, _)) if peer == id)
    }

    /// Whether a peer was asked for its snapshots and has not responded.
    pub(crate) fn awaits_snapshots(&self, id: PeerId) -> bool {
        self.awaited.contains(&id)
    }

    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: PartEvent<'_>) -> StepResult {
        match event {
            PartEvent::Advance => {
                self.consider(ctx);
                self.request_parts(ctx);
                return Ok(());
            }
            PartEvent::Message(id, Message::Snapshots(all)) => self.on_snapshots(ctx, id, all),
            PartEvent::Message(id, Message::Part { block, place, bytes }) => {
                self.on_part(ctx, id, &ReceivedPart { block, place, bytes: &bytes })?;
            }
            PartEvent::Ready(id) => self.ask_for_snapshots(ctx, id),
            PartEvent::Signal(Signal::Disconnected(id, _)) => self.lost(*id),
            PartEvent::Tick => {
                self.on_tick(ctx)?;
                self.serving.on_tick(ctx)?;
            }
            PartEvent::Message(..) | PartEvent::Signal(_) => return Ok(()),
        }
        ctx.advance = true;
        Ok(())
    }

    /// Enters a stage, and returns the one before.
    fn set(&mut self, branch: &mut Branch, stage: Stage) -> Stage {
        branch.mode = match &stage {
            Stage::None => SnapshotMode::Off,
            Stage::Choosing(..) => SnapshotMode::Choosing,
            Stage::Fetching(f) => SnapshotMode::Fetching(f.tip.header.height),
        };
        core::mem::replace(&mut self.stage, stage)
    }

    fn end(&mut self, branch: &mut Branch, again: Duration) -> Stage {
        self.awaited.clear();
        self.again = again;
        self.set(branch, Stage::None)
    }

    fn fetching(&mut self) -> Option<&mut Fetching> {
        if let Stage::Fetching(f) = &mut self.stage { Some(f) } else { None }
    }

    fn blame(&mut self, ctx: &mut StepContext<'_>, id: PeerId, offence: Offence) {
        if ctx.blame(id, offence) {
            self.lost(id);
        }
    }

    /// Begins to choose a snapshot, if the headers that are known show that the chain is far behind, or if
    /// the bodies that it needs are not to be had.
    fn consider(&mut self, ctx: &mut StepContext<'_>) {
        if ctx.branch.is_suspended() {
            return;
        }
        let threshold = ctx.config.snapshot_threshold;
        let far = ctx.ledger.tip().height.plus(threshold);
        let behind = ctx.branch.best().is_some_and(|best| best.height >= far);
        let no_bodies = core::mem::take(&mut ctx.branch.no_bodies);
        if ctx.now < self.again || threshold == u64::MAX || !(behind || no_bodies) {
            if no_bodies {
                without_bodies(ctx);
            }
            return;
        }
        self.set(ctx.branch, Stage::Choosing(Vec::new(), ctx.now + ctx.config.response_timeout));
        let all: Vec<PeerId> = ctx.peers.ready().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| self.ask_for_snapshots(ctx, id));
    }

    fn ask_for_snapshots(&mut self, ctx: &mut StepContext<'_>, id: PeerId) {
        if ctx.branch.is_suspended() && self.awaited.insert(id) {
            ctx.send(id, Message::GetSnapshots);
        }
    }

    fn lost(&mut self, id: PeerId) {
        self.awaited.remove(&id);
        self.fetching().into_iter().for_each(|f| f.lost(id));
    }

    fn on_snapshots(&mut self, ctx: &mut StepContext<'_>, id: PeerId, all: Vec<SealedHeader>) {
        if !ctx.branch.is_suspended() {
            return;
        }
        if !self.awaited.remove(&id) {
            self.blame(ctx, id, Offence::Unasked);
            return;
        }
        // A certificate under terms that are not known yet says nothing: only headers count that are in the
        // branch.
        let history = &ctx.branch.history;
        if all.iter().any(|s| history.knows_terms(&s.header) && !history.holds(s)) {
            self.blame(ctx, id, Offence::Invalid);
            return;
        }
        match &mut self.stage {
            Stage::Choosing(offers, _) => offers.extend(all.into_iter().map(|s| (id, s))),
            Stage::Fetching(f) if all.iter().any(|s| s.header == f.tip.header) => {
                f.holders.insert(id, Holder::default());
            }
            _ => {}
        }
    }

    /// Chooses the highest snapshot that is deep enough, once all headers are here or the time is up.
    fn choose(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let Stage::Choosing(offers, until) = &self.stage else { return Ok(()) };
        let Some(best) = ctx.branch.best() else { return Ok(()) };
        // Headers under terms that are being asked for are to come yet.
        let claims = ctx.peers.ready().any(|(_, p)| p.claim.is_some_and(|claim| claim.is_better(best)));
        let complete = !claims && ctx.peers_ahead().next().is_none() && self.awaited.is_empty();
        if !complete && ctx.now < *until {
            return Ok(());
        }
        let deep = best.height.minus(ctx.ledger.chain().params().reorganisation);
        let leads = ctx.leads_to_checkpoint();
        let fits = |s: &&SealedHeader| {
            leads && s.header.height <= deep && ctx.branch.blocks.iter().any(|w| w.sealed.header == s.header)
        };
        let chosen = offers.iter().map(|(_, s)| s).filter(fits).max_by_key(|s| s.header.height);
        // Under the certificate that came with the header: others may hold another.
        let chosen = chosen.and_then(|s| ctx.branch.get(BlockName::of(&s.header)));
        let chosen = chosen.map(|block| block.sealed.clone());
        let Stage::Choosing(offers, _) = self.set(ctx.branch, Stage::None) else {
            return Ok(());
        };
        let Some(tip) = chosen else {
            self.give_up(ctx);
            return Ok(());
        };
        let holders = offers.into_iter().filter(|(_, s)| s.header == tip.header).map(|(id, _)| id).collect();
        self.begin_fetching(ctx, &tip, holders)
    }

    /// Saves the headers as the first parts, unless an earlier attempt did, and begins to fetch the others.
    fn begin_fetching(
        &mut self,
        ctx: &mut StepContext<'_>,
        tip: &SealedHeader,
        holders: Vec<PeerId>,
    ) -> StepResult {
        let Some(front) = ctx.branch.blocks.front().map(|w| w.name.height.minus(1)) else { return Ok(()) };
        let mut sealed = ctx.ledger.store().sealed_headers(Height::new(1), front)?;
        let behind = |s: &SealedHeader| s.header.height <= tip.header.height;
        sealed.extend(ctx.branch.blocks.iter().map(|w| w.sealed.clone()).take_while(behind));
        let store = ctx.ledger.store_mut();
        if store.download().is_none_or(|d| d.tip().header != tip.header) {
            store.begin_download(tip)?;
        }
        let here: BTreeSet<u32> = store.download().into_iter().flat_map(SnapshotDownload::places).collect();
        let genesis = Header::genesis(store.chain());
        let headers = [genesis].into_iter().chain(sealed.iter().map(|s| s.header.clone())).collect();
        let start = SnapshotStart { tip, headers, here };
        let Some(mut fetching) = Fetching::new(store.chain(), ctx.config.part_items, start) else {
            self.give_up(ctx);
            return Ok(());
        };
        for ((place, range), want) in (0..).zip(&fetching.layout.all).zip(&mut fetching.wants) {
            if let (PartRange::Headers(first, last), PartState::Open) = (range, *want) {
                let range = first.get() as usize - 1..last.get() as usize;
                let all = sealed.get(range).unwrap_or_default();
                let part = Part::headers(all.to_vec(), &ctx.branch.history);
                store.put_part(place, PartKind::Headers, &part.to_bytes())?;
                *want = PartState::Here;
            }
        }
        fetching.holders = holders.into_iter().map(|id| (id, Holder::default())).collect();
        fetching.until = ctx.now + PATIENCE * ctx.config.response_timeout;
        ctx.branch.blocks.retain(|w| w.name.height > tip.header.height);
        self.set(ctx.branch, Stage::Fetching(Box::new(fetching)));
        Ok(())
    }

    /// Falls back to fetching blocks one by one, for a while at least. What has arrived stays, for another
    /// attempt.
    fn give_up(&mut self, ctx: &mut StepContext<'_>) {
        let again = ctx.now + PATIENCE * ctx.config.response_timeout;
        if let Stage::Fetching(_) = self.end(ctx.branch, again) {
            ctx.branch.blocks.clear();
        }
    }

    /// Requests the next parts from the peers that have them and owe the fewest.
    fn request_parts(&mut self, ctx: &mut StepContext<'_>) {
        let Some(f) = self.fetching() else { return };
        let awake = f.holders.iter().filter(|(_, h)| h.rests <= ctx.now);
        let mut load: BTreeMap<PeerId, usize> = awake.map(|(id, _)| (*id, 0)).collect();
        let window = f.judged..f.wants.len().min(f.judged + WINDOW);
        for want in f.wants.get(window.clone()).unwrap_or_default() {
            if let PartState::Asked(peer, _) = want {
                load.entry(*peer).and_modify(|n| *n += 1);
            }
        }
        for (place, want) in f.wants.iter_mut().enumerate().take(window.end).skip(window.start) {
            if !matches!(want, PartState::Open) {
                continue;
            }
            let able = load.iter_mut().filter(|(_, n)| **n < OF_ONE);
            let Some((id, n)) = able.min_by_key(|(_, n)| **n) else { return };
            *n += 1;
            *want = PartState::Asked(*id, ctx.now + ctx.config.response_timeout);
            ctx.send(*id, Message::GetPart { block: f.hash, place: place as u32 });
        }
    }

    fn on_part(&mut self, ctx: &mut StepContext<'_>, id: PeerId, part: &ReceivedPart<'_>) -> StepResult {
        let ReceivedPart { block, place, bytes } = *part;
        let Some(f) = self.fetching().filter(|f| f.hash == block) else { return Ok(()) };
        let Some(PartState::Asked(peer, _)) = f.want(place).copied() else { return Ok(()) };
        let Some(range) = f.layout.all.get(place as usize).copied().filter(|_| peer == id) else {
            return Ok(());
        };
        f.wants.get_mut(place as usize).into_iter().for_each(|w| *w = PartState::Open);
        if bytes.is_empty() {
            f.refused(id, ctx.now + ctx.config.response_timeout / 4);
            return Ok(());
        }
        let part = Part::from_bytes(range.kind(), bytes).ok();
        let history = &ctx.branch.history;
        let is_sealed = |part: &Part| !matches!(part, Part::Headers(all, _) if !are_sealed(history, all));
        let fits = |part: &Part| belongs(&f.headers, &range, part).is_ok() && is_sealed(part);
        if !part.is_some_and(|part| fits(&part)) {
            f.lost(id);
            self.blame(ctx, id, Offence::Invalid);
            return Ok(());
        }
        f.wants.get_mut(place as usize).into_iter().for_each(|w| *w = PartState::Here);
        f.until = ctx.now + PATIENCE * ctx.config.response_timeout;
        f.holders.get_mut(&id).into_iter().for_each(|h| h.refusals = 0);
        ctx.ledger.store_mut().put_part(place, range.kind(), bytes)?;
        self.judge_parts(ctx)?;
        Ok(())
    }

    /// Judges parts in order, as far as they are here; adopts the state after the last.
    fn judge_parts(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        for _ in 0..AT_ONCE {
            let Some(f) = self.fetching() else { return Ok(()) };
            let place = f.judged as u32;
            let Some(range) = f.layout.all.get(f.judged).copied() else { return self.adopt(ctx) };
            if !matches!(f.want(place), Some(PartState::Here)) {
                return Ok(());
            }
            let bytes = match ctx.ledger.store().downloaded_part(place) {
                Ok(bytes) => bytes,
                Err(StoreError::Damaged { .. }) => None,
                Err(e) => return Err(e.into()),
            };
            let part = bytes.and_then(|bytes| Some((Part::from_bytes(range.kind(), &bytes).ok()?, bytes)));
            match part {
                // The disk has lost it: it is fetched again.
                None => f.reopen(place),
                Some((part, bytes)) => match f.judge(&range, &part) {
                    Ok(()) => {
                        let parts = f.layout.count();
                        let judged = JudgedPart { place, parts, part: &part, bytes: &bytes };
                        ctx.ledger.store_mut().install_part(judged)?;
                        f.judged += 1;
                    }
                    // Not the chain's fault: an earlier run kept it, perhaps cut otherwise, or the disk altered it.
                    Err(PrunedError::Part { .. }) if f.mismatches < MISMATCHES => {
                        f.mismatches += 1;
                        f.reopen(place);
                    }
                    Err(PrunedError::Part { .. } | PrunedError::Incomplete) => {
                        ctx.ledger.store_mut().drop_download()?;
                        self.give_up(ctx);
                        return Ok(());
                    }
                    Err(why) => return self.on_broken_rule(ctx, why),
                },
            }
        }
        Ok(())
    }

    fn adopt(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let Stage::Fetching(f) = self.end(ctx.branch, ctx.now) else { return Ok(()) };
        let name = BlockName::of(&f.tip.header);
        match f.checker.finish() {
            Ok(judged) => {
                let mempool = ctx.ledger.adopt(&judged, ctx.config.part_items)?;
                ctx.branch.blocks.retain(|w| w.name.height > name.height);
                // Peers that have the snapshot have what comes after it, though they denied what comes
                // before.
                let best = ctx.branch.best();
                for id in f.holders.keys() {
                    ctx.peers.all.get_mut(id).into_iter().for_each(|p| p.tip = p.tip.or(best));
                }
                ctx.chain_changed(LogEvent::SnapshotInstalled(name), mempool)?;
                Ok(())
            }
            Err(why) => self.reject(ctx, name, why),
        }
    }

    fn on_broken_rule(&mut self, ctx: &mut StepContext<'_>, why: PrunedError) -> StepResult {
        let Stage::Fetching(f) = self.end(ctx.branch, Duration::MAX) else { return Ok(()) };
        self.reject(ctx, BlockName::of(&f.tip.header), why)
    }

    /// Gives up snapshots for good: the chain breaks a rule under its operator's seal. Its blocks will show
    /// which.
    fn reject(&mut self, ctx: &mut StepContext<'_>, name: BlockName, why: PrunedError) -> StepResult {
        self.again = Duration::MAX;
        ctx.branch.blocks.clear();
        ctx.ledger.store_mut().drop_download()?;
        ctx.log(LogEvent::InvalidSnapshot(name, why));
        Ok(())
    }

    fn on_tick(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        self.choose(ctx)?;
        let mut late = BTreeSet::new();
        let Some(f) = self.fetching() else { return Ok(()) };
        for want in &mut f.wants {
            if let PartState::Asked(peer, until) = *want
                && until <= ctx.now
            {
                late.insert(peer);
                *want = PartState::Open;
            }
        }
        let (over, rests) = (f.until <= ctx.now, ctx.now + ctx.config.response_timeout / 4);
        for id in late {
            self.fetching().into_iter().for_each(|f| f.refused(id, rests));
            self.blame(ctx, id, Offence::Late);
        }
        if over {
            self.give_up(ctx);
            return Ok(());
        }
        self.judge_parts(ctx)
    }
}
