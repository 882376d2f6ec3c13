//! The letters that the parties of a sale leave for each other with the compute parties, before the run and after it.
//!
//! | slot | from | to | |
//! |---|---|---|---|
//! | offer, prove, ask, release, claims | buyer | payee | a hold, its proof; T and H_c; the buyer's half; all claims |
//! | join, part, answer | payee | buyer | consent to the hold, to its proof; the claim |
//! | go | payee | each compute party | the secret may leave |
//! | secret of the garbler, of the evaluator | compute party, payee | payee | t_c, encrypted |
//!
//! A slot holds one letter, the last. What is in a letter is between its two ends: those about money are encrypted by
//! the ledger's side, and a letter that a compute party altered or held back is one that was never written.

use crate::codec::{Bytes, codes, record};
use crate::job::{Job, PartyId};
use crate::lock::Place;

/// Longest letter, in bytes.
pub const MAX_LETTER: usize = 1 << 14;

/// What a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Slot {
    /// Money that would be put aside.
    Offer = 0,
    /// The payee's consent.
    Join = 1,
    /// The proof of the joint output, begun.
    Prove = 2,
    /// The payee's part of it.
    Part = 3,
    /// Which lock the claim is to have, and which last height.
    Ask = 4,
    /// The payee's claim.
    Answer = 5,
    /// The buyer's half of it.
    Release = 6,
    /// All payees' claims.
    Claims = 7,
    /// The secret may leave.
    Go = 8,
    /// The garbler's part of the secret.
    GarblerSecret = 9,
    /// The evaluator's part of it.
    EvaluatorSecret = 10,
}
codes!(
    Slot,
    "a letter's slot",
    [Offer, Join, Prove, Part, Ask, Answer, Release, Claims, Go, GarblerSecret, EvaluatorSecret]
);

/// A letter, as it is fetched by whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// From whom, as the compute party says that has it.
    pub from: PartyId,
    /// What it is.
    pub slot: Slot,
    /// What it says.
    pub bytes: Bytes,
}
record!(Letter { from, slot, bytes });

impl Slot {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Offer,
        Self::Join,
        Self::Prove,
        Self::Part,
        Self::Ask,
        Self::Answer,
        Self::Release,
        Self::Claims,
        Self::Go,
        Self::GarblerSecret,
        Self::EvaluatorSecret,
    ];

    /// The slot of a compute party's secret.
    #[must_use]
    pub const fn of_secret(place: Place) -> Self {
        match place {
            Place::Garbler => Self::GarblerSecret,
            Place::Evaluator => Self::EvaluatorSecret,
        }
    }

    /// The word for it in names of files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Join => "join",
            Self::Prove => "prove",
            Self::Part => "part",
            Self::Ask => "ask",
            Self::Answer => "answer",
            Self::Release => "release",
            Self::Claims => "claims",
            Self::Go => "go",
            Self::GarblerSecret => "garbler-secret",
            Self::EvaluatorSecret => "evaluator-secret",
        }
    }

    /// Whether a job has such letters from this party to that one.
    #[must_use]
    pub fn crosses(self, job: &Job, from: PartyId, to: PartyId) -> bool {
        let Some(sale) = &job.sale else { return false };
        let is_payee = |party| sale.payee(party).is_some();
        let [garbler, evaluator] = job.pair();
        match self {
            Self::Offer | Self::Prove | Self::Ask | Self::Release | Self::Claims => {
                from == sale.buyer && is_payee(to)
            }
            Self::Join | Self::Part | Self::Answer => is_payee(from) && to == sale.buyer,
            Self::Go => is_payee(from) && job.computes(to),
            Self::GarblerSecret => is_payee(to) && (from == garbler || is_payee(from)),
            Self::EvaluatorSecret => is_payee(to) && (from == evaluator || is_payee(from)),
        }
    }
}
