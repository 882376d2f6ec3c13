//! A store that is pruned answers as before, survives what any store survives, and can be audited.

use crate::{
    copy_tree::copy_tree,
    test_chain::{Dir, TestChain, layout, temporary},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{amount::Height, state::ChainView};
use sotto_node::{
    edge::sled_database::SledDatabases,
    ledger::{
        Ledger,
        audit::{AuditError, audit},
    },
    storage::{FileName, Files, Memory, Store, StoreError},
};

fn create(test_chain: &TestChain, files: &Memory) -> Store {
    Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap()
}

fn reopen(store: Store, files: &Memory) -> Store {
    drop(store);
    Store::open_on(files.clone(), temporary()).unwrap()
}

fn audited(store: &Store) {
    let found = audit(store, |done, tip| assert!(done <= tip)).unwrap();
    assert_eq!((found.height, found.pruned), (store.tip().height, store.base()));
    assert_eq!((found.kernels, found.unspent), (store.tip().kernel_count, store.tip().output_count));
}

/// Blocks, undone blocks, openings without an index, and prunings, in any order.
#[test]
fn a_pruned_store_gives_the_same_answers() {
    let mut prunings = 0;
    for seed in 90..94 {
        let mut test_chain = if seed == 93 { TestChain::audited(seed) } else { TestChain::new(seed) };
        let files = Memory::new();
        let mut store = create(&test_chain, &files);
        for _ in 0..40 {
            match test_chain.rng.next_u32() % 8 {
                0 | 1 if store.tip().height > store.floor() => {
                    let undone = test_chain.undo();
                    assert_eq!(store.undo().unwrap(), undone.get().block);
                }
                2 => store = reopen(store, &files),
                3 => {
                    let done = store.prune().unwrap();
                    assert_eq!((done.base, store.base()), (store.floor(), store.floor()));
                    assert_eq!(done.bytes_after, store.sizes().unwrap().log);
                    prunings += u64::from(done.dropped > 0);
                }
                _ => store.apply(&test_chain.mine()).unwrap(),
            }
            test_chain.agrees(&store);
        }
        audited(&store);
        while store.tip().height > store.floor() {
            store.undo().unwrap();
            test_chain.undo();
        }
        assert!(matches!(store.undo(), Err(StoreError::Final { .. })));
        let mut store = reopen(store, &files);
        test_chain.agrees(&store);
        store.apply(&test_chain.mine()).unwrap();
        test_chain.agrees(&store);
        audited(&store);
    }
    assert!(prunings > 3, "{prunings}");
}

/// Only one base and the segments behind it are left, and the second pruning of the same state does nothing.
#[test]
fn nothing_is_left_over() {
    let (dir, mut test_chain) = (Dir::new(), TestChain::new(93));
    let mut store = Store::create(dir.path(), test_chain.chain.params().clone()).unwrap();
    assert_eq!(store.prune().unwrap().dropped, 0);
    for _ in 0..3 {
        for _ in 0..5 {
            store.apply(&test_chain.mine()).unwrap();
        }
        assert!(store.prune().unwrap().dropped > 0);
        assert_eq!(store.prune().unwrap().dropped, 0);
        let names =
            std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|n| n.starts_with("base-") || n.starts_with("log-")).collect();
        names.sort();
        assert_eq!(names.len(), 2, "{names:?}");
        drop(store);
        store = Store::open(dir.path()).unwrap();
        let found = store.opened();
        assert_eq!((found.cut, found.replayed, found.rebuilt.is_none()), (0, 0, true));
        test_chain.agrees(&store);
    }
    audited(&store);
    drop(store);
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(ledger.audit(|_, _| {}).unwrap().pruned, Height::new(11));
}

/// An index from before the pruning is detected and rebuilt.
#[test]
fn an_old_index_does_not_fit_a_pruned_store() {
    let (index, old, mut test_chain) = (Dir::new(), Dir::new(), TestChain::new(94));
    let place = |d: &Dir| layout(SledDatabases::in_directory(d.path()));
    let files = Memory::new();
    let mut store =
        Store::create_on(files.clone(), place(&index), test_chain.chain.params().clone()).unwrap();
    for _ in 0..8 {
        store.apply(&test_chain.mine()).unwrap();
    }
    store.flush().unwrap();
    copy_tree(index.path(), old.path());
    store.prune().unwrap();
    test_chain.agrees(&store);
    drop(store);
    let store = Store::open_on(files.clone(), place(&old)).unwrap();
    assert!(store.opened().rebuilt.is_some());
    test_chain.agrees(&store);
    drop(store);
    assert!(Store::open_on(files, place(&old)).unwrap().opened().rebuilt.is_none());
}

/// Power fails at every file operation of a pruning: the store opens pruned or not, with every answer, and
/// goes on.
#[test]
fn killed_while_it_is_pruned() {
    let mut test_chain = TestChain::new(95);
    let mut rng = ChaCha20Rng::seed_from_u64(95);
    let whole = Memory::new();
    let mut store = create(&test_chain, &whole);
    for _ in 0..6 {
        store.apply(&test_chain.mine()).unwrap();
    }
    store.prune().unwrap();
    for _ in 0..3 {
        store.apply(&test_chain.mine()).unwrap();
    }
    drop(store);
    let mut seen = [0, 0];
    for kill in 0.. {
        let files = whole.copy();
        let mut store = Store::open_on(files.clone(), temporary()).unwrap();
        let before = store.base();
        files.kill_after(Some(kill));
        let done = store.prune().is_ok();
        drop(store);
        for _ in 0..4 {
            let disk = files.after_power_loss(&mut rng);
            let mut store = Store::open_on(disk.clone(), temporary()).unwrap();
            test_chain.agrees(&store);
            store.check_log().unwrap();
            assert_eq!(disk.bases().unwrap().len(), 1);
            seen[usize::from(store.base() > before)] += 1;
            assert!(!done || store.base() > before);
            store.prune().unwrap();
            test_chain.agrees(&store);
        }
        if done {
            assert!(kill > 20, "{kill}");
            break;
        }
    }
    assert!(seen[0] > 20 && seen[1] > 8, "{seen:?}");
}

/// A full disk leaves the store as it was.
#[test]
fn no_room_to_prune() {
    let mut test_chain = TestChain::new(96);
    let files = Memory::new();
    let mut store = create(&test_chain, &files);
    for _ in 0..9 {
        store.apply(&test_chain.mine()).unwrap();
    }
    drop(store);
    let names = [FileName::Genesis, FileName::Head].into_iter();
    let segments = files.segments().unwrap().into_iter().map(FileName::Segment);
    let used: usize = names.chain(segments).map(|f| files.bytes(f).unwrap().len()).sum();
    for free in (0..).step_by(701) {
        let disk = files.copy();
        let mut store = Store::open_on(disk.clone(), temporary()).unwrap();
        disk.limit(Some(used + free));
        match store.prune() {
            Ok(_) => break,
            Err(e) => assert!(matches!(e, StoreError::DiskFull { .. }), "{e}"),
        }
        drop(store);
        disk.limit(None);
        let store = Store::open_on(disk.clone(), temporary()).unwrap();
        assert_eq!(store.base(), Height::GENESIS);
        assert!(disk.bases().unwrap().is_empty());
        test_chain.agrees(&store);
    }
}

/// Each flipped bit in a base is found: without an index on opening, with one by the check of the log and the
/// audit.
#[test]
fn a_flipped_bit_in_a_base_is_reported() {
    let (index, mut test_chain) = (Dir::new(), TestChain::new(97));
    let files = Memory::new();
    let kept = || layout(SledDatabases::in_directory(index.path()));
    let mut store = Store::create_on(files.clone(), kept(), test_chain.chain.params().clone()).unwrap();
    for _ in 0..8 {
        store.apply(&test_chain.mine()).unwrap();
    }
    store.prune().unwrap();
    drop(store);
    let file = FileName::Base(files.bases().unwrap()[0]);
    let whole = files.bytes(file).unwrap();
    for at in (0..whole.len()).step_by(41).chain([whole.len()]) {
        let mut bytes = whole.clone();
        match bytes.get_mut(at) {
            Some(b) => *b ^= 1 << (at % 8),
            None => bytes.push(0),
        }
        files.set(file, bytes);
        let found = Store::open_on(files.clone(), temporary()).unwrap_err();
        assert!(matches!(found, StoreError::Damaged { file: f, .. } if f == file), "{at}: {found}");
        if let Ok(store) = Store::open_on(files.clone(), kept()) {
            let found = audit(&store, |_, _| {}).unwrap_err();
            assert!(matches!(found, AuditError::Store(StoreError::Damaged { .. })), "{at}: {found}");
            assert_eq!(store.tip(), test_chain.state.tip());
        }
    }
    let mut disk = files.copy();
    disk.remove(file).unwrap();
    assert!(Store::open_on(disk, temporary()).is_err());
    files.set(file, whole);
    test_chain.agrees(&Store::open_on(files, kept()).unwrap());
}
