//! The receipt: what the address of a receiver signs before the payer signs anything. Proofs of payment rest
//! on it.
//!
//! ```text
//! "sotto/payment/v1" ‖ chain id ‖ session ‖ amount ‖ X_r ‖ C_r ‖ payer's key ‖ memo hash ‖ m
//! bytes = session (32) ‖ amount (8) ‖ kernel features ‖ X_r (32) ‖ C_r (32) ‖ payer's key (32)
//!         ‖ memo hash (32)
//! ```
//!
//! All parts except m, the message of the kernel, have a fixed width. If no payer is named, its key is 32
//! zero bytes: the encoding of the identity, which is never a valid key. Source: `docs/SIGNING.md`, "Proofs
//! of payment".
#![deny(clippy::indexing_slicing)]

use crate::codec::session;
use sotto_mw::{
    amount::Amount,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    group::Point,
    hash::Hash,
    kernel::KernelFeatures,
    schnorr::PublicKey,
    session::SessionId,
    tag,
};

/// The statement of a receiver: "this kernel pays me this amount, in this session, from this payer."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The signing session.
    pub session: SessionId,
    /// The amount that the receiver gets.
    pub amount: Amount,
    /// The kernel: fee and last height.
    pub features: KernelFeatures,
    /// X_r, the receiver's part of the kernel's excess.
    pub key: PublicKey,
    /// C_r, the receiver's output.
    pub commitment: Commitment,
    /// The signing key of the payer's address, if one is named.
    pub sender: Option<PublicKey>,
    /// Hash of the memo.
    pub memo: Hash,
}

impl Receipt {
    /// The message that the receiver signs.
    #[must_use]
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        [
            tag::PAYMENT.as_bytes(),
            chain.as_bytes(),
            &self.session.0,
            &self.amount.units().to_le_bytes(),
            self.key.as_bytes(),
            self.commitment.as_bytes(),
            self.sender.as_ref().map_or(&[0; 32], |p| p.as_bytes()),
            self.memo.as_bytes(),
            &self.features.message(chain),
        ]
        .concat()
    }
}

impl Encode for Receipt {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.amount.encode(out);
        self.features.encode(out);
        self.key.encode(out);
        self.commitment.encode(out);
        out.extend_from_slice(self.sender.as_ref().map_or(&[0; 32], |p| p.as_bytes()));
        self.memo.encode(out);
    }
}

impl Decode for Receipt {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            session: session(r)?,
            amount: Amount::decode(r)?,
            features: KernelFeatures::decode(r)?,
            key: PublicKey::decode(r)?,
            commitment: Commitment::decode(r)?,
            // The identity is never a valid key: it means that no payer is named.
            sender: Some(Point::decode(r)?).filter(|p| !p.is_identity()).map(PublicKey::from_point),
            memo: Hash::decode(r)?,
        })
    }
}
