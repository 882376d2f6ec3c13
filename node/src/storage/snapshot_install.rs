//! A snapshot that is installed beside the chain before it is adopted: part by part, as each is judged.
//!
//! ```text
//! judged part ─▶ base draft (synced now and then)     all judged: start, fsync ─▶ base ─▶ the head names it ─▶ the new index
//!             └▶ an index of its own, kernel peaks                                                  replaces the old one
//! ```
//!
//! Meanwhile the chain answers as before, from its own index. So adoption itself is a few small writes,
//! however large the state is. Nothing names the draft and the new index until then: a crash costs the work,
//! and when a store is opened, what the head does not name is removed.
//!
//! The new index is not read back, but for the hashes of its parts: its content was judged, their root and the
//! peaks are compared with the sealed header, and each answer is compared with them, as in any store.

use crate::{
    codec::Damage,
    storage::{
        base::Base,
        chain_store::{ChainStore, Installed},
        error::{IndexFault, StoreError},
        file_name::FileName,
        files::{Files, sync, write_at},
        index::Index,
        index_check::outputs_of,
        located::Located,
        log::Log,
        snapshot_check::Judged,
        snapshot_format::{PartCount, PartEntry, Start},
        snapshot_part::{Part, header_offsets, kernels_at, terms_changes},
    },
};
use sotto_mw::{chain::Chain, mmr::Peaks};

const FILE: FileName = FileName::BaseDraft;
/// Parts that are installed between two syncs.
const UNSYNCED: usize = 8;

/// What is installed so far.
#[derive(Debug)]
pub(crate) struct SnapshotInstall {
    entries: Vec<PartEntry>,
    /// Where the next part is written.
    end: u64,
    index: Index,
    kernels: Peaks,
}

impl SnapshotInstall {
    /// Begins with an index that is cleared; `parts` is what the state of the chain consists of.
    pub(crate) fn begin(chain: &Chain, parts: PartCount, mut index: Index) -> Result<Self, StoreError> {
        index.clear()?;
        let end = Start::size(chain.params(), parts.all as usize) as u64;
        Ok(Self { entries: Vec::new(), end, index, kernels: Peaks::new() })
    }

    /// How many parts are installed.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The index that is being filled.
    pub(crate) fn into_index(self) -> Index {
        self.index
    }

    /// Installs the next part.
    pub(crate) fn put(
        &mut self,
        files: &mut dyn Files,
        entry: PartEntry,
        part: &Part,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.take(part)?;
        write_at(files, FILE, self.end, bytes)?;
        self.end += bytes.len() as u64;
        self.entries.push(entry);
        if self.entries.len().is_multiple_of(UNSYNCED) {
            sync(files, FILE)?;
            self.index.flush()?;
        }
        Ok(())
    }

    /// Adds a part, which is to be written next, to the index and the peaks.
    fn take(&mut self, part: &Part) -> Result<(), StoreError> {
        match part {
            Part::Headers(all, terms) => {
                self.index.put_headers(all, &header_offsets(all, terms, self.end))?;
                self.index.put_terms(&terms_changes(all, terms))
            }
            Part::Kernels { first, before, kernels } => {
                let at = self.end + kernels_at(before);
                self.index.put_kernels(*first, (before.len(), at), kernels)?;
                kernels.iter().for_each(|k| self.kernels.push(k.id()));
                Ok(())
            }
            Part::Outputs { unspent, .. } => {
                self.index.put_outputs(Located::in_base(unspent, self.end + part.outputs_at()))
            }
        }
    }

    /// Makes a base of the parts, and an empty log after it. What is left is for the head to name them.
    pub(crate) fn finish(self, store: &mut ChainStore, judged: &Judged) -> Result<Installed, StoreError> {
        let Self { entries, end, mut index, kernels } = self;
        let count = judged.parts();
        if entries.len() != count.all as usize {
            return Err(StoreError::damaged(FileName::SnapshotDownload, 0, Damage::Short));
        }
        let header = &judged.tip().header;
        if (kernels.len(), kernels.root()) != (header.kernel_count, header.kernel_root) {
            return Err(IndexFault::Kernels.into());
        }
        let outputs = outputs_of(&index, header)?;
        let first = store.head.end.segment + 1;
        let params = store.chain.params().clone();
        let start = Start { params, tip: judged.tip().clone(), depth: count.depth, parts: entries };
        let (file, files) = (FileName::Base(first), &mut store.files);
        write_at(files, FILE, 0, &start.to_bytes())?;
        let written = files.truncate(FILE, end).and_then(|()| files.sync(FILE));
        let named = written.and_then(|()| files.rename(FILE, file)).and_then(|()| files.sync_names());
        named.map_err(|e| StoreError::writing(file, e))?;
        let base = Base::open(files, file)?;
        let log = Log::start(files, store.chain.id(), first, store.log.segment_bytes())?;
        let history = judged.history().clone();
        let head = base.head_with(&history, first, kernels);
        index.put_head(&head)?;
        index.flush()?;
        Ok(Installed { base, log, head, index, outputs, history })
    }
}
