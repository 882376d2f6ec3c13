//! Second step of the payer, when the receiver began: check the invoice and its receipt, add inputs and
//! change, sign.
//!
//! ```text
//! possession of X_r, no identities · C_r − v·H = X_r + o_r·G, plain, no extra data, with its range proof
//! the receiver's address signed the receipt · the fee is not higher than the maximum number of inputs needs
//! ```
//!
//! The nonces are drawn and used in one call and never stored. The wallet stores the payment instead, and
//! repeats it byte for byte. The partial signature leaves with it: the payment can confirm until its last
//! height, and its inputs are reserved until then. Source: `docs/SIGNING.md`, "Invoices".

use super::{
    Invoice, InvoiceRequest, Payment, SlateError,
    finalize::{PayerKernel, is_agreed},
    funding::Funding,
    invoice,
    messages::SignedByPayer as _,
    respond::{check_kernel, not_expired},
    session::{self, Place},
};
use crate::keys::{AccountKeys, Address};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    kernel::{Excess, KernelFeatures},
    session::Role,
};

/// What pays an invoice.
pub(crate) struct InvoiceFunding {
    pub(crate) funding: Funding,
    /// The kernel that stands beside that of the invoice if something one-sided is spent.
    pub(crate) own: Option<KernelFeatures>,
}

/// An invoice whose every part was checked; only a checked invoice is planned for and paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedInvoice(Invoice);

impl CheckedInvoice {
    /// Checks an invoice for the account with these keys.
    pub(crate) fn new(
        keys: &AccountKeys,
        chain: &Chain,
        tip: Height,
        invoice: Invoice,
    ) -> Result<Self, SlateError> {
        Self::of(chain, tip, invoice, |payer| keys.identity_of(payer).is_some())
    }

    /// Checks an invoice for whoever has the addresses that `is_ours` knows.
    pub(crate) fn of(
        chain: &Chain,
        tip: Height,
        invoice: Invoice,
        is_ours: impl Fn(&Address) -> bool,
    ) -> Result<Self, SlateError> {
        let (id, network) = (chain.id(), chain.params().network);
        if invoice.receiver.network() != network {
            return Err(SlateError::InviterNetwork);
        }
        if invoice.payer.is_some_and(|p| !is_ours(&p)) {
            return Err(SlateError::NotForUs);
        }
        check_kernel(chain, tip, invoice.amount, &invoice.features)?;
        let fee = invoice.features.fee();
        let most = invoice::fee(chain, InvoiceRequest::MAX_INPUTS).unwrap_or_default();
        if fee > most {
            return Err(SlateError::FeeTooHigh { fee, most });
        }
        if !is_agreed(invoice.amount, &invoice.output, &invoice.share.key, &invoice.offset) {
            return Err(SlateError::InvoiceOutput);
        }
        if !invoice.receipt.verifies(&invoice.receiver.sign(), &invoice.receipt().message(id)) {
            return Err(SlateError::InvoiceReceipt);
        }
        if !invoice.output.proof_holds(chain) {
            return Err(SlateError::InvoiceProof);
        }
        Ok(Self(invoice))
    }

    /// The invoice.
    pub(crate) const fn get(&self) -> &Invoice {
        &self.0
    }

    /// Signs the payer's part with this funding.
    pub(crate) fn pay(
        &self,
        keys: &AccountKeys,
        chain: &Chain,
        InvoiceFunding { funding, own }: InvoiceFunding,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Payment, Excess), SlateError> {
        let (invoice, id) = (&self.0, chain.id());
        let place = Place::responder(id, &invoice.session, invoice.hash(id));
        let (share, secrets) = session::draw(keys, &place, rng);
        let session = invoice.session(id, share)?;
        let mut funded = funding.fund(keys, chain, rng)?;
        funded.inputs.sort_unstable();
        let own = own.map(|features| PayerKernel::new(chain, features, rng));
        let x = own.as_ref().map_or_else(|| secrets.x.clone(), |own| secrets.x.add(own.secret()));
        let bonded = own.map(|own| funded.hang_on(own.into_kernel(), keys, chain, rng)).transpose()?;
        let payment = Payment {
            session: invoice.session,
            invoice: invoice.hash(id),
            share,
            offset: funded.offset(&x).reveal(),
            inputs: funded.inputs,
            change: funded.outputs.pop(),
            bonded,
            partial: session.sign(Role::Responder, &secrets.x, secrets.nonces)?,
            signature: None,
        };
        // An invoice that names no payer does not ask who pays.
        let payer = invoice.payer.and_then(|p| keys.identity_of(&p));
        let payment = match payer {
            Some(payer) => payment.signed(id, &payer.sign, rng),
            None => payment,
        };
        Ok((payment, Excess::from_point(*session.key().point())))
    }

    /// Checks that a block after `tip` can still accept the payment.
    pub(crate) fn not_expired(&self, tip: Height) -> Result<(), SlateError> {
        not_expired(tip, self.0.not_after())
    }
}
