//! The engine at a height: it feeds the core, and carries out what the core wants.

use super::{
    ballot::Statement,
    core::{Core, Fed, Output, Signer, ToSign},
    engine::{AtHeight, Engine, Stage, Voting},
    event::{Effect, GroupAnswer, Note, ProposedBlock, StepContext, VoteKey, Why},
    guard::{Position, Votes},
    log::{Entry, LogWriter, ReadLog, Step},
    message::{Held, Message},
    signing::{Unsigned, begun, signed, signed_round},
    table::{claim_message, vote_message},
};
use crate::sealing::block_time;
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_mw::{
    chain::ChainId,
    schnorr::{Signature, sign},
    secret::SecretScalar,
    votes::{SignedProposal, SignedVote, VoteKind},
};
use std::collections::BTreeMap;

/// The vote key behind its guard.
struct Guarded<'a> {
    key: &'a SecretScalar,
    chain: &'a ChainId,
    votes: &'a mut Votes,
    rng: &'a mut dyn CryptoRngCore,
}

impl Signer for Guarded<'_> {
    fn sign(&mut self, what: ToSign<'_>) -> Option<Signature> {
        let (at, message) = match what {
            ToSign::Vote(vote) => (Position::of_vote(vote), vote.message(self.chain)),
            ToSign::Proposal(claim) => (Position::of_proposal(claim), claim.message(self.chain)),
        };
        self.votes.admit(at, &message).ok()?;
        Some(sign(self.key, &message, &mut self.rng))
    }
}

impl Engine {
    /// The wait is over: starts the height.
    pub(super) fn start(&mut self, ctx: &mut StepContext<'_>) {
        if !self.install_core() {
            return;
        }
        self.drive(ctx, |core, signer| core.start(signer));
        self.feed_heard(ctx);
    }

    /// Feeds what was heard of the height before the core was there.
    fn feed_heard(&mut self, ctx: &mut StepContext<'_>) {
        let Some(at) = &self.at else { return };
        let polkas = at.table.polkas().map(|(value, c)| Entry::Polka { value, certificate: c.clone() });
        let votes = at.table.votes().cloned().map(Entry::Vote);
        let heard: Vec<Entry> = polkas.chain(votes).collect();
        let round = at.table.last_entry().cloned();
        if let Some(round) = round {
            self.drive(ctx, |core, signer| core.enter(&round, signer));
        }
        for entry in heard {
            self.drive(ctx, |core, signer| core.feed(&entry, signer));
        }
        self.feed_proposals(ctx);
    }

    /// Goes on from the log of this height.
    pub(super) fn replay(&mut self, ctx: &mut StepContext<'_>, log: &ReadLog) {
        let chain = *self.setup.chain.id();
        let own: Vec<_> = self.own(log).map(|(own, _)| (own.position(), own.message(&chain))).collect();
        if let Some(votes) = &mut self.votes {
            // The log is written before `votes`, so it may be ahead.
            own.into_iter().for_each(|(at, message)| _ = votes.admit(at, &message));
        }
        if !self.install_core() {
            return;
        }
        let Some(at) = &mut self.at else { return };
        self.outbox.put(Effect::Note(Note::Replayed(at.height())));
        at.log = LogWriter::after(chain, log);
        for entry in &log.entries {
            if let Entry::Block(block) = entry {
                at.proposals.own(block.clone());
                self.outbox.put(Effect::Restore(block.clone()));
            }
        }
        let Some((outputs, result)) = self.with_core(ctx, |core, signer| core.replay(&log.entries, signer))
        else {
            return;
        };
        for output in outputs {
            match output {
                Output::Log(entry) if log.entries.contains(&entry) || !self.is_own(&entry) => {}
                // The block of an own turn may have been sent already: the turn passes.
                Output::Draft(_) => {}
                output => self.carry_out(ctx, output),
            }
        }
        if result.is_err() {
            return self.follow(Why::Refused);
        }
        self.note_log(ctx, log);
        self.keep_account(ctx);
    }

    fn is_own(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Vote(vote) => vote.voter == self.vote_key,
            Entry::Proposal(proposal) => proposal.proposer == self.vote_key,
            _ => false,
        }
    }

    /// Puts what the log holds into the table, so that others can be given it and nothing is fed twice.
    fn note_log(&mut self, ctx: &StepContext<'_>, log: &ReadLog) {
        let Some(at) = &mut self.at else { return };
        for entry in &log.entries {
            if let Entry::Vote(vote) = entry
                && let Some(place) = at.table.set().index_of(&vote.voter)
            {
                _ = at.table.take_vote(None, vote.vote, place, vote.signature);
            } else if let Entry::Proposal(proposal) = entry {
                _ = at.table.take_claim(None, (proposal.claim, ctx.clock), proposal.signature);
            } else if let Entry::Polka { value, certificate } = entry {
                _ = at.table.take_polka(*value, certificate);
            }
        }
        at.forgot = log.entries.contains(&Entry::Resumed);
    }

    /// Keeps this validator's account of the height, if there is anything to account for. An account that
    /// would accuse it is not signed.
    fn keep_account(&mut self, ctx: &mut StepContext<'_>) {
        let Some(at) = self.at.as_ref().filter(|at| !at.forgot) else { return };
        let Some(account) = at.table.account() else { return };
        if account.breach().is_some() || self.accounts.has(&account) {
            return;
        }
        // A group signs no accounts.
        let VoteKey::Here(key) = &self.setup.vote_key else { return };
        let (chain, oldest) =
            (self.setup.chain.id(), at.height().minus(self.setup.chain.params().window_width));
        let signed = account.sign(chain, key, &mut &mut *ctx.rng);
        if self.accounts.keep(signed, oldest) {
            self.outbox.save_accounts(self.accounts.to_file(chain));
        }
    }

    /// A person says to vote again without the log.
    pub(super) fn on_resume(&mut self, ctx: &mut StepContext<'_>) {
        let Some(AtHeight { stage: Stage::Following(Why::LogLost(last)), .. }) = self.at else { return };
        if self.install_core() {
            if let Some(at) = &mut self.at {
                at.log.push(&Entry::Resumed);
                at.forgot = true;
            }
            self.drive(ctx, |core, signer| core.resume(last.round.saturating_add(1), signer));
            self.feed_heard(ctx);
        }
    }

    fn install_core(&mut self) -> bool {
        let Some(at) = &mut self.at else { return false };
        let (height, set) = (at.height(), at.table.set().clone());
        let Some(place) = set.index_of(&self.vote_key) else { return false };
        let core = Core::new(*self.setup.chain.id(), height, set, place);
        at.stage = Stage::Voting(Box::new(Voting { core, timers: BTreeMap::new(), draft: None }));
        self.outbox.put(Effect::Note(Note::Voting(height)));
        true
    }

    fn with_core(
        &mut self,
        ctx: &mut StepContext<'_>,
        act: impl FnOnce(&mut Core, &mut dyn Signer) -> Fed,
    ) -> Option<Fed> {
        let Stage::Voting(voting) = &mut self.at.as_mut()?.stage else { return None };
        let chain = self.setup.chain.id();
        let VoteKey::Here(key) = &self.setup.vote_key else {
            return Some(act(&mut voting.core, &mut Unsigned(&mut *ctx.rng)));
        };
        let votes = self.votes.as_mut()?;
        Some(act(&mut voting.core, &mut Guarded { key, chain, votes, rng: &mut *ctx.rng }))
    }

    /// Lets the core act, and carries out what it wants. If it fails, the rest of the height is followed.
    pub(super) fn drive(
        &mut self,
        ctx: &mut StepContext<'_>,
        act: impl FnOnce(&mut Core, &mut dyn Signer) -> Fed,
    ) {
        let Some((outputs, result)) = self.with_core(ctx, act) else { return };
        let votes = outputs.iter().any(|output| matches!(output, Output::Vote(_)));
        let group = self.is_group();
        for output in outputs {
            match output {
                output if group => self.carry_out_for_group(ctx, output),
                output => self.carry_out(ctx, output),
            }
        }
        self.ask_group();
        if votes {
            self.keep_account(ctx);
        }
        let decided = self.at.as_ref().is_some_and(|at| matches!(at.stage, Stage::Committing));
        if result.is_err() && !decided {
            self.follow(Why::Refused);
        }
    }

    fn carry_out(&mut self, ctx: &mut StepContext<'_>, output: Output) {
        let (own, timing) = (self.vote_key, self.setup.timing);
        let Some(at) = &mut self.at else { return };
        let height = at.height();
        match output {
            Output::Log(entry) => at.log.push(&entry),
            Output::Vote(vote) => {
                let place = at.table.set().index_of(&vote.voter).unwrap_or(usize::MAX);
                _ = at.table.take_vote(None, vote.vote, place, vote.signature);
                if let Some(message) = vote_message(&vote, place) {
                    self.send_written(message);
                }
            }
            Output::Proposal(proposal) => {
                _ = at.table.take_claim(None, (proposal.claim, ctx.clock), proposal.signature);
                // The block first: who has it when it is named need not ask for it.
                if proposal.proposer == own && proposal.claim.pol_round.is_none() {
                    self.outbox.put_written(Effect::SendBlock(proposal.claim.value));
                }
                self.send_written(claim_message(&proposal));
            }
            Output::Polka { value, certificate } => {
                self.send_written(Message::Polka { height, value, certificate })
            }
            Output::Round(certificate) => self.send_written(Message::Round(certificate)),
            Output::Restream(value) => self.outbox.put_written(Effect::SendBlock(value)),
            Output::Draft(round) => self.draft(ctx, round),
            Output::Decided { value, certificate } => {
                at.stage = Stage::Committing;
                self.certify(height, value, &certificate);
                if self.stopped {
                    return;
                }
                self.outbox.put_written(Effect::Commit { height, value, certificate });
            }
            Output::Timer(..) | Output::Cancel(..) | Output::CancelAll => {
                let Stage::Voting(voting) = &mut at.stage else { return };
                match output {
                    Output::Timer(step, round) => {
                        _ = voting.timers.insert((step, round), ctx.now + duration(&timing, step, round));
                    }
                    Output::Cancel(step, round) => _ = voting.timers.remove(&(step, round)),
                    _ => voting.timers.clear(),
                }
            }
        }
    }

    /// Carries out what the core wants, whose own votes and proposals are not signed yet.
    fn carry_out_for_group(&mut self, ctx: &mut StepContext<'_>, output: Output) {
        let Some(at) = &mut self.at else { return };
        let (own, table) = (self.vote_key, &at.table);
        match output {
            Output::Log(_) => {}
            Output::Vote(vote) if vote.voter == own => {
                match table.own_vote(vote.vote.round, vote.vote.kind) {
                    Some(known) if known.vote == vote.vote => {
                        let known = known.clone();
                        self.carry_out(ctx, Output::Vote(known));
                    }
                    // Something else was signed there: before a restart, or by another member that spoke.
                    Some(_) => {}
                    None => at.signing.want(Statement::Vote(vote.vote)),
                }
            }
            Output::Proposal(proposal) if proposal.proposer == own => match table.claim(proposal.claim.round)
            {
                Some(known) if known.claim == proposal.claim => {
                    let known = known.clone();
                    self.carry_out(ctx, Output::Proposal(known));
                }
                Some(_) => {}
                None => at.signing.want(Statement::Proposal(proposal.claim)),
            },
            Output::Polka { value, certificate } => {
                if let Some(certificate) = signed(table, VoteKind::Prevote, value, &certificate) {
                    self.carry_out(ctx, Output::Polka { value, certificate });
                }
            }
            Output::Round(certificate) => {
                if let Some(certificate) = signed_round(table, certificate) {
                    self.carry_out(ctx, Output::Round(certificate));
                }
            }
            Output::Decided { value, certificate } => {
                at.stage = Stage::Committing;
                at.signing.decide(value, certificate);
                self.commit_signed(ctx);
            }
            output => self.carry_out(ctx, output),
        }
    }

    /// Commits what is decided, once the certificate holds.
    fn commit_signed(&mut self, ctx: &mut StepContext<'_>) {
        let decided = self.at.as_mut().and_then(|at| at.signing.decided(&at.table));
        if let Some((value, certificate)) = decided {
            self.carry_out(ctx, Output::Decided { value, certificate });
        }
    }

    /// Asks the group for the next statement.
    fn ask_group(&mut self) {
        let ask = self.at.as_mut().and_then(|at| at.signing.next(&at.table));
        ask.into_iter().for_each(|ask| self.outbox.put(ask));
    }

    /// The group has signed what it was asked for, or will not.
    pub(super) fn on_answered(
        &mut self,
        ctx: &mut StepContext<'_>,
        statement: Statement,
        answer: GroupAnswer,
    ) {
        let voter = self.vote_key;
        let Some(at) = self.at.as_mut().filter(|at| at.height() == statement.height()) else { return };
        if !at.signing.answered(&statement) {
            return;
        }
        let is_now = match &at.stage {
            Stage::Voting(voting) => voting.core.round() == statement.position().round,
            _ => true,
        };
        match (statement, answer) {
            (Statement::Vote(vote), GroupAnswer::Signed(signature)) => {
                self.carry_out(ctx, Output::Vote(SignedVote { vote, voter, signature }));
                self.commit_signed(ctx);
            }
            (Statement::Proposal(claim), GroupAnswer::Signed(signature)) => {
                self.carry_out(ctx, Output::Proposal(SignedProposal { claim, proposer: voter, signature }));
            }
            (_, GroupAnswer::Later) if is_now => at.signing.want_again(statement),
            (_, GroupAnswer::Instead(other)) if other.position() == statement.position() => {
                at.signing.want_instead(other);
            }
            (_, GroupAnswer::Refused) if is_now && !at.signing.has_decided() => {}
            _ => self.take_back(ctx),
        }
        if matches!(answer, GroupAnswer::Signed(_)) && self.at.as_ref().is_some_and(|at| at.signing.differs())
        {
            self.take_back(ctx);
        }
        self.ask_group();
    }

    /// What was not signed was never said: another core goes on from what was signed, in the last round that has begun by it.
    /// The core may have left that round on a vote that no other validator saw, while the others wait for one.
    fn take_back(&mut self, ctx: &mut StepContext<'_>) {
        let Some(at) = &mut self.at else { return };
        let round = begun(&at.table);
        if !matches!(at.stage, Stage::Voting(_)) && !at.signing.has_decided() {
            return;
        }
        at.signing.give_up();
        if self.install_core() {
            self.drive(ctx, |core, signer| core.resume(round, signer));
            let claims = self.at.as_ref().map(|at| at.table.claims().map(|(c, t)| (c.clone(), t)).collect());
            let claims: Vec<_> = claims.unwrap_or_default();
            claims.into_iter().for_each(|(claim, clock)| self.hold_claim(claim, clock));
            self.feed_heard(ctx);
        }
    }

    fn send_written(&mut self, message: Message) {
        let to = self.at.as_ref().map(|at| at.table.others()).unwrap_or_default();
        self.outbox.put_written(Effect::Send { to, message });
    }

    /// Asks for a block of this round, now or when the clock allows its time.
    fn draft(&mut self, ctx: &StepContext<'_>, round: u32) {
        let Some(at) = &mut self.at else { return };
        let height = at.height();
        let Stage::Voting(voting) = &mut at.stage else { return };
        match block_time(&self.setup.chain, at.tip.time, ctx.clock) {
            Ok(time) => {
                voting.draft = None;
                self.outbox.put(Effect::Draft { height, round, time });
            }
            Err(early) => voting.draft = Some((round, ctx.now + Duration::from_secs(early.wait))),
        }
    }

    /// The block of this validator's turn is here.
    pub(super) fn on_drafted(&mut self, ctx: &mut StepContext<'_>, round: u32, block: ProposedBlock) {
        let Some(at) = &mut self.at else { return };
        if !matches!(&at.stage, Stage::Voting(v) if v.core.wants(round)) {
            return;
        }
        let value = block.value;
        at.log.push(&Entry::Block(block.clone()));
        at.proposals.own(block);
        self.drive(ctx, |core, signer| core.propose(round, value, signer));
    }

    /// Takes a claim of another, and asks for its block.
    pub(super) fn hold_claim(&mut self, claim: SignedProposal, clock: u64) {
        let Some(at) = &mut self.at else { return };
        let (height, value, proposer) = (at.height(), claim.claim.value, claim.proposer);
        if at.proposals.hold(claim, clock)
            && let Some(proposer) = at.table.link_of(&proposer)
        {
            self.outbox.put(Effect::Judge { height, value, proposer });
        }
    }

    /// Feeds the proposals that may be fed now.
    pub(super) fn feed_proposals(&mut self, ctx: &mut StepContext<'_>) {
        let Some(at) = &mut self.at else { return };
        if !matches!(at.stage, Stage::Voting(_)) {
            return;
        }
        let (height, table) = (at.height(), &at.table);
        for claim in at.proposals.ask_again(|value| table.is_backed(value)) {
            if let Some(proposer) = table.link_of(&claim.proposer) {
                self.outbox.put(Effect::Judge { height, value: claim.claim.value, proposer });
            }
        }
        for ready in at.proposals.ready(|value| table.is_backed(value)) {
            let claim = ready.claim.claim;
            let valid = ready.block.is_some();
            if let (Some(block), true, Some(at)) = (ready.block, ready.unlogged, &mut self.at) {
                at.log.push(&Entry::Block(block));
            }
            let value = Entry::Value { round: claim.round, value: claim.value, valid };
            self.drive(ctx, |core, signer| core.feed(&value, signer));
            let proposal = Entry::Proposal(ready.claim);
            self.drive(ctx, |core, signer| core.feed(&proposal, signer));
        }
    }

    /// Lets everything happen that is due.
    pub(super) fn run_timers(&mut self, ctx: &mut StepContext<'_>) {
        while let Some(AtHeight { stage: Stage::Voting(voting), .. }) = &mut self.at {
            if let Some((round, _)) = voting.draft.take_if(|(_, at)| *at <= ctx.now) {
                if voting.core.wants(round) {
                    self.draft(ctx, round);
                }
                continue;
            }
            let first = voting.timers.iter().min_by_key(|(_, at)| **at).filter(|(_, at)| **at <= ctx.now);
            let Some((step, round)) = first.map(|(timer, _)| *timer) else { return };
            voting.timers.remove(&(step, round));
            self.drive(ctx, |core, signer| core.feed(&Entry::Timeout(step, round), signer));
            if step == Step::Rebroadcast {
                self.tell_holdings(round);
            }
        }
    }

    /// Says what is held of a round, so that others give what is not.
    fn tell_holdings(&mut self, round: u32) {
        let Some(at) = &self.at else { return };
        let (height, to) = (at.height(), at.table.others());
        for kind in [Held::Proposal, Held::Votes(VoteKind::Prevote), Held::Votes(VoteKind::Precommit)] {
            if let Some(holders) = at.table.holders(round, kind) {
                let message = Message::Have { height, round, kind, holders };
                self.outbox.put(Effect::Send { to: to.clone(), message });
            }
        }
    }
}

fn duration(timing: &super::event::Timing, step: Step, round: u32) -> Duration {
    let (first, more) = match step {
        Step::Propose => (timing.propose, timing.propose_more),
        Step::Prevote | Step::Precommit => (timing.vote, timing.vote_more),
        Step::Rebroadcast => (timing.rebroadcast, Duration::ZERO),
    };
    first.saturating_add(more.saturating_mul(round)).min(super::limits::LONGEST_WAIT)
}
