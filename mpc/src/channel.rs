//! Ordered, blocking connections between two parties, in which every message names its phase.
//!
//! Every frame carries the [`Phase`] of its message. Receiving a frame of another phase than the expected one
//! is an error that names both, so a peer that is out of step is detected at once and not by a wrong result.
//! Within one phase a channel is a stream of bytes: it does not matter how the sender divides them into
//! calls.
//!
//! [`Framed`] makes a channel of any `Read + Write` stream, and [`memory_pair`] makes two connected channels
//! in memory:
//!
//! ```
//! use sotto_mpc::channel::{Channel, ChannelError, Phase, memory_pair};
//!
//! let (mut near, mut far) = memory_pair();
//! near.send(Phase::Inputs, b"label")?;
//! near.flush()?;
//! let mut bytes = [0; 5];
//! far.receive(Phase::Inputs, &mut bytes)?;
//! assert_eq!(&bytes, b"label");
//! # Ok::<(), ChannelError>(())
//! ```
//!
//! Not guaranteed: confidentiality or authenticity. Run [`Framed`] over an encrypted stream for those.

mod framed;
mod memory;
mod transcript;

use std::io::ErrorKind;

pub use framed::{Framed, Traffic};
pub use memory::{Pipe, memory_pair, pipe_pair};
#[cfg(test)]
pub(crate) use transcript::{Deviation, deviating::Deviating};
pub(crate) use transcript::{TranscriptChannel, WideHash};

/// The longest payload that is accepted in one frame, in bytes.
const MAX_PAYLOAD: usize = 1 << 20;

/// The part of the protocol that a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Protocol version, roles, program and nonces.
    Hello = 1,
    /// The base oblivious transfers.
    BaseOt = 2,
    /// The extension of oblivious transfer.
    OtExtension = 3,
    /// The keys of an execution, which fix the labels of the garbler's inputs.
    Inputs = 4,
    /// Garbled tables.
    Tables = 5,
    /// Output labels, or the hashes that decode output labels; with malicious security, mask bits of outputs.
    Outputs = 6,
    /// Nonces of coins (malicious security only).
    Coins = 7,
    /// Products of mask bits (malicious security only).
    Products = 8,
    /// What the parties check before outputs (malicious security only).
    Checks = 9,
}

impl Phase {
    /// All phases, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::Hello,
        Self::BaseOt,
        Self::OtExtension,
        Self::Inputs,
        Self::Tables,
        Self::Outputs,
        Self::Coins,
        Self::Products,
        Self::Checks,
    ];

    /// The byte that encodes the phase in a frame.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The phase with this code, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.code() == code)
    }
}

/// Why a channel failed. A channel that has failed once cannot be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The peer sent a message of another phase.
    #[error("expected a message of phase {expected:?}, received one of phase {received:?}")]
    OutOfPhase {
        /// The expected phase.
        expected: Phase,
        /// The received phase.
        received: Phase,
    },
    /// The peer sent a phase code that does not exist.
    #[error("expected a message of phase {expected:?}, received unknown phase code {code}")]
    UnknownPhase {
        /// The expected phase.
        expected: Phase,
        /// The received code.
        code: u8,
    },
    /// The peer announced an empty frame, or one that is longer than the limit.
    #[error("invalid frame of {length} bytes in phase {phase:?}: expected 1 to {MAX_PAYLOAD} bytes")]
    FrameLength {
        /// The phase of the frame.
        phase: Phase,
        /// The announced number of bytes.
        length: u32,
    },
    /// The peer closed the connection.
    #[error("the peer closed the connection in phase {phase:?}")]
    Closed {
        /// The phase in which we were sending or receiving.
        phase: Phase,
    },
    /// The peer did not respond in time.
    #[error("the peer did not answer in time in phase {phase:?}")]
    TimedOut {
        /// The phase in which we were sending or receiving.
        phase: Phase,
    },
    /// The received bytes are not the ones that the peer sent.
    #[error("a message in phase {phase:?} was altered on its way")]
    Altered {
        /// The phase in which we were sending or receiving.
        phase: Phase,
    },
    /// The connection failed in another way.
    #[error("the connection failed in phase {phase:?}: {kind}")]
    Io {
        /// The phase in which we were sending or receiving.
        phase: Phase,
        /// The kind of failure that the operating system reports.
        kind: ErrorKind,
    },
}

/// An ordered, blocking connection to one peer.
pub trait Channel {
    /// Sends bytes of a phase, immediately or together with later ones.
    ///
    /// # Errors
    /// If the connection failed.
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError>;

    /// Sends all bytes that are still buffered. Receiving does this too.
    ///
    /// # Errors
    /// If the connection failed.
    fn flush(&mut self) -> Result<(), ChannelError>;

    /// Receives between one and `into.len()` bytes of a phase and returns their number, which is zero only if
    /// `into` is empty.
    ///
    /// # Errors
    /// If the connection failed, or the peer sent a message of another phase.
    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError>;

    /// Fills `into` with bytes of a phase.
    ///
    /// # Errors
    /// If the connection failed, or the peer sent a message of another phase.
    fn receive(&mut self, phase: Phase, mut into: &mut [u8]) -> Result<(), ChannelError> {
        while !into.is_empty() {
            let n = self.receive_some(phase, into)?;
            into = into.get_mut(n..).unwrap_or_default();
        }
        Ok(())
    }
}

impl<C: Channel + ?Sized> Channel for Box<C> {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        (**self).send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        (**self).flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        (**self).receive_some(phase, into)
    }
}

impl<C: Channel + ?Sized> Channel for &mut C {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        (**self).send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        (**self).flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        (**self).receive_some(phase, into)
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
        assert_eq!(Phase::from_code(10), None);
    }
}
