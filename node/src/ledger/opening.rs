//! Whether a request that auditors handed out is kept: judged by its charter and by this chain, then kept durably.
//!
//! ```text
//! handed in, or from a peer ─▶ charter of the genesis ─▶ new? ─▶ signatures ─▶ notice in a block, delay over ─▶ kept, durably
//! ```
//!
//! Guaranteed: only what authorities of the charter allowed, and what has a notice that became old enough, is kept. Not guaranteed: that
//! the notice stays in the chain, when fewer than K blocks are on it: a reader of a request looks for its notice.

use crate::{
    ledger::{Ledger, opened::OpenedRequests},
    message::opened::{OpenedEntry, OpenedPlace},
    storage::{FileName, StoreError, files::replace, queries::KernelAt},
};
use sotto_audit::{OpenedRequest, RequestFault, RequestLetter};
use sotto_mw::{amount::Height, kernel::Excess};

/// Why a request is not kept.
#[derive(Debug, thiserror::Error)]
pub enum OpenRefused {
    /// It does not hold, or not yet.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// As many are kept as may be, all with later notices.
    #[error("{} requests with later notices are kept, and no more have room", OpenedRequests::MAX)]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps a request that holds on this chain and whose delay is over, durably; `None` if nothing of it is new.
///
/// # Errors
/// [`OpenRefused`]; nothing has changed then.
pub fn keep(ledger: &mut Ledger, opened: OpenedRequest) -> Result<Option<OpenedEntry>, OpenRefused> {
    let OpenedRequest { charter, letter } = opened;
    let chain = ledger.chain();
    // What everybody may see is what is on record.
    let letter = if letter.recorded().is_some() { letter } else { letter.without_record() };
    let (name, recorded) = (letter.request().name(chain.id()), letter.record().is_some());
    let first = OpenedEntry { place: OpenedPlace { height: Height::GENESIS, name }, recorded };
    if chain.params().auditors == Some(charter.auditors()) && !ledger.requests.is_news(&first) {
        return Ok(None);
    }
    // Signatures before the blocks: only authorities make a node look for anything.
    letter.check(chain, &charter)?;
    let id = *chain.id();
    let notice = found(ledger, letter.notice(), |at| letter.is_notice(&id, &at.kernel))?;
    let height = notice.ok_or(RequestFault::NoNotice)?.height;
    RequestLetter::check_delay(&charter, height, ledger.tip().height)?;
    if recorded {
        let record = found(ledger, letter.recorded(), |at| letter.is_record_notice(&id, &at.kernel))?;
        record.ok_or(RequestFault::NoRecord)?;
    }
    let letter = letter.checked(&id, &charter);
    let (mut requests, place) = (ledger.requests.clone(), OpenedPlace { height, name });
    if !requests.add(place, OpenedRequest { charter, letter }) {
        return Err(OpenRefused::Full);
    }
    replace(ledger.store_mut().files_mut(), FileName::Requests, &requests.to_file(&id))?;
    ledger.requests = requests;
    Ok(Some(OpenedEntry { place, recorded }))
}

/// The requests that a ledger keeps.
#[must_use]
pub const fn kept(ledger: &Ledger) -> &OpenedRequests {
    &ledger.requests
}

fn found(
    ledger: &Ledger,
    excess: Option<&Excess>,
    is_it: impl Fn(&KernelAt) -> bool,
) -> Result<Option<KernelAt>, StoreError> {
    let found = excess.map(|excess| ledger.store().last_kernel(excess)).transpose()?;
    Ok(found.flatten().filter(is_it))
}
