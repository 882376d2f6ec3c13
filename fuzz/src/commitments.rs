//! Proofs about the two sets that a header commits to.
//!
//! Besides the single encoding, each target compares a proof with the set itself: a leaf, a key or a prefix
//! has exactly one proof, the one that the set produces.

use crate::{
    Verdict,
    fixtures::commitments::{LEAVES, leaf, range, tree},
};
use sotto_mw::{
    codec::{Decode, Encode},
    hash::Hash,
    mmr::{MmrProof, Peaks},
    trie::{Chunk, TrieProof},
};

/// Index of a leaf (1) ‖ proof, for the range of `LEAVES` leaves.
pub fn mw_mmr_proof(data: &[u8]) -> Verdict {
    let Some((&index, bytes)) = data.split_first() else { return Verdict::Refused };
    let Ok(proof) = MmrProof::from_bytes(bytes) else { return Verdict::Refused };
    assert!(proof.to_bytes() == bytes, "two encodings of one proof");
    let (range, index) = (range(), index.into());
    if proof.verify(&range.root(), &leaf(index), index, LEAVES).is_ok() {
        assert_eq!(range.prove(index), Some(proof.clone()), "a second proof of leaf {index}");
    }
    for other in [0, 1, LEAVES - 1, LEAVES + 1, 2 * LEAVES, u64::MAX] {
        assert!(proof.verify(&range.root(), &leaf(index), index, other).is_err(), "a root of {other} leaves");
    }
    Verdict::Accepted
}

/// The compact form of a range. After adding a leaf it must still be valid.
pub fn mw_peaks(data: &[u8]) -> Verdict {
    let Ok(mut peaks) = Peaks::from_bytes(data) else { return Verdict::Refused };
    assert!(peaks.to_bytes() == data, "two encodings of one range");
    let (len, root) = (peaks.len(), peaks.root());
    peaks.push(leaf(0));
    assert!(peaks.len() == len + 1 && peaks.root() != root);
    assert!(Peaks::from_bytes(&peaks.to_bytes()).is_ok_and(|p| p == peaks) || len + 1 == 1 << 48);
    Verdict::Accepted
}

/// Key (32) ‖ proof, for the trie of `LEAVES` entries.
pub fn mw_trie_proof(data: &[u8]) -> Verdict {
    let Some((key, bytes)) = data.split_first_chunk() else { return Verdict::Refused };
    let Ok(proof) = TrieProof::from_bytes(bytes) else { return Verdict::Refused };
    assert!(proof.to_bytes() == bytes, "two encodings of one proof");
    assert!(bytes.len() <= TrieProof::MAX_BYTES, "a proof above the maximum length");
    let (tree, key) = (tree(), Hash::from_bytes(*key));
    if let Ok(leaf) = proof.verify(&tree.root(), &key) {
        assert_eq!(leaf, tree.get(&key), "a wrong result for {key}");
        assert_eq!(proof, tree.prove(&key), "a second proof about {key}");
    }
    Verdict::Accepted
}

/// A chunk, for the trie of `LEAVES` entries.
pub fn mw_chunk(data: &[u8]) -> Verdict {
    let Ok(chunk) = Chunk::from_bytes(data) else { return Verdict::Refused };
    assert!(chunk.to_bytes() == data, "two encodings of one chunk");
    let tree = tree();
    if chunk.verify(&tree.root()).is_ok() {
        assert_eq!(chunk, tree.chunk(chunk.prefix), "a second chunk of {:?}", chunk.prefix);
    }
    Verdict::Accepted
}
