//! A group responds to an invite.
//!
//! ```text
//! u     answers for the output's key k under T1x, T2x     z_r   answers for the kernel's key j under D, E
//! o_r   = r0 + (x_k − x_j)                                signatures: possession of X_j; the receipt, under X_0
//! ```
//!
//! Everything that the payer will check is checked before the response leaves, by the payer's own code.

use super::{
    GroupAsked, GroupError, GroupRequest, GroupWallet,
    keys::MaskSums,
    signing::{Signing, signature},
};
use crate::slate::{
    Invite, Response, SlateError, finalize::CheckedResponse, messages::SignedByPayer as _,
    respond::check_terms,
};
use sotto_keys::pool::{Factors, Made, Work};
use sotto_mw::{
    group::Scalar,
    joint::group_output::GroupOutput,
    session::{Participant, Role, Session, Shares},
};

/// Checks the terms of an invite, for whom it is, and that its payer signed it.
pub(super) fn check(wallet: &GroupWallet<'_>, invite: &Invite) -> Result<(), GroupError> {
    let (chain, network) = (wallet.chain, wallet.chain.params().network);
    if invite.recipient.is_some_and(|named| named != wallet.keys.address(network)) {
        return Err(SlateError::NotForUs.into());
    }
    check_terms(chain, wallet.tip, invite)?;
    if invite.is_signed_by(chain.id(), &invite.sender) {
        Ok(())
    } else {
        Err(SlateError::InviterSignature.into())
    }
}

/// What each member prepares from the invite and the masks.
pub(super) struct Receiving<'r> {
    invite: &'r Invite,
    output: GroupOutput,
    signing: Signing,
    base: Scalar,
    messages: Vec<Vec<u8>>,
}

impl<'r> Receiving<'r> {
    pub(super) fn new(
        wallet: &GroupWallet<'_>,
        asked: &'r GroupAsked,
        sums: &[MaskSums],
    ) -> Result<Self, GroupError> {
        let (GroupRequest::Receive { invite, kernel, .. }, [shown, kernel_masks]) = (asked.request(), sums)
        else {
            return Err(GroupError::OtherPlan);
        };
        let (keys, id) = (&wallet.keys, wallet.chain.id());
        let coin = asked.request().made().ok_or(GroupError::OtherPlan)?;
        let output = keys.output(wallet.chain, &coin, shown)?;
        let (x, nonces) = (keys.public(*kernel), kernel_masks.masks);
        let shares = Shares { inviter: invite.share, responder: Signing::unproven(x, nonces) };
        let session =
            Session::responding_unchecked(id, &invite.session, invite.features.message(id), shares)?;
        let place = Participant { chain: id, session: &invite.session, role: Role::Responder };
        let receipt = invite.receipt(&x, output.commitment());
        Ok(Self {
            invite,
            base: keys.base(&coin).reveal(),
            output,
            signing: Signing::new(session, x, nonces),
            messages: vec![place.message(), receipt.message(id)],
        })
    }

    pub(super) fn work(&self) -> Work {
        let factors = vec![Factors(self.output.factors()), self.signing.factors()];
        Work { factors, messages: self.messages.clone() }
    }

    pub(super) fn finish(self, wallet: &GroupWallet<'_>, made: &Made) -> Result<Response, GroupError> {
        let [u, z] = made.answers[..] else { return Err(GroupError::OtherPlan) };
        let (chain, invite) = (wallet.chain, self.invite);
        let response = Response {
            session: invite.session,
            invite: invite.hash(chain.id()),
            share: self.signing.proven(signature(made, 0)?),
            output: self.output.finish(&u)?,
            offset: self.base + made.opened,
            partial: z,
            receiver: wallet.keys.address(chain.params().network),
            receipt: signature(made, 1)?,
        };
        CheckedResponse::check(chain, wallet.tip, invite, &response)?;
        Ok(response)
    }
}
