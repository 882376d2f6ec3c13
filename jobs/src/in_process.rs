//! A whole job in one process: every party's part, over channels in memory.
//!
//! ```text
//! input parties ── encrypted input shares ──► garbler ◄── channel in memory ──► evaluator
//!                                                └── encrypted output shares ──► result parties
//! ```
//!
//! The steps, messages and checks are those of [`edge::run`](crate::edge::run), without sockets, files and
//! clock. Use it to try a job out and in tests. It protects nothing: the process sees every input.

use std::thread;

use rand_core::{CryptoRng, RngCore};
use sotto_mpc::Bits;
use sotto_mpc::channel::{Framed, Pipe, pipe_pair};
use sotto_party::Identity;

use crate::approval::Run;
use crate::attempt::{
    AttemptChannel, AttemptContext, AttemptError, Earlier, Executable, Finished, Surroundings,
    begin_with_all, contributed,
};
use crate::collect::{Collected, Collector, Disagreement, Ended};
use crate::input_commitment::{Brought, InputCommitment, InputError, InputShare, PreparedInput, prepare};
use crate::job::PartyId;
use crate::multiparty::Table;
use crate::receipt::Receipt;
use crate::run_state::OwnParty;

/// Which run, and what the parties bring to it.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// Which run of the job that all of them signed.
    pub run: Run<'a>,
    /// Seconds since 1970, for the receipt.
    pub now: u64,
    /// The parties' keys, in the job's order.
    pub identities: &'a [Identity],
    /// The input bits, in the order of the job's inputs.
    pub inputs: &'a [Bits],
}

/// The outputs of a result party: their places in the job, and their bits.
pub type PartyOutputs = Vec<(usize, Vec<bool>)>;

/// What a run in one process yields.
#[derive(Clone, Debug)]
pub struct Results {
    /// What both compute parties signed.
    pub receipt: Receipt,
    /// The outputs of each result party.
    pub outputs: Vec<(PartyId, PartyOutputs)>,
}

/// Why a run in one process failed.
#[derive(Debug, thiserror::Error)]
pub enum InProcessError {
    /// Keys or inputs of some parties are missing.
    #[error("keys or inputs are missing: the job has {parties} parties and {inputs} inputs")]
    Missing {
        /// Parties of the job.
        parties: usize,
        /// Inputs of the job.
        inputs: usize,
    },
    /// An input could not be committed to or decrypted.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The compute parties failed.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// Fewer sources of randomness than compute parties.
    #[error("each compute party needs a source of randomness")]
    Randomness,
    /// A compute party panicked.
    #[error("a compute party panicked")]
    Panicked,
    /// A result party cannot accept what the compute parties deliver.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// Runs a job: commits to all inputs, computes garbled, and decrypts what is for each result party. Each compute
/// party draws from one random source, in the job's order, and the others from the first.
///
/// # Errors
/// [`InProcessError`]: what failed, at the first party that noticed.
pub fn run<'r, P: Executable, R: RngCore + CryptoRng + Send + 'r>(
    parties: &Parties<'_>,
    program: &P,
    rngs: impl IntoIterator<Item = &'r mut R>,
) -> Result<Results, InProcessError> {
    let (job, mut rngs) = (parties.run.job(), rngs.into_iter().collect::<Vec<_>>());
    if rngs.len() < job.compute_parties().len() {
        return Err(InProcessError::Randomness);
    }
    if parties.identities.len() != job.parties.len() || parties.inputs.len() != job.inputs.len() {
        return Err(InProcessError::Missing { parties: job.parties.len(), inputs: job.inputs.len() });
    }
    let widths: Vec<usize> = program.declaration().outputs().iter().map(Table::bits).collect();
    let mut prepared = Vec::new();
    for (i, party) in job.contributors().into_iter().enumerate() {
        let none = Bits::default();
        let brought =
            Brought { bits: parties.inputs.get(i).unwrap_or(&none), pad: job.pad_bits(party, &widths) };
        prepared.push(prepare(parties.run.input_of(party), brought, parties.identity(party)?, rngs[0])?);
    }
    let computing = Computing { parties, program, prepared: &prepared };
    let (mut results, computing) = (Vec::new(), &computing);
    thread::scope(|scope| {
        let compute_parties = job.compute_parties().into_iter().zip(mesh(job.compute_parties().len()));
        let start = |((us, streams), rng)| scope.spawn(move || computing.compute(us, streams, rng));
        let threads: Vec<_> = compute_parties.zip(rngs).map(start).collect();
        let ends = threads.into_iter().map(|thread| thread.join().unwrap_or(Err(InProcessError::Panicked)));
        results.extend(ends);
    });
    // Who noticed something says more than who was left.
    let is_left = |error: &InProcessError| matches!(error, InProcessError::Attempt(AttemptError::Channel(_)));
    let (finished, mut errors): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    errors.sort_by_key(|error| error.as_ref().err().is_some_and(is_left));
    if let Some(Err(error)) = errors.into_iter().next() {
        return Err(error);
    }
    let finished: Vec<Finished> = finished.into_iter().filter_map(Result::ok).collect();
    let receipt = finished.first().map(|finished| finished.receipt.clone());
    let receipt = receipt.ok_or(InProcessError::Randomness)?;
    let mut outputs = Vec::new();
    for party in job.result_parties() {
        let ended = finished.iter().map(|finished| Ended {
            receipt: finished.receipt.clone(),
            encrypted_share: finished
                .encrypted_shares
                .iter()
                .find(|share| share.result_party == party)
                .cloned(),
        });
        let ours = OwnParty { id: party, identity: parties.identity(party)? };
        let input =
            job.contributor_of(party).and_then(|i| prepared.get(i)).map(|input| &input.input_commitment);
        let collector = Collector { run: parties.run, ours, input, widths: &widths };
        let place = job.compute_parties().into_iter().position(|id| id == party);
        let outcome = match place.and_then(|place| finished.get(place)) {
            Some(finished) => collector.outcome_of_compute_party(finished)?,
            None => collector.outcome(&Collected::of(ended)?)?,
        };
        outputs.push((party, outcome.outputs));
    }
    Ok(Results { receipt, outputs })
}

/// Streams between each two of so many: to each those to all others, in their order.
fn mesh(parties: usize) -> Vec<Vec<Pipe>> {
    let mut mesh: Vec<Vec<Pipe>> = (0..parties).map(|_| Vec::new()).collect();
    for second in 0..parties {
        for first in 0..second {
            let (near, far) = pipe_pair();
            mesh[first].push(near);
            mesh[second].push(far);
        }
    }
    mesh
}

impl Parties<'_> {
    fn identity(&self, party: PartyId) -> Result<&Identity, InProcessError> {
        let job = self.run.job();
        let missing = InProcessError::Missing { parties: job.parties.len(), inputs: job.inputs.len() };
        self.identities.get(usize::from(party.0)).ok_or(missing)
    }
}

/// What both compute parties know.
struct Computing<'a, P> {
    parties: &'a Parties<'a>,
    program: &'a P,
    prepared: &'a [PreparedInput],
}

impl<P: Executable> Computing<'_, P> {
    /// One compute party's part. Both ends are in one process, so there is no channel binding to put into the
    /// session.
    fn compute(
        &self,
        us: PartyId,
        streams: Vec<Pipe>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Finished, InProcessError> {
        let Parties { run, now, .. } = *self.parties;
        let input_commitments: Vec<InputCommitment> =
            self.prepared.iter().map(|prepared| prepared.input_commitment.clone()).collect();
        let identity = self.parties.identity(us)?;
        let context =
            AttemptContext { run, input_commitments: &input_commitments, us, identity, means: None };
        let decrypted = self.decrypt(us)?;
        let own = |prepared: &'_ PreparedInput| prepared.input_commitment.input_party == us;
        let shares = self.prepared.iter().zip(&decrypted).filter_map(|(prepared, share)| {
            share.as_ref().or_else(|| prepared.own.as_ref().filter(|_| own(prepared)))
        });
        let channel = |stream| AttemptChannel { framed: Framed::new(stream), exported: [0; 32] };
        let channels = streams.into_iter().map(channel).collect();
        let begun = begin_with_all(context, channels, Earlier { next: 1, waiting: None }, rng)?;
        let surroundings = Surroundings { clock: &mut || now, keep: &mut |_| Ok(()) };
        let (computed, begun) =
            begun.compute(self.program, &shares.collect::<Vec<_>>(), surroundings, rng)?;
        Ok(begun.exchange(&computed)?)
    }

    /// The input shares that were encrypted to a compute party; none where it has the whole input or nothing.
    fn decrypt(&self, us: PartyId) -> Result<Vec<Option<InputShare>>, InProcessError> {
        let (job, identity) = (self.parties.run.job(), self.parties.identity(us)?);
        let mut shares = Vec::with_capacity(self.prepared.len());
        for (i, prepared) in self.prepared.iter().enumerate() {
            let bits = contributed(job, self.program, i);
            let encrypted = prepared.encrypted.iter().find(|(party, _)| *party == us);
            let decrypt = |(_, encrypted): &(PartyId, Vec<u8>)| {
                prepared.input_commitment.decrypt(job, identity, encrypted, bits)
            };
            shares.push(encrypted.map(decrypt).transpose()?);
        }
        Ok(shares)
    }
}
