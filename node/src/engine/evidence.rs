//! Evidence of double seals: sealed headers that were seen and are not in the chain.
//!
//! ```text
//! a height is sealed twice  ⇔  a header here, and another here or in the chain, have that height and differ
//! ```
//!
//! Whoever fills this must have checked the seals. Only the operator can make an entry, and the number is bounded; once
//! full, what came first stays, since one case is enough to know. A header that the chain takes in again does no harm.

use crate::seal::{DoubleSeal, SealedHeader};
use sotto_mw::amount::Height;
use std::collections::BTreeSet;

/// Sealed headers off the chain, in the order in which they were seen.
#[derive(Clone, Debug, Default)]
pub struct Evidence(Vec<SealedHeader>);

impl Evidence {
    /// Most headers that are kept: a quarter of a megabyte.
    pub const MAX: usize = 1 << 10;

    /// Whether a header would be remembered and is not yet.
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

    /// What convicts whoever sealed `first` too.
    #[must_use]
    pub fn against(&self, first: &SealedHeader) -> Vec<DoubleSeal> {
        let header = &first.header;
        let others = self.0.iter().filter(|s| s.header.height == header.height && s.header != *header);
        others.map(|s| DoubleSeal { first: first.clone(), second: s.clone() }).collect()
    }
}
