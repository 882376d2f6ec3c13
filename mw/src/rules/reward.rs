//! MW-R16 and MW-R28: the coinbase output holds exactly the scheduled reward and the fees of the block.

use super::verdict::Unsealed;
use crate::{
    amount::Height,
    chain::Chain,
    error::Rejection,
    group::{Point, vartime_mul_h},
    kernel::{Kernel, KernelFeatures},
};

/// `C − (reward + fees)·H = E` for the one coinbase output and kernel, and the kernel signs this height.
///
/// Without this rule a sealer could pay itself less and hide the rest in another output of the block.
pub(super) fn block(chain: &Chain, b: &Unsealed<'_>) -> Result<(), Rejection> {
    let fees = b.body.fees().ok_or(Rejection::FeeOverflow)?;
    let due = chain.params().reward.checked_add(fees).ok_or(Rejection::SupplyOverflow)?;
    let output = b.body.outputs.iter().find(|o| o.is_coinbase()).ok_or(Rejection::RewardAmount)?;
    for k in b.body.kernels.iter().filter(|k| k.features.is_coinbase()) {
        for_this_block(k, b.header.height)?;
        let rest = Point::from(output.commitment.point().element() - vartime_mul_h(due.units()));
        if rest != *k.excess.point() {
            return Err(Rejection::RewardAmount);
        }
    }
    Ok(())
}

/// MW-R28.
pub(super) fn for_this_block(k: &Kernel, height: Height) -> Result<(), Rejection> {
    match k.features {
        KernelFeatures::Coinbase { height: signed } if signed != height => {
            Err(Rejection::CoinbaseHeight { signed, height })
        }
        _ => Ok(()),
    }
}
