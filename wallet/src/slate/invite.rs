//! First step, by the sender: draw x, d, e; show X, D, E and the terms.
//!
//! Nothing signed leaves in this step, so cancelling afterwards is free.

use super::{Invite, Memo, seal::Secrets};
use crate::keys::{AccountKeys, Address};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount,
    chain::Chain,
    kernel::KernelFeatures,
    secret::SecretScalar,
    session::{Nonces, Participant, Role, SessionId, Share},
};

/// What a payment is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// What the receiver gets.
    pub(crate) amount: Amount,
    /// Fee and last height.
    pub(crate) features: KernelFeatures,
    /// Who is to be paid.
    pub(crate) recipient: Option<Address>,
    /// A line for the receiver.
    pub(crate) memo: Memo,
}

/// Opens a session under these terms: SPEC "Signing a payment", 1 and 2.
///
/// # Security
/// The secrets must be under seal on disk before the invite leaves.
pub(crate) fn invite(
    keys: &AccountKeys,
    chain: &Chain,
    terms: Terms,
    rng: &mut (impl RngCore + CryptoRng),
) -> (Invite, Secrets) {
    let mut session = SessionId([0; 32]);
    rng.fill_bytes(&mut session.0);
    let x = SecretScalar::random(rng);
    let nonces = Nonces::generate(&x, rng);
    let share = Share::new(
        &Participant { chain: chain.id(), session: &session, role: Role::Inviter },
        &x,
        &nonces,
        rng,
    );
    let sender = keys.address(chain.params().network);
    let Terms { amount, features, recipient, memo } = terms;
    (Invite { session, amount, features, share, sender, recipient, memo }, Secrets { x, nonces })
}
