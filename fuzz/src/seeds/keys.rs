//! Seeds of the targets of groups.

use super::{Inputs, input};
use crate::fixtures::{
    keys::{BOX, MADE, asked},
    rng,
};
use sotto_keys::{
    Evidence, Shares,
    armor::{Kind, to_text},
    passphrase::KdfCost,
    pool::{Plan, PoolKey},
    request::{Phase, Request, Vote},
    share_file::encrypt,
};

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    let made = &*MADE;
    let letters: Vec<_> = made.log.letters().collect();
    let shares = Shares::new(made.share.clone());
    Some(match target {
        "keys_draft" => vec![input("seal", made.group.draft().to_bytes())],
        "keys_group" => vec![input("first-epoch", made.group.to_bytes())],
        "keys_letter" => vec![
            input("packages", letters[0].to_bytes()),
            input("shares", letters[2].to_bytes()),
            input("drilled", letters[6].to_bytes()),
        ],
        "keys_evidence" => {
            let evidence = Evidence::new(letters[0].clone(), made.other.clone());
            vec![input("two-packages", evidence.expect("two letters of one member").to_bytes())]
        }
        "keys_log" => vec![input("key-generation", made.log.to_bytes())],
        "keys_shares" => vec![
            input("one", shares.to_bytes().to_vec()),
            input("two", shares.prepare(made.share.clone()).to_bytes().to_vec()),
        ],
        "keys_share_file" => {
            let file = encrypt(&shares, b"correct horse", KdfCost::INSECURE_FAST, &mut rng(3));
            vec![input("file", file.expect("a little memory"))]
        }
        "keys_request" => {
            let chain = [7; 32];
            let vote = Vote { phase: Phase::Prevote, height: 5, round: 1, header: None };
            vec![
                input("header", Request::Header { chain, header: vec![3; 192] }.to_bytes()),
                input(
                    "vote",
                    Request::Vote { chain, vote: Vote { header: Some([1; 32]), ..vote } }.to_bytes(),
                ),
                input("nil", Request::Vote { chain, vote }.to_bytes()),
                input("drill", Request::Drill { time: 9 }.to_bytes()),
            ]
        }
        "keys_plan" => {
            let keys = |all: &[u8]| all.iter().copied().map(PoolKey::new).collect();
            let (fresh, added, subtracted) = (keys(&[1, 4]), keys(&[1]), keys(&[2, 3]));
            let plan = Plan { fresh, added, subtracted, signed: keys(&[0, 4]), request: vec![7; 9] };
            vec![input("two-spent", plan.to_bytes())]
        }
        "keys_armor" => vec![
            input("letter", to_text(Kind::Letter, &[1, 2, 3])),
            input("quoted", format!("> {}", to_text(Kind::Draft, &[9; 40]).replace('\n', "\n> "))),
            input("two", to_text(Kind::Letter, b"a") + "and\n" + &to_text(Kind::Evidence, b"b")),
        ],
        "keys_box" => vec![input("disk", BOX.to_bytes())],
        "keys_vault_letter" => vault_letters(),
        _ => return None,
    })
}

/// What a machine and the members of a vault say and keep; a first byte says which.
fn vault_letters() -> Inputs {
    let said = asked();
    let [challenged, answered] = said.records.map(|record| record.to_bytes());
    let of = |name: &str, kind: u8, bytes: Vec<u8>| input(name, [&[kind], &bytes[..]].concat());
    vec![
        of("request", 0, said.request.to_bytes()),
        of("challenge", 1, said.challenge.to_bytes()),
        of("evidence", 2, said.evidence.to_bytes()),
        of("answer", 3, said.answer.to_bytes()),
        of("challenged", 4, challenged),
        of("answered", 4, answered),
    ]
}
