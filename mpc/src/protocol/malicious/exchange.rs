//! Messages that both parties send in the same step: the garbler first, then the evaluator.
//!
//! One direction at a time, so that two parties never wait for each other to drain a full socket. It does not
//! matter to security who goes first: whatever must not depend on the peer's message is committed to before.

use super::error::SessionError;
use crate::Bits;
use crate::channel::{Channel, ChannelError, Phase};
use crate::protocol::hello::Role;

/// Our side of a step.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    pub(super) role: Role,
    pub(super) phase: Phase,
}

impl Exchange {
    /// Sends `ours` and receives as many bytes.
    pub(super) fn bytes<const N: usize>(
        self,
        channel: &mut impl Channel,
        ours: &[u8; N],
    ) -> Result<[u8; N], ChannelError> {
        let mut theirs = [0; N];
        self.swap(channel, ours, &mut theirs)?;
        Ok(theirs)
    }

    /// Sends `ours` and receives as many bytes.
    pub(super) fn list(self, channel: &mut impl Channel, ours: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let mut theirs = vec![0; ours.len()];
        self.swap(channel, ours, &mut theirs)?;
        Ok(theirs)
    }

    /// Sends `ours` and receives `theirs`.
    pub(super) fn swap(
        self,
        channel: &mut impl Channel,
        ours: &[u8],
        theirs: &mut [u8],
    ) -> Result<(), ChannelError> {
        match self.role {
            Role::Garbler => {
                channel.send(self.phase, ours)?;
                channel.receive(self.phase, theirs)
            }
            Role::Evaluator => {
                channel.receive(self.phase, theirs)?;
                channel.send(self.phase, ours)
            }
        }
    }

    /// Sends our bits and receives `n` bits.
    pub(super) fn bits(
        self,
        channel: &mut impl Channel,
        ours: &Bits,
        n: usize,
    ) -> Result<Bits, SessionError> {
        match self.role {
            Role::Garbler => {
                channel.send(self.phase, ours.as_bytes())?;
                receive_bits(channel, self.phase, n)
            }
            Role::Evaluator => {
                let theirs = receive_bits(channel, self.phase, n)?;
                channel.send(self.phase, ours.as_bytes())?;
                Ok(theirs)
            }
        }
    }
}

/// Receives `n` packed bits; the padding must be zero.
pub(super) fn receive_bits(channel: &mut impl Channel, phase: Phase, n: usize) -> Result<Bits, SessionError> {
    let mut bytes = vec![0; n.div_ceil(8)];
    channel.receive(phase, &mut bytes)?;
    Bits::from_bytes(&bytes, n as u64).ok_or(SessionError::Encoding(phase))
}
