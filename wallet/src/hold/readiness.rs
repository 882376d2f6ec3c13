//! The conditions under which a seller begins the work that a hold pays for.
//!
//! ```text
//! the hold is for this memo and address; amount, D and d are at least those agreed, f is the agreed one; u was answered
//! it is in a block, unspent, with d blocks; no undoing that the seller consented to can still happen
//! next ≤ H_r − grid − M − (D − d): a claim after all that is left of D is still in time
//! ```
//!
//! The last line holds for a seller that begins once the funding has its confirmations, even if that entered its last block:
//! L + d ≤ H_r − grid − M − (D − d), since H_r ≥ L + D + M + grid.

use super::{HoldError, HoldTerms, Offer};
use crate::{keys::Address, slate::Memo};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
};

/// The hold that a seller was promised.
#[derive(Clone, Copy, Debug)]
pub struct Promised<'a> {
    /// The address of the seller.
    pub seller: &'a Address,
    /// The amount that it pays, at least.
    pub amount: Amount,
    /// The start fee that it pays; zero for none.
    pub start_fee: Amount,
    /// D: the blocks that it leaves for confirmations, work and letters, at least.
    pub blocks: u64,
    /// d: the confirmations that are waited for.
    pub confirmations: u64,
    /// Its memo, which names one sale.
    pub memo: &'a Memo,
}

impl Promised<'_> {
    /// Whether an offer is the promised one: for this memo and address, and no less.
    ///
    /// # Errors
    /// [`HoldError::Terms`], which says what differs.
    pub fn fits(&self, offer: &Offer) -> Result<(), HoldError> {
        if !self.names(offer) {
            return Err(HoldError::Terms("it is for another address, or for something else"));
        }
        self.check(&offer.terms)
    }

    /// Whether an offer is about this.
    pub(crate) fn names(&self, offer: &Offer) -> bool {
        offer.memo == *self.memo && offer.seller == *self.seller
    }

    /// Whether it promises no less.
    pub(crate) fn check(&self, terms: &HoldTerms) -> Result<(), HoldError> {
        if terms.amount < self.amount {
            return Err(HoldError::Terms("it pays less than was agreed"));
        }
        if terms.start_fee != self.start_fee {
            return Err(HoldError::Terms("it pays another start fee than was agreed"));
        }
        if terms.blocks < self.blocks || terms.confirmations < self.confirmations {
            return Err(HoldError::Terms("it leaves fewer blocks or confirmations than were agreed"));
        }
        Ok(())
    }

    /// The last block before which the work begins.
    pub(crate) fn begin_by(&self, chain: &Chain, terms: &HoldTerms) -> Height {
        let latest = terms.refund_from.minus(chain.params().window_grid);
        HoldTerms::claim_by(chain, latest, true).minus(self.blocks.saturating_sub(self.confirmations))
    }
}
