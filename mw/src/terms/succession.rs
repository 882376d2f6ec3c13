//! How the terms of one height follow from those before.

use super::{Change, Terms};
use crate::amount::Height;

/// What follows a block: the terms of the next height, and the change in the block's body, which takes effect
/// one height later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The terms of the next height.
    pub terms: Terms,
    /// The change in the last block.
    pub change: Option<Change>,
}

impl Succession {
    /// What follows the genesis.
    #[must_use]
    pub const fn genesis(terms: Terms) -> Self {
        Self { terms, change: None }
    }

    /// The terms of the height after the block at `next`, which follows.
    #[must_use]
    pub fn after_next(&self, next: Height) -> Terms {
        let mut terms = self.terms.clone();
        if let Some(change) = &self.change {
            change.apply(next.minus(1), &mut terms);
        }
        terms.at(next.next())
    }

    /// What follows the block at `next`, whose body has this change.
    #[must_use]
    pub fn advance(&self, next: Height, change: Option<Change>) -> Self {
        Self { terms: self.after_next(next), change }
    }
}
