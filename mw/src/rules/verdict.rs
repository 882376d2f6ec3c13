//! What the rules judge, and how they name a fault.

use crate::{amount::Height, block::Header, error::Rejection, terms::Terms, transaction::Body};

/// A block that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {height} breaks a rule: {why}")]
pub struct InvalidBlock {
    /// The block's height.
    pub height: Height,
    /// The rule.
    pub why: Rejection,
}

/// The index of the first item that breaks a rule, and the rule.
pub(super) type Verdict = Result<(), (usize, Rejection)>;

/// A block without its seal.
#[derive(Clone, Copy)]
pub(super) struct Unsealed<'a> {
    pub(super) header: &'a Header,
    pub(super) body: &'a Body,
    /// The terms of its height.
    pub(super) terms: &'a Terms,
}
