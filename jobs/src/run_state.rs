//! The state of a compute party in one run: a machine without sockets, files or clock.
//!
//! ```text
//!            Delivered…              all inputs there            Computed               Signed
//! Gathering ───────────► Gathering ───────────────► Computing ───────────► Computed ───────────► Finished
//!     ▲                                                 │ Failed, passing      │ (crash, Failed)
//!     └─────────────────────────────────────────────────┘◄─────────────────────┘
//! ```
//!
//! `step` takes an event and returns effects in order. What an effect stores must be durable before the next
//! effect is carried out; if it cannot be stored, no later effect may be. After a crash the machine is
//! [restored](RunState::restore) from what was stored: encrypted inputs, used attempt numbers, outputs. Keys,
//! labels and decrypted inputs are never stored.
//!
//! A finished run stays finished: every request gets the same outputs and the same receipt.
//!
//! **Against a malicious compute party** an attempt number is kept, and so used up, when the attempt reaches its
//! first milestone (`Begun`), before anything leaves by which the peer can try its luck. The job allows so many of
//! them. From the second milestone on (`Opening`) outputs may have been opened, and there is no other attempt: what
//! fails then stops the run.

use std::collections::{BTreeMap, BTreeSet};

use super::approval::{Agreement, Run};
use super::attempt::{AttemptError, Computed, Finished};
use super::hash::Digest;
use super::input_commitment::{InputCommitment, InputError, InputShare};
use super::job::{Job, PartyId};
use super::messages::Response;
use super::post::Slot;
use sotto_party::Identity;

/// Who we are.
#[derive(Clone, Copy, Debug)]
pub struct OwnParty<'a> {
    /// Our place in the job.
    pub id: PartyId,
    /// Our keys.
    pub identity: &'a Identity,
}

/// What is kept between crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Which run of which job the other items are about.
    Run,
    /// What an input party stated.
    InputCommitment(PartyId),
    /// What an input party encrypted to us.
    InputShare(PartyId),
    /// The ids of all attempts, in order. If the job withstands a malicious compute party, only those that count.
    Attempts,
    /// That outputs may have been opened: there is no further attempt. Only if the job withstands a malicious
    /// compute party.
    Opened,
    /// Outputs that lack the other's signature.
    Computed,
    /// Outputs and receipt.
    Finished,
    /// Who has what there was for it.
    Confirmed,
    /// Our own input to the run: stored just before another party learns of it.
    Own,
    /// A letter of a sale.
    Letter {
        /// From whom.
        from: PartyId,
        /// For whom.
        to: PartyId,
        /// What it is.
        slot: Slot,
    },
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// An input party brought its input; a compute party who is an input party brings its input commitment
    /// alone.
    Delivered {
        /// Whose.
        input_party: PartyId,
        /// What it states.
        input_commitment: Vec<u8>,
        /// What it encrypted to us.
        encrypted: Vec<u8>,
    },
    /// A party asks for what there is for it.
    Collecting(PartyId),
    /// A party has all that there was for it.
    Confirmed(PartyId),
    /// The other compute party is there: an attempt is about to begin.
    PeerReady,
    /// The attempt has a number and an id. If the job withstands a malicious compute party: and counts.
    Begun {
        /// Its number.
        attempt: u32,
        /// Its id.
        run_id: Digest,
    },
    /// Masks of outputs are about to be sent, in a job that withstands a malicious compute party.
    Opening,
    /// Our outputs are there.
    Computed(Box<Computed>),
    /// Both signed.
    Signed(Box<Finished>),
    /// The attempt failed.
    Failed {
        /// Why, for those who ask.
        why: String,
        /// Whether another may succeed.
        is_passing: bool,
    },
}

/// What a compute party does next on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The run is finished: deliver.
    Deliver,
    /// Nothing will come of it, for this reason.
    Stop(String),
    /// The job has expired, and nothing was computed in time.
    Expire,
    /// Meet the other compute party.
    Meet,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep this, in place of what was kept.
    Keep(Item, Vec<u8>),
    /// Tell this to whom the event was about.
    Response(Response),
    /// Go on with the attempt.
    Proceed,
}

#[derive(Debug)]
enum State {
    Gathering,
    Computing,
    Computed(Box<Computed>),
    Finished(Box<Finished>),
    Stopped(String),
}

/// A compute party's run state for one run.
#[derive(Debug)]
pub struct RunState<'a> {
    run: Run<'a>,
    us: PartyId,
    identity: &'a Identity,
    /// Bits that each contributor brings, in the job's order, pads included.
    bits: Vec<usize>,
    input_commitments: BTreeMap<PartyId, InputCommitment>,
    attempts: Vec<(u32, Digest)>,
    /// Whether outputs may have been opened.
    is_opened: bool,
    state: State,
    confirmed: BTreeSet<PartyId>,
}

impl<'a> RunState<'a> {
    /// The run state as it was kept; `kept` gives each item, or nothing. Whatever does not fit the job is as
    /// if it were not there.
    #[must_use]
    pub fn restore(
        run: Run<'a>,
        OwnParty { id: us, identity }: OwnParty<'a>,
        bits: Vec<usize>,
        mut kept: impl FnMut(Item) -> Option<Vec<u8>>,
    ) -> Self {
        let job = run.job();
        let mut input_commitments = BTreeMap::new();
        // Our own input comes with us each time; what binds it is kept elsewhere (`Item::Own`).
        for party in job.contributors().into_iter().filter(|party| *party != us) {
            let share = job.computes(party) || kept(Item::InputShare(party)).is_some();
            let input_commitment = kept(Item::InputCommitment(party)).filter(|_| share);
            let input_commitment =
                input_commitment.and_then(|m| InputCommitment::from_bytes(run.input_of(party), &m).ok());
            input_commitments.extend(input_commitment.map(|input_commitment| (party, input_commitment)));
        }
        let attempts = kept(Item::Attempts).map(|bytes| read_attempts(&bytes)).unwrap_or_default();
        let confirmed = kept(Item::Confirmed).map(|bytes| read_confirmed(&bytes)).unwrap_or_default();
        let ours = |facts: &super::receipt::Facts| facts.job == job.id() && facts.run == run.number();
        let computed = kept(Item::Computed).and_then(|b| Computed::from_bytes(&b)).filter(|c| ours(&c.facts));
        let finished =
            kept(Item::Finished).and_then(|b| Finished::from_bytes(&b)).filter(|f| ours(&f.receipt.facts));
        let is_opened = kept(Item::Opened).is_some();
        let state = match (finished, computed) {
            (Some(finished), _) => State::Finished(Box::new(finished)),
            (None, Some(computed)) => State::Computed(Box::new(computed)),
            (None, None) if is_opened => State::Stopped(AttemptError::Opened.to_string()),
            (None, None) => State::Gathering,
        };
        Self { run, us, identity, bits, input_commitments, attempts, is_opened, state, confirmed }
    }

    /// Goes back to what was kept, because something could not be. Attempts and opened outputs that are known here
    /// stay known, should they not be readable now.
    pub fn recover(&mut self, kept: impl FnMut(Item) -> Option<Vec<u8>>) {
        let (bits, own) = (std::mem::take(&mut self.bits), self.input_commitments.remove(&self.us));
        let (attempts, is_opened) = (std::mem::take(&mut self.attempts), self.is_opened);
        let ours = OwnParty { id: self.us, identity: self.identity };
        *self = Self::restore(self.run, ours, bits, kept);
        self.input_commitments.extend(own.map(|own| (self.us, own)));
        if attempts.len() > self.attempts.len() {
            self.attempts = attempts;
        }
        if is_opened && matches!(self.state, State::Gathering) {
            self.state = State::Stopped(AttemptError::Opened.to_string());
        }
        self.is_opened |= is_opened;
    }

    /// What was agreed.
    #[must_use]
    pub const fn agreement(&self) -> &'a Agreement {
        self.run.agreement()
    }

    /// Takes an event.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Delivered { input_party, input_commitment, encrypted } => {
                self.deliver(input_party, &input_commitment, encrypted)
            }
            Event::Collecting(party) => vec![Effect::Response(self.answer(party))],
            Event::Confirmed(party) => self.serve(party),
            Event::PeerReady => self.meet(),
            Event::Begun { attempt, run_id } => self.begin(attempt, run_id),
            Event::Opening => {
                self.is_opened = true;
                vec![Effect::Keep(Item::Opened, Vec::new()), Effect::Proceed]
            }
            Event::Computed(computed) => {
                let keep = Effect::Keep(Item::Computed, computed.to_bytes());
                self.state = State::Computed(computed);
                vec![keep, Effect::Proceed]
            }
            Event::Signed(finished) => {
                let keep = Effect::Keep(Item::Finished, finished.to_bytes());
                self.state = State::Finished(finished);
                vec![keep]
            }
            Event::Failed { why, is_passing } => {
                match self.state {
                    // The first reason is the one to report.
                    State::Finished(_) | State::Stopped(_) => {}
                    _ if !is_passing => self.state = State::Stopped(why),
                    State::Computing if self.is_opened => {
                        self.state = State::Stopped(AttemptError::Opened.to_string());
                    }
                    State::Computing => self.state = State::Gathering,
                    _ => {}
                }
                Vec::new()
            }
        }
    }

    /// What to do next, at this time (seconds since 1970).
    #[must_use]
    pub fn next_step(&self, now: u64) -> NextStep {
        match &self.state {
            State::Finished(_) => NextStep::Deliver,
            State::Stopped(why) => NextStep::Stop(why.clone()),
            State::Computed(_) => NextStep::Meet,
            State::Gathering | State::Computing if now >= self.job().expiry => NextStep::Expire,
            State::Gathering | State::Computing if self.exhausted().is_some() => {
                NextStep::Stop(self.exhausted().map(|why| why.to_string()).unwrap_or_default())
            }
            State::Gathering | State::Computing => NextStep::Meet,
        }
    }

    /// The inputs, in the job's order, once all are there.
    #[must_use]
    pub fn input_commitments(&self) -> Option<Vec<InputCommitment>> {
        let contributors = self.job().contributors().into_iter();
        contributors.map(|party| self.input_commitments.get(&party).cloned()).collect()
    }

    /// The lowest attempt number that was not used.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        self.attempts.iter().map(|(attempt, _)| attempt.saturating_add(1)).max().unwrap_or(1)
    }

    /// What was computed, if the other compute party may still lack our signature.
    #[must_use]
    pub fn waiting(&self) -> Option<Computed> {
        match &self.state {
            State::Computed(computed) => Some(Computed::clone(computed)),
            State::Finished(finished) => Some(finished.computed(self.job(), self.us)),
            _ => None,
        }
    }

    /// What is finished.
    #[must_use]
    pub fn finished(&self) -> Option<&Finished> {
        if let State::Finished(finished) = &self.state { Some(finished) } else { None }
    }

    /// Why nothing more will come of this run.
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        if let State::Stopped(why) = &self.state { Some(why) } else { None }
    }

    /// Input parties who have not brought their input. The other compute party's crosses when the two meet,
    /// and is not among these.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let job = self.job();
        let brings = job.contributors().into_iter().filter(|party| !job.computes(*party));
        let lacks = brings.filter(|input_party| !self.input_commitments.contains_key(input_party));
        lacks.map(|input_party| job.party(input_party).name.to_string()).collect()
    }

    /// The other parties who have not collected their results.
    #[must_use]
    pub fn uncollected(&self) -> Vec<String> {
        let job = self.job();
        let lacks = job.ids().filter(|id| *id != self.us && !self.confirmed.contains(id));
        lacks.map(|id| job.party(id).name.to_string()).collect()
    }

    /// Whether a party has what there is for it.
    #[must_use]
    pub fn has_confirmed(&self, party: PartyId) -> bool {
        self.confirmed.contains(&party)
    }

    /// Why there will be no further attempt, if the job's are used up.
    fn exhausted(&self) -> Option<AttemptError> {
        let most = self.job().malicious()?.attempts.number();
        (self.next_attempt() > most).then_some(AttemptError::Exhausted(most))
    }

    fn job(&self) -> &'a Job {
        self.run.job()
    }

    fn deliver(&mut self, input_party: PartyId, bytes: &[u8], encrypted: Vec<u8>) -> Vec<Effect> {
        match self.check(input_party, bytes, &encrypted) {
            Err(error) => vec![Effect::Response(Response::Refused(error.to_string()))],
            Ok(None) => vec![Effect::Response(Response::Taken)],
            Ok(Some(input_commitment)) => {
                self.input_commitments.insert(input_party, input_commitment);
                let mut effects = Vec::new();
                if input_party != self.us {
                    effects.push(Effect::Keep(Item::InputCommitment(input_party), bytes.to_vec()));
                }
                if !self.job().computes(input_party) {
                    // The share first: an input commitment without it counts for nothing.
                    effects.insert(0, Effect::Keep(Item::InputShare(input_party), encrypted));
                }
                effects.push(Effect::Response(Response::Taken));
                effects
            }
        }
    }

    /// The input commitment, if it is new and holds; nothing if it was taken before.
    fn check(
        &self,
        input_party: PartyId,
        bytes: &[u8],
        encrypted: &[u8],
    ) -> Result<Option<InputCommitment>, InputError> {
        let job = self.job();
        let input_commitment = InputCommitment::from_bytes(self.run.input_of(input_party), bytes)?;
        match self.input_commitments.get(&input_party) {
            Some(before) if *before == input_commitment => return Ok(None),
            Some(_) => return Err(InputError::Changed(job.party(input_party).name.to_string())),
            None => {}
        }
        let bits =
            job.contributor_of(input_party).and_then(|i| self.bits.get(i)).copied().unwrap_or_default();
        if !job.computes(input_party) {
            let _: InputShare = input_commitment.decrypt(job, self.identity, encrypted, bits)?;
        }
        Ok(Some(input_commitment))
    }

    fn serve(&mut self, party: PartyId) -> Vec<Effect> {
        let keep = self.finished().is_some() && self.confirmed.insert(party);
        let all = || self.confirmed.iter().flat_map(|id| id.0.to_le_bytes()).collect();
        let keep = keep.then(|| Effect::Keep(Item::Confirmed, all()));
        keep.into_iter().chain([Effect::Response(Response::Taken)]).collect()
    }

    fn answer(&self, party: PartyId) -> Response {
        match &self.state {
            State::Stopped(why) => Response::Refused(why.clone()),
            State::Finished(finished) => {
                let encrypted_share = finished
                    .encrypted_shares
                    .iter()
                    .find(|encrypted_share| encrypted_share.result_party == party)
                    .cloned();
                Response::Finished { receipt: finished.receipt.to_bytes(), encrypted_share }
            }
            _ => Response::Waiting(self.missing()),
        }
    }

    fn meet(&mut self) -> Vec<Effect> {
        match &self.state {
            State::Stopped(why) => vec![Effect::Response(Response::Refused(why.clone()))],
            State::Finished(_) | State::Computed(_) => vec![Effect::Proceed],
            State::Computing => vec![Effect::Response(Response::Waiting(Vec::new()))],
            State::Gathering if self.input_commitments().is_none() => {
                vec![Effect::Response(Response::Waiting(self.missing()))]
            }
            State::Gathering => {
                self.state = State::Computing;
                vec![Effect::Proceed]
            }
        }
    }

    fn begin(&mut self, attempt: u32, run_id: Digest) -> Vec<Effect> {
        if self.attempts.iter().any(|(before, id)| *before >= attempt || *id == run_id) {
            let why = "an attempt was to be made under a number that was used before".to_owned();
            self.state = State::Stopped(why.clone());
            return vec![Effect::Response(Response::Refused(why))];
        }
        // Earlier unsigned outputs were never delivered, and will not be.
        self.state = State::Computing;
        self.attempts.push((attempt, run_id));
        // All of them again: an end of the last that a crash had cut off would put what follows it out of
        // step.
        let records =
            self.attempts.iter().flat_map(|(attempt, id)| [&attempt.to_le_bytes()[..], &id.0].concat());
        vec![Effect::Keep(Item::Attempts, records.collect()), Effect::Proceed]
    }
}

/// Those who were served, as it was kept.
fn read_confirmed(bytes: &[u8]) -> BTreeSet<PartyId> {
    let (ids, _) = bytes.as_chunks();
    ids.iter().map(|id| PartyId(u16::from_le_bytes(*id))).collect()
}

/// Attempts as they were kept; a record that was cut off while it was written was not acted upon, and its
/// number is skipped.
fn read_attempts(bytes: &[u8]) -> Vec<(u32, Digest)> {
    let (records, rest) = bytes.as_chunks::<36>();
    let read = |record: &[u8; 36]| {
        let (attempt, id) = record.split_first_chunk()?;
        Some((u32::from_le_bytes(*attempt), Digest(id.try_into().ok()?)))
    };
    let mut attempts: Vec<_> = records.iter().filter_map(read).collect();
    if !rest.is_empty() {
        let last = attempts.last().map_or(0, |(attempt, _)| *attempt);
        attempts.push((last.saturating_add(1), Digest([0; 32])));
    }
    attempts
}
