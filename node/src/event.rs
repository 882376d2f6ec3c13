//! All that can happen to a node. What it does about it is an [`Effect`](crate::effect::Effect).
//!
//! ```text
//! edges ──Event──▶ Node::step(now, rng, event) ──▶ effects ──▶ edges
//! ```

use crate::peer::{Address, Direction, PeerId, PeerKey};
use sotto_mw::{
    amount::Height,
    commitment::Commitment,
    kernel::{Excess, Kernel},
    output::Output,
    transaction::Transaction,
    trie::Prefix,
};

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time has passed. Should come a few times a second: all that is due is done then.
    Tick,
    /// What [`Effect::KeepOwn`](crate::effect::Effect::KeepOwn) kept last, once, when the node starts.
    Kept(Vec<u8>),
    /// What the last [`Effect::KeepOwn`](crate::effect::Effect::KeepOwn) was to keep is kept, durably.
    OwnKept,
    /// It could not be kept. What was kept before still may be.
    OwnUnkept,
    /// A connection stands, and the peer has proven its key.
    Connected {
        /// The connection.
        peer: PeerId,
        /// The key.
        key: PeerKey,
        /// Who opened it.
        direction: Direction,
    },
    /// Nobody with that key answers there.
    Unreachable(Address),
    /// A connection has ended.
    Gone(PeerId),
    /// A peer said something.
    Frame {
        /// Who.
        peer: PeerId,
        /// A message's bytes.
        bytes: Vec<u8>,
    },
    /// Somebody on this machine asks something; the answer carries the ticket.
    Asked {
        /// Which question is answered.
        ticket: Ticket,
        /// What is asked.
        question: Question,
    },
}

/// The number of a question, as the edge gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What programs on this machine ask of a node.
#[derive(Clone, Debug)]
pub enum Question {
    /// How it is.
    Status,
    /// Who is connected.
    Peers,
    /// To send a transaction on.
    Submit(Box<Transaction>),
    /// For the header, seal and body at a height.
    Block(Height),
    /// For headers and seals, in order.
    Headers {
        /// From this height on.
        first: Height,
        /// At most so many.
        most: u32,
    },
    /// For an unspent output and the proof that it is there, or is not.
    Output(Commitment),
    /// For the last kernel with this excess, and the proof that it is in the chain.
    Kernel(Excess),
    /// For all unspent outputs under a prefix of their keys in the trie, and the proof that they are all: what a wallet scans.
    Unspent(Prefix),
    /// For what the next block would hold, so that a wallet can make its reward.
    Draft,
    /// To seal the block that was drafted last.
    Seal {
        /// Its reward.
        reward: Box<(Output, Kernel)>,
        /// Seconds since 1970.
        time: u64,
    },
    /// To say how peers are reached from now on.
    Connect(Address),
    /// To write down what is to be kept, and to do nothing more.
    Stop,
}
