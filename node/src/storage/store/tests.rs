//! An index that comes to disagree with the trie while the store is open: an error, never an answer.

use super::*;
use crate::storage::{
    FileName, Files, Memory, Slot, files::read_whole, index::Index, index_format::part_entry, key,
    located::Located,
};
use sotto_mw::{
    codec::Encode,
    hash::Hash,
    state::{ChainView, Unspent},
    testing::TestChain,
    trie,
};

/// A store in which the rewards of five blocks are unspent, and its chain.
fn store() -> (Store, TestChain) {
    let (mut chain, mut before) = (TestChain::new(5), TestChain::new(5));
    let mut store =
        Store::create_on(Memory::new(), Layout::in_memory(), chain.chain().params().clone()).unwrap();
    for n in 0..5 {
        chain.grow(Vec::new());
        let block = &chain.blocks()[n];
        store.apply(&before.judge(block).unwrap()).unwrap();
        before.connect(block).unwrap();
    }
    // As after it was opened.
    store.inner.commitments.outputs = store.inner.commitments.outputs.unloaded();
    (store, chain)
}

fn last(chain: &TestChain) -> Unspent {
    let block = chain.blocks().last().unwrap();
    Unspent { created: block.header.height, output: block.body.outputs[0].clone() }
}

fn part_of(u: &Unspent) -> (trie::Part, Vec<u8>) {
    let part = trie::Part::of(&Unspent::key(&u.output.commitment));
    (part, key::unspent(part))
}

fn refuses(store: &Store, u: &Unspent) {
    let key = Unspent::key(&u.output.commitment);
    assert!(matches!(store.unspent(&u.output.commitment), Err(StoreError::Index { .. })));
    assert!(matches!(store.outputs(&[key]), Err(StoreError::Index { .. })));
    assert!(matches!(store.chunk(trie::Prefix::new(0, 0).unwrap(), 9), Err(StoreError::Index { .. })));
    assert!(store.all_unspent().any(|item| item.is_err()));
}

#[test]
fn an_output_that_the_index_has_lost() {
    let (mut store, chain) = store();
    let u = last(&chain);
    assert_eq!(store.unspent(&u.output.commitment).unwrap(), Some(u.clone()));
    assert!(store.all_unspent().all(|item| item.is_ok()));
    store.inner.index.put(part_of(&u).1, None);
    refuses(&store, &u);
}

#[test]
fn an_output_that_the_index_has_altered() {
    let (mut store, chain) = store();
    let u = last(&chain);
    let name = part_of(&u).1;
    let bytes = store.inner.index.get(&name).unwrap().unwrap();
    assert!(bytes.len() >= Located::LEAST + 32);
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        store.inner.index.put(name.clone(), Some(bytes));
        refuses(&store, &u);
    }
}

/// A part as an earlier state had it is whole, and yet not this state's.
#[test]
fn a_part_of_an_earlier_state() {
    let (mut store, chain) = store();
    let u = last(&chain);
    let (part, name) = part_of(&u);
    let hash = trie::Part::hash(&[]);
    store.inner.index.put(name, Some(part_entry(&[], part, &hash)));
    store.inner.index.put(key::part(part), Some(hash.as_bytes().to_vec()));
    refuses(&store, &u);
}

/// The trie proves the absence of an output that the index still has.
#[test]
fn an_output_that_the_index_has_kept() {
    let (mut store, chain) = store();
    store.inner.commitments = StateCommitments::default();
    assert_eq!(store.unspent(&last(&chain).output.commitment).unwrap(), None);
    assert_eq!(store.all_unspent().count(), 0);
}

/// What the log has in an output's place is not believed.
#[test]
fn an_output_that_the_log_has_altered() {
    let (mut store, chain) = store();
    let u = last(&chain);
    let segment = FileName::Segment(0);
    let whole = read_whole(store.files(), segment, u64::MAX).unwrap();
    let proof = u.output.proof.to_bytes();
    let at = whole.windows(proof.len()).position(|bytes| bytes == proof).unwrap();
    for at in (at - 34..at + proof.len()).step_by(5) {
        store.files_mut().write(segment, at as u64, &[whole[at] ^ 1]).unwrap();
        assert!(matches!(store.unspent(&u.output.commitment), Err(StoreError::Damaged { .. })), "{at}");
        store.files_mut().write(segment, at as u64, &whole[at..=at]).unwrap();
    }
    assert_eq!(store.unspent(&u.output.commitment).unwrap(), Some(u));
}

/// A branch, and a snapshot that is being made, load parts of their own state, which is not the tip's.
#[test]
fn states_beside_the_tip_load_their_own_parts() {
    let (store, chain) = store();
    let branch = store.branch(Height::new(2)).unwrap();
    let keys: Vec<Hash> =
        chain.blocks().iter().map(|b| Unspent::key(&b.body.outputs[0].commitment)).collect();
    let outputs = branch.outputs(&keys).unwrap();
    let root = chain.blocks()[1].header.output_root;
    for (n, key) in keys.iter().enumerate() {
        let found = outputs.prove(key).verify(&root, key).unwrap();
        assert_eq!(found.is_some(), n < 2);
    }
}

/// A part that turned out to be damaged is noted, and the index rebuilt when the store is opened next.
#[test]
fn a_damaged_index_is_rebuilt_by_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = TestChain::new(6);
    let before = chain.clone();
    chain.grow(Vec::new());
    let mut store = Store::create(dir.path(), chain.chain().params().clone()).unwrap();
    store.apply(&before.judge(&chain.blocks()[0]).unwrap()).unwrap();
    let u = last(&chain);
    let name = part_of(&u).1;
    let mut bytes = store.inner.index.get(&name).unwrap().unwrap();
    bytes[7] ^= 1;
    store.inner.index.put(name, Some(bytes));
    assert!(store.unspent(&u.output.commitment).is_err());
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let rebuilt = &store.opened().rebuilt;
    assert!(matches!(rebuilt, Some(StoreError::Index { fault: IndexFault::Position })), "{rebuilt:?}");
    assert_eq!(store.unspent(&u.output.commitment).unwrap(), Some(u));
}

/// An index that was copied gives way to its copy, and one whose copying was cut short does not.
#[test]
fn an_index_gives_way_to_its_copy() {
    for whole in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut chain = TestChain::new(6);
        let before = chain.clone();
        chain.grow(Vec::new());
        let mut store = Store::create(dir.path(), chain.chain().params().clone()).unwrap();
        store.apply(&before.judge(&chain.blocks()[0]).unwrap()).unwrap();
        store.inner.compact(u64::MAX).unwrap();
        assert!(!dir.path().join("index-next").exists());
        store.inner.compact(0).unwrap();
        if !whole {
            let mut next = Index::open(store.inner.databases.as_ref(), Slot::Next).unwrap();
            next.put(key::HEAD.to_vec(), None);
            next.put(part_of(&last(&chain)).1, None);
        }
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert!(store.opened().replayed == 0 && store.opened().rebuilt.is_none());
        assert!(!dir.path().join("index-next").exists());
        let u = last(&chain);
        assert_eq!(store.unspent(&u.output.commitment).unwrap(), Some(u));
        assert_eq!(
            store.last_seen(&chain.blocks()[0].body.kernels[0].excess).unwrap().unwrap().height,
            Height::new(1)
        );
    }
}
