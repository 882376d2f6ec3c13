//! Of whom headers and blocks are asked.
//!
//! ```text
//! who has a block:  its tip is that block or above it in the branch  ▶ surely
//!                   its tip is higher, and neither in the branch nor in our chain  ▶ perhaps
//! who comes first:  nobody whom we wait for  ▸ asked for the least  ▸ surely  ▸ has given something  ▸ chosen by us
//! ```
//!
//! Whoever has given nothing yet is asked for one block at a time.
//!
//! A tip is the header that a peer has shown under its seal; what it merely claims counts for nothing. Whoever lets us wait for
//! [`Config::block_timeout`] is asked no more as long as others can be, and the next that is needed, headers or the first block of the
//! branch, is asked of others too. So a block comes soon while one honest peer has it, whatever others announce.
//!
//! [`Config::block_timeout`]: crate::config::Config::block_timeout

use crate::{
    engine::{
        Node, StepContext, StepResult,
        peers::Peer,
        sync::{
            Fetch, MAX_AHEAD, WINDOW, better,
            questions::{More, Wanted},
        },
    },
    message::{BlockName, MAX_LOCATOR, MAX_MESSAGE, Message},
    peer::PeerId,
    storage::Files,
};
use core::cmp::Reverse;
use sotto_mw::amount::Height;

/// Somebody who may have blocks of the branch.
struct Holder {
    id: PeerId,
    /// The height up to which it has them.
    to: Height,
    perhaps: bool,
    missed: bool,
    load: usize,
    stranger: bool,
    inbound: bool,
    /// How many blocks it may be asked for at a time.
    most: usize,
}

impl Holder {
    /// The least is asked first.
    const fn rank(&self) -> (bool, usize, bool, bool, bool, PeerId) {
        (self.missed, self.load, self.perhaps, self.stranger, self.inbound, self.id)
    }
}

impl<F: Files> Node<F> {
    /// Asks for headers and bodies, of whoever seems to have them.
    pub(crate) fn pull(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        self.pull_headers(turn)?;
        self.consider_shortcut(turn);
        if self.sync.shortcut.taken() {
            self.pull_parts(turn);
            return Ok(());
        }
        self.pull_bodies(turn)
    }

    /// Peers that have shown a better block than any that is here or being fetched.
    fn ahead(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        let best = self.sync.best().unwrap_or(BlockName::of(self.ledger.tip()));
        self.peers.ready().filter(move |(_, p)| p.tip.is_some_and(|tip| better(tip, best)))
    }

    /// Whether all headers are here that anybody has shown.
    pub(crate) fn has_all_headers(&self) -> bool {
        self.ahead().next().is_none()
    }

    fn pull_headers(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        // Headers are not asked for from the genesis on while the state of a later block is on its way.
        let later = self.sync.shortcut.taken() && self.sync.branch.is_empty();
        if later || self.sync.room() < MAX_AHEAD / 2 || self.has_all_headers() {
            return Ok(());
        }
        let headers = |about: &Wanted| about.headers().is_some();
        let more = self.more(turn, headers);
        let questions = &self.sync.questions;
        let mut able: Vec<_> = self
            .ahead()
            .filter(|(id, _)| !questions.is_asked_of(*id, headers))
            .map(|(id, p)| (p.missed > 0, p.gave.is_none(), !p.outbound(), Reverse(p.tip), id))
            .collect();
        able.sort_unstable();
        let most = match more {
            More::None => 0,
            More::Sound(n) => n.min(able.partition_point(|(missed, ..)| !missed)),
            More::Any(n) => n,
        };
        let best = self.sync.best().unwrap_or(BlockName::of(self.ledger.tip()));
        for (.., id) in able.into_iter().take(most) {
            self.sync.questions.ask(turn.now, id, Wanted::Headers(best));
            turn.send(id, Message::AskHeaders(self.locator()?));
        }
        Ok(())
    }

    fn more(&mut self, turn: &StepContext<'_>, which: impl Fn(&Wanted) -> bool) -> More {
        self.sync.questions.more((turn.now, self.config.block_timeout), which, &mut self.peers.all)
    }

    /// Names of blocks we have, ever further apart, from the end of the branch to the genesis.
    fn locator(&self) -> StepResult<Vec<BlockName>> {
        let mut names: Vec<BlockName> = self.sync.best().into_iter().collect();
        let (mut height, mut gap) = (self.ledger.tip().height, 1u64);
        while names.len() + 1 < usize::from(MAX_LOCATOR) && height > Height::GENESIS {
            names.extend(self.ledger.store().header(height)?.map(|h| BlockName::of(&h)));
            (height, gap) = (height.minus(gap), if names.len() < 10 { 1 } else { gap.saturating_mul(2) });
        }
        names.extend(self.ledger.store().header(Height::GENESIS)?.map(|h| BlockName::of(&h)));
        Ok(names)
    }

    fn pull_bodies(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let (ours, tip) = (self.ledger.tip().height, self.ledger.tip().hash());
        let Some(front) = self.sync.branch.front() else { return Ok(()) };
        // A branch from below is held until it is better.
        let behind = ours.get().saturating_sub(front.name.height.get()) as usize + 1;
        let next = self.sync.branch.len() == 1 && front.sealed.header.previous == tip;
        let missing = self.sync.branch.iter().enumerate().take(WINDOW.max(behind));
        let missing = missing.filter(|(_, w)| !matches!(w.body, Fetch::Here(_)));
        let missing: Vec<(BlockName, bool)> = missing.map(|(_, w)| (w.name, next && !w.whole)).collect();
        let mut holders = self.holders()?;
        for (n, (name, compact)) in missing.into_iter().enumerate() {
            let this = |about: &Wanted| about.block() == Some(&name.hash);
            let asked = self.sync.questions.is_asked(this);
            if asked && n > 0 {
                continue;
            }
            let more = self.more(turn, this);
            let mut able = self.able(&holders, name);
            if able.is_empty() && !asked && n == 0 {
                self.give_up();
                return Ok(());
            }
            // What is not needed next waits for somebody who does not let us wait, if there is one.
            let patient = n > 0 && able.iter().any(|i| holders.get(*i).is_some_and(|h| !h.missed));
            let sound = patient || matches!(more, More::Sound(_));
            able.retain(|i| holders.get(*i).is_some_and(|h| h.load < h.most && !(sound && h.missed)));
            able.sort_unstable_by_key(|i| holders.get(*i).map(Holder::rank));
            let most = match more {
                More::None => 0,
                More::Sound(n) | More::Any(n) => n,
            };
            for holder in able.into_iter().take(most) {
                let Some(holder) = holders.get_mut(holder) else { continue };
                holder.load += 1;
                self.ask_block(turn, holder.id, (name, compact && !asked));
            }
        }
        Ok(())
    }

    fn ask_block(&mut self, turn: &mut StepContext<'_>, id: PeerId, (name, compact): (BlockName, bool)) {
        let about = if compact { Wanted::Compact(name.hash) } else { Wanted::Block(name.hash) };
        self.sync.questions.ask(turn.now, id, about);
        if let Some(peer) = self.peers.all.get_mut(&id) {
            peer.received.grant(MAX_MESSAGE as u64);
        }
        turn.send(id, if compact { Message::AskCompact(name) } else { Message::AskBlock(name) });
    }

    /// Who may have blocks of the branch.
    fn holders(&self) -> StepResult<Vec<Holder>> {
        let mut all = Vec::new();
        for (id, p) in self.peers.ready() {
            let Some(tip) = p.tip else { continue };
            let surely = self.sync.holds(tip);
            if !surely && self.is_ours(tip)? {
                continue;
            }
            all.push(Holder {
                id,
                to: tip.height,
                perhaps: !surely,
                missed: p.missed > 0,
                load: self.sync.questions.load(id),
                stranger: p.gave.is_none(),
                inbound: !p.outbound(),
                most: if p.gave.is_some() { self.config.in_flight } else { 1 },
            });
        }
        Ok(all)
    }

    /// Which of the holders may have a block, have not denied it, and are not asked for it.
    fn able(&self, holders: &[Holder], name: BlockName) -> Vec<usize> {
        let denied = self.sync.find(name).map_or(&[][..], |w| &w.denied);
        let this = |about: &Wanted| about.block() == Some(&name.hash);
        let able = holders.iter().enumerate().filter(|(_, h)| {
            h.to >= name.height && !denied.contains(&h.id) && !self.sync.questions.is_asked_of(h.id, this)
        });
        able.map(|(i, _)| i).collect()
    }

    /// Nobody has the next block any more; whoever does will say so.
    fn give_up(&mut self) {
        let front = self.sync.branch.front();
        for id in front.map(|w| w.denied.clone()).unwrap_or_default() {
            self.forget_tip(id);
        }
        self.sync.branch.clear();
    }
}
