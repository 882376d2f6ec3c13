//! The parameters of the relay, and how the embargo follows from them.
//!
//! **Embargo.** A node that forwards a stem waits for an exponential time of mean T and then fluffs the
//! transaction itself. An embargo that expires while the stem still travels cuts the stem short. A stem of k
//! hops, each of which takes `hop`, ends at k·hop; the node i hops from the source waits from i·hop on. So,
//! given k,
//!
//! ```text
//!   P(early | k) = 1 − exp(−Σ (k − i)·hop/T, i = 0 … k−1)  =  1 − exp(−k(k+1)/2 · hop/T)
//! ```
//!
//! Each node but the source ends the stem with probability q: `P(k) = q·(1−q)^(k−1)`, `E[k(k+1)/2] = 1/q²`,
//! and since `1 − e^−x ≤ x`,
//!
//! ```text
//!   P(early) ≤ hop / (q²·T) ≤ ε    when    T ≥ hop / (q²·ε)
//! ```
//!
//! The paper's `T ≥ −k(k−1)·hop / (2·ln(1−ε))` replaces the random length k by its mean 1/q. That embargo is
//! too short, because long stems cost more than short ones save. (If a source could be the diffuser of its
//! own transaction, stems would be a hop shorter and the bound `hop·(1−q)/(q²·ε)`; here it never is.) `hop`
//! includes all processing at a node.
//!
//! Guaranteed: a [`Params`] value is within its ranges, and its embargo satisfies the inequality.
//!
//! Source: Dandelion++ (2018), section 5 and appendix. `tests/simulation.rs` checks the correction derived
//! here.

use std::time::Duration;

/// The parameters of a relay.
///
/// ```
/// use sotto_dandelion::{Params, ParamsError};
/// use std::time::Duration;
///
/// // One node in eight is a diffuser, a hop takes at most 175 ms, and at most one stem in ten may be cut short.
/// let (hop, epoch) = (Duration::from_millis(175), Duration::from_secs(600));
/// let params = Params::new(0.125, hop, 0.1, epoch)?;
/// assert_eq!(params.embargo().as_secs(), 112);
///
/// // With one diffuser in a hundred, stems are so long that an embargo would last hours.
/// assert!(matches!(Params::new(0.01, hop, 0.1, epoch), Err(ParamsError::Embargo(_))));
/// # Ok::<(), ParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    fluff: f64,
    embargo: Duration,
    epoch: Duration,
    limits: Limits,
}

/// Bounds on the memory of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many stempool transactions of one peer are kept at a time; more are fluffed at once.
    pub stems_per_peer: usize,
    /// How many stempool transactions of all peers are kept at a time.
    pub stems: usize,
    /// How many transactions may be joined into one.
    pub joined: usize,
    /// How many disconnected peers keep their route until the epoch ends.
    pub remembered_edges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { stems_per_peer: 512, stems: 8_192, joined: 8, remembered_edges: 1_024 }
    }
}

/// A parameter is out of range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ParamsError {
    /// The share of diffusers is not in (0, 1].
    #[error("the share of nodes that fluff must be above 0 and at most 1, not {0}")]
    Fluff(f64),
    /// The share of early embargoes is not in (0, 1).
    #[error("the share of embargoes that may fire early must lie between 0 and 1, not {0}")]
    Early(f64),
    /// A hop takes less than a millisecond, or more than a minute.
    #[error("a hop must take between a millisecond and a minute, not {0:?}")]
    Hop(Duration),
    /// An epoch lasts less than a second, or more than a day.
    #[error("an epoch must last between a second and a day, not {0:?}")]
    Epoch(Duration),
    /// The embargo would exceed an hour, for which a black hole could hold a payment back.
    #[error(
        "the mean embargo would be {0:?}, above an hour: use more diffusers, faster hops or more early embargoes"
    )]
    Embargo(Duration),
    /// A limit is zero.
    #[error("each limit must allow at least one transaction")]
    Limits,
}

const SHORTEST_HOP: Duration = Duration::from_millis(1);
const LONGEST_HOP: Duration = Duration::from_secs(60);
const SHORTEST_EPOCH: Duration = Duration::from_secs(1);
const LONGEST_EPOCH: Duration = Duration::from_secs(86_400);
const LONGEST_EMBARGO: Duration = Duration::from_secs(3_600);

impl Params {
    /// Parameters with a share `fluff` (q) of diffusers, hops of at most `hop` and epochs of `epoch`, such
    /// that embargoes cut at most a share `early` (ε) of the stems short.
    ///
    /// # Errors
    /// [`ParamsError`] if a parameter is out of range, or if they require an embargo above an hour.
    pub fn new(fluff: f64, hop: Duration, early: f64, epoch: Duration) -> Result<Self, ParamsError> {
        if !(fluff > 0.0 && fluff <= 1.0) {
            return Err(ParamsError::Fluff(fluff));
        }
        if !(early > 0.0 && early < 1.0) {
            return Err(ParamsError::Early(early));
        }
        if !(SHORTEST_HOP..=LONGEST_HOP).contains(&hop) {
            return Err(ParamsError::Hop(hop));
        }
        if !(SHORTEST_EPOCH..=LONGEST_EPOCH).contains(&epoch) {
            return Err(ParamsError::Epoch(epoch));
        }
        let seconds = hop.as_secs_f64() / (fluff * fluff * early);
        let embargo = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        if embargo > LONGEST_EMBARGO {
            return Err(ParamsError::Embargo(embargo));
        }
        Ok(Self { fluff, embargo, epoch, limits: Limits::default() })
    }

    /// The same parameters with other limits.
    ///
    /// # Errors
    /// [`ParamsError::Limits`] if a limit other than `remembered_edges` is zero.
    pub fn with_limits(self, limits: Limits) -> Result<Self, ParamsError> {
        if [limits.stems_per_peer, limits.stems, limits.joined].contains(&0) {
            return Err(ParamsError::Limits);
        }
        Ok(Self { limits, ..self })
    }

    /// q: the probability that a node is a diffuser for an epoch.
    #[must_use]
    pub fn fluff(&self) -> f64 {
        self.fluff
    }

    /// T: the mean of a node's embargo on a transaction.
    #[must_use]
    pub fn embargo(&self) -> Duration {
        self.embargo
    }

    /// How long routes and roles last.
    #[must_use]
    pub fn epoch(&self) -> Duration {
        self.epoch
    }

    /// The bounds on memory.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }
}

impl Default for Params {
    /// q = 1/8, hops of 175 ms, ε = 0.1, epochs of ten minutes: a mean embargo of 112 s.
    fn default() -> Self {
        let (fluff, epoch) = (0.125, Duration::from_secs(600));
        // 0.175 s / (0.125² · 0.1); a test compares it with `new`.
        Self { fluff, embargo: Duration::from_secs(112), epoch, limits: Limits::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: Duration = Duration::from_millis(175);
    const EPOCH: Duration = Duration::from_secs(600);

    #[test]
    fn the_default_embargo_follows_from_the_formula() {
        let made = Params::new(0.125, HOP, 0.1, EPOCH).unwrap();
        assert!(made.embargo().abs_diff(Params::default().embargo()) < Duration::from_millis(1), "{made:?}");
        assert_eq!(Params { embargo: Params::default().embargo, ..made }, Params::default());
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let second = Duration::from_secs(1);
        for q in [0.0, -0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert!(matches!(Params::new(q, HOP, 0.1, EPOCH), Err(ParamsError::Fluff(_))), "{q}");
        }
        for early in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(matches!(Params::new(0.1, HOP, early, EPOCH), Err(ParamsError::Early(_))), "{early}");
        }
        for hop in [Duration::ZERO, 61 * second] {
            assert_eq!(Params::new(0.1, hop, 0.1, EPOCH), Err(ParamsError::Hop(hop)));
        }
        for epoch in [Duration::ZERO, 86_401 * second] {
            assert_eq!(Params::new(0.1, HOP, 0.1, epoch), Err(ParamsError::Epoch(epoch)));
        }
        for q in [0.001, 1e-200] {
            assert!(matches!(Params::new(q, HOP, 0.1, EPOCH), Err(ParamsError::Embargo(_))), "{q}");
        }
        let limits = Limits { joined: 0, ..Limits::default() };
        assert_eq!(Params::default().with_limits(limits), Err(ParamsError::Limits));
    }
}
