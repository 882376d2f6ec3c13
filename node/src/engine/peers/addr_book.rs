//! The address book: addresses of other nodes, bounded and hard to fill from one source.
//!
//! ```text
//! heard    64 × 16 places; the row is H(salt ‖ group of the address ‖ group of the source), the place H(salt ‖ address)
//! proven   32 × 16 places; for addresses that were connected; the row is H(salt ‖ group of the address)
//! ```
//!
//! Addresses of this machine are accepted from this machine alone, and those of a private network from within
//! one: a source outside cannot know them, and could make a node scan its own network. They are sent only to
//! such peers, too.
//!
//! A group is the /16 of an IPv4 address and the /32 of an IPv6 address: one provider fills a few rows and no
//! more. On this machine (loopback) each port is a group of its own. The salt is this node's secret, so an
//! attacker cannot compute the places. An address keeps its place until three attempts in a row have failed;
//! a new one does not push out a good one.
//!
//! Not guaranteed: that an address is a node, or is honest; only a connection shows that.
//!
//! Source: the idea of Heilman et al., "Eclipse Attacks on Bitcoin's Peer-to-Peer Network" (2015), section 7.

use crate::peer::{Address, PeerKey};
use core::net::{IpAddr, SocketAddr};
use rand_core::RngCore;
use sotto_mw::hash::tagged;
use std::collections::HashSet;

const HEARD_ROWS: usize = 64;
const PROVEN_ROWS: usize = 32;
const ROW: usize = 16;
/// Places in both parts.
pub(crate) const PLACES: usize = (HEARD_ROWS + PROVEN_ROWS) * ROW;
/// Attempts in a row after which an address may lose its place.
const PATIENCE: u8 = 3;

/// An address, and how often it failed since it was last connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The address.
    pub(crate) address: Address,
    /// Failures in a row.
    pub(crate) failures: u8,
}

/// Addresses of other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddrBook {
    salt: [u8; 32],
    heard: Vec<Option<Entry>>,
    proven: Vec<Option<Entry>>,
}

impl AddrBook {
    /// An empty book.
    #[must_use]
    pub(crate) fn new(rng: &mut (impl RngCore + ?Sized)) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self::with_salt(salt)
    }

    /// An empty book with this secret.
    pub(crate) fn with_salt(salt: [u8; 32]) -> Self {
        Self { salt, heard: vec![None; HEARD_ROWS * ROW], proven: vec![None; PROVEN_ROWS * ROW] }
    }

    /// How many addresses there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.entries().count()
    }

    /// Whether the book is empty.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no address in it was ever connected, and every one has failed too often, but for those that do not
    /// count.
    pub(crate) fn is_hopeless(&self, counts: impl Fn(&PeerKey) -> bool) -> bool {
        let mut counted = self.entries().filter(|(_, e)| counts(&e.address.key));
        counted.all(|(proven, e)| !proven && e.failures >= PATIENCE)
    }

    /// All entries, each with whether it was ever connected.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (bool, &Entry)> {
        let proven = self.proven.iter().flatten().map(|e| (true, e));
        proven.chain(self.heard.iter().flatten().map(|e| (false, e)))
    }

    pub(crate) const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    /// All entries and their places, those of `heard` first.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let all = self.heard.iter().chain(&self.proven).enumerate();
        all.filter_map(|(place, e)| Some((place, e.as_ref()?)))
    }

    /// Puts an entry where it was.
    pub(crate) fn put_back(&mut self, place: usize, entry: Entry) {
        let found = self.heard.iter_mut().chain(&mut self.proven).nth(place);
        found.into_iter().for_each(|e| *e = Some(entry));
    }

    /// Adds an address that `source` sent, if there is room and it can be dialled.
    pub(crate) fn hear(&mut self, address: Address, source: IpAddr) {
        let nowhere =
            address.at.port() == 0 || address.at.ip().is_unspecified() || address.at.ip().is_multicast();
        if nowhere
            || reach(address.at.ip()) < reach(source)
            || self.proven.iter().flatten().any(|e| e.address == address)
        {
            return;
        }
        let row = self.place(&[&group(address.at), &group(SocketAddr::new(source, 0))], HEARD_ROWS);
        let at = row * ROW + self.place(&[&bytes(&address)], ROW);
        put(&mut self.heard, at, Entry { address, failures: 0 });
    }

    /// Takes note that a connection to this address completed the handshake.
    pub(crate) fn reached(&mut self, address: Address) {
        self.heard.iter_mut().filter(|e| e.is_some_and(|e| e.address == address)).for_each(|e| *e = None);
        let row = self.place(&[&group(address.at)], PROVEN_ROWS);
        let at = row * ROW + self.place(&[&bytes(&address)], ROW);
        match self.proven.get_mut(at) {
            Some(Some(e)) if e.address == address => e.failures = 0,
            _ => put(&mut self.proven, at, Entry { address, failures: 0 }),
        }
    }

    /// Takes note that this address could not be reached, or that its node misbehaved.
    pub(crate) fn failed(&mut self, address: &Address) {
        for e in self.heard.iter_mut().chain(&mut self.proven).flatten().filter(|e| e.address == *address) {
            e.failures = e.failures.saturating_add(1);
        }
    }

    /// An address to try that is none of `except`: from either part as likely, and those that failed less
    /// first.
    pub(crate) fn pick(
        &self,
        rng: &mut (impl RngCore + ?Sized),
        except: &HashSet<PeerKey>,
    ) -> Option<Address> {
        let parts = if rng.next_u32().is_multiple_of(2) {
            [&self.proven, &self.heard]
        } else {
            [&self.heard, &self.proven]
        };
        parts.into_iter().find_map(|part| choose(part, rng, except))
    }

    /// An address with this key: one that was connected first, then one that failed less.
    pub(crate) fn address_of(&self, key: &PeerKey) -> Option<Address> {
        let of_key = self.entries().filter(|(_, e)| e.address.key == *key);
        of_key.min_by_key(|(proven, e)| (!proven, e.failures)).map(|(_, e)| e.address)
    }

    /// Up to `most` random addresses to send to a peer at `to`, those of `proven` first.
    pub(crate) fn sample(&self, rng: &mut (impl RngCore + ?Sized), most: usize, to: IpAddr) -> Vec<Address> {
        let mut all: Vec<(bool, u32, Address)> = self
            .entries()
            .filter(|(_, e)| e.failures == 0 && reach(e.address.at.ip()) >= reach(to))
            .map(|(proven, e)| (!proven, rng.next_u32(), e.address))
            .collect();
        all.sort_unstable_by_key(|(heard, random, _)| (*heard, *random));
        all.into_iter().take(most).map(|(_, _, address)| address).collect()
    }

    fn place(&self, parts: &[&[u8]], of: usize) -> usize {
        let hash = tagged("sotto/node-book/v1", &[&[&self.salt[..]], parts].concat());
        let [a, b, ..] = hash.as_bytes();
        usize::from(u16::from_le_bytes([*a, *b])) % of
    }
}

fn choose(
    part: &[Option<Entry>],
    rng: &mut (impl RngCore + ?Sized),
    except: &HashSet<PeerKey>,
) -> Option<Address> {
    let fit = |e: &&Entry| !except.contains(&e.address.key);
    let least = part.iter().flatten().filter(fit).map(|e| e.failures).min()?;
    let best: Vec<&Entry> = part.iter().flatten().filter(fit).filter(|e| e.failures == least).collect();
    best.get(rng.next_u64() as usize % best.len().max(1)).map(|e| e.address)
}

/// Puts an entry at a place, if that is free or its holder has failed too often.
fn put(part: &mut [Option<Entry>], at: usize, entry: Entry) {
    if let Some(place) = part.get_mut(at)
        && place.is_none_or(|e| e.failures >= PATIENCE)
    {
        *place = Some(entry);
    }
}

fn bytes(address: &Address) -> Vec<u8> {
    sotto_mw::codec::Encode::to_bytes(address)
}

/// The addresses that one provider is likely to hold together.
fn group(at: SocketAddr) -> Vec<u8> {
    match at.ip() {
        ip if ip.is_loopback() => [&b"l"[..], &at.port().to_le_bytes()].concat(),
        IpAddr::V4(ip) => [&b"4"[..], ip.octets().get(..2).unwrap_or_default()].concat(),
        IpAddr::V6(ip) => [&b"6"[..], ip.octets().get(..4).unwrap_or_default()].concat(),
    }
}

/// How far an address can be reached from, the narrowest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Machine,
    Private,
    World,
}

fn reach(ip: IpAddr) -> Reach {
    let private = match ip {
        IpAddr::V4(ip) => {
            // Providers use 100.64.0.0/10 inside their networks.
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    match () {
        () if ip.is_loopback() => Reach::Machine,
        () if private => Reach::Private,
        () => Reach::World,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn address(n: u32) -> Address {
        let ip = Ipv4Addr::from(0x2d00_0000 + n * 0x1_0007);
        Address { at: SocketAddr::new(ip.into(), 4_000), key: PeerKey([n as u8; 32]) }
    }

    #[test]
    fn one_source_fills_few_rows_and_good_addresses_stay() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut book = AddrBook::new(&mut rng);
        let source = IpAddr::from([9, 9, 9, 9]);
        let near = |n: u32| {
            let ip = Ipv4Addr::from(0x0b0c_0000 + n);
            Address { at: SocketAddr::new(ip.into(), 4_000), key: PeerKey([1; 32]) }
        };
        (1..5_000).for_each(|n| book.hear(near(n), source));
        assert!((1..=ROW).contains(&book.len()), "one group, one source, one row: {}", book.len());
        (0..200).for_each(|n| book.hear(address(n), IpAddr::from([n as u8, 1, 1, 1])));
        let before = book.len();
        assert!(before > 150);
        let first = address(3);
        book.reached(first);
        assert!(book.entries().any(|(proven, e)| proven && e.address == first));
        (0..5_000).for_each(|n| book.hear(near(n), source));
        assert!(book.entries().any(|(proven, e)| proven && e.address == first));
        assert!(book.len() <= (HEARD_ROWS + PROVEN_ROWS) * ROW);
    }

    #[test]
    fn a_book_is_hopeless_until_somebody_may_answer_or_has() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut book = AddrBook::new(&mut rng);
        assert!(book.is_hopeless(|_| true));
        book.hear(address(1), IpAddr::from([1, 2, 2, 2]));
        for _ in 0..PATIENCE {
            assert!(!book.is_hopeless(|_| true));
            book.failed(&address(1));
        }
        assert!(book.is_hopeless(|_| true));
        book.reached(address(1));
        (0..=PATIENCE).for_each(|_| book.failed(&address(1)));
        assert!(!book.is_hopeless(|_| true), "it was there once");
        assert!(book.is_hopeless(|_| false));
    }

    #[test]
    fn what_fails_is_tried_last_and_what_is_excepted_never() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut book = AddrBook::new(&mut rng);
        (1..4).for_each(|n| book.hear(address(n), IpAddr::from([n as u8, 2, 2, 2])));
        book.failed(&address(1));
        book.failed(&address(2));
        for _ in 0..20 {
            assert_eq!(book.pick(&mut rng, &HashSet::new()), Some(address(3)));
        }
        let except = [3, 2].map(|n| PeerKey([n; 32])).into();
        assert_eq!(book.pick(&mut rng, &except), Some(address(1)));
        assert_eq!(book.sample(&mut rng, 8, IpAddr::from([1, 1, 1, 1])), vec![address(3)]);
        let zero = Address { at: SocketAddr::from(([1, 2, 3, 4], 0)), key: PeerKey([0; 32]) };
        book.hear(zero, IpAddr::from([1, 1, 1, 1]));
        assert_eq!(book.len(), 3);
    }

    /// A source outside a network cannot add addresses inside it, and is not sent any.
    #[test]
    fn inner_addresses_stay_inside() {
        let rng = ChaCha20Rng::seed_from_u64(4);
        let at =
            |ip: &str| Address { at: SocketAddr::new(ip.parse().unwrap(), 4_000), key: PeerKey([1; 32]) };
        let (machine, private) =
            (["127.0.0.1", "::1"], ["10.1.2.3", "169.254.1.1", "100.64.0.1", "fd00::1", "fe80::1"]);
        let world = ["45.1.2.3", "100.128.0.1", "2001:db8::1"];
        let heard = |source: &str, ip: &str| {
            let mut book = AddrBook::with_salt([7; 32]);
            book.hear(at(ip), source.parse().unwrap());
            book.len() == 1
        };
        for (source, takes) in [
            ("127.0.0.1", [true; 3]),
            ("192.168.0.7", [false, true, true]),
            ("9.9.9.9", [false, false, true]),
        ] {
            assert!(machine.iter().all(|ip| heard(source, ip) == takes[0]), "{source}");
            assert!(private.iter().all(|ip| heard(source, ip) == takes[1]), "{source}");
            assert!(world.iter().all(|ip| heard(source, ip) == takes[2]), "{source}");
        }
        let mut book = AddrBook::with_salt([7; 32]);
        for ip in machine.iter().chain(&private).chain(&world) {
            book.hear(at(ip), IpAddr::from([127, 0, 0, 1]));
        }
        let told = |to: &str| book.sample(&mut rng.clone(), 64, to.parse().unwrap());
        assert!(
            told("9.9.9.9").iter().all(|a| reach(a.at.ip()) == Reach::World) && told("9.9.9.9").len() > 1
        );
        assert!(told("10.0.0.1").iter().all(|a| reach(a.at.ip()) != Reach::Machine));
        assert_eq!(told("127.0.0.1").len(), book.len());
    }

    /// A provider has one row of `heard` for each source and one of `proven`; all providers together have all rows.
    #[test]
    fn a_group_has_one_row_and_all_groups_have_all() {
        let near = |n: u16| Address {
            at: SocketAddr::from(([11, 12, n.to_be_bytes()[0], n.to_be_bytes()[1]], 4_000)),
            key: PeerKey([1; 32]),
        };
        let source = IpAddr::from([9, 9, 9, 9]);
        let mut book = AddrBook::with_salt([7; 32]);
        (0..500).for_each(|n| book.hear(near(n), source));
        let rows = |book: &AddrBook| book.places().map(|(place, _)| place / ROW).collect::<HashSet<_>>();
        assert_eq!((rows(&book).len(), book.len()), (1, ROW));
        (0..500).for_each(|n| book.reached(near(n)));
        let proven: HashSet<_> = rows(&book).into_iter().filter(|row| *row >= HEARD_ROWS).collect();
        assert_eq!(proven.len(), 1);
        assert_eq!(book.entries().filter(|(proven, _)| *proven).count(), ROW);
        for n in 0..20_000u32 {
            let ip = Ipv4Addr::from(0x2d00_0000 + n * 0x1_0007);
            let address = Address { at: SocketAddr::new(ip.into(), 4_000), key: PeerKey([2; 32]) };
            if n % 2 == 0 { book.hear(address, source) } else { book.reached(address) }
        }
        assert!(book.len() > PLACES * 9 / 10, "{}", book.len());
    }

    #[test]
    fn groups_are_what_one_provider_holds() {
        let of = |at: &str| group(at.parse().unwrap());
        assert_eq!(of("1.2.3.4:5"), of("1.2.9.9:6"));
        assert_ne!(of("1.2.3.4:5"), of("1.3.3.4:5"));
        assert_eq!(of("[2001:db8:1::1]:5"), of("[2001:db8:2::2]:6"));
        assert_ne!(of("[2001:db8:1::1]:5"), of("[2001:db9:1::1]:5"));
        assert_eq!(of("127.0.0.1:5"), of("[::1]:5"));
        assert_ne!(of("127.0.0.1:5"), of("127.0.0.1:6"));
        assert!(reach(IpAddr::from([8, 64, 0, 1])) == Reach::World, "not 100.64.0.0/10");
    }

    #[test]
    fn what_cannot_be_dialled_or_is_proven_is_not_heard() {
        let mut book = AddrBook::with_salt([7; 32]);
        assert!(book.is_empty());
        let source = IpAddr::from([9, 9, 9, 9]);
        for nowhere in ["0.0.0.0:1", "[::]:1", "224.0.0.1:1", "[ff02::1]:1", "45.1.2.3:0"] {
            book.hear(Address { at: nowhere.parse().unwrap(), key: PeerKey([1; 32]) }, source);
        }
        assert!(book.is_empty());
        book.hear(address(1), source);
        book.reached(address(1));
        book.hear(address(1), source);
        assert!(!book.is_empty() && book.len() == 1, "once");
    }

    /// Who was connected is preferred; another takes its place only when it has failed three times.
    #[test]
    fn a_connection_counts_more_than_hearsay_until_it_fails() {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let mut book = AddrBook::with_salt([7; 32]);
        let source = IpAddr::from([9, 9, 9, 9]);
        let at = |n: u32, key: u8| Address { key: PeerKey([key; 32]), ..address(n) };
        (1..9).for_each(|n| book.hear(at(n, 1), source));
        book.failed(&at(1, 1));
        assert_ne!(book.address_of(&PeerKey([1; 32])), Some(at(1, 1)), "one that failed less");
        book.reached(at(5, 1));
        book.failed(&at(5, 1));
        assert_eq!(book.address_of(&PeerKey([1; 32])), Some(at(5, 1)), "one that was connected");
        assert_eq!(book.address_of(&PeerKey([2; 32])), None);
        assert!(!book.sample(&mut rng, 64, source).contains(&at(5, 1)));
        book.reached(at(5, 1));
        assert_eq!(book.sample(&mut rng, 64, source)[0], at(5, 1), "it works again, and comes first");

        let near = |n: u8| Address { at: SocketAddr::from(([11, 12, 13, n], 4_000)), key: PeerKey([3; 32]) };
        let is_proven = |book: &AddrBook| book.entries().any(|(proven, e)| proven && e.address == near(0));
        book.reached(near(0));
        for failures in 0..=PATIENCE {
            (1..=255).for_each(|n| book.reached(near(n)));
            assert_eq!(is_proven(&book), failures < PATIENCE, "after {failures} failures");
            book.failed(&near(0));
        }
    }
}
