//! What goes into the engine and what comes out. The head of [`consensus`](super) says in which order.

use super::{
    accounts::Accounts,
    ballot::Statement,
    evidence::{DoubleCertificate, Evidence},
    guard::{Position, Votes},
    message::Message,
};
use core::{fmt, time::Duration};
use rand_core::CryptoRngCore;
use sotto_mw::{
    amount::Height,
    chain::Chain,
    hash::Hash,
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
    validators::{LinkKey, ValidatorSet},
    votes::{Certificate, SignedProposal},
};
use std::sync::Arc;

/// Who has the vote key.
#[derive(Clone)]
pub enum VoteKey {
    /// This node.
    Here(SecretScalar),
    /// A group, with this public key: it is asked for each signature.
    Group(PublicKey),
}

impl VoteKey {
    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Here(secret) => PublicKey::of(secret),
            Self::Group(key) => *key,
        }
    }
}

impl From<SecretScalar> for VoteKey {
    fn from(secret: SecretScalar) -> Self {
        Self::Here(secret)
    }
}

impl fmt::Debug for VoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VoteKey").field(&self.public()).finish()
    }
}

/// What an engine is made of.
#[derive(Clone)]
pub struct Setup {
    /// The chain: its id and its pace.
    pub chain: Chain,
    /// The vote key.
    pub vote_key: VoteKey,
    /// The id of this installation, which must be the one that `votes` names.
    pub installation: Hash,
    /// How long is waited.
    pub timing: Timing,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("installation", &self.installation).finish_non_exhaustive()
    }
}

/// What was on disk when the engine started.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// The file `votes`; without it, or with another installation's, the engine never signs. Of a group's key the
    /// members keep the records, and this and the log stay empty.
    pub votes: Option<Votes>,
    /// The bytes of the log, if there is one.
    pub log: Option<Vec<u8>>,
    /// The file `accounts`.
    pub accounts: Accounts,
}

/// How long a validator waits: settings of the node, which need not be the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For the proposal of round 0.
    pub propose: Duration,
    /// More in each round.
    pub propose_more: Duration,
    /// For votes to agree, in round 0.
    pub vote: Duration,
    /// More in each round.
    pub vote_more: Duration,
    /// Before what was said in a round is said again.
    pub rebroadcast: Duration,
    /// For more transactions, after the first, before a height is started.
    pub gather: Duration,
    /// For a first transaction, before a height is started without.
    pub idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            propose: ms(1_000),
            propose_more: ms(500),
            vote: ms(500),
            vote_more: ms(250),
            rebroadcast: ms(2_000),
            gather: ms(1_000),
            idle: ms(30_000),
        }
    }
}

/// When an event happens, and the source of randomness.
pub struct StepContext<'a> {
    /// The time since the node started; never goes back.
    pub now: Duration,
    /// The clock, in seconds since 1970, as blocks have it.
    pub clock: u64,
    /// The random source.
    pub rng: &'a mut dyn CryptoRngCore,
}

/// The last block that is connected, durably.
#[derive(Clone, Debug)]
pub struct Tip {
    /// Its height.
    pub height: Height,
    /// The hash of its header.
    pub hash: Hash,
    /// Its time.
    pub time: u64,
    /// The certificate that is stored with it; none for the genesis.
    pub certificate: Option<Certificate>,
    /// The validators of the next height.
    pub set: ValidatorSet,
    /// The validators of the height after the next.
    pub set_after: ValidatorSet,
    /// Whether the public mempool holds a transaction, or a change of the terms waits.
    pub has_transactions: bool,
}

/// A proposed block, as the rest of the node encodes it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProposedBlock {
    /// The hash of its header.
    pub value: Hash,
    /// Its time.
    pub time: u64,
    /// The header and the body. The engine only keeps them.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for ProposedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProposedBlock({}, {} s, {} bytes)", self.value, self.time, self.bytes.len())
    }
}

/// What the rules say of a proposed block at the tip, clock and seal aside.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It breaks none.
    Valid(ProposedBlock),
    /// It breaks one: say this only if its bytes are those that its hash names.
    Invalid,
}

/// The number of an [`Effect::Write`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// What a group says to [`Effect::Sign`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupAnswer {
    /// It has signed.
    Signed(Signature),
    /// Too few members have answered so far.
    Later,
    /// Not this; at the same position members may sign that.
    Instead(Statement),
    /// Not this, and nothing in its place.
    Refused,
}

/// What can happen to a validator.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, into the engine")]
pub enum Event {
    /// A block was connected, of any sealer; and, before all else, the tip at the start.
    Connected(Tip),
    /// [`wake_at`](super::Engine::wake_at) has come.
    Tick,
    /// A message arrived from the validator with this link key, over a connection that proved it.
    Heard {
        /// From whom.
        from: LinkKey,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The answer to [`Effect::Judge`], if there is one: of what cannot be fetched, nothing is said.
    Judged {
        /// Which.
        value: Hash,
        /// The verdict.
        verdict: Verdict,
    },
    /// The answer to [`Effect::Draft`]: a block that the rules allow at the tip.
    Drafted {
        /// For which round.
        round: u32,
        /// The block.
        block: ProposedBlock,
    },
    /// The mempool holds a transaction, where it held none, or a change of the terms waits.
    TransactionArrived,
    /// All of [`Effect::Write`] is on disk, durably.
    Written(WriteId),
    /// A certificate that verifies was seen for a header of this height, connected or not.
    Certified {
        /// The height.
        height: Height,
        /// The header.
        value: Hash,
        /// The certificate.
        certificate: Certificate,
    },
    /// A person says that the log is lost for good: vote again, in rounds above `votes`.
    Resume,
    /// The answer to [`Effect::Sign`].
    Answered {
        /// What was asked for.
        statement: Statement,
        /// What became of it.
        answer: GroupAnswer,
    },
}

/// What a validator wants done. Effects are carried out in order.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, out of the engine")]
pub enum Effect {
    /// Write this to disk, then say [`Event::Written`]. Writes are carried out in order, and within one the
    /// log comes first.
    Write {
        /// Its number.
        id: WriteId,
        /// Cut the log off at this length first.
        log_at: u64,
        /// Append this to the log, and make it durable.
        log: Vec<u8>,
        /// Then replace the file `votes`, atomically and durably.
        votes: Votes,
        /// Then the file `accounts` likewise, if this is there.
        accounts: Option<Vec<u8>>,
    },
    /// Ask the group that has the vote key to sign this, and answer [`Event::Answered`]. What was asked for before
    /// was answered.
    Sign {
        /// What to sign.
        statement: Statement,
        /// The proposal that a prevote is for.
        claim: Option<SignedProposal>,
        /// The quorum of prevotes that it rests on.
        polka: Option<Certificate>,
    },
    /// Send this to these validators, as far as they are connected.
    Send {
        /// To whom.
        to: Vec<LinkKey>,
        /// What.
        message: Message,
    },
    /// Send this block, which was drafted or judged here, to all validators.
    SendBlock(Hash),
    /// Draft a block on the tip with this time, from the public mempool, judge it, and answer
    /// [`Event::Drafted`].
    Draft {
        /// Its height.
        height: Height,
        /// For which round.
        round: u32,
        /// Its time.
        time: u64,
    },
    /// Fetch the block with this header from its proposer or any other validator, judge it, and answer
    /// [`Event::Judged`]. May be repeated.
    Judge {
        /// Its height.
        height: Height,
        /// The hash of its header.
        value: Hash,
        /// The link key of its proposer.
        proposer: LinkKey,
    },
    /// The log held this block, which was judged valid at this tip: keep it, so that it can be committed.
    Restore(ProposedBlock),
    /// Connect this block under this certificate; [`Event::Connected`] follows. It was judged valid here.
    Commit {
        /// Its height.
        height: Height,
        /// The hash of its header.
        value: Hash,
        /// The certificate.
        certificate: Certificate,
    },
    /// A validator signed two things at one position: store it, show it, tell all.
    Report(Evidence),
    /// Close the connection to this validator for [`BAN`](super::BAN): what it sent does not verify.
    Disconnect(LinkKey),
    /// For the log of the node.
    Note(Note),
    /// The chain has two certificates at one height. Keep both, and stop: the engine does nothing any more.
    Stop(Box<DoubleCertificate>),
}

/// What is said about the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It follows this height, and does not vote.
    Following(Height, Why),
    /// It votes at this height.
    Voting(Height),
    /// It went on from its log.
    Replayed(Height),
}

/// Why a validator does not vote at a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not in the set of this height.
    NoValidator,
    /// There is no file `votes`, or it cannot be read: what the key signed is unknown.
    NoVotes,
    /// `votes` names another installation: `validator move` changes it.
    Installation,
    /// `votes` names a message that the log does not hold: the log is damaged, missing or older.
    LogLost(Position),
    /// `votes` names a later height.
    Ahead(Position),
    /// The core wanted to sign what the guard refuses, or what differs from the log, or has failed.
    Refused,
}

/// What a validator is doing, for `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Nothing: it knows no tip yet.
    Starting,
    /// It waits before it starts this height.
    Waiting(Height),
    /// It votes.
    Voting(Height, u32),
    /// A block has its certificate, and is not connected yet.
    Committing(Height),
    /// It follows.
    Following(Height, Why),
    /// It has stopped.
    Stopped,
}
