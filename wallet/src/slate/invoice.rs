//! First step of the receiver, when it begins: create the output, draw x, d and e, sign the receipt; send
//! everything except x, d and e.
//!
//! The receipt comes first, so the payer holds it before it signs (`docs/SIGNING.md`, "Proofs of payment").
//! The receipt covers the message of the kernel. Therefore the receiver fixes the fee, which pays for up to
//! [`InvoiceRequest::inputs`] inputs, and names the payer if it knows the address. The receipt is worth
//! nothing until the kernel is in a block. No partial signature leaves here, so cancelling afterwards is
//! free.

use super::{
    Invoice, Memo, Receipt,
    session::{self, Place},
};
use crate::{
    codec::put_option,
    keys::{AccountKeys, Address, Purpose, fresh_index},
    nonce_vault::SessionSecrets,
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, ChainId, INPUT_WEIGHT, KERNEL_WEIGHT},
    codec::Encode,
    hash::{Hash, tagged},
    kernel::KernelFeatures,
    output::ProveError,
    range_proof::Opening,
    schnorr::sign,
};

/// The terms of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceRequest {
    /// The amount that the receiver gets.
    pub amount: Amount,
    /// The address of the payer; without it, anyone can pay.
    pub payer: Option<Address>,
    /// The number of inputs that the fee pays for: the payer cannot spend more outputs than that.
    pub inputs: u32,
    /// A line of text for the payer.
    pub memo: Memo,
}

impl InvoiceRequest {
    /// The default number of inputs.
    pub const INPUTS: u32 = 4;
    /// The maximum number of inputs: a payer refuses a higher fee.
    pub const MAX_INPUTS: u32 = 256;

    /// The kernel of a payment right after `tip`: its fee pays for the inputs, the receiver's output, and
    /// change.
    pub(crate) fn features(&self, chain: &Chain, tip: Height) -> Option<KernelFeatures> {
        let not_after = chain.standard_expiry(tip.next());
        Some(KernelFeatures::Plain { fee: fee(chain, self.inputs)?, not_after })
    }
}

/// The least fee of a payment with so many inputs, the receiver's output, and change.
pub(crate) fn fee(chain: &Chain, inputs: u32) -> Option<Amount> {
    chain.least_fee(u64::from(inputs) * INPUT_WEIGHT + 2 * chain.params().output_weight() + KERNEL_WEIGHT)
}

/// An invoice, with what its receiver keeps.
#[derive(Debug)]
pub(crate) struct NewInvoice {
    pub(crate) invoice: Invoice,
    /// Opens the receiver's output.
    pub(crate) opening: Opening,
    pub(crate) secrets: SessionSecrets,
}

/// The hash to which the keys and nonces of the session are bound.
fn terms_hash(chain: &ChainId, features: &KernelFeatures, payer: Option<&Address>, rest: &[&[u8]]) -> Hash {
    let mut bytes = chain.to_bytes();
    features.encode(&mut bytes);
    put_option(payer, &mut bytes);
    tagged(tag::TERMS, &[&bytes, &rest.concat()])
}

/// Opens a session under these terms.
///
/// # Security
/// The secrets must be encrypted and durable before the invoice leaves.
pub(crate) fn invoice(
    keys: &AccountKeys,
    chain: &Chain,
    terms: (InvoiceRequest, KernelFeatures),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<NewInvoice, ProveError> {
    let (InvoiceRequest { amount, payer, memo, .. }, features) = terms;
    let id = chain.id();
    let session = session::fresh_session(rng);
    let opening = Opening { amount, index: fresh_index(rng) };
    let output = keys.output(chain, Purpose::Received, &opening)?;
    let memo_hash = memo.hash();
    // The commitment is to the amount.
    let rest = [output.commitment.as_bytes().as_slice(), memo_hash.as_bytes()];
    let terms = terms_hash(id, &features, payer.as_ref(), &rest);
    let (share, secrets) = session::draw(keys, &Place::inviter(id, &session, terms), rng);
    let receipt = Receipt {
        session,
        amount,
        features,
        key: share.key,
        commitment: output.commitment,
        sender: payer.map(|p| p.sign()),
        memo: memo_hash,
    };
    let receiver = keys.identity(chain.params().network);
    let invoice = Invoice {
        session,
        amount,
        features,
        share,
        output,
        // o_r = r − x_r
        offset: keys.blinding(Purpose::Received, &opening).sub(&secrets.x).reveal(),
        receiver: receiver.address,
        payer,
        memo,
        receipt: sign(&receiver.sign, &receipt.message(id), rng),
    };
    Ok(NewInvoice { invoice, opening, secrets })
}
