//! One member of a group that has a validator's vote key: any t of its n members say together what a validator says.
//!
//! ```text
//! a consensus engine wants to say something ─Ask─▶ the ballot, and the letter that asks ─▶ each member checks it
//!   ─▶ `committed`: nonces ─▶ `chosen`, by the one who asked ─▶ the record, durably ─▶ `signed`
//!   ─▶ the signature, an ordinary one under the group's key ─Signed─▶ the engine, which says it
//! ```
//!
//! The member whose node runs the engine *speaks*. The others run none: they keep what a validator keeps, the
//! [`VoteRecord`], and refuse what a validator refuses, with the block judged by their own ledger and its time by
//! their own clock. So it is safe if two speak, by accident or in turn: at most their statements are not signed.
//!
//! A member that speaks can waste the votes of its group by asking for votes for nothing. It cannot get far ahead:
//! rounds that a member signs in are limited by the time since the height began. A member answers one speaker at a time
//! (`speaker`).
//!
//! What was said can be lost with its speaker, while other validators still wait for it: they leave a round on votes and
//! not on silence. So the next speaker can ask for it, also below what members said since: they sign it again, or
//! a vote for nothing where they said nothing.
//!
//! Nobody waits for a member that is slow: of those who agree the first t sign, and who was chosen and is silent for
//! [`VOTE_PATIENCE`] is passed over in the next session.

use super::{
    CouncilNote, MAX_SAID, Said,
    asked::Asked,
    round::{Opened, Round, Signer},
    speaker::Speaker,
    standing::Standing,
    vote_event::{VoteEffect, VoteEvent, VoteKeeper, VoteSignerSetup},
    vote_record::{VoteHeight, VoteRecord, VoteRefusal, holds},
};
use crate::{
    consensus::{Ballot, GroupAnswer, Statement, Tip},
    seal::ForeignKey,
    token_bucket::{Allowance, TokenBucket},
};
use core::{fmt, time::Duration};
use rand_core::CryptoRngCore;
use sotto_keys::{Fault, Index, Letter, Progress};
use sotto_mw::{
    chain::Chain,
    codec::Decode as _,
    hash::Hash,
    schnorr::{PublicKey, Signature},
};
use std::collections::BTreeMap;

/// For how long a session may take before another one is begun.
const VOTE_PATIENCE: Duration = Duration::from_millis(500);
/// How many rounds a member signs in at once, and one more with each second of a height.
const ROUNDS: u64 = 10;
/// How far the time of a fresh proposal may be ahead of this member's clock, in seconds, as for a validator.
const TIMELY: u64 = 10;
/// How often a member may ask: three statements a round, each a few times.
const ASKS: Allowance = Allowance { rate: 20, burst: 60 };
/// How many bytes a member may say.
const BYTES: Allowance = Allowance { rate: 512 << 10, burst: 4 * MAX_SAID as u64 };
/// The least that a message counts, in bytes: the signature of a letter.
const LEAST: u64 = 1 << 10;

type Effects = Vec<VoteEffect>;

/// The height above the tip.
struct AtHeight {
    at: VoteHeight,
    began: Duration,
    permitted: bool,
}

/// The engine of a member.
pub struct VoteSigner {
    signer: Signer,
    key: PublicKey,
    record: VoteRecord,
    keeper: Box<dyn VoteKeeper>,
    here: Option<AtHeight>,
    /// The time of day.
    clock: u64,
    asked: Option<Asked>,
    /// What others may sign in place of what was asked for last.
    advised: Option<Statement>,
    /// The session of each other member that speaks.
    rounds: BTreeMap<Index, Round<Ballot>>,
    judging: BTreeMap<Index, (Opened, Ballot)>,
    speaker: Speaker,
    asks: BTreeMap<Index, TokenBucket>,
    says: BTreeMap<Index, TokenBucket>,
    standing: Standing,
    notes: Vec<CouncilNote>,
}

impl VoteSigner {
    /// The engine of a member.
    ///
    /// # Errors
    /// [`ForeignKey`] if the identity and the share are not those of one member.
    pub fn new(chain: &Chain, setup: VoteSignerSetup) -> Result<Self, ForeignKey> {
        let VoteSignerSetup { identity, group, share, record, keeper } = setup;
        let epoch = group.epoch().clone();
        let index = epoch.draft().index_of(&identity.public()).ok_or(ForeignKey)?;
        let key = epoch.public_key(0).and_then(|key| PublicKey::from_bytes(&key).ok()).ok_or(ForeignKey)?;
        if share.index() != index || share.fits(&epoch).is_err() {
            return Err(ForeignKey);
        }
        let signer = Signer { chain: *chain.id(), epoch, share, identity, index };
        let (here, asked, advised, rounds, judging, notes) = Default::default();
        let (asks, says, standing, speaker) = Default::default();
        Ok(Self {
            signer,
            key,
            record,
            keeper,
            here,
            clock: 0,
            asked,
            advised,
            rounds,
            judging,
            speaker,
            asks,
            says,
            standing,
            notes,
        })
    }

    /// The group's public key: the validator's vote key.
    #[must_use]
    pub const fn key(&self) -> PublicKey {
        self.key
    }

    /// The time of day.
    pub const fn tell_time(&mut self, clock: u64) {
        self.clock = clock;
    }

    /// What happened since this was asked last.
    pub fn take_notes(&mut self) -> Vec<CouncilNote> {
        core::mem::take(&mut self.notes)
    }

    /// Whether this member may say so many bytes, before they are decoded.
    pub fn admits(&mut self, from: Index, bytes: usize, now: Duration) -> bool {
        let says = self.says.entry(from).or_insert_with(|| TokenBucket::new(BYTES, now));
        says.take(now, LEAST + bytes as u64)
    }

    /// When it wants the next [`VoteEvent::Tick`].
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        self.asked.as_ref().map(|asked| asked.next.min(asked.until))
    }

    /// Handles an event, and returns what to do about it.
    pub fn step(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, event: VoteEvent) -> Effects {
        match event {
            VoteEvent::Tip(tip) => self.on_tip(now, &tip),
            VoteEvent::Ask(ballot) => {
                self.asked = Some(Asked::new(now, ballot));
                self.begin(now, rng)
            }
            VoteEvent::Heard(Said::Ballot { letter, ballot }) => self.on_ballot(now, rng, letter, ballot),
            VoteEvent::Heard(Said::Letter(letter)) => self.on_letter(now, rng, letter),
            VoteEvent::Heard(Said::Instead(instead)) => {
                self.asked.iter_mut().for_each(|asked| asked.advise(instead));
                Vec::new()
            }
            VoteEvent::Heard(Said::Ask { .. }) => Vec::new(),
            VoteEvent::Judged { by, value, time } => self.on_judged(now, rng, (by, value, time)),
            VoteEvent::Tick => self.on_tick(now, rng),
        }
    }

    fn note(&mut self, note: CouncilNote) -> Effects {
        self.notes.push(note);
        Vec::new()
    }

    fn on_tip(&mut self, now: Duration, tip: &Tip) -> Effects {
        let height = tip.height.next();
        if self.here.as_ref().is_some_and(|here| here.at.height == height) {
            return Vec::new();
        }
        let permitted = self.keeper.permits_upon(tip.height, tip.time);
        self.notes.extend(permitted.as_ref().err().map(CouncilNote::not_permitted));
        let at = VoteHeight { height, set: tip.set.clone() };
        self.here = Some(AtHeight { at, began: now, permitted: permitted.is_ok() });
        self.speaker.begin(now);
        self.rounds.clear();
        self.judging.clear();
        self.asked = None;
        Vec::new()
    }

    /// Whether a round may have come, by the time since its height began.
    fn has_come(&self, now: Duration, statement: &Statement) -> bool {
        let began = self.here.as_ref().map_or(now, |here| here.began);
        let rounds = ROUNDS.saturating_add(now.saturating_sub(began).as_secs());
        u64::from(statement.position().round) <= rounds
    }

    /// Whether the record allows a statement, the block's judgement aside.
    fn allows(&self, now: Duration, ballot: &Ballot) -> Result<(), VoteRefusal> {
        let here = self.here.as_ref().filter(|here| here.permitted).ok_or(VoteRefusal::Height)?;
        if !self.has_come(now, &ballot.statement) {
            return Err(VoteRefusal::Height);
        }
        self.record.clone().admit(ballot, &self.key, &here.at)
    }

    /// Begins a session for what our engine asked for, or waits where that may help.
    fn begin(&mut self, now: Duration, rng: &mut dyn CryptoRngCore) -> Effects {
        let Some(asked) = &mut self.asked else { return Vec::new() };
        asked.next = now + VOTE_PATIENCE;
        let (ballot, until) = (asked.ballot.clone(), asked.until.min(asked.next));
        let me = self.signer.index;
        if self.speaker.is_other(now, me) {
            return self.note(CouncilNote::OtherSpeaker);
        }
        let request = self.signer.statement(&ballot.statement);
        let (ask, of) = ((&self.signer, &request), ballot.clone());
        let asked = match self.allows(now, &ballot) {
            Ok(()) => Round::ask(ask, of, (false, until), rng),
            // The others said this there, so they can sign it without us.
            Err(VoteRefusal::Twice) if self.advised == Some(ballot.statement) => {
                Round::ask_others(ask, of, until, rng)
            }
            // Not permitted yet, or too early.
            Err(VoteRefusal::Height) => return Vec::new(),
            Err(why) => return self.refuse_own(why),
        };
        match asked {
            Ok((round, letter)) => {
                self.speaker.joined(now, me);
                if let Some(asked) = &mut self.asked {
                    asked.round = Some(round);
                }
                let tell = VoteEffect::Tell(Said::Ballot { letter, ballot });
                [vec![tell], self.further_own(now, rng)].concat()
            }
            Err(fault) => self.note(CouncilNote::Failed(fault)),
        }
    }

    /// Answers our engine, after another member's advice if there is one.
    fn give_up(&mut self, note: CouncilNote) -> Effects {
        self.notes.push(note);
        let Some(asked) = self.asked.take() else { return Vec::new() };
        self.advised = asked.instead;
        vec![asked.not_signed()]
    }

    /// Our own record refuses what our engine asked for.
    fn refuse_own(&mut self, why: VoteRefusal) -> Effects {
        let Some(asked) = self.asked.take() else { return Vec::new() };
        let statement = asked.ballot.statement;
        self.notes.push(CouncilNote::NotVoted { by: self.signer.index, why });
        let answer = self.record.instead(&statement).map_or(GroupAnswer::Refused, GroupAnswer::Instead);
        vec![VoteEffect::Answer(statement, answer)]
    }

    /// Refuses what a member asks for, with what may be signed in its place.
    fn refuse(&mut self, by: Index, why: VoteRefusal, statement: &Statement) -> Effects {
        self.notes.push(CouncilNote::NotVoted { by, why });
        let instead = self.record.instead(statement).filter(|_| why != VoteRefusal::Height);
        instead.map(|instead| VoteEffect::Tell(Said::Instead(instead))).into_iter().collect()
    }

    /// A member asks for a statement.
    fn on_ballot(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        letter: Letter,
        ballot: Ballot,
    ) -> Effects {
        let by = letter.heading().from;
        let known = by != self.signer.index && !self.standing.is_left_out(by);
        if !known || self.speaker.is_other(now, by) || !letter.is_signed(self.signer.epoch.draft()) {
            return Vec::new();
        }
        let asks = self.asks.entry(by).or_insert_with(|| TokenBucket::new(ASKS, now));
        if !asks.take(now, 1) {
            return Vec::new();
        }
        if let Err(why) = self.allows(now, &ballot) {
            return self.refuse(by, why, &ballot.statement);
        }
        let opened = match Opened::of(&self.signer, letter, false, &self.signer.statement(&ballot.statement))
        {
            Ok(opened) => opened,
            Err(fault) => return self.note(CouncilNote::Failed(fault)),
        };
        // The block of a statement that this share signed before was judged then.
        let is_new = ballot.statement.needs_block() && !self.record.has_said(&ballot.statement);
        match ballot.statement.value().filter(|_| is_new) {
            Some(value) => {
                let block = ballot.block.clone();
                self.judging.insert(by, (opened, ballot));
                vec![VoteEffect::Judge { by, value, block }]
            }
            None => self.join(now, rng, (by, opened, ballot)),
        }
    }

    fn on_judged(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        (by, value, time): (Index, Hash, Option<u64>),
    ) -> Effects {
        let Some((opened, ballot)) = self.judging.remove(&by) else { return Vec::new() };
        if ballot.statement.value() != Some(value) {
            return Vec::new();
        }
        let Some(time) = time else {
            return self.refuse(by, VoteRefusal::Block, &ballot.statement);
        };
        if !self.is_timely(&ballot, time) {
            return self.refuse(by, VoteRefusal::Time, &ballot.statement);
        }
        self.join(now, rng, (by, opened, ballot))
    }

    /// The clock judges what no quorum has prevoted for: whether it is from the future. Whether it came late, the
    /// speaker's engine has judged when it arrived; members may be asked again much later.
    fn is_timely(&self, ballot: &Ballot, time: u64) -> bool {
        let (chain, value) = (&self.signer.chain, ballot.statement.value());
        let backed =
            |here: &AtHeight| ballot.polka.as_ref().is_some_and(|p| holds(chain, &here.at, p, value));
        time <= self.clock.saturating_add(TIMELY) || self.here.as_ref().is_some_and(backed)
    }

    fn join(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRngCore,
        (by, opened, ballot): (Index, Opened, Ballot),
    ) -> Effects {
        if self.speaker.is_other(now, by) {
            return Vec::new();
        }
        match Round::join(&self.signer, opened, (ballot, now + VOTE_PATIENCE), rng) {
            Ok(round) => {
                self.speaker.joined(now, by);
                self.rounds.insert(by, round);
                self.further(by)
            }
            Err(fault) => self.note(CouncilNote::Failed(fault)),
        }
    }

    fn on_letter(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, letter: Letter) -> Effects {
        if let Some(round) = self.asked.as_mut().and_then(|asked| asked.round.as_mut())
            && round.is_of(&letter)
        {
            let news = round.take(&self.signer, letter);
            return if news { self.further_own(now, rng) } else { Vec::new() };
        }
        let Some((by, round)) = self.rounds.iter_mut().find(|(_, round)| round.is_of(&letter)) else {
            return Vec::new();
        };
        let by = *by;
        if round.take(&self.signer, letter) { self.further(by) } else { Vec::new() }
    }

    /// Goes on in the session of another member.
    fn further(&mut self, by: Index) -> Effects {
        let Some(mut round) = self.rounds.remove(&by) else { return Vec::new() };
        let outcome = round.advance(&self.signer, &[]);
        if !self.binds(by, &round) {
            return Vec::new();
        }
        let effects = self.tell(&mut round);
        match outcome {
            Ok(Progress::Awaiting { .. }) => _ = self.rounds.insert(by, round),
            Ok(Progress::Done(_)) => {}
            Err(fault) => self.blame(fault, by),
        }
        effects
    }

    /// Goes on in our own session.
    fn further_own(&mut self, now: Duration, rng: &mut dyn CryptoRngCore) -> Effects {
        let me = self.signer.index;
        let late = self.asked.as_ref().is_some_and(|asked| asked.is_late(now));
        let candidates = self.standing.candidates(self.signer.epoch.draft(), late);
        let Some(mut round) = self.asked.as_mut().and_then(|asked| asked.round.take()) else {
            return Vec::new();
        };
        let outcome = round.advance(&self.signer, &candidates);
        if !self.binds(me, &round) {
            return Vec::new();
        }
        let mut effects = self.tell(&mut round);
        match outcome {
            Ok(Progress::Awaiting { .. }) => {
                if let Some(asked) = &mut self.asked {
                    asked.round = Some(round);
                }
            }
            Ok(Progress::Done(answered)) => {
                self.standing.have_signed(&answered.members);
                let signature = answered.signature.and_then(|bytes| Signature::from_bytes(&bytes).ok());
                self.asked = None;
                let answer = signature.map_or(GroupAnswer::Later, GroupAnswer::Signed);
                effects.push(VoteEffect::Answer(round.of.statement, answer));
            }
            Err(fault) => {
                self.blame(fault, me);
                // At once, if somebody else can take the place; else after a while.
                let culprit = fault.member();
                let left = self.standing.candidates(self.signer.epoch.draft(), false);
                if culprit.is_some_and(|member| member != me && !left.contains(&member)) {
                    effects.extend(self.begin(now, rng));
                }
            }
        }
        effects
    }

    /// Before our share of a signature leaves: the record, durably.
    fn binds(&mut self, by: Index, round: &Round<Ballot>) -> bool {
        if !round.has_untold_share(self.signer.index) {
            return true;
        }
        let Some(here) = self.here.as_ref().filter(|here| here.permitted) else { return false };
        let admitted = self.record.admit(&round.of, &self.key, &here.at);
        let why = match admitted {
            Err(why) => Some(CouncilNote::NotVoted { by, why }),
            Ok(()) => self.keeper.keep(&self.record).err().map(|why| CouncilNote::NotBound(why.to_string())),
        };
        let bound = why.is_none();
        self.notes.extend(why);
        bound
    }

    fn tell(&self, round: &mut Round<Ballot>) -> Effects {
        let letters = round.letters_to_tell(self.signer.index);
        letters.into_iter().map(|letter| VoteEffect::Tell(Said::Letter(letter))).collect()
    }

    fn blame(&mut self, fault: Fault, by: Index) {
        self.notes.push(match self.standing.failed(fault, by) {
            Some((member, true)) => CouncilNote::LeftOut { member, fault },
            _ => CouncilNote::Failed(fault),
        });
    }

    fn on_tick(&mut self, now: Duration, rng: &mut dyn CryptoRngCore) -> Effects {
        self.rounds.retain(|_, round| round.until > now);
        let me = self.signer.index;
        let Some(asked) = &mut self.asked else { return Vec::new() };
        if now < asked.next.min(asked.until) {
            return Vec::new();
        }
        if let Some(round) = asked.round.take() {
            let silent: Vec<Index> = round.silent().into_iter().filter(|i| *i != me).collect();
            self.standing.were_silent(&silent);
            if !silent.is_empty() {
                self.notes.push(CouncilNote::Silent(silent));
            }
        }
        if asked.until <= now { self.give_up(CouncilNote::TooFew) } else { self.begin(now, rng) }
    }
}

impl fmt::Debug for VoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signer { epoch, index, .. } = &self.signer;
        f.debug_struct("VoteSigner")
            .field("group", &epoch.group())
            .field("index", index)
            .finish_non_exhaustive()
    }
}
