//! A snapshot that is fetched from peers, part by part in any order, beside the chain.
//!
//! ```text
//! begin ─▶ put, put, … (a file that grows; a kill loses its unsynced end) ─▶ each part that is judged is installed
//!   ─▶ all judged: base, empty log ─▶ replace the head, which names both ─▶ old index, base, segments and this file removed
//! ```
//!
//! Until the head is replaced the chain is what it was, and afterwards the snapshot; opening tells the two
//! apart by the head, as after pruning. Bytes that were torn or damaged on disk count as not arrived, with
//! all that came later.
//!
//! Not checked here: whether parts belong to the chain ([`snapshot_layout`](super::snapshot_layout)) and obey
//! the rules ([`snapshot_check`](super::snapshot_check)).

use crate::{
    codec::Damage,
    seal::SealedHeader,
    storage::{
        chain_store::ChainStore,
        error::StoreError,
        file_name::FileName,
        files::{Files, length, remove_if_there, replace, sync, write_at},
        index::Index,
        snapshot_format::{
            ARRIVED_PREFIX, ARRIVING_PREFIX, PartCount, PartEntry, PartKind, Start, arrived_prefix,
            arriving_header, arriving_length, read_arrived_prefix, read_arriving_header,
        },
        snapshot_install::SnapshotInstall,
        snapshot_part::Part,
    },
};
use sotto_mw::chain::ChainId;
use std::collections::BTreeMap;

/// How many parts may be lost with the power.
const UNSYNCED: u32 = 8;
const FILE: FileName = FileName::SnapshotDownload;

/// What has arrived.
#[derive(Debug)]
pub(crate) struct SnapshotDownload {
    tip: SealedHeader,
    /// Each part, and where its bytes begin.
    parts: BTreeMap<u32, (PartEntry, u64)>,
    end: u64,
    unsynced: u32,
    /// What was judged and is installed.
    install: Option<SnapshotInstall>,
}

impl SnapshotDownload {
    /// What an earlier run saved, as far as it is whole.
    pub(crate) fn open(files: &dyn Files, chain: &ChainId) -> Result<Option<Self>, StoreError> {
        let Some(have) = length(files, FILE)? else { return Ok(None) };
        let read = |at: u64, n: usize| {
            let fits = at.checked_add(n as u64).is_some_and(|end| end <= have);
            fits.then(|| files.read(FILE, at, n).map_err(|source| StoreError::Io { file: FILE, source }))
                .transpose()
        };
        let length = read(0, ARRIVING_PREFIX)?.and_then(|bytes| arriving_length(&bytes).ok());
        let Some(length) = length else { return Ok(None) };
        let header = read(0, length)?.and_then(|bytes| read_arriving_header(&bytes).ok());
        let Some((_, tip)) = header.filter(|(found, _)| found == chain) else { return Ok(None) };
        let (mut parts, mut end) = (BTreeMap::new(), length as u64);
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
        Ok(Some(Self { tip, parts, end, unsynced: 0, install: None }))
    }

    /// The entry of a part that is here.
    fn entry(&self, place: u32) -> Option<&PartEntry> {
        self.parts.get(&place).map(|(entry, _)| entry)
    }

    /// The bytes of a part, if it is here.
    pub(crate) fn bytes(&self, files: &dyn Files, place: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((entry, at)) = self.parts.get(&place) else { return Ok(None) };
        let bytes = files
            .read(FILE, *at, entry.length as usize)
            .map_err(|source| StoreError::Io { file: FILE, source })?;
        let sound = Start::check(&self.tip, place, entry.kind, &bytes) == entry.check;
        if sound { Ok(Some(bytes)) } else { Err(StoreError::damaged(FILE, *at, Damage::Checksum)) }
    }

    /// Begins with the snapshot that ends with this header, in place of what arrived before.
    pub(crate) fn begin(store: &mut ChainStore, tip: &SealedHeader) -> Result<Self, StoreError> {
        store.running()?;
        let header = arriving_header(store.chain.id(), tip);
        replace(&mut store.files, FILE, &header)?;
        let (parts, end) = (BTreeMap::new(), header.len() as u64);
        Ok(Self { tip: tip.clone(), parts, end, unsynced: 0, install: None })
    }

    /// The last header of the snapshot.
    pub(crate) const fn tip(&self) -> &SealedHeader {
        &self.tip
    }

    /// The places of the parts that are here.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.parts.keys().copied()
    }

    /// Saves a part; it survives a kill, and soon the loss of power.
    pub(crate) fn put(
        &mut self,
        files: &mut dyn Files,
        place: u32,
        kind: PartKind,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let length = u32::try_from(bytes.len()).map_err(|_| StoreError::damaged(FILE, 0, Damage::Long))?;
        let entry = PartEntry { kind, length, check: Start::check(&self.tip, place, kind, bytes) };
        let record = [&arrived_prefix(place, &entry), bytes].concat();
        write_at(files, FILE, self.end, &record)?;
        self.unsynced += 1;
        if self.unsynced >= UNSYNCED {
            sync(files, FILE)?;
            self.unsynced = 0;
        }
        self.parts.insert(place, (entry, self.end + ARRIVED_PREFIX as u64));
        self.end += record.len() as u64;
        Ok(())
    }

    /// Installs a part, which was judged. All parts come in order; the first begins anew.
    pub(crate) fn install(
        &mut self,
        store: &mut ChainStore,
        judged: JudgedPart<'_>,
    ) -> Result<(), StoreError> {
        let JudgedPart { place, parts, part, bytes } = judged;
        store.running()?;
        let mut install = match self.install.take() {
            Some(install) if place > 0 => install,
            Some(install) => SnapshotInstall::begin(&store.chain, parts, install.into_index())?,
            None => {
                let index = Index::open(store.databases.as_ref(), store.index.slot().other())?;
                SnapshotInstall::begin(&store.chain, parts, index)?
            }
        };
        let entry = self.entry(place).filter(|_| install.len() == place as usize);
        let entry = entry.cloned().ok_or_else(|| StoreError::damaged(FILE, 0, Damage::Misplaced))?;
        install.put(&mut store.files, entry, part, bytes)?;
        self.install = Some(install);
        Ok(())
    }

    /// What is installed, which is all of it if the snapshot was judged.
    pub(crate) fn into_install(self) -> Result<SnapshotInstall, StoreError> {
        self.install.ok_or_else(|| StoreError::damaged(FILE, 0, Damage::Short))
    }
}

/// A part of a snapshot that the rules allow in its place.
pub(crate) struct JudgedPart<'a> {
    /// Its number among all parts.
    pub(crate) place: u32,
    /// What the snapshot consists of.
    pub(crate) parts: PartCount,
    /// The part, decoded and as bytes.
    pub(crate) part: &'a Part,
    pub(crate) bytes: &'a [u8],
}

/// Removes what arrived, and the draft of a base.
pub(crate) fn remove(files: &mut dyn Files) -> Result<(), StoreError> {
    remove_if_there(files, FileName::BaseDraft)?;
    remove_if_there(files, FILE)
}

#[cfg(test)]
mod tests;
