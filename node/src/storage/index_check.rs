//! Opening: brings the index to the end of the log, and compares what it answers from with the head.
//!
//! The head commits to everything: its header to all earlier headers, to all kernels in order and to the set
//! of unspent outputs. So headers are checked as a chain, terms by the hashes that headers state, kernels by
//! recomputing their mountain range, ids and excesses by looking each kernel up and counting, undo entries by
//! their checksums. Of the outputs the root is recomputed from the hashes of the parts, however many outputs
//! there are; the parts are read now if they are few, and else each before it is used.

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
    mmr::Peaks,
    state::{Sighting, Unspent},
    transaction::Body,
    trie::{Entry, Trie},
};

/// What an index is compared with.
pub(crate) struct Truth<'a, F: Files> {
    pub(crate) files: &'a F,
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
pub(crate) fn catch_up(truth: &Truth<'_, impl Files>, index: &mut Index) -> Result<CaughtUp, StoreError> {
    let Truth { files, log, chain, head, .. } = *truth;
    let now = match (index.head()?, truth.base) {
        (Some(now), _) => now,
        (None, Some(base)) => base.fill(files, index, chain, head.first)?,
        (None, None) => Head::genesis(chain),
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
struct Replay<'a, F: Files> {
    truth: &'a Truth<'a, F>,
    index: &'a mut Index,
    now: Head,
    outputs: Trie,
    /// Outputs that changed since the trie was cut back.
    changed: usize,
}

impl<F: Files> Replay<'_, F> {
    /// Takes the record in that begins at `at`.
    fn take(&mut self, at: Position) -> Result<(), StoreError> {
        let (record, end) = self.truth.log.read(self.truth.files, at)?;
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
        let after = Head { end, ..after_undo(self.index, chain, &self.now, &undo)? };
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
    files: &impl Files,
    log: &Log,
    index: &Index,
    now: &Head,
) -> Result<(Block, UndoEntry), StoreError> {
    let height = now.header.height;
    let entry = index.header(height)?.ok_or(IndexFault::Header(height))?;
    Ok((block_at(files, log, entry.at, &now.header)?, index.undo_entry(height)?))
}

/// The head after undoing the tip, except for the end of the log.
pub(crate) fn after_undo(
    index: &Index,
    chain: &Chain,
    now: &Head,
    undo: &UndoEntry,
) -> Result<Head, StoreError> {
    let height = now.header.height.minus(1);
    let header = match index.header(height)? {
        Some(e) => e.header,
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

/// The block with this header, whose record begins at `at`.
pub(crate) fn block_at(
    files: &impl Files,
    log: &Log,
    at: Position,
    header: &Header,
) -> Result<Block, StoreError> {
    let damaged = |damage: Damage| StoreError::damaged(FileName::Segment(at.segment), at.offset, damage);
    let Record::Block { bytes, .. } = log.read(files, at)?.0 else { return Err(damaged(Damage::Misplaced)) };
    let block = Block::from_bytes(&bytes).map_err(|e| damaged(e.into()))?;
    let same = block.header == *header && body_hash(&block.body) == header.body_hash;
    if same { Ok(block) } else { Err(damaged(Damage::Misplaced)) }
}

/// The block with this header as it is stored: header and seal, and the bytes of its body.
pub(crate) fn stored_at(
    files: &impl Files,
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
    files: &impl Files,
    log: &Log,
    at: Position,
) -> Result<Option<SealedHeader>, StoreError> {
    let length = log.length_at(files, at)?.saturating_sub(RECORD_FRAME).min(1 + SEALED_MAX);
    let front = log.peek(files, at, length as usize)?;
    let mut r = Reader::new(&front);
    Ok(r.version().and_then(|()| SealedHeader::decode(&mut r)).ok())
}

/// Parts of the outputs that are read when a store opens, at most.
const PARTS_CHECKED: usize = 4_096;

/// Compares the index with the head and its outputs; returns the terms of all heights.
pub(crate) fn check(
    index: &Index,
    chain: &Chain,
    head: &Head,
    outputs: &Trie,
) -> Result<History, StoreError> {
    let headers = headers(index, chain, head)?;
    let history = check_terms(index, chain, &headers)?;
    check_kernels(index, head, headers)?;
    for h in head.floor.get()..head.header.height.get() {
        index.undo_entry(Height::new(h + 1))?;
    }
    index.check_parts(outputs, PARTS_CHECKED)?;
    Ok(history)
}

/// Compares the terms with what the headers state: there is an entry wherever they change, and no other.
fn check_terms(index: &Index, chain: &Chain, headers: &[Header]) -> Result<History, StoreError> {
    let (mut history, mut entries) = (History::new(chain), index.terms());
    for h in headers.iter().filter(|h| h.terms != h.next_terms) {
        let from = h.height.next();
        let entry = entries.next().transpose()?;
        let stated = entry.filter(|(at, terms)| *at == from && terms.hash() == h.next_terms);
        history.append(from, &stated.ok_or(IndexFault::Terms(from))?.1);
    }
    match entries.next().transpose()? {
        Some((from, _)) => Err(IndexFault::Terms(from).into()),
        None => Ok(history),
    }
}

/// The headers' chain from the genesis to the head.
fn headers(index: &Index, chain: &Chain, head: &Head) -> Result<Vec<Header>, StoreError> {
    let mut all = vec![Header::genesis(chain)];
    let mut tip = Header::genesis(chain).hash();
    for entry in index.headers() {
        let header = entry?.header;
        if header.previous != tip {
            return Err(IndexFault::Header(header.height).into());
        }
        tip = header.hash();
        all.push(header);
    }
    if tip == head.header.hash() { Ok(all) } else { Err(IndexFault::Header(head.header.height).into()) }
}

/// Compares kernels with the head's mountain range, and ids and excesses with the kernels.
fn check_kernels(index: &Index, head: &Head, headers: Vec<Header>) -> Result<(), StoreError> {
    let mut peaks = Peaks::new();
    let mut headers = headers.into_iter();
    let mut block = headers.next();
    for kernel in index.kernels() {
        let kernel = kernel?;
        while block.as_ref().is_some_and(|h| h.kernel_count <= peaks.len()) {
            block = headers.next();
        }
        let height = block.as_ref().map(|h| h.height).ok_or(IndexFault::Kernels)?;
        let (id, may_repeat) = (kernel.id(), kernel.features.may_repeat());
        let known = index.kernel_height(&id)? == Some(height);
        if !known || !index.saw(&kernel.excess, Sighting { height, may_repeat })? {
            return Err(IndexFault::KernelEntry(id).into());
        }
        peaks.push(id);
    }
    let count = peaks.len();
    let same = peaks == head.kernels
        && index.count(key::KERNEL_IDS)? == count
        && index.count(key::EXCESSES)? == count;
    if same { Ok(()) } else { Err(IndexFault::Kernels.into()) }
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
