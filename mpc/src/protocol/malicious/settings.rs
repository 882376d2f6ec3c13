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
//! [`Buckets::least`] is the least such L, and a program uses the B for which B·L is least. Everything here
//! is a pure function of public numbers.
//!
//! Source: the buckets of Wang, Ranellucci, Katz (ePrint 2017/189, section 4), here with cyclic shifts in
//! place of random permutations.

use super::error::SessionError;
use crate::ot::TreeDepth;

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

/// What the parties must have agreed on besides program and terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The number of attempts at the run that the error bound covers.
    pub attempts: Attempts,
    /// The depth of the trees of oblivious transfer.
    pub depth: TreeDepth,
    /// The probability of undetected deviation is at most 2 to the minus this.
    pub(super) statistical: u32,
}

impl Settings {
    /// These attempts and trees, with statistical security of 40 bits.
    #[must_use]
    pub const fn new(attempts: Attempts, depth: TreeDepth) -> Self {
        Self { attempts, depth, statistical: 40 }
    }

    /// Settings under which small programs have few candidates, for tests that run sessions by the hundred.
    #[cfg(test)]
    pub(super) fn insecure_small() -> Self {
        Self { statistical: 4, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Attempts::default(), TreeDepth::Four)
    }
}

/// The candidates of a chunk: B layers of L.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    /// B.
    pub(super) layers: usize,
    /// L.
    pub(super) candidates: usize,
}

impl Buckets {
    /// The most AND gates of a chunk. A chunk of this size takes half a gigabyte at each party.
    pub(super) const MOST_GATES: usize = 1 << 20;

    /// The candidates for a program with this many AND gates; none if it has no gates.
    ///
    /// # Errors
    /// If the program has more gates than a chunk may have.
    pub(super) fn for_gates(gates: u64, settings: &Settings) -> Result<Self, SessionError> {
        let too_many = SessionError::TooManyGates { most: Self::MOST_GATES, given: gates };
        let gates = usize::try_from(gates).ok().filter(|gates| *gates <= Self::MOST_GATES).ok_or(too_many)?;
        if gates == 0 {
            return Ok(Self { layers: 0, candidates: 0 });
        }
        let with = |layers| Self { layers, candidates: Self::least(layers, settings).max(gates) };
        let choices = [4, 5, 6].map(with);
        Ok(choices
            .into_iter()
            .fold(with(3), |best, next| if next.total() < best.total() { next } else { best }))
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
    fn a_program_gets_the_fewest_candidates_in_all() {
        let buckets = |gates| Buckets::for_gates(gates, &Settings::default()).unwrap();
        assert_eq!(buckets(0).total(), 0);
        for (gates, layers, candidates) in [
            (1, 6, 129),
            (430, 6, 430),
            (431, 5, 517),
            (4_218, 5, 4_218),
            (4_219, 4, 5_273),
            (420_365, 4, 420_365),
            (420_366, 3, 560_488),
            (1 << 20, 3, 1 << 20),
        ] {
            assert_eq!(buckets(gates), Buckets { layers, candidates }, "{gates} gates");
        }
    }

    #[test]
    fn more_gates_than_a_chunk_are_refused() {
        let given = Buckets::MOST_GATES as u64 + 1;
        let error = SessionError::TooManyGates { most: Buckets::MOST_GATES, given };
        assert_eq!(Buckets::for_gates(given, &Settings::default()), Err(error));
        assert!(Buckets::for_gates(u64::MAX, &Settings::default()).is_err());
    }

    #[test]
    fn attempts_have_bounds() {
        assert_eq!(Attempts::new(0), None);
        assert_eq!(Attempts::new(65), None);
        assert_eq!(Attempts::new(64).map(Attempts::number), Some(64));
    }
}
