//! Unspent outputs, and what the trie of unspent outputs holds of each.

use super::rewind_data::{self, RewindData};
use crate::{amount::Height, codec::fields, commitment::Commitment, hash::Hash, output::Output};

/// An unspent output and the height that created it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Height of the block that created it.
    pub created: Height,
    /// The output.
    pub output: Output,
}

fields!(Unspent { created, output });

impl Unspent {
    /// The key of an output in the trie of unspent outputs.
    #[must_use]
    pub fn key(c: &Commitment) -> Hash {
        rewind_data::key(c)
    }

    /// The leaf of the output in the trie: `H(V, features, extra, created, H(proof[..224]),
    /// H(proof[224..]))`.
    ///
    /// The proof enters in two parts, so that a scan that reads only the first can still be checked.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        self.rewind_data().leaf()
    }

    /// The part that a scan reads, with a hash in place of the rest of the proof.
    #[must_use]
    pub fn rewind_data(&self) -> RewindData {
        RewindData::of(self.created, &self.output)
    }
}
