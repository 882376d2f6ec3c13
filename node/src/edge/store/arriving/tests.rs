//! Power fails while parts arrive and while the state is adopted: the store is where it was, or where the snapshot is.

use super::*;
use crate::{
    edge::store::{IndexPlace, Layout, Memory, export::Snapshot},
    engine::{parts::Pieces, pruned::Checker},
    wire::snapshot::Part,
};
use mw::{amount::Height, rules, rules::params::Chain, state::ChainView, testing::Toy};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const ITEMS: u32 = 3;

fn layout() -> Layout {
    Layout { index: IndexPlace::Temporary, segment_bytes: 4_000 }
}

/// A store of the first `blocks` of a chain.
fn grown(files: &Memory, toy: &Toy, blocks: usize) -> Store<Memory> {
    let mut store = Store::create_on(files.clone(), layout(), toy.chain().params().clone()).unwrap();
    for b in toy.blocks().iter().take(blocks) {
        let block = rules::check_block(toy.chain(), b.clone()).unwrap();
        let block = rules::verify_block(toy.chain(), store.tip(), block).unwrap();
        let block = rules::connect_block(toy.chain(), &store, block).unwrap();
        store.apply(&block).unwrap();
    }
    store
}

/// The parts of the state after the last block.
fn parts(toy: &Toy) -> (SealedHeader, Vec<(PartKind, Vec<u8>)>) {
    let store = grown(&Memory::new(), toy, toy.blocks().len());
    let snapshot = Snapshot::plan(&store, store.tip().height, ITEMS).unwrap();
    let all = (0..snapshot.start.count().all).map(|place| snapshot.part(&store, place).unwrap());
    (snapshot.start.tip.clone(), all.collect())
}

fn judged(chain: &Chain, tip: &SealedHeader, parts: &[(PartKind, Vec<u8>)]) -> Judged {
    let count = parts.iter().filter(|(kind, _)| *kind == PartKind::Outputs).count();
    let count =
        crate::wire::snapshot::PartCount { all: parts.len() as u32, depth: count.trailing_zeros() as u8 };
    let mut checker = Checker::new(chain, tip, count).unwrap();
    for ((kind, bytes), place) in parts.iter().zip(0..) {
        checker.part(place, &Part::from_bytes(*kind, bytes).unwrap()).unwrap();
    }
    checker.finish().unwrap()
}

fn toy() -> Toy {
    let mut toy = Toy::new(31);
    let coin = toy.grow(Vec::new());
    toy.mature();
    let payment = toy.pay(&[&coin], &[5]).0;
    toy.grow(vec![payment]);
    (0..6).for_each(|_| drop(toy.grow(Vec::new())));
    toy
}

#[test]
fn what_arrived_whole_survives_the_loss_of_power() {
    let toy = toy();
    let (tip, parts) = parts(&toy);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for _ in 0..30 {
        let files = Memory::new();
        let mut store = grown(&files, &toy, 2);
        store.begin_arriving(&tip).unwrap();
        let order = (0..parts.len() as u32).rev();
        order.for_each(|p| store.put_arrived(p, parts[p as usize].0, &parts[p as usize].1).unwrap());
        let disk = files.after_power_loss(&mut rng);
        let store = Store::open_on(disk, layout()).unwrap();
        let (found, places) = store.arrived().unwrap();
        let places: Vec<u32> = places.collect();
        assert_eq!(*found, tip);
        assert!(places.len() as u32 + UNSYNCED > parts.len() as u32, "{places:?}");
        for place in places {
            assert_eq!(store.arrived_part(place).unwrap().as_ref(), Some(&parts[place as usize].1));
        }
    }
}

/// One flipped bit costs the part that it is in and those that came later, and is never handed on.
#[test]
fn damage_is_as_if_it_had_not_arrived() {
    let toy = toy();
    let (tip, parts) = parts(&toy);
    let files = Memory::new();
    let mut store = grown(&files, &toy, 2);
    store.begin_arriving(&tip).unwrap();
    let all = || parts.iter().zip(0..);
    all().for_each(|((kind, bytes), place)| store.put_arrived(place, *kind, bytes).unwrap());
    drop(store);
    let whole = files.bytes(FILE).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let disk = files.copy();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        disk.set(FILE, bytes);
        let store = Store::open_on(disk, layout()).unwrap();
        let Some((_, places)) = store.arrived() else {
            assert!(at < ARRIVING_HEADER);
            continue;
        };
        let places: Vec<u32> = places.collect();
        assert!(places.len() < parts.len(), "byte {at}");
        assert!(
            places.iter().all(|p| store.arrived_part(*p).unwrap().as_ref() == Some(&parts[*p as usize].1))
        );
    }
}

#[test]
fn killed_while_a_state_is_adopted() {
    let toy = toy();
    let (tip, parts) = parts(&toy);
    let judged = judged(toy.chain(), &tip, &parts);
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let before = Memory::new();
    let mut store = grown(&before, &toy, 2);
    store.begin_arriving(&tip).unwrap();
    for ((kind, bytes), place) in parts.iter().zip(0..) {
        store.put_arrived(place, *kind, bytes).unwrap();
    }
    drop(store);
    for kill in 0.. {
        let files = before.copy();
        let mut store = Store::open_on(files.clone(), layout()).unwrap();
        files.kill_after(Some(kill));
        let done = store.adopt_arrived(&judged, ITEMS).is_ok();
        assert!(!done || (store.arrived().is_none() && store.tip().height == tip.header.height));
        drop(store);
        for _ in 0..3 {
            let disk = files.after_power_loss(&mut rng);
            let store = Store::open_on(disk, layout()).unwrap();
            let height = store.tip().height;
            assert!(height == Height::new(2) || height == tip.header.height, "{height}");
            assert!(!done || height == tip.header.height);
            assert_eq!(store.check_log().unwrap(), if store.base() == Height::GENESIS { 2 } else { 0 });
            if height == tip.header.height {
                let unspent = store.all_unspent().map(Result::unwrap).count();
                assert_eq!(unspent, toy.state().all_unspent().count());
            }
        }
        if done {
            assert!(kill > 10, "{kill}");
            break;
        }
    }
    // The counts of the table are those that follow from the headers.
    let counts: Vec<u64> = toy.blocks().iter().map(|b| b.header.kernel_count).collect();
    assert_eq!(Pieces::of(&counts, tip.header.output_count, ITEMS).count(), judged.parts());
}
