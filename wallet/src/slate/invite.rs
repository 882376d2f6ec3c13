//! First step of the payer: draw x, d and e; send X, D, E and the terms.
//!
//! Nothing signed leaves in this step, so cancelling afterwards is free.

use super::{Invite, Memo, session};
use crate::{
    keys::{AccountKeys, Address},
    nonce_vault::SessionSecrets,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{amount::Amount, chain::Chain, kernel::KernelFeatures, session::Role};

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
    let (share, secrets) = session::draw(chain.id(), &session, Role::Inviter, rng);
    let sender = keys.address(chain.params().network);
    let InviteTerms { amount, features, recipient, memo } = terms;
    (Invite { session, amount, features, share, sender, recipient, memo }, secrets)
}
