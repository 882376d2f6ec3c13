//! The scanner: the one procedure with which a wallet and a view wallet follow the chain.
//!
//! ```text
//! scan ──▶ begin ─┬─▶ follow ──────┬─▶ finish ─▶ save      again, up to five times, when a block arrives meanwhile
//!     │           └─▶ advance … ───┘
//!     └─ the block of the last scan is the last one, and no payment waits ─▶ nothing to do
//! restore: advance, with a gap of accounts; the progress is saved between the pieces
//! ```

use super::{
    checkpoint::Basis,
    cursor::{Progress, ScanCursor},
    finish::{Read, unchanged},
    follow::{Route, is_unchanged},
    recognise::ScanKey,
    report::{PassReason, ScanError, ScanReport},
    source::ChainSource,
};
use crate::{
    keys::ViewTags,
    state::{RestoreProgress, State},
    store::StoreError,
};
use sotto_mw::{amount::Height, chain::Chain};

/// How often a scan begins again when a block arrives meanwhile.
const ATTEMPTS: usize = 5;

/// The number of accounts beyond the known ones that a restore tries.
pub const RESTORE_GAP: u32 = 8;

/// A wallet as the scanner sees it.
pub(crate) trait Scannable {
    fn chain(&self) -> &Chain;

    fn state(&self) -> &State;

    /// Makes `next` the state of the wallet, durably.
    fn save(&mut self, next: State) -> Result<(), StoreError>;

    /// The keys for a scan that continues from `before`, whose chain is the same as now up to the height
    /// `common`.
    fn keys(&self, before: &State, common: Height) -> Vec<ScanKey>;

    /// The keys of the first accounts, for a restore of outputs above the height `above`.
    fn restore_keys(&self, accounts: u32, above: Height) -> Vec<ScanKey>;

    /// The height above which a scan that continues from `before` looks for outputs that were created and
    /// spent.
    fn history_above(&self, before: &State) -> Option<Height>;
}

/// Scans what has changed since the last scan, or resumes a restore.
pub(crate) fn scan<W: Scannable, C: ChainSource>(
    wallet: &mut W,
    source: &C,
    progress: &mut Progress<'_>,
) -> Result<ScanReport, ScanError<C::Error>> {
    if wallet.state().restore.is_some() {
        return resume_restore(wallet, ViewTags::Matching, source, progress);
    }
    let tip = source.tip().map_err(ScanError::Source)?.into();
    if is_unchanged(wallet.chain(), wallet.state(), tip) {
        return Ok(unchanged(wallet.state()));
    }
    let start = Start { before: wallet.state().clone(), tags: ViewTags::Matching };
    scan_since(wallet, &start, source, progress)
}

/// Scans everything and accepts the chain as the source shows it, whatever the wallet has seen before.
pub(crate) fn rescan<W: Scannable, C: ChainSource>(
    wallet: &mut W,
    tags: ViewTags,
    source: &C,
    progress: &mut Progress<'_>,
) -> Result<ScanReport, ScanError<C::Error>> {
    let before = wallet.state().without_chain();
    if before.restore.is_some() {
        wallet.save(before)?;
        return resume_restore(wallet, tags, source, progress);
    }
    scan_since(wallet, &Start { before, tags }, source, progress)
}

/// Begins a restore of all accounts from the block at `birthday` on.
pub(crate) fn restore<W: Scannable, C: ChainSource>(
    wallet: &mut W,
    birthday: Height,
    source: &C,
    progress: &mut Progress<'_>,
) -> Result<ScanReport, ScanError<C::Error>> {
    let accounts = wallet.state().account_count().saturating_add(RESTORE_GAP);
    let restore = Some(RestoreProgress::new(birthday, accounts));
    wallet.save(State { restore, ..wallet.state().clone() })?;
    resume_restore(wallet, ViewTags::Matching, source, progress)
}

/// Where a scan continues from, and which view tags it tries.
struct Start {
    before: State,
    tags: ViewTags,
}

/// Scans what has changed since then.
fn scan_since<W: Scannable, C: ChainSource>(
    wallet: &mut W,
    Start { before, tags }: &Start,
    source: &C,
    progress: &mut Progress<'_>,
) -> Result<ScanReport, ScanError<C::Error>> {
    for _ in 0..ATTEMPTS {
        let basis = Basis::new(wallet.chain(), before, source)?;
        let keys = wallet.keys(before, basis.common).into_iter().map(|k| k.with_tags(*tags)).collect();
        let mut cursor = ScanCursor::begin(wallet.chain(), before, keys, source)?;
        let read = match basis.follow(&mut cursor, progress)? {
            Route::Followed(blocks) => Read::Blocks(blocks),
            Route::Moved => continue,
            Route::Pass(why) => {
                while !cursor.advance(&before.outputs, source, progress)? {}
                Read::Unspent { why, history: wallet.history_above(before) }
            }
        };
        if let Some((next, report)) = basis.finish(&mut cursor, read)? {
            // An unchanged state is not written again.
            if next != *wallet.state() {
                wallet.save(next)?;
            }
            return Ok(report);
        }
    }
    Err(ScanError::TipMoved)
}

fn resume_restore<W: Scannable, C: ChainSource>(
    wallet: &mut W,
    tags: ViewTags,
    source: &C,
    progress: &mut Progress<'_>,
) -> Result<ScanReport, ScanError<C::Error>> {
    let mut attempts = 0..ATTEMPTS;
    while let Some(kept) = wallet.state().restore.clone() {
        let above = kept.birthday.minus(1);
        let keys = wallet.restore_keys(kept.accounts, above);
        let keys = keys.into_iter().map(|k| k.with_tags(tags)).collect();
        let mut cursor = ScanCursor::begin(wallet.chain(), wallet.state(), keys, source)?;
        while !cursor.advance(&wallet.state().outputs, source, progress)? {
            if let Some(now) = cursor.progress_since(&kept) {
                wallet.save(State { restore: Some(now), ..wallet.state().clone() })?;
            }
        }
        let owners = cursor.found.values().map(|o| o.account.0.saturating_add(1)).max();
        let known = owners.unwrap_or(0).max(wallet.state().account_count());
        let accounts = known.saturating_add(RESTORE_GAP);
        if accounts <= kept.accounts {
            let read = Read::Unspent { why: PassReason::Keys, history: Some(above) };
            let done = Basis::new(wallet.chain(), wallet.state(), source)?.finish(&mut cursor, read)?;
            if let Some((next, report)) = done {
                wallet.save(next)?;
                return Ok(report);
            }
            // A block has arrived.
            if attempts.next().is_none() {
                break;
            }
        }
        let accounts = accounts.max(kept.accounts);
        let now = RestoreProgress { accounts, ..cursor.finished_progress(&kept) };
        wallet.save(State { restore: Some(now), ..wallet.state().clone() })?;
    }
    Err(ScanError::TipMoved)
}
