//! The two-party protocol for parties who follow it and are curious (semi-honest security).
//!
//! ```text
//!  garbler                                      evaluator
//!  Connected ── hello ──────────────────────── Connected     versions, roles, program, nonces → session id
//!  Agreed    ── set_up: base transfers ─────── Agreed        Δ stays with the garbler
//!  Ready     ── execute: ◄─ choice bits ────── Ready         labels of the evaluator's first input bits
//!                        ── keys, tables ────►               tables are sent as they are garbled; between them,
//!                        ◄─ choice bits ──────               if there are many inputs, more labels
//!                        ── outputs ──────────               to the parties that the terms name
//!  Ready                                       Ready         and again, for further executions
//! ```
//!
//! Each state is a type, and each transition consumes it: after a failure there is no session left to use. `Δ` and the
//! oblivious transfers last for the whole session; each execution draws new keys.
//!
//! The messages of the phase [`Outputs`](Phase::Outputs):
//!
//! ```text
//! digest of the transcript so far [32], then for each output i
//!   to the evaluator        H(C⁰, 2i) [16] ‖ H(C¹, 2i + 1) [16]
//!   for a result party      the same two hashes, ordered by the permute bits of the labels
//!   to the garbler          the active label [16]
//! ```
//!
//! The evaluator accepts only a label that matches one of the two hashes, and the garbler accepts only `C⁰` or `C¹`. If
//! a result party learns the output instead, each side gets an [`OutputShare`]. Bare decoding bits would be shorter,
//! but would turn an altered table into a wrong result (`docs/adr/0002`).
//!
//! **Guaranteed**, if both follow the protocol: neither learns more than the program and, if the terms say so, the
//! output. A session ends with the right output or with an error, even if bytes are altered by accident.
//!
//! **Not guaranteed**: anything against a party that deviates on purpose. A garbler who garbles another program can
//! learn inputs; the party that sends last can withhold the output from the other.
//!
//! The first message is defined in `hello`, the keys in [`SessionKeys`](crate::keys::SessionKeys), the tables in
//! [`garble`](crate::garble), and the messages of oblivious transfer in [`ot`](crate::ot).

mod evaluator;
mod garbler;
mod hello;
mod in_memory;
mod input_streams;
mod output_share;

pub use evaluator::Evaluator;
pub use garbler::Garbler;
pub use hello::{HelloError, Reveal, Role, RunId, Terms};
pub use in_memory::run_in_memory;
pub use input_streams::prefetched_labels;
pub use output_share::OutputShare;

use subtle::Choice;

use crate::channel::{Channel, ChannelError, Phase, TranscriptChannel};
use crate::garble::StreamError;
use crate::ot::OtError;

/// The state of a session before the handshake.
#[derive(Debug)]
pub struct Connected(());

/// Why a session failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The handshake failed.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// Oblivious transfer failed before the first table.
    #[error("oblivious transfer failed: {0}")]
    Ot(#[from] OtError),
    /// Garbling or evaluating failed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
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
    /// The caller used `execute` although the terms name a result party, or `execute_for_result_party` although they
    /// do not.
    #[error("the terms reveal the output to another party than this call does")]
    WrongCall,
    /// The parties saw different messages.
    #[error("the transcripts of the parties differ: messages were altered in transit")]
    Transcript,
    /// At least one output label is not one that the garbler made. The error does not tell which.
    #[error("an output label is not authentic: tables or labels were altered")]
    Output,
}

/// The digest of both directions, the garbler's messages first.
fn digest(garbler: [u8; 32], evaluator: [u8; 32]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new_with_prefix(b"sotto mpc transcript v1");
    hash.chain_update(garbler).chain_update(evaluator).finalize().into()
}

/// Receives the peer's transcript digest and checks that it equals ours.
fn check_transcript<C: Channel>(
    channel: &mut TranscriptChannel<C>,
    ours: [u8; 32],
) -> Result<(), SessionError> {
    let mut theirs = [0; 32];
    channel.receive(Phase::Outputs, &mut theirs)?;
    if ours == theirs { Ok(()) } else { Err(SessionError::Transcript) }
}

/// The decoded bit, and whether exactly one of the two conditions holds.
fn decode(is_zero: Choice, is_one: Choice) -> (bool, Choice) {
    (is_one.into(), is_zero ^ is_one)
}
