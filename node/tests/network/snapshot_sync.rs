//! Nodes that begin with a snapshot: from one peer or several, with peers that lie or leave, and killed in
//! between.

use crate::{
    bank::{BLOCKS, Bank},
    world::{Flaw, World},
};
use core::time::Duration;
use sotto_mw::{amount::Height, state::ChainView};
use sotto_node::{
    config::Config,
    effect::{LogEvent, Response},
    event::Request,
    peer::{CloseReason, Offence},
    storage::FileName,
};

const SECOND: Duration = Duration::from_secs(1);
/// Items of a part, so that the small chain has about sixty parts.
const ITEMS: u32 = 4;
/// K of the long chain.
const K: u64 = 8;

fn near(config: &mut Config) {
    (config.snapshot_threshold, config.snapshot_every, config.part_items) = (20, K, ITEMS);
    config.outbound = 8;
}

/// So many nodes that have grown far enough for their first snapshot to be final, and one, the last, that has
/// yet to begin.
fn grown(seed: u64, nodes: usize, edit: impl Fn(&mut Config)) -> World {
    let mut world = World::new(seed, Bank::long(), nodes + 1, Vec::new(), |c| {
        near(c);
        edit(c);
    });
    world.crash(nodes);
    world.honest(nodes).erase();
    world.run(20 * SECOND);
    for _ in 0..=K {
        assert!(world.seal().is_some());
        world.run(5 * SECOND);
    }
    world
}

/// The last node has begun with the first snapshot, and agrees with all others that are up.
fn has_begun(world: &World, n: usize) {
    let tips = world.tips();
    assert!(tips.windows(2).all(|t| t[0] == t[1]), "{tips:?}");
    let ledger = world.node(n).unwrap().ledger();
    assert_eq!(ledger.store().base(), Height::new(BLOCKS));
    let restored =
        |(who, note): &(usize, LogEvent)| *who == n && matches!(note, LogEvent::SnapshotInstalled(_));
    assert_eq!(world.notes.iter().filter(|note| restored(note)).count(), 1, "{:?}", world.notes);
    let audit = ledger.audit(|_, _| ()).unwrap();
    assert_eq!((audit.height, audit.pruned), (ledger.tip().height, Height::new(BLOCKS)));
    // Nothing is left of the way here.
    assert_eq!(world.node(n).unwrap().usage().blocks, 0);
}

#[test]
fn a_node_begins_with_a_snapshot_from_one_peer() {
    let mut world = grown(1, 1, |_| ());
    world.start(1);
    world.run(40 * SECOND);
    has_begun(&world, 1);
    // It goes on as the others do, and comes back to where it was.
    assert!(world.seal().is_some());
    world.run(10 * SECOND);
    world.crash(1);
    world.start(1);
    world.run(20 * SECOND);
    assert!(world.seal().is_some());
    world.run(10 * SECOND);
    let tips = world.tips();
    assert_eq!((tips[0], tips.len()), (tips[1], 2));
}

/// While a snapshot is made, part by part, its node answers, and the chain goes on.
#[test]
fn a_node_that_makes_a_snapshot_does_all_else_too() {
    let mut world = World::new(5, Bank::long(), 2, Vec::new(), near);
    world.crash(1);
    world.honest(1).erase();
    world.run(2 * SECOND);
    let (mut ticks, mut sealed) = (0, 0);
    while !world.honest(0).has(FileName::Snapshot(0)) {
        assert!(world.honest(0).has(FileName::SnapshotDraft), "after {ticks} ticks");
        assert!(matches!(world.ask(0, Request::Status), Some(Response::Status(_))));
        if ticks % 8 == 7 {
            assert!(world.seal().is_some());
            sealed += 1;
        }
        world.run(SECOND / 2);
        ticks += 1;
    }
    assert!((parts() / 2..=2 * parts()).contains(&ticks), "{ticks} ticks for {} parts", parts());
    assert!(sealed > 2 && !world.honest(0).has(FileName::SnapshotDraft));
    while world.node(0).unwrap().ledger().tip().height <= Height::new(BLOCKS + K) {
        assert!(world.seal().is_some());
    }
    world.start(1);
    world.run(40 * SECOND);
    has_begun(&world, 1);
}

#[test]
fn of_three_peers_one_lies_and_one_leaves() {
    let mut world = grown(2, 3, |_| ());
    world.honest(1).flaw = Some(Flaw::Corrupts);
    world.honest(2).flaw = Some(Flaw::Vanishes(3));
    world.start(3);
    world.run(120 * SECOND);
    has_begun(&world, 3);
    let banned =
        |(who, why): &(usize, CloseReason)| *who == 3 && *why == CloseReason::Banned(Offence::Invalid);
    assert!(world.closings.iter().any(banned), "{:?}", world.closings);
    assert!(world.node(2).is_none(), "it has left");
    assert!((0..3).all(|n| world.honest(n).parts > 0), "all were asked");
}

#[test]
fn several_peers_share_the_work() {
    let mut world = grown(3, 3, |_| ());
    world.start(3);
    world.run(40 * SECOND);
    has_begun(&world, 3);
    let sent: Vec<usize> = (0..3).map(|n| world.honest(n).parts).collect();
    assert!(sent.iter().all(|n| *n >= 4) && sent.iter().sum::<usize>() == parts(), "{sent:?}");
}

/// A node that is configured to check every block does so, even if it had begun with a snapshot before.
#[test]
fn a_node_that_takes_no_snapshots_any_more_fetches_every_block() {
    let mut world = grown(20, 2, |_| ());
    world.start(2);
    while world.honest(0).parts + world.honest(1).parts < parts() / 2 {
        world.run(SECOND / 20);
    }
    world.crash(2);
    world.honest(2).config.snapshot_threshold = u64::MAX;
    world.start(2);
    world.run(60 * SECOND);
    let tips = world.tips();
    assert!(tips.windows(2).all(|t| t[0] == t[1]), "{tips:?}");
    assert_eq!(world.node(2).unwrap().ledger().store().base(), Height::GENESIS);
}

/// Power fails in the middle, twice; what had arrived is not asked for again.
#[test]
fn a_node_that_is_killed_in_the_middle_goes_on() {
    for seed in 0..4 {
        let mut world = grown(10 + seed, 2, |_| ());
        let sent = |world: &mut World| world.honest(0).parts + world.honest(1).parts;
        world.start(2);
        let all = parts();
        for stop in [all / 4, all / 2] {
            while sent(&mut world) < stop {
                world.run(SECOND / 20);
            }
            assert_eq!(world.node(2).unwrap().ledger().store().base(), Height::GENESIS);
            world.crash(2);
            world.start(2);
        }
        world.run(60 * SECOND);
        has_begun(&world, 2);
        // A loss of power costs at most what was not yet synced and what was on its way.
        assert!(sent(&mut world) <= all + 2 * (8 + 8), "{} of {all}", sent(&mut world));
    }
}

/// How many parts but headers the snapshot has: kernels and outputs.
fn parts() -> usize {
    let base = Bank::long().base();
    let tip = &base.last().unwrap().header;
    let (mut ranges, mut before) = (0, 0);
    for h in base.iter().map(|b| &b.header) {
        if h.kernel_count - before >= u64::from(ITEMS) || h.height == tip.height {
            (ranges, before) = (ranges + 1, h.kernel_count);
        }
    }
    ranges + tip.output_count.div_ceil(ITEMS.into()).next_power_of_two() as usize
}

/// If no peer has a snapshot, or the node wants none, every block is fetched.
#[test]
fn without_a_snapshot_every_block_is_fetched() {
    for (far, every) in [(20, 0), (u64::MAX, K)] {
        let mut world = grown(4, 2, |c| (c.snapshot_threshold, c.snapshot_every) = (far, every));
        world.start(2);
        world.run(200 * SECOND);
        let tips = world.tips();
        assert!(tips.len() == 3 && tips.windows(2).all(|t| t[0] == t[1]), "{tips:?}");
        let store = world.node(2).unwrap().ledger().store();
        assert_eq!((store.base(), store.tip().height), (Height::GENESIS, Height::new(BLOCKS + K + 1)));
    }
}

/// A chain of a few blocks, far below the threshold, whose only node that can be reached has pruned: its
/// state is taken in place of the bodies. A node that takes no snapshots says what is missing.
#[test]
fn a_newcomer_joins_a_short_chain_that_was_pruned() {
    for threshold in [2_880, u64::MAX] {
        let mut world = World::new(30, Bank::long(), 2, Vec::new(), |c| {
            (c.snapshot_threshold, c.snapshot_every) = (threshold, 0);
        });
        world.crash(1);
        world.honest(1).erase();
        world.run(2 * SECOND);
        (0..=K).for_each(|_| assert!(world.seal().is_some()));
        world.crash(0);
        world.honest(0).prune();
        world.start(0);
        world.start(1);
        world.run(60 * SECOND);
        let ledger = world.node(1).unwrap().ledger();
        let missing =
            world.notes.iter().any(|(who, note)| *who == 1 && matches!(note, LogEvent::NoBodies(_)));
        if threshold == u64::MAX {
            assert!(missing && ledger.tip().height == Height::GENESIS, "{:?}", world.notes);
            continue;
        }
        let tips = world.tips();
        assert_eq!(tips[0], tips[1], "{:?}", world.notes);
        assert!(!missing && ledger.store().base() > Height::GENESIS);
        ledger.audit(|_, _| ()).unwrap();
        // It goes on as the other does.
        assert!(world.seal().is_some());
        world.run(20 * SECOND);
        let tips = world.tips();
        assert_eq!(tips[0], tips[1]);
    }
}

/// A node that was away for a while, and comes back to peers that have dropped what it missed.
#[test]
fn a_node_that_was_away_joins_a_chain_that_was_pruned() {
    let mut world = World::new(31, Bank::long(), 2, Vec::new(), |c| c.snapshot_every = 0);
    world.run(5 * SECOND);
    world.crash(1);
    (0..3 * K).for_each(|_| assert!(world.seal().is_some()));
    world.crash(0);
    world.honest(0).prune();
    world.start(0);
    world.start(1);
    world.run(60 * SECOND);
    let tips = world.tips();
    assert_eq!(tips[0], tips[1], "{:?}", world.notes);
    assert!(world.node(1).unwrap().ledger().store().base() > Height::new(BLOCKS));
}

/// Headers that the disk lost on the way are requested from peers. One that hands them out under seals that
/// are none is banned, and snapshots are not given up for it: the chain breaks no rule.
#[test]
fn headers_that_the_disk_lost_come_with_their_seals() {
    const HEADERS: u32 = BLOCKS as u32 / ITEMS;
    // Before the parts, and of each part before its headers and their seals.
    const START: usize = 4 + 1 + 32 + 256 + 65 + 32;
    const PREFIX: usize = 4 + 1 + 4 + 32;
    let mut world = grown(6, 2, |_| ());
    world.honest(0).flaw = Some(Flaw::Unseals(HEADERS));
    world.start(2);
    for _ in 0..2_000 {
        if world.honest(2).has(FileName::SnapshotDownload) {
            break;
        }
        world.run(SECOND / 100);
    }
    let part = PREFIX + ITEMS as usize * (256 + 65);
    let lost = (HEADERS as usize / 2..HEADERS as usize).map(|place| START + place * part + PREFIX + 10);
    world.honest(2).damage(FileName::SnapshotDownload, lost);
    world.run(120 * SECOND);
    has_begun(&world, 2);
    let banned =
        |(who, why): &(usize, CloseReason)| *who == 2 && *why == CloseReason::Banned(Offence::Invalid);
    assert!(world.closings.iter().any(banned), "{:?}", world.closings);
}
