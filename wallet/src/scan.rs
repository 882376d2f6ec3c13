//! Scanning: finding one's outputs on the chain by rewinding proofs, and taking over what the chain says.
//!
//! Every unspent output is tried with every account's rewind keys, over all cores: a foreign one costs one transcript and
//! four hashes an account, and no curve operation, a hit is held against its commitment. What the wallet knew and the chain does not
//! show is spent or undone ([`crate::outputs`]); kernels tell which payments came true ([`crate::state`]). A scan of a
//! wallet restored from words finds everything that is unspent, in every account up to a gap.
//!
//! The chain is seen through [`ChainSource`]: a node, a file, a test's memory. It is believed: a source that hides an
//! output makes it look spent until an honest one is asked.

use crate::{
    keys::{Account, AccountKeys, Root},
    outputs::{Origin, OutputRecord, Status},
    state::State,
    store::StoreError,
};
use mw::{
    amount::{Amount, Height},
    commitment::Commitment,
    group::PointBytes,
    hash::Hash,
    kernel::Excess,
    rules::params::Chain,
    state::{ChainView, MemoryState, Unspent},
};
use rayon::prelude::*;
use std::{collections::BTreeMap, convert::Infallible};

/// A chain as a wallet sees it. All answers between two equal [`ChainSource::tip`]s concern one state.
pub trait ChainSource {
    /// Why it cannot answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Height and hash of the last block.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn tip(&self) -> Result<(Height, Hash), Self::Error>;

    /// How many outputs are unspent, for progress and estimates.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn unspent_count(&self) -> Result<u64, Self::Error>;

    /// Up to `most` unspent outputs in ascending order of commitments, after `after` if given; empty at the end.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn unspent(&self, after: Option<&Commitment>, most: usize) -> Result<Vec<Unspent>, Self::Error>;

    /// The height of the last block that has a kernel with this excess, if any has.
    ///
    /// # Errors
    /// When the source cannot tell: absence is an answer.
    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Self::Error>;
}

/// The in-memory twin; sorts what it has for every batch.
impl ChainSource for MemoryState {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        let header = ChainView::tip(self);
        Ok((header.height, header.hash()))
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        Ok(self.all_unspent().count() as u64)
    }

    fn unspent(&self, after: Option<&Commitment>, most: usize) -> Result<Vec<Unspent>, Infallible> {
        let later = |u: &&Unspent| after.is_none_or(|a| u.output.commitment > *a);
        let mut all: Vec<Unspent> = self.all_unspent().filter(later).cloned().collect();
        all.sort_unstable_by_key(|u| u.output.commitment);
        all.truncate(most);
        Ok(all)
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
        Ok(self.last_seen(excess)?.map(|s| s.height))
    }
}

/// Is told how many outputs were tried, and of how many.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Outputs asked for at a time.
pub const BATCH: usize = 2_048;

/// Accounts beyond the known ones that a restore looks into.
pub const RESTORE_GAP: u32 = 8;

/// What a scan found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// The chain's height.
    pub tip: Height,
    /// Outputs tried.
    pub tried: u64,
    /// Outputs of this wallet among them.
    pub own: u64,
    /// Those it did not know to be on the chain.
    pub found: u64,
    /// Their sum.
    pub found_amount: Amount,
    /// Outputs that have left the chain since the last scan.
    pub gone: u64,
}

/// Why a scan did not finish; the wallet is as before.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The source cannot answer.
    #[error("the chain cannot be read: {0}")]
    Source(E),
    /// The chain moved meanwhile.
    #[error("a block arrived during the scan; scan again")]
    Moved,
    /// The source does not answer in order.
    #[error("the chain's outputs did not come in order (at {after}); the source is faulty")]
    Disorder {
        /// The output after which it went wrong.
        after: PointBytes,
    },
    /// The result could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Scans the whole unspent set with the keys of `accounts`, and returns the state after it.
pub(crate) fn scan<S: ChainSource>(
    (root, chain, state): (&Root, &Chain, &State),
    accounts: u32,
    source: &S,
    progress: &mut Progress<'_>,
) -> Result<(State, ScanReport), ScanError<S::Error>> {
    let (tip, hash) = source.tip().map_err(ScanError::Source)?;
    let keys: Vec<(Account, AccountKeys)> =
        (0..accounts).map(|a| (Account(a), root.account(Account(a)))).collect();
    let total = source.unspent_count().map_err(ScanError::Source)?;
    let (mut present, mut done, mut after) = (BTreeMap::new(), 0, None);
    progress(done, total);
    loop {
        let batch = source.unspent(after.as_ref(), BATCH).map_err(ScanError::Source)?;
        let Some(last) = batch.last().map(|u| u.output.commitment) else { break };
        in_order(after, &batch)?;
        let own: Vec<OutputRecord> = batch.par_iter().filter_map(|u| recognise(chain, &keys, u)).collect();
        present.extend(own.into_iter().map(|o| (o.commitment, o)));
        (after, done) = (Some(last), done + batch.len() as u64);
        progress(done, total.max(done));
    }
    let kernels = kernels(state, source)?;
    if source.tip().map_err(ScanError::Source)? != (tip, hash) {
        return Err(ScanError::Moved);
    }
    let mut after = state.clone();
    let report = report(state, &present, tip, done);
    after.settle(chain, tip, present, &kernels);
    Ok((after, report))
}

fn in_order<E>(after: Option<Commitment>, batch: &[Unspent]) -> Result<(), ScanError<E>> {
    let mut last = after;
    for u in batch {
        let c = u.output.commitment;
        if let Some(l) = last.filter(|l| *l >= c) {
            return Err(ScanError::Disorder { after: l.encoded() });
        }
        last = Some(c);
    }
    Ok(())
}

fn recognise(chain: &Chain, keys: &[(Account, AccountKeys)], u: &Unspent) -> Option<OutputRecord> {
    let replayed = u.output.replay(chain.id())?;
    keys.iter().find_map(|(account, k)| {
        let (purpose, opening) = k.recognise(&replayed, &u.output)?;
        Some(OutputRecord {
            commitment: u.output.commitment.encoded(),
            account: *account,
            purpose,
            opening,
            features: u.output.features,
            origin: Origin::Chain,
            status: Status::Unspent { created: u.created },
        })
    })
}

fn kernels<S: ChainSource>(
    state: &State,
    source: &S,
) -> Result<BTreeMap<Excess, Height>, ScanError<S::Error>> {
    let mut seen = BTreeMap::new();
    for e in state.excesses() {
        if let Some(h) = source.kernel(&e).map_err(ScanError::Source)? {
            seen.insert(e, h);
        }
    }
    Ok(seen)
}

fn on_chain(o: &OutputRecord) -> bool {
    matches!(o.status, Status::Unspent { .. } | Status::Locked { .. })
}

fn report(
    state: &State,
    present: &BTreeMap<PointBytes, OutputRecord>,
    tip: Height,
    tried: u64,
) -> ScanReport {
    let known = |c: &PointBytes| state.outputs.get(c).is_some_and(on_chain);
    let new = || present.iter().filter(|(c, _)| !known(c)).map(|(_, o)| o.opening.amount);
    let gone = state.outputs.values().filter(|o| on_chain(o) && !present.contains_key(&o.commitment)).count();
    ScanReport {
        tip,
        tried,
        own: present.len() as u64,
        found: new().count() as u64,
        found_amount: Amount::checked_sum(new()).unwrap_or(Amount::new(u64::MAX)),
        gone: gone as u64,
    }
}
