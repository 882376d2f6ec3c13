//! Joint computations between organisations: what they agree on, and how it is done without anybody showing its data.
//!
//! **This crate has not been audited.** The protocol underneath ([`sotto_mpc`]) is *semi-honest*: it hides inputs from a peer who
//! follows the protocol and is curious.
//!
//! ```text
//! job.toml ─ edge::job_file ─► Draft ─ rules ─► Job ─ everybody signs ─► Agreement
//! owner's rows ─ edge::rows ─► bits ─ prepare ─► manifest, a sealed share for each computer
//! two computers: inputs ─ attempt ─► halves, sealed to their receivers, and a receipt that both sign
//! receiver: two halves ─ join ─► outputs
//! ```
//!
//! Reading order: [`joint`] (programs of any number of owners), [`operators`] (built-in programs), [`circuits`] (circuits as joint
//! programs), [`spec`] (what is agreed), [`program`] (what can be computed), [`consent`] (by whom), [`words`] (what signers are
//! shown), [`policy`] and [`budget`] (what an owner allows, and what is used up), [`inputs`] (how data leave their owner),
//! [`receipt`] (what everybody is left with), [`run`] and [`attempt`] (what the two computers do), [`outputs`] (how results reach
//! their receivers), [`desk`] and [`post`] (what a computer does with what others send), [`binding`] (that gates and schemas are
//! those that were signed), [`edge`] (files and sockets).

pub mod attempt;
pub mod binding;
pub mod budget;
pub mod circuits;
pub mod codec;
pub mod consent;
pub mod desk;
pub mod edge;
pub mod hash;
pub mod inputs;
pub mod joint;
pub mod operators;
pub mod outputs;
pub mod policy;
pub mod post;
pub mod program;
pub mod receipt;
pub mod run;
pub mod spec;
pub mod text;
pub mod words;

pub use consent::{Agreement, Consent};
pub use hash::Digest;
pub use spec::{Job, PartyId};
