//! The test vector of a member's stored wallet, new and after sessions: `SOTTO_VECTORS=write` writes it.

use crate::group_wallet::world::{World, honest, these};
use sotto_keys::{Hash, Index, Step};
use sotto_vectors::{Value, json};
use sotto_wallet::{
    MemoryStore, Store as _,
    group::{GroupAnswer, GroupAsked, GroupRequest, GroupStage, Past},
    member_wallet::MemberWallet,
    scan::ChainSource as _,
};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The request of a session; its first member notes the keys.
fn asked(world: &mut World, request: &GroupRequest) -> (Hash, GroupAsked) {
    let parties = world.open(0, request);
    let asked = world.wallet(0).asked(&parties[0].log).unwrap().unwrap();
    world.members[0].book.note(&asked);
    (parties[0].log.session(), asked)
}

fn bytes_of(wallet: &MemberWallet<MemoryStore>) -> Vec<u8> {
    wallet.store().load().unwrap().to_vec()
}

fn vector() -> Value {
    let mut world = World::new(2, 3);
    let (group, view) = (world.group.clone(), world.view.clone());
    let chain = world.ledger.chain.clone();
    let mut wallet = MemberWallet::create(MemoryStore::default(), chain, group, view).unwrap();
    let fresh = bytes_of(&wallet);
    // A payment that is in a block: its output can be spent.
    let invite = world.invite(5_000_000);
    let request = world.wallet(0).receive(&invite, &these(&[1, 2])).unwrap();
    let mut parties = world.open(0, &request);
    let asked_first = world.wallet(0).asked(&parties[0].log).unwrap().unwrap();
    let session = parties[0].log.session();
    let ended = world.run(&mut parties, &honest);
    let Ok(Some(answer)) = &ended[0] else { panic!("{ended:?}") };
    let GroupAnswer::Response(response) = answer else { panic!("a payment") };
    wallet.keep(session, &asked_first, GroupStage::Answered(answer.clone())).unwrap();
    let payment = world.outside.finalize(response).unwrap();
    world.seal(payment);
    wallet.scan(Past::Kept, &world.ledger).unwrap();
    // One that spends it and waits for answers, one that waits for masks, one that failed.
    let invoice = world.invoice(1_000_000);
    let request = world.wallet(0).pay(&invoice, &these(&[1, 3])).unwrap();
    let (paying, asked_second) = asked(&mut world, &request);
    let from = vec![Index::new(3).unwrap()];
    wallet.keep(paying, &asked_second, GroupStage::Awaiting { step: Step::Answered, from }).unwrap();
    for stage in [
        GroupStage::Awaiting { step: Step::Masked, from: these(&[2, 3]) },
        GroupStage::Failed { by: Index::new(3) },
    ] {
        let invite = world.invite(1_000_000);
        let request = world.wallet(0).receive(&invite, &these(&[1, 2])).unwrap();
        let (receiving, asked) = asked(&mut world, &request);
        wallet.keep(receiving, &asked, stage).unwrap();
    }
    let bytes = bytes_of(&wallet);
    let same = bytes.iter().zip(&fresh).take_while(|(a, b)| a == b).count();
    assert!(MemberWallet::open(wallet.store().clone()).is_ok(), "a stored wallet is read again");
    json!({
        "about": "a member's wallet of a group of 2 of 3: `contents` after a payment in a block, one that waits for an answer, one \
                  that waits for masks and one that failed; a new wallet's are `same` bytes of them and `fresh_rest`",
        "chain_id": hex(world.ledger.chain.id().as_bytes()),
        "view_secret": hex(world.view.expose()),
        "paid_in": hex(session.as_bytes()),
        "paying": hex(paying.as_bytes()),
        "tip": { "height": wallet.tip().get(), "hash": hex(world.ledger.tip().unwrap().1.as_bytes()) },
        "same": same,
        "fresh_rest": hex(&fresh[same..]),
        "contents": hex(&bytes),
    })
}

#[test]
fn a_stored_member_wallet_is_as_documented() {
    let (file, text) = (sotto_vectors::file("member_wallet"), sotto_vectors::render(&vector()));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap() == text,
        "member_wallet.json differs from what the code gives"
    );
}
