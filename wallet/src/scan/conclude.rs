//! The end of a scan: where outputs went, which kernels are there, and the state that follows.

use super::{ChainSource, Pass, ScanError, ScanReport, anchor, same_up_to, walk};
use crate::{
    outputs::{OutputRecord, Status},
    state::{Seen, State},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::PointBytes,
    kernel::Excess,
};
use std::collections::{BTreeMap, BTreeSet};

/// The state after a pass; `None` when the chain has moved meanwhile. `history` is the height above which a restore looks
/// for what came and went.
pub(crate) fn conclude<C: ChainSource>(
    (chain, state): (&Chain, &State),
    pass: &Pass,
    history: Option<Height>,
    source: &C,
) -> Result<Option<(State, ScanReport)>, ScanError<C::Error>> {
    let kernels = kernels(state, source)?;
    let mut spent = state.spends(&kernels);
    let same = same_up_to(chain, source, (state.tip, state.tip_hash))?;
    let unexplained = state.outputs.values().filter(|o| left(o, same)).map(|o| o.commitment);
    let missing: BTreeSet<PointBytes> =
        unexplained.filter(|c| !pass.present.contains_key(c) && !spent.contains_key(c)).collect();
    let walk = walk(pass, (missing, history.is_some()), history.unwrap_or(same), source)?;
    let anchor = anchor((chain, state), pass.tip, source)?;
    if source.tip().map_err(ScanError::Source)? != pass.tip {
        return Ok(None);
    }
    let mut next = State { search: None, anchor, ..state.clone() };
    let found = pass.found.values().filter(|o| pass.present.contains_key(&o.commitment));
    for o in found.chain(&walk.past) {
        next.outputs.entry(o.commitment).or_insert_with(|| o.clone());
        if let Status::Spent { gone, .. } = o.status {
            spent.insert(o.commitment, gone);
        }
    }
    spent.extend(walk.spent);
    let (tip, tip_hash) = pass.tip;
    let seen = Seen { tip, tip_hash, present: pass.present.clone(), kernels, spent, looked: walk.looked };
    next.settle(chain, &seen);
    next.accounts.iter_mut().for_each(|a| a.searched = tip);
    let report = report(state, &next, pass);
    Ok(Some((next, report)))
}

fn kernels<C: ChainSource>(
    state: &State,
    source: &C,
) -> Result<BTreeMap<Excess, Height>, ScanError<C::Error>> {
    let seen = |e| Ok(source.kernel(&e).map_err(ScanError::Source)?.map(|h| (e, h)));
    state.excesses().filter_map(|e| seen(e).transpose()).collect()
}

/// Whether an output was on the chain at the last scan, or left it in a block that may have been taken back.
fn left(o: &OutputRecord, same: Height) -> bool {
    on_chain(o) || matches!(o.status, Status::Spent { gone, .. } if gone > same)
}

fn on_chain(o: &OutputRecord) -> bool {
    matches!(o.status, Status::Unspent { .. } | Status::Locked { .. })
}

fn report(before: &State, after: &State, pass: &Pass) -> ScanReport {
    let new = |o: &&OutputRecord| on_chain(o) && !before.outputs.get(&o.commitment).is_some_and(on_chain);
    let new = || after.outputs.values().filter(new).map(|o| o.opening.amount);
    let gone = |o: &&OutputRecord| on_chain(o) && !pass.present.contains_key(&o.commitment);
    ScanReport {
        tip: pass.tip.0,
        tried: pass.looked_at,
        own: pass.present.len() as u64,
        found: new().count() as u64,
        found_amount: Amount::checked_sum(new()).unwrap_or(Amount::new(u64::MAX)),
        gone: before.outputs.values().filter(gone).count() as u64,
        replaced: pass.replaced,
    }
}
