//! What the parties choose, and what follows from it: how many candidates each gate is combined from.
//!
//! Each layer has L candidates, of which the peer may have spoilt some; B candidates, one of each layer, make
//! one gate (`buckets`). In an attacked chunk with t_k spoilt candidates in layer k the peer survives the
//! equality test with probability 2^-Σt_k, and the expected number of gates that are spoilt in all layers is
//! Π t_k / L^(B−1), whatever sets it chose, because the B − 1 shifts are uniform and independent of them.
//! Since t·2^-t ≤ 1/2,
//!
//! ```text
//! Pr[a chunk breaks] ≤ Π t_k·2^-t_k / L^(B−1) ≤ 2^-B / L^(B−1)
//! ```
//!
//! A chunk with a layer that is not attacked cannot break, and an attacked one is survived with probability
//! at most 2^-B. So over any number of chunks the sum is at most that of a geometric series, and over A
//! attempts at a run, of which the peer may break off those whose shifts it dislikes, A times that:
//!
//! ```text
//! A · 2^-B / (1 − 2^-B) / L^(B−1) ≤ 2^-40        ⇔        (2^B − 1) · L^(B−1) ≥ A · 2^40
//! ```
//!
//! [`Buckets::least`] is the least such L.
//!
//! **Chunks.** A program with more AND gates than a chunk is divided into full chunks, of the size in the
//! [`Settings`], and a rest; the rest, like a program of one chunk, uses the B for which B·L is least. Chunks
//! of different B and L keep the bound: let ε be 2^-40/A. If chunk i alone breaks with probability at most
//! (1 − 2^-B_i)·ε, and an attack on it is survived with at most 2^-B_i, then an attack that has the
//! probability ε from chunk i + 1 on has at most (1 − 2^-B_i)·ε + 2^-B_i·ε = ε from chunk i on.
//!
//! Everything here is a pure function of public numbers.
//!
//! Source: the buckets of Wang, Ranellucci, Katz (ePrint 2017/189, section 4), here with cyclic shifts in
//! place of random permutations.

use crate::ot::{Expansion, TreeDepth};

/// How many attempts at a run the parties allow: 1 to 64. The error bound of 2^-40 covers all of them
/// together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(u32);

impl Attempts {
    /// This many attempts; `None` unless there are 1 to 64.
    #[must_use]
    pub const fn new(attempts: u32) -> Option<Self> {
        if matches!(attempts, 1..=64) { Some(Self(attempts)) } else { None }
    }

    /// How many.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self(2)
    }
}

/// The size of a chunk, which decides how much memory a party needs, whatever the length of the program.
///
/// | | B | L at two attempts | bytes of an AND gate, both ways | memory of a party |
/// |---|--:|--:|--:|--:|
/// | [`LARGE`](Self::LARGE) | 3 | 560,488 | 200 | 250 MB |
/// | [`SMALL`](Self::SMALL) | 4 | 16,384 | 256 | 10 MB |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSize {
    /// B.
    pub(super) layers: usize,
    /// L, if the error bound does not demand more.
    pub(super) candidates: usize,
}

impl ChunkSize {
    /// Chunks of the fewest bytes a gate: three layers. The default.
    pub const LARGE: Self = Self { layers: 3, candidates: 1 };
    /// Chunks for machines with little memory: four layers.
    pub const SMALL: Self = Self { layers: 4, candidates: 1 << 14 };
}

impl Default for ChunkSize {
    fn default() -> Self {
        Self::LARGE
    }
}

/// What the parties must have agreed on besides program and terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The number of attempts at the run that the error bound covers.
    pub attempts: Attempts,
    /// The depth of the trees of oblivious transfer.
    pub depth: TreeDepth,
    /// Whether transfers are expanded. Not with more than two parties.
    pub expansion: Expansion,
    /// The size of a chunk.
    pub chunk: ChunkSize,
    /// The probability of undetected deviation is at most 2 to the minus this.
    pub(super) statistical: u32,
}

impl Settings {
    /// These attempts and trees, with large chunks and statistical security of 40 bits.
    #[must_use]
    pub const fn new(attempts: Attempts, depth: TreeDepth) -> Self {
        Self { attempts, depth, expansion: Expansion::None, chunk: ChunkSize::LARGE, statistical: 40 }
    }

    /// The same settings with chunks of another size.
    #[must_use]
    pub const fn with_chunk(self, chunk: ChunkSize) -> Self {
        Self { chunk, ..self }
    }

    /// The same settings with expanded transfers.
    #[must_use]
    pub const fn with_expansion(self, expansion: Expansion) -> Self {
        Self { expansion, ..self }
    }

    /// Settings under which a chunk has few candidates, and at most this many gates, for tests that run
    /// sessions by the hundred.
    #[cfg(test)]
    pub(super) fn insecure_small(gates: usize) -> Self {
        Self { statistical: 4, ..Self::default() }.with_chunk(ChunkSize { layers: 3, candidates: gates })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Attempts::default(), TreeDepth::Four)
    }
}

/// The candidates of a chunk: B layers of L.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    /// B.
    pub(super) layers: usize,
    /// L.
    pub(super) candidates: usize,
}

impl Buckets {
    /// The candidates of a full chunk.
    pub(super) fn full(settings: &Settings) -> Self {
        let ChunkSize { layers, candidates } = settings.chunk;
        Self { layers, candidates: candidates.max(Self::least(layers, settings)) }
    }

    /// The fewest candidates in all for a chunk with this many AND gates; none if it has no gates.
    pub(super) fn for_gates(gates: usize, settings: &Settings) -> Self {
        if gates == 0 {
            return Self { layers: 0, candidates: 0 };
        }
        let with = |layers| Self { layers, candidates: Self::least(layers, settings).max(gates) };
        let choices = [4, 5, 6].map(with);
        choices.into_iter().fold(with(3), |best, next| if next.total() < best.total() { next } else { best })
    }

    /// B·L.
    pub(super) const fn total(&self) -> usize {
        self.layers * self.candidates
    }

    /// The least L for B layers.
    fn least(layers: usize, settings: &Settings) -> usize {
        let (b, needed) = (layers as u32, u128::from(settings.attempts.0) << settings.statistical);
        let enough = |candidates: u128| ((1 << b) - 1) * candidates.pow(b - 1) >= needed;
        // Enough from 2^23 on, since 7·2^46 > 64·2^40; and (2^23)^5 fits.
        let (mut low, mut high) = (0, 1 << 23);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if enough(middle) { high = middle } else { low = middle }
        }
        high as usize
    }
}

/// The size of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The number of the chunk in its session, which enters all its hashes.
    pub(super) number: u64,
    /// The AND gates, at most L.
    pub(super) gates: usize,
    pub(super) buckets: Buckets,
}

impl Extent {
    /// That of no chunk.
    pub(super) const NONE: Self = Self { number: 0, gates: 0, buckets: Buckets { layers: 0, candidates: 0 } };
}

/// How a program is divided into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    pub(super) settings: Settings,
    /// The AND gates of the program.
    pub(super) gates: u64,
}

impl Chunks {
    /// The number of chunks; one if the program has no gates.
    pub(super) fn count(&self) -> u64 {
        self.gates.div_ceil(self.most()).max(1)
    }

    /// What chunk `number` has, counted from 0.
    pub(super) fn extent(&self, number: u64) -> Extent {
        let left = self.gates.saturating_sub(number.saturating_mul(self.most()));
        if left >= self.most() {
            let full = Buckets::full(&self.settings);
            return Extent { number, gates: full.candidates, buckets: full };
        }
        let gates = left as usize;
        Extent { number, gates, buckets: Buckets::for_gates(gates, &self.settings) }
    }

    /// The gates of a full chunk.
    fn most(&self) -> u64 {
        Buckets::full(&self.settings).candidates as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(attempts: u32) -> Settings {
        Settings::new(Attempts::new(attempts).unwrap(), TreeDepth::Four)
    }

    /// The error of all attempts, in floating point, as the bound is written.
    fn error(layers: usize, candidates: usize, attempts: u32) -> f64 {
        let p = 0.5f64.powi(layers as i32);
        f64::from(attempts) * p / (1.0 - p) / (candidates as f64).powi(layers as i32 - 1)
    }

    #[test]
    fn the_least_number_of_candidates_is_as_computed_by_hand() {
        for (attempts, expected) in [
            (1, [396_325, 4_186, 434, 112]),
            (2, [560_488, 5_273, 517, 129]),
            (8, [1_120_975, 8_371, 730, 170]),
        ] {
            let settings = settings(attempts);
            assert_eq!([3, 4, 5, 6].map(|layers| Buckets::least(layers, &settings)), expected);
        }
    }

    #[test]
    fn the_least_number_meets_the_bound_and_one_less_does_not() {
        for attempts in [1, 2, 3, 8, 64] {
            for layers in 3..=6 {
                let least = Buckets::least(layers, &settings(attempts));
                assert!(error(layers, least, attempts) <= 2f64.powi(-40) * (1.0 + 1e-9));
                assert!(error(layers, least - 1, attempts) > 2f64.powi(-40));
            }
        }
    }

    #[test]
    fn a_chunk_gets_the_fewest_candidates_in_all() {
        let buckets = |gates| Buckets::for_gates(gates, &Settings::default());
        assert_eq!(buckets(0).total(), 0);
        for (gates, layers, candidates) in [
            (1, 6, 129),
            (430, 6, 430),
            (431, 5, 517),
            (4_218, 5, 4_218),
            (4_219, 4, 5_273),
            (420_365, 4, 420_365),
            (420_366, 3, 560_488),
        ] {
            assert_eq!(buckets(gates), Buckets { layers, candidates }, "{gates} gates");
        }
    }

    #[test]
    fn a_program_is_divided_into_full_chunks_and_a_rest() {
        for (chunk, layers, full) in [(ChunkSize::LARGE, 3, 560_488), (ChunkSize::SMALL, 4, 16_384)] {
            let settings = Settings::default().with_chunk(chunk);
            for (full_chunks, rest) in [(0, 0), (0, 7), (1, 0), (1, 1), (3, full - 1), (178, 16)] {
                let chunks = Chunks { settings, gates: (full_chunks * full + rest) as u64 };
                let count = chunks.count() as usize;
                assert_eq!(count, (full_chunks + usize::from(rest > 0)).max(1));
                for number in 0..count {
                    let extent = chunks.extent(number as u64);
                    let gates = if number < full_chunks { full } else { rest };
                    assert_eq!((extent.number, extent.gates), (number as u64, gates));
                    assert!(extent.buckets.candidates >= gates);
                    if number < full_chunks {
                        assert_eq!(extent.buckets, Buckets { layers, candidates: full });
                    }
                }
            }
        }
        assert_eq!(Chunks { settings: Settings::default(), gates: u64::MAX }.extent(1 << 40).gates, 560_488);
    }

    #[test]
    fn a_small_chunk_is_as_large_as_the_attempts_demand() {
        let of = |attempts| Buckets::full(&settings(attempts).with_chunk(ChunkSize::SMALL));
        assert_eq!(of(2), Buckets { layers: 4, candidates: 16_384 });
        assert_eq!(of(64).candidates, Buckets::least(4, &settings(64)));
        assert!(of(64).candidates > 16_384);
    }

    #[test]
    fn attempts_have_bounds() {
        assert_eq!(Attempts::new(0), None);
        assert_eq!(Attempts::new(65), None);
        assert_eq!(Attempts::new(64).map(Attempts::number), Some(64));
    }
}
