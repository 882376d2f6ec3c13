//! A box and the letters about it, as files hold them.

use super::super::files::read_armor;
use crate::{
    args::VaultFiles,
    exit::{Failure, OrRefuse as _, Outcome},
};
use sotto_keys::{
    Hash,
    armor::Kind,
    vault::{VaultAnswer, VaultBox, VaultRequest},
    vault_session::{VaultChallenge, VaultEvidence},
};
use std::path::Path;

/// Most letters that one command reads: of fifteen members, each with a few that came too late.
const MAX_LETTERS: usize = 256;

/// A box, and letters about it; each once.
pub(super) struct Letters {
    pub(super) vault_box: VaultBox,
    pub(super) requests: Vec<VaultRequest>,
    pub(super) challenges: Vec<VaultChallenge>,
    pub(super) evidence: Vec<VaultEvidence>,
    pub(super) answers: Vec<VaultAnswer>,
}

impl Letters {
    /// Reads the files; drafts, groups and letters of other verbs in them are left alone.
    pub(super) fn read(files: &VaultFiles) -> Outcome<Self> {
        let mut pieces: Vec<(&Path, Kind, Vec<u8>)> = Vec::new();
        for path in [&files.vault_box].into_iter().chain(&files.letter) {
            for (kind, bytes) in read_armor(path)? {
                if !pieces.iter().any(|(_, k, b)| (*k, b) == (kind, &bytes)) {
                    pieces.push((path, kind, bytes));
                }
                if pieces.len() > MAX_LETTERS {
                    return Err(Failure::refused("too many letters")
                        .why(format!("at most {MAX_LETTERS} are read"))
                        .help("pass the box and the letters of one request"));
                }
            }
        }
        let mut boxes: Vec<VaultBox> = Vec::new();
        let (mut requests, mut challenges, mut evidence, mut answers) = Default::default();
        for (path, kind, bytes) in &pieces {
            match kind {
                Kind::Box => push(path, "box", VaultBox::from_bytes(bytes), &mut boxes),
                Kind::VaultRequest => push(path, "request", VaultRequest::from_bytes(bytes), &mut requests),
                Kind::VaultChallenge => {
                    push(path, "challenge", VaultChallenge::from_bytes(bytes), &mut challenges)
                }
                Kind::VaultEvidence => {
                    push(path, "letter of evidence", VaultEvidence::from_bytes(bytes), &mut evidence)
                }
                Kind::VaultAnswer => push(path, "answer", VaultAnswer::from_bytes(bytes), &mut answers),
                Kind::Draft | Kind::Group | Kind::Letter | Kind::Evidence => Ok(()),
            }?;
        }
        let [vault_box] = <[VaultBox; 1]>::try_from(boxes).map_err(|boxes| match boxes.len() {
            0 => Failure::refused(format!("{} holds no box", files.vault_box.display()))
                .help("`sotto keys vault encrypt` makes one"),
            _ => Failure::refused("these files hold more than one box").help("pass one box at a time"),
        })?;
        Ok(Self { vault_box, requests, challenges, evidence, answers })
    }

    /// The request for this box.
    pub(super) fn request(&self) -> Outcome<&VaultRequest> {
        let [request] = &self.requests[..] else {
            return Err(match self.requests.len() {
                0 => Failure::refused("the machine's request is missing")
                    .help("pass what `sotto keys vault request` printed"),
                _ => Failure::refused("these letters belong to more than one request")
                    .help("pass the letters of one request alone"),
            });
        };
        Ok(request)
    }

    /// Refuses letters of another request.
    pub(super) fn all_of(&self, request: &Hash) -> Outcome {
        let challenges = self.challenges.iter().map(VaultChallenge::request);
        let evidence = self.evidence.iter().map(VaultEvidence::request);
        let answers = self.answers.iter().map(VaultAnswer::request);
        let requests = self.requests.iter().map(VaultRequest::name);
        let all: [(&str, usize); 4] = [
            ("request", others(requests, request)),
            ("challenge", others(challenges, request)),
            ("letter of evidence", others(evidence, request)),
            ("answer", others(answers, request)),
        ];
        match all.iter().find(|(_, others)| *others > 0) {
            None => Ok(()),
            Some((what, _)) => {
                let article = if *what == "answer" { "an" } else { "a" };
                Err(Failure::refused("these letters belong to more than one request")
                    .why(format!("{article} {what} is about another one, of another machine or box"))
                    .help("pass the letters of one request alone; `sotto keys vault show` tells them apart"))
            }
        }
    }
}

fn others(requests: impl Iterator<Item = Hash>, request: &Hash) -> usize {
    requests.filter(|other| other != request).count()
}

fn push<T, E: core::fmt::Display + 'static>(
    path: &Path,
    what: &str,
    read: Result<T, E>,
    all: &mut Vec<T>,
) -> Outcome {
    all.push(read.or_refuse(format!("{} holds a malformed {what}", path.display()))?);
    Ok(())
}
