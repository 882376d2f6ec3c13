//! Evidence of double seals: sealed headers that were seen and are not in the chain.
//!
//! ```text
//! a height is sealed twice  ⇔  a header here, and another here or in the chain, have that height and differ
//! evidence file = version (1) ‖ chain id (32) ‖ count (4) ‖ (header (mw) ‖ seal (mw))* ‖ check (32)
//! ```
//!
//! The caller must have checked the seals. Only the operator can make an entry, and their number is bounded;
//! once the list is full, the first entries stay, since one case is proof enough. A header that the chain
//! includes again does no harm.

use crate::{
    codec::{Damage, checked, ends, tag, with_check},
    seal::{DoubleSeal, SealedHeader},
    storage::{FileName, Store, StoreError, files::read_if_there},
};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, Encode, Reader, VERSION},
};
use std::collections::BTreeSet;

/// Sealed headers off the chain, in the order in which they were seen.
#[derive(Clone, Debug, Default)]
pub struct Evidence(Vec<SealedHeader>);

impl Evidence {
    /// Most headers that are kept: a quarter of a megabyte.
    pub const MAX: usize = 1 << 10;

    /// Whether a header is new and there is room for it.
    #[must_use]
    pub fn is_news(&self, sealed: &SealedHeader) -> bool {
        self.0.len() < Self::MAX && self.0.iter().all(|s| s.header != sealed.header)
    }

    /// Remembers a header; says whether that changed anything.
    pub fn add(&mut self, sealed: &SealedHeader) -> bool {
        let new = self.is_news(sealed);
        if new {
            self.0.push(sealed.clone());
        }
        new
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[SealedHeader] {
        &self.0
    }

    /// Their heights, ascending.
    #[must_use]
    pub fn heights(&self) -> BTreeSet<Height> {
        self.0.iter().map(|s| s.header.height).collect()
    }

    /// The first that was seen at this height.
    #[must_use]
    pub fn first_at(&self, h: Height) -> Option<&SealedHeader> {
        self.0.iter().find(|s| s.header.height == h)
    }

    /// The evidence against the operator, if it sealed `first` too.
    #[must_use]
    pub fn against(&self, first: &SealedHeader) -> Vec<DoubleSeal> {
        let header = &first.header;
        let others = self.0.iter().filter(|s| s.header.height == header.height && s.header != *header);
        others.map(|s| DoubleSeal { first: first.clone(), second: s.clone() }).collect()
    }
}

/// The evidence file of these sealed headers.
pub(crate) fn bytes(chain: &ChainId, all: &[SealedHeader]) -> Vec<u8> {
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let mut out = [&[VERSION], &chain.as_bytes()[..], &count.to_le_bytes()].concat();
    all.iter().for_each(|s| s.encode(&mut out));
    with_check(tag::EVIDENCE, &[], out)
}

/// The chain and the sealed headers of an evidence file.
pub(crate) fn read(bytes: &[u8]) -> Result<(ChainId, Vec<SealedHeader>), Damage> {
    let mut r = Reader::new(checked(tag::EVIDENCE, &[], bytes)?);
    r.version()?;
    let (chain, count) = (ChainId::decode(&mut r)?, r.u32()?);
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(SealedHeader::decode(&mut r)?);
    }
    ends(&r).map(|()| (chain, all))
}

/// The evidence in the file beside a store.
pub(crate) fn load_evidence(store: &Store) -> Result<Evidence, StoreError> {
    let file = FileName::Evidence;
    let Some(bytes) = read_if_there(store.files(), file)? else { return Ok(Evidence::default()) };
    let damaged = |damage: Damage| StoreError::damaged(file, 0, damage);
    let (found, all) = read(&bytes).map_err(damaged)?;
    let expected = *store.chain().id();
    if found != expected {
        return Err(StoreError::Foreign { file, expected, found });
    }
    let mut evidence = Evidence::default();
    if all.iter().all(|s| store.history().holds(s) && evidence.add(s)) {
        Ok(evidence)
    } else {
        Err(damaged(Damage::Misplaced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{Ledger, LedgerError, mempool::MempoolLimits},
        storage::{Layout, Memory},
    };
    use sotto_mw::testing::TestChain;

    /// A header without the operator's seal does not count as evidence: neither when it is seen nor when it is read from
    /// the disk.
    #[test]
    fn evidence_is_sealed() {
        let mut test_chain = TestChain::new(51);
        (0..2).for_each(|_| drop(test_chain.grow(Vec::new())));
        let files = Memory::new();
        let layout = Layout::in_memory;
        let store = Store::create_on(files.clone(), layout(), test_chain.chain().params().clone()).unwrap();
        let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        test_chain.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
        let mut forged = SealedHeader::of(&test_chain.blocks()[0]);
        forged.header.time += 1;
        assert!(ledger.see(&forged).unwrap().is_none() && ledger.double_seals().unwrap().is_empty());
        drop(ledger);
        let mut on_disk = files.clone();
        let bytes = bytes(test_chain.chain().id(), &[forged]);
        crate::storage::files::replace(&mut on_disk, FileName::Evidence, &bytes).unwrap();
        let store = Store::open_on(on_disk, layout()).unwrap();
        let found = Ledger::over(store, MempoolLimits::default());
        let misplaced = |e: &LedgerError| {
            matches!(
                e,
                LedgerError::Store(StoreError::Damaged {
                    file: FileName::Evidence,
                    damage: Damage::Misplaced,
                    ..
                })
            )
        };
        assert!(found.as_ref().err().is_some_and(misplaced), "{found:?}");
    }
}
