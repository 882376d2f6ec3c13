//! `sotto keys vault request` and `open`: what the machine does.

use super::super::{files::read_group, session::shown};
use super::{bound::session, letters::Letters};
use crate::{
    Context,
    args::{VaultAsk, VaultOpen},
    bridge::now,
    commands::{mpc::job::read_identity, tee::ask},
    evidence_files::digest,
    exit::{Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers, write_secret},
};
use rand_core::OsRng;
use serde_json::json;
use sotto_keys::{
    Index,
    armor::{self, Kind},
    vault::{Opening, VaultError, VaultRequest},
    vault_session::{VaultChallenge, VaultEvidence},
};
use sotto_party::Identity;
use sotto_tee::{Digest, binding::Challenge, policy::UNATTESTED, software};
use std::path::Path;

pub(super) fn request(context: &Context, a: &VaultAsk) -> Outcome {
    let (group, letters) = (read_group(&a.group)?, Letters::read(&a.files)?);
    let signer = match (&a.software, &a.build) {
        (Some(key), Some(build)) => Some((read_identity(key)?, digest("--build", build)?)),
        _ => None,
    };
    let is_new = !a.key.try_exists().unwrap_or(true);
    let machine = if is_new { Identity::random(&mut OsRng) } else { read_identity(&a.key)? };
    if let Some(member) = group.draft().index_of(&machine.public()) {
        return Err(Failure::refused(format!("{} is the key of member {member}", shown(&a.key)))
            .why("a machine asks with a fresh key, which nothing else uses")
            .help("pass the path of a new file"));
    }
    let request = VaultRequest::new(&letters.vault_box, machine.public());
    let opening = Opening { epoch: group.epoch(), vault_box: &letters.vault_box, request: &request };
    opening.check().or_refuse("this group does not open the box")?;
    letters.all_of(&request.name())?;
    if is_new {
        write_secret(&a.key, &machine.to_secret_text())?;
    }
    let mut printed = Vec::new();
    let mut proven: Vec<u8> = Vec::new();
    for challenge in &letters.challenges {
        if !challenge.holds(group.draft()) {
            context.ui.warn(&format!("member {} did not sign the challenge in its name", challenge.from()));
            continue;
        }
        let letter = prove(signer.as_ref(), &opening, challenge)?;
        proven.push(challenge.from().get());
        printed.push(armor::to_text(Kind::VaultEvidence, &letter.to_bytes()));
    }
    if printed.is_empty() && !letters.challenges.is_empty() {
        return Err(Failure::refused("no member of the group signed these challenges")
            .help("ask the members for theirs: `sotto keys vault answer`"));
    }
    let state = if printed.is_empty() { "asked" } else { "proven" };
    if printed.is_empty() {
        printed.push(armor::to_text(Kind::VaultRequest, &request.to_bytes()));
        context.ui.info("waiting for the members' challenges; each is good for 60 seconds");
    } else {
        let names: Vec<String> = proven.iter().map(u8::to_string).collect();
        context.ui.info(&format!("evidence for member {}", names.join(", ")));
    }
    if signer.is_some() && state == "proven" {
        context.ui.warn(&format!("{UNATTESTED}: no hardware vouches for this evidence"));
    }
    let fields = json!({ "group": group.draft().id().to_string(), "box": letters.vault_box.name().to_string(),
        "request": request.name().to_string(), "machine": machine.public().fingerprint(), "state": state,
        "members": proven, "attested": state == "proven" && signer.is_none(), "letters": printed });
    context.output.record("keys-vault-request", fields, &printed.concat())
}

/// The machine's evidence for a challenge: of the hardware, or of a signer that stands for it, with the build that it names.
fn prove(
    signer: Option<&(Identity, Digest)>,
    opening: &Opening<'_>,
    challenge: &VaultChallenge,
) -> Outcome<VaultEvidence> {
    let now = now();
    let session = session(opening, challenge.from()).ok_or_else(|| Failure::refused("no such member"))?;
    let binding = Challenge::new(*challenge.nonce(), now).binding(&session, now);
    let data = binding.or_refuse("cannot answer the challenge")?.report_data();
    let evidence = match signer {
        None => ask(&data)?,
        Some((key, build)) => software::sign(key, &build.0, &data).or_refuse("cannot make the evidence")?,
    };
    VaultEvidence::new(challenge, evidence.encode())
        .ok_or_else(|| Failure::refused("the platform's evidence is too long"))
}

pub(super) fn open(context: &Context, a: &VaultOpen) -> Outcome {
    let (group, letters) = (read_group(&a.group)?, Letters::read(&a.files)?);
    let machine = read_identity(&a.key)?;
    let request = VaultRequest::new(&letters.vault_box, machine.public());
    let opening = Opening { epoch: group.epoch(), vault_box: &letters.vault_box, request: &request };
    opening.check().or_refuse("this group does not open the box")?;
    letters.all_of(&request.name())?;
    let to_stdout = a.out == Path::new("-");
    let file = NewFile { path: &a.out, readers: Readers::Owner, existing: Existing::Same };
    if !to_stdout {
        file.check()?;
    }
    let named = |i: &Index| {
        let fingerprint = group.draft().key(*i).map(|key| key.fingerprint()).unwrap_or_default();
        format!("member {i} sent a false answer; its fingerprint is {fingerprint}")
    };
    let opened = opening.open(&machine, &letters.answers).map_err(|e| {
        let liars = opening.false_answers(&machine, &letters.answers);
        let old = letters.answers.iter().filter(|answer| answer.epoch() != group.epoch().hash()).count();
        let mut why = vec![e.to_string()];
        why.extend(liars.iter().map(named));
        if old > 0 {
            why.push(format!("{old} are of another epoch of the group"));
        }
        let help = match e {
            VaultError::TooFew { .. } if old > 0 => {
                "get the latest group file; if the group was refreshed meanwhile, ask anew with a new --key"
            }
            VaultError::TooFew { .. } => "wait for the answers of more members, and pass all that there are",
            _ => "ask the box's owner to encrypt it again",
        };
        Failure::refused("the box does not open").why(why.join("; ")).help(help)
    })?;
    opened.false_answers.iter().for_each(|i| context.ui.warn(&named(i)));
    if to_stdout {
        return context.output.bytes(&opened.contents);
    }
    file.write_all(&opened.contents)?;
    let false_answers: Vec<u8> = opened.false_answers.iter().map(|i| i.get()).collect();
    let fields = json!({ "file": shown(&a.out), "box": letters.vault_box.name().to_string(),
        "request": request.name().to_string(), "bytes": opened.contents.len(), "false_answers": false_answers });
    let human = format!("wrote {} bytes to {}", opened.contents.len(), shown(&a.out));
    context.output.record("keys-vault-opened", fields, &human)
}
