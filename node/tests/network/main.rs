//! The node as one of many, simulated: relay, agreement, faults, and peers that mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod bank;
mod branches;
mod lone;
mod pending;
mod puppet;
mod schedules;
mod shortcut;
mod steps;
mod world;
