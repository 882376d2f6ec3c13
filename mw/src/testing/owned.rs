//! Outputs of test chains with the secrets of their owners.

use crate::{commitment::Commitment, output::Output, range_proof::Opening, secret::SecretScalar};

/// An output, and what its owner knows of it.
#[derive(Clone, Debug)]
pub struct Owned {
    /// Amount and index.
    pub opening: Opening,
    /// The blinding factor.
    pub blinding: SecretScalar,
    /// The public part.
    pub output: Output,
    /// The secrets of its keys, if it is one-sided.
    pub keys: Option<KeySecrets>,
}

/// The secrets of a one-sided output: in real life the sender knows one and the receiver the other.
#[derive(Clone, Debug)]
pub struct KeySecrets {
    /// r, of the sender.
    pub sender: SecretScalar,
    /// k_o, of the receiver.
    pub receiver: SecretScalar,
}

impl Owned {
    /// The commitment of the output.
    #[must_use]
    pub const fn commitment(&self) -> Commitment {
        self.output.commitment
    }
}
