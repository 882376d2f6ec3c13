//! The kernel mountain range: its roots, its two forms and its proofs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may say so by panicking")]

use proptest::prelude::*;
use sotto_mw::{
    codec::{Decode, Encode},
    hash::{Hash, tagged},
    mmr::{Mmr, MmrError, MmrProof, Peaks},
};

fn leaf(i: u32) -> Hash {
    tagged("test/leaf", &[&i.to_le_bytes()])
}

fn range(n: u32) -> Mmr {
    let mut mmr = Mmr::new();
    (0..n).for_each(|i| mmr.push(leaf(i)));
    mmr
}

fn digest(bytes: &[u8]) -> String {
    tagged("test/bytes", &[bytes]).to_string()
}

/// Computed by the definition at the top of `mmr.rs` with Python's hashlib; leaf i = tagged("test/leaf", i
/// (4, LE)).
#[test]
fn known_roots() {
    let known = [
        (0, "63a17f3698bda810af74c0e2c6f3f69e7f7ffcd230e33df94487d83c63509ae0"),
        (1, "2fa808f096ef102080f2e380f2a36697c85056e3c1a6e31ef826e20dcade64c2"),
        (2, "06ef76d66a09076648bfa0be26466fdba6eb6b0e0db6f012c4e7eecd0e952d50"),
        (3, "f224ba286072e99ef9976ff2c6413e3b3e511433ea104357c1be570505d04b43"),
        (7, "f8f7c673b907873b07e66cd26721c20c0f8dea28247d037ecf9fe8622822dcb0"),
        (8, "6e8f9a3a55071f5fc1e3327290452e148b61cc4faec326affb3e0ff1eea7aec7"),
        (11, "ae487a16cfc7be1d94e7074f2257e738c4d867b8c56d5645937ad3fb5d8849d8"),
        (1000, "71042bdc21282fd5517fcd8ed8b06ff1208657a6847f4b4aca466c8d0360f949"),
    ];
    for (n, root) in known {
        assert_eq!(range(n).root().to_string(), root, "{n} leaves");
    }
}

/// Digests tagged("test/bytes", bytes) of proofs that the same Python assembled.
#[test]
fn known_proofs() {
    let known = [
        (11, 9, "c7d72331a889b46f1e02263f3676806d6510f0caca442fcd1d103a49ea66e27f"),
        (1000, 0, "d3a9e846e639d4c2fc6c83ba8ce307673e36761ef8ac409cc03c0b6bb0cdb260"),
        (1000, 999, "13d7138356e26748815a92790de043f04661089445214feef5851e77a6dc6766"),
    ];
    for (n, index, want) in known {
        assert_eq!(digest(&range(n).prove(index).unwrap().to_bytes()), want, "leaf {index} of {n}");
    }
}

#[test]
fn every_length_has_its_root_and_both_forms_agree() {
    let (mut mmr, mut peaks, mut roots) = (Mmr::new(), Peaks::new(), Vec::new());
    for n in 0..300 {
        assert_eq!((mmr.len(), peaks.len()), (n, n));
        assert_eq!((mmr.is_empty(), peaks.is_empty()), (n == 0, n == 0));
        assert_eq!(mmr.peaks(), peaks);
        assert_eq!(mmr.root(), peaks.root());
        assert_eq!(Peaks::from_bytes(&peaks.to_bytes()), Ok(peaks.clone()));
        roots.push(mmr.root());
        mmr.push(Hash::ZERO); // equal leaves, so that only the count tells the roots apart
        peaks.push(Hash::ZERO);
    }
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(roots.len(), 300);
}

#[test]
fn a_proof_holds_for_its_leaf_index_and_count_alone() {
    for n in 1..40u32 {
        let mmr = range(n);
        for i in 0..n {
            let proof = mmr.prove(i.into()).unwrap();
            for (m, j) in (0..n + 2).flat_map(|m| (0..n + 2).map(move |j| (m, j))) {
                let verdict = proof.verify(&mmr.root(), &leaf(i), j.into(), m.into());
                assert_eq!(verdict.is_ok(), (m, j) == (n, i), "leaf {i} of {n} as {j} of {m}: {verdict:?}");
            }
            assert_eq!(proof.verify(&mmr.root(), &leaf(n), i.into(), n.into()), Err(MmrError::Root));
            assert_eq!(proof.verify(&range(n + 1).root(), &leaf(i), i.into(), n.into()), Err(MmrError::Root));
        }
        assert_eq!(mmr.prove(n.into()), None);
    }
}

#[test]
fn an_inner_node_is_not_a_leaf() {
    let two = range(2);
    let inner = tagged("sotto/mmr-node/v1", &[leaf(0).as_bytes(), leaf(1).as_bytes()]);
    let mut one = Mmr::new();
    one.push(inner);
    assert_ne!(one.root(), two.root());
    // A one-leaf proof (no hashes) for the peak of two leaves.
    let peak = Hash::from_bytes(two.peaks().to_bytes()[8..].try_into().unwrap());
    let proof = MmrProof::from_bytes(&[0]).unwrap();
    assert_eq!(proof.verify(&two.root(), &peak, 0, 2), Err(MmrError::Shape));
    assert_eq!(proof.verify(&two.root(), &peak, 0, 1), Err(MmrError::Root));
}

#[test]
fn bytes_of_another_length_are_refused() {
    let mmr = range(11);
    for bytes in [mmr.prove(3).unwrap().to_bytes(), mmr.prove(10).unwrap().to_bytes()] {
        assert!(MmrProof::from_bytes(&bytes).is_ok());
        assert!(MmrProof::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(MmrProof::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
    assert!(MmrProof::from_bytes(&[]).is_err());
    assert!(MmrProof::from_bytes(&[&[126], &[0; 126 * 32][..]].concat()).is_ok());
    assert!(MmrProof::from_bytes(&[&[127], &[0; 127 * 32][..]].concat()).is_err());

    let bytes = mmr.peaks().to_bytes();
    assert!(Peaks::from_bytes(&bytes[..7]).is_err());
    assert!(Peaks::from_bytes(&bytes[..bytes.len() - 32]).is_err());
    assert!(Peaks::from_bytes(&[&bytes[..], &[0; 32]].concat()).is_err());
    assert!(Peaks::from_bytes(&[&[0, 0, 0, 0, 0, 0, 1, 0], &[0; 32][..]].concat()).is_err());
    assert!(Peaks::from_bytes(&[&[0, 0, 0, 0, 0, 128, 0, 0], &[0; 32][..]].concat()).is_ok());
}

/// The longest possible proof is checked like any other.
#[test]
fn the_largest_counts_are_checked() {
    let proof = MmrProof::from_bytes(&[&[126], &[7; 126 * 32][..]].concat()).unwrap();
    assert_eq!(proof.verify(&Hash::ZERO, &leaf(0), 0, u64::MAX), Err(MmrError::Root));
    assert_eq!(proof.verify(&Hash::ZERO, &leaf(0), u64::MAX - 1, u64::MAX), Err(MmrError::Shape));
    assert_eq!(proof.verify(&Hash::ZERO, &leaf(0), u64::MAX, u64::MAX), Err(MmrError::Shape));
}

proptest! {
    #[test]
    fn truncation_undoes_growth(n in 0u32..200, more in 0u32..200) {
        let mut mmr = range(n + more);
        mmr.truncate((n + more).into());
        prop_assert_eq!(mmr.root(), range(n + more).root());
        mmr.truncate(n.into());
        prop_assert_eq!(mmr.peaks(), range(n).peaks());
        (n..n + more).for_each(|i| mmr.push(leaf(i)));
        prop_assert_eq!(mmr.peaks(), range(n + more).peaks());
        let straight = range(n + more);
        prop_assert!((0..n + more).all(|i| mmr.prove(i.into()) == straight.prove(i.into())));
    }

    #[test]
    fn a_flipped_bit_is_refused(n in 1u32..200, pick: prop::sample::Index, flip: prop::sample::Index) {
        let (mmr, i) = (range(n), pick.index(n as usize) as u32);
        let mut bytes = mmr.prove(i.into()).unwrap().to_bytes();
        prop_assert_eq!(MmrProof::from_bytes(&bytes).unwrap().to_bytes(), bytes.clone());
        let bit = flip.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let check = |p: MmrProof| p.verify(&mmr.root(), &leaf(i), i.into(), n.into());
        let verdict = MmrProof::from_bytes(&bytes).map(check);
        prop_assert!(!matches!(verdict, Ok(Ok(()))));
    }

    #[test]
    fn decoding_is_canonical(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        len in 0u8..16,
    ) {
        if let Ok(proof) = MmrProof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes.clone());
        }
        let framed = [&[len, 0, 0, 0, 0, 0, 0, 0], &bytes[..]].concat();
        if let Ok(peaks) = Peaks::from_bytes(&framed) {
            prop_assert_eq!(peaks.to_bytes(), framed);
        }
    }
}
