//! Functionalities: what any number of input parties compute together, what they enter, what comes out, and
//! what that reveals.
//!
//! ```text
//! input party 0  rows ─ encode ─► bits ─┐                       ┌─► inputs_hold   one bit for each input party
//! input party 1  rows ─ encode ─► bits ─┼─► ranges ─► body ─► ∧ ┼─► output table
//!   …                                   ┘                       └─► output table
//! ```
//!
//! A [`Functionality`] does not know who computes. The two compute parties run it as a two-party
//! [`Program`](sotto_mpc::Program) through [`Delegated`], which states for each input party who holds its
//! bits: the garbler, the evaluator, or both as XOR shares (joined by one free XOR).
//!
//! **Guaranteed inside the circuit**: every number of every present row is in its declared range, or the
//! input party's bit in `inputs_hold` is 0 and *all* other outputs are zeros. So a party that enters
//! out-of-range numbers spoils the result and is named, but cannot shift it. A functionality can add its own
//! conditions (sorted keys, for instance) to the same bit. **Not guaranteed**: that inputs are true, nor what
//! outputs reveal; the declaration lists that in words.
//!
//! A functionality reads its rows in chunks, and labels are fetched as they are read, so a compute party's
//! memory grows with the bits of the rows and not with their labels.

mod checked;
mod declaration;
mod delegated;
mod functionality;
mod local_step;
mod padded;
mod parameters;
mod request;
mod retype;

pub use checked::{CheckedInputs, Chunk};
pub use declaration::{Cells, Column, Declaration, INPUTS_HOLD, RowError, RowErrorKind, Rows, Table};
pub use delegated::Delegated;
pub(crate) use functionality::limit_for;
pub use functionality::{Functionality, Header, MAX_INPUT_BITS, TooLarge};
pub use local_step::{Figure, LocalStep, LocalStepError, PassThrough, RowNames};
pub(crate) use padded::{Padded, Stream};
pub use parameters::{Parameter, ParameterError, Parameters};
pub use request::max_input_request;
pub(crate) use retype::{ColumnType, RetypeError};
