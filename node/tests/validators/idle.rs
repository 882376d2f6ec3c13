//! A network without payments.

use crate::World;
use core::time::Duration;
use sotto_mw::{
    Amount,
    block::Seal,
    terms::{Announced, Change, Limits},
};
use sotto_node::consensus::Timing;

/// Ten minutes without a payment: a block every half a minute, each in the first round.
#[test]
fn ten_idle_minutes_make_twenty_blocks_in_round_zero() {
    let mut world = World::with(40, 4, 0);
    world.idle = Timing::default().idle;
    (0..4).for_each(|n| world.start(n));
    world.run(300, |w| w.all_at(3));
    let first = world.chain.next().get();
    let end = world.now + Duration::from_secs(600);
    world.run(700, |w| w.now >= end);
    let blocks = world.chain.next().get() - first;
    assert!((19..=20).contains(&blocks), "{blocks}");
    for block in &world.chain.blocks()[first as usize..] {
        let Seal::Certificate(certificate) = &block.seal else { panic!("no certificate") };
        assert_eq!(certificate.round, 0, "at {}", block.header.height);
    }
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// A payment, and a change of the terms, end the wait for one: they are in a block a few seconds later.
#[test]
fn what_arrives_ends_an_idle_wait() {
    let mut world = World::with(42, 4, 0);
    world.idle = Timing::default().idle;
    (0..4).for_each(|n| world.start(n));
    world.run(300, |w| w.all_at(3));
    for n in 0..2 {
        let coin = world.coin();
        let (payment, _) = world.chain.pay(&[&coin], &[5]);
        world.submit(n, &payment);
        world.run(10, |w| w.has_sealed(&payment));
    }
    let what = Limits { fee_per_weight: Amount::new(2_000), max_weight: 40_000 };
    let from = world.chain.next().plus(60);
    world.change(2, Change::Limits(Announced { from, what }));
    world.run(10, |w| w.chain.chain().terms().announced_limits.is_some());
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// The status of a validator names those of the others that it has no connection to, and never itself.
#[test]
fn the_status_names_who_is_missing() {
    let mut world = World::new(41, 4);
    world.run(100, |w| w.all_at(2));
    let missing = |world: &mut World, n: usize| world.status(n).validator.unwrap().missing;
    assert!((0..4).all(|n| missing(&mut world, n).is_empty()));
    let name = |world: &World, n: usize| world.machines[n].validator.name.to_string();
    let names = [2, 3].map(|n| name(&world, n));
    (2..4).for_each(|n| world.kill(n));
    let end = world.now + Duration::from_secs(5);
    world.run(10, |w| w.now >= end);
    (0..2).for_each(|n| assert_eq!(missing(&mut world, n), names, "as {n} sees it"));
}
