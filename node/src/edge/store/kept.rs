//! Snapshots that a node keeps to hand them out: begun at the tip, told of once they are whole.
//!
//! A state is fixed while it is the tip's, which needs no block to be taken back, and written while the chain goes on
//! (`making.rs`). It waits until it is final, is then handed
//! out until the next is, and some time longer, for those who began with it. So [`KEPT`] files suffice where they are
//! at least K blocks apart. The base of a store that was pruned or has itself begun with a snapshot is handed out too.
//!
//! Those who gather parts from several nodes must get the same from all: only what is in parts of the agreed size is handed out.

use super::{
    Store,
    base::Base,
    error::{IndexFault, StoreError},
    files::{FileName, Files, length},
    making::Making,
};
use crate::{
    engine::parts::{Piece, Pieces},
    seal::SealedHeader,
    wire::snapshot::{PartKind, SEALED_BYTES},
};
use sotto_mw::{amount::Height, hash::Hash, wire::Decode};

/// Snapshots that are kept at most.
const KEPT: u32 = 3;

/// What is handed out.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Items of a part.
    pub(super) items: u32,
    pub(super) snapshots: Vec<Base>,
    /// Whether the base is in such parts.
    base: bool,
    /// The one that is not yet whole.
    pub(super) making: Option<Making>,
}

impl Kept {
    /// What can be said of a base that was written in parts of so many items.
    pub(super) fn rebased(&mut self, items: u32) {
        self.base = self.items == items;
    }

    /// Where the next one is written to: over the oldest.
    pub(super) fn oldest(&self) -> Option<FileName> {
        let used = |file: FileName| self.snapshots.iter().find(|k| k.file == file);
        let age = |file: &FileName| used(*file).map(|k| k.start.tip.header.height);
        (0..KEPT).map(FileName::Snapshot).min_by_key(age)
    }

    /// Hands out another, in place of what was in its file.
    pub(super) fn take(&mut self, snapshot: Base) {
        self.snapshots.retain(|k| k.file != snapshot.file);
        self.snapshots.push(snapshot);
    }
}

impl<F: Files> Store<F> {
    /// From now on snapshots in parts of so many items are handed out: what an earlier run kept and is whole, and the base.
    pub(crate) fn hand_out(&mut self, items: u32) -> Result<(), StoreError> {
        self.stop_keeping()?;
        let mut kept = Kept { items, snapshots: Vec::new(), base: false, making: None };
        for file in (0..KEPT).map(FileName::Snapshot) {
            if length(&self.files, file)?.is_none() {
                continue;
            }
            match Base::open(&self.files, file) {
                Ok(snapshot) if self.is_regular(&snapshot, items)? => kept.snapshots.push(snapshot),
                // It is written anew when its turn comes.
                Ok(_) | Err(StoreError::Damaged { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        if let Some(base) = &self.base {
            kept.base = self.is_regular(base, items)?;
        }
        self.kept = kept;
        Ok(())
    }

    /// The snapshots that are handed out.
    fn handed_out(&self) -> impl Iterator<Item = &Base> {
        self.kept.snapshots.iter().chain(self.base.iter().filter(|_| self.kept.base))
    }

    /// Whether the state after this block is kept or is the base, or lies before it.
    pub(crate) fn keeps(&self, height: Height) -> bool {
        height <= self.head.base || self.kept.snapshots.iter().any(|k| k.start.tip.header.height == height)
    }

    /// The last headers of the snapshots that can be handed out: those that are in the chain.
    pub(crate) fn snapshots(&self) -> Result<Vec<SealedHeader>, StoreError> {
        let mut all = Vec::new();
        for kept in self.handed_out() {
            let tip = &kept.start.tip;
            if self.header(tip.header.height)?.is_some_and(|h| h == tip.header) {
                all.push(tip.clone());
            }
        }
        Ok(all)
    }

    /// A part of the snapshot that ends with this header; `None` when it is not here.
    pub(crate) fn snapshot_part(&self, tip: &Hash, place: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(kept) = self.handed_out().find(|k| k.start.tip.header.hash() == *tip) else {
            return Ok(None);
        };
        if place >= kept.start.count().all { Ok(None) } else { kept.bytes(&self.files, place).map(Some) }
    }

    /// Whether a snapshot of this chain is in parts of so many items.
    fn is_regular(&self, base: &Base, items: u32) -> Result<bool, StoreError> {
        let tip = &base.start.tip.header;
        if self.header(tip.height)?.is_none_or(|h| h != *tip) {
            return Ok(false);
        }
        let mut counts = Vec::new();
        for h in (1..=tip.height.get()).map(Height::new) {
            counts.push(self.header(h)?.ok_or(IndexFault::Header(h))?.kernel_count);
        }
        let pieces = Pieces::of(&counts, tip.output_count, items);
        if base.start.count() != pieces.count() {
            return Ok(false);
        }
        for ((place, piece), entry) in (0..).zip(&pieces.all).zip(&base.start.parts) {
            let same = match piece {
                Piece::Headers(first, last) => {
                    u64::from(entry.length) == (last.get() - first.get() + 1) * u64::from(SEALED_BYTES)
                }
                Piece::Kernels(first, _) => base.front(&self.files, place)? == Some(*first),
                Piece::Outputs(_) => true,
            };
            if !same || entry.kind != piece.kind() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Base {
    /// The first height of a part of kernels, as it stands at its front.
    fn front(&self, files: &impl Files, place: u32) -> Result<Option<Height>, StoreError> {
        let at = place as usize;
        let entry = self.start.parts.get(at).filter(|p| p.kind == PartKind::Kernels && p.length >= 8);
        let Some((_, offset)) = entry.zip(self.offset(place)) else { return Ok(None) };
        let bytes =
            files.read(self.file, offset, 8).map_err(|source| StoreError::Io { file: self.file, source })?;
        Ok(Height::from_bytes(&bytes).ok())
    }
}
