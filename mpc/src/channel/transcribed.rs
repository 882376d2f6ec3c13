//! A channel that keeps a hash of what was said.
//!
//! Both parties hash both directions and compare before they accept an output. So a message that was
//! altered on the way and would otherwise only change an input (a flipped choice bit, say) ends in an error
//! and not in a wrong answer. Tables are left out: there are too many, and altered tables do not end in an
//! accepted label.
//!
//! Per direction: `SHA-256` over the runs of one phase, each `phase u8 ‖ bytes ‖ length u64`. Not a
//! substitute for an authenticated channel: whoever can alter messages at will can also alter the digest.

use sha2::{Digest, Sha256};

use super::{Channel, ChannelError, Phase};

/// The hash of one direction.
#[derive(Clone, Default)]
struct Said {
    hash: Sha256,
    run: Option<(Phase, u64)>,
}

impl Said {
    fn add(&mut self, phase: Phase, bytes: &[u8]) {
        if phase == Phase::Tables || bytes.is_empty() {
            return;
        }
        if self.run.is_none_or(|(open, _)| open != phase) {
            self.end_run();
            self.hash.update([phase.code()]);
        }
        self.hash.update(bytes);
        let before = self.run.map_or(0, |(_, length)| length);
        self.run = Some((phase, before + bytes.len() as u64));
    }

    fn end_run(&mut self) {
        if let Some((_, length)) = self.run.take() {
            self.hash.update(length.to_le_bytes());
        }
    }

    fn digest(&self) -> [u8; 32] {
        let mut said = self.clone();
        said.end_run();
        said.hash.finalize().into()
    }
}

/// A channel and the hashes of both its directions.
pub(crate) struct Transcribed<C> {
    channel: C,
    sent: Said,
    received: Said,
}

impl<C> Transcribed<C> {
    pub(crate) fn new(channel: C) -> Self {
        Self { channel, sent: Said::default(), received: Said::default() }
    }

    /// Hashes of what was sent and of what was received so far.
    pub(crate) fn digests(&self) -> ([u8; 32], [u8; 32]) {
        (self.sent.digest(), self.received.digest())
    }

    pub(crate) fn into_inner(self) -> C {
        self.channel
    }
}

impl<C: Channel> Channel for Transcribed<C> {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        self.sent.add(phase, bytes);
        self.channel.send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.channel.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        let n = self.channel.receive_some(phase, into)?;
        self.received.add(phase, into.get(..n).unwrap_or_default());
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(calls: &[(Phase, &[u8])]) -> [u8; 32] {
        let mut said = Said::default();
        for (phase, bytes) in calls {
            said.add(*phase, bytes);
        }
        said.digest()
    }

    #[test]
    fn depends_on_bytes_and_phases_and_not_on_calls() {
        let whole = said(&[(Phase::Hello, b"ab"), (Phase::Inputs, b"c")]);
        let cut =
            [(Phase::Hello, &b"a"[..]), (Phase::Hello, b"b"), (Phase::Tables, b"x"), (Phase::Inputs, b"c")];
        assert_eq!(said(&cut), whole);
        assert_ne!(said(&[(Phase::Hello, b"a"), (Phase::Inputs, b"bc")]), whole);
        assert_ne!(said(&[(Phase::Hello, b"ab"), (Phase::Outputs, b"c")]), whole);
        assert_ne!(said(&[(Phase::Hello, b"ab"), (Phase::Inputs, b"d")]), whole);
    }
}
