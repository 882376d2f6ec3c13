//! The chain on disk: a block log that is the truth, a head that says where it stands, an index that answers.
//!
//! ```text
//! apply   append the block to the log, fdatasync ─▶ replace the head, fsync ─▶ index
//!         (a crash here: the block before)          (a crash here: the block)
//! adopt   the same with several blocks, taken back and added: all or nothing
//! keep    a snapshot is written beside the chain, piece by piece, to be handed out (see `kept.rs`, `making.rs`)
//! arrive  a snapshot from peers takes the place of the chain (see `arriving.rs`, `settling.rs`)
//! prune   a base takes the place of the log's beginning (see `prune.rs`); import begins with one
//! open    lock ─▶ genesis, head ─▶ cut the log at the head ─▶ index catches up ─▶ index checked against the head
//! ```
//!
//! Guaranteed: a block that [`Store::apply`] acknowledged is never lost by a crash; after one, the store opens at the
//! block before or the block after. Every answer about unspent outputs is held against the trie in memory, headers and
//! kernels against the head when the store opens, blocks against their checksum and header: damage is an error, never an
//! answer. A damaged or missing index is rebuilt from the log.
//! Not guaranteed: that a damaged log or head can be repaired (keep a copy); that the blocks obey the rules if somebody
//! with access wrote them (the audit tells); freshness, if all files are put back together to an earlier day.
//!
//! Opening reads the whole index once: time and memory are linear in unspent outputs (192 bytes each stay) and kernels.

mod answers;
mod arriving;
mod base;
mod branch;
mod check;
mod disk;
mod error;
mod export;
mod files;
mod import;
mod index;
mod kept;
mod log;
mod making;
mod memory;
mod prune;
mod settling;

pub use answers::{ExportError, Exported, Sizes};
pub use disk::Disk;
pub use error::{IndexFault, StoreError};
pub use export::PART_ITEMS;
pub use files::{FileName, Files};
pub use import::{ImportError, Imported, MissingPart};
pub use index::IndexPlace;
pub use memory::Memory;
pub use prune::Pruned;

pub(crate) use branch::{Branch, Plan};

use crate::wire::{Damage, GENESIS_MAX, HEAD_MAX, Head, Record, SEGMENT_HEADER, genesis, read_genesis};
use arriving::Arrivals;
use base::Base;
use check::catch_up;
use files::{length, read_whole, replace};
use index::{Index, guarded};
use kept::Kept;
use log::Log;
use sotto_mw::{
    amount::Height,
    block::Block,
    rules::{
        BlockChange, Connected,
        params::{Chain, Params},
    },
    state::{StateCommitments, Unspent, WrongState},
    trie::Trie,
};
use std::path::Path;

/// How a store is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the index is.
    pub index: IndexPlace,
    /// A block that would end beyond this many bytes of a log segment begins the next.
    pub segment_bytes: u64,
}

impl Layout {
    /// The usual layout in a directory: the index below it, segments of 64 MiB.
    #[must_use]
    pub fn in_directory(dir: &Path) -> Self {
        let index = IndexPlace::Directory(dir.join(FileName::Index.to_string()));
        Self { index, segment_bytes: 64 << 20 }
    }
}

/// What was found when a store was opened.
#[derive(Debug)]
pub struct Opened {
    /// Bytes beyond the head that were cut off: a block that was never acknowledged.
    pub cut: u64,
    /// Records of the log that the index had to take in.
    pub replayed: u64,
    /// Why the index was built anew, if it was.
    pub rebuilt: Option<StoreError>,
}

/// A chain on disk.
#[derive(Debug)]
pub struct Store<F: Files = Disk> {
    chain: Chain,
    files: F,
    log: Log,
    index: Index,
    head: Head,
    base: Option<Base>,
    kept: Kept,
    arrivals: Option<Arrivals>,
    commitments: StateCommitments,
    opened: Opened,
    state: Running,
    since_flush: u32,
}

/// Whether writes go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    /// A write failed; what is on disk is known only after opening again.
    Stopped,
}

/// Blocks between two flushes of the index; so many at most have to be replayed after a crash.
const FLUSH_EVERY: u32 = 256;

impl Store {
    /// Creates the store of a new chain in a directory, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a chain is there, [`StoreError::Locked`] when another process uses the directory.
    pub fn create(dir: &Path, params: Params) -> Result<Self, StoreError> {
        disk::make_dir(dir).map_err(|source| StoreError::Directory { dir: dir.to_owned(), source })?;
        let files = Disk::lock(dir)?;
        Self::create_on(files, Layout::in_directory(dir), params)
    }

    /// Opens the store in a directory.
    ///
    /// # Errors
    /// [`StoreError::Absent`] when there is none, [`StoreError::Locked`] when another process uses it, and every
    /// damage that cannot be repaired.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let absent = || StoreError::Absent { dir: dir.to_owned() };
        if !dir.exists() {
            return Err(absent());
        }
        let files = Disk::lock(dir)?;
        if length(&files, FileName::Head)?.is_none() && !has_blocks(&files)? {
            return Err(if importing(&files)? { StoreError::Importing } else { absent() });
        }
        Self::open_on(files, Layout::in_directory(dir))
    }
}

impl<F: Files> Store<F> {
    /// Creates the store of a new chain on these files.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there are blocks or a head already.
    pub fn create_on(mut files: F, layout: Layout, params: Params) -> Result<Self, StoreError> {
        let chain = Chain::new(params)?;
        if length(&files, FileName::Head)?.is_some() || has_blocks(&files)? {
            return Err(StoreError::Exists);
        }
        if importing(&files)? {
            return Err(StoreError::Importing);
        }
        Index::remove(&layout.index)?;
        replace(&mut files, FileName::Genesis, &genesis(&chain))?;
        Log::start(&mut files, chain.id(), 0, layout.segment_bytes)?;
        replace(&mut files, FileName::Head, &Head::genesis(&chain).to_bytes())?;
        Self::open_on(files, layout)
    }

    /// Opens the store on these files.
    ///
    /// # Errors
    /// Every damage that cannot be repaired.
    pub fn open_on(mut files: F, layout: Layout) -> Result<Self, StoreError> {
        let (chain, head) = read_head(&files)?;
        let base = Base::of(&files, &chain, &head)?;
        let (log, cut) = Log::open(&mut files, chain.id(), (head.first, head.end), layout.segment_bytes)?;
        prune::remove_leftovers(&mut files, &head)?;
        settling::remove_draft(&mut files)?;
        settling::settled_index(&layout.index, &head)?;
        let truth = Truth { files: &files, log: &log, base: base.as_ref(), chain: &chain, head: &head };
        let (index, outputs, replayed, rebuilt) = attach(&truth, &layout.index)?;
        let commitments = StateCommitments { kernels: head.kernels.clone(), outputs };
        let opened = Opened { cut, replayed, rebuilt };
        let (arrivals, kept) = (Arrivals::open(&files, chain.id())?, Kept::default());
        let (state, since_flush) = (Running::Yes, 0);
        Ok(Self {
            chain,
            files,
            log,
            index,
            head,
            base,
            kept,
            arrivals,
            commitments,
            opened,
            state,
            since_flush,
        })
    }

    /// The chain's parameters.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What was found when the store was opened.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// No block at or below this height can be undone.
    #[must_use]
    pub const fn floor(&self) -> Height {
        self.head.floor
    }

    /// Bodies of blocks up to this height were pruned; the genesis, if none.
    #[must_use]
    pub const fn base(&self) -> Height {
        self.head.base
    }

    /// Adds a block durably.
    ///
    /// # Errors
    /// [`StoreError::WrongState`] when it was connected to another state; nothing has happened then. After any other
    /// failure the store refuses to go on until it is opened again, at this block or the one before.
    pub fn apply(&mut self, block: &Connected<BlockChange>) -> Result<(), StoreError> {
        let mut branch = Branch::at(self, self.head.header.height)?;
        branch.push(block)?;
        let plan = branch.plan();
        self.adopt(plan)
    }

    /// Takes the last block back, durably, and returns it.
    ///
    /// # Errors
    /// [`StoreError::Final`] when the chain's limit of reorganisation is reached, or the index is damaged; nothing has
    /// happened then. After any other failure the store refuses to go on until it is opened again.
    pub fn undo(&mut self) -> Result<Block, StoreError> {
        let (height, floor) = (self.head.header.height, self.head.floor);
        if height <= floor {
            return Err(StoreError::Final { height, floor });
        }
        let plan = Branch::at(self, height.minus(1))?.plan();
        let block = plan.undone().next().cloned().ok_or(IndexFault::Undo(height))?;
        self.adopt(plan)?;
        Ok(block)
    }

    /// The chain as it was after block `height`, to try other blocks on.
    pub(crate) fn branch(&self, height: Height) -> Result<Branch<'_, F>, StoreError> {
        Branch::at(self, height)
    }

    /// Follows a branch, durably: after a crash the store is where it was or where the branch leads.
    ///
    /// All records, then the head, then the index; a failure anywhere stops the store.
    pub(crate) fn adopt(&mut self, plan: Plan) -> Result<(), StoreError> {
        self.running()?;
        let found = self.head.header.hash();
        if plan.from != found {
            return Err(WrongState { expected: plan.from, found }.into());
        }
        self.state = Running::Stopped;
        let mut written = Vec::with_capacity(plan.steps.len());
        for mut step in plan.steps {
            let at = self.log.append(&mut self.files, &step.record)?;
            step.head.end = self.log.end();
            written.push((at, step));
        }
        if let Some((_, last)) = written.last() {
            replace(&mut self.files, FileName::Head, &last.head.to_bytes())?;
        }
        for (at, step) in written {
            let (heads, change) = ((&self.head, &step.head), (&step.block, step.spent.as_slice()));
            guarded(|| match step.record {
                Record::Block { .. } => self.index.connect(heads, at, change),
                Record::Undo { .. } => self.index.undo(heads, change),
            })?;
            if self.kept.making.as_mut().is_some_and(|m| !m.passed(&step)) {
                self.stop_keeping()?;
            }
            self.commitments = StateCommitments { kernels: step.head.kernels.clone(), outputs: step.outputs };
            self.head = step.head;
            self.since_flush += 1;
        }
        if self.since_flush >= FLUSH_EVERY {
            self.flush()?;
        }
        self.state = Running::Yes;
        Ok(())
    }

    /// Makes the index durable, which saves a replay after a crash; blocks are durable without it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        guarded(|| self.index.flush())?;
        self.since_flush = 0;
        Ok(())
    }

    fn running(&self) -> Result<(), StoreError> {
        match self.state {
            Running::Yes => Ok(()),
            Running::Stopped => Err(StoreError::Stopped),
        }
    }
}

/// A record that is to be appended, and what it leads to; the head's end is set when it is.
#[derive(Debug)]
struct Step {
    record: Record,
    block: Block,
    spent: Vec<Unspent>,
    head: Head,
    outputs: Trie,
}

/// Writes a part of a base at its place, not yet durably.
fn write_snapshot(
    files: &mut impl Files,
    file: FileName,
    offset: u64,
    bytes: &[u8],
) -> Result<(), StoreError> {
    files.write(file, offset, bytes).map_err(|e| StoreError::writing(file, e))
}

/// All bytes of a file that is kept beside the chain; `None` when there is none.
pub(crate) fn read_beside<F: Files>(store: &Store<F>, file: FileName) -> Result<Option<Vec<u8>>, StoreError> {
    match length(&store.files, file)? {
        Some(n) => read_whole(&store.files, file, n).map(Some),
        None => Ok(None),
    }
}

/// Replaces a file that is kept beside the chain, atomically and durably.
pub(crate) fn write_beside<F: Files>(
    store: &mut Store<F>,
    file: FileName,
    bytes: &[u8],
) -> Result<(), StoreError> {
    replace(&mut store.files, file, bytes)
}

/// Writes at the end of a file that is kept beside the chain, not yet durably.
pub(crate) fn append_beside<F: Files>(
    store: &mut Store<F>,
    file: FileName,
    end: u64,
    bytes: &[u8],
) -> Result<(), StoreError> {
    store.files.write(file, end, bytes).map_err(|e| StoreError::writing(file, e))
}

/// Makes a file that is kept beside the chain durable.
pub(crate) fn sync_beside<F: Files>(store: &mut Store<F>, file: FileName) -> Result<(), StoreError> {
    store.files.sync(file).map_err(|e| StoreError::writing(file, e))
}

/// Whether an import is under way: there is a base, and nothing that names it.
fn importing(files: &impl Files) -> Result<bool, StoreError> {
    Ok(length(files, FileName::Base(0))?.is_some())
}

/// Whether the log holds more than a beginning: then it must have a head.
fn has_blocks(files: &impl Files) -> Result<bool, StoreError> {
    let first = FileName::Segment(0);
    let segments = files.segments().map_err(|source| StoreError::Io { file: first, source })?;
    Ok(segments.len() > 1 || length(files, first)?.is_some_and(|l| l > SEGMENT_HEADER as u64))
}

/// The chain and its head, once they agree.
fn read_head(files: &impl Files) -> Result<(Chain, Head), StoreError> {
    let damaged = |file| move |damage: Damage| StoreError::damaged(file, 0, damage);
    let bytes = read_whole(files, FileName::Genesis, GENESIS_MAX)?;
    let chain = read_genesis(&bytes).map_err(damaged(FileName::Genesis))?;
    let bytes = read_whole(files, FileName::Head, HEAD_MAX)?;
    let head = Head::from_bytes(&bytes).map_err(damaged(FileName::Head))?;
    if head.chain == *chain.id() {
        return Ok((chain, head));
    }
    Err(StoreError::Foreign { file: FileName::Head, expected: *chain.id(), found: head.chain })
}

/// What an index is held against.
struct Truth<'a, F: Files> {
    files: &'a F,
    log: &'a Log,
    base: Option<&'a Base>,
    chain: &'a Chain,
    head: &'a Head,
}

/// The index at the head, its trie, how many records it took in, and why it was built anew, if it was.
fn attach(
    truth: &Truth<'_, impl Files>,
    place: &IndexPlace,
) -> Result<(Index, Trie, u64, Option<StoreError>), StoreError> {
    match attach_once(truth, place) {
        Ok((index, outputs, replayed)) => Ok((index, outputs, replayed, None)),
        Err(why @ (StoreError::Index { .. } | StoreError::Damaged { .. })) => {
            Index::remove(place)?;
            let (index, outputs, replayed) = attach_once(truth, place).map_err(StoreError::of_new_index)?;
            Ok((index, outputs, replayed, Some(why)))
        }
        Err(e) => Err(e),
    }
}

/// Opens the index, brings it to the head and checks it.
fn attach_once(truth: &Truth<'_, impl Files>, place: &IndexPlace) -> Result<(Index, Trie, u64), StoreError> {
    guarded(|| {
        let index = Index::open(place.clone())?;
        let replayed = catch_up(truth, &index)?;
        let outputs = check::check(&index, truth.chain, truth.head)?;
        Ok((index, outputs, replayed))
    })
}

impl<F: Files> Drop for Store<F> {
    /// Flushes the index; if that fails, the next opening replays.
    fn drop(&mut self) {
        drop(self.flush());
    }
}

#[cfg(test)]
mod tests;
