//! The receipt: what a receiver's address key signs before the payer signs anything, and what a proof of payment rests on.
//!
//! ```text
//! "sotto/payment/v1" ‖ chain id ‖ session ‖ amount ‖ X_r ‖ C_r ‖ payer's key ‖ memo hash ‖ m
//! ```
//!
//! all but m, the kernel's message, of fixed width. Where nobody is named as payer, his key is 32 zero bytes, which
//! encode the identity and so are nobody's key. Source: SPEC "Proof of payment".

use sotto_mw::{
    amount::Amount, chain::ChainId, commitment::Commitment, hash::Hash, kernel::KernelFeatures,
    schnorr::PublicKey, session::SessionId, tag,
};

/// What a receiver states: "I get this, by this kernel, in this session, from this payer."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The signing session.
    pub session: SessionId,
    /// What the receiver gets.
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
    /// What is signed.
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
