//! How many connections one address may have with a listener, so that one machine cannot take every place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::places;

/// Connections by where they come from.
pub(super) struct Seats {
    each: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place, free again when this is dropped.
pub(super) struct Seat {
    network: Option<IpAddr>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Seats {
    pub(super) fn new(each: usize) -> Self {
        Self { each, taken: Arc::default() }
    }

    /// A place for somebody from there, if one is left.
    pub(super) fn take(&self, from: IpAddr) -> Option<Seat> {
        let network = network(from);
        if let Some(network) = network {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.get(&network).copied().unwrap_or(0);
            if count >= self.each {
                return None;
            }
            taken.insert(network, count + 1);
        }
        Some(Seat { network, taken: self.taken.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&network)),
        }
    }
}

/// What one machine is likely to have; `None` for this machine.
fn network(ip: IpAddr) -> Option<IpAddr> {
    (!ip.to_canonical().is_loopback()).then(|| places::network(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_gets_its_seats_and_no_more() {
        let seats = Seats::new(2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for [a, b, c] in [
            ["192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"],
            ["2001:db8::1", "2001:db8:0:0:1::9", "2001:db8::ffff:0:0:2"],
        ] {
            let first = seats.take(ip(a));
            let second = seats.take(ip(b));
            assert!(first.is_some() && second.is_some() && seats.take(ip(c)).is_none());
            drop(first);
            assert!(seats.take(ip(c)).is_some(), "the place is free again");
        }
        let others: Vec<_> = ["192.0.2.2", "2001:db8:0:1::1"].map(|t| seats.take(ip(t))).into();
        assert!(others.iter().all(Option::is_some));
        drop(others);
        assert!(seats.taken.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[test]
    fn this_machine_is_not_counted() {
        let seats = Seats::new(0);
        let all: Vec<_> =
            ["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(|t| seats.take(t.parse().unwrap())).into();
        assert!(all.iter().all(Option::is_some));
    }
}
