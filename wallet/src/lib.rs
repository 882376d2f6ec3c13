//! `wallet`: everything that holds a secret of the sotto ledger.
//!
//! ```text
//! plan ─ confirm ─▶ invite ──▶ (receiver) respond ──▶ finalize ──▶ Verified<Transaction> ──▶ a node
//! (receiver) ask ──▶ bill ─ confirm ─▶ pay ──▶ (receiver) collect ──▶ Verified<Transaction> ──▶ a node
//! scan: what the chain says            cancel: free while nothing signed has left, a self-spend after
//! ```
//!
//! [`Wallet`](wallet::Wallet) is the front door; it keeps every change durably before a byte leaves. It sees the chain
//! through [`scan::ChainSource`] and its file through [`store::Store`], both with memory twins; time and randomness are
//! arguments. Only [`edge`] touches the system.
//!
//! **Reading order**: [`keys`], [`outputs`], [`state`], [`select`], [`slate`], [`armor`], [`proof`], [`contacts`],
//! [`scan`], [`store`], [`wallet`], [`history`], [`view`]. How to embed it: `docs/EMBEDDING.md`.
//! All labels stand in `tag`, all bytes in `wire`. The cryptography is **unaudited**.

pub mod armor;
pub mod coinbase;
pub mod contacts;
pub mod edge;
pub mod history;
pub mod keys;
pub mod outputs;
pub mod proof;
pub mod scan;
pub mod select;
pub mod slate;
pub mod state;
pub mod store;
mod tag;
pub mod view;
pub mod wallet;
mod wire;
