//! Shares of the output, for a result party that does not compute.
//!
//! ```text
//! garbler's share  lsb(C⁰)        evaluator's share  lsb(C)        output = lsb(C⁰) ⊕ lsb(C)
//! ```
//!
//! This holds because `C = C⁰ ⊕ x·Δ` and `Δ` is odd. Each share alone is independent of the output, so
//! neither compute party learns it. The shares are bits in the order of the program's outputs. Encrypting a
//! share to the result party is up to the caller.
//!
//! Guaranteed, if both compute parties follow the protocol: the result party gets the right output, or one
//! of them reports an error. Not guaranteed: anything if a compute party alters its share, which flips
//! output bits at will.

use zeroize::Zeroize;

use crate::Block;

/// One compute party's share of the outputs, which tells nothing without the other share.
///
/// ```
/// use sotto_mpc::OutputShare;
///
/// let garbler = OutputShare::from_bits(vec![true, false]);
/// let evaluator = OutputShare::from_bits(vec![true, true]);
/// assert_eq!(garbler.combine(&evaluator), Some(vec![false, true]));
/// ```
///
/// # Security
/// Both shares together are the outputs, so a party must not show its share to the other compute party.
/// Dropping a share wipes it.
pub struct OutputShare(Vec<bool>);

impl OutputShare {
    /// The share that a party's output labels contain: their permute bits.
    pub(super) fn of(labels: &[Block]) -> Self {
        Self(labels.iter().map(|label| label.lsb()).collect())
    }

    /// The share with these bits, as the result party decrypted them.
    #[must_use]
    pub const fn from_bits(bits: Vec<bool>) -> Self {
        Self(bits)
    }

    /// The bits, for encryption to the result party.
    #[must_use]
    pub fn bits(&self) -> &[bool] {
        &self.0
    }

    /// Combines both shares to the outputs; `None` if the shares have different lengths.
    #[must_use]
    pub fn combine(&self, other: &Self) -> Option<Vec<bool>> {
        let lengths_agree = self.0.len() == other.0.len();
        lengths_agree.then(|| self.0.iter().zip(&other.0).map(|(a, b)| a ^ b).collect())
    }
}

impl Drop for OutputShare {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Prints no bit.
impl core::fmt::Debug for OutputShare {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("OutputShare(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_combine_to_their_xor_and_print_nothing() {
        let (a, b) = (
            OutputShare::from_bits(vec![true, true, false]),
            OutputShare::from_bits(vec![true, false, false]),
        );
        assert_eq!(a.combine(&b), Some(vec![false, true, false]));
        assert_eq!(a.combine(&OutputShare::from_bits(vec![true])), None);
        assert_eq!(format!("{a:?}"), "OutputShare(..)");
    }
}
