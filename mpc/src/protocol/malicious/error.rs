//! Why a malicious session failed.
//!
//! A party that notices a deviation closes the connection and sends nothing more: the peer learns that the
//! run ended, not why and not where. The error says to oneself which check failed, for reports and tests. It
//! holds no secret.

use super::owners::NotKept;
use crate::channel::{ChannelError, Phase};
use crate::ot::OtError;
use crate::protocol::hello::HelloError;

/// A check that ends a session if the peer deviated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The nonce of a coin is the one that the peer committed to.
    Coin,
    /// The leaky products are products: test values of all parties agree.
    Products,
    /// What a party broadcast is the same to all (three parties or more).
    Broadcast,
    /// Opened bits are the authenticated ones.
    Openings,
    /// Both parties saw the same messages.
    Transcript,
    /// The evaluator holds the labels of the masked values that it reports.
    Labels,
    /// Every masked value is the one that the gate demands.
    Values,
    /// The mask bits of outputs are the authenticated ones.
    Outputs,
    /// The seed by which an owner's input is tested is the one that the owner committed to.
    OwnerSeed,
    /// The peer entered the share that the owner gave it.
    OwnerInput,
}

impl core::fmt::Display for Check {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Coin => "the nonce of a coin",
            Self::Products => "the products of mask bits",
            Self::Broadcast => "what a party broadcast",
            Self::Openings => "opened mask bits",
            Self::Transcript => "the transcript",
            Self::Labels => "the labels of reported values",
            Self::Values => "the values of gates",
            Self::Outputs => "the mask bits of outputs",
            Self::OwnerSeed => "the seed of an owner's test",
            Self::OwnerInput => "an input share of an owner",
        })
    }
}

/// Why a session failed. It cannot continue, and its secrets are wiped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The handshake failed.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// The peer uses other parameters.
    #[error(
        "the parties disagree on attempts, tree depth, expansion, the size of chunks or that of the program"
    )]
    Parameters,
    /// Transfers of more than two parties are not expanded: their check needs choices that are the same towards all.
    #[error("transfers are expanded between two parties only")]
    Expansion,
    /// Oblivious transfer failed.
    #[error("oblivious transfer failed: {0}")]
    Ot(#[from] OtError),
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The peer deviated from the protocol, or messages were altered in transit.
    #[error("the peer deviated from the protocol, or messages were altered: {0} failed the check")]
    Deviation(Check),
    /// The peer sent bits whose padding is not zero.
    #[error("the peer sent an invalid encoding of bits in phase {0:?}")]
    Encoding(Phase),
    /// The number of input bits does not match the program.
    #[error("expected {expected} input bits from this party, got {given}")]
    InputLength {
        /// The number that the program reads.
        expected: usize,
        /// The number that the caller gave.
        given: usize,
    },
    /// The program has another number of outputs than its shape declares, which is a bug in the program.
    #[error("the program declares {expected} output bits but has {given}")]
    OutputLength {
        /// The declared number.
        expected: usize,
        /// The actual number.
        given: usize,
    },
    /// The program asked for other gates, inputs or outputs when it ran again, which is a bug in the program.
    #[error("the program does something else each time it runs")]
    Unsteady,
    /// The terms name an attempt beyond those that the error bound counts.
    #[error("attempt {attempt} is not among the {most} attempts that the parties agreed on")]
    Attempt {
        /// The attempt that the terms name, counted from 0.
        attempt: u32,
        /// The agreed number.
        most: u32,
    },
    /// There is not one test for each block of each shared input stream.
    #[error("an owner who does not compute gave no test of its input")]
    NoTests,
    /// What must survive a crash could not be kept.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// The plan of a session of several parties names another number of input streams than the program has.
    #[error("the program reads {expected} input streams, the plan names the holders of {given}")]
    Holders {
        /// The number that the program reads.
        expected: usize,
        /// The number of holders in the plan.
        given: usize,
    },
    /// There is not one channel for each other party of the plan, or our place is not in it.
    #[error("expected channels to {expected} other parties, got {given}, or a place beyond the plan")]
    Connections {
        /// The number of other parties in the plan.
        expected: usize,
        /// The number of channels.
        given: usize,
    },
    /// The terms name a result party that does not compute.
    #[error("a result party that does not compute is not supported with malicious security")]
    ResultParty,
}

/// Turns the result of a check into an error.
pub(super) fn accept(holds: impl Into<bool>, check: Check) -> Result<(), SessionError> {
    let holds = holds.into();
    #[cfg(test)]
    let holds = holds || super::tests::ignores(check);
    if holds { Ok(()) } else { Err(SessionError::Deviation(check)) }
}
