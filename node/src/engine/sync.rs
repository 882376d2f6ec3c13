//! Following the chain: headers first, then bodies from several peers at once, then the rules.
//!
//! ```text
//! tip or headers ─▶ sealed, linked, better ─▶ branch ─▶ bodies requested from peers that have them ─▶ here   [`bodies`], [`fetch`]
//!                                                        compact when it is the next block, else whole
//! the next block is here ─▶ connected          a better branch from further down is here ─▶ adopted at once
//! ```
//!
//! A node that is far behind fetches a [snapshot](super::snapshot_sync) before the bodies, and so does one
//! whose peers have dropped the bodies that it needs, however short the chain is.
//!
//! Headers under terms that are not known yet are judged once the changes of the terms are here, which are
//! asked of the peer that sent them: one header, certificate and set each, every one judged by the terms
//! before.
//!
//! Only the operator can seal a header, so no other peer can make a node fetch anything. Headers cost a node
//! some hundred bytes each, at most [`MAX_AHEAD`](super::branch::MAX_AHEAD) at a time, unless it is choosing
//! a snapshot. A body that is not the one its header names is not decoded, and the seal that is stored is the
//! one that came with the header: what a copy adds to its header condemns the copy and its sender, never the
//! header. A block that breaks a rule is not fetched again until the chain changes.
//!
//! Every request for a block has a response: the block, or that the peer does not have it. A response without
//! a request adds to the peer's ban score.
//!
//! Guaranteed: of two honest nodes that can talk, the one with the worse branch gets the better one, unless
//! that leaves deeper than the chain allows. Not guaranteed: bounded memory against the *operator*: bodies of
//! a branch from K blocks below are held until it is better.

pub(crate) mod bodies;
pub(crate) mod fetch;
mod pages;
pub(crate) mod requests;

use super::{
    branch::{BranchBlock, Fetch},
    context::{PartEvent, Signal, StepContext, StepResult},
    peers::Recent,
};
use crate::{
    effect::LogEvent,
    ledger::{
        LedgerError, MempoolChange, Reorganised,
        fork::{self, ForkError, OurBranch},
    },
    message::{BlockName, MAX_HEADERS, Message, price::Answer},
    peer::{Offence, PeerId},
    seal::SealedHeader,
};
use core::cmp::Ordering;
use pages::is_full;
use requests::{BlockItems, BlockRequests, Wanted};
use sotto_mw::{
    batch::verify_signatures,
    block::Block,
    error::Rejection,
    history::{History, TermsChange},
};

/// Blocks that are verified and made durable together while the node is far behind, at most.
const GROUP: usize = 16;

/// Blocks that broke a rule, as far as they are remembered.
const MAX_BAD: usize = 1_024;

/// The open requests for headers and blocks, and the blocks that are not to be fetched again.
pub(crate) struct Sync {
    requests: BlockRequests,
    bad: Recent,
}

impl Sync {
    pub(crate) fn new() -> Self {
        Self { requests: BlockRequests::default(), bad: Recent::new(MAX_BAD) }
    }

    /// Takes note that what a peer was asked for is here; says whether it is the first to answer the
    /// question.
    pub(crate) fn came(&mut self, id: PeerId, answer: Answer) -> bool {
        self.requests.came(id, |about| match answer {
            Answer::Headers => about.headers().is_some(),
            Answer::Terms => *about == Wanted::Terms,
            Answer::Compact(hash) => *about == Wanted::Compact(hash),
            Answer::Items(hash) => *about == Wanted::Items(hash),
            Answer::Block(hash) => about.block() == Some(&hash),
            Answer::Transaction(_) | Answer::Snapshots | Answer::Part(..) => false,
        })
    }

    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: PartEvent<'_>) -> StepResult {
        match event {
            PartEvent::Advance => return self.connect(ctx),
            PartEvent::Message(id, message) => self.on_message(ctx, id, message)?,
            PartEvent::Signal(Signal::Disconnected(id, _)) => self.requests.lost(*id),
            // Each change of the chain is a new start: a refusal is worth a second look from another tip.
            PartEvent::Signal(Signal::ChainChanged) => {
                self.bad.clear();
                let ours = ctx.ledger.store().history();
                if ours.last_change() > ctx.branch.history.last_change()
                    || !ctx.branch.history.states_terms(ctx.ledger.tip())
                {
                    ctx.branch.history = ours.clone();
                }
                return Ok(());
            }
            PartEvent::Tick => {
                for id in self.requests.late(ctx.now, ctx.config.response_timeout) {
                    ctx.peers.forget_tip(id);
                    self.blame(ctx, id, Offence::Late);
                }
            }
            PartEvent::Ready(_) => {}
            PartEvent::Signal(_) => return Ok(()),
        }
        ctx.advance = true;
        Ok(())
    }

    fn on_message(&mut self, ctx: &mut StepContext<'_>, id: PeerId, message: Message) -> StepResult {
        match message {
            Message::Tip(sealed) => self.on_tip(ctx, id, sealed),
            Message::Headers(all) => self.on_headers(ctx, id, all),
            Message::Terms(all) => self.on_terms(ctx, id, &all),
            Message::Compact(compact) => self.on_compact(ctx, id, compact),
            Message::Items { block, outputs, kernels } => {
                self.on_items(ctx, id, BlockItems { block, outputs, kernels })
            }
            Message::Block { sealed, body } => self.on_block(ctx, id, &sealed, &body),
            Message::NotFound(name) => self.on_have_not(ctx, id, name),
            _ => Ok(()),
        }
    }

    fn blame(&mut self, ctx: &mut StepContext<'_>, id: PeerId, offence: Offence) {
        if ctx.blame(id, offence) {
            self.requests.lost(id);
        }
    }

    /// Connects what is here, and asks for headers.
    fn connect(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        while !ctx.branch.is_suspended() && self.connect_next(ctx)? {}
        self.fetch_headers(ctx)
    }

    fn on_tip(&mut self, ctx: &mut StepContext<'_>, id: PeerId, sealed: SealedHeader) -> StepResult {
        let name = BlockName::of(&sealed.header);
        // What is ours, or is being fetched, has been found to be sealed.
        let known = ctx.branch.holds(name) || ctx.is_ours(name)?;
        if !known && !ctx.branch.history.knows_terms(&sealed.header) {
            // It cannot be judged before the blocks that lead to its terms: they are asked for, nothing more.
            ctx.peers.all.get_mut(&id).into_iter().for_each(|p| p.claim = Some(name));
            return Ok(());
        }
        if !known && !are_sealed(&ctx.branch.history, core::slice::from_ref(&sealed)) {
            self.blame(ctx, id, Offence::Invalid);
            return Ok(());
        }
        if self.is_other(ctx, id, core::slice::from_ref(&sealed)) {
            return Ok(());
        }
        self.on_shown(ctx, id, name);
        if !known {
            self.follow(ctx, vec![sealed])?;
        }
        Ok(())
    }

    /// Whether one of these sealed headers is not that of a checkpoint: then the peer's chain is not
    /// followed.
    fn is_other(&mut self, ctx: &mut StepContext<'_>, id: PeerId, all: &[SealedHeader]) -> bool {
        let other = all.iter().map(|s| &s.header).find(|h| ctx.ledger.fits_checkpoints(h).is_err());
        let Some(name) = other.map(BlockName::of) else { return false };
        if ctx.branch.refused.replace(name) != Some(name) {
            ctx.log(LogEvent::OtherCheckpoint(name));
        }
        // What leads there is of that chain too.
        let led = ctx.branch.best().map(|best| best.hash) == all.first().map(|s| s.header.previous);
        if led {
            ctx.branch.blocks.clear();
            ctx.branch.history = ctx.ledger.store().history().clone();
        }
        ctx.peers.forget_tip(id);
        true
    }

    /// A peer's last block is this, as it has shown.
    fn on_shown(&mut self, ctx: &mut StepContext<'_>, id: PeerId, name: BlockName) {
        if self.bad.contains(&name.hash) {
            return ctx.peers.forget_tip(id);
        }
        ctx.peers.all.get_mut(&id).into_iter().for_each(|p| p.tip = Some(name));
        // If it had not one of them before, it has now.
        if ctx.branch.holds(name) {
            ctx.branch.blocks.iter_mut().for_each(|w| w.denied.retain(|peer| *peer != id));
        }
        if ctx.branch.shown.is_none_or(|(best, _)| name.is_better(best)) {
            ctx.branch.shown = Some((name, ctx.now + ctx.config.response_timeout));
        }
    }

    fn on_headers(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        mut all: Vec<SealedHeader>,
    ) -> StepResult {
        let asked = self.requests.answered(id, |about| about.headers().is_some());
        let Some(from) = asked.and_then(|about| about.headers()) else {
            self.blame(ctx, id, Offence::Unasked);
            return Ok(());
        };
        let linked = all.windows(2).all(|pair| match pair {
            [a, b] => b.header.previous == a.header.hash() && b.header.height == a.header.height.next(),
            _ => false,
        });
        // What is ours has been found to be sealed: repeating it costs no signature.
        let known = if linked { known(ctx, &all)? } else { 0 };
        // Those under terms that are not known yet are asked for again, once their blocks are here.
        let judged = all.iter().skip(known).take_while(|s| ctx.branch.history.knows_terms(&s.header)).count();
        let terms_follow = all.windows(2).all(|pair| match pair {
            [a, b] => b.header.terms == a.header.next_terms,
            _ => false,
        });
        let linked = linked && terms_follow;
        let unknown_terms = known + judged < all.len();
        let full = unknown_terms || is_full(&all);
        all.truncate(known + judged);
        if !linked || !are_sealed(&ctx.branch.history, all.get(known..).unwrap_or_default()) {
            self.blame(ctx, id, Offence::Invalid);
            return Ok(());
        }
        if self.is_other(ctx, id, &all) {
            return Ok(());
        }
        if unknown_terms && !self.requests.is_asked_of(id, |about| *about == Wanted::Terms) {
            self.requests.ask(ctx.now, id, Wanted::Terms);
            ctx.send(id, Message::GetTerms(ctx.branch.history.last_change()));
        }
        let before = ctx.branch.best();
        let Some(last) = all.last().map(|s| BlockName::of(&s.header)) else {
            ctx.peers.forget_tip(id);
            return Ok(());
        };
        self.follow(ctx, all)?;
        // Of two peers that were asked, the second repeats what the first sent.
        let leads = ctx.branch.best() != before
            || last.is_better(from) && (ctx.branch.holds(last) || ctx.is_ours(last)?);
        if leads {
            ctx.peers.gave(ctx.now, id);
        }
        let tip = ctx.peers.all.get(&id).and_then(|p| p.tip);
        match tip {
            _ if !leads => ctx.peers.forget_tip(id),
            Some(tip) if full && tip.is_better(last) => {}
            // It has no more than this, whatever it showed before.
            _ => self.on_shown(ctx, id, last),
        }
        Ok(())
    }

    /// Changes of the terms: headers under them can be judged now, and are asked for again.
    fn on_terms(&mut self, ctx: &mut StepContext<'_>, id: PeerId, all: &[TermsChange]) -> StepResult {
        if self.requests.answered(id, |about| *about == Wanted::Terms).is_none() {
            self.blame(ctx, id, Offence::Unasked);
            return Ok(());
        }
        let history = &mut ctx.branch.history;
        let known = history.last_change();
        // Another peer may have sent the first of them meanwhile.
        let (old, new) = all.split_at(all.partition_point(|c| c.sealed.header.height < known));
        let follows =
            old.iter().all(|c| history.states_terms(&c.sealed.header)) && history.extend(new).is_ok();
        let advances = history.last_change() > known;
        if !follows {
            self.blame(ctx, id, Offence::Invalid);
        } else if advances && !self.requests.is_asked_of(id, |about| about.headers().is_some()) {
            self.ask_for_headers(ctx, id)?;
        }
        Ok(())
    }

    /// Takes sealed headers, each following the one before, into the branch, if that is worth it.
    fn follow(&mut self, ctx: &mut StepContext<'_>, mut all: Vec<SealedHeader>) -> StepResult {
        let ours = ctx.ledger.tip().height;
        let mut known = 0;
        for s in all.iter().take_while(|s| s.header.height <= ours) {
            if ctx.ledger.store().header(s.header.height)?.is_some_and(|h| h == s.header) {
                known += 1;
            } else if ctx.ledger.is_news(s)
                && let Some(twice) = ctx.ledger.see(s)?
            {
                ctx.on_double_seal(twice)?;
            }
        }
        all.drain(..known);
        all.retain(|s| !ctx.branch.holds(BlockName::of(&s.header)));
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(()) };
        if all.iter().any(|s| self.bad.contains(&s.header.hash())) {
            return Ok(());
        }
        let extends = ctx.branch.best().is_some_and(|best| best.hash == first.header.previous);
        if !extends {
            let fork = first.header.height.minus(1);
            let common = ctx.ledger.store().header(fork)?.is_some_and(|h| h.hash() == first.header.previous);
            let promising = ctx.branch.best().is_none_or(|best| BlockName::of(&last.header).is_better(best));
            if !common || !promising {
                return Ok(());
            }
            let ours = OurBranch { tip: ctx.ledger.tip(), floor: ctx.ledger.store().floor() };
            match fork::choose(ctx.ledger.chain(), ours, &last.header, fork) {
                Ok(()) => {}
                // The beginning of a branch that may yet turn out better.
                Err(ForkError::NotBetter { .. })
                    if all.len() == usize::from(MAX_HEADERS) && fork >= ours.floor => {}
                Err(ForkError::NotBetter { .. }) => return Ok(()),
                Err(e) => {
                    ctx.log(LogEvent::BranchRejected(e));
                    return Ok(());
                }
            }
            ctx.branch.blocks.clear();
        }
        let room = ctx.branch.room();
        ctx.branch.blocks.extend(all.into_iter().take(room).map(BranchBlock::new));
        Ok(())
    }

    /// Connects the next block or follows the branch, if that can be done; says whether it was.
    fn connect_next(&mut self, ctx: &mut StepContext<'_>) -> StepResult<bool> {
        // What consensus has connected in the meantime is no branch.
        while let Some(front) = ctx.branch.blocks.front().map(|w| w.name)
            && ctx.is_ours(front)?
        {
            ctx.branch.blocks.pop_front();
        }
        if !ctx.leads_to_checkpoint() {
            return Ok(false);
        }
        let Some(front) = ctx.branch.blocks.front() else { return Ok(false) };
        let fork = front.name.height.minus(1);
        if ctx.ledger.store().header(fork)?.is_none_or(|h| h.hash() != front.sealed.header.previous) {
            ctx.branch.blocks.clear();
            return Ok(false);
        }
        let here = ctx.branch.blocks.iter().take_while(|w| w.is_here()).count();
        let next = fork == ctx.ledger.tip().height;
        if next && self.waits(ctx, here) {
            return Ok(false);
        }
        let take = if next { here.min(GROUP) } else { here };
        let Some(last) = take.checked_sub(1).and_then(|i| ctx.branch.blocks.get(i)) else { return Ok(false) };
        if fork::compare(&last.sealed.header, ctx.ledger.tip()) != Ordering::Greater {
            return Ok(false);
        }
        let body = |w: BranchBlock| if let Fetch::Here(block) = w.body { Some(*block) } else { None };
        let blocks: Vec<Block> = ctx.branch.blocks.drain(..take).filter_map(body).collect();
        let names: Vec<BlockName> = blocks.iter().map(|b| BlockName::of(&b.header)).collect();
        let connected = follow(ctx, blocks, next)?;
        let Some(name) = names.last().copied() else { return Ok(false) };
        match connected {
            Ok((0, mempool)) if ctx.branch.is_fetching() => {
                ctx.chain_changed(LogEvent::Fetched(name), mempool)?;
            }
            Ok((0, mempool)) => ctx.chain_changed(LogEvent::Connected(name), mempool)?,
            Ok((undone, mempool)) => ctx.chain_changed(LogEvent::Reorganised(name, undone), mempool)?,
            Err(e) => self.reject(ctx, &names, e)?,
        }
        Ok(true)
    }

    /// Whether the next block waits for those after it, which are on their way, to be verified and made durable
    /// with them. Where the node is not far behind, none waits.
    fn waits(&self, ctx: &StepContext<'_>, here: usize) -> bool {
        let missing = ctx.branch.blocks.get(here).map(|w| w.name.hash);
        let asked = missing.is_some_and(|hash| self.requests.is_asked(|about| about.block() == Some(&hash)));
        here < GROUP && ctx.branch.blocks.len() > 2 * GROUP && asked
    }

    /// A sealed branch is not followed. Its first block that breaks a rule, and what builds on that, are not
    /// fetched again; the sound blocks before it may yet be part of another branch.
    fn reject(&mut self, ctx: &mut StepContext<'_>, names: &[BlockName], why: LedgerError) -> StepResult {
        ctx.branch.blocks.clear();
        let (from, why) = match why {
            LedgerError::Refused(why) => (names.first().map(|n| n.height), why),
            LedgerError::InvalidBlock(broken) => (Some(broken.height), broken.why),
            // Neither says anything against a block: the one is about our tip, the other about the operator.
            LedgerError::DoubleSeal(d) => return ctx.on_double_seal(*d),
            LedgerError::OtherCheckpoint(e) => {
                ctx.log(LogEvent::OtherCheckpoint(BlockName { hash: e.found, ..e.checkpoint }));
                return Ok(());
            }
            LedgerError::Fork(e) => {
                ctx.log(LogEvent::BranchRejected(e));
                return Ok(());
            }
            e => return Err(e),
        };
        let broken = names.iter().filter(|n| from.is_some_and(|from| n.height >= from));
        if condemns_the_block(&why) {
            broken.clone().for_each(|name| _ = self.bad.insert(name.hash));
        }
        broken
            .clone()
            .next()
            .into_iter()
            .for_each(|name| ctx.log(LogEvent::InvalidBlock(*name, why.clone())));
        Ok(())
    }
}

/// Connects blocks; returns how many others were undone for it, and what left the mempool. Of a group of next
/// blocks the sound ones before the first that breaks a rule stay.
fn follow(
    ctx: &mut StepContext<'_>,
    mut blocks: Vec<Block>,
    next: bool,
) -> StepResult<Result<(usize, MempoolChange), LedgerError>> {
    let followed = |r: Reorganised| (r.undone.len(), r.mempool);
    if !next {
        return Ok(ctx.ledger.reorganise(blocks).map(followed));
    }
    if blocks.len() == 1 {
        return Ok(blocks
            .pop()
            .map_or(Ok(MempoolChange::default()), |b| ctx.ledger.connect(b))
            .map(|m| (0, m)));
    }
    let done = ctx.ledger.reorganise(blocks.clone()).map(followed);
    if let Err(LedgerError::InvalidBlock(broken)) = &done {
        blocks.retain(|b| b.header.height < broken.height);
        if let Some(last) = blocks.last().map(|b| BlockName::of(&b.header)) {
            let mempool = ctx.ledger.reorganise(blocks)?.mempool;
            ctx.chain_changed(LogEvent::Connected(last), mempool)?;
        }
    }
    Ok(done)
}

/// Whether breaking this rule says something about the block that a header names. A body or a seal that is
/// not the header's (MW-R20, MW-R21) says something about one copy, and its sender.
fn condemns_the_block(why: &Rejection) -> bool {
    !matches!(why, Rejection::BodyHash | Rejection::Seal)
}

/// How many headers of a list that is linked are in the chain, from its first on.
fn known(ctx: &StepContext<'_>, all: &[SealedHeader]) -> StepResult<usize> {
    let mut known = 0;
    for s in all {
        if !ctx.is_ours(BlockName::of(&s.header))? {
            break;
        }
        known += 1;
    }
    Ok(known)
}

/// Whether all of these headers are sealed under the terms of their heights.
pub(super) fn are_sealed(history: &History, all: &[SealedHeader]) -> bool {
    let signed: Option<Vec<_>> = all.iter().map(|s| history.signed(s)).collect();
    signed.is_some_and(|all| verify_signatures(&all.concat()).is_ok())
}
