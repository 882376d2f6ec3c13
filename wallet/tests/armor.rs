//! Slates as text: the damage that chat and mail do, and the error for each.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::two;
use proptest::prelude::*;
use sotto_mw::{chain::ChainId, codec::Encode, transaction::Transaction};
use sotto_wallet::{
    armor::{self, ArmorError, MessageKind},
    slate::{Invite, Response},
};

struct Letters {
    chain: ChainId,
    invite: Invite,
    response: Response,
    transaction: Transaction,
}

fn letters() -> Letters {
    let (ledger, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let transaction = a.finalize(&response).unwrap().get().clone();
    Letters { chain: *ledger.chain.id(), invite, response, transaction }
}

thread_local! {
    static LETTERS: Letters = letters();
}

fn response_text() -> (ChainId, Response, String) {
    LETTERS.with(|l| (l.chain, l.response.clone(), armor::to_text(&l.chain, &l.response)))
}

#[test]
fn text_looks_as_documented() {
    let (_, _, text) = response_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("BEGIN SOTTO RESPONSE.", "END SOTTO RESPONSE."));
    let letters = &lines[1..lines.len() - 1];
    // 4 + 34 + 1123 + 8 bytes in lines of 30.
    assert_eq!(letters.len(), 39);
    assert!(letters.iter().all(|l| l.trim_end_matches('.').len() == 44));
    assert_eq!(armor::kind(&text), Ok(MessageKind::Response));
    assert_ne!(text, armor::to_text(&ChainId::from_bytes([1; 32]), &LETTERS.with(|l| l.response.clone())));
}

#[test]
fn all_three_kinds_travel() {
    LETTERS.with(|l| {
        let c = &l.chain;
        assert_eq!(armor::from_text(c, &armor::to_text(c, &l.invite)), Ok(l.invite.clone()));
        assert_eq!(armor::from_text(c, &armor::to_text(c, &l.response)), Ok(l.response.clone()));
        assert_eq!(armor::from_text(c, &armor::to_text(c, &l.transaction)), Ok(l.transaction.clone()));
        assert_eq!(armor::from_bytes(c, &armor::to_bytes(c, &l.transaction)), Ok(l.transaction.clone()));
    });
}

#[test]
fn chat_and_mail_do_no_harm() {
    let (chain, response, text) = response_text();
    let quoted: String = text.lines().map(|l| format!("> > {l}\r\n")).collect();
    let one_line = text.replace('\n', " ");
    let narrow: String = text.chars().flat_map(|c| [c, '\n']).collect::<String>().replace("\n \n", " ");
    let spoken = format!("Hello. Here is mine:\n\n{text}\nThanks. See you. END");
    let header = text.replace("BEGIN SOTTO RESPONSE", "BEGIN\n  SOTTO\tRESPONSE");
    for t in [quoted, one_line, spoken, header] {
        assert_eq!(armor::from_text::<Response>(&chain, &t), Ok(response.clone()), "{t}");
    }
    // With a space after each letter there is no header any more, and the error says so.
    assert_eq!(armor::from_text::<Response>(&chain, &narrow), Err(ArmorError::NoHeader));
    let body = text.lines().skip(1).take(39).collect::<String>();
    let torn: String = body.chars().flat_map(|c| [c, ' ']).collect();
    let torn = format!("BEGIN SOTTO RESPONSE.{torn}END SOTTO RESPONSE.");
    assert_eq!(armor::from_text(&chain, &torn), Ok(response));
}

#[test]
fn wrong_kinds_and_chains_are_named() {
    LETTERS.with(|l| {
        let text = armor::to_text(&l.chain, &l.invite);
        let wrong = ArmorError::Kind { found: MessageKind::Invite, expected: MessageKind::Transaction };
        assert_eq!(armor::from_text::<Transaction>(&l.chain, &text), Err(wrong));
        assert_eq!(
            armor::from_bytes::<Transaction>(&l.chain, &armor::to_bytes(&l.chain, &l.invite)),
            Err(wrong)
        );
        // Another header does not change the content.
        let relabelled = text.replace("INVITE", "RESPONSE");
        assert_eq!(armor::from_text::<Response>(&l.chain, &relabelled), Err(ArmorError::Line { line: 1 }));
        let other = ChainId::from_bytes([7; 32]);
        let foreign = ArmorError::OtherChain { found: l.chain, expected: other };
        assert_eq!(armor::from_text::<Invite>(&other, &text), Err(foreign));
        let t = armor::to_bytes(&l.chain, &l.transaction);
        assert_eq!(armor::from_bytes::<Transaction>(&other, &t), Err(foreign));
        assert_eq!(armor::kind("BEGIN SOTTO BILL. x"), Err(ArmorError::UnknownKind));
    });
}

#[test]
fn accidents_are_told_apart() {
    let (chain, _, text) = response_text();
    let read = |t: &str| armor::from_text::<Response>(&chain, t).unwrap_err();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(read("hello"), ArmorError::NoHeader);
    assert_eq!(read(""), ArmorError::NoHeader);
    assert_eq!(read("BEGIN SOTTO RESPONSE"), ArmorError::CutOff { lines: 0 });
    assert_eq!(read(&lines[..6].join("\n")), ArmorError::CutOff { lines: 5 });
    let missing = [&lines[..4], &lines[5..]].concat().join("\n");
    assert_eq!(read(&missing), ArmorError::Line { line: 4 });
    let mut swapped = lines.clone();
    swapped.swap(7, 8);
    assert_eq!(read(&swapped.join("\n")), ArmorError::Line { line: 7 });
    let strange = text.replacen(lines[3], &lines[3].replacen(|_: char| true, "0", 1), 1);
    assert_eq!(read(&strange), ArmorError::Character { line: 3, character: '0' });
    // The last whole line is missing, and everything else is there.
    let short = [&lines[..39], &[".", lines[40]]].concat().join("\n");
    assert_eq!(read(&short), ArmorError::Checksum);
    let long = " ".repeat(armor::MAX_TEXT + 1);
    assert_eq!(read(&long), ArmorError::TooLong { found: armor::MAX_TEXT + 1 });
    // Ten megabytes of digits after a valid header are not read either.
    assert!(matches!(read(&format!("{text}{}", "1".repeat(10 << 20))), ArmorError::TooLong { .. }));
    // No line at all, and lines of zeros.
    assert_eq!(read("BEGIN SOTTO RESPONSE.. END SOTTO RESPONSE."), ArmorError::Checksum);
    let zeros = format!("BEGIN SOTTO RESPONSE.{}. END SOTTO RESPONSE.", "1".repeat(44));
    assert_eq!(read(&zeros), ArmorError::Line { line: 1 });
    let large = format!("BEGIN SOTTO RESPONSE.{}. END SOTTO RESPONSE.", "z".repeat(44));
    assert_eq!(read(&large), ArmorError::Line { line: 1 });
}

#[test]
fn envelopes_are_read_strictly() {
    LETTERS.with(|l| {
        let good = armor::to_bytes(&l.chain, &l.transaction);
        assert_eq!(good[34..], l.transaction.to_bytes());
        for n in 0..good.len() {
            assert!(armor::from_bytes::<Transaction>(&l.chain, &good[..n]).is_err(), "{n}");
        }
        let mut late = good.clone();
        late[1] = 2;
        let text = armor::from_bytes::<Transaction>(&l.chain, &late).unwrap_err().to_string();
        assert!(text.contains("version 2"), "{text}");
        let more = [&good[..], &[0]].concat();
        assert!(armor::from_bytes::<Transaction>(&l.chain, &more).is_err());
    });
}

proptest! {
    /// A changed letter is detected, and its line is named.
    #[test]
    fn a_changed_letter_is_found(line in 1usize..40, column in 0usize..44, letter in 0usize..58) {
        let (chain, _, text) = response_text();
        let mut lines: Vec<Vec<u8>> = text.lines().map(|l| l.as_bytes().to_vec()).collect();
        let new = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[letter];
        prop_assume!(lines[line][column] != new);
        lines[line][column] = new;
        let text = String::from_utf8(lines.join(&b'\n')).unwrap();
        prop_assert_eq!(armor::from_text::<Response>(&chain, &text), Err(ArmorError::Line { line }));
    }

    /// Line breaks and spaces between the letters are ignored.
    #[test]
    fn wrapping_changes_nothing(breaks in prop::collection::vec(0usize..1_700, 0..60)) {
        let (chain, response, text) = response_text();
        let start = text.find('.').unwrap() + 1;
        let end = start + text[start..].find('.').unwrap();
        let mut body: String = text[start..end].replace('\n', "");
        for b in breaks {
            let at = (0..=b.min(body.len())).rfind(|i| body.is_char_boundary(*i)).unwrap();
            body.insert_str(at, ["\n", " ", "\r\n> ", "\u{200b}"][b % 4]);
        }
        let text = format!("{}{body}{}", &text[..start], &text[end..]);
        prop_assert_eq!(armor::from_text::<Response>(&chain, &text), Ok(response));
    }

    #[test]
    fn any_text_is_refused_politely(text in ".{0,400}") {
        let chain = ChainId::from_bytes([1; 32]);
        prop_assert!(armor::from_text::<Invite>(&chain, &text).is_err());
        let text = format!("BEGIN SOTTO INVITE.{text}. END SOTTO INVITE.");
        prop_assert!(armor::from_text::<Invite>(&chain, &text).is_err());
    }

    #[test]
    fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let chain = ChainId::from_bytes([1; 32]);
        prop_assert!(armor::from_bytes::<Invite>(&chain, &bytes).is_err());
    }
}
