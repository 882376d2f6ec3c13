//! Random graphs: the edges along which stems and fluffs travel.
//!
//! For the anonymity figures, as in the paper: two random directed cycles through all nodes, without a common
//! edge. Each node has two relays and is a relay of two; fluffs spread along the same edges in both
//! directions. For whole nodes: each connects to eight others at random.

use crate::draw;
use rand_core::RngCore;
use std::collections::BTreeSet;

/// Two random directed cycles: for each node, its successor and predecessor on either.
#[derive(Clone, Debug)]
pub(crate) struct Cycles {
    pub(crate) next: Vec<[usize; 2]>,
    pub(crate) last: Vec<[usize; 2]>,
}

impl Cycles {
    /// Two cycles on `nodes` nodes, at least three.
    pub(crate) fn draw(rng: &mut impl RngCore, nodes: usize) -> Self {
        let first = cycle(rng, nodes);
        let second = loop {
            let second = cycle(rng, nodes);
            if first.iter().zip(&second).all(|(a, b)| a != b) {
                break second;
            }
        };
        let mut last = vec![[0; 2]; nodes];
        for (i, next) in [&first, &second].into_iter().enumerate() {
            next.iter().enumerate().for_each(|(from, to)| last[*to][i] = from);
        }
        Self { next: first.into_iter().zip(second).map(|(a, b)| [a, b]).collect(), last }
    }

    /// The four neighbours of a node, in both directions.
    pub(crate) fn around(&self, node: usize) -> impl Iterator<Item = usize> {
        self.next[node].into_iter().chain(self.last[node])
    }
}

/// The successor of each node on a random cycle.
fn cycle(rng: &mut impl RngCore, nodes: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..nodes).collect();
    draw::shuffle(rng, &mut order);
    let mut next = vec![0; nodes];
    for (from, to) in order.iter().zip(order.iter().cycle().skip(1)) {
        next[*from] = *to;
    }
    next
}

/// For each node, the `degree` other nodes that it connects to.
pub(crate) fn connections(rng: &mut impl RngCore, nodes: usize, degree: usize) -> Vec<BTreeSet<usize>> {
    let degree = degree.min(nodes - 1);
    let mut draw = |node| {
        let mut chosen = BTreeSet::new();
        while chosen.len() < degree {
            let other = draw::index(rng, nodes);
            if other != node {
                chosen.insert(other);
            }
        }
        chosen
    };
    (0..nodes).map(&mut draw).collect()
}

/// A random share of the nodes, rounded down.
pub(crate) fn share(rng: &mut impl RngCore, nodes: usize, share: f64) -> Vec<bool> {
    let chosen = (share * nodes as f64 + 1e-9).floor() as usize;
    let mut all: Vec<bool> = (0..nodes).map(|i| i < chosen).collect();
    draw::shuffle(rng, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    #[test]
    fn every_node_has_two_relays_and_is_one_of_two() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for nodes in [3, 10, 101] {
            let graph = Cycles::draw(&mut rng, nodes);
            for (node, [a, b]) in graph.next.iter().enumerate() {
                assert!(a != b && *a != node && *b != node);
                assert_eq!((graph.last[*a][0], graph.last[*b][1]), (node, node));
            }
            for i in [0, 1] {
                let (mut at, mut steps) = (graph.next[0][i], 1);
                while at != 0 {
                    (at, steps) = (graph.next[at][i], steps + 1);
                }
                assert_eq!(steps, nodes, "one cycle through all");
            }
        }
    }

    #[test]
    fn shares_and_connections_have_their_size() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (p, count) in [(0.0, 0), (0.29, 29), (0.3, 30), (0.999, 99)] {
            assert_eq!(share(&mut rng, 100, p).iter().filter(|s| **s).count(), count);
        }
        let all = connections(&mut rng, 20, 8);
        assert!(all.iter().enumerate().all(|(node, peers)| peers.len() == 8 && !peers.contains(&node)));
    }
}
