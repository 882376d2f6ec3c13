//! How many connections strangers may open, so that one machine cannot exhaust a listener.
//!
//! ```text
//! connect ─► a slot is free, and the address has few ─► admitted
//!         ─► no slot: evict the oldest handshake, of the address or of all, if older than a second ─► admitted
//!         ─► otherwise refused
//! ```
//!
//! [`HandshakeSlots`] bounds the connections that have not proved a key yet. An honest handshake takes some
//! round trips, so it is finished long before its second is over, or is refused and tries again. A silent
//! connection keeps its slot until another needs it. [`ConnectionLimits`] bounds all connections of one
//! address, before and after the handshake.
//!
//! Not prevented: an attacker may connect faster than slots age, which takes some sixty connections a second
//! from four addresses or more; or sixteen a second from the victim's own address.

use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
#[cfg(feature = "web")]
use std::collections::HashMap;
#[cfg(feature = "web")]
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Handshakes at a time.
pub(crate) const SLOTS: usize = 64;
/// Handshakes at a time from one address, or one /64 of IPv6.
const SLOTS_PER_ADDRESS: usize = 16;
/// How long a handshake is safe from eviction.
const GRACE: Duration = Duration::from_secs(1);

/// The handshakes in progress, the oldest first, each with a handle `T` that ends it.
#[derive(Debug)]
pub(crate) struct HandshakeSlots<T> {
    taken: Vec<Slot<T>>,
    next: u64,
}

#[derive(Debug)]
struct Slot<T> {
    id: u64,
    network: IpAddr,
    since: Instant,
    handle: T,
}

/// The answer to a new connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission<T> {
    /// Admitted, in the slot of this number.
    Admitted(u64),
    /// Admitted, in place of the handshake that this handle ends.
    InPlaceOf(u64, T),
    /// Refused.
    Refused,
}

impl<T> Default for HandshakeSlots<T> {
    fn default() -> Self {
        Self { taken: Vec::new(), next: 0 }
    }
}

impl<T> HandshakeSlots<T> {
    /// Admits a connection from `from` if possible; `handle` will end its handshake if it is evicted.
    pub(crate) fn admit(&mut self, from: IpAddr, now: Instant, handle: T) -> Admission<T> {
        let network = network(from);
        let of_same = self.taken.iter().filter(|slot| slot.network == network).count();
        let evictable = |slot: &Slot<T>| of_same < SLOTS_PER_ADDRESS || slot.network == network;
        let evicted = if of_same < SLOTS_PER_ADDRESS && self.taken.len() < SLOTS {
            None
        } else {
            let oldest = self.taken.iter().position(evictable);
            let is_old = |i: &usize| self.taken.get(*i).is_some_and(|slot| now - slot.since >= GRACE);
            let Some(oldest) = oldest.filter(is_old) else { return Admission::Refused };
            Some(self.taken.remove(oldest).handle)
        };
        self.next += 1;
        self.taken.push(Slot { id: self.next, network, since: now, handle });
        evicted.map_or(Admission::Admitted(self.next), |evicted| Admission::InPlaceOf(self.next, evicted))
    }

    /// Frees the slot of a handshake that has ended.
    pub(crate) fn free(&mut self, id: u64) {
        self.taken.retain(|slot| slot.id != id);
    }
}

/// The unit that is counted: an IPv4 address, or the /64 of an IPv6 address.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip => ip,
    }
}

/// The number of connections by address.
#[cfg(feature = "web")]
pub(crate) struct ConnectionLimits {
    each: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One counted connection; dropping the permit frees it.
#[cfg(feature = "web")]
pub(crate) struct ConnectionPermit {
    network: Option<IpAddr>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

#[cfg(feature = "web")]
impl ConnectionLimits {
    /// Allows `each` connections per address. This machine's own addresses are not counted.
    pub(crate) fn new(each: usize) -> Self {
        Self { each, open: Arc::default() }
    }

    /// A permit for one more connection from `from`, if the address may have one.
    pub(crate) fn permit(&self, from: IpAddr) -> Option<ConnectionPermit> {
        let network = (!from.to_canonical().is_loopback()).then(|| network(from));
        if let Some(network) = network {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let count = open.get(&network).copied().unwrap_or(0);
            if count >= self.each {
                return None;
            }
            open.insert(network, count + 1);
        }
        Some(ConnectionPermit { network, open: self.open.clone() })
    }
}

#[cfg(feature = "web")]
impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    #[test]
    fn one_address_has_its_slots_and_its_oldest_handshake_is_evicted() {
        let (mut slots, now) = (HandshakeSlots::default(), Instant::now());
        for i in 0..SLOTS_PER_ADDRESS {
            assert_eq!(slots.admit(ip(1), now, i), Admission::Admitted(i as u64 + 1));
        }
        assert_eq!(slots.admit(ip(1), now, 99), Admission::Refused, "all are within their grace");
        assert_eq!(slots.admit(ip(2), now, 50), Admission::Admitted(17), "another address has its own");
        let later = now + GRACE;
        assert_eq!(slots.admit(ip(1), later, 51), Admission::InPlaceOf(18, 0));
        slots.free(2);
        assert_eq!(slots.admit(ip(1), later, 52), Admission::Admitted(19));
        assert_eq!(slots.admit(ip(1), later, 53), Admission::InPlaceOf(20, 2));
    }

    #[test]
    fn when_all_slots_are_taken_the_oldest_handshake_is_evicted() {
        let (mut slots, now) = (HandshakeSlots::default(), Instant::now());
        for i in 0..SLOTS {
            let network: IpAddr = Ipv6Addr::new(0x2001, 0xdb8, 0, i as u16, 0, 0, 0, 1).into();
            assert_eq!(slots.admit(network, now, i), Admission::Admitted(i as u64 + 1));
        }
        assert_eq!(slots.admit(ip(1), now, 0), Admission::Refused);
        assert_eq!(slots.admit(ip(1), now + GRACE, 0), Admission::InPlaceOf(SLOTS as u64 + 1, 0));
    }

    #[test]
    fn an_ipv6_address_counts_by_its_first_64_bits() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:0:0:1::9"), of("2001:db8::1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
    }

    #[cfg(feature = "web")]
    #[test]
    fn one_address_gets_its_permits_and_no_more() {
        let limits = ConnectionLimits::new(2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for [a, b, c] in [
            ["192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"],
            ["2001:db8::1", "2001:db8:0:0:1::9", "2001:db8::ffff:0:0:2"],
        ] {
            let first = limits.permit(ip(a));
            let second = limits.permit(ip(b));
            assert!(first.is_some() && second.is_some() && limits.permit(ip(c)).is_none());
            drop(first);
            assert!(limits.permit(ip(c)).is_some(), "a dropped permit is free again");
        }
        let others: Vec<_> = ["192.0.2.2", "2001:db8:0:1::1"].map(|t| limits.permit(ip(t))).into();
        assert!(others.iter().all(Option::is_some));
        drop(others);
        assert!(limits.open.lock().unwrap().is_empty(), "no address is remembered");
    }

    #[cfg(feature = "web")]
    #[test]
    fn this_machine_is_not_counted() {
        let limits = ConnectionLimits::new(0);
        let all: Vec<_> =
            ["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(|t| limits.permit(t.parse().unwrap())).into();
        assert!(all.iter().all(Option::is_some));
    }
}
