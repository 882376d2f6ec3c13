//! One pass over all unspent outputs, in pieces, so that what it has found can be kept on the way.
//!
//! An output is tried with an account's keys unless that was done: by an earlier scan (`Key::searched`), or by the part of
//! this restore that was kept (`Search`: all accounts below its number, keys in the trie up to `after`, heights up to its tip).

use super::{BATCH, ChainSource, Progress, Replaced, ScanError, hold};
use crate::{
    keys::{Account, AccountKeys, Purpose, Root},
    outputs::{Origin, OutputRecord, Status},
    state::State,
};
use rayon::prelude::*;
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    group::PointBytes,
    hash::Hash,
    output::{Output, OutputFeatures},
    range_proof::{Opening, Replayed, RewindKey},
    state::RewindData,
};
use std::collections::BTreeMap;

/// Batches between two chances to keep what was found.
const PIECE: usize = 32;

/// A restore on its way, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// Outputs of lower blocks are not looked at.
    pub(crate) birthday: Height,
    /// Accounts to be tried.
    pub(crate) accounts: u32,
    /// Accounts that were tried in the part that was done.
    pub(crate) tried: u32,
    /// The chain on which the kept part was done.
    pub(crate) tip: (Height, Hash),
    /// Up to which key in the trie; `None` when nothing was.
    pub(crate) after: Option<Hash>,
    /// Outputs that it found.
    pub(crate) found: BTreeMap<PointBytes, OutputRecord>,
}

impl Search {
    /// A restore that has not begun.
    pub(crate) const fn new(birthday: Height, accounts: u32) -> Self {
        let tip = (Height::GENESIS, Hash::ZERO);
        Self { birthday, accounts, tried: 0, tip, after: None, found: BTreeMap::new() }
    }
}

/// Who looks.
enum Eyes {
    /// The owner, who holds a hit against the commitment.
    Owner(AccountKeys),
    /// Somebody with the view key, who holds it against the proof.
    Viewer(RewindKey),
}

/// What an account's outputs are recognised with, and up to which height that was tried.
pub(crate) struct Key {
    account: Account,
    eyes: Eyes,
    searched: Height,
}

impl Key {
    pub(crate) fn owner(root: &Root, account: Account, searched: Height) -> Self {
        Self { account, eyes: Eyes::Owner(root.account(account)), searched }
    }

    pub(crate) fn viewer(key: &RewindKey, account: Account, searched: Height) -> Self {
        Self { account, eyes: Eyes::Viewer(key.clone()), searched }
    }

    fn recognise(&self, replayed: &Replayed<'_>) -> Option<(Purpose, Opening)> {
        match &self.eyes {
            Eyes::Owner(keys) => keys.recognise(replayed),
            Eyes::Viewer(key) => Some((Purpose::Received, replayed.rewind_proven(key)?)),
        }
    }
}

/// A part that was done: accounts below a number, keys in the trie up to one, heights up to one.
struct Done(u32, Hash, Height);

/// A pass on its way.
pub(crate) struct Pass {
    chain: ChainId,
    keys: Vec<Key>,
    done: Option<Done>,
    pub(crate) tip: (Height, Hash),
    /// What the state remembers as the last block, if it is not there any more.
    pub(crate) replaced: Option<Replaced>,
    pub(crate) looked_at: u64,
    total: u64,
    after: Option<Hash>,
    /// Outputs of ours that are unspent.
    pub(crate) present: BTreeMap<PointBytes, Height>,
    /// Those that were not known.
    pub(crate) found: BTreeMap<PointBytes, OutputRecord>,
}

/// Up to which height a chain that had this block is still the same: to this block, or to what no reorganisation reaches.
pub(crate) fn same_up_to<S: ChainSource>(
    chain: &Chain,
    source: &S,
    (height, hash): (Height, Hash),
) -> Result<Height, ScanError<S::Error>> {
    let same = source.hash_at(height).map_err(ScanError::Source)? == Some(hash);
    Ok(if same { height } else { height.minus(chain.params().reorganisation) })
}

impl Pass {
    /// Begins with the source's present state, or goes on with the restore that was kept.
    pub(crate) fn begin<S: ChainSource>(
        (chain, state): (&Chain, &State),
        keys: Vec<Key>,
        source: &S,
    ) -> Result<Self, ScanError<S::Error>> {
        let tip = source.tip().map_err(ScanError::Source)?;
        let replaced = hold(state, tip, source)?;
        let total = source.unspent_count().map_err(ScanError::Source)?;
        let (mut done, mut found) = (None, BTreeMap::new());
        if let Some(kept) = &state.search {
            found.clone_from(&kept.found);
            let same = same_up_to(chain, source, kept.tip)?;
            done = kept.after.map(|key| Done(kept.tried, key, same));
        }
        let present = BTreeMap::new();
        let chain = *chain.id();
        Ok(Self { chain, keys, done, tip, replaced, looked_at: 0, total, after: None, present, found })
    }

    /// Goes on for a piece; `true` at the end.
    pub(crate) fn advance<S: ChainSource>(
        &mut self,
        known: &BTreeMap<PointBytes, OutputRecord>,
        source: &S,
        progress: &mut Progress<'_>,
    ) -> Result<bool, ScanError<S::Error>> {
        for _ in 0..PIECE {
            progress(self.looked_at, self.total.max(self.looked_at));
            let batch = source.unspent(self.after.as_ref(), BATCH).map_err(ScanError::Source)?;
            if batch.is_empty() {
                return Ok(true);
            }
            let batch: Vec<_> = batch.into_iter().map(|u| (u.key(), u)).collect();
            let last = in_order(self.after, &batch)?;
            let mine = |(key, u): &(Hash, RewindData)| {
                let c = u.commitment.encoded();
                let new = if known.contains_key(&c) || self.found.contains_key(&c) {
                    None
                } else {
                    Some(self.try_keys(key, u)?)
                };
                Some((c, u.created, new))
            };
            let own: Vec<_> = batch.par_iter().filter_map(mine).collect();
            for (c, created, new) in own {
                self.present.insert(c, created);
                self.found.extend(new.map(|o| (c, o)));
            }
            self.after = last;
            self.looked_at += batch.len() as u64;
        }
        Ok(false)
    }

    fn try_keys(&self, key: &Hash, u: &RewindData) -> Option<OutputRecord> {
        let done = |a: Account| {
            self.done.as_ref().is_some_and(|Done(accounts, until, height)| {
                a.0 < *accounts && key <= until && u.created <= *height
            })
        };
        let keys = self.keys.iter().filter(|k| u.created > k.searched && !done(k.account));
        let status = Status::Unspent { created: u.created };
        recognise(keys, u.features, || u.replay(&self.chain)).map(|o| OutputRecord { status, ..o })
    }

    /// An output of ours that a block made, whatever became of it.
    pub(crate) fn recognise(&self, output: &Output) -> Option<OutputRecord> {
        recognise(self.keys.iter(), output.features, || output.replay(&self.chain))
    }

    /// What is to be kept of a restore that has come so far; `None` while it is still behind what was kept before.
    pub(crate) fn so_far(&self, before: &Search) -> Option<Search> {
        let after = self.after.filter(|key| Some(*key) > before.after)?;
        Some(self.kept(before, after))
    }

    /// What is to be kept at its end.
    pub(crate) fn all(&self, before: &Search) -> Search {
        self.kept(before, Hash::from_bytes([0xff; 32]))
    }

    fn kept(&self, before: &Search, after: Hash) -> Search {
        let (tried, found) = (before.accounts, self.found.clone());
        Search { tried, tip: self.tip, after: Some(after), found, ..*before }
    }
}

/// Whose output it is; the proof is replayed only if there is a key to try.
fn recognise<'k, 'o>(
    keys: impl Iterator<Item = &'k Key>,
    features: OutputFeatures,
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
            features,
            origin: Origin::Chain,
            status: Status::Pending,
        })
    })
}

/// The last key, if all ascend.
fn in_order<E>(after: Option<Hash>, batch: &[(Hash, RewindData)]) -> Result<Option<Hash>, ScanError<E>> {
    batch.iter().try_fold(after, |last, (key, _)| match last.filter(|l| l >= key) {
        Some(after) => Err(ScanError::Disorder { after }),
        None => Ok(Some(*key)),
    })
}
