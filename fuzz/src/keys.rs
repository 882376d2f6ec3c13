//! What a member of a group reads: drafts, groups, letters, evidence, and what it kept itself.

use crate::{
    Verdict,
    fixtures::keys::{BOX, GROUP, VAULT},
};
use sotto_keys::{
    Draft, Evidence, Group, Letter, Log, Shares,
    armor::{from_text, to_text},
    pool::Plan,
    request::Request,
    share_file::{ShareHeader, decrypt},
    vault::{VaultAnswer, VaultBox, VaultRequest},
    vault_session::{VaultChallenge, VaultEvidence, VaultRecord},
};

/// A draft has one encoding, and obeys the limits of its purpose.
pub fn keys_draft(data: &[u8]) -> Verdict {
    let Ok(draft) = Draft::from_bytes(data) else { return Verdict::Refused };
    assert!(draft.to_bytes() == data, "two encodings of one draft");
    assert!((2..=draft.members().len()).contains(&draft.threshold().into()) && draft.members().len() <= 15);
    Verdict::Accepted
}

/// A group that is read was confirmed by members of its draft.
pub fn keys_group(data: &[u8]) -> Verdict {
    let Ok(group) = Group::from_bytes(data) else { return Verdict::Refused };
    assert!(group.to_bytes() == data, "two encodings of one group");
    assert!(group.letters().len() >= group.draft().threshold().into());
    assert_eq!(group.epoch(), GROUP.epoch(), "a group that its members did not sign");
    Verdict::Accepted
}

/// A letter has one encoding.
pub fn keys_letter(data: &[u8]) -> Verdict {
    let Ok(letter) = Letter::from_bytes(data) else { return Verdict::Refused };
    assert!(letter.to_bytes() == data, "two encodings of one letter");
    Verdict::Accepted
}

/// Evidence has one encoding, and accuses nobody who did not sign both letters.
pub fn keys_evidence(data: &[u8]) -> Verdict {
    let Ok(evidence) = Evidence::from_bytes(data) else { return Verdict::Refused };
    assert!(evidence.to_bytes() == data, "two encodings of one piece of evidence");
    Verdict::of(evidence.holds(GROUP.draft()))
}

/// The letters of a session, as they were kept.
pub fn keys_log(data: &[u8]) -> Verdict {
    let Ok(log) = Log::from_bytes(data) else { return Verdict::Refused };
    assert!(log.to_bytes() == data, "two encodings of one log");
    Verdict::Accepted
}

/// The contents of a share file.
pub fn keys_shares(data: &[u8]) -> Verdict {
    let Ok(shares) = Shares::from_bytes(data) else { return Verdict::Refused };
    assert!(*shares.to_bytes() == data, "two encodings of one share");
    Verdict::Accepted
}

/// A share file that opens has the header that it shows.
pub fn keys_share_file(data: &[u8]) -> Verdict {
    // Deriving a key may take 2 GiB; a fuzzer needs a cost that is quick.
    let costs = data.len() > 62 && data.get(51..63) == Some(&[8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    let header = ShareHeader::of_file(data);
    if !costs {
        return Verdict::Refused;
    }
    let Ok(shares) = decrypt(data, b"correct horse") else { return Verdict::Refused };
    let header = header.expect("a file that opens has a header");
    assert_eq!((header.group, header.index), (shares.now().group(), shares.now().index()));
    Verdict::Accepted
}

/// A request has one encoding.
pub fn keys_request(data: &[u8]) -> Verdict {
    let Ok(request) = Request::from_bytes(data) else { return Verdict::Refused };
    assert!(request.to_bytes() == data, "two encodings of one request");
    Verdict::Accepted
}

/// A plan has one encoding; if it is sound, t members carry it out.
pub fn keys_plan(data: &[u8]) -> Verdict {
    let Ok(plan) = Plan::from_bytes(data) else { return Verdict::Refused };
    assert!(plan.to_bytes() == data, "two encodings of one plan");
    assert_eq!(plan.set(GROUP.draft()), None, "a group that has no pool");
    Verdict::Accepted
}

/// What an armored text holds is read again from its own text.
pub fn keys_armor(data: &[u8]) -> Verdict {
    let Some(all) = str::from_utf8(data).ok().and_then(|text| from_text(text).ok()) else {
        return Verdict::Refused;
    };
    let again: String = all.iter().map(|(kind, bytes)| to_text(*kind, bytes)).collect();
    assert_eq!(from_text(&again).as_ref(), Ok(&all));
    Verdict::Accepted
}

/// A box has one encoding, and only who knows e made it: nothing that differs from a fixture in its signed part, and keeps
/// its E, is accepted.
pub fn keys_box(data: &[u8]) -> Verdict {
    let Ok(vault_box) = VaultBox::from_bytes(data) else { return Verdict::Refused };
    assert!(vault_box.to_bytes() == data, "two encodings of one box");
    let genuine = &BOX.to_bytes();
    let point = 17 + 32..17 + 64;
    let stolen = data.get(point.clone()) == genuine.get(point) && data != genuine;
    assert!(!stolen, "a box with the E of another");
    Verdict::Accepted
}

/// What a machine and the members of a vault send each other, and what a member keeps: one encoding each; a first byte says
/// which. What is signed is accepted only as its member signed it.
pub fn keys_vault_letter(data: &[u8]) -> Verdict {
    let Some((kind, bytes)) = data.split_first() else { return Verdict::Refused };
    let draft = VAULT.group.draft();
    let (again, holds) = match kind {
        0 => match VaultRequest::from_bytes(bytes) {
            Ok(request) => (request.to_bytes(), true),
            Err(_) => return Verdict::Refused,
        },
        1 => match VaultChallenge::from_bytes(bytes) {
            Ok(challenge) => (challenge.to_bytes(), challenge.holds(draft)),
            Err(_) => return Verdict::Refused,
        },
        2 => match VaultEvidence::from_bytes(bytes) {
            Ok(evidence) => (evidence.to_bytes(), true),
            Err(_) => return Verdict::Refused,
        },
        3 => match VaultAnswer::from_bytes(bytes) {
            Ok(answer) => (answer.to_bytes(), answer.is_signed(draft)),
            Err(_) => return Verdict::Refused,
        },
        _ => match VaultRecord::from_bytes(bytes) {
            Ok(record) => (record.to_bytes(), true),
            Err(_) => return Verdict::Refused,
        },
    };
    assert!(again == bytes, "two encodings of one letter");
    Verdict::of(holds)
}
