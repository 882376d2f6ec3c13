//! `mw`: a confidential ledger as arithmetic on values.
//!
//! An amount `v` is hidden in a commitment `C = v·H + r·G`. Commitments add, so a payment is honest exactly when what
//! comes out equals what went in, up to a multiple of G that the payer can sign with:
//!
//! ```text
//! in words     outputs + fee − inputs = nothing but blinding factors
//! in symbols   Σ outputs + fee·H − Σ inputs = E + offset·G,     E = x·G
//! in code      rules::verify_transaction
//! ```
//!
//! The kernel (E, fee, window, signature) proves that; a range proof on each output shows that no amount is negative.
//! Because the equation adds up over transactions, blocks and the whole chain, an output and the input that spends it can
//! be removed together (cut-through), and the sum of what is unspent is still the supply.
//!
//! **Reading order**: [`amount`], [`group`], [`commitment`], [`range_proof`], [`schnorr`], [`kernel`], [`transaction`],
//! [`mod@aggregate`], [`block`], [`mmr`] and [`trie`], [`state`], [`rules`], [`wire`]. All labels stand in [`transcript`].
//!
//! There is no file, socket, clock or hidden random source here: time and randomness are arguments. The cryptography
//! is **unaudited**.

pub mod codec;
pub mod tag;

mod msm;

pub mod amount;
pub mod group;
pub mod hash;
pub mod secret;

pub mod commitment;
pub mod schnorr;

pub mod chain;

pub mod kernel;
pub mod session;

mod features;
pub mod range_proof;

pub mod batch;
mod prover;

pub mod output;
pub mod transaction;

pub mod aggregate;
pub mod mmr;
pub mod trie;

pub mod block;
pub mod state;

pub mod error;
pub mod rules;

#[cfg(feature = "testing")]
pub mod testing;

pub use crate::{
    amount::{Amount, Height},
    block::{Block, Header},
    chain::{Chain, ChainId, Network, Params},
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
