//! Work that a node has done outside of its engine: points are decoded and proofs are verified by workers.
//!
//! ```text
//! engine ──Effect::Verify(ticket, work)──▶ a worker: work.run() ──Event::Verified(ticket, verdict)──▶ engine
//! ```
//!
//! A [`Work`] is a value, and [`Work::run`] a function of it alone: it depends on no state, so it does not
//! matter when it runs, in which order, on which thread, or together with which other work. The engine judges a
//! verdict against the state at the time at which it comes back. A program without workers runs the work at
//! once and passes the verdict in as the next event; one with workers has what waits verified together
//! (`verify_together`).

use crate::message::Message;
use sotto_mw::{
    chain::Chain,
    codec::{Decode, DecodeError},
    error::Rejection,
    rules::{Verified, WellFormed, verify_transaction, verify_transactions},
    transaction::Transaction,
};

/// The number of a piece of work, by which its verdict is recognised; none is used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something to find out.
#[derive(Clone, Debug)]
pub enum Work {
    /// Decode a message of a peer, with all its points.
    Decode(Vec<u8>),
    /// Verify the proofs, signatures and balance of a transaction of this chain.
    Verify(Box<Chain>, Box<WellFormed<Transaction>>),
}

/// What was found out.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The message, or why the bytes do not decode.
    Decoded(Result<Box<Message>, DecodeError>),
    /// The transaction, or the rule that refuses it whatever the state.
    Transaction(Result<Box<Verified<Transaction>>, Rejection>),
}

impl Work {
    /// Does the work.
    #[must_use]
    pub fn run(self) -> Verdict {
        match self {
            Self::Decode(bytes) => Verdict::Decoded(Message::from_bytes(&bytes).map(Box::new)),
            Self::Verify(chain, t) => Verdict::Transaction(verify_transaction(&chain, *t).map(Box::new)),
        }
    }
}

/// A transaction to verify, and the ticket of its [`Work::Verify`].
pub(crate) type ToVerify = (Ticket, Box<Chain>, Box<WellFormed<Transaction>>);

/// Verifies transactions in one batch for each chain state that they were checked on. Each verdict is the one that
/// [`Work::run`] finds.
pub(crate) fn verify_together(mut all: Vec<ToVerify>) -> Vec<(Ticket, Verdict)> {
    let mut verdicts = Vec::with_capacity(all.len());
    while let Some((_, chain, _)) = all.first() {
        let chain = chain.clone();
        let (same, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, c, _)| *c == chain);
        let (tickets, transactions): (Vec<Ticket>, Vec<_>) =
            same.into_iter().map(|(ticket, _, t)| (ticket, *t)).unzip();
        let found = verify_transactions(&chain, transactions).into_iter();
        verdicts.extend(tickets.into_iter().zip(found.map(|v| Verdict::Transaction(v.map(Box::new)))));
        all = other;
    }
    verdicts
}
