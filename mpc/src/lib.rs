//! Garbled-circuit computation: several owners compute a function of their inputs, and nobody sees
//! another's input.
//!
//! This crate knows nothing of ledgers; it can be used alone. **It has not been audited.** The two-party
//! protocol here is *semi-honest*: it hides inputs from a peer who follows the protocol and is curious.
//!
//! Reading order: [`fancy`] (one program, many interpreters), [`gadgets`] (arithmetic in gates), [`block`]
//! (the 16-byte labels and the garbler's delta), [`garble`] and [`evaluate`] (what the two do at a gate),
//! [`program`] (what is agreed upon), [`inputs`] (where its inputs are and how it takes them), [`number`] (numbers as bits), [`circuit`] (circuits as
//! data), [`ot`] (how the evaluator gets its labels), [`protocol`] (a session from hello to result),
//! [`programs`] (programs of two parties), [`measure`] (how fast it is). Computations of any number of organisations are in
//! `sotto-jobs`.

pub mod bits;
pub mod block;
pub mod channel;
pub mod circuit;
pub mod edge;
pub mod evaluate;
pub mod fancy;
pub mod gadgets;
pub mod garble;
pub mod inputs;
pub mod keys;
pub mod measure;
pub mod number;
pub mod ot;
pub mod program;
pub mod programs;
pub mod protocol;
pub mod wire;

mod backend;
mod hash;
mod label;

pub use backend::Backend;
pub use bits::Bits;
pub use block::{Block, Delta};
pub use channel::{Channel, ChannelError, Phase};
pub use fancy::Fancy;
pub use inputs::Inputs;
pub use program::Program;
