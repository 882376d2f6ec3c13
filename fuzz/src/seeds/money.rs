//! Seeds of the wallet's targets.

use super::{Inputs, input};
use crate::{
    fixtures::{
        auditors::{Asking, asking},
        away::away,
        hold::hold,
        payment::payment,
    },
    wallets::{PASSPHRASE, SEALED},
};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sotto_keys::passphrase::KdfCost;
use sotto_mw::codec::Encode;
use sotto_wallet::{armor, audit::AuditLog};

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    let payment = payment();
    Some(match target {
        "wallet_invite" => vec![input("invite", payment.invite.to_bytes())],
        "wallet_response" => vec![input("response", payment.response.to_bytes())],
        "wallet_invoice" => vec![input("invoice", payment.invoice.to_bytes())],
        "wallet_payment" => {
            vec![input("payment", payment.paid_invoice.to_bytes()), input("bonded", away().bonded.to_bytes())]
        }
        "wallet_encrypted" => vec![input("invite", payment.encrypted.to_bytes())],
        "wallet_proof" => vec![input("proof", payment.proof.to_bytes())],
        "wallet_output_proof" => vec![input("proof", away().proof.to_bytes())],
        "wallet_level" => vec![input("statement", away().statement.to_bytes())],
        "wallet_audit" => {
            let Asking { charter, letter, answer } = asking();
            let log = AuditLog::new(*away().chain.chain().id()).to_bytes();
            let of = |kind: u8, bytes: Vec<u8>| [&[kind][..], &bytes].concat();
            vec![
                input("charter", of(0, charter.to_text().into_bytes())),
                input("request", of(1, letter.to_bytes())),
                input("answer", of(2, answer.to_bytes())),
                input("log", of(3, log)),
            ]
        }
        "wallet_view_key" => vec![input("plain", away().view_key.clone())],
        "wallet_request" => {
            let address = payment.invite.sender.to_string();
            vec![
                input("text", format!("{address}?ref=INV-2026-17")),
                input("digits", format!("{address}?ref=0x000102030405060708090a0b")),
            ]
        }
        "wallet_slates" => {
            vec![
                input("invite", payment.invite.to_bytes()),
                input("response", payment.response.to_bytes()),
                input("invoice", payment.invoice.to_bytes()),
                input("payment", payment.paid_invoice.to_bytes()),
            ]
        }
        "wallet_hold" => letters(),
        "wallet_address" => {
            let text = payment.invite.sender.to_string();
            vec![input("plain", text.clone()), input("upper", format!(" {}\n", text.to_uppercase()))]
        }
        "wallet_words" => {
            let words: &str = &payment.words;
            vec![input("plain", words), input("upper", words.to_uppercase().replace(' ', "\n  "))]
        }
        "wallet_contents" => vec![
            input("new", payment.receiver.clone()),
            input("invited", payment.sender.clone()),
            input("paid", payment.paid.clone()),
            input("before", before_rules_3(&payment.sender)),
            input("paid-away", away().payer.clone()),
            input("received-away", away().payee.clone()),
        ],
        "wallet_file" => vec![input("sealed", sealed([8, 1, 1])), input("absurd", sealed([u32::MAX, 1, 1]))],
        _ => return text_inputs(target).or_else(|| group_inputs(target)),
    })
}

/// Seeds of the targets of messages in their envelopes.
fn text_inputs(target: &str) -> Option<Inputs> {
    let payment = payment();
    let chain = payment.chain.id();
    Some(match target {
        "wallet_bytes" => vec![
            input("invite", armor::to_bytes(chain, &payment.invite)),
            input("response", armor::to_bytes(chain, &payment.response)),
            input("transaction", armor::to_bytes(chain, &payment.transaction)),
            input("encrypted", armor::to_bytes(chain, &payment.encrypted)),
        ],
        "wallet_text" => vec![
            input("invite", armor::to_text(chain, &payment.invite)),
            input("response", armor::to_text(chain, &payment.response)),
            input("transaction", armor::to_text(chain, &payment.transaction)),
            input("encrypted", armor::to_text(chain, &payment.encrypted)),
            input("quoted", quoted(&armor::to_text(chain, &payment.invite))),
        ],
        _ => return None,
    })
}

/// The letters of a hold, and a locked claim, each after the byte of its step.
fn letters() -> Inputs {
    let hold = hold();
    let letters = [
        ("offer", hold.offer.letter.to_bytes()),
        ("join", hold.join.letter.to_bytes()),
        ("prove", hold.prove.letter.to_bytes()),
        ("part", hold.part.letter.to_bytes()),
        ("claim", hold.claim.letter.to_bytes()),
        ("consent", hold.consent.letter.to_bytes()),
        ("release", hold.release.letter.to_bytes()),
        ("locked", hold.locked.to_bytes()),
    ];
    (1..).zip(letters).map(|(kind, (name, bytes))| input(name, [&[kind], &bytes[..]].concat())).collect()
}

/// Seeds of the targets of wallets that a group owns.
fn group_inputs(target: &str) -> Option<Inputs> {
    let payment = payment();
    Some(match target {
        "wallet_group_request" => vec![
            input("receive", [&[1, 5, 8][..], &payment.invite.to_bytes()].concat()),
            input("pay", [&[2, 0, 8, 1, 0, 0, 0, 5][..], &[9; 8], &payment.invoice.to_bytes()].concat()),
        ],
        "wallet_group_record" => {
            let record = |request: &[u8], rest: &[u8]| [&[7; 32], request, rest, &[0; 8]].concat();
            let receive = [&[1, 5, 8][..], &payment.invite.to_bytes()].concat();
            let pay = [&[2, 0, 8, 1, 0, 0, 0, 5][..], &[9; 8], &payment.invoice.to_bytes()].concat();
            vec![
                input("awaiting", record(&receive, &[1, 2, 2, 1, 3])),
                input("answered", record(&receive, &[&[2][..], &payment.response.to_bytes()].concat())),
                input("paid", record(&pay, &[&[2][..], &payment.paid_invoice.to_bytes()].concat())),
                input("failed", record(&pay, &[3, 2])),
                input("disordered", record(&receive, &[1, 2, 2, 3, 1])),
            ]
        }
        "wallet_group_book" => {
            let (used, coin) = ([2, 0, 0, 0, 5, 8], [1, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 2, 9]);
            vec![input("one", [&b"sotto group book v1"[..], &used, &coin, &[0; 7]].concat())]
        }
        _ => return None,
    })
}

/// The same contents as if they were of a chain under earlier rules, which are refused.
fn before_rules_3(contents: &[u8]) -> Vec<u8> {
    [&[5, 2], &contents[4..]].concat()
}

/// The text as a mail program quotes and wraps it.
fn quoted(text: &str) -> String {
    text.split_inclusive('7').map(|piece| format!("> {}\r\n", piece.replace('\n', "\n> "))).collect()
}

/// The file of [`SEALED`] under [`PASSPHRASE`], in the format of `docs/FORMATS.md`, with a fixed salt and
/// nonce.
fn sealed(cost: [u32; 3]) -> Vec<u8> {
    let (salt, nonce) = ([1; 16], [2; 24]);
    let cost_bytes: Vec<u8> = cost.iter().flat_map(|n| n.to_le_bytes()).collect();
    let length = (SEALED.len() as u64).to_le_bytes();
    let header = [&b"SOTTOWLT"[..], &[1], &cost_bytes, &salt, &nonce, &length].concat();
    let key = KdfCost::INSECURE_FAST.derive(PASSPHRASE, &salt).expect("the smallest cost");
    let payload = Payload { msg: SEALED, aad: &header };
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&*key));
    let text = cipher.encrypt(XNonce::from_slice(&nonce), payload).expect("a short text");
    [header, text].concat()
}
