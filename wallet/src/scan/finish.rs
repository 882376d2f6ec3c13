//! The end of a scan: which outputs were spent, which kernels are in the chain, and the state that follows.

use super::{
    block_walk::{WalkGoal, walk_back},
    checkpoint,
    cursor::ScanCursor,
    report::{ScanError, ScanReport},
    source::ChainSource,
};
use crate::{
    outputs::{OutputRecord, OutputStatus},
    state::{ChainObservation, State},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::PointBytes,
    kernel::Excess,
};
use std::collections::{BTreeMap, BTreeSet};

/// The state after a pass; `None` when the tip has moved meanwhile. `history` is the height above which a
/// restore looks for outputs that were created and spent.
pub(crate) fn finish_scan<C: ChainSource>(
    chain: &Chain,
    state: &State,
    cursor: &ScanCursor,
    history: Option<Height>,
    source: &C,
) -> Result<Option<(State, ScanReport)>, ScanError<C::Error>> {
    let kernels = kernels(state, source)?;
    let mut spent = state.spent_by_payments(&kernels);
    let common = checkpoint::common_height(chain, source, state.tip)?;
    let candidates = state.outputs.values().filter(|o| may_have_left(o, common)).map(|o| o.commitment);
    let missing: BTreeSet<PointBytes> =
        candidates.filter(|c| !cursor.present.contains_key(c) && !spent.contains_key(c)).collect();
    let goal = WalkGoal { missing, history: history.is_some(), floor: history.unwrap_or(common) };
    let walk = walk_back(cursor, goal, source)?;
    let checkpoint = checkpoint::next(chain, state, cursor.tip, source)?;
    if source.tip().map_err(ScanError::Source)? != (cursor.tip.height, cursor.tip.hash) {
        return Ok(None);
    }
    let mut next = State { restore: None, checkpoint, ..state.clone() };
    let found = cursor.found.values().filter(|o| cursor.present.contains_key(&o.commitment));
    for o in found.chain(&walk.past) {
        next.outputs.entry(o.commitment).or_insert_with(|| o.clone());
        if let OutputStatus::Spent { spent: height, .. } = o.status {
            spent.insert(o.commitment, height);
        }
    }
    spent.extend(walk.spent);
    let (tip, present, searched_down_to) = (cursor.tip, cursor.present.clone(), walk.searched_down_to);
    next.observe(chain, &ChainObservation { tip, present, kernels, spent, searched_down_to });
    next.accounts.iter_mut().for_each(|a| a.scanned = tip.height);
    let report = report(state, &next, cursor);
    Ok(Some((next, report)))
}

fn kernels<C: ChainSource>(
    state: &State,
    source: &C,
) -> Result<BTreeMap<Excess, Height>, ScanError<C::Error>> {
    let seen = |e| Ok(source.kernel(&e).map_err(ScanError::Source)?.map(|h| (e, h)));
    state.excesses().filter_map(|e| seen(e).transpose()).collect()
}

/// Whether an output was on the chain at the last scan, or was spent by a block that may have been undone.
fn may_have_left(o: &OutputRecord, common: Height) -> bool {
    on_chain(o) || matches!(o.status, OutputStatus::Spent { spent, .. } if spent > common)
}

const fn on_chain(o: &OutputRecord) -> bool {
    matches!(o.status, OutputStatus::Unspent { .. } | OutputStatus::Locked { .. })
}

fn report(before: &State, after: &State, cursor: &ScanCursor) -> ScanReport {
    let new = |o: &&OutputRecord| on_chain(o) && !before.outputs.get(&o.commitment).is_some_and(on_chain);
    let new = || after.outputs.values().filter(new).map(|o| o.opening.amount);
    let gone = |o: &&OutputRecord| on_chain(o) && !cursor.present.contains_key(&o.commitment);
    ScanReport {
        tip: cursor.tip.height,
        tried: cursor.scanned,
        own: cursor.present.len() as u64,
        found: new().count() as u64,
        found_amount: Amount::checked_sum(new()).unwrap_or(Amount::new(u64::MAX)),
        gone: before.outputs.values().filter(gone).count() as u64,
        replaced: cursor.replaced,
    }
}
