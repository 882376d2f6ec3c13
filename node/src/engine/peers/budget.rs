//! What strangers may make this node do: a budget for each machine, and one over all of them.
//!
//! ```text
//! work of n units:  n ≤ most(machine)?   ─ no ─▶ flood: the peer is to blame
//!                        │ yes, taken
//!                   n ≤ own(machine)?    ─ yes ─▶ paid       each machine has a small share that no other can use up
//!                        │ no
//!                   n ≤ shared?          ─ yes ─▶ paid       one budget over all machines
//!                        │ no
//!                        └▶ busy: it is not done, and blamed on no peer
//! ```
//!
//! All connections of a machine (an IPv4 address, a /64 of IPv6; on this machine a key) draw on one budget,
//! and it outlives them: a new connection gets what is left of it.
//!
//! Guaranteed: in t seconds all strangers together cause at most `shared.burst + shared.rate·t` units and the
//! own shares of the machines that are connected; whatever others do, each machine gets its own share.
//! Bounded: [`MOST`] machines are remembered after they left; the one that left first makes room.

use super::ban_score::Whose;
use crate::{
    config::Config,
    token_bucket::{Allowance, TokenBucket},
};
use core::time::Duration;
use std::collections::BTreeMap;

/// Most machines that are remembered without a connection.
const MOST: usize = 4_096;

/// Whether work can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Charge {
    /// It is paid for.
    Paid,
    /// All strangers together have caused too much: not now.
    Busy,
    /// This machine has caused too much.
    Flood,
}

/// The budgets of all machines.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    shared: TokenBucket,
    machines: BTreeMap<Whose, Budget>,
}

#[derive(Clone, Debug)]
struct Budget {
    connections: usize,
    left: Duration,
    work: TokenBucket,
    own: TokenBucket,
    received: TokenBucket,
    served: TokenBucket,
}

impl Budget {
    fn new(config: &Config, now: Duration) -> Self {
        let full = |allowance: Allowance| TokenBucket::new(allowance, now);
        Self {
            connections: 0,
            left: now,
            work: full(config.work),
            own: full(config.work_own),
            received: full(config.received),
            served: full(config.served),
        }
    }
}

impl Budgets {
    pub(crate) fn new(config: &Config) -> Self {
        let shared = TokenBucket::new(config.work_shared, Duration::ZERO);
        Self { shared, machines: BTreeMap::new() }
    }

    /// A machine has one connection more.
    pub(crate) fn connected(&mut self, config: &Config, now: Duration, machine: Whose) {
        let budget = self.machines.entry(machine).or_insert_with(|| Budget::new(config, now));
        budget.connections += 1;
    }

    /// A machine has one connection less.
    pub(crate) fn disconnected(&mut self, now: Duration, machine: Whose) {
        if let Some(budget) = self.machines.get_mut(&machine) {
            (budget.connections, budget.left) = (budget.connections.saturating_sub(1), now);
        }
        let gone = self.machines.iter().filter(|(_, b)| b.connections == 0);
        if gone.clone().count() > MOST
            && let Some(first) = gone.min_by_key(|(_, b)| b.left).map(|(machine, _)| *machine)
        {
            self.machines.remove(&first);
        }
    }

    /// Whether a machine may cause this work; what is paid is taken.
    pub(crate) fn work(&mut self, now: Duration, machine: &Whose, units: u64) -> Charge {
        let Some(budget) = self.machines.get_mut(machine) else { return Charge::Busy };
        if !budget.work.affords(now, units) {
            return Charge::Flood;
        }
        // What is not done is not charged: it is not its fault.
        let paid =
            (budget.own.take(now, units) || self.shared.take(now, units)) && budget.work.take(now, units);
        if paid { Charge::Paid } else { Charge::Busy }
    }

    /// Whether a machine may send so many bytes; they are taken.
    pub(crate) fn received(&mut self, now: Duration, machine: &Whose, bytes: u64) -> bool {
        self.machines.get_mut(machine).is_some_and(|b| b.received.take(now, bytes))
    }

    /// Whether a machine may be sent so many bytes; they are taken.
    pub(crate) fn served(&mut self, now: Duration, machine: &Whose, bytes: u64) -> bool {
        self.machines.get_mut(machine).is_some_and(|b| b.served.take(now, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerKey;
    use core::net::IpAddr;

    const SECOND: Duration = Duration::from_secs(1);

    fn machine(n: u16) -> Whose {
        let [a, b] = n.to_be_bytes();
        Whose::refused(IpAddr::from([10, a, b, 1]), PeerKey([1; 32]))
    }

    fn config() -> Config {
        let mut config = Config::new(PeerKey([9; 32]));
        config.work = Allowance { rate: 10, burst: 100 };
        config.work_own = Allowance { rate: 1, burst: 5 };
        config.work_shared = Allowance { rate: 20, burst: 150 };
        config
    }

    /// Many machines that take all they can leave each other machine its own share.
    #[test]
    fn no_machine_takes_the_share_of_another() {
        let config = config();
        let mut budgets = Budgets::new(&config);
        (0..20).for_each(|n| budgets.connected(&config, SECOND, machine(n)));
        let mut paid = 0;
        for n in 0..19 {
            paid += (0..200).filter(|_| budgets.work(SECOND, &machine(n), 1) == Charge::Paid).count();
        }
        assert_eq!(paid, 19 * 5 + 150, "own shares, and the one budget over all");
        assert_eq!(budgets.work(SECOND, &machine(0), 1), Charge::Flood);
        assert_eq!(budgets.work(SECOND, &machine(19), 5), Charge::Paid);
        assert_eq!(budgets.work(SECOND, &machine(19), 1), Charge::Busy, "it is not its fault");
    }

    /// Neither a second connection nor a new one is a new allowance.
    #[test]
    fn a_connection_is_no_allowance() {
        let config = config();
        let mut budgets = Budgets::new(&config);
        budgets.connected(&config, SECOND, machine(1));
        assert_eq!(budgets.work(SECOND, &machine(1), 100), Charge::Paid);
        budgets.connected(&config, SECOND, machine(1));
        assert_eq!(budgets.work(SECOND, &machine(1), 1), Charge::Flood);
        (0..2).for_each(|_| budgets.disconnected(SECOND, machine(1)));
        budgets.connected(&config, SECOND, machine(1));
        assert_eq!(budgets.work(SECOND, &machine(1), 1), Charge::Flood);
        assert_eq!(budgets.work(2 * SECOND, &machine(1), 10), Charge::Paid);
    }

    /// Machines that come and go do not fill the memory.
    #[test]
    fn machines_that_left_are_bounded() {
        let config = config();
        let mut budgets = Budgets::new(&config);
        for n in 0..5_000u16 {
            budgets.connected(&config, SECOND, machine(n));
            budgets.disconnected(Duration::from_secs(n.into()), machine(n));
        }
        assert_eq!(budgets.machines.len(), MOST);
        assert!(
            !budgets.machines.contains_key(&machine(0)) && budgets.machines.contains_key(&machine(4_999))
        );
    }

    /// Bytes that a machine sends and bytes that it is sent are two allowances, each its own.
    #[test]
    fn bytes_are_counted_each_way() {
        let mut config = config();
        config.received = Allowance { rate: 1, burst: 10 };
        config.served = Allowance { rate: 2, burst: 20 };
        let mut budgets = Budgets::new(&config);
        (1..=2).for_each(|n| budgets.connected(&config, SECOND, machine(n)));
        assert!(budgets.received(SECOND, &machine(1), 10) && !budgets.received(SECOND, &machine(1), 1));
        assert!(budgets.served(SECOND, &machine(1), 20) && !budgets.served(SECOND, &machine(1), 1));
        assert!(budgets.received(SECOND, &machine(2), 10) && budgets.served(SECOND, &machine(2), 20));
        assert!(
            budgets.received(2 * SECOND, &machine(1), 1) && !budgets.received(2 * SECOND, &machine(1), 1)
        );
        let stranger = machine(3);
        assert!(!budgets.received(SECOND, &stranger, 1) && !budgets.served(SECOND, &stranger, 1));
        assert_eq!(budgets.work(SECOND, &stranger, 1), Charge::Busy);
    }

    /// A machine is forgotten when it left before all others that left, not while it is connected.
    #[test]
    fn a_connected_machine_is_never_forgotten() {
        let config = config();
        let mut budgets = Budgets::new(&config);
        budgets.connected(&config, SECOND, machine(0));
        for n in 1..=MOST as u16 {
            budgets.connected(&config, SECOND, machine(n));
            budgets.disconnected(Duration::from_secs(n.into()), machine(n));
        }
        assert_eq!(budgets.machines.len(), MOST + 1, "as many that left, and the one that is here");
        budgets.connected(&config, SECOND, machine(5_000));
        budgets.disconnected(5_000 * SECOND, machine(5_000));
        assert_eq!(budgets.machines.len(), MOST + 1);
        assert!(budgets.machines.contains_key(&machine(0)) && !budgets.machines.contains_key(&machine(1)));
    }
}
