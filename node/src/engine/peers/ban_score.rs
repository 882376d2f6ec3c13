//! Ban scores, also of peers that have disconnected, and bans.
//!
//! ```text
//! score(t) = points − (t − when they were added) / 1 s          99 or more ⇒ banned
//! by         the key, and the machine: an IPv4 address, or the /64 of an IPv6 address; on this machine the key alone
//! ```
//!
//! A peer that reconnects starts with the score that its key or its machine has left, so a new connection
//! forgives nothing. Connections that are open at the same time count apart: several honest nodes may share a
//! machine.
//!
//! Bounded: at most [`MOST`] records of each kind; the one that ends first makes room.

use crate::peer::{Offence, PeerKey};
use core::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};
use std::collections::BTreeMap;

/// Most bans, and most scores of disconnected peers.
const MOST: usize = 4_096;
/// Slightly more than 99: one invalid message bans a peer, and so do repeated lesser offences.
const TOO_MANY: u64 = 99;
/// Up to this a score rises by what may be the fault of others.
const MOST_RELAYED: u64 = 50;

/// A score, as the time at which it will have fallen to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score(Duration);

impl Score {
    /// Adds an offence; returns what follows. What may be another's fault never adds up to a ban.
    pub(crate) fn blame(&mut self, now: Duration, offence: Offence) -> Outcome {
        let (before, points) = (self.0.max(now), Duration::from_secs(offence as u64));
        if offence.is_relayed() {
            self.0 = before.max((before + points).min(now + Duration::from_secs(MOST_RELAYED)));
            return if offence == Offence::Relayed { Outcome::Closes } else { Outcome::Stays };
        }
        self.0 = before + points;
        if self.0 - now >= Duration::from_secs(TOO_MANY) { Outcome::Bans } else { Outcome::Stays }
    }
}

/// What follows from an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The peer stays.
    Stays,
    /// The connection closes, and the peer may come back.
    Closes,
    /// The connection closes, and its address is refused for a day.
    Bans,
}

/// What a score is recorded under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    Machine(IpAddr),
    Key(PeerKey),
}

impl Whose {
    /// This node itself, as the cause of work of its own.
    pub(crate) const fn of_this_node(key: PeerKey) -> Self {
        Self::Key(key)
    }

    /// What is banned: a machine, or on this machine a key.
    pub(crate) fn refused(ip: IpAddr, key: PeerKey) -> Self {
        match ip {
            _ if ip.is_loopback() => Self::Key(key),
            IpAddr::V4(_) => Self::Machine(ip),
            IpAddr::V6(ip) => Self::Machine(Ipv6Addr::from(u128::from(ip) >> 64 << 64).into()),
        }
    }
}

/// A peer, as it can be recognised when it comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) ip: IpAddr,
    pub(crate) key: PeerKey,
}

/// What is remembered of peers that are not connected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    bans: BTreeMap<Whose, Duration>,
    scores: BTreeMap<Whose, Duration>,
}

impl Record {
    /// The score that a new connection starts with.
    pub(crate) fn score(&self, now: Duration, ip: IpAddr, key: PeerKey) -> Score {
        let found = [Whose::Key(key), Whose::refused(ip, key)].map(|w| self.scores.get(&w).copied());
        Score(found.into_iter().flatten().max().unwrap_or_default().max(now))
    }

    /// Remembers the score of a peer that disconnects.
    pub(crate) fn left(&mut self, now: Duration, who: Who, score: Score) {
        if score.0 > now {
            for whose in [Whose::Key(who.key), Whose::refused(who.ip, who.key)] {
                put(&mut self.scores, now, whose, score.0);
            }
        }
    }

    pub(crate) fn ban(&mut self, now: Duration, who: Who, until: Duration) {
        put(&mut self.bans, now, Whose::refused(who.ip, who.key), until);
    }

    pub(crate) fn is_banned(&self, now: Duration, ip: IpAddr, key: PeerKey) -> bool {
        self.bans.get(&Whose::refused(ip, key)).is_some_and(|until| *until > now)
    }
}

/// Extends an entry to this time, unless it lasts longer already.
fn put(all: &mut BTreeMap<Whose, Duration>, now: Duration, whose: Whose, until: Duration) {
    if !all.contains_key(&whose) && all.len() >= MOST {
        all.retain(|_, until| *until > now);
        if all.len() >= MOST
            && let Some(first) = all.iter().min_by_key(|(_, until)| **until).map(|(whose, _)| *whose)
        {
            all.remove(&first);
        }
    }
    let entry = all.entry(whose).or_insert(until);
    *entry = until.max(*entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(n: u32) -> PeerKey {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_le_bytes());
        PeerKey(key)
    }

    /// Four unasked answers a connection, and a new connection each time.
    #[test]
    fn a_new_connection_forgives_nothing() {
        let (home, road) = (IpAddr::from([9, 9, 9, 9]), IpAddr::from([8, 8, 8, 8]));
        // By its key from anywhere, by its machine with any key; on this machine by its key.
        let local = IpAddr::from([127, 0, 0, 1]);
        for (back, banned) in [
            ((home, key(1)), true),
            ((road, key(1)), true),
            ((home, key(2)), true),
            ((road, key(2)), false),
            ((local, key(1)), true),
            ((local, key(2)), false),
        ] {
            let mut record = Record::default();
            let mut score = record.score(SECOND, home, key(1));
            assert!((0..4).all(|_| score.blame(SECOND, Offence::Unasked) == Outcome::Stays));
            record.left(SECOND, Who { ip: home, key: key(1) }, score);
            let mut score = record.score(2 * SECOND, back.0, back.1);
            let bans = score.blame(2 * SECOND, Offence::Unasked) == Outcome::Bans;
            assert_eq!(bans, banned, "{back:?}");
        }
        let mut record = Record::default();
        let mut score = record.score(SECOND, local, key(1));
        score.blame(SECOND, Offence::Unasked);
        record.left(SECOND, Who { ip: local, key: key(1) }, score);
        assert_eq!(record.score(SECOND, local, key(2)), Score(SECOND), "another node of this machine");
        assert_eq!(record.score(30 * SECOND, local, key(1)), Score(30 * SECOND), "faded");
    }

    #[test]
    fn demerits_fade_by_one_a_second() {
        let mut score = Score::default();
        assert_eq!(score.blame(SECOND, Offence::Unasked), Outcome::Stays);
        assert_eq!(score.blame(SECOND, Offence::Late), Outcome::Stays);
        // 35 less 30, and 4 times 20.
        assert!((0..4).all(|_| score.blame(31 * SECOND, Offence::Unasked) == Outcome::Stays));
        assert_eq!(score.blame(31 * SECOND, Offence::Late), Outcome::Bans);
        assert_eq!(Score::default().blame(SECOND, Offence::Invalid), Outcome::Bans);
        assert_eq!(Score::default().blame(SECOND, Offence::Garbage), Outcome::Bans);
    }

    /// What a peer only passed on closes its connection and never bans, however often; its own offences count
    /// on top.
    #[test]
    fn what_was_passed_on_never_bans() {
        let mut score = Score::default();
        assert!((0..1_000).all(|_| score.blame(SECOND, Offence::Absent) == Outcome::Stays));
        assert!((0..1_000).all(|_| score.blame(SECOND, Offence::Relayed) == Outcome::Closes));
        assert!((0..2).all(|_| score.blame(SECOND, Offence::Unasked) == Outcome::Stays));
        assert_eq!(score.blame(SECOND, Offence::Unasked), Outcome::Bans);
    }

    /// A machine has a whole /64 of IPv6, as its seats are counted.
    #[test]
    fn a_ban_is_for_a_machine() {
        let mut record = Record::default();
        let at = |s: &str| s.parse::<IpAddr>().unwrap();
        record.ban(SECOND, Who { ip: at("2001:db8:1:2:3::4"), key: key(1) }, 9 * SECOND);
        record.ban(SECOND, Who { ip: at("127.0.0.1"), key: key(7) }, 9 * SECOND);
        assert!(record.is_banned(SECOND, at("2001:db8:1:2:ffff::1"), key(2)));
        assert!(!record.is_banned(SECOND, at("2001:db8:1:3:3::4"), key(1)));
        assert!(!record.is_banned(9 * SECOND, at("2001:db8:1:2:3::4"), key(1)));
        assert!(
            record.is_banned(SECOND, at("127.0.0.1"), key(7))
                && !record.is_banned(SECOND, at("127.0.0.1"), key(8))
        );
    }

    /// The newest is recorded however many there are; the one that ends first gives way.
    #[test]
    fn the_oldest_makes_room() {
        let mut record = Record::default();
        let local = IpAddr::from([127, 0, 0, 1]);
        let most = MOST as u32;
        for n in 0..=most {
            record.ban(SECOND, Who { ip: local, key: key(n) }, Duration::from_secs(100 + u64::from(n)));
        }
        assert_eq!(record.bans.len(), MOST);
        assert!(!record.is_banned(SECOND, local, key(0)));
        assert!([1, most].into_iter().all(|n| record.is_banned(SECOND, local, key(n))));
    }

    /// What has ended makes room first, one that is here already needs none, and a clean peer leaves nothing.
    #[test]
    fn only_what_still_counts_takes_a_place() {
        let mut record = Record::default();
        let local = IpAddr::from([127, 0, 0, 1]);
        let most = MOST as u32;
        let who = |n| Who { ip: local, key: key(n) };
        for n in 0..most {
            record.ban(SECOND, who(n), if n < 10 { 5 * SECOND } else { 9 * SECOND });
        }
        record.ban(4 * SECOND, who(most - 1), 20 * SECOND);
        assert_eq!(record.bans.len(), MOST, "it only lasts longer");
        record.ban(5 * SECOND, who(most), 9 * SECOND);
        assert_eq!(record.bans.len(), MOST - 10 + 1);
        assert!((10..=most).all(|n| record.is_banned(5 * SECOND, local, key(n))));
        record.ban(5 * SECOND, who(most - 1), 6 * SECOND);
        assert!(record.is_banned(19 * SECOND, local, key(most - 1)), "and never shorter");

        let clean = record.score(SECOND, local, key(1));
        record.left(SECOND, who(1), clean);
        assert!(record.scores.is_empty());
    }
}
