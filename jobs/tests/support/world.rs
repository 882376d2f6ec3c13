//! A run of the two compute parties in memory.

use std::io::{Read, Write};
use std::thread;

use rand_core::{CryptoRng, RngCore};
use sotto_jobs::attempt::{
    AttemptChannel, AttemptContext, AttemptError, Computed, Earlier, Finished, Surroundings, begin,
    contributed,
};
use sotto_jobs::input_commitment::{Brought, InputCommitment, InputShare, PreparedInput, prepare};
use sotto_jobs::job::Draft;
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::output_share::AttemptOutputs;
use sotto_jobs::{Agreement, Job, PartyId};
use sotto_mpc::channel::Framed;
use sotto_mpc::garble::Scheme;

use super::{NOW, Sum, agreement, draft_of, draft_of_three, identity, malicious_draft, rng};

pub(crate) const ROWS: [[i128; 3]; 3] = [[100, 200, 999], [1, 2, 3], [0, 0, 50]];

pub(crate) const FIRST: Earlier<'static> = Earlier { next: 1, waiting: None };

pub(crate) fn channel<S: Read + Write>(stream: S) -> AttemptChannel<S> {
    AttemptChannel { framed: Framed::new(stream), exported: [5; 32] }
}

/// What a run begins with: everybody's input, prepared.
pub(crate) struct World {
    pub(crate) agreement: Agreement,
    pub(crate) program: Sum,
    /// The value that the channel exports at an end.
    pub(crate) exported: [u8; 32],
    pub(crate) input_commitments: Vec<InputCommitment>,
    pub(crate) prepared: Vec<PreparedInput>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Sum::new(3), ROWS)
    }

    pub(crate) fn of(program: Sum, rows: [[i128; 3]; 3]) -> Self {
        let draft = draft_of(&program);
        Self::drafted(draft, program, rows)
    }

    /// A job against malicious compute parties, in which parties of each kind receive outputs.
    pub(crate) fn malicious() -> Self {
        Self::drafted(malicious_draft(), Sum::new(3), ROWS)
    }

    /// The same with three compute parties.
    pub(crate) fn of_three() -> Self {
        Self::drafted(draft_of_three(), Sum::new(3), ROWS)
    }

    pub(crate) fn drafted(draft: Draft, program: Sum, rows: [[i128; 3]; 3]) -> Self {
        let agreement = agreement(&Job::new(draft).unwrap());
        let (job, run) = (agreement.job(), agreement.run(1).unwrap());
        let widths: Vec<usize> = program.declaration().outputs().iter().map(|t| t.bits()).collect();
        let prepare = |(i, party): (usize, PartyId)| {
            let cells = rows.get(i).map(|rows| vec![rows.map(|value| vec![value]).to_vec()]);
            let bits = cells.map(|cells| program.declaration().encode(i, &cells).unwrap());
            let brought = Brought { bits: &bits.unwrap_or_default(), pad: job.pad_bits(party, &widths) };
            prepare(run.input_of(party), brought, &identity(party), &mut rng(i as u64)).unwrap()
        };
        let prepared: Vec<PreparedInput> = job.contributors().into_iter().enumerate().map(prepare).collect();
        let input_commitments = prepared.iter().map(|p| p.input_commitment.clone()).collect();
        Self { agreement, program, exported: [5; 32], input_commitments, prepared }
    }

    pub(crate) fn known<'k>(
        &'k self,
        us: PartyId,
        identity: &'k sotto_party::Identity,
    ) -> AttemptContext<'k> {
        AttemptContext {
            run: self.agreement.run(1).unwrap(),
            input_commitments: &self.input_commitments,
            us,
            identity,
            means: None,
        }
    }

    /// The shares that a compute party holds.
    pub(crate) fn shares(&self, us: PartyId) -> Vec<InputShare> {
        let job = self.agreement.job();
        let share = |(i, prepared): (usize, &PreparedInput)| {
            let encrypted = prepared.encrypted.iter().find(|(compute_party, _)| *compute_party == us);
            let bits = contributed(job, &self.program, i);
            let opened = encrypted.map(|(_, encrypted)| {
                prepared.input_commitment.decrypt(job, &identity(us), encrypted, bits).unwrap()
            });
            opened.or_else(|| {
                prepared.own.as_ref().filter(|_| prepared.input_commitment.input_party == us).map(copy)
            })
        };
        self.prepared.iter().enumerate().filter_map(share).collect()
    }

    /// One compute party's part, up to its end or an error. `kept` is what survives a crash.
    pub(crate) fn compute<S: Read + Write + Send>(
        &self,
        us: PartyId,
        stream: S,
        kept: &mut Option<Computed>,
        seed: u64,
    ) -> Result<Finished, AttemptError> {
        self.compute_with(us, stream, kept, &mut rng(seed))
    }

    /// The same, with its own randomness.
    pub(crate) fn compute_with<S: Read + Write + Send>(
        &self,
        us: PartyId,
        stream: S,
        kept: &mut Option<Computed>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Finished, AttemptError> {
        let identity = identity(us);
        let begun = begin(
            self.known(us, &identity),
            AttemptChannel { exported: self.exported, ..channel(stream) },
            Earlier { next: 1, waiting: kept.as_ref() },
            rng,
        )?;
        let begun = if begun.is_computed {
            begun
        } else {
            let shares = self.shares(us);
            let surroundings = Surroundings { clock: &mut || NOW, keep: &mut |_| Ok(()) };
            // As compute parties of a small program propose; a whole job in one process has half gates.
            let (computed, begun) = begun.proposing(Scheme::ThreeHalves).compute(
                &self.program,
                &shares.iter().collect::<Vec<_>>(),
                surroundings,
                rng,
            )?;
            *kept = Some(computed);
            begun
        };
        begun.exchange(kept.as_ref().unwrap())
    }

    /// Both compute parties, over these two ends.
    pub(crate) fn run<S: Read + Write + Send>(
        &self,
        (near, far): (S, S),
        kept: &mut [Option<Computed>; 2],
        seed: u64,
    ) -> [Result<Finished, AttemptError>; 2] {
        let [garbler, evaluator] = self.agreement.job().pair();
        let [ours, theirs] = kept;
        thread::scope(|scope| {
            let garbling = scope.spawn(move || self.compute(garbler, near, ours, seed));
            let evaluated = self.compute(evaluator, far, theirs, seed + 1);
            [garbling.join().unwrap(), evaluated]
        })
    }

    /// What a result party reads out of both compute parties' encrypted output shares.
    pub(crate) fn outputs(
        &self,
        result_party: PartyId,
        [garbler, evaluator]: [&Finished; 2],
    ) -> Option<Vec<Vec<bool>>> {
        let widths: Vec<usize> = self.program.declaration().outputs().iter().map(|t| t.bits()).collect();
        let facts = &garbler.receipt.facts;
        let origin = AttemptOutputs { job: self.agreement.job(), run_id: facts.run_id, widths: &widths };
        let encrypted = |f: &Finished| {
            f.encrypted_shares.iter().find(|p| p.result_party == result_party).map(|p| p.encrypted.0.clone())
        };
        let (a, b) = (encrypted(garbler)?, encrypted(evaluator)?);
        origin
            .join(result_party, &identity(result_party), facts, [&a, &b])
            .ok()
            .map(|received| received.outputs)
    }
}

/// A share as its input party kept it.
pub(crate) fn copy(share: &InputShare) -> InputShare {
    InputShare::from_bytes(&share.to_bytes()).unwrap()
}
