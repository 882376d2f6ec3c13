//! Why a step of a hold is refused.

use crate::slate::SlateError;
use sotto_mw::{
    amount::Height,
    joint::JointError,
    session::{Role, SessionError},
};

/// Why a step of a hold is refused. The message names the party at fault, if a party is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// This wallet has no such hold.
    #[error("unknown hold: this wallet takes no part in it")]
    Unknown,
    /// The hold is at another stage.
    #[error("the hold is {found}: this step needs it to be {needed}")]
    Stage {
        /// Where it is.
        found: &'static str,
        /// Where it must be.
        needed: &'static str,
    },
    /// The id was used for another hold, or for a payment.
    #[error("the payer reuses the id of an earlier hold or payment: only the first one is accepted")]
    Reused,
    /// The terms are not ones that this chain can carry out.
    #[error("invalid terms of the hold: {0}")]
    Terms(&'static str),
    /// The payer's address did not sign the offer.
    #[error("the payer's signature is invalid: the offer may not come from the address that it names")]
    PayerSignature,
    /// A letter answers another one than this wallet wrote.
    #[error("the {0} answers an altered letter: its hash differs from the one that this wallet wrote")]
    Altered(Role),
    /// A share of the offset does not belong to the keys that were shown.
    #[error("the {0}'s share of an offset does not fit its keys")]
    Offset(Role),
    /// The seller's output does not hold the agreed amount, or says more than that.
    #[error("the responder's output does not commit to the agreed amount under its key and offset")]
    Output,
    /// An output for a start fee that was not offered, or none for one that was.
    #[error(
        "the responder's consent has no output for the start fee of the offer, or one that was not offered"
    )]
    StartFee,
    /// A kernel of an answer has another kind, fee or window than the terms allow.
    #[error("the responder's kernel has another fee or window than the terms of the hold allow")]
    Kernel,
    /// The seller's range proof is invalid.
    #[error("the responder's range proof is invalid")]
    Proof,
    /// The seller's receipt is invalid.
    #[error("the responder's receipt is invalid: it could deny that it was paid")]
    Receipt,
    /// A claim that ends at a height at which it cannot.
    #[error(
        "no claim of this hold can end at height {until}: the latest is {latest}, on the grid of the chain"
    )]
    LastHeight {
        /// The requested height.
        until: Height,
        /// The latest for the next block.
        latest: Height,
    },
    /// A claim with another last height can still be published.
    #[error("this wallet has claimed with the last height {found}, and that claim can still be published")]
    OtherHeight {
        /// Its last height.
        found: Height,
    },
    /// The work could not be done in time.
    #[error("too late to begin: that must be before block {until}, and the next block is {next}")]
    LateToBegin {
        /// The last block.
        until: Height,
        /// The next block.
        next: Height,
    },
    /// It is too late to publish a claim.
    #[error("too late: a claim must be published by height {until}, and the next block is {next}")]
    Late {
        /// The last height at which it is safe to publish.
        until: Height,
        /// The next block.
        next: Height,
    },
    /// This wallet consented to an undoing that can still enter a block.
    #[error(
        "this wallet consented to undo the hold, which can happen up to height {until}: a claim now would give its secret away for nothing"
    )]
    UndoOpen {
        /// The last height, a reorganisation included.
        until: Height,
    },
    /// The locked claim was published.
    #[error("the claim of the hold was published, and can be in a block up to height {until}")]
    ClaimOut {
        /// The last height, a reorganisation included.
        until: Height,
    },
    /// The funding is not deep enough.
    #[error("the funding has {found} of {needed} confirmations")]
    NotBuried {
        /// The confirmations it has.
        found: u64,
        /// Those that the terms ask for.
        needed: u64,
    },
    /// No refund can enter the next block.
    #[error("no refund can enter block {next}: the windows are open from {from} to {until}")]
    NoRung {
        /// The next block.
        next: Height,
        /// The first height of the ladder.
        from: Height,
        /// Its last height.
        until: Height,
    },
    /// The hold has ended.
    #[error("the hold has ended: its output is spent in block {height}")]
    Ended {
        /// The block.
        height: Height,
    },
    /// The register has closed this step on another letter.
    #[error("this installation closed the step on another letter before; open a new hold")]
    Closed,
    /// The secret does not complete the claim.
    #[error("the secret is not that of the point to which the claim is locked")]
    Secret,
    /// A share or a partial signature is invalid.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A part of the joint output is invalid.
    #[error(transparent)]
    Joint(#[from] JointError),
    /// What holds have in common with slates.
    #[error(transparent)]
    Slate(#[from] SlateError),
}
