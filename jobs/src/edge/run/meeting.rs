//! How more than two compute parties come together for an attempt, and how they part.
//!
//! ```text
//! others → first   Compute                        the first keeps the line until one of every other is there
//! first → others   Meeting: a fresh name
//! others           each joins those between the first and itself under that name, and awaits those after itself
//! all              a line to each other, and platforms as different as the job asks: the attempt
//! at the end       Confirmed to each other, so that nobody waits; who lacks signatures collects the receipt of another
//! ```
//!
//! *First*, *between* and *after* are of the job's order. Lines of an earlier meeting have another name, so a
//! compute party that comes late or again never mixes two meetings. The first is trusted with nothing: under two
//! names no meeting takes place, and that is all. If the job asks for evidence, both ends of a line show it before anything else.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use rand_core::{CryptoRng, RngCore};

use super::connection::ClientConnection;
use super::error::RunError;
use super::routes::PartyChannel;
use super::server::{ProvenLine, Reply, Server, lock};
use super::setup::{MAX_RESPONSE, RETRY_INTERVAL};
use crate::attempt::{Computed, Executable, Finished};
use crate::compute_party::{Ended, opening};
use crate::messages::{RequestKind, Response};
use crate::receipt::Receipt;
use crate::run_state::Event;
use crate::session_evidence::Proven;
use crate::storage::Storage;
use crate::{Digest, PartyId};
use sotto_mpc::channel::Framed;

/// How long a compute party waits for the first to open a meeting, before it calls again.
const PATIENCE: Duration = Duration::from_secs(5);
/// How old a line may be with which the first opens a meeting.
const FRESH: Duration = Duration::from_secs(4);
/// How long it may take until all have a line to each other.
const GATHERING: Duration = Duration::from_secs(10);

/// Lines that wait for a meeting, at the first compute party.
pub(crate) type Arrived = BTreeMap<PartyId, (Instant, ProvenLine)>;

impl<P: Executable, S: Storage + Send> Server<'_, P, S> {
    /// Lines to all other compute parties, in the job's order, if all are there now.
    pub(super) fn assemble(
        &self,
        called: &Receiver<ProvenLine>,
        arrived: &mut Arrived,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Vec<PartyChannel>>, RunError> {
        if self.setup.us == self.setup.job().garbler {
            return self.open_meeting(called, arrived, rng);
        }
        thread::sleep(RETRY_INTERVAL);
        self.come_to_meeting(called)
    }

    /// The first compute party's part: once a fresh line of every other is there, all hear the meeting's name.
    fn open_meeting(
        &self,
        called: &Receiver<ProvenLine>,
        arrived: &mut Arrived,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Vec<PartyChannel>>, RunError> {
        let job = self.setup.job();
        let others = job.other_compute_parties(self.setup.us);
        if let Ok(line) = called.recv_timeout(RETRY_INTERVAL)
            && let Some(party) = job.find_key(line.0.get_ref().peer().as_bytes())
        {
            arrived.insert(party, (Instant::now(), line));
        }
        arrived.retain(|_, (since, _)| since.elapsed() < FRESH);
        if !others.iter().all(|party| arrived.contains_key(party)) {
            return Ok(None);
        }
        let lines = others.iter().filter_map(|party| arrived.remove(party));
        let mut lines = self.diverse(lines.map(|(_, line)| line).collect())?;
        let mut name = Digest([0; 32]);
        rng.fill_bytes(&mut name.0);
        let answer = match self.step(Event::PeerReady) {
            Reply::Go if self.durable().bind().is_err() => return Ok(None),
            Reply::Go => Response::Meeting { name, input_commitment: self.own.clone() },
            Reply::Response(answer) => answer,
        };
        let is_open = matches!(answer, Response::Meeting { .. });
        for line in &mut lines {
            line.get_mut().set_deadline(Instant::now() + GATHERING);
            // Who does not hear it does not come, and the attempt ends before it begins.
            let _ = answer.send(line);
        }
        Ok(is_open.then_some(lines))
    }

    /// These lines, to all other compute parties, if the platforms at their ends and ours are as different as is asked.
    fn diverse(&self, lines: Vec<ProvenLine>) -> Result<Vec<PartyChannel>, RunError> {
        let (lines, proven): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        if self.setup.job().has_attested_computers() {
            let ours = proven.iter().find_map(|proven| proven.ours.as_ref());
            let all: Vec<_> =
                ours.into_iter().chain(proven.iter().filter_map(|one| one.theirs.as_ref())).collect();
            self.setup.means()?.appraiser.check_diversity(self.setup.job(), &all)?;
        }
        Ok(lines)
    }

    /// Any other's part: to call the first, to join those before us, and to await those after us.
    fn come_to_meeting(&self, called: &Receiver<ProvenLine>) -> Result<Option<Vec<PartyChannel>>, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        *lock(&self.meeting) = None;
        let Some((name, first)) = self.call_first()? else { return Ok(None) };
        while called.try_recv().is_ok() {}
        *lock(&self.meeting) = Some(name);
        let mut lines = BTreeMap::from([(job.garbler, first)]);
        let (until, all) = (Instant::now() + GATHERING, job.compute_parties());
        let ours = all.iter().position(|id| *id == setup.us).unwrap_or_default();
        for before in all.iter().take(ours).skip(1) {
            while !lines.contains_key(before) && Instant::now() < until {
                match self.join(*before, name)? {
                    Some(line) => lines.extend([(*before, line)]),
                    None => thread::sleep(RETRY_INTERVAL / 4),
                }
            }
        }
        while lines.len() + 1 < all.len() && Instant::now() < until && lock(&self.shut).is_none() {
            let Ok(line) = called.recv_timeout(RETRY_INTERVAL / 4) else { continue };
            lines.extend(job.find_key(line.0.get_ref().peer().as_bytes()).map(|party| (party, line)));
        }
        *lock(&self.meeting) = None;
        let order = job.other_compute_parties(setup.us);
        let lines: Vec<_> = order.iter().filter_map(|party| lines.remove(party)).collect();
        if lines.len() < order.len() {
            return Ok(None);
        }
        let lines = self.diverse(lines)?;
        Ok(matches!(self.step(Event::PeerReady), Reply::Go).then_some(lines))
    }

    /// Calls the first compute party; the meeting's name and the line, if it opens one now.
    fn call_first(&self) -> Result<Option<(Digest, ProvenLine)>, RunError> {
        let (setup, first) = (self.setup, self.setup.job().garbler);
        let missing = self.durable().state.missing();
        let Some(mut line) = setup.call(first)? else { return Ok(None) };
        let (kind, mut proven) = (opening(missing, self.own.as_ref()), Proven::default());
        if matches!(kind, RequestKind::Compute { .. }) {
            let Some(shown) = setup.prove(first, &mut line)? else { return Ok(None) };
            proven = shown;
            self.durable().bind()?;
        }
        if setup.request(kind).send(&mut line).is_err() {
            return Ok(None);
        }
        line.get_mut().set_deadline(Instant::now() + PATIENCE);
        match Response::receive(&mut line, MAX_RESPONSE) {
            Ok(Response::Meeting { name, input_commitment }) => {
                self.take(first, input_commitment)?;
                return Ok(Some((name, (line, proven))));
            }
            Ok(Response::Refused(why)) => return Err(RunError::Refused { by: setup.name(first), why }),
            Ok(Response::Waiting(names)) => self.peer_waits_for(names),
            Ok(_) | Err(_) => {}
        }
        Ok(None)
    }

    /// Joins a compute party before us; nothing if it is not at this meeting now.
    fn join(&self, party: PartyId, meeting: Digest) -> Result<Option<ProvenLine>, RunError> {
        let setup = self.setup;
        let Some(mut line) = setup.call(party)? else { return Ok(None) };
        let Some(proven) = setup.prove(party, &mut line)? else { return Ok(None) };
        let kind = RequestKind::Join { meeting, input_commitment: self.own.clone() };
        if setup.request(kind).send(&mut line).is_err() {
            return Ok(None);
        }
        match Response::receive(&mut line, MAX_RESPONSE) {
            Ok(Response::Ready { input_commitment }) => {
                self.take(party, input_commitment)?;
                Ok(Some((line, proven)))
            }
            Ok(Response::Refused(why)) => Err(RunError::Refused { by: setup.name(party), why }),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Takes what another compute party states about its own input.
    fn take(&self, party: PartyId, input_commitment: Option<Vec<u8>>) -> Result<(), RunError> {
        let Some(input_commitment) = input_commitment else { return Ok(()) };
        let delivered = Event::Delivered { input_party: party, input_commitment, encrypted: Vec::new() };
        match self.step(delivered) {
            Reply::Response(Response::Refused(why)) => {
                Err(RunError::Refused { by: self.setup.name(self.setup.us), why })
            }
            _ => Ok(()),
        }
    }

    /// Another compute party calls us, who are the first: its line waits for the meeting, which is the answer.
    pub(super) fn arrives(
        &self,
        client: PartyId,
        input_commitment: Option<Vec<u8>>,
        (mut line, proven): (Framed<ClientConnection<'_>>, Proven),
        calls: &SyncSender<ProvenLine>,
    ) -> Option<()> {
        self.peer_waits_for(Vec::new());
        let (stopped, missing) = {
            let state = &self.durable().state;
            (state.stopped().map(str::to_owned), state.missing())
        };
        let refusal = match (stopped, self.take(client, input_commitment)) {
            (Some(why), _) => Some(Response::Refused(why)),
            (None, Err(why)) => Some(Response::Refused(why.public_reason())),
            (None, Ok(())) if !missing.is_empty() => Some(Response::Waiting(missing)),
            (None, Ok(())) => None,
        };
        match refusal {
            Some(answer) => answer.send(&mut line).ok(),
            None => calls.try_send((line.map(ClientConnection::into_inner), proven)).ok(),
        }
    }

    /// A compute party after us joins a meeting: ours, or it comes again.
    pub(super) fn joins(
        &self,
        client: PartyId,
        (meeting, input_commitment): (Digest, Option<Vec<u8>>),
        (mut line, proven): (Framed<ClientConnection<'_>>, Proven),
        calls: &SyncSender<ProvenLine>,
    ) -> Option<()> {
        if *lock(&self.meeting) != Some(meeting) {
            return Response::Waiting(Vec::new()).send(&mut line).ok();
        }
        if let Err(why) = self.take(client, input_commitment) {
            return Response::Refused(why.public_reason()).send(&mut line).ok();
        }
        Response::Ready { input_commitment: self.own.clone() }.send(&mut line).ok()?;
        calls.try_send((line.map(ClientConnection::into_inner), proven)).ok()
    }

    /// Takes the receipt of another compute party that has all signatures, if we lack some.
    pub(super) fn fetch_signatures(&self, computed: &Computed) -> Result<bool, RunError> {
        let (setup, job) = (self.setup, self.setup.job());
        for other in job.other_compute_parties(setup.us) {
            let Some(mut line) = setup.call(other)? else { continue };
            if setup.request(RequestKind::Collect).send(&mut line).is_err() {
                continue;
            }
            let Ok(Response::Finished { receipt, .. }) = Response::receive(&mut line, MAX_RESPONSE) else {
                continue;
            };
            let receipt = Receipt::from_bytes(job, &receipt)?;
            if receipt.facts != computed.facts {
                return Err(RunError::Lost);
            }
            let encrypted_shares = computed.encrypted_shares.clone();
            let ours = encrypted_shares.iter().find(|share| share.result_party == setup.us).cloned();
            let finished = Finished { receipt, encrypted_shares, ours };
            self.durable().step(Event::Signed(Box::new(finished)))?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Waits until everybody has what there is for it, and tells the other compute parties that we have: or, if we
    /// stopped, the first of them why.
    pub(super) fn part(&self, ended: &Ended, until: Instant) {
        let (setup, job) = (self.setup, self.setup.job());
        let mut untold = match ended {
            Ended::Finished => job.other_compute_parties(setup.us),
            Ended::Unreported(_) if setup.us != job.garbler => vec![job.garbler],
            Ended::Unreported(_) | Ended::Reported => Vec::new(),
        };
        let mut tries = 5;
        while Instant::now() < until {
            self.observe_end(ended);
            let ask = |party: PartyId, kind| {
                let mut line = setup.call(party).ok()??;
                setup.request(kind).send(&mut line).ok()?;
                Response::receive(&mut line, MAX_RESPONSE).ok()
            };
            let is_told = |party: PartyId| match ended {
                Ended::Unreported(why) => ask(party, RequestKind::Stopped(why.clone())).is_some(),
                // Who is not finished yet would not note that we have all.
                Ended::Finished | Ended::Reported => {
                    matches!(ask(party, RequestKind::Collect), Some(Response::Finished { .. }))
                        && ask(party, RequestKind::Confirmed).is_some()
                }
            };
            untold.retain(|party| !is_told(*party));
            let is_over = matches!(ended, Ended::Finished) && self.durable().state.uncollected().is_empty();
            // Whoever has confirmed has told us, and may be gone.
            tries -= i32::from(is_over);
            if is_over && (untold.is_empty() || tries == 0) {
                return;
            }
            thread::sleep(RETRY_INTERVAL / 2);
        }
    }
}
