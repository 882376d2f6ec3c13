//! A snapshot that is being fetched: which parts are here, which are requested, and which peers have it.

use crate::{
    config::Config,
    engine::branch::Branch,
    ledger::Ledger,
    peer::PeerId,
    seal::SealedHeader,
    storage::{
        StoreError,
        snapshot_check::{Checker, PrunedError},
        snapshot_format::PartKind,
        snapshot_layout::{PartRange, SnapshotLayout, belongs, headers_of_a_part},
        snapshot_part::{Part, terms_changes},
    },
};
use core::time::Duration;
use sotto_mw::{block::Header, chain::Chain, hash::Hash, history::History};
use std::collections::{BTreeMap, BTreeSet};

/// Refusals in a row after which a peer is taken to have lost its snapshot.
const REFUSALS: u8 = 8;

/// A snapshot that is being fetched.
pub(crate) struct Fetching {
    pub(crate) tip: SealedHeader,
    pub(crate) hash: Hash,
    /// From the genesis to the snapshot's.
    pub(crate) headers: Vec<Header>,
    pub(crate) layout: SnapshotLayout,
    pub(crate) wants: Vec<PartState>,
    pub(crate) holders: BTreeMap<PeerId, Holder>,
    pub(crate) checker: Checker,
    /// So many parts have passed the rules, in order.
    pub(crate) judged: usize,
    /// So many kept parts were not the chain's.
    pub(crate) mismatches: usize,
    /// When the snapshot is given up, if no part has arrived.
    pub(crate) until: Duration,
}

#[derive(Clone, Copy)]
pub(crate) enum PartState {
    Open,
    Asked(PeerId, Duration),
    Here,
}

/// A peer that has the snapshot.
#[derive(Default)]
pub(crate) struct Holder {
    /// Nothing is requested of it before this.
    pub(crate) rests: Duration,
    pub(crate) refusals: u8,
}

/// What is known of a snapshot before it is fetched.
pub(crate) struct SnapshotStart<'a> {
    /// Its last header.
    pub(crate) tip: &'a SealedHeader,
    /// From the genesis to the last.
    pub(crate) headers: Vec<Header>,
    /// The parts that are here already.
    pub(crate) here: BTreeSet<u32>,
}

impl Fetching {
    /// Begins to fetch.
    pub(crate) fn new(chain: &Chain, part_items: u32, start: SnapshotStart<'_>) -> Option<Self> {
        let SnapshotStart { tip, headers, here } = start;
        let counts: Vec<u64> = headers.iter().skip(1).map(|h| h.kernel_count).collect();
        let layout = SnapshotLayout::of(&counts, &tip.header, part_items);
        let want = |place| if here.contains(&place) { PartState::Here } else { PartState::Open };
        let wants = (0..layout.count().all).map(want).collect();
        let checker = Checker::new(chain, tip, layout.count()).ok()?;
        let (tip, hash, holders) = (tip.clone(), tip.header.hash(), BTreeMap::new());
        let (judged, mismatches, until) = (0, 0, Duration::ZERO);
        Some(Self { tip, hash, headers, layout, wants, holders, checker, judged, mismatches, until })
    }

    /// What an earlier run began, if all its headers are here, the chain is not beyond it, and snapshots are
    /// still fetched. The branch learns the terms that they state.
    pub(crate) fn resumed(
        config: &Config,
        ledger: &Ledger,
        branch: &mut Branch,
    ) -> Result<Option<Self>, StoreError> {
        let (store, chain) = (ledger.store(), ledger.chain());
        let Some(download) = store.download() else { return Ok(None) };
        let tip = download.tip();
        let height = tip.header.height;
        if config.snapshot_threshold == u64::MAX || height <= ledger.tip().height {
            return Ok(None);
        }
        let (mut headers, mut history) = (vec![Header::genesis(chain)], History::new(chain));
        let of_a_part = headers_of_a_part(&tip.header, config.part_items.max(1).into());
        for place in 0..height.get().div_ceil(of_a_part) {
            let bytes = u32::try_from(place).ok().map(|p| store.downloaded_part(p)).transpose()?.flatten();
            let part = bytes.map(|b| Part::from_bytes(PartKind::Headers, &b));
            let Some(Ok(Part::Headers(all, terms))) = part else { return Ok(None) };
            if history.extend(&terms_changes(&all, &terms)).is_err() {
                return Ok(None);
            }
            headers.extend(all.into_iter().map(|s| s.header));
        }
        let follows = |pair: &[Header]| matches!(pair, [a, b] if b.previous == a.hash());
        let unknown = ledger.checkpoint_ahead().is_some_and(|c| c.height > height);
        if unknown || headers.iter().any(|h| ledger.fits_checkpoints(h).is_err()) {
            return Ok(None);
        }
        let linked = headers.windows(2).all(follows) && headers.last() == Some(&tip.header);
        let here = download.places().collect();
        let start = SnapshotStart { tip, headers, here };
        if !linked || !history.holds(tip) {
            return Ok(None);
        }
        let this = Self::new(chain, config.part_items, start);
        branch.history = history;
        Ok(this)
    }

    pub(crate) fn want(&mut self, place: u32) -> Option<&mut PartState> {
        self.wants.get_mut(place as usize)
    }

    /// A part is needed again.
    pub(crate) fn reopen(&mut self, place: u32) {
        self.want(place).into_iter().for_each(|w| *w = PartState::Open);
    }

    /// Judges the next part. An earlier run may have kept it, and cut it otherwise: headers must be those of its range.
    pub(crate) fn judge(&mut self, range: &PartRange, part: &Part) -> Result<(), PrunedError> {
        let (kind, place) = (range.kind(), self.judged as u32);
        if kind == PartKind::Headers {
            let other = |fault| PrunedError::Part { kind, part: place, fault };
            belongs(&self.headers, range, part).map_err(other)?;
        }
        self.checker.part(place, part)
    }

    /// A peer cannot or will not deliver now.
    pub(crate) fn refused(&mut self, id: PeerId, until: Duration) {
        if let Some(holder) = self.holders.get_mut(&id) {
            (holder.rests, holder.refusals) = (until, holder.refusals + 1);
            if holder.refusals >= REFUSALS {
                self.holders.remove(&id);
            }
        }
    }

    /// A peer is gone: what it was asked for is requested from others.
    pub(crate) fn lost(&mut self, id: PeerId) {
        self.holders.remove(&id);
        let of = |w: &&mut PartState| matches!(w, PartState::Asked(peer, _) if *peer == id);
        self.wants.iter_mut().filter(of).for_each(|w| *w = PartState::Open);
    }
}
