//! Changes of the terms that a quorum signed and that no block contains yet.
//!
//! ```text
//! handed in, or from a peer ─▶ MW-R40, signatures included ─▶ waits ─▶ the draft of this validator's turn
//!                                                              │
//!                                 a change took effect, or it expired, or would take effect too early ─▶ dropped
//! ```
//!
//! Guaranteed: whoever is no quorum can put nothing here. At most [`PendingChanges::MAX`] wait, of one content one.
//! They are in memory alone: a node that starts hears of them from its peers.

use sotto_mw::{
    amount::Height,
    batch::verify_signatures,
    chain::Chain,
    error::{ChangeFault, Rejection},
    rules::check_change,
    terms::{SignedChange, Terms},
};

/// The changes that wait.
#[derive(Clone, Debug, Default)]
pub struct PendingChanges {
    all: Vec<SignedChange>,
    /// The last change of the chain, which the signatures of all of them name.
    last_change: Height,
}

/// Why a change does not wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// It does not hold.
    #[error(transparent)]
    Rule(#[from] Rejection),
    /// As many wait as may.
    #[error("{} changes wait for a block already: wait until one is in the chain", PendingChanges::MAX)]
    Full,
}

impl PendingChanges {
    /// Most that wait: 125 KB.
    pub const MAX: usize = 4;

    /// All of them, in the order in which they arrived.
    #[must_use]
    pub fn all(&self) -> &[SignedChange] {
        &self.all
    }

    /// Takes a change for the block at `next`, under these terms, or a later one; says whether it is news.
    pub(crate) fn take(
        &mut self,
        chain: &Chain,
        (terms, next): (&Terms, Height),
        change: SignedChange,
    ) -> Result<bool, ChangeRefused> {
        let same = |c: &SignedChange| (c.expiry, &c.change) == (change.expiry, &change.change);
        if self.all.iter().any(same) {
            return Ok(false);
        }
        let signed = check_change(chain, terms, terms.first_change(next), &change)?;
        if self.all.len() >= Self::MAX {
            return Err(ChangeRefused::Full);
        }
        let forged = Rejection::BadChange { fault: ChangeFault::Signature };
        verify_signatures(&signed).map_err(|_| forged)?;
        self.last_change = terms.last_change;
        self.all.push(change);
        Ok(true)
    }

    /// The change that the block at `next` may contain.
    pub(crate) fn due(&self, chain: &Chain, (terms, next): (&Terms, Height)) -> Option<&SignedChange> {
        self.all.iter().find(|c| check_change(chain, terms, next, c).is_ok())
    }

    /// Drops what can no longer be in a block: everything, once the chain has another change, since all were signed to
    /// follow the one before.
    pub(crate) fn advance(&mut self, chain: &Chain, (terms, next): (&Terms, Height)) {
        if self.last_change != terms.last_change {
            self.all.clear();
            self.last_change = terms.last_change;
        }
        self.all.retain(|c| check_change(chain, terms, terms.first_change(next), c).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{
        terms::{Announced, Change},
        testing::TestChain,
        validators::ValidatorSet,
    };

    /// Once the chain has a change, those that were signed to follow the one before are gone, and what comes then waits.
    #[test]
    fn a_change_in_the_chain_ends_those_that_wait() {
        let mut test_chain = TestChain::with_validators(5, 7);
        let joins = test_chain.appoint("joins", 1);
        let set = test_chain.chain().terms().sealing.validators().unwrap().clone();
        let set = ValidatorSet::new(set.all().iter().cloned().chain([joins]).collect()).unwrap();
        let (from, expiry) = (Height::new(900), Height::new(99));
        let taken = test_chain.change(Change::Validators(set), expiry);
        let waits = test_chain.change(Change::Rules(Announced { from, what: 9 }), expiry);
        let mut pending = PendingChanges::default();
        for change in [&taken, &waits] {
            let (chain, next) = (test_chain.chain(), test_chain.next());
            assert_eq!(pending.take(chain, (chain.terms(), next), change.clone()), Ok(true));
        }
        test_chain.grow_with(Vec::new(), Some(taken));
        let (chain, next) = (test_chain.chain(), test_chain.next());
        // Under the rule on signatures alone it could wait on, and never be in a block.
        pending.advance(chain, (chain.terms(), next));
        assert!(pending.all().is_empty());
        assert_eq!(pending.last_change, chain.terms().last_change);
    }
}
