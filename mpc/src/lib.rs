//! Garbled-circuit computation: several owners compute a function of their inputs, and nobody sees
//! another's input.
//!
//! This crate knows nothing of ledgers; it can be used alone. **It has not been audited.** The two-party
//! protocol here is *semi-honest*: it hides inputs from a peer who follows the protocol and is curious.
//!
//! Reading order: [`block`] (the 16-byte labels and the garbler's delta), [`channel`] (what a peer is),
//! [`ot`] (oblivious transfer).

pub mod block;
pub mod channel;
pub mod ot;

mod wire;

pub use block::{Block, Delta};
pub use channel::{Channel, ChannelError, Phase};
