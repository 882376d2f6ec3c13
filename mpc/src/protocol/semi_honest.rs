//! The two-party protocol for parties who follow it and are curious (semi-honest security).
//!
//! ```text
//!  garbler                                      evaluator
//!  Connected ── hello ──────────────────────── Connected     versions, roles, program, nonces → session id
//!  Agreed    ── set_up: base transfers ─────── Agreed        Δ stays with the garbler
//!  Ready     ── execute: ◄─ choice bits ────── Ready         labels of the evaluator's first input bits
//!                        ── keys, tables ────►               tables are sent as they are garbled;
//!                        ◄─ choice bits ──────               between them, labels of further input bits
//!                        ── outputs ──────────               to the parties that the terms name
//!  Ready                                       Ready         and again, for further executions
//! ```
//!
//! Each state is a type, and each transition consumes it: after a failure there is no session left to use.
//! `Δ` and the oblivious transfers last for the whole session; each execution draws new keys.
//!
//! The messages of the phase [`Outputs`](crate::channel::Phase::Outputs):
//!
//! ```text
//! digest of the transcript so far [32], then for each output i
//!   to the evaluator        H(C⁰, 2i) [16] ‖ H(C¹, 2i + 1) [16]
//!   for a result party      the same two hashes, ordered by the permute bits of the labels
//!   to the garbler          the active label [16]
//! ```
//!
//! The evaluator accepts only a label that matches one of the two hashes, and the garbler accepts only `C⁰`
//! or `C¹`. If a result party learns the output instead, each side gets an [`OutputShare`]. Bare decoding
//! bits would be shorter, but would turn an altered table into a wrong result (`docs/adr/0002`).
//!
//! **Guaranteed**, if both follow the protocol: neither learns more than the program and, if the terms say
//! so, the output. A session ends with the right output or with an error, even if bytes are altered by
//! accident.
//!
//! **Not guaranteed**: anything against a party that deviates on purpose. A garbler who garbles another
//! program can learn inputs; the party that sends last can withhold the output from the other.
//!
//! The first message is defined in `hello`, the keys in [`SessionKeys`](crate::keys::SessionKeys), the tables
//! in [`garble`](crate::garble), and the messages of oblivious transfer in [`ot`](crate::ot).

mod evaluator;
mod garbler;
mod in_memory;
mod input_streams;
mod output_share;
mod session;

pub use evaluator::Evaluator;
pub use garbler::Garbler;
pub use in_memory::run_in_memory;
pub use input_streams::prefetched_labels;
pub use output_share::OutputShare;
pub use session::{Agreed, Connected, SessionError};

pub use super::hello::{HelloError, Reveal, Role, RunId, Terms};
