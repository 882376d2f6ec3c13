//! A snapshot that is made in pieces is the one that would have been made at once, whatever the chain does
//! meanwhile.

use super::*;
use crate::storage::{Layout, Memory, Store};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    block::Block,
    rules::{self, BlockChange, Connected},
    testing::TestChain,
};

const ITEMS: u32 = 3;

fn layout() -> Layout {
    Layout { segment_bytes: 4_000, ..Layout::in_memory() }
}

/// Adds a block of the test chain.
fn add(store: &mut Store, b: &Block) {
    let chain = store.chain().clone();
    let block = rules::check_block(&chain, b.clone()).unwrap();
    let block = rules::verify_block(&chain, &store.head.header, block).unwrap();
    let block: Connected<BlockChange> = rules::connect_block(&chain, store, block).unwrap();
    store.apply(&block).unwrap();
}

/// A store of the first `blocks`, which hands out snapshots in small parts.
fn grown(files: &Memory, test_chain: &TestChain, blocks: usize) -> Store {
    let mut store = Store::create_on(files.clone(), layout(), test_chain.chain().params().clone()).unwrap();
    store.serve_snapshots(ITEMS).unwrap();
    test_chain.blocks().iter().take(blocks).for_each(|b| add(&mut store, b));
    store
}

/// Sixteen blocks; from the eleventh on each spends what was there before the tenth, or what was created
/// since.
fn test_chain() -> TestChain {
    let mut test_chain = TestChain::new(51);
    let coins: Vec<_> = (0..6).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    while test_chain.blocks().len() < 10 {
        test_chain.grow(Vec::new());
    }
    for pair in coins.chunks(2) {
        let (payment, made) = test_chain.pay(&[&pair[0]], &[5]);
        test_chain.grow(vec![payment]);
        let again = test_chain.pay(&[&pair[1], &made[1]], &[7]).0;
        test_chain.grow(vec![again]);
    }
    test_chain
}

/// The bytes of the snapshot of the state after block `height`.
fn exported(store: &Store, height: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.export(Height::new(height), ITEMS, &mut bytes, |_, _| ()).unwrap();
    bytes
}

/// The bytes of the snapshot that is served, pieced together.
fn served(store: &Store, height: u64) -> Vec<u8> {
    let tip = store.header(Height::new(height)).unwrap().unwrap().hash();
    let kept = store.server.snapshots.iter().find(|k| k.start().tip.header.hash() == tip);
    let start = kept.unwrap().start();
    let parts = (0..start.count().all).map(|place| store.snapshot_part(&tip, place).unwrap().unwrap());
    start.to_bytes().into_iter().chain(parts.flatten()).collect()
}

#[test]
fn made_while_the_chain_goes_on() {
    let test_chain = test_chain();
    let whole = exported(&grown(&Memory::new(), &test_chain, 10), 10);
    for begin in 10..14 {
        let files = Memory::new();
        let mut store = grown(&files, &test_chain, begin);
        store.begin_snapshot(Height::new(10)).unwrap();
        let (mut pieces, mut next) = (0, test_chain.blocks().iter().skip(begin));
        while store.is_building_snapshot() {
            assert!(store.snapshots().unwrap().is_empty());
            store.step_snapshot(1).unwrap();
            pieces += 1;
            match pieces % 4 {
                0 => drop(next.next().map(|b| add(&mut store, b))),
                // The tip changes its mind.
                2 if store.head.header.height > Height::new(10) => {
                    let block = store.undo().unwrap();
                    add(&mut store, &block);
                }
                _ => {}
            }
        }
        assert!(pieces > 8, "{pieces}");
        assert_eq!(served(&store, 10), whole, "begun at {begin}");
        let kept = files.bytes(FileName::Snapshot(0)).unwrap().len();
        assert!(kept < whole.len() / 2, "{kept} bytes of {}", whole.len());
        assert_eq!(files.bytes(FILE), None);
        assert_eq!(store.snapshots().unwrap().len(), 1);
        drop(store);
        let mut store = Store::open_on(files, layout()).unwrap();
        store.serve_snapshots(ITEMS).unwrap();
        assert_eq!(store.snapshots().unwrap().len(), 1);
        assert_eq!(served(&store, 10), whole);
    }
}

/// No piece is larger than it may be, but for a part that is.
#[test]
fn a_piece_is_as_large_as_was_asked() {
    let test_chain = test_chain();
    let mut last = u32::MAX;
    for items in [1, 2 * ITEMS, 5 * ITEMS, u32::MAX] {
        let mut store = grown(&Memory::new(), &test_chain, 10);
        store.begin_snapshot(Height::new(10)).unwrap();
        let mut pieces = 0;
        while store.is_building_snapshot() {
            let entries = |store: &Store| match &store.server.build {
                Some(SnapshotBuild { stage: Stage::Writing(draft), .. }) => draft.entries.len(),
                _ => 0,
            };
            let before = entries(&store);
            store.step_snapshot(items).unwrap();
            // Each part has an item at least.
            assert!(entries(&store).saturating_sub(before) as u64 <= items.into());
            pieces += 1;
        }
        assert!(pieces < last, "{items}: {pieces}");
        last = pieces;
    }
    assert_eq!(last, 2, "to count, and to write");
}

/// A reorganisation below the state ends it, and what was written goes; the next state is made as if nothing
/// had been.
#[test]
fn a_state_that_is_taken_back_is_not_kept() {
    let test_chain = test_chain();
    let files = Memory::new();
    let mut store = grown(&files, &test_chain, 10);
    store.begin_snapshot(Height::new(10)).unwrap();
    (0..4).for_each(|_| store.step_snapshot(1).unwrap());
    assert!(files.bytes(FILE).is_some());
    let block = store.undo().unwrap();
    assert!(!store.is_building_snapshot());
    assert_eq!(files.bytes(FILE), None);
    store.step_snapshot(1).unwrap();
    add(&mut store, &block);
    assert!(store.snapshots().unwrap().is_empty());
    store.begin_snapshot(Height::new(10)).unwrap();
    while store.is_building_snapshot() {
        store.step_snapshot(1).unwrap();
    }
    assert_eq!(served(&store, 10), exported(&store, 10));
}

/// No room for it: nothing of it is left, and the chain goes on.
#[test]
fn a_full_disk_keeps_nothing_of_it() {
    let test_chain = test_chain();
    let files = Memory::new();
    let mut store = grown(&files, &test_chain, 10);
    store.begin_snapshot(Height::new(10)).unwrap();
    let used: usize = [FileName::Genesis, FileName::Head]
        .into_iter()
        .chain((0..9).map(FileName::Segment))
        .filter_map(|f| files.bytes(f))
        .map(|b| b.len())
        .sum();
    files.limit(Some(used + 600));
    let why = loop {
        match store.step_snapshot(1) {
            Ok(()) => assert!(store.is_building_snapshot()),
            Err(why) => break why,
        }
    };
    assert!(matches!(why, StoreError::DiskFull { .. }), "{why}");
    assert!(!store.is_building_snapshot());
    assert_eq!(files.bytes(FILE), None);
    files.limit(None);
    add(&mut store, &test_chain.blocks()[10]);
}

/// Power fails at every file operation: the chain is where it was, the snapshot is whole or there is none,
/// and no draft stays.
#[test]
fn killed_while_a_snapshot_is_made() {
    let test_chain = test_chain();
    let whole = exported(&grown(&Memory::new(), &test_chain, 10), 10);
    let before = Memory::new();
    drop(grown(&before, &test_chain, 10));
    let mut rng = ChaCha20Rng::seed_from_u64(51);
    let (mut with, mut without) = (0, 0);
    for kill in 0.. {
        let files = before.copy();
        let mut store = Store::open_on(files.clone(), layout()).unwrap();
        store.serve_snapshots(ITEMS).unwrap();
        files.kill_after(Some(kill));
        store.begin_snapshot(Height::new(10)).unwrap();
        let mut done = true;
        while done && store.is_building_snapshot() {
            done = store.step_snapshot(2 * ITEMS).is_ok();
        }
        drop(store);
        for _ in 0..4 {
            let disk = files.after_power_loss(&mut rng);
            let mut store = Store::open_on(disk.clone(), layout()).unwrap();
            assert_eq!(store.head.header.height, Height::new(10));
            store.serve_snapshots(ITEMS).unwrap();
            assert_eq!(disk.bytes(FILE), None);
            match disk.bytes(FileName::Snapshot(0)) {
                Some(_) => {
                    assert_eq!(served(&store, 10), whole);
                    assert_eq!(store.snapshots().unwrap().len(), 1);
                    with += 1;
                }
                None => without += 1,
            }
            assert!(!done || store.has_snapshot(Height::new(10)));
        }
        if done {
            break;
        }
    }
    assert!(with > 0 && without > 20, "{with} {without}");
}

/// A snapshot of a pruned store refers to its base too. Pruning begins another log, so what was kept before is served no
/// more, now or when the store is opened; a file that has all bytes still is.
#[test]
fn pruning_ends_what_refers_to_the_log_before_it() {
    let chain = test_chain();
    let files = Memory::new();
    let mut store = grown(&files, &chain, 16);
    let made = |store: &mut Store, height: u64| {
        store.begin_snapshot(Height::new(height)).unwrap();
        while store.is_building_snapshot() {
            store.step_snapshot(100).unwrap();
        }
    };
    made(&mut store, 16);
    let whole = exported(&store, 16);
    assert_eq!(served(&store, 16), whole);
    let tip = store.head.header.hash();
    assert!(store.prune().unwrap().dropped > 0);
    assert!(store.snapshot_part(&tip, 0).unwrap().is_none() && !store.has_snapshot(Height::new(16)));
    drop(store);
    let mut store = Store::open_on(files.clone(), layout()).unwrap();
    store.serve_snapshots(ITEMS).unwrap();
    assert!(store.snapshot_part(&tip, 0).unwrap().is_none());
    made(&mut store, 16);
    assert_eq!(served(&store, 16), whole);
    let kept = files.bytes(FileName::Snapshot(0)).unwrap().len();
    assert!(kept < whole.len() / 2, "{kept} bytes of {}", whole.len());
    drop(store);
    files.set(FileName::Snapshot(0), whole.clone());
    let mut store = Store::open_on(files, layout()).unwrap();
    store.serve_snapshots(ITEMS).unwrap();
    assert_eq!(served(&store, 16), whole);
}

/// A bit flips in a snapshot, or in what it refers to: an error or no snapshot, and never another part.
#[test]
fn a_damaged_reference_is_no_part() {
    let chain = test_chain();
    let files = Memory::new();
    let mut store = grown(&files, &chain, 10);
    store.begin_snapshot(Height::new(10)).unwrap();
    while store.is_building_snapshot() {
        store.step_snapshot(100).unwrap();
    }
    let (whole, tip) = (served(&store, 10), store.head.header.hash());
    drop(store);
    let mut refused = 0;
    for name in [FileName::Snapshot(0), FileName::Segment(0)] {
        let sound = files.bytes(name).unwrap();
        for at in (0..sound.len()).step_by(if name == FileName::Segment(0) { 97 } else { 5 }) {
            let disk = files.copy();
            let mut flipped = sound.clone();
            flipped[at] ^= 1 << (at % 8);
            disk.set(name, flipped);
            let Ok(mut store) = Store::open_on(files.copy(), layout()) else { continue };
            // The index was built from what is sound.
            *store.files_mut() = Box::new(disk);
            store.serve_snapshots(ITEMS).unwrap();
            let parts = (0..999).map_while(|place| store.snapshot_part(&tip, place).transpose());
            match parts.collect::<Result<Vec<_>, _>>() {
                Ok(parts) if !parts.is_empty() => assert!(whole.ends_with(&parts.concat()), "{name} {at}"),
                _ => refused += 1,
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
