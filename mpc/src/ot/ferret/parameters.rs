//! The sizes of the expansion.

use super::super::Expansion;
use super::super::check::ROWS;

impl Expansion {
    /// The expansion with this number, as jobs and handshakes have it.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::K16,
            2 => Self::K17,
            3 => Self::K18,
            4 => Self::K19,
            _ => return None,
        })
    }

    /// The expansion with seeds of 2^`log_k` transfers: 16 to 19.
    #[must_use]
    pub fn from_log_k(log_k: u32) -> Option<Self> {
        [Self::K16, Self::K17, Self::K18, Self::K19].into_iter().find(|one| one.log_k() == Some(log_k))
    }

    /// log₂ k; `None` if nothing is expanded.
    #[must_use]
    pub const fn log_k(self) -> Option<u32> {
        match self.parameters() {
            Some(parameters) => Some(parameters.log_k as u32),
            None => None,
        }
    }

    /// The most bytes of memory that either end of one direction needs; none if nothing is expanded.
    #[must_use]
    pub fn memory(self) -> u64 {
        self.parameters().map_or(0, |p| 16 * (2 * p.seed() + p.trees * (p.depth + 2) + 4 * p.leaves()) as u64)
    }

    /// The rounds of a session with `n` transfers; none if nothing is expanded.
    #[must_use]
    pub fn rounds(self, n: u64) -> u64 {
        let Some(p) = self.parameters() else { return 0 };
        let usable = |of: Parameters| (of.outputs() - p.taken(ROWS)) as u64;
        1 + n.saturating_sub(usable(FIRST)).div_ceil(usable(p))
    }

    /// The bytes that the sender of `n` random transfers sends, without those of its checks; none if nothing is expanded.
    ///
    /// ```
    /// use sotto_mpc::ot::Expansion;
    ///
    /// assert_eq!(Expansion::K19.bytes(100_000_000), 6_031_328);
    /// ```
    #[must_use]
    pub fn bytes(self, n: u64) -> u64 {
        let Some(p) = self.parameters() else { return 0 };
        FIRST.message() as u64 + (self.rounds(n) - 1) * p.message() as u64
    }

    /// The transfers of the trees that a session takes in all; none if nothing is expanded.
    #[must_use]
    pub const fn seed(self) -> u64 {
        if self as u8 == 0 { 0 } else { FIRST.taken(ROWS) as u64 }
    }

    /// The parameters; `None` if nothing is expanded.
    pub(crate) const fn parameters(self) -> Option<Parameters> {
        let (trees, log_k, depth) = match self {
            Self::None => return None,
            Self::K16 => (850, 16, 10),
            Self::K17 => (1170, 17, 11),
            Self::K18 => (1520, 18, 12),
            Self::K19 => (1900, 19, 13),
        };
        Some(Parameters { trees, log_k, depth })
    }
}

/// The parameters of LPN with regular noise: in each of t blocks of 2^depth outputs, one is flipped.
///
/// Source: the sets of the public implementation of Ferret in EMP, chosen for 128 bits against Briaud and
/// Øygarden (ePrint 2023/176) and Esser and Santini (ePrint 2023/1568).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// t.
    pub(crate) trees: usize,
    /// log₂ k.
    pub(crate) log_k: usize,
    /// The depth of a tree, which has 2^depth leaves.
    pub(crate) depth: usize,
}

/// The parameters of the first round, whatever the others have: its seed is the shortest, and it gives enough for
/// that of any other.
pub(super) const FIRST: Parameters = Parameters { trees: 850, log_k: 16, depth: 10 };

impl Parameters {
    /// k, the length of the seed of the code.
    pub(super) const fn seed(&self) -> usize {
        1 << self.log_k
    }

    /// The leaves of a tree.
    pub(super) const fn leaves(&self) -> usize {
        1 << self.depth
    }

    /// The transfers that the trees take: one for each level.
    pub(super) const fn levels(&self) -> usize {
        self.trees * self.depth
    }

    /// The outputs of a round, those for the next round included.
    pub(crate) const fn outputs(&self) -> usize {
        self.trees * self.leaves()
    }

    /// The transfers that a round takes, of which its check sacrifices `sacrificed`.
    pub(crate) const fn taken(&self, sacrificed: usize) -> usize {
        self.seed() + self.levels() + sacrificed
    }

    /// The bytes of the sender's message.
    pub(crate) const fn message(&self) -> usize {
        16 * (1 + self.trees * (2 * self.depth + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Expansion; 4] = [Expansion::K16, Expansion::K17, Expansion::K18, Expansion::K19];

    /// log₂ of the work to solve by k samples without noise, which are rows of as many different blocks as there
    /// are: each is free of noise with 1 − 2^−depth, and so is a choice of k/t of a block with 1 − k/n.
    fn pooled_gauss(p: Parameters) -> f64 {
        let free = (1.0 - p.seed() as f64 / p.outputs() as f64).log2() * p.trees as f64;
        2.8 * p.log_k as f64 - free
    }

    #[test]
    fn every_round_gives_what_the_next_one_takes_and_more() {
        for expansion in ALL {
            let p = expansion.parameters().unwrap();
            assert!(FIRST.outputs() > p.taken(64), "{expansion:?}");
            assert!(p.outputs() > 10 * p.taken(64), "{expansion:?}");
            assert_eq!(Expansion::from_code(expansion as u8), Some(expansion));
            assert_eq!(expansion.log_k().and_then(Expansion::from_log_k), Some(expansion));
        }
        assert_eq!(Expansion::K16.parameters(), Some(FIRST));
        assert_eq!(Expansion::None.parameters(), None);
        assert_eq!((Expansion::from_code(5), Expansion::from_log_k(20)), (None, None));
        assert_eq!((Expansion::None.bytes(1), Expansion::None.seed(), Expansion::None.memory()), (0, 0, 0));
    }

    #[test]
    fn guessing_samples_without_noise_takes_more_than_128_bits() {
        for expansion in ALL {
            assert!(pooled_gauss(expansion.parameters().unwrap()) > 135.0, "{expansion:?}");
        }
        assert!(pooled_gauss(Parameters { trees: 300, log_k: 16, depth: 12 }) < 128.0);
    }
}
