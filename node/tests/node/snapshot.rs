//! Snapshots: what is exported is imported, whole or in pieces, and nothing else is.

use crate::{
    image,
    test_chain::{Dir, TestChain, temporary},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::Encode,
    hash::tagged,
    state::{ChainView, MemoryState},
};
use sotto_node::{
    codec::Damage,
    ledger::audit::audit,
    storage::{
        self, FileName, ImportError, Imported, Memory, PART_ITEMS, Store, StoreError,
        snapshot_check::{PartFault, PrunedError},
        snapshot_format::PartKind,
    },
};

fn mined(test_chain: &mut TestChain, blocks: usize) -> Store {
    let mut store = Store::create_on(Memory::new(), temporary(), test_chain.chain.params().clone()).unwrap();
    (0..blocks).for_each(|_| store.apply(&test_chain.mine()).unwrap());
    store
}

pub(crate) fn exported(store: &Store, height: u64, items: u32) -> Vec<u8> {
    let (mut out, mut last) = (Vec::new(), (0, 0));
    let done = store.export(Height::new(height), items, &mut out, |n, all| last = (n, all)).unwrap();
    assert_eq!((done.bytes, done.parts), (out.len() as u64, last.1));
    assert_eq!(last.0, last.1);
    out
}

pub(crate) fn import(files: &Memory, bytes: &[u8]) -> Result<Imported, ImportError> {
    storage::import(files.clone(), temporary(), &mut &bytes[..], None)
}

/// The bytes of a header, and of an operator's seal.
const HEADER: usize = 256;
const SEAL: usize = 1 + 64;

/// Where the header of a snapshot stands: after "SNAP", a version, two lengths and the parameters.
fn header(bytes: &[u8]) -> usize {
    11 + usize::from(u16::from_le_bytes([bytes[5], bytes[6]]))
}

/// Where the table of its parts begins: after the header, a seal (of validators as long as one can be) and a
/// depth.
fn table(bytes: &[u8]) -> usize {
    header(bytes) + HEADER + if bytes[4] == 3 { 1 + 4 + 1 + 13 + 100 * 64 } else { SEAL } + 1
}

/// Where the parts of a snapshot stand: kind, begin, end.
pub(crate) fn parts(bytes: &[u8]) -> Vec<(u8, usize, usize)> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (table, n) = (table(bytes), word(7));
    let mut at = table + 37 * n + 32;
    let all = (0..n).map(|i| {
        let (kind, length) = (bytes[table + 37 * i], word(table + 37 * i + 1));
        at += length;
        (kind, at - length, at)
    });
    all.collect()
}

/// Changes a part, and makes all checks hold again.
pub(crate) fn forged(bytes: &[u8], place: usize, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let (kind, from, to) = parts(bytes)[place];
    change(&mut out[from..to]);
    let tip = tagged("sotto/header/v1", &[&bytes[header(bytes)..header(bytes) + HEADER]]);
    let context = [&tip.as_bytes()[..], &(place as u32).to_le_bytes(), &[kind]].concat();
    let check = tagged("sotto/node-part/v1", &[&context, &out[from..to]]);
    let entry = table(bytes) + 37 * place;
    out[entry + 5..entry + 37].copy_from_slice(check.as_bytes());
    sealed(&mut out);
    out
}

/// Makes the check of the start hold again.
fn sealed(bytes: &mut [u8]) {
    let end = parts(bytes)[0].1 - 32;
    let check = tagged("sotto/node-snapshot/v1", &[&bytes[..end]]);
    bytes[end..end + 32].copy_from_slice(check.as_bytes());
}

/// Every state that is kept, in parts of every size, pruned or not; the copy goes on as the original does.
#[test]
fn what_is_exported_is_imported() {
    exported_and_imported(TestChain::new(110));
    exported_and_imported(TestChain::audited(111));
}

fn exported_and_imported(mut test_chain: TestChain) {
    let mut store = mined(&mut test_chain, 9);
    let states: Vec<MemoryState> = (0..4)
        .map(|_| {
            let state = test_chain.state.clone();
            store.undo().unwrap();
            test_chain.undo();
            state
        })
        .collect();
    let (low, blocks) = (store.tip().height.get(), states.len() as u64);
    assert!(matches!(export_error(&store, low + 1), StoreError::NotKept { .. }));
    for _ in 0..blocks {
        store.apply(&test_chain.mine()).unwrap();
    }
    assert!(matches!(export_error(&store, low - 1), StoreError::NotKept { .. }));
    for items in [1, 2, 3, PART_ITEMS] {
        let bytes = exported(&store, 9, items);
        let kinds: Vec<u8> = parts(&bytes).iter().map(|p| p.0).collect();
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        let many = store.tip().output_count.div_ceil(items.into()) as usize;
        assert_eq!(count(0), 9usize.div_ceil(items as usize));
        assert!(count(1) > 0 && count(2) >= many && count(2).is_power_of_two());
        let files = Memory::new();
        let found = import(&files, &bytes).unwrap();
        assert!(found.missing.is_empty());
        assert_eq!((found.chain, found.height), (*test_chain.chain.id(), Height::new(9)));
        let mut copy = found.store.unwrap();
        assert_eq!((copy.base(), copy.floor()), (Height::new(9), Height::new(9)));
        test_chain.agrees(&copy);
        assert_eq!(audit(&copy, |_, _| {}).unwrap().pruned, Height::new(9));
        assert_eq!(exported(&copy, 9, items), bytes, "a copy of a copy is the same");
        let next = test_chain.mine();
        copy.apply(&next).unwrap();
        test_chain.agrees(&copy);
        drop(copy);
        test_chain.agrees(&Store::open_on(files, temporary()).unwrap());
        test_chain.undo();
    }
    // From a pruned store, at every height that is left, and the same bytes as from one that is not.
    let whole: Vec<_> = (low..=9).map(|h| exported(&store, h, 2)).collect();
    store.prune().unwrap();
    for (h, bytes) in (low..=9).zip(whole) {
        assert_eq!(exported(&store, h, 2), bytes);
        let copy = import(&Memory::new(), &bytes).unwrap().store.unwrap();
        assert_eq!(Some(copy.tip()), store.header(Height::new(h)).unwrap().as_ref());
        audit(&copy, |_, _| {}).unwrap();
    }
}

fn export_error(store: &Store, height: u64) -> StoreError {
    match store.export(Height::new(height), 8, &mut Vec::new(), |_, _| {}) {
        Err(storage::ExportError::Store(e)) => e,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_to_export_and_nowhere_to_write() {
    let mut test_chain = TestChain::new(111);
    let store = mined(&mut test_chain, 0);
    assert!(matches!(export_error(&store, 0), StoreError::NotKept { .. }));
    store_full(&mined(&mut test_chain, 3));
}

fn store_full(store: &Store) {
    let whole = exported(store, 3, 2);
    for room in [0, 100, whole.len() - 1] {
        let mut out = vec![0; room];
        let done = store.export(Height::new(3), 2, &mut &mut out[..], |_, _| {});
        assert!(matches!(done, Err(storage::ExportError::Write(_))));
    }
}

/// A damaged part is named, whichever it is; the rest is kept, and another copy fills the gap.
#[test]
fn a_damaged_part_is_named_and_another_copy_fills_the_gap() {
    let mut test_chain = TestChain::new(112);
    let store = mined(&mut test_chain, 8);
    let whole = exported(&store, 8, 3);
    let all = parts(&whole);
    assert!(all.len() > 9);
    for (place, (kind, from, to)) in all.iter().enumerate() {
        let mut bytes = whole.clone();
        let at = from + (place * 97) % (to - from);
        bytes[at] ^= 1 << (place % 8);
        let files = Memory::new();
        let found = import(&files, &bytes).unwrap();
        assert!(found.store.is_none());
        let named: Vec<_> = found.missing.iter().map(|m| (m.part as usize, m.kind as u8, m.fault)).collect();
        assert_eq!(named, vec![(place, *kind, PartFault::Damaged(Damage::Checksum))]);
        // It is no chain yet, and none is made over it.
        assert!(Store::open_on(files.clone(), temporary()).is_err());
        let made = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone());
        assert!(matches!(made, Err(StoreError::Importing)));
        // The same copy again is no better; one with other damage is as good as a whole one.
        assert_eq!(import(&files, &bytes).unwrap().missing, found.missing);
        let mut other = whole.clone();
        let next = all[(place + 1) % all.len()];
        other[next.1] ^= 1;
        let copy = import(&files, &other).unwrap().store.unwrap();
        test_chain.agrees(&copy);
        audit(&copy, |_, _| {}).unwrap();
        assert!(matches!(import(&files, &whole), Err(ImportError::Store(StoreError::Exists))));
    }
}

/// A copy that ends early: what arrived is kept, and what did not is named.
#[test]
fn a_copy_that_was_cut_off_can_be_completed() {
    let mut test_chain = TestChain::new(113);
    let store = mined(&mut test_chain, 7);
    let whole = exported(&store, 7, 2);
    let all = parts(&whole);
    for length in (0..whole.len()).step_by(509) {
        let files = Memory::new();
        match import(&files, &whole[..length]) {
            Err(ImportError::Start(_)) => assert!(length < all[0].1),
            Ok(found) => {
                let cut: Vec<u32> = (0..).zip(&all).filter(|(_, p)| p.2 > length).map(|(n, _)| n).collect();
                assert_eq!(found.missing.iter().map(|m| m.part).collect::<Vec<_>>(), cut);
                assert!(found.missing.iter().all(|m| m.fault == PartFault::Damaged(Damage::Short)));
                test_chain.agrees(&import(&files, &whole).unwrap().store.unwrap());
            }
            Err(e) => panic!("{e}"),
        }
    }
}

/// Every bit of the start counts, and none of them makes room for what is not there.
#[test]
fn a_damaged_start_is_refused() {
    let mut test_chain = TestChain::new(114);
    let store = mined(&mut test_chain, 3);
    let whole = exported(&store, 3, 2);
    for at in 0..parts(&whole)[0].1 {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(matches!(import(&Memory::new(), &bytes), Err(ImportError::Start(_))), "{at}");
    }
    // A table that promises the world: no room is made for more than the sealed header counts.
    let mut bytes = whole.clone();
    for i in 0..parts(&whole).len() {
        let entry = table(&bytes) + 37 * i;
        bytes[entry + 1..entry + 5].copy_from_slice(&(1u32 << 28).to_le_bytes());
    }
    let end = table(&whole) + 37 * parts(&whole).len();
    let check = tagged("sotto/node-snapshot/v1", &[&bytes[..end]]);
    bytes[end..end + 32].copy_from_slice(check.as_bytes());
    bytes.truncate(end + 32);
    let files = Memory::new();
    files.limit(Some(1 << 20));
    assert!(matches!(import(&files, &bytes), Err(ImportError::Start(Damage::Long))));
    assert_eq!(files.changes(), 0);
}

/// Checksums that hold around what is not the chain's: the part is named, and an honest copy replaces it.
#[test]
fn a_forged_part_is_named_and_an_honest_copy_replaces_it() {
    let mut test_chain = TestChain::new(115);
    let store = mined(&mut test_chain, 8);
    let whole = exported(&store, 8, 3);
    for (place, (kind, from, to)) in parts(&whole).into_iter().enumerate() {
        for at in [0, (to - from) / 2, to - from - 1] {
            let bytes = forged(&whole, place, |part| part[at] ^= 1);
            let files = Memory::new();
            let found = import(&files, &bytes).unwrap();
            let named: Vec<_> = found.missing.iter().map(|m| (m.part as usize, m.kind as u8)).collect();
            assert_eq!(named, vec![(place, kind)], "{at}: {:?}", found.missing);
            assert_ne!(found.missing[0].fault, PartFault::Damaged(Damage::Checksum));
            test_chain.agrees(&import(&files, &whole).unwrap().store.unwrap());
        }
    }
    // Two parts of outputs change places, as does one with nothing.
    let all = parts(&whole);
    let outputs: Vec<_> = all.iter().enumerate().filter(|(_, p)| p.0 == 2).collect();
    let (a, b) = (outputs[0], outputs[1]);
    let first = whole[a.1.1..a.1.2].to_vec();
    if let Some(cut) = first.len().checked_sub(b.1.2 - b.1.1).filter(|n| *n == 0) {
        let bytes = forged(&whole, b.0, |part| part.copy_from_slice(&first[cut..]));
        assert_eq!(import(&Memory::new(), &bytes).unwrap().missing.len(), 1);
    }
}

/// Another chain's snapshot, another operator's, or another snapshot in between.
#[test]
fn foreign_snapshots_are_refused() {
    let (mut test_chain, mut other) = (TestChain::new(116), TestChain::new(117));
    let (store, theirs) = (mined(&mut test_chain, 5), mined(&mut other, 5));
    let (ours, foreign) = (exported(&store, 5, 2), exported(&theirs, 5, 2));
    let id = *test_chain.chain.id();
    let named = |bytes: &[u8], id: ChainId| {
        storage::import(Memory::new(), temporary(), &mut &bytes[..], Some(id)).map(|i| i.store.is_some())
    };
    assert!(named(&ours, id).unwrap());
    let found = *other.chain.id();
    assert!(
        matches!(named(&foreign, id), Err(ImportError::Foreign { expected, found: f }) if (expected, f) == (id, found))
    );
    // Our parameters around their headers.
    let mut mixed = foreign.clone();
    mixed[11..header(&foreign)].copy_from_slice(&test_chain.chain.params().to_bytes());
    sealed(&mut mixed);
    assert!(matches!(import(&Memory::new(), &mixed), Err(ImportError::Unsealed(_))));
    // An import of one state is not gone on with by another's.
    let files = Memory::new();
    let cut = ours.len() - 1;
    assert!(import(&files, &ours[..cut]).unwrap().store.is_none());
    for another in [exported(&store, 4, 2), foreign] {
        assert!(matches!(import(&files, &another), Err(ImportError::Another { .. })));
    }
    // In parts of another size it is the same state: what does not fit is taken from the new copy.
    test_chain.agrees(&import(&files, &exported(&store, 5, 3)).unwrap().store.unwrap());
}

/// An operator who inflates seals a perfect snapshot, and the sums tell.
#[test]
fn a_sealed_lie_is_refused() {
    let (mut test_chain, mut honest) = (TestChain::new(118), TestChain::new(118));
    let store = mined(&mut honest, 1);
    assert!(import(&Memory::new(), &exported(&store, 1, 8)).unwrap().store.is_some());
    let files = image::inflated(&mut test_chain, &image::key(118));
    let store = Store::open_on(files, temporary()).unwrap();
    let refused = import(&Memory::new(), &exported(&store, 2, 8));
    assert!(matches!(refused, Err(ImportError::Refused(PrunedError::Supply(_)))));
    assert_eq!(PartKind::Outputs.to_string(), "outputs");
}

/// Power fails at every file operation of an import: it can be given again, or it is done.
#[test]
fn killed_while_it_is_imported() {
    let mut test_chain = TestChain::new(119);
    let store = mined(&mut test_chain, 6);
    let whole = exported(&store, 6, 2);
    let mut damaged = whole.clone();
    let all = parts(&whole);
    damaged[all[1].1] ^= 1;
    let mut rng = ChaCha20Rng::seed_from_u64(119);
    for kill in 0.. {
        let files = Memory::new();
        import(&files, &damaged).unwrap();
        files.kill_after(Some(kill));
        let done = import(&files, &whole).is_ok();
        for _ in 0..4 {
            let disk = files.after_power_loss(&mut rng);
            let store = match Store::open_on(disk.clone(), temporary()) {
                Ok(store) => store,
                Err(_) => import(&disk, &whole).unwrap().store.unwrap(),
            };
            test_chain.agrees(&store);
        }
        if done {
            assert!(kill > 20, "{kill}");
            break;
        }
    }
}

/// On a real disk, beside an index.
#[test]
fn an_import_on_disk() {
    let (dir, mut test_chain) = (Dir::new(), TestChain::new(120));
    let store = mined(&mut test_chain, 6);
    let whole = exported(&store, 6, 2);
    let import = |bytes: &[u8]| Store::import(dir.path(), &mut &bytes[..], None);
    assert!(import(&whole[..whole.len() - 9]).unwrap().store.is_none());
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Importing)));
    let copy = import(&whole).unwrap().store.unwrap();
    test_chain.agrees(&copy);
    drop(copy);
    let copy = Store::open(dir.path()).unwrap();
    assert!(copy.opened().replayed == 0 && copy.opened().rebuilt.is_none(), "{:?}", copy.opened());
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|n| *n == *FileName::Draft.to_string()), "{names:?}");
    test_chain.agrees(&copy);
}
