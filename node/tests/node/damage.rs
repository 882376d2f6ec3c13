//! One bit flips in each region of each file: found or harmless, never a wrong answer.

use crate::{
    copy_tree::copy_tree,
    test_chain::{Dir, TestChain, layout, temporary},
};
use sotto_mw::state::ChainView;
use sotto_node::{
    edge::sled_database::SledDatabases,
    ledger::audit::audit,
    storage::{FileName, Files, Memory, Store, StoreError},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1 << (at % 8);
}

fn chain(test_chain: &mut TestChain, store: &mut Store) {
    for n in 0..6 {
        store.apply(&test_chain.mine()).unwrap();
        if n == 2 {
            store.undo().unwrap();
            test_chain.undo();
        }
    }
}

/// Genesis, head and log: each flip is refused on open or named by the check of the log.
#[test]
fn a_flipped_bit_in_what_is_true_is_reported() {
    let mut test_chain = TestChain::new(30);
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    chain(&mut test_chain, &mut store);
    drop(store);
    let index = Dir::new();
    let kept = || layout(SledDatabases::in_directory(index.path()));
    drop(Store::open_on(files.clone(), kept()).unwrap());
    let mut names = vec![FileName::Genesis, FileName::Head];
    names.extend(files.segments().unwrap().into_iter().map(FileName::Segment));
    assert!(names.len() > 4);
    for name in names {
        let whole = files.bytes(name).unwrap();
        let stride = if matches!(name, FileName::Segment(_)) { 97 } else { 3 };
        for at in (0..whole.len()).step_by(stride) {
            let mut bytes = whole.clone();
            flip(&mut bytes, at);
            files.set(name, bytes);
            // Without an index the log is read on open; with one, the check of the log and the audit read it.
            let found = Store::open_on(files.clone(), temporary()).unwrap_err();
            assert!(
                matches!(found, StoreError::Damaged { file, .. } if file == name),
                "{name} {at}: {found}"
            );
            if let Ok(store) = Store::open_on(files.clone(), kept()) {
                assert!(matches!(store.check_log(), Err(StoreError::Damaged { file, .. }) if file == name));
                assert!(audit(&store, |_, _| {}).is_err());
                answers_or_refuses(&test_chain, &store);
            }
            files.set(name, whole.clone());
        }
    }
    test_chain.agrees(&Store::open_on(files, kept()).unwrap());
}

/// Nothing that is answered is wrong.
fn answers_or_refuses(test_chain: &TestChain, store: &Store) {
    assert_eq!(store.tip(), test_chain.state.tip());
    for (block, h) in test_chain.blocks.iter().zip(1..) {
        if let Ok(found) = store.block(sotto_mw::amount::Height::new(h)) {
            assert_eq!(found.as_ref(), Some(&block.get().block));
        }
    }
}

/// Files that are missing, or of another chain.
#[test]
fn missing_and_foreign_files_are_named() {
    let (mut test_chain, mut other) = (TestChain::new(31), TestChain::new(32));
    let (files, foreign) = (Memory::new(), Memory::new());
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    chain(&mut test_chain, &mut store);
    drop(store);
    let mut store = Store::create_on(foreign.clone(), temporary(), other.chain.params().clone()).unwrap();
    chain(&mut other, &mut store);
    drop(store);
    for name in [FileName::Genesis, FileName::Head, FileName::Segment(0), FileName::Segment(1)] {
        let mut disk = files.copy();
        disk.remove(name).unwrap();
        let found = Store::open_on(disk.clone(), temporary()).unwrap_err();
        assert!(matches!(found, StoreError::Damaged { file, .. } if file == name), "{found}");
        disk.set(name, foreign.bytes(name).unwrap());
        let found = Store::open_on(disk.clone(), temporary()).unwrap_err();
        assert!(matches!(found, StoreError::Foreign { .. }), "{name}: {found}");
        // Nor is a chain made over the remains of another.
        let made = Store::create_on(disk, temporary(), test_chain.chain.params().clone());
        assert!(matches!(made, Err(StoreError::Exists)));
    }
}

fn index_files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(index_files(&path)) } else { all.push(path) }
    }
    all
}

/// Every file of the index: each flip is repaired from the log or harmless.
#[test]
fn a_flipped_bit_in_the_index_never_changes_an_answer() {
    let (kept, damaged, mut test_chain) = (Dir::new(), Dir::new(), TestChain::new(33));
    let place = |d: &Dir| layout(SledDatabases::in_directory(d.path()));
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), place(&kept), test_chain.chain.params().clone()).unwrap();
    chain(&mut test_chain, &mut store);
    drop(store);
    let (mut flips, mut rebuilt) = (0, 0);
    for file in index_files(kept.path()) {
        let whole = fs::read(&file).unwrap();
        // The file is mostly zeros that sled reserves: spread over what is written, and a few beyond.
        let written = whole.iter().rposition(|b| *b != 0).map_or(0, |n| n + 1);
        let stride = (written / 150).max(1) | 1;
        for at in (0..written).step_by(stride).chain([whole.len() - 1]) {
            copy_tree(kept.path(), damaged.path());
            let mut bytes = whole.clone();
            flip(&mut bytes, at);
            let name = file.strip_prefix(kept.path()).unwrap();
            fs::write(damaged.path().join(name), bytes).unwrap();
            let store = Store::open_on(files.clone(), place(&damaged)).unwrap();
            rebuilt += usize::from(store.opened().rebuilt.is_some() || store.opened().replayed > 0);
            test_chain.agrees(&store);
            flips += 1;
        }
    }
    assert!(flips > 100 && rebuilt > 50, "{flips} flips, {rebuilt} rebuilt");
}

/// Every entry of the index, lost or altered, is found on open, and the index is built anew.
#[test]
fn a_lost_or_altered_entry_is_found() {
    let (kept, damaged, mut test_chain) = (Dir::new(), Dir::new(), TestChain::new(34));
    let place = |d: &Dir| layout(SledDatabases::in_directory(d.path()));
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), place(&kept), test_chain.chain.params().clone()).unwrap();
    chain(&mut test_chain, &mut store);
    drop(store);
    let open = || {
        copy_tree(kept.path(), damaged.path());
        sled::Config::new().path(damaged.path().join("index")).flush_every_ms(None).open().unwrap()
    };
    let all: Vec<_> = open().iter().map(Result::unwrap).collect();
    let tables: std::collections::BTreeSet<u8> = all.iter().map(|(k, _)| k[0]).collect();
    assert_eq!(tables, b"mnpux".iter().copied().collect());
    for (n, (k, v)) in all.iter().enumerate() {
        let alter = |change: &dyn Fn(&sled::Db)| {
            let db = open();
            change(&db);
            drop(db);
            let store = Store::open_on(files.clone(), place(&damaged)).unwrap();
            // Without its head, an index is an empty one that has all to catch up with.
            let found =
                store.opened().rebuilt.is_some() || (k.as_ref() == b"m" && store.opened().replayed > 0);
            assert!(found, "entry {n} of table {}", k[0] as char);
            test_chain.agrees(&store);
        };
        alter(&|db| drop(db.remove(k).unwrap()));
        for at in [v.len() / 2, v.len() - 1] {
            let mut bytes = v.to_vec();
            flip(&mut bytes, at);
            alter(&|db| drop(db.insert(k, bytes.clone()).unwrap()));
        }
        let mut other = k.to_vec();
        *other.last_mut().unwrap() ^= 1;
        if k.len() > 1 && !all.iter().any(|(k, _)| k.as_ref() == other) && k[0] != b'x' {
            alter(&|db| drop(db.insert(other.clone(), v).unwrap()));
        }
    }
}

/// The index of an earlier version gives way to a new one.
#[test]
fn an_index_of_an_earlier_version_is_built_anew() {
    let (index, mut test_chain, files) = (Dir::new(), TestChain::new(35), Memory::new());
    let place = || layout(SledDatabases::in_directory(index.path()));
    let mut store = Store::create_on(files.clone(), place(), test_chain.chain.params().clone()).unwrap();
    chain(&mut test_chain, &mut store);
    drop(store);
    let db = sled::open(index.path().join("index")).unwrap();
    let mut standing = db.get(b"m").unwrap().unwrap().to_vec();
    assert_eq!(standing[0], 4);
    standing[0] = 3;
    db.insert(b"m", standing).unwrap();
    drop(db);
    let store = Store::open_on(files, place()).unwrap();
    assert!(store.opened().rebuilt.is_some());
    test_chain.agrees(&store);
}
