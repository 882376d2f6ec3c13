//! The buyer's part of a settlement: it puts money aside, and releases it for a run that it holds, once.
//!
//! ```text
//! Open ── run, H_c ──▶ Asked ── a claim of every payee ──▶ Agreed ── signed ──▶ Released ── t ──▶ Paid
//!   │                   │  ▲└── a later H_c: ask again       │
//!   └────── undo ───────┴──┴──▶ Undone                       └─ t ─▶ Paid
//! ```
//!
//! Each event gives effects in order. **What [`Effect::Keep`] has must be durable before the effects after it are carried
//! out**, and after a restart [`Buyer::restore`] goes on from there: [`Buyer::again`] has the effects of where it stands, which
//! are the same as before. So each effect must be harmless when it is carried out twice: to hold money that is held already,
//! to sign a claim that is signed already.
//!
//! **Guaranteed.** Nothing is released before the locked shares are kept that both compute parties signed for, before the run
//! is known to have a result, and before every payee has a claim that opens with the run's lock; and then for these claims and
//! no others. Nothing is undone afterwards. **Not guaranteed.** That a compute party locked what it signed for: that is found out
//! when it is paid, and gives a [`FalseShare`].

mod bytes;
mod kept;

pub use kept::Kept;

use super::letters::{ClaimSet, PayeeClaim};
use super::sold::{SaleError, Sold};
use crate::false_share::FalseShare;
use crate::job::sale::VERDICTS;
use crate::job::{Job, PartyId, Sale};
use crate::lock::share::{LockedShare, LockedShareError};
use crate::lock::{LockPoint, LockSecret};
use crate::output_share::{AttemptOutputs, NotOpened, OutputsByPlace};
use crate::receipt::Receipt;

/// Longest letter of a payee's claim, in bytes.
const MAX_ANSWER: usize = 1 << 13;

/// A run as the buyer collected it.
#[derive(Clone, Copy, Debug)]
pub struct Collected<'e> {
    /// What both compute parties signed.
    pub receipt: &'e Receipt,
    /// What the buyer reads before it pays: places of outputs, and their bits.
    pub outputs: &'e [(usize, Vec<bool>)],
    /// The locked shares, the garbler's first.
    pub locked: &'e [Vec<u8>; 2],
}

/// A payee's claim, and what the ledger's side says of it: that it is one of the money put aside for this payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose, and its letter as the ledger's side reads it again.
    pub claim: PayeeClaim,
    /// The point that it is locked to.
    pub lock: Option<LockPoint>,
    /// Its last height.
    pub until: u64,
}

/// What comes to the buyer.
#[derive(Debug)]
pub enum Event<'e> {
    /// The run is over; all claims are to have this last height.
    Ran(Collected<'e>, u64),
    /// The claims are to have this last height, which is later than the one before.
    Named(u64),
    /// A payee has claimed.
    Answered(Answer),
    /// The ledger's side signed the buyer's half of all claims: what others can verify of each, in the job's order.
    Signed(Vec<PayeeClaim>),
    /// t, as a claim in a block shows it.
    Revealed(LockSecret),
    /// A person wants the money back.
    Undo,
}

/// What it does.
#[derive(Debug)]
pub enum Effect {
    /// Keeps this, durably, in place of what was kept, before anything else is done.
    Keep(Kept),
    /// Puts money aside for each of these payees that has none, and takes part in the run.
    PutAside(Vec<PartyId>),
    /// Asks these payees for claims that are locked to this point and have this last height.
    Ask {
        /// Whom.
        payees: Vec<PartyId>,
        /// T.
        lock: LockPoint,
        /// H_c.
        until: u64,
    },
    /// Signs the buyer's half of these claims: [`Event::Signed`].
    Sign(Vec<PayeeClaim>),
    /// Gives this to every payee, and looks for a claim in a block: [`Event::Revealed`].
    Send(ClaimSet),
    /// The sold outputs: their places, and their bits.
    Open(OutputsByPlace),
    /// A compute party locked something else than it signed for; the money is gone.
    Accuse(FalseShare),
    /// Takes the money back that is held for these payees: cancels, or asks them to undo.
    Undo(Vec<PartyId>),
}

/// What the buyer knows of a sale.
#[derive(Debug)]
pub struct Buyer<'a> {
    job: &'a Job,
    sale: &'a Sale,
    widths: &'a [usize],
    stage: Stage<'a>,
}

#[derive(Debug)]
enum Stage<'a> {
    Open,
    Undone,
    Ran(Box<Bought<'a>>, Progress),
}

/// What is bought.
#[derive(Debug)]
struct Bought<'a> {
    sold: Sold<'a>,
    receipt: Receipt,
    locked: [Vec<u8>; 2],
}

#[derive(Debug)]
enum Progress {
    Asked(Asked),
    Agreed(Asked),
    Released(ClaimSet),
    Paid(LockSecret),
}

/// Claims that were asked for, and those that came.
#[derive(Clone, Debug)]
struct Asked {
    until: u64,
    answers: Vec<PayeeClaim>,
}

impl<'a> Buyer<'a> {
    /// Nothing has happened yet. `widths` has the bits of each output, in the job's order.
    ///
    /// # Errors
    /// If nothing is sold, or the buyer would pay without knowing whether there is a result.
    pub fn new(job: &'a Job, widths: &'a [usize]) -> Result<Self, SaleError> {
        let sale = job.sale.as_ref().ok_or(SaleError::NotSold)?;
        let tells = |place: &usize| VERDICTS.contains(&output(job, *place));
        let read = job.open_outputs_of(sale.buyer);
        if let Some(hidden) = (0..job.outputs.len()).filter(tells).find(|place| !read.contains(place)) {
            return Err(SaleError::Blind(output(job, hidden).to_owned()));
        }
        Ok(Self { job, sale, widths, stage: Stage::Open })
    }

    /// Takes an event.
    ///
    /// # Errors
    /// If it is refused; then nothing has changed.
    pub fn step(&mut self, event: Event<'_>) -> Result<Vec<Effect>, SaleError> {
        match event {
            Event::Ran(run, until) => self.ran(run, until),
            Event::Named(until) => self.named(until),
            Event::Answered(answer) => self.answered(answer),
            Event::Signed(claims) => self.signed(claims),
            Event::Revealed(t) => self.revealed(t),
            Event::Undo => self.undo(),
        }
    }

    /// What is to be done where it stands, after a restart or once more.
    ///
    /// # Errors
    /// [`SaleError::NotSold`] if what was kept does not belong together.
    pub fn again(&self) -> Result<Vec<Effect>, SaleError> {
        Ok(match &self.stage {
            Stage::Open => vec![Effect::PutAside(self.payees())],
            Stage::Undone => vec![Effect::Undo(self.payees())],
            Stage::Ran(bought, Progress::Asked(asked)) => {
                let came = |payee: &PartyId| asked.answers.iter().any(|answer| answer.payee == *payee);
                let payees = self.payees().into_iter().filter(|payee| !came(payee)).collect();
                vec![Effect::Ask { payees, lock: bought.sold.lock().point(), until: asked.until }]
            }
            Stage::Ran(_, Progress::Agreed(asked)) => vec![Effect::Sign(asked.answers.clone())],
            Stage::Ran(_, Progress::Released(set)) => vec![Effect::Send(set.clone())],
            Stage::Ran(bought, Progress::Paid(t)) => vec![self.open(bought, t)?],
        })
    }

    fn payees(&self) -> Vec<PartyId> {
        self.sale.payees.iter().map(|payee| payee.owner).collect()
    }

    /// Goes on to a stage: keeps it, and does what there is to do in it.
    fn goes_on(&mut self, stage: Stage<'a>) -> Result<Vec<Effect>, SaleError> {
        let before = core::mem::replace(&mut self.stage, stage);
        let effects = self.again();
        if effects.is_err() {
            self.stage = before;
        }
        Ok([Effect::Keep(self.kept())].into_iter().chain(effects?).collect())
    }

    /// The same with a run that is there.
    fn moves_on(&mut self, progress: Progress) -> Result<Vec<Effect>, SaleError> {
        let Stage::Ran(_, at) = &mut self.stage else { return Err(SaleError::NotSold) };
        let before = core::mem::replace(at, progress);
        let effects = self.again();
        if let (Err(_), Stage::Ran(_, at)) = (&effects, &mut self.stage) {
            *at = before;
        }
        Ok([Effect::Keep(self.kept())].into_iter().chain(effects?).collect())
    }

    fn ran(&mut self, run: Collected<'_>, until: u64) -> Result<Vec<Effect>, SaleError> {
        match &self.stage {
            Stage::Undone => return Err(SaleError::Undone),
            Stage::Ran(bought, _) if bought.receipt == *run.receipt => return self.again(),
            Stage::Ran(..) => return Err(SaleError::OtherSale),
            Stage::Open => {}
        }
        for (place, bits) in run.outputs {
            let good = match output(self.job, *place) {
                "inputs_hold" => bits.iter().all(|holds| *holds),
                "panicked" => !bits.iter().any(|panicked| *panicked),
                _ => continue,
            };
            if !good {
                return Err(SaleError::Verdict);
            }
        }
        // The verdicts themselves must be there: without them nothing is known.
        let read = |place: &usize| run.outputs.iter().any(|(there, bits)| there == place && !bits.is_empty());
        let tells = |place: &usize| VERDICTS.contains(&output(self.job, *place));
        if !(0..self.job.outputs.len()).filter(tells).all(|place| read(&place)) {
            return Err(SaleError::Verdict);
        }
        let bought = Bought::of(self, run.receipt.clone(), run.locked.clone())?;
        let asked = Asked { until, answers: Vec::new() };
        self.goes_on(Stage::Ran(Box::new(bought), Progress::Asked(asked)))
    }

    fn named(&mut self, until: u64) -> Result<Vec<Effect>, SaleError> {
        match &self.stage {
            // What was answered for an earlier height is not released any more.
            Stage::Ran(_, Progress::Asked(asked)) if until > asked.until => {
                self.moves_on(Progress::Asked(Asked { until, answers: Vec::new() }))
            }
            Stage::Ran(..) => self.again(),
            Stage::Open => Err(SaleError::NotSold),
            Stage::Undone => Err(SaleError::Undone),
        }
    }

    fn answered(&mut self, Answer { claim, lock, until }: Answer) -> Result<Vec<Effect>, SaleError> {
        let payees = self.payees();
        if !payees.contains(&claim.payee) {
            return Err(SaleError::Stranger);
        }
        let (bought, asked) = match &self.stage {
            Stage::Open => return Err(SaleError::NotSold),
            Stage::Undone => return Err(SaleError::Undone),
            Stage::Ran(bought, Progress::Asked(asked)) => (bought, asked),
            Stage::Ran(_, Progress::Agreed(asked)) if !asked.answers.contains(&claim) => {
                return Err(SaleError::Other);
            }
            Stage::Ran(..) => return self.again(),
        };
        if lock != Some(bought.sold.lock().point()) || until != asked.until {
            return Err(SaleError::Claim(self.job.party(claim.payee).name.to_string()));
        }
        if claim.claim.0.len() > MAX_ANSWER {
            return Err(SaleError::Claims);
        }
        let mut answers = asked.answers.clone();
        answers.retain(|answer| answer.payee != claim.payee);
        answers.push(claim);
        answers.sort_by_key(|answer| payees.iter().position(|payee| *payee == answer.payee));
        let is_agreed = answers.len() == payees.len();
        let asked = Asked { until, answers };
        if is_agreed {
            return self.moves_on(Progress::Agreed(asked));
        }
        // The others were asked before.
        self.moves_on(Progress::Asked(asked)).map(|effects| effects.into_iter().take(1).collect())
    }

    fn signed(&mut self, claims: Vec<PayeeClaim>) -> Result<Vec<Effect>, SaleError> {
        let payees = self.payees();
        let (bought, until) = match &self.stage {
            Stage::Ran(bought, Progress::Agreed(asked)) => (bought, asked.until),
            Stage::Ran(_, Progress::Released(set)) if set.claims != claims => return Err(SaleError::Other),
            Stage::Ran(_, Progress::Released(_) | Progress::Paid(_)) => return self.again(),
            Stage::Undone => return Err(SaleError::Undone),
            Stage::Open | Stage::Ran(_, Progress::Asked(_)) => return Err(SaleError::Claims),
        };
        if !claims.iter().map(|claim| claim.payee).eq(payees) {
            return Err(SaleError::Claims);
        }
        let lock = bought.sold.lock();
        let (job, run_id, lock) = (self.job.id(), lock.run_id(), lock.point());
        let set = ClaimSet { job, run_id, lock, until, claims };
        // What a payee would not read is not kept either.
        let set = ClaimSet::from_bytes(&set.to_bytes()).map_err(|_| SaleError::Claims)?;
        self.moves_on(Progress::Released(set))
    }

    fn revealed(&mut self, t: LockSecret) -> Result<Vec<Effect>, SaleError> {
        let Stage::Ran(bought, progress) = &self.stage else { return Err(SaleError::NotSold) };
        if !t.is_of(bought.sold.lock().point()) {
            return Err(SaleError::Secret("claim in the block"));
        }
        if matches!(progress, Progress::Paid(_)) {
            return self.again();
        }
        self.moves_on(Progress::Paid(t))
    }

    fn undo(&mut self) -> Result<Vec<Effect>, SaleError> {
        match self.stage {
            Stage::Undone => self.again(),
            Stage::Open | Stage::Ran(_, Progress::Asked(_)) => self.goes_on(Stage::Undone),
            Stage::Ran(..) => Err(SaleError::Bound),
        }
    }

    /// What t opens.
    fn open(&self, bought: &Bought<'_>, t: &LockSecret) -> Result<Effect, SaleError> {
        let facts = &bought.receipt.facts;
        let outputs = AttemptOutputs { job: self.job, run_id: facts.run_id, widths: self.widths };
        match outputs.open_sold(facts, &bought.locked, t) {
            Ok(outputs) => Ok(Effect::Open(outputs)),
            Err(NotOpened::Share { place, why: LockedShareError::Closed | LockedShareError::False }) => {
                let [garbler, evaluator] = LockedShare::both(self.job.pair(), &bought.locked);
                let share = if garbler.place == place { garbler } else { evaluator };
                Ok(Effect::Accuse(FalseShare { place, secret: t.copied(), locked: share.bytes.to_vec() }))
            }
            Err(_) => Err(SaleError::NotSold),
        }
    }
}

impl<'a> Bought<'a> {
    /// A run whose lock holds, and the locked shares that both compute parties signed for, of as many bits as are sold.
    fn of(buyer: &Buyer<'a>, receipt: Receipt, locked: [Vec<u8>; 2]) -> Result<Self, SaleError> {
        let (job, widths) = (buyer.job, buyer.widths);
        let sold = Sold::new(job, &receipt)?;
        let facts = receipt.facts.sold.as_ref().ok_or(SaleError::NotSold)?;
        let bits: usize =
            (0..).zip(widths).filter(|(place, _)| job.is_sold(*place)).map(|(_, bits)| bits).sum();
        if facts.bits != bits as u64 {
            return Err(SaleError::Widths);
        }
        let other = LockedShare::both(job.pair(), &locked).into_iter().find(|share| !facts.names(*share));
        match other.map(|share| share.place) {
            Some(place) => Err(SaleError::Locked(place.as_str())),
            None => Ok(Self { sold, receipt, locked }),
        }
    }
}

/// The name of the output at a place.
fn output(job: &Job, place: usize) -> &str {
    job.outputs.get(place).map_or("", |output| output.name.as_str())
}
