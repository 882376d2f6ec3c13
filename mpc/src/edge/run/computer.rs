//! A computer's part: it answers the others on threads of their own, and attempts the run on its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand_core::{CryptoRng, RngCore};

use super::super::files::{Shelf, name};
use super::door::Door;
use super::ways::Line;
use super::{AGAIN, MAX_ANSWER, Outcome, RunError, Setup, Stage, now};
use crate::job::PartyId;
use crate::job::attempt::{Finished, Known, begin};
use crate::job::desk::{Desk, Effect, Event, Item};
use crate::job::inputs::{Manifest, Prepared, Share, sealed_length};
use crate::job::outputs::Origin;
use crate::job::post::{Answer, Request, Wish};
use crate::joint::Joint;

/// Others who may be answered at a time.
const GUESTS: usize = 64;

/// How long others can still hear that a run failed.
const BAD_NEWS: Duration = Duration::from_secs(5);

/// The desk and what it keeps, together: nothing is done that was not kept.
struct Counter<'a, S> {
    desk: Desk<'a>,
    shelf: &'a mut S,
}

/// What came of an event.
enum Said {
    Go,
    Answer(Answer),
}

impl<S: Shelf> Counter<'_, S> {
    /// Goes back to what was kept.
    fn recover(&mut self) {
        let (job, shelf) = (self.desk.agreement().job(), &*self.shelf);
        self.desk.recover(|item| shelf.get(&name(job, item)).ok().flatten());
    }

    /// Takes an event and does what is to be done, in order. Where something cannot be kept, the desk is as if nothing had happened.
    fn step(&mut self, event: Event) -> Result<Said, RunError> {
        self.apply(event).inspect_err(|_| self.recover())
    }

    fn apply(&mut self, event: Event) -> Result<Said, RunError> {
        let job = self.desk.agreement().job();
        for effect in self.desk.step(event) {
            match effect {
                Effect::Keep(item, bytes) => self.shelf.keep(&name(job, item), &bytes)?,
                Effect::Answer(answer) => return Ok(Said::Answer(answer)),
                Effect::Proceed => return Ok(Said::Go),
            }
        }
        Ok(Said::Go)
    }
}

/// What the threads of a computer share.
struct Office<'a, P, S> {
    setup: &'a Setup<'a, P>,
    counter: Mutex<Counter<'a, S>>,
    /// Our own manifest, if we are an owner.
    own: Option<Vec<u8>>,
    over: AtomicBool,
    guests: AtomicUsize,
    /// Why nobody can come any more.
    shut: Mutex<Option<RunError>>,
}

pub(super) fn run<P: Joint + Sync, S: Shelf + Send>(
    setup: &Setup<'_, P>,
    prepared: Option<Prepared>,
    shelf: &mut S,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Outcome, RunError> {
    let job = setup.job();
    let bits = (0..job.inputs.len()).map(|i| setup.program.declaration().input_bits(i)).collect();
    let kept = |item| shelf.get(&name(job, item)).ok().flatten();
    let desk = Desk::restore((setup.agreement, setup.run), (setup.us, setup.identity), bits, kept);
    let mut counter = Counter { desk, shelf };
    let own = prepared.as_ref().map(|prepared| prepared.manifest.to_bytes());
    if let Some(manifest) = own.clone() {
        let delivered = Event::Delivered { owner: setup.us, manifest, sealed: Vec::new() };
        refuse(setup, setup.us, counter.step(delivered)?)?;
    }
    let door = Door::open(&setup.ways())?;
    let office = Office {
        setup,
        counter: Mutex::new(counter),
        own,
        over: false.into(),
        guests: 0.into(),
        shut: Mutex::new(None),
    };
    let (calls, called) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(|| office.answer(scope, door, &calls));
        let own = prepared.as_ref().and_then(|prepared| prepared.own.as_ref());
        let outcome = office.compute(&called, own, rng);
        // Also after a failure: those who ask shall hear of it.
        if office.counter().desk.finished().is_some() || office.counter().desk.stopped().is_some() {
            office.serve(&called, own, rng);
        }
        office.over.store(true, Ordering::Release);
        outcome
    })
}

/// An answer that is a refusal, as an error.
fn refuse<P: Joint>(setup: &Setup<'_, P>, by: PartyId, said: Said) -> Result<(), RunError> {
    match said {
        Said::Answer(Answer::Refused(why)) => Err(RunError::Refused { by: setup.name(by), why }),
        _ => Ok(()),
    }
}

impl<'a, P: Joint + Sync, S: Shelf + Send> Office<'a, P, S> {
    fn counter(&self) -> MutexGuard<'_, Counter<'a, S>> {
        // A guest's panic leaves what was kept.
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whoever comes, each on a thread of its own, until the run is over.
    fn answer<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        mut door: Door,
        calls: &'scope SyncSender<Line>,
    ) {
        while !self.over.load(Ordering::Acquire) {
            let line = match door.next(&self.setup.ways()) {
                Ok(Some(line)) => line,
                Ok(None) => continue,
                Err(why) => {
                    *self.shut.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                    return;
                }
            };
            if self.guests.fetch_add(1, Ordering::AcqRel) < GUESTS {
                scope.spawn(move || {
                    // A guest who hung up comes again; there is nobody to tell.
                    let _ = self.guest(line, calls);
                    self.guests.fetch_sub(1, Ordering::AcqRel);
                });
            } else {
                self.guests.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    fn guest(&self, mut line: Line, calls: &SyncSender<Line>) -> Option<()> {
        let job = self.setup.job();
        let guest = job.find_key(line.get_ref().peer().as_bytes())?;
        let bits = job.input_of(guest).map_or(0, |i| self.setup.program.declaration().input_bits(i));
        let request = Request::receive(&mut line, sealed_length(bits) + (1 << 16)).ok()?;
        if (request.job, request.run) != (job.id(), self.setup.run) {
            let why = "this is another job, or another run of it: compare the job's ids".to_owned();
            return Answer::Refused(why).send(&mut line).ok();
        }
        let said = match request.wish {
            Wish::Deliver { manifest, sealed } if !job.computes(guest) && job.input_of(guest).is_some() => {
                self.step(Event::Delivered { owner: guest, manifest, sealed })
            }
            Wish::Collect => {
                let said = self.step(Event::Asked(guest));
                // The other computer asks only when it is over for it.
                if job.computes(guest) {
                    self.step(Event::Served(guest));
                }
                said
            }
            Wish::Served => self.step(Event::Served(guest)),
            Wish::Compute { manifest } if guest == job.evaluator && self.setup.us == job.garbler => {
                match self.meet(guest, manifest) {
                    Said::Go => {
                        let ready = Answer::Ready { manifest: self.own.clone() }.send(&mut line).is_ok();
                        if !ready || calls.try_send(line).is_err() {
                            self.step(Event::Failed { why: String::new(), is_passing: true });
                        }
                        return Some(());
                    }
                    said => said,
                }
            }
            _ => Said::Answer(Answer::Refused("the job does not give you that role".to_owned())),
        };
        match said {
            Said::Answer(answer) => answer.send(&mut line).ok(),
            Said::Go => None,
        }
    }

    /// An event, where what cannot be kept is a refusal.
    fn step(&self, event: Event) -> Said {
        let full = "it cannot be kept here now: the disk may be full; try again later";
        self.counter().step(event).unwrap_or_else(|_| Said::Answer(Answer::Refused(full.to_owned())))
    }

    /// The other computer is there, with its own manifest if it is an owner.
    fn meet(&self, other: PartyId, manifest: Option<Vec<u8>>) -> Said {
        if let Some(manifest) = manifest {
            let delivered = self.step(Event::Delivered { owner: other, manifest, sealed: Vec::new() });
            if let Said::Answer(Answer::Refused(_)) = delivered {
                return delivered;
            }
        }
        self.step(Event::Met)
    }

    /// Attempts until both computers have signed.
    fn compute(
        &self,
        called: &Receiver<Line>,
        own: Option<&Share>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Outcome, RunError> {
        let (setup, until) = (self.setup, self.setup.waits_until());
        let mut last = None;
        loop {
            if let Some(finished) = self.counter().desk.finished() {
                return setup.outcome(finished);
            }
            if let Some(why) = self.counter().desk.stopped() {
                return Err(RunError::Refused { by: setup.name(setup.us), why: why.to_owned() });
            }
            if let Some(why) = self.shut.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(why);
            }
            if Instant::now() >= until {
                let missing = self.counter().desk.missing(None);
                let other = vec![setup.name(setup.other())];
                return Err(last.unwrap_or(RunError::Late(if missing.is_empty() { other } else { missing })));
            }
            let line =
                if setup.us == setup.job().garbler { called.recv_timeout(AGAIN).ok() } else { self.call()? };
            let Some(line) = line else {
                (setup.observe)(Stage::Waiting(self.counter().desk.missing(None)));
                continue;
            };
            match self.attempt(line, own, rng) {
                Ok(()) => {}
                Err(RunError::Attempt(error)) if error.is_passing() => {
                    let failed = Event::Failed { why: error.to_string(), is_passing: true };
                    self.counter().step(failed)?;
                    last = Some(RunError::Attempt(error));
                    thread::sleep(AGAIN);
                }
                Err(error) => {
                    let failed = Event::Failed { why: Self::words(&error), is_passing: false };
                    self.counter().step(failed)?;
                    return Err(error);
                }
            }
        }
    }

    /// Calls the garbler, once all other inputs are here; nothing if it is not ready.
    fn call(&self) -> Result<Option<Line>, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        thread::sleep(AGAIN);
        if !self.counter().desk.missing(Some(job.garbler)).is_empty() {
            return Ok(None);
        }
        let Some(mut line) = setup.ways().call(job.garbler)? else { return Ok(None) };
        let wish = Wish::Compute { manifest: self.own.clone() };
        if setup.request(wish).send(&mut line).is_err() {
            return Ok(None);
        }
        match Answer::receive(&mut line, MAX_ANSWER) {
            Ok(Answer::Ready { manifest }) => match self.meet(job.garbler, manifest) {
                Said::Go => Ok(Some(line)),
                Said::Answer(Answer::Refused(why)) => {
                    Err(RunError::Refused { by: setup.name(setup.us), why })
                }
                Said::Answer(_) => Ok(None),
            },
            Ok(Answer::Refused(why)) => Err(RunError::Refused { by: setup.name(job.garbler), why }),
            _ => Ok(None),
        }
    }

    /// One attempt over a channel to the other computer.
    fn attempt(
        &self,
        line: Line,
        own: Option<&Share>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), RunError> {
        let setup = self.setup;
        let exported = line.get_ref().binding();
        let (manifests, next, waiting, is_finished) = {
            let desk = &self.counter().desk;
            let manifests = desk.manifests().unwrap_or_default();
            (manifests, desk.next_attempt(), desk.waiting(), desk.finished().is_some())
        };
        let (agreement, run, us, identity) = (setup.agreement, setup.run, setup.us, setup.identity);
        let known = Known { agreement, run, manifests: &manifests, us, identity };
        let begun = begin(known, (line, exported), next, waiting.as_ref(), rng)?;
        let (computed, begun) = match waiting.filter(|_| begun.is_computed) {
            Some(computed) => (computed, begun),
            None if is_finished => return Err(RunError::Lost),
            None => {
                (setup.observe)(Stage::Attempt(begun.attempt));
                let shares = self.shares(&manifests, own)?;
                if own.is_some() {
                    (setup.debit)()?;
                }
                let begins = Event::Begun { attempt: begun.attempt, run_id: begun.run_id };
                refuse(setup, us, self.counter().step(begins)?)?;
                let (computed, begun) = begun.compute(setup.program, &shares.refs(), &mut now, rng)?;
                self.counter().step(Event::Computed(Box::new(computed.clone())))?;
                (computed, begun)
            }
        };
        let finished = begun.exchange(&computed)?;
        self.counter().step(Event::Signed(Box::new(finished)))?;
        (setup.observe)(Stage::Signed);
        Ok(())
    }

    /// The shares that are with us, opened, in the job's order.
    fn shares<'s>(&self, manifests: &[Manifest], own: Option<&'s Share>) -> Result<Shares<'s>, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        let counter = self.counter();
        let mut shares = Vec::new();
        for (i, manifest) in manifests.iter().enumerate() {
            let bits = setup.program.declaration().input_bits(i);
            if manifest.owner == setup.us {
                let own = own.ok_or(RunError::NoInput)?;
                manifest.check(job, setup.us, own, bits)?;
                shares.push(Held::Own(own));
            } else if !job.computes(manifest.owner) {
                let sealed = counter.shelf.get(&name(job, Item::Share(manifest.owner)))?.unwrap_or_default();
                shares.push(Held::Opened(manifest.open(job, setup.identity, &sealed, bits)?));
            }
        }
        Ok(Shares(shares))
    }

    /// Waits until everybody has what there is for it, as long as the job's deadline is. The other computer may have to be met once
    /// more, if it lacks our signature.
    fn serve(&self, called: &Receiver<Line>, own: Option<&Share>, rng: &mut (impl RngCore + CryptoRng)) {
        let setup = self.setup;
        let until = match self.counter().desk.stopped() {
            Some(_) => Instant::now() + BAD_NEWS,
            None => setup.waits_until(),
        };
        (setup.observe)(Stage::Serving);
        while Instant::now() < until && !self.counter().desk.all_served() {
            let line = if setup.us == setup.job().garbler {
                called.recv_timeout(AGAIN / 4).ok()
            } else {
                thread::sleep(AGAIN / 4);
                self.remind()
            };
            if let Some(line) = line {
                // What fails now fails for the other computer, which tells why.
                let _ = self.attempt(line, own, rng);
            }
        }
    }

    /// Asks the garbler whether it is over; if not, a line on which to end it.
    fn remind(&self) -> Option<Line> {
        let (setup, garbler) = (self.setup, self.setup.job().garbler);
        if self.counter().desk.has_served(garbler) {
            return None;
        }
        let mut line = setup.ways().call(garbler).ok()??;
        setup.request(Wish::Collect).send(&mut line).ok()?;
        match Answer::receive(&mut line, MAX_ANSWER).ok()? {
            Answer::Finished { .. } => {
                self.step(Event::Served(garbler));
                None
            }
            // It stopped, and comes back without what it could not keep.
            Answer::Refused(_) => None,
            _ => self.call().ok()?,
        }
    }

    /// What those who ask are told of an error; our own policy and disk are nobody else's business.
    fn words(error: &RunError) -> String {
        match error {
            RunError::Debit(_) | RunError::Shelf(_) | RunError::NoInput => {
                "this computer cannot or may not go on; its operator knows why".to_owned()
            }
            error => error.to_string(),
        }
    }
}

/// A share in hand.
enum Held<'s> {
    Own(&'s Share),
    Opened(Share),
}

/// Shares in hand, in the job's order.
struct Shares<'s>(Vec<Held<'s>>);

impl Shares<'_> {
    fn refs(&self) -> Vec<&Share> {
        let share = |held| match held {
            &Held::Own(share) => share,
            Held::Opened(share) => share,
        };
        self.0.iter().map(share).collect()
    }
}

impl<P: Joint> Setup<'_, P> {
    fn other(&self) -> PartyId {
        let [garbler, evaluator] = self.job().computers();
        if self.us == garbler { evaluator } else { garbler }
    }

    /// What a computer has in the end: its receipt, and its outputs if it receives any.
    fn outcome(&self, finished: &Finished) -> Result<Outcome, RunError> {
        let (job, receipt) = (self.job(), finished.receipt.clone());
        let Some(theirs) = &finished.ours else { return Ok(Outcome::of(receipt)) };
        let ours = finished.parcels.iter().find(|parcel| parcel.receiver == self.us);
        let ours = ours.map_or(&[][..], |parcel| &parcel.sealed.0);
        let sealed = if self.us == job.garbler { [ours, &theirs.sealed.0] } else { [&theirs.sealed.0, ours] };
        let (widths, run_id) = (self.widths(), receipt.facts.run_id);
        let origin = Origin { job, run_id, widths: &widths };
        let received = origin.join(self.us, self.identity, &receipt.facts, sealed)?;
        Ok(Outcome::received(receipt, job.outputs_of(self.us), received))
    }
}
