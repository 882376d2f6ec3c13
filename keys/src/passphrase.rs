//! Keys from passphrases, for files that lie on a disk: Argon2id v1.3 (RFC 9106).
//!
//! The costs are those that a file's header names, so they are bounded before any memory is allocated.
//! Two passphrases take the same work, whether right or wrong: only decryption shows which one it is.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

/// Why no key can be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// The costs are beyond what is read, or below the least of Argon2.
    #[error("key derivation parameters outside the supported range (2 GiB, 64 passes, 16 lanes)")]
    Cost,
    /// The memory cannot be had.
    #[error("not enough memory to derive the key: {kib} KiB needed")]
    Memory {
        /// The memory needed.
        kib: u32,
    },
}

/// The cost of guessing a passphrase: the parameters of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    kib: u32,
    passes: u32,
    lanes: u32,
}

impl KdfCost {
    /// For people: RFC 9106's second recommendation (64 MiB, three passes, four lanes).
    pub const STANDARD: Self = Self { kib: 64 << 10, passes: 3, lanes: 4 };
    /// For tests: protects nothing.
    pub const INSECURE_FAST: Self = Self { kib: 8, passes: 1, lanes: 1 };

    /// These parameters; `None` above 2 GiB, 64 passes or 16 lanes, or below the minimum of Argon2.
    #[must_use]
    pub fn new(kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let is_bounded = kib <= 2 << 20 && passes <= 64 && lanes <= 16;
        (is_bounded && Params::new(kib, passes, lanes, Some(32)).is_ok()).then_some(Self {
            kib,
            passes,
            lanes,
        })
    }

    /// The parameters as they stand in files: KiB, passes, lanes.
    #[must_use]
    pub const fn parts(self) -> [u32; 3] {
        [self.kib, self.passes, self.lanes]
    }

    /// The key of a passphrase and a salt. Takes the time and memory that the parameters name.
    ///
    /// # Errors
    /// [`KdfError::Memory`].
    pub fn derive(self, passphrase: &[u8], salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, KdfError> {
        let params = Params::new(self.kib, self.passes, self.lanes, Some(32)).map_err(|_| KdfError::Cost)?;
        let mut memory: Vec<Block> = Vec::new();
        memory.try_reserve_exact(params.block_count()).map_err(|_| KdfError::Memory { kib: self.kib })?;
        memory.resize(params.block_count(), Block::default());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, salt, &mut *key, &mut memory)
            .map_err(|_| KdfError::Cost)?;
        memory.iter_mut().for_each(Zeroize::zeroize);
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::KdfCost;

    #[test]
    fn costs_are_bounded() {
        assert_eq!(KdfCost::new((2 << 20) + 1, 1, 1), None);
        assert_eq!(KdfCost::new(8, 65, 1), None);
        assert_eq!(KdfCost::new(1 << 10, 1, 17), None);
        assert_eq!(KdfCost::new(7, 1, 1), None);
        assert_eq!(KdfCost::new(8, 0, 1), None);
        assert_eq!(KdfCost::new(64 << 10, 3, 4), Some(KdfCost::STANDARD));
    }
}
