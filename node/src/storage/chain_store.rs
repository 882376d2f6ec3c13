//! The chain on disk: a block log that is the truth, a head that names its end, an index that answers.
//!
//! ```text
//! follow  append the records to the log, fdatasync ─▶ replace the head, fsync ─▶ index
//!         (a crash here: the chain before)            (a crash here: the chain after)
//! open    genesis, head ─▶ cut the log at the head ─▶ index catches up ─▶ index checked against the head
//! ```
//!
//! Guaranteed: a block that was acknowledged is never lost in a crash; after one, the store opens at the
//! block before or the block after. Every answer about unspent outputs is compared with the top of their trie
//! in memory, headers and what is known of kernels with the root of a map, blocks with their checksum and header:
//! damage is an error, never an answer. A damaged or missing index is rebuilt from the log. Not guaranteed: that a
//! damaged log or head can be repaired (keep a copy); that the blocks obey the rules if somebody with access
//! to the disk wrote them (the audit finds out); freshness, if all files are put back to an earlier day.
//!
//! Opening reads as much of a long chain as of a short one ([`index_check`](super::index_check)): of unspent outputs the
//! hashes of at most 65,536 parts, whose root must be the head's, and of headers and kernels the last. A part is read,
//! and compared with its hash, when it is needed ([`index_outputs`](super::index_outputs)), and so is the path of a
//! header, a kernel or an excess ([`index_lookups`](super::index_lookups)). What turns out to be damaged is noted, and
//! the index rebuilt when the store is opened next.

use super::{
    base::{Base, remove_leftovers},
    database::{Databases, Slot},
    error::StoreError,
    file_name::FileName,
    files::{Files, length, read_whole, remove_if_there, replace},
    format::{GENESIS_MAX, HEAD_MAX, Head, Record, SEGMENT_HEADER, genesis, read_genesis},
    index::{HeadChange, Index, keep_one},
    index_check::{self, CaughtUp, Truth, catch_up},
    index_outputs::UNLOAD_EVERY,
    log::{Extent, Log},
    memory_database::MemoryDatabases,
    plan::{ChainStep, Plan},
    verified_seals::VerifiedSeals,
};
use crate::codec::Damage;
use core::sync::atomic::{AtomicBool, Ordering};
use sotto_mw::{
    amount::Height,
    block::Header,
    chain::{Chain, Params},
    history::History,
    state::{StateCommitments, WrongState},
    trie::Trie,
};

/// How a store is laid out.
#[derive(Debug)]
pub struct Layout {
    /// Where the index is.
    pub databases: Box<dyn Databases>,
    /// A block that would end beyond this many bytes of a log segment begins the next.
    pub segment_bytes: u64,
}

impl Layout {
    /// The usual segments of 64 MiB, and the index in these databases.
    #[must_use]
    pub fn new(databases: impl Databases + 'static) -> Self {
        Self { databases: Box::new(databases), segment_bytes: 64 << 20 }
    }

    /// The usual segments, and the index in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(MemoryDatabases)
    }
}

/// What was found when a store was opened.
#[derive(Debug)]
pub struct Opened {
    /// Bytes beyond the head that were cut off: a block that was never acknowledged.
    pub cut: u64,
    /// Records of the log that the index had to take in.
    pub replayed: u64,
    /// Why the index was rebuilt, if it was.
    pub rebuilt: Option<StoreError>,
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

/// How much larger than its entries an index may be when a store is closed: a multiple, and bytes.
const SPARE: u64 = 3;
const SPARE_BYTES: u64 = 16 << 20;

/// The blocks of a chain and its state.
#[derive(Debug)]
pub struct ChainStore {
    pub(crate) chain: Chain,
    pub(crate) files: Box<dyn Files>,
    pub(crate) databases: Box<dyn Databases>,
    pub(crate) log: Log,
    pub(crate) index: Index,
    pub(crate) head: Head,
    pub(crate) base: Option<Base>,
    pub(crate) commitments: StateCommitments,
    /// The terms of all heights up to the next, and of later ones as far as they are announced.
    pub(crate) history: History,
    opened: Opened,
    state: Running,
    since_flush: u32,
    /// Outputs that changed since the trie was cut back.
    since_unload: usize,
    /// Whether the index turned out to be damaged.
    damaged: AtomicBool,
    pub(crate) seals: VerifiedSeals,
}

/// A state that is on disk, whole, and that no head names yet.
pub(crate) struct Installed {
    pub(crate) base: Base,
    pub(crate) log: Log,
    pub(crate) head: Head,
    pub(crate) index: Index,
    pub(crate) outputs: Trie,
    pub(crate) history: History,
}

impl ChainStore {
    /// Writes the files of a new chain.
    pub(crate) fn create(files: &mut dyn Files, layout: &Layout, params: Params) -> Result<(), StoreError> {
        let chain = Chain::new(params)?;
        if has_chain(files)? {
            return Err(StoreError::Exists);
        }
        if importing(files)? {
            return Err(StoreError::Importing);
        }
        layout.databases.remove(Slot::Current)?;
        replace(files, FileName::Genesis, &genesis(&chain))?;
        Log::start(files, chain.id(), 0, layout.segment_bytes)?;
        replace(files, FileName::Head, &Head::genesis(&chain).to_bytes())
    }

    /// Opens the chain in these files.
    pub(crate) fn open(mut files: Box<dyn Files>, layout: Layout) -> Result<Self, StoreError> {
        let Layout { databases, segment_bytes } = layout;
        let (chain, head) = read_head(&files)?;
        let chain = chain.under(&head.terms);
        let base = Base::of(&files, &chain, &head)?;
        let extent = Extent { first: head.first, end: head.end };
        let (log, cut) = Log::open(&mut files, chain.id(), extent, segment_bytes)?;
        remove_leftovers(&mut files, &head)?;
        remove_if_there(&mut files, FileName::BaseDraft)?;
        keep_one(databases.as_ref(), &head)?;
        let truth = Truth { files: &files, log: &log, base: base.as_ref(), chain: &chain, head: &head };
        let Attached { index, outputs, history, replayed, rebuilt } = attach(&truth, databases.as_ref())?;
        let commitments = StateCommitments { kernels: head.kernels.clone(), outputs };
        let opened = Opened { cut, replayed, rebuilt };
        Ok(Self {
            chain,
            files,
            databases,
            log,
            index,
            head,
            base,
            commitments,
            history,
            opened,
            state: Running::Yes,
            since_flush: 0,
            since_unload: 0,
            damaged: AtomicBool::new(false),
            seals: VerifiedSeals::default(),
        })
    }

    /// The chain, under the terms of the next height.
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

    /// Follows a branch, durably: after a crash the store is where it was or at the branch's tip.
    ///
    /// All records, then the head, then the index; a failure anywhere stops the store. The store accepts the
    /// next change only after [`ChainStore::resume`].
    pub(crate) fn follow(&mut self, plan: Plan) -> Result<Vec<ChainStep>, StoreError> {
        self.running()?;
        let found = self.head.header.hash();
        if plan.from != found {
            return Err(WrongState { expected: plan.from, found }.into());
        }
        self.stop();
        let places = self.log.append_all(&mut self.files, plan.steps.iter().map(|step| &step.record))?;
        let ended = plan.steps.into_iter().zip(places).map(|(mut step, place)| {
            step.head.end = place.end;
            (place.start, step)
        });
        let written: Vec<_> = ended.collect();
        if let Some((_, last)) = written.last() {
            replace(&mut self.files, FileName::Head, &last.head.to_bytes())?;
        }
        let mut done = Vec::with_capacity(written.len());
        for (at, step) in written {
            let heads = HeadChange { before: &self.head, after: &step.head };
            let indexed = match step.record {
                Record::Block { .. } => self.index.connect(heads, at, &step.block, &step.outputs),
                Record::Undo { .. } => self.index.undo(heads, &step.block, &step.outputs),
            };
            self.noting(indexed)?;
            self.commitments =
                StateCommitments { kernels: step.head.kernels.clone(), outputs: step.outputs.clone() };
            self.since_unload += step.spent.len() + step.block.body.outputs.len();
            self.head = step.head.clone();
            let Header { height, terms, next_terms, .. } = &self.head.header;
            // Blocks that validators certified are final, so no change is undone.
            if terms != next_terms {
                self.history.append(height.next(), &self.head.terms);
            }
            self.since_flush += 1;
            done.push(step);
        }
        self.chain = self.chain.under(&self.head.terms);
        if self.since_unload >= UNLOAD_EVERY {
            self.commitments.outputs = self.commitments.outputs.unloaded();
            self.since_unload = 0;
        }
        Ok(done)
    }

    /// The same; if it says that the index is damaged, that is noted.
    pub(crate) fn noting<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(result, Err(StoreError::Index { .. })) {
            self.damaged.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Refuses every change and every answer until [`ChainStore::resume`]: what is on disk is not known.
    pub(crate) const fn stop(&mut self) {
        self.state = Running::Stopped;
    }

    /// Goes on after a change that succeeded.
    pub(crate) fn resume(&mut self) -> Result<(), StoreError> {
        if self.since_flush >= FLUSH_EVERY {
            self.flush()?;
        }
        self.state = Running::Yes;
        Ok(())
    }

    /// Takes over an installed state, which the head file names, and removes the index of the one before.
    pub(crate) fn restart(&mut self, state: Installed) {
        let Installed { base, log, head, index, outputs, history } = state;
        let old = core::mem::replace(&mut self.index, index);
        self.commitments = StateCommitments { kernels: head.kernels.clone(), outputs };
        (self.log, self.head, self.base, self.history) = (log, head, Some(base), history);
        self.chain = self.chain.under(&self.head.terms);
        self.since_flush = 0;
        let slot = old.slot();
        drop(old);
        // Where its files cannot be removed yet, they are when the store is opened next.
        drop(self.databases.remove(slot));
    }

    /// Makes the index durable, which saves a replay after a crash; blocks are durable without it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.index.flush()?;
        self.since_flush = 0;
        Ok(())
    }

    /// About how many bytes the entries of the index have.
    fn least_index(&self) -> u64 {
        let header = &self.head.header;
        96 * header.output_count + 100 * header.kernel_count + 110 * header.height.get()
    }

    /// If the index has more bytes than `most`, copies it to the other slot, which the next opening takes.
    pub(crate) fn compact(&mut self, most: u64) -> Result<(), StoreError> {
        if self.index.slot() != Slot::Current || self.index.bytes()? <= most {
            return Ok(());
        }
        let mut next = Index::open(self.databases.as_ref(), Slot::Next)?;
        self.index.copy_to(&mut next)
    }

    pub(crate) const fn running(&self) -> Result<(), StoreError> {
        match self.state {
            Running::Yes => Ok(()),
            Running::Stopped => Err(StoreError::Stopped),
        }
    }
}

impl Drop for ChainStore {
    /// Flushes the index; if that fails, the next opening replays. One that is damaged is rebuilt then, and one
    /// that is mostly waste gives way to its copy.
    fn drop(&mut self) {
        let damaged = self.damaged.load(Ordering::Relaxed);
        let most = SPARE_BYTES + SPARE * self.least_index();
        drop(if damaged { self.index.distrust() } else { self.flush().and_then(|()| self.compact(most)) });
    }
}

/// Whether an import is under way: there is a base, and no head that names it.
pub(crate) fn importing(files: &dyn Files) -> Result<bool, StoreError> {
    Ok(length(files, FileName::Base(0))?.is_some())
}

/// Whether there is a chain, or what is left of one.
pub(crate) fn has_chain(files: &dyn Files) -> Result<bool, StoreError> {
    Ok(length(files, FileName::Head)?.is_some() || has_blocks(files)?)
}

/// Whether the log holds more than a beginning: then it must have a head.
fn has_blocks(files: &dyn Files) -> Result<bool, StoreError> {
    let first = FileName::Segment(0);
    let segments = files.segments().map_err(|source| StoreError::Io { file: first, source })?;
    Ok(segments.len() > 1 || length(files, first)?.is_some_and(|l| l > SEGMENT_HEADER as u64))
}

/// The chain and its head, once they agree.
fn read_head(files: &dyn Files) -> Result<(Chain, Head), StoreError> {
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

/// An index at the head.
struct Attached {
    index: Index,
    outputs: Trie,
    history: History,
    /// How many records it took in.
    replayed: u64,
    /// Why it was rebuilt, if it was.
    rebuilt: Option<StoreError>,
}

/// Opens the index, and rebuilds it if it does not fit.
fn attach(truth: &Truth<'_>, databases: &dyn Databases) -> Result<Attached, StoreError> {
    match attach_once(truth, databases) {
        Err(why @ (StoreError::Index { .. } | StoreError::Damaged { .. })) => {
            databases.remove(Slot::Current)?;
            let rebuilt = attach_once(truth, databases).map_err(StoreError::of_new_index)?;
            Ok(Attached { rebuilt: Some(why), ..rebuilt })
        }
        attached => attached,
    }
}

/// Opens the index, brings it to the head and checks it.
fn attach_once(truth: &Truth<'_>, databases: &dyn Databases) -> Result<Attached, StoreError> {
    let mut index = Index::open(databases, Slot::Current)?;
    let CaughtUp { outputs, replayed } = catch_up(truth, &mut index)?;
    let history = index_check::check(&index, truth, &outputs)?;
    Ok(Attached { index, outputs, history, replayed, rebuilt: None })
}
