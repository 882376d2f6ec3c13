//! Who meets whom at a rendezvous server, and how much each may use: the server's state without its sockets.
//!
//! ```text
//! A asks for (id, B) ─▶ A waits ─▶ B asks for (id, A) ─▶ both are connected
//! A asks again       ─▶ the second request replaces the first
//! ```
//!
//! Guaranteed: two parties are connected only if both name the same meeting and each names the other, so a
//! third party cannot take the place of either. A key never has more than its quota of connections.

use core::time::Duration;
use std::collections::HashMap;

use crate::identity::PeerKey;
use crate::wire::MeetingRequest;

/// What the clients of a rendezvous server may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Connections at a time, of all keys. Unfinished handshakes are counted separately: 64, sixteen from one
    /// address.
    pub connections: usize,
    /// Connections at a time of one key.
    pub each: usize,
    /// For the handshake and the request.
    pub handshake: Duration,
    /// For the other party to come.
    pub pending: Duration,
    /// For a pair to send nothing.
    pub idle: Duration,
    /// Bytes forwarded for a pair, in both directions together.
    pub bytes: u64,
    /// Bytes per second forwarded for a pair, in both directions together.
    pub rate: u64,
}

impl Default for Quotas {
    /// 256 connections, 8 of a key; 10 s, 10 min, 10 min; 1 TiB at 128 MiB/s.
    fn default() -> Self {
        let (handshake, wait) = (Duration::from_secs(10), Duration::from_secs(600));
        Self {
            connections: 256,
            each: 8,
            handshake,
            pending: wait,
            idle: wait,
            bytes: 1 << 40,
            rate: 128 << 20,
        }
    }
}

/// The identifier of a meeting and its two keys in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    id: [u8; 32],
    keys: [PeerKey; 2],
}

/// A party that waits, with the handle `H` that connects it.
#[derive(Debug)]
struct Waiting<H> {
    key: PeerKey,
    handle: H,
}

/// The parties that wait for another.
#[derive(Debug)]
pub(crate) struct Meetings<H>(HashMap<Pair, Waiting<H>>);

impl<H> Default for Meetings<H> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<H> Meetings<H> {
    /// The handle of the peer that `us` requests, if it waits. Otherwise `us` waits with `handle`, in place
    /// of any earlier request of its own.
    pub(crate) fn arrive(&mut self, us: PeerKey, request: MeetingRequest, handle: H) -> Option<H> {
        let keys = [us.min(request.peer), us.max(request.peer)];
        let pair = Pair { id: request.id, keys };
        match self.0.remove(&pair) {
            Some(waiting) if waiting.key == request.peer => Some(waiting.handle),
            _ => {
                self.0.insert(pair, Waiting { key: us, handle });
                None
            }
        }
    }

    /// Keeps the parties whose handle is still in use.
    pub(crate) fn retain(&mut self, in_use: impl Fn(&H) -> bool) {
        self.0.retain(|_, waiting| in_use(&waiting.handle));
    }
}

/// The open connections of each key.
#[derive(Debug, Default)]
pub(crate) struct OpenConnections(HashMap<PeerKey, usize>);

impl OpenConnections {
    /// Counts one more connection of `key`, unless it has `most` already.
    #[must_use]
    pub(crate) fn open(&mut self, key: PeerKey, most: usize) -> bool {
        let count = self.0.entry(key).or_default();
        let allowed = *count < most;
        *count += usize::from(allowed);
        allowed
    }

    /// A connection of `key` was closed.
    pub(crate) fn close(&mut self, key: PeerKey) {
        if let Some(count) = self.0.get_mut(&key) {
            *count -= 1;
        }
        self.0.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn key(n: u8) -> PeerKey {
        Identity::from_seed(&[n; 32]).peer_key()
    }

    fn request(id: u8, peer: u8) -> MeetingRequest {
        MeetingRequest { id: [id; 32], peer: key(peer) }
    }

    #[test]
    fn two_parties_that_name_each_other_meet() {
        let mut meetings = Meetings::default();
        assert_eq!(meetings.arrive(key(1), request(5, 2), "one"), None);
        assert_eq!(meetings.arrive(key(2), request(6, 1), "two"), None, "another meeting");
        assert_eq!(meetings.arrive(key(3), request(5, 1), "three"), None, "a third party waits for itself");
        assert_eq!(meetings.arrive(key(2), request(5, 1), "two"), Some("one"));
    }

    /// Every sequence of three requests of three keys: who meets has named the other, at the same meeting.
    #[test]
    fn only_a_party_that_was_named_and_names_back_is_met() {
        let requests: Vec<(u8, u8, u8)> = (1..=3)
            .flat_map(|us| (1..=3).flat_map(move |peer| (5..=6).map(move |id| (us, peer, id))))
            .filter(|(us, peer, _)| us != peer)
            .collect();
        let n = requests.len();
        for sequence in 0..n * n * n {
            let chosen = [sequence % n, sequence / n % n, sequence / n / n].map(|i| requests[i]);
            let mut meetings = Meetings::default();
            for (us, peer, id) in chosen {
                let met = meetings.arrive(key(us), request(id, peer), (us, peer, id));
                assert!(met.is_none_or(|met| met == (peer, us, id)), "{chosen:?}: {met:?}");
            }
            let [(a, b, id), second, _] = chosen;
            let mut meetings = Meetings::default();
            assert_eq!(meetings.arrive(key(a), request(id, b), 1), None);
            let met = meetings.arrive(key(second.0), request(second.2, second.1), 2);
            assert_eq!(met, (second == (b, a, id)).then_some(1), "{chosen:?}");
        }
    }

    #[test]
    fn a_second_request_replaces_the_first() {
        let mut meetings = Meetings::default();
        assert_eq!(meetings.arrive(key(1), request(5, 2), "first"), None);
        assert_eq!(meetings.arrive(key(1), request(5, 2), "second"), None);
        assert_eq!(meetings.arrive(key(2), request(5, 1), "two"), Some("second"));
    }

    #[test]
    fn a_key_has_its_quota_of_connections() {
        let mut open = OpenConnections::default();
        assert!(open.open(key(1), 2) && open.open(key(1), 2) && !open.open(key(1), 2));
        assert!(open.open(key(2), 2), "another key has its own");
        open.close(key(1));
        assert!(open.open(key(1), 2));
    }
}
