//! A group that owns outputs on a chain whose auditors read every amount.

use crate::group_wallet::world::{World, honest, these};
use sotto_keys::Step;
use sotto_mw::{
    chain::{Auditors, INPUT_WEIGHT, KERNEL_WEIGHT},
    codec::Encode as _,
    group::Scalar,
    hash::Hash,
    output::Audit,
    schnorr::PublicKey,
};
use sotto_wallet::slate::InvoiceRequest;

/// The secret key of the auditors.
pub(crate) const AUDITORS: u64 = 4_711;

pub(crate) fn world() -> World {
    let key = PublicKey::of(&Scalar::from(AUDITORS).into());
    World::on(2, 3, Some(Auditors { key, charter: Hash::ZERO }))
}

/// Outputs weigh 28 here.
fn invoice_fee() -> u64 {
    1_000 * (u64::from(InvoiceRequest::INPUTS) * INPUT_WEIGHT + 2 * 28 + KERNEL_WEIGHT)
}

/// An amount of two halves: 5 SOT are above 2³² units. The rules verify the handles of every output (MW-R32).
#[test]
fn a_group_receives_and_pays() {
    let mut world = world();
    world.receive(5_000_000_000, &these(&[1, 2]));
    world.receive(3_000_000, &these(&[2, 3]));
    assert_eq!(world.scan(), 5_003_000_000);
    world.pay(5_001_000_000, &these(&[1, 3]));
    let rest = 2_000_000 - invoice_fee();
    assert_eq!(world.scan(), rest);
    world.pay(rest - invoice_fee(), &these(&[1, 2]));
    assert_eq!(world.scan(), 0);
    let blocks = world.ledger.memory.blocks();
    assert!(blocks.iter().flat_map(|b| &b.body.outputs).all(|o| o.audit() == Audit::Audited));
}

/// To the other side and on the chain it is a wallet like any. Masks of an output are 96 bytes longer than elsewhere.
#[test]
fn the_other_side_does_not_notice() {
    let mut world = world();
    let invite = world.invite(1_000_000);
    let request = world.wallet(2).receive(&invite, &these(&[1, 3])).unwrap();
    let mut parties = world.open(2, &request);
    assert!(world.run(&mut parties, &honest).iter().all(Result::is_ok));
    let masked = |l: &&sotto_keys::Letter| l.heading().step == Step::Masked;
    let lengths: Vec<usize> = parties[0].log.letters().filter(masked).map(|l| l.body().len()).collect();
    // Two keys, and two signatures: possession and receipt.
    assert_eq!(lengths, [96 + 4 * 64; 2]);
    let response = world.respond(2, &invite, &these(&[1, 3]));
    let mut other = world.ledger.wallet(77);
    let own = world.outside.invite(1_000_000, &other);
    let ordinary = other.respond(&own).unwrap();
    assert_eq!(response.to_bytes().len(), ordinary.to_bytes().len());
    assert!(response.output.proof_holds(&world.ledger.chain) && response.output.code() == 2);
}
