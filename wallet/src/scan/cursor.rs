//! The scan cursor: one pass over all unspent outputs, in pieces, so that a restore can keep its progress in
//! between.
//!
//! The cursor tries an output with the keys of an account unless that was done before: by an earlier scan
//! (`ScanKey::scanned`), or by the part of this restore that was kept ([`RestoreProgress`]).

use super::{
    checkpoint,
    recognise::{ScanKey, recognise},
    report::{ReplacedBlock, ScanError},
    source::ChainSource,
};
use crate::{
    keys::Account,
    outputs::{Coin, OutputRecord, OutputStatus},
    state::{BlockRef, RestoreProgress, State},
};
use rayon::prelude::*;
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    group::PointBytes,
    hash::Hash,
    output::Output,
    state::RewindData,
};
use std::collections::BTreeMap;

/// Receives the number of outputs that were scanned, and the number of all outputs.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// The number of outputs that a scan requests at a time.
pub const BATCH: usize = 2_048;

/// Batches between two opportunities to keep the progress of a restore.
const PIECE: usize = 32;

/// Outputs that a restore has tried: with the keys of the first accounts, up to a key in the trie and up to a
/// height.
struct TriedRange {
    accounts: u32,
    last_key: Hash,
    height: Height,
}

/// A pass over all unspent outputs.
pub(crate) struct ScanCursor {
    chain: ChainId,
    keys: Vec<ScanKey>,
    tried: Option<TriedRange>,
    pub(crate) tip: BlockRef,
    /// The block that the state remembers as its tip, if it is no longer in the chain.
    pub(crate) replaced: Option<ReplacedBlock>,
    /// The number of outputs that were scanned.
    pub(crate) scanned: u64,
    /// The number of unspent outputs.
    pub(crate) total: u64,
    after: Option<Hash>,
    /// The unspent outputs of this wallet, with the heights of their blocks.
    pub(crate) present: BTreeMap<Coin, Height>,
    /// Those that were not known.
    pub(crate) found: BTreeMap<PointBytes, OutputRecord>,
}

impl ScanCursor {
    /// Begins at the present tip of the source, or resumes the restore that was kept.
    pub(crate) fn begin<S: ChainSource>(
        chain: &Chain,
        state: &State,
        keys: Vec<ScanKey>,
        source: &S,
    ) -> Result<Self, ScanError<S::Error>> {
        let tip = source.tip().map_err(ScanError::Source)?.into();
        let replaced = checkpoint::check(state, tip, source)?;
        let total = source.unspent_count().map_err(ScanError::Source)?;
        let (mut tried, mut found) = (None, BTreeMap::new());
        if let Some(kept) = &state.restore {
            found.clone_from(&kept.found);
            let height = checkpoint::common_height(chain, source, kept.tip)?;
            tried = kept.after.map(|last_key| TriedRange { accounts: kept.tried, last_key, height });
        }
        let present = BTreeMap::new();
        let chain = *chain.id();
        Ok(Self { chain, keys, tried, tip, replaced, scanned: 0, total, after: None, present, found })
    }

    /// Scans one piece; returns `true` at the end.
    pub(crate) fn advance<S: ChainSource>(
        &mut self,
        known: &BTreeMap<PointBytes, OutputRecord>,
        source: &S,
        progress: &mut Progress<'_>,
    ) -> Result<bool, ScanError<S::Error>> {
        for _ in 0..PIECE {
            progress(self.scanned, self.total.max(self.scanned));
            let batch = source.unspent(self.after.as_ref(), BATCH).map_err(ScanError::Source)?;
            if batch.is_empty() {
                return Ok(true);
            }
            let batch: Vec<_> = batch.into_par_iter().map(|u| (u.key(), u)).collect();
            self.after = last_key(self.after, &batch)?;
            let own = |(key, u): &(Hash, RewindData)| {
                let coin = Coin::of(&u.commitment, &u.features);
                let is_in = |all: &BTreeMap<PointBytes, OutputRecord>| {
                    all.get(&coin.commitment).is_some_and(|o| o.is_made_with(&u.commitment, &u.features))
                };
                let new =
                    if is_in(known) || is_in(&self.found) { None } else { Some(self.try_keys(key, u)?) };
                Some((coin, u.created, new))
            };
            let own: Vec<_> = batch.par_iter().filter_map(own).collect();
            for (coin, created, new) in own {
                self.present.insert(coin, created);
                self.found.extend(new.map(|o| (coin.commitment, o)));
            }
            self.scanned += batch.len() as u64;
        }
        Ok(false)
    }

    fn try_keys(&self, key: &Hash, u: &RewindData) -> Option<OutputRecord> {
        let done = |a: Account| {
            let covers = |t: &TriedRange| a.0 < t.accounts && *key <= t.last_key && u.created <= t.height;
            self.tried.as_ref().is_some_and(covers)
        };
        let keys = self.keys.iter().filter(|k| u.created > k.scanned && !done(k.account));
        let status = OutputStatus::Unspent { created: u.created };
        let found = recognise(keys, &self.chain, &u.features, || u.replay(&self.chain))?;
        Some(OutputRecord { status, ..found })
    }

    /// The record of an output that a block created, if it belongs to this wallet; its status is not set.
    pub(crate) fn recognise(&self, output: &Output) -> Option<OutputRecord> {
        recognise(self.keys.iter(), &self.chain, &output.features, || output.replay(&self.chain))
    }

    /// The progress of a restore to be kept; `None` while the cursor is still behind what was kept before.
    pub(crate) fn progress_since(&self, before: &RestoreProgress) -> Option<RestoreProgress> {
        let after = self.after.filter(|key| Some(*key) > before.after)?;
        Some(self.progress(before, after))
    }

    /// The progress of a restore at the end of the pass.
    pub(crate) fn finished_progress(&self, before: &RestoreProgress) -> RestoreProgress {
        self.progress(before, Hash::from_bytes([0xff; 32]))
    }

    fn progress(&self, before: &RestoreProgress, after: Hash) -> RestoreProgress {
        let (tried, found) = (before.accounts, self.found.clone());
        RestoreProgress { tried, tip: self.tip, after: Some(after), found, ..*before }
    }
}

/// The last key of a batch, if all keys ascend.
fn last_key<E>(after: Option<Hash>, batch: &[(Hash, RewindData)]) -> Result<Option<Hash>, ScanError<E>> {
    batch.iter().try_fold(after, |last, (key, _)| match last.filter(|l| l >= key) {
        Some(after) => Err(ScanError::Disorder { after }),
        None => Ok(Some(*key)),
    })
}
