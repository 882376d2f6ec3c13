//! Outputs for a party that computes: the peer reveals its mask bits and shows their MACs.
//!
//! ```text
//! z = Λ ⊕ λ_G ⊕ λ_E
//! P → Q   bits λ_P of all outputs ‖ SHA-256 of their MACs M_P           Q compares with K_Q ⊕ λ_P·Δ_Q
//! ```
//!
//! A party that flips a bit of its own must find a MAC under the Δ of the other: one digest covers all
//! outputs. The evaluator has Λ; the garbler has it from the report, where a false Λ would have needed
//! another label.

use subtle::ConstantTimeEq;

use super::authenticated_bits::{Authenticator, Shares};
use super::domains::{Domain, OUTPUTS};
use super::error::{Check, SessionError, accept};
use super::exchange::receive_bits;
use crate::Bits;
use crate::channel::{Channel, Phase};
use crate::ot::SessionId;
use crate::protocol::hello::Role;

/// A party's masks of all outputs.
pub(super) struct OutputMasks<'o> {
    pub(super) session: &'o SessionId,
    pub(super) own: &'o Authenticator,
    pub(super) shares: &'o Shares,
}

impl OutputMasks<'_> {
    /// Reveals our mask bits to the peer.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) fn reveal(&self, channel: &mut impl Channel) -> Result<(), SessionError> {
        let mut hash = self.domain(self.own.role).running();
        self.shares.macs.iter().for_each(|mac| hash.add(*mac));
        channel.send(Phase::Outputs, self.own_bits().as_bytes())?;
        channel.send(Phase::Outputs, &hash.finish())?;
        Ok(channel.flush()?)
    }

    /// Our mask bits.
    pub(super) fn own_bits(&self) -> Bits {
        self.shares.view().iter().map(|share| share.bit()).collect()
    }

    /// Receives the peer's mask bits and unmasks the outputs, whose masked values are `values`.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub(super) fn learn(&self, channel: &mut impl Channel, values: &Bits) -> Result<Vec<bool>, SessionError> {
        let theirs = self.receive(channel)?;
        let outputs = self.shares.view().iter().zip(theirs.iter()).zip(values.iter());
        Ok(outputs.map(|((share, theirs), value)| value ^ share.bit() ^ theirs).collect())
    }

    /// Receives the peer's mask bits.
    ///
    /// # Errors
    /// If the connection fails, or a bit is not the authenticated one; the error does not say which.
    pub(super) fn receive(&self, channel: &mut impl Channel) -> Result<Bits, SessionError> {
        let theirs = receive_bits(channel, Phase::Outputs, self.shares.len())?;
        let mut digest = [0; 32];
        channel.receive(Phase::Outputs, &mut digest)?;
        let mut hash = self.domain(self.own.role.peer()).running();
        let masks = self.shares.view().iter().zip(theirs.iter());
        masks.for_each(|(share, bit)| hash.add(self.own.expected_mac(share, bit)));
        accept(hash.finish().ct_eq(&digest), Check::Outputs)?;
        Ok(theirs)
    }

    fn domain(&self, role: Role) -> Domain<'_> {
        Domain { label: OUTPUTS, session: self.session, index: 0, role: Some(role) }
    }
}
