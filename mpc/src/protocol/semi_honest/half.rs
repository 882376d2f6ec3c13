//! Outputs for a receiver who does not compute.
//!
//! ```text
//! garbler's half  lsb(C⁰)        evaluator's half  lsb(C)        output = lsb(C⁰) ⊕ lsb(C)
//! ```
//!
//! because `C = C⁰ ⊕ x·Δ` and `Δ` is odd. Each half alone is independent of the output, so neither computer
//! learns it. Who seals a half to the receiver, and how, is the caller's business; the halves are bits in the order
//! of the program's outputs.
//!
//! Guaranteed, if both computers follow the protocol: the receiver gets the right output, or halves of an execution
//! that one side refused. Not guaranteed: anything if a computer alters its half, which flips outputs as it likes.

use zeroize::Zeroize;

use crate::Block;

/// One computer's half of the outputs. Says nothing without the other half.
///
/// # Security
/// Whoever has both halves has the outputs: a half must not be shown to the other computer. It is wiped when dropped.
pub struct Half(Vec<bool>);

impl Half {
    /// The permute bits of a side's output labels.
    pub(super) fn of(labels: &[Block]) -> Self {
        Self(labels.iter().map(|label| label.lsb()).collect())
    }

    /// The half that these bits are, as the receiver unsealed them.
    #[must_use]
    pub const fn from_bits(bits: Vec<bool>) -> Self {
        Self(bits)
    }

    /// The bits, to be sealed to the receiver.
    #[must_use]
    pub fn bits(&self) -> &[bool] {
        &self.0
    }

    /// The outputs, from both halves; `None` if these are not halves of one result.
    #[must_use]
    pub fn join(&self, other: &Self) -> Option<Vec<bool>> {
        let same = self.0.len() == other.0.len();
        same.then(|| self.0.iter().zip(&other.0).map(|(a, b)| a ^ b).collect())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Shows nothing.
impl core::fmt::Debug for Half {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Half(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_join_to_their_xor_and_say_nothing() {
        let (a, b) = (Half::from_bits(vec![true, true, false]), Half::from_bits(vec![true, false, false]));
        assert_eq!(a.join(&b), Some(vec![false, true, false]));
        assert_eq!(a.join(&Half::from_bits(vec![true])), None);
        assert_eq!(format!("{a:?}"), "Half(..)");
    }
}
