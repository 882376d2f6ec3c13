//! Why a group does not do something.

use crate::slate::SlateError;
use sotto_keys::{Fault, pool::PoolKey};
use sotto_mw::{amount::Amount, codec::DecodeError, output::ProveError, session::SessionError};

/// Why a group does not do something. A fault names the member that lied, if one did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The group is for something else, or too large to have a pool.
    #[error(
        "only a group for `coin` with at most 64 sets of members owns outputs, such as 2 of 3, 3 of 5 or 4 of 7"
    )]
    NoPool,
    /// The group is of another chain.
    #[error("the group was made for another chain")]
    OtherChain,
    /// The group has other keys.
    #[error("this is another group than the one of the wallet: its keys are others")]
    OtherGroup,
    /// A letter is at fault, or the installation refuses.
    #[error(transparent)]
    Keys(#[from] Fault),
    /// The slate of the other side is refused.
    #[error(transparent)]
    Slate(#[from] SlateError),
    /// What a member asks for cannot be read.
    #[error("the member's request cannot be read: {0}")]
    Request(#[from] DecodeError),
    /// A plan that does something else than its request says.
    #[error("the plan does not do what its request says")]
    OtherPlan,
    /// A key of the plan is in use.
    #[error("key {0} of the pool was used before")]
    KeyUsed(PoolKey),
    /// An input is not an unspent output of the group.
    #[error("the request spends key {0}, which is not the key of an unspent output of this group")]
    Input(PoolKey),
    /// The inputs do not pay for the invoice and its fee, or the fee does not pay for the inputs.
    #[error("the inputs do not match the amount and the fee of the invoice")]
    Balance,
    /// The invoice names a payer, whose address would have to sign.
    #[error("the invoice names its payer: a group pays an invoice that names none")]
    NamedPayer,
    /// Another plan pays the same invoice, and both could be made.
    #[error(
        "another plan pays this invoice, and spends none of the same outputs that are still there: both could be made"
    )]
    PaidTwice,
    /// Fewer members than must act together.
    #[error("{given} members are named, and {needed} must act together")]
    TooFew {
        /// How many are named.
        given: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The money does not suffice.
    #[error("the group has {spendable} base units to spend, and needs {needed}")]
    Insufficient {
        /// What it has.
        spendable: Amount,
        /// What it needs.
        needed: Amount,
    },
    /// The pool is empty.
    #[error("these members have no two fresh keys left: make a new group and pay the money to it")]
    Empty,
    /// The other side's share and that of the group do not make a session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The members' answers do not complete the range proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
}
