//! Jobs that ask for evidence, and what parties show and judge it with.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sotto_jobs::evidence::{Appraiser, EvidenceError, Means, Trust};
use sotto_jobs::job::{Attestation, Demand, Draft};
use sotto_jobs::session_evidence::End;
use sotto_jobs::{Agreement, Digest, Job, PartyId};
use sotto_tee::device::DeviceError;
use sotto_tee::{Binding, Collateral, Evidence, Revocable, Revoked, Roots, Seen, policy_file, software};

use crate::support::{NOW, agreement, draft, identity};

pub(crate) const ACME: PartyId = PartyId(0);
pub(crate) const BOLT: PartyId = PartyId(1);
pub(crate) const CARL: PartyId = PartyId(2);
pub(crate) const DORA: PartyId = PartyId(3);
/// The build record's hash that software evidence states.
pub(crate) const BUILD: [u8; 32] = [9; 32];

pub(crate) fn key(party: PartyId) -> Digest {
    Digest(identity(party).public().digest())
}

/// A policy that accepts software evidence of these parties.
pub(crate) fn software_policy(parties: &[PartyId]) -> String {
    let accept =
        |party: &PartyId| format!("[[accept]]\nkind = 'software'\nmeasurements.key = '{}'\n", key(*party));
    let accept: String = parties.iter().map(accept).collect();
    format!("version = 1\nallow_software = true\n{accept}")
}

/// Policies by party, as texts.
pub(crate) type Texts = BTreeMap<PartyId, String>;

/// A draft that demands evidence by these policies.
pub(crate) fn demanding(mut draft: Draft, texts: &Texts, diverse: u8) -> Draft {
    let demand = |(party, text): (&PartyId, &String)| Demand {
        party: *party,
        policy: policy_file::read(text).unwrap().digest(),
    };
    draft.attestation = Attestation { demands: texts.iter().map(demand).collect(), diverse };
    draft
}

/// A job in which the compute parties show software evidence.
pub(crate) fn computers() -> (Texts, Agreement) {
    let texts = Texts::from([(ACME, software_policy(&[ACME])), (BOLT, software_policy(&[BOLT]))]);
    let job = Job::new(demanding(draft(), &texts, 0)).unwrap();
    (texts, agreement(&job))
}

type Prove = dyn Fn(&Binding) -> Result<Evidence, DeviceError> + Sync;

/// What one party shows and judges evidence with.
pub(crate) struct Kit {
    pub(crate) prove: Box<Prove>,
    pub(crate) collateral: BTreeMap<PartyId, Collateral>,
    pub(crate) roots: Roots,
    pub(crate) revoked: Option<Revoked>,
    pub(crate) clock: AtomicU64,
    pub(crate) drawn: AtomicU64,
    pub(crate) nonces: Mutex<Vec<Digest>>,
}

impl Kit {
    /// Software evidence of a party.
    pub(crate) fn software(us: PartyId) -> Self {
        Self::proving(move |binding| {
            software::sign(&identity(us), &BUILD, &binding.report_data()).map_err(|_| DeviceError::Answer)
        })
    }

    pub(crate) fn proving(
        prove: impl Fn(&Binding) -> Result<Evidence, DeviceError> + Sync + 'static,
    ) -> Self {
        Self {
            prove: Box::new(prove),
            collateral: BTreeMap::new(),
            roots: Roots::vendors(),
            revoked: Some(Revoked::default()),
            clock: NOW.into(),
            drawn: AtomicU64::new(1),
            nonces: Mutex::default(),
        }
    }

    pub(crate) fn revoking(mut self, entry: Revocable) -> Self {
        self.revoked.get_or_insert_default().insert(entry);
        self
    }

    /// Calls with what a run takes.
    pub(crate) fn with<T>(
        &self,
        job: &Job,
        texts: &Texts,
        run: impl FnOnce(&Means<'_>) -> T,
    ) -> Result<T, EvidenceError> {
        let revoked = || self.revoked.clone();
        let trust = Trust {
            collateral: self.collateral.clone(),
            roots: self.roots.clone(),
            revoked: &revoked,
            seen: Seen::default(),
        };
        let appraiser = Appraiser::new(job, texts.clone(), trust)?;
        let draw = || {
            let mut nonce = [0; 32];
            nonce[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            self.nonces.lock().unwrap().push(Digest(nonce));
            nonce
        };
        let clock = || self.clock.load(Ordering::Relaxed);
        Ok(run(&Means { appraiser: &appraiser, prove: &self.prove, draw: &draw, clock: &clock }))
    }
}

/// Both ends of a channel that exports this.
pub(crate) fn ends(agreement: &Agreement, us: PartyId, them: PartyId, exporter: [u8; 32]) -> [End<'_>; 2] {
    let run = agreement.run(1).unwrap();
    [End { run, us, them, exporter }, End { run, us: them, them: us, exporter }]
}
