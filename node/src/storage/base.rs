//! A base: the state after a block, in the bytes of a snapshot, which replaces the log up to that block.
//!
//! A base is written once and never changed. Its parts are read one at a time, and each is compared with its
//! check.

use crate::{
    codec::Damage,
    seal::SealedHeader,
    storage::{
        error::StoreError,
        file_name::FileName,
        files::{Files, length},
        format::{Head, Position},
        index::Index,
        located::Located,
        snapshot_format::{HEADER_BYTES, PartKind, START_PREFIX, Start},
        snapshot_part::{Part, header_offsets, kernels_at, terms_changes},
    },
};
use sotto_mw::{
    amount::Height,
    block::Header,
    chain::Chain,
    codec::Decode as _,
    history::{History, TermsChange},
    mmr::Peaks,
};

/// An open base.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) file: FileName,
    pub(crate) start: Start,
    /// Where each part begins.
    offsets: Vec<u64>,
}

impl Base {
    /// Opens a base, or a snapshot, which has the same bytes.
    pub(crate) fn open(files: &dyn Files, file: FileName) -> Result<Self, StoreError> {
        let damaged = |damage| StoreError::damaged(file, 0, damage);
        let have = length(files, file)?.ok_or(damaged(Damage::Missing))?;
        let read = |n: usize| match n as u64 <= have {
            true => files.read(file, 0, n).map_err(|source| StoreError::Io { file, source }),
            false => Err(damaged(Damage::Short)),
        };
        let n = Start::length(&read(START_PREFIX)?).map_err(damaged)?;
        let start = Start::from_bytes(&read(n)?).map_err(damaged)?;
        let (offsets, end) = start.offsets(n as u64);
        match have.cmp(&end) {
            core::cmp::Ordering::Less => Err(StoreError::damaged(file, have, Damage::Short)),
            core::cmp::Ordering::Greater => Err(StoreError::damaged(file, end, Damage::Long)),
            core::cmp::Ordering::Equal => Ok(Self { file, start, offsets }),
        }
    }

    /// Opens the base that this head names, if it names one.
    pub(crate) fn of(files: &dyn Files, chain: &Chain, head: &Head) -> Result<Option<Self>, StoreError> {
        if head.base == Height::GENESIS {
            return Ok(None);
        }
        let base = Self::open(files, FileName::Base(head.first))?;
        let fits = base.start.params == *chain.params() && base.start.tip.header.height == head.base;
        if fits { Ok(Some(base)) } else { Err(StoreError::damaged(base.file, 0, Damage::Misplaced)) }
    }

    /// Where a part begins.
    pub(crate) fn offset(&self, place: u32) -> Option<u64> {
        self.offsets.get(place as usize).copied()
    }

    /// The bytes of a part, after its check.
    pub(crate) fn bytes(&self, files: &dyn Files, place: u32) -> Result<Vec<u8>, StoreError> {
        let missing = StoreError::damaged(self.file, 0, Damage::Short);
        let at = place as usize;
        let (entry, offset) = self.start.parts.get(at).zip(self.offsets.get(at)).ok_or(missing)?;
        let bytes = files
            .read(self.file, *offset, entry.length as usize)
            .map_err(|source| StoreError::Io { file: self.file, source })?;
        let check = Start::check(&self.start.tip, place, entry.kind, &bytes);
        let damaged = || StoreError::damaged(self.file, *offset, Damage::Checksum);
        if check == entry.check { Ok(bytes) } else { Err(damaged()) }
    }

    /// A part, decoded.
    pub(crate) fn part(&self, files: &dyn Files, place: u32) -> Result<Part, StoreError> {
        let bytes = self.bytes(files, place)?;
        let at = place as usize;
        let kind = self.start.parts.get(at).map_or(PartKind::Headers, |p| p.kind);
        let offset = self.offsets.get(at).copied().unwrap_or_default();
        Part::from_bytes(kind, &bytes).map_err(|damage| StoreError::damaged(self.file, offset, damage))
    }

    /// All parts, in order.
    pub(crate) fn parts(&self, files: &dyn Files) -> impl Iterator<Item = Result<Part, StoreError>> {
        (0..self.start.parts.len() as u32).map(|place| self.part(files, place))
    }

    /// Sealed headers from height `first` to `last`, as far as they are here.
    pub(crate) fn headers(
        &self,
        files: &dyn Files,
        first: Height,
        last: Height,
    ) -> Result<Vec<SealedHeader>, StoreError> {
        // The last part that does not begin above `first`.
        let (mut low, mut high) =
            (0, self.start.parts.partition_point(|p| p.kind == PartKind::Headers) as u32);
        let end = high;
        while low + 1 < high {
            let middle = low.midpoint(high);
            if self.first_header(files, middle)?.is_some_and(|h| h <= first) {
                low = middle
            } else {
                high = middle
            }
        }
        let mut found = Vec::new();
        for place in low..end {
            let Part::Headers(all, _) = self.part(files, place)? else { break };
            if all.first().is_none_or(|s| s.header.height > last) {
                break;
            }
            found.extend(all.into_iter().filter(|s| first <= s.header.height && s.header.height <= last));
        }
        Ok(found)
    }

    /// The height with which a part of headers begins, as its first bytes state it.
    pub(crate) fn first_header(&self, files: &dyn Files, place: u32) -> Result<Option<Height>, StoreError> {
        let entry = self.start.parts.get(place as usize);
        let entry = entry.filter(|p| p.kind == PartKind::Headers && p.length as usize >= HEADER_BYTES);
        let Some((_, offset)) = entry.zip(self.offset(place)) else { return Ok(None) };
        let bytes = files.read(self.file, offset, HEADER_BYTES);
        let bytes = bytes.map_err(|source| StoreError::Io { file: self.file, source })?;
        Ok(Header::from_bytes(&bytes).ok().map(|header| header.height))
    }

    /// The head of a store whose log is empty after this base.
    pub(crate) fn head(&self, files: &dyn Files, chain: &Chain, first: u32) -> Result<Head, StoreError> {
        let (mut kernels, mut history) = (Peaks::new(), History::new(chain));
        let before_outputs = self.start.parts.partition_point(|p| p.kind != PartKind::Outputs) as u32;
        for place in 0..before_outputs {
            match self.part(files, place)? {
                Part::Headers(all, terms) => append(&mut history, &terms_changes(&all, &terms)),
                Part::Kernels { kernels: all, .. } => all.iter().for_each(|k| kernels.push(k.id())),
                Part::Outputs { .. } => {}
            }
        }
        Ok(self.head_with(&history, first, kernels))
    }

    /// The same, when the kernels and terms are known.
    pub(crate) fn head_with(&self, history: &History, first: u32, kernels: Peaks) -> Head {
        let height = self.start.tip.header.height;
        Head {
            chain: *history.chain().id(),
            header: self.start.tip.header.clone(),
            terms: history.at(height.next()).clone(),
            floor: height,
            end: Position::start(first),
            base: height,
            first,
            kernels,
        }
    }

    /// Fills an empty index from the base, part by part, and its head last.
    pub(crate) fn fill(
        &self,
        files: &dyn Files,
        index: &mut Index,
        chain: &Chain,
        first: u32,
    ) -> Result<Head, StoreError> {
        let (mut kernels, mut history) = (Peaks::new(), History::new(chain));
        for (part, offset) in self.parts(files).zip(&self.offsets) {
            let part = part?;
            let outputs_at = offset + part.outputs_at();
            match part {
                Part::Headers(all, terms) => {
                    index.put_headers(&all, &header_offsets(&all, &terms, *offset))?;
                    index.put_terms(&terms_changes(&all, &terms))?;
                    append(&mut history, &terms_changes(&all, &terms));
                }
                Part::Kernels { first, before, kernels: all } => {
                    index.put_kernels(first, (before.len(), offset + kernels_at(&before)), &all)?;
                    all.iter().for_each(|k| kernels.push(k.id()));
                }
                Part::Outputs { unspent, .. } => {
                    index.put_outputs(Located::in_base(&unspent, outputs_at))?;
                }
            }
        }
        let head = self.head_with(&history, first, kernels);
        index.put_head(&head)?;
        Ok(head)
    }
}

/// Continues a history by changes that were judged before they were written.
fn append(history: &mut History, changes: &[TermsChange]) {
    changes.iter().for_each(|c| history.append(c.sealed.header.height.next(), &c.terms));
}

/// Removes bases and segments that the head does not name.
pub(crate) fn remove_leftovers(files: &mut dyn Files, head: &Head) -> Result<(), StoreError> {
    let failed = |file| move |source| StoreError::Io { file, source };
    let kept = (head.base > Height::GENESIS).then_some(head.first);
    let bases = files.bases().map_err(failed(FileName::Head))?.into_iter();
    let segments = files.segments().map_err(failed(FileName::Head))?.into_iter();
    let bases = bases.filter(|n| Some(*n) != kept).map(FileName::Base);
    let old: Vec<_> = bases.chain(segments.filter(|n| *n < head.first).map(FileName::Segment)).collect();
    for file in &old {
        files.remove(*file).map_err(|e| StoreError::writing(*file, e))?;
    }
    match old.first() {
        Some(file) => files.sync_names().map_err(|e| StoreError::writing(*file, e)),
        None => Ok(()),
    }
}
