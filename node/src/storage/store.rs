//! A store: the chain on disk, the snapshots that it serves, and the snapshot that it fetches.
//!
//! ```text
//! apply, undo, adopt   the chain follows a branch; a snapshot that is being made hears of every step
//! begin_snapshot, step_snapshot           a snapshot for others, piece by piece
//! begin_download, put_part, install_part, adopt_snapshot      a snapshot of others takes the place of the chain
//! ```

use super::{
    base::remove_leftovers,
    branch::Branch,
    chain_store::{ChainStore, Layout},
    error::{IndexFault, StoreError},
    file_name::FileName,
    files::{Files, replace},
    plan::Plan,
    prune::{self, Pruned},
    snapshot_check::Judged,
    snapshot_download::{self, JudgedPart, SnapshotDownload},
    snapshot_format::PartKind,
    snapshot_serve::SnapshotServer,
    snapshot_state::{PART_ITEMS, Snapshot},
};
use crate::{codec::Damage, seal::SealedHeader};
use core::ops::Deref;
use sotto_mw::{
    amount::Height,
    block::{Block, Header},
    chain::Params,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    rules::{BlockChange, Connected},
    state::{ChainView, Sighting, StateCommitments, Unspent},
    terms::Terms,
    trie::Trie,
};
use std::io::{self, Write};

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The last block of the state.
    pub height: Height,
    /// How many parts there are.
    pub parts: u32,
    /// Bytes in all.
    pub bytes: u64,
}

/// Why a snapshot was not written, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot give it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written.
    #[error("the snapshot cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// A chain on disk. All that it answers, it answers as a [`ChainStore`].
///
/// ```
/// use sotto_mw::{state::ChainView, testing::TestChain};
/// use sotto_node::{Layout, Memory, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut chain = TestChain::new(3);
/// let files = Memory::new();
/// let mut store = Store::create_on(files.clone(), Layout::in_memory(), chain.chain().params().clone())?;
/// // A store takes only blocks that have passed every rule, which `judge` applies.
/// let before = TestChain::new(3);
/// chain.grow(Vec::new());
/// store.apply(&before.judge(&chain.blocks()[0])?)?;
/// drop(store);
///
/// // The block is durable: what opens the same files finds it.
/// let store = Store::open_on(files, Layout::in_memory())?;
/// assert_eq!(store.tip(), &chain.blocks()[0].header);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Store {
    inner: ChainStore,
    pub(crate) server: SnapshotServer,
    download: Option<SnapshotDownload>,
}

impl Deref for Store {
    type Target = ChainStore;

    fn deref(&self) -> &ChainStore {
        &self.inner
    }
}

impl Store {
    /// Creates the store of a new chain on these files.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there are blocks or a head already.
    pub fn create_on(
        mut files: impl Files + 'static,
        layout: Layout,
        params: Params,
    ) -> Result<Self, StoreError> {
        ChainStore::create(&mut files, &layout, params)?;
        Self::open_on(files, layout)
    }

    /// Opens the store on these files.
    ///
    /// # Errors
    /// Every damage that cannot be repaired.
    pub fn open_on(files: impl Files + 'static, layout: Layout) -> Result<Self, StoreError> {
        let inner = ChainStore::open(Box::new(files), layout)?;
        let download = SnapshotDownload::open(&inner.files, inner.chain.id())?;
        Ok(Self { inner, server: SnapshotServer::default(), download })
    }

    /// Makes the index durable, which saves a replay after a crash; blocks are durable without it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    /// Adds a block durably.
    ///
    /// # Errors
    /// [`StoreError::WrongState`] when it was connected to another state; nothing has happened then. After
    /// any other failure the store refuses to go on until it is opened again, at this block or the one
    /// before.
    pub fn apply(&mut self, block: &Connected<BlockChange>) -> Result<(), StoreError> {
        let mut branch = self.branch(self.inner.head.header.height)?;
        branch.push(block)?;
        let plan = branch.plan();
        self.adopt(plan)
    }

    /// Undoes the last block, durably, and returns it.
    ///
    /// # Errors
    /// [`StoreError::Final`] when the chain's limit of reorganisation is reached, or the index is damaged;
    /// nothing has happened then. After any other failure the store refuses to go on until it is opened
    /// again.
    pub fn undo(&mut self) -> Result<Block, StoreError> {
        let (height, floor) = (self.inner.head.header.height, self.inner.head.floor);
        if height <= floor {
            return Err(StoreError::Final { height, floor });
        }
        let plan = self.branch(height.minus(1))?.plan();
        let block = plan.undone().next().cloned().ok_or(IndexFault::Undo(height))?;
        self.adopt(plan)?;
        Ok(block)
    }

    /// The chain as it was after block `height`, to try other blocks on.
    pub(crate) fn branch(&self, height: Height) -> Result<Branch<'_>, StoreError> {
        Branch::at(&self.inner, height)
    }

    /// Follows a branch, durably: after a crash the store is where it was or at the branch's tip.
    pub(crate) fn adopt(&mut self, plan: Plan) -> Result<(), StoreError> {
        let steps = self.inner.follow(plan)?;
        self.server.passed(&mut self.inner, &steps)?;
        self.inner.resume()
    }

    /// What [`Store::prune`] would do now. It does not pay on a chain of a few blocks, whose base would be
    /// larger than the bodies.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn plan_prune(&self) -> Result<Pruned, StoreError> {
        prune::plan(&self.inner)
    }

    /// Drops all bodies at and below the floor, durably.
    ///
    /// # Errors
    /// When files cannot be read or written; the store then has to be opened again, pruned or not.
    pub fn prune(&mut self) -> Result<Pruned, StoreError> {
        let pruned = prune::prune(&mut self.inner)?;
        if pruned.dropped > 0 {
            self.server.rebased(PART_ITEMS);
        }
        Ok(pruned)
    }

    /// Writes the state after block `height` as a snapshot, in parts of about `items` headers, kernels or
    /// outputs; `progress` is called after each with its number from 1 and how many there are. One state and
    /// one size of parts give one string of bytes.
    ///
    /// # Errors
    /// [`StoreError::NotKept`] when that state is not kept, as below [`ChainStore::floor`];
    /// [`ExportError::Write`] when `out` takes no more.
    pub fn export(
        &self,
        height: Height,
        items: u32,
        out: &mut dyn Write,
        mut progress: impl FnMut(u32, u32),
    ) -> Result<Exported, ExportError> {
        let snapshot = Snapshot::plan(&self.inner, height, items)?;
        let start = snapshot.start.to_bytes();
        out.write_all(&start)?;
        let mut bytes = start.len() as u64;
        for place in 0..snapshot.len() {
            let (_, part) = snapshot.part(&self.inner, place)?;
            out.write_all(&part)?;
            bytes += part.len() as u64;
            progress(place + 1, snapshot.len());
        }
        out.flush()?;
        Ok(Exported { height, parts: snapshot.len(), bytes })
    }

    /// The files, for what is kept beside the chain.
    pub(crate) const fn files(&self) -> &dyn Files {
        &self.inner.files
    }

    /// The files, for what is kept beside the chain.
    pub(crate) const fn files_mut(&mut self) -> &mut Box<dyn Files> {
        &mut self.inner.files
    }

    /// From now on serves snapshots in parts of so many items: those that an earlier run made, and the base.
    pub(crate) fn serve_snapshots(&mut self, items: u32) -> Result<(), StoreError> {
        self.server = SnapshotServer::open(&mut self.inner, items)?;
        Ok(())
    }

    /// Whether the state after this block is served or is the base, or is before it.
    pub(crate) fn has_snapshot(&self, height: Height) -> bool {
        self.server.has(&self.inner, height)
    }

    /// The last headers of the snapshots that can be served.
    pub(crate) fn snapshots(&self) -> Result<Vec<SealedHeader>, StoreError> {
        self.server.tips(&self.inner)
    }

    /// A part of the snapshot that ends with this header; `None` when it is not here.
    pub(crate) fn snapshot_part(&self, tip: &Hash, place: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.server.part(&self.inner, tip, place)
    }

    /// How many bytes that part has; `None` when it is not here.
    pub(crate) fn snapshot_part_bytes(&self, tip: &Hash, place: u32) -> Option<u64> {
        self.server.part_bytes(&self.inner, tip, place)
    }

    /// Whether a snapshot is being made.
    pub(crate) const fn is_building_snapshot(&self) -> bool {
        self.server.is_building()
    }

    /// Begins a snapshot of the state after a block.
    pub(crate) fn begin_snapshot(&mut self, height: Height) -> Result<(), StoreError> {
        self.server.begin(&self.inner, height)
    }

    /// Goes on with the snapshot that is being made by about so many items, durably.
    pub(crate) fn step_snapshot(&mut self, items: u32) -> Result<(), StoreError> {
        self.server.step(&mut self.inner, items)
    }

    /// The snapshot that is being fetched, from this run or an earlier one.
    pub(crate) const fn download(&self) -> Option<&SnapshotDownload> {
        self.download.as_ref()
    }

    /// Begins to fetch the snapshot that ends with this header, in place of what arrived before.
    pub(crate) fn begin_download(&mut self, tip: &SealedHeader) -> Result<(), StoreError> {
        self.download = Some(SnapshotDownload::begin(&mut self.inner, tip)?);
        Ok(())
    }

    /// Keeps a part that arrived.
    pub(crate) fn put_part(&mut self, place: u32, kind: PartKind, bytes: &[u8]) -> Result<(), StoreError> {
        let download = self.download.as_mut().ok_or(StoreError::Stopped)?;
        download.put(&mut self.inner.files, place, kind, bytes)
    }

    /// The bytes of a part that arrived.
    pub(crate) fn downloaded_part(&self, place: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.download.as_ref().map_or(Ok(None), |d| d.bytes(&self.inner.files, place))
    }

    /// Installs a part that was judged, beside the chain.
    pub(crate) fn install_part(&mut self, part: JudgedPart<'_>) -> Result<(), StoreError> {
        let missing = || StoreError::damaged(FileName::SnapshotDownload, 0, Damage::Misplaced);
        self.download.as_mut().ok_or_else(missing)?.install(&mut self.inner, part)
    }

    /// Forgets what arrived.
    pub(crate) fn drop_download(&mut self) -> Result<(), StoreError> {
        self.download = None;
        snapshot_download::remove(&mut self.inner.files)
    }

    /// Puts the state that arrived, all of which was judged and installed in parts of `items`, in place of
    /// the chain that is here, durably.
    ///
    /// # Errors
    /// When files cannot be read or written; the store then has to be opened again, at one state or the
    /// other.
    pub(crate) fn adopt_snapshot(&mut self, judged: &Judged, items: u32) -> Result<(), StoreError> {
        self.inner.running()?;
        let download = self.download.take().filter(|d| d.tip().header == judged.tip().header);
        let download =
            download.ok_or_else(|| StoreError::damaged(FileName::SnapshotDownload, 0, Damage::Misplaced))?;
        self.inner.stop();
        self.server.stop_building(&mut self.inner)?;
        let state = download.into_install()?.finish(&mut self.inner, judged)?;
        replace(&mut self.inner.files, FileName::Head, &state.head.to_bytes())?;
        self.inner.restart(state);
        self.server.rebased(items);
        remove_leftovers(&mut self.inner.files, &self.inner.head)?;
        self.drop_download()?;
        self.inner.resume()
    }
}

impl ChainView for Store {
    type Error = StoreError;

    fn tip(&self) -> &Header {
        self.inner.tip()
    }

    fn terms(&self) -> &Terms {
        self.inner.terms()
    }

    fn commitments(&self) -> &StateCommitments {
        self.inner.commitments()
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, StoreError> {
        self.inner.outputs(keys)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        self.inner.unspent(c)
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, StoreError> {
        self.inner.last_seen(e)
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, StoreError> {
        self.inner.has_kernel(id)
    }
}

#[cfg(test)]
impl Store {
    /// The index, to change it behind the store's back.
    pub(crate) const fn index_mut(&mut self) -> &mut super::index::Index {
        &mut self.inner.index
    }
}

#[cfg(test)]
mod tests;
