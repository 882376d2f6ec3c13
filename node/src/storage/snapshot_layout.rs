//! The layout of a snapshot: what each part contains, and whether a part is that. Both follow from sealed
//! headers alone, so the peers that deliver parts need not be trusted.
//!
//! ```text
//! headers   1 … n, n+1 … 2n, …                              n = items of a part; where validators seal a
//!                                                           sixteenth: certificates and terms are long
//! kernels   of whole blocks, as many as it takes to reach n, the rest in the last
//! outputs   by the first d bits of their keys, d the least with outputs ≤ n·2^d
//! ```
//!
//! All nodes that make a snapshot of one state with one `n` make the same parts, so one part may come from
//! one node and the next from another. A part is checked alone, when it arrives and in any order: it is
//! complete and contains nothing else. The rules that span parts are checked by
//! [`snapshot_check`](super::snapshot_check), in order.

use crate::storage::{
    snapshot_check::PartFault,
    snapshot_format::{MAX_DEPTH, PartCount, PartKind},
    snapshot_part::Part,
};
use sotto_mw::{
    amount::Height,
    block::Header,
    hash::Hash,
    rules::pruned::{VerifyError, check_kernels, check_outputs},
    trie::Prefix,
};

/// What a part contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartRange {
    /// The headers of these heights.
    Headers(Height, Height),
    /// The kernels of the blocks of these heights.
    Kernels(Height, Height),
    /// The unspent outputs under a prefix.
    Outputs(Prefix),
}

impl PartRange {
    /// What kind of part it is.
    pub(crate) const fn kind(&self) -> PartKind {
        match self {
            Self::Headers(..) => PartKind::Headers,
            Self::Kernels(..) => PartKind::Kernels,
            Self::Outputs(_) => PartKind::Outputs,
        }
    }
}

/// The parts of a state, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotLayout {
    pub(crate) all: Vec<PartRange>,
    pub(crate) depth: u8,
}

impl SnapshotLayout {
    /// The parts of about `items` each of the state after this header; `kernels` are the counts that the
    /// headers state, from height 1 on.
    pub(crate) fn of(kernels: &[u64], tip: &Header, items: u32) -> Self {
        let (items, last) = (u64::from(items.max(1)), kernels.len() as u64);
        let headers = headers_of_a_part(tip, items);
        let depth = depth_of(tip, items);
        let mut all = Vec::new();
        let mut from = 1;
        while from <= last {
            let to = last.min(from.saturating_add(headers - 1));
            all.push(PartRange::Headers(Height::new(from), Height::new(to)));
            from = to + 1;
        }
        let (mut from, mut before) = (1, 0);
        for (h, count) in (1..).zip(kernels) {
            if h == last || count.saturating_sub(before) >= items {
                all.push(PartRange::Kernels(Height::new(from), Height::new(h)));
                (from, before) = (h + 1, *count);
            }
        }
        all.extend((0..1 << depth).filter_map(|i| Prefix::new(depth, i)).map(PartRange::Outputs));
        Self { all, depth }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> PartCount {
        PartCount { all: u32::try_from(self.all.len()).unwrap_or(u32::MAX), depth: self.depth }
    }
}

/// How many headers a part has: of validators so few that certificates of a hundred, and terms that change at
/// each height, fit in a message.
pub(crate) fn headers_of_a_part(tip: &Header, items: u64) -> u64 {
    if tip.terms == Hash::ZERO { items } else { (items / 16).max(1) }
}

/// The depth of the prefixes of a state's outputs.
pub(crate) fn depth_of(tip: &Header, items: u64) -> u8 {
    let fits = |d: &u8| tip.output_count.div_ceil(1 << d) <= items;
    (0..MAX_DEPTH).find(fits).unwrap_or(MAX_DEPTH)
}

/// Whether a part contains exactly what belongs there; `headers` are those of the chain, the genesis first
/// and the state's last. Whether headers are sealed is not checked here.
pub(crate) fn belongs(headers: &[Header], range: &PartRange, part: &Part) -> Result<(), PartFault> {
    let at =
        |h: Height| usize::try_from(h.get()).ok().and_then(|i| headers.get(i)).ok_or(PartFault::Unlinked);
    let theirs = |refusal: VerifyError| match refusal {
        VerifyError::Mismatch(invalid) | VerifyError::Invalid(invalid) => PartFault::from(invalid),
        VerifyError::Incomplete | VerifyError::Supply(_) => PartFault::Unlinked,
    };
    match (range, part) {
        (PartRange::Headers(first, last), Part::Headers(all, _)) => {
            let count = last.get() - first.get() + 1;
            let ours = |s: &crate::seal::SealedHeader| at(s.header.height).is_ok_and(|h| *h == s.header);
            let heights = all.iter().map(|s| s.header.height.get()).eq(first.get()..=last.get());
            let same = all.len() as u64 == count && heights && all.iter().all(ours);
            if same { Ok(()) } else { Err(PartFault::Unlinked) }
        }
        (PartRange::Kernels(first, last), Part::Kernels { first: found, before, kernels }) => {
            if found != first {
                return Err(PartFault::Kernels(*first));
            }
            check_kernels(at(first.minus(1))?, at(*last)?, before, kernels).map_err(theirs)
        }
        (PartRange::Outputs(prefix), Part::Outputs { proof, unspent }) => {
            let last = headers.last().ok_or(PartFault::Outputs)?;
            check_outputs(last, *prefix, proof, unspent).map_err(theirs)
        }
        (PartRange::Headers(..), _) => Err(PartFault::Unlinked),
        (PartRange::Kernels(first, _), _) => Err(PartFault::Kernels(*first)),
        (PartRange::Outputs(_), _) => Err(PartFault::Outputs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::testing::TestChain;

    /// Every height is in one part of headers and one of kernels, and prefixes cover all keys once.
    #[test]
    fn parts_cover_everything_once() {
        let tip = Header::genesis(TestChain::new(1).chain());
        for (blocks, step, outputs, items) in
            [(1, 1, 1, 1), (9, 2, 40, 4), (2_500, 3, 5_000, 1_024), (7, 5_000, 0, 1_024), (0, 1, 0, 8)]
        {
            let kernels: Vec<u64> = (1..=blocks).map(|h| h * step).collect();
            let tip = Header { output_count: outputs, ..tip.clone() };
            let layout = SnapshotLayout::of(&kernels, &tip, items);
            let heights = |all: Vec<(Height, Height)>| {
                all.iter().flat_map(|(a, b)| a.get()..=b.get()).collect::<Vec<u64>>()
            };
            let headers = layout.all.iter().filter_map(|p| match p {
                PartRange::Headers(a, b) => Some((*a, *b)),
                _ => None,
            });
            let ranges = layout.all.iter().filter_map(|p| match p {
                PartRange::Kernels(a, b) => Some((*a, *b)),
                _ => None,
            });
            assert_eq!(heights(headers.collect()), (1..=blocks).collect::<Vec<_>>());
            assert_eq!(heights(ranges.collect()), (1..=blocks).collect::<Vec<_>>());
            assert!(outputs.div_ceil(1 << layout.depth) <= u64::from(items));
            assert!(layout.depth == 0 || outputs.div_ceil(1 << (layout.depth - 1)) > u64::from(items));
            assert!(layout.all.is_sorted_by_key(PartRange::kind));
            assert_eq!(
                layout.all.iter().filter(|p| p.kind() == PartKind::Outputs).count(),
                1 << layout.depth
            );
        }
    }
}
