//! A party's part in a run, over pinned channels: what `sotto mpc run` does, without its terminal.
//!
//! ```text
//! input party, result party     deliver to both compute parties ─► collect from both until there is something ─► confirm
//! compute parties           answer the others · evaluator calls garbler · attempts until both signed ─► serve until all have theirs
//! ```
//!
//! Everything waits for the others until the job's deadline, and starts again where it was after a crash: see
//! [`state`](crate::run_state) for what survives. Whoever is there before the others waits; whoever comes late enough is told so.
//!
//! Nothing begins after the job's expiry, and a computation that takes longer than the job's seconds ends; what was finished
//! before is delivered and collected whenever it is asked for.
//!
//! Guaranteed: no byte that depends on an input leaves before `Setup::debit` has returned, and a run has another input than
//! before only while nobody was told of the first. Not guaranteed: an end, if others
//! stay away longer than the deadline; then an error says who.

mod client;
mod compute_party;
mod connection;
mod link_probe;
mod listener;
mod routes;
mod server;

pub use link_probe::{LinkSpeed, probe};
pub use routes::Routes;

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand_core::{CryptoRng, RngCore};
use sotto_link::pinned::LinkError;

use crate::attempt::AttemptError;
use crate::input_commitment::{InputError, PreparedInput, SavedInput};
use crate::job::RendezvousServer;
use crate::messages::{Request, RequestKind};
use crate::multiparty::Functionality;
use crate::output_share::{JoinedOutputs, WrongOutputShare};
use crate::policy_file::DebitError;
use crate::receipt::{Receipt, ReceiptError};
use crate::run_state::Item;
use crate::storage::{Storage, name};
use crate::verify_program::{ProgramMismatch, declared};
use crate::{Agreement, Job, PartyId};
use sotto_mpc::Bits;
use sotto_party::Identity;

/// What a party brings to a run.
pub struct Setup<'a, P> {
    /// What was agreed.
    pub agreement: &'a Agreement,
    /// The program. Whoever built it from something else than the job file holds its gates against the job first
    /// ([`verify`](crate::verify_program::verify)); its name, schemas and outputs are held against it here.
    pub program: &'a P,
    /// Which run, from 1.
    pub run: u32,
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
    /// So many bytes of the attempt have passed between the compute parties, both ways together; 32 of them for each AND gate.
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
    const fn of(receipt: Receipt) -> Self {
        Self { receipt, outputs: Vec::new(), output_shares: None }
    }

    /// The end of a run for a result party.
    fn received(
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

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Others stayed away.
    #[error("the deadline passed; awaited: {}", .0.join(", "))]
    Late(Vec<String>),
    /// No connection, and trying again is of no use.
    #[error("no connection to {party}: {why}")]
    Link {
        /// With whom.
        party: String,
        /// Why.
        why: LinkError,
    },
    /// The program is not the one that was agreed.
    #[error(transparent)]
    ProgramMismatch(#[from] ProgramMismatch),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
    /// Nothing will come of this run: this compute party or the other one said why.
    #[error("{0}")]
    Stopped(String),
    /// A compute party cannot listen.
    #[error("{party} cannot listen here: {why}")]
    Listen {
        /// Who: we.
        party: String,
        /// Why.
        why: LinkError,
    },
    /// A compute party said no.
    #[error("{by} refuses: {why}")]
    Refused {
        /// Who.
        by: String,
        /// Its words.
        why: String,
    },
    /// The two compute parties say different things.
    #[error("the two compute parties do not tell the same: {0}")]
    Disagree(&'static str),
    /// The compute parties cannot compute together.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// An input cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An input party came without its input.
    #[error("this party is an input party, and no input was given")]
    NoInput,
    /// The receipt is none.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Outputs are not what was signed for.
    #[error(transparent)]
    OutputShare(#[from] WrongOutputShare),
    /// Something could not be kept, so nothing after it was done.
    #[error("what must survive a crash could not be kept: {0}")]
    Storage(#[from] io::Error),
    /// The input party's own rules.
    #[error(transparent)]
    Debit(#[from] DebitError),
    /// Our run is over and the other compute party's outputs are gone.
    #[error("this run is finished here, but the other compute party lost its outputs: take the next run")]
    Lost,
}

impl RunError {
    /// Whether it is that others could not be reached.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Late(_) | Self::Link { why: LinkError::Unreachable { .. }, .. })
    }
}

/// Takes part in a run, to its end.
///
/// # Errors
/// [`RunError`]; whatever was kept is still there, and the run can be taken up again.
pub fn take_part<P: Functionality + Sync>(
    setup: &Setup<'_, P>,
    storage: &mut (impl Storage + Send),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Outcome, RunError> {
    declared(setup.job(), setup.program)?;
    let own = setup.prepare(storage, rng)?;
    if setup.job().computes(setup.us) {
        compute_party::run(setup, own, storage, rng)
    } else {
        client::run(setup, own, storage)
    }
}

/// Our input, committed to.
struct Own {
    prepared: PreparedInput,
    /// What is to be kept before anybody is told of it; nothing if that was done.
    unsaved: Option<Vec<u8>>,
}

impl<P: Functionality> Setup<'_, P> {
    fn job(&self) -> &Job {
        self.agreement.job()
    }

    /// Our input, committed to: as it was in an earlier attempt, or anew.
    fn prepare(
        &self,
        storage: &impl Storage,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Own>, RunError> {
        let (job, own) = (self.job(), name(self.job(), Item::Own));
        if job.input_of(self.us).is_none() {
            return Ok(None);
        }
        let bits = self.input.ok_or(RunError::NoInput)?;
        if let Some(kept) = storage.get(&own)?.and_then(|kept| SavedInput::from_bytes(&kept)) {
            let prepared = kept.resume(job, bits, self.identity)?;
            return Ok(Some(Own { prepared, unsaved: None }));
        }
        let prepared = crate::input_commitment::prepare(job, (self.us, self.run), bits, self.identity, rng)?;
        let unsaved = Some(SavedInput::of(&prepared, bits, self.identity).to_bytes());
        Ok(Some(Own { prepared, unsaved }))
    }

    /// Whether the job has not expired.
    fn in_time(&self) -> Result<(), RunError> {
        if now() < self.job().expiry { Ok(()) } else { Err(RunError::Expired) }
    }

    /// Bits of each output.
    fn widths(&self) -> Vec<usize> {
        self.program.declaration().outputs().iter().map(|table| table.bits()).collect()
    }

    fn name(&self, id: PartyId) -> String {
        self.job().party(id).name.to_string()
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(Duration::from_secs(self.job().deadline.into())).unwrap_or(now)
    }

    /// How the others are found.
    fn routes(&self) -> Routes<'_> {
        let (run, us, identity) = (self.run, self.us, self.identity);
        Routes {
            job: self.job(),
            run,
            us,
            identity,
            listen: self.listen,
            rendezvous_server: self.rendezvous_server,
        }
    }

    fn request(&self, kind: RequestKind) -> Request {
        Request { job: self.job().id(), run: self.run, kind }
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// How long to wait before something is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Longest answer of a compute party: output shares of outputs and a receipt.
const MAX_RESPONSE: usize = 1 << 26;
