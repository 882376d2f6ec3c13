//! What a buyer keeps, as bytes.

use zeroize::Zeroizing;

/// What a buyer keeps. It has the secret of the lock, once that is known.
///
/// # Security
/// Not printed, wiped when dropped.
pub struct Kept(pub(super) Zeroizing<Vec<u8>>);

impl Kept {
    /// The bytes, for [`Buyer::restore`](super::Buyer::restore).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Kept {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Kept(…)")
    }
}
