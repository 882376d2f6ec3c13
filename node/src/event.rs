//! What can happen to a node. The node answers each event with [`Effect`](crate::effect::Effect)s.
//!
//! ```text
//! edges ──Event──▶ Node::step(now, rng, event) ──▶ effects ──▶ edges
//! ```

use crate::{
    consensus::WriteId,
    message::opened::OpenedPlace,
    peer::{Address, DialError, Direction, PeerId, PeerKey},
    work::{Ticket, Verdict},
};
use sotto_audit::OpenedRequest;
use sotto_mw::{
    amount::Height, block::Reward, commitment::Commitment, kernel::Excess, terms::SignedChange,
    transaction::Transaction, trie::Prefix,
};

/// Something that happened outside the node.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time has passed. Send it a few times a second: the node then does everything that is due.
    Tick,
    /// What the file that [`Effect::SaveLocalTxs`](crate::effect::Effect::SaveLocalTxs) writes held when the
    /// node started; nothing, if there was none. Send it once, before all else.
    LocalTxsLoaded(Vec<u8>),
    /// The mempool's file of a damaged store in place of which the ledger is: what it holds was acknowledged.
    MempoolRecovered(Vec<u8>),
    /// This [`Effect::SaveLocalTxs`](crate::effect::Effect::SaveLocalTxs) and all before are on disk, durably.
    LocalTxsSaved(SaveId),
    /// This one could not be written, nor any before that no event has named. The bytes of the last one that was
    /// written may still be there.
    LocalTxsNotSaved(SaveId),
    /// The time of day, in seconds since 1970. A validator learns it with each tick, and when
    /// [`Node::wake_at`](crate::engine::Node::wake_at) has come.
    Clock(u64),
    /// An [`Effect::SaveVotes`](crate::effect::Effect::SaveVotes) is on disk, durably.
    VotesSaved(WriteId),
    /// A person says that the log of this validator's votes is lost for good: it votes again, in rounds above
    /// the file
    /// `votes`.
    ResumeVoting,
    /// Something happened among the members of the group that seals.
    Council(CouncilEvent),
    /// A connection is open, and the peer has proven its key.
    Connected {
        /// The connection.
        peer: PeerId,
        /// The peer's key.
        key: PeerKey,
        /// Which side opened it.
        direction: Direction,
    },
    /// No connection to this address was made.
    DialFailed(Address, DialError),
    /// A connection has closed.
    Disconnected(PeerId),
    /// A message arrived.
    Frame {
        /// The connection it came over.
        peer: PeerId,
        /// The message's bytes.
        bytes: Vec<u8>,
    },
    /// Work of an [`Effect::Verify`](crate::effect::Effect::Verify) is done.
    Verified(Ticket, Verdict),
    /// A program on this machine asks for something. The response carries the same id.
    Request {
        /// The id, which the edge chooses.
        id: RequestId,
        /// What it asks for.
        request: Request,
    },
}

/// The number of an [`Effect::SaveLocalTxs`](crate::effect::Effect::SaveLocalTxs): each is one more than the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaveId(pub u64);

/// What happens among the members of a group that seals.
#[derive(Clone, Debug)]
pub enum CouncilEvent {
    /// A member said this ([`Said`](crate::council::Said)).
    Heard(sotto_keys::Index, Vec<u8>),
    /// A connection to a member is open, or broke.
    Present(sotto_keys::Index, bool),
}

/// The number of a request, as the edge assigns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What programs on this machine ask of a node.
#[derive(Clone, Debug)]
pub enum Request {
    /// The node's status.
    Status,
    /// The connected peers.
    Peers,
    /// Relay a transaction.
    Submit(Box<Transaction>),
    /// Let a change of the terms wait for a block, and relay it.
    SubmitChange(Box<SignedChange>),
    /// The changes of the terms from a height on, and those that wait for a block.
    Terms {
        /// The first height whose block may have changed them.
        first: Height,
        /// At most so many.
        most: u32,
    },
    /// Keep a request that auditors handed out, and give it to peers.
    OpenRequest(Box<OpenedRequest>),
    /// The requests that auditors handed out, after this place.
    Opened(OpenedPlace),
    /// The header, seal and body at a height.
    Block(Height),
    /// Headers and their seals, in order.
    Headers {
        /// From this height on.
        first: Height,
        /// At most so many.
        most: u32,
    },
    /// An unspent output, and the proof that it is unspent or is not.
    Output(Commitment),
    /// The last kernel with this excess, and the proof that it is in the chain.
    Kernel(Excess),
    /// All unspent outputs under a prefix of their keys in the trie, and the proof that they are all: what a
    /// wallet scans.
    Unspent(Prefix),
    /// What the next block would hold, so that a wallet can make its reward.
    Draft,
    /// Seal the block that was drafted last.
    Seal {
        /// Its reward.
        reward: Box<Reward>,
        /// Seconds since 1970.
        time: u64,
    },
    /// Wait until it is this validator's turn to propose a block, and then say what it would hold, so that a
    /// wallet can make its reward. [`Request::Seal`] proposes it; its time is the engine's.
    AwaitTurn,
    /// Dial this address from now on.
    Connect(Address),
    /// Save everything, then stop.
    Stop,
}
