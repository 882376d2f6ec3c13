#![doc = include_str!("../README.md")]

pub mod codec;
pub mod passphrase;
mod tag;

mod curve;
mod draft;
mod plan;

mod letter;

mod epoch;
mod fault;
mod seed;

mod log;
mod share;

pub mod answer;
mod masked;
pub mod member;
mod partial;
mod register;
pub mod request;
pub mod sealed;
pub mod signing;

pub mod pool;

pub mod dkg;
pub mod reading;
pub mod refresh;
pub mod repair;
pub mod sign;
pub mod succession;
pub mod vault;
pub mod vault_session;
pub mod view;

pub mod armor;
mod session_file;
pub mod share_file;

pub mod edge;

#[cfg(test)]
mod tests;

pub use draft::{Draft, DraftError, GroupId, Index, MAX_MEMBERS, Purpose};
pub use epoch::{Epoch, Group};
pub use fault::Fault;
pub use letter::{Evidence, Heading, Letter, MAX_LETTER, SessionId, Step};
pub use log::{LetterError, Log, Progress, Taken};
pub use member::Member;
pub use register::{MemoryRegister, Register};
pub use seed::Seed;
pub use share::{Share, ShareError, Shares};
pub use tag::Hash;
