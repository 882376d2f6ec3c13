//! The state that a compute party's threads share, and how it answers clients.
//!
//! ```text
//! listener ─► one of the client's four connections ─► its request, in time ─► run state ─► response
//!                                                                           └─► another compute party's call ─► attempt
//! ```
//!
//! Clients are parties of the job that proved their keys. A client has at most four connections, sends its
//! request within seconds, and is disconnected when the run is over, so that no client can lock the others
//! out or delay the end.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::{ClientConnection, time_for};
use super::error::RunError;
use super::letters::{LetterBox, Posted};
use super::listener::Incoming;
use super::routes::PartyChannel;
use super::setup::{Setup, Stage, now};
use crate::admission::{Admission, Connections};
use crate::attempt::{Executable, contributed};
use crate::input_commitment::encrypted_length;
use crate::messages::{Request, RequestKind, Response};
use crate::run_state::{Effect, Event, Item, RunState};
use crate::session_evidence::{End, ExchangeError, LIFE, Proven};
use crate::storage::{Storage, name};
use crate::{Digest, PartyId};
use sotto_mpc::channel::Framed;
use sotto_tee::bundle::MAX_BUNDLE;

/// Beside inputs and outputs: input commitments, receipts, names, and what encryption adds.
const REST: usize = 1 << 16;

/// How long what the other compute party said of itself is taken for true.
const FRESH: Duration = Duration::from_secs(5);

/// The run state and what it keeps, together: nothing is done that was not kept.
pub(crate) struct DurableState<'a, S> {
    pub(crate) state: RunState<'a>,
    pub(crate) storage: &'a mut S,
    /// Our own input, until another party learns of it.
    pub(crate) unsaved: Option<Vec<u8>>,
}

/// A line to another compute party, and the evidence that crossed on it.
pub(crate) type ProvenLine = (PartyChannel, Proven);

/// What came of an event.
pub(crate) enum Reply {
    Go,
    Response(Response),
}

impl<S: Storage> DurableState<'_, S> {
    /// Goes back to what was kept.
    fn recover(&mut self) {
        let (job, storage) = (self.state.agreement().job(), &*self.storage);
        self.state.recover(|item| storage.get(&name(job, item)).ok().flatten());
    }

    /// Takes an event and does what is to be done, in order. Where something cannot be kept, the run state is
    /// as if nothing had happened.
    pub(crate) fn step(&mut self, event: Event) -> Result<Reply, RunError> {
        self.apply(event).inspect_err(|_| self.recover())
    }

    fn apply(&mut self, event: Event) -> Result<Reply, RunError> {
        let job = self.state.agreement().job();
        for effect in self.state.step(event) {
            match effect {
                Effect::Keep(item, bytes) => self.storage.put(&name(job, item), &bytes)?,
                Effect::Response(answer) => return Ok(Reply::Response(answer)),
                Effect::Proceed => return Ok(Reply::Go),
            }
        }
        Ok(Reply::Go)
    }

    /// Binds the run to this input of ours. Called just before the other compute party learns of it.
    pub(crate) fn bind(&mut self) -> Result<(), RunError> {
        if let Some(saved_input) = &self.unsaved {
            self.storage.put(&name(self.state.agreement().job(), Item::Own), saved_input)?;
            self.unsaved = None;
        }
        Ok(())
    }
}

/// What the threads of a compute party share.
pub(crate) struct Server<'a, P, S> {
    pub(crate) setup: &'a Setup<'a, P>,
    pub(crate) durable: Mutex<DurableState<'a, S>>,
    /// Our own input commitment, if we are an input party.
    pub(crate) own: Option<Vec<u8>>,
    /// When the other compute party was last there, and whose inputs it awaited.
    pub(crate) other: Mutex<Option<(Instant, Vec<String>)>>,
    /// The meeting that we are at, of more than two compute parties.
    pub(crate) meeting: Mutex<Option<Digest>>,
    pub(crate) over: AtomicBool,
    pub(crate) connections: Mutex<Connections>,
    /// Why the listener stopped.
    pub(crate) shut: Mutex<Option<RunError>>,
}

/// Nothing behind these locks is left half changed by a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of a client's connections, until it is dropped.
struct ConnectionPermit<'o>(&'o Mutex<Connections>, PartyId);

impl Drop for ConnectionPermit<'_> {
    fn drop(&mut self) {
        lock(self.0).close(self.1);
    }
}

impl<'a, P: Executable, S: Storage + Send> Server<'a, P, S> {
    pub(crate) fn durable(&self) -> MutexGuard<'_, DurableState<'a, S>> {
        lock(&self.durable)
    }

    /// Who is awaited, as far as we and the other compute party know.
    pub(crate) fn awaited(&self) -> Vec<String> {
        let mut names = self.durable().state.missing();
        let other = lock(&self.other).clone().filter(|(at, _)| at.elapsed() < FRESH);
        let theirs = other.map_or_else(|| self.setup.others(), |(_, theirs)| theirs);
        for name in theirs {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() { self.setup.others() } else { names }
    }

    /// The other compute party is there, and awaits these.
    pub(crate) fn peer_waits_for(&self, mut names: Vec<String>) {
        names.retain(|name| self.setup.job().find(name).is_some_and(|id| id != self.setup.us));
        *lock(&self.other) = Some((Instant::now(), names));
    }

    /// Answers clients, each on a thread of its own, until the run is over.
    pub(crate) fn answer<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        mut listener: Incoming,
        calls: &'scope SyncSender<ProvenLine>,
    ) {
        while !self.over.load(Ordering::Acquire) {
            if let Some(why) = listener.trouble() {
                let party = "the rendezvous server".to_owned();
                (self.setup.observe)(Stage::Unreachable { party, why: why.to_string() });
            }
            let line = match listener.next(&self.setup.routes()) {
                Ok(Some(line)) => line,
                Ok(None) => continue,
                Err(why) => {
                    *lock(&self.shut) = Some(why);
                    return;
                }
            };
            let Some(client) = self.setup.job().find_key(line.get_ref().peer().as_bytes()) else { continue };
            // Who is turned away comes again.
            if let Some(permit) = self.permit(client) {
                scope.spawn(move || {
                    // A client that hung up comes again.
                    let _ = self.client(&permit, line, calls);
                });
            }
        }
    }

    fn permit(&self, client: PartyId) -> Option<ConnectionPermit<'_>> {
        let has_room = lock(&self.connections).open(client);
        has_room.then(|| ConnectionPermit(&self.connections, client))
    }

    fn client(
        &self,
        &ConnectionPermit(_, client): &ConnectionPermit<'_>,
        line: PartyChannel,
        calls: &SyncSender<ProvenLine>,
    ) -> Option<()> {
        let (job, declaration) = (self.setup.job(), self.setup.program.declaration());
        let bits = job.contributor_of(client).map_or(0, |i| contributed(job, self.setup.program, i));
        let most = encrypted_length(job, client, bits) + REST;
        let exporter = line.get_ref().binding();
        let mut line = line.map(|stream| ClientConnection::new(stream, &self.over, time_for(most)));
        let mut request = Request::receive(&mut line, most).ok()?;
        let outputs = job.outputs_of(client).into_iter().filter_map(|i| declaration.outputs().get(i));
        let answer = outputs.map(|table| table.bits() / 8).sum::<usize>() + self.rest();
        line.get_mut().end_in(time_for(answer));
        let admission = Admission { run: self.setup.run, us: self.setup.us };
        let mut admitted = admission.check(client, &request, now());
        let mut proven = None;
        if let (RequestKind::Challenge(nonce), Ok(())) = (&request.kind, &admitted) {
            let end = End { run: self.setup.run, us: self.setup.us, them: client, exporter };
            proven = Some(self.prove(end, *nonce, &mut line)?);
            line.get_mut().end_in(time_for(most));
            request = Request::receive(&mut line, most).ok()?;
            line.get_mut().end_in(time_for(answer));
            admitted = admission.check(client, &request, now());
        }
        if let Err(answer) = admitted {
            return answer.send(&mut line).ok();
        }
        if proven.is_none() && admission.needs_proof(client, &request.kind) {
            return Response::Unproven.send(&mut line).ok();
        }
        let is_of_many = self.setup.job().is_experimental();
        let kind = match request.kind {
            RequestKind::Compute { input_commitment } if is_of_many => {
                return self.arrives(client, input_commitment, (line, proven.unwrap_or_default()), calls);
            }
            RequestKind::Compute { input_commitment } => {
                return self.called(client, input_commitment, (line, proven.unwrap_or_default()), calls);
            }
            RequestKind::Join { meeting, input_commitment } => {
                let line = (line, proven.unwrap_or_default());
                return self.joins(client, (meeting, input_commitment), line, calls);
            }
            kind => kind,
        };
        match self.kind(client, kind) {
            Reply::Response(answer) if proven.is_none() && admission.answer_needs_proof(client, &answer) => {
                Response::Unproven.send(&mut line).ok()
            }
            Reply::Response(answer) => answer.send(&mut line).ok(),
            Reply::Go => None,
        }
    }

    /// Shows a client our evidence and judges its own; nothing if the connection is of no use after that. Evidence that
    /// is not accepted ends the run, and the client learns no more than that.
    fn prove(&self, end: End<'_>, nonce: Digest, line: &mut Framed<ClientConnection<'_>>) -> Option<Proven> {
        let stopped = self.durable().state.stopped().map(str::to_owned);
        if let Some(why) = stopped {
            Response::Refused(why).send(line).ok()?;
            return None;
        }
        line.get_mut().end_in(Duration::from_secs(LIFE));
        match end.answer(self.setup.means().ok()?, nonce, line) {
            Ok(proven) => {
                self.setup.attested(end.them, &proven);
                Some(proven)
            }
            Err(ExchangeError::Evidence(why)) => {
                *lock(&self.shut) = Some(RunError::Evidence(why));
                None
            }
            Err(ExchangeError::Message(_) | ExchangeError::Other | ExchangeError::Over(_)) => None,
        }
    }

    /// Bytes beside inputs and outputs.
    fn rest(&self) -> usize {
        let job = self.setup.job();
        if job.has_attested_computers() { REST + job.compute_parties().len() * MAX_BUNDLE } else { REST }
    }

    /// What a client wants that may want it, other than to compute.
    pub(super) fn kind(&self, client: PartyId, kind: RequestKind) -> Reply {
        match kind {
            RequestKind::Deliver { input_commitment, encrypted } => {
                self.step(Event::Delivered { input_party: client, input_commitment, encrypted })
            }
            RequestKind::Confirmed => self.step(Event::Confirmed(client)),
            RequestKind::Awaiting(names) => {
                self.peer_waits_for(names);
                let state = &self.durable().state;
                let waiting = || Response::Waiting(state.missing());
                Reply::Response(state.stopped().map_or_else(waiting, |why| Response::Refused(why.to_owned())))
            }
            RequestKind::Stopped(why) => {
                let why = format!("{} stopped: {why}", self.setup.name(client));
                self.step(Event::Failed { why, is_passing: false });
                Reply::Response(Response::Taken)
            }
            RequestKind::Post { to, slot, letter } => {
                let posted = Posted { from: client, to, slot, letter: letter.0 };
                self.with_letters(|letters| letters.keep(posted))
            }
            RequestKind::Fetch => self.with_letters(|letters| letters.to(client)),
            // An exchange of evidence is over before.
            RequestKind::Challenge(_) | RequestKind::Proof(_) => Reply::Go,
            RequestKind::Collect | RequestKind::Compute { .. } | RequestKind::Join { .. } => {
                let reply = self.step(Event::Collecting(client));
                // The other one of two compute parties asks only when it is over for it.
                if self.setup.job().computes(client) && !self.setup.job().is_experimental() {
                    self.step(Event::Confirmed(client));
                }
                reply
            }
        }
    }

    /// What the letters of a sale give to a question, where what cannot be kept is a refusal.
    fn with_letters(&self, ask: impl FnOnce(&mut LetterBox<'_, S>) -> io::Result<Response>) -> Reply {
        let (job, us) = (self.setup.job(), self.setup.us);
        let storage = &mut *self.durable().storage;
        let answer = ask(&mut LetterBox { job, us, storage });
        Reply::Response(answer.unwrap_or_else(|_| storage_failed()))
    }

    /// The evaluator calls: if all is there, its line is the next attempt's.
    fn called(
        &self,
        client: PartyId,
        input_commitment: Option<Vec<u8>>,
        (mut line, proven): (Framed<ClientConnection<'_>>, Proven),
        calls: &SyncSender<ProvenLine>,
    ) -> Option<()> {
        self.peer_waits_for(Vec::new());
        let reply = match self.meet(client, input_commitment) {
            Reply::Go if self.durable().bind().is_err() => Reply::Response(storage_failed()),
            reply => reply,
        };
        if let Reply::Response(answer) = reply {
            return answer.send(&mut line).ok();
        }
        let is_ready = Response::Ready { input_commitment: self.own.clone() }.send(&mut line).is_ok();
        if !is_ready || calls.try_send((line.map(ClientConnection::into_inner), proven)).is_err() {
            self.step(Event::Failed { why: String::new(), is_passing: true });
        }
        Some(())
    }

    /// An event, where what cannot be kept is a refusal.
    pub(crate) fn step(&self, event: Event) -> Reply {
        self.durable().step(event).unwrap_or_else(|_| Reply::Response(storage_failed()))
    }

    /// The other compute party is there, with its own input commitment if it is an input party.
    pub(crate) fn meet(&self, other: PartyId, input_commitment: Option<Vec<u8>>) -> Reply {
        if let Some(input_commitment) = input_commitment {
            let delivered =
                self.step(Event::Delivered { input_party: other, input_commitment, encrypted: Vec::new() });
            if let Reply::Response(Response::Refused(_)) = delivered {
                return delivered;
            }
        }
        self.step(Event::PeerReady)
    }
}

fn storage_failed() -> Response {
    Response::Refused("it cannot be kept here now: the disk may be full; try again later".to_owned())
}
