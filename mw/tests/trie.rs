//! The trie of unspent outputs: its roots, edits, proofs and chunks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may say so by panicking")]

use proptest::prelude::*;
use sotto_mw::{
    codec::{Decode, Encode},
    hash::{Hash, tagged},
    trie::{
        Chunk, ChunkProof,
        EditError::{Absent, Occupied, Unloaded},
        Entry, Part, Prefix, Trie, TrieError, TrieProof,
    },
};
use std::collections::BTreeMap;

fn entry(i: u32) -> Entry {
    Entry { key: tagged("test/key", &[&i.to_le_bytes()]), leaf: tagged("test/leaf", &[&i.to_le_bytes()]) }
}

fn first(n: u32) -> Trie {
    Trie::from_leaves((0..n).map(entry)).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    tagged("test/bytes", &[bytes]).to_string()
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// Keys that share long prefixes, so that forks lie at every kind of bit, and some that share none.
fn any_key() -> impl Strategy<Value = Hash> {
    let near = (0usize..3, 0u8..12).prop_map(|(at, value)| {
        let mut key = [0; 32];
        key[[0, 17, 31][at]] = value.wrapping_mul(0x55);
        Hash::from_bytes(key)
    });
    prop_oneof![near, (0u32..24).prop_map(|i| entry(i).key)]
}

fn any_set(size: usize) -> impl Strategy<Value = BTreeMap<Hash, Hash>> {
    prop::collection::btree_map(any_key(), any::<u8>().prop_map(|b| Hash::from_bytes([b; 32])), 0..size)
}

fn entries(set: &BTreeMap<Hash, Hash>) -> Vec<Entry> {
    set.iter().map(|(&key, &leaf)| Entry { key, leaf }).collect()
}

fn trie(set: &BTreeMap<Hash, Hash>) -> Trie {
    Trie::from_leaves(entries(set)).unwrap()
}

/// Computed by the definition at the top of `trie.rs` with Python's hashlib; key i = tagged("test/key", i (4,
/// LE)), leaf i = tagged("test/leaf", i (4, LE)).
#[test]
fn known_roots() {
    let known = [
        (0, "cf5ad17d934566268d0ba0b43fb8e22fafa4846cc0a57d4c8958b7db9c94a853"),
        (1, "dd3d33e5652ca740885aef07d1c1c4fea87db5e46790e640723dc14651401d13"),
        (2, "ee11f53903b2d6a89619f16960058e79577530a31bb6e56f5ece2eeca387de43"),
        (3, "c82ac8f4c615e4c03fb29c59d1560c304824f9e53359b5895cb9c8cd9785eae9"),
        (10, "01b48fa431b1afc547deba1149e36eca5afbc0005dbbf169d84e6ce096e11918"),
        (1000, "48f8b5b94d71c77dfafa95a37913aedb6a143a3c70d321432a84a4430dd68a27"),
    ];
    for (n, root) in known {
        assert_eq!(first(n).root().to_string(), root, "{n} entries");
        assert_eq!(first(n).len(), u64::from(n));
        assert_eq!(first(n).is_empty(), n == 0);
    }
    // Forks at bits 0, 8, 248 and 255; each leaf is 32 bytes of 7. Same Python.
    let near = [(31, 0), (31, 1), (31, 0x80), (1, 0x80), (0, 0x80)].map(|(at, byte)| {
        let mut key = [0; 32];
        key[at] = byte;
        Entry { key: Hash::from_bytes(key), leaf: Hash::from_bytes([7; 32]) }
    });
    let root = Trie::from_leaves(near).unwrap().root().to_string();
    assert_eq!(root, "dc984d872b0e502af2dc913dc7e8c6ba8b3f0f4e19cb900418570006a1419761");
}

/// Digests tagged("test/bytes", bytes) of what the same Python assembled by the formats in `trie/proof.rs`.
#[test]
fn known_proofs_and_chunks() {
    let proof = |n, i| digest(&first(n).prove(&entry(i).key).to_bytes());
    assert_eq!(proof(1000, 5), "853b098b29e928dcab5022f5780bf5185dbe25106c387ad8ed63d0682d95283c");
    assert_eq!(proof(1000, 1000), "9f41a9432a520e7554e9a2ea78afb183d94bfada94f4b143f4ec60c5ad09f6ca");
    assert_eq!(proof(0, 0), "d9139b6edf7f55b9e5e5de6218688c6c23aa400384df0cb396f29c1e681e0792");
    let chunk = |n, depth, index| digest(&first(n).chunk(Prefix::new(depth, index).unwrap()).to_bytes());
    assert_eq!(chunk(1000, 6, 43), "b727646632a2f17d59ec10407f99c9878552ae100244a540e11790cfe13133de");
    assert_eq!(chunk(3, 2, 0), "b4e3a13bed102a968f4574e238cd4b8d178f3c282822d9bd3e602e415736e2ce");
    assert_eq!(chunk(3, 2, 1), "d937175a3dd47566a179ffc7a0646ca221d954ccd8f841b17997bf980ac089fa");
    assert_eq!(chunk(3, 2, 2), "b9407423cde9e4cc466bfc2e56928993ccd1151a17e2dc0161c2be54be80f829");
    assert_eq!(chunk(3, 2, 3), "889c9a68505370db66971287823edc73f8a2024963846c6632e3d7b119255a28");
}

#[test]
fn conflicts_are_refused_and_change_nothing() {
    let mut trie = first(20);
    let root = trie.root();
    let (a, new) = (entry(3), entry(99));
    let twice = [new, Entry { leaf: Hash::ZERO, ..new }];
    let (occupied, absent) = (|key| Err(Occupied(key)), |key| Err(Absent(key)));
    assert_eq!(trie.insert(a.key, Hash::ZERO), Err(Occupied(a.key)));
    assert_eq!(trie.remove(&new.key), Err(Absent(new.key)));
    assert_eq!(trie.apply(&[], &[new, a]), occupied(a.key));
    assert_eq!(trie.apply(&[], &twice), occupied(new.key));
    assert_eq!(trie.apply(&[a.key, a.key], &[]), absent(a.key));
    assert_eq!(trie.apply(&[a.key, new.key], &[]), absent(new.key));
    assert_eq!(trie.apply(&[new.key], &[new]), absent(new.key)); // removals come first
    assert_eq!((trie.root(), trie.len()), (root, 20));
    assert_eq!(Trie::from_leaves(twice).unwrap_err(), Occupied(new.key));

    let other = Entry { leaf: Hash::ZERO, ..a };
    assert_eq!(trie.apply(&[a.key], &[other]), Ok(()));
    assert_eq!((trie.get(&a.key), trie.len()), (Some(Hash::ZERO), 20));
    assert_ne!(trie.root(), root);
}

/// A thousand edits take the parallel path; the definition by hand agrees.
#[test]
fn a_large_batch_is_the_set_it_makes() {
    let mut trie = first(3000);
    let snapshot = trie.clone();
    let removes: Vec<Hash> = (0..3000).step_by(3).map(|i| entry(i).key).collect();
    let inserts: Vec<Entry> = (3000..4000).map(entry).collect();
    trie.apply(&removes, &inserts).unwrap();
    let set = (0..3000).filter(|i| i % 3 != 0).chain(3000..4000).map(entry);
    assert_eq!(trie.root(), Trie::from_leaves(set).unwrap().root());
    assert_eq!(trie.len(), 3000);
    assert_eq!(snapshot.root(), first(3000).root());
}

#[test]
fn prefixes_are_bounded_and_part_the_keys() {
    assert!(Prefix::new(0, 0).is_some() && Prefix::new(32, u32::MAX).is_some());
    assert_eq!((Prefix::new(0, 1), Prefix::new(5, 32), Prefix::new(33, 0)), (None, None, None));
    let key = Hash::from_bytes([0xb7; 32]); // 1011 0111
    for (depth, index) in [(0, 0), (1, 1), (3, 5), (8, 0xb7), (32, 0xb7b7_b7b7)] {
        let prefix = Prefix::new(depth, index).unwrap();
        assert!(prefix.covers(&key));
        assert_eq!((prefix.depth(), prefix.index()), (depth, index));
        assert!(depth == 0 || !Prefix::new(depth, index ^ 1).unwrap().covers(&key));
    }
}

#[test]
fn a_chunk_that_lacks_or_adds_is_refused() {
    let trie = first(200);
    let root = trie.root();
    let chunk = trie.chunk(Prefix::new(3, 5).unwrap());
    assert_eq!(chunk.verify(&root), Ok(()));
    assert_eq!(chunk.proof.trie_len(), 200);
    assert!(chunk.leaves.len() > 3);
    for i in 0..chunk.leaves.len() {
        let mut less = chunk.clone();
        less.leaves.remove(i);
        assert_eq!(less.verify(&root), Err(TrieError::Root));
        let mut other = chunk.clone();
        other.leaves[i].leaf = Hash::ZERO;
        assert_eq!(other.verify(&root), Err(TrieError::Root));
        let mut twice = chunk.clone();
        twice.leaves.insert(i, chunk.leaves[i]);
        assert_eq!(twice.verify(&root), Err(TrieError::Shape));
    }
    let add = |key| {
        let mut more = chunk.clone();
        let at = more.leaves.partition_point(|e| e.key < key);
        more.leaves.insert(at, Entry { key, leaf: Hash::ZERO });
        more.verify(&root)
    };
    let covered = (200..).map(|i| entry(i).key).find(|k| chunk.prefix.covers(k)).unwrap();
    assert_eq!(add(covered), Err(TrieError::Root));
    assert_eq!(add(Hash::ZERO), Err(TrieError::Shape));
    let mut swapped = chunk.clone();
    swapped.leaves.swap(0, 1);
    assert_eq!(swapped.verify(&root), Err(TrieError::Shape));
    let none = Chunk { leaves: Vec::new(), ..chunk.clone() };
    assert_eq!(none.verify(&root), Err(TrieError::Root));
}

/// The leaves of a deeper part, with an honest opening for that part, are not passed off as the whole prefix.
#[test]
fn a_deeper_chunk_is_not_a_shallower_one() {
    let trie = first(200);
    let deep = trie.chunk(Prefix::new(5, 21).unwrap());
    assert_eq!(deep.verify(&trie.root()), Ok(()));
    let claimed = Chunk { prefix: Prefix::new(3, 5).unwrap(), ..deep };
    assert_eq!(claimed.verify(&trie.root()), Err(TrieError::Shape));
}

/// An empty chunk shows an entry outside of the prefix; one inside of it, or leaves beside it, are refused.
#[test]
fn an_empty_chunk_is_an_absence() {
    let key = Hash::from_bytes([0x20; 32]); // 001…
    let trie = Trie::from_leaves([Entry { key, leaf: key }, Entry { key: Hash::ZERO, leaf: key }]).unwrap();
    let chunk = |depth, index| trie.chunk(Prefix::new(depth, index).unwrap());
    let empty = chunk(1, 1);
    assert_eq!((empty.leaves.len(), empty.verify(&trie.root())), (0, Ok(())));
    let held = Chunk { prefix: Prefix::new(1, 0).unwrap(), ..empty.clone() };
    assert_eq!(held.verify(&trie.root()), Err(TrieError::Shape));
    let both = Chunk { leaves: vec![Entry { key: Hash::from_bytes([0xff; 32]), leaf: key }], ..empty };
    assert_eq!(both.verify(&trie.root()), Err(TrieError::Shape));

    let nothing = Trie::new().chunk(Prefix::new(4, 9).unwrap());
    assert_eq!(nothing.verify(&Trie::new().root()), Ok(()));
    assert_eq!(nothing.verify(&trie.root()), Err(TrieError::Root));
}

#[test]
fn encodings_of_another_length_are_refused() {
    let trie = first(40);
    let proof = trie.prove(&entry(1).key).to_bytes();
    let chunk = trie.chunk(Prefix::new(2, 1).unwrap()).to_bytes();
    assert!(proof.len() <= TrieProof::MAX_BYTES);
    for cut in 0..proof.len() {
        assert!(TrieProof::from_bytes(&proof[..cut]).is_err());
        assert!(ChunkProof::from_bytes(&proof[..cut]).is_err());
    }
    for cut in 0..chunk.len() {
        assert!(Chunk::from_bytes(&chunk[..cut]).is_err());
    }
    assert!(TrieProof::from_bytes(&[&proof[..], &[0]].concat()).is_err());
    assert!(Chunk::from_bytes(&[&chunk[..], &[0; 32]].concat()).is_err());
    let mut flag = proof.clone();
    flag[8] = 2;
    assert!(TrieProof::from_bytes(&flag).is_err());
    // A count whose bytes cannot be there is refused before anything is allocated for it.
    for count in [u64::MAX, 1 << 58, 1 << 40, 41] {
        let mut many = chunk.clone();
        many[5..13].copy_from_slice(&count.to_le_bytes());
        assert!(Chunk::from_bytes(&many).is_err());
    }
    // Prefixes: 33 bits, and an index of more bits than the depth.
    for (depth, index) in [(33, 1), (2, 4)] {
        let mut wide = chunk.clone();
        (wide[0], wide[1]) = (depth, index);
        assert!(Chunk::from_bytes(&wide).is_err());
    }
}

#[test]
fn a_flipped_bit_in_a_proof_is_refused() {
    for trie in [first(0), first(1), first(2), first(60)] {
        for key in [entry(0).key, entry(1).key, entry(70).key] {
            let bytes = trie.prove(&key).to_bytes();
            for bit in 0..bytes.len() * 8 {
                let verdict =
                    TrieProof::from_bytes(&flipped(&bytes, bit)).map(|p| p.verify(&trie.root(), &key));
                assert!(!matches!(verdict, Ok(Ok(_))), "bit {bit} of a proof in {} entries", trie.len());
            }
        }
    }
}

/// Beyond the prefix, each flip is refused; in the prefix it may ask another question, never give a wrong
/// answer.
#[test]
fn a_flipped_bit_in_a_chunk_is_refused() {
    for (trie, depth, index) in
        [(first(60), 3, 2), (first(60), 8, 1), (first(2), 1, 0), (first(0), 2, 3), (first(1), 0, 0)]
    {
        let bytes = trie.chunk(Prefix::new(depth, index).unwrap()).to_bytes();
        for bit in 0..bytes.len() * 8 {
            let Ok(chunk) = Chunk::from_bytes(&flipped(&bytes, bit)) else {
                continue;
            };
            if chunk.verify(&trie.root()).is_ok() {
                assert!(bit < 40, "bit {bit}");
                assert_eq!(chunk.leaves, trie.chunk(chunk.prefix).leaves);
            }
        }
    }
}

proptest! {
    #[test]
    fn the_root_depends_on_the_set_alone(set in any_set(30), seed: u64) {
        let mut order = entries(&set);
        order.sort_by_key(|e| tagged("test/order", &[&seed.to_le_bytes(), e.key.as_bytes()]));
        let mut one_by_one = Trie::new();
        for e in &order {
            one_by_one.insert(e.key, e.leaf).unwrap();
        }
        prop_assert_eq!(one_by_one.root(), trie(&set).root());
        prop_assert_eq!(Trie::from_leaves(order).unwrap().root(), trie(&set).root());
        prop_assert!(set.iter().all(|(k, x)| one_by_one.get(k) == Some(*x)));
    }

    #[test]
    fn another_set_has_another_root(a in any_set(8), b in any_set(8)) {
        prop_assert_eq!(trie(&a).root() == trie(&b).root(), a == b);
    }

    #[test]
    fn removal_undoes_insertion(set in any_set(30), key in any_key()) {
        let mut edited = trie(&set);
        match set.get(&key) {
            None => {
                edited.insert(key, Hash::ZERO).unwrap();
                prop_assert_eq!(edited.get(&key), Some(Hash::ZERO));
                prop_assert_eq!(edited.remove(&key), Ok(Hash::ZERO));
            }
            Some(leaf) => {
                prop_assert_eq!(edited.remove(&key), Ok(*leaf));
                prop_assert_eq!(edited.get(&key), None);
                edited.insert(key, *leaf).unwrap();
            }
        }
        prop_assert_eq!((edited.root(), edited.len()), (trie(&set).root(), set.len() as u64));
    }

    #[test]
    fn a_batch_is_its_edits_one_by_one(
        set in any_set(30),
        removes in prop::collection::vec(any_key(), 0..6),
        inserts in prop::collection::vec(any_key(), 0..6),
        honest: bool,
    ) {
        let mut removes = removes;
        if honest {
            removes.retain(|k| set.contains_key(k));
            removes.sort_unstable();
            removes.dedup();
        }
        let inserts: Vec<Entry> = inserts.into_iter().map(|key| Entry { key, leaf: Hash::ZERO }).collect();
        let (mut batch, mut single) = (trie(&set), trie(&set));
        let outcome = batch.apply(&removes, &inserts);
        let steps = removes.iter().try_for_each(|k| single.remove(k).map(drop));
        let steps = steps.and_then(|()| inserts.iter().try_for_each(|e| single.insert(e.key, e.leaf)));
        prop_assert_eq!(outcome.is_ok(), steps.is_ok());
        let want = if steps.is_ok() { single } else { trie(&set) };
        prop_assert_eq!((batch.root(), batch.len()), (want.root(), want.len()));
    }

    #[test]
    fn a_proof_gives_what_the_set_holds_and_nothing_else(
        set in any_set(30),
        key in any_key(),
        other in any_key(),
    ) {
        let (trie, proof) = (trie(&set), trie(&set).prove(&key));
        prop_assert_eq!(proof.verify(&trie.root(), &key), Ok(set.get(&key).copied()));
        // For another key the same walk may serve, but then it tells the truth.
        if let Ok(told) = proof.verify(&trie.root(), &other) {
            prop_assert_eq!(told, set.get(&other).copied());
        }
        let mut changed = trie.clone();
        match set.contains_key(&key) {
            true => drop(changed.remove(&key)),
            false => changed.insert(key, Hash::ZERO).unwrap(),
        }
        prop_assert_eq!(proof.verify(&changed.root(), &key), Err(TrieError::Root));
        prop_assert_eq!(TrieProof::from_bytes(&proof.to_bytes()), Ok(proof));
    }

    #[test]
    fn chunks_of_one_depth_are_the_whole_set(set in any_set(30), depth in 0u8..6) {
        let trie = trie(&set);
        let mut all = Vec::new();
        for index in 0..1 << depth {
            let chunk = trie.chunk(Prefix::new(depth, index).unwrap());
            prop_assert_eq!(chunk.verify(&trie.root()), Ok(()));
            prop_assert_eq!(chunk.proof.trie_len(), set.len() as u64);
            prop_assert_eq!(Chunk::from_bytes(&chunk.to_bytes()), Ok(chunk.clone()));
            prop_assert_eq!(ChunkProof::from_bytes(&chunk.proof.to_bytes()), Ok(chunk.proof));
            all.extend(chunk.leaves);
        }
        prop_assert_eq!(all, entries(&set));
    }

    #[test]
    fn decoding_is_canonical(
        bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..300),
    ) {
        if let Ok(proof) = TrieProof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes.clone());
        }
        if let Ok(chunk) = Chunk::from_bytes(&bytes) {
            prop_assert_eq!(chunk.to_bytes(), bytes);
        }
    }
}

/// A trie of which only the parts that it asks for are loaded.
struct Store(BTreeMap<Hash, Hash>);

impl Store {
    fn top(&self) -> Trie {
        Trie::from_parts(self.0.len() as u64, &trie(&self.0).parts())
    }

    fn part(&self, part: Part) -> Vec<Entry> {
        entries(&self.0).into_iter().filter(|e| Part::of(&e.key) == part).collect()
    }

    fn load(&self, trie: &mut Trie, parts: impl IntoIterator<Item = Part>) {
        parts.into_iter().for_each(|part| trie.load(part, self.part(part)).unwrap());
    }
}

#[test]
fn a_part_is_loaded_with_its_own_entries_only() {
    let store = Store(entries_of(40));
    let mut top = store.top();
    let (part, hash) = top.parts()[3];
    assert_eq!((top.part(part), top.loaded(part)), (Some(hash), None));
    assert_eq!(Part::hash(&store.part(part)), hash);
    let mut wrong = store.part(part);
    wrong[0].leaf = Hash::ZERO;
    for entries in [wrong, Vec::new(), [store.part(part), store.part(part)].concat()] {
        assert_eq!(top.load(part, entries), Err(TrieError::Root));
    }
    let key = store.part(part)[0].key;
    assert_eq!(top.apply(&[key], &[]), Err(Unloaded(key)));
    store.load(&mut top, [part]);
    assert_eq!(top.loaded(part), Some(store.part(part)));
    assert_eq!(top.load(part, Vec::new()), Ok(()), "it is loaded already");
    assert_eq!(top.unloaded().loaded(part), None);
    let absent = Part::new(part.bits() ^ 1);
    assert_eq!((top.part(absent), top.loaded(absent)), (None, Some(Vec::new())));
}

fn entries_of(n: u32) -> BTreeMap<Hash, Hash> {
    (0..n).map(entry).map(|e| (e.key, e.leaf)).collect()
}

proptest! {
    /// Edits, proofs and chunks of a trie are the same whatever of it is loaded, if that is enough.
    #[test]
    fn what_is_not_loaded_changes_nothing(
        set in any_set(60),
        removes in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        inserts in prop::collection::btree_set(any_key(), 0..8),
        key in any_key(),
        (depth, index) in (0u8..20, any::<u32>()),
    ) {
        let (mut full, store) = (trie(&set), Store(set.clone()));
        prop_assert_eq!(store.top().root(), full.root());
        prop_assert_eq!(full.unloaded().parts(), full.parts());

        let mut top = store.top();
        let missing = top.missing(&key);
        store.load(&mut top, missing);
        prop_assert_eq!(top.prove(&key), full.prove(&key));

        let prefix = Prefix::new(depth, (u64::from(index) << depth >> 32) as u32).unwrap();
        let mut top = store.top();
        let missing = top.missing_under(prefix);
        store.load(&mut top, missing);
        prop_assert_eq!(top.chunk(prefix), full.chunk(prefix));

        let keys: Vec<_> = set.keys().copied().collect();
        let mut removed: Vec<_> = removes.iter().filter(|_| !keys.is_empty()).map(|i| *i.get(&keys)).collect();
        removed.sort_unstable();
        removed.dedup();
        let added: Vec<_> = inserts.into_iter().filter(|k| !set.contains_key(k)).collect();
        let mut top = store.top();
        for key in removed.iter().chain(&added) {
            let missing = top.missing(key);
            store.load(&mut top, missing);
        }
        let added: Vec<_> = added.into_iter().map(|key| Entry { key, leaf: Hash::ZERO }).collect();
        full.apply(&removed, &added).unwrap();
        top.apply(&removed, &added).unwrap();
        prop_assert_eq!((top.root(), top.len()), (full.root(), full.len()));
        prop_assert_eq!(top.parts(), full.parts());
        for part in removed.iter().chain(added.iter().map(|e| &e.key)).map(Part::of) {
            prop_assert_eq!(top.loaded(part), full.loaded(part));
        }
    }
}
