#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! The modules below are declared in order of dependence: each imports only from those above it.

pub mod codec;
pub mod tag;

mod msm;

pub mod arithmetic;

pub mod amount;
mod generators;
pub mod group;
pub mod hash;
pub mod secret;

mod chain_id;
pub mod commitment;
pub mod schnorr;
pub mod unit;

pub mod validators;

pub mod terms;

pub mod chain;

pub mod dleq;
pub mod kernel;
pub mod session;

pub mod one_sided;

mod features;
pub mod range_proof;

pub mod batch;
mod prover;

pub mod joint;
pub mod output;
pub mod transaction;

pub mod reading;

pub mod aggregate;
pub mod mmr;
pub mod trie;
pub mod votes;

pub mod block;
pub mod history;
pub mod state;

pub mod error;
pub mod rules;

#[cfg(feature = "testing")]
pub mod testing;

pub use crate::{
    amount::{Amount, Height},
    block::{Block, Header},
    chain::{Chain, ChainId, Params},
    codec::{Decode, DecodeError, Encode},
    commitment::Commitment,
    error::Rejection,
    hash::Hash,
    kernel::{Kernel, KernelFeatures},
    output::{Output, OutputFeatures, OutputKeys},
    range_proof::Opening,
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
    state::MemoryState,
    transaction::{Body, Transaction},
};
