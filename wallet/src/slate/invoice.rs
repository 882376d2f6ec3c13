//! First step when the receiver begins: make the output, draw x, d, e, sign the receipt; show all of it but x, d, e.
//!
//! The receipt comes first, so the payer holds it before he signs (SPEC "Proof of payment"). It covers the kernel's message:
//! therefore the receiver fixes the fee, which pays for up to [`Ask::inputs`] inputs, and names the payer if it knows him.
//! It is worth nothing until the kernel is in a block. No partial signature leaves here, so cancelling afterwards is free.

use super::{Invoice, Memo, receipt::Receipt, seal::Secrets};
use crate::keys::{AccountKeys, Address, Purpose, fresh_index};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    kernel::KernelFeatures,
    output::{OutputFeatures, ProveError},
    range_proof::Opening,
    schnorr::sign,
    secret::SecretScalar,
    session::{Nonces, Participant, Role, SessionId, Share},
};

/// What a receiver asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it gets.
    pub amount: Amount,
    /// Who is asked; without it, whoever pays first.
    pub payer: Option<Address>,
    /// How many inputs the fee pays for: the payer cannot spend more outputs than that.
    pub inputs: u32,
    /// A line for the payer.
    pub memo: Memo,
}

impl Ask {
    /// Inputs that an invoice has room for unless told otherwise.
    pub const INPUTS: u32 = 4;
    /// Most inputs that make sense: a payer refuses a greater fee.
    pub const MAX_INPUTS: u32 = 256;

    /// The kernel of a payment at once after `tip`: a fee for so many inputs, the receiver's output, and change.
    pub(crate) fn features(&self, chain: &Chain, tip: Height) -> Option<KernelFeatures> {
        let weight = u64::from(self.inputs) * INPUT_WEIGHT + 2 * OUTPUT_WEIGHT + KERNEL_WEIGHT;
        let not_after = chain.standard_expiry(tip.next());
        Some(KernelFeatures::Plain { fee: chain.least_fee(weight)?, not_after })
    }
}

/// An invoice, with what its receiver remembers of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) invoice: Invoice,
    /// Opens the receiver's output.
    pub(crate) opening: Opening,
    pub(crate) secrets: Secrets,
}

/// Opens a session under these terms: SPEC "Signing a payment", 1 and 2.
///
/// # Security
/// The secrets must be under seal on disk before the invoice leaves.
pub(crate) fn invoice(
    keys: &AccountKeys,
    chain: &Chain,
    (ask, features): (Ask, KernelFeatures),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Opened, ProveError> {
    let id = chain.id();
    let mut session = SessionId([0; 32]);
    rng.fill_bytes(&mut session.0);
    let x = SecretScalar::random(rng);
    let nonces = Nonces::generate(&x, rng);
    let share =
        Share::new(&Participant { chain: id, session: &session, role: Role::Inviter }, &x, &nonces, rng);
    let Ask { amount, payer, memo, .. } = ask;
    let opening = Opening { amount, index: fresh_index(rng) };
    let output = keys.output(id, OutputFeatures::Plain, Purpose::Received, &opening)?;
    let receipt = Receipt {
        session,
        amount,
        features,
        key: share.key,
        commitment: output.commitment,
        sender: payer.map(|p| *p.sign()),
        memo: memo.hash(),
    };
    let invoice = Invoice {
        session,
        amount,
        features,
        share,
        output,
        // o_r = r − x_r
        offset: keys.blinding(Purpose::Received, &opening).sub(&x).reveal(),
        receiver: keys.address(chain.params().network),
        payer,
        memo,
        receipt: sign(keys.sign(), &receipt.message(id), rng),
    };
    Ok(Opened { invoice, opening, secrets: Secrets { x, nonces } })
}
