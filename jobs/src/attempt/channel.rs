//! A channel between two compute parties.

use sotto_mpc::channel::Framed;

/// The channel between two compute parties.
#[derive(Debug)]
pub struct AttemptChannel<S> {
    /// Messages in frames.
    pub framed: Framed<S>,
    /// The value that the encrypted channel exports: the same at both ends of one channel and nowhere else.
    pub exported: [u8; 32],
}
