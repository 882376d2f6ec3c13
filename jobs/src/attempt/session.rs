//! The joint computation of an attempt, under either suite, and what the compute parties deliver of it.
//!
//! ```text
//! semi-honest   session → output share → encrypted shares for each result party    their commitments cross
//!               of sold outputs a locked share in the buyer's parcel (`locking`)    parts of the lock, hashes cross
//! malicious     session → outputs under the result parties' pads, known to all     nothing crosses
//! ```

use std::io::{Read, Write};

use rand_core::{CryptoRng, CryptoRngCore, RngCore};

use super::channel::AttemptChannel;
use super::error::AttemptError;
use super::locking::{Locker, Locking};
use crate::approval::Run;
use crate::codec::Codec;
use crate::hash::Digest;
use crate::input_commitment::{InputShare, owner};
use crate::job::{Job, PartyId};
use crate::lock::share::SoldFacts;
use crate::messages::{receive, send};
use crate::multiparty::{Delegated, Functionality, Padded, Stream};
use crate::output_share::{AttemptOutputs, EncryptedOutputShare, OwnShare};
use crate::pad::pad;
use crate::program::Computation;
use crate::receipt::Delivered;
use crate::run_id::session_id;
use sotto_mpc::Bits;
use sotto_mpc::channel::{Channel, Phase};
use sotto_mpc::garble::Scheme;
use sotto_mpc::inputs::Holder;
use sotto_mpc::ot::Expansion;
use sotto_mpc::program::Program;
use sotto_mpc::protocol::malicious::multiparty::{self, Experimental, HeldBy, Parties, Place, Plan};
use sotto_mpc::protocol::malicious::{self, Inputs, Milestone, NotKept, OwnerTests, Settings};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, OutputShare, Reveal, Role, RunId, Terms};
use sotto_party::Identity;

/// Longest list of commitments to output shares.
const MAX_MESSAGE: usize = 1 << 26;

/// A functionality that attempts compute.
///
/// ```text
/// attempt ─ Session, over any channel and random source ─▶ execute ─ this functionality's gates ─▶ SessionOutputs
/// ```
///
/// The joint computation is compiled for each functionality, at some minutes of processor time. [`Computation`] says itself
/// how it is executed, so that it is compiled in this crate and nowhere else.
pub trait Executable: Functionality + Sync + Sized {
    /// Computes.
    ///
    /// # Errors
    /// As [`Begun::compute`](super::Begun::compute).
    fn execute(&self, session: Session<'_>) -> Result<SessionOutputs, AttemptError> {
        session.execute(self)
    }
}

impl Executable for Computation {
    fn execute(&self, session: Session<'_>) -> Result<SessionOutputs, AttemptError> {
        session.execute(self)
    }
}

/// A channel to another compute party.
pub(super) struct Line<'a> {
    pub(super) channel: &'a mut (dyn Channel + Send),
    /// What the encrypted channel exports.
    pub(super) exported: [u8; 32],
}

impl<'a> Line<'a> {
    pub(super) fn of<S: Read + Write + Send>(
        AttemptChannel { framed, exported }: &'a mut AttemptChannel<S>,
    ) -> Self {
        Self { channel: framed, exported: *exported }
    }
}

/// A session that is about to begin.
pub struct Session<'a> {
    pub(super) task: Task<'a>,
    /// To each other compute party, in the job's order.
    pub(super) lines: Vec<Line<'a>>,
    /// Keeps milestones.
    pub(super) keep: &'a mut dyn FnMut(Milestone) -> Result<(), NotKept>,
    pub(super) rng: &'a mut dyn CryptoRngCore,
}

/// What it computes.
pub(super) struct Task<'a> {
    pub(super) role: Role,
    pub(super) run: Run<'a>,
    pub(super) us: PartyId,
    pub(super) identity: &'a Identity,
    /// The attempt's id.
    pub(super) run_id: Digest,
    /// Which attempt at the run, counted from 1.
    pub(super) attempt: u32,
    /// Where outputs come from.
    pub(super) outputs: AttemptOutputs<'a>,
    /// The shares of the contributors whose bits are with us, in the job's order.
    pub(super) shares: &'a [&'a InputShare],
    /// How we propose to garble.
    pub(super) proposed: Scheme,
}

/// What comes of it.
pub struct SessionOutputs {
    /// For the facts.
    pub(super) outputs: Vec<Delivered>,
    /// What we deliver.
    pub(super) encrypted_shares: Vec<EncryptedOutputShare>,
    /// What is sold.
    pub(super) sold: Option<SoldFacts>,
    /// The hash of all messages but tables.
    pub(super) transcript: [u8; 32],
}

/// Who of two holds the bits of a party; of several, whether they are one's or shared.
fn holder(job: &Job, party: PartyId) -> Holder {
    match party {
        party if party == job.evaluator => Holder::Evaluator,
        party if job.computes(party) => Holder::Garbler,
        _ => Holder::Shared,
    }
}

impl Session<'_> {
    fn execute<P: Functionality + Sync>(self, program: &P) -> Result<SessionOutputs, AttemptError> {
        let Self { task, mut lines, keep, mut rng } = self;
        match (task.run.job().malicious(), &mut lines[..]) {
            (None, [line]) => task.semi_honest(program, line, &mut rng),
            (Some(settings), [line]) => task.malicious((program, settings), line, keep, &mut rng),
            (Some(settings), _) => task.of_many((program, settings), lines, keep, &mut rng),
            (None, _) => Err(AttemptError::Malformed("number of compute parties")),
        }
    }
}

impl Task<'_> {
    /// Computes with a party that follows the protocol.
    fn semi_honest<P: Functionality>(
        self,
        program: &P,
        Line { channel, exported }: &mut Line<'_>,
        rng: &mut &mut dyn CryptoRngCore,
    ) -> Result<SessionOutputs, AttemptError> {
        let job = self.run.job();
        let holders = job.inputs.iter().map(|input| holder(job, input.party)).collect();
        let program = Delegated::new(program, holders);
        let program = program.ok_or(AttemptError::Malformed("number of input parties"))?;
        // The attempt is in the run id; the session counts nothing.
        let run = session_id(self.run_id, exported);
        let terms = Terms { run, attempt: self.attempt, reveal: Reveal::ResultParty };
        let mut inputs = Bits::with_capacity(self.shares.iter().map(|share| share.bits().len()).sum());
        self.shares.iter().for_each(|share| inputs.extend(share.bits().iter()));
        let (output_share, transcript) = semi_honest(
            (self.role, self.proposed),
            &mut *channel,
            (&program, terms, job.suite.expansion()),
            &inputs,
            rng,
        )?;
        let locker = Locker { role: self.role, us: self.us, identity: self.identity, outputs: self.outputs };
        let locked = match &job.sale {
            Some(sale) => Some(locker.lock(sale, &output_share, channel, rng)?),
            None => None,
        };
        let (sold, locked) = locked.map(|Locking { facts, locked }| (facts, locked)).unzip();
        let own = OwnShare { computer: self.us, output_share: &output_share, locked: locked.as_deref() };
        let shares = self.outputs.encrypted_shares(own, rng);
        let encrypted_shares = shares.ok_or(AttemptError::Key)?;
        let ours: Vec<Digest> = encrypted_shares.iter().map(|share| share.commitment).collect();
        send(channel, Phase::Outputs, &ours.to_prefixed("sotto halves v1\0"))?;
        let theirs = receive(channel, Phase::Outputs, MAX_MESSAGE)?;
        let theirs = Vec::<Digest>::from_prefixed("sotto halves v1\0", &theirs);
        let theirs = theirs.ok().filter(|theirs| theirs.len() == ours.len());
        let theirs = theirs.ok_or(AttemptError::Malformed("list of outputs"))?;
        let outputs =
            job.result_parties().into_iter().zip(ours.iter().zip(&theirs)).map(|(result_party, (a, b))| {
                let (garbler, evaluator) = if self.role == Role::Garbler { (*a, *b) } else { (*b, *a) };
                Delivered { result_party, garbler, evaluator }
            });
        Ok(SessionOutputs { outputs: outputs.collect(), encrypted_shares, sold, transcript })
    }

    /// The program, with the pads of result parties.
    fn padded<'p, P: Functionality>(&self, program: &'p P) -> Result<Padded<'p, P>, AttemptError> {
        let job = self.run.job();
        let stream = |party| Stream { holder: holder(job, party), outputs: job.outputs_of(party) };
        let program = Padded::new(program, job.streams().into_iter().map(stream).collect());
        program.ok_or(AttemptError::Malformed("number of input parties"))
    }

    /// What we deliver, if the session gave us all padded outputs.
    fn delivered(
        &self,
        padded: Option<&[bool]>,
        transcript: [u8; 32],
    ) -> Result<SessionOutputs, AttemptError> {
        let padded = padded.and_then(|padded| self.outputs.padded_outputs(padded));
        let encrypted_shares = padded.ok_or(AttemptError::Malformed("number of outputs"))?;
        let outputs = encrypted_shares.iter().map(|padded| {
            let (result_party, all) = (padded.result_party, padded.commitment);
            Delivered { result_party, garbler: all, evaluator: all }
        });
        Ok(SessionOutputs { outputs: outputs.collect(), encrypted_shares, sold: None, transcript })
    }

    /// Computes with a party that may do anything.
    fn malicious<P: Functionality + Sync>(
        self,
        (program, settings): (&P, Settings),
        Line { channel, exported }: &mut Line<'_>,
        keep: &mut dyn FnMut(Milestone) -> Result<(), NotKept>,
        rng: &mut &mut dyn CryptoRngCore,
    ) -> Result<SessionOutputs, AttemptError> {
        let program = self.padded(program)?;
        let (bits, owners) = self.entered()?;
        let inputs = Inputs { bits: &bits, owners: &owners };
        // Attempts are counted from 0 there.
        let attempt = self.attempt.saturating_sub(1);
        let run = session_id(self.run_id, exported);
        let terms = Terms { run, attempt, reveal: Reveal::Both };
        let (padded, transcript) = match self.role {
            Role::Garbler => {
                let session = malicious::Garbler::new(channel, &program, terms, settings).hello(rng)?;
                let session = session.set_up(rng)?.execute_for_owners(inputs, keep, rng)?;
                (session.output().map(<[bool]>::to_vec), session.transcript())
            }
            Role::Evaluator => {
                let session = malicious::Evaluator::new(channel, &program, terms, settings).hello(rng)?;
                let session = session.set_up(rng)?.execute_for_owners(inputs, keep, rng)?;
                (session.output().map(<[bool]>::to_vec), session.transcript())
            }
        };
        self.delivered(padded.as_deref(), transcript)
    }

    /// Computes with several parties of whom all others may do anything. Everything between two of them is bound to
    /// their channel; all have one record of what was broadcast, which is the transcript.
    fn of_many<P: Functionality + Sync>(
        self,
        (program, settings): (&P, Settings),
        lines: Vec<Line<'_>>,
        keep: &mut dyn FnMut(Milestone) -> Result<(), NotKept>,
        rng: &mut &mut dyn CryptoRngCore,
    ) -> Result<SessionOutputs, AttemptError> {
        let (job, program) = (self.run.job(), self.padded(program)?);
        let (bits, owners) = self.entered()?;
        let inputs = Inputs { bits: &bits, owners: &owners };
        let others = job.other_compute_parties(self.us);
        let by_place = job.by_place();
        let place_of = |party: PartyId| by_place.iter().position(|id| *id == party).unwrap_or_default();
        // Channels come in the job's order, and go in that of places.
        let mut lines: Vec<_> = others.into_iter().map(place_of).zip(lines).collect();
        lines.sort_by_key(|(place, _)| *place);
        let runs = lines.iter().map(|(_, line)| session_id(self.run_id, &line.exported)).collect();
        let channels = lines.into_iter().map(|(_, line)| line.channel).collect();
        let refused = || AttemptError::Malformed("number of compute parties");
        let place = |party| Place::new(place_of(party) as u8 + 1).ok_or_else(refused);
        let parties = Parties::new(by_place.len() as u8).ok_or_else(refused)?;
        let held = |party| match job.computes(party) {
            true => place(party).map(HeldBy::One),
            false => Ok(HeldBy::All),
        };
        let holders = job.streams().into_iter().map(held).collect::<Result<Vec<_>, _>>()?;
        let learners: Vec<Place> = parties.places().collect();
        let plan = Plan::new(Experimental, parties, &holders, &learners).map_err(|_| refused())?;
        // Attempts are counted from 0 there.
        let plan =
            plan.with_settings(settings).with_run(RunId(self.run_id.0), self.attempt.saturating_sub(1));
        let session =
            multiparty::Session::new(channels, place(self.us)?, &program, &plan).with_pair_runs(runs);
        let session = session.hello(rng)?.set_up(rng)?.execute_for_owners(inputs, keep, rng)?;
        self.delivered(session.output(), session.record())
    }

    /// The bits that we enter, stream by stream, and the tests of those that others gave us.
    fn entered(&self) -> Result<(Bits, Vec<OwnerTests<'_>>), AttemptError> {
        let (job, mut bits, mut owners) = (self.run.job(), Bits::default(), Vec::new());
        let mut shares = self.shares.iter();
        for party in job.streams() {
            let is_shared = !job.computes(party);
            if !is_shared && party != self.us {
                continue;
            }
            if job.contributor_of(party).is_some() {
                let share = shares.next().ok_or(AttemptError::Malformed("number of input shares"))?;
                bits.extend(share.bits().iter());
                if is_shared && !share.bits().is_empty() {
                    let owner = owner(job, self.run.number(), party);
                    owners.push(OwnerTests { owner, tests: share.tests(job, self.attempt) });
                }
            }
            if party == self.us {
                let pad_bits = job.pad_bits(party, self.outputs.widths);
                bits.extend(pad(self.identity, &self.outputs.run_id.0, pad_bits).iter());
            }
        }
        Ok((bits, owners))
    }
}

/// The joint computation: our output share of all outputs, and the transcript's hash.
fn semi_honest<C: Channel, P: Program>(
    (role, proposed): (Role, Scheme),
    channel: C,
    (program, terms, expansion): (&P, Terms, Expansion),
    inputs: &Bits,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(OutputShare, [u8; 32]), AttemptError> {
    Ok(match role {
        Role::Garbler => {
            let session = Garbler::new(channel, program, terms).proposing(proposed).with_expansion(expansion);
            let session = session.hello(rng)?.set_up(rng)?;
            let (session, output_share) = session.execute_for_result_party(inputs, rng)?;
            (output_share, session.transcript())
        }
        Role::Evaluator => {
            let session =
                Evaluator::new(channel, program, terms).proposing(proposed).with_expansion(expansion);
            let session = session.hello(rng)?.set_up(rng)?;
            let (session, output_share) = session.execute_for_result_party(inputs)?;
            (output_share, session.transcript())
        }
    })
}
