//! The dates of blocks, which stand beside their heights.

use crate::{bridge::ChainAt, exit::Outcome, local_time::local_time};
use core::fmt;
use sotto_mw::amount::Height;
use std::collections::{BTreeMap, BTreeSet};

/// A block for people: its height, and its date if the chain at hand has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dated {
    pub(crate) height: Height,
    pub(crate) time: Option<u64>,
}

impl Dated {
    /// Reads the time of the block at this height.
    pub(crate) fn of(chain: &ChainAt, height: Height) -> Outcome<Self> {
        Ok(Self { height, time: chain.header(height)?.map(|header| header.time) })
    }
}

impl fmt::Display for Dated {
    /// `block 9 (2026-11-28 22:03:10 +01:00)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {}", self.height)?;
        self.time.map_or(Ok(()), |time| write!(f, " ({})", local_time(time)))
    }
}

/// The times of some blocks.
pub(crate) struct Dates(BTreeMap<Height, u64>);

impl Dates {
    /// Reads the times of the blocks at these heights, each once.
    pub(crate) fn of(chain: &ChainAt, heights: impl IntoIterator<Item = Height>) -> Outcome<Self> {
        let heights: BTreeSet<Height> = heights.into_iter().collect();
        let mut times = BTreeMap::new();
        for height in heights {
            times.extend(chain.header(height)?.map(|header| (height, header.time)));
        }
        Ok(Self(times))
    }

    /// The time of a block, in seconds since 1970; `None` if it was not asked for, or the chain has no such
    /// block.
    pub(crate) fn time(&self, height: Height) -> Option<u64> {
        self.0.get(&height).copied()
    }

    /// The block at this height, for people.
    pub(crate) fn block(&self, height: Height) -> Dated {
        Dated { height, time: self.time(height) }
    }

    /// The date of a block in brackets, to stand after its height; empty if it is not known.
    pub(crate) fn beside(&self, height: Height) -> String {
        self.time(height).map_or_else(String::new, |time| format!(" ({})", local_time(time)))
    }
}
