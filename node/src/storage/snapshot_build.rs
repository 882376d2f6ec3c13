//! A snapshot that is being made for others, in steps that do not hold up the chain.
//!
//! ```text
//! begin: the state is fixed ─▶ counting: what each part contains ─▶ writing: the pieces of part after part, synced ─▶ front, rename
//! ```
//!
//! Meanwhile the chain continues. The trie fixes the set of outputs, which costs nothing to keep, and what
//! blocks spend or create afterwards is noted ([`State::passed`]); kernels and headers up to the state stay
//! where they are. Only a reorganisation that undoes the state's own block, or the adoption of another state,
//! ends the work.
//!
//! No file names the draft until it is whole, so a crash costs only the work: the next run removes the draft.

use crate::storage::{
    chain_store::ChainStore,
    error::StoreError,
    file_name::FileName,
    files::{Files, sync, write_at},
    format::Record,
    plan::ChainStep,
    snapshot_format::{PartEntry, Start},
    snapshot_layout::SnapshotLayout,
    snapshot_pieces::pieces_of,
    snapshot_reference::SnapshotReference,
    snapshot_state::{State, kernel_count},
};
use sotto_mw::{amount::Height, mmr::Peaks};

/// The file it is written to until it is whole.
pub(crate) const FILE: FileName = FileName::SnapshotDraft;
/// Headers that are counted in one step.
const COUNTED: u64 = 1 << 14;

/// A snapshot that is being made.
#[derive(Debug)]
pub(crate) struct SnapshotBuild {
    state: State,
    /// About how many headers, kernels or outputs a part has.
    items: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The kernel counts of the headers so far.
    Counting(Vec<u64>),
    Writing(Draft),
}

/// What is written so far.
#[derive(Debug)]
struct Draft {
    layout: SnapshotLayout,
    /// The kernels before the next part of kernels.
    peaks: Peaks,
    entries: Vec<PartEntry>,
    /// The bytes of their pieces.
    pieces: Vec<u32>,
    end: u64,
}

/// What is left to do after a step.
#[derive(Debug)]
pub(crate) enum Progress {
    /// The rest of it.
    Going(Box<SnapshotBuild>),
    /// Nothing is left: the file is whole, and durable under its draft name.
    Whole,
}

impl SnapshotBuild {
    /// Begins to write the state after a block, in parts of about so many items.
    pub(crate) fn begin(store: &ChainStore, height: Height, items: u32) -> Result<Self, StoreError> {
        store.running()?;
        Ok(Self { state: State::of(store, height)?, items, stage: Stage::Counting(Vec::new()) })
    }

    /// Follows a step of the chain; says whether the state is still part of it.
    pub(crate) fn passed(&mut self, step: &ChainStep) -> bool {
        let stands = match step.record {
            Record::Block { .. } => true,
            Record::Undo { height, .. } => height >= self.state.tip.header.height,
        };
        self.state.passed(&step.block, &step.spent);
        stands
    }

    /// Handles about so many headers, kernels or outputs, durably.
    pub(crate) fn step(self, store: &mut ChainStore, items: u32) -> Result<Progress, StoreError> {
        let Self { state, items: part_items, stage } = self;
        let going = |state, stage| Ok(Progress::Going(Box::new(Self { state, items: part_items, stage })));
        match stage {
            Stage::Counting(mut counts) => {
                let last = state.tip.header.height.get();
                let done = counts.len() as u64;
                for h in done + 1..=last.min(done + COUNTED) {
                    counts.push(kernel_count(store, Height::new(h))?);
                }
                if (counts.len() as u64) < last {
                    return going(state, Stage::Counting(counts));
                }
                let layout = SnapshotLayout::of(&counts, &state.tip.header, part_items);
                let parts = layout.all.len();
                let start = Start::size(store.chain.params(), parts);
                let end = SnapshotReference::front_size(start, parts) as u64;
                let (entries, pieces) = (Vec::new(), Vec::new());
                let draft = Draft { layout, peaks: Peaks::new(), entries, pieces, end };
                going(state, Stage::Writing(draft))
            }
            Stage::Writing(mut draft) => {
                draft.write_some(&state, store, items.into())?;
                if draft.entries.len() < draft.layout.all.len() {
                    return going(state, Stage::Writing(draft));
                }
                draft.finish(&state, store, part_items)?;
                Ok(Progress::Whole)
            }
        }
    }
}

impl Draft {
    fn write_some(&mut self, state: &State, store: &mut ChainStore, items: u64) -> Result<(), StoreError> {
        let mut written = 0;
        while written < items
            && let Some(range) = self.layout.all.get(self.entries.len())
        {
            let part = state.part(store, range, &mut self.peaks)?;
            let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            self.entries.push(state.entry(place, part.kind(), &part.to_bytes())?);
            let bytes = pieces_of(store, &part)?.to_bytes();
            write_at(&mut store.files, FILE, self.end, &bytes)?;
            self.pieces.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            self.end += bytes.len() as u64;
            written += part.items().max(1) as u64;
        }
        sync(&mut store.files, FILE)
    }

    /// Writes the front, which names all parts.
    fn finish(self, state: &State, store: &mut ChainStore, items: u32) -> Result<(), StoreError> {
        let start = state.start(store.chain.params().clone(), self.layout.depth, self.entries);
        let front = SnapshotReference::front(&start, items, &store.head, &self.pieces);
        write_at(&mut store.files, FILE, 0, &front)?;
        let written = store.files.truncate(FILE, self.end).and_then(|()| store.files.sync(FILE));
        written.map_err(|e| StoreError::writing(FILE, e))
    }
}

#[cfg(test)]
mod tests;
