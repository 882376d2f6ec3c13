//! Nodes that begin with a snapshot, after the validators changed several times.

use crate::World;
use core::time::Duration;
use sotto_mw::{amount::Height, history::TermsChange, state::ChainView};
use sotto_node::{
    ledger::{Ledger, mempool::MempoolLimits},
    storage::{FileName, Layout, Store},
};

const EVERY: u64 = 8;

/// Four validators become six; the last machine has not been started.
fn changed(seed: u64, threshold: u64) -> World {
    let mut world = World::with(seed, 4, 3);
    world.snapshots = Some((EVERY, threshold, 32));
    (0..6).for_each(|n| world.start(n));
    world.run(300, |w| w.all_at(4));
    world.move_to(4, &[0, 1, 2, 3, 4]);
    world.move_to(5, &[0, 1, 2, 3, 4, 5]);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + EVERY));
    world
}

/// A node is at the tip, has no bodies up to some height, and its store passes an audit.
fn began_with_a_snapshot(world: &mut World, n: usize) {
    let height = world.chain.next().get();
    world.run(400, |w| w.height(n).get() >= height);
    let store = world.machines[n].node.as_ref().unwrap().ledger().store();
    assert!(store.base() > Height::GENESIS, "it began with a snapshot");
    assert!(store.base().get().is_multiple_of(EVERY));
    let audit = world.machines[n].node.as_ref().unwrap().ledger().audit(|_, _| {}).unwrap();
    assert_eq!(audit.pruned, store.base());
    let (first, tip) = (Height::new(1), store.tip().height);
    let shown = store.terms_changes(first, tip, 100).unwrap();
    let others = world.machines[0].node.as_ref().unwrap().ledger().store();
    let theirs = others.terms_changes(first, tip, 100).unwrap();
    let of = |all: &[TermsChange]| {
        all.iter().map(|c| (c.sealed.header.clone(), c.terms.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of(&shown), of(&theirs));
    assert!(shown.len() >= 4, "two sets were announced, and two took over");
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// Peers hold different certificates of the same headers.
#[test]
fn a_newcomer_begins_with_a_snapshot() {
    let mut world = changed(30, 10);
    let sealed = |n: usize, h: u64| {
        let node = world.machines[n].node.as_ref().unwrap();
        node.ledger().store().sealed_headers(Height::new(h), Height::new(h)).unwrap().remove(0)
    };
    let differ = |h: u64| (1..6).any(|n| sealed(n, h).seal != sealed(0, h).seal);
    assert!((1..world.height(0).get()).any(differ), "one certificate is as good as another");
    world.start(6);
    began_with_a_snapshot(&mut world, 6);
    // Started again, it knows who seals, and hands the snapshot on.
    world.kill(6);
    world.start(6);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + 2));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// Killed every while, it goes on with the parts that it has, under the terms that they state.
#[test]
fn a_newcomer_is_killed_on_the_way() {
    let (mut world, mut resumed) = (changed(31, 10), 0);
    for pause in (1..30).map(|n| Duration::from_millis(40 * n)) {
        world.start(6);
        let end = world.now + pause;
        world.run(100, |w| w.now >= end);
        world.kill(6);
        resumed += usize::from(world.machines[6].files.bytes(FileName::SnapshotDownload).is_some());
    }
    assert!(resumed > 0, "it was killed while parts arrived");
    world.start(6);
    began_with_a_snapshot(&mut world, 6);
}

/// Where all have dropped the bodies, a node that is only a little behind needs a snapshot too; and a
/// validator that slept while the set changed votes again.
#[test]
fn a_validator_sleeps_while_the_set_changes_and_all_prune() {
    let mut world = World::with(32, 4, 3);
    world.snapshots = Some((EVERY, 1_000, 1_024));
    (0..6).for_each(|n| world.start(n));
    world.run(300, |w| w.all_at(4));
    world.kill(2);
    world.move_to(4, &[0, 1, 2, 3, 4]);
    world.move_to(5, &[0, 1, 2, 3, 4, 5]);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + EVERY));
    for n in [0, 1, 3, 4, 5] {
        world.kill(n);
        let store = Store::open_on(world.machines[n].files.clone(), Layout::in_memory()).unwrap();
        let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        assert!(ledger.prune().unwrap().dropped > 0);
        drop(ledger);
        world.start(n);
    }
    world.start(2);
    let height = world.chain.next().get();
    world.run(600, |w| w.height(2).get() >= height);
    let store = world.machines[2].node.as_ref().unwrap().ledger().store();
    assert!(store.base() > Height::GENESIS);
    // Five of six are a quorum: without another, the one that slept is needed.
    world.kill(0);
    world.pay(5);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + 2));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}
