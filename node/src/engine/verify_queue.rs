//! What waits to be decoded and verified by workers: a line for each machine, served in turn.
//!
//! ```text
//! push ─▶ line of the machine ──one of each line in turn, AT_ONCE at a time──▶ Effect::Verify ─▶ Event::Verified ─▶ done
//!            └ full: refused, and the machine's next message waits for nothing
//! ```
//!
//! Guaranteed: however many messages one machine sends, those of another are next after one of each other
//! machine's. Messages of one machine start in their order and may end in another. Bounded: [`AT_ONCE`] are
//! with the workers; each line has a length and a number of bytes.

use super::peers::ban_score::Whose;
use crate::{
    effect::Effect,
    event::RequestId,
    peer::{PeerId, PeerKey},
    work::{Ticket, Work},
};
use sotto_mw::hash::Hash;
use std::collections::{BTreeMap, VecDeque};

/// Pieces of work that are with the workers at a time.
const AT_ONCE: usize = 16;
/// Pieces of work that wait in one line.
pub(super) const LINE: usize = 256;
/// Their bytes: two messages of the greatest length.
const LINE_BYTES: usize = 8 << 20;

/// What to do with a verdict.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// The message of this peer is handled.
    Message(PeerId),
    /// The transaction goes to the mempool: one that this peer was asked for, or an orphan.
    Gossip(Option<PeerId>, Hash),
    /// The transaction goes to the stempool.
    Stem(PeerId, StemSender),
    /// The transaction was submitted here, by this request.
    Submit(RequestId),
}

/// The peer that sent a stem, which may be gone when its proofs are verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StemSender {
    pub(crate) key: PeerKey,
    pub(crate) machine: Whose,
}

impl Then {
    /// The peer to blame.
    pub(crate) const fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Message(id) | Self::Stem(id, _) => Some(*id),
            Self::Gossip(id, _) => *id,
            Self::Submit(_) => None,
        }
    }
}

struct Waiting {
    then: Then,
    work: Work,
    bytes: usize,
}

/// All that waits.
#[derive(Default)]
pub(crate) struct VerifyQueue {
    next: u64,
    with_workers: BTreeMap<Ticket, Then>,
    lines: BTreeMap<Whose, VecDeque<Waiting>>,
    /// The machine whose turn was last.
    last: Option<Whose>,
}

impl VerifyQueue {
    /// Adds work that a machine has caused; says whether there was room.
    pub(crate) fn push(&mut self, machine: Whose, then: Then, work: Work) -> bool {
        let bytes = match &work {
            Work::Decode(bytes) => bytes.len(),
            Work::Verify(_, t) => t.get().body.weight() as usize * 32,
        };
        let line = self.lines.entry(machine).or_default();
        let held: usize = line.iter().map(|w| w.bytes).sum();
        let room = line.len() < LINE && held + bytes <= LINE_BYTES;
        if room {
            line.push_back(Waiting { then, work, bytes });
        }
        room
    }

    /// What the workers can begin now.
    pub(crate) fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.with_workers.len() < AT_ONCE {
            let Some(Waiting { then, work, .. }) = self.take_next() else { break };
            let ticket = Ticket(self.next);
            self.next += 1;
            self.with_workers.insert(ticket, then);
            effects.push(Effect::Verify(ticket, work));
        }
        effects
    }

    /// The first of the next line.
    fn take_next(&mut self) -> Option<Waiting> {
        let after = self.lines.keys().find(|m| Some(**m) > self.last).copied();
        let machine = after.or_else(|| self.lines.keys().next().copied())?;
        let line = self.lines.get_mut(&machine)?;
        let next = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&machine);
        }
        self.last = Some(machine);
        next
    }

    /// Takes note that a verdict is here; returns what is to be done with it.
    pub(crate) fn done(&mut self, ticket: Ticket) -> Option<Then> {
        self.with_workers.remove(&ticket)
    }

    /// How many pieces of work wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.with_workers.len() + self.lines.values().map(VecDeque::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;
    use sotto_mw::{rules::check_transaction, testing::TestChain};

    fn machine(n: u8) -> Whose {
        Whose::refused(IpAddr::from([10, 0, 0, n]), PeerKey([1; 32]))
    }

    fn push(queue: &mut VerifyQueue, n: u8, bytes: usize) -> bool {
        queue.push(machine(n), Then::Message(PeerId(n.into())), Work::Decode(vec![0; bytes]))
    }

    /// However much one machine sends, another's message is begun after one of each; no line grows beyond its
    /// bounds, and no more than so many pieces are with the workers.
    #[test]
    fn machines_take_turns() {
        let mut queue = VerifyQueue::default();
        assert_eq!((0..2 * LINE).filter(|_| push(&mut queue, 1, 10)).count(), LINE);
        assert_eq!((0..9).filter(|_| push(&mut queue, 2, 4 << 20)).count(), 2);
        assert!(push(&mut queue, 3, 10));
        let begun = queue.begin();
        assert_eq!((begun.len(), queue.len()), (AT_ONCE, LINE + 3));
        assert!(queue.begin().is_empty());
        let who: Vec<u64> = queue
            .with_workers
            .values()
            .filter_map(|then| if let Then::Message(PeerId(n)) = then { Some(*n) } else { None })
            .collect();
        assert_eq!(who[..6], [1, 2, 3, 1, 2, 1]);
        // A verdict makes room for one more, and is taken once.
        let first = Ticket(0);
        assert!(matches!(queue.done(first), Some(Then::Message(PeerId(1)))) && queue.done(first).is_none());
        assert_eq!(queue.begin().len(), 1);
    }

    /// Transactions wait by what they weigh: heavy ones fill a line before it is long.
    #[test]
    fn a_line_of_transactions_is_bounded_by_their_bytes() {
        let mut test_chain = TestChain::new(46);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let made = test_chain.many(60, 5, 1);
        let t = test_chain.spread(&coin, &made);
        let bytes = t.body.weight() as usize * 32;
        let chain = test_chain.chain().clone();
        let t = check_transaction(&chain, t).unwrap();
        let mut queue = VerifyQueue::default();
        let mut push = || {
            let work = Work::Verify(Box::new(chain.clone()), Box::new(t.clone()));
            queue.push(machine(1), Then::Gossip(None, Hash::from_bytes([1; 32])), work)
        };
        let room = LINE_BYTES / bytes;
        assert!(room < LINE && (0..room).all(|_| push()) && !push());
    }
}
