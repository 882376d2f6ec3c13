//! What a party brings to a run, the progress that it observes, and the outcome.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand_core::{CryptoRng, RngCore};

use super::error::RunError;
use super::routes::Routes;
use crate::approval::Run;
use crate::input_commitment::{PreparedInput, SavedInput};
use crate::job::RendezvousServer;
use crate::messages::{Request, RequestKind};
use crate::multiparty::Functionality;
use crate::output_share::JoinedOutputs;
use crate::policy_file::DebitError;
use crate::receipt::Receipt;
use crate::run_state::Item;
use crate::storage::{Storage, name};
use crate::{Job, PartyId};
use sotto_mpc::Bits;
use sotto_party::Identity;

/// What a party brings to a run.
pub struct Setup<'a, P> {
    /// Which run of what was agreed.
    pub run: Run<'a>,
    /// The program. Whoever built it from something else than the job file holds its gates against the job
    /// first ([`verify`](crate::verify_program::verify)); its name, schemas and outputs are held against it
    /// here.
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
    /// Called with what is going on.
    pub observe: &'a (dyn Fn(Stage) + Sync),
}

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The other parties are called, or awaited.
    Waiting(Vec<String>),
    /// A compute party took our input.
    Delivered(String),
    /// The compute parties begin.
    Attempt(u32),
    /// So many bytes of the attempt have passed between the compute parties, both ways together; 32 of them
    /// for each AND gate.
    Passed(u64),
    /// The compute parties signed.
    Signed,
    /// We have all that there is for us. Others may not.
    Finished(Box<Outcome>),
    /// Others fetch what there is for them.
    Serving,
}

/// What a party has in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What both compute parties signed.
    pub receipt: Receipt,
    /// Our outputs: their places in the job, and their bits.
    pub outputs: Vec<(usize, Vec<bool>)>,
    /// What shows that they are those of the receipt, if we receive any.
    pub output_shares: Option<[Vec<u8>; 2]>,
}

impl Outcome {
    /// The end of a run for a party that learns nothing.
    pub(crate) const fn of(receipt: Receipt) -> Self {
        Self { receipt, outputs: Vec::new(), output_shares: None }
    }

    /// The end of a run for a result party.
    pub(crate) fn received(
        receipt: Receipt,
        places: Vec<usize>,
        JoinedOutputs { outputs, output_shares }: JoinedOutputs,
    ) -> Self {
        Self {
            receipt,
            outputs: places.into_iter().zip(outputs).collect(),
            output_shares: Some(output_shares),
        }
    }
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
        if job.input_of(self.us).is_none() {
            return Ok(None);
        }
        let bits = self.input.ok_or(RunError::NoInput)?;
        if let Some(kept) = storage.get(&own)?.and_then(|kept| SavedInput::from_bytes(&kept)) {
            let prepared = kept.resume(job, bits, self.identity)?;
            return Ok(Some(OwnInput { prepared, unsaved: None }));
        }
        let prepared =
            crate::input_commitment::prepare(self.run.input_of(self.us), bits, self.identity, rng)?;
        let unsaved = Some(SavedInput::of(&prepared, bits, self.identity).to_bytes());
        Ok(Some(OwnInput { prepared, unsaved }))
    }

    /// Whether the job has not expired.
    pub(crate) fn in_time(&self) -> Result<(), RunError> {
        if now() < self.job().expiry { Ok(()) } else { Err(RunError::Expired) }
    }

    /// Bits of each output.
    pub(crate) fn widths(&self) -> Vec<usize> {
        self.program.declaration().outputs().iter().map(|table| table.bits()).collect()
    }

    pub(crate) fn name(&self, id: PartyId) -> String {
        self.job().party(id).name.to_string()
    }

    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(Duration::from_secs(self.job().deadline.into())).unwrap_or(now)
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

/// How long to wait before something is tried again.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Longest answer of a compute party: output shares of outputs and a receipt.
pub(crate) const MAX_RESPONSE: usize = 1 << 26;
