//! The terms of a hold, and the heights that follow from them.
//!
//! ```text
//! W window width, K reorganisation limit, grid: of the chain         M = K + 2·grid
//! L   = last height of the funding                                   D: blocks for confirmations, run, letters
//! H_r = first multiple of the grid ≥ L + D + M + grid                M + grid ≤ W + 1, else no hold
//! rung i: [H_r + i·W, H_r + (i+1)·W], i < n                          claim: last height H_c ≤ H_r − grid
//! ```
//!
//! A claim for a block up to next + D has the standard expiry of any payment, since that is at most next + D + W.
//! A later one ends at H_r − grid, which shows. A locked claim gives its secret away, so it is published for the
//! first time up to H_c − M or not at all: a reorganisation of K blocks then still finds it in its window. At
//! H_c − K it would not, as the new branch is higher. One without a lock gives nothing away, and one whose secret is
//! out has nothing left to lose: both may be published up to H_c.
#![deny(clippy::indexing_slicing)]

use super::HoldError;
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT},
    codec::{Decode, DecodeError, Encode, Reader},
    group::Point,
    kernel::{KernelFeatures, Window},
};

/// The most refunds of a ladder.
pub(super) const MAX_RUNGS: u8 = 64;
/// The most blocks D of a hold: some years of seconds.
const MAX_BLOCKS: u64 = 1 << 27;

/// The counts that a payer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// D, the number of blocks until the claim at the fastest pace.
    pub blocks: u64,
    /// n, the number of refunds.
    pub rungs: u8,
    /// d, the confirmations that the seller waits for.
    pub confirmations: u64,
}

/// What several claims have in common, so that one secret completes all of them in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimLock {
    /// T.
    pub point: Point,
    /// H_c of each.
    pub until: Height,
}

/// What both parties agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// What the seller gets.
    pub amount: Amount,
    /// The fee of the claim, or of the undoing.
    pub claim_fee: Amount,
    /// The fee of a refund.
    pub refund_fee: Amount,
    /// H_r, the first height of the ladder.
    pub refund_from: Height,
    /// n, the number of refunds.
    pub rungs: u8,
    /// D, the number of blocks until a claim.
    pub blocks: u64,
    /// d, the confirmations that the seller waits for.
    pub confirmations: u64,
}

/// The least fee of a claim, an undoing or a refund, whose weights are the same.
fn least_fee(chain: &Chain) -> Option<Amount> {
    chain.least_fee(INPUT_WEIGHT + chain.params().output_weight() + KERNEL_WEIGHT)
}

/// M = K + 2·grid.
pub(crate) fn margin(chain: &Chain) -> u64 {
    let p = chain.params();
    p.reorganisation.saturating_add(p.window_grid.saturating_mul(2))
}

impl HoldTerms {
    /// The terms of a hold that is opened for the block at `next`, by which a claim needs `blocks` blocks.
    ///
    /// # Errors
    /// [`HoldError::Terms`] when the amount does not pay for a refund, or a number is out of range.
    pub fn new(
        chain: &Chain,
        next: Height,
        amount: Amount,
        Schedule { blocks, rungs, confirmations }: Schedule,
    ) -> Result<Self, HoldError> {
        let least = least_fee(chain).ok_or(HoldError::Terms("the fee is out of range"))?;
        let funded = chain.standard_expiry(next);
        let early = Self::earliest(chain, funded, blocks.min(MAX_BLOCKS));
        let terms = Self {
            amount,
            claim_fee: least,
            refund_fee: least.checked_add(least).unwrap_or(least),
            refund_from: Height::new(early.get().next_multiple_of(chain.params().window_grid)),
            rungs,
            blocks,
            confirmations,
        };
        terms.check(chain, funded)?;
        Ok(terms)
    }

    /// The earliest H_r after a funding whose last height is `funded`: a claim D blocks after it is still in time.
    fn earliest(chain: &Chain, funded: Height, blocks: u64) -> Height {
        funded.plus(blocks).plus(margin(chain)).plus(chain.params().window_grid)
    }

    /// Checks that the chain can carry the terms out, whenever the funding enters a block up to `funded`.
    pub(crate) fn check(&self, chain: &Chain, funded: Height) -> Result<(), HoldError> {
        let (p, fail) = (chain.params(), |why| Err(HoldError::Terms(why)));
        let least = least_fee(chain).unwrap_or(Amount::new(u64::MAX));
        let sum = self.amount.checked_add(self.claim_fee);
        // The last height of a claim for the next block can be grid − 1 below next + W.
        if p.window_width.saturating_add(1) < margin(chain).saturating_add(p.window_grid) {
            return fail(
                "the windows of this chain are too short for a claim that survives a reorganisation",
            );
        }
        if !(1..=MAX_RUNGS).contains(&self.rungs) {
            return fail("a ladder has 1 to 64 refunds");
        }
        if self.blocks > MAX_BLOCKS || self.confirmations > self.blocks {
            return fail("the blocks until the claim must hold the confirmations");
        }
        if self.claim_fee < least || self.refund_fee < least {
            return fail("a fee is below the least fee");
        }
        if self.amount == Amount::ZERO || sum.is_none() || sum > chain.supply(self.last_height(chain)) {
            return fail("the amount is zero, or above the supply");
        }
        if sum.is_none_or(|held| held <= self.refund_fee) {
            return fail("the amount does not pay for a refund");
        }
        if !self.refund_from.get().is_multiple_of(p.window_grid) {
            return fail("the refunds do not begin on the grid of the chain");
        }
        if self.refund_from < Self::earliest(chain, funded, self.blocks) {
            return fail("the refunds begin before a claim could be published in time");
        }
        Ok(())
    }

    /// v, what the output of the hold contains: the amount and the fee of its claim.
    #[must_use]
    pub fn held(&self) -> Amount {
        self.amount.checked_add(self.claim_fee).unwrap_or(Amount::new(u64::MAX))
    }

    /// The kernel of refund i.
    #[must_use]
    pub fn rung(&self, chain: &Chain, i: u8) -> KernelFeatures {
        let width = chain.params().window_width;
        let not_before = self.refund_from.plus(width.saturating_mul(i.into()));
        let window = Window { not_before, not_after: not_before.plus(width) };
        KernelFeatures::HeightRanged { fee: self.refund_fee, window }
    }

    /// The last height of the last refund: after it, only an undoing by both parties is left.
    #[must_use]
    pub fn last_height(&self, chain: &Chain) -> Height {
        self.refund_from.plus(chain.params().window_width.saturating_mul(self.rungs.into()))
    }

    /// H_c of a claim for the block at `next`: the standard expiry while that ends before the ladder.
    #[must_use]
    pub fn claim_expiry(&self, chain: &Chain, next: Height) -> Height {
        chain.standard_expiry(next).min(self.refund_from.minus(chain.params().window_grid))
    }

    /// Whether a claim can have this last height.
    pub(crate) fn allows_claim(&self, chain: &Chain, not_after: Height) -> bool {
        let grid = chain.params().window_grid;
        not_after.get().is_multiple_of(grid) && not_after.plus(grid) <= self.refund_from
    }

    /// Checks that a claim for the block at `next` can end at the height that others chose. A later height than its own
    /// would be one at which no block takes it yet, and publishing it would give the secret away before.
    pub(crate) fn check_claim_height(
        &self,
        chain: &Chain,
        until: Height,
        next: Height,
    ) -> Result<(), HoldError> {
        let latest = self.claim_expiry(chain, next);
        let fits = self.allows_claim(chain, until) && until <= latest;
        if fits { Ok(()) } else { Err(HoldError::LastHeight { until, latest }) }
    }

    /// The last height at which a claim with this last height may be published for the first time: M before it if
    /// that gives a secret away, else its last height.
    #[must_use]
    pub fn claim_by(chain: &Chain, not_after: Height, locked: bool) -> Height {
        if locked { not_after.minus(margin(chain)) } else { not_after }
    }

    /// Checks that a claim may still be published for the block at `next`, if it may up to `until`.
    pub(crate) fn check_time(until: Height, next: Height) -> Result<(), HoldError> {
        if next > until { Err(HoldError::Late { until, next }) } else { Ok(()) }
    }
}

impl Encode for HoldTerms {
    fn encode(&self, out: &mut Vec<u8>) {
        [self.amount, self.claim_fee, self.refund_fee].iter().for_each(|a| a.encode(out));
        self.refund_from.encode(out);
        out.push(self.rungs);
        [self.blocks, self.confirmations].iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
    }
}

impl Decode for HoldTerms {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (amount, claim_fee, refund_fee) = (Amount::decode(r)?, Amount::decode(r)?, Amount::decode(r)?);
        let (refund_from, rungs) = (Height::decode(r)?, r.u8()?);
        if rungs > MAX_RUNGS {
            let (found, bound) = (rungs.into(), MAX_RUNGS.into());
            return Err(DecodeError::Bound { what: "refunds of a hold", found, bound });
        }
        let (blocks, confirmations) = (r.u64()?, r.u64()?);
        Ok(Self { amount, claim_fee, refund_fee, refund_from, rungs, blocks, confirmations })
    }
}
