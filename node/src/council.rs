//! The engines of groups that seal: as the operator of a chain, or as one of its validators. Any t of the n members act,
//! none of whom has the key. Of a group that is a validator, [`VoteSigner`] is the engine; the rest of this page is
//! about [`Council`], that of an operator.
//!
//! ```text
//! Ask: a proposal, and the letter that asks for its seal ─▶ each judges it ─▶ `committed`: nonces
//!   ─▶ `chosen`, by the one who asked, once t agreed ─▶ bind the share (height, header), durably ─▶ `signed`
//!   ─▶ the seal, an ordinary signature under the group's key ─▶ Commit, at every member that judged
//! ```
//!
//! The letters are those of [`sotto_keys::sign`]. A member signs nothing that it has not judged by every rule, at
//! its own tip, and nothing whose time lies ahead of its clock. Its share of a signature leaves only once the
//! [`SealRegister`] has bound it to that header: one header at a height, whatever crashes. A member that is bound
//! asks for the seal of its block again until the height is over, and answers to any other block with its own.
//!
//! Whose turn it is follows from the height (`turns`): the next takes over when one is silent. A member takes
//! part in one round at a time, and leaves it only for one that comes before it in turn. A false share names its
//! member, which is left out until this node is started again; so is one that asks in two ways. One that answers
//! in two ways, or stays silent when it was chosen, is passed over until it is needed, and signs: whoever is asked the
//! same again after a crash gives another answer.
//!
//! Guaranteed: two seals at a height take 2t − n members who break this. Not guaranteed: that a height ends while
//! members are away who are bound: of five with t = 3, two can be bound to one block and two to another, and the
//! fifth decides. No round is begun at two blocks within [`PATIENCE`], so that takes a crash at the wrong moment.

mod asked;
mod engine;
mod message;
mod round;
mod speaker;
mod standing;
mod turns;
mod vote_event;
mod vote_record;
mod voting;

pub use engine::{Council, CouncilSetup};
pub(crate) use message::MAX_SAID;
pub use message::Said;
pub use vote_event::{VoteEffect, VoteEvent, VoteKeeper, VoteSignerSetup};
pub use vote_record::{VoteHeight, VoteRecord, VoteRefusal};
pub use voting::VoteSigner;

use core::time::Duration;
use sotto_keys::{Fault, Index};
use sotto_mw::{amount::Height, hash::Hash, rules::Proposal};
use std::io;

/// For how long a round may take, and how long a member waits for the one before it in turn.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How far the time of a block may lie ahead of a member's clock, in seconds.
const AHEAD: u64 = 60;

/// Where a member's share is bound to a header, durably.
pub trait SealRegister: Send {
    /// Whether the share may seal some block upon a tip with this height and time.
    ///
    /// # Errors
    /// Why not; `WouldBlock` if it only has to wait.
    fn permits_upon(&mut self, tip: Height, time: u64) -> io::Result<()>;

    /// Binds the share, and keeps the proposal, so that it can be shown again after a crash.
    ///
    /// # Errors
    /// Why the share must not leave.
    fn bind(&mut self, height: Height, header: &Hash, proposal: &Proposal) -> io::Result<()>;
}

/// Something that happened in a council, for its operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouncilNote {
    /// A member is at fault, and left out from now on.
    LeftOut {
        /// The member.
        member: Index,
        /// What it did.
        fault: Fault,
    },
    /// A round ended without a seal for another reason.
    Failed(Fault),
    /// A member asked for the seal of a block that breaks a rule.
    BrokenRule {
        /// The member.
        member: Index,
        /// The rule.
        rule: &'static str,
    },
    /// A member asked for the seal of a block whose time lies ahead of our clock.
    FromTheFuture {
        /// The member.
        member: Index,
    },
    /// A round took too long; these members were chosen, and did not sign.
    Silent(Vec<Index>),
    /// Fewer than t members are left.
    TooFew,
    /// Our share was not used.
    NotBound(String),
    /// Our share was repaired, and waits until what the lost one signed is behind the chain.
    Waits(String),
    /// A member asked for a statement as a validator that our share must not support.
    NotVoted {
        /// Who asked, perhaps we.
        by: Index,
        /// Why not.
        why: VoteRefusal,
    },
    /// Another member speaks for the validator.
    OtherSpeaker,
}

impl CouncilNote {
    /// What a register says of a share that may not be used.
    fn not_permitted(why: &io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::WouldBlock => Self::Waits(why.to_string()),
            _ => Self::NotBound(why.to_string()),
        }
    }
}
