//! The other validators, if this node is one: who they are, and when each is dialled.
//!
//! ```text
//! keys       from the validator set in force        addresses   from the settings, else from the address book
//! a known key that is not connected ─▶ dial ─▶ connected            │ failed or closed: again after a pause
//! ```
//!
//! A validator keeps a connection to every other one. These connections take no seat of ordinary peers, are
//! never refused for what others did from the same machine, and never carry a stem: the set chooses them, not
//! this node. One that breaks the protocol is closed and refused for [`REFUSED`], not for a day, since a node
//! that locked a validator out for long could stop the chain.

use crate::peer::{Address, PeerKey};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// How long a validator that broke the protocol is refused.
const REFUSED: Duration = Duration::from_secs(60);
/// The pause after an attempt to connect, doubled after each up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The address of a validator, and when it is dialled next.
#[derive(Clone, Debug)]
struct Dial {
    address: Address,
    /// Whether it is from the address book, which may know a better one by now.
    heard: bool,
    next: Duration,
    pause: Duration,
}

impl Dial {
    const fn new(address: Address, heard: bool) -> Self {
        Self { address, heard, next: Duration::ZERO, pause: PAUSE }
    }
}

/// The other validators.
#[derive(Clone, Debug, Default)]
pub(crate) struct Validators {
    keys: BTreeSet<PeerKey>,
    dials: Vec<Dial>,
    refused: BTreeMap<PeerKey, Duration>,
}

impl Validators {
    /// No validators yet, at these addresses.
    pub(crate) fn at(addresses: &[Address]) -> Self {
        let dial = |address: &Address| Dial::new(*address, false);
        Self { dials: addresses.iter().map(dial).collect(), ..Self::default() }
    }

    /// Takes the keys of the set in force, without this node's own, and returns the new ones. A node that is
    /// not a validator passes none.
    pub(crate) fn set(&mut self, keys: BTreeSet<PeerKey>) -> Vec<PeerKey> {
        let new = keys.difference(&self.keys).copied().collect();
        self.refused.retain(|key, _| keys.contains(key));
        self.dials.retain(|d| !d.heard || keys.contains(&d.address.key));
        self.keys = keys;
        new
    }

    /// Whether a connection with this key is one between validators.
    pub(crate) fn contains(&self, key: &PeerKey) -> bool {
        self.keys.contains(key)
    }

    /// Their keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = PeerKey> {
        self.keys.iter().copied()
    }

    /// Whether this validator broke the protocol less than a minute ago.
    pub(crate) fn is_refused(&self, now: Duration, key: &PeerKey) -> bool {
        self.refused.get(key).is_some_and(|until| *until > now)
    }

    /// Refuses a validator that broke the protocol.
    pub(crate) fn refuse(&mut self, now: Duration, key: PeerKey) {
        self.refused.insert(key, now + REFUSED);
    }

    /// A connection to this validator is open: the next pause is short again.
    pub(crate) fn connected(&mut self, key: &PeerKey) {
        self.dials.iter_mut().filter(|d| d.address.key == *key).for_each(|d| d.pause = PAUSE);
    }

    /// The next address to dial, if a validator is not connected. `heard` looks a key up in the address book; whoever is
    /// there has to prove the key.
    pub(crate) fn next_dial(
        &mut self,
        now: Duration,
        is_connected: impl Fn(&PeerKey) -> bool,
        heard: impl Fn(&PeerKey) -> Option<Address>,
    ) -> Option<Address> {
        let Self { keys, dials, refused } = self;
        let unknown = keys.iter().filter(|key| !is_connected(key));
        let unknown = unknown.filter(|key| dials.iter().all(|d| d.address.key != **key));
        let new: Vec<Dial> = unknown.filter_map(&heard).map(|address| Dial::new(address, true)).collect();
        dials.extend(new);
        let wanted = |key: &PeerKey| {
            keys.contains(key) && !is_connected(key) && refused.get(key).is_none_or(|until| *until <= now)
        };
        let dial = dials.iter_mut().find(|d| d.next <= now && wanted(&d.address.key))?;
        if dial.heard {
            dial.address = heard(&dial.address.key).unwrap_or(dial.address);
        }
        dial.next = now + dial.pause;
        dial.pause = (2 * dial.pause).min(LONGEST_PAUSE);
        Some(dial.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        engine::peers::{NewPeer, Peers, addr_book::AddrBook},
        peer::{CloseReason, Direction, Offence, PeerId},
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn second(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn address(n: u8) -> Address {
        Address { at: ([127, 0, 0, 1], 4_000 + u16::from(n)).into(), key: PeerKey([n; 32]) }
    }

    #[test]
    fn every_validator_is_dialled_until_it_is_connected_with_growing_pauses() {
        let mut all = Validators::at(&[address(1), address(2), address(3)]);
        assert_eq!(all.next_dial(second(0), |_| false, |_| None), None, "no set yet");
        let both = [address(1).key, address(2).key];
        assert_eq!(all.set(both.into()), both);
        assert_eq!(all.set(both.into()), [], "they are no news");
        let mut due = |at, connected: &[u8]| {
            let connected = |key: &PeerKey| connected.iter().any(|n| address(*n).key == *key);
            all.next_dial(second(at), connected, |_| None)
        };
        assert_eq!(due(0, &[]), Some(address(1)));
        assert_eq!(due(0, &[]), Some(address(2)));
        assert_eq!(due(0, &[]), None, "each once; the third is no validator");
        assert_eq!(due(2, &[2]), Some(address(1)));
        assert_eq!(due(4, &[2]), None, "four seconds after the second attempt");
        assert_eq!(due(6, &[2]), Some(address(1)));
        assert_eq!(due(6, &[1]), Some(address(2)));
        all.connected(&address(1).key);
        assert_eq!(all.next_dial(second(14), |key| *key != address(1).key, |_| None), Some(address(1)));
        assert_eq!(
            all.next_dial(second(16), |key| *key != address(1).key, |_| None),
            Some(address(1)),
            "a short pause"
        );
    }

    /// Who joins and is not in the settings is dialled where the address book says, as it says today; who has left, no more.
    #[test]
    fn a_validator_without_an_address_in_the_settings_is_dialled_by_the_book() {
        let mut all = Validators::at(&[address(1)]);
        _ = all.set([address(1).key, address(2).key].into());
        let heard = |key: &PeerKey| (*key == address(2).key).then(|| address(2));
        let only_second = |key: &PeerKey| *key == address(1).key;
        assert_eq!(all.next_dial(second(0), only_second, heard), Some(address(2)));
        assert_eq!(all.next_dial(second(1), only_second, heard), None, "the same pauses");
        let moved = Address { at: ([127, 0, 0, 2], 9).into(), ..address(2) };
        assert_eq!(all.next_dial(second(2), only_second, |_| Some(moved)), Some(moved));
        _ = all.set([address(1).key].into());
        assert_eq!(all.next_dial(second(60), only_second, heard), None);
        assert_eq!(all.next_dial(second(60), |_| false, heard), Some(address(1)), "settings stay");
    }

    /// A full node, on a machine that is banned, still takes a validator, and does not count it.
    #[test]
    fn a_validator_takes_no_seat_and_is_not_banned_for_its_machine() {
        let mut config = Config::new(address(9).key);
        (config.inbound, config.outbound) = (1, 1);
        let mut peers = Peers::new(&config, AddrBook::new(&mut ChaCha20Rng::seed_from_u64(1)));
        _ = peers.validators.set([address(1).key].into());
        let from = |n: u8| Direction::Inbound(([9, 9, 9, 9], u16::from(n)).into());
        let connect = |peers: &mut Peers, id, n: u8| {
            let new = NewPeer { id: PeerId(id), key: address(n).key, direction: from(n) };
            peers.connected(&config, second(1), new)
        };
        assert_eq!(connect(&mut peers, 1, 1), Ok(()));
        assert_eq!(connect(&mut peers, 2, 2), Ok(()), "the only seat is free");
        assert_eq!(connect(&mut peers, 3, 3), Err(CloseReason::Refused));
        let blame = |peers: &mut Peers, id| peers.blame(&config, second(1), PeerId(id), Offence::Garbage);
        assert_eq!(blame(&mut peers, 2), Some(CloseReason::Banned(Offence::Garbage)), "bans its machine");
        peers.disconnected(second(1), PeerId(2));
        peers.disconnected(second(1), PeerId(1));
        assert_eq!(connect(&mut peers, 4, 3), Err(CloseReason::Refused));
        assert_eq!(connect(&mut peers, 5, 1), Ok(()));
        assert_eq!(blame(&mut peers, 5), Some(CloseReason::Banned(Offence::Garbage)));
        peers.disconnected(second(1), PeerId(5));
        assert_eq!(connect(&mut peers, 6, 1), Err(CloseReason::Refused));
        let new = NewPeer { id: PeerId(7), key: address(1).key, direction: from(1) };
        assert_eq!(peers.connected(&config, second(61), new), Ok(()), "a minute later");
    }

    #[test]
    fn a_validator_that_broke_the_protocol_is_refused_for_a_minute() {
        let mut all = Validators::at(&[address(1)]);
        _ = all.set([address(1).key].into());
        all.refuse(second(5), address(1).key);
        assert!(all.is_refused(second(64), &address(1).key) && !all.is_refused(second(65), &address(1).key));
        assert_eq!(all.next_dial(second(64), |_| false, |_| None), None);
        assert_eq!(all.next_dial(second(65), |_| false, |_| None), Some(address(1)));
    }

    /// An address of the settings stays, whoever is in the set; one of the book stays as long as its validator does.
    #[test]
    fn the_set_decides_which_heard_addresses_stay() {
        let mut all = Validators::at(&[address(1)]);
        _ = all.set([address(1).key, address(2).key, address(3).key].into());
        let heard = |key: &PeerKey| (2..4).map(address).find(|a| a.key == *key);
        assert_eq!(all.next_dial(second(0), |_| false, heard), Some(address(1)));
        assert_eq!(all.dials.iter().map(|d| d.address).collect::<Vec<_>>(), [1, 2, 3].map(address));
        _ = all.set([address(3).key].into());
        assert_eq!(all.dials.iter().map(|d| d.address).collect::<Vec<_>>(), [1, 3].map(address));
        assert_eq!(all.keys().collect::<Vec<_>>(), [address(3).key]);
    }

    /// Who is connected, in either direction, is not dialled.
    #[test]
    fn a_connected_validator_is_not_dialled() {
        let mut config = Config::new(address(9).key);
        config.validators = vec![address(1), address(2)];
        let mut peers = Peers::new(&config, AddrBook::new(&mut ChaCha20Rng::seed_from_u64(1)));
        _ = peers.validators.set([address(1).key, address(2).key].into());
        let direction = Direction::Inbound(([9, 9, 9, 9], 1).into());
        let new = NewPeer { id: PeerId(1), key: address(1).key, direction };
        assert_eq!(peers.connected(&config, second(1), new), Ok(()));
        assert_eq!(peers.validator_to_dial(second(1)), Some(address(2)));
        assert_eq!(peers.validator_to_dial(second(1)), None);
    }
}
