//! First step of the payer: draw x, d and e; send X, D, E and the terms, signed by the payer's address.
//!
//! No partial signature leaves in this step, so cancelling afterwards is free. The signature shows the
//! receiver who proposes the payment, before it signs a receipt for that payer.

use super::{
    Invite, Memo,
    messages::SignedByPayer as _,
    session::{self, Place},
};
use crate::{
    codec::put_option,
    keys::{AccountKeys, Address, Identity},
    nonce_vault::SessionSecrets,
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount,
    chain::{Chain, ChainId},
    codec::Encode,
    hash::{Hash, tagged},
    kernel::KernelFeatures,
};

/// The terms of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InviteTerms {
    /// The amount that the receiver gets.
    pub(crate) amount: Amount,
    /// Fee and last height.
    pub(crate) features: KernelFeatures,
    /// The address of the receiver.
    pub(crate) recipient: Option<Address>,
    /// A line of text for the receiver.
    pub(crate) memo: Memo,
}

impl InviteTerms {
    /// The hash to which the keys and nonces of the session are bound.
    fn hash(&self, chain: &ChainId) -> Hash {
        let mut bytes = chain.to_bytes();
        self.amount.encode(&mut bytes);
        self.features.encode(&mut bytes);
        put_option(self.recipient.as_ref(), &mut bytes);
        self.memo.encode(&mut bytes);
        tagged(tag::TERMS, &[&bytes])
    }
}

/// Opens a session under these terms.
///
/// # Security
/// The secrets must be encrypted and durable before the invite leaves.
pub(crate) fn invite(
    keys: &AccountKeys,
    chain: &Chain,
    terms: InviteTerms,
    rng: &mut (impl RngCore + CryptoRng),
) -> (Invite, SessionSecrets) {
    let session = session::fresh_session(rng);
    let id = chain.id();
    let (share, secrets) = session::draw(keys, &Place::inviter(id, &session, terms.hash(id)), rng);
    let Identity { address: sender, sign, .. } = keys.identity(chain.params().network);
    let InviteTerms { amount, features, recipient, memo } = terms;
    let invite = Invite { session, amount, features, share, sender, recipient, memo, signature: None };
    (invite.signed(id, &sign, rng), secrets)
}
