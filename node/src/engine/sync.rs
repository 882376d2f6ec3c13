//! Following the chain: headers first, then bodies from several peers at once, then the rules.
//!
//! ```text
//! tip or headers ─▶ sealed, linked, better ─▶ branch: wanted* ─▶ asked of peers that have them ─▶ here
//!                                                                 compact when it is the next block, else whole
//! the next block is here ─▶ connected          a better branch from further down is here ─▶ adopted at once
//! ```
//!
//! A node that is far behind takes a [`shortcut`](super::shortcut) before the bodies.
//!
//! Only the operator can seal a header, so nobody else can make a node fetch anything, and headers cost a node some hundred bytes
//! each, at most [`MAX_AHEAD`] at a time, unless it is choosing a snapshot. A body that is not the one its header names is never
//! decoded into the chain; a branch that breaks a rule is remembered and not fetched again.
//!
//! Guaranteed: of two honest nodes that can talk, the one with the worse branch gets the better one, unless that leaves deeper
//! than the chain allows. Not guaranteed: bounded memory against the *operator*: bodies of a branch from K blocks below are held
//! until it is better.

use super::{
    Node, Step, Turn,
    compact::{Compact, Filling},
    fork::{self, ForkError},
    peers::{Offence, PeerId, Recent},
    shortcut::Shortcut,
};
use crate::{
    edge::store::Files,
    effect::Note,
    ledger::{LedgerError, PoolChange},
    seal::SealedHeader,
    wire::message::{BlockName, MAX_HEADERS, MAX_LOCATOR, MAX_MESSAGE, Message},
};
use core::{cmp::Ordering, time::Duration};
use mw::{
    amount::Height,
    block::{Block, body_hash},
    hash::Hash,
    kernel::Kernel,
    schnorr::{Signed, verify_batch},
    transaction::{Body, Output},
    wire::Decode,
};
use std::collections::VecDeque;

/// Most headers that are held before their bodies.
const MAX_AHEAD: usize = 4_096;
/// Bodies that are fetched ahead of the next block.
const WINDOW: usize = 32;
/// Blocks that broke a rule, as far as they are remembered.
const MAX_BAD: usize = 1_024;

/// What is being fetched.
pub(super) struct Sync {
    /// A better branch, from the first block that we have not.
    pub(super) branch: VecDeque<Wanted>,
    /// Who was asked for headers, and until when.
    pub(super) headers: Option<(PeerId, Duration)>,
    bad: Recent,
    pub(super) shortcut: Shortcut,
    /// The height of the last snapshot that was to be kept for others.
    pub(super) kept: Height,
}

/// A block of the branch.
pub(super) struct Wanted {
    pub(super) sealed: SealedHeader,
    pub(super) name: BlockName,
    /// Whether its compact form was of no use.
    whole: bool,
    body: Fetch,
}

/// How far a body has come.
enum Fetch {
    Open,
    Asked(PeerId, Duration),
    Filling(PeerId, Duration, Box<Filling>),
    Here(Box<Block>),
}

impl Fetch {
    const fn asked(&self) -> Option<(PeerId, Duration)> {
        match self {
            Self::Asked(peer, until) | Self::Filling(peer, until, _) => Some((*peer, *until)),
            Self::Open | Self::Here(_) => None,
        }
    }
}

impl Wanted {
    fn new(sealed: SealedHeader) -> Self {
        let name = BlockName::of(&sealed.header);
        Self { sealed, name, whole: false, body: Fetch::Open }
    }
}

impl Sync {
    pub(super) fn new(shortcut: Shortcut) -> Self {
        let (branch, headers, bad) = (VecDeque::new(), None, Recent::new(MAX_BAD));
        Self { branch, headers, bad, shortcut, kept: Height::GENESIS }
    }

    /// Whether blocks are on their way.
    pub(super) fn busy(&self) -> bool {
        !self.branch.is_empty()
    }

    /// Whether a peer owes a block or a part of one.
    pub(super) fn awaits(&self, id: PeerId) -> bool {
        self.branch.iter().any(|w| w.body.asked().is_some_and(|(peer, _)| peer == id))
    }

    /// How many are held or wanted.
    pub(super) fn len(&self) -> usize {
        self.branch.len() + self.shortcut.len()
    }

    /// For how many headers more there is room.
    fn room(&self) -> usize {
        if self.shortcut.choosing() { usize::MAX } else { MAX_AHEAD.saturating_sub(self.branch.len()) }
    }

    /// The best block that is being fetched.
    pub(super) fn best(&self) -> Option<BlockName> {
        self.branch.back().map(|w| w.name)
    }

    fn wanted(&mut self, block: &Hash) -> Option<&mut Wanted> {
        self.branch.iter_mut().find(|w| w.name.hash == *block)
    }
}

/// Whether a block is better than another, as far as names tell.
fn better(a: BlockName, b: BlockName) -> bool {
    (a.height, b.hash) > (b.height, a.hash)
}

impl<F: Files> Node<F> {
    pub(super) fn sync_joined(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        self.shortcut_joined(turn, id);
        self.pull(turn);
    }

    pub(super) fn sync_lost(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        let lost = |w: &&mut Wanted| w.body.asked().is_some_and(|(peer, _)| peer == id);
        self.sync.branch.iter_mut().filter(lost).for_each(|w| w.body = Fetch::Open);
        self.sync.headers.take_if(|(peer, _)| *peer == id);
        self.shortcut_lost(id);
        self.pull(turn);
    }

    pub(super) fn sync_tick(&mut self, turn: &mut Turn<'_>) -> Step {
        let mut late: Vec<PeerId> = Vec::new();
        for w in &mut self.sync.branch {
            if let Some((peer, _)) = w.body.asked().filter(|(_, until)| *until <= turn.now) {
                (w.body, w.whole) = (Fetch::Open, true);
                late.push(peer);
            }
        }
        if let Some((peer, _)) = self.sync.headers.take_if(|(_, until)| *until <= turn.now) {
            late.push(peer);
        }
        late.dedup();
        for id in late {
            self.forget_tip(id);
            self.blame(turn, id, Offence::Late)?;
        }
        self.shortcut_tick(turn)?;
        self.keep_snapshot(turn)?;
        self.advance(turn)
    }

    /// What a peer said of its tip led nowhere: until it says more, it is not asked.
    fn forget_tip(&mut self, id: PeerId) {
        self.peers.all.get_mut(&id).into_iter().for_each(|p| p.tip = None);
    }

    pub(super) fn told_tip(&mut self, turn: &mut Turn<'_>, id: PeerId, sealed: SealedHeader) -> Step {
        if !sealed.holds(self.ledger.chain()) {
            return self.blame(turn, id, Offence::Invalid);
        }
        self.has(id, BlockName::of(&sealed.header));
        self.follow(turn, vec![sealed])?;
        self.advance(turn)
    }

    /// A peer has this block, as it has shown.
    fn has(&mut self, id: PeerId, name: BlockName) {
        if let Some(peer) = self.peers.all.get_mut(&id)
            && peer.tip.is_none_or(|tip| better(name, tip))
        {
            peer.tip = Some(name);
        }
    }

    pub(super) fn told_headers(&mut self, turn: &mut Turn<'_>, id: PeerId, all: Vec<SealedHeader>) -> Step {
        if self.sync.headers.take_if(|(peer, _)| *peer == id).is_none() {
            return self.blame(turn, id, Offence::Unasked);
        }
        let linked = all.windows(2).all(|pair| match pair {
            [a, b] => b.header.previous == a.header.hash() && b.header.height == a.header.height.next(),
            _ => false,
        });
        if !linked || !self.sealed(&all) {
            return self.blame(turn, id, Offence::Invalid);
        }
        let (before, full) = (self.sync.best(), all.len() == usize::from(MAX_HEADERS));
        let last = all.last().map(|s| BlockName::of(&s.header));
        self.follow(turn, all)?;
        match last {
            // It has no more than this, whatever it said before.
            Some(last) if !full => self.peers.all.get_mut(&id).into_iter().for_each(|p| p.tip = Some(last)),
            Some(last) => self.has(id, last),
            None => self.forget_tip(id),
        }
        if self.sync.best() == before {
            self.forget_tip(id);
        }
        self.advance(turn)
    }

    fn sealed(&self, all: &[SealedHeader]) -> bool {
        let chain = self.ledger.chain();
        let signed = |s: &SealedHeader| Signed {
            key: chain.params().operator,
            message: s.header.seal_message(chain.id()),
            signature: s.seal,
        };
        verify_batch(&all.iter().map(signed).collect::<Vec<_>>()).is_ok()
    }

    /// Takes sealed headers, each following the one before, into the branch, if that is worth it.
    fn follow(&mut self, turn: &mut Turn<'_>, mut all: Vec<SealedHeader>) -> Step {
        let ours = self.ledger.tip().height;
        let mut known = 0;
        for s in all.iter().take_while(|s| s.header.height <= ours) {
            if self.ledger.store().header(s.header.height)?.is_some_and(|h| h == s.header) {
                known += 1;
            } else if let Some(twice) = self.ledger.see(s)? {
                turn.note(Note::DoubleSeal(Box::new(twice)));
            }
        }
        all.drain(..known);
        all.retain(|s| self.sync.wanted(&s.header.hash()).is_none());
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(()) };
        if all.iter().any(|s| self.sync.bad.contains(&s.header.hash())) {
            return Ok(());
        }
        let extends = self.sync.best().is_some_and(|best| best.hash == first.header.previous);
        if !extends {
            let fork = first.header.height.minus(1);
            let common = self.ledger.store().header(fork)?.is_some_and(|h| h.hash() == first.header.previous);
            let promising = self.sync.best().is_none_or(|best| better(BlockName::of(&last.header), best));
            if !common || !promising {
                return Ok(());
            }
            let (tip, floor) = (self.ledger.tip(), self.ledger.store().floor());
            match fork::choose(self.ledger.chain(), (tip, floor), &last.header, fork) {
                Ok(()) => {}
                // The beginning of a branch that may yet turn out better.
                Err(ForkError::NotBetter { .. })
                    if all.len() == usize::from(MAX_HEADERS) && fork >= floor => {}
                Err(ForkError::NotBetter { .. }) => return Ok(()),
                Err(e) => {
                    turn.note(Note::Unfollowed(e));
                    return Ok(());
                }
            }
            self.sync.branch.clear();
        }
        let room = self.sync.room();
        self.sync.branch.extend(all.into_iter().take(room).map(Wanted::new));
        Ok(())
    }

    /// Connects what is here, and asks for what is not.
    pub(super) fn advance(&mut self, turn: &mut Turn<'_>) -> Step {
        while !self.sync.shortcut.taken() && self.grow(turn)? {}
        self.pull(turn);
        Ok(())
    }

    /// Connects the next block or follows the branch, if that can be done; says whether it was.
    fn grow(&mut self, turn: &mut Turn<'_>) -> Step<bool> {
        let Some(front) = self.sync.branch.front() else { return Ok(false) };
        let fork = front.name.height.minus(1);
        if self.ledger.store().header(fork)?.is_none_or(|h| h.hash() != front.sealed.header.previous) {
            self.sync.branch.clear();
            return Ok(false);
        }
        let here = self.sync.branch.iter().take_while(|w| matches!(w.body, Fetch::Here(_))).count();
        let next = fork == self.ledger.tip().height;
        let take = if next { here.min(1) } else { here };
        let Some(last) = take.checked_sub(1).and_then(|i| self.sync.branch.get(i)) else { return Ok(false) };
        if fork::compare(&last.sealed.header, self.ledger.tip()) != Ordering::Greater {
            return Ok(false);
        }
        let body = |w: Wanted| if let Fetch::Here(block) = w.body { Some(*block) } else { None };
        let blocks: Vec<Block> = self.sync.branch.drain(..take).filter_map(body).collect();
        let names: Vec<BlockName> = blocks.iter().map(|b| BlockName::of(&b.header)).collect();
        let connected = if next {
            blocks
                .into_iter()
                .try_fold(PoolChange::default(), |_, b| self.ledger.connect(b))
                .map(|pool| (0, pool))
        } else {
            self.ledger.reorganise(blocks).map(|r| (r.undone.len(), r.pool))
        };
        let Some(name) = names.last().copied() else { return Ok(false) };
        match connected {
            Ok((0, pool)) => self.changed(turn, Note::Connected(name), pool)?,
            Ok((undone, pool)) => self.changed(turn, Note::Reorganised(name, undone), pool)?,
            Err(e) => self.refused(turn, &names, e)?,
        }
        Ok(true)
    }

    /// The chain has grown, or is another.
    pub(super) fn changed(&mut self, turn: &mut Turn<'_>, how: Note, pool: PoolChange) -> Step {
        turn.note(how);
        pool.alarms.into_iter().for_each(|d| turn.note(Note::DoubleSeal(Box::new(d))));
        pool.dropped.into_iter().for_each(|(_, why)| turn.note(Note::Dropped(why)));
        if let Some(e) = pool.unsaved {
            return Err(e.into());
        }
        self.draft = None;
        self.relay_changed(turn)
    }

    /// A sealed branch is not followed. Which of its blocks is at fault is not told apart: a branch that is given up here
    /// is worth another look only if its operator seals a better one, which has another name.
    fn refused(&mut self, turn: &mut Turn<'_>, names: &[BlockName], why: LedgerError) -> Step {
        self.sync.branch.clear();
        for name in names {
            self.sync.bad.insert(name.hash);
        }
        match (why, names.last()) {
            (LedgerError::Refused(why), Some(name)) => turn.note(Note::BadBlock(*name, why)),
            (LedgerError::DoubleSeal(d), _) => turn.note(Note::DoubleSeal(d)),
            (LedgerError::Fork(e), _) => turn.note(Note::Unfollowed(e)),
            (e, _) => return Err(e),
        }
        Ok(())
    }

    /// Asks for headers and bodies, of whoever seems to have them.
    pub(super) fn pull(&mut self, turn: &mut Turn<'_>) {
        self.pull_headers(turn);
        self.consider_shortcut(turn);
        if self.sync.shortcut.taken() { self.pull_parts(turn) } else { self.pull_bodies(turn) }
    }

    fn pull_headers(&mut self, turn: &mut Turn<'_>) {
        // Headers are not asked for from the genesis on while the state of a later block is on its way.
        let later = self.sync.shortcut.taken() && self.sync.branch.is_empty();
        if self.sync.headers.is_some() || later || self.sync.room() < MAX_AHEAD / 2 {
            return;
        }
        let best = self.sync.best().unwrap_or(BlockName::of(self.ledger.tip()));
        let has_more = |p: &&super::peers::Peer| p.tip.is_some_and(|tip| better(tip, best));
        let Some((id, _)) = self.peers.ready().filter(|(_, p)| has_more(p)).max_by_key(|(_, p)| p.tip) else {
            return;
        };
        let Ok(names) = self.locator() else { return };
        self.sync.headers = Some((id, turn.now + self.config.answer));
        turn.send(id, Message::AskHeaders(names));
    }

    /// Names of blocks we have, ever further apart, from the end of the branch to the genesis.
    fn locator(&self) -> Step<Vec<BlockName>> {
        let mut names: Vec<BlockName> = self.sync.best().into_iter().collect();
        let (mut height, mut gap) = (self.ledger.tip().height, 1u64);
        while names.len() + 1 < usize::from(MAX_LOCATOR) && height > Height::GENESIS {
            names.extend(self.ledger.store().header(height)?.map(|h| BlockName::of(&h)));
            (height, gap) = (height.minus(gap), if names.len() < 10 { 1 } else { gap.saturating_mul(2) });
        }
        names.extend(self.ledger.store().header(Height::GENESIS)?.map(|h| BlockName::of(&h)));
        Ok(names)
    }

    fn pull_bodies(&mut self, turn: &mut Turn<'_>) {
        let ours = self.ledger.tip();
        let (height, hash) = (ours.height, ours.hash());
        let Some(front) = self.sync.branch.front() else { return };
        // A branch from below is held until it is better.
        let behind = height.get().saturating_sub(front.name.height.get()) as usize + 1;
        let next = self.sync.branch.len() == 1 && front.sealed.header.previous == hash;
        let mut load: Vec<(PeerId, Height, usize)> = self
            .peers
            .ready()
            .filter_map(|(id, p)| {
                let asked = self.sync.branch.iter().filter_map(|w| w.body.asked());
                Some((id, p.tip?.height, asked.filter(|(peer, _)| *peer == id).count()))
            })
            .collect();
        let (until, most) = (turn.now + self.config.answer, self.config.in_flight);
        for (place, w) in self.sync.branch.iter_mut().enumerate().take(WINDOW.max(behind)) {
            if !matches!(w.body, Fetch::Open) {
                continue;
            }
            let able = load.iter_mut().filter(|(_, has, n)| *has >= w.name.height && *n < most);
            let Some((id, _, n)) = able.min_by_key(|(_, _, n)| *n) else {
                // Nobody has it any more; whoever does will say so.
                if place == 0 && load.iter().all(|(_, has, _)| *has < w.name.height) {
                    self.sync.branch.clear();
                }
                return;
            };
            *n += 1;
            w.body = Fetch::Asked(*id, until);
            if let Some(peer) = self.peers.all.get_mut(id) {
                peer.received.grant(MAX_MESSAGE as u64);
            }
            let compact = next && !w.whole;
            turn.send(*id, if compact { Message::AskCompact(w.name) } else { Message::AskBlock(w.name) });
        }
    }

    pub(super) fn told_block(
        &mut self,
        turn: &mut Turn<'_>,
        id: PeerId,
        (sealed, body): (SealedHeader, &[u8]),
    ) -> Step {
        // The header was found to be sealed before its body was asked for.
        let Some(w) = self.sync.wanted(&sealed.header.hash()).filter(|w| !matches!(w.body, Fetch::Here(_)))
        else {
            return Ok(());
        };
        let sound = |b: &Body| body_hash(b) == sealed.header.body_hash;
        let Some(body) = Body::from_bytes(body).ok().filter(sound) else {
            w.body = Fetch::Open;
            return self.blame(turn, id, Offence::Invalid);
        };
        let SealedHeader { header, seal } = w.sealed.clone();
        w.body = Fetch::Here(Box::new(Block { header, seal, body }));
        self.advance(turn)
    }

    pub(super) fn told_compact(&mut self, turn: &mut Turn<'_>, id: PeerId, compact: Compact) -> Step {
        let pending = self.ledger.pool().iter().map(|(_, t)| t);
        let until = turn.now + self.config.answer;
        let Some(w) = self.sync.wanted(&compact.sealed.header.hash()) else { return Ok(()) };
        if !matches!(w.body, Fetch::Asked(peer, _) if peer == id) {
            return Ok(());
        }
        let filling = Filling::new(compact, pending);
        let ((outputs, kernels), block) = (filling.missing(), w.name.hash);
        w.body = Fetch::Filling(id, until, Box::new(filling));
        if outputs.is_empty() && kernels.is_empty() {
            return self.filled(turn, &block);
        }
        turn.send(id, Message::AskItems { block, outputs, kernels });
        Ok(())
    }

    pub(super) fn told_items(
        &mut self,
        turn: &mut Turn<'_>,
        id: PeerId,
        (block, outputs, kernels): (Hash, Vec<Output>, Vec<Kernel>),
    ) -> Step {
        let Some(w) = self.sync.wanted(&block) else { return Ok(()) };
        let Fetch::Filling(peer, _, filling) = &mut w.body else { return Ok(()) };
        if *peer != id {
            return Ok(());
        }
        if !filling.fill(outputs, kernels) {
            (w.body, w.whole) = (Fetch::Open, true);
            return self.blame(turn, id, Offence::Invalid);
        }
        self.filled(turn, &block)
    }

    /// A compact block has all its parts. If they do not make the sealed body, a short id was another's: the whole is asked for.
    fn filled(&mut self, turn: &mut Turn<'_>, block: &Hash) -> Step {
        let Some(w) = self.sync.wanted(block) else { return Ok(()) };
        (w.body, w.whole) = match core::mem::replace(&mut w.body, Fetch::Open) {
            Fetch::Filling(_, _, filling) => {
                (filling.block().map_or(Fetch::Open, |block| Fetch::Here(Box::new(block))), true)
            }
            other => (other, w.whole),
        };
        self.advance(turn)
    }
}
