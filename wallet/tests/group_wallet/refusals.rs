//! What a member refuses of its own fellows, and of the other side.

use crate::{
    group_wallet::world::{World, these},
    support::Ledger,
};
use sotto_keys::{
    Log, Member, Seed,
    pool::{Plan, Pool},
};
use sotto_mw::{amount::Amount, hash::tagged};
use sotto_wallet::{
    InvoiceRequest,
    group::{GroupBook, GroupCoin, GroupError, GroupKeys, GroupRequest},
    keys::Account,
    slate::{Invite, Invoice, Memo, SlateError},
};

#[test]
fn what_a_proposer_makes_up_is_refused() {
    let mut world = World::new(2, 3);
    world.receive(2_000_000, &these(&[1, 2]));
    let (invoice, with) = (world.invoice(500_000), these(&[1, 2]));
    let good = world.wallet(0).pay(&invoice, &with).unwrap();
    let GroupRequest::Pay { change, kernel, inputs, invoice } = good.clone() else { panic!("{good:?}") };
    let pay = |inputs: Vec<GroupCoin>, change| {
        let request = GroupRequest::Pay { change, kernel, inputs, invoice: invoice.clone() };
        world.wallet(1).check(&request).unwrap_err()
    };
    let coin = inputs[0];
    let more = GroupCoin { amount: Amount::new(3_000_000), ..coin };
    assert_eq!(pay(vec![more], change), GroupError::Input(coin.key));
    assert_eq!(pay(vec![], change), GroupError::Balance);
    assert_eq!(pay(vec![coin, coin], change), GroupError::Balance);
    assert_eq!(pay(vec![coin], None), GroupError::Balance, "the rest would be lost");
    assert_eq!(pay(vec![coin], Some(coin.key)), GroupError::KeyUsed(coin.key));
    assert_eq!(world.wallet(1).check(&good), Ok(()));
    // A fee that pays for one input, and two are needed.
    world.receive(1_000_000, &with);
    let one =
        InvoiceRequest { amount: Amount::new(2_500_000), payer: None, inputs: 1, memo: Memo::default() };
    let cheap = world.outside.wallet.create_invoice(Account(0), one, &mut world.rng).unwrap();
    assert_eq!(world.wallet(0).pay(&cheap, &with), Err(GroupError::Balance));
    let huge = world.invoice(5_000_000);
    assert!(matches!(world.wallet(0).pay(&huge, &with), Err(GroupError::Insufficient { .. })));
}

/// The plan says which shares are opened: it must be the one that the request needs.
#[test]
fn a_plan_that_opens_more_than_its_request_says_is_refused() {
    let mut world = World::new(2, 3);
    world.receive(2_000_000, &these(&[1, 2]));
    let coin = world.members[0].book.entries().next().unwrap().coin;
    let invite = world.invite(100_000);
    let request = world.wallet(0).receive(&invite, &these(&[1, 2])).unwrap();
    let name = tagged("sotto/group/context/v1", &[world.view.name().as_bytes()]);
    let pool = Pool::new(world.group.epoch(), sotto_keys::Hash::from_bytes(*name.as_bytes()));
    let seed = Seed::from_bytes([3; 32]);
    let me = Member::new(&world.draft, &world.members[0].identity, &seed).unwrap();
    let asked = |plan: &Plan| {
        let mut log = Log::new(world.draft.id(), sotto_keys::Hash::from_bytes([4; 32]));
        pool.plan(&me, &mut log, plan).unwrap();
        world.wallet(1).asked(&log)
    };
    assert!(matches!(asked(&request.plan()), Ok(Some(_))));
    let more = Plan { subtracted: vec![coin.key], ..request.plan() };
    assert_eq!(asked(&more), Err(GroupError::OtherPlan));
    let without = Plan { added: vec![], ..request.plan() };
    assert_eq!(asked(&without), Err(GroupError::OtherPlan));
    let unread = Plan { request: vec![1, 2, 3], ..request.plan() };
    assert!(matches!(asked(&unread), Err(GroupError::Request(_))));
}

#[test]
fn slates_that_are_not_for_the_group_are_refused() {
    let mut world = World::new(2, 3);
    world.receive(2_000_000, &these(&[1, 2]));
    let with = these(&[2, 3]);
    let invite = world.invite(100_000);
    let other = Invite { recipient: Some(world.outside.address()), ..invite.clone() };
    let refused = |invite: &Invite| world.wallet(0).receive(invite, &with).unwrap_err();
    assert_eq!(refused(&other), SlateError::NotForUs.into());
    let altered = Invite { amount: Amount::new(100_001), ..invite };
    assert_eq!(refused(&altered), SlateError::InviterSignature.into());
    let invoice = world.invoice(100_000);
    let named = Invoice { payer: Some(world.address()), ..invoice.clone() };
    let refused = |invoice: &Invoice| world.wallet(0).pay(invoice, &with).unwrap_err();
    assert_eq!(refused(&named), GroupError::NamedPayer);
    let altered = Invoice { amount: Amount::new(100_001), ..invoice };
    assert_eq!(refused(&altered), SlateError::InvoiceOutput.into());
    let other = Ledger::with(|params| params.reward = Amount::new(7)).chain;
    let keys = GroupKeys::new(&other, world.group.epoch(), &world.view).map(|_| ());
    assert_eq!(keys, Err(GroupError::OtherChain));
}

#[test]
fn a_pool_that_runs_low_asks_for_the_next_one() {
    let world = World::new(2, 3);
    let book = |used: u8| {
        let mut bytes = b"sotto group book v1".to_vec();
        bytes.extend_from_slice(&u32::from(used).to_le_bytes());
        bytes.extend(1..=used);
        bytes.extend_from_slice(&[0; 4]);
        GroupBook::from_bytes(&bytes).unwrap()
    };
    assert!(!book(191).asks_for_refill() && book(192).asks_for_refill());
    assert_eq!((book(0).fresh(), book(254).fresh()), (255, 1));
    let all = these(&[1, 2, 3]);
    assert!(book(252).keys_of(&world.draft, &all, 2).is_none(), "three keys of three sets");
    assert_eq!(book(0).keys_of(&world.draft, &these(&[1, 3]), 2).unwrap().len(), 2);
    assert!(book(0).keys_of(&world.draft, &these(&[1]), 2).is_none(), "one member is no set");
}
