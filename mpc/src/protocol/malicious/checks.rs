//! The checks after each chunk, and their order, which never changes.
//!
//! ```text
//! (1)  evaluator → garbler   digest of MACs of opened bits [32] ‖ transcript [32] ‖ Σ [16]          garbler checks all
//! (2)  garbler → evaluator   digest of MACs of opened bits [32] ‖ transcript [32] ‖ W [16]          evaluator checks all
//! (3)  outputs, once, after the last chunk
//! ```
//!
//! The garbler sends W only after (1) holds: W shows a party that lied about a masked value, or in an
//! opening, masks that it must not know. No output is revealed before its sender's own checks hold. The
//! transcript covers both directions up to the message that carries it, except tables, whose damage the sums
//! notice.

use subtle::ConstantTimeEq;

use super::domains::{Domain, TRANSCRIPT};
use super::error::{Check, SessionError, accept};
use crate::Block;
use crate::channel::{Channel, ChannelError, Phase, TranscriptChannel, WideHash};
use crate::ot::SessionId;

/// What a party shows the other, or expects of it.
pub(super) struct Proof {
    /// The digest of MACs of opened bits.
    pub(super) openings: [u8; 32],
    /// The digest of all messages so far.
    pub(super) transcript: [u8; 32],
    /// Σ of the evaluator, W of the garbler.
    pub(super) sum: Block,
}

impl Proof {
    /// Sends the proof.
    pub(super) fn send(&self, channel: &mut impl Channel) -> Result<(), ChannelError> {
        channel.send(Phase::Checks, &self.openings)?;
        channel.send(Phase::Checks, &self.transcript)?;
        channel.send(Phase::Checks, &self.sum.to_bytes())?;
        channel.flush()
    }

    /// Receives the peer's proof.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) fn receive(channel: &mut impl Channel) -> Result<Self, ChannelError> {
        let (mut openings, mut transcript, mut sum) = ([0; 32], [0; 32], [0; Block::BYTES]);
        channel.receive(Phase::Checks, &mut openings)?;
        channel.receive(Phase::Checks, &mut transcript)?;
        channel.receive(Phase::Checks, &mut sum)?;
        Ok(Self { openings, transcript, sum: Block::from_bytes(sum) })
    }

    /// Compares the digests of a proof with what they must be.
    ///
    /// # Errors
    /// At the first that differs.
    pub(super) fn require_digests(&self, expected: &Self) -> Result<(), SessionError> {
        accept(self.openings.ct_eq(&expected.openings), Check::Openings)?;
        accept(self.transcript.ct_eq(&expected.transcript), Check::Transcript)
    }

    /// Receives the peer's proof and compares it with what it must be; `sum` names the check of its sum.
    ///
    /// # Errors
    /// If the connection fails, or at the first part that differs.
    pub(super) fn expect(&self, channel: &mut impl Channel, sum: Check) -> Result<(), SessionError> {
        let theirs = Self::receive(channel)?;
        theirs.require_digests(self)?;
        accept(theirs.sum.ct_eq(&self.sum), sum)
    }
}

/// A channel with the hashes of both directions.
pub(super) type Transcribed<C> = TranscriptChannel<C, WideHash>;

/// The hashes of what the garbler and the evaluator have sent.
pub(super) struct Directions {
    pub(super) garbler: [u8; 32],
    pub(super) evaluator: [u8; 32],
}

impl Directions {
    /// The garbler's view of a channel.
    pub(super) fn at_garbler<C>(channel: &Transcribed<C>) -> Self {
        let (garbler, evaluator) = channel.digests();
        Self { garbler, evaluator }
    }

    /// The evaluator's view of a channel.
    pub(super) fn at_evaluator<C>(channel: &Transcribed<C>) -> Self {
        let (evaluator, garbler) = channel.digests();
        Self { garbler, evaluator }
    }

    /// The digest of both.
    pub(super) fn digest(&self, session: &SessionId) -> [u8; 32] {
        let domain = Domain { label: TRANSCRIPT, session, index: 0, role: None };
        domain.of(&[&self.garbler, &self.evaluator])
    }
}
