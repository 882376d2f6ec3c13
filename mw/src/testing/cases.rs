//! What each consensus rule refuses, beside a neighbour that differs in that alone and is accepted.
//!
//! A case is an attack or a mistake in full: signatures are made, proofs proven, headers sealed with honest roots, so that
//! the rule in question stands alone between it and the chain. Where another rule would catch it later, the case says so.
//! A transaction is also tried inside a sealed block ([`Trial::in_block`]): both paths must agree.

mod context;
mod proofs;
mod shape;

use super::{Owned, TestChain};
use crate::{block::Block, error::Rejection, transaction::Transaction};

/// What is judged.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are a few dozen")]
pub enum Subject {
    /// A transaction, for the block after the tip.
    Transaction(Transaction),
    /// The block after the tip.
    Block(Block),
}

/// A chain and what comes to it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The chain so far.
    pub toy: TestChain,
    /// What comes.
    pub subject: Subject,
}

impl Trial {
    /// What the rules say.
    ///
    /// # Errors
    /// The rule that refuses it.
    pub fn verdict(&self) -> Result<(), Rejection> {
        match &self.subject {
            Subject::Transaction(t) => self.toy.accept(t).map(|_| ()),
            Subject::Block(b) => self.toy.judge(b).map(|_| ()),
        }
    }

    /// The transaction in a sealed block with its reward; `None` for a block.
    #[must_use]
    pub fn in_block(&self) -> Option<Self> {
        let Subject::Transaction(t) = &self.subject else { return None };
        let mut toy = self.toy.clone();
        let subject = Subject::Block(toy.forge_with(t));
        Some(Self { toy, subject })
    }
}

/// One refusal.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is tried, in words.
    pub name: &'static str,
    /// The refusal.
    pub because: Rejection,
    /// What is refused.
    pub refused: Trial,
    /// What is accepted.
    pub accepted: Trial,
}

impl Case {
    /// Two transactions on one chain.
    fn transactions(
        name: &'static str,
        because: Rejection,
        toy: &TestChain,
        (refused, accepted): (Transaction, Transaction),
    ) -> Self {
        let trial = |t| Trial { toy: toy.clone(), subject: Subject::Transaction(t) };
        Self { name, because, refused: trial(refused), accepted: trial(accepted) }
    }

    /// Two blocks on one chain.
    fn blocks(
        name: &'static str,
        because: Rejection,
        toy: &TestChain,
        (refused, accepted): (Block, Block),
    ) -> Self {
        let trial = |b| Trial { toy: toy.clone(), subject: Subject::Block(b) };
        Self { name, because, refused: trial(refused), accepted: trial(accepted) }
    }

    /// One transaction on two chains: the second accepts it.
    fn on_two_chains(
        name: &'static str,
        because: Rejection,
        t: Transaction,
        chains: (&TestChain, &TestChain),
    ) -> Self {
        let trial = |toy: &TestChain| Trial { toy: toy.clone(), subject: Subject::Transaction(t.clone()) };
        Self { name, because, refused: trial(chains.0), accepted: trial(chains.1) }
    }
}

/// A chain of five blocks; the rewards of the first three can be spent in the sixth.
#[derive(Clone, Debug)]
struct Base {
    toy: TestChain,
    a: Owned,
    b: Owned,
}

impl Base {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(edit: impl FnOnce(&mut crate::chain::Params)) -> Self {
        let mut toy = TestChain::with(1, edit);
        let (a, b) = (toy.grow(Vec::new()), toy.grow(Vec::new()));
        toy.mature();
        Self { toy, a, b }
    }
}

/// All cases, in the order of rules.
#[must_use]
pub fn all() -> Vec<Case> {
    let base = Base::new();
    let mut all = [shape::all(&base), proofs::all(&base), context::all(&base)].concat();
    all.sort_by_key(|c| c.because.rule());
    all
}
