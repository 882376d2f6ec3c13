//! Why a slate is refused.

use sotto_mw::{
    amount::{Amount, Height},
    codec::DecodeError,
    error::Rejection,
    group::PointBytes,
    output::ProveError,
    session::SessionError,
};

/// Why a slate is refused. The message names the party at fault, if a party is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlateError {
    /// The kernel of the invite is not plain.
    #[error("the inviter proposes a kernel of the wrong kind: expected a plain kernel")]
    KernelKind,
    /// The amount is zero, or amount and fee exceed the supply.
    #[error("the inviter's amount is zero, or amount and fee exceed the supply at the last height")]
    AmountRange,
    /// No block would accept the fee.
    #[error("the inviter's fee is too low: {fee} base units are below the least fee of {least}")]
    FeeTooLow {
        /// The proposed fee.
        fee: Amount,
        /// The least fee of a payment.
        least: Amount,
    },
    /// The fee is higher than any payment of this kind needs.
    #[error(
        "the inviter's fee is too high: {fee} base units are above the {most} that a payment with many inputs needs"
    )]
    FeeTooHigh {
        /// The proposed fee.
        fee: Amount,
        /// The highest fee that this wallet pays.
        most: Amount,
    },
    /// The last height has passed.
    #[error("the slate expired at height {not_after}: the next block is {next}; make a new one")]
    Expired {
        /// The last height of the slate.
        not_after: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The first height is too far ahead.
    #[error(
        "the inviter's payment cannot enter a block before height {not_before}: the next block is {next}"
    )]
    TooEarly {
        /// The first height of the slate.
        not_before: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The last height is not on the grid of the chain.
    #[error("the inviter's last height {not_after} is not a multiple of {grid}")]
    OffGrid {
        /// The last height of the slate.
        not_after: Height,
        /// The grid of the chain, in blocks.
        grid: u64,
    },
    /// The slate names another address.
    #[error("the slate is for another address than that of this account")]
    NotForUs,
    /// An address in the slate belongs to another network.
    #[error("the inviter's address belongs to another network")]
    InviterNetwork,
    /// The payer's address did not sign the invite.
    #[error(
        "the inviter's signature is missing or invalid: the invite may not come from the address that it names"
    )]
    InviterSignature,
    /// The session was already used for another slate.
    #[error("the inviter reuses the session of an earlier slate: only the first one is accepted")]
    SessionReused,
    /// The session does not belong to this wallet.
    #[error("unknown session: this wallet began no payment with it")]
    UnknownSession,
    /// The responder answers another invite than this wallet made.
    #[error("the responder answers an altered slate: its hash differs from the one that this wallet made")]
    InviteAltered,
    /// This wallet has not answered the payment, so there is nothing to dismiss.
    #[error("this wallet did not answer a payment in that session: cancel what it began itself")]
    NotAnswered,
    /// Another response was accepted before.
    #[error("the responder answered twice: this wallet accepted another response before")]
    AnsweredTwice,
    /// The session was cancelled.
    #[error("the payment was cancelled; make a new one")]
    Cancelled,
    /// The recipient is paid one-sidedly, in one transaction with others who have not responded.
    #[error("this recipient is paid together with others: the payment ends when their invites are cancelled")]
    PaidWithInvites,
    /// The record of an output that would be spent is damaged.
    #[error("the wallet's record of an output is damaged: {0}; restore the wallet from its words")]
    Record(DecodeError),
    /// This wallet is paid: only the payer can end the payment.
    #[error(
        "this wallet has answered, and only the payer can end the payment: it can confirm until height {until}"
    )]
    Answered {
        /// The last height at which it can confirm: its last height plus the reorganisation limit.
        until: Height,
    },
    /// It is too late to cancel for free.
    #[error("the signed payment has left this wallet: it can confirm until height {until}")]
    HasLeft {
        /// The last height at which it can confirm: its last height plus the reorganisation limit.
        until: Height,
    },
    /// The payment is in a block.
    #[error("the payment is confirmed in block {height}: it cannot be undone")]
    Confirmed {
        /// The height of the block.
        height: Height,
    },
    /// A copy of the wallet cannot know whether the original has signed.
    #[error(
        "this is a copy of the wallet that began the payment: the original may have signed, and the payment can \
         confirm until height {until}; after that the outputs are free"
    )]
    MayHaveLeft {
        /// The last height at which it can confirm: its last height plus the reorganisation limit.
        until: Height,
    },
    /// The payment has ended, or a self-spend that ends it is waiting.
    #[error("the payment has ended, or is being ended already")]
    Over,
    /// A share or a partial signature is invalid.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The responder is not the invited address.
    #[error("the responder is not the address that was invited")]
    ResponderAddress,
    /// The receiver's output does not match the invite.
    #[error("the responder's output does not commit to the agreed amount under its key and offset")]
    ResponderOutput,
    /// Two receivers of one payment use the same output.
    #[error("the responder's output is also the output of another recipient of the same payment")]
    OutputTwice,
    /// The receiver's range proof is invalid.
    #[error("the responder's range proof is invalid")]
    ResponderProof,
    /// The receiver's receipt is invalid.
    #[error("the responder's receipt is invalid")]
    ResponderReceipt,
    /// The output of the invoice does not match its amount.
    #[error("the inviter's output does not commit to the amount of the invoice under its key and offset")]
    InvoiceOutput,
    /// The range proof of the invoice is invalid.
    #[error("the inviter's range proof is invalid")]
    InvoiceProof,
    /// The receipt of the invoice is invalid.
    #[error("the inviter's receipt is invalid: it could deny that it was paid")]
    InvoiceReceipt,
    /// This installation paid the invoice, and the wallet file does not contain the payment.
    #[error(
        "this installation signed a payment of this invoice before, which is not in this wallet file; ask for a new \
         invoice"
    )]
    PaidBefore,
    /// The payer's change is not a plain output.
    #[error("the responder's change is not a plain output")]
    PayerChange,
    /// The payer's own kernel is not of the kind, or does not expire when the invoice does.
    #[error(
        "the responder's own kernel is not bonded until the last block of the invoice; the invoice stays open"
    )]
    PayerKernel,
    /// The payer that the invoice names did not sign the payment, or it names none and someone did.
    #[error(
        "the responder's signature is missing or invalid: the payment may not come from the payer that the invoice \
         names; the invoice stays open"
    )]
    PayerSignature,
    /// An input of the payer is not an unspent output of the chain.
    #[error(
        "the responder's input {output} is not an output that block {next} can spend; the invoice stays open"
    )]
    PayerInput {
        /// The commitment of the input.
        output: PointBytes,
        /// The height of the next block.
        next: Height,
    },
    /// The chain has the payer's change or kernel already, and never takes either twice.
    #[error("the responder's change or kernel is in the chain already; the invoice stays open")]
    PayerRepeats,
    /// The payer's inputs, change and offset do not balance.
    #[error("the responder's inputs, change and offset do not make a valid payment: {0}")]
    PayerPart(Rejection),
    /// The message is encrypted to another address.
    #[error(
        "cannot decrypt the message: it is for another address than those of this wallet, or it was altered"
    )]
    NotOurs,
    /// Another installation encrypted the nonces.
    #[error("another installation of the wallet made this slate: a copy cannot finish it")]
    ForeignInstallation,
    /// An input of the payment was spent elsewhere.
    #[error("input {output} was spent elsewhere; cancel the payment and make a new one")]
    InputGone {
        /// The commitment of the input.
        output: PointBytes,
    },
    /// The finished transaction breaks a consensus rule.
    #[error("the finished payment breaks a rule: {0}")]
    Rules(#[from] Rejection),
    /// A range proof of this wallet could not be created.
    #[error(transparent)]
    Prove(#[from] ProveError),
}
