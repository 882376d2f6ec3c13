//! What a wallet reads: letters as bytes and as text, addresses, words, and its own file.

use crate::{
    Verdict,
    fixtures::{
        away::away,
        payment::{contents, open, payment},
        scratch::Scratch,
    },
    ledger::canonical,
};
use core::ops::Range;
use sotto_audit::{Charter, OpenedRequest, RequestLetter};
use sotto_mw::{
    chain::Network,
    codec::{Decode, Encode},
    transaction::Transaction,
};
use sotto_wallet::{
    armor::{self, Message},
    audit::{AuditAnswer, AuditLog},
    edge::file::WalletFile,
    encrypt::Encrypted,
    group::{GroupBook, GroupRecord, GroupRequest, GroupStage},
    keys::{Address, ViewKey, Words},
    level::Statement,
    output_proof::OutputProof,
    proof::PaymentProof,
    reference::split_request,
    slate::{Invite, Invoice, Payment, Response},
    store::Store,
};

/// An invite without its envelope.
pub fn wallet_invite(data: &[u8]) -> Verdict {
    canonical::<Invite>(data)
}

/// A response without its envelope.
pub fn wallet_response(data: &[u8]) -> Verdict {
    canonical::<Response>(data)
}

/// An invoice without its envelope.
pub fn wallet_invoice(data: &[u8]) -> Verdict {
    canonical::<Invoice>(data)
}

/// What a member of a group asks the others for; its plan has the same words.
pub fn wallet_group_request(data: &[u8]) -> Verdict {
    let verdict = canonical::<GroupRequest>(data);
    if let Ok(request) = GroupRequest::from_bytes(data) {
        assert_eq!(request.plan().request, data);
    }
    verdict
}

/// What a member of a group keeps of a payment.
pub fn wallet_group_record(data: &[u8]) -> Verdict {
    let verdict = canonical::<GroupRecord>(data);
    if let Ok(record) = GroupRecord::from_bytes(data) {
        let answered = matches!(record.stage, GroupStage::Answered(_));
        assert_eq!(record.excess().is_some(), answered, "an answer has a kernel");
    }
    verdict
}

/// What a member of a group keeps.
pub fn wallet_group_book(data: &[u8]) -> Verdict {
    let Ok(book) = GroupBook::from_bytes(data) else { return Verdict::Refused };
    assert!(book.to_bytes() == data, "two encodings of one book");
    Verdict::Accepted
}

/// A payment without its envelope.
pub fn wallet_payment(data: &[u8]) -> Verdict {
    canonical::<Payment>(data)
}

/// An encrypted invite without its envelope; what the receiver's wallet reads was written to it.
pub fn wallet_encrypted(data: &[u8]) -> Verdict {
    let Ok(letter) = Encrypted::<Invite>::from_bytes(data) else { return Verdict::Refused };
    assert!(letter.to_bytes() == data, "two encodings of one letter");
    let wallet = open(&payment().receiver).expect("our own contents");
    let Ok(invite) = wallet.decrypt(&letter) else { return Verdict::Refused };
    assert_eq!(invite, payment().invite, "a letter that nobody wrote");
    Verdict::Accepted
}

/// A proof of payment without its envelope; only the one that was made holds.
pub fn wallet_proof(data: &[u8]) -> Verdict {
    let Ok(proof) = PaymentProof::from_bytes(data) else { return Verdict::Refused };
    assert!(proof.to_bytes() == data, "two encodings of one proof");
    if proof.verify(payment().chain.id()).is_err() {
        return Verdict::Refused;
    }
    assert_eq!(proof, payment().proof, "a proof of another payment");
    Verdict::Accepted
}

/// A proof of a one-sided payment without its envelope; only the one that was made holds.
pub fn wallet_output_proof(data: &[u8]) -> Verdict {
    let Ok(proof) = OutputProof::from_bytes(data) else { return Verdict::Refused };
    assert!(proof.to_bytes() == data, "two encodings of one proof");
    if proof.verify(away().chain.chain().id()).is_err() {
        return Verdict::Refused;
    }
    assert_eq!(proof, away().proof, "a proof of another payment");
    Verdict::Accepted
}

/// A statement of a level without its envelope; only the one that was made holds.
pub fn wallet_level(data: &[u8]) -> Verdict {
    let Ok(statement) = Statement::from_bytes(data) else { return Verdict::Refused };
    assert!(statement.to_bytes() == data, "two encodings of one statement");
    if statement.verify(away().chain.chain()).is_err() {
        return Verdict::Refused;
    }
    assert_eq!(statement, away().statement, "a statement that nobody made");
    Verdict::Accepted
}

/// What concerns auditors, after a byte that says which: a charter, a request, an answer, a log of answers,
/// a request with its charter. One encoding each.
pub fn wallet_audit(data: &[u8]) -> Verdict {
    let Some((kind, bytes)) = data.split_first() else { return Verdict::Refused };
    let again = match kind {
        0 => str::from_utf8(bytes)
            .ok()
            .and_then(|text| Charter::parse(text).ok())
            .map(|c| c.to_text().into_bytes()),
        1 => RequestLetter::from_bytes(bytes).ok().map(|letter| letter.to_bytes()),
        4 => OpenedRequest::from_bytes(bytes).ok().map(|opened| opened.to_bytes()),
        2 => AuditAnswer::from_bytes(bytes).ok().map(|answer| answer.to_bytes()),
        _ => AuditLog::from_bytes(bytes).ok().map(|log| log.to_bytes()),
    };
    assert!(again.as_ref().is_none_or(|again| again == bytes), "two encodings of one value");
    Verdict::of(again.is_some())
}

/// A view key; it belongs to one network, and is written in one way but for case and white space around it.
pub fn wallet_view_key(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let networks = [Network::Main, Network::Test, Network::Solo];
    let all: Vec<_> = networks.into_iter().filter_map(|n| ViewKey::parse(text, n).ok()).collect();
    assert!(all.len() <= 1, "a view key of two networks");
    all.iter()
        .for_each(|k| assert_eq!(*k.to_text(), text.trim().to_lowercase(), "two forms of one view key"));
    Verdict::of(!all.is_empty())
}

/// A request: an address, and what its payment is for.
pub fn wallet_request(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let Ok((address, Some(reference))) = split_request(text) else { return Verdict::Refused };
    let again = format!("{address}?ref={reference}");
    assert_eq!(split_request(&again), Ok((address, Some(reference))), "it does not read what it writes");
    Verdict::Accepted
}

/// A letter in its envelope; it is of one kind, and has one encoding.
pub fn wallet_bytes(data: &[u8]) -> Verdict {
    let all = [
        from_bytes::<Invite>(data),
        from_bytes::<Response>(data),
        from_bytes::<Invoice>(data),
        from_bytes::<Payment>(data),
        from_bytes::<PaymentProof>(data),
        from_bytes::<OutputProof>(data),
        from_bytes::<Transaction>(data),
        from_bytes::<Encrypted<Invite>>(data),
    ];
    let kinds = all.iter().filter(|read| **read).count();
    assert!(kinds <= 1, "a letter of {kinds} kinds");
    Verdict::of(kinds == 1)
}

fn from_bytes<T: Message>(data: &[u8]) -> bool {
    let chain = payment().chain.id();
    let Ok(letter) = armor::from_bytes::<T>(chain, data) else { return false };
    assert!(armor::to_bytes(chain, &letter) == data, "two encodings of one letter");
    true
}

/// A letter as text; but for what means nothing it has one form.
pub fn wallet_text(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let all = [
        from_text::<Invite>(text),
        from_text::<Response>(text),
        from_text::<Invoice>(text),
        from_text::<Payment>(text),
        from_text::<PaymentProof>(text),
        from_text::<OutputProof>(text),
        from_text::<Transaction>(text),
        from_text::<Encrypted<Invite>>(text),
    ];
    let kinds = all.iter().filter(|read| **read).count();
    assert!(kinds <= 1, "a letter of {kinds} kinds");
    Verdict::of(kinds == 1)
}

fn from_text<T: Message>(text: &str) -> bool {
    let chain = payment().chain.id();
    let Ok(letter) = armor::from_text::<T>(chain, text) else { return false };
    assert_eq!(armor::kind(text), Ok(T::KIND));
    let own = armor::to_text(chain, &letter);
    let lines = own.split('.').nth(1).unwrap_or_default();
    assert!(means(text).contains(&means(lines)), "two forms of one letter");
    assert!(armor::from_text::<T>(chain, &own).is_ok(), "it does not read what it writes");
    true
}

/// A text without what means nothing in armor.
fn means(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !['>', '\u{200b}', '\u{feff}'].contains(c)).collect()
}

/// An address; it belongs to one network, and is written in one way but for case and white space around it.
pub fn wallet_address(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let networks = [Network::Main, Network::Test, Network::Solo];
    let all: Vec<_> = networks.into_iter().filter_map(|n| Address::parse(text, n).ok()).collect();
    assert!(all.len() <= 1, "an address of two networks");
    all.iter()
        .for_each(|a| assert_eq!(a.to_string(), text.trim().to_lowercase(), "two forms of one address"));
    Verdict::of(!all.is_empty())
}

/// Seed words; they are written in one way but for case and white space.
pub fn wallet_words(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let Ok(words) = Words::parse(text) else { return Verdict::Refused };
    let plain = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(*words.phrase() == plain, "two forms of one seed");
    Verdict::Accepted
}

/// Where a wallet's contents have the number of accounts: version, parameters with their length, entropy,
/// height and hash are before it.
fn number_of_accounts(contents: &[u8]) -> Range<usize> {
    let params = contents.get(1..3).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let at = 1 + 2 + params + 32 + 8 + 32;
    at..at + 4
}

/// A wallet's contents; what is kept again is what was read, but for the account that was added.
pub fn wallet_contents(data: &[u8]) -> Verdict {
    const NAME: &str = "added-by-fuzz";
    let Some(mut wallet) = open(data) else { return Verdict::Refused };
    let _ =
        (wallet.balance(None), wallet.outputs().count(), wallet.sessions().count(), wallet.history().len());
    let accounts = wallet.accounts().saturating_add(1);
    if wallet.account(NAME).is_some() {
        return Verdict::Accepted;
    }
    wallet.add_account(NAME).expect("a store in memory");
    let mut kept = contents(&wallet);
    let number = number_of_accounts(data);
    assert!(kept.get(number.clone()) == Some(&accounts.to_le_bytes()));
    // A new account: nothing searched (8), the name's length (1), the name.
    let record = [&[0; 8][..], &[NAME.len() as u8], NAME.as_bytes()].concat();
    let at = kept.windows(record.len()).position(|w| w == record).expect("the account is kept");
    kept.drain(at..at + record.len());
    kept.splice(number.clone(), data.get(number).unwrap_or_default().iter().copied());
    assert!(kept == data, "two encodings of one wallet");
    Verdict::Accepted
}

/// The passphrase of the seeds' wallet file, and what is in it.
pub(crate) const PASSPHRASE: &[u8] = b"open sesame";
pub(crate) const SEALED: &[u8] = b"the contents";

/// A wallet file under `PASSPHRASE`; only what was sealed under it comes out.
pub fn wallet_file(data: &[u8]) -> Verdict {
    let folder = Scratch::new();
    let path = folder.file("wallet", &cheap(data));
    let Ok(file) = WalletFile::open(&path, PASSPHRASE) else { return Verdict::Refused };
    assert!(**file.load().expect("what opened is read") == *SEALED, "contents that nobody sealed");
    Verdict::Accepted
}

/// The same file with a key derivation of at most 255 KiB and 3 passes, unless it is one that is refused:
/// those within the bounds may take minutes, which is the owner's choice and no fault.
fn cheap(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    for (at, most, mask) in [(9, 2 << 20, 0xff), (13, 64, 3)] {
        if let Some(place) = bytes.get_mut(at..).and_then(|b| b.first_chunk_mut()) {
            let n = u32::from_le_bytes(*place);
            *place = if n <= most { n & mask } else { n }.to_le_bytes();
        }
    }
    bytes
}
