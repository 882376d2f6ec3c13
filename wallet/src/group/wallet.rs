//! A group's wallet as one member has it: the keys, the chain, and the member's own list.

use super::{GroupBook, GroupKeys};
use sotto_mw::{amount::Height, chain::Chain};

/// A group's wallet as one of its members has it.
#[derive(Clone, Copy, Debug)]
pub struct GroupWallet<'g> {
    /// The group's keys.
    pub keys: GroupKeys<'g>,
    /// The chain.
    pub chain: &'g Chain,
    /// The last block that the member has seen.
    pub tip: Height,
    /// The member's list.
    pub book: &'g GroupBook,
}
