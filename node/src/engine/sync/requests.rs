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
}
