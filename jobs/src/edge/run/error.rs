//! Why a run ends without a result.

use std::io;

use sotto_link::pinned::LinkError;

use crate::attempt::AttemptError;
use crate::collect::Disagreement;
use crate::evidence::EvidenceError;
use crate::input_commitment::InputError;
use crate::output_share::WrongOutputShare;
use crate::policy_file::DebitError;
use crate::receipt::ReceiptError;
use crate::verify_program::ProgramMismatch;

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Others stayed away.
    #[error("the deadline passed; awaited: {}", .0.join(", "))]
    Late(Vec<String>),
    /// No connection, and trying again is of no use.
    #[error("no connection to {party}: {why}")]
    Link {
        /// With whom.
        party: String,
        /// Why.
        why: LinkError,
    },
    /// Somebody else answers, or the key that we expect is not that of who should.
    #[error("{party} answers with another key, {shown}: expected the key with the fingerprint {expected}")]
    WrongKey {
        /// Who should have answered.
        party: String,
        /// The fingerprint of its key.
        expected: String,
        /// Whose key was shown.
        shown: String,
    },
    /// The program is not the one that was agreed.
    #[error(transparent)]
    ProgramMismatch(#[from] ProgramMismatch),
    /// The buyer's money is not watched.
    #[error(
        "outputs of this job are sold, and nothing here watches the money that this party pays or is paid"
    )]
    Sale,
    /// The buyer's money will not come.
    #[error("the money of the sale is not put aside: {0}")]
    Unpaid(String),
    /// The run is finished, and what it sells will not be paid, or not be opened.
    #[error("the run is finished, and its sale is not settled: {0}")]
    Unsettled(String),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
    /// Nothing will come of this run: this compute party or the other one said why.
    #[error("{0}")]
    Stopped(String),
    /// A compute party cannot listen.
    #[error("{party} cannot listen here: {why}")]
    Listen {
        /// Who: we.
        party: String,
        /// Why.
        why: LinkError,
    },
    /// A compute party said no.
    #[error("{by} refuses: {why}")]
    Refused {
        /// Who.
        by: String,
        /// Its words.
        why: String,
    },
    /// The two compute parties say different things.
    #[error("the compute parties disagree: {0}")]
    Disagree(Disagreement),
    /// The compute parties cannot compute together.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// An input cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An input party came without its input.
    #[error("this party is an input party, and no input was given")]
    NoInput,
    /// The receipt is none.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Outputs are not what was signed for.
    #[error(transparent)]
    OutputShare(#[from] WrongOutputShare),
    /// Something could not be kept, so nothing after it was done.
    #[error("what must survive a crash could not be kept: {0}")]
    Storage(#[from] io::Error),
    /// The run is finished, and some did not collect what there was for them before the deadline.
    #[error("the run is finished, and {} did not collect what there is for them", .0.join(", "))]
    NotCollected(Vec<String>),
    /// The storage is that of another run or job.
    #[error("what is kept here is of another run, or of another job")]
    OtherStorage,
    /// Evidence of another party, or our own, is not accepted.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The input party's own rules.
    #[error(transparent)]
    Debit(#[from] DebitError),
    /// Our run is over and the other compute party's outputs are gone.
    #[error("this run is finished here, but the other compute party lost its outputs: take the next run")]
    Lost,
}

impl From<Disagreement> for RunError {
    fn from(error: Disagreement) -> Self {
        match error {
            Disagreement::OutputShare(error) => Self::OutputShare(error),
            error => Self::Disagree(error),
        }
    }
}

/// Longest reason that is sent to other parties; the rest is room for the name of the party it comes from.
const MAX_REASON: usize = 800;

impl RunError {
    /// Whether others only stayed away or were cut off: then the same command goes on with the run, and no party
    /// gives up.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Late(_) => true,
            Self::Attempt(error) => error.is_passing(),
            _ => false,
        }
    }

    /// The reason that other parties receive. Errors of our own policy, rows and disk, and what
    /// we make of evidence, stay private.
    #[must_use]
    pub fn public_reason(&self) -> String {
        let mut why = match self {
            Self::Debit(_)
            | Self::Sale
            | Self::Unpaid(_)
            | Self::Unsettled(_)
            | Self::Storage(_)
            | Self::OtherStorage
            | Self::NoInput
            | Self::Evidence(_)
            | Self::Attempt(AttemptError::Evidence(_)) => {
                "this compute party cannot or may not go on; its operator knows why".to_owned()
            }
            error => error.to_string(),
        };
        while why.len() > MAX_REASON {
            why.pop();
        }
        why.trim_end().to_owned()
    }

    /// Whether it is that others could not be reached.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Late(_) | Self::NotCollected(_) | Self::Link { why: LinkError::Unreachable { .. }, .. }
        )
    }
}
