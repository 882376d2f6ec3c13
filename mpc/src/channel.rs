//! A channel is an ordered, blocking connection to one peer, and knows what it is being used for.
//!
//! Each message belongs to a [`Phase`], which travels in every frame. A frame of another phase than the
//! one awaited is an error that names both, so a peer that is out of step is found at once and not when
//! the result is wrong. Within a phase a channel is a stream of bytes: how the sender cut them into calls
//! does not matter.
//!
//! Not guaranteed: secrecy or authenticity. That is the business of the stream below ([`Framed`] works over
//! any `Read + Write`).

mod framed;
mod memory;
mod transcribed;

use std::io::ErrorKind;

pub use framed::{Framed, Traffic};
pub use memory::{Pipe, memory_pair, pipe_pair};
pub(crate) use transcribed::Transcribed;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Who we are, which protocol, which program, and the session's nonces.
    Hello = 1,
    /// The base oblivious transfers.
    BaseOt = 2,
    /// The extension of oblivious transfer.
    OtExtension = 3,
    /// What the parties need for their input labels.
    Inputs = 4,
    /// Garbled tables.
    Tables = 5,
    /// Output labels, or the hashes that decode them.
    Outputs = 6,
}

impl Phase {
    /// All phases, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Hello, Self::BaseOt, Self::OtExtension, Self::Inputs, Self::Tables, Self::Outputs];

    /// The byte that stands for the phase in a frame.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The phase of a code, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.code() == code)
    }
}

/// Why nothing more can be sent or received. The channel is of no use afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The peer sent something of another phase.
    #[error("expected a message of phase {expected:?}, received one of phase {received:?}")]
    OutOfPhase {
        /// What we waited for.
        expected: Phase,
        /// What came.
        received: Phase,
    },
    /// The peer sent a phase code that does not exist.
    #[error("expected a message of phase {expected:?}, received unknown phase code {code}")]
    UnknownPhase {
        /// What we waited for.
        expected: Phase,
        /// What came.
        code: u8,
    },
    /// The peer announced a frame that is empty or longer than any frame may be.
    #[error("a frame of phase {phase:?} announces {length} bytes, allowed are 1 to {max}", max = crate::wire::MAX_PAYLOAD)]
    FrameLength {
        /// Phase of the frame.
        phase: Phase,
        /// Bytes announced.
        length: u32,
    },
    /// The peer hung up.
    #[error("the peer closed the connection in phase {phase:?}")]
    Closed {
        /// What we were sending or waiting for.
        phase: Phase,
    },
    /// The peer was silent for too long.
    #[error("the peer did not answer in time in phase {phase:?}")]
    TimedOut {
        /// What we were sending or waiting for.
        phase: Phase,
    },
    /// What came is not what the peer sent.
    #[error("what arrived in phase {phase:?} was altered on its way")]
    Altered {
        /// What we were sending or waiting for.
        phase: Phase,
    },
    /// The connection failed in another way.
    #[error("the connection failed in phase {phase:?}: {kind}")]
    Io {
        /// What we were sending or waiting for.
        phase: Phase,
        /// The kind of failure, as the operating system tells it.
        kind: ErrorKind,
    },
}

/// An ordered, blocking connection to one peer.
pub trait Channel {
    /// Sends bytes of a phase, at once or with a later call.
    ///
    /// # Errors
    /// If the connection failed.
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError>;

    /// Sends all that was held back. Receiving does this by itself.
    ///
    /// # Errors
    /// If the connection failed.
    fn flush(&mut self) -> Result<(), ChannelError>;

    /// Receives at least one byte of a phase and at most `into.len()`; the number received. Zero only for
    /// an empty `into`.
    ///
    /// # Errors
    /// If the connection failed, or something of another phase came.
    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError>;

    /// Fills `into` with bytes of a phase.
    ///
    /// # Errors
    /// If the connection failed, or something of another phase came.
    fn receive(&mut self, phase: Phase, mut into: &mut [u8]) -> Result<(), ChannelError> {
        while !into.is_empty() {
            let n = self.receive_some(phase, into)?;
            into = into.get_mut(n..).unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phase_codes_are_distinct_and_round_trip() {
        for (i, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(phase.code()), i + 1);
            assert_eq!(Phase::from_code(phase.code()), Some(phase));
        }
        assert_eq!(Phase::from_code(0), None);
        assert_eq!(Phase::from_code(7), None);
    }
}
