//! Requests for transactions that peers announced and that are not here.
//!
//! ```text
//! announced by p ─▶ p's list ── room ─▶ requested from p ─▶ delivered: gone from all lists
//!                                        │ EARLY, and another peer announced it: requested from it too, outbound peers first
//!                                        └ no response in time, and no other peer: forgotten
//! ```
//!
//! Each peer has a list of its own, as long as a mempool, and a limited number of open requests: a peer that
//! announces what does not exist fills only its own list. A peer that does not respond is not blamed, since a
//! transaction that an honest peer announced may have left its mempool by then; its open requests count until
//! they time out, so it is asked for less.
//!
//! Guaranteed: a transaction that a peer announces and delivers is requested from it, unless it comes from
//! elsewhere: [`EARLY`] after each request that stayed open, however many peers announced it before and stay
//! silent. Everything here follows from announcements, the mempool and the chain, so the requests reveal
//! nothing of what was stemmed.

use super::verify_queue::LINE;
use crate::peer::PeerId;
use core::time::Duration;
use sotto_mw::hash::Hash;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Transactions that are requested from one peer at a time. Each is decoded and then verified, and the peers of one
/// machine share a line for that ([`VerifyQueue`](super::verify_queue::VerifyQueue)): more than its room would be
/// dropped, and not be requested again from a peer that alone has it.
const MAX_OPEN: usize = 64;
// Two peers of one machine, each transaction decoded and verified.
const _: () = assert!(2 * 2 * MAX_OPEN <= LINE, "what is asked for has room to be judged");
/// After this, another peer is asked as well.
const EARLY: Duration = Duration::from_secs(2);

/// What is announced and requested.
#[derive(Debug)]
pub(crate) struct TxRequests {
    /// Most announcements of one peer that wait to be requested.
    most: usize,
    all: BTreeMap<Hash, Offered>,
    lists: BTreeMap<PeerId, List>,
    /// Those that were requested, and when to look at them again.
    due: BTreeSet<(Duration, Hash)>,
}

/// A transaction that is not here.
#[derive(Debug, Default)]
struct Offered {
    /// The peers that announced it and were not asked.
    by: Vec<PeerId>,
    /// The peers that were asked.
    asked: Vec<PeerId>,
    /// When to look at it again, once a peer was asked.
    due: Duration,
}

/// What one peer announced.
#[derive(Debug, Default)]
struct List {
    waiting: VecDeque<Hash>,
    /// What it was asked for, and until when it may deliver.
    open: BTreeMap<Hash, Duration>,
}

impl TxRequests {
    pub(crate) fn new(most: usize) -> Self {
        let (all, lists, due) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { most, all, lists, due }
    }

    /// How many are announced or requested.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes note that a peer has a transaction.
    pub(crate) fn offered(&mut self, peer: PeerId, tx: Hash) {
        let known = self.all.get(&tx);
        if known.is_some_and(|o| o.by.contains(&peer) || o.asked.contains(&peer)) {
            return;
        }
        let list = self.lists.entry(peer).or_default();
        if let Some(on_its_way) = self.all.get_mut(&tx).filter(|o| !o.asked.is_empty()) {
            on_its_way.by.push(peer);
            return;
        }
        // What came from elsewhere meanwhile makes room, from the front: each is looked at once, whatever a
        // peer announces to a list that is full.
        let stale = |tx: &Hash| self.all.get(tx).is_none_or(|o| !o.asked.is_empty());
        while list.waiting.len() >= self.most && list.waiting.front().is_some_and(stale) {
            list.waiting.pop_front();
        }
        if list.waiting.len() < self.most {
            list.waiting.push_back(tx);
            self.all.entry(tx).or_default().by.push(peer);
        }
    }

    /// What to ask a peer for now.
    pub(crate) fn ask(&mut self, peer: PeerId, now: Duration, answer: Duration) -> Vec<Hash> {
        let mut ask = Vec::new();
        let Some(list) = self.lists.get_mut(&peer) else { return ask };
        while list.open.len() < MAX_OPEN {
            let Some(tx) = list.waiting.pop_front() else { break };
            let Some(offered) = self.all.get_mut(&tx).filter(|o| o.asked.is_empty()) else { continue };
            offered.ask(peer, now);
            list.open.insert(tx, now + answer);
            self.due.insert((offered.due, tx));
            ask.push(tx);
        }
        ask
    }

    /// What to request from further peers because it was not delivered; peers that `chosen` prefers come
    /// first.
    pub(crate) fn ask_others(
        &mut self,
        now: Duration,
        answer: Duration,
        chosen: impl Fn(&PeerId) -> bool,
    ) -> Vec<(PeerId, Hash)> {
        self.lists.values_mut().for_each(|l| l.open.retain(|_, until| *until > now));
        let mut ask = Vec::new();
        while let Some((at, tx)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            let Some(offered) = self.all.get_mut(&tx).filter(|o| o.due == at) else { continue };
            offered.by.retain(|p| self.lists.contains_key(p));
            let room = |p: &&PeerId| self.lists.get(p).is_some_and(|l| l.open.len() < MAX_OPEN);
            let next = offered.by.iter().filter(room).min_by_key(|p| !chosen(p)).copied();
            let open =
                offered.asked.iter().any(|p| self.lists.get(p).is_some_and(|l| l.open.contains_key(&tx)));
            if let Some(next) = next {
                offered.ask(next, now);
                self.lists.entry(next).or_default().open.insert(tx, now + answer);
                ask.push((next, tx));
            } else if !open && offered.by.is_empty() {
                self.all.remove(&tx);
                continue;
            }
            offered.due = now + EARLY;
            self.due.insert((offered.due, tx));
        }
        ask
    }

    /// Whether a peer owes this transaction.
    pub(crate) fn awaits(&self, peer: PeerId, tx: &Hash) -> bool {
        self.lists.get(&peer).is_some_and(|l| l.open.contains_key(tx))
    }

    /// Takes note that a transaction came which cannot be looked at now: it is requested again soon, from
    /// this peer or another.
    pub(crate) fn put_off(&mut self, peer: PeerId, tx: &Hash, now: Duration) {
        if let Some(list) = self.lists.get_mut(&peer) {
            list.open.remove(tx);
        }
        if let Some(offered) = self.all.get_mut(tx) {
            offered.asked.retain(|p| *p != peer);
            offered.by.push(peer);
            offered.due = now + EARLY;
            self.due.insert((offered.due, *tx));
        }
    }

    /// Takes note that a peer has sent a transaction; says whether it was asked to.
    pub(crate) fn arrived(&mut self, peer: PeerId, tx: &Hash) -> bool {
        let asked = self.lists.get_mut(&peer).is_some_and(|l| l.open.remove(tx).is_some());
        if asked {
            self.all.remove(tx);
        }
        asked
    }

    /// Takes note that a transaction is here.
    pub(crate) fn here(&mut self, tx: &Hash) {
        self.all.remove(tx);
    }

    /// Removes a peer that disconnected; what it was asked for is requested from others.
    pub(crate) fn lost(&mut self, peer: PeerId, now: Duration) {
        let Some(list) = self.lists.remove(&peer) else { return };
        for tx in list.waiting {
            if let Some(offered) = self.all.get_mut(&tx) {
                offered.by.retain(|p| *p != peer);
                if offered.by.is_empty() && offered.asked.is_empty() {
                    self.all.remove(&tx);
                }
            }
        }
        for tx in list.open.into_keys() {
            if let Some(offered) = self.all.get_mut(&tx) {
                offered.due = now;
                self.due.insert((now, tx));
            }
        }
    }
}

impl Offered {
    fn ask(&mut self, peer: PeerId, now: Duration) {
        self.by.retain(|p| *p != peer);
        self.asked.push(peer);
        self.due = now + EARLY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: Duration = Duration::from_secs(20);
    const SECOND: Duration = Duration::from_secs(1);

    fn tx(n: usize) -> Hash {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        Hash::from_bytes(bytes)
    }

    /// However many offer it first and stay silent, a peer that has it is asked, one that we chose before all
    /// others.
    #[test]
    fn silence_costs_two_seconds() {
        for chosen in [None, Some(PeerId(9))] {
            let mut wanted = TxRequests::new(10);
            (0..10).for_each(|p| wanted.offered(PeerId(p), tx(1)));
            assert_eq!(wanted.ask(PeerId(0), Duration::ZERO, ANSWER), [tx(1)]);
            assert!((1..10).all(|p| wanted.ask(PeerId(p), Duration::ZERO, ANSWER).is_empty()));
            let mut asked = Vec::new();
            for s in 0..20 {
                asked.extend(
                    wanted.ask_others(s * SECOND, ANSWER, |p| Some(*p) == chosen).iter().map(|a| a.0),
                );
            }
            let at = asked.iter().position(|p| *p == PeerId(9)).unwrap();
            assert!(asked.len() == 9 && (chosen.is_none() || at == 0), "{asked:?}");
            assert!(wanted.arrived(PeerId(9), &tx(1)) && !wanted.arrived(PeerId(9), &tx(1)));
            assert_eq!(wanted.len(), 0);
        }
    }

    /// No peer's offers take another's place, and all of an honest peer's are asked for.
    #[test]
    fn each_peer_has_its_own_list() {
        let mut wanted = TxRequests::new(1_000);
        let (liar, honest) = (PeerId(1), PeerId(2));
        (0..5_000).for_each(|n| wanted.offered(liar, tx(10_000 + n)));
        (0..1_000).for_each(|n| wanted.offered(honest, tx(n)));
        assert_eq!(wanted.len(), 2_000);
        assert_eq!(wanted.ask(liar, Duration::ZERO, ANSWER).len(), MAX_OPEN);
        let mut fetched = 0;
        while let asked @ [_, ..] = &wanted.ask(honest, Duration::ZERO, ANSWER)[..] {
            fetched += asked.iter().filter(|tx| wanted.arrived(honest, tx)).count();
        }
        assert_eq!(fetched, 1_000);
        assert!(wanted.awaits(liar, &tx(10_000)) && wanted.lists[&honest].open.is_empty());
        assert!(wanted.ask(liar, 19 * SECOND, ANSWER).is_empty());
        assert!(wanted.ask_others(20 * SECOND, ANSWER, |_| false).is_empty());
        assert_eq!(wanted.ask(liar, 20 * SECOND, ANSWER).len(), MAX_OPEN);
        wanted.lost(liar, 20 * SECOND);
        wanted.ask_others(20 * SECOND, ANSWER, |_| false);
        assert_eq!(wanted.len(), 0);
        wanted.ask_others(30 * SECOND, ANSWER, |_| false);
        assert!(wanted.due.is_empty());
    }

    /// A list that is full takes no more until something at its front came from elsewhere.
    #[test]
    fn a_full_list_makes_room_from_its_front() {
        let mut wanted = TxRequests::new(3);
        (0..9).for_each(|n| wanted.offered(PeerId(1), tx(n)));
        assert_eq!(wanted.len(), 3);
        wanted.here(&tx(0));
        wanted.here(&tx(1));
        (10..19).for_each(|n| wanted.offered(PeerId(1), tx(n)));
        let list: Vec<Hash> = wanted.lists[&PeerId(1)].waiting.iter().copied().collect();
        assert_eq!(list, [tx(2), tx(10), tx(11)]);
    }

    /// Who offers it while it is asked of another, and who was asked and is gone.
    #[test]
    fn others_take_the_place_of_those_who_go() {
        let mut wanted = TxRequests::new(10);
        wanted.offered(PeerId(1), tx(1));
        wanted.ask(PeerId(1), Duration::ZERO, ANSWER);
        wanted.offered(PeerId(2), tx(1));
        assert!(wanted.ask(PeerId(2), Duration::ZERO, ANSWER).is_empty(), "it is on its way");
        wanted.lost(PeerId(1), SECOND);
        assert_eq!(wanted.ask_others(SECOND, ANSWER, |_| false), [(PeerId(2), tx(1))]);
        wanted.here(&tx(1));
        assert!(wanted.awaits(PeerId(2), &tx(1)) && wanted.len() == 0);
        (2..30).for_each(|s| assert!(wanted.ask_others(s * SECOND, ANSWER, |_| false).is_empty()));
        assert!(!wanted.awaits(PeerId(2), &tx(1)) && wanted.due.is_empty());
    }

    /// What came and could not be looked at is asked for again, of the same peer if there is no other.
    #[test]
    fn what_is_put_off_is_asked_for_again() {
        let mut wanted = TxRequests::new(10);
        wanted.offered(PeerId(1), tx(1));
        wanted.ask(PeerId(1), Duration::ZERO, ANSWER);
        wanted.put_off(PeerId(1), &tx(1), SECOND);
        assert!(!wanted.awaits(PeerId(1), &tx(1)));
        assert!(wanted.ask_others(2 * SECOND, ANSWER, |_| false).is_empty());
        assert_eq!(wanted.ask_others(3 * SECOND, ANSWER, |_| false), [(PeerId(1), tx(1))]);
        assert!(wanted.arrived(PeerId(1), &tx(1)) && wanted.len() == 0);
    }

    /// However often a peer announces a transaction, it is asked for it once, whoever else has it too.
    #[test]
    fn an_announcement_counts_once() {
        let mut wanted = TxRequests::new(10);
        (0..3).for_each(|_| wanted.offered(PeerId(1), tx(1)));
        assert_eq!((wanted.lists[&PeerId(1)].waiting.len(), wanted.all[&tx(1)].by.len()), (1, 1));
        wanted.offered(PeerId(2), tx(1));
        assert_eq!(wanted.ask(PeerId(2), Duration::ZERO, ANSWER), [tx(1)], "it was not asked for yet");
        assert!(wanted.ask(PeerId(1), Duration::ZERO, ANSWER).is_empty());
        wanted.offered(PeerId(2), tx(1));
        assert_eq!(wanted.ask_others(2 * SECOND, ANSWER, |_| false), [(PeerId(1), tx(1))]);
        (3..20).for_each(|s| assert!(wanted.ask_others(s * SECOND, ANSWER, |_| false).is_empty()));
        assert_eq!(wanted.len(), 1);
    }

    /// While one that is asked may still answer, a transaction is not forgotten, and who announces it
    /// meanwhile waits.
    #[test]
    fn an_open_request_is_remembered() {
        let mut wanted = TxRequests::new(10);
        wanted.offered(PeerId(1), tx(1));
        wanted.ask(PeerId(1), Duration::ZERO, ANSWER);
        assert!(wanted.ask_others(2 * SECOND, ANSWER, |_| false).is_empty());
        assert_eq!(wanted.len(), 1);
        wanted.offered(PeerId(2), tx(1));
        assert!(wanted.ask(PeerId(2), 2 * SECOND, ANSWER).is_empty());
        assert_eq!(wanted.ask_others(4 * SECOND, ANSWER, |_| false), [(PeerId(2), tx(1))]);
    }

    /// A peer from which as much is awaited as may be is asked for no more, also of what another owes.
    #[test]
    fn open_requests_are_bounded() {
        let mut wanted = TxRequests::new(1_000);
        (0..MAX_OPEN).for_each(|n| wanted.offered(PeerId(2), tx(n)));
        assert_eq!(wanted.ask(PeerId(2), SECOND, ANSWER).len(), MAX_OPEN);
        (1..=2).for_each(|p| wanted.offered(PeerId(p), tx(5_000)));
        assert_eq!(wanted.ask(PeerId(1), SECOND, ANSWER), [tx(5_000)]);
        assert!(wanted.ask_others(3 * SECOND, ANSWER, |_| false).is_empty(), "it has no room");
        assert!(wanted.arrived(PeerId(2), &tx(7)));
        let asked = wanted.ask_others(5 * SECOND, ANSWER, |_| false);
        assert_eq!(asked, [(PeerId(2), tx(5_000))]);
    }

    /// What one peer takes back, another that was asked still owes.
    #[test]
    fn what_one_puts_off_another_owes() {
        let mut wanted = TxRequests::new(10);
        (1..=2).for_each(|p| wanted.offered(PeerId(p), tx(1)));
        wanted.ask(PeerId(1), Duration::ZERO, ANSWER);
        assert_eq!(wanted.ask_others(2 * SECOND, ANSWER, |_| false), [(PeerId(2), tx(1))]);
        wanted.put_off(PeerId(1), &tx(1), 3 * SECOND);
        wanted.offered(PeerId(2), tx(1));
        let asked: Vec<_> = (3..15).flat_map(|s| wanted.ask_others(s * SECOND, ANSWER, |_| false)).collect();
        assert_eq!(asked, [(PeerId(1), tx(1))], "the second is not asked twice");
    }

    /// Who leaves takes away what it alone announced.
    #[test]
    fn what_others_announced_stays() {
        let mut wanted = TxRequests::new(10);
        (1..=2).for_each(|p| wanted.offered(PeerId(p), tx(1)));
        wanted.offered(PeerId(1), tx(2));
        wanted.lost(PeerId(1), SECOND);
        assert_eq!(wanted.len(), 1);
        assert_eq!(wanted.ask(PeerId(2), SECOND, ANSWER), [tx(1)]);
    }
}
