//! Roots and proofs of the two state commitments.

use super::wire;
use sotto_mw::{
    hash::{Hash, tagged},
    mmr::Mmr,
    trie::{Entry, Prefix, Trie},
};
use sotto_vectors::{Value, json};

fn leaf(i: u32) -> Hash {
    tagged("test/leaf", &[&i.to_le_bytes()])
}

pub(super) fn mmr() -> Value {
    let (mut mmr, mut roots, mut proofs) = (Mmr::new(), Vec::new(), Vec::new());
    for n in 0..=11u32 {
        roots.push(json!({ "leaves": n, "root": wire(&mmr.root()), "peaks": wire(&mmr.peaks()) }));
        if [1, 7, 8, 11].contains(&n) {
            for i in [0, n / 2, n - 1] {
                let proof = mmr.prove(i.into()).unwrap();
                assert!(proof.verify(&mmr.root(), &leaf(i), i.into(), n.into()).is_ok());
                proofs.push(json!({ "leaves": n, "index": i, "proof": wire(&proof) }));
            }
        }
        mmr.push(leaf(n));
    }
    json!({ "about": "leaf i is H(\"test/leaf\", i as 4 bytes)", "roots": roots, "proofs": proofs })
}

pub(super) fn trie() -> Value {
    let entry = |i: u32| Entry { key: tagged("test/key", &[&i.to_le_bytes()]), leaf: leaf(i) };
    let sizes = [0, 1, 2, 3, 8, 33];
    let roots = sizes.map(|n| {
        let trie = Trie::from_leaves((0..n).map(entry)).unwrap();
        json!({ "entries": n, "root": wire(&trie.root()) })
    });
    let proofs = [(0, 0), (1, 0), (1, 1), (8, 3), (8, 8), (33, 20), (33, 99)].map(|(n, i)| {
        let trie = Trie::from_leaves((0..n).map(entry)).unwrap();
        let proof = trie.prove(&entry(i).key);
        assert_eq!(proof.verify(&trie.root(), &entry(i).key), Ok((i < n).then(|| leaf(i))));
        json!({ "entries": n, "key": i, "proof": wire(&proof) })
    });
    let chunks = [(0, 0, 0), (1, 1, 0), (8, 2, 1), (33, 3, 5), (33, 8, 7)].map(|(n, depth, index)| {
        let trie = Trie::from_leaves((0..n).map(entry)).unwrap();
        let chunk = trie.chunk(Prefix::new(depth, index).unwrap());
        assert!(chunk.verify(&trie.root()).is_ok());
        json!({ "entries": n, "chunk": wire(&chunk) })
    });
    json!({
        "about": "entry i is H(\"test/key\", i as 4 bytes) → H(\"test/leaf\", i as 4 bytes); a proof's key is in \
                  the trie if its number is below the number of entries",
        "roots": roots, "proofs": proofs, "chunks": chunks,
    })
}
