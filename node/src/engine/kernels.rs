//! The Merkle mountain range over all kernels, with all its nodes, for proofs that a kernel is in the chain.
//!
//! A store keeps only the peaks, which can grow but not prove. The range is built when the first proof is
//! requested, 64 bytes a kernel, and grows from then on; after a reorganisation it is rebuilt.

use crate::{
    effect::KernelProof,
    message::BlockName,
    storage::{IndexFault, Store, StoreError, queries::KernelAt},
};
use sotto_mw::{kernel::Excess, mmr::Mmr, state::ChainView};

/// The range, and the block up to which it goes.
#[derive(Debug, Default)]
pub(crate) struct Kernels {
    range: Mmr,
    tip: Option<BlockName>,
}

impl Kernels {
    /// The last kernel with this excess, and the proof that the chain has it.
    pub(crate) fn prove(
        &mut self,
        store: &Store,
        excess: &Excess,
    ) -> Result<Option<KernelProof>, StoreError> {
        let Some(KernelAt { kernel, height, place }) = store.last_kernel(excess)? else { return Ok(None) };
        self.catch_up(store)?;
        let path = self.range.prove(place).ok_or(IndexFault::Kernel(place))?;
        let tip = BlockName::of(store.tip());
        Ok(Some(KernelProof { height, kernel, place, path, tip }))
    }

    /// Extends the range to the store's tip.
    fn catch_up(&mut self, store: &Store) -> Result<(), StoreError> {
        if let Some(tip) = self.tip
            && store.header(tip.height)?.is_none_or(|h| h.hash() != tip.hash)
        {
            *self = Self::default();
        }
        // It is known only once the range is complete.
        self.tip = None;
        for kernel in store.kernels_from(self.range.len()) {
            self.range.push(kernel?.id());
        }
        if self.range.peaks() != store.commitments().kernels {
            *self = Self::default();
            return store.noting(Err(IndexFault::Kernels.into()));
        }
        self.tip = Some(BlockName::of(store.tip()));
        Ok(())
    }
}
