//! Support for tests of this crate and of its users: random values, a test chain, and a rejected case for
//! each rule.
//!
//! - [`strategies`]: proptest strategies for every encoded type, valid or not.
//! - [`TestChain`]: a chain in memory with the keys of all its users, derived from a seed.
//! - [`cases`]: for each consensus rule, inputs that it rejects, each with a similar input that is accepted.
//!
//! Nothing here is secret, and misuse panics: use it in tests only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that is wrong must stop")]

mod case;
pub mod cases;
mod governance;
mod many;
mod owned;
pub mod strategies;
mod test_chain;
mod test_validators;

pub use owned::{KeySecrets, Owned};
pub use test_chain::TestChain;
pub use test_validators::TestValidators;
