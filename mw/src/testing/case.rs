//! A rejected case: an input that breaks one rule, and a similar input that is accepted.

use super::test_chain::{Owned, TestChain};
use crate::{block::Block, chain::Params, error::Rejection, transaction::Transaction};

/// The input of a case.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are a few dozen")]
pub enum Subject {
    /// A transaction, for the block after the tip.
    Transaction(Transaction),
    /// The block after the tip.
    Block(Block),
}

/// A chain, and an input for its next block.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The chain so far.
    pub ledger: TestChain,
    /// The input.
    pub subject: Subject,
}

impl Trial {
    /// Checks the input against all rules.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn verdict(&self) -> Result<(), Rejection> {
        match &self.subject {
            Subject::Transaction(t) => self.ledger.accept(t).map(|_| ()),
            Subject::Block(b) => self.ledger.judge(b).map(|_| ()),
        }
    }

    /// The transaction in a sealed block with its reward; `None` for a block.
    #[must_use]
    pub fn in_block(&self) -> Option<Self> {
        let Subject::Transaction(t) = &self.subject else { return None };
        let mut ledger = self.ledger.clone();
        let subject = Subject::Block(ledger.forge_with(t));
        Some(Self { ledger, subject })
    }
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What the case attempts.
    pub name: &'static str,
    /// The rule that is broken.
    pub because: Rejection,
    /// The rejected input.
    pub refused: Trial,
    /// The accepted input.
    pub accepted: Trial,
}

impl Case {
    /// Two transactions on one chain.
    pub(super) fn transactions(
        name: &'static str,
        because: Rejection,
        ledger: &TestChain,
        (refused, accepted): (Transaction, Transaction),
    ) -> Self {
        let trial = |t| Trial { ledger: ledger.clone(), subject: Subject::Transaction(t) };
        Self { name, because, refused: trial(refused), accepted: trial(accepted) }
    }

    /// Two blocks on one chain.
    pub(super) fn blocks(
        name: &'static str,
        because: Rejection,
        ledger: &TestChain,
        (refused, accepted): (Block, Block),
    ) -> Self {
        let trial = |b| Trial { ledger: ledger.clone(), subject: Subject::Block(b) };
        Self { name, because, refused: trial(refused), accepted: trial(accepted) }
    }

    /// One transaction on two chains, of which the second accepts it.
    pub(super) fn on_two_chains(
        name: &'static str,
        because: Rejection,
        t: Transaction,
        chains: (&TestChain, &TestChain),
    ) -> Self {
        let trial =
            |ledger: &TestChain| Trial { ledger: ledger.clone(), subject: Subject::Transaction(t.clone()) };
        Self { name, because, refused: trial(chains.0), accepted: trial(chains.1) }
    }
}

/// A chain of five blocks; the rewards of the first three can be spent in the sixth.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) ledger: TestChain,
    pub(super) a: Owned,
    pub(super) b: Owned,
}

impl Base {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(super) fn with(edit: impl FnOnce(&mut Params)) -> Self {
        let mut ledger = TestChain::with(1, edit);
        let (a, b) = (ledger.grow(Vec::new()), ledger.grow(Vec::new()));
        ledger.mature();
        Self { ledger, a, b }
    }
}
