//! Consensus in virtual time: validators over a network and disks that a seed drives.
//!
//! A run is a function of its seed. `SOTTO_CONSENSUS_SEEDS=2000 cargo test --release -p sotto-node --test
//! consensus` runs so many seeds of each storm instead of a few.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accounts;
mod byzantine;
mod changes;
mod crashes;
#[path = "../support/group.rs"]
mod group;
mod group_record;
mod groups;
mod hearing;
mod ledgers;
mod locks;
mod questions;
mod storms;
mod validator;
mod world;
