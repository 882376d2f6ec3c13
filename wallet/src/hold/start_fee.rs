//! The start fee of a hold: an output of the seller's in the funding, so that it is paid if and only if the hold is funded.
//!
//! ```text
//! C_f = f·H + r_f·G                      made by the seller, beside C = v·H + (r_p + r_s)·G
//! o_s = r_s + r_f − x_s                  the payer checks X_fs + o_s·G = X_s + C_f − f·H; without a start fee, C_f and f are left out
//! ```
//!
//! Both X_fs and X_s come with proofs of possession, so the equation says that the seller knows r_f with C_f = f·H + r_f·G:
//! the amount is f. The funding balances with r_s and r_f in it or not at all, so a payer can leave out neither C nor C_f.
//! The receipt is that of a payment, under the session of the funding: without it anyone who reads an offer could take the
//! start fee in the seller's place.

use super::{
    HoldError, Join, Offer, StartFee,
    letters::{Purpose, bare},
};
use crate::{
    keys::{AccountKeys, Purpose as OutputPurpose, fresh_index},
    slate::{Receipt, SlateError},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount,
    chain::Chain,
    commitment::Commitment,
    output::Output,
    range_proof::Opening,
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    session::Role,
};

/// The seller's output, which it has not signed for yet.
pub(crate) struct NewOutput<'a> {
    keys: &'a AccountKeys,
    chain: &'a Chain,
    offer: &'a Offer,
    output: Output,
    /// r_f.
    pub(crate) blinding: SecretScalar,
}

/// Makes the output, if the offer names a start fee.
pub(crate) fn output<'a>(
    keys: &'a AccountKeys,
    chain: &'a Chain,
    offer: &'a Offer,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Option<NewOutput<'a>>, HoldError> {
    let amount = offer.terms.start_fee;
    if amount == Amount::ZERO {
        return Ok(None);
    }
    let (purpose, opening) = (OutputPurpose::Received, Opening { amount, index: fresh_index(rng) });
    let output = keys.output(chain, purpose, &opening).map_err(SlateError::from)?;
    let blinding = keys.blinding(purpose, &opening);
    Ok(Some(NewOutput { keys, chain, offer, output, blinding }))
}

impl NewOutput<'_> {
    /// Signs the receipt, which names X_fs, the seller's key in the session of the funding.
    pub(crate) fn signed(
        self,
        key: &PublicKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<StartFee, HoldError> {
        let signer = self.keys.identity_of(&self.offer.seller).ok_or(SlateError::NotForUs)?;
        let statement = receipt(self.offer, key, &self.output.commitment).message(self.chain.id());
        let receipt = sign(&signer.sign, &statement, rng);
        Ok(StartFee { output: Box::new(self.output), receipt })
    }
}

/// The receipt of the start fee.
pub(crate) fn receipt(offer: &Offer, key: &PublicKey, output: &Commitment) -> Receipt {
    Receipt {
        session: Purpose::Funding.session(&offer.id),
        amount: offer.terms.start_fee,
        features: offer.funding,
        key: *key,
        commitment: *output,
        sender: Some(offer.payer.sign()),
        memo: offer.memo.hash(),
    }
}

/// Checks the seller's share of the funding's offset, and with it the amount of its output; then all else of the output.
pub(crate) fn check(chain: &Chain, offer: &Offer, join: &Join) -> Result<(), HoldError> {
    let (amount, key) = (offer.terms.start_fee, &join.funding.share.key);
    if join.start_fee.is_some() != (amount > Amount::ZERO) {
        return Err(HoldError::StartFee);
    }
    let joint = Commitment::from_point(*join.part.key.point());
    let sum = join.start_fee.as_ref().map_or(joint, |s| joint.plus(&s.output.commitment));
    if !sum.is_split(amount, key, &join.funding.offset) {
        return Err(HoldError::Offset(Role::Responder));
    }
    let Some(StartFee { output, receipt: signature }) = &join.start_fee else { return Ok(()) };
    if !bare(output) {
        return Err(HoldError::Output);
    }
    let statement = receipt(offer, key, &output.commitment).message(chain.id());
    if !signature.verifies(&offer.seller.sign(), &statement) {
        return Err(HoldError::Receipt);
    }
    if output.proof_holds(chain) { Ok(()) } else { Err(HoldError::Proof) }
}

#[cfg(test)]
mod tests;
