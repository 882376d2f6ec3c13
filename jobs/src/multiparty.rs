//! What any number of input parties compute together: a program that says what each brings, what comes out, and what
//! that reveals.
//!
//! ```text
//! input party 0  rows ─ encode ─► bits ─┐                       ┌─► inputs_hold   one bit for each input party
//! input party 1  rows ─ encode ─► bits ─┼─► ranges ─► body ─► ∧ ┼─► output table
//!   …                             ┘                       └─► output table
//! ```
//!
//! A [`Functionality`] program does not know who computes. The two compute parties run it as a [`Program`](sotto_mpc::Program) of two parties through
//! [`Delegated`], which says for each input party where its bits come from: the garbler, the evaluator, or XOR shares that
//! both hold (joined by one free XOR).
//!
//! **Guaranteed inside the circuit**: every number of every row that is present is in its declared range, or the input party's bit in
//! `inputs_hold` is 0 and *all* other outputs are zeros, so an input party who lies about ranges spoils the result and is
//! named, and cannot move it. A program adds its own conditions (sorted keys, for instance) to the same bit.
//! **Not guaranteed**: that inputs are true, nor anything about what outputs reveal: a program lists that in words.
//!
//! Inputs are taken as the program asks for them, and labels are fetched in pieces: for a program that reads its rows
//! in chunks, the memory of a compute party grows with the rows by their bits, and not by labels.

mod checked;
mod declaration;
mod delegated;
mod functionality;
mod local_step;
mod parameters;
mod request;

pub use checked::{CheckedInputs, Chunk};
pub use declaration::{Cells, Column, Declaration, INPUTS_HOLD, RowError, RowErrorKind, Rows, Table};
pub use delegated::Delegated;
pub use functionality::{Functionality, Header, MAX_INPUT_BITS, TooLarge};
pub use local_step::{Figure, LocalStep, LocalStepError, PassThrough};
pub use parameters::{Parameter, ParameterError, Parameters};
pub use request::max_input_request;
