//! Which peers are asked for headers and blocks.
//!
//! ```text
//! who has a block:  its tip is that block or above it in the branch  ▶ surely
//!                   its tip is higher, and neither in the branch nor in our chain  ▶ perhaps
//! who comes first:  no request is late  ▸ the fewest requests  ▸ surely  ▸ has delivered something  ▸ outbound
//! ```
//!
//! A peer that has delivered nothing yet is asked for one block at a time.
//!
//! A tip is the header that a peer has shown under its seal; a mere claim counts for nothing. A peer that
//! does not respond for [`Config::block_timeout`] is asked no more as long as others can be, and what is
//! needed next, headers or the first block of the branch, is requested from others too. So a block comes soon
//! while one honest peer has it, whatever others announce.
//!
//! [`Config::block_timeout`]: crate::config::Config::block_timeout

use super::{
    Sync,
    requests::{More, Patience, Wanted},
};
use crate::{
    engine::{
        branch::MAX_AHEAD,
        context::{StepContext, StepResult},
    },
    message::{BlockName, MAX_LOCATOR, Message},
    peer::PeerId,
};
use core::cmp::Reverse;
use sotto_mw::amount::Height;

/// Bodies that are fetched ahead of the next block.
const WINDOW: usize = 32;

/// A peer that may have blocks of the branch.
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

impl Sync {
    pub(crate) fn fetch_headers(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        // Headers are not asked for from the genesis on while the state of a later block is on its way.
        let later = ctx.branch.is_suspended() && ctx.branch.blocks.is_empty();
        if later || ctx.branch.room() < MAX_AHEAD / 2 || ctx.peers_ahead().next().is_none() {
            return Ok(());
        }
        let headers = |about: &Wanted| about.headers().is_some();
        let more = self.more(ctx, headers);
        let requests = &self.requests;
        let mut able: Vec<_> = ctx
            .peers_ahead()
            .filter(|(id, _)| !requests.is_asked_of(*id, headers))
            .map(|(id, p)| (p.missed > 0, p.gave.is_none(), !p.outbound(), Reverse(p.tip), id))
            .collect();
        able.sort_unstable();
        let most = match more {
            More::None => 0,
            More::Sound(n) => n.min(able.partition_point(|(missed, ..)| !missed)),
            More::Any(n) => n,
        };
        able.into_iter().take(most).try_for_each(|(.., id)| self.ask_for_headers(ctx, id))
    }

    pub(super) fn ask_for_headers(&mut self, ctx: &mut StepContext<'_>, id: PeerId) -> StepResult {
        let best = ctx.branch.best().unwrap_or(BlockName::of(ctx.ledger.tip()));
        self.requests.ask(ctx.now, id, Wanted::Headers(best));
        let locator = locator(ctx)?;
        ctx.send(id, Message::GetHeaders(locator));
        Ok(())
    }

    fn more(&mut self, ctx: &mut StepContext<'_>, which: impl Fn(&Wanted) -> bool) -> More {
        let patience = Patience { now: ctx.now, timeout: ctx.config.block_timeout };
        self.requests.more(patience, which, &mut ctx.peers.all)
    }

    /// Requests the bodies of the branch, unless a snapshot comes first.
    pub(crate) fn fetch_bodies(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        if ctx.branch.is_suspended() {
            return Ok(());
        }
        let (ours, tip) = (ctx.ledger.tip().height, ctx.ledger.tip().hash());
        let Some(front) = ctx.branch.blocks.front() else { return Ok(()) };
        // A branch from below is held until it is better: one block more than ours may be needed.
        let behind = ours.get().saturating_sub(front.name.height.get()) as usize + 2;
        let next = ctx.branch.blocks.len() == 1 && front.sealed.header.previous == tip;
        let missing = ctx.branch.blocks.iter().enumerate().take(WINDOW.max(behind));
        let missing = missing.filter(|(_, w)| !w.is_here());
        let missing: Vec<(BlockName, bool)> = missing.map(|(_, w)| (w.name, next && !w.whole)).collect();
        let mut holders = self.holders(ctx)?;
        for (n, (name, compact)) in missing.into_iter().enumerate() {
            let this = |about: &Wanted| about.block() == Some(&name.hash);
            let asked = self.requests.is_asked(this);
            if asked && n > 0 {
                continue;
            }
            let more = self.more(ctx, this);
            let mut able = self.able(ctx, &holders, name);
            if able.is_empty() && !asked && n == 0 {
                on_no_holder(ctx);
                return Ok(());
            }
            // A block that is not needed next waits for a peer without slow requests, if there is one.
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
                self.request_block(ctx, holder.id, name, compact && !asked);
            }
        }
        Ok(())
    }

    fn request_block(&mut self, ctx: &mut StepContext<'_>, id: PeerId, name: BlockName, compact: bool) {
        let about = if compact { Wanted::Compact(name.hash) } else { Wanted::Block(name.hash) };
        self.requests.ask(ctx.now, id, about);
        ctx.send(id, if compact { Message::GetCompact(name) } else { Message::GetBlock(name) });
    }

    /// The peers that may have blocks of the branch.
    fn holders(&self, ctx: &StepContext<'_>) -> StepResult<Vec<Holder>> {
        let mut all = Vec::new();
        for (id, p) in ctx.peers.ready() {
            let Some(tip) = p.tip else { continue };
            let surely = ctx.branch.holds(tip);
            if !surely && ctx.is_ours(tip)? {
                continue;
            }
            all.push(Holder {
                id,
                to: tip.height,
                perhaps: !surely,
                missed: p.missed > 0,
                load: self.requests.load(id),
                stranger: p.gave.is_none(),
                inbound: !p.outbound(),
                most: if p.gave.is_some() { ctx.config.in_flight } else { 1 },
            });
        }
        Ok(all)
    }

    /// Which of the holders may have a block, have not denied it, and are not asked for it.
    fn able(&self, ctx: &StepContext<'_>, holders: &[Holder], name: BlockName) -> Vec<usize> {
        let denied = ctx.branch.get(name).map_or(&[][..], |w| &w.denied);
        let this = |about: &Wanted| about.block() == Some(&name.hash);
        let able = holders.iter().enumerate().filter(|(_, h)| {
            h.to >= name.height && !denied.contains(&h.id) && !self.requests.is_asked_of(h.id, this)
        });
        able.map(|(i, _)| i).collect()
    }
}

/// No peer has the first block of the branch. If peers say so of a block that no reorganisation can reach,
/// they have dropped its body, and a snapshot is needed; else the branch is theirs no longer.
fn on_no_holder(ctx: &mut StepContext<'_>) {
    let limit = ctx.ledger.chain().params().reorganisation;
    let front = ctx.branch.blocks.front().filter(|w| !w.denied.is_empty()).map(|w| w.name.height.plus(limit));
    if front.zip(ctx.branch.best()).is_some_and(|(last, best)| last <= best.height) {
        ctx.branch.no_bodies = true;
        ctx.advance = true;
    } else {
        ctx.give_branch_up();
    }
}

/// Names of blocks that are here, ever further apart, from the end of the branch to the genesis.
fn locator(ctx: &StepContext<'_>) -> StepResult<Vec<BlockName>> {
    let mut names: Vec<BlockName> = ctx.branch.best().into_iter().collect();
    let (mut height, mut gap) = (ctx.ledger.tip().height, 1u64);
    while names.len() + 1 < usize::from(MAX_LOCATOR) && height > Height::GENESIS {
        names.extend(ctx.ledger.store().header(height)?.map(|h| BlockName::of(&h)));
        (height, gap) = (height.minus(gap), if names.len() < 10 { 1 } else { gap.saturating_mul(2) });
    }
    names.extend(ctx.ledger.store().header(Height::GENESIS)?.map(|h| BlockName::of(&h)));
    Ok(names)
}
