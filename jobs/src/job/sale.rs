//! Outputs that are sold: who pays whom, for what, and how long that may take.
//!
//! ```text
//! sale   buyer u16 ‖ outputs u16… ‖ payees: owner u16 ‖ hash of its offer [32] ‖ hash of its terms [32]
//!        ‖ chain id [32] ‖ blocks u64 ‖ confirmations u64
//! ```
//!
//! A job sells one run. Its sold outputs are for the buyer alone, and leave the computation locked
//! ([`lock`](crate::lock)); who the payees are and what they offered is signed by everybody. What a payee gets is in its
//! offer, which need not be open to others.
//!
//! **Not possible under a malicious adversary.** There both compute parties know the outputs under the buyer's pad, so
//! either could give them to the buyer unlocked: a lock on what two know locks nothing.

use super::party_id::PartyId;
use crate::codec::record;
use crate::hash::Digest;

/// Most blocks that a sale may take from the funding to the last claim.
pub(crate) const MAX_BLOCKS: u64 = 1 << 20;

/// Outputs that tell whether the others mean anything. The buyer reads them before it pays.
pub(crate) const VERDICTS: [&str; 2] = ["inputs_hold", "panicked"];

/// Who is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payee {
    /// An input party.
    pub owner: PartyId,
    /// The hash of its offer.
    pub offer: Digest,
    /// The hash of the offer's terms.
    pub terms: Digest,
}
record!(Payee { owner, offer, terms });

/// A sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Who pays.
    pub buyer: PartyId,
    /// The places of the outputs that it pays for, ascending.
    pub outputs: Vec<u16>,
    /// Who is paid, in the order of the inputs.
    pub payees: Vec<Payee>,
    /// The ledger on which it pays.
    pub chain: Digest,
    /// Blocks from the funding to the claims, at the ledger's fastest pace: for confirmations, run and letters.
    pub blocks: u64,
    /// Blocks on the funding before an owner delivers its input.
    pub confirmations: u64,
}
record!(Sale { buyer, outputs, payees, chain, blocks, confirmations });

impl Sale {
    /// Whether the output at this place is sold.
    #[must_use]
    pub fn has(&self, output: usize) -> bool {
        self.outputs.iter().any(|sold| usize::from(*sold) == output)
    }

    /// Whether a party pays or is paid.
    #[must_use]
    pub fn has_part(&self, party: PartyId) -> bool {
        party == self.buyer || self.payee(party).is_some()
    }

    /// What an owner sells, if it is paid.
    #[must_use]
    pub fn payee(&self, owner: PartyId) -> Option<&Payee> {
        self.payees.iter().find(|payee| payee.owner == owner)
    }
}
