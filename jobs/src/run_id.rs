//! The id that makes one attempt at a run different from every other.
//!
//! ```text
//! run id      H(job ‖ run ‖ attempt ‖ a nonce of every party)
//! session id  H(run id ‖ exported value of the channel)       the first thing that the compute parties compare
//! ```
//!
//! A compute party draws its nonce for each attempt. An input party's nonce is in its input commitment for
//! the run, and any other party's in its approval. So no two attempts have the same id as long as one compute
//! party draws freshly. The id is in the hello of the session, hence in every hash of its transfers, and in
//! the place that outputs are encrypted for, so a message of one attempt is not valid in another.

use super::approval::Run;
use super::hash::{Digest, Purpose, hash};
use super::input_commitment::InputCommitment;
use super::job::PartyId;
use crate::codec::record;
use sotto_mpc::protocol::semi_honest::RunId;

/// How one compute party opens an attempt to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The job.
    pub(crate) job: Digest,
    /// Which run.
    pub(crate) run: u32,
    /// The lowest number that this compute party has not used.
    pub(crate) attempt: u32,
    /// Drawn for this attempt.
    pub(crate) nonce: [u8; 32],
    /// The nonces of the parties' approvals that lie here, in the job's order.
    pub(crate) approvals: Vec<[u8; 32]>,
    /// The input commitments' hashes, in the job's order.
    pub(crate) inputs: Vec<Digest>,
    /// The id of an attempt whose outputs lie here, lacking the other's signature.
    pub(crate) waiting: Option<Digest>,
}
record!(Opening { job, run, attempt, nonce, approvals, inputs, waiting });

impl Opening {
    pub(crate) const PREFIX: &'static str = "sotto opening v1\0";
}

/// The id of an attempt; `nonces` are those of the compute parties, in the job's order.
#[must_use]
pub(crate) fn run_id(
    run: Run<'_>,
    attempt: u32,
    input_commitments: &[InputCommitment],
    nonces: &[[u8; 32]],
) -> Digest {
    let job = run.job();
    let nonce = |(id, approval): (PartyId, &[u8; 32])| {
        let compute_party =
            job.compute_parties().into_iter().zip(nonces).find(|(compute_party, _)| *compute_party == id);
        let input_party = || {
            input_commitments
                .iter()
                .find(|input_commitment| input_commitment.input_party == id)
                .map(|input_commitment| input_commitment.nonce)
        };
        compute_party.map(|(_, nonce)| *nonce).or_else(input_party).unwrap_or(*approval)
    };
    let nonces: Vec<[u8; 32]> = job.ids().zip(run.agreement().nonces()).map(nonce).collect();
    let run = run.number().to_le_bytes();
    hash(Purpose::Run, &[&job.id().0, &run, &attempt.to_le_bytes(), nonces.as_flattened()])
}

/// The name under which the others meet a compute party at a rendezvous server: for this run and nothing
/// else.
#[must_use]
pub(crate) fn rendezvous(job: Digest, run: u32, compute_party: PartyId) -> Digest {
    hash(Purpose::Rendezvous, &[&job.0, &run.to_le_bytes(), &compute_party.0.to_le_bytes()])
}

/// The name of a run in session evidence: an attempt's id is known only after it.
#[must_use]
pub(crate) fn evidence_run(run: Run<'_>) -> Digest {
    hash(Purpose::EvidenceRun, &[&run.job().id().0, &run.number().to_le_bytes()])
}

/// What the two compute parties call their session over one channel.
#[must_use]
pub(crate) fn session_id(run_id: Digest, exported: &[u8; 32]) -> RunId {
    RunId(hash(Purpose::Session, &[&run_id.0, exported]).0)
}
