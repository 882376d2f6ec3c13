//! Pruning: bodies that no reorganisation can need are dropped; headers, kernels and unspent outputs stay.
//!
//! ```text
//! write the base (state at the floor), fsync ─▶ write the blocks above the floor into new segments, fsync
//!   ─▶ fill a new index from both, fsync ─▶ replace the head, which names them ─▶ remove the old ones
//! ```
//!
//! Until the head is replaced the old files are the store, and afterwards the new ones; opening removes what
//! is left over. Undone blocks are dropped as well: the log keeps them only until it is pruned.

use crate::storage::{
    base::{Base, remove_leftovers},
    chain_store::{ChainStore, Installed},
    error::StoreError,
    file_name::FileName,
    files::{Files, replace, write_at},
    format::{Head, Position, Record},
    index::Index,
    index_check::{Truth, catch_up},
    log::Log,
    snapshot_state::{PART_ITEMS, Snapshot},
};
use sotto_mw::{amount::Height, codec::Encode};

/// What pruning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Bodies of blocks up to this height are dropped.
    pub base: Height,
    /// How many bodies were dropped now.
    pub dropped: u64,
    /// Bytes of base and log before.
    pub bytes_before: u64,
    /// Bytes of base and log now.
    pub bytes_after: u64,
}

/// What pruning would do.
pub(crate) fn plan(store: &ChainStore) -> Result<Pruned, StoreError> {
    store.running()?;
    let (to, before) = (store.head.floor, store.head.base);
    let bytes_before = store.sizes()?.log;
    let mut planned =
        Pruned { base: to, dropped: to.get() - before.get(), bytes_before, bytes_after: bytes_before };
    if planned.dropped > 0 {
        let start = Snapshot::plan(store, to, PART_ITEMS)?.start;
        let base =
            start.to_bytes().len() as u64 + start.parts.iter().map(|p| u64::from(p.length)).sum::<u64>();
        let mut end = Position::start(store.head.end.segment + 1);
        for height in (to.get() + 1..=store.head.header.height.get()).map(Height::new) {
            let bytes = store.body(height)?.to_bytes();
            end.offset += Record::Block { height, bytes }.to_bytes(store.chain.id(), end).len() as u64;
        }
        planned.bytes_after = base + end.offset;
    }
    Ok(planned)
}

/// Drops all bodies at and below the floor, durably.
pub(crate) fn prune(store: &mut ChainStore) -> Result<Pruned, StoreError> {
    store.running()?;
    let (to, before) = (store.head.floor, store.head.base);
    let bytes_before = store.sizes()?.log;
    if to > before {
        let snapshot = Snapshot::plan(store, to, PART_ITEMS)?;
        store.stop();
        rebase(store, &snapshot)?;
        store.resume()?;
    }
    let dropped = to.get() - before.get();
    Ok(Pruned { base: to, dropped, bytes_before, bytes_after: store.sizes()?.log })
}

fn rebase(store: &mut ChainStore, snapshot: &Snapshot) -> Result<(), StoreError> {
    let (to, first) = (store.head.floor, store.head.end.segment + 1);
    let file = FileName::Base(first);
    write_parts(store, file, snapshot)?;
    store.files.sync_names().map_err(|e| StoreError::writing(file, e))?;
    let base = Base::open(&store.files, file)?;
    let mut log = Log::start(&mut store.files, store.chain.id(), first, store.log.segment_bytes())?;
    for height in (to.get() + 1..=store.head.header.height.get()).map(Height::new) {
        let bytes = store.body(height)?.to_bytes();
        log.append(&mut store.files, &Record::Block { height, bytes })?;
    }
    let head = Head { end: log.end(), base: to, first, ..store.head.clone() };
    let mut index = Index::open(store.databases.as_ref(), store.index.slot().other())?;
    index.clear()?;
    let (files, chain) = (&store.files, &store.chain);
    let truth = Truth { files, log: &log, base: Some(&base), chain, head: &head };
    let outputs = catch_up(&truth, &mut index)?.outputs;
    index.flush()?;
    replace(&mut store.files, FileName::Head, &head.to_bytes())?;
    let history = store.history.clone();
    store.restart(Installed { base, log, head, index, outputs, history });
    remove_leftovers(&mut store.files, &store.head)
}

/// Writes a snapshot to a file, and syncs it. The name is not durable yet.
fn write_parts(store: &mut ChainStore, file: FileName, snapshot: &Snapshot) -> Result<(), StoreError> {
    let bytes = snapshot.start.to_bytes();
    let mut end = bytes.len() as u64;
    write_at(&mut store.files, file, 0, &bytes)?;
    for place in 0..snapshot.start.count().all {
        let bytes = snapshot.part(store, place)?.1;
        write_at(&mut store.files, file, end, &bytes)?;
        end += bytes.len() as u64;
    }
    let done = store.files.truncate(file, end).and_then(|()| store.files.sync(file));
    done.map_err(|e| StoreError::writing(file, e))
}
