//! Snapshots that a node serves: begun at the tip, and offered once they are whole.
//!
//! A state is fixed while it is the tip's, when no block has to be undone, and written while the chain
//! continues ([`snapshot_build`](super::snapshot_build)). The snapshot waits until its block is final, is
//! served until the next one is, and some time longer, for peers that began with it. So [`KEPT`] files
//! suffice if they are at least K blocks apart. The base of a store that was pruned, or that began with a
//! snapshot itself, is served too.
//!
//! Peers that gather parts from several nodes must get the same from all: only snapshots in parts of the
//! agreed size are served.
//!
//! A snapshot refers to the log and the base for most of its bytes ([`snapshot_reference`](super::snapshot_reference)).
//! Files of earlier versions, which have all of them, are served as they are.

use crate::{
    seal::SealedHeader,
    storage::{
        base::Base,
        chain_store::ChainStore,
        error::StoreError,
        file_name::FileName,
        files::{Files, length, remove_if_there},
        format::Head,
        plan::ChainStep,
        snapshot_build::{FILE as DRAFT, Progress, SnapshotBuild},
        snapshot_format::{PartCount, PartKind, Start},
        snapshot_layout::{depth_of, headers_of_a_part},
        snapshot_reference::SnapshotReference,
        snapshot_state::kernel_count,
    },
};
use sotto_mw::{amount::Height, codec::Decode, hash::Hash};

/// Snapshots that are kept at most.
const KEPT: u32 = 3;

/// The snapshots that others may fetch, and the one that is being made.
#[derive(Debug, Default)]
pub(crate) struct SnapshotServer {
    /// Items of a part.
    items: u32,
    pub(crate) snapshots: Vec<Kept>,
    /// Whether the base is in such parts.
    base: bool,
    pub(crate) build: Option<SnapshotBuild>,
}

impl SnapshotServer {
    /// Serves snapshots in parts of so many items: those that an earlier run made and that are whole, and the
    /// base.
    pub(crate) fn open(store: &mut ChainStore, items: u32) -> Result<Self, StoreError> {
        remove_if_there(&mut store.files, DRAFT)?;
        let mut server = Self { items, ..Self::default() };
        for file in (0..KEPT).map(FileName::Snapshot) {
            if length(&store.files, file)?.is_none() {
                continue;
            }
            match Kept::open(&store.files, file) {
                Ok(snapshot) if snapshot.is_regular(store, items)? => server.snapshots.push(snapshot),
                // It is overwritten when its turn comes.
                Ok(_) | Err(StoreError::Damaged { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        if let Some(base) = &store.base {
            server.base = is_regular(store, base, items)?;
        }
        Ok(server)
    }

    /// Takes note of a base that was written in parts of so many items.
    pub(crate) fn rebased(&mut self, items: u32) {
        self.base = self.items == items;
    }

    /// Follows the steps of the chain. A snapshot whose block was undone is given up.
    pub(crate) fn passed(&mut self, store: &mut ChainStore, steps: &[ChainStep]) -> Result<(), StoreError> {
        for step in steps {
            if self.build.as_mut().is_some_and(|build| !build.passed(step)) {
                self.stop_building(store)?;
            }
        }
        Ok(())
    }

    /// The snapshot that ends with this header, if it is here.
    fn find<'a>(&'a self, store: &'a ChainStore, tip: &Hash) -> Option<Found<'a>> {
        let of = |start: &Start| start.tip.header.hash() == *tip;
        let mut kept = self.snapshots.iter().filter(|kept| kept.is_of(&store.head) && of(kept.start()));
        let base = || store.base.iter().find(|base| self.base && of(&base.start));
        kept.next().map(Found::Kept).or_else(|| base().map(Found::Base))
    }

    /// Whether the state after this block is served or is the base, or is before it.
    pub(crate) fn has(&self, store: &ChainStore, height: Height) -> bool {
        height <= store.head.base
            || self.snapshots.iter().any(|k| k.is_of(&store.head) && k.height() == height)
    }

    /// The last headers of the snapshots that can be served: those that are in the chain.
    pub(crate) fn tips(&self, store: &ChainStore) -> Result<Vec<SealedHeader>, StoreError> {
        let mut all = Vec::new();
        let kept = self.snapshots.iter().filter(|kept| kept.is_of(&store.head)).map(Kept::start);
        for start in kept.chain(store.base.iter().filter(|_| self.base).map(|base| &base.start)) {
            let tip = &start.tip;
            if store.header(tip.header.height)?.is_some_and(|h| h == tip.header) {
                all.push(tip.clone());
            }
        }
        Ok(all)
    }

    /// A part of the snapshot that ends with this header; `None` when it is not here.
    pub(crate) fn part(
        &self,
        store: &ChainStore,
        tip: &Hash,
        place: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(snapshot) = self.find(store, tip) else { return Ok(None) };
        let there = place < snapshot.start().count().all;
        there.then(|| snapshot.bytes(&store.files, place)).transpose()
    }

    /// How many bytes that part has.
    pub(crate) fn part_bytes(&self, store: &ChainStore, tip: &Hash, place: u32) -> Option<u64> {
        let snapshot = self.find(store, tip)?;
        let entry = snapshot.start().parts.get(usize::try_from(place).ok()?)?;
        Some(u64::from(entry.length))
    }

    /// Whether a snapshot is being made.
    pub(crate) const fn is_building(&self) -> bool {
        self.build.is_some()
    }

    /// Begins a snapshot of the state after a block.
    pub(crate) fn begin(&mut self, store: &ChainStore, height: Height) -> Result<(), StoreError> {
        self.build = Some(SnapshotBuild::begin(store, height, self.items)?);
        Ok(())
    }

    /// Goes on with the snapshot by about so many headers, kernels or outputs, durably, and puts it in place
    /// of the oldest once it is whole. If that fails, nothing of it is left.
    pub(crate) fn step(&mut self, store: &mut ChainStore, items: u32) -> Result<(), StoreError> {
        store.running()?;
        let Some(build) = self.build.take() else { return Ok(()) };
        let done = build.step(store, items).and_then(|progress| match progress {
            Progress::Going(build) => {
                self.build = Some(*build);
                Ok(())
            }
            Progress::Whole => self.replace_oldest(store),
        });
        if done.is_err() {
            // The first failure is the one to report.
            drop(self.stop_building(store));
        }
        done
    }

    fn replace_oldest(&mut self, store: &mut ChainStore) -> Result<(), StoreError> {
        // One that is out of date goes first.
        let used = |file: FileName| self.snapshots.iter().find(|k| k.file() == file && k.is_of(&store.head));
        let age = |file: &FileName| used(*file).map(Kept::height);
        let Some(file) = (0..KEPT).map(FileName::Snapshot).min_by_key(age) else { return Ok(()) };
        let done = store.files.rename(DRAFT, file).and_then(|()| store.files.sync_names());
        done.map_err(|e| StoreError::writing(file, e))?;
        let snapshot = Kept::open(&store.files, file)?;
        self.snapshots.retain(|k| k.file() != file);
        self.snapshots.push(snapshot);
        Ok(())
    }

    /// Gives up the snapshot that is being made, if there is one.
    pub(crate) fn stop_building(&mut self, store: &mut ChainStore) -> Result<(), StoreError> {
        self.build = None;
        remove_if_there(&mut store.files, DRAFT)
    }
}

/// A snapshot that is kept in a file.
#[derive(Debug)]
pub(crate) enum Kept {
    /// All of its bytes, as earlier versions wrote them.
    Whole(Base),
    /// What is in neither log nor base.
    Reference(SnapshotReference),
}

impl Kept {
    fn open(files: &dyn Files, file: FileName) -> Result<Self, StoreError> {
        match SnapshotReference::open(files, file)? {
            Some(reference) => Ok(Self::Reference(reference)),
            None => Base::open(files, file).map(Self::Whole),
        }
    }

    const fn file(&self) -> FileName {
        match self {
            Self::Whole(whole) => whole.file,
            Self::Reference(reference) => reference.file,
        }
    }

    pub(crate) const fn start(&self) -> &Start {
        match self {
            Self::Whole(whole) => &whole.start,
            Self::Reference(reference) => &reference.start,
        }
    }

    const fn height(&self) -> Height {
        self.start().tip.header.height
    }

    /// Whether what it refers to is there.
    fn is_of(&self, head: &Head) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Reference(reference) => reference.is_of(head),
        }
    }

    /// Whether it is of this chain, and in parts of so many items.
    fn is_regular(&self, store: &ChainStore, items: u32) -> Result<bool, StoreError> {
        match self {
            Self::Whole(whole) => is_regular(store, whole, items),
            Self::Reference(reference) => {
                let tip = &reference.start.tip.header;
                let ours = reference.items == items && reference.is_of(&store.head);
                Ok(ours && store.header(tip.height)?.is_some_and(|h| h == *tip))
            }
        }
    }

    fn bytes(&self, files: &dyn Files, place: u32) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Whole(whole) => whole.bytes(files, place),
            Self::Reference(reference) => reference.bytes(files, place),
        }
    }
}

/// A snapshot, or the base of the store, which is one.
enum Found<'a> {
    Kept(&'a Kept),
    Base(&'a Base),
}

impl Found<'_> {
    const fn start(&self) -> &Start {
        match self {
            Self::Kept(kept) => kept.start(),
            Self::Base(base) => &base.start,
        }
    }

    fn bytes(&self, files: &dyn Files, place: u32) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Kept(kept) => kept.bytes(files, place),
            Self::Base(base) => base.bytes(files, place),
        }
    }
}

/// Whether a snapshot of this chain is in parts of so many items, as [`SnapshotLayout`] divides them. Of each part
/// its first height and two or three headers are read.
///
/// [`SnapshotLayout`]: super::snapshot_layout::SnapshotLayout
fn is_regular(store: &ChainStore, base: &Base, items: u32) -> Result<bool, StoreError> {
    let (tip, items) = (&base.start.tip.header, u64::from(items.max(1)));
    if store.header(tip.height)?.is_none_or(|h| h != *tip) {
        return Ok(false);
    }
    let (mut headers, mut kernels) = (Vec::new(), Vec::new());
    for (place, entry) in (0..).zip(&base.start.parts) {
        match entry.kind {
            PartKind::Headers => headers.push(base.first_header(&store.files, place)?),
            PartKind::Kernels => kernels.push(first_height(base, &store.files, place)?),
            PartKind::Outputs => break,
        }
    }
    let (last, each) = (tip.height.get(), headers_of_a_part(tip, items));
    let firsts = (0..last.div_ceil(each)).map(|n| Some(Height::new(n * each + 1)));
    let depth = depth_of(tip, items);
    let all = u32::try_from(headers.len() + kernels.len() + (1 << depth)).unwrap_or(u32::MAX);
    let same = headers.into_iter().eq(firsts) && base.start.count() == PartCount { all, depth };
    let count = |h: Height| if h == Height::GENESIS { Ok(0) } else { kernel_count(store, h) };
    Ok(same && are_regular(count, tip.height, &kernels, items)?)
}

/// Whether parts of kernels that begin with these heights are regular: each but the last ends with the first block
/// with which it has so many. `count` gives how many kernels the chain has up to a height.
fn are_regular(
    count: impl Fn(Height) -> Result<u64, StoreError>,
    tip: Height,
    firsts: &[Option<Height>],
    items: u64,
) -> Result<bool, StoreError> {
    let mut from = Height::new(1);
    for n in 0..firsts.len() {
        let after = firsts.get(n + 1).copied().unwrap_or(Some(tip.next()));
        let to = after.unwrap_or(Height::GENESIS).minus(1);
        if firsts.get(n) != Some(&Some(from)) || to < from || to > tip {
            return Ok(false);
        }
        let before = count(from.minus(1))?;
        let is_full = |h: Height| Ok::<_, StoreError>(count(h)?.saturating_sub(before) >= items);
        if (to > from && is_full(to.minus(1))?) || (to != tip && !is_full(to)?) {
            return Ok(false);
        }
        from = to.next();
    }
    Ok(from == tip.next())
}

/// The first height of a part of kernels, as its first bytes state it.
fn first_height(base: &Base, files: &dyn Files, place: u32) -> Result<Option<Height>, StoreError> {
    let at = place as usize;
    let entry = base.start.parts.get(at).filter(|p| p.kind == PartKind::Kernels && p.length >= 8);
    let Some((_, offset)) = entry.zip(base.offset(place)) else { return Ok(None) };
    let bytes =
        files.read(base.file, offset, 8).map_err(|source| StoreError::Io { file: base.file, source })?;
    Ok(Height::from_bytes(&bytes).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use crate::storage::snapshot_layout::{PartRange, SnapshotLayout};
    use sotto_mw::{
        block::Header,
        chain::{Chain, Params},
        group::Point,
        schnorr::PublicKey,
    };

    /// Parts of kernels are regular if they begin where the layout begins them, and nowhere else.
    #[test]
    fn parts_of_kernels_begin_where_the_layout_begins_them() {
        let chain = Chain::new(Params::solo(PublicKey::from_point(Point::g()), 5)).unwrap();
        let counts: [u64; 10] = [1, 2, 9, 10, 11, 12, 30, 31, 32, 33];
        let tip = Header { height: Height::new(10), ..Header::genesis(&chain) };
        let count = |h: Height| Ok(h.get().checked_sub(1).map_or(0, |n| counts[n as usize]));
        let is_regular =
            |firsts: &[Option<Height>], items: u64| are_regular(count, tip.height, firsts, items).unwrap();
        for items in [1, 2, 3, 8, 40] {
            let first = |range: &PartRange| match range {
                PartRange::Kernels(first, _) => Some(Some(*first)),
                _ => None,
            };
            let layout = SnapshotLayout::of(&counts, &tip, items);
            let right: Vec<_> = layout.all.iter().filter_map(first).collect();
            assert!(is_regular(&right, items.into()), "{right:?}");
            for n in 0..right.len() {
                let mut fewer = right.clone();
                fewer.remove(n);
                let others = (0..13).map(|h| Some(Height::new(h))).chain([None]);
                let altered = others.filter(|other| *other != right[n]).map(|other| {
                    let mut altered = right.clone();
                    altered[n] = other;
                    altered
                });
                for wrong in altered.chain([fewer]) {
                    assert!(!is_regular(&wrong, items.into()), "{items}: {wrong:?}");
                }
            }
        }
    }
}
