//! Hashes of this crate, with one table of their contexts.

pub use sotto_party::hash::Digest;

/// The name of evidence, over its kind and its signed bytes.
pub(crate) const EVIDENCE: &str = "sotto/tee/evidence/v1";
/// A platform, over its vendor and the number that the vendor gave the chip.
pub(crate) const PLATFORM: &str = "sotto/tee/platform/v1";
/// A policy, over its canonical form.
pub(crate) const POLICY: &str = "sotto/tee/policy/v1";
/// A bundle, over its bytes.
pub(crate) const BUNDLE: &str = "sotto/tee/bundle/v1";
