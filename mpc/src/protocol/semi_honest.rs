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
//! **Lanes.** A session computes with as many threads as it has channels: [`Garbler::with_lanes`] takes the further ones, and
//! [`Garbler::execute_in_lanes`] runs the slices of a [`Sliced`](crate::programs::Sliced) program side by side, and then the
//! final program on their outputs, of which neither party learns anything. Both parties give equally many channels.
//!
//! ```
//! use rand_core::OsRng;
//! use sotto_mpc::programs::{Aes128, Sliced};
//! use sotto_mpc::{Bits, Evaluator, Garbler, Program, Reveal, SessionError, Terms, memory_pair};
//!
//! let blocks = &Sliced::side_by_side(vec![Aes128; 6]).unwrap(); // six blocks, in any number of lanes
//! let (near, far) = (0..2).map(|_| memory_pair()).unzip::<_, _, Vec<_>, Vec<_>>();
//! let (keys, plain) = (&Bits::from(&[true; 6 * 128][..]), &Bits::from(&[false; 6 * 128][..]));
//! let (mut near, mut far) = (near, far);
//! let terms = Terms::new(Reveal::Evaluator);
//! std::thread::scope(|scope| {
//!     let garbling = scope.spawn(move || {
//!         let session = Garbler::new(near.remove(0), blocks, terms).with_lanes(near);
//!         session.hello(&mut OsRng)?.set_up(&mut OsRng)?.execute_in_lanes(keys, &mut OsRng)?;
//!         Ok::<_, SessionError>(())
//!     });
//!     let session = Evaluator::new(far.remove(0), blocks, terms).with_lanes(far);
//!     let (_, output) = session.hello(&mut OsRng)?.set_up(&mut OsRng)?.execute_in_lanes(plain)?;
//!     assert_eq!(output, Some(blocks.compute(&[true; 6 * 128], &[false; 6 * 128])));
//!     garbling.join().unwrap()
//! })?;
//! # Ok::<(), SessionError>(())
//! ```
//!
//! The messages of the phase [`Outputs`](crate::channel::Phase::Outputs):
//!
//! ```text
//! digest of the transcript of all lanes so far [32], then for each output i
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
mod lanes;
mod output_share;
mod session;

pub use evaluator::Evaluator;
pub use garbler::Garbler;
pub use in_memory::run_in_memory;
pub use input_streams::prefetched_labels;
pub use output_share::OutputShare;
pub use session::{Agreed, Connected, SessionError};

pub use super::hello::{HelloError, Reveal, Role, RunId, Terms};
