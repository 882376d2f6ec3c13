//! The node as one of many, simulated: relay, agreement, faults, and peers that mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod asks;
mod attacker;
mod attacks;
mod bank;
mod boasters;
mod branches;
mod hand;
mod lone;
mod pending;
mod puppet;
mod schedules;
mod siege;
mod snapshot_sync;
mod steps;
mod survivors;
mod world;
