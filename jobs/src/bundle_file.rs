//! A bundle: a job with all files that it names and the approvals so far, as one text for a letter.
//!
//! ```json
//! {"v":1,"type":"mpc-bundle","job":"…","files":{"north.pub":"…","program.garble.rs":"…"},"approvals":["sotto-consent-2:…"]}
//! ```
//!
//! A bundle comes from a stranger. It is bounded before it is read; names of files are checked when it is read, so
//! that none leads out of the folder into which it is unpacked; approvals are only candidates, until they are
//! verified against the job that they are for. It holds no secret: who has it can read the job and can sign nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::approval::Approval;
use crate::json::UniqueMembers;

/// Longest bundle, in bytes: a job, a circuit file of the largest size, keys and approvals.
pub const MAX_BUNDLE: u64 = 1 << 27;

/// Most files of a bundle beside the job: a key of each party, of its rendezvous server, and a program.
const MAX_FILES: usize = 256;

/// The name that the job's file has when it is unpacked.
pub const JOB_FILE: &str = "job.toml";

/// A job with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The text of the job's file.
    pub job: String,
    /// The files that it names, by their names.
    pub files: BTreeMap<String, String>,
    /// Approvals, not verified.
    pub approvals: Vec<Approval>,
}

/// Why a text is not a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not JSON, or not of a bundle's form.
    #[error("not a bundle: {0}")]
    Form(&'static str),
    /// Another version.
    #[error("a bundle of another version: this program reads version 1")]
    Version,
    /// A name that could lead elsewhere.
    #[error("a file of it has a name that leads out of the folder, is hidden, or is not for a job")]
    Name,
}

impl Bundle {
    /// The bundle as a text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { job, files, approvals } = self;
        let approvals: Vec<_> =
            approvals.iter().map(|approval| approval.to_text().trim().to_owned()).collect();
        json!({ "v": 1, "type": "mpc-bundle", "job": job, "files": files, "approvals": approvals })
            .to_string()
    }

    /// The bundle of a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_text(text: &str) -> Result<Self, BundleError> {
        let not_json = |_| BundleError::Form("not JSON, or a member occurs twice");
        let UniqueMembers(value) = serde_json::from_str(text).map_err(not_json)?;
        if value["type"] != "mpc-bundle" {
            return Err(BundleError::Form("its type is another one"));
        }
        if value["v"] != 1 {
            return Err(BundleError::Version);
        }
        let job = value["job"].as_str().ok_or(BundleError::Form("it has no job"))?.to_owned();
        let named = value["files"].as_object().filter(|files| files.len() <= MAX_FILES);
        let mut files = BTreeMap::new();
        for (name, text) in named.ok_or(BundleError::Form("it has no files, or too many"))? {
            let text = text.as_str().ok_or(BundleError::Form("a file is not a text"))?;
            if !is_name(name) {
                return Err(BundleError::Name);
            }
            files.insert(name.clone(), text.to_owned());
        }
        let approval = |value: &Value| value.as_str().and_then(Approval::from_text);
        let approvals = value["approvals"].as_array().map(|all| all.iter().map(approval).collect());
        let approvals: Option<Option<Vec<_>>> = approvals;
        let approvals = approvals.flatten().ok_or(BundleError::Form("its approvals are none"))?;
        if value.as_object().is_none_or(|members| members.len() != 5) {
            return Err(BundleError::Form("it has other members"));
        }
        Ok(Self { job, files, approvals })
    }
}

/// Whether a name is a relative path of plain names, none of them hidden, and not that of a secret key, of the job or
/// of what belongs to a run.
fn is_name(name: &str) -> bool {
    let is_plain = |part: &str| {
        let letters = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_. ".contains(&b));
        !part.is_empty() && !part.starts_with('.') && letters
    };
    let is_other = |end: &str| !name.to_ascii_lowercase().ends_with(end);
    name.len() <= 200
        && name.split('/').all(is_plain)
        && name != JOB_FILE
        && is_other(".key")
        && is_other(".approval")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(name: &str) -> Bundle {
        let files = BTreeMap::from([(name.to_owned(), "text\n".to_owned())]);
        Bundle { job: "name = \"x\"\n".to_owned(), files, approvals: Vec::new() }
    }

    #[test]
    fn a_bundle_reads_back_and_nothing_else_does() {
        let text = bundle("programs/sum.garble.rs").to_text();
        assert_eq!(Bundle::from_text(&text), Ok(bundle("programs/sum.garble.rs")));
        for (from, to, why) in [
            ("\"v\":1", "\"v\":2", BundleError::Version),
            ("mpc-bundle", "mpc-job", BundleError::Form("its type is another one")),
            ("\"job\":", "\"jobs\":", BundleError::Form("it has no job")),
            ("\"text\\n\"", "1", BundleError::Form("a file is not a text")),
            ("[]", "[\"x\"]", BundleError::Form("its approvals are none")),
            ("\"v\":1", "\"v\":1,\"more\":1", BundleError::Form("it has other members")),
            ("\"v\":1", "\"v\":1,\"v\":1", BundleError::Form("not JSON, or a member occurs twice")),
        ] {
            assert_eq!(Bundle::from_text(&text.replace(from, to)), Err(why), "{to}");
        }
    }

    #[test]
    fn no_name_leads_out_or_hides() {
        for name in [
            "../x",
            "/etc/x",
            "a/../x",
            ".bashrc",
            "a/.x",
            "",
            "a//b",
            "north.key",
            "North.KEY",
            "job.toml",
            "job.approvals/x.approval",
            "a\\b",
            "ä",
        ] {
            assert_eq!(Bundle::from_text(&bundle(name).to_text()), Err(BundleError::Name), "{name}");
        }
    }
}
