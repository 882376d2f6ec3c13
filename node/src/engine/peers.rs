//! Peers: the open connections, what each may cause ([`budget`]), and which peers are banned ([`ban_score`]).
//!
//! ```text
//! dial or accept ─▶ handshake ──hello, same chain, same rules──▶ ready ─▶ disconnected
//!                      │ 10 s, or anything else                    │ ban score of 100, silence
//!                      └────────────▶ closed ◀─────────────────────┘
//! ```
//!
//! A ban score falls by one a second. At a hundred the connection is closed and the peer's IP address is
//! refused for a day (of IPv6 the /64; on this machine, the key). A peer that reconnects soon keeps its
//! score, by its key or its address. A transaction that does not fit the chain's state adds nothing: an
//! honest peer may be a block behind. One that breaks a rule whatever the state closes the connection; it may
//! be another's fault, so it bans no address.
//!
//! Guaranteed: every list here has a bound. Not guaranteed: that an attacker with many addresses is kept out;
//! a node chooses its outbound connections itself, from buckets that one provider cannot fill
//! ([`addr_book`]).

pub(crate) mod addr_book;
pub(crate) mod addr_book_file;
pub(crate) mod ban_score;
pub(crate) mod budget;
pub(crate) mod dial_failures;
pub(crate) mod validators;

use crate::{
    config::Config,
    consensus::Evidence,
    message::BlockName,
    peer::{Address, CloseReason, DialError, DialFailure, Direction, Offence, PeerId, PeerKey},
};
use addr_book::AddrBook;
use ban_score::{Outcome, Record, Score, Who, Whose};
use budget::Budgets;
use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use dial_failures::{DialFailures, configured};
use sotto_mw::hash::Hash;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use validators::Validators;

/// How far a connection has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// The peer has to send its hello before this time.
    Handshake(Duration),
    /// The peer has sent its hello.
    Ready,
}

/// A connected peer.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) direction: Direction,
    pub(crate) key: PeerKey,
    pub(crate) stage: Stage,
    /// Its last block, as a sealed header has shown.
    pub(crate) tip: Option<BlockName>,
    /// A block that it claims to have, under terms that are not known here, so that its seal says nothing yet.
    pub(crate) claim: Option<BlockName>,
    /// When it last delivered headers or a block that were requested.
    pub(crate) gave: Option<Duration>,
    /// How many requests it has left open for too long since then.
    pub(crate) missed: u32,
    /// Transactions that it is known to have.
    pub(crate) knows: Recent,
    /// Transactions to announce to it, and when.
    pub(crate) offers: (Vec<Hash>, Duration),
    pub(crate) heard: Duration,
    pub(crate) pinged: Duration,
    pub(crate) sent_addresses: bool,
    /// Whether it was asked for addresses and has not responded.
    pub(crate) awaits_addresses: bool,
    /// Evidence that it told of heights whose validators are not known yet.
    pub(crate) evidence: Vec<Evidence>,
    score: Score,
}

impl Peer {
    /// Whether it has completed the handshake.
    pub(crate) const fn ready(&self) -> bool {
        matches!(self.stage, Stage::Ready)
    }

    /// Its address, as far as this node can see.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.direction.address()
    }

    /// Its IP address.
    pub(crate) const fn ip(&self) -> IpAddr {
        self.address().ip()
    }

    pub(crate) fn who(&self) -> Who {
        Who { ip: self.ip(), key: self.key }
    }

    /// The machine that its connection comes from or leads to.
    pub(crate) fn machine(&self) -> Whose {
        Whose::refused(self.ip(), self.key)
    }

    /// Queues a transaction, to be announced at `due` or with what is queued already.
    pub(crate) fn offer(&mut self, id: Hash, due: Duration) {
        if self.offers.0.is_empty() {
            self.offers.1 = due;
        }
        self.offers.0.push(id);
    }

    /// Whether this node opened the connection.
    pub(crate) const fn outbound(&self) -> bool {
        matches!(self.direction, Direction::Outbound(_))
    }
}

/// The most recent hashes, up to a fixed number.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    most: usize,
    set: HashSet<Hash>,
    order: VecDeque<Hash>,
}

impl Recent {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, set: HashSet::new(), order: VecDeque::new() }
    }

    pub(crate) fn contains(&self, h: &Hash) -> bool {
        self.set.contains(h)
    }

    /// Remembers a hash; says whether it is new.
    pub(crate) fn insert(&mut self, h: Hash) -> bool {
        if !self.set.insert(h) {
            return false;
        }
        self.order.push_back(h);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    pub(crate) fn clear(&mut self) {
        self.set.clear();
        self.order.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

/// A connection that has just been opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewPeer {
    pub(crate) id: PeerId,
    pub(crate) key: PeerKey,
    pub(crate) direction: Direction,
}

/// All peers, and the address book.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    pub(crate) book: AddrBook,
    pub(crate) all: BTreeMap<PeerId, Peer>,
    /// Addresses that are being dialled, and until when.
    pub(crate) dialling: HashMap<Address, Duration>,
    /// No further attempt before.
    pub(crate) next_dial: Duration,
    pub(crate) budgets: Budgets,
    pub(crate) failures: DialFailures,
    pub(crate) validators: Validators,
    record: Record,
}

impl Peers {
    pub(crate) fn new(config: &Config, book: AddrBook) -> Self {
        let (all, dialling, record) = (BTreeMap::new(), HashMap::new(), Record::default());
        let (budgets, failures) = (Budgets::new(config), DialFailures::default());
        let validators = Validators::at(&config.validators);
        Self { book, all, dialling, next_dial: Duration::ZERO, budgets, failures, validators, record }
    }

    /// Adds a new connection, or returns why it is refused.
    pub(crate) fn connected(
        &mut self,
        config: &Config,
        now: Duration,
        new: NewPeer,
    ) -> Result<(), CloseReason> {
        let NewPeer { id, key, direction } = new;
        let inbound = self.ordinary().filter(|p| !p.outbound()).count();
        let peer = Peer {
            direction,
            key,
            stage: Stage::Handshake(now + config.handshake_timeout),
            tip: None,
            claim: None,
            gave: None,
            missed: 0,
            knows: Recent::new(config.known_txs),
            offers: (Vec::new(), now),
            heard: now,
            evidence: Vec::new(),
            pinged: now,
            sent_addresses: false,
            awaits_addresses: false,
            score: self.record.score(now, direction.ip(), key),
        };
        if let Direction::Outbound(a) = direction {
            self.dialling.remove(&a);
            self.failures.forget(&a);
        }
        let refused = if self.validators.contains(&key) {
            self.validators.connected(&key);
            self.validators.is_refused(now, &key)
        } else {
            self.is_banned(now, peer.ip(), key) || (!peer.outbound() && inbound >= config.inbound)
        };
        if refused {
            return Err(CloseReason::Refused);
        }
        self.budgets.connected(config, now, peer.machine());
        self.all.insert(id, peer);
        Ok(())
    }

    /// Adds an offence to a peer's ban score; returns why its connection must close, if it must.
    pub(crate) fn blame(
        &mut self,
        config: &Config,
        now: Duration,
        id: PeerId,
        offence: Offence,
    ) -> Option<CloseReason> {
        let peer = self.all.get_mut(&id)?;
        let (outcome, who, direction) = (peer.score.blame(now, offence), peer.who(), peer.direction);
        let why = match outcome {
            Outcome::Stays => return None,
            Outcome::Closes => CloseReason::Relayed,
            Outcome::Bans if self.validators.contains(&who.key) => {
                self.validators.refuse(now, who.key);
                CloseReason::Banned(offence)
            }
            Outcome::Bans => {
                self.record.ban(now, who, now + config.ban_time);
                CloseReason::Banned(offence)
            }
        };
        if let Direction::Outbound(a) = direction {
            self.book.failed(&a);
        }
        Some(why)
    }

    /// An attempt to connect has failed; returns that if its reason is news.
    pub(crate) fn dial_failed(
        &mut self,
        config: &Config,
        now: Duration,
        address: Address,
        why: DialError,
    ) -> Option<DialFailure> {
        self.dialling.remove(&address);
        self.book.failed(&address);
        let news = self.failures.add(now, config.dial_pause, address, why)?;
        Some(DialFailure { configured: configured(&config.seeds, &address), ..news })
    }

    /// Takes note that a peer has delivered headers or a block.
    pub(crate) fn gave(&mut self, now: Duration, id: PeerId) {
        if let Some(peer) = self.all.get_mut(&id) {
            (peer.gave, peer.missed) = (Some(now), 0);
        }
    }

    /// Forgets the tip that a peer has shown, which led nowhere: nothing is requested of it until it shows
    /// another.
    pub(crate) fn forget_tip(&mut self, id: PeerId) {
        if let Some(peer) = self.all.get_mut(&id) {
            (peer.tip, peer.claim) = (None, None);
        }
    }

    /// Removes a peer whose connection has closed. Its ban score is remembered.
    pub(crate) fn disconnected(&mut self, now: Duration, id: PeerId) -> Option<Peer> {
        let peer = self.all.remove(&id)?;
        self.record.left(now, peer.who(), peer.score);
        self.budgets.disconnected(now, peer.machine());
        Some(peer)
    }

    /// Whether connections from this address or with this key are refused.
    pub(crate) fn is_banned(&self, now: Duration, ip: IpAddr, key: PeerKey) -> bool {
        self.record.is_banned(now, ip, key)
    }

    /// All peers that have completed the handshake.
    pub(crate) fn ready(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        self.all.iter().filter(|(_, p)| p.ready()).map(|(id, p)| (*id, p))
    }

    /// The peers that are no validators, or all of them if this node is none.
    pub(crate) fn ordinary(&self) -> impl Iterator<Item = &Peer> {
        self.all.values().filter(|p| !self.validators.contains(&p.key))
    }

    /// A validator to dial now, if one is not connected.
    pub(crate) fn validator_to_dial(&mut self, now: Duration) -> Option<Address> {
        let Self { all, validators, book, .. } = self;
        validators.next_dial(now, |key| all.values().any(|p| p.key == *key), |key| book.address_of(key))
    }

    /// An address to dial now, if an outbound connection is missing.
    pub(crate) fn pick_to_dial(
        &mut self,
        config: &Config,
        now: Duration,
        rng: &mut (impl rand_core::RngCore + ?Sized),
    ) -> Option<Address> {
        self.dialling.retain(|_, until| *until > now);
        let outbound = self.ordinary().filter(|p| p.outbound()).count() + self.dialling.len();
        if outbound >= config.outbound || now < self.next_dial {
            return None;
        }
        let dialling = self.dialling.keys().map(|a| a.key);
        let mut except: HashSet<PeerKey> = dialling.chain([config.key]).collect();
        except.extend(self.failures.waiting(now));
        except.extend(self.validators.keys());
        except.extend(self.all.values().filter(|p| p.outbound()).map(|p| p.key));
        // Prefer an address that has no connection in either direction.
        let others = except.iter().copied().chain(self.all.values().map(|p| p.key)).collect();
        let address = self.book.pick(rng, &others).or_else(|| self.book.pick(rng, &except))?;
        if self.is_banned(now, address.at.ip(), address.key) {
            self.book.failed(&address);
            return None;
        }
        self.dialling.insert(address, now + config.handshake_timeout);
        self.next_dial = now + config.dial_pause;
        Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    const SECOND: Duration = Duration::from_secs(1);

    fn address(n: u8) -> Address {
        Address { at: ([45, n, 0, 1], 4_000).into(), key: PeerKey([n; 32]) }
    }

    /// Peers with room for two of each direction, and the addresses of so many in the book.
    fn peers(known: u8) -> (Config, Peers, ChaCha20Rng) {
        let mut config = Config::new(address(99).key);
        (config.inbound, config.outbound) = (2, 2);
        (config.dial_pause, config.handshake_timeout) = (SECOND, 10 * SECOND);
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut peers = Peers::new(&config, AddrBook::new(&mut rng));
        (1..=known).for_each(|n| peers.book.hear(address(n), address(n).at.ip()));
        (config, peers, rng)
    }

    fn connect(peers: &mut Peers, config: &Config, n: u8, inbound: bool) -> Result<(), CloseReason> {
        let address = address(n);
        let direction = if inbound { Direction::Inbound(address.at) } else { Direction::Outbound(address) };
        peers.connected(config, SECOND, NewPeer { id: PeerId(n.into()), key: address.key, direction })
    }

    /// The last few are remembered, each once, and no more than that.
    #[test]
    fn what_is_recent_is_bounded() {
        let (hash, mut recent) = (|n: u8| Hash::from_bytes([n; 32]), Recent::new(3));
        (0..3).for_each(|n| assert!(recent.insert(hash(n))));
        assert!((0..3).all(|n| recent.contains(&hash(n))) && !recent.insert(hash(0)));
        for n in 3..9 {
            assert!(recent.insert(hash(n)));
            assert_eq!((recent.len(), recent.set.len()), (3, 3));
            assert!(recent.contains(&hash(n)) && !recent.contains(&hash(n - 3)));
        }
        recent.clear();
        assert_eq!((recent.len(), recent.contains(&hash(8)), recent.insert(hash(8))), (0, false, true));
    }

    /// The seats for those who come are for them alone: connections of this node's choice take none.
    #[test]
    fn seats_are_for_those_who_come() {
        let (config, mut peers, _) = peers(0);
        for (n, inbound, taken) in [
            (1, false, true),
            (2, false, true),
            (3, true, true),
            (4, true, true),
            (5, true, false),
            (6, false, true),
        ] {
            let expected = if taken { Ok(()) } else { Err(CloseReason::Refused) };
            assert_eq!(connect(&mut peers, &config, n, inbound), expected, "peer {n}");
        }
        assert!(peers.all.values().all(|p| matches!(p.stage, Stage::Handshake(t) if t == 11 * SECOND)));
        peers.disconnected(SECOND, PeerId(3));
        assert_eq!(connect(&mut peers, &config, 5, true), Ok(()));
    }

    /// Attempts count as connections until their time is over, there is a pause between two, and nobody is
    /// dialled twice.
    #[test]
    fn as_many_are_dialled_as_are_missing() {
        let (config, mut peers, mut rng) = peers(9);
        peers.next_dial = SECOND;
        assert_eq!(peers.pick_to_dial(&config, SECOND / 2, &mut rng), None, "before its time");
        let first = peers.pick_to_dial(&config, SECOND, &mut rng).unwrap();
        assert_eq!(peers.pick_to_dial(&config, SECOND, &mut rng), None, "a pause between two attempts");
        assert_eq!(connect(&mut peers, &config, first.key.0[0], false), Ok(()));
        let second = peers.pick_to_dial(&config, 2 * SECOND, &mut rng).unwrap();
        assert_ne!(second, first);
        for at in [3, 11] {
            assert_eq!(peers.pick_to_dial(&config, at * SECOND, &mut rng), None, "one here, one on its way");
        }
        let third = peers.pick_to_dial(&config, 12 * SECOND, &mut rng);
        assert!(third.is_some_and(|third| third != first), "the attempt is over");
    }

    #[test]
    fn attempts_are_bounded() {
        let (config, mut peers, mut rng) = peers(9);
        assert_eq!((0..5).filter_map(|s| peers.pick_to_dial(&config, s * SECOND, &mut rng)).count(), 2);
    }

    /// Whoever is banned is not dialled, and its address loses its place in the end.
    #[test]
    fn who_is_banned_is_not_dialled_and_not_taken() {
        let (config, mut peers, mut rng) = peers(1);
        assert_eq!(connect(&mut peers, &config, 1, false), Ok(()));
        let why = peers.blame(&config, SECOND, PeerId(1), Offence::Garbage);
        assert_eq!(why, Some(CloseReason::Banned(Offence::Garbage)));
        peers.disconnected(SECOND, PeerId(1));
        let failures = |peers: &Peers| peers.book.entries().map(|(_, e)| e.failures).collect::<Vec<_>>();
        assert_eq!(failures(&peers), [1], "its address counts less");
        assert_eq!(peers.pick_to_dial(&config, 2 * SECOND, &mut rng), None);
        assert_eq!((failures(&peers), peers.dialling.len()), (vec![2], 0));
        assert_eq!(connect(&mut peers, &config, 1, true), Err(CloseReason::Refused));
        let (ip, key) = (address(1).at.ip(), address(1).key);
        let until = SECOND + config.ban_time;
        assert!(peers.is_banned(until - SECOND, ip, key) && !peers.is_banned(until, ip, key));
    }

    /// A failed attempt is at an end, and is named by its place in the settings.
    #[test]
    fn a_failed_attempt_is_over_and_named() {
        let (mut config, mut peers, mut rng) = peers(2);
        config.seeds = vec![address(7), address(1), address(2)];
        let dialled = peers.pick_to_dial(&config, SECOND, &mut rng).unwrap();
        let failed = peers.dial_failed(&config, SECOND, dialled, DialError::Refused).unwrap();
        let place = config.seeds.iter().position(|seed| *seed == dialled).unwrap() + 1;
        assert_eq!((failed.configured, failed.next), (Some(place), SECOND));
        assert!(peers.dialling.is_empty());
        assert_eq!(peers.dial_failed(&config, SECOND, dialled, DialError::Refused), None, "no news");
    }

    /// What a peer delivered makes up for what it left open; a tip that led nowhere is forgotten with what
    /// it claimed.
    #[test]
    fn a_peer_makes_good_what_it_missed() {
        let (config, mut peers, _) = peers(0);
        assert_eq!(connect(&mut peers, &config, 1, true), Ok(()));
        let name = BlockName { height: sotto_mw::amount::Height::new(3), hash: Hash::from_bytes([3; 32]) };
        let peer = peers.all.get_mut(&PeerId(1)).unwrap();
        (peer.missed, peer.tip, peer.claim) = (4, Some(name), Some(name));
        peers.gave(5 * SECOND, PeerId(1));
        let peer = &peers.all[&PeerId(1)];
        assert_eq!((peer.gave, peer.missed, peer.tip), (Some(5 * SECOND), 0, Some(name)));
        peers.forget_tip(PeerId(1));
        assert_eq!((peers.all[&PeerId(1)].tip, peers.all[&PeerId(1)].claim), (None, None));
        assert_eq!(peers.ready().count(), 0, "not before its hello");
        peers.all.get_mut(&PeerId(1)).unwrap().stage = Stage::Ready;
        assert_eq!(peers.ready().count(), 1);
    }

    /// What waits to be announced goes with the first of it, whenever the others came.
    #[test]
    fn announcements_are_sent_with_the_first() {
        let (config, mut peers, _) = peers(0);
        assert_eq!(connect(&mut peers, &config, 1, true), Ok(()));
        let peer = peers.all.get_mut(&PeerId(1)).unwrap();
        (1..4).for_each(|n| peer.offer(Hash::from_bytes([n; 32]), u32::from(n) * SECOND));
        assert_eq!((peer.offers.0.len(), peer.offers.1), (3, SECOND));
    }
}
