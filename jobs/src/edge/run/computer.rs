//! A computer's part: others are answered on threads of their own ([`office`](super::office)), while it attempts the run.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rand_core::{CryptoRng, RngCore};
use sotto_link::pinned::Pinned;

use super::super::files::{Shelf, name};
use super::door::Door;
use super::office::{Counter, Office, Said, lock};
use super::ways::Line;
use super::{AGAIN, MAX_ANSWER, Outcome, Own, RunError, Setup, Stage, now};
use crate::PartyId;
use crate::attempt::{AttemptError, Finished, Known, begin};
use crate::desk::{Desk, Event, Item};
use crate::inputs::{Manifest, Share};
use crate::joint::Joint;
use crate::outputs::Origin;
use crate::post::{Answer, Wish};
use sotto_mpc::channel::Framed;

/// How long others can still hear that a run failed.
const BAD_NEWS: Duration = Duration::from_secs(5);

/// Bytes of a reason that others are told, so that one who passes it on can say whose it is.
const MOST_WORDS: usize = 800;

/// How long signatures may take to cross, once all is computed.
const SIGNING: Duration = Duration::from_secs(60);

pub(super) fn run<P: Joint + Sync, S: Shelf + Send>(
    setup: &Setup<'_, P>,
    own: Option<Own>,
    shelf: &mut S,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Outcome, RunError> {
    let job = setup.job();
    let bits = (0..job.inputs.len()).map(|i| setup.program.declaration().input_bits(i)).collect();
    let kept = |item| shelf.get(&name(job, item)).ok().flatten();
    let desk = Desk::restore((setup.agreement, setup.run), (setup.us, setup.identity), bits, kept);
    if desk.waiting().is_none() {
        setup.in_time()?;
    }
    let (prepared, unbound) = own.map_or((None, None), |own| (Some(own.prepared), own.unbound));
    let mut counter = Counter { desk, shelf, unbound };
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
        other: Mutex::new(None),
        over: false.into(),
        guests: Mutex::new(BTreeMap::new()),
        shut: Mutex::new(None),
    };
    let (calls, called) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(|| office.answer(scope, door, &calls));
        let own = prepared.as_ref().and_then(|prepared| prepared.own.as_ref());
        let outcome = office.compute(&called, own, rng);
        match &outcome {
            // What is ours is told before the others have theirs: they may stay away.
            Ok(outcome) => (setup.observe)(Stage::Finished(Box::new(outcome.clone()))),
            Err(error) => office.stop(error),
        }
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

impl<P: Joint + Sync, S: Shelf + Send> Office<'_, P, S> {
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
                return Err(RunError::Stopped(why.to_owned()));
            }
            if let Some(why) = lock(&self.shut).take() {
                return Err(why);
            }
            if self.counter().desk.waiting().is_none() {
                setup.in_time()?;
            }
            if Instant::now() >= until {
                return Err(last.unwrap_or_else(|| RunError::Late(self.awaited())));
            }
            let line =
                if setup.us == setup.job().garbler { called.recv_timeout(AGAIN).ok() } else { self.call()? };
            let Some(line) = line else {
                (setup.observe)(Stage::Waiting(self.awaited()));
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
                Err(error) => return Err(error),
            }
        }
    }

    /// Calls the garbler: to compute once all other inputs are here, and else to say that we are. Nothing if it is not ready.
    fn call(&self) -> Result<Option<Line>, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        thread::sleep(AGAIN);
        let missing = self.counter().desk.missing();
        let Some(mut line) = setup.ways().call(job.garbler)? else { return Ok(None) };
        let wish = if missing.is_empty() {
            self.counter().bind()?;
            Wish::Compute { manifest: self.own.clone() }
        } else {
            Wish::Awaiting(missing)
        };
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
            Ok(Answer::Waiting(names)) => {
                self.heard(names);
                Ok(None)
            }
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
        let line = Framed::new(Watched { inner: line.into_inner(), passed: 0, observe: setup.observe });
        let (manifests, next, waiting, is_finished) = {
            let desk = &self.counter().desk;
            let manifests = desk.manifests().unwrap_or_default();
            (manifests, desk.next_attempt(), desk.waiting(), desk.finished().is_some())
        };
        let (agreement, run, us, identity) = (setup.agreement, setup.run, setup.us, setup.identity);
        let known = Known { agreement, run, manifests: &manifests, us, identity };
        let mut begun = begin(known, (line, exported), next, waiting.as_ref(), rng)?;
        let (computed, mut begun) = match waiting.filter(|_| begun.is_computed) {
            Some(computed) => (computed, begun),
            None if is_finished => return Err(RunError::Lost),
            None => {
                setup.in_time()?;
                (setup.observe)(Stage::Attempt(begun.attempt));
                let shares = self.shares(&manifests, own)?;
                if own.is_some() {
                    (setup.debit)()?;
                }
                let begins = Event::Begun { attempt: begun.attempt, run_id: begun.run_id };
                refuse(setup, us, self.counter().step(begins)?)?;
                let seconds = setup.job().limits.seconds;
                let until = Instant::now() + Duration::from_secs(seconds.into());
                begun.stream().inner.set_end(until);
                let done = begun.compute(setup.program, &shares.refs(), &mut now, rng);
                let (computed, begun) = done.map_err(|e| match e {
                    AttemptError::Channel(_) if Instant::now() >= until => AttemptError::TooLong(seconds),
                    e => e,
                })?;
                self.counter().step(Event::Computed(Box::new(computed.clone())))?;
                (computed, begun)
            }
        };
        begun.stream().inner.set_end(Instant::now() + SIGNING);
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
    /// more, if it lacks our signature; or told that nothing will come of it.
    fn serve(&self, called: &Receiver<Line>, own: Option<&Share>, rng: &mut (impl RngCore + CryptoRng)) {
        let setup = self.setup;
        let stopped = self.counter().desk.stopped().map(str::to_owned);
        let until = if stopped.is_some() { Instant::now() + BAD_NEWS } else { setup.waits_until() };
        let (mut is_told, is_garbler) = (false, setup.us == setup.job().garbler);
        (setup.observe)(Stage::Serving);
        while Instant::now() < until && !self.counter().desk.all_served() {
            let line = match &stopped {
                _ if is_garbler => called.recv_timeout(AGAIN / 4).ok(),
                None => {
                    thread::sleep(AGAIN / 4);
                    self.remind()
                }
                Some(why) => {
                    thread::sleep(AGAIN / 4);
                    is_told = is_told || self.tell(why).is_some();
                    None
                }
            };
            if let Some(line) = line {
                // What fails now fails for the other computer, which tells why.
                let _ = self.attempt(line, own, rng);
            }
        }
    }

    /// Nothing more will come of this run here: those who ask are told why. Where others only stayed away or were cut off, the same
    /// command goes on with the run, and nobody is told to give up.
    fn stop(&self, error: &RunError) {
        let is_passing = match error {
            RunError::Late(_) => true,
            RunError::Attempt(error) => error.is_passing(),
            _ => false,
        };
        if !is_passing {
            let mut why = Self::words(error);
            while why.len() > MOST_WORDS {
                why.pop();
            }
            self.step(Event::Failed { why: why.trim_end().to_owned(), is_passing: false });
        }
    }

    /// Tells the garbler why we stopped.
    fn tell(&self, why: &str) -> Option<()> {
        let (setup, garbler) = (self.setup, self.setup.job().garbler);
        let mut line = setup.ways().call(garbler).ok()??;
        setup.request(Wish::Stopped(why.to_owned())).send(&mut line).ok()?;
        Answer::receive(&mut line, MAX_ANSWER).ok().map(|_| ())
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

/// The stream of an attempt, which tells how much has passed.
struct Watched<'o> {
    inner: Pinned,
    passed: u64,
    observe: &'o (dyn Fn(Stage) + Sync),
}

impl Watched<'_> {
    fn pass(&mut self, bytes: usize) {
        self.passed += bytes as u64;
        (self.observe)(Stage::Passed(self.passed));
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into).inspect(|n| self.pass(*n))
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).inspect(|n| self.pass(*n))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
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
    pub(super) fn other(&self) -> PartyId {
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
