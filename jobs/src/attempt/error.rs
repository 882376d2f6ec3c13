//! Why an attempt failed, and whether another may succeed.

use crate::evidence::EvidenceError;
use crate::lock::LockError;
use crate::messages::MessageError;
use sotto_mpc::channel::ChannelError;
use sotto_mpc::protocol::malicious;
use sotto_mpc::protocol::semi_honest::SessionError;

/// Why an attempt failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttemptError {
    /// The other compute party is gone or out of step: another attempt may succeed.
    #[error("the other compute party left or was cut off: {0}")]
    Channel(#[from] ChannelError),
    /// The session failed.
    #[error(transparent)]
    Session(SessionError),
    /// The session of a job against malicious compute parties failed.
    #[error(transparent)]
    Malicious(malicious::SessionError),
    /// All attempts that the job allows were used: no other will be made.
    #[error("all {0} attempts that the job allows at a run were used; the run has no result")]
    Exhausted(u32),
    /// Outputs may have been opened in an attempt that was not finished: no other will be made.
    #[error(
        "outputs may have been opened in an attempt that was not finished, so the run counts and has no result"
    )]
    Opened,
    /// The other compute party wants another job, run or inputs: no attempt will succeed.
    #[error("the other compute party has {0}")]
    Differs(&'static str),
    /// A party signed twice, and the compute parties have different ones of its signatures: no attempt will
    /// succeed.
    #[error(
        "{0} signed this job twice, and the other compute party has another of its signatures than we have"
    )]
    Approval(String),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
    /// More seconds than the job allows.
    #[error("the joint computation took longer than {0} s, which the job sets as its limit")]
    TooLong(u32),
    /// The other compute party said something that makes no sense.
    #[error("invalid {0} from the other compute party")]
    Malformed(&'static str),
    /// The other compute party signed other facts.
    #[error("the other compute party did not sign the facts that we saw")]
    Unsigned,
    /// Evidence of the other compute party, or our own, is not accepted.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The other compute party's part of the lock on sold outputs does not hold.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A result party's key cannot be encrypted to.
    #[error("the encryption key of a result party cannot be used")]
    Key,
}

impl From<SessionError> for AttemptError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Channel(error) => Self::Channel(error),
            error => Self::Session(error),
        }
    }
}

impl From<malicious::SessionError> for AttemptError {
    fn from(error: malicious::SessionError) -> Self {
        match error {
            malicious::SessionError::Channel(error) => Self::Channel(error),
            error => Self::Malicious(error),
        }
    }
}

impl From<MessageError> for AttemptError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Channel(error) => Self::Channel(error),
            MessageError::Codec(_) | MessageError::Length(_) => Self::Malformed("message"),
        }
    }
}

impl AttemptError {
    /// Whether another attempt may succeed. Where somebody alters what passes, the next would end as this
    /// one.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        !matches!(
            self,
            Self::Differs(_)
                | Self::Approval(_)
                | Self::Expired
                | Self::TooLong(_)
                | Self::Key
                | Self::Evidence(_)
                | Self::Exhausted(_)
                | Self::Opened
                | Self::Malicious(malicious::SessionError::NotKept(_))
                | Self::Channel(ChannelError::Altered { .. })
        )
    }
}
