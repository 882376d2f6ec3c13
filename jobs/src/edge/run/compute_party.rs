//! A compute party's part: it attempts the run, while the [`server`](super::server) answers other parties on
//! threads of their own.
//!
//! What it does next is decided in [`crate::compute_party`] and [`crate::run_state`]; here it is carried out, with
//! sockets, clock and storage.

use std::io;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rand_core::{CryptoRng, RngCore};

use super::error::RunError;
use super::garbling::with_proposal;
use super::letters::LetterBox;
use super::listener::Incoming;
use super::mailbox::Mailbox;
use super::meeting::Arrived;
use super::progress::ProgressStream;
use super::routes::PartyChannel;
use super::server::{DurableState, ProvenLine, Reply, Server, lock};
use super::setup::{MAX_RESPONSE, OwnInput, RETRY_INTERVAL, Setup, Stage, now};
use super::trade::Post;
use crate::PartyId;
use crate::admission::Connections;
use crate::attempt::{
    AttemptChannel, AttemptContext, AttemptError, Computed, Earlier, Executable, Surroundings,
    begin_with_all, contributed,
};
use crate::collect::Outcome;
use crate::compute_party::{
    Answered, AttemptPlan, ClosingStep, Contact, Deadline, Ended, Kept, Outputs, Pursuit, Reminded,
    Uncollected, opening,
};
use crate::input_commitment::{InputCommitment, InputShare};
use crate::messages::{RequestKind, Response};
use crate::multiparty::Functionality;
use crate::run_state::{Event, Item, OwnParty, RunState};
use crate::storage::{Storage, name};
use sotto_mpc::protocol::malicious::{Milestone, NotKept};
use sotto_mpc::protocol::semi_honest::Role;

/// How long others can still hear that a run failed.
const FAILURE_NOTICE: Duration = Duration::from_secs(5);

/// How long it may take until more than two have opened an attempt, once they have met.
const OPENING: Duration = Duration::from_secs(30);

/// How long signatures may take to cross, once all is computed.
const SIGNING: Duration = Duration::from_secs(60);

pub(crate) fn run<P: Executable, S: Storage + Send>(
    setup: &Setup<'_, P>,
    own: Option<OwnInput>,
    storage: &mut S,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Outcome, RunError> {
    let job = setup.job();
    let bits = (0..job.contributors().len()).map(|i| contributed(job, setup.program, i)).collect();
    // What cannot be read is not nothing: an attempt or an opened output that is forgotten would happen again.
    let mut unreadable = None;
    let kept = |item| {
        storage.get(&name(job, item)).unwrap_or_else(|why| {
            unreadable.get_or_insert(why);
            None
        })
    };
    let state = RunState::restore(setup.run, OwnParty { id: setup.us, identity: setup.identity }, bits, kept);
    if let Some(why) = unreadable {
        return Err(why.into());
    }
    if state.waiting().is_none() {
        setup.in_time()?;
    }
    let (prepared, unsaved) = own.map_or((None, None), |own| (Some(own.prepared), own.unsaved));
    let mut durable = DurableState { state, storage, unsaved };
    let own = prepared.as_ref().map(|prepared| prepared.input_commitment.to_bytes());
    if let Some(input_commitment) = own.clone() {
        let delivered = Event::Delivered { input_party: setup.us, input_commitment, encrypted: Vec::new() };
        refuse(setup, setup.us, durable.step(delivered)?)?;
    }
    let listener = Incoming::open(&setup.routes())?;
    let server = Server {
        setup,
        durable: Mutex::new(durable),
        own,
        other: Mutex::new(None),
        meeting: Mutex::new(None),
        over: false.into(),
        connections: Mutex::new(Connections::default()),
        shut: Mutex::new(None),
    };
    let (calls, called) = sync_channel(job.compute_parties().len() - 1);
    thread::scope(|scope| {
        scope.spawn(|| server.answer(scope, listener, &calls));
        let own = prepared.as_ref().and_then(|prepared| prepared.own.as_ref());
        let outcome = server.compute(&called, own, rng);
        match &outcome {
            // Report our result before the others have theirs: they may stay away.
            Ok(outcome) => (setup.observe)(Stage::Finished(Box::new(outcome.clone()))),
            Err(error) => server.stop(error),
        }
        let settling = outcome.as_ref().ok().cloned();
        let server = &server;
        let settling = settling
            .map(|outcome| scope.spawn(move || server.with_post(|post| setup.settle(&outcome, post))));
        // Also after a failure: those who ask shall hear of it.
        let ended = Ended::of(&server.durable().state);
        if let Some(ended) = ended {
            server.serve(ended, &called, own, rng);
        }
        let settled =
            settling.map_or(Ok(()), |thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        server.over.store(true, Ordering::Release);
        let left = server.durable().state.uncollected();
        outcome
            .and_then(|outcome| settled.map(|()| outcome))
            .and_then(|outcome| if left.is_empty() { Ok(outcome) } else { Err(RunError::NotCollected(left)) })
    })
}

/// What we have of earlier attempts.
fn kept(state: &RunState<'_>) -> Kept<Computed> {
    match state.waiting() {
        None => Kept::Nothing,
        Some(computed) if state.finished().is_some() => Kept::Finished(computed),
        Some(computed) => Kept::Computed(computed),
    }
}

/// An answer that is a refusal, as an error.
fn refuse<P: Functionality>(setup: &Setup<'_, P>, by: PartyId, reply: Reply) -> Result<(), RunError> {
    match reply {
        Reply::Response(Response::Refused(why)) => Err(RunError::Refused { by: setup.name(by), why }),
        _ => Ok(()),
    }
}

impl<P: Executable, S: Storage + Send> Server<'_, P, S> {
    fn role(&self) -> Role {
        if self.setup.us == self.setup.job().garbler { Role::Garbler } else { Role::Evaluator }
    }

    /// Attempts until both compute parties have signed.
    fn compute(
        &self,
        called: &Receiver<ProvenLine>,
        own: Option<&InputShare>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Outcome, RunError> {
        let setup = self.setup;
        if self.durable().state.waiting().is_none() {
            self.with_post(|post| setup.await_money(post))?;
        }
        let until = setup.deadline();
        let (mut last, mut arrived, mut attended) = (None, Arrived::default(), None);
        loop {
            match lock(&self.shut).take() {
                // What was finished stays finished, whatever somebody shows afterwards.
                Some(RunError::Evidence(_)) if self.durable().state.finished().is_some() => {}
                Some(why) => return Err(why),
                None => {}
            }
            let next = self.durable().state.next_step(now());
            let deadline = if Instant::now() < until { Deadline::Ahead } else { Deadline::Passed };
            let lines = match Pursuit::of(next, deadline, self.role()) {
                Pursuit::Deliver => {
                    let durable = self.durable();
                    let finished = durable.state.finished().ok_or(RunError::Lost)?;
                    let widths = setup.widths();
                    return Ok(setup.collector(None, &widths).outcome_of_compute_party(finished)?);
                }
                Pursuit::Stop(why) => return Err(RunError::Stopped(why)),
                Pursuit::Expire => return Err(RunError::Expired),
                Pursuit::GiveUp => return Err(last.unwrap_or_else(|| RunError::Late(self.awaited()))),
                Pursuit::Meet(_) if setup.job().is_experimental() => {
                    let computed = self.durable().state.waiting();
                    if let Some(computed) = computed
                        && self.fetch_signatures(&computed)?
                    {
                        continue;
                    }
                    self.assemble(called, &mut arrived, rng)?
                }
                Pursuit::Meet(Contact::Await) => {
                    called.recv_timeout(RETRY_INTERVAL).ok().map(|(line, _)| vec![line])
                }
                Pursuit::Meet(Contact::Call) => self.call()?.map(|line| vec![line]),
            };
            let Some(lines) = lines else {
                (setup.observe)(Stage::Waiting(self.awaited()));
                self.attend(&mut attended)?;
                continue;
            };
            match self.attempt(lines, own, rng) {
                Ok(()) => {}
                Err(RunError::Attempt(error)) if error.is_passing() => {
                    if matches!(error, AttemptError::Malicious(_)) {
                        (setup.observe)(Stage::Failed(error.to_string()));
                    }
                    let failed = Event::Failed { why: error.to_string(), is_passing: true };
                    self.durable().step(failed)?;
                    last = Some(RunError::Attempt(error));
                    self.attend(&mut attended)?;
                    thread::sleep(RETRY_INTERVAL);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks after our money until the outputs are computed; what is computed is signed, whatever became of the money.
    fn attend(&self, last: &mut Option<Instant>) -> Result<(), RunError> {
        if self.durable().state.waiting().is_some() {
            return Ok(());
        }
        self.with_post(|post| self.setup.attend(post, last))
    }

    /// Calls the garbler: to compute once all other inputs are here, and else to say that we are. Nothing if
    /// it is not ready.
    fn call(&self) -> Result<Option<PartyChannel>, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        thread::sleep(RETRY_INTERVAL);
        let missing = self.durable().state.missing();
        let Some(mut line) = setup.call(job.garbler)? else { return Ok(None) };
        let kind = opening(missing, self.own.as_ref());
        if matches!(kind, RequestKind::Compute { .. }) {
            if setup.prove(job.garbler, &mut line)?.is_none() {
                return Ok(None);
            }
            self.durable().bind()?;
        }
        if setup.request(kind).send(&mut line).is_err() {
            return Ok(None);
        }
        match Answered::of(Response::receive(&mut line, MAX_RESPONSE).ok()) {
            Answered::Meet(input_commitment) => match self.meet(job.garbler, input_commitment) {
                Reply::Go => return Ok(Some(line)),
                reply => refuse(setup, setup.us, reply)?,
            },
            Answered::Refused(why) => {
                return Err(RunError::Refused { by: setup.name(job.garbler), why });
            }
            Answered::Awaits(names) => self.peer_waits_for(names),
            Answered::Later => {}
        }
        Ok(None)
    }

    /// One attempt over channels to the other compute parties, in the job's order.
    fn attempt(
        &self,
        lines: Vec<PartyChannel>,
        own: Option<&InputShare>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), RunError> {
        let setup = self.setup;
        let channel = |mut line: PartyChannel| {
            if setup.job().is_experimental() {
                line.get_mut().set_deadline(Instant::now() + OPENING);
            }
            let exported = line.get_ref().binding();
            let framed = line.map(|inner| ProgressStream { inner, passed: 0, observe: setup.observe });
            AttemptChannel { framed, exported }
        };
        let channels = lines.into_iter().map(channel).collect();
        let (input_commitments, next, kept) = {
            let state = &self.durable().state;
            (state.input_commitments().unwrap_or_default(), state.next_attempt(), kept(state))
        };
        let (run, us, identity) = (setup.run, setup.us, setup.identity);
        let means = setup.means;
        let known = AttemptContext { run, input_commitments: &input_commitments, us, identity, means };
        let waiting = match &kept {
            Kept::Nothing => None,
            Kept::Computed(computed) | Kept::Finished(computed) => Some(computed),
        };
        let earlier = Earlier { next, waiting };
        let mut begun = begin_with_all(known, channels, earlier, rng)?;
        let outputs = if begun.is_computed { Outputs::Shared } else { Outputs::Missing };
        let (computed, mut begun) = match AttemptPlan::of(kept, outputs) {
            AttemptPlan::Exchange(computed) => (computed, begun),
            AttemptPlan::Lost => return Err(RunError::Lost),
            AttemptPlan::Compute => {
                setup.in_time()?;
                (setup.observe)(Stage::Attempt(begun.attempt));
                let shares = self.shares(&input_commitments, own)?;
                if own.is_some() {
                    self.with_post(|post| setup.charge(post))?;
                }
                let (attempt, run_id) = (begun.attempt, begun.run_id);
                let begins = || Event::Begun { attempt, run_id };
                // Against a malicious compute party, an attempt counts from its first milestone on.
                if setup.job().malicious().is_none() {
                    refuse(setup, us, self.durable().step(begins())?)?;
                }
                let mut keep = |milestone| self.keep(milestone, begins());
                let seconds = setup.job().limits.seconds;
                let until = Instant::now() + Duration::from_secs(seconds.into());
                begun.streams().for_each(|stream| stream.inner.set_deadline(until));
                let begun = with_proposal(begun, setup.job(), rng).map_err(AttemptError::Channel)?;
                let surroundings = Surroundings { clock: &mut now, keep: &mut keep };
                let done = begun.compute(setup.program, &shares.refs(), surroundings, rng);
                let (computed, begun) = done.map_err(|e| match e {
                    AttemptError::Channel(_) if Instant::now() >= until => AttemptError::TooLong(seconds),
                    e => e,
                })?;
                self.durable().step(Event::Computed(Box::new(computed.clone())))?;
                (computed, begun)
            }
        };
        begun.streams().for_each(|stream| stream.inner.set_deadline(Instant::now() + SIGNING));
        let finished = begun.exchange(&computed)?;
        self.durable().step(Event::Signed(Box::new(finished)))?;
        (setup.observe)(Stage::Signed);
        Ok(())
    }

    /// Our own post.
    fn with_post<T>(&self, then: impl FnOnce(&dyn Post) -> T) -> T {
        let own = |kind| match self.kind(self.setup.us, kind) {
            Reply::Response(answer) => Some(answer),
            Reply::Go => None,
        };
        then(&Mailbox::of_compute_party(self.setup, &own))
    }

    /// Gives our secret to the payees of a sale, if it is time.
    fn hand_over(&self, rng: &mut (impl RngCore + CryptoRng)) -> io::Result<()> {
        let (job, us, identity) = (self.setup.job(), self.setup.us, self.setup.identity);
        let mut durable = self.durable();
        let DurableState { state, storage, .. } = &mut *durable;
        let Some(finished) = state.finished().filter(|_| job.sale.is_some()) else { return Ok(()) };
        LetterBox { job, us, storage: *storage }.hand_over(
            &finished.receipt,
            OwnParty { id: us, identity },
            rng,
        )
    }

    /// Keeps a milestone of an attempt against a malicious compute party, which `begins` so.
    fn keep(&self, milestone: Milestone, begins: Event) -> Result<(), NotKept> {
        let event = match milestone {
            Milestone::Attempt => begins,
            Milestone::Outputs => Event::Opening,
        };
        match self.durable().step(event) {
            Ok(Reply::Go) => Ok(()),
            Ok(Reply::Response(_)) | Err(_) => Err(NotKept),
        }
    }

    /// The shares that are with us, opened, in the job's order.
    fn shares<'s>(
        &self,
        input_commitments: &[InputCommitment],
        own: Option<&'s InputShare>,
    ) -> Result<Shares<'s>, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        let durable = self.durable();
        let mut shares = Vec::new();
        for (i, input_commitment) in input_commitments.iter().enumerate() {
            let bits = contributed(job, setup.program, i);
            if input_commitment.input_party == setup.us {
                let own = own.ok_or(RunError::NoInput)?;
                input_commitment.check(job, setup.us, own, bits)?;
                shares.push(Held::Own(own));
            } else if !job.computes(input_commitment.input_party) {
                let encrypted = durable
                    .storage
                    .get(&name(job, Item::InputShare(input_commitment.input_party)))?
                    .unwrap_or_default();
                shares.push(Held::Opened(input_commitment.decrypt(job, setup.identity, &encrypted, bits)?));
            }
        }
        Ok(Shares(shares))
    }

    /// Waits until everybody has what there is for it, as long as the job's deadline is. The other compute
    /// party may have to be met once more, if it lacks our signature; or hear that nothing will come of it.
    fn serve(
        &self,
        ended: Ended,
        called: &Receiver<ProvenLine>,
        own: Option<&InputShare>,
        rng: &mut (impl RngCore + CryptoRng),
    ) {
        let (setup, mut ended) = (self.setup, ended);
        let is_stopped = !matches!(ended, Ended::Finished);
        let until = if is_stopped { Instant::now() + FAILURE_NOTICE } else { setup.deadline() };
        if setup.job().is_experimental() {
            return self.part(&ended, until);
        }
        while Instant::now() < until {
            // What cannot be kept now is done later.
            let _ = self.hand_over(rng);
            self.observe_end(&ended);
            let uncollected = Uncollected::of(&self.durable().state);
            let step = ClosingStep::of(&ended, uncollected, self.role());
            if !matches!(step, ClosingStep::Await) {
                thread::sleep(RETRY_INTERVAL / 4);
            }
            let line = match step {
                ClosingStep::Leave => return,
                ClosingStep::Await => called.recv_timeout(RETRY_INTERVAL / 4).ok().map(|(line, _)| line),
                ClosingStep::Wait => None,
                ClosingStep::Collect => self.remind(),
                ClosingStep::Report(why) => {
                    if self.tell(&why).is_some() {
                        ended = Ended::Reported;
                    }
                    None
                }
            };
            if let Some(line) = line {
                // What fails now fails for the other compute party, which tells why.
                let _ = self.attempt(vec![line], own, rng);
            }
        }
    }

    /// Says who has not fetched what there is for it, or that the run has stopped.
    pub(super) fn observe_end(&self, ended: &Ended) {
        let stage = match ended {
            Ended::Finished => Stage::Serving(self.durable().state.uncollected()),
            Ended::Unreported(_) | Ended::Reported => Stage::Stopped,
        };
        (self.setup.observe)(stage);
    }

    /// Nothing more will come of this run here: those who ask hear why.
    fn stop(&self, error: &RunError) {
        if !error.is_passing() {
            self.step(Event::Failed { why: error.public_reason(), is_passing: false });
        }
    }

    /// Tells the garbler why we stopped.
    fn tell(&self, why: &str) -> Option<()> {
        let (setup, garbler) = (self.setup, self.setup.job().garbler);
        let mut line = setup.call(garbler).ok()??;
        setup.request(RequestKind::Stopped(why.to_owned())).send(&mut line).ok()?;
        Response::receive(&mut line, MAX_RESPONSE).ok().map(|_| ())
    }

    /// Asks the garbler whether it is over; if not, a line on which to end it.
    fn remind(&self) -> Option<PartyChannel> {
        let (setup, garbler) = (self.setup, self.setup.job().garbler);
        let mut line = setup.call(garbler).ok()??;
        setup.request(RequestKind::Collect).send(&mut line).ok()?;
        match Reminded::of(&Response::receive(&mut line, MAX_RESPONSE).ok()?) {
            Reminded::Confirmed => {
                self.step(Event::Confirmed(garbler));
                None
            }
            Reminded::Away => None,
            Reminded::Meet => self.call().ok()?,
        }
    }
}

/// A share in hand.
enum Held<'s> {
    Own(&'s InputShare),
    Opened(InputShare),
}

/// Shares in hand, in the job's order.
struct Shares<'s>(Vec<Held<'s>>);

impl Shares<'_> {
    fn refs(&self) -> Vec<&InputShare> {
        let share = |held| match held {
            &Held::Own(share) => share,
            Held::Opened(share) => share,
        };
        self.0.iter().map(share).collect()
    }
}
