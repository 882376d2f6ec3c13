//! Seals of stored headers that were verified in this run, so that serving a header verifies nothing twice.
//!
//! A header is served from the front of its block's record, without the rest that the record's checksum
//! covers; what is read there is trusted once its seal was verified, and the same 64 bytes after that. Facts
//! here are about hashes, so they stay true whatever the chain becomes. About 130 bytes a header; at
//! [`MOST`] the memory starts anew.

use crate::seal::SealedHeader;
use sotto_mw::{codec::Encode, hash::Hash, history::History};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most seals that are remembered.
const MOST: usize = 1 << 20;

/// Header hashes, and the seal that was verified for each.
#[derive(Debug, Default)]
pub(crate) struct VerifiedSeals(Mutex<HashMap<Hash, Vec<u8>>>);

impl VerifiedSeals {
    /// Whether the header is sealed under the terms of its height.
    pub(crate) fn holds(&self, history: &History, sealed: &SealedHeader) -> bool {
        let (hash, seal) = (sealed.header.hash(), sealed.seal.to_bytes());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&hash) == Some(&seal) {
            return true;
        }
        let holds = history.holds(sealed);
        if holds {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(hash, seal);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::testing::TestChain;

    /// What is remembered of one seal says nothing for another under the same header.
    #[test]
    fn only_the_seal_that_was_verified_is_remembered() {
        let mut test_chain = TestChain::new(47);
        (0..2).for_each(|_| drop(test_chain.grow(Vec::new())));
        let [a, b] = [0, 1].map(|n| SealedHeader::of(&test_chain.blocks()[n]));
        let (seals, history) = (VerifiedSeals::default(), History::new(test_chain.chain()));
        assert!(seals.holds(&history, &a) && seals.holds(&history, &a));
        let foreign = SealedHeader { seal: b.seal.clone(), ..a.clone() };
        assert!(!seals.holds(&history, &foreign));
        assert!(seals.holds(&history, &a) && seals.0.lock().unwrap().len() == 1);
    }
}
