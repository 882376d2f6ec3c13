//! Consensus among validators: which block a height gets, when no single operator seals.
//!
//! ```text
//!                Event                                               Effect
//! network ─Heard─────────▶ ┌──────────────────────────────┐ ─Send, SendBlock, Disconnect─▶ network
//! ledger ──Connected─────▶ │ hearing: counted, decoded     │ ─Judge, Draft, Restore───────▶ ledger
//!        ──Judged────────▶ │ table:   verified, each once  │ ─Commit──────────────────────▶ ledger
//!        ──Drafted───────▶ │ proposals: timely or backed   │
//! mempool TransactionArrived│ core:    rounds, locks        │ ─Report, Stop, Note──────────▶ log, metrics
//! clock ──Tick (wake_at)─▶ │ guard:   never two votes      │
//! disk ───Written────────▶ └──────────────────────────────┘ ─Write───────────────────────▶ disk
//!
//!              Connected                 wait is over             quorum of precommits
//!  (start) ───────────────▶ Waiting ───────────────────▶ Voting ───────────────────────▶ Committing
//!     │  log of this height    ▲                          │  ▲                            │
//!     ├────────────────────────┼──────── replay ──────────┼──┘                            │ Connected: next height
//!     │  may not vote          │ Connected: next height   │ refused or failed             │
//!     └──────────▶ Following ──┴──────────◀───────────────┘◀──────────────────────────────┘
//!                                                    two certificates, anywhere ─▶ Stopped
//! ```
//!
//! [`Engine::step`] takes an event and returns effects, which are carried out in order. It owns no clock: call
//! it with [`Event::Tick`] when [`Engine::wake_at`] has come. The first event is [`Event::Connected`] with
//! the tip of the ledger, and so is every connected block, of any sealer and from any source.
//!
//! **Never two votes.** A message is held until [`Event::Written`] says that the log with everything that
//! led to it, and then the file [`Votes`], are on disk. `votes` refuses to sign at or below what it names,
//! whatever the log says. A log in which the message that `votes` names is missing has lost its end: the rest
//! of the height is followed, since a lock may be forgotten. The log comes before `votes` on disk, so that a
//! crash between the two is not taken for that.
//!
//! Guaranteed, with less than a third of the power Byzantine: no two blocks of one height have a certificate,
//! whatever the network and the clocks do; a height is decided once messages arrive and clocks are within
//! five seconds; memory and work are bounded by the number of validators and rounds. Not guaranteed: any of
//! it with a third or more; that a transaction is in the next block.
//!
//! **Accounts.** Beyond a third, two certificates of one height can exist. What a validator voted for against a
//! former lock, and the quorums of prevotes that this rests on, is on disk, signed, before the vote leaves; from
//! such accounts [`accountability`] finds who is guilty.
//!
//! **A group's vote key.** Members of a group can have the vote key together. Then the engine runs at one of them,
//! which speaks for all: what it wants to say leaves once t members have signed it ([`Effect::Sign`]), and each of
//! them keeps the record of votes and locks ([`vote_record`](crate::council::VoteRecord)), not this engine. What
//! they do not sign counts as never said: the engine begins again in a later round.
//!
//! Not here: sockets, files, the ledger and its rules; blocks that others sealed, which synchronisation
//! brings with their certificates; who may be a validator, which the ledger says with each tip.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", by Malachite's core
//! (`core`).

pub mod account;
pub mod accountability;
pub mod ballot;
pub mod event;
pub mod evidence;
pub mod guard;
pub mod message;

mod accounts;
mod context;
mod core;
mod engine;
mod hearing;
mod limits;
mod log;
mod outbox;
mod proposals;
mod signing;
mod table;
mod voting;
mod wait;

pub use accounts::Accounts;
pub use ballot::{Ballot, Statement};
pub use engine::Engine;
pub use event::{
    Activity, Effect, Event, GroupAnswer, Note, ProposedBlock, Saved, Setup, StepContext, Timing, Tip,
    Verdict, VoteKey, Why, WriteId,
};
pub use evidence::{CertifiedHeader, DoubleCertificate, Evidence, Place};
pub use guard::{Position, Votes};
pub use limits::BAN;
pub use message::Message;
