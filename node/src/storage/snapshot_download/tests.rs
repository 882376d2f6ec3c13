//! Power fails while parts arrive and while the state is adopted: the store is where it was, or where the
//! snapshot is.

use super::*;
use crate::storage::{
    Layout, Memory, Store, snapshot_check::Checker, snapshot_check::Judged, snapshot_format::PartCount,
    snapshot_layout::SnapshotLayout, snapshot_part::Part, snapshot_state::Snapshot,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{amount::Height, chain::Chain, rules, state::ChainView, testing::TestChain};

#[path = "../../../tests/support/copy_tree.rs"]
mod copy_tree;
use copy_tree::copy_tree;

const ITEMS: u32 = 3;

fn layout() -> Layout {
    Layout { segment_bytes: 4_000, ..Layout::in_memory() }
}

/// A store of the first `blocks` of a chain.
fn grown(files: &Memory, test_chain: &TestChain, blocks: usize) -> Store {
    let mut store = Store::create_on(files.clone(), layout(), test_chain.chain().params().clone()).unwrap();
    for b in test_chain.blocks().iter().take(blocks) {
        let block = rules::check_block(test_chain.chain(), b.clone()).unwrap();
        let block = rules::verify_block(test_chain.chain(), store.tip(), block).unwrap();
        let block = rules::connect_block(test_chain.chain(), &store, block).unwrap();
        store.apply(&block).unwrap();
    }
    store
}

/// The parts of the state after the last block.
fn parts(test_chain: &TestChain) -> (SealedHeader, Vec<(PartKind, Vec<u8>)>) {
    let store = grown(&Memory::new(), test_chain, test_chain.blocks().len());
    let snapshot = Snapshot::plan(&store, store.tip().height, ITEMS).unwrap();
    let all = (0..snapshot.start.count().all).map(|place| snapshot.part(&store, place).unwrap());
    (snapshot.start.tip.clone(), all.collect())
}

fn judged(chain: &Chain, tip: &SealedHeader, parts: &[(PartKind, Vec<u8>)]) -> Judged {
    let count = parts.iter().filter(|(kind, _)| *kind == PartKind::Outputs).count();
    let count = PartCount { all: parts.len() as u32, depth: count.trailing_zeros() as u8 };
    let mut checker = Checker::new(chain, tip, count).unwrap();
    for ((kind, bytes), place) in parts.iter().zip(0..) {
        checker.part(place, &Part::from_bytes(*kind, bytes).unwrap()).unwrap();
    }
    checker.finish().unwrap()
}

/// Puts all parts in their place.
fn put_all(store: &mut Store, parts: &[(PartKind, Vec<u8>)], count: PartCount) -> Result<(), StoreError> {
    parts.iter().zip(0..).try_for_each(|((kind, bytes), place)| {
        let part = &Part::from_bytes(*kind, bytes).unwrap();
        store.install_part(JudgedPart { place, parts: count, part, bytes })
    })
}

fn test_chain() -> TestChain {
    let mut test_chain = TestChain::new(31);
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let payment = test_chain.pay(&[&coin], &[5]).0;
    test_chain.grow(vec![payment]);
    (0..6).for_each(|_| drop(test_chain.grow(Vec::new())));
    test_chain
}

#[test]
fn what_arrived_whole_survives_the_loss_of_power() {
    let test_chain = test_chain();
    let (tip, parts) = parts(&test_chain);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for _ in 0..30 {
        let files = Memory::new();
        let mut store = grown(&files, &test_chain, 2);
        store.begin_download(&tip).unwrap();
        let order = (0..parts.len() as u32).rev();
        order.for_each(|p| store.put_part(p, parts[p as usize].0, &parts[p as usize].1).unwrap());
        let disk = files.after_power_loss(&mut rng);
        let store = Store::open_on(disk, layout()).unwrap();
        let found = store.download().unwrap();
        let places: Vec<u32> = found.places().collect();
        assert_eq!(*found.tip(), tip);
        assert!(places.len() as u32 + UNSYNCED > parts.len() as u32, "{places:?}");
        for place in places {
            assert_eq!(store.downloaded_part(place).unwrap().as_ref(), Some(&parts[place as usize].1));
        }
    }
}

/// One flipped bit costs the part that it is in and those that came later, and is never handed on.
#[test]
fn damage_is_as_if_it_had_not_arrived() {
    let test_chain = test_chain();
    let (tip, parts) = parts(&test_chain);
    let files = Memory::new();
    let mut store = grown(&files, &test_chain, 2);
    store.begin_download(&tip).unwrap();
    let all = || parts.iter().zip(0..);
    all().for_each(|((kind, bytes), place)| store.put_part(place, *kind, bytes).unwrap());
    drop(store);
    let whole = files.bytes(FILE).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let disk = files.copy();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        disk.set(FILE, bytes);
        let store = Store::open_on(disk, layout()).unwrap();
        let Some(found) = store.download() else {
            assert!(at < arriving_length(&whole[..ARRIVING_PREFIX]).unwrap());
            continue;
        };
        let places: Vec<u32> = found.places().collect();
        assert!(places.len() < parts.len(), "byte {at}");
        assert!(
            places.iter().all(|p| store.downloaded_part(*p).unwrap().as_ref() == Some(&parts[*p as usize].1))
        );
    }
}

#[test]
fn killed_while_a_state_is_adopted() {
    let test_chain = test_chain();
    let (tip, parts) = parts(&test_chain);
    let judged = judged(test_chain.chain(), &tip, &parts);
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let before = Memory::new();
    let mut store = grown(&before, &test_chain, 2);
    store.begin_download(&tip).unwrap();
    for ((kind, bytes), place) in parts.iter().zip(0..) {
        store.put_part(place, *kind, bytes).unwrap();
    }
    drop(store);
    for kill in 0.. {
        let files = before.copy();
        let mut store = Store::open_on(files.clone(), layout()).unwrap();
        files.kill_after(Some(kill));
        let settled = put_all(&mut store, &parts, judged.parts()).is_ok();
        let done = settled && store.adopt_snapshot(&judged, ITEMS).is_ok();
        assert!(!done || (store.download().is_none() && store.tip().height == tip.header.height));
        drop(store);
        for _ in 0..3 {
            let disk = files.after_power_loss(&mut rng);
            let store = Store::open_on(disk.clone(), layout()).unwrap();
            let height = store.tip().height;
            assert!(height == Height::new(2) || height == tip.header.height, "{height}");
            assert!(!done || height == tip.header.height);
            assert_eq!(disk.bytes(FileName::BaseDraft), None);
            assert_eq!(store.check_log().unwrap(), if store.base() == Height::GENESIS { 2 } else { 0 });
            if height == tip.header.height {
                let unspent = store.all_unspent().map(Result::unwrap).count();
                assert_eq!(unspent, test_chain.state().all_unspent().count());
            }
        }
        if done {
            assert!(kill > 10, "{kill}");
            break;
        }
    }
    // The counts of the table are those that follow from the headers.
    let counts: Vec<u64> = test_chain.blocks().iter().map(|b| b.header.kernel_count).collect();
    assert_eq!(SnapshotLayout::of(&counts, &tip.header, ITEMS).count(), judged.parts());
}

/// Begun again in the middle, out of order, or not to the end: what is adopted is the whole state or nothing.
#[test]
fn parts_are_put_in_their_place_in_order() {
    let test_chain = test_chain();
    let (tip, parts) = parts(&test_chain);
    let judged = judged(test_chain.chain(), &tip, &parts);
    let count = judged.parts();
    let put = |store: &mut Store, place: u32| {
        let (kind, bytes) = &parts[place as usize];
        let part = &Part::from_bytes(*kind, bytes).unwrap();
        store.install_part(JudgedPart { place, parts: count, part, bytes })
    };
    let files = Memory::new();
    let mut store = grown(&files, &test_chain, 2);
    assert!(put(&mut store, 0).is_err(), "nothing arrives");
    let arrive = |store: &mut Store| {
        store.begin_download(&tip).unwrap();
        for ((kind, bytes), place) in parts.iter().zip(0..) {
            store.put_part(place, *kind, bytes).unwrap();
        }
    };
    arrive(&mut store);
    assert!(put(&mut store, 1).is_err(), "not the first");
    arrive(&mut store);
    for n in [0, 1, 2, 0, 1] {
        put(&mut store, n).unwrap();
    }
    put_all(&mut store, &parts, count).unwrap();
    assert_eq!(store.tip().height, Height::new(2), "the chain is what it was");
    store.adopt_snapshot(&judged, ITEMS).unwrap();
    assert_eq!((store.tip(), store.base()), (&tip.header, tip.header.height));
    assert_eq!(store.all_unspent().map(Result::unwrap).count(), test_chain.state().all_unspent().count());
    drop(store);
    let store = Store::open_on(files, layout()).unwrap();
    assert_eq!(store.tip(), &tip.header);

    let mut store = grown(&Memory::new(), &test_chain, 2);
    arrive(&mut store);
    let most = parts.len() - 1;
    put_all(&mut store, &parts[..most], count).unwrap();
    assert!(store.adopt_snapshot(&judged, ITEMS).is_err(), "a part is missing");
}

/// On a real disk: the new index is the one that is opened, wherever the process ended, and what is left over
/// goes.
#[test]
fn an_index_takes_the_place_of_another() {
    let test_chain = test_chain();
    let (tip, parts) = parts(&test_chain);
    let judged = judged(test_chain.chain(), &tip, &parts);
    let scratch = tempfile::tempdir().unwrap();
    let (dir, copy) = (scratch.path().join("chain"), scratch.path().join("copy"));
    let open = |dir: &std::path::Path| {
        let store = Store::open(dir).unwrap();
        let there = |name: FileName| dir.join(name.to_string()).exists();
        assert!(there(FileName::Index) && !there(FileName::NextIndex) && !there(FileName::BaseDraft));
        assert!(store.opened().rebuilt.is_none(), "{:?}", store.opened());
        store
    };
    let mut store = Store::create(&dir, test_chain.chain().params().clone()).unwrap();
    store.begin_download(&tip).unwrap();
    for ((kind, bytes), place) in parts.iter().zip(0..) {
        store.put_part(place, *kind, bytes).unwrap();
    }
    put_all(&mut store, &parts, judged.parts()).unwrap();
    // A process that ends here has adopted nothing, and begins again.
    copy_tree(&dir, &copy);
    assert_eq!(open(&copy).tip().height, Height::GENESIS);
    let whole = |store: &Store| {
        assert_eq!(store.tip(), &tip.header);
        assert_eq!(store.all_unspent().map(Result::unwrap).count(), test_chain.state().all_unspent().count());
    };
    store.adopt_snapshot(&judged, ITEMS).unwrap();
    whole(&store);
    // A process that ends here has not yet renamed it.
    copy_tree(&dir, &copy);
    whole(&open(&copy));
    drop(store);
    whole(&open(&dir));
    whole(&open(&dir));
}
