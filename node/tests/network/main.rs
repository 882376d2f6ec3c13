//! The node as one of many, simulated: relay, agreement, faults, and peers that mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod asks;
mod attacker;
mod attacks;
mod bank;
mod boasters;
mod branches;
mod checkpoint;
mod fetching;
mod hand;
mod headers;
mod lone;
mod opened;
mod opened_files;
mod parts;
mod pending;
mod puppet;
#[path = "../support/requests.rs"]
mod requests;
mod resumed;
mod routes;
mod schedules;
mod serving;
mod siege;
mod snapshot_sync;
mod steps;
mod survivors;
mod talk;
mod terms;
mod turns;
mod voting;
mod world;
