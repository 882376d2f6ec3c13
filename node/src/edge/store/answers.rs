//! What a store answers, and how each answer is held against what the store knows to be true.
//!
//! An unspent output must hash to its leaf of the trie in memory, and an absence must be one there; a block must hash to
//! its header; the two iterators end with an error if they were not complete. Headers, kernel ids and excesses were all
//! checked when the store opened, and afterwards rest on the index's own checksums.

use super::{
    Store,
    check::{block_at, entry},
    error::{IndexFault, StoreError},
    files::Files,
};
use crate::wire::Position;
use mw::{
    amount::Height,
    block::{Block, Header},
    commitment::Commitment,
    hash::Hash,
    kernel::{Excess, Kernel},
    mmr::Peaks,
    state::{ChainView, Sighting, StateCommitments, Unspent},
    trie::Entry,
};

/// Bytes on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of the block log.
    pub log: u64,
    /// Of the index.
    pub index: u64,
}

impl<F: Files> Store<F> {
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
        let entry = self.index.header(h)?.ok_or(IndexFault::Header(h))?;
        Ok(Some(entry.header))
    }

    /// The block at this height; `None` above the tip, and for the genesis, which has no body.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with segment and offset when its record is.
    pub fn block(&self, h: Height) -> Result<Option<Block>, StoreError> {
        self.running()?;
        if h == Height::GENESIS || h > self.head.header.height {
            return Ok(None);
        }
        let entry = self.index.header(h)?.ok_or(IndexFault::Header(h))?;
        block_at(&self.files, &self.log, entry.at, &entry.header).map(Some)
    }

    /// The height of the block that holds the kernel with this id.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn kernel_height(&self, id: &Hash) -> Result<Option<Height>, StoreError> {
        self.running()?;
        self.index.kernel_height(id)
    }

    /// All unspent outputs in the order of their commitments. The last item is an error if any other was missing.
    pub fn all_unspent(&self) -> impl Iterator<Item = Result<Unspent, StoreError>> + '_ {
        let trie = &self.commitments.outputs;
        let mut seen = 0;
        let all = self.index.all_unspent().map(Some).chain([None]);
        all.filter_map(move |item| match item {
            Some(Ok(u)) => {
                seen += 1;
                let Entry { key, leaf } = entry(&u);
                let fault = IndexFault::Output(u.output.commitment.encoded());
                Some(if trie.get(&key) == Some(leaf) { Ok(u) } else { Err(fault.into()) })
            }
            Some(Err(e)) => Some(Err(e)),
            None => (seen != trie.len()).then(|| Err(IndexFault::Outputs.into())),
        })
    }

    /// All kernels in the order of the chain. The last item is an error if any other was missing or wrong.
    pub fn kernels(&self) -> impl Iterator<Item = Result<Kernel, StoreError>> + '_ {
        let mut peaks = Peaks::new();
        let all = self.index.kernels().map(Some).chain([None]);
        all.filter_map(move |item| match item {
            Some(item) => {
                item.iter().for_each(|k| peaks.push(k.id()));
                Some(item)
            }
            None => (peaks != self.head.kernels).then(|| Err(IndexFault::Kernels.into())),
        })
    }

    /// Reads every record of the log, undone blocks too, and checks that it is whole; returns how many there are.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the segment and offset of the first that is not.
    pub fn check_log(&self) -> Result<u64, StoreError> {
        let (mut end, mut records) = (Position::start(0), 0);
        while let Some(at) = self.log.next(&self.files, end)? {
            end = self.log.read(&self.files, at)?.1;
            records += 1;
        }
        Ok(records)
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// When they cannot be told.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        Ok(Sizes { log: self.log.bytes(&self.files)?, index: self.index.bytes()? })
    }
}

impl<F: Files> ChainView for Store<F> {
    type Error = StoreError;

    fn tip(&self) -> &Header {
        &self.head.header
    }

    fn commitments(&self) -> &StateCommitments {
        &self.commitments
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        self.running()?;
        let answer = self.index.unspent(c)?;
        let leaf = self.commitments.outputs.get(&Unspent::key(c));
        let same = answer.as_ref().map(Unspent::leaf) == leaf;
        if same { Ok(answer) } else { Err(IndexFault::Output(c.encoded()).into()) }
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, StoreError> {
        self.running()?;
        self.index.last_seen(e)
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, StoreError> {
        Ok(self.kernel_height(id)?.is_some())
    }
}
