//! The scan cursor: one pass over all unspent outputs, in pieces, so that a restore can keep its progress in
//! between.
//!
//! The cursor tries an output with the keys of an account unless that was done before: by an earlier scan
//! (`ScanKey::scanned`), or by the part of this restore that was kept ([`RestoreProgress`]).

use super::{
    checkpoint,
    report::{ReplacedBlock, ScanError},
    source::ChainSource,
};
use crate::{
    keys::{Account, AccountKeys, OutputKind, Purpose},
    outputs::{OutputOrigin, OutputRecord, OutputStatus},
    state::{BlockRef, RestoreProgress, State},
};
use rayon::prelude::*;
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    group::PointBytes,
    hash::Hash,
    output::Output,
    range_proof::{Opening, Replayed, RewindKey},
    state::RewindData,
};
use std::collections::BTreeMap;

/// Receives the number of outputs that were scanned, and the number of all outputs.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// The number of outputs that a scan requests at a time.
pub const BATCH: usize = 2_048;

/// Batches between two opportunities to keep the progress of a restore.
const PIECE: usize = 32;

/// The secret that recognises outputs.
enum Secret {
    /// The keys of the owner, who compares a match with the commitment.
    Owner(AccountKeys),
    /// A view key; its holder compares a match with the range proof.
    Viewer(RewindKey),
}

/// A secret that recognises the outputs of an account, and the height up to which they were tried with it.
pub(crate) struct ScanKey {
    account: Account,
    secret: Secret,
    scanned: Height,
}

impl ScanKey {
    pub(crate) const fn owner(keys: AccountKeys, account: Account, scanned: Height) -> Self {
        Self { account, secret: Secret::Owner(keys), scanned }
    }

    pub(crate) const fn viewer(key: RewindKey, account: Account, scanned: Height) -> Self {
        Self { account, secret: Secret::Viewer(key), scanned }
    }

    fn recognise(&self, replayed: &Replayed<'_>) -> Option<(Purpose, Opening)> {
        match &self.secret {
            Secret::Owner(keys) => keys.recognise(replayed),
            Secret::Viewer(key) => Some((Purpose::Received, replayed.rewind_proven(key)?)),
        }
    }
}

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
    total: u64,
    after: Option<Hash>,
    /// The unspent outputs of this wallet, with the heights of their blocks.
    pub(crate) present: BTreeMap<PointBytes, Height>,
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
            let batch: Vec<_> = batch.into_iter().map(|u| (u.key(), u)).collect();
            self.after = last_key(self.after, &batch)?;
            let own = |(key, u): &(Hash, RewindData)| {
                let c = u.commitment.encoded();
                let new = if known.contains_key(&c) || self.found.contains_key(&c) {
                    None
                } else {
                    Some(self.try_keys(key, u)?)
                };
                Some((c, u.created, new))
            };
            let own: Vec<_> = batch.par_iter().filter_map(own).collect();
            for (c, created, new) in own {
                self.present.insert(c, created);
                self.found.extend(new.map(|o| (c, o)));
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
        recognise(keys, OutputKind::of(&u.features)?, || u.replay(&self.chain))
            .map(|o| OutputRecord { status, ..o })
    }

    /// The record of an output that a block created, if it belongs to this wallet; its status is not set.
    pub(crate) fn recognise(&self, output: &Output) -> Option<OutputRecord> {
        recognise(self.keys.iter(), OutputKind::of(&output.features)?, || output.replay(&self.chain))
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

/// The record of an output, if one of the keys recognises it. The proof is replayed only if there is a key to
/// try.
fn recognise<'k, 'o>(
    keys: impl Iterator<Item = &'k ScanKey>,
    kind: OutputKind,
    replay: impl FnOnce() -> Option<Replayed<'o>>,
) -> Option<OutputRecord> {
    let mut keys = keys.peekable();
    keys.peek()?;
    let replayed = replay()?;
    keys.find_map(|k| {
        let (purpose, opening) = k.recognise(&replayed)?;
        Some(OutputRecord {
            commitment: replayed.commitment().encoded(),
            account: k.account,
            purpose,
            opening,
            kind,
            origin: OutputOrigin::Chain,
            status: OutputStatus::Pending,
        })
    })
}

/// The last key of a batch, if all keys ascend.
fn last_key<E>(after: Option<Hash>, batch: &[(Hash, RewindData)]) -> Result<Option<Hash>, ScanError<E>> {
    batch.iter().try_fold(after, |last, (key, _)| match last.filter(|l| l >= key) {
        Some(after) => Err(ScanError::Disorder { after }),
        None => Ok(Some(*key)),
    })
}
