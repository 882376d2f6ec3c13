//! The evidence that a job asks for: policies, collateral and enrolments, from files, and our own platform.
//!
//! ```text
//! tee.toml                    a policy that the job names; revoked.toml beside it, and in DIR, says what is revoked
//! job.evidence/NAME.bundle    the enrolment of a party's key, as `sotto tee verify --bundle` wrote it
//! DIR/jobs/KEY/seen           the highest numbers of collateral that this party saw
//! ```

use super::job::{evidence_failure, open_home, read_beside};
use crate::{
    Context,
    bridge::{now, read_text},
    evidence_files::{digest, read_bytes, read_collateral, read_revoked, read_seen, write_seen},
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    local_time::local_time,
};
use rand_core::{OsRng, RngCore as _};
use sotto_jobs::evidence::{Appraiser, Means, Trust};
use sotto_jobs::job_file::{self, evidence_files};
use sotto_jobs::{Digest, Job, PartyId};
use sotto_party::Identity;
use sotto_tee::bundle::MAX_BUNDLE;
use sotto_tee::device::DeviceError;
use sotto_tee::edge::platform;
use sotto_tee::{Appraised, Binding, Bundle, Collateral, Evidence, Purpose, Revoked, Roots, Seen, software};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// Collateral for the platforms of parties, from `NAME=FILE`.
pub(super) fn read_all_collateral(job: &Job, given: &[String]) -> Outcome<BTreeMap<PartyId, Collateral>> {
    let mut all = BTreeMap::new();
    for text in given {
        let party = text.split_once('=').and_then(|(name, file)| Some((job.find(name)?, file)));
        let (party, file) = party.ok_or_else(|| {
            Failure::new(Code::Usage, format!("invalid --collateral `{text}`"))
                .help("write NAME=FILE, with the name of a party of the job")
        })?;
        all.insert(party, read_collateral(Some(&PathBuf::from(file)))?);
    }
    Ok(all)
}

/// What is revoked in these folders together; those that have no list revoke nothing.
pub(super) fn read_all_revoked(folders: &[PathBuf]) -> Outcome<Revoked> {
    let mut all = Revoked::default();
    for folder in folders {
        read_revoked(folder)?.iter().for_each(|entry| {
            all.insert(entry.clone());
        });
    }
    Ok(all)
}

/// The files of a job that asks for evidence, and what this party trusts.
pub(super) struct Files {
    texts: BTreeMap<PartyId, String>,
    /// Folders with lists of what is revoked.
    folders: Vec<PathBuf>,
    collateral: BTreeMap<PartyId, Collateral>,
    seen: Seen,
    /// Where the highest numbers are kept.
    numbers: PathBuf,
    /// The folder of the enrolments.
    enrolments: PathBuf,
}

impl Files {
    /// Reads them; nothing if the job asks for no evidence.
    pub(super) fn read(
        context: &Context,
        (path, job): (&Path, &Job),
        home: &Path,
        collateral: &[String],
    ) -> Outcome<Option<Self>> {
        if job.attestation.is_none() {
            return match collateral {
                [] => Ok(None),
                _ => {
                    Err(Failure::new(Code::Usage, "this job asks for no evidence").help("omit --collateral"))
                }
            };
        }
        let text = read_text(path, job_file::MAX_FILE)?;
        let named = evidence_files(&text).or_refuse("cannot read the job's policies of evidence")?;
        let (mut texts, mut folders) = (BTreeMap::new(), vec![context.config.dir.value.clone()]);
        let (mut read, beside) = (read_beside(path), path.parent().unwrap_or(Path::new("")));
        for (name, file) in named {
            let policy = read(&file).or_refuse(format!("cannot read {file}"))?;
            let folder = beside.join(&file).parent().map_or_else(PathBuf::new, Path::to_owned);
            let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
            if !folders.contains(&folder) {
                folders.push(folder);
            }
            texts.extend(job.find(&name).map(|party| (party, policy)));
        }
        let numbers = home.join("seen");
        Ok(Some(Self {
            texts,
            folders,
            collateral: read_all_collateral(job, collateral)?,
            seen: read_seen(Some(&numbers))?,
            numbers,
            enrolments: path.with_extension("evidence"),
        }))
    }

    /// What is revoked now, for each appraisal; `None` if a list cannot be read.
    pub(super) fn revoked(&self) -> impl Fn() -> Option<Revoked> + Sync + use<> {
        let folders = self.folders.clone();
        move || read_all_revoked(&folders).ok()
    }

    /// Judges by these files.
    pub(super) fn appraiser<'a>(
        &self,
        job: &Job,
        revoked: &'a (dyn Fn() -> Option<Revoked> + Sync),
    ) -> Outcome<Appraiser<'a>> {
        // A list that cannot be read is named before anything else happens.
        read_all_revoked(&self.folders)?;
        let trust = Trust {
            collateral: self.collateral.clone(),
            roots: Roots::vendors(),
            revoked,
            seen: self.seen.clone(),
        };
        Appraiser::new(job, self.texts.clone(), trust)
            .map_err(|e| evidence_failure(&e, "cannot judge evidence"))
    }

    /// Refuses a job where a party's key was not made in code that the job accepts; in words, what was found.
    pub(super) fn check_enrolments(&self, job: &Job, appraiser: &Appraiser<'_>) -> Outcome<String> {
        let mut words = String::new();
        let mut computers = Vec::new();
        for demand in &job.attestation.demands {
            let name = job.party(demand.party).name.as_str();
            let path = self.enrolments.join(format!("{name}.bundle"));
            let help = format!("put the bundle with which {name} enrolled its key at {}", path.display());
            if !path.exists() {
                let missing = Failure::coded(ErrorCode::EvidenceRefused, "an enrolment is missing");
                return Err(missing.why(format!("the job asks {name} for evidence")).help(help));
            }
            let bundle = Bundle::decode(&read_bytes(&path, MAX_BUNDLE)?).map_err(|e| {
                Failure::coded(ErrorCode::InvalidEvidence, format!("{} is not a bundle", path.display()))
                    .why(e)
                    .help(help)
            })?;
            let enrolled = appraiser.enrolled(job, demand.party, &bundle, now());
            let enrolled =
                enrolled.map_err(|e| evidence_failure(&e, &format!("the enrolment of {name} is refused")))?;
            words += &describe(name, &enrolled, &bundle);
            computers.extend(job.computes(demand.party).then_some(enrolled));
        }
        let both: Vec<_> = computers.iter().collect();
        appraiser
            .check_diversity(job, &both)
            .map_err(|e| evidence_failure(&e, "the enrolments are refused"))?;
        Ok(words)
    }

    /// Keeps the highest numbers of collateral, if they rose.
    pub(super) fn remember(&self, appraiser: &Appraiser<'_>) -> Outcome {
        let seen = appraiser.seen();
        if seen == self.seen {
            return Ok(());
        }
        let home = self.numbers.parent().unwrap_or(Path::new("."));
        // It makes the folder of a party that has none yet.
        drop(open_home(home).or_refuse("cannot remember the numbers of collateral")?);
        write_seen(&self.numbers, &seen)
    }
}

/// An enrolment, for who is about to sign.
fn describe(name: &str, enrolled: &Appraised, bundle: &Bundle) -> String {
    let build = match bundle.binding.purpose {
        Purpose::Enrol { build } => build.to_string(),
        Purpose::Session { .. } | Purpose::Receipt { .. } => String::new(),
    };
    let platform = enrolled.platform().map_or("without a number".to_owned(), |platform| platform.to_string());
    format!(
        "Enrolment of {name}: {}, {} evidence of {}\n  platform {platform}\n  build    {build}\n",
        enrolled.verdict(),
        bundle.evidence.kind(),
        local_time(bundle.time)
    )
}

/// Where the evidence of this party comes from.
pub(super) struct Prover<'a> {
    identity: &'a Identity,
    /// The build that software evidence names; without it, the hardware is asked.
    build: Option<Digest>,
    /// A platform is asked one thing at a time.
    turn: Mutex<()>,
}

impl<'a> Prover<'a> {
    /// Asks the hardware, unless `software` is the hash of a build record.
    pub(super) fn new(identity: &'a Identity, software: Option<&str>) -> Outcome<Self> {
        let build = software.map(|hash| digest("--software", hash)).transpose()?;
        Ok(Self { identity, build, turn: Mutex::new(()) })
    }

    fn prove(&self, binding: &Binding) -> Result<Evidence, DeviceError> {
        let data = binding.report_data();
        if let Some(build) = self.build {
            return software::sign(self.identity, &build.0, &data).map_err(|_| DeviceError::Answer);
        }
        let _turn = self.turn.lock();
        platform::ask(&data)
    }
}

/// Calls `run` with what this party shows and judges evidence with, once the enrolments are accepted; with nothing if the
/// job asks for none. What was learned of collateral is kept.
pub(super) fn with_means<T>(
    files: Option<&Files>,
    job: &Job,
    prover: Prover<'_>,
    run: impl FnOnce(Option<&Means<'_>>) -> T,
) -> Outcome<T> {
    let Some(files) = files else { return Ok(run(None)) };
    let revoked = files.revoked();
    let appraiser = files.appraiser(job, &revoked)?;
    files.check_enrolments(job, &appraiser)?;
    let draw = || {
        let mut nonce = [0; 32];
        OsRng.fill_bytes(&mut nonce);
        nonce
    };
    let prove = |binding: &Binding| prover.prove(binding);
    let ran = run(Some(&Means { appraiser: &appraiser, prove: &prove, draw: &draw, clock: &now }));
    files.remember(&appraiser)?;
    Ok(ran)
}
