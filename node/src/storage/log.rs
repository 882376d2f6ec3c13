//! The block log: append-only, in segments. Every other file of a store follows from it.
//!
//! Records are durable before [`Log::append_all`] returns. The log ends where the head says; bytes beyond were
//! never acknowledged and are cut off on open, and damage before that end is an error with its segment and
//! offset. An undone block stays, followed by an undo record, so replaying the log from its start leads to
//! the head's state, and the log keeps the whole history until it is pruned: then it begins anew, in a
//! segment with a higher number, after a base.

use crate::{
    codec::Damage,
    storage::{
        error::StoreError,
        file_name::FileName,
        files::{Files, length, sync, write_at},
        format::{
            Position, RECORD_FRAME, RECORD_PREFIX, Record, SEGMENT_HEADER, read_segment_header,
            segment_header,
        },
    },
};
use core::ops::Range;
use sotto_mw::chain::ChainId;

/// An open log.
#[derive(Debug)]
pub(crate) struct Log {
    chain: ChainId,
    first: u32,
    end: Position,
    /// A record that would end beyond this offset begins a new segment.
    segment_bytes: u64,
}

/// From which segment to which place a log reaches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) first: u32,
    pub(crate) end: Position,
}

impl Log {
    /// Starts a log of a chain durably, with an empty first segment of this number.
    pub(crate) fn start(
        files: &mut dyn Files,
        chain: &ChainId,
        first: u32,
        segment_bytes: u64,
    ) -> Result<Self, StoreError> {
        let log = Self { chain: *chain, first, end: Position::start(first), segment_bytes };
        log.start_segment(files, first)?;
        Ok(log)
    }

    /// Opens the log of this extent, and cuts off the bytes beyond; returns how many those were. Of all segments
    /// only the last is read: the others when a record in them is read, and by [`Log::check_headers`].
    pub(crate) fn open(
        files: &mut dyn Files,
        chain: &ChainId,
        Extent { first, end }: Extent,
        segment_bytes: u64,
    ) -> Result<(Self, u64), StoreError> {
        let log = Self { chain: *chain, first, end, segment_bytes };
        check_header(files, chain, end.segment)?;
        let cut = cut_beyond(files, end)?;
        Ok((log, cut))
    }

    /// Checks that all segments are there and begin with their headers.
    pub(crate) fn check_headers(&self, files: &dyn Files) -> Result<(), StoreError> {
        (self.first..=self.end.segment).try_for_each(|n| check_header(files, &self.chain, n))
    }

    /// Checks the header of the segment that begins at this place, if one does.
    pub(crate) fn check_header_at(&self, files: &dyn Files, at: Position) -> Result<(), StoreError> {
        let begins = at == Position::start(at.segment);
        if begins { check_header(files, &self.chain, at.segment) } else { Ok(()) }
    }

    /// Where the first record begins, if there is one.
    pub(crate) const fn beginning(&self) -> Position {
        Position::start(self.first)
    }

    /// How long a segment may grow.
    pub(crate) const fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// Where the log ends.
    pub(crate) const fn end(&self) -> Position {
        self.end
    }

    /// Appends a record durably; returns where it begins. On failure the log on disk is unknown until it is
    /// opened again.
    pub(crate) fn append(&mut self, files: &mut dyn Files, record: &Record) -> Result<Position, StoreError> {
        let all = self.append_all(files, [record])?;
        Ok(all.first().map_or(self.end, |range| range.start))
    }

    /// Appends records, and makes them durable together; returns where each begins and ends.
    pub(crate) fn append_all<'a>(
        &mut self,
        files: &mut dyn Files,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Vec<Range<Position>>, StoreError> {
        let (mut end, mut all) = (self.end, Vec::new());
        for record in records {
            let mut at = end;
            let mut bytes = record.to_bytes(&self.chain, at);
            if at != Position::start(at.segment) && at.offset + bytes.len() as u64 > self.segment_bytes {
                sync(files, FileName::Segment(at.segment))?;
                at = Position::start(at.segment + 1);
                bytes = record.to_bytes(&self.chain, at);
                self.start_segment(files, at.segment)?;
            }
            write_at(files, FileName::Segment(at.segment), at.offset, &bytes)?;
            end = Position { offset: at.offset + bytes.len() as u64, ..at };
            all.push(at..end);
        }
        if !all.is_empty() {
            sync(files, FileName::Segment(end.segment))?;
        }
        self.end = end;
        Ok(all)
    }

    /// Where the record after `at` begins, `at` being the end of another; `None` at the end of the log.
    pub(crate) fn next(&self, files: &dyn Files, at: Position) -> Result<Option<Position>, StoreError> {
        if at >= self.end {
            return Ok(None);
        }
        let full = at.segment < self.end.segment
            && length(files, FileName::Segment(at.segment))?.is_some_and(|l| l == at.offset);
        Ok(Some(if full { Position::start(at.segment + 1) } else { at }))
    }

    /// Reads the record that begins at `at`, and where it ends.
    pub(crate) fn read(&self, files: &dyn Files, at: Position) -> Result<(Record, Position), StoreError> {
        let file = FileName::Segment(at.segment);
        let damaged = |damage| StoreError::damaged(file, at.offset, damage);
        let read = |n| files.read(file, at.offset, n).map_err(|source| StoreError::Io { file, source });
        let limit = match length(files, file)? {
            None => return Err(damaged(Damage::Missing)),
            Some(l) if at.segment == self.end.segment => l.min(self.end.offset),
            Some(l) => l,
        };
        let rest = limit.saturating_sub(at.offset);
        if rest < RECORD_FRAME {
            return Err(damaged(Damage::Short));
        }
        let n = Record::length(&read(RECORD_PREFIX)?).map_err(damaged)?;
        let bytes = usize::try_from(n).ok().filter(|_| n <= rest).ok_or(damaged(Damage::Short))?;
        let record = Record::from_bytes(&read(bytes)?, &self.chain, at).map_err(damaged)?;
        Ok((record, Position { offset: at.offset + n, ..at }))
    }

    /// How many bytes the record that begins at `at` has.
    pub(crate) fn length_at(&self, files: &dyn Files, at: Position) -> Result<u64, StoreError> {
        let file = FileName::Segment(at.segment);
        let read = files.read(file, at.offset, RECORD_PREFIX);
        let prefix = read.map_err(|source| StoreError::Io { file, source })?;
        Record::length(&prefix).map_err(|damage| StoreError::damaged(file, at.offset, damage))
    }

    /// The first `n` bytes of the content of the record that begins at `at`. The checksum covers the whole
    /// record and is not checked: the caller must compare these bytes with something else.
    pub(crate) fn peek(&self, files: &dyn Files, at: Position, n: usize) -> Result<Vec<u8>, StoreError> {
        let file = FileName::Segment(at.segment);
        let offset = at.offset.saturating_add(RECORD_PREFIX as u64);
        files.read(file, offset, n).map_err(|source| StoreError::Io { file, source })
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self, files: &dyn Files) -> Result<u64, StoreError> {
        (self.first..=self.end.segment).map(|n| Ok(length(files, FileName::Segment(n))?.unwrap_or(0))).sum()
    }

    fn start_segment(&self, files: &mut dyn Files, number: u32) -> Result<(), StoreError> {
        let file = FileName::Segment(number);
        files
            .write(file, 0, &segment_header(&self.chain, number))
            .and_then(|()| files.sync(file))
            .and_then(|()| files.sync_names())
            .map_err(|e| StoreError::writing(file, e))
    }
}

fn check_header(files: &dyn Files, chain: &ChainId, number: u32) -> Result<(), StoreError> {
    let file = FileName::Segment(number);
    let damaged = |damage| StoreError::damaged(file, 0, damage);
    match length(files, file)? {
        None => return Err(damaged(Damage::Missing)),
        Some(l) if l < SEGMENT_HEADER as u64 => return Err(damaged(Damage::Short)),
        Some(_) => {}
    }
    let bytes = files.read(file, 0, SEGMENT_HEADER).map_err(|source| StoreError::Io { file, source })?;
    match read_segment_header(&bytes).map_err(damaged)? {
        (found, _) if found != *chain => Err(StoreError::Foreign { file, expected: *chain, found }),
        (_, n) if n != number => Err(damaged(Damage::Misplaced)),
        _ => Ok(()),
    }
}

/// Cuts the log at `end`; a segment that is too short for it is damaged.
fn cut_beyond(files: &mut dyn Files, end: Position) -> Result<u64, StoreError> {
    let last = FileName::Segment(end.segment);
    let beyond = match length(files, last)? {
        Some(l) if l >= end.offset => l - end.offset,
        l => return Err(StoreError::damaged(last, l.unwrap_or(0), Damage::Short)),
    };
    if beyond > 0 {
        files
            .truncate(last, end.offset)
            .and_then(|()| files.sync(last))
            .map_err(|e| StoreError::writing(last, e))?;
    }
    let mut cut = beyond;
    let segments = files.segments().map_err(|source| StoreError::Io { file: last, source })?;
    for file in segments.into_iter().filter(|n| *n > end.segment).map(FileName::Segment) {
        cut += length(files, file)?.unwrap_or(0);
        files.remove(file).map_err(|e| StoreError::writing(file, e))?;
    }
    if cut > beyond {
        files.sync_names().map_err(|e| StoreError::writing(last, e))?;
    }
    Ok(cut)
}
