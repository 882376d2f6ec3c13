//! Rejected cases for each consensus rule, each with a similar input that is accepted.
//!
//! A case is a complete attack or mistake: signatures verify, proofs are proven, headers are sealed with
//! correct roots, so that only the rule in question rejects it. A case says so if another rule would also
//! reject it. A transaction is also tried inside a sealed block ([`Trial::in_block`]); both paths must agree.

mod audit;
mod context;
mod notices;
mod one_sided;
mod proofs;
mod shape;
mod terms;

use super::case::Base;
pub use super::case::{Case, Subject, Trial};

/// All cases, in the order of rules.
#[must_use]
pub fn all() -> Vec<Case> {
    let base = Base::new();
    let mut all = [
        shape::all(&base),
        notices::all(&base),
        proofs::all(&base),
        context::all(&base),
        one_sided::all(),
        audit::all(&base),
        terms::all(),
    ]
    .concat();
    all.sort_by_key(|c| c.because.rule());
    all
}
