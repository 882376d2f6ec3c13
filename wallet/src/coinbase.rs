//! Block rewards: the output and the kernel that the sealer of a block adds to it.
//!
//! ```text
//! C = (reward + fees)·H + r·G,      excess E = C − (reward + fees)·H = r·G,      signed with r
//! ```
//!
//! The wallet keeps no record of a reward, because the block may never be sealed. A scan finds it as a
//! received output.

use crate::keys::{AccountKeys, Purpose, fresh_index};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, ProveError},
    range_proof::Opening,
    schnorr::{PublicKey, sign},
};

/// Why a block reward cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoinbaseError {
    /// The sum of reward and fees overflows.
    #[error("the sum of the block reward and the fees exceeds 64 bits")]
    Overflow,
    /// The range proof of the output could not be created.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// Builds block rewards for one account. It contains the keys of the account and nothing else of its wallet,
/// so a daemon can seal blocks for days while the wallet is in use elsewhere.
///
/// # Security
/// The keys can spend everything in the account.
pub struct CoinbaseBuilder {
    keys: AccountKeys,
    chain: Chain,
}

impl CoinbaseBuilder {
    pub(crate) const fn new(keys: AccountKeys, chain: Chain) -> Self {
        Self { keys, chain }
    }

    /// Builds the reward of the block at `height`; `due` is the sum of the block's new units and its fees.
    ///
    /// # Errors
    /// [`CoinbaseError::Prove`].
    pub fn build(
        &self,
        height: Height,
        due: Amount,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Output, Kernel), CoinbaseError> {
        let (keys, chain) = (&self.keys, &self.chain);
        let opening = Opening { amount: due, index: fresh_index(rng) };
        let output = keys.reward(chain, &opening)?;
        let r = keys.blinding(Purpose::Received, &opening);
        let features = KernelFeatures::Coinbase { height };
        let signature = sign(&r, &features.message(chain.id()), rng);
        let excess = Excess::from_point(*PublicKey::of(&r).point());
        Ok((output, Kernel { features, excess, signature }))
    }
}

impl fmt::Debug for CoinbaseBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoinbaseBuilder").field("chain", self.chain.id()).finish_non_exhaustive()
    }
}
