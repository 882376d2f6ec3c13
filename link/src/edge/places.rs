//! Places for strangers: those who have connected and not yet proved a key.
//!
//! ```text
//! knock ─► a place is free, and the address has few ─► taken
//!       ─► none is free: the oldest gives way, of that address or of all, if it has had a second ─► taken
//!       ─► else turned away
//! ```
//!
//! A handshake takes some round trips. So whoever is honest is done long before its second is over, or is turned away and
//! comes again; who says nothing holds a place until somebody needs it. What remains to an attacker is to knock faster than places
//! age: some sixty times a second, from four addresses or more; and from the victim's own address, sixteen times.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Strangers at a time.
pub(super) const ALL: usize = 64;
/// Strangers at a time of one address, or of 64 bits of IPv6.
const EACH: usize = 16;
/// How long a place is its holder's own.
const OWN: Duration = Duration::from_secs(1);

/// Whoever is in a handshake, the oldest first, each with what ends it.
#[derive(Debug)]
pub(super) struct Places<T> {
    taken: Vec<Place<T>>,
    next: u64,
}

#[derive(Debug)]
struct Place<T> {
    id: u64,
    network: IpAddr,
    since: Instant,
    end: T,
}

/// What came of a knock.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Knock<T> {
    /// A place, under this number.
    Taken(u64),
    /// A place, and the handshake that has to end for it.
    InPlaceOf(u64, T),
    /// None.
    Refused,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { taken: Vec::new(), next: 0 }
    }
}

impl<T> Places<T> {
    /// Somebody from there connects; `end` will end its handshake if it has to give way.
    pub(super) fn knock(&mut self, from: IpAddr, now: Instant, end: T) -> Knock<T> {
        let network = network(from);
        let of_same = self.taken.iter().filter(|place| place.network == network).count();
        let gives_way = |place: &Place<T>| of_same < EACH || place.network == network;
        let leaves = if of_same < EACH && self.taken.len() < ALL {
            None
        } else {
            let oldest = self.taken.iter().position(gives_way);
            let is_old = |i: &usize| self.taken.get(*i).is_some_and(|place| now - place.since >= OWN);
            let Some(oldest) = oldest.filter(is_old) else { return Knock::Refused };
            Some(self.taken.remove(oldest).end)
        };
        self.next += 1;
        self.taken.push(Place { id: self.next, network, since: now, end });
        leaves.map_or(Knock::Taken(self.next), |leaves| Knock::InPlaceOf(self.next, leaves))
    }

    /// A handshake is over, however it ended.
    pub(super) fn leave(&mut self, id: u64) {
        self.taken.retain(|place| place.id != id);
    }
}

/// What one machine is likely to have: an address, or 64 bits of IPv6.
pub(super) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    #[test]
    fn one_address_has_its_places_and_its_oldest_gives_way() {
        let (mut places, now) = (Places::default(), Instant::now());
        for i in 0..EACH {
            assert_eq!(places.knock(ip(1), now, i), Knock::Taken(i as u64 + 1));
        }
        assert_eq!(places.knock(ip(1), now, 99), Knock::Refused, "all have come just now");
        assert_eq!(places.knock(ip(2), now, 50), Knock::Taken(17), "another address has its own");
        let later = now + OWN;
        assert_eq!(places.knock(ip(1), later, 51), Knock::InPlaceOf(18, 0));
        places.leave(2);
        assert_eq!(places.knock(ip(1), later, 52), Knock::Taken(19));
        assert_eq!(places.knock(ip(1), later, 53), Knock::InPlaceOf(20, 2));
    }

    #[test]
    fn whoever_comes_when_all_are_taken_has_the_place_of_the_oldest() {
        let (mut places, now) = (Places::default(), Instant::now());
        for i in 0..ALL {
            let network: IpAddr = Ipv6Addr::new(0x2001, 0xdb8, 0, i as u16, 0, 0, 0, 1).into();
            assert_eq!(places.knock(network, now, i), Knock::Taken(i as u64 + 1));
        }
        assert_eq!(places.knock(ip(1), now, 0), Knock::Refused);
        assert_eq!(places.knock(ip(1), now + OWN, 0), Knock::InPlaceOf(ALL as u64 + 1, 0));
    }

    #[test]
    fn a_machine_is_an_address_or_64_bits_of_ipv6() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:0:0:1::9"), of("2001:db8::1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
    }
}
