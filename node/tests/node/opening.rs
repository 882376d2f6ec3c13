//! What opening a store reads, which is the same however long the chain is; and what it no longer reads is
//! compared with the roots when it is asked for.

use crate::test_chain::TestChain;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    block::{Block, Header, body_hash},
    chain::{Chain, Params},
    codec::Encode,
    group::Point,
    hash::tagged,
    kernel::{Excess, Kernel, KernelFeatures, Window},
    mmr::Peaks,
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    state::{ChainView, Sighting},
    transaction::Body,
};
use sotto_node::{
    ledger::audit::audit,
    storage::{
        Batch, Database, Databases, FileName, Files, KeyValue, Layout, Memory, Slot, Store, StoreError,
    },
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Databases in memory that outlive a store. They count the entries that are read, and keep all entries after each batch.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Mutex<[Option<Entries>; 2]>>, Arc<AtomicU64>, Arc<Mutex<Vec<Entries>>>);

#[derive(Debug)]
struct WatchedDatabase(Watched, usize);

impl Watched {
    fn with(entries: Entries) -> Self {
        let watched = Self::default();
        watched.slots()[0] = Some(entries);
        watched
    }

    fn slots(&self) -> MutexGuard<'_, [Option<Entries>; 2]> {
        self.0.lock().unwrap()
    }

    fn entries(&self) -> Entries {
        self.slots()[0].clone().unwrap_or_default()
    }

    /// How many entries were read since the last time.
    fn reads(&self) -> u64 {
        self.1.swap(0, Ordering::Relaxed)
    }

    fn layout(&self) -> Layout {
        Layout { segment_bytes: 4_000, ..Layout::new(self.clone()) }
    }
}

impl Databases for Watched {
    fn open(&self, slot: Slot) -> Result<Box<dyn Database>, StoreError> {
        let slot = usize::from(slot == Slot::Next);
        self.slots()[slot].get_or_insert_default();
        Ok(Box::new(WatchedDatabase(self.clone(), slot)))
    }

    fn exists(&self, slot: Slot) -> bool {
        self.slots()[usize::from(slot == Slot::Next)].is_some()
    }

    fn remove(&self, slot: Slot) -> Result<(), StoreError> {
        self.slots()[usize::from(slot == Slot::Next)] = None;
        Ok(())
    }

    fn rename(&self, from: Slot, to: Slot) -> Result<(), StoreError> {
        let mut slots = self.slots();
        slots[usize::from(to == Slot::Next)] = slots[usize::from(from == Slot::Next)].take();
        Ok(())
    }
}

impl WatchedDatabase {
    fn with<T>(&self, read: impl FnOnce(&mut Entries) -> T) -> T {
        read(self.0.slots()[self.1].get_or_insert_default())
    }
}

impl Database for WatchedDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.with(|entries| entries.get(key).cloned()))
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, StoreError>> + '_> {
        let range = from.to_vec()..to.max(from).to_vec();
        let found: Vec<_> =
            self.with(|entries| entries.range(range).map(|(k, v)| (k.clone(), v.clone())).collect());
        Box::new(found.into_iter().map(|entry| {
            self.0.1.fetch_add(1, Ordering::Relaxed);
            Ok(entry)
        }))
    }

    fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let after = self.with(|entries| {
            for (key, value) in batch {
                match value {
                    Some(value) => drop(entries.insert(key, value)),
                    None => drop(entries.remove(&key)),
                }
            }
            (entries.len() < 1_000).then(|| entries.clone())
        });
        self.0.2.lock().unwrap().extend(after);
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.with(Entries::clear);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// Blocks of a kernel each and no output. Nothing of them is signed: a store trusts what was written.
fn blocks(chain: &Chain, n: u64) -> Vec<Block> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let signature = sign(&SecretScalar::random(&mut rng), b"none", &mut rng);
    let (mut tip, mut kernels, mut excess) =
        (Header::genesis(chain), Peaks::new(), Excess::from_point(Point::g()));
    let mut all = Vec::new();
    for height in (1..=n).map(Height::new) {
        excess = excess.plus(&Excess::from_point(Point::g()));
        let features = KernelFeatures::Coinbase { height };
        let kernel = Kernel { features, excess, signature };
        kernels.push(kernel.id());
        let body = Body { kernels: vec![kernel], ..Body::default() };
        let header = Header {
            height,
            previous: tip.hash(),
            time: tip.time + 60,
            kernel_count: kernels.len(),
            kernel_root: kernels.root(),
            body_hash: body_hash(&body),
            ..tip
        };
        tip = header.clone();
        all.push(Block { header, seal: signature.into(), body });
    }
    all
}

/// The files of a chain of these blocks, some hundred in each segment.
fn image(chain: &Chain, blocks: &[Block]) -> Memory {
    let checked =
        |tag: &str, place: &[u8], bytes: &[u8]| [bytes, tagged(tag, &[place, bytes]).as_bytes()].concat();
    let (id, files, mut end) = (chain.id().as_bytes(), Memory::new(), Vec::new());
    let mut kernels = Peaks::new();
    for (segment, some) in (0u32..).zip(blocks.chunks(500)) {
        let header = [&b"SLOG"[..], &[1], id, &segment.to_le_bytes()].concat();
        let mut log = checked("sotto/node-segment/v1", &[], &header);
        for b in some {
            let bytes = b.to_bytes();
            let length = (bytes.len() as u64).to_le_bytes();
            let record = [&b"SBLK"[..], &length, &b.header.height.to_bytes(), &bytes].concat();
            let place = [&id[..], &segment.to_le_bytes(), &(log.len() as u64).to_le_bytes()].concat();
            log.extend(checked("sotto/node-record/v1", &place, &record));
            b.body.kernels.iter().for_each(|k| kernels.push(k.id()));
        }
        end = [&segment.to_le_bytes()[..], &(log.len() as u64).to_le_bytes()].concat();
        files.set(FileName::Segment(segment), log);
    }
    let header = &blocks.last().unwrap().header;
    let floor = header.height.minus(chain.params().reorganisation);
    let terms = chain.params().first_terms().to_bytes();
    let start = [&[1], &id[..], &header.to_bytes(), &terms, &floor.to_bytes()].concat();
    let head = [&start[..], &end, &[0; 12], &kernels.to_bytes()].concat();
    files.set(FileName::Genesis, [&chain.params().to_bytes()[..], id].concat());
    files.set(FileName::Head, checked("sotto/node-head/v1", &[], &head));
    files
}

fn chain() -> Chain {
    let operator = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(7));
    Chain::new(Params::solo(PublicKey::of(&operator), 1_000)).unwrap()
}

/// The same number of reads, of the index and of files, for a chain of 5,000 blocks and one of 10,000.
#[test]
fn opening_reads_as_much_of_a_long_chain_as_of_a_short_one() {
    let chain = chain();
    let all = blocks(&chain, 10_000);
    let opened = |n: usize| {
        let (files, databases) = (image(&chain, &all[..n]), Watched::default());
        drop(Store::open_on(files.clone(), databases.layout()).unwrap());
        let before = files.reads();
        databases.reads();
        let store = Store::open_on(files.clone(), databases.layout()).unwrap();
        let reads = (databases.reads(), files.reads() - before);
        assert_eq!((store.opened().replayed, store.opened().rebuilt.is_none()), (0, true));
        answers(&store, &all[..n], 97);
        let one = Height::new(n as u64 / 2);
        databases.reads();
        store.header(one).unwrap();
        assert!(databases.reads() < 10, "a header is read alone");
        reads
    };
    let (short, long) = (opened(5_000), opened(10_000));
    // A path in the map of twice as many may be one step longer.
    assert!(long.0 <= short.0 + 2 && long.1 == short.1, "{short:?} {long:?}");
    let undo_entries = chain.params().reorganisation;
    assert!(long.0 < undo_entries + 20 && long.1 < 10, "{long:?}");
}

/// Asks for the header, kernel and excess of one in `each` blocks: the answer is right, or the error says that the index is
/// damaged. Returns how many were not answered.
fn asked(store: &Store, blocks: &[Block], each: usize) -> usize {
    let mut refused = 0;
    let mut same = |right: Result<bool, StoreError>| match right {
        Ok(right) => assert!(right),
        Err(StoreError::Index { .. }) => refused += 1,
        Err(e) => panic!("{e}"),
    };
    for b in blocks.iter().step_by(each) {
        let (height, kernel) = (b.header.height, &b.body.kernels[0]);
        same(store.header(height).map(|found| found.as_ref() == Some(&b.header)));
        same(store.has_kernel(&kernel.id()));
        let seen = Sighting { height, may_repeat: false };
        same(store.last_seen(&kernel.excess).map(|found| found == Some(seen)));
    }
    refused
}

fn answers(store: &Store, blocks: &[Block], each: usize) {
    assert_eq!(asked(store, blocks, each), 0);
    let unknown = Excess::from_point(Point::h());
    assert_eq!(store.last_seen(&unknown).unwrap(), None);
    assert!(!store.has_kernel(&tagged("none", &[])).unwrap());
    assert_eq!(store.header(Height::new(blocks.len() as u64 + 1)).unwrap(), None);
    assert!(store.kernels().map(Result::unwrap).eq(blocks.iter().flat_map(|b| b.body.kernels.clone())));
}

/// A chain too long to be read at opening, and an index that lost or altered entries: a wrong answer is never given,
/// and what was found is repaired by the next opening.
#[test]
fn what_is_not_read_at_opening_is_compared_when_it_is_asked_for() {
    let chain = chain();
    let all = blocks(&chain, 4_200);
    let files = image(&chain, &all);
    let databases = Watched::default();
    drop(Store::open_on(files.clone(), databases.layout()).unwrap());
    let entries = databases.entries();
    let of = |table: u8| entries.keys().filter(move |k| k[0] == table).cloned().collect::<Vec<_>>();
    let nodes = of(b'n');
    assert!(nodes.len() > 500);
    let picked = [&nodes[0], &nodes[20], &nodes[nodes.len() / 2], &nodes[nodes.len() - 1]];
    for (n, key) in picked.into_iter().enumerate() {
        let mut damaged = entries.clone();
        match n % 2 {
            0 => drop(damaged.remove(key)),
            _ => *damaged.get_mut(key).unwrap().last_mut().unwrap() ^= 1,
        }
        let databases = Watched::with(damaged);
        let store = Store::open_on(files.clone(), databases.layout());
        let store = store.unwrap();
        // A part of what the last header's path has is found at once.
        if store.opened().rebuilt.is_none() {
            assert!(asked(&store, &all, 1) > 0, "{key:?}");
            assert!(
                store.last_seen(&Excess::from_point(Point::h())).is_ok_and(|s| s.is_none()) || key[0] == b'n'
            );
            drop(store);
            let store = Store::open_on(files.clone(), databases.layout()).unwrap();
            assert!(store.opened().rebuilt.is_some());
            answers(&store, &all, 53);
        } else {
            answers(&store, &all, 53);
        }
    }
}

/// A kernel or a header in the log, which nothing reads at opening: reading it gives an error that names the file.
#[test]
fn a_kernel_that_is_not_read_at_opening() {
    let chain = chain();
    let all = blocks(&chain, 4_200);
    let (files, databases) = (image(&chain, &all), Watched::default());
    drop(Store::open_on(files.clone(), databases.layout()).unwrap());
    let whole = files.bytes(FileName::Segment(1)).unwrap();
    let (block, kernel) = (all[700].to_bytes(), all[700].body.kernels[0].to_bytes());
    for part in [&block[..200], &kernel] {
        let begin = whole.windows(part.len()).position(|bytes| bytes == part).unwrap();
        for at in [begin, begin + part.len() / 2, begin + part.len() - 1] {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            files.set(FileName::Segment(1), altered);
            let store = Store::open_on(files.clone(), databases.layout()).unwrap();
            assert!(store.opened().rebuilt.is_none());
            let named = |e: StoreError| matches!(e, StoreError::Damaged { file: FileName::Segment(1), .. });
            let found = match part.len() {
                200 => store.header(Height::new(701)).map(drop),
                _ => store.kernels().try_for_each(|kernel| kernel.map(drop)),
            };
            // The first byte is the version, which is not the header's.
            assert!(found.is_err_and(named) || (part.len() == 200 && at == begin), "{at}");
        }
    }
    files.set(FileName::Segment(1), whole);
    answers(&Store::open_on(files, databases.layout()).unwrap(), &all, 53);
}

/// A segment of the log that is not read at opening: its damage is found when a block in it is read, and by the check of
/// the log.
#[test]
fn a_segment_that_is_not_read_at_opening() {
    let chain = chain();
    let all = blocks(&chain, 1_200);
    let (files, databases) = (image(&chain, &all), Watched::default());
    drop(Store::open_on(files.clone(), databases.layout()).unwrap());
    let named = |e: StoreError| matches!(e, StoreError::Damaged { file: FileName::Segment(1), .. });
    let whole = files.bytes(FileName::Segment(1)).unwrap();
    let mut header = whole.clone();
    header[6] ^= 1;
    files.set(FileName::Segment(1), header);
    let store = Store::open_on(files.clone(), databases.layout()).unwrap();
    assert!(store.check_log().is_err_and(named));
    drop(store);
    let mut gone = files.copy();
    gone.remove(FileName::Segment(1)).unwrap();
    let store = Store::open_on(gone.clone(), databases.layout()).unwrap();
    assert!(store.block(Height::new(700)).is_err_and(named) && store.check_log().is_err_and(named));
    assert_eq!(store.block(Height::new(7)).unwrap().as_ref(), Some(&all[6]));
    drop(store);
    // Without an index all is read.
    for files in [files.clone(), gone] {
        assert!(Store::open_on(files, Watched::default().layout()).is_err_and(named));
    }
}

/// A chain with an excess that occurs again, some of whose blocks are undone.
fn reorganised(databases: &Watched) -> (TestChain, Memory) {
    let mut test_chain = TestChain::new(77);
    let files = Memory::new();
    let params = test_chain.chain.params().clone();
    let mut store = Store::create_on(files.clone(), databases.layout(), params).unwrap();
    let channel = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(78));
    let mut undone = Vec::new();
    for n in 0..12 {
        let coins: Vec<_> = test_chain.spendable().into_iter().filter(|c| c.amount > 1_000).take(1).collect();
        let block = if coins.is_empty() {
            test_chain.mine()
        } else {
            let window = Window { not_before: Height::GENESIS, not_after: Height::new(40) };
            let fee = sotto_mw::amount::Amount::new(200);
            let features = KernelFeatures::NoRecentDuplicate { fee, window, distance: 1 };
            let payment = test_chain.pay_under(&coins, 1, (channel.clone(), features));
            let block = test_chain.block(&[payment]);
            test_chain.connect(block)
        };
        store.apply(&block).unwrap();
        if n % 4 == 3 {
            for _ in 0..=n / 4 {
                undone.extend(store.undo().unwrap().body.kernels);
                test_chain.undo();
            }
        }
    }
    test_chain.agrees(&store);
    for k in &undone {
        assert_eq!(store.has_kernel(&k.id()).unwrap(), test_chain.state.has_kernel(&k.id()).unwrap());
        assert_eq!(store.last_seen(&k.excess).unwrap(), test_chain.state.last_seen(&k.excess).unwrap());
    }
    let excess = Excess::from_point(*PublicKey::of(&channel).point());
    assert!(store.last_seen(&excess).unwrap().is_some_and(|seen| seen.may_repeat));
    (test_chain, files)
}

/// The power fails, and the index is as it was after any of its batches: it catches up, and is not rebuilt.
#[test]
fn an_index_of_any_earlier_batch_catches_up() {
    let databases = Watched::default();
    let (test_chain, files) = reorganised(&databases);
    let states = databases.2.lock().unwrap().clone();
    assert!(states.len() > 17, "{}", states.len());
    for (n, entries) in states.into_iter().enumerate() {
        let store = Store::open_on(files.copy(), Watched::with(entries).layout()).unwrap();
        assert!(store.opened().rebuilt.is_none(), "batch {n}: {:?}", store.opened());
        test_chain.agrees(&store);
    }
}

/// The same, but the entries of a table are those of another batch than the rest: the index is built anew, or no
/// answer changes.
#[test]
fn an_index_of_two_batches_at_once_is_found() {
    let databases = Watched::default();
    let (test_chain, files) = reorganised(&databases);
    let states = databases.2.lock().unwrap().clone();
    let last = states.last().unwrap();
    for earlier in states.iter().rev().skip(1).take(9) {
        for table in [b'n', b'p', b'u', b'x'] {
            let of = |entries: &Entries, is: bool| {
                entries.clone().into_iter().filter(move |(k, _)| (k[0] == table) == is).collect::<Entries>()
            };
            let mixed = of(last, false).into_iter().chain(of(earlier, true)).collect();
            let store = Store::open_on(files.copy(), Watched::with(mixed).layout()).unwrap();
            test_chain.agrees(&store);
        }
    }
}

/// The audit reads the index that opening does not: an entry that is lost, altered or too many is an error.
#[test]
fn the_audit_reads_the_whole_index() {
    let databases = Watched::default();
    let (_, files) = reorganised(&databases);
    let entries = databases.entries();
    let store = Store::open_on(files, databases.layout()).unwrap();
    audit(&store, |_, _| {}).unwrap();
    let read: Vec<_> = entries.iter().filter(|(key, _)| b"nu".contains(&key[0])).collect();
    for (n, (key, value)) in read.into_iter().enumerate().step_by(3) {
        let (mut altered, mut beside) = (value.clone(), key.clone());
        *altered.last_mut().unwrap() ^= 1;
        *beside.last_mut().unwrap() ^= 0x80;
        let place = if n % 2 == 0 && !entries.contains_key(&beside) { beside } else { key.clone() };
        let change: Entries = [(place, altered)].into();
        databases.slots()[0].get_or_insert_default().extend(change);
        assert!(audit(&store, |_, _| {}).is_err(), "{key:?}");
        databases.slots()[0] = Some(entries.clone());
        databases.slots()[0].get_or_insert_default().remove(key);
        assert!(audit(&store, |_, _| {}).is_err(), "{key:?}");
        databases.slots()[0] = Some(entries.clone());
    }
    audit(&store, |_, _| {}).unwrap();
}
