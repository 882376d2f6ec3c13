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
        snapshot_format::{Part, PartKind, SEALED_BYTES, START_PREFIX, Start},
    },
};
use sotto_mw::{amount::Height, chain::Chain, mmr::Peaks};

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
    pub(crate) fn open(files: &impl Files, file: FileName) -> Result<Self, StoreError> {
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
    pub(crate) fn of(files: &impl Files, chain: &Chain, head: &Head) -> Result<Option<Self>, StoreError> {
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
    pub(crate) fn bytes(&self, files: &impl Files, place: u32) -> Result<Vec<u8>, StoreError> {
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
    pub(crate) fn part(&self, files: &impl Files, place: u32) -> Result<Part, StoreError> {
        let bytes = self.bytes(files, place)?;
        let at = place as usize;
        let kind = self.start.parts.get(at).map_or(PartKind::Headers, |p| p.kind);
        let offset = self.offsets.get(at).copied().unwrap_or_default();
        Part::from_bytes(kind, &bytes).map_err(|damage| StoreError::damaged(self.file, offset, damage))
    }

    /// All parts, in order.
    pub(crate) fn parts(&self, files: &impl Files) -> impl Iterator<Item = Result<Part, StoreError>> {
        (0..self.start.parts.len() as u32).map(|place| self.part(files, place))
    }

    /// Sealed headers from height `first` to `last`, as far as they are here.
    pub(crate) fn headers(
        &self,
        files: &impl Files,
        first: Height,
        last: Height,
    ) -> Result<Vec<SealedHeader>, StoreError> {
        let (mut found, mut from) = (Vec::new(), 1);
        for (place, entry) in (0..).zip(&self.start.parts) {
            let after = from + u64::from(entry.length / SEALED_BYTES);
            let wanted = entry.kind == PartKind::Headers && first.get() < after && from <= last.get();
            if wanted && let Part::Headers(all) = self.part(files, place)? {
                found.extend(all.into_iter().filter(|s| first <= s.header.height && s.header.height <= last));
            }
            from = after;
        }
        Ok(found)
    }

    /// The head of a store whose log is empty after this base.
    pub(crate) fn head(&self, files: &impl Files, chain: &Chain, first: u32) -> Result<Head, StoreError> {
        let mut kernels = Peaks::new();
        for (place, entry) in (0..).zip(&self.start.parts) {
            if entry.kind == PartKind::Kernels
                && let Part::Kernels { kernels: all, .. } = self.part(files, place)?
            {
                all.iter().for_each(|k| kernels.push(k.id()));
            }
        }
        Ok(self.head_with(chain, first, kernels))
    }

    /// The same, when the kernels are known.
    pub(crate) fn head_with(&self, chain: &Chain, first: u32, kernels: Peaks) -> Head {
        let height = self.start.tip.header.height;
        Head {
            chain: *chain.id(),
            header: self.start.tip.header.clone(),
            terms: chain.params().first_terms(),
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
        files: &impl Files,
        index: &mut Index,
        chain: &Chain,
        first: u32,
    ) -> Result<Head, StoreError> {
        let mut kernels = Peaks::new();
        for part in self.parts(files) {
            match part? {
                Part::Headers(all) => index.put_headers(&all)?,
                Part::Kernels { first, before, kernels: all } => {
                    index.put_kernels(first, before.len(), &all)?;
                    all.iter().for_each(|k| kernels.push(k.id()));
                }
                Part::Outputs { unspent, .. } => index.put_unspent(&unspent)?,
            }
        }
        let head = self.head_with(chain, first, kernels);
        index.put_head(&head)?;
        Ok(head)
    }
}

/// Removes bases and segments that the head does not name.
pub(crate) fn remove_leftovers(files: &mut impl Files, head: &Head) -> Result<(), StoreError> {
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
