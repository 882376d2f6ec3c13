//! What goes into a [`VoteSigner`](super::VoteSigner) and what comes out.

use super::{Said, VoteRecord};
use crate::consensus::{Ballot, GroupAnswer, Statement, Tip};
use sotto_keys::{Group, Index, Share};
use sotto_mw::{amount::Height, hash::Hash};
use sotto_party::Identity;
use std::{io, sync::Arc};

/// Where a member keeps what its share says, durably.
pub trait VoteKeeper: Send {
    /// Whether the share may say something upon a tip with this height and time.
    ///
    /// # Errors
    /// Why not; `WouldBlock` if it only has to wait.
    fn permits_upon(&mut self, tip: Height, time: u64) -> io::Result<()>;

    /// Keeps the record, durably, before the share leaves.
    ///
    /// # Errors
    /// Why the share must not leave.
    fn keep(&mut self, record: &VoteRecord) -> io::Result<()>;
}

/// What makes a node a member of a group that votes.
pub struct VoteSignerSetup {
    /// Who this member is.
    pub identity: Identity,
    /// The group.
    pub group: Group,
    /// This member's share.
    pub share: Share,
    /// What the share said so far.
    pub record: VoteRecord,
    /// Where the record is kept.
    pub keeper: Box<dyn VoteKeeper>,
}

/// What can happen to a member.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, into the engine")]
pub enum VoteEvent {
    /// The tip of this node's ledger.
    Tip(Tip),
    /// This node's consensus engine wants to say this. It takes the place of what was asked for before.
    Ask(Ballot),
    /// Another member said this.
    Heard(Said),
    /// The answer to [`VoteEffect::Judge`].
    Judged {
        /// Who asked.
        by: Index,
        /// The header's hash.
        value: Hash,
        /// The block's time, if it is the one of that header and breaks no rule.
        time: Option<u64>,
    },
    /// Time has passed.
    Tick,
}

/// What a member wants done.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, to whoever performs it")]
pub enum VoteEffect {
    /// Send this to all other members.
    Tell(Said),
    /// Judge this block at the tip.
    Judge {
        /// Who asks.
        by: Index,
        /// The hash of its header.
        value: Hash,
        /// The block.
        block: Arc<[u8]>,
    },
    /// What became of what our consensus engine asked for.
    Answer(Statement, GroupAnswer),
}
