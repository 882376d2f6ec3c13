//! A rejected case: an input that breaks one rule, and a similar input that is accepted.

use super::{owned::Owned, test_chain::TestChain};
use crate::{
    amount::{Amount, Height},
    block::Block,
    chain::Params,
    error::Rejection,
    kernel::{KernelFeatures, Window},
    transaction::Transaction,
};

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

/// The name of a case and the rule that its rejected input breaks; with both inputs it is a [`Case`].
pub(super) struct Broken {
    name: &'static str,
    because: Rejection,
}

impl Broken {
    pub(super) const fn rule(name: &'static str, because: Rejection) -> Self {
        Self { name, because }
    }

    /// Two transactions on one chain.
    pub(super) fn transactions(
        self,
        ledger: &TestChain,
        refused: Transaction,
        accepted: Transaction,
    ) -> Case {
        let trial = |t| Trial { ledger: ledger.clone(), subject: Subject::Transaction(t) };
        self.case(trial(refused), trial(accepted))
    }

    /// Two blocks on one chain.
    pub(super) fn blocks(self, ledger: &TestChain, refused: Block, accepted: Block) -> Case {
        let trial = |b| Trial { ledger: ledger.clone(), subject: Subject::Block(b) };
        self.case(trial(refused), trial(accepted))
    }

    /// One transaction on two chains.
    pub(super) fn on_two_chains(self, t: Transaction, refusing: &TestChain, accepting: &TestChain) -> Case {
        let trial =
            |ledger: &TestChain| Trial { ledger: ledger.clone(), subject: Subject::Transaction(t.clone()) };
        self.case(trial(refusing), trial(accepting))
    }

    fn case(self, refused: Trial, accepted: Trial) -> Case {
        Case { name: self.name, because: self.because, refused, accepted }
    }
}

pub(super) const fn window(from: u64, to: u64) -> Window {
    Window { not_before: Height::new(from), not_after: Height::new(to) }
}

pub(super) const fn ranged(fee: Amount, from: u64, to: u64) -> KernelFeatures {
    KernelFeatures::HeightRanged { fee, window: window(from, to) }
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
