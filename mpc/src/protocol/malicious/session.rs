//! The states of a session. Each is a type, and each transition consumes it: a session that failed is gone,
//! with its secrets.

use super::party::Party;

/// The state of a session before the handshake.
pub struct Connected(pub(super) ());

/// The state after the set-up: the session can execute the program, once.
pub struct Ready {
    pub(super) party: Party,
}

/// The state after the execution: all secrets are wiped, but for the output.
pub struct Finished {
    pub(super) transcript: [u8; 32],
    /// None if the output is not for this party.
    pub(super) output: Option<Vec<bool>>,
}
