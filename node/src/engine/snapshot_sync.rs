//! The shortcut of a node that is far behind: the state some blocks ago, in parts from several peers, instead of every block.
//!
//! ```text
//! none ──headers show that we are far behind──▶ choosing: who has which snapshot ──▶ fetching: parts, from all who have it
//!   ▲                                              │ none that is deep enough            │ each judged alone as it arrives, kept,
//!   │                                              ▼                                     │ and judged in order by the whole rules
//!   └──────── blocks are fetched one by one ◀──────┴── nobody has it any more ◀──────────┤
//!   └──────── blocks after the snapshot are fetched ◀── adopted ◀── nothing is missing ──┘
//! ```
//!
//! The snapshot is of a block at least K below the best header that was seen sealed, so nobody will ever take it back, and
//! the blocks after it come as blocks, so that this node can follow any branch that others may. What belongs into which part
//! follows from the headers ([`parts`](super::parts)): of peers, only bytes are asked. A part that is not the chain's costs its
//! sender the connection and a ban; one that does not come in time is asked of another. Parts are kept as they arrive, so a
//! node that was killed goes on where it was.
//!
//! Guaranteed: the state that is adopted passed every rule that needs no bodies (`docs/RULES.md` says which do), from the genesis
//! on. Not guaranteed: that snapshots are to be had; then it takes as long as it takes. Memory: some hundred bytes for each
//! header and each kernel until it is done.

use crate::{
    config::Config,
    effect::LogEvent,
    engine::{Node, StepContext, StepResult},
    ledger::Ledger,
    message::{BlockName, MAX_MESSAGE, Message},
    peer::{Offence, PeerId},
    seal::SealedHeader,
    storage::{
        Files, StoreError,
        snapshot_check::{Checker, PrunedError},
        snapshot_download::{JudgedPart, SnapshotDownload},
        snapshot_format::{Part, PartKind},
        snapshot_layout::{PartRange, SnapshotLayout, belongs},
    },
};
use core::time::Duration;
use sotto_mw::{amount::Height, block::Header, chain::Chain, hash::Hash};
use std::collections::{BTreeMap, BTreeSet};

/// Parts that are asked of one peer at a time.
const OF_ONE: usize = 4;
/// Parts that are fetched ahead of the next to be judged in order.
const WINDOW: usize = 256;
/// Parts that are judged in order in one step, so that no step takes long.
const AT_ONCE: usize = 4;
/// Refusals in a row after which a peer is taken to have lost its snapshot.
const REFUSALS: u8 = 8;
/// Answers' times without a new part after which the shortcut is given up, and before it is tried again.
const PATIENCE: u32 = 6;

/// How far a shortcut has come.
pub(crate) struct SnapshotSync {
    stage: Stage,
    /// Who was asked for its snapshots and has not answered.
    awaited: BTreeSet<PeerId>,
    /// When none is tried before this.
    again: Duration,
}

enum Stage {
    None,
    /// What each peer offers, and until when the answers are awaited.
    Choosing(Vec<(PeerId, SealedHeader)>, Duration),
    Fetching(Box<Fetching>),
}

/// A snapshot that is being fetched.
struct Fetching {
    tip: SealedHeader,
    hash: Hash,
    /// From the genesis to the snapshot's.
    headers: Vec<Header>,
    layout: SnapshotLayout,
    wants: Vec<Want>,
    holders: BTreeMap<PeerId, Holder>,
    checker: Checker,
    /// So many parts have passed the rules, in order.
    judged: usize,
    /// It is given up then, if nothing has arrived.
    until: Duration,
}

#[derive(Clone, Copy)]
enum Want {
    Open,
    Asked(PeerId, Duration),
    Here,
}

/// Somebody who has the snapshot.
#[derive(Default)]
struct Holder {
    /// It is not asked before this.
    rests: Duration,
    refusals: u8,
}

impl Fetching {
    /// Begins to fetch; `sealed` are the headers from height 1 to the snapshot's, `here` the parts that are.
    fn new(
        (config, chain): (&Config, &Chain),
        tip: &SealedHeader,
        headers: Vec<Header>,
        here: BTreeSet<u32>,
    ) -> Option<Self> {
        let counts: Vec<u64> = headers.iter().skip(1).map(|h| h.kernel_count).collect();
        let layout = SnapshotLayout::of(&counts, tip.header.output_count, config.part_items);
        let want = |place| if here.contains(&place) { Want::Here } else { Want::Open };
        let wants = (0..layout.count().all).map(want).collect();
        let checker = Checker::new(chain, tip, layout.count()).ok()?;
        let (tip, hash, holders) = (tip.clone(), tip.header.hash(), BTreeMap::new());
        Some(Self { tip, hash, headers, layout, wants, holders, checker, judged: 0, until: Duration::ZERO })
    }

    /// What an earlier run has begun, if its headers are all here, the chain is not beyond, and snapshots are still taken.
    fn resumed<F: Files>(config: &Config, ledger: &Ledger<F>) -> Result<Option<Self>, StoreError> {
        let (store, chain) = (ledger.store(), ledger.chain());
        let Some(download) = store.download() else { return Ok(None) };
        let tip = download.tip();
        let height = tip.header.height;
        if config.snapshot_threshold == u64::MAX || height <= ledger.tip().height || !tip.holds(chain) {
            return Ok(None);
        }
        let mut headers = vec![Header::genesis(chain)];
        for place in 0..height.get().div_ceil(config.part_items.max(1).into()) {
            let bytes = u32::try_from(place).ok().map(|p| store.downloaded_part(p)).transpose()?.flatten();
            let Some(Ok(Part::Headers(all))) = bytes.map(|b| Part::from_bytes(PartKind::Headers, &b)) else {
                return Ok(None);
            };
            headers.extend(all.into_iter().map(|s| s.header));
        }
        let follows = |pair: &[Header]| matches!(pair, [a, b] if b.previous == a.hash());
        let linked = headers.windows(2).all(follows) && headers.last() == Some(&tip.header);
        let here = download.places().collect();
        Ok(if linked { Self::new((config, chain), tip, headers, here) } else { None })
    }

    fn want(&mut self, place: u32) -> Option<&mut Want> {
        self.wants.get_mut(place as usize)
    }

    /// A peer cannot or will not answer now.
    fn refused(&mut self, id: PeerId, until: Duration) {
        if let Some(holder) = self.holders.get_mut(&id) {
            (holder.rests, holder.refusals) = (until, holder.refusals + 1);
            if holder.refusals >= REFUSALS {
                self.holders.remove(&id);
            }
        }
    }

    /// What was asked of a peer is to be asked of others.
    fn lost(&mut self, id: PeerId) {
        self.holders.remove(&id);
        let of = |w: &&mut Want| matches!(w, Want::Asked(peer, _) if *peer == id);
        self.wants.iter_mut().filter(of).for_each(|w| *w = Want::Open);
    }
}

impl SnapshotSync {
    /// Where an earlier run stopped, or nowhere. A store that cannot answer will say so when it is asked next.
    pub(crate) fn resumed<F: Files>(config: &Config, ledger: &Ledger<F>) -> Self {
        let fetching = Fetching::resumed(config, ledger).ok().flatten().map(|mut f| {
            f.until = PATIENCE * config.response_timeout;
            Stage::Fetching(Box::new(f))
        });
        Self { stage: fetching.unwrap_or(Stage::None), awaited: BTreeSet::new(), again: Duration::ZERO }
    }

    /// Whether bodies are not to be fetched now.
    pub(crate) const fn taken(&self) -> bool {
        !matches!(self.stage, Stage::None)
    }

    /// Whether all headers are needed, however many there are.
    pub(crate) const fn choosing(&self) -> bool {
        matches!(self.stage, Stage::Choosing(..))
    }

    fn fetching(&mut self) -> Option<&mut Fetching> {
        if let Stage::Fetching(f) = &mut self.stage { Some(f) } else { None }
    }

    /// The height of the state that is being fetched.
    pub(crate) fn height(&self) -> Option<Height> {
        if let Stage::Fetching(f) = &self.stage { Some(f.tip.header.height) } else { None }
    }

    /// How many parts are held or wanted.
    pub(crate) fn len(&self) -> usize {
        if let Stage::Fetching(f) = &self.stage { f.wants.len() } else { 0 }
    }

    fn end(&mut self, again: Duration) -> Stage {
        self.awaited.clear();
        self.again = again;
        core::mem::replace(&mut self.stage, Stage::None)
    }
}

impl<F: Files> Node<F> {
    /// Begins to choose a snapshot, if the headers that are known show that we are far behind.
    pub(crate) fn consider_shortcut(&mut self, turn: &mut StepContext<'_>) {
        let far = self.ledger.tip().height.plus(self.config.snapshot_threshold);
        let behind = self.sync.best().is_some_and(|best| best.height >= far);
        if self.sync.shortcut.taken() || !behind || turn.now < self.sync.shortcut.again {
            return;
        }
        self.sync.shortcut.stage = Stage::Choosing(Vec::new(), turn.now + self.config.response_timeout);
        let all: Vec<PeerId> = self.peers.ready().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| self.shortcut_joined(turn, id));
    }

    pub(crate) fn shortcut_joined(&mut self, turn: &mut StepContext<'_>, id: PeerId) {
        if self.sync.shortcut.taken() && self.sync.shortcut.awaited.insert(id) {
            turn.send(id, Message::AskSnapshots);
        }
    }

    pub(crate) fn shortcut_lost(&mut self, id: PeerId) {
        self.sync.shortcut.awaited.remove(&id);
        self.sync.shortcut.fetching().into_iter().for_each(|f| f.lost(id));
    }

    pub(crate) fn told_snapshots(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        all: Vec<SealedHeader>,
    ) -> StepResult {
        if !self.sync.shortcut.taken() {
            return Ok(());
        }
        if !self.sync.shortcut.awaited.remove(&id) {
            return self.blame(turn, id, Offence::Unasked);
        }
        if !all.iter().all(|s| s.holds(self.ledger.chain())) {
            return self.blame(turn, id, Offence::Invalid);
        }
        match &mut self.sync.shortcut.stage {
            Stage::Choosing(offers, _) => offers.extend(all.into_iter().map(|s| (id, s))),
            Stage::Fetching(f) if all.contains(&f.tip) => drop(f.holders.insert(id, Holder::default())),
            _ => {}
        }
        self.advance(turn)
    }

    /// Chooses the highest snapshot that is deep enough, once all headers are here or the time is up.
    pub(crate) fn choose_snapshot(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let Stage::Choosing(offers, until) = &self.sync.shortcut.stage else { return Ok(()) };
        let complete = self.has_all_headers() && self.sync.shortcut.awaited.is_empty();
        let Some(best) = self.sync.best().filter(|_| complete || *until <= turn.now) else { return Ok(()) };
        let deep = best.height.minus(self.ledger.chain().params().reorganisation);
        let fits = |s: &&SealedHeader| {
            s.header.height <= deep && self.sync.branch.iter().any(|w| w.sealed.header == s.header)
        };
        let chosen = offers.iter().map(|(_, s)| s).filter(fits).max_by_key(|s| s.header.height).cloned();
        let Stage::Choosing(offers, _) = core::mem::replace(&mut self.sync.shortcut.stage, Stage::None)
        else {
            return Ok(());
        };
        let Some(tip) = chosen else { return self.no_shortcut(turn) };
        let holders = offers.into_iter().filter(|(_, s)| *s == tip).map(|(id, _)| id).collect();
        self.begin_fetching(turn, &tip, holders)
    }

    /// Writes the headers down as the first parts, unless an earlier attempt has, and asks for the others.
    fn begin_fetching(
        &mut self,
        turn: &mut StepContext<'_>,
        tip: &SealedHeader,
        holders: Vec<PeerId>,
    ) -> StepResult {
        let Some(front) = self.sync.branch.front().map(|w| w.name.height.minus(1)) else { return Ok(()) };
        let mut sealed = self.ledger.store().sealed_headers(Height::new(1), front)?;
        let behind = |s: &SealedHeader| s.header.height <= tip.header.height;
        sealed.extend(self.sync.branch.iter().map(|w| w.sealed.clone()).take_while(behind));
        let store = self.ledger.store_mut();
        if store.download().is_none_or(|d| d.tip() != tip) {
            store.begin_download(tip)?;
        }
        let here: BTreeSet<u32> = store.download().into_iter().flat_map(SnapshotDownload::places).collect();
        let genesis = Header::genesis(store.chain());
        let headers = [genesis].into_iter().chain(sealed.iter().map(|s| s.header.clone())).collect();
        let mut fetching = match Fetching::new((&self.config, store.chain()), tip, headers, here) {
            Some(fetching) if sealed.last() == Some(tip) => fetching,
            _ => return self.no_shortcut(turn),
        };
        for ((place, range), want) in (0..).zip(&fetching.layout.all).zip(&mut fetching.wants) {
            if let (PartRange::Headers(first, last), Want::Open) = (range, *want) {
                let range = first.get() as usize - 1..last.get() as usize;
                let part = Part::Headers(sealed.get(range).unwrap_or_default().to_vec());
                store.put_part(place, PartKind::Headers, &part.to_bytes())?;
                *want = Want::Here;
            }
        }
        fetching.holders = holders.into_iter().map(|id| (id, Holder::default())).collect();
        fetching.until = turn.now + PATIENCE * self.config.response_timeout;
        self.sync.branch.retain(|w| w.name.height > tip.header.height);
        self.sync.shortcut.stage = Stage::Fetching(Box::new(fetching));
        self.pull(turn)
    }

    /// Blocks are fetched one by one, for a while at least. What has arrived stays, for another attempt.
    fn no_shortcut(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let again = turn.now + PATIENCE * self.config.response_timeout;
        if matches!(self.sync.shortcut.end(again), Stage::Fetching(_)) {
            self.sync.branch.clear();
        }
        self.advance(turn)
    }

    /// Asks for the next parts, of those who have them and are asked for the least.
    pub(crate) fn pull_parts(&mut self, turn: &mut StepContext<'_>) {
        let Some(f) = self.sync.shortcut.fetching() else { return };
        let awake = f.holders.iter().filter(|(_, h)| h.rests <= turn.now);
        let mut load: BTreeMap<PeerId, usize> = awake.map(|(id, _)| (*id, 0)).collect();
        let window = f.judged..f.wants.len().min(f.judged + WINDOW);
        for want in f.wants.get(window.clone()).unwrap_or_default() {
            if let Want::Asked(peer, _) = want {
                load.entry(*peer).and_modify(|n| *n += 1);
            }
        }
        for (place, want) in f.wants.iter_mut().enumerate().take(window.end).skip(window.start) {
            if !matches!(want, Want::Open) {
                continue;
            }
            let able = load.iter_mut().filter(|(_, n)| **n < OF_ONE);
            let Some((id, n)) = able.min_by_key(|(_, n)| **n) else { return };
            *n += 1;
            *want = Want::Asked(*id, turn.now + self.config.response_timeout);
            if let Some(peer) = self.peers.all.get_mut(id) {
                peer.received.grant(MAX_MESSAGE as u64);
            }
            turn.send(*id, Message::AskPart { block: f.hash, place: place as u32 });
        }
    }

    pub(crate) fn told_part(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        (block, place, bytes): (Hash, u32, &[u8]),
    ) -> StepResult {
        let Some(f) = self.sync.shortcut.fetching().filter(|f| f.hash == block) else { return Ok(()) };
        let Some(Want::Asked(peer, _)) = f.want(place).copied() else { return Ok(()) };
        let Some(range) = f.layout.all.get(place as usize).copied().filter(|_| peer == id) else {
            return Ok(());
        };
        f.wants.get_mut(place as usize).into_iter().for_each(|w| *w = Want::Open);
        if bytes.is_empty() {
            f.refused(id, turn.now + self.config.response_timeout / 4);
            return self.pull(turn);
        }
        let part = Part::from_bytes(range.kind(), bytes).ok();
        if part.is_none_or(|part| belongs(&f.headers, &range, &part).is_err()) {
            f.lost(id);
            self.blame(turn, id, Offence::Invalid)?;
            return self.pull(turn);
        }
        f.wants.get_mut(place as usize).into_iter().for_each(|w| *w = Want::Here);
        f.until = turn.now + PATIENCE * self.config.response_timeout;
        f.holders.get_mut(&id).into_iter().for_each(|h| h.refusals = 0);
        self.ledger.store_mut().put_part(place, range.kind(), bytes)?;
        self.judge_parts(turn)?;
        self.advance(turn)
    }

    /// Judges parts in order, as far as they are here; adopts the state after the last.
    fn judge_parts(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        for _ in 0..AT_ONCE {
            let Some(f) = self.sync.shortcut.fetching() else { return Ok(()) };
            let Some((range, want)) = f.layout.all.get(f.judged).zip(f.wants.get_mut(f.judged)) else {
                return self.all_judged(turn);
            };
            if !matches!(want, Want::Here) {
                return Ok(());
            }
            let place = f.judged as u32;
            let bytes = match self.ledger.store().downloaded_part(place) {
                Ok(bytes) => bytes,
                Err(StoreError::Damaged { .. }) => None,
                Err(e) => return Err(e.into()),
            };
            let part = bytes.and_then(|bytes| Some((Part::from_bytes(range.kind(), &bytes).ok()?, bytes)));
            match part {
                // The disk has lost it: it is fetched again.
                None => *want = Want::Open,
                Some((part, bytes)) => match f.checker.part(place, &part) {
                    Ok(()) => {
                        let parts = f.layout.count();
                        let judged = JudgedPart { place, parts, part: &part, bytes: &bytes };
                        self.ledger.store_mut().install_part(judged)?;
                        f.judged += 1;
                    }
                    Err(why) => return self.broken_snapshot(turn, why),
                },
            }
        }
        Ok(())
    }

    fn all_judged(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let Stage::Fetching(f) = self.sync.shortcut.end(turn.now) else { return Ok(()) };
        let name = BlockName::of(&f.tip.header);
        match f.checker.finish() {
            Ok(judged) => {
                let pool = self.ledger.adopt(&judged, self.config.part_items)?;
                self.sync.branch.retain(|w| w.name.height > name.height);
                self.changed(turn, LogEvent::SnapshotInstalled(name), pool)?;
                self.advance(turn)
            }
            Err(why) => self.refused_snapshot(turn, name, why),
        }
    }

    fn broken_snapshot(&mut self, turn: &mut StepContext<'_>, why: PrunedError) -> StepResult {
        let Stage::Fetching(f) = self.sync.shortcut.end(Duration::MAX) else { return Ok(()) };
        self.refused_snapshot(turn, BlockName::of(&f.tip.header), why)
    }

    /// The chain breaks a rule under its operator's seal, so no snapshot of it will do. Which of its blocks does, they will show.
    fn refused_snapshot(
        &mut self,
        turn: &mut StepContext<'_>,
        name: BlockName,
        why: PrunedError,
    ) -> StepResult {
        self.sync.shortcut.again = Duration::MAX;
        self.sync.branch.clear();
        self.ledger.store_mut().drop_download()?;
        turn.note(LogEvent::InvalidSnapshot(name, why));
        self.advance(turn)
    }

    pub(crate) fn shortcut_tick(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        self.choose_snapshot(turn)?;
        let mut late = BTreeSet::new();
        let Some(f) = self.sync.shortcut.fetching() else { return Ok(()) };
        for want in &mut f.wants {
            if let Want::Asked(peer, until) = *want
                && until <= turn.now
            {
                late.insert(peer);
                *want = Want::Open;
            }
        }
        let (over, rests) = (f.until <= turn.now, turn.now + self.config.response_timeout / 4);
        for id in late {
            self.sync.shortcut.fetching().into_iter().for_each(|f| f.refused(id, rests));
            self.blame(turn, id, Offence::Late)?;
        }
        if over { self.no_shortcut(turn) } else { self.judge_parts(turn) }
    }
}
