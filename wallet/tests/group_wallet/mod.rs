//! A wallet that a group owns: members receive and pay together, to a side that does not notice; whoever lies is
//! named; a crash costs nothing; and an insider takes nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::type_complexity)]

mod audited;
mod contents;
mod liars;
mod refusals;
mod theft;
mod vector;
mod world;

use sotto_mw::codec::Encode as _;
use sotto_wallet::{
    group::{CoinState, GroupBook},
    keys::Account,
};
use world::{World, honest, these};

#[test]
fn three_of_five_receive_and_pay() {
    let mut world = World::new(3, 5);
    world.receive(2_000_000, &these(&[1, 2, 3]));
    world.receive(3_000_000, &these(&[2, 4, 5]));
    assert_eq!(world.scan(), 5_000_000);
    // A third set spends what the two received, and gets change.
    world.pay(4_000_000, &these(&[1, 3, 5]));
    let rest = 1_000_000 - World::invoice_fee();
    assert_eq!(world.scan(), rest);
    let states: Vec<CoinState> = world.members[4].book.entries().map(|e| e.state).collect();
    let spent = states.iter().filter(|s| matches!(s, CoinState::Spent { .. })).count();
    assert_eq!((states.len(), spent), (3, 2));
    // All of it: no change is made.
    world.pay(rest - World::invoice_fee(), &these(&[1, 2, 3]));
    assert_eq!(world.scan(), 0);
}

/// To the other side it is a wallet: the same bytes as any, but for what is random.
#[test]
fn the_other_side_does_not_notice() {
    let mut world = World::new(2, 3);
    let invite = world.invite(1_000_000);
    let response = world.respond(2, &invite, &these(&[1, 3]));
    let mut other = world.ledger.wallet(77);
    let own = world.outside.invite(1_000_000, &other);
    let ordinary = other.respond(&own).unwrap();
    assert_eq!(response.to_bytes().len(), ordinary.to_bytes().len());
    assert!(response.output.proof_holds(world.ledger.chain.id()));
}

/// The receipt is that of any receiver, so the payer proves that it paid the group.
#[test]
fn a_payment_to_a_group_is_proven_as_any_other() {
    let mut world = World::new(2, 3);
    let invite = world.invite(1_000_000);
    let response = world.respond(0, &invite, &these(&[1, 2]));
    let payment = world.outside.finalize(&response).unwrap();
    world.seal(payment);
    let excess = world.outside.wallet.paid_excess(&invite.session).unwrap();
    let inclusion = world.ledger.inclusion(&excess, world.ledger.height().get()).unwrap();
    let proof = world.outside.wallet.prove(&invite.session, inclusion).unwrap();
    proof.verify(world.ledger.chain.id()).unwrap();
    assert_eq!(proof.receipt.amount.units(), 1_000_000);
}

/// The wallet of the other side encrypts to the group's address; any member reads it, and encrypts the answer.
#[test]
fn messages_are_encrypted_to_all_members_and_from_all() {
    let mut world = World::new(2, 3);
    let invite = world.invite(1_000_000);
    let (chain, to) = (world.ledger.chain.clone(), world.address());
    let message = world.outside.wallet.encrypt(Account(0), &to, &invite).unwrap();
    assert_eq!(world.keys().decrypt(&chain, &message), Some(invite.clone()));
    let foreign = world.outside.wallet.encrypt(Account(0), &world.outside.address(), &invite).unwrap();
    assert_eq!(world.keys().decrypt(&chain, &foreign), None);
    let response = world.respond(0, &invite, &these(&[1, 2]));
    let answer = world.keys().encrypt(&chain, &world.outside.address(), &response);
    assert_eq!(world.outside.wallet.decrypt(&answer).unwrap(), response);
}

/// Any member finds what the group owns in the chain, with the view secret alone.
#[test]
fn a_lost_list_is_read_from_the_chain() {
    let mut world = World::new(2, 3);
    world.receive(2_000_000, &these(&[1, 2]));
    let kept = world.members[0].book.clone();
    world.members[0].book = GroupBook::default();
    assert_eq!(world.scan(), 2_000_000);
    let entries = |book: &GroupBook| book.entries().copied().collect::<Vec<_>>();
    assert_eq!(entries(&world.members[0].book), entries(&kept));
    assert_eq!(GroupBook::from_bytes(&kept.to_bytes()), Ok(kept.clone()));
    for cut in 0..kept.to_bytes().len() {
        assert!(GroupBook::from_bytes(&kept.to_bytes()[..cut]).is_err(), "cut at {cut}");
    }
}

/// A member that crashes before it stores anything does the same again; its register has kept what it closed.
#[test]
fn a_crash_before_any_step_is_stored_costs_nothing() {
    let mut world = World::new(2, 3);
    let invite = world.invite(2_000_000);
    let request = world.wallet(0).receive(&invite, &these(&[1, 2])).unwrap();
    let parties = world.open(0, &request);
    let smooth = world.run(&mut parties.clone(), &honest);
    let answer = smooth[0].clone().unwrap().unwrap();
    let books: Vec<GroupBook> = world.members.iter().map(|_| GroupBook::default()).collect();
    for crash in 0..9 {
        world.members.iter_mut().zip(&books).for_each(|(m, book)| m.book = book.clone());
        let (mut parties, mut acts) = (parties.clone(), 0);
        for _ in 0..4 {
            for (i, party) in parties.iter_mut().enumerate() {
                let stored = party.clone();
                let _ = world.act(i, party);
                if acts == crash {
                    *party = stored;
                    world.members[i].book = GroupBook::default();
                }
                acts += 1;
            }
            let all: Vec<_> =
                parties.iter().flat_map(|p| p.log.letters().cloned().collect::<Vec<_>>()).collect();
            for party in &mut parties {
                for letter in &all {
                    party.log.take(letter.clone(), &world.draft).unwrap();
                }
            }
        }
        let ended = world.run(&mut parties, &honest);
        assert!(
            ended.iter().all(|end| end.as_ref() == Ok(&Some(answer.clone()))),
            "crash {crash}: {ended:?}"
        );
    }
}
