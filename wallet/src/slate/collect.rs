//! Third step of the receiver, when it began: check the payer's part, sign, combine, and verify the result.
//!
//! What is checked: possession of X_s and no identities; z_s·G = D_s + ρ_s·E_s + c·X_s; the signature of the
//! payer whom the invoice names; that the payer's own kernel, if there is one, expires with the invoice; and,
//! by the consensus rules over the whole transaction, that inputs, change and offset balance and that the
//! change's range proof holds. The receiver created its own parts, so the payer is at fault for anything else
//! that is wrong. Whether the next block can take the payer's part is a question to the chain: the wallet
//! asks it before it closes the session ([`crate::scan::UnspentInputs`]), so someone who has only seen an
//! invoice cannot use it up with invented inputs, or with change or a kernel that the chain has already.
//! Source: `docs/SIGNING.md`, "Invoices".

use super::{Invoice, Payment, SlateError, messages::SignedByPayer as _, respond::not_expired};
use crate::nonce_vault::SessionSecrets;
use sotto_mw::{
    amount::Height,
    chain::Chain,
    kernel::{Excess, Kernel, KernelFeatures},
    output::OutputFeatures,
    rules::{Verified, check_transaction, verify_transaction},
    session::{Role, Session},
    transaction::{Body, Transaction},
};

/// An invoice of this wallet with a payment to it, whose partial signature was checked.
#[derive(Debug)]
pub(crate) struct CheckedPayment<'a> {
    invoice: &'a Invoice,
    payment: &'a Payment,
    session: Session,
}

impl<'a> CheckedPayment<'a> {
    /// Checks a payment against the invoice that this wallet issued.
    pub(crate) fn check(
        chain: &Chain,
        tip: Height,
        invoice: &'a Invoice,
        payment: &'a Payment,
    ) -> Result<Self, SlateError> {
        if payment.session != invoice.session {
            return Err(SlateError::UnknownSession);
        }
        if payment.invoice != invoice.hash(chain.id()) {
            return Err(SlateError::InviteAltered);
        }
        not_expired(tip, invoice.not_after())?;
        let session = invoice.session(chain.id(), payment.share)?;
        session.check_partial(Role::Responder, &payment.partial)?;
        let plain = |f: &OutputFeatures, extra: &[u8]| *f == OutputFeatures::Plain && extra.is_empty();
        if payment.change.as_ref().is_some_and(|c| !plain(&c.features, c.extra.as_bytes())) {
            return Err(SlateError::PayerChange);
        }
        // Any other window could be over, and the payment would close the invoice without ever being made.
        let kernel = |fee| KernelFeatures::Bonded { fee, not_after: invoice.not_after() };
        if payment.bonded.as_ref().is_some_and(|b| b.kernel.features != kernel(b.kernel.features.fee())) {
            return Err(SlateError::PayerKernel);
        }
        let signed = match &invoice.payer {
            Some(payer) => payment.is_signed_by(chain.id(), payer),
            None => payment.signature.is_none(),
        };
        if !signed {
            return Err(SlateError::PayerSignature);
        }
        Ok(Self { invoice, payment, session })
    }

    /// The excess of the payment's kernel.
    pub(crate) fn excess(&self) -> Excess {
        Excess::from_point(*self.session.key().point())
    }

    /// Signs, combines and builds the transaction; consumes the nonces.
    pub(crate) fn collect(
        self,
        chain: &Chain,
        secrets: SessionSecrets,
    ) -> Result<Verified<Transaction>, SlateError> {
        let Self { invoice, payment, .. } = &self;
        let partial = self.session.sign(Role::Inviter, &secrets.x, secrets.nonces)?;
        let signature = self.session.combine(&partial, &payment.partial)?;
        let kernel = Kernel { features: invoice.features, excess: self.excess(), signature };
        let outputs = [invoice.output.clone()].into_iter().chain(payment.change.clone()).collect();
        let mut body = Body::sorted(payment.inputs.clone(), outputs, vec![kernel]);
        payment.bonded.iter().for_each(|bonded| bonded.add_to(&mut body));
        let transaction = Transaction { offset: invoice.offset + payment.offset, body: body.in_order() };
        let well_formed = check_transaction(chain, transaction).map_err(SlateError::PayerPart)?;
        verify_transaction(chain, well_formed).map_err(SlateError::PayerPart)
    }
}
