//! What makes one attempt at a run different from every other: its id.
//!
//! ```text
//! run id      H(job ‖ run ‖ attempt ‖ a nonce of every party)
//! session id  H(run id ‖ exported value of the channel)       what both computers say first to each other
//! ```
//!
//! A computer's nonce is fresh for each attempt, an owner's is in its manifest for the run, another party's in its consent. So no
//! two attempts have one id as long as one computer draws freshly, and a message of one does not fit into another: the id is in
//! the hello of the session, hence in every hash of its transfers, and in the place that outputs are sealed to.

use super::consent::Agreement;
use super::hash::{Digest, Purpose, hash};
use super::inputs::Manifest;
use super::spec::PartyId;
use crate::codec::record;
use sotto_mpc::protocol::semi_honest::RunId;

/// How one computer opens an attempt to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The job.
    pub job: Digest,
    /// Which run.
    pub run: u32,
    /// The lowest number that this computer has not used.
    pub attempt: u32,
    /// Drawn for this attempt.
    pub nonce: [u8; 32],
    /// The nonces of the parties' consents that lie here, in the job's order.
    pub consents: Vec<[u8; 32]>,
    /// The manifests' hashes, in the job's order.
    pub inputs: Vec<Digest>,
    /// The id of an attempt whose outputs lie here, lacking the other's signature.
    pub waiting: Option<Digest>,
}
record!(Opening { job, run, attempt, nonce, consents, inputs, waiting });

impl Opening {
    pub(super) const PREFIX: &'static str = "sotto opening v1\0";
}

/// The id of an attempt; `nonces` are the garbler's and the evaluator's.
#[must_use]
pub fn run_id(
    agreement: &Agreement,
    (run, attempt): (u32, u32),
    manifests: &[Manifest],
    nonces: [[u8; 32]; 2],
) -> Digest {
    let job = agreement.job();
    let nonce = |(id, consent): (PartyId, &[u8; 32])| {
        let computer = job.computers().into_iter().zip(nonces).find(|(computer, _)| *computer == id);
        let owner = || manifests.iter().find(|manifest| manifest.owner == id).map(|manifest| manifest.nonce);
        computer.map(|(_, nonce)| nonce).or_else(owner).unwrap_or(*consent)
    };
    let nonces: Vec<[u8; 32]> = job.ids().zip(agreement.nonces()).map(nonce).collect();
    hash(Purpose::Run, &[&job.id().0, &run.to_le_bytes(), &attempt.to_le_bytes(), nonces.as_flattened()])
}

/// The name under which the others meet a computer at a relay: for this run and nothing else.
#[must_use]
pub fn rendezvous(job: Digest, run: u32, computer: PartyId) -> Digest {
    hash(Purpose::Rendezvous, &[&job.0, &run.to_le_bytes(), &computer.0.to_le_bytes()])
}

/// What the two computers call their session over one channel.
#[must_use]
pub fn session_id(run_id: Digest, exported: &[u8; 32]) -> RunId {
    RunId(hash(Purpose::Session, &[&run_id.0, exported]).0)
}
