//! The id of a chain, which every message that its keys sign contains.

use crate::{codec::fields, hash::Hash};
use core::fmt;

/// The hash of a chain's canonical genesis parameters. Every message that a chain's keys sign contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub(crate) Hash);

impl ChainId {
    /// The id with these bytes, as read from a file or a peer.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Hash::from_bytes(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

fields!(ChainId { 0 });

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
