//! A block's reward: the output and the kernel that a sealer adds to a block.
//!
//! `C = (reward + fees)·H + r·G`, so the excess `E = C − (reward + fees)·H = r·G` is signed with the blinding factor alone.
//! The wallet keeps no record of a reward that may never be sealed: a scan finds it, as a received output.

use crate::keys::{AccountKeys, Purpose, fresh_index};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, OutputFeatures, ProveError},
    range_proof::Opening,
    schnorr::{PublicKey, sign},
};

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

/// What makes an account's rewards: its keys, and nothing else of its wallet. It is for whoever seals for days on end, while the
/// wallet is used elsewhere.
///
/// # Security
/// These keys can spend all that the account has.
pub struct Rewards {
    keys: AccountKeys,
    chain: Chain,
}

impl Rewards {
    pub(crate) const fn new(keys: AccountKeys, chain: Chain) -> Self {
        Self { keys, chain }
    }

    /// The reward of a block at `height` to which `due` is due: new units and fees together.
    ///
    /// # Errors
    /// [`RewardError::Prove`].
    pub fn of(
        &self,
        (height, due): (Height, Amount),
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Output, Kernel), RewardError> {
        let (keys, chain) = (&self.keys, self.chain.id());
        let opening = Opening { amount: due, index: fresh_index(rng) };
        let output = keys.output(chain, OutputFeatures::Coinbase, Purpose::Received, &opening)?;
        let r = keys.blinding(Purpose::Received, &opening);
        let features = KernelFeatures::Coinbase { height };
        let signature = sign(&r, &features.message(chain), rng);
        let excess = Excess::from_point(*PublicKey::of(&r).point());
        Ok((output, Kernel { features, excess, signature }))
    }
}

impl fmt::Debug for Rewards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewards").field("chain", self.chain.id()).finish_non_exhaustive()
    }
}
