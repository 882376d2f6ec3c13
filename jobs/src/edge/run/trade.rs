//! What buyer and payees of a sale bring to a run beside the rest: how they leave letters, and what they do about the money.

use super::error::RunError;
use crate::collect::Outcome;
use crate::job::PartyId;
use crate::post::{Letter, Slot};

/// Letters to and from the other parties of a sale.
pub trait Post {
    /// Leaves a letter with every compute party that is there, in place of the last one in its slot. To send one again costs
    /// nothing where it is; a sender sends until it has an answer. A go is for each compute party itself, whatever
    /// `to` says.
    ///
    /// # Errors
    /// If a compute party refuses it.
    fn send(&self, to: PartyId, slot: Slot, letter: Vec<u8>) -> Result<(), RunError>;

    /// Our letters. Of one slot there are several if the compute parties have different ones: one was away when the letter
    /// was replaced, or altered it.
    ///
    /// # Errors
    /// If a compute party refuses, or none is there.
    fn fetch(&self) -> Result<Vec<Letter>, RunError>;
}

/// How far a sale is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What was to be done is done.
    Done,
    /// Not yet: what is missing.
    Awaited(String),
    /// It will not be, or it is too late: why.
    Gone(String),
}

/// What a payee or the buyer of a sale does about the money. Both are asked again and again, also after a restart, and
/// do then what there is to do by now: first `fund`, then `attend`, at last `settle`.
pub trait Trade {
    /// Before anything leaves that depends on our input, and before the buyer collects: whether the money is put
    /// aside, deep enough, and for long enough.
    fn fund(&self, post: &dyn Post) -> Progress;

    /// While the run is awaited that may have our input: answers a buyer that wants its money back. [`Progress::Gone`] once
    /// it has it; everything else is a reason to wait on.
    fn attend(&self, post: &dyn Post) -> Progress;

    /// After the run, of which we keep this: whether the sale is settled. Only then do the compute parties hear that we have
    /// all that is ours, so until then they are there.
    fn settle(&self, outcome: &Outcome, post: &dyn Post) -> Progress;
}
