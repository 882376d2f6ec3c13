//! Joint computations between organisations: what they agree on, and how they compute without showing their data.
//!
//! **This crate has not been audited.** The protocol underneath ([`sotto_mpc`]) is *semi-honest*: it hides inputs from a peer who
//! follows the protocol and is curious.

pub mod codec;
pub mod hash;
pub mod text;

pub mod multiparty;

pub mod builtins;
pub mod circuits;

pub mod job;
pub mod program;
pub mod verify_program;

pub mod approval;
pub mod budget;
pub mod policy;
pub mod summary;

pub mod input_commitment;
pub mod output_share;
pub mod receipt;
pub mod run_id;

pub mod attempt;
pub mod messages;
pub mod run_state;
pub mod storage;

pub mod job_file;
pub mod line_error;
pub mod policy_file;
pub mod receipt_file;
pub mod rows;

pub mod edge;

pub use approval::{Agreement, Approval};
pub use hash::Digest;
pub use job::{Job, PartyId};
