//! A group pays an invoice.
//!
//! ```text
//! u    answers for the change's key c under T1x, T2x      z_s   answers for the kernel's key j under D, E
//! o_s  = (r0_c + x_c) − Σ (r0 + x)_in − x_j               signature: possession of X_j
//! ```
//!
//! The masks of j are in nothing else, so what is opened says nothing of the outputs' keys: each opening has an
//! unknown of its own. If a member could choose j so that it knew x_j, the public offset would give it the sum
//! of the others.

use super::{
    GroupAsked, GroupError, GroupRequest, GroupWallet,
    keys::MaskSums,
    signing::{Signing, signature},
};
use crate::slate::{Invoice, Payment, collect::CheckedPayment, pay::CheckedInvoice};
use sotto_keys::pool::{Factors, Made, Work};
use sotto_mw::{
    commitment::Commitment,
    group::Scalar,
    joint::group_output::GroupOutput,
    session::{Participant, Role, Session, Shares},
};

/// Checks an invoice; it must name no payer.
pub(super) fn check(wallet: &GroupWallet<'_>, invoice: &Invoice) -> Result<(), GroupError> {
    if invoice.payer.is_some() {
        return Err(GroupError::NamedPayer);
    }
    let checked = CheckedInvoice::of(wallet.chain, wallet.tip, invoice.clone(), |_| false)?;
    Ok(checked.not_expired(wallet.tip)?)
}

/// What each member prepares from the invoice and the masks.
pub(super) struct Paying<'r> {
    invoice: &'r Invoice,
    inputs: Vec<Commitment>,
    change: Option<GroupOutput>,
    signing: Signing,
    /// r0 of the change − Σ r0 of the inputs.
    base: Scalar,
    possession: Vec<u8>,
}

impl<'r> Paying<'r> {
    pub(super) fn new(
        wallet: &GroupWallet<'_>,
        asked: &'r GroupAsked,
        sums: &[MaskSums],
    ) -> Result<Self, GroupError> {
        let request = asked.request();
        let (GroupRequest::Pay { invoice, kernel, inputs, .. }, Some((kernel_masks, shown))) =
            (request, sums.split_last())
        else {
            return Err(GroupError::OtherPlan);
        };
        let (keys, id) = (&wallet.keys, wallet.chain.id());
        let mut base: Scalar = -inputs.iter().map(|coin| keys.base(coin).reveal()).sum::<Scalar>();
        let change = match (request.made(), shown) {
            (Some(coin), [shown]) => {
                base += keys.base(&coin).reveal();
                Some(keys.output(wallet.chain, &coin, shown)?)
            }
            (None, []) => None,
            _ => return Err(GroupError::OtherPlan),
        };
        let (x, nonces) = (keys.public(*kernel), kernel_masks.masks);
        let shares = Shares { inviter: invoice.share, responder: Signing::unproven(x, nonces) };
        let session =
            Session::responding_unchecked(id, &invoice.session, invoice.features.message(id), shares)?;
        let place = Participant { chain: id, session: &invoice.session, role: Role::Responder };
        let mut inputs: Vec<Commitment> = inputs.iter().map(|coin| keys.commitment(coin)).collect();
        inputs.sort_unstable();
        let signing = Signing::new(session, x, nonces);
        Ok(Self { invoice, inputs, change, signing, base, possession: place.message() })
    }

    pub(super) fn work(&self) -> Work {
        let change = self.change.iter().map(|output| Factors(output.factors()));
        let factors = change.chain([self.signing.factors()]).collect();
        Work { factors, messages: vec![self.possession.clone()] }
    }

    pub(super) fn finish(self, wallet: &GroupWallet<'_>, made: &Made) -> Result<Payment, GroupError> {
        let (z, answers) = made.answers.split_last().ok_or(GroupError::OtherPlan)?;
        let change = match (&self.change, answers) {
            (Some(output), [u]) => Some(output.finish(u)?),
            (None, []) => None,
            _ => return Err(GroupError::OtherPlan),
        };
        let (chain, invoice) = (wallet.chain, self.invoice);
        let payment = Payment {
            session: invoice.session,
            invoice: invoice.hash(chain.id()),
            share: self.signing.proven(signature(made, 0)?),
            inputs: self.inputs,
            change,
            bonded: None,
            offset: self.base + made.opened,
            partial: *z,
            signature: None,
        };
        CheckedPayment::check(chain, wallet.tip, invoice, &payment)?;
        Ok(payment)
    }
}
