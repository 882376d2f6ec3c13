//! What spies learn, and what black holes delay: the relay's own code among many nodes, with a seeded random source.
//!
//! - [`anonymity`] measures precision and recall of the first-spy estimator, for this relay and for what others do.
//! - [`Hour`] runs whole nodes in network time: how long stems are, and how late a payment is that a black hole swallowed.
//!
//! Source: Dandelion++ (2018), sections 3 and 4; figures to compare with are in [`PUBLISHED`].

mod agenda;
mod first_spy;
mod graph;
mod hour;

pub use first_spy::{Anonymity, anonymity};
pub use hour::{Hour, Journey};

/// How a node chooses the next hop of a stem, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forwarding {
    /// By the peer it came from, fixed for an epoch; own transactions as those of one of these peers.
    PerEdge,
    /// Anew for each transaction.
    PerTransaction,
    /// By the peer it came from, no two peers to the same relay.
    OneToOne,
    /// No stem: each transaction is told to all at its source.
    Diffusion,
    /// By the peer it came from, and own transactions by themselves: what [`Relay`](crate::Relay) does.
    Relay,
}

impl Forwarding {
    /// Those of which figures were published.
    pub const PUBLISHED: [Self; 4] = [Self::PerTransaction, Self::PerEdge, Self::OneToOne, Self::Diffusion];
}

/// Who is measured: how many nodes, which share of them spies, how they forward, which share of them diffusers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    nodes: usize,
    spies: f64,
    forwarding: Forwarding,
    fluff: f64,
}

/// What cannot be simulated.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// Too few nodes for a graph, or more than a minute's work.
    #[error("there must be between {LEAST_NODES} and {MOST_NODES} nodes, not {0}")]
    Nodes(usize),
    /// No share, or everybody.
    #[error("the spies' share must be at least 0 and below 1, not {0}")]
    Spies(f64),
    /// No share.
    #[error("the share of nodes that fluff must be between 0 and 1, not {0}")]
    Fluff(f64),
}

const LEAST_NODES: usize = 10;
const MOST_NODES: usize = 10_000;

impl Setting {
    /// With `fluff` 0 a stem ends only at a spy, or where it meets itself: the worst case that the published figures show.
    ///
    /// # Errors
    /// Where a number is out of its range.
    pub fn new(nodes: usize, spies: f64, forwarding: Forwarding, fluff: f64) -> Result<Self, SettingError> {
        if !(LEAST_NODES..=MOST_NODES).contains(&nodes) {
            return Err(SettingError::Nodes(nodes));
        }
        if !(0.0..1.0).contains(&spies) {
            return Err(SettingError::Spies(spies));
        }
        if !(0.0..=1.0).contains(&fluff) {
            return Err(SettingError::Fluff(fluff));
        }
        Ok(Self { nodes, spies, forwarding, fluff })
    }
}

/// A row of the published figures: precision by share of spies, and recall of diffusion.
///
/// Taken from a run of the simulator of the paper's authors (100 nodes, no diffusers, 20 graphs, 15 runs on each). Recall of
/// the other three is about the share itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The spies' share.
    pub spies: f64,
    /// Precision against [`Forwarding::PerTransaction`].
    pub per_transaction: f64,
    /// Precision against [`Forwarding::PerEdge`].
    pub per_edge: f64,
    /// Precision against [`Forwarding::OneToOne`].
    pub one_to_one: f64,
    /// Precision against [`Forwarding::Diffusion`].
    pub diffusion: f64,
    /// Recall against [`Forwarding::Diffusion`].
    pub diffusion_recall: f64,
}

/// The figures to compare with.
pub const PUBLISHED: [Published; 5] = [
    row(0.1, [0.025, 0.045, 0.038], [0.095, 0.237]),
    row(0.2, [0.092, 0.113, 0.103], [0.238, 0.387]),
    row(0.3, [0.166, 0.176, 0.178], [0.361, 0.497]),
    row(0.4, [0.278, 0.280, 0.284], [0.486, 0.604]),
    row(0.5, [0.375, 0.377, 0.377], [0.588, 0.690]),
];

const fn row(spies: f64, stems: [f64; 3], diffusion: [f64; 2]) -> Published {
    let [per_transaction, per_edge, one_to_one] = stems;
    let [diffusion, diffusion_recall] = diffusion;
    Published { spies, per_transaction, per_edge, one_to_one, diffusion, diffusion_recall }
}

impl Published {
    /// The precision against one way of forwarding; that of [`Forwarding::PerEdge`] for [`Forwarding::Relay`].
    #[must_use]
    pub fn precision(&self, forwarding: Forwarding) -> f64 {
        match forwarding {
            Forwarding::PerEdge | Forwarding::Relay => self.per_edge,
            Forwarding::PerTransaction => self.per_transaction,
            Forwarding::OneToOne => self.one_to_one,
            Forwarding::Diffusion => self.diffusion,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_simulated_is_refused() {
        let new = |n, p, q| Setting::new(n, p, Forwarding::PerEdge, q).map(|_| ());
        assert_eq!(new(10, 0.0, 0.0), Ok(()));
        assert_eq!(new(9, 0.1, 0.0), Err(SettingError::Nodes(9)));
        assert_eq!(new(10_001, 0.1, 0.0), Err(SettingError::Nodes(10_001)));
        for wrong in [-0.1, 1.0, f64::NAN] {
            assert!(matches!(new(100, wrong, 0.0), Err(SettingError::Spies(_))), "{wrong}");
        }
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(new(100, 0.1, wrong), Err(SettingError::Fluff(_))), "{wrong}");
        }
    }
}
