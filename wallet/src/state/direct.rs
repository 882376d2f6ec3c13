//! A recipient who is paid one-sidedly: part of a payment, and nothing is waited for.
//!
//! ```text
//! bytes = session (32) ‖ address (65) ‖ amount (8) ‖ index (12) ‖ fresh bytes (32) ‖ C (32) ‖ K_o (32) ‖ note
//!         ‖ [sealed output]
//! ```
//!
//! There is no signing session: the identifier names the payment here. With the account key, the fresh bytes
//! give the sender's secret, which a proof of payment needs and no restore brings back.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{option, point_bytes, put_option, session},
    keys::{Address, OneSidedTerms},
    output_proof::SealedOutput,
    outputs::{Coin, opening, put_opening},
    slate::Memo,
};
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    session::SessionId,
};

/// A recipient of a payment who need not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirectPayment {
    /// A random identifier.
    pub(crate) session: SessionId,
    /// To whom, how much, under which reference.
    pub(crate) terms: OneSidedTerms,
    /// The output.
    pub(crate) coin: Coin,
    /// The payer's own note, which is sent to no party.
    pub(crate) note: Memo,
    /// The recipient's address, as histories show it.
    pub(crate) recipient: Address,
    /// The output in the chain, since a scan saw it unspent: a proof of payment needs it.
    pub(crate) evidence: Option<SealedOutput>,
}

impl DirectPayment {
    /// Fewest bytes.
    pub(crate) const LEAST_BYTES: usize = 32 + 65 + 20 + 32 + 64 + 2;
}

impl Encode for DirectPayment {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.recipient.encode(out);
        put_opening(&self.terms.opening, out);
        out.extend_from_slice(&self.terms.fresh);
        out.extend_from_slice(&self.coin.commitment.0);
        self.coin.receiver.iter().for_each(|key| out.extend_from_slice(&key.0));
        self.note.encode(out);
        put_option(self.evidence.as_ref(), out);
    }
}

impl Decode for DirectPayment {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (session, recipient) = (session(r)?, Address::decode(r)?);
        let to = recipient.payment_address();
        let to = to.ok_or(DecodeError::Code { what: "address of a one-sided payment", code: 1 })?;
        let terms = OneSidedTerms { to, opening: opening(r)?, fresh: r.array()? };
        let coin = Coin { commitment: point_bytes(r)?, receiver: Some(point_bytes(r)?) };
        let (note, evidence) = (Memo::decode(r)?, option(r, "evidence flag")?);
        Ok(Self { session, terms, coin, note, recipient, evidence })
    }
}
