//! What a node wants done, for its edges to carry out. What happened before is an
//! [`Event`](crate::event::Event).

use crate::{
    consensus::{Activity, Evidence, Note, Place, WriteId},
    council::CouncilNote,
    event::{RequestId, SaveId},
    ledger::{
        LedgerError, fork::ForkError, mempool::conflict::Conflict, opened::OpenedAt, opening::OpenRefused,
        pending_changes::ChangeRefused,
    },
    message::{BlockName, Message},
    peer::{Address, CloseReason, DialFailure, PeerId, PeerKey},
    seal::{DoubleSeal, SealedHeader},
    sealing::TooEarly,
    storage::{StoreError, snapshot_check::PrunedError},
    work::{Ticket, Work},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    error::Rejection,
    hash::Hash,
    history::TermsChange,
    kernel::Kernel,
    mmr::MmrProof,
    schnorr::PublicKey,
    state::Unspent,
    terms::SignedChange,
    trie::{ChunkProof, TrieProof},
};

/// Something to do outside the node.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, from the step to the edge")]
pub enum Effect {
    /// Connect to this address, and check that the peer there has this key.
    Dial(Address),
    /// Send a message. Close the connection if the peer takes too long to read it.
    Send(PeerId, Message),
    /// Close a connection.
    Close(PeerId, CloseReason),
    /// Respond to a request.
    Respond(RequestId, Box<Response>),
    /// Save the address book, in place of the one that was saved.
    SaveAddrBook(Vec<u8>),
    /// Write to the file of transactions that were submitted here and may be unknown to all others, durably.
    /// Then report the outcome, now or later:
    /// [`Event::LocalTxsSaved`](crate::event::Event::LocalTxsSaved) or
    /// [`Event::LocalTxsNotSaved`](crate::event::Event::LocalTxsNotSaved). Until then the node neither relays
    /// nor acknowledges what was submitted. Saves are carried out in their order, any number of them at once
    /// ([`FileWrite::then`]). After one that failed, those that append fail too, until one replaces the file.
    SaveLocalTxs(SaveId, FileWrite),
    /// Cut the validator's log off at this length, append to it durably, then replace the file `votes`,
    /// durably. Then say [`Event::VotesSaved`](crate::event::Event::VotesSaved), as the next event. If it
    /// cannot be done, say nothing: the validator does not vote then.
    SaveVotes {
        /// Which.
        id: WriteId,
        /// Where the log ends before.
        log_at: u64,
        /// What is appended to it.
        log: Vec<u8>,
        /// The file `votes`.
        votes: Vec<u8>,
        /// The file `accounts`, if it changed: replaced after `votes`, durably.
        accounts: Option<Vec<u8>>,
    },
    /// Send this to all other members of the group that seals.
    TellCouncil(Vec<u8>),
    /// Keep these bytes, the damaged file of submitted transactions, for inspection.
    SetAsideLocalTxs(Vec<u8>),
    /// Do this work, anywhere and at any time, and pass its verdict in:
    /// [`Event::Verified`](crate::event::Event::Verified). At most sixteen are under way at a time.
    Verify(Ticket, Work),
    /// Report this to the operator.
    Log(LogEvent),
    /// Stop: no later step does anything.
    Stop,
}

/// A change of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileWrite {
    /// These bytes in place of the file, whole or not at all.
    Replace(Vec<u8>),
    /// These bytes at this offset, where the file ends. A crash may leave a part of them.
    Append {
        /// The offset.
        at: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl FileWrite {
    /// This change and the next one as one change. `None`: the next one does not begin where this one ends.
    #[must_use]
    pub fn then(self, next: Self) -> Option<Self> {
        match (self, next) {
            (_, replace @ Self::Replace(_)) => Some(replace),
            (Self::Replace(mut file), Self::Append { at, bytes }) => {
                let follows = at == file.len() as u64;
                file.extend(bytes);
                follows.then_some(Self::Replace(file))
            }
            (Self::Append { at: first, bytes: mut all }, Self::Append { at, bytes }) => {
                let follows = at == first + all.len() as u64;
                all.extend(bytes);
                follows.then_some(Self::Append { at: first, bytes: all })
            }
        }
    }

    /// Makes the change to a file in memory.
    pub fn apply(self, file: &mut Vec<u8>) {
        match self {
            Self::Replace(bytes) => *file = bytes,
            Self::Append { at, bytes } => {
                file.truncate(usize::try_from(at).unwrap_or(usize::MAX));
                file.extend(bytes);
            }
        }
    }
}

/// The response to a request.
#[derive(Debug)]
pub enum Response {
    /// The node's status.
    Status(Status),
    /// The connected peers.
    Peers(Vec<PeerStatus>),
    /// The transaction was accepted and saved, under this id. The response does not tell whether it was
    /// stemmed or fluffed.
    Submitted(Hash),
    /// A block.
    Block(Option<Block>),
    /// Headers and their seals. The genesis and heights above the tip have none.
    Headers(Vec<SealedHeader>),
    /// An unspent output, if it is one, with the proof in the trie under the tip's root.
    Output {
        /// The output.
        unspent: Option<Unspent>,
        /// The proof that it is unspent, or that it is not.
        proof: TrieProof,
        /// The block whose root the proof leads to.
        tip: BlockName,
    },
    /// A kernel, if the chain has one with that excess.
    Kernel(Option<KernelProof>),
    /// All unspent outputs under a prefix.
    Unspent {
        /// The outputs, in the order of their keys.
        unspent: Vec<Unspent>,
        /// The proof that they are all, and in the trie under the tip's root.
        proof: ChunkProof,
        /// The block whose root the proof leads to.
        tip: BlockName,
    },
    /// Where the terms change, and what waits.
    Terms {
        /// The headers at which they change, each with the terms of the next height.
        changes: Vec<TermsChange>,
        /// The changes that wait for a block.
        pending: Vec<SignedChange>,
    },
    /// Requests that auditors handed out.
    Opened(Vec<OpenedAt>),
    /// What the next block would hold.
    Draft {
        /// Its height.
        height: Height,
        /// Reward and fees.
        due: Amount,
        /// How many transactions.
        transactions: usize,
    },
    /// The block was sealed, and is being announced to peers.
    Sealed(BlockName),
    /// Done. In response to [`Request::Seal`](crate::event::Request::Seal): the block is proposed, and other
    /// sealers vote on it.
    Done,
    /// Refused.
    Refused(Refusal),
}

/// A kernel, and the proof that it is in the chain. Of an excess that occurs more than once, it is the last.
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

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// This node does not hold the operator's key.
    #[error("this node holds no operator key: ask the one that does")]
    NoKey,
    /// Another member of the group proposes first.
    #[error("another member of the group that seals proposes first, or a block is being sealed")]
    NotOurTurn,
    /// This node is not a validator.
    #[error("this node is not a validator: it has no vote key")]
    NoVoteKey,
    /// The change of the terms may not wait for a block.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
    /// The request of auditors is not kept.
    #[error(transparent)]
    Request(#[from] OpenRefused),
    /// There is no draft for the block after the tip.
    #[error("there is no draft for the next block: ask for one first")]
    NoDraft,
    /// A response holds a bounded number of outputs.
    #[error("more than {most} outputs are under that prefix: ask for longer prefixes")]
    TooMany {
        /// Most outputs in a response.
        most: usize,
    },
    /// The pace of the chain does not allow the next block yet.
    #[error(transparent)]
    TooEarly(#[from] TooEarly),
    /// A better block than the tip is known and is being fetched: sealing now would seal a height twice.
    #[error("this node is still fetching sealed block {0}: wait until it has it")]
    Behind(Height),
    /// The transaction could not be saved, so it was not sent.
    #[error("cannot save the payment, so it was not sent: make room on the node's disk and send it again")]
    NotSaved,
    /// As many submitted transactions are held as one file may.
    #[error(
        "this node holds {most} bytes of payments that no block has, its limit: wait for a block, or hand the payment to another node"
    )]
    LocalTxsFull {
        /// Most bytes.
        most: u64,
    },
    /// Too many transactions wait.
    #[error("too many transactions are waiting: try again in a minute")]
    Busy,
}

/// The status of a node.
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
    /// Transactions in the mempool.
    pub pending: usize,
    /// Their weight.
    pub pending_weight: u64,
    /// Connections that it opened, and that it took.
    pub connections: (usize, usize),
    /// Addresses it knows of.
    pub addresses: usize,
    /// Its key.
    pub key: PeerKey,
    /// Where it accepts connections, if it does.
    pub listen: Option<core::net::SocketAddr>,
    /// Transactions in the stem phase: known to this node and not public.
    pub stems: usize,
    /// The addresses that could not be connected lately.
    pub dial_failures: Vec<DialFailure>,
    /// The first height under rules that this program does not know, if one is announced: it stops before.
    pub unknown_rules: Option<Height>,
    /// What its own validator does, if it votes.
    pub validator: Option<ValidatorStatus>,
    /// How many validators said two things, counted once a height, and the last of them.
    pub evidence: Option<(usize, EvidenceStatus)>,
    /// The highest checkpoint, if there is one, and the block that a peer showed last in place of one.
    pub checkpoint: Option<(BlockName, Option<BlockName>)>,
}

/// A validator that said two things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceStatus {
    /// Its vote key.
    pub vote_key: PublicKey,
    /// Its name, if its height's validators are known.
    pub name: Option<String>,
    /// Where.
    pub place: Place,
}

/// The status of a validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorStatus {
    /// What it is doing.
    pub activity: Activity,
    /// The names of the validators that it has no connection with.
    pub missing: Vec<String>,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The connection.
    pub peer: PeerId,
    /// Its address.
    pub address: core::net::SocketAddr,
    /// Its key.
    pub key: PeerKey,
    /// Whether we opened the connection.
    pub outbound: bool,
    /// Its last block, as its sealed header shows.
    pub tip: Option<BlockName>,
}

/// Something that the operator of a node may want to know. No address and no transaction is named.
#[derive(Debug)]
pub enum LogEvent {
    /// A block was connected.
    Connected(BlockName),
    /// A block was connected while later ones were still being fetched.
    Fetched(BlockName),
    /// How far a node that is behind has come: its tip, and the best block it knows of.
    Progress {
        /// The tip's height.
        at: Height,
        /// The best block's height.
        best: Height,
        /// Parts of a snapshot that are here, and how many there are.
        parts: Option<(usize, usize)>,
    },
    /// No peer that was asked has this block any more, and none offers a snapshot.
    NoBodies(BlockName),
    /// An address could not be connected, for another reason than the time before.
    DialFailed(DialFailure),
    /// The file of submitted transactions was damaged; so many could be read.
    LocalTxsDamaged(usize),
    /// The chain moved to a better branch, and so many blocks were undone.
    Reorganised(BlockName, usize),
    /// The node was far behind, and now starts from the state after this block.
    SnapshotInstalled(BlockName),
    /// The snapshot of this sealed block breaks a rule.
    InvalidSnapshot(BlockName, PrunedError),
    /// A snapshot for others could not be written; the node continues.
    SnapshotNotSaved(StoreError),
    /// A sealed block breaks a rule.
    InvalidBlock(BlockName, Rejection),
    /// A branch was not followed, for a reason that needs a person.
    BranchRejected(ForkError),
    /// A height was sealed twice.
    DoubleSeal(Box<DoubleSeal>),
    /// A validator signed two things at one position.
    Equivocation(Box<Evidence>),
    /// What this node's own validator does.
    Consensus(Note),
    /// What happened in the council that this node is a member of.
    Council(CouncilNote),
    /// A peer's chain has this block at the height of a checkpoint, which is another.
    OtherCheckpoint(BlockName),
    /// The file of evidence against validators was damaged, and is set aside.
    EvidenceDamaged,
    /// The file of auditors' requests was damaged, and is set aside.
    RequestsDamaged,
    /// A request of auditors became public.
    RequestOpened {
        /// The height of its notice.
        height: Height,
        /// How many outputs it names.
        outputs: usize,
    },
    /// A transaction was dropped from the mempool.
    Dropped(Rejection),
    /// A stemmed transaction could not be fluffed.
    NotFluffed(Conflict),
    /// A connection was closed.
    Closed(PeerId, CloseReason),
    /// The mempool could not be written; the node continues, and tries again.
    MempoolNotSaved(StoreError),
    /// The store failed; the node stops.
    Failed(LedgerError),
}
