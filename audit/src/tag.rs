//! The domain separation tags of this crate.

/// Text of a charter → its hash, which the genesis parameters have.
pub(crate) const CHARTER: &str = "sotto/audit/charter/v1";
/// Salt, name of a case → the case in a request to auditors.
pub(crate) const CASE: &str = "sotto/audit/case/v1";
/// Chain, request to auditors → its name, which authorities sign and a notice records.
pub(crate) const REQUEST: &str = "sotto/audit/request/v1";
/// An auditor's answer → its hash in the reader's record of answers.
pub(crate) const ANSWER: &str = "sotto/audit/answer/v1";
/// Chain, name of a request, record of its answers → what a second notice records.
pub(crate) const ANSWERS: &str = "sotto/audit/answers/v1";
