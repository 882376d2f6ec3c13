#![doc = include_str!("../README.md")]

pub mod codec;
pub mod hash;
pub mod kind;
pub mod line_error;

pub mod binding;
pub mod claims;
pub mod collateral;
pub mod error;
pub mod roots;
mod shape;

pub mod evidence;
pub mod revoked;
pub mod seen;

mod quote;
mod snp;
pub mod software;

pub mod policy;
pub mod verify;

pub mod appraise;
pub mod policy_file;

pub mod bundle;
pub mod device;

pub mod edge;

pub use appraise::{Appraised, Circumstances, Verdict};
pub use binding::{Binding, Purpose};
pub use bundle::Bundle;
pub use claims::Claims;
pub use collateral::Collateral;
pub use evidence::Evidence;
pub use hash::Digest;
pub use kind::Kind;
pub use policy::Policy;
pub use revoked::{Revocable, Revoked};
pub use roots::Roots;
pub use seen::Seen;
pub use verify::{verify, verify_under};
