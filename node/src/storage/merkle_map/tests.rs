#![allow(clippy::indexing_slicing, reason = "a test may fail")]
use super::*;
use crate::storage::{
    database::{Databases as _, Slot},
    memory_database::MemoryDatabases,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A map, and what it should have.
struct Both {
    db: Box<dyn Database>,
    root: Hash,
    model: BTreeMap<Hash, Vec<u8>>,
}

impl Both {
    fn new() -> Self {
        Self { db: MemoryDatabases.open(Slot::Current).unwrap(), root: Hash::ZERO, model: BTreeMap::new() }
    }

    fn change(&mut self, changes: Changes) {
        for (key, value) in &changes {
            match value {
                Some(value) => drop(self.model.insert(*key, value.clone())),
                None => drop(self.model.remove(key)),
            }
        }
        let mut batch = Batch::default();
        self.root = edit(self.db.as_ref(), &mut batch, &self.root, changes).unwrap();
        self.db.write(batch).unwrap();
    }

    fn put(&mut self, key: Hash, value: Vec<u8>) {
        self.change([(key, Some(value))].into());
    }

    fn nodes(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.db.range(key::NODES, &key::after(key::NODES)).map(Result::unwrap).collect()
    }

    /// All that the model has and nothing else, in as many nodes as the database has.
    fn agrees(&self) {
        let get = |key: &Hash| get(self.db.as_ref(), &self.root, key).unwrap();
        assert!(self.model.iter().all(|(key, value)| get(key).as_ref() == Some(value)));
        let size = size(self.db.as_ref(), &self.root).unwrap();
        assert_eq!((size.keys, size.nodes), (self.model.len() as u64, self.nodes().len() as u64));
        assert_eq!(self.root == Hash::ZERO, self.model.is_empty());
    }
}

/// Keys of which many begin with the same bits.
fn key_of(rng: &mut ChaCha20Rng) -> Hash {
    let mut bytes = [0; 32];
    let same = rng.next_u32() as usize % 33;
    bytes[same..].iter_mut().for_each(|b| *b = (rng.next_u32() % 3) as u8 * 0x55);
    Hash::from_bytes(bytes)
}

#[test]
fn a_map_is_a_map() {
    for seed in 0..6 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (mut both, mut keys) = (Both::new(), Vec::new());
        for round in 0..60 {
            let mut changes = Changes::new();
            for _ in 0..rng.next_u32() % 40 {
                let known = keys.get(rng.next_u32() as usize % (keys.len() + 1)).copied();
                let key =
                    known.filter(|_| rng.next_u32().is_multiple_of(2)).unwrap_or_else(|| key_of(&mut rng));
                let value = vec![7; rng.next_u32() as usize % 20];
                keys.push(key);
                changes.insert(key, (rng.next_u32() % 3 > u32::from(round > 30)).then_some(value));
            }
            both.change(changes);
            both.agrees();
            assert_eq!(get(both.db.as_ref(), &both.root, &Hash::from_bytes([9; 32])).unwrap(), None);
        }
        both.change(keys.into_iter().map(|key| (key, None)).collect());
        both.agrees();
        assert!(both.nodes().is_empty());
    }
}

/// A map of 1,000 keys, evenly spread.
fn large() -> Both {
    let mut both = Both::new();
    let keys = (0..1_000u64).map(|n| tagged("test", &[&n.to_le_bytes()]));
    both.change(keys.map(|key| (key, Some(vec![1, 2, 3]))).collect());
    both
}

/// Whatever node is lost, altered, or of an earlier state: every answer is the right one or an error, and one is an
/// error at least.
#[test]
fn every_node_that_is_not_the_maps_is_found() {
    let mut both = large();
    let before: BTreeMap<_, _> = both.nodes().into_iter().collect();
    let (changed, _) = both.model.first_key_value().map(|(k, v)| (*k, v.clone())).unwrap();
    both.put(changed, vec![4]);
    let nodes = both.nodes();
    assert!(nodes.len() > 100, "{}", nodes.len());
    let mut refused_earlier = 0;
    for (name, node) in &nodes {
        let mut altered = node.clone();
        *altered.last_mut().unwrap() ^= 1;
        let earlier = before.get(name).filter(|earlier| *earlier != node).cloned();
        refused_earlier += usize::from(earlier.is_some());
        for other in [None, Some(altered)].into_iter().chain(earlier.map(Some)) {
            let mut batch = Batch::default();
            match other {
                Some(bytes) => batch.insert(name.clone(), bytes),
                None => batch.remove(name.clone()),
            }
            both.db.write(batch).unwrap();
            let found = both.model.iter().map(|(k, v)| (get(both.db.as_ref(), &both.root, k), v));
            let mut refused = 0;
            for (answer, value) in found {
                match answer {
                    Ok(answer) => assert_eq!(answer.as_ref(), Some(value)),
                    Err(StoreError::Index { fault: IndexFault::Lookup }) => refused += 1,
                    Err(e) => panic!("{e}"),
                }
            }
            assert!(refused > 0);
            assert!(size(both.db.as_ref(), &both.root).is_err());
            let mut batch = Batch::default();
            batch.insert(name.clone(), node.clone());
            both.db.write(batch).unwrap();
        }
    }
    assert!(refused_earlier >= 2, "a leaf and the nodes above it");
    both.agrees();
}

/// A node of one place does not stand for that of another.
#[test]
fn a_node_belongs_to_its_place() {
    let both = large();
    let nodes = both.nodes();
    let hashes = nodes.iter().map(|(name, node)| tagged(tag::MAP, &[name, node]));
    assert!(hashes.collect::<std::collections::BTreeSet<_>>().len() == nodes.len());
    let (a, b) = (Hash::from_bytes([0x12; 32]), Hash::from_bytes([0x13; 32]));
    let at = |key, depth| Place { key, depth }.name();
    assert_eq!(at(&a, 1), at(&b, 1));
    assert_ne!(at(&a, 2), at(&b, 2));
    assert_ne!(at(&a, 1), at(&a, 2));
}

/// Nodes that were read or written for one key: as many as the path is long.
#[test]
fn a_change_touches_a_path() {
    let both = large();
    let mut batch = Batch::default();
    let changes = [(tagged("test", &[b"new"]), Some(vec![1]))].into();
    edit(both.db.as_ref(), &mut batch, &both.root, changes).unwrap();
    assert!(batch.into_iter().count() <= 2 + 17);
}

#[test]
fn nodes_decode_to_what_was_encoded() {
    let leaf = Node::Leaf(vec![(Hash::ZERO, vec![]), (Hash::from_bytes([3; 32]), vec![1, 2])]);
    let mut children = Box::new([Hash::ZERO; CHILDREN]);
    (children[0], children[15]) = (Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32]));
    for node in [leaf, Node::Branch(children)] {
        let bytes = node.to_bytes();
        assert_eq!(Node::from_bytes(&bytes), Ok(node));
        assert!(Node::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Node::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
    assert!(Node::from_bytes(&[2]).is_err() && Node::from_bytes(&[]).is_err());
}
