//! Power fails at every file operation, and the disk keeps what it likes of what was not synced.

use crate::test_chain::{TestChain, temporary};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    rules::{BlockChange, Connected},
    state::{ChainView, MemoryState},
};
use sotto_node::storage::{FileName, Files, Memory, Store, StoreError};

/// What is done to a store: a block, or taking one back.
enum StepResult {
    Apply(Connected<BlockChange>),
    Undo(Connected<BlockChange>),
}

impl StepResult {
    fn on_store(&self, store: &mut Store) -> Result<(), StoreError> {
        match self {
            Self::Apply(b) => store.apply(b),
            Self::Undo(_) => store.undo().map(drop),
        }
    }

    fn on_state(&self, state: &mut MemoryState) {
        match self {
            Self::Apply(b) => state.apply(&b.get().change).unwrap(),
            Self::Undo(b) => state.undo(&b.get().change).unwrap(),
        }
    }
}

/// Seven steps that cross a segment's end and undo a block.
fn steps() -> (TestChain, Vec<StepResult>) {
    let mut test_chain = TestChain::new(20);
    let mut all: Vec<_> = (0..4).map(|_| StepResult::Apply(test_chain.mine())).collect();
    all.push(StepResult::Undo(test_chain.undo()));
    all.extend((0..2).map(|_| StepResult::Apply(test_chain.mine())));
    (test_chain, all)
}

fn same(store: &Store, state: &MemoryState) -> bool {
    store.tip() == state.tip()
        && store
            .all_unspent()
            .map(Result::unwrap)
            .all(|u| state.unspent(&u.output.commitment).unwrap() == Some(u))
        && store.kernels().map(Result::unwrap).all(|k| state.has_kernel(&k.id()).unwrap())
}

/// Kills a store at each of its file operations, draws states of the disk, and opens them: an acknowledged
/// step is there, the one under way is there or not, and the store goes on.
#[test]
fn killed_anywhere_nothing_acknowledged_is_lost() {
    let (test_chain, steps) = steps();
    let mut rng = ChaCha20Rng::seed_from_u64(21);
    let mut kills = 0;
    for kill in 0.. {
        let files = Memory::new();
        let mut store =
            Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
        let mut state = MemoryState::genesis(&test_chain.chain);
        files.kill_after(Some(kill));
        let Some((failed, step)) = steps.iter().enumerate().find(|(_, step)| {
            let done = step.on_store(&mut store).is_ok();
            if done {
                step.on_state(&mut state);
            }
            !done
        }) else {
            break;
        };
        assert!(matches!(step.on_store(&mut store), Err(StoreError::Stopped)));
        assert!(
            store.has_kernel(&sotto_mw::hash::Hash::ZERO).is_err(),
            "a store that has stopped gives no answers"
        );
        drop(store);
        let mut after = state.clone();
        step.on_state(&mut after);
        for _ in 0..8 {
            let disk = files.after_power_loss(&mut rng);
            let mut store = Store::open_on(disk.clone(), temporary()).unwrap();
            store.check_log().unwrap();
            assert!(same(&store, &state) || same(&store, &after), "kill {kill}");
            if same(&store, &state) {
                step.on_store(&mut store).unwrap();
            }
            steps.iter().skip(failed + 1).for_each(|s| s.on_store(&mut store).unwrap());
            test_chain.agrees(&store);
            drop(store);
            test_chain.agrees(&Store::open_on(disk, temporary()).unwrap());
        }
        kills += 1;
    }
    assert!(kills > 7 * 7, "{kills} kills");
}

/// The same while a store is being created: afterwards it opens empty, or can be created.
#[test]
fn killed_while_it_is_created() {
    let test_chain = TestChain::new(22);
    let mut rng = ChaCha20Rng::seed_from_u64(23);
    let create =
        |files: &Memory| Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone());
    for kill in 0.. {
        let files = Memory::new();
        files.kill_after(Some(kill));
        if create(&files).is_ok() {
            assert!(kill > 10);
            break;
        }
        for _ in 0..8 {
            let disk = files.after_power_loss(&mut rng);
            let store = Store::open_on(disk.clone(), temporary()).or_else(|_| create(&disk)).unwrap();
            test_chain.agrees(&store);
            assert!(matches!(create(&disk), Err(StoreError::Exists)));
        }
    }
}

/// Recovery itself is killed: cutting the log's end can be repeated.
#[test]
fn killed_while_it_opens() {
    let (test_chain, steps) = steps();
    let mut rng = ChaCha20Rng::seed_from_u64(24);
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    steps.iter().for_each(|s| s.on_store(&mut store).unwrap());
    drop(store);
    let last = FileName::Segment(files.segments().unwrap().into_iter().max().unwrap());
    let mut torn = files.bytes(last).unwrap();
    torn.extend_from_slice(&[7; 100]);
    files.set(last, torn);
    files.set(FileName::Segment(9), vec![1, 2, 3]);
    for kill in 0..5 {
        let disk = files.copy();
        disk.kill_after(Some(kill));
        match Store::open_on(disk.clone(), temporary()) {
            Err(_) => assert!(kill < 4),
            Ok(store) => assert_eq!((store.opened().cut, kill), (103, 4)),
        }
        let store = Store::open_on(disk.after_power_loss(&mut rng), temporary()).unwrap();
        test_chain.agrees(&store);
    }
}

/// The log is cut at every byte of its last record: an acknowledged block is missed, never passed over.
#[test]
fn every_truncation_of_the_last_record_is_found() {
    let (test_chain, steps) = steps();
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    steps.iter().for_each(|s| s.on_store(&mut store).unwrap());
    let sizes = store.sizes().unwrap();
    drop(store);
    let last = FileName::Segment(files.segments().unwrap().into_iter().max().unwrap());
    let whole = files.bytes(last).unwrap();
    assert!(sizes.log > whole.len() as u64);
    for length in 0..whole.len() {
        files.set(last, whole[..length].to_vec());
        match Store::open_on(files.clone(), temporary()) {
            Err(StoreError::Damaged { file, .. }) => assert_eq!(file, last),
            other => panic!("length {length}: {other:?}"),
        }
    }
    files.set(last, whole);
    test_chain.agrees(&Store::open_on(files, temporary()).unwrap());
}

/// A record of which any part was written, but never acknowledged, is cut off.
#[test]
fn every_torn_record_beyond_the_head_is_cut_off() {
    let (test_chain, steps) = steps();
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    let (last, before) = steps.split_last().unwrap();
    before.iter().for_each(|s| s.on_store(&mut store).unwrap());
    let (head, log) = (files.bytes(FileName::Head).unwrap(), files.copy());
    last.on_store(&mut store).unwrap();
    let segment = FileName::Segment(files.segments().unwrap().into_iter().max().unwrap());
    let (short, whole) = (log.bytes(segment).unwrap_or_default(), files.bytes(segment).unwrap());
    files.set(FileName::Head, head);
    for length in (short.len()..=whole.len()).step_by(7) {
        files.set(segment, whole[..length].to_vec());
        let store = Store::open_on(files.clone(), temporary()).unwrap();
        assert_eq!(store.opened().cut, (length - short.len()) as u64);
        assert_eq!(store.tip().height, test_chain.state.tip().height.minus(1));
    }
}

/// A disk that is full at any point says so, and with more room the store is where it was.
#[test]
fn a_full_disk_loses_nothing() {
    let (test_chain, steps) = steps();
    let files = Memory::new();
    let mut store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    let (last, before) = steps.split_last().unwrap();
    before.iter().for_each(|s| s.on_store(&mut store).unwrap());
    let tip = store.tip().clone();
    drop(store);
    let names = [FileName::Genesis, FileName::Head].into_iter();
    let segments = files.segments().unwrap().into_iter().map(FileName::Segment);
    let used: usize = names.chain(segments).map(|f| files.bytes(f).unwrap().len()).sum();
    for free in (0..).step_by(53) {
        let disk = files.copy();
        let mut store = Store::open_on(disk.clone(), temporary()).unwrap();
        disk.limit(Some(used + free));
        match last.on_store(&mut store) {
            Ok(()) => break,
            Err(e) => assert!(matches!(e, StoreError::DiskFull { .. }), "{e}"),
        }
        disk.limit(None);
        let mut store = Store::open_on(disk, temporary()).unwrap();
        assert_eq!(store.tip(), &tip);
        last.on_store(&mut store).unwrap();
        test_chain.agrees(&store);
    }
}
