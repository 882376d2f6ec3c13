//! What each consensus rule refuses, beside a neighbour that differs in that alone and is accepted.
//!
//! A case is an attack or a mistake in full: signatures are made, proofs proven, headers sealed with honest roots, so that
//! the rule in question stands alone between it and the chain. Where another rule would catch it later, the case says so.
//! A transaction is also tried inside a sealed block ([`Trial::in_block`]): both paths must agree.

mod context;
mod proofs;
mod shape;

use super::case::Base;
pub use super::case::{Case, Subject, Trial};

/// All cases, in the order of rules.
#[must_use]
pub fn all() -> Vec<Case> {
    let base = Base::new();
    let mut all = [shape::all(&base), proofs::all(&base), context::all(&base)].concat();
    all.sort_by_key(|c| c.because.rule());
    all
}
