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

pub mod aggregate;
pub mod amount;
mod batch;
pub mod block;
pub mod commitment;
pub mod error;
pub mod group;
pub mod hash;
pub mod kernel;
pub mod mmr;
mod msm;
pub mod range_proof;
pub mod rules;
pub mod schnorr;
pub mod secret;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transaction;
pub mod transcript;
pub mod trie;
pub mod wire;
