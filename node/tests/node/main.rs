//! The node against its memory twin, power failures, damage, and a full disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

mod certified;
#[path = "../support/copy_tree.rs"]
mod copy_tree;
mod crash;
mod damage;
mod edges;
mod flips;
mod folders;
mod image;
mod kill;
mod ledger;
mod mempool;
mod opening;
mod prune;
mod reorganise;
mod sealers;
mod snapshot;
mod test_chain;
mod twin;
mod verdicts;
