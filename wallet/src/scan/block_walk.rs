//! Walks down the stored blocks: which block spent an output, and on a restore which outputs were created and
//! spent.
//!
//! The walk begins at the last block, so that a recent spend costs few blocks, and so that only outputs that
//! were spent later need to be tried: the cursor has already found the unspent ones.

use super::{
    cursor::ScanCursor,
    descent::{Descent, Step},
    report::ScanError,
    source::ChainSource,
};
use crate::outputs::{Coin, OutputRecord, OutputStatus};
use rayon::prelude::*;
use sotto_mw::{amount::Height, output::Output};
use std::collections::{BTreeMap, BTreeSet};

/// What a walk looks for.
pub(crate) struct WalkGoal {
    /// Outputs of this wallet that have left the chain.
    pub(crate) missing: BTreeSet<Coin>,
    /// Whether to look for outputs that were created and spent before the wallet knew them.
    pub(crate) history: bool,
    /// The walk ends above this height.
    pub(crate) floor: Height,
}

/// What a walk found.
#[derive(Debug)]
pub(crate) struct WalkResult {
    /// Outputs of this wallet, with the heights of the blocks that spent them.
    pub(crate) spent: BTreeMap<Coin, Height>,
    /// Unknown outputs of this wallet that these blocks created and spent.
    pub(crate) past: Vec<OutputRecord>,
    /// The walk has searched all blocks above this height.
    pub(crate) searched_down_to: Height,
}

/// Walks down to the floor, to the first block that is not stored, or until everything missing is found if no
/// history is needed. `None` when the source moved meanwhile.
pub(crate) fn walk_back<S: ChainSource>(
    cursor: &ScanCursor,
    goal: WalkGoal,
    source: &S,
) -> Result<Option<WalkResult>, ScanError<S::Error>> {
    let WalkGoal { mut missing, history, floor } = goal;
    let mut descent = Descent::from(cursor.tip, source);
    let (mut spent, mut past) = (BTreeMap::new(), vec![]);
    // Spent by a block of the walk, and not yet seen to be created.
    let mut spent_later: BTreeMap<Coin, Height> = BTreeMap::new();
    while descent.height() > floor && (history || !missing.is_empty()) {
        let (height, block) = match descent.step()? {
            Step::Block(height, block) => (height, block),
            Step::NotStored => break,
            Step::Moved => return Ok(None),
        };
        if history {
            past.extend(past_outputs(cursor, height, &block.outputs, &mut spent_later));
        }
        for c in block.inputs {
            if missing.remove(&c) {
                spent.insert(c, height);
            }
            spent_later.extend(history.then_some((c, height)));
        }
    }
    Ok(Some(WalkResult { spent, past, searched_down_to: descent.height() }))
}

/// The outputs of this wallet that the block at `created` made and a later block spent.
fn past_outputs(
    cursor: &ScanCursor,
    created: Height,
    outputs: &[Output],
    spent_later: &mut BTreeMap<Coin, Height>,
) -> Vec<OutputRecord> {
    let mut spent = |o: &Output| spent_later.remove(&Coin::of(&o.commitment, &o.features));
    let candidates = outputs.iter().filter_map(|o| Some((o, spent(o)?)));
    let candidates: Vec<_> = candidates.collect();
    let own = |(o, spent): &(&Output, Height)| {
        let status = OutputStatus::Spent { created, spent: *spent };
        cursor.recognise(o).map(|record| OutputRecord { status, ..record })
    };
    candidates.par_iter().filter_map(own).collect()
}
