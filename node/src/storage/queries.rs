//! A store's answers, and how each is checked before it is given.
//!
//! An unspent output must be in a part with the hash that the trie in memory has, and hash to its leaf there; an
//! absence must be one in such a part; a header, a kernel's height and an excess, or that there is none, are read in
//! the map whose root the index states; a block must hash to its header; an iterator over all of something ends
//! with an error if it was not complete.

use crate::{
    seal::SealedHeader,
    storage::{
        base::Base,
        block_place::BlockPlace,
        chain_store::ChainStore,
        error::{IndexFault, StoreError},
        files::length,
        format::Position,
        index_check::{HeaderEntry, StoredBlock, Truth, block_at, check_whole, front_at, stored_at},
        kernel_walk::KernelWalk,
        located::Located,
        snapshot_format::Start,
        snapshot_part::Part,
    },
};
use sotto_mw::{
    amount::Height,
    block::{Block, Header},
    commitment::Commitment,
    hash::Hash,
    history::{History, TermsChange},
    kernel::{Excess, Kernel},
    mmr::Peaks,
    state::{ChainView, Sighting, StateCommitments, Unspent},
    terms::Terms,
    trie::{self, ChunkProof, Entry, Prefix, Trie},
};

/// A kernel of the chain, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelAt {
    /// The kernel.
    pub(crate) kernel: Kernel,
    /// The height of its block.
    pub(crate) height: Height,
    /// Its place among all kernels.
    pub(crate) place: u64,
}

/// Bytes on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of the block log, and of the base that replaces what was pruned.
    pub log: u64,
    /// Bytes of the index.
    pub index: u64,
}

impl ChainStore {
    /// The header at this height; `None` above the tip.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn header(&self, h: Height) -> Result<Option<Header>, StoreError> {
        self.running()?;
        if h == Height::GENESIS {
            return Ok(Some(Header::genesis(&self.chain)));
        }
        if h > self.head.header.height {
            return Ok(None);
        }
        self.header_entry(h).map(|entry| Some(entry.header))
    }

    /// The block at this height; `None` above the tip, and for the genesis, which has no body.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with segment and offset when its record is, [`StoreError::Pruned`] when its
    /// body is gone.
    pub fn block(&self, h: Height) -> Result<Option<Block>, StoreError> {
        self.running()?;
        if h == Height::GENESIS || h > self.head.header.height {
            return Ok(None);
        }
        self.body(h).map(Some)
    }

    /// How many bytes the block at this height has on disk; `None` above the tip, and for the genesis.
    ///
    /// # Errors
    /// When its record is damaged, or its body is gone.
    pub fn block_bytes(&self, h: Height) -> Result<Option<u64>, StoreError> {
        self.entry(h)?.map(|entry| self.log.length_at(&self.files, entry.at)).transpose()
    }

    /// The block at this height as it is stored: header and seal, and the bytes of its body. They are trusted
    /// by their checksum, and no point of the body is decoded.
    ///
    /// # Errors
    /// As [`ChainStore::block`].
    pub fn stored_block(&self, h: Height) -> Result<Option<(SealedHeader, Vec<u8>)>, StoreError> {
        let entry = self.entry(h)?;
        entry.map(|entry| stored_at(&self.files, &self.log, entry.at, &entry.header)).transpose()
    }

    /// Where the record of the block at a height above the base begins.
    pub(crate) fn place_of(&self, h: Height) -> Result<Position, StoreError> {
        Ok(self.entry(h)?.ok_or(IndexFault::Header(h))?.at)
    }

    /// Where the block at this height is.
    fn entry(&self, h: Height) -> Result<Option<HeaderEntry>, StoreError> {
        self.running()?;
        if h == Height::GENESIS || h > self.head.header.height {
            return Ok(None);
        }
        if h <= self.head.base {
            return Err(StoreError::Pruned { height: h, base: self.head.base });
        }
        self.header_entry(h).map(Some)
    }

    /// The header at a height up to the tip and where its block is, while the store is stopped too.
    pub(crate) fn header_entry(&self, h: Height) -> Result<HeaderEntry, StoreError> {
        let place = self.block_place(h)?;
        Ok(HeaderEntry { header: place.header(&self.files, &self.head, h)?, at: place.at })
    }

    /// Where the block at a height above the genesis and up to the tip is.
    pub(crate) fn block_place(&self, h: Height) -> Result<BlockPlace, StoreError> {
        self.noting(self.index.place(h).and_then(|place| place.ok_or_else(|| IndexFault::Header(h).into())))
    }

    /// The block at a height up to the tip, while the store is stopped too.
    pub(crate) fn body(&self, h: Height) -> Result<Block, StoreError> {
        if h <= self.head.base {
            return Err(StoreError::Pruned { height: h, base: self.head.base });
        }
        let entry = self.header_entry(h)?;
        block_at(&self.files, &self.log, entry.at, &entry.header)
    }

    /// The block at a height above the base and up to the tip, not decoded.
    pub(crate) fn undecoded(&self, h: Height) -> Result<StoredBlock, StoreError> {
        let HeaderEntry { header, at } = self.entry(h)?.ok_or(IndexFault::Header(h))?;
        StoredBlock::read(&self.files, &self.log, at, &header)
    }

    /// The header and the seal at this height; `None` above the tip, and for the genesis, which has no seal.
    ///
    /// # Errors
    /// When the file that holds it is damaged.
    pub fn sealed_header(&self, h: Height) -> Result<Option<SealedHeader>, StoreError> {
        self.running()?;
        if h == Height::GENESIS || h > self.head.header.height {
            return Ok(None);
        }
        self.sealed_headers(h, h).map(|all| all.into_iter().next())
    }

    /// Headers and seals from a height above the genesis to another up to the tip.
    ///
    /// # Errors
    /// When the file that holds them is damaged.
    pub fn sealed_headers(&self, first: Height, last: Height) -> Result<Vec<SealedHeader>, StoreError> {
        let mut all = match &self.base {
            Some(base) => base.headers(&self.files, first, last)?,
            None => Vec::new(),
        };
        for s in &all {
            let height = s.header.height;
            if self.header_entry(height)?.header != s.header {
                return Err(IndexFault::Header(height).into());
            }
        }
        let rest = first.get().max(self.head.base.get() + 1)..=last.get();
        for h in rest.map(Height::new) {
            let HeaderEntry { header, at } = self.header_entry(h)?;
            all.push(self.sealed_at(at, &header)?);
        }
        Ok(all)
    }

    /// The header with the seal of its block, whose record begins at `at`. The whole record is read and its
    /// checksum checked only if it does not begin with that header and a seal that holds.
    fn sealed_at(&self, at: Position, header: &Header) -> Result<SealedHeader, StoreError> {
        match front_at(&self.files, &self.log, at)? {
            Some(sealed) if sealed.header == *header && self.seals.holds(&self.history, &sealed) => {
                Ok(sealed)
            }
            _ => block_at(&self.files, &self.log, at, header).map(|block| SealedHeader::of(&block)),
        }
    }

    /// The terms of all heights up to the next, and of later ones as far as they are announced: by them the
    /// headers and seals of each height are judged.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// The headers from height `first` to `last` at which the terms change, at most `most` of them, each with
    /// its seal and the terms of the next height: a light client, or whoever starts from a snapshot, extends
    /// its [`History`] by them.
    ///
    /// # Errors
    /// When the index, or a file that holds such a header, is damaged.
    pub fn terms_changes(
        &self,
        first: Height,
        last: Height,
        most: usize,
    ) -> Result<Vec<TermsChange>, StoreError> {
        self.running()?;
        let changes = self.history.starts(first.next(), last.next()).take(most);
        let change = |(from, terms): (Height, &Terms)| {
            let height = from.minus(1);
            let sealed = self.sealed_header(height)?.ok_or(IndexFault::Header(height))?;
            Ok(TermsChange { sealed, terms: terms.clone() })
        };
        changes.map(change).collect()
    }

    /// The base's start and its parts; `None` when nothing was pruned.
    pub(crate) fn base_parts(&self) -> Option<(&Start, impl Iterator<Item = Result<Part, StoreError>> + '_)> {
        self.base.as_ref().map(|base| (&base.start, base.parts(&self.files)))
    }

    /// The height of the block that holds the kernel with this id.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn kernel_height(&self, id: &Hash) -> Result<Option<Height>, StoreError> {
        self.running()?;
        self.noting(self.index.kernel_height(id))
    }

    /// The last kernel with this excess.
    pub(crate) fn last_kernel(&self, excess: &Excess) -> Result<Option<KernelAt>, StoreError> {
        let Some(seen) = self.last_seen(excess)? else { return Ok(None) };
        let height = seen.height;
        let count =
            |h: Height| Ok::<_, StoreError>(self.header(h)?.ok_or(IndexFault::Header(h))?.kernel_count);
        let places = count(height.minus(1))?..count(height)?;
        for (kernel, place) in self.kernels_from(places.start).zip(places) {
            let kernel = kernel?;
            if kernel.excess == *excess {
                return Ok(Some(KernelAt { kernel, height, place }));
            }
        }
        self.noting(Err(IndexFault::Kernels.into()))
    }

    /// All unspent outputs in the order of their keys in the trie. An error stands for each part of them that
    /// cannot be read.
    pub fn all_unspent(&self) -> impl Iterator<Item = Result<Unspent, StoreError>> + '_ {
        let parts = self.commitments.outputs.parts().into_iter();
        parts.flat_map(|(part, hash)| {
            let (all, damage) = match self.noting(self.index.part(part, &hash)) {
                Ok(all) => (all, None),
                Err(e) => (Vec::new(), Some(Err(e))),
            };
            damage.into_iter().chain(all.into_iter().map(|l| l.read(&self.files, &self.head)))
        })
    }

    /// Whether the index has all that the head commits to, and nothing else.
    pub(crate) fn has_whole_index(&self) -> Result<(), StoreError> {
        let Self { files, log, chain, head, base, .. } = self;
        let truth = Truth { files, log, base: base.as_ref(), chain, head };
        self.noting(check_whole(&self.index, &truth))?;
        self.noting(self.index.check_parts(&self.commitments.outputs, u64::MAX))
    }

    /// The outputs of a part of the trie, in the order of keys.
    pub(crate) fn part(&self, part: trie::Part) -> Result<Vec<Located>, StoreError> {
        let hash = self.commitments.outputs.part(part);
        self.noting(hash.map_or(Ok(Vec::new()), |hash| self.index.part(part, &hash)))
    }

    /// The unspent output with this key in the trie.
    pub(crate) fn unspent_at(&self, key: &Hash) -> Result<Option<Unspent>, StoreError> {
        let all = self.part(trie::Part::of(key))?;
        let found = all.binary_search_by_key(key, |l| l.entry.key).ok().and_then(|at| all.get(at));
        found.map(|l| l.read(&self.files, &self.head)).transpose()
    }

    /// All unspent outputs under a prefix of their keys in the trie, in the order of those, with the proof
    /// that they are all; `None` when there are more than `most`.
    ///
    /// # Errors
    /// When the index lacks an output of the trie.
    pub fn chunk(
        &self,
        prefix: Prefix,
        most: usize,
    ) -> Result<Option<(Vec<Unspent>, ChunkProof)>, StoreError> {
        self.running()?;
        let mut trie = self.commitments.outputs.clone();
        // Keys are hashes, so every prefix has about as many: too many are not even collected.
        if trie.len() >> prefix.depth() > most as u64 {
            return Ok(None);
        }
        let missing = trie.missing_under(prefix);
        self.noting(self.index.load(&mut trie, missing))?;
        let chunk = trie.chunk(prefix);
        if chunk.leaves.len() > most {
            return Ok(None);
        }
        let output = |e: &Entry| self.unspent_at(&e.key)?.ok_or_else(|| IndexFault::Outputs.into());
        let unspent = chunk.leaves.iter().map(output).collect::<Result<_, StoreError>>()?;
        Ok(Some((unspent, chunk.proof)))
    }

    /// The kernels of the chain from the one at this place on, in order.
    pub fn kernels_from(&self, place: u64) -> impl Iterator<Item = Result<Kernel, StoreError>> + '_ {
        let (walk, failed) = match KernelWalk::from(self, place) {
            Ok(walk) => (Some(walk), None),
            Err(e) => (None, Some(Err(e))),
        };
        walk.into_iter().flatten().chain(failed)
    }

    /// All kernels in the order of the chain. The last item is an error if any other was missing or wrong.
    pub fn kernels(&self) -> impl Iterator<Item = Result<Kernel, StoreError>> + '_ {
        let mut peaks = Peaks::new();
        let all = self.kernels_from(0).map(Some).chain([None]);
        all.filter_map(move |item| match item {
            Some(item) => {
                item.iter().for_each(|k| peaks.push(k.id()));
                Some(item)
            }
            None => (peaks != self.head.kernels).then(|| Err(self.wrong_kernels())),
        })
    }

    /// Kernels are not those that a header states: why.
    pub(crate) fn wrong_kernels(&self) -> StoreError {
        // Where they are the map of the index proves, so the file is damaged.
        match self.check_log() {
            Err(damaged) => damaged,
            Ok(_) => IndexFault::Kernels.into(),
        }
    }

    /// Reads the base, and every header and record of the log, undone blocks too, and checks that all is
    /// whole; returns how many records there are.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the segment and offset of the first that is not.
    pub fn check_log(&self) -> Result<u64, StoreError> {
        let base = Base::of(&self.files, &self.chain, &self.head)?;
        base.iter().flat_map(|base| base.parts(&self.files)).try_for_each(|part| part.map(drop))?;
        self.log.check_headers(&self.files)?;
        let (mut end, mut records) = (self.log.beginning(), 0);
        while let Some(at) = self.log.next(&self.files, end)? {
            end = self.log.read(&self.files, at)?.1;
            records += 1;
        }
        Ok(records)
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// When they cannot be determined.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        let base = match &self.base {
            Some(base) => length(&self.files, base.file)?.unwrap_or(0),
            None => 0,
        };
        Ok(Sizes { log: base + self.log.bytes(&self.files)?, index: self.index.bytes()? })
    }
}

impl ChainView for ChainStore {
    type Error = StoreError;

    fn tip(&self) -> &Header {
        &self.head.header
    }

    fn terms(&self) -> &Terms {
        &self.head.terms
    }

    fn commitments(&self) -> &StateCommitments {
        &self.commitments
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, StoreError> {
        self.running()?;
        let mut outputs = self.commitments.outputs.clone();
        self.noting(self.index.load_paths(&mut outputs, keys))?;
        Ok(outputs)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        self.running()?;
        self.unspent_at(&Unspent::key(c))
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, StoreError> {
        self.running()?;
        self.noting(self.index.last_seen(e, self.head.header.height))
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, StoreError> {
        Ok(self.kernel_height(id)?.is_some())
    }
}
