//! The node as one of many, simulated: relay, agreement, faults, and peers that mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod asks;
mod bank;
mod boasters;
mod branches;
mod lone;
mod pending;
mod puppet;
mod schedules;
mod snapshot_sync;
mod steps;
mod world;
