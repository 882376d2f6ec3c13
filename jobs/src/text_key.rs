//! Texts as whole numbers: a keyed hash, so that programs compare and join on names, addresses and register numbers.
//!
//! ```text
//! key      = H(job id ‖ nonce of each party's approval)           H: BLAKE3, see `hash`
//! number   = the first 62 bits of H(key ‖ text)
//! ```
//!
//! Equal texts are equal numbers for all input parties of an agreement, and others in another one. No party chooses the
//! key: each contributes a nonce. Whoever has all approvals has it, so a number that a program shows can be compared with
//! guesses; a program should not show one. Two of n texts of one party and m of another that differ are taken for equal
//! with a chance of n·m / 2^62: 2·10^-7 for a million each.

use core::fmt;

use crate::approval::Agreement;
use crate::hash::{Digest, Purpose, hash};

/// The key under which an agreement's texts are hashed.
pub struct TextKey(Digest);

impl TextKey {
    /// That of an agreement.
    #[must_use]
    pub fn of(agreement: &Agreement) -> Self {
        let Digest(job) = agreement.job().id();
        let nonces = agreement.nonces().iter().map(|nonce| &nonce[..]);
        let parts: Vec<&[u8]> = std::iter::once(&job[..]).chain(nonces).collect();
        Self(hash(Purpose::TextKey, &parts))
    }

    /// One for a check of rows before there is an agreement: nothing that was read with it can be entered.
    #[must_use]
    pub fn for_checks() -> Self {
        Self(hash(Purpose::TextKey, &[]))
    }

    /// The number of a text, below [`TEXTS`](crate::kind::TEXTS).
    #[must_use]
    pub fn number(&self, text: &str) -> i128 {
        let Digest(key) = self.0;
        let Digest(hash) = hash(Purpose::TextNumber, &[&key, text.as_bytes()]);
        let (first, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
        i128::from(u64::from_le_bytes(*first) >> 2)
    }
}

impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextKey(..)")
    }
}
