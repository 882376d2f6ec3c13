//! The store against the state in memory, on random chains.

use crate::test_chain::{Dir, TestChain, layout, temporary};
use rand_chacha::rand_core::RngCore;
use sotto_mw::{
    amount::{Amount, Height},
    kernel::{KernelFeatures, Window},
    secret::SecretScalar,
    state::ChainView,
};
use sotto_node::{
    edge::sled_database::SledDatabases,
    storage::{Memory, Store, StoreError},
};

fn reopen(store: Store, files: &Memory) -> Store {
    drop(store);
    Store::open_on(files.clone(), temporary()).unwrap()
}

/// Blocks, undone blocks, other blocks instead, and openings with an index built from the log.
#[test]
fn random_chains_give_the_same_answers() {
    for seed in 0..3 {
        let mut test_chain = TestChain::new(seed);
        let files = Memory::new();
        let mut store =
            Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
        test_chain.agrees(&store);
        for _ in 0..24 {
            match test_chain.rng.next_u32() % 8 {
                0 | 1 if store.tip().height > store.floor() => {
                    let undone = test_chain.undo();
                    assert_eq!(store.undo().unwrap(), undone.get().block);
                }
                2 => store = reopen(store, &files),
                _ => store.apply(&test_chain.mine()).unwrap(),
            }
            test_chain.agrees(&store);
        }
        let records = store.check_log().unwrap();
        let store = reopen(store, &files);
        assert_eq!(store.opened().replayed, records);
        assert!(store.opened().rebuilt.is_none());
        test_chain.agrees(&store);
    }
}

/// The same on a disk, where the index survives and nothing is replayed.
#[test]
fn a_store_on_disk_opens_as_it_was_closed() {
    let (dir, mut test_chain) = (Dir::new(), TestChain::new(7));
    let mut store = Store::create(dir.path(), test_chain.chain.params().clone()).unwrap();
    for n in 0..6 {
        store.apply(&test_chain.mine()).unwrap();
        if n == 3 {
            store.undo().unwrap();
            test_chain.undo();
        }
        test_chain.agrees(&store);
        drop(store);
        store = Store::open(dir.path()).unwrap();
        let found = store.opened();
        assert_eq!((found.cut, found.replayed, found.rebuilt.is_none()), (0, 0, true));
        test_chain.agrees(&store);
    }
    assert!(store.sizes().unwrap().log > 1_000 && store.sizes().unwrap().index > 0);
}

/// Undo goes back to the limit, and no further; not even after blocks came back, or when the index was lost.
#[test]
fn what_is_final_stays() {
    let mut test_chain = TestChain::new(8);
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    assert!(matches!(store.undo(), Err(StoreError::Final { .. })));
    for _ in 0..7 {
        store.apply(&test_chain.mine()).unwrap();
    }
    assert_eq!(store.floor(), Height::new(3));
    for _ in 0..4 {
        store.undo().unwrap();
        test_chain.undo();
    }
    for _ in 0..2 {
        assert!(matches!(store.undo(), Err(StoreError::Final { height, floor }) if height == floor));
        store = reopen(store, &files);
        test_chain.agrees(&store);
    }
    for _ in 0..2 {
        store.apply(&test_chain.mine()).unwrap();
    }
    assert_eq!(store.floor(), Height::new(3));
    test_chain.agrees(&store);
}

/// A block is applied where it was connected, and nowhere else.
#[test]
fn a_block_for_another_state_is_refused() {
    let mut test_chain = TestChain::new(9);
    let mut store = Store::create_on(Memory::new(), temporary(), test_chain.chain.params().clone()).unwrap();
    let first = test_chain.mine();
    let second = test_chain.mine();
    assert!(matches!(store.apply(&second), Err(StoreError::WrongState(_))));
    store.apply(&first).unwrap();
    assert!(matches!(store.apply(&first), Err(StoreError::WrongState(_))));
    store.apply(&second).unwrap();
    test_chain.agrees(&store);
}

/// An excess that may repeat is last seen where it was last, and undoing brings the sighting before back.
#[test]
fn repeated_excesses_are_counted_by_height() {
    let mut test_chain = TestChain::new(10);
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    let x = SecretScalar::random(&mut test_chain.rng);
    let window = Window { not_before: Height::GENESIS, not_after: Height::new(40) };
    let features = KernelFeatures::NoRecentDuplicate { fee: Amount::new(40), window, distance: 2 };
    store.apply(&test_chain.mine()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let coins = test_chain.spendable();
        let t = test_chain.pay_under(&coins[..1], 1, (x.clone(), features));
        seen.push((test_chain.next(), t.body.kernels[0].excess));
        let block = test_chain.block(&[t]);
        store.apply(&test_chain.connect(block)).unwrap();
        store.apply(&test_chain.mine()).unwrap();
        test_chain.agrees(&store);
    }
    let last = |s: &Store| s.last_seen(&seen[0].1).unwrap().map(|s| (s.height, s.may_repeat));
    assert_eq!(last(&store), Some((seen[1].0, true)));
    let mut store = reopen(store, &files);
    for _ in 0..2 {
        store.undo().unwrap();
        test_chain.undo();
    }
    test_chain.agrees(&store);
    assert_eq!(last(&store), Some((seen[0].0, true)));
}

/// An index that is some blocks behind catches up; one that is ahead, or of another chain, is built anew.
#[test]
fn an_index_that_is_not_at_the_head() {
    let (index, other, mut test_chain) = (Dir::new(), Dir::new(), TestChain::new(11));
    let place = |d: &Dir| layout(SledDatabases::in_directory(d.path()));
    let files = Memory::new();
    let mut store =
        Store::create_on(files.clone(), place(&index), test_chain.chain.params().clone()).unwrap();
    store.apply(&test_chain.mine()).unwrap();
    store.apply(&test_chain.mine()).unwrap();
    drop(store);
    let early = files.copy();
    crate::copy_tree::copy_tree(index.path(), other.path());
    let mut store = Store::open_on(files.clone(), place(&index)).unwrap();
    for _ in 0..3 {
        store.apply(&test_chain.mine()).unwrap();
    }
    store.undo().unwrap();
    test_chain.undo();
    drop(store);

    let store = Store::open_on(files, place(&other)).unwrap();
    assert_eq!((store.opened().replayed, store.opened().rebuilt.is_none()), (4, true));
    test_chain.agrees(&store);
    drop(store);
    let store = Store::open_on(early, place(&index)).unwrap();
    assert_eq!((store.opened().replayed, store.opened().rebuilt.is_some()), (2, true));
    drop(store);

    let mut foreign = TestChain::new(12);
    let mut store = Store::create_on(Memory::new(), place(&other), foreign.chain.params().clone()).unwrap();
    store.apply(&foreign.mine()).unwrap();
    foreign.agrees(&store);
}
