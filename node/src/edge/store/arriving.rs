//! A snapshot that arrives from peers, part by part in any order, beside the chain that is there; and its adoption.
//!
//! ```text
//! begin ─▶ put, put, … (a file that grows; a kill loses its unsynced end) ─▶ each that is judged is put in its place
//!   ─▶ all judged: base, empty log ─▶ replace the head, which names both ─▶ old index, base, segments and this file removed
//! ```
//!
//! Until the head is replaced the chain is what it was, and afterwards the snapshot; opening tells the two apart by the head, as
//! after pruning. Bytes that were torn or damaged on disk are as if they had not arrived, with all that came later.
//!
//! Not judged here: whether parts belong to the chain ([`parts`](crate::engine::parts)) and obey the rules
//! ([`pruned`](crate::engine::pruned)).

use super::{
    Running, Store,
    error::StoreError,
    files::{FileName, Files, length, replace},
    index::Index,
    prune,
    settling::{self, Settling},
};
use crate::{
    engine::pruned::Judged,
    seal::SealedHeader,
    wire::{
        Damage,
        snapshot::{
            ARRIVED_PREFIX, ARRIVING_HEADER, PartEntry, PartKind, Start, arrived_prefix, arriving_header,
            read_arrived_prefix, read_arriving_header,
        },
    },
};
use sotto_mw::{block::ChainId, state::StateCommitments};
use std::collections::BTreeMap;

/// So many parts may be lost with the power.
const UNSYNCED: u32 = 8;
const FILE: FileName = FileName::Arriving;

/// What has arrived.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) tip: SealedHeader,
    /// Each part, and where its bytes begin.
    parts: BTreeMap<u32, (PartEntry, u64)>,
    end: u64,
    unsynced: u32,
    /// What was judged and is in its place.
    pub(super) settling: Option<Settling>,
}

impl Arrivals {
    /// What an earlier run has kept, as far as it is whole.
    pub(super) fn open(files: &impl Files, chain: &ChainId) -> Result<Option<Self>, StoreError> {
        let Some(have) = length(files, FILE)? else { return Ok(None) };
        let read = |at: u64, n: usize| {
            let fits = at.checked_add(n as u64).is_some_and(|end| end <= have);
            fits.then(|| files.read(FILE, at, n).map_err(|source| StoreError::Io { file: FILE, source }))
                .transpose()
        };
        let header = read(0, ARRIVING_HEADER)?.and_then(|bytes| read_arriving_header(&bytes).ok());
        let Some((_, tip)) = header.filter(|(found, _)| found == chain) else { return Ok(None) };
        let (mut parts, mut end) = (BTreeMap::new(), ARRIVING_HEADER as u64);
        while let Some(prefix) = read(end, ARRIVED_PREFIX)? {
            let Ok((place, entry)) = read_arrived_prefix(&prefix) else { break };
            let at = end + ARRIVED_PREFIX as u64;
            let whole = read(at, entry.length as usize)?
                .is_some_and(|bytes| Start::check(&tip, place, entry.kind, &bytes) == entry.check);
            if !whole {
                break;
            }
            end = at + u64::from(entry.length);
            parts.insert(place, (entry, at));
        }
        Ok(Some(Self { tip, parts, end, unsynced: 0, settling: None }))
    }

    /// What is known of a part that is here.
    pub(super) fn entry(&self, place: u32) -> Option<&PartEntry> {
        self.parts.get(&place).map(|(entry, _)| entry)
    }

    fn bytes(&self, files: &impl Files, place: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((entry, at)) = self.parts.get(&place) else { return Ok(None) };
        let bytes = files
            .read(FILE, *at, entry.length as usize)
            .map_err(|source| StoreError::Io { file: FILE, source })?;
        let sound = Start::check(&self.tip, place, entry.kind, &bytes) == entry.check;
        if sound { Ok(Some(bytes)) } else { Err(StoreError::damaged(FILE, *at, Damage::Checksum)) }
    }
}

impl<F: Files> Store<F> {
    /// The last header of the snapshot that arrives, and the places of the parts that are here.
    pub(crate) fn arrived(&self) -> Option<(&SealedHeader, impl Iterator<Item = u32> + '_)> {
        self.arrivals.as_ref().map(|a| (&a.tip, a.parts.keys().copied()))
    }

    /// Forgets what arrived, and begins with the snapshot that ends with this header.
    pub(crate) fn begin_arriving(&mut self, tip: &SealedHeader) -> Result<(), StoreError> {
        self.running()?;
        replace(&mut self.files, FILE, &arriving_header(self.chain.id(), tip))?;
        let (parts, end) = (BTreeMap::new(), ARRIVING_HEADER as u64);
        self.arrivals = Some(Arrivals { tip: tip.clone(), parts, end, unsynced: 0, settling: None });
        Ok(())
    }

    /// Keeps a part; it survives a kill, and soon the loss of power.
    pub(crate) fn put_arrived(&mut self, place: u32, kind: PartKind, bytes: &[u8]) -> Result<(), StoreError> {
        let Some(arrivals) = &mut self.arrivals else { return Err(StoreError::Stopped) };
        let length = u32::try_from(bytes.len()).map_err(|_| StoreError::damaged(FILE, 0, Damage::Long))?;
        let entry = PartEntry { kind, length, check: Start::check(&arrivals.tip, place, kind, bytes) };
        let record = [&arrived_prefix(place, &entry), bytes].concat();
        let failed = |e| StoreError::writing(FILE, e);
        self.files.write(FILE, arrivals.end, &record).map_err(failed)?;
        arrivals.unsynced += 1;
        if arrivals.unsynced >= UNSYNCED {
            self.files.sync(FILE).map_err(failed)?;
            arrivals.unsynced = 0;
        }
        arrivals.parts.insert(place, (entry, arrivals.end + ARRIVED_PREFIX as u64));
        arrivals.end += record.len() as u64;
        Ok(())
    }

    /// The bytes of a part that is here.
    pub(crate) fn arrived_part(&self, place: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.arrivals.as_ref().map_or(Ok(None), |a| a.bytes(&self.files, place))
    }

    /// Forgets what arrived.
    pub(crate) fn drop_arrived(&mut self) -> Result<(), StoreError> {
        self.arrivals = None;
        settling::remove_draft(&mut self.files)?;
        if length(&self.files, FILE)?.is_some() {
            self.files.remove(FILE).map_err(|e| StoreError::writing(FILE, e))?;
        }
        Ok(())
    }

    /// Puts the state that arrived, all of which was judged, put in its place, and is in parts of `items`, in the place of the
    /// chain that is here, durably.
    ///
    /// # Errors
    /// When files cannot be read or written; the store then has to be opened again, at one state or the other.
    pub(crate) fn adopt_arrived(&mut self, judged: &Judged, items: u32) -> Result<(), StoreError> {
        self.running()?;
        let arrivals = self.arrivals.take().filter(|a| a.tip == *judged.tip());
        let arrivals = arrivals.ok_or(StoreError::damaged(FILE, 0, Damage::Misplaced))?;
        self.state = Running::Stopped;
        self.stop_keeping()?;
        let (base, log, head, index, outputs) = self.settle(arrivals, judged)?;
        replace(&mut self.files, FileName::Head, &head.to_bytes())?;
        let old = core::mem::replace(&mut self.index, index);
        self.commitments = StateCommitments { kernels: head.kernels.clone(), outputs };
        (self.log, self.head, self.base) = (log, head, Some(base));
        self.kept.rebased(items);
        self.since_flush = 0;
        let place = old.place().clone();
        drop(old);
        // Where its files cannot be removed yet, they are when the store is opened next.
        drop(Index::remove(&place));
        prune::remove_leftovers(&mut self.files, &self.head)?;
        self.drop_arrived()?;
        self.state = Running::Yes;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
