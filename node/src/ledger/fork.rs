//! Fork choice: which of two sealed branches a node follows, as a function of values.
//!
//! ```text
//! theirs is better  ⇔  it is higher, or as high and its hash is lower
//! we switch         ⇔  theirs is better  ∧  tip − fork ≤ K  ∧  fork ≥ floor
//! ```
//!
//! This is the solo engine's choice: its operator can seal anything, so only the height counts, and the lower
//! hash makes all nodes that see both branches agree. K bounds what a key that was stolen later can rewrite.
//! Not guaranteed: that a branch obeys the rules; the node verifies it before it switches.

use core::cmp::Ordering;
use sotto_mw::{amount::Height, block::Header, chain::Chain};

/// Why a branch is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// It begins at no block of this chain.
    #[error("the branch begins at no block of this chain: get the blocks before it first")]
    Unconnected,
    /// This chain is as good or better.
    #[error("the branch ends at height {theirs} and is not better than this chain at {ours}: nothing to do")]
    NotBetter {
        /// The height of this chain.
        ours: Height,
        /// The branch's height.
        theirs: Height,
    },
    /// It would undo blocks that are final.
    #[error("the branch leaves this chain at height {fork}, and no block up to {floor} can be undone")]
    TooDeep {
        /// The last common block.
        fork: Height,
        /// The last block that is final.
        floor: Height,
    },
}

/// How two tips compare: the greater is the better.
#[must_use]
pub fn compare(a: &Header, b: &Header) -> Ordering {
    a.height.cmp(&b.height).then_with(|| b.hash().cmp(&a.hash()))
}

/// The branch that a node is on.
#[derive(Clone, Copy, Debug)]
pub struct OurBranch<'a> {
    /// Its tip.
    pub tip: &'a Header,
    /// Blocks up to this height are final.
    pub floor: Height,
}

/// Whether to leave our branch after block `fork` for one that ends at `theirs`.
///
/// # Errors
/// [`ForkError`], if not.
pub fn choose(chain: &Chain, ours: OurBranch<'_>, theirs: &Header, fork: Height) -> Result<(), ForkError> {
    let OurBranch { tip: ours, floor } = ours;
    let floor = floor.max(ours.height.minus(chain.params().reorganisation));
    if compare(theirs, ours) != Ordering::Greater {
        return Err(ForkError::NotBetter { ours: ours.height, theirs: theirs.height });
    }
    if fork < floor { Err(ForkError::TooDeep { fork, floor }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{chain::Params, group::Point, schnorr::PublicKey};

    #[test]
    fn height_then_hash_then_depth() {
        let chain = Chain::new(Params::solo(PublicKey::from_point(Point::g()), 0)).unwrap();
        let at = |height, time| Header { height: Height::new(height), time, ..Header::genesis(&chain) };
        let decide = |ours: &Header, floor, theirs: &Header, fork| {
            choose(&chain, OurBranch { tip: ours, floor: Height::new(floor) }, theirs, Height::new(fork))
        };
        let ours = at(1_000, 0);
        let higher = at(1_001, 9);
        assert_eq!(decide(&ours, 0, &higher, 900), Ok(()));
        assert!(matches!(decide(&higher, 0, &ours, 900), Err(ForkError::NotBetter { .. })));
        let equal = (1..9).map(|t| at(1_000, t)).find(|h| h.hash() < ours.hash()).unwrap();
        assert_eq!(decide(&ours, 0, &equal, 999), Ok(()));
        assert!(matches!(decide(&equal, 0, &ours, 999), Err(ForkError::NotBetter { .. })));
        assert!(matches!(decide(&ours, 0, &ours, 1_000), Err(ForkError::NotBetter { .. })));
        assert_eq!(decide(&ours, 0, &higher, 280), Ok(()));
        let (fork, floor) = (Height::new(279), Height::new(280));
        assert_eq!(decide(&ours, 0, &higher, 279), Err(ForkError::TooDeep { fork, floor }));
        let floor = Height::new(300);
        assert_eq!(decide(&ours, 300, &higher, 279), Err(ForkError::TooDeep { fork, floor }));
    }
}
