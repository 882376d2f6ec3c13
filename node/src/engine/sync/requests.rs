//! Open requests for headers and blocks.
//!
//! ```text
//! requested: fresh ──block_timeout──▶ slow: others are asked too ──response_timeout──▶ late: blamed ──4 · that──▶ forgotten
//!              └── the response, "not found", or the end of the connection ──▶ closed
//! ```
//!
//! A late request counts for nothing, except that its response, should it come, is not an unasked one.
//! There are at most as many as peers, times what each may be asked for at a time.

use crate::{engine::peers::Peer, message::BlockName, peer::PeerId};
use core::time::Duration;
use sotto_mw::{hash::Hash, output::Output, transaction::BodyKernel};
use std::collections::BTreeMap;

/// What is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Headers after this block, the best that was known.
    Headers(BlockName),
    /// Where the terms change.
    Terms,
    Compact(Hash),
    Items(Hash),
    Block(Hash),
}

impl Wanted {
    /// The block that is requested.
    pub(crate) const fn block(&self) -> Option<&Hash> {
        match self {
            Self::Headers(_) | Self::Terms => None,
            Self::Compact(block) | Self::Items(block) | Self::Block(block) => Some(block),
        }
    }

    pub(crate) const fn headers(&self) -> Option<BlockName> {
        if let Self::Headers(best) = self { Some(*best) } else { None }
    }
}

/// The parts of a compact block that its receiver lacked.
pub(crate) struct BlockItems {
    pub(crate) block: BlockName,
    pub(crate) outputs: Vec<Output>,
    pub(crate) kernels: Vec<BodyKernel>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Fresh,
    Slow,
    Late,
}

struct BlockRequest {
    of: PeerId,
    about: Wanted,
    since: Duration,
    wait: Wait,
    /// Whether its answer is here and being decoded.
    came: bool,
}

/// How many more peers to ask for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    None,
    /// So many, but only peers without a slow request of their own.
    Sound(usize),
    Any(usize),
}

/// How long to wait before others are asked too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) now: Duration,
    pub(crate) timeout: Duration,
}

/// All open requests.
#[derive(Default)]
pub(crate) struct BlockRequests(Vec<BlockRequest>);

impl BlockRequests {
    pub(crate) fn ask(&mut self, now: Duration, of: PeerId, about: Wanted) {
        self.0.retain(|q| q.of != of || q.about != about);
        self.0.push(BlockRequest { of, about, since: now, wait: Wait::Fresh, came: false });
    }

    /// Closes a request to this peer that has been answered, and returns it, if there is one.
    pub(crate) fn answered(&mut self, of: PeerId, which: impl Fn(&Wanted) -> bool) -> Option<Wanted> {
        let place = self.0.iter().position(|q| q.of == of && which(&q.about))?;
        Some(self.0.remove(place).about)
    }

    /// Closes all requests to a peer that disconnected.
    pub(crate) fn lost(&mut self, of: PeerId) {
        self.0.retain(|q| q.of != of);
    }

    fn open(&self, which: impl Fn(&Wanted) -> bool) -> impl Iterator<Item = &BlockRequest> {
        self.0.iter().filter(move |q| q.wait != Wait::Late && which(&q.about))
    }

    /// Whether this is requested from any peer.
    pub(crate) fn is_asked(&self, which: impl Fn(&Wanted) -> bool) -> bool {
        self.open(which).next().is_some()
    }

    /// Whether this is requested from that peer.
    pub(crate) fn is_asked_of(&self, of: PeerId, which: impl Fn(&Wanted) -> bool) -> bool {
        self.open(which).any(|q| q.of == of)
    }

    /// Takes note that an answer of a peer is here, however late; says whether there is a question that has
    /// none yet. A second copy answers nothing.
    pub(crate) fn came(&mut self, of: PeerId, which: impl Fn(&Wanted) -> bool) -> bool {
        let open = self.0.iter_mut().find(|q| q.of == of && !q.came && which(&q.about));
        open.map(|q| q.came = true).is_some()
    }

    /// How many blocks are requested from a peer.
    pub(crate) fn load(&self, of: PeerId) -> usize {
        self.open(|about| about.block().is_some()).filter(|q| q.of == of).count()
    }

    /// Whether others should be asked for the same: as many again each time that all are slow, so that many
    /// silent peers delay a response by little.
    pub(crate) fn more(
        &mut self,
        patience: Patience,
        which: impl Fn(&Wanted) -> bool,
        peers: &mut BTreeMap<PeerId, Peer>,
    ) -> More {
        let Patience { now, timeout } = patience;
        let (mut asked, mut patient, mut trusted) = (0, false, false);
        for q in self.0.iter_mut().filter(|q| q.wait != Wait::Late && which(&q.about)) {
            asked += 1;
            let Some(peer) = peers.get_mut(&q.of).filter(|_| q.wait == Wait::Fresh) else { continue };
            // A peer that delivers one block after the other is not slow.
            if q.since.max(peer.gave.unwrap_or_default()) + timeout <= now {
                q.wait = Wait::Slow;
                peer.missed = peer.missed.saturating_add(1);
            } else {
                patient = true;
                trusted |= peer.missed == 0;
            }
        }
        match (patient, trusted) {
            (false, _) => More::Any(asked.max(1)),
            (true, false) => More::Sound(asked),
            (true, true) => More::None,
        }
    }

    /// The peers that did not respond in time; each is returned once a request.
    pub(crate) fn late(&mut self, now: Duration, answer: Duration) -> Vec<PeerId> {
        let mut late = Vec::new();
        self.0.retain(|q| q.since + 4 * answer > now);
        for q in self.0.iter_mut().filter(|q| q.wait != Wait::Late && q.since + answer <= now) {
            q.wait = Wait::Late;
            late.push(q.of);
        }
        late.sort_unstable();
        late.dedup();
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        engine::peers::{NewPeer, Peers, addr_book::AddrBook},
        peer::{Direction, PeerKey},
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sotto_mw::amount::Height;

    const SECOND: Duration = Duration::from_secs(1);

    /// What a peer was asked for is not charged to it, however late it comes, and once; what it was not asked
    /// for is.
    #[test]
    fn a_block_is_owed_until_it_comes_or_is_forgotten() {
        let (mut all, peer) = (BlockRequests::default(), PeerId(1));
        let name = BlockName { height: Height::new(7), hash: Hash::from_bytes([7; 32]) };
        let block = |about: &Wanted| about.block() == Some(&name.hash);
        all.ask(Duration::ZERO, peer, Wanted::Headers(name));
        assert!(!all.came(peer, block), "headers do not answer for a block");
        for about in [Wanted::Compact(name.hash), Wanted::Items(name.hash), Wanted::Block(name.hash)] {
            all.ask(SECOND, peer, about);
            assert!(!all.came(PeerId(2), block) && all.came(peer, |a| *a == about));
            assert!(!all.came(peer, block), "a second copy");
            assert_eq!(all.answered(peer, |a| *a == about), Some(about));
            assert!(!all.came(peer, block));
        }
        all.ask(SECOND, peer, Wanted::Block(name.hash));
        assert_eq!(all.late(21 * SECOND, 20 * SECOND), [peer]);
        assert!(all.came(peer, block) && !all.is_asked(|a| a.block().is_some()));
        all.ask(SECOND, peer, Wanted::Block(name.hash));
        assert_eq!(all.late(81 * SECOND, 20 * SECOND), []);
        assert!(!all.came(peer, block));
    }

    fn name(n: u8) -> BlockName {
        BlockName { height: Height::new(n.into()), hash: Hash::from_bytes([n; 32]) }
    }

    /// Peers that are connected.
    fn peers(ids: &[u64]) -> BTreeMap<PeerId, Peer> {
        let config = Config::new(PeerKey([99; 32]));
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let mut peers = Peers::new(&config, AddrBook::new(&mut rng));
        for id in ids {
            let direction = Direction::Inbound(([10, 0, 0, *id as u8], 4_000).into());
            let new = NewPeer { id: PeerId(*id), key: PeerKey([*id as u8; 32]), direction };
            assert_eq!(peers.connected(&config, Duration::ZERO, new), Ok(()));
        }
        peers.all
    }

    /// Each question to each peer is open once, and closed by its answer or with the connection, and no
    /// other with it.
    #[test]
    fn questions_are_closed_one_by_one() {
        let (mut all, one, two) = (BlockRequests::default(), PeerId(1), PeerId(2));
        let block = |n: u8| move |about: &Wanted| about.block() == Some(&name(n).hash);
        for about in [Wanted::Headers(name(1)), Wanted::Block(name(1).hash), Wanted::Compact(name(2).hash)] {
            (0..2).for_each(|_| all.ask(SECOND, one, about));
            all.ask(SECOND, two, about);
        }
        all.ask(SECOND, one, Wanted::Terms);
        assert_eq!([one, two, PeerId(3)].map(|p| all.load(p)), [2, 2, 0], "blocks alone are a load");
        assert!(all.is_asked(block(1)) && !all.is_asked(block(3)));
        assert_eq!(all.answered(one, block(3)), None);
        assert_eq!(all.answered(PeerId(3), block(1)), None);
        assert_eq!(all.answered(one, block(1)), Some(Wanted::Block(name(1).hash)));
        assert_eq!(all.answered(one, block(1)), None, "once");
        assert!(all.is_asked(block(1)) && !all.is_asked_of(one, block(1)) && all.is_asked_of(two, block(1)));
        assert_eq!([one, two].map(|p| all.load(p)), [1, 2]);
        all.lost(two);
        assert!(!all.is_asked(block(1)) && !all.is_asked_of(two, |_| true));
        assert!(all.is_asked_of(one, block(2)) && all.is_asked_of(one, |about| *about == Wanted::Terms));
    }

    /// Nobody else is asked while a peer that was in time before is waited for. Once all that were asked are
    /// slow, as many again are asked, and so on: silence is made up for ever faster.
    #[test]
    fn slow_peers_are_doubled() {
        let (mut all, mut peers) = (BlockRequests::default(), peers(&[1, 2, 3, 4, 5, 6, 7]));
        let which = |about: &Wanted| about.block() == Some(&name(1).hash);
        let more = |all: &mut BlockRequests, now, peers: &mut _| {
            all.more(Patience { now, timeout: 2 * SECOND }, which, peers)
        };
        assert_eq!(more(&mut all, SECOND, &mut peers), More::Any(1), "nobody was asked");
        all.ask(SECOND, PeerId(1), Wanted::Block(name(1).hash));
        all.ask(SECOND, PeerId(7), Wanted::Block(name(2).hash));
        assert_eq!(more(&mut all, SECOND * 29 / 10, &mut peers), More::None);
        assert_eq!(more(&mut all, 3 * SECOND, &mut peers), More::Any(1));
        assert_eq!([1, 7].map(|p| peers[&PeerId(p)].missed), [1, 0], "of the other block nothing follows");
        all.ask(3 * SECOND, PeerId(2), Wanted::Block(name(1).hash));
        assert_eq!(more(&mut all, 4 * SECOND, &mut peers), More::None);
        assert_eq!(more(&mut all, 5 * SECOND, &mut peers), More::Any(2));
        (3..=4).for_each(|p| all.ask(5 * SECOND, PeerId(p), Wanted::Block(name(1).hash)));
        assert_eq!(more(&mut all, 7 * SECOND, &mut peers), More::Any(4));
        assert_eq!(peers[&PeerId(1)].missed, 1, "one request is missed once");
        // One that has missed another is waited for, and peers in time are asked besides.
        all.ask(7 * SECOND, PeerId(1), Wanted::Items(name(1).hash));
        assert_eq!(more(&mut all, 8 * SECOND, &mut peers), More::Sound(5));
        // Who delivers other blocks meanwhile is not slow.
        all.ask(8 * SECOND, PeerId(5), Wanted::Block(name(1).hash));
        peers.get_mut(&PeerId(5)).unwrap().gave = Some(9 * SECOND);
        assert_eq!(more(&mut all, SECOND * 109 / 10, &mut peers), More::None);
        assert_eq!(more(&mut all, 11 * SECOND, &mut peers), More::Any(6));
        assert_eq!(peers[&PeerId(5)].missed, 1);
        // Who is gone, or late, is not waited for.
        assert_eq!(
            all.late(27 * SECOND, 20 * SECOND),
            [PeerId(1), PeerId(2), PeerId(3), PeerId(4), PeerId(7)]
        );
        assert_eq!(more(&mut all, 27 * SECOND, &mut peers), More::Any(1));
    }

    /// A peer that is late with several answers is late once, and only with those that are not here.
    #[test]
    fn a_peer_is_late_once() {
        let mut all = BlockRequests::default();
        (1..4).for_each(|n| all.ask(SECOND, PeerId(2), Wanted::Block(name(n).hash)));
        all.ask(2 * SECOND, PeerId(1), Wanted::Terms);
        all.ask(3 * SECOND, PeerId(3), Wanted::Terms);
        assert_eq!(all.late(SECOND * 209 / 10, 20 * SECOND), []);
        assert_eq!(all.late(22 * SECOND, 20 * SECOND), [PeerId(1), PeerId(2)]);
        assert_eq!(all.late(SECOND * 229 / 10, 20 * SECOND), [], "and not again");
        assert!(!all.is_asked_of(PeerId(1), |_| true) && all.is_asked_of(PeerId(3), |_| true));
        assert_eq!([2, 3].map(|p| all.load(PeerId(p))), [0, 0]);
    }
}
