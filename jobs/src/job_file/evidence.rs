//! The evidence that a job file asks for.
//!
//! ```toml
//! diverse = 2              [[party]]
//!                          evidence = "tee.toml"      # a policy beside the job
//! ```

use serde::Deserialize;
use toml::Spanned;

use super::Drafting;
use crate::hash::Digest;
use crate::job::{Attestation, Demand, PartyId};
use crate::line_error::{LineError, line_of};
use sotto_tee::policy_file;

impl Drafting<'_> {
    /// The evidence that is demanded, each by the hash of its policy's file.
    pub(super) fn attestation(
        &mut self,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<Attestation> {
        let file = self.file;
        let (mut demands, mut sound) = (Vec::new(), true);
        for (i, party) in file.party.iter().enumerate() {
            let Some(name) = &party.get_ref().evidence else { continue };
            match self.policy(name, party, read).zip(u16::try_from(i).ok()) {
                Some((policy, i)) => demands.push(Demand { party: PartyId(i), policy }),
                None => sound = false,
            }
        }
        let diverse = file.diverse.as_ref().map_or(0, |diverse| *diverse.get_ref());
        if let Some(written) = file.diverse.as_ref().filter(|_| diverse == 0) {
            self.report(&written.span(), "`diverse` is at least 1; leave it out if nothing is asked");
            return None;
        }
        sound.then_some(Attestation { demands, diverse })
    }

    fn policy<T>(
        &mut self,
        name: &str,
        party: &Spanned<T>,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<Digest> {
        let text = read(name).map_err(|e| format!("the policy {name} cannot be read: {e}"));
        let policy = text.and_then(|text| {
            policy_file::read(&text).map_err(|e| format!("the policy {name} is invalid: {e}"))
        });
        policy.map(|policy| policy.digest()).map_err(|what| self.report(&party.span(), what)).ok()
    }
}

/// A job file as far as it names policies.
#[derive(Deserialize)]
struct File {
    party: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    evidence: Option<String>,
}

/// The policies that a job file names for the evidence of parties: the party's name, and the file's.
///
/// # Errors
/// If it is not a job file.
pub fn evidence_files(text: &str) -> Result<Vec<(String, String)>, LineError> {
    let file: File = toml::from_str(text).map_err(|e| LineError {
        line: e.span().map_or(1, |span| line_of(text, &span)),
        what: super::shown(e.message()),
    })?;
    let named = file.party.into_iter().filter_map(|party| Some((party.name, party.evidence?)));
    Ok(named.collect())
}
