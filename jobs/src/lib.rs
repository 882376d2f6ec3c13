#![doc = include_str!("../README.md")]

mod calendar;
pub mod codec;
pub mod hash;
mod json;
pub mod line_error;
pub mod text;

pub mod kind;
mod variants;

pub mod multiparty;

pub mod builtins;
pub mod circuits;

pub mod job;

pub mod disclosure;

pub mod program;
pub mod summary;
pub mod verify_program;

pub mod exposure;
pub mod reading;

pub mod approval;
pub mod policy;

pub mod evidence;
pub mod lock;
pub mod vouched;

pub mod budget;
pub mod offer;

mod pad;
pub mod post;
pub mod receipt;

pub mod false_share;
pub mod input_commitment;
pub mod output_share;

pub mod messages;
mod run_id;

pub mod session_evidence;

pub mod sale;

pub mod admission;
pub mod attempt;
pub mod collect;
pub mod run_state;
pub mod storage;

pub mod offer_use;

mod compute_party;

pub mod in_process;

pub mod bundle_file;
pub mod invent;
pub mod job_file;
pub mod policy_file;
pub mod receipt_file;
pub mod result;
pub mod rows;
pub mod text_key;

pub mod edge;

pub use approval::{Agreement, Approval};
pub use builtins::Builtin;
pub use hash::Digest;
pub use job::{Draft, Job, PartyId};
pub use multiparty::{Functionality, Parameters};
pub use policy::Policy;
pub use program::Computation;
pub use receipt::Receipt;
pub use rows::Format;
pub use sotto_party::{Identity, PublicKey};
