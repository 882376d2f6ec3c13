//! A snapshot that is being made for others, in pieces that take no longer than the chain can wait.
//!
//! ```text
//! begin: the state is fixed ─▶ counting: what belongs into which part ─▶ writing: part after part, each synced ─▶ start, rename
//! ```
//!
//! Meanwhile the chain goes on. The set of outputs is fixed by its trie, which costs nothing to keep, and what blocks spend or
//! create afterwards is noted ([`State::passed`]); kernels and headers up to the state stay where they are. Only a reorganisation
//! that takes the state's own block back, or the adoption of another state, ends the making of it.
//!
//! Nothing names the draft until it is whole, so a crash costs the work and nothing else: the next run removes what is there.

use super::{
    Step, Store,
    base::Base,
    error::StoreError,
    export::{State, kernel_count},
    files::{FileName, Files, length},
    write_snapshot,
};
use crate::{
    engine::parts::Pieces,
    wire::{
        Record,
        snapshot::{PartEntry, Start},
    },
};
use sotto_mw::{amount::Height, mmr::Peaks};

/// Where it is written until it is whole.
const FILE: FileName = FileName::SnapshotDraft;
/// Headers that are counted in one piece of the work.
const COUNTED: u64 = 1 << 14;

/// A snapshot that is being made.
#[derive(Debug)]
pub(super) struct Making {
    state: State,
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
    pieces: Pieces,
    /// The kernels before the next part of kernels.
    peaks: Peaks,
    entries: Vec<PartEntry>,
    end: u64,
}

impl Making {
    /// The chain has taken a step; says whether the state is still part of it.
    pub(super) fn passed(&mut self, step: &Step) -> bool {
        let stands = match step.record {
            Record::Block { .. } => true,
            Record::Undo { height, .. } => height >= self.state.tip.header.height,
        };
        self.state.passed(&step.block, &step.spent);
        stands
    }
}

impl<F: Files> Store<F> {
    /// Whether a snapshot is being made.
    pub(crate) const fn is_keeping(&self) -> bool {
        self.kept.making.is_some()
    }

    /// Begins to write the state after a block down.
    pub(crate) fn begin_keeping(&mut self, height: Height) -> Result<(), StoreError> {
        self.running()?;
        let (state, stage) = (State::of(self, height)?, Stage::Counting(Vec::new()));
        self.kept.making = Some(Making { state, stage });
        Ok(())
    }

    /// Goes on with it by about so many headers, kernels or outputs, durably, and puts it in place of the oldest that is
    /// kept once it is whole. If that fails, nothing of it is left.
    pub(crate) fn keep_on(&mut self, items: u32) -> Result<(), StoreError> {
        self.running()?;
        let Some(Making { state, stage }) = self.kept.making.take() else { return Ok(()) };
        match self.make(&state, stage, items.into()) {
            Ok(stage) => {
                self.kept.making = stage.map(|stage| Making { state, stage });
                Ok(())
            }
            Err(e) => {
                // What failed first is what matters.
                drop(self.stop_keeping());
                Err(e)
            }
        }
    }

    /// Makes no snapshot any more, if one is being made or was when an earlier run ended.
    pub(super) fn stop_keeping(&mut self) -> Result<(), StoreError> {
        self.kept.making = None;
        if length(&self.files, FILE)?.is_some() {
            self.files.remove(FILE).map_err(|e| StoreError::writing(FILE, e))?;
        }
        Ok(())
    }

    /// One piece of the work; what is left to do after it.
    fn make(&mut self, state: &State, stage: Stage, items: u64) -> Result<Option<Stage>, StoreError> {
        let last = state.tip.header.height.get();
        match stage {
            Stage::Counting(mut counts) => {
                let done = counts.len() as u64;
                for h in done + 1..=last.min(done + COUNTED) {
                    counts.push(kernel_count(self, Height::new(h))?);
                }
                if (counts.len() as u64) < last {
                    return Ok(Some(Stage::Counting(counts)));
                }
                let pieces = Pieces::of(&counts, state.tip.header.output_count, self.kept.items);
                let end = Start::size(pieces.all.len()) as u64;
                let draft = Draft { pieces, peaks: Peaks::new(), entries: Vec::new(), end };
                Ok(Some(Stage::Writing(draft)))
            }
            Stage::Writing(mut draft) => {
                self.write_some(state, &mut draft, items)?;
                if draft.entries.len() < draft.pieces.all.len() {
                    return Ok(Some(Stage::Writing(draft)));
                }
                self.finish_keeping(state, draft)?;
                Ok(None)
            }
        }
    }

    fn write_some(&mut self, state: &State, draft: &mut Draft, items: u64) -> Result<(), StoreError> {
        let mut written = 0;
        while written < items
            && let Some(piece) = draft.pieces.all.get(draft.entries.len())
        {
            let part = state.part(self, piece, &mut draft.peaks)?;
            let bytes = part.to_bytes();
            let place = u32::try_from(draft.entries.len()).unwrap_or(u32::MAX);
            draft.entries.push(state.entry(place, part.kind(), &bytes)?);
            write_snapshot(&mut self.files, FILE, draft.end, &bytes)?;
            draft.end += bytes.len() as u64;
            written += part.items().max(1) as u64;
        }
        self.files.sync(FILE).map_err(|e| StoreError::writing(FILE, e))
    }

    /// Writes the start, which names all parts, and takes the whole in place of the oldest snapshot.
    fn finish_keeping(&mut self, state: &State, draft: Draft) -> Result<(), StoreError> {
        let start = state.start(self.chain.params().clone(), draft.pieces.depth, draft.entries);
        write_snapshot(&mut self.files, FILE, 0, &start.to_bytes())?;
        let written = self.files.truncate(FILE, draft.end).and_then(|()| self.files.sync(FILE));
        written.map_err(|e| StoreError::writing(FILE, e))?;
        let Some(file) = self.kept.oldest() else { return Ok(()) };
        let done = self.files.rename(FILE, file).and_then(|()| self.files.sync_names());
        done.map_err(|e| StoreError::writing(file, e))?;
        self.kept.take(Base::open(&self.files, file)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
