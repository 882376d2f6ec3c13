//! Why a payment cannot be planned.

use crate::{outputs::Balance, slate::InvoiceRequest};
use sotto_mw::{amount::Amount, chain::Network, group::PointBytes};

/// Why a payment cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoinSelectionError {
    /// An amount is zero, or no recipient is named.
    #[error("nothing to pay: an amount is zero, or no recipient is named")]
    Zero,
    /// The sum of amounts and fee overflows.
    #[error("the sum of amounts and fee exceeds 64 bits")]
    Overflow,
    /// The account has too little.
    #[error(
        "insufficient funds: {needed} base units needed (amounts and fee), {} spendable; {} not matured, {} locked by open payments, {} frozen",
        balance.spendable, balance.immature, balance.locked, balance.frozen
    )]
    Insufficient {
        /// Amounts and least fee.
        needed: Amount,
        /// The balance of the account.
        balance: Balance,
    },
    /// An output that was chosen cannot be spent.
    #[error(
        "output {output} is not a free output of this account: it is unknown, spent, locked, frozen, or has not matured"
    )]
    NotFree {
        /// The commitment of the output.
        output: PointBytes,
    },
    /// Outputs of different integrity levels would be spent together.
    #[error(
        "this would spend outputs of different integrity levels together, which this wallet does not allow"
    )]
    MixedLevels,
    /// The payment needs more inputs than a transaction can hold.
    #[error("the payment needs more inputs than one transaction can hold; pay in several parts")]
    TooHeavy,
    /// The address of a recipient belongs to another network.
    #[error("the address belongs to the {found} network: expected the {expected} network of this wallet")]
    Network {
        /// The network of the address.
        found: Network,
        /// The network of the wallet.
        expected: Network,
    },
    /// An invoice requests a fee for no inputs, or for too many.
    #[error("invalid number of inputs {found}: expected 1 to {}", InvoiceRequest::MAX_INPUTS)]
    Inputs {
        /// The requested number.
        found: u32,
    },
    /// The fee of an invoice pays for fewer inputs than are needed.
    #[error(
        "the invoice's fee of {fee} is too low for the {inputs} outputs that would be spent; ask for an invoice for \
         {inputs} inputs, or consolidate outputs first"
    )]
    FeeTooLow {
        /// The fee of the invoice.
        fee: Amount,
        /// The number of outputs needed.
        inputs: usize,
    },
    /// There are fewer than two outputs to consolidate.
    #[error("nothing to consolidate: fewer than two free outputs are worth more than the fee to spend them")]
    NothingToMerge,
    /// The fee consumes the whole amount.
    #[error("the amount to move does not exceed the fee of {fee}")]
    NotWorth {
        /// The fee.
        fee: Amount,
    },
    /// A recipient has to respond, so the payment begins with invites.
    #[error("a recipient of this payment has to respond: it begins with invites")]
    NeedsResponse,
    /// No recipient has to respond, so there is nothing to invite to.
    #[error("no recipient of this payment has to respond: it is complete at once")]
    NeedsNoResponse,
    /// The wallet has changed since the plan was made.
    #[error("an output of this plan is no longer free; plan again")]
    Stale,
}
