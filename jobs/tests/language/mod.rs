//! Programs in the Garble language: against the language's own evaluator, against clear arithmetic, and at
//! their bounds.
#![allow(clippy::unwrap_used, clippy::panic)]

mod arithmetic;
mod differences;
mod enums;
mod expressions;
mod functions;
mod joins;
mod limits;
mod maps;
mod programs;
mod streaming;
mod tables;
mod tables_at_random;
mod twin;
