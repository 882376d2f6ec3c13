//! Second step, by the receiver: check the terms, make the output, sign, and sign the receipt.
//!
//! The nonces are made and used in one call and never stored; what is stored is the response, which is repeated byte
//! for byte when the same invite comes again (SPEC "Signing a payment", 6). The receiver locks nothing and reveals no
//! other output.

use super::{Invite, Response, SlateError};
use crate::keys::{AccountKeys, Purpose, fresh_index};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    kernel::{Excess, KernelFeatures, Window},
    output::OutputFeatures,
    range_proof::Opening,
    schnorr::sign,
    secret::SecretScalar,
    session::{Nonces, Participant, Role, Share},
};

/// A response with what the receiver remembers of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Opens the receiver's output.
    pub(crate) opening: Opening,
    /// The excess under which the payment will appear.
    pub(crate) excess: Excess,
}

/// Checks the terms of an invite, and answers it: SPEC "Signing a payment", 2 to 4.
pub(crate) fn respond(
    keys: &AccountKeys,
    chain: &Chain,
    tip: Height,
    invite: &Invite,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Answer, SlateError> {
    check_terms(keys, chain, tip, invite)?;
    let receiver = keys.address(chain.params().network);
    let x = SecretScalar::random(rng);
    let nonces = Nonces::generate(&x, rng);
    let share = Share::new(
        &Participant { chain: chain.id(), session: &invite.session, role: Role::Responder },
        &x,
        &nonces,
        rng,
    );
    let session = invite.session(chain.id(), share)?;
    let opening = Opening { amount: invite.amount, index: fresh_index(rng) };
    let output = keys.output(chain.id(), OutputFeatures::Plain, Purpose::Received, &opening)?;
    let receipt = sign(keys.sign(), &invite.receipt(&share.key, &output.commitment).message(chain.id()), rng);
    let response = Response {
        session: invite.session,
        invite: invite.hash(chain.id()),
        share,
        // o_r = r − x_r
        offset: keys.blinding(Purpose::Received, &opening).sub(&x).reveal(),
        partial: session.sign(Role::Responder, &x, nonces)?,
        output,
        receiver,
        receipt,
    };
    Ok(Answer { response, opening, excess: Excess::from_point(*session.key().point()) })
}

fn check_terms(keys: &AccountKeys, chain: &Chain, tip: Height, invite: &Invite) -> Result<(), SlateError> {
    let network = chain.params().network;
    if invite.sender.network() != network {
        return Err(SlateError::InviterNetwork);
    }
    if invite.recipient.is_some_and(|r| r != keys.address(network)) {
        return Err(SlateError::NotForUs);
    }
    check_kernel(chain, tip, invite.amount, &invite.features)
}

/// Whether a block will take a payment of this amount under this kernel: its kind, window, amount and fee.
pub(super) fn check_kernel(
    chain: &Chain,
    tip: Height,
    amount: Amount,
    features: &KernelFeatures,
) -> Result<(), SlateError> {
    let KernelFeatures::Plain { fee, not_after } = *features else {
        return Err(SlateError::KernelKind);
    };
    let p = chain.params();
    if !not_after.get().is_multiple_of(p.window_grid) {
        return Err(SlateError::OffGrid { not_after, grid: p.window_grid });
    }
    not_expired(tip, not_after)?;
    // The inviter may be ahead by a grid step; a window that opens later leaves a promise that no block can take.
    let (next, not_before) = (tip.next(), Window::standard(chain, not_after).not_before);
    if not_before > next.plus(p.window_grid) {
        return Err(SlateError::TooEarly { not_before, next });
    }
    let (sum, supply) = (amount.checked_add(fee), chain.supply(not_after));
    if amount.units() == 0 || sum.is_none() || sum > supply {
        return Err(SlateError::AmountRange);
    }
    // Its output and its kernel: inputs and change may be paid for by other kernels of the same transaction.
    let least = chain.least_fee(OUTPUT_WEIGHT + KERNEL_WEIGHT).ok_or(SlateError::AmountRange)?;
    if fee < least { Err(SlateError::FeeTooLow { fee, least }) } else { Ok(()) }
}

/// Whether a block after `tip` could still take a payment with this last height.
pub(super) fn not_expired(tip: Height, not_after: Height) -> Result<(), SlateError> {
    let next = tip.next();
    if not_after < next { Err(SlateError::Expired { not_after, next }) } else { Ok(()) }
}
