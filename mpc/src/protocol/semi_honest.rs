//! Two parties compute a program; each is curious, and follows the protocol.
//!
//! ```text
//!  garbler                                      evaluator
//!  Connected ── hello ──────────────────────── Connected     versions, roles, program, nonces → sid
//!  Agreed    ── set_up: base transfers ─────── Agreed        Δ stays with the garbler
//!  Ready     ── execute: ◄─ choice bits ────── Ready         the evaluator's first input labels
//!                        ── keys, tables ────►               streamed as they are garbled, and in
//!                        ◄─ choice bits ──────               between, if there are many inputs, the next
//!                        ── outputs ──────────               to whom it was agreed
//!  Ready                                       Ready         and again, if wanted
//! ```
//!
//! Each state is a type, and each transition consumes it: what fails is gone, and a half-failed session
//! cannot be used again. `Δ` and the transfers live as long as the session; keys are drawn for each
//! execution.
//!
//! **Guaranteed**, if both follow the protocol: neither learns more than the output (if it is told the
//! output) and the program. A result is either right or an error, also when bytes are altered by chance.
//! **Not guaranteed**: anything about a party that deviates on purpose. A garbler who garbles another
//! program can learn inputs; whoever sends last can keep the result from the other.
//!
//! Outputs: the evaluator is sent `H(C⁰, 2i)` and `H(C¹, 2i + 1)` for output `i` and accepts only a label that
//! hashes to one of them; the garbler is sent the active label and accepts only `C⁰` or `C¹`. For a receiver
//! who does not compute, each side gets a [`Half`]. Bare decoding bits would turn an altered table into a wrong
//! answer (`docs/adr/0002`).

mod evaluator;
mod garbler;
mod half;
mod hello;
mod strands;
mod together;

pub use evaluator::Evaluator;
pub use garbler::Garbler;
pub use half::Half;
pub use hello::{HelloError, Reveal, Role, RunId, Terms};
pub use strands::labels_ahead;
pub use together::together;

use subtle::Choice;

use crate::channel::{Channel, ChannelError, Phase, Transcribed};
use crate::garble::StreamError;
use crate::ot::OtError;

/// A channel is there; nothing was said.
#[derive(Debug)]
pub struct Connected(());

/// Why a session ended without a result.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The parties do not want the same.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// Oblivious transfer failed before the first table.
    #[error("oblivious transfer failed: {0}")]
    Ot(#[from] OtError),
    /// Tables, or labels between them, could not be sent or received.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The inputs are not those of the program.
    #[error("the program takes {expected} input bits of this party, but {given} were given")]
    InputLength {
        /// Bits that the program takes.
        expected: usize,
        /// Bits that were given.
        given: usize,
    },
    /// The program does not give what its shape says: an error in the program.
    #[error("the program gave {given} output bits, but its shape says {expected}")]
    OutputLength {
        /// Bits that the shape says.
        expected: usize,
        /// Bits that came out.
        given: usize,
    },
    /// The call does not fit the terms: the output is for a receiver, or it is not.
    #[error("the terms name another receiver of the result than this call does")]
    Receiver,
    /// The two parties did not see the same messages.
    #[error("what the peer sent and what was received differ: the connection altered it")]
    Transcript,
    /// An output label is none that the garbler made. It is not told which.
    #[error("an output is not authentic: the tables or labels were altered")]
    Output,
}

/// The digest of both directions, in the order garbler, evaluator.
fn digest(garbler: [u8; 32], evaluator: [u8; 32]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new_with_prefix(b"sotto mpc transcript v1");
    hash.chain_update(garbler).chain_update(evaluator).finalize().into()
}

/// Receives the peer's digest of the transcript, which must be `ours`.
fn check_transcript<C: Channel>(channel: &mut Transcribed<C>, ours: [u8; 32]) -> Result<(), SessionError> {
    let mut theirs = [0; 32];
    channel.receive(Phase::Outputs, &mut theirs)?;
    if ours == theirs { Ok(()) } else { Err(SessionError::Transcript) }
}

/// The bit of what is either zero or one, and whether it is just one of them.
fn decode(is_zero: Choice, is_one: Choice) -> (bool, Choice) {
    (is_one.into(), is_zero ^ is_one)
}
