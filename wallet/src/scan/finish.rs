//! The end of a scan: which outputs were spent, which kernels are in the chain, and the state that follows.

use super::{
    block_walk::{WalkGoal, walk_back},
    checkpoint,
    cursor::ScanCursor,
    report::{ScanError, ScanReport},
    source::ChainSource,
};
use crate::{
    outputs::{Coin, OutputRecord, OutputStatus},
    state::{ChainObservation, SentPayment, State, TxStatus},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::Decode,
    commitment::Commitment,
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
    let common = checkpoint::common_height(chain, source, state.tip)?;
    let Kernels { seen: kernels, squatted } = kernels(state, common, cursor, source)?;
    let mut spent = state.spent_by_payments(&kernels);
    let candidates = state.outputs.values().filter(|o| may_have_left(o, common)).map(OutputRecord::coin);
    let missing: BTreeSet<Coin> = candidates
        .filter(|c| !cursor.present.contains_key(c) && !spent.contains_key(&c.commitment))
        .collect();
    let goal = WalkGoal { missing, history: history.is_some(), floor: history.unwrap_or(common) };
    let walk = walk_back(cursor, goal, source)?;
    let checkpoint = checkpoint::next(chain, state, cursor.tip, source)?;
    if source.tip().map_err(ScanError::Source)? != (cursor.tip.height, cursor.tip.hash) {
        return Ok(None);
    }
    let mut next = State { restore: None, checkpoint, ..state.clone() };
    let found = cursor.found.values().filter(|o| cursor.present.contains_key(&o.coin()));
    for o in found.chain(&walk.past) {
        take(&mut next, o);
        if let OutputStatus::Spent { spent: height, .. } = o.status {
            spent.insert(o.commitment, height);
        }
    }
    spent.extend(walk.spent.into_iter().map(|(coin, height)| (coin.commitment, height)));
    let (tip, present, searched_down_to) = (cursor.tip, cursor.present.clone(), walk.searched_down_to);
    next.observe(chain, &ChainObservation { tip, present, kernels, squatted, spent, searched_down_to });
    keep_evidence(state, &mut next, source)?;
    next.accounts.iter_mut().for_each(|a| a.scanned = tip.height);
    let report = report(state, &next, cursor);
    Ok(Some((next, report)))
}

/// Keeps the outputs of one-sided payments that are new in the chain, with their proofs: only the payer who
/// saw them unspent can prove the payment later.
fn keep_evidence<C: ChainSource>(
    before: &State,
    next: &mut State,
    source: &C,
) -> Result<(), ScanError<C::Error>> {
    let new = |s: &&mut SentPayment| {
        let known = before.sent.get(&s.id).map(SentPayment::tx_status);
        matches!(s.tx_status(), TxStatus::Confirmed { .. }) && known != Some(s.tx_status())
    };
    for direct in next.sent.values_mut().filter(new).flat_map(|s| &mut s.direct) {
        let Ok(c) = Commitment::from_bytes(&direct.coin.commitment.0) else { continue };
        let found = source.sealed_output(&c).map_err(ScanError::Source)?;
        direct.evidence = found.filter(|s| Coin::of(&s.output.commitment, &s.output.features) == direct.coin);
    }
    Ok(())
}

/// Adds an output that a scan found. Another output with the same commitment, which the wallet knew, has
/// another receiver's key, and the chain has this one.
fn take(next: &mut State, found: &OutputRecord) {
    match next.outputs.get(&found.commitment) {
        Some(known) if known.coin() == found.coin() => {}
        _ => {
            next.outputs.insert(found.commitment, found.clone());
        }
    }
}

/// The kernels of this wallet in the chain, with the heights of their blocks.
///
/// A one-sided payment is made if its outputs are in the block of its kernel: who knows the secret of its
/// excess can put the kernel beside other outputs, and then the payment never happens.
struct Kernels {
    /// Of payments that are made.
    seen: BTreeMap<Excess, Height>,
    /// Of one-sided payments whose outputs are missing.
    squatted: BTreeMap<Excess, Height>,
}

fn kernels<C: ChainSource>(
    state: &State,
    common: Height,
    cursor: &ScanCursor,
    source: &C,
) -> Result<Kernels, ScanError<C::Error>> {
    let mut kernels = Kernels { seen: BTreeMap::new(), squatted: BTreeMap::new() };
    let one_sided = state.sent.values().filter(|s| !s.direct.is_empty());
    let one_sided: BTreeMap<Excess, &SentPayment> =
        one_sided.filter_map(|s| Some((s.excess()?, s))).collect();
    for excess in state.excesses() {
        let Some(height) = source.kernel(&excess).map_err(ScanError::Source)? else { continue };
        let unspent =
            |c: &PointBytes| state.outputs.get(c).is_some_and(|o| cursor.present.contains_key(&o.coin()));
        let made = match one_sided.get(&excess) {
            // Judged by an earlier scan, in a block that is still there.
            Some(sent) if sent.tx_status() == TxStatus::Confirmed { height } && height <= common => true,
            Some(sent) if ended(sent.tx_status()) && height <= common => false,
            Some(sent) => match source.block(height).map_err(ScanError::Source)? {
                Some(block) => sent.is_in(&block.outputs),
                // The block is not stored, so its outputs are unknown. Squatting leaves the inputs to be
                // spent by another payment.
                None => !sent.inputs.iter().any(|c| unspent(c) || state.is_spent_by_another(&sent.id, c)),
            },
            None => true,
        };
        if made { &mut kernels.seen } else { &mut kernels.squatted }.insert(excess, height);
    }
    Ok(kernels)
}

const fn ended(status: TxStatus) -> bool {
    matches!(status, TxStatus::Displaced { .. } | TxStatus::Failed)
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
    let gone = |o: &&OutputRecord| on_chain(o) && !cursor.present.contains_key(&o.coin());
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
