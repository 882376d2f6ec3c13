//! `sotto keys vault show`, and what `sotto keys show` says of boxes and letters about them.

use super::super::{files::read_group, session::shown};
use super::letters::Letters;
use crate::{
    Context,
    args::VaultShow,
    exit::{Failure, OrRefuse as _, Outcome},
    output::merge,
};
use serde_json::{Value, json};
use sotto_keys::{
    Group, Hash, Index,
    armor::Kind,
    vault::{VaultAnswer, VaultBox, VaultRequest},
    vault_session::{VaultChallenge, VaultEvidence},
};
use sotto_party::PublicKey;
use std::path::Path;

pub(super) fn show(context: &Context, a: &VaultShow) -> Outcome {
    let group = a.group.as_ref().map(|path| read_group(path)).transpose()?;
    let letters = Letters::read(&a.files)?;
    let by = By(group.as_ref());
    if let Some(group) = &group {
        let key = group.epoch().public_key(0).unwrap_or_default();
        if *letters.vault_box.group_key() != key {
            return Err(Failure::refused("the box is for the key of another group")
                .help("pass the --group that the box was encrypted to"));
        }
    }
    show_box(context, &letters.vault_box)?;
    letters.requests.iter().try_for_each(|request| show_request(context, request))?;
    letters.challenges.iter().try_for_each(|challenge| show_challenge(context, challenge, by))?;
    letters.evidence.iter().try_for_each(|letter| show_evidence(context, letter))?;
    letters.answers.iter().try_for_each(|answer| show_answer(context, answer, by))
}

/// Whether a group is there to say who signed.
#[derive(Clone, Copy)]
struct By<'a>(Option<&'a Group>);

impl By<'_> {
    /// Who signed, for programs and for people.
    fn signed(self, holds: impl FnOnce(&Group) -> bool) -> (Value, &'static str) {
        match self.0.map(holds) {
            None => (json!(null), "the signature was not checked: that takes --group"),
            Some(true) => (json!(true), "signed by that member"),
            Some(false) => (json!(false), "NOT signed by that member"),
        }
    }
}

/// Explains one piece of a file; the kinds are those of `Kind`.
pub(in super::super) fn show_piece(context: &Context, path: &Path, (kind, bytes): (Kind, &[u8])) -> Outcome {
    let invalid = || format!("{} holds something malformed", shown(path));
    let by = By(None);
    match kind {
        Kind::Box => show_box(context, &VaultBox::from_bytes(bytes).or_refuse(invalid())?),
        Kind::VaultRequest => show_request(context, &VaultRequest::from_bytes(bytes).or_refuse(invalid())?),
        Kind::VaultChallenge => {
            show_challenge(context, &VaultChallenge::from_bytes(bytes).or_refuse(invalid())?, by)
        }
        Kind::VaultEvidence => {
            show_evidence(context, &VaultEvidence::from_bytes(bytes).or_refuse(invalid())?)
        }
        Kind::VaultAnswer => show_answer(context, &VaultAnswer::from_bytes(bytes).or_refuse(invalid())?, by),
        Kind::Draft | Kind::Group | Kind::Letter | Kind::Evidence => Ok(()),
    }
}

/// What a box says about itself.
pub(super) fn box_fields(vault_box: &VaultBox) -> Value {
    let terms = vault_box.terms();
    json!({ "box": vault_box.name().to_string(), "owner": fingerprint(&terms.owner), "policy": terms.policy.to_string(),
        "key": crate::bridge::hex(vault_box.group_key()), "bytes": vault_box.contents_len() })
}

fn show_box(context: &Context, vault_box: &VaultBox) -> Outcome {
    let terms = vault_box.terms();
    let human = format!(
        "box      {}\nowner    {} (as the box says)\npolicy   {}\ngroup    the one whose key is {}\nbytes    {}\nWhoever made it signed this, and could open it.",
        vault_box.name(),
        fingerprint(&terms.owner),
        terms.policy,
        crate::bridge::hex(vault_box.group_key()),
        vault_box.contents_len()
    );
    context.output.record("keys-vault-box", box_fields(vault_box), &human)
}

fn show_request(context: &Context, request: &VaultRequest) -> Outcome {
    let machine = request.machine().fingerprint();
    let human = format!("request  {}\nbox      {}\nmachine  {machine}", request.name(), request.of());
    let fields = json!({ "letter": "request", "request": request.name().to_string(), "box": request.of().to_string(),
        "machine": machine });
    context.output.record("keys-vault-letter", fields, &human)
}

fn show_challenge(context: &Context, challenge: &VaultChallenge, by: By<'_>) -> Outcome {
    let (signed, said) = by.signed(|group| challenge.holds(group.draft()));
    let human = format!(
        "challenge of member {} ({said})\nrequest  {}\nnonce    {}",
        challenge.from(),
        challenge.request(),
        crate::bridge::hex(challenge.nonce())
    );
    let fields = letter_fields("challenge", challenge.request(), challenge.from());
    let fields = merge(fields, json!({ "nonce": crate::bridge::hex(challenge.nonce()), "signed": signed }));
    context.output.record("keys-vault-letter", fields, &human)
}

fn show_evidence(context: &Context, letter: &VaultEvidence) -> Outcome {
    let human = format!(
        "evidence for member {}, which that member judges\nrequest  {}\nbytes    {}",
        letter.to(),
        letter.request(),
        letter.evidence().len()
    );
    let fields = letter_fields("evidence", letter.request(), letter.to());
    let fields = merge(fields, json!({ "bytes": letter.evidence().len() }));
    context.output.record("keys-vault-letter", fields, &human)
}

fn show_answer(context: &Context, answer: &VaultAnswer, by: By<'_>) -> Outcome {
    let (signed, said) = by.signed(|group| answer.is_signed(group.draft()));
    let human = format!(
        "answer of member {} ({said})\nrequest  {}\nOnly the machine that asked can read it.",
        answer.from(),
        answer.request()
    );
    let fields = letter_fields("answer", answer.request(), answer.from());
    context.output.record("keys-vault-letter", merge(fields, json!({ "signed": signed })), &human)
}

fn letter_fields(letter: &str, request: Hash, member: Index) -> Value {
    json!({ "letter": letter, "request": request.to_string(), "member": member.get() })
}

/// A party's fingerprint, from the hash that a box has of its keys.
pub(super) fn fingerprint(owner: &Hash) -> String {
    PublicKey::fingerprint_of(owner.as_bytes())
}
