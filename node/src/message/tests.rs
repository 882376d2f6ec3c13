//! Every kind of message is read back, and nothing else decodes.
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

use super::*;
use crate::peer::PeerKey;
use core::net::SocketAddr;
use rand_core::OsRng;
use sotto_audit::{Charter, CharterTerms, Matter, OutputPlace, ReadRequest};
use sotto_mw::{
    chain::ChainId,
    commitment::Commitment,
    group::PointBytes,
    output::OutputFeatures,
    schnorr::PublicKey,
    secret::SecretScalar,
    terms::{Announced, Change},
    testing::TestChain,
    votes::{Vote, VoteKind},
};
use sotto_party::Identity;

/// A validator that voted twice.
fn evidence(chain: &ChainId) -> Evidence {
    let (key, height) = (SecretScalar::random(&mut OsRng), Height::new(7));
    let [a, b] = [None, Some(Hash::ZERO)]
        .map(|value| Vote { kind: VoteKind::Prevote, height, round: 1, value }.sign(chain, &key, &mut OsRng));
    Evidence::votes(a, b)
}

fn terms_change() -> TermsChange {
    let mut chain = TestChain::with_validators(45, 4);
    let change = chain.change(Change::Rules(Announced { from: Height::new(900), what: 9 }), Height::new(9));
    chain.grow_with(Vec::new(), Some(change));
    TermsChange { sealed: SealedHeader::of(&chain.blocks()[0]), terms: chain.chain().terms().clone() }
}

/// A request that no authority allowed, with its charter.
fn opened() -> OpenedRequest {
    let reader = Identity::random(&mut OsRng).public();
    let key = PublicKey::of(&SecretScalar::random(&mut OsRng));
    let terms = CharterTerms { needed: 1, outputs: 4, requests: 2, depth: 3, delay: 5 };
    let charter = Charter::new(key, vec![reader.digest()], terms, "").unwrap();
    let outputs = vec![OutputPlace { height: Height::new(1), output: PointBytes([3; 32]) }];
    let matter = Matter { case: Hash::ZERO, outputs, reason: "an order".into() };
    let letter = ReadRequest::new(&charter, matter, reader, &mut OsRng).unwrap().into();
    OpenedRequest { charter, letter }
}

fn all() -> Vec<Message> {
    let mut test_chain = TestChain::new(11);
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let (t, _) = test_chain.pay(&[&coin], &[5]);
    test_chain.grow(vec![t.clone()]);
    let block = test_chain.blocks().last().unwrap().clone();
    let (sealed, name) = (SealedHeader::of(&block), BlockName::of(&block.header));
    let hello = |listen_port| Hello { chain: *test_chain.chain().id(), rules: rules(), listen_port };
    let at = |ip: [u8; 4]| Address { at: SocketAddr::from((ip, 7)), key: PeerKey([9; 32]) };
    let six = Address { at: "[2001:db8::1]:65535".parse().unwrap(), key: PeerKey([8; 32]) };
    let (hash, ids) = (name.hash, vec![name.hash, Hash::ZERO]);
    let announce = Change::Rules(Announced { from: Height::new(99), what: 9 });
    let change = TestChain::with_validators(44, 4).change(announce, Height::new(9));
    let commitments: Vec<Commitment> = block.body.inputs.clone();
    assert!(!commitments.is_empty());
    let compact = Compact::of(&block, 3).unwrap();
    let place = OpenedPlace { height: name.height, name: hash };
    vec![
        Message::Hello(hello(None)),
        Message::Hello(hello(Some(4_000))),
        Message::Ping(1),
        Message::Pong(u64::MAX),
        Message::GetAddresses,
        Message::Addresses(vec![at([1, 2, 3, 4]), six]),
        Message::Stem(t.clone()),
        Message::Announce(ids.clone()),
        Message::GetTransactions(ids),
        Message::Transaction(t),
        Message::Tip(sealed.clone()),
        Message::GetHeaders(vec![name, name]),
        Message::Headers(vec![sealed.clone()]),
        Message::GetCompact(name),
        Message::Compact(compact.clone()),
        Message::GetItems { block: name, outputs: vec![0, 7], kernels: vec![] },
        Message::Items {
            block: name,
            outputs: block.body.outputs.clone(),
            kernels: block.body.body_kernels().collect(),
        },
        Message::GetBlock(name),
        Message::Block { sealed: sealed.clone(), body: block.body.to_bytes() },
        Message::GetSnapshots,
        Message::Snapshots(vec![sealed.clone(), sealed]),
        Message::GetPart { block: hash, place: 7 },
        Message::Part { block: hash, place: 7, bytes: vec![1, 2, 3] },
        Message::NotFound(name),
        Message::Consensus(vec![1, 2, 3]),
        Message::Proposed(vec![4; 40]),
        Message::GetProposed(hash),
        Message::CompactProposed { header: block.header.clone(), body: Box::new(compact.body.clone()) },
        Message::Change(Box::new(change)),
        Message::Evidence(evidence(test_chain.chain().id())),
        Message::GetTerms(Height::new(7)),
        Message::Terms(vec![terms_change()]),
        Message::GetOpened(place),
        Message::Opened([false, true].map(|recorded| OpenedEntry { place, recorded }).to_vec()),
        Message::GetRequest(place),
        Message::Request(Box::new(opened())),
    ]
}

#[test]
fn every_kind_is_read_back_and_no_prefix_is() {
    let messages = all();
    let kinds: std::collections::BTreeSet<u8> = messages.iter().map(Message::kind).collect();
    assert_eq!(kinds, (0..35).collect(), "one of each kind");
    for m in messages {
        let bytes = m.to_bytes();
        assert_eq!(Message::from_bytes(&bytes).as_ref(), Ok(&m));
        // A block's body and a part of a snapshot stay bytes, and are judged later.
        let fixed = match m {
            Message::Block { .. } => 2 + 256 + 65,
            Message::Part { .. } => 2 + 36,
            // Nor are these decoded here.
            Message::Consensus(_) | Message::Proposed(_) => 2,
            _ => bytes.len(),
        };
        for at in (0..fixed).step_by(1 + fixed / 200) {
            assert!(Message::from_bytes(&bytes[..at]).is_err(), "{} {at}", m.kind());
        }
        if fixed == bytes.len() {
            assert!(Message::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        }
    }
    assert!(matches!(Message::from_bytes(&[1, 35]), Err(DecodeError::Code { .. })));
    assert!(matches!(Message::from_bytes(&[2, 1]), Err(DecodeError::Version { .. })));
}

/// What each kind may cost its receiver is in the document on threats, in a row of its own; and no frame is
/// free but by the question that it answers.
#[test]
fn every_kind_has_its_row_among_the_threats() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/THREATS.md");
    let threats = std::fs::read_to_string(path).unwrap();
    let table = threats.split_once("| message | bytes |").unwrap().1.split("\n\n").next().unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().skip(2).map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 5 && row.iter().all(|cell| !cell.is_empty())), "{rows:?}");
    let mut names: Vec<String> = all()
        .iter()
        .map(|m| format!("{m:?}").chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect();
    names.dedup();
    assert_eq!(names, rows.iter().map(|row| row[0]).collect::<Vec<_>>());
    assert!(all().iter().all(|m| price::price(&m.to_bytes()) >= 1));
}

/// A compact proposal costs its points, as a compact block does, whose body it has.
#[test]
fn a_compact_proposal_costs_its_points() {
    let (mut compact, mut proposed) = (None, None);
    for m in all() {
        match m {
            Message::Compact(_) => compact = Some(price::price(&m.to_bytes())),
            Message::CompactProposed { .. } => {
                proposed = Some((price::price(&m.to_bytes()), m.to_bytes().len()))
            }
            _ => {}
        }
    }
    let (proposed, bytes) = proposed.unwrap();
    assert_eq!(proposed, 1 + bytes as u64 / 32);
    // The compact block has a seal of 65 bytes besides.
    assert_eq!(compact.unwrap() - proposed, 2);
}

#[test]
fn counts_are_bounded_before_anything_is_made() {
    let counted = |kind: u8, n: u16| [&[VERSION, kind][..], &n.to_le_bytes(), &[0; 40]].concat();
    for (kind, most) in [
        (4, MAX_ADDRESSES),
        (6, MAX_IDS),
        (7, MAX_IDS),
        (10, MAX_LOCATOR),
        (11, MAX_HEADERS),
        (19, MAX_SNAPSHOTS),
        (30, MAX_TERMS),
        (32, MAX_IDS),
    ] {
        assert!(
            matches!(Message::from_bytes(&counted(kind, most + 1)), Err(DecodeError::Bound { .. })),
            "{kind}"
        );
        assert!(matches!(
            Message::from_bytes(&counted(kind, most)),
            Err(DecodeError::Short { .. } | DecodeError::Scalar)
        ));
    }
    let items = [&[VERSION, 14][..], &[0; 40], &(MAX_ITEMS + 1).to_le_bytes()].concat();
    assert!(matches!(Message::from_bytes(&items), Err(DecodeError::Bound { .. })));
    assert!(matches!(Message::from_bytes(&vec![VERSION; MAX_MESSAGE + 1]), Err(DecodeError::Bound { .. })));
}

/// Whoever asks for one item many times would have an answer many times as long as the block.
#[test]
fn places_ascend() {
    let ask = |outputs: Vec<u32>, kernels| {
        let block = BlockName { height: Height::GENESIS, hash: Hash::from_bytes([1; 32]) };
        Message::from_bytes(&Message::GetItems { block, outputs, kernels }.to_bytes())
    };
    assert!(ask(vec![0, 1, 7], vec![3]).is_ok() && ask(vec![], vec![]).is_ok());
    for bad in [vec![0; 65_536], vec![3, 3], vec![0, 2, 1]] {
        assert!(matches!(ask(bad.clone(), vec![]), Err(DecodeError::Bound { .. })));
        assert!(matches!(ask(vec![], bad), Err(DecodeError::Bound { .. })));
    }
}

/// A compact block is filled from the pool alone, from items, or not at all.
#[test]
fn a_compact_block_is_filled_from_what_is_there() {
    use crate::message::compact::{Filling, items};
    let mut test_chain = TestChain::new(12);
    let coins = [test_chain.grow(Vec::new()), test_chain.grow(Vec::new())];
    test_chain.mature();
    let payments = vec![test_chain.pay(&[&coins[0]], &[5]).0, test_chain.pay_one_sided(&[&coins[1]], &[5]).0];
    test_chain.grow(payments.clone());
    let block = test_chain.blocks().last().unwrap().clone();
    let compact = Compact::of(&block, 99).unwrap();
    assert!(compact.to_bytes().len() * 2 < block.to_bytes().len());
    let filling = |compact: &CompactBody, pending: &[Transaction]| {
        Filling::new(&block.header, compact.clone(), pending.iter())
    };
    let compact = compact.body;
    let full = filling(&compact, &payments);
    assert_eq!(full.missing(), (vec![], vec![]));
    assert_eq!(full.body().as_ref(), Some(&block.body));

    let mut half = filling(&compact, &payments[..1]);
    let (outputs, kernels) = half.missing();
    assert_eq!((outputs.len(), kernels.len()), (2, 1));
    assert_eq!(half.clone().body(), None);
    let (o, k) = items(&block.body, &outputs, &kernels).unwrap();
    assert!(!half.clone().fill(o[1..].to_vec(), k.clone()), "too few");
    assert!(!half.clone().fill([&o[..], &o[..]].concat(), k.clone()), "too many");
    assert!(
        !half.clone().fill(vec![o[1].clone(), o[0].clone()], k.clone()),
        "others than the short ids name"
    );
    // Short ids that are right, of what the block does not hold.
    let mut wrong = CompactBody { inputs: Vec::new(), ..compact.clone() };
    wrong.inputs.extend(compact.inputs.iter().skip(1));
    let mut wrong = filling(&wrong, &payments[..1]);
    assert!(wrong.fill(o.clone(), k.clone()) && wrong.body().is_none());
    assert!(half.fill(o, k));
    assert_eq!(half.body().as_ref(), Some(&block.body));
    assert_eq!(items(&block.body, &[4], &[]), None, "the reward is not counted");
    // The same kernel under another bond is not the one of the block.
    let mut squatted = payments.clone();
    squatted[1]
        .body
        .bonds
        .values_mut()
        .for_each(|bond| bond.key = *test_chain.chain().params().operator().unwrap());
    assert_eq!(filling(&compact, &squatted).missing().1.len(), 1);
    // Nor is the same output under another signature of its sender.
    let mut again = payments.clone();
    for o in &mut again[1].body.outputs {
        if let OutputFeatures::OneSided(o) = &mut o.features {
            o.signature = block.body.kernels[0].signature;
        }
    }
    assert_eq!(filling(&compact, &again).missing().0.len(), 2);
    let other = Compact::of(&block, 98).unwrap();
    assert_ne!(other.body.outputs, compact.outputs, "each salt gives other ids");
}
