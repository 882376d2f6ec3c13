#![doc = include_str!("../README.md")]

// The order of the modules is the order of dependence: each imports only from those above it.
mod codec;

pub mod bits;
pub mod block;

mod hash;
mod public_labels;

mod backend;
pub mod keys;

pub mod fancy;
pub mod gadgets;
pub mod number;

pub mod inputs;
pub mod program;
pub mod programs;

pub mod circuit;

pub mod channel;
pub mod ot;

pub mod garble;

pub mod evaluate;

pub mod protocol;

pub mod calibrate;
pub mod edge;

pub use backend::Backend;
pub use bits::Bits;
pub use block::{Block, Delta};
pub use channel::{Channel, ChannelError, Phase, memory_pair};
pub use circuit::{Circuit, Netlist};
pub use fancy::{Fancy, Plain};
pub use gadgets::Words;
pub use inputs::{Holder, InputStream, Inputs};
pub use program::{Program, ProgramName, Shape};
pub use protocol::semi_honest::{
    Evaluator, Garbler, OutputShare, Reveal, SessionError, Terms, run_in_memory,
};

/// The example of the workspace's README runs as a test of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct WorkspaceReadme;
