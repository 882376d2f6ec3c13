//! An epoch: the routes and the role of a node, drawn together and fixed until the epoch ends.
//!
//! ```text
//!   own transactions ─┐                 ┌─▶ relay 1
//!   peer a ───────────┼─ one relay each ┤            two of the peers that this node connected to
//!   peer b ───────────┘                 └─▶ relay 2
//! ```
//!
//! A node that keeps one route for a whole epoch shows a listener one edge instead of a sample of all edges.
//! Inbound peers are never relays, so a spy that connects to every node receives no stems for it. A route
//! never leads back to the sender.
//!
//! Source: Dandelion++ (2018), section 4.

use crate::{Id, draw};
use rand_core::RngCore;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How many relays a node has; with two, the graph of the stems is about 4-regular.
pub(crate) const RELAYS: usize = 2;

/// What a node does with the stems of other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Forwards them to a relay.
    Relayer,
    /// Fluffs them.
    Diffuser,
}

/// Routes and role of one node.
#[derive(Clone, Debug)]
pub(crate) struct Epoch<P> {
    role: Role,
    ends: Duration,
    relays: Vec<P>,
    own: Option<P>,
    inbound: BTreeMap<P, P>,
}

impl<P: Id> Epoch<P> {
    /// An epoch until `ends`: a diffuser with probability `fluff`, its relays from `outbound`.
    pub(crate) fn draw(rng: &mut impl RngCore, fluff: f64, ends: Duration, outbound: &BTreeSet<P>) -> Self {
        let role = if draw::unit(rng) < fluff { Role::Diffuser } else { Role::Relayer };
        let mut epoch = Self { role, ends, relays: Vec::new(), own: None, inbound: BTreeMap::new() };
        epoch.fill(rng, outbound);
        epoch
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn ends(&self) -> Duration {
        self.ends
    }

    /// The relay for a transaction from `from`, or for the node's own (`None`). There is none if the only
    /// relay is `from`.
    pub(crate) fn route(&mut self, rng: &mut impl RngCore, from: Option<&P>) -> Option<P> {
        let fixed = from.map_or(self.own.as_ref(), |f| self.inbound.get(f));
        if let Some(to) = fixed {
            return Some(to.clone());
        }
        let others: Vec<&P> = self.relays.iter().filter(|r| Some(*r) != from).collect();
        let to = (*draw::pick(rng, &others)?).clone();
        match from {
            Some(from) => drop(self.inbound.insert(from.clone(), to.clone())),
            None => self.own = Some(to.clone()),
        }
        Some(to)
    }

    /// Adds relays from `outbound` until there are enough. Fixed routes stay.
    pub(crate) fn fill(&mut self, rng: &mut impl RngCore, outbound: &BTreeSet<P>) {
        let mut others: Vec<&P> = outbound.iter().filter(|p| !self.relays.contains(p)).collect();
        draw::shuffle(rng, &mut others);
        let missing = RELAYS.saturating_sub(self.relays.len());
        self.relays.extend(others.into_iter().take(missing).cloned());
    }

    /// Removes the routes that lead to a disconnected peer.
    ///
    /// The peer's own route is kept, unless `remembered` routes are kept already: a peer that reconnects must
    /// not observe a second route.
    pub(crate) fn disconnected(&mut self, peer: &P, remembered: usize) {
        self.relays.retain(|r| r != peer);
        self.own.take_if(|to| to == peer);
        self.inbound.retain(|_, to| to != peer);
        if self.inbound.len() > remembered {
            self.inbound.remove(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    fn epoch(rng: &mut ChaCha8Rng, outbound: std::ops::Range<u8>) -> (Epoch<u8>, BTreeSet<u8>) {
        let outbound = outbound.collect();
        (Epoch::draw(rng, 0.5, Duration::ZERO, &outbound), outbound)
    }

    proptest! {
        #[test]
        fn routes_are_fixed_and_never_lead_back(seed: u64, peers in 0u8..9) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (mut e, outbound) = epoch(&mut rng, 0..peers);
            for from in (0..20).map(Some).chain([None]) {
                let to = e.route(&mut rng, from.as_ref());
                prop_assert_ne!(to, from.or(Some(99)));
                prop_assert!(to.is_none_or(|to| e.relays.contains(&to) && outbound.contains(&to)));
                prop_assert_eq!(to, e.route(&mut rng, from.as_ref()));
                prop_assert!(to.is_some() || peers == 0 || (peers == 1 && from == Some(0)));
            }
            prop_assert_eq!(e.relays.len(), RELAYS.min(peers.into()));
        }

        #[test]
        fn routes_to_a_disconnected_peer_are_drawn_again_and_others_stay(seed: u64) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (mut e, mut outbound) = epoch(&mut rng, 0..5);
            let before: Vec<_> = (10..30).map(|from| e.route(&mut rng, Some(&from)).unwrap()).collect();
            let lost = before[0];
            outbound.remove(&lost);
            e.disconnected(&lost, 100);
            e.fill(&mut rng, &outbound);
            for (from, old) in (10..30).zip(before) {
                let new = e.route(&mut rng, Some(&from)).unwrap();
                prop_assert_ne!(new, lost);
                prop_assert!(new == old || old == lost);
            }
        }
    }

    #[test]
    fn both_relays_and_both_roles_are_drawn_evenly() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut diffusers, mut first) = (0, 0);
        for _ in 0..4_000 {
            let (mut e, _) = epoch(&mut rng, 0..2);
            diffusers += u32::from(e.role() == Role::Diffuser);
            first += u32::from(e.route(&mut rng, Some(&7)) == Some(0));
        }
        assert!(
            (1_850..2_150).contains(&diffusers) && (1_850..2_150).contains(&first),
            "{diffusers} {first}"
        );
    }

    #[test]
    fn the_number_of_remembered_routes_is_bounded() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut e = Epoch::draw(&mut rng, 0.5, Duration::ZERO, &(0u32..2).collect());
        for peer in 10..1_000 {
            e.route(&mut rng, Some(&peer));
            e.disconnected(&peer, 5);
        }
        assert_eq!(e.inbound.len(), 5);
    }
}
