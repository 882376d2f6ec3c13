//! The kernels of a chain in order, read block by block.

use super::{
    chain_store::ChainStore,
    error::{IndexFault, StoreError},
};
use sotto_mw::{amount::Height, kernel::Kernel};

/// Kernels from one place of the chain on.
#[derive(Debug)]
pub(crate) struct KernelWalk<'a> {
    store: &'a ChainStore,
    /// The last block that was read, and the kernels up to it.
    height: Height,
    before: u64,
    ready: std::vec::IntoIter<Kernel>,
}

impl<'a> KernelWalk<'a> {
    /// From the kernel at this place on.
    pub(crate) fn from(store: &'a ChainStore, place: u64) -> Result<Self, StoreError> {
        // The last block whose kernels are all before it.
        let (mut low, mut high) = (0, store.head.header.height.get() + 1);
        while low + 1 < high {
            let middle = low.midpoint(high);
            if store.block_place(Height::new(middle))?.kernels <= place {
                low = middle
            } else {
                high = middle
            }
        }
        let (height, ready) = (Height::new(low), Vec::new().into_iter());
        let before = if low == 0 { 0 } else { store.block_place(height)?.kernels };
        let mut walk = Self { store, height, before, ready };
        let skipped = usize::try_from(place.saturating_sub(before)).unwrap_or(usize::MAX);
        if walk.before < store.head.header.kernel_count {
            walk.read()?;
            walk.ready.by_ref().take(skipped).for_each(drop);
        }
        Ok(walk)
    }

    /// Reads the kernels of the next block.
    fn read(&mut self) -> Result<(), StoreError> {
        self.height = self.height.next();
        let place = self.store.block_place(self.height)?;
        let count = place.kernels.checked_sub(self.before).ok_or(IndexFault::Header(self.height))?;
        self.before = place.kernels;
        self.ready = place.kernels(&self.store.files, &self.store.head, (self.height, count))?.into_iter();
        Ok(())
    }
}

impl Iterator for KernelWalk<'_> {
    type Item = Result<Kernel, StoreError>;

    /// The next kernel; after an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.len() == 0 {
            if self.height >= self.store.head.header.height {
                return None;
            }
            if let Err(e) = self.read() {
                self.height = self.store.head.header.height;
                return Some(Err(e));
            }
        }
        self.ready.next().map(Ok)
    }
}
