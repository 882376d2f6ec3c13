//! Second step, by the receiver: check the terms, create the output, sign, and sign the receipt.
//!
//! The nonces are drawn and used in one call and never stored. The wallet stores the response instead, and
//! repeats it byte for byte when the same invite arrives again. The receiver reserves nothing and reveals no
//! other output. Source: `docs/SIGNING.md`, "Slates".

use super::{
    Invite, Response, SlateError,
    messages::SignedByPayer as _,
    session::{self, Place},
};
use crate::keys::{AccountKeys, Identity, Purpose, fresh_index};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, KERNEL_WEIGHT},
    kernel::{Excess, KernelFeatures, Window},
    range_proof::Opening,
    schnorr::sign,
    session::Role,
};

/// A response, with what the receiver keeps.
#[derive(Debug)]
pub(crate) struct NewResponse {
    pub(crate) response: Response,
    /// Opens the receiver's output.
    pub(crate) opening: Opening,
    /// The excess of the kernel of the payment.
    pub(crate) excess: Excess,
}

/// Checks the terms of an invite and responds to it.
pub(crate) fn respond(
    keys: &AccountKeys,
    chain: &Chain,
    tip: Height,
    invite: &Invite,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<NewResponse, SlateError> {
    check(keys, chain, tip, invite)?;
    let (id, receiver) = (chain.id(), identity(keys, chain, invite)?);
    let place = Place::responder(id, &invite.session, invite.hash(id));
    let (share, secrets) = session::draw(keys, &place, rng);
    let session = invite.session(id, share)?;
    if !invite.is_signed_by(id, &invite.sender) {
        return Err(SlateError::InviterSignature);
    }
    let opening = Opening { amount: invite.amount, index: fresh_index(rng) };
    let output = keys.output(chain, Purpose::Received, &opening)?;
    let receipt = sign(&receiver.sign, &invite.receipt(&share.key, &output.commitment).message(id), rng);
    let response = Response {
        session: invite.session,
        invite: invite.hash(id),
        share,
        // o_r = r − x_r
        offset: keys.blinding(Purpose::Received, &opening).sub(&secrets.x).reveal(),
        partial: session.sign(Role::Responder, &secrets.x, secrets.nonces)?,
        output,
        receiver: receiver.address,
        receipt,
    };
    Ok(NewResponse { response, opening, excess: Excess::from_point(*session.key().point()) })
}

/// Checks the terms of an invite and the signature of the payer.
pub(crate) fn check_signed(
    keys: &AccountKeys,
    chain: &Chain,
    tip: Height,
    invite: &Invite,
) -> Result<(), SlateError> {
    check(keys, chain, tip, invite)?;
    if invite.is_signed_by(chain.id(), &invite.sender) { Ok(()) } else { Err(SlateError::InviterSignature) }
}

/// Checks the terms of an invite; `respond` also checks the share and the signature of the payer.
fn check(keys: &AccountKeys, chain: &Chain, tip: Height, invite: &Invite) -> Result<(), SlateError> {
    identity(keys, chain, invite)?;
    check_terms(chain, tip, invite)
}

/// Checks everything about an invite that does not depend on who responds.
pub(crate) fn check_terms(chain: &Chain, tip: Height, invite: &Invite) -> Result<(), SlateError> {
    if invite.sender.network() != chain.params().network {
        return Err(SlateError::InviterNetwork);
    }
    check_kernel(chain, tip, invite.amount, &invite.features)
}

/// The address of this account that the invite names; its main address if it names none.
fn identity(keys: &AccountKeys, chain: &Chain, invite: &Invite) -> Result<Identity, SlateError> {
    match &invite.recipient {
        Some(named) => keys.identity_of(named).ok_or(SlateError::NotForUs),
        None => Ok(keys.identity(chain.params().network)),
    }
}

/// Checks that a block will accept a payment of this amount under this kernel: kind, window, amount and fee.
pub(crate) fn check_kernel(
    chain: &Chain,
    tip: Height,
    amount: Amount,
    features: &KernelFeatures,
) -> Result<(), SlateError> {
    let (KernelFeatures::Plain { fee, not_after } | KernelFeatures::Bonded { fee, not_after }) = *features
    else {
        return Err(SlateError::KernelKind);
    };
    let p = chain.params();
    if !not_after.get().is_multiple_of(p.window_grid) {
        return Err(SlateError::OffGrid { not_after, grid: p.window_grid });
    }
    not_expired(tip, not_after)?;
    // The inviter can be ahead by one grid step. No block accepts a payment whose window opens later than
    // that.
    let (next, not_before) = (tip.next(), Window::standard(chain, not_after).not_before);
    if not_before > next.plus(p.window_grid) {
        return Err(SlateError::TooEarly { not_before, next });
    }
    let (sum, supply) = (amount.checked_add(fee), chain.supply(not_after));
    if amount.units() == 0 || sum.is_none() || sum > supply {
        return Err(SlateError::AmountRange);
    }
    // The fee of its output and its kernel: other kernels of the same transaction can pay for inputs and
    // change.
    let least =
        chain.least_fee(chain.params().output_weight() + KERNEL_WEIGHT).ok_or(SlateError::AmountRange)?;
    if fee < least { Err(SlateError::FeeTooLow { fee, least }) } else { Ok(()) }
}

/// Checks that a block after `tip` can still accept a payment with this last height.
pub(crate) fn not_expired(tip: Height, not_after: Height) -> Result<(), SlateError> {
    let next = tip.next();
    if not_after < next { Err(SlateError::Expired { not_after, next }) } else { Ok(()) }
}
