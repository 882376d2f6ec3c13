//! What a scan observed: the facts from which statuses follow.

use super::{TxStatus, last_possible_height};
use crate::outputs::Coin;
use sotto_mw::{
    amount::Height,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    hash::Hash,
    kernel::{Excess, Window},
};
use std::collections::BTreeMap;

/// A block of the chain, by height and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockRef {
    pub(crate) height: Height,
    pub(crate) hash: Hash,
}

impl BlockRef {
    /// No block: the state of a wallet that has never scanned.
    pub(crate) const NONE: Self = Self { height: Height::GENESIS, hash: Hash::ZERO };
}

impl From<(Height, Hash)> for BlockRef {
    fn from((height, hash): (Height, Hash)) -> Self {
        Self { height, hash }
    }
}

impl Encode for BlockRef {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.hash.encode(out);
    }
}

impl Decode for BlockRef {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { height: Height::decode(r)?, hash: Hash::decode(r)? })
    }
}

/// What a scan observed of the chain up to `tip`.
#[derive(Debug)]
pub(crate) struct ChainObservation {
    pub(crate) tip: BlockRef,
    /// The unspent outputs of this wallet, with the heights of their blocks.
    pub(crate) present: BTreeMap<Coin, Height>,
    /// The kernels of this wallet, with the heights of their blocks.
    pub(crate) kernels: BTreeMap<Excess, Height>,
    /// The kernels of payments whose outputs are not beside them: such a payment never happens in this chain.
    pub(crate) squatted: BTreeMap<Excess, Height>,
    /// The outputs of this wallet that the blocks above `searched_down_to` spend.
    pub(crate) spent: BTreeMap<PointBytes, Height>,
    /// The scan has searched all blocks above this height for spends.
    pub(crate) searched_down_to: Height,
}

impl ChainObservation {
    /// The status of a signed transaction, as far as its kernel determines it.
    pub(crate) fn kernel_status(&self, chain: &Chain, not_after: Height, excess: &Excess) -> TxStatus {
        match (self.kernels.get(excess), self.squatted.get(excess)) {
            (Some(height), _) => TxStatus::Confirmed { height: *height },
            (_, Some(height)) if self.tip.height > last_possible_height(chain, *height) => TxStatus::Failed,
            (_, Some(height)) => TxStatus::Displaced { height: *height },
            _ if self.is_over(chain, not_after) => TxStatus::Failed,
            _ => TxStatus::Waiting,
        }
    }

    /// Whether a kernel with this last height can never enter the chain any more.
    pub(crate) fn is_over(&self, chain: &Chain, not_after: Height) -> bool {
        self.tip.height > last_possible_height(chain, not_after)
    }
}

/// The kernel of something that this wallet signed.
pub(crate) struct SignedKernel {
    pub(crate) excess: Excess,
    pub(crate) tx_status: TxStatus,
    /// When it may enter a block.
    pub(crate) window: Window,
}

impl SignedKernel {
    /// Whether a chain with the blocks up to `common`, which a scan has seen, still has what the wallet knows of the
    /// kernel: it is in one of these blocks, or cannot be in any of them.
    pub(crate) fn is_settled(&self, chain: &Chain, common: Height) -> bool {
        match self.tx_status {
            TxStatus::Confirmed { height } => height <= common,
            TxStatus::Failed => common > last_possible_height(chain, self.window.not_after),
            TxStatus::Waiting | TxStatus::Displaced { .. } => common < self.window.not_before,
        }
    }
}
