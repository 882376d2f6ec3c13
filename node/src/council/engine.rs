//! One member of a council.

use super::{
    AHEAD, CouncilNote, MAX_SAID, PATIENCE, Said, SealRegister,
    round::{Opened, Round, Signer},
    standing::Standing,
    turns::Turns,
};
use crate::{
    seal::ForeignKey,
    sealing::{SealEffect, SealEvent, Sealing},
    token_bucket::{Allowance, TokenBucket},
};
use core::{fmt, time::Duration};
use rand_core::CryptoRngCore;
use sotto_keys::{Fault, Group, Index, Letter, Progress, Share};
use sotto_mw::{
    amount::Height,
    block::Header,
    chain::Chain,
    codec::Decode as _,
    error::Rejection,
    hash::Hash,
    rules::{Connected, Proposal, ProposalChange},
    schnorr::Signature,
};
use sotto_party::Identity;
use std::collections::BTreeMap;

/// How often a member may ask.
const ASKS: Allowance = Allowance { rate: 1, burst: 16 };
/// How many bytes a member may say: to decode points and to judge blocks is the work behind them.
const BYTES: Allowance = Allowance { rate: 512 << 10, burst: 4 * MAX_SAID as u64 };
/// The least that a message counts, in bytes: the signature of a letter.
const LEAST: u64 = 1 << 10;

type Effects = Vec<SealEffect<Said>>;
/// A round for the seal of a block that was judged.
type SealRound = Round<Connected<ProposalChange>>;

/// What makes a node a member of a council.
pub struct CouncilSetup {
    /// Who this member is.
    pub identity: Identity,
    /// The group.
    pub group: Group,
    /// This member's share.
    pub share: Share,
    /// How long to wait from block to block.
    pub every: Duration,
    /// The proposal that the register kept last.
    pub held: Option<Proposal>,
    /// Where the share is bound.
    pub register: Box<dyn SealRegister>,
}

/// The engine.
pub struct Council {
    signer: Signer,
    register: Box<dyn SealRegister>,
    turns: Turns,
    /// The tip's time, and the time of day.
    tip_time: u64,
    clock: u64,
    round: Option<SealRound>,
    /// The last height for which the register was asked, and whether the share may seal a block of it.
    permitted: Option<(Height, bool)>,
    /// What each member may still ask, and say.
    asks: BTreeMap<Index, TokenBucket>,
    says: BTreeMap<Index, TokenBucket>,
    /// What the rules are asked about: a round of another member, or `None` for a block to ask for.
    judging: Option<(Hash, Option<Opened>)>,
    /// The block that our share was bound to last.
    held: Option<Proposal>,
    standing: Standing,
    notes: Vec<CouncilNote>,
}

impl Council {
    /// The engine of a member.
    ///
    /// # Errors
    /// [`ForeignKey`] if the chain's parameters name another key than the group's, or the identity and the share
    /// are not those of one member.
    pub fn new(chain: &Chain, setup: CouncilSetup) -> Result<Self, ForeignKey> {
        let CouncilSetup { identity, group, share, every, held, register } = setup;
        let epoch = group.epoch().clone();
        let index = epoch.draft().index_of(&identity.public()).ok_or(ForeignKey)?;
        let key = epoch.public_key(0).ok_or(ForeignKey)?;
        let operator = chain.params().operator().map(|key| *key.as_bytes());
        if operator != Some(key) || share.index() != index || share.fits(&epoch).is_err() {
            return Err(ForeignKey);
        }
        // At most 15.
        let turns = Turns::new(epoch.draft().members().len() as u8, every);
        let signer = Signer { chain: *chain.id(), epoch, share, identity, index };
        let standing = Standing::default();
        let (round, permitted, judging, notes, asks, says) = Default::default();
        let (tip_time, clock) = (0, 0);
        Ok(Self {
            signer,
            register,
            turns,
            tip_time,
            clock,
            round,
            permitted,
            asks,
            says,
            judging,
            held,
            standing,
            notes,
        })
    }

    /// The time of day.
    pub const fn tell_time(&mut self, clock: u64) {
        self.clock = clock;
    }

    /// A connection to another member is open, or broke.
    pub fn tell_presence(&mut self, member: Index, present: bool) {
        if present {
            self.turns.present.insert(member);
        } else {
            self.turns.present.remove(&member);
        }
    }

    /// Whether this member may say so many bytes, before they are decoded.
    pub fn admits(&mut self, from: Index, bytes: usize, now: Duration) -> bool {
        let says = self.says.entry(from).or_insert_with(|| TokenBucket::new(BYTES, now));
        says.take(now, LEAST + bytes as u64)
    }

    /// The chain's tip, before anything else is passed in that happened after it changed.
    pub fn see_tip(&mut self, tip: &Header, now: Duration) {
        let next = tip.height.next();
        if self.turns.height() == next {
            return;
        }
        self.turns.begin(next, now);
        self.tip_time = tip.time;
        (self.round, self.judging) = (None, None);
        self.held.take_if(|held| held.header.height < next);
    }

    /// Whether it is this member's turn to propose a block.
    #[must_use]
    pub fn may_propose(&self, now: Duration) -> bool {
        let idle = self.round.is_none() && self.judging.is_none() && self.bound().is_none();
        let rests = self.permitted == Some((self.turns.height(), false));
        idle && !rests && now >= self.turns.due(self.signer.index)
    }

    /// What happened since this was asked last.
    pub fn take_notes(&mut self) -> Vec<CouncilNote> {
        core::mem::take(&mut self.notes)
    }

    /// The block of the next height that our share is bound to.
    fn bound(&self) -> Option<&Proposal> {
        self.held.as_ref().filter(|held| held.header.height == self.turns.height())
    }

    /// Whether our share may seal some block of the next height.
    fn is_permitted(&mut self) -> bool {
        let height = self.turns.height();
        if let Some((_, permitted)) = self.permitted.filter(|(asked, _)| *asked == height) {
            return permitted;
        }
        let tip = Height::new(height.get().saturating_sub(1));
        let permitted = self.register.permits_upon(tip, self.tip_time);
        self.permitted = Some((height, permitted.is_ok()));
        permitted.map_err(|why| self.notes.push(CouncilNote::not_permitted(&why))).is_ok()
    }

    /// Asks for the seal of a block that the rules allow.
    fn ask(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        judged: Connected<ProposalChange>,
    ) -> Effects {
        if !self.is_permitted() {
            return Vec::new();
        }
        let proposal = judged.get().proposal.clone();
        let bound = self.bound().is_some();
        let request = self.signer.seal(&proposal);
        match Round::ask((&self.signer, &request), judged, (bound, now + PATIENCE), rng) {
            Ok((round, letter)) => {
                self.round = Some(round);
                let asks = SealEffect::Tell(Said::Ask { bound, letter, proposal });
                [vec![asks], self.further(now, rng)].concat()
            }
            Err(fault) => self.note(CouncilNote::Failed(fault)),
        }
    }

    fn note(&mut self, note: CouncilNote) -> Effects {
        self.notes.push(note);
        Vec::new()
    }

    /// A member asks for the seal of a block.
    fn on_ask(&mut self, now: Duration, (bound, letter): (bool, Letter), proposal: Proposal) -> Effects {
        let (by, header) = (letter.heading().from, proposal.header.hash());
        let stale = proposal.header.height != self.turns.height();
        if stale
            || !letter.is_signed(self.signer.epoch.draft())
            || by == self.signer.index
            || self.standing.is_left_out(by)
        {
            return Vec::new();
        }
        // To judge a block is the work that a member can cause.
        let asks = self.asks.entry(by).or_insert_with(|| TokenBucket::new(ASKS, now));
        if !asks.take(now, 1) || !self.is_permitted() {
            return Vec::new();
        }
        if self.bound().is_some_and(|bound| bound.header.hash() != header) {
            return self.show_bound();
        }
        let now_comes = self.turns.priority(by, bound);
        let busy = |round: &SealRound| {
            let first = self.turns.priority(round.by(), round.bound) <= now_comes;
            if round.by() == by { round.is_of(&letter) } else { first }
        };
        if self.round.as_ref().is_some_and(busy) || self.judging.is_some() {
            return Vec::new();
        }
        let opened = match Opened::of(&self.signer, letter, bound, &self.signer.seal(&proposal)) {
            Ok(opened) => opened,
            Err(fault) => return self.note(CouncilNote::Failed(fault)),
        };
        if proposal.header.time > self.clock.max(self.tip_time).saturating_add(AHEAD) {
            self.turns.failed(by);
            return self.note(CouncilNote::FromTheFuture { member: by });
        }
        self.judging = Some((header, Some(opened)));
        vec![SealEffect::Judge(proposal)]
    }

    /// Asks for the block again that our share is bound to, unless a round is under way.
    fn show_bound(&mut self) -> Effects {
        let Some(bound) = self.bound().filter(|_| self.judging.is_none()) else { return Vec::new() };
        let header = bound.header.hash();
        if self.round.as_ref().is_some_and(|round| round.of.get().proposal.header.hash() == header) {
            return Vec::new();
        }
        let judge = SealEffect::Judge(bound.clone());
        self.judging = Some((header, None));
        vec![judge]
    }

    fn on_judged(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        (block, verdict): (Hash, Result<Connected<ProposalChange>, Rejection>),
    ) -> Effects {
        let Some((_, opened)) = self.judging.take_if(|(judged, _)| *judged == block) else {
            return Vec::new();
        };
        let judged = match (verdict, &opened) {
            (Ok(judged), _) => judged,
            // Of another tip than ours, or altered on its way.
            (Err(Rejection::NotNext { .. } | Rejection::BodyHash), _) | (Err(_), None) => return Vec::new(),
            (Err(why), Some(opened)) => {
                let (member, rule) = (opened.by(), why.rule());
                self.turns.failed(member);
                return self.note(CouncilNote::BrokenRule { member, rule });
            }
        };
        let Some(opened) = opened else { return self.ask(now, rng, judged) };
        match Round::join(&self.signer, opened, (judged, now + PATIENCE), rng) {
            Ok(round) => self.round = Some(round),
            Err(fault) => return self.note(CouncilNote::Failed(fault)),
        }
        self.further(now, rng)
    }

    /// Members of whom we choose, if we ask: in the second half of a round, silent ones too.
    fn candidates(&self, now: Duration) -> Vec<Index> {
        let late = self.round.as_ref().is_some_and(|round| now + PATIENCE / 2 >= round.until);
        self.standing.candidates(self.signer.epoch.draft(), late)
    }

    /// Does what the letters allow.
    fn further(&mut self, now: Duration, rng: &mut dyn CryptoRngCore) -> Effects {
        let candidates = self.candidates(now);
        let Some(round) = self.round.as_mut() else { return Vec::new() };
        let outcome = round.advance(&self.signer, &candidates);
        let me = self.signer.index;
        if round.has_untold_share(me) {
            let proposal = round.of.get().proposal.clone();
            let header = proposal.header.hash();
            if let Err(why) = self.register.bind(self.turns.height(), &header, &proposal) {
                self.round = None;
                return self.note(CouncilNote::NotBound(why.to_string()));
            }
            self.held = Some(proposal);
        }
        let letters = round.letters_to_tell(me);
        let tell = letters.into_iter().map(|letter| SealEffect::Tell(Said::Letter(letter)));
        let mut effects: Effects = tell.collect();
        match outcome {
            Ok(Progress::Awaiting { .. }) => {}
            Ok(Progress::Done(answered)) => {
                self.standing.have_signed(&answered.members);
                let seal = answered.signature.and_then(|bytes| Signature::from_bytes(&bytes).ok());
                if let Some((round, seal)) = self.round.take().zip(seal) {
                    effects.push(SealEffect::Commit(round.of, seal.into()));
                }
            }
            Err(fault) => effects.extend(self.failed(now, rng, fault)),
        }
        effects
    }

    /// The round has failed. A member at fault is left out, and whoever asked asks the others again.
    fn failed(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, fault: Fault) -> Effects {
        let Some(round) = self.round.take() else { return Vec::new() };
        let Some((member, proven)) = self.standing.failed(fault, round.by()) else {
            self.turns.failed(round.by());
            return self.note(CouncilNote::Failed(fault));
        };
        self.notes.push(if proven {
            CouncilNote::LeftOut { member, fault }
        } else {
            CouncilNote::Failed(fault)
        });
        let (me, t) = (self.signer.index, usize::from(self.signer.epoch.draft().threshold()));
        let asks_again = round.by() == me && member != me;
        let candidates = self.candidates(now);
        if candidates.len() < t {
            return self.note(CouncilNote::TooFew);
        }
        if asks_again && !candidates.contains(&member) {
            return self.ask(now, rng, round.of);
        }
        if !proven || round.by() == me {
            self.turns.failed(round.by());
        }
        Vec::new()
    }

    fn on_tick(&mut self, now: Duration, rng: &mut dyn CryptoRngCore) -> Effects {
        let me = self.signer.index;
        if let Some(round) = self.round.take_if(|round| round.until <= now) {
            let silent: Vec<Index> = round.silent().into_iter().filter(|i| *i != me).collect();
            self.standing.were_silent(&silent);
            self.turns.failed(round.by());
            if !silent.is_empty() {
                self.notes.push(CouncilNote::Silent(silent));
            }
        }
        if self.round.as_ref().is_some_and(|round| round.by() == me) {
            return self.further(now, rng);
        }
        let idle = self.round.is_none() && now >= self.turns.due(me);
        if idle { self.show_bound() } else { Vec::new() }
    }
}

impl Sealing for Council {
    type Message = Said;

    fn step(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, event: SealEvent<Said>) -> Effects {
        match event {
            SealEvent::Proposed(own) if self.may_propose(now) => self.ask(now, rng, own),
            SealEvent::Proposed(_) => Vec::new(),
            SealEvent::Heard(Said::Ask { bound, letter, proposal }) => {
                self.on_ask(now, (bound, letter), proposal)
            }
            SealEvent::Heard(Said::Letter(letter)) => {
                let news = self.round.as_mut().is_some_and(|round| round.take(&self.signer, letter));
                if news { self.further(now, rng) } else { Vec::new() }
            }
            // Of a group that votes.
            SealEvent::Heard(Said::Ballot { .. } | Said::Instead(_)) => Vec::new(),
            SealEvent::Judged { block, verdict } => self.on_judged(now, rng, (block, verdict)),
            SealEvent::Tick => self.on_tick(now, rng),
        }
    }
}

impl fmt::Debug for Council {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signer { epoch, index, .. } = &self.signer;
        f.debug_struct("Council").field("group", &epoch.group()).field("index", index).finish_non_exhaustive()
    }
}
