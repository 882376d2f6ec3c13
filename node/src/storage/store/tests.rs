//! An index that comes to disagree with the trie while the store is open: an error, never an answer.

use super::*;
use crate::storage::{Memory, index_check, key};
use sotto_mw::{
    codec::Encode,
    commitment::Commitment,
    group::Point,
    output::{Extra, Output, OutputFeatures},
    range_proof::RangeProof,
    schnorr::PublicKey,
    state::{ChainView, Unspent},
};

/// A store in which one output is unspent, by trie and index.
fn store() -> (Store<Memory>, Unspent) {
    let params = Params::solo(PublicKey::from_point(Point::g()), 0);
    let layout = Layout { segment_bytes: 1 << 20, ..Layout::in_memory() };
    let mut store = Store::create_on(Memory::new(), layout, params).unwrap();
    let output = Output {
        features: OutputFeatures::Plain,
        commitment: Commitment::from_point(Point::h()),
        extra: Extra::default(),
        proof: RangeProof::from_bytes(&[7; 672]),
    };
    let unspent = Unspent { created: Height::new(1), output };
    let entry = index_check::entry(&unspent);
    store.inner.commitments.outputs.insert(entry.key, entry.leaf).unwrap();
    store.inner.index.put(key::unspent(&unspent.output.commitment), Some(unspent.to_bytes()));
    (store, unspent)
}

fn refuses(store: &Store<Memory>, u: &Unspent) {
    assert!(matches!(store.unspent(&u.output.commitment), Err(StoreError::Index { .. })));
    assert!(store.all_unspent().any(|item| item.is_err()));
}

#[test]
fn an_output_that_the_index_has_lost() {
    let (mut store, u) = store();
    assert_eq!(store.unspent(&u.output.commitment).unwrap(), Some(u.clone()));
    assert!(store.all_unspent().all(|item| item.is_ok()));
    store.inner.index.put(key::unspent(&u.output.commitment), None);
    refuses(&store, &u);
}

#[test]
fn an_output_that_the_index_has_altered() {
    let (mut store, u) = store();
    let name = key::unspent(&u.output.commitment);
    let bytes = u.to_bytes();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        store.inner.index.put(name.clone(), Some(bytes));
        refuses(&store, &u);
    }
}

#[test]
fn an_output_that_the_index_has_kept() {
    let (mut store, u) = store();
    store.inner.commitments = StateCommitments::default();
    refuses(&store, &u);
}
