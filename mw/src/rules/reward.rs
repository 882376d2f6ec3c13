//! MW-R16 and MW-R28: a block's reward is exactly what the schedule and its fees give.

use super::params::Chain;
use crate::{
    block::Block,
    error::Rejection,
    group::{Point, vartime_mul_h},
    kernel::KernelFeatures,
};

/// `C − (reward + fees)·H = E` for the one coinbase output and kernel, and the kernel signs this height.
///
/// Without it a sealer could pay itself less and hide the rest in another output of the block.
pub(super) fn block(chain: &Chain, b: &Block) -> Result<(), Rejection> {
    let fees = b.body.fees().ok_or(Rejection::FeeOverflow)?;
    let due = chain.params().reward.checked_add(fees).ok_or(Rejection::SupplyOverflow)?;
    let output = b.body.outputs.iter().find(|o| o.is_coinbase()).ok_or(Rejection::RewardAmount)?;
    for k in &b.body.kernels {
        let KernelFeatures::Coinbase { height: signed } = k.features else { continue };
        if signed != b.header.height {
            return Err(Rejection::CoinbaseHeight { signed, height: b.header.height });
        }
        let rest = Point::from(output.commitment.point().element() - vartime_mul_h(due.units()));
        if rest != *k.excess.point() {
            return Err(Rejection::RewardAmount);
        }
    }
    Ok(())
}
