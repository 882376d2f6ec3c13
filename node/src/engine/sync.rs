//! Following the chain: headers first, then bodies from several peers at once, then the rules.
//!
//! ```text
//! tip or headers ─▶ sealed, linked, better ─▶ branch: wanted* ─▶ asked of peers that have them ─▶ here     [`pull`], [`questions`]
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
//! Every question about a block has an answer: the block, or that it is not there. What is no answer to a question costs demerits.
//!
//! Guaranteed: of two honest nodes that can talk, the one with the worse branch gets the better one, unless that leaves deeper
//! than the chain allows. Not guaranteed: bounded memory against the *operator*: bodies of a branch from K blocks below are held
//! until it is better.

mod pull;
mod questions;

use crate::{
    effect::LogEvent,
    engine::{Node, StepContext, StepResult, peers::Recent, snapshot_sync::SnapshotSync},
    ledger::{
        LedgerError, MempoolChange,
        fork::{self, ForkError},
    },
    message::{
        BlockName, MAX_HEADERS, Message,
        compact::{Compact, Filling},
    },
    peer::{Offence, PeerId},
    seal::SealedHeader,
    storage::Files,
};
use core::{cmp::Ordering, time::Duration};
use questions::{BlockRequests, Wanted};
use sotto_mw::{
    amount::Height,
    batch::verify_signatures,
    block::{Block, body_hash},
    codec::Decode,
    kernel::Kernel,
    output::Output,
    schnorr::SignedMessage,
    transaction::Body,
};
use std::collections::VecDeque;

/// Most headers that are held before their bodies.
const MAX_AHEAD: usize = 4_096;
/// Bodies that are fetched ahead of the next block.
const WINDOW: usize = 32;
/// Blocks that broke a rule, as far as they are remembered.
const MAX_BAD: usize = 1_024;

/// What is being fetched.
pub(crate) struct Sync {
    /// A better branch, from the first block that we have not.
    pub(crate) branch: VecDeque<BranchBlock>,
    questions: BlockRequests,
    /// The best block that was shown, and until when it is taken to be ahead of us though its headers have not come.
    shown: Option<(BlockName, Duration)>,
    bad: Recent,
    pub(crate) shortcut: SnapshotSync,
    /// The height of the last snapshot that was to be kept for others.
    pub(crate) kept: Height,
}

/// A block of the branch.
pub(crate) struct BranchBlock {
    pub(crate) sealed: SealedHeader,
    pub(crate) name: BlockName,
    /// Whether its compact form was of no use.
    whole: bool,
    /// Who was asked and has it not.
    denied: Vec<PeerId>,
    body: Fetch,
}

/// How far a body has come.
enum Fetch {
    Open,
    /// A compact form came from this peer, which is asked for the rest.
    Filling(PeerId, Box<Filling>),
    Here(Box<Block>),
}

impl BranchBlock {
    fn new(sealed: SealedHeader) -> Self {
        let name = BlockName::of(&sealed.header);
        Self { sealed, name, whole: false, denied: Vec::new(), body: Fetch::Open }
    }
}

impl Sync {
    pub(crate) fn new(shortcut: SnapshotSync) -> Self {
        let (branch, questions, bad) = (VecDeque::new(), BlockRequests::default(), Recent::new(MAX_BAD));
        Self { branch, questions, shown: None, bad, shortcut, kept: Height::GENESIS }
    }

    /// Whether blocks are on their way.
    pub(crate) fn busy(&self) -> bool {
        !self.branch.is_empty()
    }

    /// Whether a peer owes a block or a part of one.
    pub(crate) fn awaits(&self, id: PeerId) -> bool {
        self.questions.owes_block(id)
    }

    /// How many are held or wanted.
    pub(crate) fn len(&self) -> usize {
        self.branch.len() + self.shortcut.len()
    }

    /// For how many headers more there is room.
    fn room(&self) -> usize {
        if self.shortcut.choosing() { usize::MAX } else { MAX_AHEAD.saturating_sub(self.branch.len()) }
    }

    /// The best block that is being fetched.
    pub(crate) fn best(&self) -> Option<BlockName> {
        self.branch.back().map(|w| w.name)
    }

    /// The height of the best block that is known to be sealed and may be followed.
    pub(crate) fn ahead(&self, now: Duration) -> Option<Height> {
        let shown = self.shown.filter(|(_, until)| now < *until).map(|(name, _)| name);
        shown.max(self.best()).map(|name| name.height).max(self.shortcut.height())
    }

    fn place(&self, height: Height) -> Option<usize> {
        let front = self.branch.front()?.name.height;
        height.get().checked_sub(front.get())?.try_into().ok()
    }

    fn find(&self, name: BlockName) -> Option<&BranchBlock> {
        self.branch.get(self.place(name.height)?).filter(|w| w.name == name)
    }

    fn wanted(&mut self, name: BlockName) -> Option<&mut BranchBlock> {
        let place = self.place(name.height)?;
        self.branch.get_mut(place).filter(|w| w.name == name)
    }

    /// Whether a block is part of the branch.
    fn holds(&self, name: BlockName) -> bool {
        self.find(name).is_some()
    }
}

/// Whether a block is better than another, as far as names tell.
fn better(a: BlockName, b: BlockName) -> bool {
    (a.height, b.hash) > (b.height, a.hash)
}

impl<F: Files> Node<F> {
    pub(crate) fn sync_joined(&mut self, turn: &mut StepContext<'_>, id: PeerId) -> StepResult {
        self.shortcut_joined(turn, id);
        self.pull(turn)
    }

    pub(crate) fn sync_lost(&mut self, turn: &mut StepContext<'_>, id: PeerId) -> StepResult {
        self.sync.questions.lost(id);
        self.shortcut_lost(id);
        self.pull(turn)
    }

    pub(crate) fn sync_tick(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        for id in self.sync.questions.late(turn.now, self.config.response_timeout) {
            self.forget_tip(id);
            self.blame(turn, id, Offence::Late)?;
        }
        self.shortcut_tick(turn)?;
        self.keep_snapshot(turn)?;
        self.advance(turn)
    }

    /// What a peer has shown led nowhere: until it shows more, it is not asked.
    fn forget_tip(&mut self, id: PeerId) {
        self.peers.all.get_mut(&id).into_iter().for_each(|p| p.tip = None);
    }

    /// Whether a block is in our chain.
    fn is_ours(&self, name: BlockName) -> StepResult<bool> {
        Ok(self.ledger.store().header(name.height)?.is_some_and(|h| h.hash() == name.hash))
    }

    pub(crate) fn told_tip(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        sealed: SealedHeader,
    ) -> StepResult {
        let name = BlockName::of(&sealed.header);
        // What is ours, or is being fetched, has been found to be sealed.
        let known = self.sync.holds(name) || self.is_ours(name)?;
        if !known && !sealed.holds(self.ledger.chain()) {
            return self.blame(turn, id, Offence::Invalid);
        }
        self.shows(turn, id, name);
        if !known {
            self.follow(turn, vec![sealed])?;
        }
        self.advance(turn)
    }

    /// A peer's last block is this, as it has shown.
    fn shows(&mut self, turn: &StepContext<'_>, id: PeerId, name: BlockName) {
        if self.sync.bad.contains(&name.hash) {
            return self.forget_tip(id);
        }
        self.peers.all.get_mut(&id).into_iter().for_each(|p| p.tip = Some(name));
        // If it had not one of them before, it has now.
        if self.sync.holds(name) {
            self.sync.branch.iter_mut().for_each(|w| w.denied.retain(|peer| *peer != id));
        }
        if self.sync.shown.is_none_or(|(best, _)| better(name, best)) {
            self.sync.shown = Some((name, turn.now + self.config.response_timeout));
        }
    }

    /// A peer has given what it was asked for.
    fn gave(&mut self, turn: &StepContext<'_>, id: PeerId) {
        if let Some(peer) = self.peers.all.get_mut(&id) {
            (peer.gave, peer.missed) = (Some(turn.now), 0);
        }
    }

    pub(crate) fn told_headers(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        all: Vec<SealedHeader>,
    ) -> StepResult {
        let asked = self.sync.questions.answered(id, |about| about.headers().is_some());
        let Some(from) = asked.and_then(|about| about.headers()) else {
            return self.blame(turn, id, Offence::Unasked);
        };
        let linked = all.windows(2).all(|pair| match pair {
            [a, b] => b.header.previous == a.header.hash() && b.header.height == a.header.height.next(),
            _ => false,
        });
        if !linked || !self.sealed(&all) {
            return self.blame(turn, id, Offence::Invalid);
        }
        let (before, full) = (self.sync.best(), all.len() == usize::from(MAX_HEADERS));
        let Some(last) = all.last().map(|s| BlockName::of(&s.header)) else {
            self.forget_tip(id);
            return self.advance(turn);
        };
        self.follow(turn, all)?;
        // Of two who were asked, the second tells what the first has told.
        let leads = self.sync.best() != before
            || better(last, from) && (self.sync.holds(last) || self.is_ours(last)?);
        if leads {
            self.gave(turn, id);
        }
        let tip = self.peers.all.get(&id).and_then(|p| p.tip);
        match tip {
            _ if !leads => self.forget_tip(id),
            Some(tip) if full && better(tip, last) => {}
            // It has no more than this, whatever it showed before.
            _ => self.shows(turn, id, last),
        }
        self.advance(turn)
    }

    fn sealed(&self, all: &[SealedHeader]) -> bool {
        let chain = self.ledger.chain();
        let signed = |s: &SealedHeader| SignedMessage {
            key: chain.params().operator,
            message: s.header.seal_message(chain.id()),
            signature: s.seal,
        };
        verify_signatures(&all.iter().map(signed).collect::<Vec<_>>()).is_ok()
    }

    /// Takes sealed headers, each following the one before, into the branch, if that is worth it.
    fn follow(&mut self, turn: &mut StepContext<'_>, mut all: Vec<SealedHeader>) -> StepResult {
        let ours = self.ledger.tip().height;
        let mut known = 0;
        for s in all.iter().take_while(|s| s.header.height <= ours) {
            if self.ledger.store().header(s.header.height)?.is_some_and(|h| h == s.header) {
                known += 1;
            } else if self.ledger.is_news(s)
                && let Some(twice) = self.ledger.see(s)?
            {
                turn.note(LogEvent::DoubleSeal(Box::new(twice)));
            }
        }
        all.drain(..known);
        all.retain(|s| !self.sync.holds(BlockName::of(&s.header)));
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
                    turn.note(LogEvent::BranchRejected(e));
                    return Ok(());
                }
            }
            self.sync.branch.clear();
        }
        let room = self.sync.room();
        self.sync.branch.extend(all.into_iter().take(room).map(BranchBlock::new));
        Ok(())
    }

    /// Connects what is here, and asks for what is not.
    pub(crate) fn advance(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        while !self.sync.shortcut.taken() && self.grow(turn)? {}
        self.pull(turn)
    }

    /// Connects the next block or follows the branch, if that can be done; says whether it was.
    fn grow(&mut self, turn: &mut StepContext<'_>) -> StepResult<bool> {
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
        let body = |w: BranchBlock| if let Fetch::Here(block) = w.body { Some(*block) } else { None };
        let blocks: Vec<Block> = self.sync.branch.drain(..take).filter_map(body).collect();
        let names: Vec<BlockName> = blocks.iter().map(|b| BlockName::of(&b.header)).collect();
        let connected = if next {
            blocks
                .into_iter()
                .try_fold(MempoolChange::default(), |_, b| self.ledger.connect(b))
                .map(|pool| (0, pool))
        } else {
            self.ledger.reorganise(blocks).map(|r| (r.undone.len(), r.pool))
        };
        let Some(name) = names.last().copied() else { return Ok(false) };
        match connected {
            Ok((0, pool)) => self.changed(turn, LogEvent::Connected(name), pool)?,
            Ok((undone, pool)) => self.changed(turn, LogEvent::Reorganised(name, undone), pool)?,
            Err(e) => self.refused(turn, &names, e)?,
        }
        Ok(true)
    }

    /// The chain has grown, or is another.
    pub(crate) fn changed(
        &mut self,
        turn: &mut StepContext<'_>,
        how: LogEvent,
        pool: MempoolChange,
    ) -> StepResult {
        turn.note(how);
        pool.alarms.into_iter().for_each(|d| turn.note(LogEvent::DoubleSeal(Box::new(d))));
        pool.dropped.into_iter().for_each(|(_, why)| turn.note(LogEvent::Dropped(why)));
        if let Some(e) = pool.unsaved {
            return Err(e.into());
        }
        self.draft = None;
        self.relay_changed(turn)
    }

    /// A sealed branch is not followed. Which of its blocks is at fault is not told apart: a branch that is given up here
    /// is worth another look only if its operator seals a better one, which has another name.
    fn refused(&mut self, turn: &mut StepContext<'_>, names: &[BlockName], why: LedgerError) -> StepResult {
        self.sync.branch.clear();
        for name in names {
            self.sync.bad.insert(name.hash);
        }
        match (why, names.last()) {
            (LedgerError::Refused(why), Some(name)) => turn.note(LogEvent::InvalidBlock(*name, why)),
            (LedgerError::DoubleSeal(d), _) => turn.note(LogEvent::DoubleSeal(d)),
            (LedgerError::Fork(e), _) => turn.note(LogEvent::BranchRejected(e)),
            (e, _) => return Err(e),
        }
        Ok(())
    }

    pub(crate) fn told_block(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        (sealed, body): (SealedHeader, &[u8]),
    ) -> StepResult {
        let name = BlockName::of(&sealed.header);
        // Who is asked for less may give all.
        if self.sync.questions.answered(id, |about| about.block() == Some(&name.hash)).is_none() {
            return self.blame(turn, id, Offence::Unasked);
        }
        // The header was found to be sealed before its body was asked for.
        let Some(w) = self.sync.wanted(name).filter(|w| !matches!(w.body, Fetch::Here(_))) else {
            return self.advance(turn);
        };
        let sound = |b: &Body| body_hash(b) == sealed.header.body_hash;
        let Some(body) = Body::from_bytes(body).ok().filter(sound) else {
            self.blame(turn, id, Offence::Invalid)?;
            return self.advance(turn);
        };
        let SealedHeader { header, seal } = w.sealed.clone();
        w.body = Fetch::Here(Box::new(Block { header, seal, body }));
        self.gave(turn, id);
        self.advance(turn)
    }

    pub(crate) fn told_compact(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        compact: Compact,
    ) -> StepResult {
        let name = BlockName::of(&compact.sealed.header);
        if self.sync.questions.answered(id, |about| *about == Wanted::Compact(name.hash)).is_none() {
            return self.blame(turn, id, Offence::Unasked);
        }
        let Some(w) = self.sync.wanted(name).filter(|w| !matches!(w.body, Fetch::Here(_))) else {
            return self.advance(turn);
        };
        let filling = Filling::new(compact, self.ledger.mempool().iter().map(|(_, t)| t));
        let (outputs, kernels) = filling.missing();
        w.body = Fetch::Filling(id, Box::new(filling));
        if outputs.is_empty() && kernels.is_empty() {
            return self.filled(turn, id, name);
        }
        self.sync.questions.ask(turn.now, id, Wanted::Items(name.hash));
        turn.send(id, Message::AskItems { block: name, outputs, kernels });
        Ok(())
    }

    pub(crate) fn told_items(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        (block, outputs, kernels): (BlockName, Vec<Output>, Vec<Kernel>),
    ) -> StepResult {
        if self.sync.questions.answered(id, |about| *about == Wanted::Items(block.hash)).is_none() {
            return self.blame(turn, id, Offence::Unasked);
        }
        let Some(w) = self.sync.wanted(block) else { return self.advance(turn) };
        let Fetch::Filling(peer, filling) = &mut w.body else { return self.advance(turn) };
        if *peer != id {
            return self.advance(turn);
        }
        if !filling.fill(outputs, kernels) {
            (w.body, w.whole) = (Fetch::Open, true);
            self.blame(turn, id, Offence::Invalid)?;
            return self.advance(turn);
        }
        self.filled(turn, id, block)
    }

    /// A compact block has all its parts. If they do not make the sealed body, a short id was another's, by chance or by its
    /// sender's will: the whole is asked for.
    fn filled(&mut self, turn: &mut StepContext<'_>, id: PeerId, name: BlockName) -> StepResult {
        let Some(w) = self.sync.wanted(name) else { return Ok(()) };
        w.whole = true;
        if let Fetch::Filling(_, filling) = core::mem::replace(&mut w.body, Fetch::Open) {
            if let Some(block) = filling.block() {
                w.body = Fetch::Here(Box::new(block));
                self.gave(turn, id);
            } else {
                self.blame(turn, id, Offence::Mismatch)?;
            }
        }
        self.advance(turn)
    }

    /// A peer has not what it was asked for: it is asked of others at once.
    pub(crate) fn told_have_not(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        name: BlockName,
    ) -> StepResult {
        if self.sync.questions.answered(id, |about| about.block() == Some(&name.hash)).is_none() {
            return self.blame(turn, id, Offence::Unasked);
        }
        let peers = &self.peers.all;
        if let Some(w) = self.sync.wanted(name) {
            w.denied.retain(|peer| peers.contains_key(peer));
            w.denied.push(id);
            w.body = match core::mem::replace(&mut w.body, Fetch::Open) {
                Fetch::Filling(peer, _) if peer == id => Fetch::Open,
                body => body,
            };
            // What it showed last lies above: it has left that branch, or dropped the bodies.
            if peers.get(&id).and_then(|p| p.tip).is_some_and(|tip| self.sync.holds(tip)) {
                self.forget_tip(id);
            }
        }
        self.advance(turn)
    }
}
