//! Which parties of a job show what code they run, and how different the compute parties' platforms must be.
//!
//! ```text
//! attestation   demands, by party: party u16 ‖ hash of a policy [32] ‖ diverse u8
//! ```
//!
//! The hash is of what the policy says ([`sotto_tee::Policy::digest`]), not of its file.

use super::party_id::PartyId;
use crate::codec::record;
use crate::hash::Digest;

/// Vendors that there are: a job cannot ask for more.
pub const MAX_DIVERSE: u8 = 2;

/// A party of which evidence is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Of whom.
    pub party: PartyId,
    /// The hash of the policy that decides on its evidence.
    pub policy: Digest,
}
record!(Demand { party, policy });

/// The evidence that a job asks for; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attestation {
    /// Of whom, in the order of the parties, each once.
    pub demands: Vec<Demand>,
    /// Of how many vendors the compute parties' platforms are, which then are all different; 0: it is not
    /// asked.
    pub diverse: u8,
}
record!(Attestation { demands, diverse });

impl Attestation {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The hash of the policy for a party's evidence, if it is demanded.
    #[must_use]
    pub fn demand_of(&self, party: PartyId) -> Option<Digest> {
        self.demands.iter().find(|demand| demand.party == party).map(|demand| demand.policy)
    }

    /// Whether the demands stand in the order of the parties, each once.
    pub(super) fn is_sorted(&self) -> bool {
        self.demands.iter().zip(self.demands.iter().skip(1)).all(|(one, next)| one.party < next.party)
    }
}
