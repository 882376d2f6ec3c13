//! What the threads of a computer share, and how it answers whoever comes.
//!
//! ```text
//! door ─► a seat of the guest's four ─► its request, in time ─► desk ─► answer
//!                                                            └─► the other computer's call ─► attempt
//! ```
//!
//! Guests are parties of the job, who proved their keys. One of them can take four seats and no more, says what it wants within
//! seconds, and goes when the computer's part is over; so none keeps the others out or the computer from its end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::files::{Shelf, name};
use super::door::Door;
use super::guest::{Guest, time_for};
use super::ways::Line;
use super::{RunError, Setup, now};
use crate::PartyId;
use crate::desk::{Desk, Effect, Event, Item};
use crate::inputs::sealed_length;
use crate::joint::Joint;
use crate::post::{Answer, Request, Wish};
use sotto_mpc::channel::Framed;

/// Connections at a time of one party. It needs one, and another while the network has not yet told that the first is gone.
const SEATS: usize = 4;

/// Beside inputs and outputs: manifests, receipts, names, and what sealing adds.
const REST: usize = 1 << 16;

/// How long what the other computer said of itself is taken for true.
const FRESH: Duration = Duration::from_secs(5);

/// The desk and what it keeps, together: nothing is done that was not kept.
pub(super) struct Counter<'a, S> {
    pub(super) desk: Desk<'a>,
    pub(super) shelf: &'a mut S,
    /// Our own input, while nobody was told of it.
    pub(super) unbound: Option<Vec<u8>>,
}

/// What came of an event.
pub(super) enum Said {
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
    pub(super) fn step(&mut self, event: Event) -> Result<Said, RunError> {
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

    /// From now on the run has this input of ours and no other: the other computer is about to be told of it.
    pub(super) fn bind(&mut self) -> Result<(), RunError> {
        if let Some(outbox) = &self.unbound {
            self.shelf.keep(&name(self.desk.agreement().job(), Item::Own), outbox)?;
            self.unbound = None;
        }
        Ok(())
    }
}

/// What the threads of a computer share.
pub(super) struct Office<'a, P, S> {
    pub(super) setup: &'a Setup<'a, P>,
    pub(super) counter: Mutex<Counter<'a, S>>,
    /// Our own manifest, if we are an owner.
    pub(super) own: Option<Vec<u8>>,
    /// When the other computer was last there, and whose inputs it awaited.
    pub(super) other: Mutex<Option<(Instant, Vec<String>)>>,
    pub(super) over: AtomicBool,
    pub(super) guests: Mutex<BTreeMap<PartyId, usize>>,
    /// Why nobody can come any more.
    pub(super) shut: Mutex<Option<RunError>>,
}

/// Nothing behind these locks is left half changed by a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of a guest's seats, until it is dropped.
struct Seat<'o>(&'o Mutex<BTreeMap<PartyId, usize>>, PartyId);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(taken) = lock(self.0).get_mut(&self.1) {
            *taken -= 1;
        }
    }
}

impl<'a, P: Joint + Sync, S: Shelf + Send> Office<'a, P, S> {
    pub(super) fn counter(&self) -> MutexGuard<'_, Counter<'a, S>> {
        lock(&self.counter)
    }

    /// Who is awaited, as far as we and the other computer know.
    pub(super) fn awaited(&self) -> Vec<String> {
        let mut names = self.counter().desk.missing();
        let other = lock(&self.other).clone().filter(|(at, _)| at.elapsed() < FRESH);
        let theirs = other.map_or_else(|| vec![self.setup.name(self.setup.other())], |(_, theirs)| theirs);
        for name in theirs {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() { vec![self.setup.name(self.setup.other())] } else { names }
    }

    /// The other computer is there, and awaits these.
    pub(super) fn heard(&self, mut names: Vec<String>) {
        names.retain(|name| self.setup.job().find(name).is_some_and(|id| id != self.setup.us));
        *lock(&self.other) = Some((Instant::now(), names));
    }

    /// Answers whoever comes, each on a thread of its own, until the run is over.
    pub(super) fn answer<'scope>(
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
                    *lock(&self.shut) = Some(why);
                    return;
                }
            };
            let Some(guest) = self.setup.job().find_key(line.get_ref().peer().as_bytes()) else { continue };
            // Who is turned away comes again.
            if let Some(seat) = self.seat(guest) {
                scope.spawn(move || {
                    // A guest who hung up comes again; there is nobody to tell.
                    let _ = self.guest(&seat, line, calls);
                });
            }
        }
    }

    fn seat(&self, guest: PartyId) -> Option<Seat<'_>> {
        let mut guests = lock(&self.guests);
        let taken = guests.entry(guest).or_default();
        (*taken < SEATS).then(|| {
            *taken += 1;
            Seat(&self.guests, guest)
        })
    }

    fn guest(&self, &Seat(_, guest): &Seat<'_>, line: Line, calls: &SyncSender<Line>) -> Option<()> {
        let (job, declaration) = (self.setup.job(), self.setup.program.declaration());
        let bits = job.input_of(guest).map_or(0, |i| declaration.input_bits(i));
        let most = sealed_length(bits) + REST;
        let mut line = Framed::new(Guest::new(line.into_inner(), &self.over, time_for(most)));
        let request = Request::receive(&mut line, most).ok()?;
        let outputs = job.outputs_of(guest).into_iter().filter_map(|i| declaration.outputs().get(i));
        line.get_mut().end_in(time_for(outputs.map(|table| table.bits() / 8).sum::<usize>() + REST));
        if (request.job, request.run) != (job.id(), self.setup.run) {
            let why = "this is another job, or another run of it: compare the job's ids".to_owned();
            return Answer::Refused(why).send(&mut line).ok();
        }
        if let Wish::Compute { manifest } = request.wish {
            return self.called(guest, manifest, line, calls);
        }
        match self.wish(guest, request.wish) {
            Said::Answer(answer) => answer.send(&mut line).ok(),
            Said::Go => None,
        }
    }

    /// What a guest wants, other than to compute.
    fn wish(&self, guest: PartyId, wish: Wish) -> Said {
        let job = self.setup.job();
        let from_evaluator = guest == job.evaluator && self.setup.us == job.garbler;
        match wish {
            Wish::Deliver { .. } if now() >= job.expiry => {
                Said::Answer(Answer::Refused("the job has expired".to_owned()))
            }
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
            Wish::Awaiting(names) if from_evaluator => {
                self.heard(names);
                let desk = &self.counter().desk;
                let waiting = || Answer::Waiting(desk.missing());
                Said::Answer(desk.stopped().map_or_else(waiting, |why| Answer::Refused(why.to_owned())))
            }
            Wish::Stopped(why) if from_evaluator => {
                let why = format!("{} stopped: {why}", self.setup.name(guest));
                self.step(Event::Failed { why, is_passing: false });
                Said::Answer(Answer::Taken)
            }
            _ => Said::Answer(Answer::Refused("the job does not give you that role".to_owned())),
        }
    }

    /// The evaluator calls: if all is there, its line is the next attempt's.
    fn called(
        &self,
        guest: PartyId,
        manifest: Option<Vec<u8>>,
        mut line: Framed<Guest<'_>>,
        calls: &SyncSender<Line>,
    ) -> Option<()> {
        let job = self.setup.job();
        if guest != job.evaluator || self.setup.us != job.garbler {
            let why = "the job does not give you that role".to_owned();
            return Answer::Refused(why).send(&mut line).ok();
        }
        self.heard(Vec::new());
        let said = match self.meet(guest, manifest) {
            Said::Go if self.counter().bind().is_err() => Said::Answer(full()),
            said => said,
        };
        if let Said::Answer(answer) = said {
            return answer.send(&mut line).ok();
        }
        let is_ready = Answer::Ready { manifest: self.own.clone() }.send(&mut line).is_ok();
        if !is_ready || calls.try_send(Framed::new(line.into_inner().into_inner())).is_err() {
            self.step(Event::Failed { why: String::new(), is_passing: true });
        }
        Some(())
    }

    /// An event, where what cannot be kept is a refusal.
    pub(super) fn step(&self, event: Event) -> Said {
        self.counter().step(event).unwrap_or_else(|_| Said::Answer(full()))
    }

    /// The other computer is there, with its own manifest if it is an owner.
    pub(super) fn meet(&self, other: PartyId, manifest: Option<Vec<u8>>) -> Said {
        if let Some(manifest) = manifest {
            let delivered = self.step(Event::Delivered { owner: other, manifest, sealed: Vec::new() });
            if let Said::Answer(Answer::Refused(_)) = delivered {
                return delivered;
            }
        }
        self.step(Event::Met)
    }
}

fn full() -> Answer {
    Answer::Refused("it cannot be kept here now: the disk may be full; try again later".to_owned())
}
