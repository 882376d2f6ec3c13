//! A state that arrives, put in its place before it is adopted: part by part, as each is judged.
//!
//! ```text
//! judged part ─▶ base draft (synced now and then)         all judged: start, fsync ─▶ base ─▶ the head names it ─▶ the new index
//!             └▶ an index of its own, trie, kernel peaks                                                takes the old one's place
//! ```
//!
//! The chain that is there meanwhile answers as before, from its own index. So adoption itself is a few small writes, however
//! large the state is. Nothing names the draft and the new index until then: a crash costs their making, and when a store is
//! opened, what the head does not name is removed ([`settled_index`]).
//!
//! The new index is not read back: what was put there was judged, its trie and peaks are held against the sealed header, and each
//! answer is held against them, as that of any store.

use super::{
    Store,
    arriving::Arrivals,
    base::Base,
    error::{IndexFault, StoreError},
    files::{FileName, Files, length},
    index::{Index, IndexPlace, guarded},
    log::Log,
    write_snapshot,
};
use crate::{
    engine::pruned::Judged,
    wire::{
        Damage, Head,
        snapshot::{Part, PartCount, PartEntry, Start},
    },
};
use sotto_mw::{mmr::Peaks, trie::Trie};

const FILE: FileName = FileName::BaseDraft;
/// Parts that are put in their place between two syncs.
const UNSYNCED: usize = 8;

/// What of a state is in its place.
#[derive(Debug)]
pub(super) struct Settling {
    entries: Vec<PartEntry>,
    /// Where the next part is written to.
    end: u64,
    index: Index,
    kernels: Peaks,
    outputs: Trie,
}

impl Settling {
    /// Nothing yet, of so many parts, over an index that is made empty.
    fn new(parts: PartCount, index: Index) -> Result<Self, StoreError> {
        guarded(|| index.clear())?;
        let end = Start::size(parts.all as usize) as u64;
        Ok(Self { entries: Vec::new(), end, index, kernels: Peaks::new(), outputs: Trie::new() })
    }

    /// Puts a part into the index and the sums.
    fn take(&mut self, part: &Part) -> Result<(), StoreError> {
        guarded(|| match part {
            Part::Headers(all) => self.index.put_headers(all),
            Part::Kernels { first, before, kernels } => {
                self.index.put_kernels(*first, before.len(), kernels)?;
                kernels.iter().for_each(|k| self.kernels.push(k.id()));
                Ok(())
            }
            Part::Outputs { unspent, .. } => {
                self.index.put_unspent(unspent)?;
                let entries: Vec<_> = unspent.iter().map(super::check::entry).collect();
                Ok(self.outputs.apply(&[], &entries).map_err(|_| IndexFault::Outputs)?)
            }
        })
    }
}

impl<F: Files> Store<F> {
    /// Puts the part at `place` of the state that arrives where it belongs; all parts come in order, each judged. The first
    /// begins anew.
    pub(crate) fn put_judged(
        &mut self,
        (place, parts): (u32, PartCount),
        part: &Part,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.running()?;
        let missing = StoreError::damaged(FileName::Arriving, 0, Damage::Misplaced);
        let Some(arrivals) = &mut self.arrivals else { return Err(missing) };
        let before = arrivals.settling.take();
        let mut settling = match before {
            Some(settling) if place > 0 => settling,
            Some(settling) => Settling::new(parts, settling.index)?,
            None => Settling::new(parts, Index::open(self.index.place().next())?)?,
        };
        let entry = arrivals.entry(place).filter(|_| settling.entries.len() == place as usize);
        let entry = entry.cloned().ok_or(missing)?;
        settling.take(part)?;
        write_snapshot(&mut self.files, FILE, settling.end, bytes)?;
        settling.end += bytes.len() as u64;
        settling.entries.push(entry);
        if settling.entries.len().is_multiple_of(UNSYNCED) {
            self.files.sync(FILE).map_err(|e| StoreError::writing(FILE, e))?;
            guarded(|| settling.index.flush())?;
        }
        arrivals.settling = Some(settling);
        Ok(())
    }

    /// Makes the base of what was put in its place, and an empty log after it: what is left is for the head to name them.
    pub(super) fn settle(
        &mut self,
        arrivals: Arrivals,
        judged: &Judged,
    ) -> Result<(Base, Log, Head, Index, Trie), StoreError> {
        let incomplete = || StoreError::damaged(FileName::Arriving, 0, Damage::Short);
        let Settling { entries, end, index, kernels, outputs } = arrivals.settling.ok_or_else(incomplete)?;
        let count = judged.parts();
        if entries.len() != count.all as usize {
            return Err(incomplete());
        }
        let header = &arrivals.tip.header;
        if (kernels.len(), kernels.root()) != (header.kernel_count, header.kernel_root) {
            return Err(IndexFault::Kernels.into());
        }
        if (outputs.len(), outputs.root()) != (header.output_count, header.output_root) {
            return Err(IndexFault::Outputs.into());
        }
        let first = self.head.end.segment + 1;
        let params = self.chain.params().clone();
        let start = Start { params, tip: arrivals.tip, depth: count.depth, parts: entries };
        let file = FileName::Base(first);
        write_snapshot(&mut self.files, FILE, 0, &start.to_bytes())?;
        let files = &mut self.files;
        let written = files.truncate(FILE, end).and_then(|()| files.sync(FILE));
        let named = written.and_then(|()| files.rename(FILE, file)).and_then(|()| files.sync_names());
        named.map_err(|e| StoreError::writing(file, e))?;
        let base = Base::open(&self.files, file)?;
        let log = Log::start(&mut self.files, self.chain.id(), first, self.log.segment_bytes())?;
        let head = base.head_with(&self.chain, first, kernels);
        guarded(|| index.put_head(&head).and_then(|()| index.flush()))?;
        Ok((base, log, head, index, outputs))
    }
}

/// Removes the draft of a base, if there is one.
pub(super) fn remove_draft(files: &mut impl Files) -> Result<(), StoreError> {
    if length(files, FILE)?.is_some() {
        files.remove(FILE).map_err(|e| StoreError::writing(FILE, e))?;
    }
    Ok(())
}

/// Leaves one index: the new one, under the old one's name, if it is of the state that the head stands on, and else the old one.
pub(super) fn settled_index(place: &IndexPlace, head: &Head) -> Result<(), StoreError> {
    let next = place.next();
    if !next.exists() {
        return Ok(());
    }
    let found = guarded(|| Index::open(next.clone())?.head());
    // One that cannot be read is as good as none.
    if found.is_ok_and(|found| found.is_some_and(|h| (h.base, h.first) == (head.base, head.first))) {
        Index::remove(place)?;
        next.rename(place)
    } else {
        Index::remove(&next)
    }
}
