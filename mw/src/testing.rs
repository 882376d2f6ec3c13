//! For tests, of this crate and of those who build on it: random values, a test chain, and what each rule refuses.
//!
//! - [`strategies`]: proptest strategies for everything that has bytes; structure only, so codecs see all of it.
//! - [`TestChain`]: a chain in memory whose operator, payers and payees are one; everything follows from a seed.
//! - [`cases`]: for each consensus rule what that rule refuses, beside a neighbour that is accepted.
//!
//! Nothing here is secret, and wrong use panics: not for use outside of tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that is wrong must stop")]

mod case;
pub mod cases;
pub mod strategies;
mod test_chain;

pub use test_chain::{Owned, TestChain};
