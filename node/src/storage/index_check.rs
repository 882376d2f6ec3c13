//! Opening: brings the index to the end of the log, and compares what it answers from with the head.
//!
//! However long the chain is, opening reads the hashes of the parts of unspent outputs, whose root must be the head's,
//! the last header, the undo entries of the blocks above the floor, and the terms where they change. Everything
//! else is compared with one of two roots when it is used. Of a short chain, and for the audit, all of it is read
//! ([`check_whole`]): the head commits to everything, so headers are checked as a chain, terms by the hashes that
//! headers state, kernels by recomputing their mountain range, and what is looked up by looking it up and counting.

use crate::{
    codec::Damage,
    seal::SealedHeader,
    storage::{
        base::Base,
        error::{IndexFault, StoreError},
        file_name::FileName,
        files::Files,
        format::{Head, Position, RECORD_FRAME, Record},
        index::{HeadChange, Index},
        index_format::UndoEntry,
        index_outputs::{UNLOAD_EVERY, touched},
        key,
        located::Located,
        log::Log,
        merkle_map::MapSize,
        snapshot_format::SEALED_MAX,
    },
};
use core::ops::Range;
use sotto_mw::{
    amount::Height,
    block::{Block, Header, body_hash},
    chain::Chain,
    codec::{Decode, Reader},
    history::History,
    kernel::Kernel,
    mmr::Peaks,
    state::{Sighting, Unspent},
    transaction::Body,
    trie::{Entry, Trie},
};

/// What an index is compared with.
pub(crate) struct Truth<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) log: &'a Log,
    pub(crate) base: Option<&'a Base>,
    pub(crate) chain: &'a Chain,
    pub(crate) head: &'a Head,
}

/// What an index answers from, beside the database.
pub(crate) struct CaughtUp {
    /// The unspent outputs; their root is the head's.
    pub(crate) outputs: Trie,
    /// How many records of the log the index took in.
    pub(crate) replayed: u64,
}

/// Brings the index to the head by the base and the log's records.
pub(crate) fn catch_up(truth: &Truth<'_>, index: &mut Index) -> Result<CaughtUp, StoreError> {
    let Truth { files, log, chain, head, .. } = *truth;
    let now = match (index.head()?, truth.base) {
        (Some(now), _) => now,
        (None, base) => {
            // A crash may have left a part of it.
            index.clear()?;
            let filled = base.map(|base| base.fill(files, index, chain, head.first)).transpose()?;
            filled.unwrap_or_else(|| Head::genesis(chain))
        }
    };
    if (now.base, now.first) != (head.base, head.first) {
        return Err(IndexFault::Position.into());
    }
    let outputs = outputs_of(index, &now.header)?;
    let mut replay = Replay { truth, index, now, outputs, changed: 0 };
    let mut replayed = 0;
    while let Some(at) = log.next(files, replay.now.end)? {
        replay.take(at)?;
        replayed += 1;
    }
    let Replay { now, outputs, .. } = replay;
    if now == *head { Ok(CaughtUp { outputs, replayed }) } else { Err(IndexFault::Position.into()) }
}

/// The unspent outputs of an index at this header.
pub(crate) fn outputs_of(index: &Index, header: &Header) -> Result<Trie, StoreError> {
    let outputs = index.outputs(header.output_count)?;
    if outputs.root() == header.output_root { Ok(outputs) } else { Err(IndexFault::Outputs.into()) }
}

/// An index that takes in the log's records.
struct Replay<'a> {
    truth: &'a Truth<'a>,
    index: &'a mut Index,
    now: Head,
    outputs: Trie,
    /// Outputs that changed since the trie was cut back.
    changed: usize,
}

impl Replay<'_> {
    /// Takes the record in that begins at `at`.
    fn take(&mut self, at: Position) -> Result<(), StoreError> {
        let Truth { files, log, .. } = *self.truth;
        log.check_header_at(files, at)?;
        let (record, end) = log.read(files, at)?;
        match record {
            Record::Block { bytes, .. } => self.connect(at..end, &bytes),
            Record::Undo { .. } => self.undo(end),
        }
    }

    fn connect(&mut self, record: Range<Position>, bytes: &[u8]) -> Result<(), StoreError> {
        let Range { start: at, end } = record;
        let damaged = |damage: Damage| StoreError::damaged(FileName::Segment(at.segment), at.offset, damage);
        let block = Block::from_bytes(bytes).map_err(|e| damaged(e.into()))?;
        let (header, body, before) = (&block.header, &block.body, &self.now.header);
        let follows = header.previous == before.hash() && header.height == before.height.next();
        if !follows || body_hash(body) != header.body_hash {
            return Err(damaged(Damage::Misplaced));
        }
        let after = Head { end, ..after_block(&self.now, &block, self.truth.chain) };
        self.load(&block)?;
        let spent: Vec<_> = body.spent().map(Unspent::key).collect();
        let created: Vec<_> = Located::in_block(&block, at).iter().map(|l| l.entry).collect();
        self.outputs.apply(&spent, &created).map_err(|_| damaged(Damage::Misplaced))?;
        if self.outputs.root() != header.output_root {
            return Err(IndexFault::Outputs.into());
        }
        let heads = HeadChange { before: &self.now, after: &after };
        self.index.connect(heads, at, &block, &self.outputs)?;
        self.now = after;
        Ok(())
    }

    fn undo(&mut self, end: Position) -> Result<(), StoreError> {
        let Truth { files, log, chain, .. } = *self.truth;
        let (block, undo) = undoable(files, log, self.index, &self.now)?;
        let after = Head { end, ..after_undo(files, self.index, chain, (&self.now, &undo))? };
        self.load(&block)?;
        let spent: Vec<_> = undo.spent.iter().map(|l| l.entry).collect();
        self.outputs = outputs_before(&self.outputs, &block.body, &spent, &after.header)?;
        self.index.undo(HeadChange { before: &self.now, after: &after }, &block, &self.outputs)?;
        self.now = after;
        Ok(())
    }

    /// Loads the paths of what a block touches.
    fn load(&mut self, block: &Block) -> Result<(), StoreError> {
        let keys = touched(block);
        self.changed += keys.len();
        if self.changed >= UNLOAD_EVERY {
            (self.outputs, self.changed) = (self.outputs.unloaded(), 0);
        }
        self.index.load_paths(&mut self.outputs, &keys)
    }
}

/// The head after a block, except for the end of the log.
pub(crate) fn after_block(before: &Head, block: &Block, chain: &Chain) -> Head {
    let mut kernels = before.kernels.clone();
    block.body.kernels.iter().for_each(|k| kernels.push(k.id()));
    let floor = before.floor.max(block.header.height.minus(chain.params().reorganisation));
    let terms = before.terms.after(block.header.height, block.body.terms_change());
    Head { header: block.header.clone(), terms, floor, kernels, ..*before }
}

/// The block at the tip, and its undo entry.
pub(crate) fn undoable(
    files: &dyn Files,
    log: &Log,
    index: &Index,
    now: &Head,
) -> Result<(Block, UndoEntry), StoreError> {
    let height = now.header.height;
    let place = index.place(height)?.ok_or(IndexFault::Header(height))?;
    Ok((block_at(files, log, place.at, &now.header)?, index.undo_entry(height)?))
}

/// The head after undoing the tip, except for the end of the log.
pub(crate) fn after_undo(
    files: &dyn Files,
    index: &Index,
    chain: &Chain,
    (now, undo): (&Head, &UndoEntry),
) -> Result<Head, StoreError> {
    let height = now.header.height.minus(1);
    let header = match index.place(height)? {
        Some(place) => place.header(files, now, height)?,
        None if height == Height::GENESIS => Header::genesis(chain),
        None => return Err(IndexFault::Header(height).into()),
    };
    let kernels = undo.kernels.clone();
    if header.hash() != now.header.previous || kernels.root() != header.kernel_root {
        return Err(IndexFault::Undo(now.header.height).into());
    }
    // Blocks that validators certified are final; the terms of a solo chain are always the same.
    let terms = now.terms.clone();
    if terms.hash() != header.next_terms {
        return Err(IndexFault::Undo(now.header.height).into());
    }
    Ok(Head { header, terms, kernels, ..*now })
}

/// A header, and where the record of its block begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderEntry {
    pub(crate) header: Header,
    pub(crate) at: Position,
}

/// A block as it was read, before a point of it is decoded.
pub(crate) struct StoredBlock {
    at: Position,
    header: Header,
    pub(crate) bytes: Vec<u8>,
}

impl StoredBlock {
    /// Reads the record that begins at `at`.
    pub(crate) fn read(
        files: &dyn Files,
        log: &Log,
        at: Position,
        header: &Header,
    ) -> Result<Self, StoreError> {
        match log.read(files, at)?.0 {
            Record::Block { bytes, .. } => Ok(Self { at, header: header.clone(), bytes }),
            Record::Undo { .. } => {
                Err(StoreError::damaged(FileName::Segment(at.segment), at.offset, Damage::Misplaced))
            }
        }
    }

    /// The block, which has this header.
    pub(crate) fn decode(&self) -> Result<Block, StoreError> {
        let Self { at, header, bytes } = self;
        let damaged = |damage: Damage| StoreError::damaged(FileName::Segment(at.segment), at.offset, damage);
        let block = Block::from_bytes(bytes).map_err(|e| damaged(e.into()))?;
        let same = block.header == *header && body_hash(&block.body) == header.body_hash;
        if same { Ok(block) } else { Err(damaged(Damage::Misplaced)) }
    }
}

/// The block with this header, whose record begins at `at`.
pub(crate) fn block_at(
    files: &dyn Files,
    log: &Log,
    at: Position,
    header: &Header,
) -> Result<Block, StoreError> {
    StoredBlock::read(files, log, at, header)?.decode()
}

/// The block with this header as it is stored: header and seal, and the bytes of its body.
pub(crate) fn stored_at(
    files: &dyn Files,
    log: &Log,
    at: Position,
    header: &Header,
) -> Result<(SealedHeader, Vec<u8>), StoreError> {
    let damaged = |damage: Damage| StoreError::damaged(FileName::Segment(at.segment), at.offset, damage);
    let Record::Block { mut bytes, .. } = log.read(files, at)?.0 else {
        return Err(damaged(Damage::Misplaced));
    };
    let mut r = Reader::new(&bytes);
    let sealed = r.version().and_then(|()| SealedHeader::decode(&mut r)).map_err(|e| damaged(e.into()))?;
    if sealed.header != *header {
        return Err(damaged(Damage::Misplaced));
    }
    let body = bytes.split_off(bytes.len() - r.left());
    Ok((sealed, body))
}

/// The header and the seal with which the record at `at` begins, if it does. Their checksum is not checked.
pub(crate) fn front_at(
    files: &dyn Files,
    log: &Log,
    at: Position,
) -> Result<Option<SealedHeader>, StoreError> {
    let length = log.length_at(files, at)?.saturating_sub(RECORD_FRAME).min(1 + SEALED_MAX);
    let front = log.peek(files, at, length as usize)?;
    let mut r = Reader::new(&front);
    Ok(r.version().and_then(|()| SealedHeader::decode(&mut r)).ok())
}

/// What a store has at most so that all of it is read when it opens: headers, kernels, parts of the outputs.
const ALL_CHECKED: u64 = 4_096;

/// Compares the index with the head and its outputs; returns the terms of all heights.
pub(crate) fn check(index: &Index, truth: &Truth<'_>, outputs: &Trie) -> Result<History, StoreError> {
    let Truth { files, chain, head, .. } = *truth;
    let Header { height, kernel_count, next_terms, .. } = head.header;
    let history = index.history(chain)?;
    if history.at(height.next()).hash() != next_terms {
        return Err(IndexFault::Terms(height.next()).into());
    }
    let last = match height {
        Height::GENESIS => Some(Header::genesis(chain)),
        _ => index.place(height)?.map(|place| place.header(files, head, height)).transpose()?,
    };
    if last.as_ref() != Some(&head.header) {
        return Err(IndexFault::Header(height).into());
    }
    for h in head.floor.get()..height.get() {
        index.undo_entry(Height::new(h + 1))?;
    }
    index.check_parts(outputs, ALL_CHECKED)?;
    if height.get() <= ALL_CHECKED && kernel_count <= ALL_CHECKED {
        match check_whole(index, truth) {
            // That is not the index's fault, and found when it is read.
            Err(StoreError::Damaged { .. }) => {}
            checked => checked?,
        }
    }
    Ok(history)
}

/// Compares all headers, terms and kernels with the head, and what is looked up with these.
pub(crate) fn check_whole(index: &Index, truth: &Truth<'_>) -> Result<(), StoreError> {
    let Truth { files, chain, head, .. } = *truth;
    let mut terms = index.terms();
    let (mut peaks, mut changes, mut excesses) = (Peaks::new(), 0, 0);
    let mut before = Header::genesis(chain);
    for height in (1..=head.header.height.get()).map(Height::new) {
        let place = index.place(height)?.ok_or(IndexFault::Header(height))?;
        let header = place.header(files, head, height)?;
        if header.previous != before.hash() || header.kernel_count != place.kernels {
            return Err(IndexFault::Header(height).into());
        }
        if header.terms != header.next_terms {
            let entry = terms.next().transpose()?;
            let stated = entry.is_some_and(|(at, t)| at == height.next() && t.hash() == header.next_terms);
            changes += u64::from(stated);
            stated.then_some(()).ok_or(IndexFault::Terms(height.next()))?;
        }
        let count = place.kernels.saturating_sub(peaks.len());
        for kernel in place.kernels(files, head, (height, count))? {
            excesses += u64::from(is_last(index, &kernel, height)?);
            peaks.push(kernel.id());
        }
        before = header;
    }
    if before.hash() != head.header.hash() {
        return Err(IndexFault::Header(head.header.height).into());
    }
    if let Some((from, _)) = terms.next().transpose()? {
        return Err(IndexFault::Terms(from).into());
    }
    if peaks != head.kernels {
        return Err(IndexFault::Kernels.into());
    }
    let size = index.lookups_size()?;
    let keys = head.header.height.get() + peaks.len() + excesses + changes.min(1);
    let same = size == MapSize { keys, nodes: index.count(key::NODES)? };
    if same { Ok(()) } else { Err(IndexFault::Lookup.into()) }
}

/// Compares what is looked up with a kernel of the block at this height; says whether it is the last with its excess.
fn is_last(index: &Index, kernel: &Kernel, height: Height) -> Result<bool, StoreError> {
    let (id, may_repeat) = (kernel.id(), kernel.features.may_repeat());
    let last = index.last_seen(&kernel.excess, Height::new(u64::MAX))?.ok_or(IndexFault::KernelEntry(id))?;
    let agrees = last.height > height || last == Sighting { height, may_repeat };
    if agrees && index.kernel_height(&id)? == Some(height) {
        Ok(last.height == height)
    } else {
        Err(IndexFault::KernelEntry(id).into())
    }
}

/// The trie before a block, from the trie after it, in which the paths of what it touched are loaded.
pub(crate) fn outputs_before(
    after: &Trie,
    body: &Body,
    spent: &[Entry],
    before: &Header,
) -> Result<Trie, StoreError> {
    let mut trie = after.clone();
    let removed: Vec<_> = body.outputs.iter().map(|o| Unspent::key(&o.commitment)).collect();
    let fault = IndexFault::Undo(before.height.next());
    trie.apply(&removed, spent).map_err(|_| fault.clone())?;
    if trie.root() == before.output_root { Ok(trie) } else { Err(fault.into()) }
}
