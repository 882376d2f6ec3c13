//! The progress of a restore, which is kept so that an interrupted restore can resume.
//!
//! ```text
//! bytes = birthday (8) ‖ accounts (4) ‖ tried (4) ‖ tip (40) ‖ [key in the trie] ‖ map of outputs
//! ```
#![deny(clippy::indexing_slicing)]

use super::BlockRef;
use crate::{
    codec::{flag, map, put_map},
    outputs::OutputRecord,
};
use sotto_mw::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    hash::Hash,
};
use std::collections::BTreeMap;

/// The progress of a restore: outputs whose key is at most `after`, created up to `tip`, were tried with the
/// keys of the first `tried` accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RestoreProgress {
    /// Outputs of lower blocks are skipped.
    pub(crate) birthday: Height,
    /// The number of accounts to try.
    pub(crate) accounts: u32,
    /// The number of accounts that were tried.
    pub(crate) tried: u32,
    /// The last block of the chain that was scanned.
    pub(crate) tip: BlockRef,
    /// The last key in the trie of unspent outputs that was tried; `None` at the beginning.
    pub(crate) after: Option<Hash>,
    /// The outputs that were found.
    pub(crate) found: BTreeMap<PointBytes, OutputRecord>,
}

impl RestoreProgress {
    /// A restore that has not begun.
    pub(crate) const fn new(birthday: Height, accounts: u32) -> Self {
        Self { birthday, accounts, tried: 0, tip: BlockRef::NONE, after: None, found: BTreeMap::new() }
    }
}

impl Encode for RestoreProgress {
    fn encode(&self, out: &mut Vec<u8>) {
        self.birthday.encode(out);
        out.extend_from_slice(&self.accounts.to_le_bytes());
        out.extend_from_slice(&self.tried.to_le_bytes());
        self.tip.encode(out);
        out.push(u8::from(self.after.is_some()));
        self.after.iter().for_each(|key| key.encode(out));
        put_map(&self.found, out);
    }
}

impl Decode for RestoreProgress {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            birthday: Height::decode(r)?,
            accounts: r.u32()?,
            tried: r.u32()?,
            tip: BlockRef::decode(r)?,
            after: flag(r, "restore flag")?.then(|| Hash::decode(r)).transpose()?,
            found: map(r)?,
        })
    }
}
