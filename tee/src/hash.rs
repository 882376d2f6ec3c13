//! Hashes of this crate, with one table of their contexts.

use core::fmt;

use sotto_party::hex::{from_hex, to_hex};

/// The name of evidence, over its kind and its signed bytes.
pub(crate) const EVIDENCE: &str = "sotto/tee/evidence/v1";
/// A platform, over its vendor and the number that the vendor gave the chip.
pub(crate) const PLATFORM: &str = "sotto/tee/platform/v1";
/// A policy, over its canonical form.
pub(crate) const POLICY: &str = "sotto/tee/policy/v1";
/// A bundle, over its bytes.
pub(crate) const BUNDLE: &str = "sotto/tee/bundle/v1";

/// 32 bytes that stand for something: printed as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Parses 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        from_hex(text, &mut bytes)?;
        Some(Self(bytes))
    }

    /// The hash of `parts` under one of the contexts above.
    pub(crate) fn of(context: &'static str, parts: &[&[u8]]) -> Self {
        Self(sotto_party::hash::hash(context, parts))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
