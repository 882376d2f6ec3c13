//! All that a node does, for its edges to carry out. What happened before is an [`Event`](crate::event::Event).

use crate::{
    event::Ticket,
    ledger::{LedgerError, fork::ForkError, mempool::conflict::Clash},
    message::{BlockName, Message},
    peer::{Address, Closing, PeerId},
    seal::{DoubleSeal, SealedHeader},
    storage::{StoreError, snapshot_check::PrunedError},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    error::Rejection,
    hash::Hash,
    kernel::Kernel,
    mmr::MmrProof,
    state::Unspent,
    trie::{ChunkProof, TrieProof},
};

/// Something to be done outside.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, from the step to the edge")]
pub enum Effect {
    /// Connect to this address, and prove that the peer there has this key.
    Dial(Address),
    /// Send a message; a peer that takes too long is to be closed.
    Send(PeerId, Message),
    /// Close a connection.
    Close(PeerId, Closing),
    /// Answer a question.
    Answer(Ticket, Box<Answer>),
    /// Keep the address book in place of the one that was kept.
    Keep(Vec<u8>),
    /// Keep these transactions of this machine, which nobody else may have yet, in place of those that were kept, durably. The edge
    /// says next whether it has: [`Event::OwnKept`](crate::event::Event::OwnKept), or
    /// [`Event::OwnUnkept`](crate::event::Event::OwnUnkept). Until then nobody hears of what was handed in, nor that it was.
    KeepOwn(Vec<u8>),
    /// Tell who watches over the node.
    Note(Note),
    /// Stop, gracefully: no step does anything after this.
    Stop,
}

/// The answer to a question.
#[derive(Debug)]
pub enum Answer {
    /// How the node is.
    Status(Status),
    /// Who is connected.
    Peers(Vec<PeerStatus>),
    /// It was taken in and is kept, under this id. Whether it is whispered on or told to all is not said.
    Submitted(Hash),
    /// A block.
    Block(Option<Block>),
    /// Headers and their seals, none for heights that have none: the genesis, and those above the tip.
    Headers(Vec<SealedHeader>),
    /// An unspent output, if it is one, with the proof in the trie under the tip's root.
    Output {
        /// The output.
        unspent: Option<Unspent>,
        /// Of its presence or absence.
        proof: TrieProof,
        /// Whose root it is.
        tip: BlockName,
    },
    /// A kernel, if the chain has one with that excess.
    Kernel(Option<KernelProof>),
    /// All unspent outputs under a prefix.
    Unspent {
        /// The outputs, in the order of their keys.
        unspent: Vec<Unspent>,
        /// That they are all, and in the trie under the tip's root.
        proof: ChunkProof,
        /// Whose root it is.
        tip: BlockName,
    },
    /// What the next block would hold.
    Draft {
        /// Its height.
        height: Height,
        /// Reward and fees.
        due: Amount,
        /// How many transactions.
        transactions: usize,
    },
    /// The block was sealed and is told to all.
    Sealed(BlockName),
    /// It is done. To [`Question::Seal`](crate::event::Question::Seal): it is proposed, and other sealers have a say.
    Done,
    /// It is refused.
    Refused(Refusal),
}

/// A kernel, and the proof that it is in the chain. Of an excess that comes again it is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelProof {
    /// The height of its block.
    pub height: Height,
    /// The kernel.
    pub kernel: Kernel,
    /// Its place among all kernels of the chain.
    pub place: u64,
    /// That it stands there, in the mountain range under the tip's root.
    pub path: MmrProof,
    /// Whose root it is.
    pub tip: BlockName,
}

/// Why a question was answered with no.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// This node does not hold the operator's key.
    #[error("this node holds no operator key: ask the one that does")]
    NoKey,
    /// Nothing was drafted for the block after the tip.
    #[error("no draft stands for the next block: ask for one first")]
    NoDraft,
    /// An answer has a bound.
    #[error("more than {most} outputs stand under that prefix: ask for longer ones")]
    Wide {
        /// Most outputs of an answer.
        most: usize,
    },
    /// A better block than the tip is known, and is on its way: whoever sealed now would seal a height twice.
    #[error("this node does not have block {0} yet, which is sealed: wait until it has")]
    Behind(Height),
    /// What was handed in cannot be kept, so it was not sent.
    #[error(
        "the payment was not sent: the node's folder cannot be written: make room on its disk, and send it again"
    )]
    Unkept,
    /// Too many transactions wait.
    #[error("too many transactions are on their way: try again in a minute")]
    Busy,
}

/// How a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its last block.
    pub tip: BlockName,
    /// The time of that block.
    pub time: u64,
    /// The height of the best block that it has seen sealed.
    pub best: Height,
    /// Unspent outputs.
    pub unspent: u64,
    /// Kernels.
    pub kernels: u64,
    /// Pending transactions, those that everybody knows of.
    pub pending: usize,
    /// Their weight.
    pub pending_weight: u64,
    /// Connections that it opened, and that it took.
    pub connections: (usize, usize),
    /// Addresses it knows of.
    pub addresses: usize,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The connection.
    pub peer: PeerId,
    /// Its address.
    pub address: core::net::SocketAddr,
    /// Its key.
    pub key: crate::peer::PeerKey,
    /// Whether we opened the connection.
    pub outbound: bool,
    /// Its last block, as it has shown.
    pub tip: Option<BlockName>,
}

/// What somebody who watches over a node may want to know. Addresses and transactions are not named.
#[derive(Debug)]
pub enum Note {
    /// A block was connected.
    Connected(BlockName),
    /// A better branch was followed: so many blocks were taken back.
    Reorganised(BlockName, usize),
    /// The node was far behind, and begins with the state after this block.
    Restored(BlockName),
    /// The snapshot of this sealed block breaks a rule.
    BadSnapshot(BlockName, PrunedError),
    /// A snapshot for others could not be written down; the node goes on.
    Unkept(StoreError),
    /// A sealed block breaks a rule.
    BadBlock(BlockName, Rejection),
    /// A branch is not followed, for a reason that needs a person.
    Unfollowed(ForkError),
    /// A height was sealed twice.
    DoubleSeal(Box<DoubleSeal>),
    /// A transaction left the pool.
    Dropped(Rejection),
    /// A whispered transaction could not be told to all.
    Unfluffed(Clash),
    /// A peer was closed.
    Closed(PeerId, Closing),
    /// The pool could not be written down; the node goes on, and tries again.
    Unsaved(StoreError),
    /// The store failed; the node stops.
    Failed(LedgerError),
}
