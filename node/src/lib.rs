//! `node`: the ledger on a disk, as a library for now.
//!
//! [`mw`] says what a chain is; this crate keeps one. A [`ledger::Ledger`] is a store of blocks and a pool of pending
//! transactions, joined by the rules, and never an opinion of its own about what is allowed:
//!
//! ```text
//! transaction ─▶ Ledger::submit ─▶ pool ─▶ Ledger::draft ─▶ Ledger::propose ─▶ seal::seal ─▶ Ledger::connect ─▶ store
//! ```
//!
//! **Reading order**: [`ledger`] (the whole in one page), [`engine::pool`], [`engine::fork`], [`engine::evidence`] and
//! [`engine::pruned`] (pure), [`edge::store`] (log, head, base, index and what a crash leaves), [`audit`], [`seal`],
//! [`wire`] (every byte on disk), [`edge::operator`].
//!
//! The node holds no key but the operator's, and knows no wallet. The cryptography is **unaudited**.

pub mod audit;
pub mod edge;
pub mod engine;
pub mod ledger;
pub mod seal;
pub mod wire;
