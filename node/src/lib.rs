//! `node`: one of a network, and the ledger on its disk.
//!
//! [`mw`] says what a chain is; this crate keeps one, and agrees on it with others. An [`engine::Node`] turns an
//! [`event::Event`] into [`effect::Effect`]s and touches neither clock nor socket, so many of them run in one process and
//! virtual time (`tests/network`). Below it, a [`ledger::Ledger`] is a store of blocks and a pool of pending
//! transactions, joined by the rules, and never an opinion of its own about what is allowed:
//!
//! ```text
//! transaction ─▶ Ledger::submit ─▶ pool ─▶ Ledger::draft ─▶ Ledger::propose ─▶ a sealing engine ─▶ Ledger::commit ─▶ store
//! ```
//!
//! **Reading order**: [`event`], [`effect`], [`engine`] (what a node does), [`wire::message`] (what nodes say), [`config`], [`run`];
//! [`ledger`] (the whole in one page), [`engine::sealing`] (what makes blocks of proposals), [`engine::pool`], [`engine::fork`], [`engine::evidence`] and [`engine::pruned`]
//! (pure), [`edge::store`] (log, head, base, index and what a crash leaves), [`edge::daemon`], [`edge::net`] and [`edge::asker`] (a
//! running node), [`wire::rpc`] and [`edge::rpc`] (what programs on this machine ask), [`light`] (what their answers are held
//! against), [`audit`], [`seal`], [`wire`] (every byte on disk), [`edge::operator`].
//!
//! The node holds no key but the operator's, and knows no wallet. The cryptography is **unaudited**.

pub mod codec;
pub mod peer;
pub mod seal;
pub mod token_bucket;

pub mod message;
pub mod sealing;

pub mod storage;

pub mod ledger;

pub mod config;
pub mod effect;
pub mod event;

pub mod engine;

pub mod light;
pub mod rpc;

pub mod edge;
