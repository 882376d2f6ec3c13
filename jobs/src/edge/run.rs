//! A party's part in a run, over pinned channels: what `sotto mpc run` does, without its terminal.
//!
//! ```text
//! owner, receiver     deliver to both computers ─► collect from both until there is something ─► confirm
//! computers           answer the others · evaluator calls garbler · attempts until both signed ─► serve until all have theirs
//! ```
//!
//! Everything waits for the others until the job's deadline, and starts again where it was after a crash: see
//! [`desk`](crate::desk) for what survives. Whoever is there before the others waits; whoever comes late enough is told so.
//!
//! Nothing begins after the job's expiry, and a computation that takes longer than the job's seconds ends; what was finished
//! before is delivered and collected whenever it is asked for.
//!
//! Guaranteed: no byte that depends on an input leaves before `Setup::debit` has returned, and a run has another input than
//! before only while nobody was told of the first. Not guaranteed: an end, if others
//! stay away longer than the deadline; then an error says who.

mod computer;
mod door;
mod guest;
mod office;
mod party;
mod speed;
mod ways;

pub use speed::{Speed, measure};
pub use ways::Ways;

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand_core::{CryptoRng, RngCore};
use sotto_link::pinned::LinkError;

use super::files::{Shelf, name};
use super::policy_file::DebitError;
use crate::attempt::AttemptError;
use crate::binding::{Misfit, declared};
use crate::desk::Item;
use crate::inputs::{InputError, Outbox, Prepared};
use crate::joint::Joint;
use crate::outputs::{BadHalf, Received};
use crate::post::{Request, Wish};
use crate::receipt::{Receipt, ReceiptError};
use crate::spec::Relay;
use crate::{Agreement, Job, PartyId};
use sotto_mpc::Bits;
use sotto_party::Identity;

/// What a party brings to a run.
pub struct Setup<'a, P> {
    /// What was agreed.
    pub agreement: &'a Agreement,
    /// The program. Whoever built it from something else than the job file holds its gates against the job first
    /// ([`fits`](crate::binding::fits)); its name, schemas and outputs are held against it here.
    pub program: &'a P,
    /// Which run, from 1.
    pub run: u32,
    /// Who we are.
    pub us: PartyId,
    /// Our keys.
    pub identity: &'a Identity,
    /// Our input bits, if we are an owner.
    pub input: Option<&'a Bits>,
    /// Where a computer listens, if not where the job says.
    pub listen: Option<&'a str>,
    /// The relay at which all computers are met, if not where the job says.
    pub relay: Option<&'a Relay>,
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
    /// A computer took our input.
    Delivered(String),
    /// The computers begin.
    Attempt(u32),
    /// So many bytes of the attempt have passed between the computers, both ways together; 32 of them for each AND gate.
    Passed(u64),
    /// The computers signed.
    Signed,
    /// We have all that there is for us. Others may not.
    Finished(Box<Outcome>),
    /// Others fetch what there is for them.
    Serving,
}

/// What a party has in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What both computers signed.
    pub receipt: Receipt,
    /// Our outputs: their places in the job, and their bits.
    pub outputs: Vec<(usize, Vec<bool>)>,
    /// What shows that they are those of the receipt, if we receive any.
    pub halves: Option<[Vec<u8>; 2]>,
}

impl Outcome {
    /// The end of a run for a party that learns nothing.
    const fn of(receipt: Receipt) -> Self {
        Self { receipt, outputs: Vec::new(), halves: None }
    }

    /// The end of a run for a receiver.
    fn received(receipt: Receipt, places: Vec<usize>, Received { outputs, halves }: Received) -> Self {
        Self { receipt, outputs: places.into_iter().zip(outputs).collect(), halves: Some(halves) }
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
    Misfit(#[from] Misfit),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
    /// Nothing will come of this run: this computer or the other one said why.
    #[error("{0}")]
    Stopped(String),
    /// A computer cannot listen.
    #[error("{party} cannot listen here: {why}")]
    Door {
        /// Who: we.
        party: String,
        /// Why.
        why: LinkError,
    },
    /// A computer said no.
    #[error("{by} refuses: {why}")]
    Refused {
        /// Who.
        by: String,
        /// Its words.
        why: String,
    },
    /// The two computers say different things.
    #[error("the two computers do not tell the same: {0}")]
    Disagree(&'static str),
    /// The computers cannot compute together.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// An input cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An owner came without its input.
    #[error("this party is an owner, and no input was given")]
    NoInput,
    /// The receipt is none.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Outputs are not what was signed for.
    #[error(transparent)]
    Half(#[from] BadHalf),
    /// Something could not be kept, so nothing after it was done.
    #[error("what must survive a crash could not be kept: {0}")]
    Shelf(#[from] io::Error),
    /// The owner's own rules.
    #[error(transparent)]
    Debit(#[from] DebitError),
    /// Our run is over and the other computer's outputs are gone.
    #[error("this run is finished here, but the other computer lost its outputs: take the next run")]
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
pub fn take_part<P: Joint + Sync>(
    setup: &Setup<'_, P>,
    shelf: &mut (impl Shelf + Send),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Outcome, RunError> {
    declared(setup.job(), setup.program)?;
    let own = setup.prepare(shelf, rng)?;
    if setup.job().computes(setup.us) {
        computer::run(setup, own, shelf, rng)
    } else {
        party::run(setup, own, shelf)
    }
}

/// Our input, committed to.
struct Own {
    prepared: Prepared,
    /// What is to be kept before anybody is told of it; nothing if that was done.
    unbound: Option<Vec<u8>>,
}

impl<P: Joint> Setup<'_, P> {
    fn job(&self) -> &Job {
        self.agreement.job()
    }

    /// Our input, committed to: as it was in an earlier attempt, or anew.
    fn prepare(
        &self,
        shelf: &impl Shelf,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Own>, RunError> {
        let (job, own) = (self.job(), name(self.job(), Item::Own));
        if job.input_of(self.us).is_none() {
            return Ok(None);
        }
        let bits = self.input.ok_or(RunError::NoInput)?;
        if let Some(kept) = shelf.get(&own)?.and_then(|kept| Outbox::from_bytes(&kept)) {
            let prepared = kept.resume(job, bits, self.identity)?;
            return Ok(Some(Own { prepared, unbound: None }));
        }
        let prepared = crate::inputs::prepare(job, (self.us, self.run), bits, self.identity, rng)?;
        let unbound = Some(Outbox::of(&prepared, bits, self.identity).to_bytes());
        Ok(Some(Own { prepared, unbound }))
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

    fn waits_until(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(Duration::from_secs(self.job().deadline.into())).unwrap_or(now)
    }

    /// How the others are found.
    fn ways(&self) -> Ways<'_> {
        let (run, us, identity) = (self.run, self.us, self.identity);
        Ways { job: self.job(), run, us, identity, listen: self.listen, relay: self.relay }
    }

    fn request(&self, wish: Wish) -> Request {
        Request { job: self.job().id(), run: self.run, wish }
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// How long to wait before something is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Longest answer of a computer: halves of outputs and a receipt.
const MAX_ANSWER: usize = 1 << 26;
