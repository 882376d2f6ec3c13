//! A block's reward: the output and the kernel that a sealer adds to a block.
//!
//! `C = (reward + fees)·H + r·G`, so the excess `E = C − (reward + fees)·H = r·G` is signed with the blinding factor alone.
//! The wallet keeps no record of a reward that may never be sealed: a scan finds it, as a received output.

use crate::keys::{AccountKeys, Purpose, fresh_index};
use mw::{
    amount::{Amount, Height},
    kernel::{Excess, Kernel, KernelFeatures},
    range_proof::{Opening, ProveError},
    rules::params::Chain,
    schnorr::{PublicKey, sign},
    transaction::{Output, OutputFeatures},
};
use rand_core::{CryptoRng, RngCore};

/// Why a reward cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewardError {
    /// Reward and fees do not fit.
    #[error("reward and fees together do not fit 64 bits")]
    Overflow,
    /// The output could not be proven.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// The reward of a block at `height` whose transactions pay `fees`.
///
/// # Errors
/// [`RewardError`].
pub(crate) fn reward(
    keys: &AccountKeys,
    chain: &Chain,
    (height, fees): (Height, Amount),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Output, Kernel), RewardError> {
    let amount = chain.params().reward.checked_add(fees).ok_or(RewardError::Overflow)?;
    let opening = Opening { amount, index: fresh_index(rng) };
    let output = keys.output(chain.id(), OutputFeatures::Coinbase, Purpose::Received, &opening)?;
    let r = keys.blinding(Purpose::Received, &opening);
    let features = KernelFeatures::Coinbase { height };
    let signature = sign(&r, &features.message(chain.id()), rng);
    let excess = Excess::from_point(*PublicKey::of(&r).point());
    Ok((output, Kernel { features, excess, signature }))
}
