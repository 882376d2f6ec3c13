//! Second step when the receiver begins, by the payer: check the invoice and its receipt, add inputs and change, sign.
//!
//! ```text
//! possession of X_r, no identities · C_r − v·H = X_r + o_r·G, plain, without extra data, with its range proof
//! the receiver's address key signed the receipt · the fee is no more than so many inputs need
//! ```
//!
//! Nonces are made and used in one call and never stored; what is stored is the payment, which is repeated byte for byte.
//! With it the partial signature leaves: the payment can come true until its last height, and its inputs are held till then.

use super::{
    Invoice, Payment, SlateError,
    finalize::{Funding, change, is_agreed, offset_share},
    invoice::Ask,
    respond::{check_kernel, not_expired},
};
use crate::keys::AccountKeys;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    kernel::Excess,
    secret::SecretScalar,
    session::{Nonces, Participant, Role, Share},
};

/// An invoice whose every part was checked; only such a one is planned for and paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked(Invoice);

impl Checked {
    /// Checks what the receiver asks of the account with these keys.
    pub(crate) fn new(
        keys: &AccountKeys,
        chain: &Chain,
        tip: Height,
        invoice: Invoice,
    ) -> Result<Self, SlateError> {
        let (id, network) = (chain.id(), chain.params().network);
        if invoice.receiver.network() != network {
            return Err(SlateError::InviterNetwork);
        }
        if invoice.payer.is_some_and(|p| p != keys.address(network)) {
            return Err(SlateError::NotForUs);
        }
        check_kernel(chain, tip, invoice.amount, &invoice.features)?;
        let (fee, most) = (invoice.features.fee(), most_fee(chain));
        if fee > most {
            return Err(SlateError::FeeTooHigh { fee, most });
        }
        if !is_agreed(invoice.amount, &invoice.output, &invoice.share.key, &invoice.offset) {
            return Err(SlateError::InvoiceOutput);
        }
        if !invoice.receipt.verifies(invoice.receiver.sign(), &invoice.receipt().message(id)) {
            return Err(SlateError::InvoiceReceipt);
        }
        if !invoice.output.proof_holds(id) {
            return Err(SlateError::InvoiceProof);
        }
        Ok(Self(invoice))
    }

    /// The invoice.
    pub(crate) const fn get(&self) -> &Invoice {
        &self.0
    }
}

fn most_fee(chain: &Chain) -> Amount {
    let inputs = u64::from(Ask::MAX_INPUTS) * INPUT_WEIGHT;
    chain.least_fee(inputs + 2 * OUTPUT_WEIGHT + KERNEL_WEIGHT).unwrap_or_default()
}

/// Signs the payer's part: SPEC "Signing a payment", 2 to 4.
pub(crate) fn pay(
    keys: &AccountKeys,
    chain: &Chain,
    tip: Height,
    (invoice, funding): (&Checked, &Funding),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Payment, Excess), SlateError> {
    let (invoice, id) = (invoice.get(), chain.id());
    not_expired(tip, invoice.not_after())?;
    let x = SecretScalar::random(rng);
    let nonces = Nonces::generate(&x, rng);
    let share = Share::new(
        &Participant { chain: id, session: &invoice.session, role: Role::Responder },
        &x,
        &nonces,
        rng,
    );
    let session = invoice.session(id, share)?;
    let mut inputs: Vec<_> = funding.inputs.iter().map(|(p, o)| keys.commitment(*p, o)).collect();
    inputs.sort_unstable();
    let payment = Payment {
        session: invoice.session,
        invoice: invoice.hash(id),
        share,
        inputs,
        change: change(keys, chain, funding)?,
        offset: offset_share(keys, funding, &x),
        partial: session.sign(Role::Responder, &x, nonces)?,
    };
    Ok((payment, Excess::from_point(*session.key().point())))
}
