//! What a wallet's outputs are derived from.

use sotto_mw::{commitment::Commitment, group::PointBytes, range_proof::Opening, secret::SecretScalar};

/// The kinds of outputs that a wallet spends: what its secrets are derived from, with purpose and opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// An ordinary output.
    Plain,
    /// A block's reward.
    Coinbase,
    /// A one-sided output that was paid to the account.
    OneSided {
        /// R, the sender's key.
        sender: PointBytes,
        /// K_o, the receiver's key.
        receiver: PointBytes,
    },
    /// Change of this wallet that looks like a payment to somebody: a one-sided output.
    Hidden {
        /// K_o.
        receiver: PointBytes,
    },
}

impl OutputKind {
    /// K_o; `None` when the output is not one-sided.
    #[must_use]
    pub const fn receiver(&self) -> Option<PointBytes> {
        match self {
            Self::Plain | Self::Coinbase => None,
            Self::OneSided { receiver, .. } | Self::Hidden { receiver } => Some(*receiver),
        }
    }
}

/// Why an output was created. Each purpose has its own rewind key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// A payment from another wallet, or a block reward: what a view key shows.
    Received = 0,
    /// The change of the wallet's own payment.
    Change = 1,
}

impl Purpose {
    pub(crate) const ALL: [Self; 2] = [Self::Received, Self::Change];
}

/// What opens an output of this wallet, given the keys of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputSecret {
    pub(crate) purpose: Purpose,
    pub(crate) kind: OutputKind,
    pub(crate) opening: Opening,
}

/// An output that this wallet will create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewOutput {
    pub(crate) commitment: Commitment,
    pub(crate) secret: OutputSecret,
}

/// The secrets of one output.
pub(crate) struct CoinSecrets {
    /// The blinding factor.
    pub(crate) blinding: SecretScalar,
    /// k_o, if the output is one-sided.
    pub(crate) receiver: Option<SecretScalar>,
}
