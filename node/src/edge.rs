//! The edges: adapters to the world outside, each with an in-memory twin that the tests use.

pub mod clock;
pub mod operator;
pub mod store;
