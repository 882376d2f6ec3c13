//! What all compute parties of a run agree on.

use crate::codec::{Codec, record};
use crate::hash::{Digest, Purpose, hash};
use crate::job::{Job, PartyId};
use crate::lock::share::SoldFacts;
use crate::vouched::{ResultFacts, binding};
use sotto_tee::Binding;

/// What both compute parties agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The job.
    pub job: Digest,
    /// Which run of it.
    pub run: u32,
    /// Which attempt at the run.
    pub attempt: u32,
    /// The run's id.
    pub run_id: Digest,
    /// The gate stream.
    pub circuit: Digest,
    /// Its AND gates.
    pub and_gates: u64,
    /// The hash of each input party's input commitment, in the job's order.
    pub inputs: Vec<Digest>,
    /// For each result party a commitment to either output share of its outputs, the garbler's first.
    pub outputs: Vec<Delivered>,
    /// The hash of all that the compute parties said but the tables.
    pub transcript: Digest,
    /// The lock of outputs that are sold, and their shares.
    pub sold: Option<SoldFacts>,
}

/// Commitments to what a result party got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Who.
    pub result_party: PartyId,
    /// To the garbler's output share.
    pub garbler: Digest,
    /// To the evaluator's output share.
    pub evaluator: Digest,
}

record!(Facts { job, run, attempt, run_id, circuit, and_gates, inputs, outputs, transcript; sold });
record!(Delivered { result_party, garbler, evaluator });

impl Facts {
    /// Whether these can be facts of the job.
    #[must_use]
    pub fn fit(&self, job: &Job) -> bool {
        self.circuit == job.program.circuit
            && self.and_gates == job.program.and_gates
            && (1..=job.runs).contains(&self.run)
            && self.inputs.len() == job.contributors().len()
            && job.malicious().is_none_or(|settings| self.is_padded(settings.attempts.number()))
            && self.outputs.iter().map(|output| output.result_party).eq(job.result_parties())
            && self.fit_sale(job)
    }

    /// Whether they name a lock that holds, for the buyer, exactly if the job sells something.
    fn fit_sale(&self, job: &Job) -> bool {
        match (&self.sold, &job.sale) {
            (None, None) => true,
            (Some(sold), Some(sale)) => sold.receiver == sale.buyer && sold.lock(self.run_id).is_ok(),
            _ => false,
        }
    }

    /// All bytes of the facts: what is signed, and what evidence names.
    pub(super) fn to_hashed(&self) -> Vec<u8> {
        let mut bytes = self.to_prefixed("");
        self.sold.iter().for_each(|sold| sold.encode(&mut bytes));
        bytes
    }

    pub(super) fn result(&self, finished: u64) -> ResultFacts {
        ResultFacts { run: self.run_id, facts: hash(Purpose::Facts, &[&self.to_hashed()]), finished }
    }

    /// What the evidence behind a party's statement must be for.
    #[must_use]
    pub fn binding(&self, job: &Job, compute_party: PartyId) -> Binding {
        binding(job, compute_party, &self.result(0))
    }

    /// Whether both compute parties opened the same padded outputs, in an attempt that the job allows.
    fn is_padded(&self, attempts: u32) -> bool {
        let is_same = |output: &Delivered| output.garbler == output.evaluator;
        (1..=attempts).contains(&self.attempt) && self.outputs.iter().all(is_same)
    }
}
