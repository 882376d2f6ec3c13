//! What evidence is for, from the command line.

use crate::{
    args::{TeeBinding, TeePurpose},
    commands::mpc::job::read_public,
    evidence_files::digest,
    exit::{Code, Failure, Outcome},
};
use sotto_tee::{Binding, Digest, Purpose};
use std::path::Path;

/// The binding that the options say; `party` if they do not name one.
pub(super) fn binding(a: &TeeBinding, party: Option<Digest>) -> Outcome<Binding> {
    let hash = |option: &str, text: &Option<String>| {
        let text = text.as_deref().ok_or_else(|| missing(option))?;
        digest(option, text)
    };
    let key = |path: &Path| read_public(path).map(|key| Digest(key.digest()));
    let party = match (&a.party, party) {
        (Some(path), _) => key(path)?,
        (None, Some(party)) => party,
        (None, None) => return Err(missing("--party")),
    };
    let purpose = match a.purpose.ok_or_else(|| missing("--purpose"))? {
        TeePurpose::Enrol => Purpose::Enrol { build: hash("--build", &a.build)? },
        TeePurpose::Session => Purpose::Session {
            job: hash("--job", &a.job)?,
            nonce: hash("--nonce", &a.nonce)?,
            verifier: key(a.verifier.as_deref().ok_or_else(|| missing("--verifier"))?)?,
            run: hash("--run", &a.run)?,
            exporter: hash("--exporter", &a.exporter)?,
        },
        TeePurpose::Receipt => Purpose::Receipt {
            job: hash("--job", &a.job)?,
            run: hash("--run", &a.run)?,
            facts: hash("--facts", &a.facts)?,
        },
    };
    Ok(Binding { party, purpose })
}

fn missing(option: &str) -> Failure {
    Failure::new(Code::Usage, format!("missing {option}"))
        .why("evidence is worth something only for one purpose and one party")
        .help("`sotto help tee verify` says what each purpose needs")
}
