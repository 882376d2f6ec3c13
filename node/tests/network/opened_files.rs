//! The file of requests that auditors handed out: what is read of it, and which request gives way when it is full.

use crate::{requests::Requests, world::layout};
use sotto_audit::{Charter, CharterTerms, Matter, OutputPlace, ReadRequest, RequestLetter};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode as _, Encode as _},
    group::{PointBytes, Scalar},
    hash::{Hash, tagged},
    schnorr::PublicKey,
    testing::TestChain,
};
use sotto_node::{
    codec::Damage,
    ledger::{
        Ledger, LedgerError,
        mempool::MempoolLimits,
        opened::OpenedRequests,
        opening::{OpenRefused, keep, kept},
    },
    message::opened::OpenedPlace,
    storage::{FileName, Memory, Store, StoreError},
};
use sotto_party::Identity;

const MAX: u64 = OpenedRequests::MAX as u64;

/// A letter, and the height of its notice.
type Kept = (u64, Vec<u8>);

/// The same letter with another nonce, which is another request. Signatures do not hold then, and no file is asked for them.
fn numbered(letter: &RequestLetter, n: u64) -> Vec<u8> {
    let (mut bytes, end) = (letter.to_bytes(), letter.request().to_bytes().len());
    bytes[end - 8..end].copy_from_slice(&n.to_le_bytes());
    bytes
}

/// A file by the layout of `docs/FORMATS.md`.
fn file(chain: &ChainId, charter: &str, all: &[Kept]) -> Vec<u8> {
    let length = |bytes: usize| (bytes as u32).to_le_bytes();
    let mut out = [&[1][..], chain.as_bytes(), &length(charter.len()), charter.as_bytes()].concat();
    out.extend(length(all.len()));
    for (height, letter) in all {
        out.extend([&height.to_le_bytes()[..], &length(letter.len()), letter].concat());
    }
    let check = tagged("sotto/node-requests/v1", &[&out[..]]);
    [out, check.as_bytes().to_vec()].concat()
}

/// A letter that fifteen authorities signed.
fn long_letter(chain: &ChainId) -> RequestLetter {
    let rng = &mut crate::requests::rng(7);
    let authorities: Vec<Identity> = (0..15).map(|_| Identity::random(rng)).collect();
    let mut digests: Vec<_> = authorities.iter().map(|a| a.public().digest()).collect();
    digests.sort_unstable();
    let terms = CharterTerms { needed: 1, outputs: 1, requests: 1, depth: 1, delay: 1 };
    let key = PublicKey::of(&Scalar::from(4_711u64).into());
    let charter = Charter::new(key, digests, terms, "").unwrap();
    let outputs = vec![OutputPlace { height: Height::new(1), output: PointBytes([3; 32]) }];
    let matter = Matter { case: Hash::ZERO, outputs, reason: "an order".into() };
    let request = ReadRequest::new(&charter, matter, authorities[0].public(), rng).unwrap();
    let mut letter = RequestLetter::from(request);
    authorities.iter().for_each(|a| letter.allow(chain, &charter, a).unwrap());
    letter
}

#[test]
fn a_file_holds_as_many_requests_and_bytes_as_are_kept() {
    let requests = Requests::new(1);
    let (chain, charter) = (requests.test_chain.chain().id(), requests.charter.to_text());
    let long = long_letter(chain);
    let fit = (OpenedRequests::MAX_BYTES / long.to_bytes().len()) as u64;
    assert!(fit < MAX);
    for (letter, most) in [(requests.asked(1), MAX), (long, fit)] {
        let all = |n: u64| (1..=n).map(|n| (n, numbered(&letter, n))).collect::<Vec<_>>();
        let (_, read) = OpenedRequests::from_file(&file(chain, &charter, &all(most))).unwrap();
        assert_eq!(read.len() as u64, most);
        let refused = OpenedRequests::from_file(&file(chain, &charter, &all(most + 1)));
        assert_eq!(refused.map(drop), Err(Damage::Misplaced));
    }
    assert_eq!(OpenedRequests::from_file(&vec![1; 17 << 20]).map(drop), Err(Damage::Long));
}

#[test]
fn a_file_has_each_request_once_in_order_and_under_a_charter() {
    let requests = Requests::new(1);
    let (chain, charter) = (requests.test_chain.chain().id(), requests.charter.to_text());
    let letter = |n| numbered(&requests.asked(1), n);
    let read = |charter: &str, all: &[Kept]| OpenedRequests::from_file(&file(chain, charter, all)).map(drop);
    assert_eq!(read(&charter, &[(4, letter(1)), (5, letter(2))]), Ok(()));
    let misplaced = Err(Damage::Misplaced);
    assert_eq!(read(&charter, &[(5, letter(1)), (4, letter(2))]), misplaced, "not in order");
    assert_eq!(read(&charter, &[(4, letter(1)), (5, letter(1))]), misplaced, "at two heights");
    assert_eq!(read("", &[(4, letter(1))]), misplaced, "under no charter");
    assert_eq!(read("charter", &[(4, letter(1))]), misplaced, "under what is not one");
    assert_eq!(read("", &[]), Ok(()));
}

/// A ledger of this chain beside a file of requests.
fn beside(test_chain: &TestChain, file: Vec<u8>) -> Result<(Memory, Ledger), LedgerError> {
    let files = Memory::new();
    let store = Store::create_on(files.clone(), layout(), test_chain.chain().params().clone()).unwrap();
    files.set(FileName::Requests, file);
    let mut ledger = Ledger::over(store, MempoolLimits::default())?;
    test_chain.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    Ok((files, ledger))
}

/// As many are kept as may be: one with an earlier notice than all is refused and changes nothing, and one with a later notice
/// takes the place of the earliest.
#[test]
fn the_request_with_the_earliest_notice_gives_way() {
    let mut requests = Requests::new(1);
    let opened = requests.public(1).remove(0);
    let (chain, charter) = (*requests.test_chain.chain().id(), requests.charter.to_text());
    let letter = requests.asked(9);
    let full = |from: u64| (0..MAX).map(|n| (from + n, numbered(&letter, n))).collect::<Vec<_>>();

    let later = file(&chain, &charter, &full(1_000));
    let (files, mut ledger) = beside(&requests.test_chain, later.clone()).unwrap();
    let before = kept(&ledger).clone();
    assert!(matches!(keep(&mut ledger, opened.clone()), Err(OpenRefused::Full)));
    assert_eq!((kept(&ledger), files.bytes(FileName::Requests)), (&before, Some(later)));

    let mut earlier: Vec<Kept> = full(0);
    earlier.iter_mut().for_each(|(height, _)| *height = 1);
    let name = |bytes: &[u8]| RequestLetter::from_bytes(bytes).unwrap().request().name(&chain);
    earlier.sort_by_key(|(_, bytes)| name(bytes));
    let (files, mut ledger) = beside(&requests.test_chain, file(&chain, &charter, &earlier)).unwrap();
    let entry = keep(&mut ledger, opened.clone()).unwrap().unwrap();
    let all = kept(&ledger).after(OpenedPlace::FIRST, usize::MAX);
    let names: Vec<Hash> = all.iter().map(|at| at.request.letter.request().name(&chain)).collect();
    let left = earlier[1..].iter().map(|(_, bytes)| name(bytes));
    assert!(names.into_iter().eq(left.chain([entry.place.name])), "the first is gone, the new one is last");
    let again = OpenedRequests::from_file(&files.bytes(FileName::Requests).unwrap()).unwrap();
    assert_eq!(&again.1, kept(&ledger));
    assert!(keep(&mut ledger, opened).unwrap().is_none(), "nothing new");
}

#[test]
fn a_file_of_another_chain_stops_the_node_and_one_that_is_too_long_is_set_aside() {
    let requests = Requests::new(1);
    let charter = requests.charter.to_text();
    let foreign = file(TestChain::new(83).chain().id(), &charter, &[]);
    assert!(matches!(
        beside(&requests.test_chain, foreign),
        Err(LedgerError::Store(StoreError::Foreign { .. }))
    ));
    let long = vec![1; 17 << 20];
    let (files, ledger) = beside(&requests.test_chain, long.clone()).unwrap();
    assert!(ledger.opened().requests_set_aside && kept(&ledger).is_empty());
    assert_eq!(files.bytes(FileName::RequestsDamaged), Some(long));
}
