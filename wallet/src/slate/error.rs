//! Why a slate is refused.

use sotto_mw::{
    amount::{Amount, Height},
    error::Rejection,
    group::PointBytes,
    output::ProveError,
    session::SessionError,
};

/// Why a slate was refused; where a party is at fault, it is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlateError {
    /// The invite's kernel is not a plain one.
    #[error("the inviter proposes a kernel of a kind that pays nobody")]
    KernelKind,
    /// Nothing is paid, or amount and fee exceed everything there will be.
    #[error("the inviter's amount is zero, or with its fee exceeds all there will be at the last height")]
    AmountRange,
    /// No block would take the payment.
    #[error("the inviter's fee of {fee} is below the least fee of {least}: no block would take the payment")]
    FeeTooLow {
        /// The fee proposed.
        fee: Amount,
        /// The least fee of any payment.
        least: Amount,
    },
    /// More than any payment of that kind needs.
    #[error("the inviter's fee of {fee} is above the {most} that a payment with many inputs needs")]
    FeeTooHigh {
        /// The fee asked for.
        fee: Amount,
        /// The most that is paid.
        most: Amount,
    },
    /// The last height is past.
    #[error(
        "the invite can enter a block until height {not_after}, and the next one is {next}; make a new invite"
    )]
    Expired {
        /// The invite's last height.
        not_after: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The first height is far ahead.
    #[error(
        "the inviter's payment can enter no block before height {not_before}, and the next one is {next}"
    )]
    TooEarly {
        /// The invite's first height.
        not_before: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The last height is off the chain's grid.
    #[error(
        "the inviter's last height {not_after} is not a multiple of {grid}: no block would take the payment"
    )]
    OffGrid {
        /// The invite's last height.
        not_after: Height,
        /// The chain's grid, in blocks.
        grid: u64,
    },
    /// The invite is for somebody else.
    #[error("the invite is for another address than this account's")]
    NotForUs,
    /// An address of the invite is not on this network.
    #[error("the inviter's address belongs to another network")]
    InviterNetwork,
    /// The session was used for another invite.
    #[error("the inviter uses one session for two invites; the first was answered, this one is refused")]
    SessionReused,
    /// No invite of this wallet belongs to it.
    #[error("this wallet made no invite that the response could belong to")]
    UnknownSession,
    /// The receiver saw another invite.
    #[error("the responder answers an invite that differs from the one made here: it was altered on its way")]
    InviteAltered,
    /// Another response was accepted.
    #[error("the responder answers twice: another response was accepted before, and no second one ever is")]
    AnsweredTwice,
    /// The invite was cancelled.
    #[error("the invite was cancelled; make a new one")]
    Cancelled,
    /// Too late to cancel for free.
    #[error(
        "what was signed has left; it can come true until height {until} (its last height and the reorganisation limit)"
    )]
    HasLeft {
        /// From the height after this one on it cannot come true.
        until: Height,
    },
    /// Too late to cancel at all.
    #[error("the payment is in block {height}: it cannot be undone")]
    Confirmed {
        /// Which.
        height: Height,
    },
    /// A copy cannot know whether it is too late.
    #[error(
        "this is a copy of the wallet that made the invite: that one may have signed, and the payment can come true \
         until height {until}; after it the outputs are free"
    )]
    MayHaveLeft {
        /// From the height after this one on it cannot come true.
        until: Height,
    },
    /// Nothing more to end.
    #[error("this payment is over, or is being ended already")]
    Over,
    /// The session's shares or partial signatures are wrong.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Somebody else answered.
    #[error("the responder is not the address that was invited")]
    ResponderAddress,
    /// The receiver's output is not what was agreed.
    #[error("the responder's output is not the agreed amount under its key and offset")]
    ResponderOutput,
    /// The output is another recipient's too.
    #[error("the responder's output is that of another recipient of the same payment")]
    OutputTwice,
    /// The receiver's range proof does not hold.
    #[error("the responder's range proof does not hold")]
    ResponderProof,
    /// The receiver's proof of payment does not hold.
    #[error("the responder's proof of payment does not hold")]
    ResponderReceipt,
    /// The invoice's output is not what it asks for.
    #[error("the inviter's output is not the amount that it asks for, under its key and offset")]
    InvoiceOutput,
    /// The invoice's range proof does not hold.
    #[error("the inviter's range proof does not hold")]
    InvoiceProof,
    /// The invoice's receipt does not hold.
    #[error("the inviter's proof of payment does not hold: it could deny that it was paid")]
    InvoiceReceipt,
    /// A wallet file that does not know it has paid.
    #[error(
        "this installation has signed a payment of this invoice before, which this wallet file does not know; ask for a \
         new invoice"
    )]
    PaidBefore,
    /// The payer's change is not a plain output.
    #[error("the responder's change is not a plain output")]
    PayerChange,
    /// What the payer added does not make a payment.
    #[error("the responder's inputs, change and offset do not make the payment that was asked for: {0}")]
    PayerPart(Rejection),
    /// Encrypted to somebody else.
    #[error("it is encrypted to another address than those of this wallet, or it was altered on its way")]
    NotOurs,
    /// The nonces were sealed by another installation.
    #[error("this invite was made by another installation of the wallet: a copy cannot finish it")]
    ForeignInstallation,
    /// An input is not ours to spend any more.
    #[error("input {output} was spent elsewhere meanwhile; cancel and make a new invite")]
    InputGone {
        /// Which.
        output: PointBytes,
    },
    /// The finished transaction breaks a rule.
    #[error("the finished payment would break a rule: {0}")]
    Rules(#[from] Rejection),
    /// One's own proof could not be made.
    #[error(transparent)]
    Prove(#[from] ProveError),
}
