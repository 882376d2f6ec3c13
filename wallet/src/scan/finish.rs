//! The end of a scan: which outputs were spent, which kernels are in the chain, and the state that follows.

use super::{
    block_walk::{WalkGoal, walk_back},
    checkpoint::{self, Basis},
    cursor::ScanCursor,
    follow::Followed,
    report::{PassReason, ScanError, ScanReport, ScanWay},
    source::ChainSource,
};
use crate::{
    outputs::{Coin, OutputRecord, OutputStatus},
    state::{ChainObservation, SentPayment, State, TxStatus},
};
use sotto_mw::{
    amount::{Amount, Height},
    codec::Decode,
    commitment::Commitment,
    group::PointBytes,
    kernel::Excess,
};
use std::collections::BTreeMap;

/// What a cursor did to know the unspent outputs.
pub(crate) enum Read {
    /// It followed blocks.
    Blocks(Followed),
    /// It passed over all unspent outputs.
    Unspent {
        why: PassReason,
        /// The height above which a restore looks for outputs that were created and spent.
        history: Option<Height>,
    },
}

impl<S: ChainSource> Basis<'_, S> {
    /// The state after a scan; `None` when the source moved meanwhile.
    pub(crate) fn finish(
        &self,
        cursor: &mut ScanCursor,
        read: Read,
    ) -> Result<Option<(State, ScanReport)>, ScanError<S::Error>> {
        let Self { chain, before, source, .. } = self;
        let (way, kernels, walk) = match read {
            Read::Blocks(f) => (ScanWay::Followed { blocks: f.blocks }, f.kernels, Ok(f.walk)),
            Read::Unspent { why, history } => (ScanWay::Passed(why), self.all_kernels()?, Err(history)),
        };
        let Kernels { seen: kernels, squatted } = self.judge(cursor, kernels)?;
        let mut spent = before.spent_by_payments(&kernels);
        let walk = match walk {
            Ok(walk) => Some(walk),
            Err(history) => walk_back(cursor, self.goal(cursor, &spent, history), *source)?,
        };
        let checkpoint = checkpoint::next(chain, before, cursor.tip, *source)?;
        let now = source.tip().map_err(ScanError::Source)?;
        let Some(walk) = walk.filter(|_| now == (cursor.tip.height, cursor.tip.hash)) else {
            return Ok(None);
        };
        let mut next = State { restore: None, checkpoint, ..(*before).clone() };
        let found = cursor.found.values().filter(|o| cursor.present.contains_key(&o.coin()));
        for o in found.chain(&walk.past) {
            take(&mut next, o);
            if let OutputStatus::Spent { spent: height, .. } = o.status {
                spent.insert(o.commitment, height);
            }
        }
        spent.extend(walk.spent.into_iter().map(|(coin, height)| (coin.commitment, height)));
        let ScanCursor { tip, scanned: tried, replaced, .. } = *cursor;
        let present = core::mem::take(&mut cursor.present);
        let searched_down_to = walk.searched_down_to;
        let seen = ChainObservation { tip, present, kernels, squatted, spent, searched_down_to };
        next.observe(chain, &seen);
        keep_evidence(before, &mut next, *source)?;
        next.accounts.iter_mut().for_each(|a| a.scanned = tip.height);
        let report = ScanReport { way, tried, replaced, ..report(before, &next, &seen) };
        Ok(Some((next, report)))
    }

    /// What the walk after a pass looks for.
    fn goal(
        &self,
        cursor: &ScanCursor,
        explained: &BTreeMap<PointBytes, Height>,
        history: Option<Height>,
    ) -> WalkGoal {
        let Self { before, common, .. } = self;
        let candidates =
            before.outputs.values().filter(|o| may_have_left(o, *common)).map(OutputRecord::coin);
        let missing = candidates
            .filter(|c| !cursor.present.contains_key(c) && !explained.contains_key(&c.commitment))
            .collect();
        WalkGoal { missing, history: history.is_some(), floor: history.unwrap_or(*common) }
    }
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

impl<S: ChainSource> Basis<'_, S> {
    /// Asks for every kernel of this wallet.
    fn all_kernels(&self) -> Result<BTreeMap<Excess, Height>, ScanError<S::Error>> {
        let all = self.before.signed_kernels(self.chain).map(|k| {
            let height = self.source.kernel(&k.excess).map_err(ScanError::Source)?;
            Ok(height.map(|height| (k.excess, height)))
        });
        all.filter_map(Result::transpose).collect()
    }

    /// Tells payments that are made from those whose outputs are missing.
    fn judge(
        &self,
        cursor: &ScanCursor,
        found: BTreeMap<Excess, Height>,
    ) -> Result<Kernels, ScanError<S::Error>> {
        let Self { before: state, common, source, .. } = self;
        let mut kernels = Kernels { seen: BTreeMap::new(), squatted: BTreeMap::new() };
        let one_sided = state.sent.values().filter(|s| !s.direct.is_empty());
        let one_sided: BTreeMap<Excess, &SentPayment> =
            one_sided.filter_map(|s| Some((s.excess()?, s))).collect();
        for (excess, height) in found {
            let unspent =
                |c: &PointBytes| state.outputs.get(c).is_some_and(|o| cursor.present.contains_key(&o.coin()));
            let made = match one_sided.get(&excess) {
                // Judged by an earlier scan, in a block that is still there.
                Some(sent) if sent.tx_status() == TxStatus::Confirmed { height } && height <= *common => true,
                Some(sent) if ended(sent.tx_status()) && height <= *common => false,
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

/// The report of a scan after which the state is the same.
pub(crate) fn unchanged(state: &State) -> ScanReport {
    let own = state.outputs.values().filter(|o| on_chain(o)).count() as u64;
    ScanReport { tip: state.tip.height, own, ..ScanReport::default() }
}

fn report(before: &State, after: &State, seen: &ChainObservation) -> ScanReport {
    let new = |o: &&OutputRecord| on_chain(o) && !before.outputs.get(&o.commitment).is_some_and(on_chain);
    let new = || after.outputs.values().filter(new).map(|o| o.opening.amount);
    let gone = |o: &&OutputRecord| on_chain(o) && !seen.present.contains_key(&o.coin());
    ScanReport {
        tip: seen.tip.height,
        own: seen.present.len() as u64,
        found: new().count() as u64,
        found_amount: Amount::checked_sum(new()).unwrap_or(Amount::new(u64::MAX)),
        gone: before.outputs.values().filter(gone).count() as u64,
        ..ScanReport::default()
    }
}
