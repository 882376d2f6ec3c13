//! What a computer does with what happens in a run: a machine without sockets, files or clock.
//!
//! ```text
//!            Delivered…              all inputs there            Computed               Signed
//! Gathering ───────────► Gathering ───────────────► Computing ───────────► Computed ───────────► Finished
//!     ▲                                                 │ Failed, passing      │ (crash, Failed)
//!     └─────────────────────────────────────────────────┘◄─────────────────────┘
//! ```
//!
//! `step` takes an event and says what is to be done, in this order; what is to be kept must be durable before the next thing is
//! done, and if it cannot be kept nothing after it may be done. A computer that crashed is [`restored`](Desk::restore) from what was
//! kept: sealed inputs, used attempt numbers, outputs. Keys, labels and open inputs are not among these.
//!
//! A finished run stays finished: whoever asks gets the same outputs and the same receipt again.

use std::collections::{BTreeMap, BTreeSet};

use super::attempt::{Computed, Finished};
use super::consent::Agreement;
use super::hash::Digest;
use super::inputs::{InputError, Manifest, Share};
use super::post::Answer;
use super::spec::{Job, PartyId};
use sotto_party::Identity;

/// What is kept between crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// What an owner stated.
    Manifest(PartyId),
    /// What an owner sealed to us.
    Share(PartyId),
    /// The ids of all attempts, in order.
    Attempts,
    /// Outputs that lack the other's signature.
    Computed,
    /// Outputs and receipt.
    Finished,
    /// Who has what there was for it.
    Served,
    /// Our own input to the run, as an owner: kept once somebody is about to be told of it.
    Own,
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// An owner brought its input; a computer who is an owner brings its manifest alone.
    Delivered {
        /// Whose.
        owner: PartyId,
        /// What it states.
        manifest: Vec<u8>,
        /// What it sealed to us.
        sealed: Vec<u8>,
    },
    /// A party asks for what there is for it.
    Asked(PartyId),
    /// A party has all that there was for it.
    Served(PartyId),
    /// The other computer is there: an attempt is about to begin.
    Met,
    /// The attempt has a number and an id.
    Begun {
        /// Its number.
        attempt: u32,
        /// Its id.
        run_id: Digest,
    },
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

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep this, in place of what was kept.
    Keep(Item, Vec<u8>),
    /// Tell this to whom the event was about.
    Answer(Answer),
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

/// A computer's desk for one run.
#[derive(Debug)]
pub struct Desk<'a> {
    agreement: &'a Agreement,
    run: u32,
    us: PartyId,
    identity: &'a Identity,
    /// Input bits of each owner, in the job's order.
    bits: Vec<usize>,
    manifests: BTreeMap<PartyId, Manifest>,
    attempts: Vec<(u32, Digest)>,
    state: State,
    served: BTreeSet<PartyId>,
}

impl<'a> Desk<'a> {
    /// The desk as it was kept; `kept` gives each item, or nothing. Whatever does not fit the job is as if it were not there.
    #[must_use]
    pub fn restore(
        (agreement, run): (&'a Agreement, u32),
        (us, identity): (PartyId, &'a Identity),
        bits: Vec<usize>,
        mut kept: impl FnMut(Item) -> Option<Vec<u8>>,
    ) -> Self {
        let job = agreement.job();
        let mut manifests = BTreeMap::new();
        // Our own input comes with us each time; what binds it is kept elsewhere (`Item::Own`).
        for input in job.inputs.iter().filter(|input| input.owner != us) {
            let share = job.computes(input.owner) || kept(Item::Share(input.owner)).is_some();
            let manifest = kept(Item::Manifest(input.owner)).filter(|_| share);
            let manifest = manifest.and_then(|m| Manifest::from_bytes(job, (input.owner, run), &m).ok());
            manifests.extend(manifest.map(|manifest| (input.owner, manifest)));
        }
        let attempts = kept(Item::Attempts).map(|bytes| read_attempts(&bytes)).unwrap_or_default();
        let served = kept(Item::Served).map(|bytes| read_served(&bytes)).unwrap_or_default();
        let ours = |facts: &super::receipt::Facts| facts.job == job.id() && facts.run == run;
        let computed = kept(Item::Computed).and_then(|b| Computed::from_bytes(&b)).filter(|c| ours(&c.facts));
        let finished =
            kept(Item::Finished).and_then(|b| Finished::from_bytes(&b)).filter(|f| ours(&f.receipt.facts));
        let state = match (finished, computed) {
            (Some(finished), _) => State::Finished(Box::new(finished)),
            (None, Some(computed)) => State::Computed(Box::new(computed)),
            (None, None) => State::Gathering,
        };
        Self { agreement, run, us, identity, bits, manifests, attempts, state, served }
    }

    /// Goes back to what was kept, because something could not be.
    pub fn recover(&mut self, kept: impl FnMut(Item) -> Option<Vec<u8>>) {
        let (bits, own) = (std::mem::take(&mut self.bits), self.manifests.remove(&self.us));
        *self = Self::restore((self.agreement, self.run), (self.us, self.identity), bits, kept);
        self.manifests.extend(own.map(|own| (self.us, own)));
    }

    /// What was agreed.
    #[must_use]
    pub const fn agreement(&self) -> &'a Agreement {
        self.agreement
    }

    /// Takes an event.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Delivered { owner, manifest, sealed } => self.deliver(owner, &manifest, sealed),
            Event::Asked(party) => vec![Effect::Answer(self.answer(party))],
            Event::Served(party) => self.serve(party),
            Event::Met => self.meet(),
            Event::Begun { attempt, run_id } => self.begin(attempt, run_id),
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
                    // The first reason is the one to tell.
                    State::Finished(_) | State::Stopped(_) => {}
                    _ if !is_passing => self.state = State::Stopped(why),
                    State::Computing => self.state = State::Gathering,
                    _ => {}
                }
                Vec::new()
            }
        }
    }

    /// The inputs, in the job's order, once all are there.
    #[must_use]
    pub fn manifests(&self) -> Option<Vec<Manifest>> {
        self.job().inputs.iter().map(|input| self.manifests.get(&input.owner).cloned()).collect()
    }

    /// The lowest attempt number that was not used.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        self.attempts.iter().map(|(attempt, _)| attempt.saturating_add(1)).max().unwrap_or(1)
    }

    /// What was computed, if the other computer may still lack our signature.
    #[must_use]
    pub fn waiting(&self) -> Option<Computed> {
        match &self.state {
            State::Computed(computed) => Some(Computed::clone(computed)),
            State::Finished(finished) => Some(finished.computed(self.us == self.job().garbler)),
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

    /// Owners who have not brought their input. The other computer's crosses when the two meet, and is not among these.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let job = self.job();
        let brings = job.inputs.iter().map(|input| input.owner).filter(|owner| !job.computes(*owner));
        let lacks = brings.filter(|owner| !self.manifests.contains_key(owner));
        lacks.map(|owner| job.party(owner).name.to_string()).collect()
    }

    /// Whether everybody else has what there is for it.
    #[must_use]
    pub fn all_served(&self) -> bool {
        self.job().ids().all(|id| id == self.us || self.served.contains(&id))
    }

    /// Whether a party has what there is for it.
    #[must_use]
    pub fn has_served(&self, party: PartyId) -> bool {
        self.served.contains(&party)
    }

    fn job(&self) -> &'a Job {
        self.agreement.job()
    }

    fn deliver(&mut self, owner: PartyId, bytes: &[u8], sealed: Vec<u8>) -> Vec<Effect> {
        match self.check(owner, bytes, &sealed) {
            Err(error) => vec![Effect::Answer(Answer::Refused(error.to_string()))],
            Ok(None) => vec![Effect::Answer(Answer::Taken)],
            Ok(Some(manifest)) => {
                self.manifests.insert(owner, manifest);
                let mut effects = Vec::new();
                if owner != self.us {
                    effects.push(Effect::Keep(Item::Manifest(owner), bytes.to_vec()));
                }
                if !self.job().computes(owner) {
                    // The share first: a manifest without it counts for nothing.
                    effects.insert(0, Effect::Keep(Item::Share(owner), sealed));
                }
                effects.push(Effect::Answer(Answer::Taken));
                effects
            }
        }
    }

    /// The manifest, if it is new and holds; nothing if it was taken before.
    fn check(&self, owner: PartyId, bytes: &[u8], sealed: &[u8]) -> Result<Option<Manifest>, InputError> {
        let job = self.job();
        let manifest = Manifest::from_bytes(job, (owner, self.run), bytes)?;
        match self.manifests.get(&owner) {
            Some(before) if *before == manifest => return Ok(None),
            Some(_) => return Err(InputError::Changed(job.party(owner).name.to_string())),
            None => {}
        }
        let bits = job.input_of(owner).and_then(|i| self.bits.get(i)).copied().unwrap_or_default();
        if !job.computes(owner) {
            let _: Share = manifest.open(job, self.identity, sealed, bits)?;
        }
        Ok(Some(manifest))
    }

    fn serve(&mut self, party: PartyId) -> Vec<Effect> {
        let keep = self.finished().is_some() && self.served.insert(party);
        let all = || self.served.iter().flat_map(|id| id.0.to_le_bytes()).collect();
        let keep = keep.then(|| Effect::Keep(Item::Served, all()));
        keep.into_iter().chain([Effect::Answer(Answer::Taken)]).collect()
    }

    fn answer(&self, party: PartyId) -> Answer {
        match &self.state {
            State::Stopped(why) => Answer::Refused(why.clone()),
            State::Finished(finished) => {
                let parcel = finished.parcels.iter().find(|parcel| parcel.receiver == party).cloned();
                Answer::Finished { receipt: finished.receipt.to_bytes(), parcel }
            }
            _ => Answer::Waiting(self.missing()),
        }
    }

    fn meet(&mut self) -> Vec<Effect> {
        match &self.state {
            State::Stopped(why) => vec![Effect::Answer(Answer::Refused(why.clone()))],
            State::Finished(_) | State::Computed(_) => vec![Effect::Proceed],
            State::Computing => vec![Effect::Answer(Answer::Waiting(Vec::new()))],
            State::Gathering if self.manifests().is_none() => {
                vec![Effect::Answer(Answer::Waiting(self.missing()))]
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
            return vec![Effect::Answer(Answer::Refused(why))];
        }
        // What was computed before and not signed was delivered to nobody, and will not be.
        self.state = State::Computing;
        self.attempts.push((attempt, run_id));
        // All of them again: an end of the last that a crash had cut off would put what follows it out of step.
        let records =
            self.attempts.iter().flat_map(|(attempt, id)| [&attempt.to_le_bytes()[..], &id.0].concat());
        vec![Effect::Keep(Item::Attempts, records.collect()), Effect::Proceed]
    }
}

/// Those who were served, as it was kept.
fn read_served(bytes: &[u8]) -> BTreeSet<PartyId> {
    let (ids, _) = bytes.as_chunks();
    ids.iter().map(|id| PartyId(u16::from_le_bytes(*id))).collect()
}

/// Attempts as they were kept; a record that was cut off while it was written was not acted upon, and its number is skipped.
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
