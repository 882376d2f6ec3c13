//! The keys behind a payment address: what lets others pay an account that is away.
//!
//! ```text
//! a = D("sotto/wallet/view/v1", account key ‖ 0)     A = a·G     finds payments, and reads their amounts
//! b = D("sotto/wallet/spend/v1", account key ‖ 0)    B = b·G     spends them
//!
//! signing key     B + D("sotto/address-sign/v1", A ‖ B)·G
//! encryption key  B + D("sotto/address-encrypt/v1", A ‖ B)·G
//! ```
//!
//! The two tweaks are public, so who has a secret message key of a payment address has b. A view key has a
//! and B, and opens no message. An account whose messages are opened by someone who must not spend publishes
//! its interactive address, whose keys are independent of b.

use super::{address::PaymentAddress, derive::derive_scalar, one_sided::ViewSecret};
use crate::tag;
use sotto_mw::{chain::Network, schnorr::PublicKey, secret::SecretScalar};

/// a and b of one account, with their public keys.
pub(crate) struct PaymentKeys {
    /// a.
    pub(crate) view: SecretScalar,
    /// b.
    pub(crate) spend: SecretScalar,
    /// A and B.
    pub(crate) address: PaymentAddress,
}

impl PaymentKeys {
    /// The keys of the main address of the account with this key.
    pub(super) fn new(account: &[u8; 32], network: Network) -> Self {
        let of = |tag| derive_scalar(tag, &[account, &0u32.to_le_bytes()]);
        let (view, spend) = (of(tag::VIEW), of(tag::SPEND));
        let address = PaymentAddress::of_keys(network, PublicKey::of(&view), PublicKey::of(&spend));
        Self { view, spend, address }
    }

    /// What finds payments to the address.
    pub(crate) fn view_secret(&self) -> ViewSecret {
        ViewSecret::new(self.view.clone(), self.address)
    }

    /// The secrets of the address's message keys: signing, encryption.
    pub(super) fn message_secrets(&self) -> [SecretScalar; 2] {
        self.address.message_tweaks().map(|tweak| self.spend.add(&tweak))
    }
}
