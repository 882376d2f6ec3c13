//! What a party brings to a run, the progress that it observes, and the outcome.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand_core::{CryptoRng, RngCore};

use super::error::RunError;
use super::routes::{Call, PartyChannel, Routes, is_trouble};
use super::trade::{Post, Progress, Trade};
use crate::approval::Run;
use crate::collect::{Collector, Outcome};
use crate::evidence::{EvidenceError, Means};
use crate::input_commitment::{Brought, InputCommitment, PreparedInput, SavedInput};
use crate::job::RendezvousServer;
use crate::messages::{MessageError, Request, RequestKind, Response};
use crate::multiparty::Functionality;
use crate::policy_file::DebitError;
use crate::run_state::{Item, OwnParty};
use crate::session_evidence::{End, ExchangeError, Proven};
use crate::storage::{Storage, name};
use crate::{Job, PartyId};
use sotto_link::pinned::LinkError;
use sotto_mpc::Bits;
use sotto_mpc::channel::ChannelError;
use sotto_party::Identity;
use sotto_tee::appraise::Verdict;

/// What a party brings to a run.
pub struct Setup<'a, P> {
    /// Which run of what was agreed.
    pub run: Run<'a>,
    /// The program. A caller that built it from something else than the job file compares its gates with the
    /// job first ([`verify`](crate::verify_program::verify)); its name, schemas and outputs are held against
    /// it here.
    pub program: &'a P,
    /// Who we are.
    pub us: PartyId,
    /// Our keys.
    pub identity: &'a Identity,
    /// Our input bits, if we are an input party.
    pub input: Option<&'a Bits>,
    /// Where a compute party listens, if not where the job says.
    pub listen: Option<&'a str>,
    /// The rendezvous server at which all compute parties are met, if not where the job says.
    pub rendezvous_server: Option<&'a RendezvousServer>,
    /// Called before the first byte leaves that depends on our input; an error stops the run.
    pub debit: &'a (dyn Fn() -> Result<(), DebitError> + Sync),
    /// What a payee or the buyer of a sale does about the money. Without it, neither takes part in a job that sells
    /// outputs.
    pub trade: Option<&'a (dyn Trade + Sync)>,
    /// Called with what is going on.
    pub observe: &'a (dyn Fn(Stage) + Sync),
    /// What we show and judge evidence with; a job that asks for evidence is not run without.
    pub means: Option<&'a Means<'a>>,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The other parties are called, or awaited.
    Waiting(Vec<String>),
    /// Another party cannot be reached; it is called again until the deadline.
    Unreachable {
        /// Which.
        party: String,
        /// Why.
        why: String,
    },
    /// Another party's evidence is accepted, and says so.
    Attested {
        /// Whose.
        party: String,
        /// Whether hardware vouches.
        verdict: Verdict,
    },
    /// A compute party took our input.
    Delivered(String),
    /// The compute parties begin.
    Attempt(u32),
    /// An attempt against a malicious compute party failed, for a reason that is kept from the other parties.
    Failed(String),
    /// So many bytes of the attempt have passed between us and one other compute party, both ways together; 32 of
    /// them for each AND gate.
    Passed(u64),
    /// The compute parties signed.
    Signed,
    /// We have all that there is for us. Others may not.
    Finished(Box<Outcome>),
    /// Others fetch what there is for them; these have not yet.
    Serving(Vec<String>),
    /// The run has stopped, and the other parties are sent the reason.
    Stopped,
}

/// Our input, committed to.
pub(crate) struct OwnInput {
    pub(crate) prepared: PreparedInput,
    /// What must be stored before another party learns of the input; `None` once it is stored.
    pub(crate) unsaved: Option<Vec<u8>>,
}

impl<P: Functionality> Setup<'_, P> {
    pub(crate) fn job(&self) -> &Job {
        self.run.job()
    }

    /// Our input, committed to: as it was in an earlier attempt, or anew.
    pub(crate) fn prepare(
        &self,
        storage: &impl Storage,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<OwnInput>, RunError> {
        let (job, own) = (self.job(), name(self.job(), Item::Own));
        if job.contributor_of(self.us).is_none() {
            return Ok(None);
        }
        let none = Bits::default();
        let bits = match self.input {
            Some(bits) => bits,
            None if job.input_of(self.us).is_none() => &none,
            None => return Err(RunError::NoInput),
        };
        if let Some(kept) = storage.get(&own)?.and_then(|kept| SavedInput::from_bytes(&kept)) {
            let prepared = kept.resume(job, bits, self.identity)?;
            return Ok(Some(OwnInput { prepared, unsaved: None }));
        }
        let brought = Brought { bits, pad: job.pad_bits(self.us, &self.widths()) };
        let prepared =
            crate::input_commitment::prepare(self.run.input_of(self.us), brought, self.identity, rng)?;
        let unsaved = Some(SavedInput::of(&prepared, bits, self.identity).to_bytes());
        Ok(Some(OwnInput { prepared, unsaved }))
    }

    /// Debits the run, if our money is there or we are not paid: before anything leaves that depends on our input.
    ///
    /// # Errors
    /// If the money does not come before the deadline, or the debit is refused; then nothing was debited.
    pub(crate) fn charge(&self, post: &dyn Post) -> Result<(), RunError> {
        self.await_money(post)?;
        Ok((self.debit)()?)
    }

    /// Waits until the money is put aside, if we pay or are paid.
    ///
    /// # Errors
    /// If that does not come before the deadline.
    pub(crate) fn await_money(&self, post: &dyn Post) -> Result<(), RunError> {
        self.trade_until(|trade| trade.fund(post), RunError::Unpaid)
    }

    /// Looks after the money while the run is awaited, if we pay or are paid: every [`MAX_PAUSE`], `last` being when.
    ///
    /// # Errors
    /// If it has gone back: this run pays nothing any more.
    pub(crate) fn attend(&self, post: &dyn Post, last: &mut Option<Instant>) -> Result<(), RunError> {
        let is_part = self.job().sale.as_ref().is_some_and(|sale| sale.has_part(self.us));
        let Some(trade) = self.trade.filter(|_| is_part) else { return Ok(()) };
        if last.is_some_and(|last| last.elapsed() < MAX_PAUSE) {
            return Ok(());
        }
        *last = Some(Instant::now());
        match trade.attend(post) {
            Progress::Gone(why) => Err(RunError::Unpaid(why)),
            Progress::Done | Progress::Awaited(_) => Ok(()),
        }
    }

    /// Settles the sale, if we pay or are paid.
    ///
    /// # Errors
    /// If that does not come before the deadline.
    pub(crate) fn settle(&self, outcome: &Outcome, post: &dyn Post) -> Result<(), RunError> {
        self.trade_until(|trade| trade.settle(outcome, post), RunError::Unsettled)
    }

    fn trade_until(
        &self,
        step: impl Fn(&dyn Trade) -> Progress,
        gone: impl Fn(String) -> RunError,
    ) -> Result<(), RunError> {
        if !self.job().sale.as_ref().is_some_and(|sale| sale.has_part(self.us)) {
            return Ok(());
        }
        let trade = self.trade.ok_or(RunError::Sale)?;
        let (until, mut pause) = (self.deadline(), RETRY_INTERVAL);
        let mut missing = String::new();
        loop {
            let why = match step(trade) {
                Progress::Done => return Ok(()),
                Progress::Gone(why) => return Err(gone(why)),
                Progress::Awaited(why) if Instant::now() >= until => return Err(RunError::Late(vec![why])),
                Progress::Awaited(why) => why,
            };
            // Blocks come slowly, and letters fast: what has just changed may change again.
            pause = if why == missing { MAX_PAUSE.min(pause * 2) } else { RETRY_INTERVAL };
            missing.clone_from(&why);
            (self.observe)(Stage::Waiting(vec![why]));
            thread::sleep(pause);
        }
    }

    /// Whether the job has not expired.
    pub(crate) fn in_time(&self) -> Result<(), RunError> {
        if now() < self.job().expiry { Ok(()) } else { Err(RunError::Expired) }
    }

    /// Bits of each output.
    pub(crate) fn widths(&self) -> Vec<usize> {
        self.program.declaration().outputs().iter().map(|table| table.bits()).collect()
    }

    /// We, at the end of the run.
    pub(crate) const fn collector<'s>(
        &'s self,
        input: Option<&'s InputCommitment>,
        widths: &'s [usize],
    ) -> Collector<'s> {
        let ours = OwnParty { id: self.us, identity: self.identity };
        Collector { run: self.run, ours, input, widths }
    }

    /// The names of the other compute parties.
    pub(crate) fn others(&self) -> Vec<String> {
        let others = self.job().other_compute_parties(self.us);
        others.into_iter().map(|id| self.name(id)).collect()
    }

    pub(crate) fn name(&self, id: PartyId) -> String {
        self.job().party(id).name.to_string()
    }

    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(Duration::from_secs(self.job().deadline.into())).unwrap_or(now)
    }

    /// A channel to a compute party; nothing if it is not there now, and then what is the trouble is
    /// observed.
    pub(crate) fn call(&self, compute_party: PartyId) -> Result<Option<PartyChannel>, RunError> {
        Ok(match self.routes().call(compute_party)? {
            Call::There(line) => Some(*line),
            Call::Away(why) => {
                if is_trouble(&why) {
                    let party = self.name(compute_party);
                    (self.observe)(Stage::Unreachable { party, why: why.to_string() });
                }
                None
            }
        })
    }

    /// One request and its answer; nothing if the compute party is not there now.
    pub(crate) fn ask(
        &self,
        compute_party: PartyId,
        kind: RequestKind,
    ) -> Result<Option<Response>, RunError> {
        match self.call(compute_party)? {
            Some(line) => self.exchange(compute_party, line, kind),
            None => Ok(None),
        }
    }

    /// The same over a line that is there.
    pub(crate) fn exchange(
        &self,
        compute_party: PartyId,
        mut line: PartyChannel,
        kind: RequestKind,
    ) -> Result<Option<Response>, RunError> {
        let asked = self.request(kind).send(&mut line).map_err(MessageError::from);
        match asked.and_then(|()| Response::receive(&mut line, MAX_RESPONSE)) {
            Ok(answer) => Ok(Some(answer)),
            Err(MessageError::Channel(ChannelError::Altered { .. })) => {
                Err(self.routes().no_link(compute_party, compute_party, LinkError::Altered))
            }
            Err(_) => Ok(None),
        }
    }

    /// What we show and judge evidence with.
    pub(crate) fn means(&self) -> Result<&Means<'_>, RunError> {
        self.means.ok_or(RunError::Evidence(EvidenceError::NoMeans))
    }

    /// Shows our evidence and judges theirs on a channel that we opened, if the job asks for any. Nothing if the
    /// connection failed.
    ///
    /// # Errors
    /// If evidence is not accepted.
    pub(crate) fn prove(&self, them: PartyId, line: &mut PartyChannel) -> Result<Option<Proven>, RunError> {
        let end = End { run: self.run, us: self.us, them, exporter: line.get_ref().binding() };
        if !end.is_asked() {
            return Ok(Some(Proven::default()));
        }
        match end.call(self.means()?, line) {
            Ok(proven) => {
                self.attested(them, &proven);
                Ok(Some(proven))
            }
            Err(ExchangeError::Evidence(why)) => Err(why.into()),
            Err(ExchangeError::Over(why)) => Err(RunError::Refused { by: self.name(them), why }),
            Err(ExchangeError::Message(_) | ExchangeError::Other) => Ok(None),
        }
    }

    /// Observes that another party's evidence is accepted.
    pub(crate) fn attested(&self, them: PartyId, proven: &Proven) {
        if let Some(theirs) = &proven.theirs {
            (self.observe)(Stage::Attested { party: self.name(them), verdict: theirs.verdict() });
        }
    }

    /// How the others are found.
    pub(crate) fn routes(&self) -> Routes<'_> {
        let (run, us, identity) = (self.run.number(), self.us, self.identity);
        Routes {
            job: self.job(),
            run,
            us,
            identity,
            listen: self.listen,
            rendezvous_server: self.rendezvous_server,
        }
    }

    pub(crate) fn request(&self, kind: RequestKind) -> Request {
        Request { job: self.job().id(), run: self.run.number(), kind }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// Longest pause before a sale is looked at again.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How long to wait before something is tried again.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Longest answer of a compute party: output shares of outputs and a receipt.
pub(crate) const MAX_RESPONSE: usize = 1 << 26;
