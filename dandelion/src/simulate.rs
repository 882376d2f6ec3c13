//! Simulations of many relays with a seeded random source: what spies learn, and how long black holes delay
//! payments.
//!
//! - [`anonymity`] measures precision and recall of the first-spy estimator, for this relay and for other
//!   protocols.
//! - [`Network`] runs whole nodes in network time: the length of stems, and the delay of payments that a
//!   black hole drops.
//!
//! Guaranteed: both run the relay's own code, and equal seeds give equal figures. Source: Dandelion++ (2018),
//! sections 3 and 4; [`PUBLISHED`] holds the figures of its authors.

mod event_queue;
mod first_spy;
mod graph;
mod network;

pub use first_spy::{Anonymity, anonymity};
pub use network::{Journey, Network};

/// How a node chooses the next hop of a stem, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forwarding {
    /// By sender, fixed for an epoch; own transactions take the route of a random sender.
    PerEdge,
    /// Drawn again for each transaction.
    PerTransaction,
    /// By sender, no two senders to the same relay.
    OneToOne,
    /// No stem: the source fluffs each transaction.
    Diffusion,
    /// By sender, with a separate route for own transactions: what [`Relay`](crate::Relay) does.
    Relay,
}

impl Forwarding {
    /// The ways with published figures.
    pub const PUBLISHED: [Self; 4] = [Self::PerTransaction, Self::PerEdge, Self::OneToOne, Self::Diffusion];
}

/// A network to measure: how many nodes, the share of spies, how nodes forward, the share of diffusers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    nodes: usize,
    spies: f64,
    forwarding: Forwarding,
    fluff: f64,
}

/// A scenario that cannot be simulated.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// Too few nodes for a graph, or so many that a run takes minutes.
    #[error("the number of nodes must be between {LEAST_NODES} and {MOST_NODES}, not {0}")]
    Nodes(usize),
    /// The share of spies is not in [0, 1).
    #[error("the share of spies must be at least 0 and below 1, not {0}")]
    Spies(f64),
    /// The share of diffusers is not in [0, 1].
    #[error("the share of nodes that fluff must be between 0 and 1, not {0}")]
    Fluff(f64),
}

const LEAST_NODES: usize = 10;
const MOST_NODES: usize = 10_000;

impl Scenario {
    /// A scenario. With `fluff` 0 a stem ends only at a spy or in a loop: the worst case, which the published
    /// figures show.
    ///
    /// # Errors
    /// [`ScenarioError`] if a number is out of range.
    pub fn new(nodes: usize, spies: f64, forwarding: Forwarding, fluff: f64) -> Result<Self, ScenarioError> {
        if !(LEAST_NODES..=MOST_NODES).contains(&nodes) {
            return Err(ScenarioError::Nodes(nodes));
        }
        if !(0.0..1.0).contains(&spies) {
            return Err(ScenarioError::Spies(spies));
        }
        if !(0.0..=1.0).contains(&fluff) {
            return Err(ScenarioError::Fluff(fluff));
        }
        Ok(Self { nodes, spies, forwarding, fluff })
    }
}

/// A row of the published figures: precision by share of spies, and recall of diffusion.
///
/// From a run of the simulator of the paper's authors (100 nodes, no diffusers, 20 graphs, 15 runs on each).
/// The recall of the other three is about the share of spies itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The share of spies.
    pub spies: f64,
    /// Precision for [`Forwarding::PerTransaction`].
    pub per_transaction: f64,
    /// Precision for [`Forwarding::PerEdge`].
    pub per_edge: f64,
    /// Precision for [`Forwarding::OneToOne`].
    pub one_to_one: f64,
    /// Precision for [`Forwarding::Diffusion`].
    pub diffusion: f64,
    /// Recall for [`Forwarding::Diffusion`].
    pub diffusion_recall: f64,
}

/// The published figures.
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
    /// The precision for one way of forwarding; that of [`Forwarding::PerEdge`] for [`Forwarding::Relay`].
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
    fn scenarios_out_of_range_are_refused() {
        let new = |n, p, q| Scenario::new(n, p, Forwarding::PerEdge, q).map(|_| ());
        assert_eq!(new(10, 0.0, 0.0), Ok(()));
        assert_eq!(new(9, 0.1, 0.0), Err(ScenarioError::Nodes(9)));
        assert_eq!(new(10_001, 0.1, 0.0), Err(ScenarioError::Nodes(10_001)));
        for wrong in [-0.1, 1.0, f64::NAN] {
            assert!(matches!(new(100, wrong, 0.0), Err(ScenarioError::Spies(_))), "{wrong}");
        }
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(new(100, 0.1, wrong), Err(ScenarioError::Fluff(_))), "{wrong}");
        }
    }
}
