//! Walking down the stored blocks: where outputs of ours went, and on a restore what came and went before it.
//!
//! From the last block down, so that a recent spend costs few blocks, and so that of all outputs only those that were spent
//! later are tried: what is still unspent was found by the pass.

use super::{ChainSource, Pass, ScanError};
use crate::outputs::{OutputRecord, Status};
use rayon::prelude::*;
use sotto_mw::{amount::Height, commitment::Commitment, group::PointBytes, output::Output};
use std::collections::{BTreeMap, BTreeSet};

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Where outputs of ours were spent.
    pub(crate) spent: BTreeMap<PointBytes, Height>,
    /// Outputs of ours that were made and spent in these blocks, and were not known.
    pub(crate) past: Vec<OutputRecord>,
    /// All blocks above this one were looked through.
    pub(crate) looked: Height,
}

/// Walks down to the block above `floor`, to the first block that is not stored, or, when `missing` is all that is asked
/// for, until that is found.
pub(crate) fn walk<S: ChainSource>(
    pass: &Pass,
    (mut missing, history): (BTreeSet<PointBytes>, bool),
    floor: Height,
    source: &S,
) -> Result<Walk, ScanError<S::Error>> {
    let mut walk = Walk { spent: BTreeMap::new(), past: vec![], looked: pass.tip.0 };
    // Spent in a block that was walked through, and not yet seen to be made.
    let mut later: BTreeMap<PointBytes, Height> = BTreeMap::new();
    while walk.looked > floor && (history || !missing.is_empty()) {
        let height = walk.looked;
        let Some(block) = source.block(height).map_err(ScanError::Source)? else { break };
        if history {
            walk.past.extend(past(pass, (height, &block.outputs), &mut later));
        }
        for c in block.inputs.iter().map(Commitment::encoded) {
            if missing.remove(&c) {
                walk.spent.insert(c, height);
            }
            later.extend(history.then_some((c, height)));
        }
        walk.looked = height.minus(1);
    }
    Ok(walk)
}

fn past(
    pass: &Pass,
    (created, outputs): (Height, &[Output]),
    later: &mut BTreeMap<PointBytes, Height>,
) -> Vec<OutputRecord> {
    let spent: Vec<_> =
        outputs.iter().filter_map(|o| Some((o, later.remove(&o.commitment.encoded())?))).collect();
    let mine = |(o, gone): &(&Output, Height)| {
        let status = Status::Spent { created, gone: *gone };
        pass.recognise(o).map(|record| OutputRecord { status, ..record })
    };
    spent.par_iter().filter_map(mine).collect()
}
