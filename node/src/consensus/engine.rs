//! The engine: which height it is at, and what it does there.

use super::{
    accounts::Accounts,
    core::Core,
    event::{Activity, Effect, Event, Note, Saved, Setup, StepContext, Tip, VoteKey, Why},
    evidence::{CertifiedHeader, DoubleCertificate},
    guard::{Positioned, Votes},
    log::{Entry, LogWriter, ReadLog, Step},
    outbox::Outbox,
    proposals::Proposals,
    signing::Signing,
    table::Table,
    wait::Wait,
};
use crate::token_bucket::TokenBucket;
use core::time::Duration;
use sotto_mw::{
    amount::Height,
    hash::Hash,
    schnorr::PublicKey,
    secret::SecretScalar,
    validators::{LinkKey, ValidatorSet},
    votes::Certificate,
};
use std::collections::BTreeMap;

/// The consensus of one validator.
pub struct Engine {
    /// With the vote key in use.
    pub(super) setup: Setup,
    pub(super) vote_key: PublicKey,
    /// The vote key of the other heights, if there is one.
    renewal: Option<SecretScalar>,
    pub(super) votes: Option<Votes>,
    /// The log as it was found, until the first tip.
    found: Option<Vec<u8>>,
    pub(super) outbox: Outbox,
    pub(super) at: Option<AtHeight>,
    pub(super) budgets: BTreeMap<LinkKey, TokenBucket>,
    pub(super) banned: BTreeMap<LinkKey, Duration>,
    /// Headers of the last heights with a certificate.
    certified: BTreeMap<Height, CertifiedHeader>,
    pub(super) accounts: Accounts,
    pub(super) stopped: bool,
}

/// The height after the tip.
pub(super) struct AtHeight {
    pub(super) tip: Tip,
    pub(super) table: Table,
    pub(super) next: Table,
    pub(super) proposals: Proposals,
    pub(super) log: LogWriter,
    pub(super) stage: Stage,
    /// Whether own votes of this height were lost with a log.
    pub(super) forgot: bool,
    /// What a group is asked to sign, which has the vote key.
    pub(super) signing: Signing,
}

/// What is done at a height.
pub(super) enum Stage {
    Waiting(Wait),
    Voting(Box<Voting>),
    Committing,
    Following(Why),
}

/// A core at work.
pub(super) struct Voting {
    pub(super) core: Core,
    pub(super) timers: BTreeMap<(Step, u32), Duration>,
    /// A round whose block is drafted when the clock allows its time.
    pub(super) draft: Option<(u32, Duration)>,
}

impl AtHeight {
    pub(super) const fn height(&self) -> Height {
        self.table.height()
    }

    /// The highest round that may be heard of.
    pub(super) fn last_round(&self) -> u32 {
        let round = match &self.stage {
            Stage::Voting(voting) => voting.core.round(),
            _ => self.table.round(),
        };
        round.saturating_add(super::limits::ROUNDS_AHEAD)
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("activity", &self.activity()).finish_non_exhaustive()
    }
}

impl Engine {
    /// The engine of a validator, with what was on disk when it started. It does nothing before it learns
    /// the tip.
    #[must_use]
    pub fn new(setup: Setup, saved: Saved) -> Self {
        let vote_key = setup.vote_key.public();
        let outbox = Outbox::new(saved.votes);
        let (at, budgets, banned, certified) = Default::default();
        let (votes, found, accounts) = (saved.votes, saved.log, saved.accounts);
        Self {
            setup,
            vote_key,
            renewal: None,
            votes,
            found,
            outbox,
            at,
            budgets,
            banned,
            certified,
            accounts,
            stopped: false,
        }
    }

    /// The same validator with the vote key of its renewal: at each height it votes with the one that is in the set.
    #[must_use]
    pub fn with_renewal(mut self, vote_key: SecretScalar) -> Self {
        self.renewal = Some(vote_key);
        self
    }

    /// This validator's vote key in a set: the other one if that stands in it, else the one in use.
    fn key_in(&self, set: &ValidatorSet) -> PublicKey {
        let other = self.renewal.as_ref().map(PublicKey::of);
        other.filter(|key| set.index_of(key).is_some()).unwrap_or(self.vote_key)
    }

    /// Puts the vote key that is in this set into use.
    fn use_key_in(&mut self, set: &ValidatorSet) {
        let key = self.key_in(set);
        if key != self.vote_key
            && let (Some(other), VoteKey::Here(here)) = (&mut self.renewal, &mut self.setup.vote_key)
        {
            core::mem::swap(here, other);
            self.vote_key = key;
        }
    }

    /// What it is doing.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let Some(at) = self.at.as_ref().filter(|_| !self.stopped) else {
            return if self.stopped { Activity::Stopped } else { Activity::Starting };
        };
        match &at.stage {
            Stage::Waiting(_) => Activity::Waiting(at.height()),
            Stage::Voting(voting) => Activity::Voting(at.height(), voting.core.round()),
            Stage::Committing => Activity::Committing(at.height()),
            Stage::Following(why) => Activity::Following(at.height(), *why),
        }
    }

    /// When it wants the next [`Event::Tick`], if it wants one.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        match &self.at.as_ref().filter(|_| !self.stopped)?.stage {
            Stage::Waiting(wait) => Some(wait.end()),
            Stage::Voting(v) => v.timers.values().copied().chain(v.draft.map(|(_, at)| at)).min(),
            Stage::Committing | Stage::Following(_) => None,
        }
    }

    /// Handles an event, and returns what to do about it.
    pub fn step(&mut self, ctx: &mut StepContext<'_>, event: Event) -> Vec<Effect> {
        if self.stopped {
            return Vec::new();
        }
        match event {
            Event::Connected(tip) => self.on_connected(ctx, tip),
            Event::Tick => self.on_tick(ctx),
            Event::Heard { from, bytes } => self.on_heard(ctx, from, &bytes),
            Event::Judged { value, verdict } => {
                if let Some(at) = &mut self.at {
                    at.proposals.judged(value, verdict);
                }
                self.feed_proposals(ctx);
            }
            Event::Drafted { round, block } => self.on_drafted(ctx, round, block),
            Event::TransactionArrived => {
                if let Some(AtHeight { stage: Stage::Waiting(wait), .. }) = &mut self.at {
                    wait.on_transaction(ctx.now);
                }
            }
            Event::Written(id) => self.outbox.on_written(id),
            Event::Certified { height, value, certificate } => self.certify(height, value, &certificate),
            Event::Resume => self.on_resume(ctx),
            Event::Answered { statement, answer } => self.on_answered(ctx, statement, answer),
        }
        let log = self.at.as_mut().map(|at| &mut at.log);
        self.outbox.finish(log, self.votes.as_ref())
    }

    fn on_connected(&mut self, ctx: &mut StepContext<'_>, tip: Tip) {
        let old = self.at.take();
        if old.as_ref().is_some_and(|at| tip.height <= at.tip.height) {
            self.at = old;
            return;
        }
        if let Some(certificate) = &tip.certificate {
            self.certify(tip.height, tip.hash, certificate);
        }
        self.outbox.move_on();
        self.use_key_in(&tip.set);
        let (chain, height) = (*self.setup.chain.id(), tip.height.next());
        let (key, key_after) = (self.vote_key, self.key_in(&tip.set_after));
        // What was heard early of this height, under the same validators.
        let early = old.map(|at| at.next).filter(|t| t.height() == height && *t.set() == tip.set);
        let table = early.unwrap_or_else(|| Table::new(chain, height, tip.set.clone(), &key));
        let next = Table::new(chain, height.next(), tip.set_after.clone(), &key_after);
        let member = |link: &LinkKey| table.place_of(link).or(next.place_of(link)).is_some();
        self.budgets.retain(|link, _| member(link));
        self.banned.retain(|link, until| member(link) && *until > ctx.now);
        self.certified = self.certified.split_off(&tip.height);
        let mut at = AtHeight {
            stage: Stage::Following(Why::NoValidator),
            proposals: Proposals::default(),
            log: LogWriter::new(chain, height),
            tip,
            table,
            next,
            forgot: false,
            signing: Signing::default(),
        };
        let claims: Vec<_> = at.table.claims().map(|(claim, clock)| (claim.clone(), clock)).collect();
        let found = self.found.as_ref().and_then(|bytes| ReadLog::read(&chain, bytes));
        // The log of a later height waits until the ledger has come there.
        if found.as_ref().is_none_or(|log| log.height <= height) {
            self.found = None;
        }
        let found = found.filter(|log| log.height == height);
        let plan = self.plan(&at, found.as_ref());
        if plan.is_ok() && found.is_none() {
            let pace = Duration::from_secs(self.setup.chain.params().pace);
            let mut wait = Wait::new(ctx.now, pace, &self.setup.timing, at.tip.has_transactions);
            if at.table.has_begun() {
                wait.on_begun(ctx.now);
            }
            at.stage = Stage::Waiting(wait);
        }
        self.at = Some(at);
        for (claim, clock) in claims {
            self.hold_claim(claim, clock);
        }
        match (plan, found) {
            (Err(why), _) => self.follow(why),
            (Ok(()), Some(log)) => self.replay(ctx, &log),
            (Ok(()), None) => self.on_tick(ctx),
        }
    }

    /// Whether this validator may vote at a height that it comes to.
    fn plan(&self, at: &AtHeight, found: Option<&ReadLog>) -> Result<(), Why> {
        if at.table.set().index_of(&self.vote_key).is_none() {
            return Err(Why::NoValidator);
        }
        if self.is_group() {
            return Ok(());
        }
        let votes = self.votes.as_ref().ok_or(Why::NoVotes)?;
        if votes.installation() != self.setup.installation {
            return Err(Why::Installation);
        }
        let last = votes.last();
        if last.height > at.height() {
            return Err(Why::Ahead(last));
        }
        let whole = last.height < at.height() || found.is_some_and(|log| self.own(log).any(|own| own.1));
        if whole { Ok(()) } else { Err(Why::LogLost(last)) }
    }

    /// The own messages of a log: each with its position, and whether it is the one that `votes` names.
    pub(super) fn own<'a>(&'a self, log: &'a ReadLog) -> impl Iterator<Item = (&'a dyn Positioned, bool)> {
        let chain = *self.setup.chain.id();
        log.entries.iter().filter_map(move |entry| {
            let own: &dyn Positioned = match entry {
                Entry::Vote(vote) if vote.voter == self.vote_key => vote,
                Entry::Proposal(proposal) if proposal.proposer == self.vote_key => proposal,
                _ => return None,
            };
            let named = self.votes.as_ref().is_some_and(|v| v.names(own.position(), &own.message(&chain)));
            Some((own, named))
        })
    }

    /// Whether a group has the vote key.
    pub(super) const fn is_group(&self) -> bool {
        matches!(self.setup.vote_key, VoteKey::Group(_))
    }

    fn on_tick(&mut self, ctx: &mut StepContext<'_>) {
        match self.at.as_ref().map(|at| &at.stage) {
            Some(Stage::Waiting(wait)) if wait.end() <= ctx.now => self.start(ctx),
            Some(Stage::Voting(_)) => self.run_timers(ctx),
            _ => {}
        }
    }

    pub(super) fn follow(&mut self, why: Why) {
        if let Some(at) = &mut self.at {
            at.stage = Stage::Following(why);
            self.outbox.put(Effect::Note(Note::Following(at.height(), why)));
        }
    }

    /// Takes note of a certificate, and stops if there is another for another header.
    pub(super) fn certify(&mut self, height: Height, value: Hash, certificate: &Certificate) {
        // Of heights further down the ledger knows.
        if self.at.as_ref().is_some_and(|at| height < at.tip.height) {
            return;
        }
        let this = || CertifiedHeader { header: value, certificate: certificate.clone() };
        let first = self.certified.entry(height).or_insert_with(this);
        if first.header != value {
            let double = DoubleCertificate::new(height, first.clone(), this());
            self.outbox.put(Effect::Stop(Box::new(double)));
            self.stopped = true;
        }
    }
}
